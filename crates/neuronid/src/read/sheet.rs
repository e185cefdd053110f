//! Tables: each program's, known by its columns.

use super::{Found, Recording, Stated, Told, assemble, doubts, in_um, positions, text};
use crate::error::{NeuronidError, content};
use crate::names::Identity;
use crate::worm::{Point, Worm};
use neuropil_lab::table::Table;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// What is particular about a program's table.
struct Form {
    /// Words of which its header has one, and no other program's.
    signs: &'static [&'static str],
    name: &'static str,
    columns: [&'static [&'static str]; 3],
    /// Column of names.
    names: &'static [&'static str],
    volume: &'static [&'static str],
    stated: Stated,
}

const COLOURS: [[&str; 3]; 4] = [
    ["r", "g", "b"],
    ["fluo0", "fluo1", "fluo2"],
    ["Real Red", "Real Green", "Real Blue"],
    ["Z-Scored Red", "Z-Scored Green", "Z-Scored Blue"],
];
const NAMES: &[&str] = &["name", "neuron", "label_name", "ID_label", "User ID"];
const VOLUMES: &[&str] = &[
    "volume",
    "frame",
    "t",
    "time",
    "t_idx",
    "timepoint",
    "stack",
    "scan",
];
/// Columns that say which animal a row is of.
const WORMS: &[&str] = &[
    "worm",
    "worm_id",
    "animal",
    "animal_id",
    "specimen",
    "subject",
    "individual",
];
/// Names in it are another program's guesses.
const GUESSED: &str = "Auto ID";

/// Confidence of NeuroPAL_ID in a name that is sure.
const SURE: f64 = 1.0;

/// Known programs; the last fits any table with x, y and z.
const FORMS: [Form; 8] = [
    Form {
        signs: &["Real X (um)", "Real X (µm)", "Real X (μm)"],
        name: "NeuroPAL_ID",
        columns: [
            &["Real X (um)", "Real X (µm)", "Real X (μm)"],
            &["Real Y (um)", "Real Y (µm)", "Real Y (μm)"],
            &["Real Z (um)", "Real Z (µm)", "Real Z (μm)"],
        ],
        names: &["User ID"],
        volume: &[],
        stated: Stated::Um,
    },
    Form {
        signs: &["Position X"],
        name: "Imaris",
        columns: [&["Position X"], &["Position Y"], &["Position Z"]],
        names: &[],
        volume: &["Time"],
        stated: Stated::Nothing,
    },
    Form {
        signs: &["POSITION_X"],
        name: "TrackMate",
        columns: [&["POSITION_X"], &["POSITION_Y"], &["POSITION_Z"]],
        names: &["LABEL"],
        volume: &["FRAME"],
        stated: Stated::Nothing,
    },
    Form {
        signs: &["axis-3"],
        name: "napari (t, z, y, x)",
        columns: [&["axis-3"], &["axis-2"], &["axis-1"]],
        names: NAMES,
        volume: &["axis-0"],
        stated: Stated::Voxels,
    },
    Form {
        signs: &["axis-2"],
        name: "napari (z, y, x)",
        columns: [&["axis-2"], &["axis-1"], &["axis-0"]],
        names: NAMES,
        volume: &[],
        stated: Stated::Voxels,
    },
    Form {
        signs: &["track_id"],
        name: "tracks of Ultrack or napari",
        columns: [&["x"], &["y"], &["z"]],
        names: NAMES,
        volume: VOLUMES,
        stated: Stated::Voxels,
    },
    Form {
        signs: &["x_um", "x (um)", "x (µm)", "x (μm)", "x [um]", "x [µm]", "x [μm]"],
        name: "a table in µm",
        columns: [
            &["x_um", "x (um)", "x (µm)", "x (μm)", "x [um]", "x [µm]", "x [μm]"],
            &["y_um", "y (um)", "y (µm)", "y (μm)", "y [um]", "y [µm]", "y [μm]"],
            &["z_um", "z (um)", "z (µm)", "z (μm)", "z [um]", "z [µm]", "z [μm]"],
        ],
        names: NAMES,
        volume: VOLUMES,
        stated: Stated::Um,
    },
    Form {
        signs: &["x"],
        name: "a table",
        columns: [&["x", "x_voxel"], &["y", "y_voxel"], &["z", "z_voxel"]],
        names: NAMES,
        volume: VOLUMES,
        stated: Stated::Nothing,
    },
];

