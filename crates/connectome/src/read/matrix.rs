//! Labelled adjacency matrices as CSV: rows presynaptic, columns postsynaptic.

use super::builder::Builder;
use super::{count, number, text};
use crate::data::Connectome;
use crate::error::DataError;
use std::collections::BTreeMap;
use std::path::Path;

/// Whether a table's first header is empty and no header names an edge column: a labelled matrix.
pub(super) fn looks_square(path: &Path) -> Result<bool, DataError> {
    let text = text(path)?;
    let first = text.lines().next().unwrap_or_default();
    Ok(first.starts_with(',') || first.starts_with("\"\",") || first.starts_with('\t'))
}

/// Reads a matrix whose row and column labels may differ (motor organs only receive); blank is 0.
pub(super) fn read(path: &Path) -> Result<Connectome, DataError> {
    let text = text(path)?;
    let mut builder = Builder::default();
    builder.layer("chem");
    let (rows, columns) = parse(
        path,
        &text,
        false,
        |row, column, weight, builder: &mut Builder| {
            let (pre, post) = (builder.node(row), builder.node(column));
            builder.edge("chem", pre, post, weight);
        },
        &mut builder,
    )?;
    rows.iter()
        .chain(&columns)
        .for_each(|name| _ = builder.node(name));
    Ok(builder.finish())
}

/// Walks through the entries that are not 0; `square` demands equal sets of labels.
pub(super) fn parse<S>(
    path: &Path,
    text: &str,
    square: bool,
    mut entry: impl FnMut(&str, &str, f64, &mut S),
    state: &mut S,
) -> Result<(Vec<String>, Vec<String>), DataError> {
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let delimiter = if head.contains('\t') { '\t' } else { ',' };
    let clean = |field: &str| field.trim().trim_matches('"').to_owned();
    let columns: Vec<String> = head.split(delimiter).skip(1).map(clean).collect();
    let mut seen = BTreeMap::new();
    for (k, name) in columns.iter().enumerate() {
        if seen.insert(name.clone(), k).is_some() {
            return Err(DataError::field(
                path,
                1,
                format!("column {}", k + 2),
                format!("the id `{name}` again"),
                "every id once",
            ));
        }
    }
    let mut rows: Vec<String> = Vec::new();
    let mut seen_rows = BTreeMap::new();
    for (at, line) in lines.enumerate() {
        let number_of_line = at + 2;
        if line.trim().is_empty() {
            continue;
        }
        let (label, rest) = line.split_once(delimiter).unwrap_or((line, ""));
        let label = clean(label);
        if seen_rows.insert(label.clone(), at).is_some() {
            return Err(DataError::field(
                path,
                number_of_line,
                "column 1",
                format!("the id `{label}` again"),
                "every id once",
            ));
        }
        let mut k = 0;
        for field in rest.split(delimiter) {
            // Nearly all entries are zeros: they are not parsed.
            if !matches!(field, "" | "0" | "0.0") {
                let Some(column) = columns.get(k) else {
                    let found = format!("more than {} fields", columns.len() + 1);
                    return Err(DataError::field(
                        path,
                        number_of_line,
                        "",
                        found,
                        "as many as in line 1",
                    ));
                };
                let value = if square {
                    count(path, number_of_line, column, field)?
                } else {
                    number(path, number_of_line, column, field)?
                };
                if value != 0.0 {
                    entry(&label, column, value, state);
                }
            }
            k += 1;
        }
        if k != columns.len() {
            return Err(DataError::field(
                path,
                number_of_line,
                "",
                format!("{} fields", k + 1),
                format!("{} as in line 1", columns.len() + 1),
            ));
        }
        rows.push(label);
    }
    if square {
        if rows.len() != columns.len() {
            let found = format!("{} rows and {} columns", rows.len(), columns.len());
            return Err(DataError::field(path, 0, "", found, "a square matrix"));
        }
        if let Some(name) = rows.iter().find(|name| !seen.contains_key(*name)) {
            return Err(DataError::field(
                path,
                0,
                "",
                format!("row `{name}` without a column"),
                "the same ids in rows and columns",
            ));
        }
    }
    Ok((rows, columns))
}
