//! Sheets of labels as whole-brain laboratories keep them: one row a neuron, its place as `(x, y, z)` in one cell.
//!
//! Header words differ from sheet to sheet: the column of places is known by what stands in it, the others by their names
//! or by their order, label, place, region of interest, confidence.

use super::{Found, Recording, Stated, Told, assemble, doubts};
use crate::error::{NeuronidError, content};
use crate::worm::Point;
use neuropil_lab::table::Table;
use std::collections::BTreeMap;
use std::path::Path;

/// Lines in which the first place is looked for.
const FIRST: usize = 20;
/// Least confidence, of 1 to 5, of a name that is sure.
const SURE: f64 = 4.0;

/// Where the header of such a sheet is, counted from 0: above the first row with a place.
pub(super) fn header(text: &str) -> Option<usize> {
    let mut filled = text
        .lines()
        .enumerate()
        .take(FIRST)
        .filter(|(_, line)| !line.trim().is_empty());
    let mut above = None;
    filled.find_map(|(at, line)| {
        let place = bracketed(line).or_else(|| quoted(line));
        if place.is_some_and(|place| numbers(place).is_some()) {
            return above;
        }
        above = Some(at);
        None
    })
}

pub(super) fn read(path: &Path, text: &str, header: usize, told: &Told) -> Result<Recording, NeuronidError> {
    // Titles above the header are blank lines to the table: lines keep their numbers.
    let below: Vec<&str> = text.lines().skip(header).collect();
    let table = Table::parse(path, &("\n".repeat(header) + &below.join("\n")))?;
    let columns: Vec<&str> = table.names().collect();
    let at = place_column(&table, &columns)?;
    let places = table.texts(columns[at])?;
    let column = |names: &[&'static str], order: usize| {
        let by_order = columns.get(order).copied().filter(|_| order != at);
        table.find(names).or(by_order)
    };
    let texts = |column: Option<&str>| match column {
        Some(column) => table.texts(column),
        None => Ok(vec![String::new(); places.len()]),
    };
    let names = texts(column(&["Label", "label", "name", "Neuron", "neuron"], 0))?;
    let regions: Vec<String> = texts(column(&["ROI ID", "ROI", "roi"], 2))?
        .iter()
        .map(|cell| whole(cell))
        .collect();
    let confidence = texts(column(&["Confidence", "confidence"], 3))?;
    let seen = counted(&regions);
    let (mut found, mut said, mut without, mut unsure) = (Vec::new(), Vec::new(), 0, Vec::new());
    for row in 0..places.len() {
        if regions[row].is_empty() && names[row].trim().is_empty() {
            without += 1;
            continue;
        }
        if let Some(part) = parts(&regions[row]).find(|part| seen[part] > 1) {
            let line = format!("line {}: ROI {part} stands twice: left out", table.line(row));
            said.push(line);
            continue;
        }
        unsure.push((names[row].clone(), confidence[row].trim().parse().unwrap_or(SURE)));
        found.push(Found {
            volume: 0,
            position: place(path, table.line(row), &places[row])?,
            name: names[row].clone(),
            colour: None,
        });
    }
    if found.is_empty() {
        let all = said.join("; ");
        return Err(content(
            path,
            format!("no neuron is left: {all}"),
            "each ROI once",
        ));
    }
    let mut recording = assemble(path, found, Stated::Voxels, told)?;
    recording.said.insert(
        0,
        format!(
            "read as a sheet of labels: x, y, z are the numbers of `{}`",
            columns[at]
        ),
    );
    recording.said.append(&mut said);
    recording.said.extend(doubts(&unsure, SURE));
    if without > 0 {
        recording
            .said
            .push(format!("{without} rows without label and ROI were left out"));
    }
    Ok(recording)
}

