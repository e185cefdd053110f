//! The published program's worms: a pickled dictionary with `pts`, `fluo`, `name`, `mask_keep` and `side`.

use super::{Found, Recording, Stated, Told, assemble, side_of};
use crate::error::{NeuronidError, content};
use crate::worm::{Side, Unit};
use neuropil_lab::file;
use neuropil_lab::pickle::{Value, read as read_pickle};
use std::collections::BTreeSet;
use std::path::Path;

pub(super) fn read(path: &Path, told: &Told) -> Result<Recording, NeuronidError> {
    let value = read_pickle(path, &file::bytes(path)?)?;
    let points = matrix(path, &value, "pts", 3)?.ok_or_else(|| {
        content(
            path,
            format!("keys {}", value.keys().join(", ")),
            "positions under `pts`",
        )
    })?;
    let n = points.len();
    let colours = matrix(path, &value, "fluo", 3)?;
    let names = match value.get("name") {
        Some(Value::List(names)) => names.iter().map(|name| name.text().unwrap_or_default()).collect(),
        None | Some(Value::None) => vec![String::new(); n],
        Some(_) => return Err(content(path, "`name` that is no list of texts", "one name a row")),
    };
    for (what, length) in [
        ("name", names.len()),
        ("fluo", colours.as_ref().map_or(n, Vec::len)),
    ] {
        if length != n {
            return Err(content(
                path,
                format!("{length} rows of `{what}` for {n} of `pts`"),
                "as many",
            ));
        }
    }
    let found = kept(path, &value, n)?.into_iter().map(|row| Found {
        volume: 0,
        position: points[row],
        name: names[row].clone(),
        colour: colours.as_ref().map(|colours| colours[row]),
    });
    // The published program's positions are µm; a file of others may be told to be something else.
    let told = Told {
        unit: told.unit.or(Some(Unit::Um)),
        ..*told
    };
    let mut recording = assemble(path, found.collect(), Stated::Nothing, &told)?;
    if let (Some(side), Some(worm)) = (side(path, &value)?, recording.volumes.get_mut(&0)) {
        worm.side = side;
    }
    Ok(recording)
}

/// The side that a worm lies on: the published program's number, or its letter or word.
fn side(path: &Path, value: &Value) -> Result<Option<Side>, NeuronidError> {
    let given = match value.get("side") {
        None | Some(Value::None) => return Ok(None),
        Some(given) => given,
    };
    if let Some(text) = given.text() {
        return match text.trim().to_lowercase().as_str() {
            "l" | "left" => Ok(Some(Side::Left)),
            "r" | "right" => Ok(Some(Side::Right)),
            _ => Err(content(
                path,
                format!("`side` of `{text}`"),
                "left or right, or 0 or 1",
            )),
        };
    }
    let number = given.number().or_else(|| match given.numbers()?[..] {
        [one] => Some(one),
        _ => None,
    });
    match number {
        Some(number) => Ok(Some(side_of(number))),
        None => Err(content(path, "`side` that is no number", "0 (left) or 1 (right)")),
    }
}

/// The first `columns` columns of an array; nothing if the key is absent or `None`.
fn matrix(
    path: &Path,
    value: &Value,
    key: &str,
    columns: usize,
) -> Result<Option<Vec<[f64; 3]>>, NeuronidError> {
    let (shape, numbers) = match value.get(key) {
        None | Some(Value::None) => return Ok(None),
        Some(Value::Array(array)) => (array.shape.clone(), array.numbers()),
        Some(Value::List(rows)) if rows.iter().all(|row| row.numbers().is_some()) => {
            let rows: Vec<Vec<f64>> = rows.iter().filter_map(Value::numbers).collect();
            let width = rows.first().map_or(0, Vec::len);
            if rows.iter().any(|row| row.len() != width) {
                let found = format!("`{key}` with rows of different lengths");
                return Err(content(path, found, "one row a neuron, three columns or more"));
            }
            (vec![rows.len(), width], rows.concat())
        }
        Some(_) => {
            return Err(content(
                path,
                format!("`{key}` that is no array"),
                "an array of numbers",
            ));
        }
    };
    let width = match shape.as_slice() {
        [_, width] if *width >= columns => *width,
        _ => {
            return Err(content(
                path,
                format!("`{key}` of shape {shape:?}"),
                "one row a neuron, three columns or more",
            ));
        }
    };
    let rows: Vec<[f64; 3]> = numbers
        .chunks_exact(width)
        .map(|row| [row[0], row[1], row[2]])
        .collect();
    if let Some(row) = rows.iter().position(|row| row.iter().any(|x| !x.is_finite())) {
        return Err(content(
            path,
            format!("row {} of `{key}` is not finite", row + 1),
            "finite numbers",
        ));
    }
    Ok(Some(rows))
}

/// Rows that `mask_keep` keeps, as numbers of rows or as one truth a row.
fn kept(path: &Path, value: &Value, n: usize) -> Result<Vec<usize>, NeuronidError> {
    let mask = match value.get("mask_keep") {
        None | Some(Value::None) => return Ok((0..n).collect()),
        Some(mask) => mask,
    };
    let numbers = mask
        .numbers()
        .ok_or_else(|| content(path, "`mask_keep` that is no list", "rows to keep"))?;
    let truths = match mask {
        Value::Array(array) => array.is_truths(),
        Value::List(items) => items.iter().all(|item| matches!(item, Value::Flag(_))),
        _ => false,
    };
    // One number a row, each 0 or 1, can be no numbers of rows: of three rows or more one would stand twice.
    let truths =
        truths || n > 2 && numbers.len() == n && numbers.iter().all(|number| [0.0, 1.0].contains(number));
    if truths {
        if numbers.len() != n {
            return Err(content(
                path,
                format!("`mask_keep` of {} truths for {n} rows", numbers.len()),
                "one a row",
            ));
        }
        return Ok((0..n).filter(|&row| numbers[row] != 0.0).collect());
    }
    let is_row = |row: &f64| row.fract() == 0.0 && (0.0..n as f64).contains(row);
    if let Some(row) = numbers.iter().find(|row| !is_row(row)) {
        let expected = format!(
            "rows from 0 to {}, or one truth for each of {n} rows",
            n.saturating_sub(1)
        );
        return Err(content(path, format!("row {row} in `mask_keep`"), expected));
    }
    let mut seen = BTreeSet::new();
    let rows: Vec<usize> = numbers.iter().map(|&row| row as usize).collect();
    match rows.iter().find(|row| !seen.insert(**row)) {
        Some(row) => Err(content(
            path,
            format!("row {row} twice in `mask_keep`"),
            "every row once",
        )),
        None => Ok(rows),
    }
}