pub(super) fn read(path: &Path, told: &Told) -> Result<Recording, NeuronidError> {
    let text = text(path)?;
    if let Some(header) = super::labels::header(&text) {
        return super::labels::read(path, &text, header, told);
    }
    let Sheet { form, text, units } = find(&text);
    let table = Table::parse(path, &text)?;
    if form.name.starts_with("napari") && table.find(&["axis-4"]).is_some() {
        let found = "points of five axes or more";
        return Err(content(
            path,
            found,
            "(t, z, y, x) or (z, y, x): leave the channel out",
        ));
    }
    let columns = form.columns;
    let mut required = [""; 3];
    for (own, names) in required.iter_mut().zip(columns) {
        // The first is the plain name: what is missing is told by it alone.
        *own = match table.find(names) {
            Some(name) => name,
            None => table.require(&names[..1])?,
        };
    }
    let table_positions = positions(&table, required)?;
    let mut remarks = Vec::new();
    let rows = rows(form, &table, &mut remarks)?;
    let stated = stated(form, &table, &required, units.as_deref(), told)?;
    let mut said = vec![format!(
        "read as {}: x, y, z are the columns `{}`, `{}`, `{}`",
        form.name, required[0], required[1], required[2]
    )];
    let mut found = Vec::new();
    for (row, position) in table_positions.into_iter().enumerate() {
        if rows.keep[row] {
            found.push(Found {
                volume: rows.volumes[row],
                position,
                name: rows.names[row].clone(),
                colour: rows
                    .colours
                    .as_ref()
                    .map(|colours| colours[row])
                    .filter(|colour| colour.iter().all(|channel| channel.is_finite())),
            });
        }
    }
    said.append(&mut remarks);
    said.extend(doubts(&rows.confidence, SURE));
    let left_out = rows.keep.iter().filter(|keep| !**keep).count();
    if left_out > 0 {
        said.push(format!("{left_out} rows were left out: not kept, or hidden"));
    }
    let mut recording = assemble(path, found, stated, told)?;
    recording.titles = rows.titles;
    said.append(&mut recording.said);
    said.extend(swapped(&recording));
    recording.said = said;
    Ok(recording)
}

/// Volumes that each lie in a plane of their own are a film whose z and t changed places.
fn swapped(recording: &Recording) -> Option<String> {
    if let (Some((_, worm)), 1) = (recording.volumes.first_key_value(), recording.volumes.len()) {
        return one_film(worm);
    }
    let flat = recording
        .volumes
        .values()
        .all(|worm| worm.points.iter().all(|p| p[2] == worm.points[0][2]));
    let deep: Vec<f64> = recording.volumes.values().map(|worm| worm.points[0][2]).collect();
    (deep.len() > 2 && flat && deep.windows(2).any(|pair| pair[0] != pair[1]))
        .then(|| "every volume lies in one plane, each in another: z and t look swapped".to_owned())
}

/// Everything in one frame, place by place in many planes: a film whose frames were taken for planes.
fn one_film(worm: &Worm) -> Option<String> {
    let mut planes: BTreeMap<u64, usize> = BTreeMap::new();
    for p in &worm.points {
        *planes.entry(p[2].to_bits()).or_default() += 1;
    }
    let (least, most) = (planes.values().min(), planes.values().max());
    (planes.len() >= 5 && least >= Some(&5) && least == most)
        .then(|| "one frame with as many neurons in each of its planes: z and t look swapped".to_owned())
}

/// A table's form, its text from the header on with one name a column, and the line of units if it has one.
struct Sheet {
    form: &'static Form,
    text: String,
    units: Option<String>,
}

/// The first form whose sign stands in one of the first lines; a preamble is a few lines long.
fn find(text: &str) -> Sheet {
    let lines: Vec<&str> = text.lines().collect();
    let of_form = |form: &'static Form| {
        let is_header = |line: &&str| cells(line).iter().any(|cell| is_sign(form, cell));
        Some((form, lines.iter().take(20).position(is_header)?))
    };
    match FORMS.iter().find_map(of_form) {
        Some((form, at)) => sheet(form, &lines, at),
        None => Sheet {
            form: &FORMS[FORMS.len() - 1],
            text: text.to_owned(),
            units: None,
        },
    }
}

fn is_sign(form: &Form, cell: &str) -> bool {
    form.signs.iter().any(|sign| cell.eq_ignore_ascii_case(sign))
}

