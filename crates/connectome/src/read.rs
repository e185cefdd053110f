//! Files that users have, to a [`Connectome`].
//!
//! | file | read as |
//! |---|---|
//! | folder or `.zip` with `*_connectivity_matrix.csv` | the supplement of Winding et al. 2023 |
//! | folder with `edges.csv[.gz]` | edge table, with `neurons.csv[.gz]` and `pairs.csv` beside it |
//! | `.csv`, `.tsv`, `.txt`, `.edgelist` (`.gz`) | edge table, or a labelled square matrix |
//! | `.graphml` | nodes and weighted edges |
//! | `.mtx` | Matrix Market coordinates |
//! | `.npz`, `.npy` | SciPy sparse rows, or a dense matrix |
//! | `.parquet`, `.feather`, `.arrow` | edge table (FlyWire, neuPrint), with the cargo feature `columnar` |

mod annotations;
mod array;
mod builder;
#[cfg(feature = "columnar")]
mod columnar;
mod edges;
mod exchange;
mod matrix;
mod supplement;

pub use array::{Array, npz};

use crate::data::Connectome;
use crate::error::DataError;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Loads a connectome from a file or folder of any supported form.
///
/// # Errors
/// [`DataError`] that names file, line and field.
pub fn load(path: &Path) -> Result<Connectome, DataError> {
    let mut connectome = load_unchecked(path)?;
    annotations::beside(path, &mut connectome)?;
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

fn load_unchecked(path: &Path) -> Result<Connectome, DataError> {
    if path.is_dir() {
        for name in ["edges.csv", "edges.csv.gz", "edges.tsv", "edges.txt"] {
            let file = path.join(name);
            if file.is_file() {
                return edges::read(&file);
            }
        }
        let members = supplement::in_folder(path)?;
        if !members.is_empty() {
            return supplement::read(path, members);
        }
        let found = "neither `edges.csv` nor `*_connectivity_matrix.csv`";
        return Err(DataError::field(path, 0, "", found, "one of these")
            .hint("give the file itself, or the unpacked supplement of the paper"));
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
        "graphml" | "xml" => exchange::graphml(path),
        "mtx" => exchange::matrix_market(path),
        "npz" | "npy" => array::connectome(path),
        #[cfg(feature = "columnar")]
        "parquet" | "feather" | "arrow" => columnar::read(path),
        #[cfg(not(feature = "columnar"))]
        "parquet" | "feather" | "arrow" => Err(DataError::field(
            path,
            0,
            "",
            "a columnar table",
            "a form that this build reads",
        )
        .hint("build with `--features columnar` to read Parquet and Feather, or export the table as CSV")),
        _ if matrix::looks_square(path)? => matrix::read(path),
        _ => edges::read(path),
    }
}

/// The whole text of a file, unpacked when it ends in `.gz`, without a byte-order mark.
fn text(path: &Path) -> Result<String, DataError> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(DataError::io(path, "read"))?;
    if path.extension().is_some_and(|ending| ending == "gz") {
        flate2::read::MultiGzDecoder::new(file)
            .read_to_end(&mut bytes)
            .map_err(DataError::io(path, "unpack"))?;
    } else {
        let mut file = file;
        file.read_to_end(&mut bytes)
            .map_err(DataError::io(path, "read"))?;
    }
    decode(path, bytes)
}

fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, DataError> {
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = String::from_utf8_lossy(valid).matches('\n').count();
        DataError::field(path, line + 1, "", "bytes that are not UTF-8", "text")
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// The first of some files of a folder that exists.
fn first_of(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    names
        .iter()
        .map(|name| folder.join(name))
        .find(|file| file.is_file())
}

/// A table with headers: lower-case names, rows with their line numbers.
struct Table {
    path: PathBuf,
    headers: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
}

impl Table {
    fn parse(path: &Path, text: &str) -> Result<Self, DataError> {
        let delimiter = if text.lines().next().unwrap_or_default().contains('\t') {
            b'\t'
        } else {
            b','
        };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let broken = |error: csv::Error| {
            let line = error.position().map_or(0, |p| p.line() as usize);
            DataError::field(
                path,
                line,
                "",
                error.to_string(),
                "a table with as many fields in every row",
            )
        };
        let headers = reader
            .headers()
            .map_err(broken)?
            .iter()
            .map(str::to_owned)
            .collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(broken)?;
            let line = record.position().map_or(0, |p| p.line() as usize);
            rows.push((line, record.iter().map(str::to_owned).collect()));
        }
        Ok(Self {
            path: path.to_owned(),
            headers,
            rows,
        })
    }

    fn read(path: &Path) -> Result<Self, DataError> {
        Self::parse(path, &text(path)?)
    }

    fn column(&self, names: &[&str]) -> Option<usize> {
        names
            .iter()
            .find_map(|name| self.headers.iter().position(|h| h.eq_ignore_ascii_case(name)))
    }

    fn require(&self, names: &[&str]) -> Result<usize, DataError> {
        self.column(names).ok_or_else(|| {
            let found = format!("columns `{}`", self.headers.join("`, `"));
            DataError::field(
                &self.path,
                1,
                "header",
                found,
                format!("a column `{}`", names.join("` or `")),
            )
        })
    }
}

/// An integer id; one that was written as a floating-point number is refused.
///
/// Root ids of large volumes exceed 2^53: once through a double, their last digits are lost.
fn id(path: &Path, line: usize, field: &str, text: &str) -> Result<i64, DataError> {
    let text = text.trim();
    text.parse().map_err(|_| {
        let error = DataError::field(path, line, field, format!("`{text}`"), "an integer id");
        if text.parse::<f64>().is_ok() {
            error.hint("ids written as floating-point numbers have lost digits: export the column as integer or text")
        } else {
            error
        }
    })
}

/// A finite number; blank is 0.
fn number(path: &Path, line: usize, field: &str, text: &str) -> Result<f64, DataError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(0.0);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(DataError::field(
            path,
            line,
            field,
            format!("`{text}`"),
            "a number",
        )),
    }
}

/// A synapse count: a whole number, not negative; blank is 0.
fn count(path: &Path, line: usize, field: &str, text: &str) -> Result<f64, DataError> {
    let value = number(path, line, field, text)?;
    if value < 0.0 || value.fract() != 0.0 {
        return Err(DataError::field(
            path,
            line,
            field,
            format!("`{}`", text.trim()),
            "a count: a whole number that is not negative",
        ));
    }
    Ok(value)
}
