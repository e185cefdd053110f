//! Neuron tables and pair tables beside an edge file, and what follows from them.

use super::{Table, first_of, number};
use crate::data::{Connectome, Side};
use crate::error::DataError;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Reads `neurons.csv[.gz]` and `pairs.csv` that lie in the folder, or beside the edge file.
pub(super) fn beside(path: &Path, connectome: &mut Connectome) -> Result<(), DataError> {
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().unwrap_or(Path::new("."))
    };
    let is_edges = path.is_dir()
        || path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("edges."));
    if !is_edges {
        return Ok(());
    }
    if let Some(file) = first_of(folder, &["neurons.csv", "neurons.csv.gz", "neurons.tsv"]) {
        neurons(&Table::read(&file)?, connectome)?;
    }
    if let Some(file) = first_of(folder, &["pairs.csv", "pairs.tsv"]) {
        pairs(&Table::read(&file)?, connectome)?;
    }
    Ok(())
}

/// Joins a table by id; neurons of the edges that it lacks are an error, others are left out.
fn neurons(table: &Table, connectome: &mut Connectome) -> Result<(), DataError> {
    let key = table.require(&["id", "root_id", "bodyid", "skid", "node_id", "neuron"])?;
    let mut row_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (k, (line, row)) in table.rows.iter().enumerate() {
        if row_of.insert(row[key].as_str(), k).is_some() {
            let found = format!("the id `{}` again", row[key]);
            return Err(DataError::field(
                &table.path,
                *line,
                &*table.headers[key],
                found,
                "every id once",
            ));
        }
    }
    let names: Vec<String> = (0..connectome.n()).map(|i| connectome.id_text(i)).collect();
    let missing: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !row_of.contains_key(name))
        .collect();
    if !missing.is_empty() {
        let first: Vec<&str> = missing.iter().take(10).copied().collect();
        let found = format!(
            "no row for {} neurons of the edge table: {}",
            missing.len(),
            first.join(", ")
        );
        return Err(DataError::field(
            &table.path,
            0,
            "",
            found,
            "a row for every neuron",
        ));
    }
    let rows: Vec<&(usize, Vec<String>)> = names
        .iter()
        .map(|name| &table.rows[row_of[name.as_str()]])
        .collect();
    for (k, name) in table.headers.iter().enumerate().filter(|(k, _)| *k != key) {
        connectome
            .neurons
            .set(name, rows.iter().map(|(_, row)| row[k].clone()).collect());
    }
    if let (Some(axon), Some(dendrite)) = (table.column(&["axon_input"]), table.column(&["dendrite_input"])) {
        let read = |k: usize| -> Result<Vec<f64>, DataError> {
            rows.iter()
                .map(|(line, row)| number(&table.path, *line, &table.headers[k], &row[k]))
                .collect()
        };
        connectome.input_totals = Some((read(axon)?, read(dendrite)?));
    }
    pairs_of_columns(table, &rows, connectome)
}

/// Sides and pairs from columns: the published pair table (`s1_side`, `s1_partner`) goes before `hemisphere`
/// and `pair`.
fn pairs_of_columns(
    table: &Table,
    rows: &[&(usize, Vec<String>)],
    connectome: &mut Connectome,
) -> Result<(), DataError> {
    let hemisphere = table.column(&["hemisphere", "side"]);
    let partner = table.column(&["pair", "partner"]);
    let published = table.column(&["s1_side"]).zip(table.column(&["s1_partner"]));
    let mut seen = BTreeSet::new();
    for (i, (line, row)) in rows.iter().enumerate() {
        let soma = hemisphere.map_or(Side::Centre, |k| Side::parse(&row[k]));
        let own = published.filter(|&(side, _)| !row[side].is_empty());
        let (side, name) = match own {
            Some((side, partner)) => (Side::parse(&row[side]), Some(partner)),
            None => (soma, partner),
        };
        connectome.sides[i] = soma;
        let Some(column) = name else { continue };
        let text = row[column].trim();
        if text.is_empty() || text.starts_with('-') || text == "0" || text == "no pair" {
            continue;
        }
        if connectome.labels.is_none() {
            super::id(&table.path, *line, &table.headers[column], text)?;
        }
        let Some(j) = connectome.find(text) else { continue };
        let pair = if side == Side::Right { (j, i) } else { (i, j) };
        if seen.insert((i.min(j), i.max(j))) {
            connectome.pairs.push(pair);
        }
    }
    // The side of a paired neuron is the one of its pair table.
    for &(left, right) in &connectome.pairs {
        connectome.sides[left] = Side::Left;
        connectome.sides[right] = Side::Right;
    }
    Ok(())
}

/// A pair table `leftid,rightid`.
fn pairs(table: &Table, connectome: &mut Connectome) -> Result<(), DataError> {
    let left = table.require(&["leftid", "left_id", "left"])?;
    let right = table.require(&["rightid", "right_id", "right"])?;
    connectome.pairs.clear();
    for (line, row) in &table.rows {
        let find = |k: usize| -> Result<Option<usize>, DataError> {
            if row[k].is_empty() || row[k] == "no pair" {
                return Ok(None);
            }
            if connectome.labels.is_none() {
                super::id(&table.path, *line, &table.headers[k], &row[k])?;
            }
            Ok(connectome.find(&row[k]))
        };
        if let (Some(l), Some(r)) = (find(left)?, find(right)?) {
            connectome.pairs.push((l, r));
            connectome.sides[l] = Side::Left;
            connectome.sides[r] = Side::Right;
        }
    }
    Ok(())
}

/// Fills in the column `io` (input, inter, output) from the cell classes of the paper where it is absent.
pub(super) fn derive(connectome: &mut Connectome) {
    if connectome.neurons.column("io").is_some() {
        return;
    }
    let Some(classes) = connectome.neurons.column("celltype") else {
        return;
    };
    let io = classes.iter().map(|class| match class.as_str() {
        "sensory" | "ascending" | "ascendings" => "input",
        "DN-VNC" | "DN-SEZ" | "RGN" => "output",
        _ => "inter",
    });
    let io = io.map(str::to_owned).collect();
    connectome.neurons.set("io", io);
}
