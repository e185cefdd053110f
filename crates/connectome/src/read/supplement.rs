//! Supplementary Data S1 of Winding et al. 2023: square matrices, totals, annotations.

use super::builder::Builder;
use super::{Table, decode, id, matrix, number};
use crate::data::{Connectome, Side, TYPED_LAYERS};
use crate::error::DataError;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::io::Read;
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
                members.insert(name, super::text(&path)?);
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

/// The supplement's files in an archive.
pub(super) fn in_archive(path: &Path) -> Result<Members, DataError> {
    let file = std::fs::File::open(path).map_err(DataError::io(path, "read"))?;
    let damaged =
        |error: zip::result::ZipError| DataError::field(path, 0, "", error.to_string(), "a zip archive");
    let mut archive = zip::ZipArchive::new(file).map_err(damaged)?;
    let mut members = Members::new();
    for k in 0..archive.len() {
        let mut member = archive.by_index(k).map_err(damaged)?;
        let full = member.name().to_owned();
        let name = full.rsplit('/').next().unwrap_or_default().to_owned();
        if full.starts_with("__MACOSX") || !wanted(&name) {
            continue;
        }
        let mut bytes = Vec::with_capacity(member.size() as usize);
        member
            .read_to_end(&mut bytes)
            .map_err(DataError::io(path, "unpack"))?;
        members.insert(name, decode(&path.join(&full), bytes)?);
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
    let mut connectome = builder.finish();
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
    let column = table.require(&[name])?;
    let mut values = vec![0.0; connectome.n()];
    for (line, row) in &table.rows {
        let own = id(&table.path, *line, "id", &row[0])?;
        if let Ok(i) = connectome.ids.binary_search(&own) {
            values[i] = number(&table.path, *line, name, &row[column])?;
        }
    }
    Ok(values)
}

/// Cell classes, pairs and sides; `no pair` and `no cluster` are absences.
fn annotate(connectome: &mut Connectome, table: &Table) -> Result<(), DataError> {
    let n = connectome.n();
    let sides = [
        (Side::Left, table.require(&["left_id"])?),
        (Side::Right, table.require(&["right_id"])?),
    ];
    let class = table.require(&["celltype"])?;
    let more = table.column(&["additional_annotations"]);
    let cluster = table.column(&["level_7_cluster"]);
    let (mut classes, mut annotations, mut clusters, mut hemisphere) = (
        vec![String::new(); n],
        vec![String::new(); n],
        vec![String::new(); n],
        vec![String::new(); n],
    );
    for (line, row) in &table.rows {
        let mut members = Vec::new();
        for (side, column) in sides {
            let text = row[column].trim();
            if text.is_empty() || text == "no pair" {
                continue;
            }
            let own = id(&table.path, *line, &table.headers[column], text)?;
            let Ok(i) = connectome.ids.binary_search(&own) else {
                continue;
            };
            connectome.sides[i] = side;
            if side == Side::Left { "L" } else { "R" }.clone_into(&mut hemisphere[i]);
            let known = |k: Option<usize>| {
                let text = k.map_or("", |k| row[k].as_str());
                if text.starts_with("no ") {
                    String::new()
                } else {
                    text.to_owned()
                }
            };
            classes[i] = known(Some(class));
            annotations[i] = known(more);
            clusters[i] = known(cluster);
            members.push(i);
        }
        if let [left, right] = members[..]
            && !connectome.pairs.contains(&(left, right))
        {
            connectome.pairs.push((left, right));
        }
    }
    for (name, values) in [
        ("hemisphere", hemisphere),
        ("celltype", classes),
        ("annotations", annotations),
        ("level_7_cluster", clusters),
    ] {
        connectome.neurons.set(name, values);
    }
    Ok(())
}
