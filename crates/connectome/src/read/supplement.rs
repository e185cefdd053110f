//! Supplementary Data S1 of Winding et al. 2023: square matrices, totals, annotations.

use super::builder::Builder;
use super::{id, matrix, number};
use crate::data::{Connectome, Side, TYPED_LAYERS};
use crate::error::DataError;
use neuropil_lab::file;
use neuropil_lab::memory;
use neuropil_lab::table::Table;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// File name → text.
pub(super) type Members = BTreeMap<String, String>;

fn wanted(name: &str) -> bool {
    name.ends_with("_connectivity_matrix.csv")
        || ["inputs.csv", "outputs.csv", "annotations.csv"].contains(&name)
}

/// The supplement's files in a folder, or one folder below; empty when there is no matrix.
pub(super) fn in_folder(folder: &Path) -> Result<Members, DataError> {
    let mut folders = vec![folder.to_owned()];
    let mut members = Members::new();
    let mut depth = 0;
    while let Some(at) = folders.pop() {
        let entries = std::fs::read_dir(&at).map_err(DataError::io(&at, "read"))?;
        for entry in entries.filter_map(Result::ok) {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if path.is_dir() && depth == 0 && !name.starts_with("__") {
                folders.push(path);
            } else if wanted(&name) {
                let text = file::text(&path)?;
                insert(folder, &mut members, name, text)?;
            }
        }
        depth += 1;
    }
    if !members
        .keys()
        .any(|name| name.ends_with("_connectivity_matrix.csv"))
    {
        members.clear();
    }
    Ok(members)
}

/// Adds a file; one name stands for one file.
fn insert(path: &Path, members: &mut Members, name: String, text: String) -> Result<(), DataError> {
    let size: usize = members.values().map(String::len).sum();
    memory::claim(path, "its tables", size.saturating_add(text.len()), 1)?;
    if members.contains_key(&name) {
        let found = format!("two files `{}`", file::shown(&name));
        return Err(DataError::field(path, 0, "", found, "one of each name"));
    }
    members.insert(name, text);
    Ok(())
}

/// The supplement's files in an archive.
pub(super) fn in_archive(path: &Path) -> Result<Members, DataError> {
    let mut opened = std::fs::File::open(path).map_err(DataError::io(path, "read"))?;
    let announced = file::zip_entries(&mut opened);
    let damaged =
        |error: zip::result::ZipError| DataError::field(path, 0, "", error.to_string(), "a zip archive");
    let mut archive = zip::ZipArchive::new(opened).map_err(damaged)?;
    if announced.is_some_and(|n| n != archive.len()) {
        return Err(DataError::field(
            path,
            0,
            "",
            "two files of one name",
            "every name once",
        ));
    }
    let mut members = Members::new();
    for k in 0..archive.len() {
        let member = archive.by_index(k).map_err(damaged)?;
        let full = member.name().to_owned();
        let name = full.rsplit('/').next().unwrap_or_default().to_owned();
        if full.starts_with("__MACOSX") || !wanted(&name) {
            continue;
        }
        let bytes = file::whole(path, member, "unpack")?;
        let text = file::decode(&path.join(&full), bytes)?;
        insert(path, &mut members, name, text)?;
    }
    if !members
        .keys()
        .any(|name| name.ends_with("_connectivity_matrix.csv"))
    {
        return Err(DataError::field(
            path,
            0,
            "",
            "no `*_connectivity_matrix.csv`",
            "the supplement of the paper",
        ));
    }
    Ok(members)
}

type Sparse = (Vec<String>, Vec<(String, String, f64)>);