/// The column with the first place in it.
fn place_column(table: &Table, columns: &[&str]) -> Result<usize, NeuronidError> {
    for (at, column) in columns.iter().enumerate() {
        if table.texts(column)?.iter().any(|cell| numbers(cell).is_some()) {
            return Ok(at);
        }
    }
    Err(content(
        table.path(),
        "no column of places",
        "three numbers as in (120, 88, 14)",
    ))
}

/// How often each region is named; `13/14` are two that were merged.
fn counted(regions: &[String]) -> BTreeMap<&str, usize> {
    let mut seen = BTreeMap::new();
    for part in regions.iter().flat_map(|region| parts(region)) {
        *seen.entry(part).or_default() += 1;
    }
    seen
}

fn parts(region: &str) -> impl Iterator<Item = &str> {
    region.split('/').map(str::trim).filter(|part| !part.is_empty())
}

/// A number of a region as a spreadsheet leaves it: `25.0` is 25; `13/14` stays.
fn whole(cell: &str) -> String {
    let cell = cell.trim();
    cell.strip_suffix(".0").unwrap_or(cell).to_owned()
}

/// What stands in the first brackets of a line.
fn bracketed(line: &str) -> Option<&str> {
    let from = line.find(['(', '['])?;
    let to = from + line[from..].find([')', ']'])?;
    Some(&line[from..=to])
}

/// The first cell in quotes in which commas or semicolons separate.
fn quoted(line: &str) -> Option<&str> {
    line.split('"')
        .skip(1)
        .step_by(2)
        .find(|cell| cell.contains([',', ';']))
}

/// Three finite numbers in brackets or without; between semicolons with decimal commas or points.
fn numbers(cell: &str) -> Option<Point> {
    let cell = cell.trim().trim_matches(['(', ')', '[', ']']);
    let parts: Vec<String> = if cell.contains(';') {
        cell.split(';')
            .map(|part| part.trim().replace(',', "."))
            .collect()
    } else {
        cell.split(',').map(|part| part.trim().to_owned()).collect()
    };
    let numbers: Vec<f64> = parts
        .iter()
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    numbers
        .try_into()
        .ok()
        .filter(|place: &Point| place.iter().all(|x| x.is_finite()))
}

fn place(path: &Path, line: usize, cell: &str) -> Result<Point, NeuronidError> {
    numbers(cell).ok_or_else(|| {
        content(
            path,
            format!("line {line}: the place `{cell}`"),
            "three numbers as in (120, 88, 14)",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: Told = Told {
        unit: None,
        voxel: Some([1.0, 1.0, 2.0]),
    };

    fn sheet(text: &str) -> Result<Recording, NeuronidError> {
        read(
            Path::new("sheet.csv"),
            text,
            header(text).expect("a sheet"),
            &TOLD,
        )
    }

    #[test]
    fn words_of_the_header_and_titles_above_it_do_not_matter() {
        let text = "Worm 12,,,\n\nNeuron,Where,Region,Sure\nAVAL,\"(1, 2, 3)\",7,5\nAVAR,\"[4, 5, 6]\",8,2\n";
        let found = sheet(text).unwrap();
        let worm = &found.volumes[&0];
        assert_eq!(worm.points, [[1.0, 2.0, 6.0], [4.0, 5.0, 12.0]]);
        assert_eq!(worm.names, ["AVAL", "AVAR"]);
        assert!(
            found.said.iter().any(|line| line.contains("AVAR (2)")),
            "{:?}",
            found.said
        );
        let wrong = text.replace("[4, 5, 6]", "[4, 5]");
        assert!(sheet(&wrong).unwrap_err().to_string().contains("line 5"));
    }

    #[test]
    fn merged_regions_and_their_parts_are_the_same_region() {
        let text =
            "Label,Coordinates,ROI\nAVAL,\"(1, 2, 3)\",12/13\nAVAR,\"(4, 5, 6)\",12\nRID,\"(7, 8, 9)\",14\n";
        assert_eq!(sheet(text).unwrap().volumes[&0].names, ["RID"]);
        assert_eq!(header("a,b\n1,2\n"), None);
    }
}
