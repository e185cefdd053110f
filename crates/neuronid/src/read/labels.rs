//! Sheets of labels as whole-brain laboratories keep them: one row a neuron, its place as `(x, y, z)` in one cell.

use super::{Found, Recording, Stated, Told, assemble};
use crate::error::{NeuronidError, content};
use crate::worm::Point;
use neuropil_lab::table::Table;
use std::collections::BTreeMap;
use std::path::Path;

/// The column of places.
const PLACES: &[&str] = &["Coordinates", "coordinates", "position"];

/// Whether a header is that of such a sheet.
pub(super) fn is_sheet(header: &[String]) -> bool {
    header.iter().any(|cell| PLACES.contains(&cell.as_str()))
}

pub(super) fn read(path: &Path, text: &str, told: &Told) -> Result<Recording, NeuronidError> {
    let table = Table::parse(path, text)?;
    let places = table.texts(table.require(PLACES)?)?;
    let names = table.texts(table.require(&["Label", "label", "name"])?)?;
    let regions = match table.find(&["ROI ID", "ROI", "roi"]) {
        Some(column) => table.texts(column)?.iter().map(|cell| whole(cell)).collect(),
        None => vec![String::new(); places.len()],
    };
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for region in regions.iter().filter(|region| !region.is_empty()) {
        *seen.entry(region).or_default() += 1;
    }
    let (mut found, mut said, mut without) = (Vec::new(), Vec::new(), 0);
    for row in 0..places.len() {
        if regions[row].is_empty() && names[row].trim().is_empty() {
            without += 1;
            continue;
        }
        if seen.get(regions[row].as_str()).is_some_and(|n| *n > 1) {
            let line = format!(
                "line {}: ROI {} stands twice: left out",
                table.line(row),
                regions[row]
            );
            said.push(line);
            continue;
        }
        found.push(Found {
            volume: 0,
            position: place(path, table.line(row), &places[row])?,
            name: names[row].clone(),
            colour: None,
        });
    }
    let mut recording = assemble(path, found, Stated::Voxels, told)?;
    recording.said.insert(
        0,
        "read as a sheet of labels: x, y, z are the numbers of `Coordinates`".to_owned(),
    );
    recording.said.append(&mut said);
    if without > 0 {
        recording
            .said
            .push(format!("{without} rows without label and ROI were left out"));
    }
    Ok(recording)
}

/// A number of a region as a spreadsheet leaves it: `25.0` is 25; `13/14` stays.
fn whole(cell: &str) -> String {
    let cell = cell.trim();
    cell.strip_suffix(".0").unwrap_or(cell).to_owned()
}

fn place(path: &Path, line: usize, cell: &str) -> Result<Point, NeuronidError> {
    let numbers: Vec<f64> = cell
        .trim()
        .trim_matches(['(', ')', '[', ']'])
        .split(',')
        .filter_map(|part| part.trim().parse().ok())
        .filter(|x: &f64| x.is_finite())
        .collect();
    numbers.try_into().map_err(|_| {
        content(
            path,
            format!("line {line}: the place `{cell}`"),
            "three numbers as in (120, 88, 14)",
        )
    })
}
