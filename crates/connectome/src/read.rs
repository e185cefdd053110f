//! Files that users have, to a [`Connectome`].
//!
//! | file | read as |
//! |---|---|
//! | folder or `.zip` with `*_connectivity_matrix.csv` | the supplement of Winding et al. 2023 |
//! | folder with `edges.csv[.gz]` | edge table, with `neurons.csv[.gz]` and `pairs.csv` beside it |
//! | `.csv`, `.tsv`, `.txt`, `.edgelist` (`.gz`) | edge table, or a labelled square matrix |
//! | `.graphml` | nodes and weighted edges |
//! | `.mtx` | Matrix Market coordinates or array |
//! | `.npz`, `.npy`, `.mat`, `.h5` | SciPy's sparse matrices, or a dense square matrix |
//! | `.parquet`, `.feather`, `.arrow` | edge table (FlyWire, neuPrint), with the cargo feature `columnar` |

mod annotations;
mod array;
mod builder;
mod columns;
mod edges;
mod graphml;
mod ids;
mod matrix;
mod matrix_market;
mod pairs;
mod supplement;

pub(crate) use annotations::{has_pair_column, says};
pub(crate) use builder::canonical;
pub(crate) use ids::read as ids;

use crate::data::Connectome;
use crate::error::DataError;
use annotations::{Annotations, NeuronFile};
use builder::Builder;
use neuropil_lab::file;
use neuropil_lab::table::{Table, whole_number};
use std::path::{Path, PathBuf};

/// Loads a connectome from a file or folder of any supported form. `FILE#NAME` stands for the matrix of that name in a
/// file that holds several.
///
/// # Errors
/// [`DataError`] that names file, line and field.
pub fn load(path: &Path) -> Result<Connectome, DataError> {
    let text = path.to_string_lossy();
    let mut connectome = match text.rsplit_once('#') {
        Some((file, array)) if !path.exists() => load_unchecked(Path::new(file), Some(array))?,
        _ => load_unchecked(path, None)?,
    };
    if connectome.n() == 0 {
        return Err(DataError::field(path, 0, "", "no neuron", "edges, or a matrix"));
    }
    annotations::derive(&mut connectome);
    connectome.validate()?;
    Ok(connectome)
}

/// 64-bit FNV-1a hash of a file, or of the files of a folder in the order of their names: to tell which data a
/// result comes from.
///
/// # Errors
/// A file that cannot be read.
pub fn fingerprint(path: &Path) -> Result<String, DataError> {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(DataError::io(path, "read"))?;
        files = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.is_file());
        files.sort();
    }
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        for byte in std::fs::read(&file).map_err(DataError::io(&file, "read"))? {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(format!("{hash:016x}"))
}

fn load_unchecked(path: &Path, array: Option<&str>) -> Result<Connectome, DataError> {
    if path.is_dir() {
        return folder(path);
    }
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let plain = name.trim_end_matches(".gz");
    match plain.rsplit('.').next().unwrap_or_default() {
        "zip" => {
            let members = supplement::in_archive(path)?;
            supplement::read(path, members)
        }
        "graphml" | "xml" => {
            let (builder, annotations) = graphml::read(path)?;
            finished(path, builder, annotations)
        }
        "mtx" => matrix_market::read(path)?.finish(path),
        "npz" | "npy" | "mat" | "h5" | "hdf5" => array::connectome(path, array),
        _ => {
            // `edges.csv` stands for its folder.
            match path.parent() {
                Some(folder) if name.starts_with("edges.") => beside(path, folder),
                _ => edge_table(path, false)?.finish(path),
            }
        }
    }
}

fn folder(path: &Path) -> Result<Connectome, DataError> {
    let names = [
        "edges.csv",
        "edges.csv.gz",
        "edges.tsv",
        "edges.tsv.gz",
        "edges.txt",
        "edges.parquet",
        "edges.feather",
    ];
    if let Some(file) = first_of(path, &names) {
        return beside(&file, path);
    }
    let members = supplement::in_folder(path)?;
    if !members.is_empty() {
        return supplement::read(path, members);
    }
    let found = "neither `edges.csv` nor `*_connectivity_matrix.csv`";
    Err(DataError::field(path, 0, "", found, "one of these")
        .hint("give the file itself, or the unpacked supplement of the paper"))
}