/// The table whose header is line `at`; blank lines stand for what is above it and between, so that lines keep their
/// numbers. TrackMate's header has three lines: keys, names, short names, and one of units.
fn sheet(form: &'static Form, lines: &[&str], at: usize) -> Sheet {
    let header = cells(lines[at]);
    let place = header.iter().position(|cell| is_sign(form, cell)).unwrap_or(0);
    let is_number = |line: &&&str| {
        cells(line)
            .get(place)
            .is_some_and(|cell| cell.replace(',', ".").parse::<f64>().is_ok())
    };
    let further = lines[at + 1..]
        .iter()
        .take_while(|line| form.name == "TrackMate" && !is_number(line))
        .count();
    let named = header.iter().enumerate().map(|(k, cell)| match cell.as_str() {
        "" => format!("unnamed {k}"),
        cell => format!("\"{cell}\""),
    });
    let separator = separator(lines[at]).to_string();
    let mut text = "\n".repeat(at);
    text.push_str(&named.collect::<Vec<_>>().join(&separator));
    text.push_str(&"\n".repeat(further));
    for line in &lines[at + 1 + further..] {
        text.push('\n');
        text.push_str(line);
    }
    Sheet {
        form,
        text,
        units: (further > 0).then(|| lines[at + further].to_owned()),
    }
}

/// What separates the cells of a header: blanks where there is no comma, semicolon or tab.
fn separator(header: &str) -> char {
    [',', ';', '\t']
        .into_iter()
        .filter(|&separator| header.contains(separator))
        .max_by_key(|&separator| header.matches(separator).count())
        .unwrap_or(' ')
}

fn cells(line: &str) -> Vec<String> {
    if separator(line) == ' ' {
        let mut quoted = false;
        let cells = line.split(|c: char| {
            quoted ^= c == '"';
            c.is_whitespace() && !quoted
        });
        return cells
            .filter(|cell| !cell.is_empty())
            .map(|cell| cell.trim_matches('"').to_owned())
            .collect();
    }
    line.split(separator(line))
        .map(|cell| cell.trim().trim_matches('"').trim().to_owned())
        .collect()
}

struct Rows {
    volumes: Vec<i64>,
    titles: BTreeMap<i64, String>,
    names: Vec<String>,
    /// Names with the confidence in them, 0 to 1.
    confidence: Vec<(String, f64)>,
    keep: Vec<bool>,
    colours: Option<Vec<[f64; 3]>>,
}

fn rows(form: &Form, table: &Table, said: &mut Vec<String>) -> Result<Rows, NeuronidError> {
    let n = table.n_rows();
    let (volumes, titles) = match (table.find(WORMS), table.find(form.volume)) {
        (Some(column), None) => by_title(table.texts(column)?),
        (Some(column), Some(volume)) => {
            let (worms, volumes) = (table.texts(column)?, table.texts(volume)?);
            let pairs: BTreeSet<(&String, &String)> = worms.iter().zip(&volumes).collect();
            let several = pairs.len() > worms.iter().collect::<BTreeSet<_>>().len();
            let title = |(worm, volume): (&String, &String)| {
                if several {
                    format!("{worm} {volume}")
                } else {
                    worm.clone()
                }
            };
            by_title(worms.iter().zip(&volumes).map(title).collect())
        }
        (None, Some(column)) => (table.integers(column)?, BTreeMap::new()),
        (None, None) => (vec![0; n], BTreeMap::new()),
    };
    let names = match table.find(form.names) {
        Some(column) => table.texts(column)?,
        None => named_elsewhere(table, said)?,
    };
    if names.iter().all(String::is_empty) && table.find(&[GUESSED]).is_some() {
        said.push(format!(
            "names stand under `{GUESSED}` alone: they are a program's guesses, and none was taken"
        ));
    }
    // TrackMate calls every spot by its number until somebody names it.
    let names = names.into_iter().map(|name| {
        if form.name == "TrackMate" && is_generated(&name) {
            String::new()
        } else {
            name
        }
    });
    let mut keep = vec![true; n];
    for column in ["keep", "VISIBILITY"] {
        if let Some(column) = table.find(&[column]) {
            let flags = table.flags(column)?;
            keep.iter_mut()
                .zip(flags)
                .for_each(|(keep, flag)| *keep &= flag != Some(false));
        }
    }
    let names: Vec<String> = names.collect();
    let confidence = match table.find(&["User Confidence"]) {
        Some(column) => table.numbers(column)?,
        None => vec![SURE; n],
    };
    Ok(Rows {
        volumes,
        titles,
        confidence: names.iter().cloned().zip(confidence).collect(),
        names,
        keep,
        colours: colours(table)?,
    })
}

