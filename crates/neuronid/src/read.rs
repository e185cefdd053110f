//! Worms from the files that laboratories keep them in.
//!
//! Columns are known by name, never by place, and the order and unit of what was read is said. A unit that a file does not
//! state is asked for; nothing is guessed. Names are read by [`Identity`].

use crate::error::{NeuronidError, content};
use crate::names::Identity;
use crate::worm::{Point, Side, Unit, Worm};
use crate::yu2021::{CAMERA_UM, NETWORK_UM};
use neuropil_lab::file;
use neuropil_lab::table::Table;
use neuropil_study::{Table as Rows, Tell};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

mod hdf5;
mod labels;
mod many;
mod pickled;
mod sheet;
mod trackmate;

pub use many::read_many;

/// What the user knows about a file that does not say it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Told {
    /// Unit of the positions.
    pub unit: Option<Unit>,
    /// µm of a voxel along x, y and z; positions are multiplied by it.
    pub voxel: Option<Point>,
}

/// Worms of a file by the numbers of their volumes, which are the file's own; a single worm is volume 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Recording {
    /// Volumes by number.
    pub volumes: BTreeMap<i64, Worm>,
    /// Names of worms that a file calls by words, by number.
    pub titles: BTreeMap<i64, String>,
    /// Cells, from 1, that a program did not find in a volume.
    pub absent: Vec<(i64, usize)>,
    /// What was read as what, what was repaired and what was left out.
    pub said: Vec<String>,
}

impl Recording {
    /// The only worm of a file.
    ///
    /// # Errors
    /// None or several volumes.
    pub fn single(self, path: &Path) -> Result<(Worm, Vec<String>), NeuronidError> {
        let n = self.volumes.len();
        let mut volumes = self.volumes.into_values();
        match (volumes.next(), n) {
            (Some(worm), 1) => Ok((worm, self.said)),
            (None, _) => Ok((Worm::default(), self.said)),
            _ => Err(content(
                path,
                format!("{n} volumes"),
                "one worm (`neuropil neuronid track` takes recordings)",
            )),
        }
    }

    /// Volumes that are missing between the first and the last.
    pub fn missing(&self) -> Vec<i64> {
        let (Some((&first, _)), Some((&last, _))) =
            (self.volumes.first_key_value(), self.volumes.last_key_value())
        else {
            return Vec::new();
        };
        // A frame number written as a time in nanoseconds is no reason to list a billion gaps.
        if last - first > 1_000_000 {
            return Vec::new();
        }
        (first..=last)
            .filter(|number| !self.volumes.contains_key(number))
            .collect()
    }
}

impl Tell for Recording {
    fn sentences(&self) -> Vec<String> {
        let n: usize = self.volumes.values().map(|worm| worm.points.len()).sum();
        let named = self
            .volumes
            .values()
            .flat_map(|worm| &worm.names)
            .filter(|name| !name.is_empty())
            .count();
        let mut sentences = vec![match self.volumes.len() {
            1 => format!("one worm of {n} neurons, {named} with a name"),
            volumes => format!("{volumes} volumes with {n} neurons in all, {named} with a name"),
        }];
        sentences.extend(self.said.iter().cloned());
        let missing = self.missing();
        if !missing.is_empty() {
            let numbers: Vec<String> = missing.iter().take(10).map(i64::to_string).collect();
            sentences.push(format!("volumes that are not there: {}", numbers.join(", ")));
        }
        for (volume, worm) in self.volumes.iter().take(1) {
            sentences.extend(
                worm.warnings()
                    .into_iter()
                    .map(|warning| format!("volume {volume}: {warning}")),
            );
        }
        sentences
    }

    fn table(&self) -> Rows {
        let rows = || {
            self.volumes
                .iter()
                .flat_map(|(volume, worm)| (0..worm.points.len()).map(move |row| (*volume, worm, row)))
        };
        let axis = |k: usize| {
            rows()
                .map(|(_, worm, row)| worm.points[row][k])
                .collect::<Vec<f64>>()
        };
        Rows::new()
            .with(
                "volume",
                rows().map(|(volume, _, _)| volume).collect::<Vec<i64>>(),
            )
            .with("x_um", axis(0))
            .with("y_um", axis(1))
            .with("z_um", axis(2))
            .with(
                "name",
                rows()
                    .map(|(_, worm, row)| worm.names[row].clone())
                    .collect::<Vec<String>>(),
            )
    }
}