/// The edges of a table or of a labelled matrix; `words` says that numbers are labels too.
fn edge_table(path: &Path, words: bool) -> Result<Builder, DataError> {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    if [".parquet", ".feather", ".arrow"]
        .iter()
        .any(|ending| name.ends_with(ending))
    {
        return edges::of_table(path, &Table::read(path)?);
    }
    let text = file::text(path)?;
    if let Some(form) = other_form(&text) {
        return Err(
            DataError::field(path, 0, "", form, "a table of edges, or a labelled matrix")
                .hint("GraphML is read: `networkx.write_graphml(graph, \"file.graphml\")`"),
        );
    }
    if matrix::is_labelled(path, &text) {
        matrix::read(path, &text)
    } else if let Some(numbers) = matrix::bare(path, &text) {
        matrix::of_numbers(path, &numbers)
    } else {
        edges::parse(path, &text, words)
    }
}

/// The name of a form of graphs that is no table and is not read.
fn other_form(text: &str) -> Option<&'static str> {
    let text = text.trim_start();
    let begin: String = text.chars().take(400).collect::<String>().to_lowercase();
    Some(match begin.chars().next()? {
        '{' | '[' => "JSON",
        '<' if begin.contains("<gexf") => "GEXF",
        '<' => "XML",
        '*' if begin.starts_with("*vertices") || begin.starts_with("*network") => "Pajek",
        _ if begin.starts_with("graph [")
            || begin.starts_with("graph\n[")
            || begin.starts_with("creator ") =>
        {
            "GML"
        }
        _ => return None,
    })
}

/// Edges with the tables of neurons and pairs that lie in their folder.
fn beside(path: &Path, folder: &Path) -> Result<Connectome, DataError> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let neurons = NeuronFile::in_folder(folder)?;
    let mut builder = edge_table(path, neurons.as_ref().is_some_and(NeuronFile::has_words))?;
    let annotations = neurons
        .map(|neurons| neurons.complete(&mut builder))
        .transpose()?;
    let mut connectome = finished(path, builder, annotations.unwrap_or_default())?;
    annotations::pairs_beside(folder, &mut connectome)?;
    Ok(connectome)
}

fn finished(path: &Path, builder: Builder, annotations: Annotations) -> Result<Connectome, DataError> {
    let mut connectome = builder.finish(path)?;
    annotations.join(&mut connectome)?;
    Ok(connectome)
}

/// The first of some files of a folder that exists.
fn first_of(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    names
        .iter()
        .map(|name| folder.join(name))
        .find(|file| file.is_file())
}

/// An integer id; one that has lost digits as a floating-point number is refused.
///
/// Root ids of large volumes exceed 2^53: once through a double, their last digits are lost.
fn id(path: &Path, line: usize, field: &str, text: &str) -> Result<i64, DataError> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let found = if text.is_empty() {
        "nothing".to_owned()
    } else {
        format!("`{}`", file::shown(text))
    };
    let wrong = || DataError::field(path, line, field, found, "an integer id");
    match whole_number(text) {
        Ok(Some(id)) => Ok(id),
        Ok(None) => Err(wrong()),
        Err(hint) => Err(wrong().hint(hint)),
    }
}

/// A finite number; what is missing is 0.
fn number(path: &Path, line: usize, field: &str, text: &str) -> Result<f64, DataError> {
    let text = text.trim();
    if neuropil_lab::table::is_missing(text) && !text.eq_ignore_ascii_case("nan") {
        return Ok(0.0);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(DataError::field(
            path,
            line,
            field,
            format!("`{}`", file::shown(text)),
            "a number",
        )),
    }
}

/// A synapse count: a whole number, not negative.
fn count(path: &Path, line: usize, field: &str, value: f64) -> Result<f64, DataError> {
    if value < 0.0 || value.fract() != 0.0 {
        let expected = "a count: a whole number that is not negative";
        return Err(DataError::field(
            path,
            line,
            field,
            format!("`{value}`"),
            expected,
        ));
    }
    Ok(value)
}