/// The connectome of the supplement.
pub(super) fn read(path: &Path, mut members: Members) -> Result<Connectome, DataError> {
    let matrices: Vec<(&str, PathBuf, String)> = TYPED_LAYERS
        .iter()
        .filter_map(|&layer| {
            let name = format!("{layer}_connectivity_matrix.csv");
            Some((layer, path.join(&name), members.remove(&name)?))
        })
        .collect();
    if matrices.is_empty() {
        return Err(DataError::field(
            path,
            0,
            "",
            "none of the four typed matrices",
            "`ad_connectivity_matrix.csv` and its kin",
        ));
    }
    let parsed: Vec<(&str, Sparse)> = matrices
        .into_par_iter()
        .map(|(layer, file, text)| {
            let mut edges = Vec::new();
            let keep = |row: &str, column: &str, w: f64, edges: &mut Vec<(String, String, f64)>| {
                edges.push((row.to_owned(), column.to_owned(), w));
            };
            let (rows, _) = matrix::parse(&file, &text, true, keep, &mut edges)?;
            for (k, row) in rows.iter().enumerate() {
                id(&file, k + 2, "column 1", row)?;
            }
            Ok((layer, (rows, edges)))
        })
        .collect::<Result<_, DataError>>()?;
    let mut builder = Builder::default();
    for (layer, (_, edges)) in &parsed {
        builder.layer(layer);
        for (pre, post, weight) in edges {
            let (pre, post) = (builder.node(pre), builder.node(post));
            builder.edge(layer, pre, post, *weight);
        }
    }
    // Neurons without any edge stay in: the matrix of all types names them.
    for (_, (rows, _)) in &parsed {
        rows.iter().for_each(|name| _ = builder.node(name));
    }
    let mut connectome = builder.finish(path)?;
    if let Some(text) = members.get("inputs.csv") {
        let table = Table::parse(&path.join("inputs.csv"), text)?;
        let (axon, dendrite) = (
            totals(&connectome, &table, "axon_input")?,
            totals(&connectome, &table, "dendrite_input")?,
        );
        connectome.input_totals = Some((axon, dendrite));
    }
    if let Some(text) = members.get("annotations.csv") {
        annotate(
            &mut connectome,
            &Table::parse(&path.join("annotations.csv"), text)?,
        )?;
    }
    Ok(connectome)
}

fn totals(connectome: &Connectome, table: &Table, name: &str) -> Result<Vec<f64>, DataError> {
    // Ids stand in the first column, whatever it is called.
    let key = table.names().next().unwrap_or_default();
    let (ids, own) = (table.texts(key)?, table.texts(name)?);
    let mut values = vec![0.0; connectome.n()];
    for row in 0..table.n_rows() {
        let line = table.line(row);
        let id = id(table.path(), line, "id", &ids[row])?;
        if let Ok(i) = connectome.ids.binary_search(&id) {
            values[i] = number(table.path(), line, name, &own[row])?;
        }
    }
    Ok(values)
}

/// Cell classes, pairs and sides; `no pair` and `no cluster` are absences.
fn annotate(connectome: &mut Connectome, table: &Table) -> Result<(), DataError> {
    let n = connectome.n();
    let optional = |name: &str| -> Result<Vec<String>, DataError> {
        match table.find(&[name]) {
            Some(name) => Ok(table.texts(name)?),
            None => Ok(vec![String::new(); table.n_rows()]),
        }
    };
    let sides = [(Side::Left, "left_id"), (Side::Right, "right_id")];
    let members = [table.texts(sides[0].1)?, table.texts(sides[1].1)?];
    let columns = [
        ("celltype", table.texts("celltype")?),
        ("annotations", optional("additional_annotations")?),
        ("level_7_cluster", optional("level_7_cluster")?),
    ];
    let mut hemisphere = vec![String::new(); n];
    let mut known = columns.each_ref().map(|_| vec![String::new(); n]);
    for row in 0..table.n_rows() {
        let mut pair = Vec::new();
        for ((side, name), texts) in sides.iter().zip(&members) {
            let text = texts[row].trim();
            if text.is_empty() || text == "no pair" {
                continue;
            }
            let own = id(table.path(), table.line(row), name, text)?;
            let Ok(i) = connectome.ids.binary_search(&own) else {
                continue;
            };
            connectome.sides[i] = *side;
            if *side == Side::Left { "L" } else { "R" }.clone_into(&mut hemisphere[i]);
            for ((_, texts), known) in columns.iter().zip(&mut known) {
                if !texts[row].starts_with("no ") {
                    known[i].clone_from(&texts[row]);
                }
            }
            pair.push(i);
        }
        if let [left, right] = pair[..]
            && !connectome.pairs.contains(&(left, right))
        {
            connectome.pairs.push((left, right));
        }
    }
    connectome.neurons.set("hemisphere", hemisphere);
    for ((name, _), values) in columns.iter().zip(known) {
        connectome.neurons.set(name, values);
    }
    Ok(())
}