/// What a file says about its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stated {
    Um,
    Voxels,
    Nothing,
}

/// One neuron as a file has it.
struct Found {
    volume: i64,
    position: Point,
    name: String,
    colour: Option<[f64; 3]>,
}

/// Reads a worm or a recording: our own tables, NeuroPAL_ID, TrackMate (CSV, XML), Imaris, napari, Ultrack, laboratories'
/// tables with `x`, `y`, `z`, sheets of labels, HDF5 (NWB, ZephIR's folder, 3DeeCellTracker), and pickles of the published
/// program.
///
/// # Errors
/// Names the file, the line and the field: what is no number, what is missing, a unit that must be told.
pub fn read(path: &Path, told: &Told) -> Result<Recording, NeuronidError> {
    let annotations = path.join("annotations.h5");
    if annotations.is_file() {
        return hdf5::read(&annotations, told);
    }
    let ending = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let recording = match ending.as_str() {
        "data" | "pkl" | "pickle" => pickled::read(path, told),
        "xlsx" | "xls" | "ods" => Err(content(path, "a spreadsheet", "a table: save its sheet as CSV")),
        "npz" | "npy" | "mat" => Err(content(
            path,
            "arrays",
            "a table with a row a neuron: CSV with x, y, z",
        )),
        "xml" => trackmate::read(path, told),
        "h5" | "hdf5" | "nwb" => hdf5::read(path, told),
        _ => sheet::read(path, told),
    }?;
    if recording.volumes.values().all(|worm| worm.points.is_empty()) {
        return Err(content(path, "no neuron", "one neuron at least"));
    }
    Ok(recording)
}

/// Largest coordinate of a neuron, in the units of any file: numbers beyond are marks of what is missing.
pub(crate) const FARTHEST: f64 = 1e9;

/// Puts neurons together into worms, in µm.
fn assemble(path: &Path, found: Vec<Found>, stated: Stated, told: &Told) -> Result<Recording, NeuronidError> {
    let mut recording = Recording::default();
    let scale = scale(path, stated, told, &mut recording.said)?;
    let mut coloured: BTreeMap<i64, usize> = BTreeMap::new();
    for (index, neuron) in found.into_iter().enumerate() {
        let identity = Identity::of(&neuron.name);
        say_name(&neuron.name, &identity, &mut recording.said);
        if let Some(axis) = neuron
            .position
            .iter()
            .position(|x| !x.is_finite() || x.abs() > FARTHEST)
        {
            let found = format!(
                "{} of neuron {} is {:?}",
                ["x", "y", "z"][axis],
                index + 1,
                neuron.position[axis]
            );
            return Err(content(path, found, "a place in the worm"));
        }
        let worm = recording.volumes.entry(neuron.volume).or_default();
        worm.points
            .push(std::array::from_fn(|k| neuron.position[k] * scale[k]));
        worm.names.push(identity.text().to_owned());
        if let Some(colour) = neuron.colour {
            worm.colours.get_or_insert_default().push(colour);
            *coloured.entry(neuron.volume).or_default() += 1;
        }
    }
    for (volume, worm) in &mut recording.volumes {
        if coloured.get(volume).is_some_and(|n| *n < worm.points.len()) {
            worm.colours = None;
            recording.said.push(format!(
                "volume {volume}: some neurons have no colour, so that none is used"
            ));
        }
    }
    Ok(recording)
}

/// µm of one unit of positions that come without a file, along each axis: µm unless something else is told.
///
/// # Errors
/// As [`read`].
pub fn micrometres(told: &Told) -> Result<Point, NeuronidError> {
    let unit = told.unit.or(Some(Unit::Um));
    scale(
        Path::new("standard input"),
        Stated::Nothing,
        &Told { unit, ..*told },
        &mut Vec::new(),
    )
}