/// Numbers for worms that a table calls by words, in the order in which they appear.
fn by_title(words: Vec<String>) -> (Vec<i64>, BTreeMap<i64, String>) {
    let mut numbers: HashMap<String, i64> = HashMap::new();
    let mut titles = BTreeMap::new();
    let number = |word: String| {
        let next = numbers.len() as i64;
        *numbers.entry(word).or_insert_with_key(|word| {
            titles.insert(next, word.clone());
            next
        })
    };
    let volumes = words.into_iter().map(number).collect();
    (volumes, titles)
}

/// Names from a column of another name, if most of what stands in one column alone are neurons.
fn named_elsewhere(table: &Table, said: &mut Vec<String>) -> Result<Vec<String>, NeuronidError> {
    let is_neuron = |text: &String| matches!(Identity::of(text), Identity::Neuron { .. });
    let mut found: Vec<(&str, Vec<String>)> = Vec::new();
    for column in table.names().filter(|column| *column != GUESSED) {
        let texts = table.texts(column)?;
        let filled = texts.iter().filter(|text| !text.is_empty()).count();
        if 2 * texts.iter().filter(|text| is_neuron(text)).count() > filled {
            found.push((column, texts));
        }
    }
    let columns: Vec<String> = found.iter().map(|(column, _)| format!("`{column}`")).collect();
    if columns.len() > 1 {
        said.push(format!(
            "{} hold names of neurons: none was taken; call one `name`",
            columns.join(" and ")
        ));
    }
    if found.len() != 1 {
        return Ok(vec![String::new(); table.n_rows()]);
    }
    said.push(format!("names are those of the column {}", columns[0]));
    Ok(found.remove(0).1)
}

fn is_generated(name: &str) -> bool {
    name.strip_prefix("ID")
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()))
}

/// The first three colour channels, if all neurons have them.
fn colours(table: &Table) -> Result<Option<Vec<[f64; 3]>>, NeuronidError> {
    let Some(channels) = COLOURS
        .iter()
        .find(|channels| channels.iter().all(|channel| table.find(&[channel]).is_some()))
    else {
        return Ok(None);
    };
    let [r, g, b] = [
        table.numbers(channels[0])?,
        table.numbers(channels[1])?,
        table.numbers(channels[2])?,
    ];
    let colours: Vec<Point> = r.into_iter().zip(g).zip(b).map(|((r, g), b)| [r, g, b]).collect();
    // One without a colour is counted where worms are put together.
    Ok(Some(colours))
}

/// The unit that the table states, in a column or in a line of units.
fn stated(
    form: &Form,
    table: &Table,
    positions: &[&str],
    units: Option<&str>,
    told: &Told,
) -> Result<Stated, NeuronidError> {
    let units: Vec<String> = match (table.find(&["Unit"]), units) {
        (Some(column), _) => table.texts(column)?,
        (None, Some(line)) => {
            let units = cells(line);
            let places = table
                .names()
                .enumerate()
                .filter(|(_, name)| positions.contains(name));
            places
                .filter_map(|(k, _)| units.get(k).filter(|unit| !unit.is_empty()).cloned())
                .collect()
        }
        (None, None) => return Ok(form.stated),
    };
    let plain = |unit: &String| unit.trim_matches(['(', ')', ' ']).to_lowercase();
    let um = |unit: &String| in_um(&plain(unit)) == Some(1.0);
    match units.iter().find(|unit| !um(unit)) {
        None if units.is_empty() => Ok(form.stated),
        None => Ok(Stated::Um),
        Some(unit) if plain(unit).contains("pixel") => Ok(Stated::Voxels),
        Some(unit) if plain(unit).is_empty() => Ok(form.stated),
        Some(_) if told.unit.is_some() || told.voxel.is_some() => Ok(Stated::Nothing),
        Some(unit) => {
            let expected = "um or pixel; else tell it: `--unit um`, or `--voxel X,Y,Z` with µm of one unit";
            Err(content(table.path(), format!("the unit `{unit}`"), expected))
        }
    }
}