/// µm of one unit of the file along each axis.
fn scale(path: &Path, stated: Stated, told: &Told, said: &mut Vec<String>) -> Result<Point, NeuronidError> {
    if stated == Stated::Um {
        // What is told is for the files that do not say it themselves: a template in µm beside a test in voxels.
        if told.voxel.is_some() || matches!(told.unit, Some(Unit::Camera | Unit::Normalised)) {
            said.push("the file states µm: what was told of units was not applied to it".to_owned());
        }
        return Ok([1.0; 3]);
    }
    if let Some(voxel) = told.voxel {
        said.push(format!(
            "positions were multiplied by {} × {} × {} µm",
            voxel[0], voxel[1], voxel[2]
        ));
        return Ok(voxel);
    }
    match (told.unit, stated) {
        (Some(Unit::Camera), _) => Ok([CAMERA_UM; 3]),
        (Some(Unit::Normalised), _) => Ok([NETWORK_UM; 3]),
        (Some(Unit::Um), Stated::Voxels) => {
            said.push("the file says voxels or pixels; they were taken as µm, as told".to_owned());
            Ok([1.0; 3])
        }
        (Some(Unit::Um), _) => Ok([1.0; 3]),
        (None, Stated::Voxels) => Err(content(
            path,
            "positions in voxels",
            "the size of a voxel: `--voxel X,Y,Z` in µm",
        )),
        (None, _) => Err(content(
            path,
            "positions without a unit",
            "`--unit um`, or the size of a voxel: `--voxel X,Y,Z` in µm",
        )),
    }
}

/// µm of a unit of length by its name.
fn in_um(unit: &str) -> Option<f64> {
    Some(match unit.trim().to_lowercase().as_str() {
        "um" | "µm" | "μm" | "micron" | "microns" | "micrometer" | "micrometers" | "micrometre"
        | "micrometres" => 1.0,
        "nm" | "nanometer" | "nanometers" | "nanometre" | "nanometres" => 1e-3,
        "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" => 1e3,
        "m" | "meter" | "meters" | "metre" | "metres" => 1e6,
        _ => return None,
    })
}

/// Names that whoever gave them was not sure of: those below the confidence of a sure one.
fn doubts(names: &[(String, f64)], sure: f64) -> Option<String> {
    let unsure: Vec<String> = names
        .iter()
        .filter(|(name, confidence)| *confidence < sure && !Identity::of(name).text().is_empty())
        .map(|(name, confidence)| format!("{} ({confidence})", name.trim()))
        .collect();
    (!unsure.is_empty()).then(|| format!("low confidence, kept: {}", unsure.join(", ")))
}

/// Says what became of a name that was not taken as it was.
fn say_name(written: &str, identity: &Identity, said: &mut Vec<String>) {
    let line = match identity {
        Identity::Neuron {
            name,
            unsure,
            repaired: true,
        } => format!(
            "`{}` was read as {name}{}",
            written.trim(),
            if *unsure { ", unsure" } else { "" }
        ),
        Identity::Neuron {
            name, unsure: true, ..
        } => format!("`{}` was read as {name}, unsure", written.trim()),
        Identity::Ambiguous { text, candidates } => {
            format!("`{text}` may be {}: it names no neuron", candidates.join(" or "))
        }
        Identity::Unnamed if written.trim().parse::<f64>().is_ok_and(f64::is_finite) => {
            format!("`{}` in the column of names is a number: unnamed", written.trim())
        }
        _ => return,
    };
    if !said.contains(&line) {
        said.push(line);
    }
}

/// Bytes of a file as text; those of old microscopes' programs are Latin-1.
fn text(path: &Path) -> Result<String, NeuronidError> {
    let bytes = file::bytes(path)?;
    match file::decode(path, bytes.clone()) {
        Ok(text) => Ok(text),
        Err(_) if !bytes.contains(&0) => Ok(bytes.iter().map(|&byte| char::from(byte)).collect()),
        Err(error) => Err(error.into()),
    }
}

/// Finite numbers of the columns of a position.
fn positions(table: &Table, columns: [&str; 3]) -> Result<Vec<Point>, NeuronidError> {
    let [x, y, z] = [
        table.finite(columns[0])?,
        table.finite(columns[1])?,
        table.finite(columns[2])?,
    ];
    Ok(x.into_iter().zip(y).zip(z).map(|((x, y), z)| [x, y, z]).collect())
}

/// The side of a worm from the number that the published program keeps: 0 is left.
fn side_of(number: f64) -> Side {
    if number == 0.0 { Side::Left } else { Side::Right }
}
