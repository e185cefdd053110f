//! HDF5: NWB with the neurons of a NeuroPAL worm, ZephIR's annotations, 3DeeCellTracker's results.

use super::{Found, Recording, Stated, Told, assemble, in_um};
use crate::error::{NeuronidError, content};
use crate::names::Identity;
use crate::worm::Point;
use neuropil_lab::array;
use neuropil_math::arrays::{Array, Arrays, Values};
use std::path::Path;

/// What is told of a file of which nothing is known.
const KNOWN: &str = "NWB with `voxel_mask`, ZephIR's `annotations.h5` or 3DeeCellTracker's `coords_txnx3`";

pub(super) fn read(path: &Path, told: &Told) -> Result<Recording, NeuronidError> {
    let arrays = array::read_wanted(path, &|at| !is_recording(at))?;
    let file = Hdf5 {
        path,
        arrays: &arrays,
    };
    if let Some(at) = file.segmentation()? {
        return file.nwb(at, told);
    }
    if arrays.contains_key("coords_txnx3") {
        return file.tracker(told);
    }
    if arrays.contains_key("worldline_id") {
        return file.zephir(told);
    }
    let keys: Vec<&str> = arrays.keys().take(6).map(String::as_str).collect();
    Err(content(path, format!("arrays {}", keys.join(", ")), KNOWN))
}

/// Images and traces of an NWB file, which may be larger than memory and say nothing of names and places.
fn is_recording(at: &str) -> bool {
    let name = at.rsplit('/').next().unwrap_or(at);
    ["data", "timestamps", "image_mask"].contains(&name)
}

/// The arrays of a file.
struct Hdf5<'a> {
    path: &'a Path,
    arrays: &'a Arrays,
}

impl Hdf5<'_> {
    fn get(&self, name: &str) -> Result<&Array, NeuronidError> {
        let missing = || content(self.path, format!("no array `{name}`"), KNOWN);
        self.arrays.get(name).ok_or_else(missing)
    }

    /// Numbers of an array of `n` values.
    fn numbers(&self, name: &str, n: Option<usize>) -> Result<Vec<f64>, NeuronidError> {
        let (_, values) = self.get(name)?;
        let numbers = values
            .numbers()
            .filter(|values| n.is_none_or(|n| values.len() == n));
        numbers.ok_or_else(|| {
            let expected = n.map_or("numbers".to_owned(), |n| format!("{n} numbers"));
            content(
                self.path,
                format!("`{name}` of {} {}", values.len(), values.kind()),
                expected,
            )
        })
    }

    fn texts(&self, name: &str) -> Option<Vec<String>> {
        match self.arrays.get(name) {
            Some((_, Values::Text(texts))) => Some(texts.clone()),
            _ => None,
        }
    }

    /// Where an NWB file keeps the neurons: the one group with voxel masks, or the one that NeuroPAL stands over.
    fn segmentation(&self) -> Result<Option<&str>, NeuronidError> {
        let groups: Vec<&str> = self
            .arrays
            .keys()
            .filter_map(|key| key.strip_suffix("voxel_mask#x"))
            .collect();
        if groups.len() < 2 {
            return Ok(groups.first().copied());
        }
        let of_colours: Vec<&str> = groups.iter().copied().filter(|at| is_neuropal(at)).collect();
        if let [one] = of_colours[..] {
            return Ok(Some(one));
        }
        let labelled: Vec<&str> = groups
            .iter()
            .copied()
            .filter(|at| {
                ["labels", "ID_labels"]
                    .iter()
                    .any(|name| self.arrays.contains_key(&format!("{at}{name}")))
            })
            .collect();
        if let [one] = labelled[..] {
            return Ok(Some(one));
        }
        Err(content(
            self.path,
            format!("{} groups with `voxel_mask`: {}", groups.len(), groups.join(", ")),
            "one, or one of NeuroPAL",
        ))
    }

    /// Neurons of an NWB file: the group of voxel masks begins with `at`.
    fn nwb(&self, at: &str, told: &Told) -> Result<Recording, NeuronidError> {
        let name = |part: &str| format!("{at}{part}");
        let x = self.numbers(&name("voxel_mask#x"), None)?;
        let axis = |axis: &str| self.numbers(&name(&format!("voxel_mask#{axis}")), Some(x.len()));
        let (y, z, weight) = (
            axis("y")?,
            axis("z")?,
            axis("weight").unwrap_or_else(|_| vec![1.0; x.len()]),
        );
        let index = name("voxel_mask_index");
        let ends: Vec<usize> = if self.arrays.contains_key(&index) {
            let ends = self.numbers(&index, None)?;
            ends.iter().map(|end| *end as usize).collect()
        } else {
            (1..=x.len()).collect()
        };
        let mut remarks = Vec::new();
        let names = self.nwb_names(at, ends.len(), &mut remarks)?;
        let mut found = Vec::new();
        let mut begin = 0;
        for (&end, name) in ends.iter().zip(names) {
            if end <= begin || end > x.len() {
                let found = format!(
                    "`voxel_mask_index` with the end {end} after {begin} of {}",
                    x.len()
                );
                return Err(content(self.path, found, "ends that grow"));
            }
            let total: f64 = weight[begin..end].iter().sum();
            if !(total > 0.0) {
                let found = format!(
                    "neuron {} of `voxel_mask` with the weight {total}",
                    found.len() + 1
                );
                return Err(content(self.path, found, "a weight above 0"));
            }
            let mean = |values: &[f64]| (begin..end).map(|i| values[i] * weight[i]).sum::<f64>() / total;
            found.push(Found {
                volume: 0,
                position: [mean(&x), mean(&y), mean(&z)],
                name,
                colour: None,
            });
            begin = end;
        }
        let spacing = self.spacing(at)?;
        let whole = [&x, &y, &z]
            .iter()
            .all(|values| values.iter().all(|v| v.fract() == 0.0));
        if !whole
            && spacing.is_some_and(|spacing| spacing != [1.0; 3])
            && told.unit.is_none()
            && told.voxel.is_none()
        {
            let found = "positions in `voxel_mask` that are no whole numbers, beside a grid spacing: µm already, or parts of a voxel";
            let expected = "`--unit um`, or `--voxel X,Y,Z` if they are voxels";
            return Err(content(self.path, found, expected));
        }
        let voxel = if told.unit.is_some() {
            None
        } else {
            told.voxel.or(spacing)
        };
        let stated = if told.unit.is_some() {
            Stated::Nothing
        } else {
            Stated::Voxels
        };
        let mut recording = assemble(self.path, found, stated, &Told { voxel, ..*told })?;
        recording.said.splice(0..0, remarks);
        recording.said.insert(
            0,
            "read as NWB: x, y, z are the members of `voxel_mask` (a file written by MATLAB may hold the row of the image in x)"
                .to_owned(),
        );
        Ok(recording)
    }

    /// Names as a column of texts, or letter by letter with the ends of each name.
    fn nwb_names(&self, at: &str, n: usize, said: &mut Vec<String>) -> Result<Vec<String>, NeuronidError> {
        for column in ["labels", "ID_labels"] {
            let Some(texts) = self.texts(&format!("{at}{column}")) else {
                continue;
            };
            let index = format!("{at}{column}_index");
            if !self.arrays.contains_key(&index) {
                if texts.len() == n {
                    return Ok(texts);
                }
                let found = format!("{} of `{column}` for {n} neurons", texts.len());
                return Err(content(self.path, found, "as many"));
            }
            let ends = self.numbers(&index, Some(n))?;
            let mut begin = 0;
            let mut names = Vec::new();
            for end in ends {
                let end = end as usize;
                let letters = texts.get(begin..end).ok_or_else(|| {
                    let found = format!(
                        "`{column}_index` with the end {end} after {begin} of {}",
                        texts.len()
                    );
                    content(self.path, found, "ends that grow")
                })?;
                names.push(letters.concat());
                begin = end;
            }
            return Ok(names);
        }
        // A column of another name of which most are neurons.
        let is_neuron = |text: &&String| matches!(Identity::of(text), Identity::Neuron { .. });
        let named: Vec<(&str, &Vec<String>)> = self
            .arrays
            .iter()
            .filter_map(|(key, (_, values))| match (key.strip_prefix(at), values) {
                (Some(column), Values::Text(texts)) if texts.len() == n && !column.contains(['@', '/']) => {
                    Some((column, texts))
                }
                _ => None,
            })
            .filter(|(_, texts)| {
                2 * texts.iter().filter(is_neuron).count()
                    > texts.iter().filter(|text| !text.is_empty()).count()
            })
            .collect();
        let columns: Vec<String> = named.iter().map(|(column, _)| format!("`{column}`")).collect();
        match named[..] {
            [(_, texts)] => {
                said.push(format!("names are those of the column {}", columns[0]));
                Ok(texts.clone())
            }
            [] => Ok(vec![String::new(); n]),
            _ => {
                said.push(format!(
                    "{} hold names of neurons: none was taken",
                    columns.join(" and ")
                ));
                Ok(vec![String::new(); n])
            }
        }
    }

    /// µm of a voxel of the volume that the group of neurons was imaged in: the one its link leads to, the only one, or
    /// that of NeuroPAL.
    fn spacing(&self, at: &str) -> Result<Option<Point>, NeuronidError> {
        let spacings: Vec<&String> = self
            .arrays
            .keys()
            .filter(|key| key.ends_with("/grid_spacing"))
            .collect();
        let linked = ["imaging_plane", "imaging_volume"].iter().find_map(|name| {
            let beside = format!("{at}{name}@link");
            match self.arrays.get(&beside) {
                Some((_, Values::Text(target))) => Some(format!("{}/grid_spacing", target.first()?)),
                _ => Some(format!("{at}{name}/grid_spacing")).filter(|key| self.arrays.contains_key(key)),
            }
        });
        let of_colours: Vec<&String> = spacings.iter().copied().filter(|key| is_neuropal(key)).collect();
        let key = match (&linked, &spacings[..], &of_colours[..]) {
            (Some(linked), ..) if self.arrays.contains_key(linked) => linked,
            (_, [], _) => return Ok(None),
            (_, [one], _) | (_, _, [one]) => *one,
            _ => {
                let names: Vec<&str> = spacings.iter().map(|key| key.as_str()).collect();
                return Err(content(
                    self.path,
                    format!("{} volumes: {}", names.len(), names.join(", ")),
                    "one, or `--voxel X,Y,Z` of that of the neurons",
                ));
            }
        };
        let values = self.numbers(key, Some(3))?;
        let unit = match self.arrays.get(&format!("{key}@unit")) {
            Some((_, Values::Text(unit))) => unit.first().map_or("", String::as_str),
            _ => "",
        };
        // Metres are the unit that NWB has where a file does not say one: a voxel below a nanometre is in metres.
        let scale = match in_um(unit) {
            Some(scale) => scale,
            None if unit.is_empty() && values.iter().all(|size| *size < 1e-3) => 1e6,
            None if unit.is_empty() => 1.0,
            None => {
                let found = format!("`{key}` in `{unit}`");
                return Err(content(
                    self.path,
                    found,
                    "a unit of length, or `--voxel X,Y,Z` in µm",
                ));
            }
        };
        if values.iter().any(|size| !(*size > 0.0 && size.is_finite())) {
            return Err(content(
                self.path,
                format!("`{key}` of {values:?}"),
                "the size of a voxel, three numbers above 0",
            ));
        }
        Ok(Some([values[0] * scale, values[1] * scale, values[2] * scale]))
    }

    /// 3DeeCellTracker: \[volume\]\[cell\]\[z, y, x\], NaN for a cell that was not found.
    fn tracker(&self, told: &Told) -> Result<Recording, NeuronidError> {
        let (shape, _) = self.get("coords_txnx3")?;
        let [_, cells, 3] = shape[..] else {
            let found = format!("`coords_txnx3` of shape {shape:?}");
            return Err(content(self.path, found, "volumes × cells × 3"));
        };
        let values = self.numbers("coords_txnx3", None)?;
        let (mut found, mut absent) = (Vec::new(), Vec::new());
        for (row, p) in values.chunks_exact(3).enumerate() {
            let (volume, cell) = ((row / cells) as i64 + 1, row % cells + 1);
            if p.iter().any(|x| !x.is_finite()) {
                absent.push((volume, cell));
                continue;
            }
            found.push(Found {
                volume,
                position: [p[2], p[1], p[0]],
                name: String::new(),
                colour: None,
            });
        }
        let own = self
            .numbers("@voxel_size_yxz", Some(3))
            .ok()
            .map(|v| [v[1], v[0], v[2]]);
        let voxel = told.voxel.or(own);
        let mut recording = assemble(self.path, found, Stated::Voxels, &Told { voxel, ..*told })?;
        let mut said = vec![
            "read as 3DeeCellTracker: x, y, z are the last three numbers from behind (z, y, x); volumes count from 1".to_owned(),
        ];
        if let Ok(first) = self.numbers("@t_initial", Some(1)) {
            let there = first[0] >= 1.0 && first[0] <= shape[0] as f64;
            let but = if there { "" } else { ", which is not in the file" };
            said.push(format!(
                "volume {} is the one that was segmented by hand{but}",
                first[0]
            ));
        }
        for (volume, cell) in &absent {
            said.push(format!(
                "volume {volume}, cell {cell}: not found by the program, left out"
            ));
        }
        said.append(&mut recording.said);
        recording.said = said;
        recording.absent = absent;
        Ok(recording)
    }

    /// ZephIR: positions are fractions of the image, whose size stands in `metadata.json` beside the file.
    fn zephir(&self, told: &Told) -> Result<Recording, NeuronidError> {
        let x = self.numbers("x", None)?;
        let n = Some(x.len());
        let (y, z) = (self.numbers("y", n)?, self.numbers("z", n)?);
        let (t, line) = (self.numbers("t_idx", n)?, self.numbers("worldline_id", n)?);
        let size = image_size(self.path)?;
        let names = worldlines(self.path)?;
        let mut remarks = Vec::new();
        for (k, (id, name)) in names.iter().enumerate() {
            if names[..k].iter().any(|(other, own)| other == id && own != name) {
                remarks.push(format!(
                    "worldline {id} has several names: it was left without one"
                ));
            }
        }
        for (name, values) in [("x", &x), ("y", &y), ("z", &z)] {
            if let Some(row) = values.iter().position(|v| !(-0.5..=1.5).contains(v)) {
                let found = format!("`{name}` of row {} is {}", row + 1, values[row]);
                return Err(content(self.path, found, "a fraction of the image, about 0 to 1"));
            }
        }
        let index = |fraction: f64, size: f64| fraction * size - 0.5;
        let found = (0..x.len()).map(|row| Found {
            volume: t[row] as i64,
            position: [
                index(x[row], size[0]),
                index(y[row], size[1]),
                index(z[row], size[2]),
            ],
            name: {
                let mut own = names
                    .iter()
                    .filter(|(id, _)| *id == line[row])
                    .map(|(_, name)| name);
                let first = own.next().cloned().unwrap_or_default();
                if own.all(|name| *name == first) {
                    first
                } else {
                    String::new()
                }
            },
            colour: None,
        });
        let mut recording = assemble(self.path, found.collect(), Stated::Voxels, told)?;
        let tracked = self.texts("provenance").unwrap_or_default();
        recording.said.splice(0..0, remarks);
        let by_program = tracked.iter().filter(|by| by.as_str() == "ZEIR").count();
        recording.said.insert(
            0,
            format!(
                "read as ZephIR: x, y, z are fractions of an image of {} × {} × {} voxels; {by_program} of {} places are the \
                 program's, the others people's",
                size[0],
                size[1],
                size[2],
                x.len()
            ),
        );
        Ok(recording)
    }
}

/// Whether a path is that of NeuroPAL's image, which has the names and the colours.
fn is_neuropal(at: &str) -> bool {
    at.to_lowercase().contains("neuropal")
}

/// Voxels of the image along x, y and z.
fn image_size(annotations: &Path) -> Result<Point, NeuronidError> {
    let path = annotations.with_file_name("metadata.json");
    let text = neuropil_lab::file::text(&path)?;
    let wrong = |found: String| {
        content(
            &path,
            found,
            "`shape_x`, `shape_y` and `shape_z`, numbers of voxels",
        )
    };
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let mut size = [0.0; 3];
    for (size, key) in size.iter_mut().zip(["shape_x", "shape_y", "shape_z"]) {
        *size = json[key]
            .as_f64()
            .filter(|x| *x > 0.0)
            .ok_or_else(|| wrong(format!("no `{key}`")))?;
    }
    Ok(size)
}

/// Names of the lines of `worldlines.h5` beside the annotations, by number; none without the file.
fn worldlines(annotations: &Path) -> Result<Vec<(f64, String)>, NeuronidError> {
    let path = annotations.with_file_name("worldlines.h5");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let arrays = array::read(&path)?;
    let file = Hdf5 {
        path: &path,
        arrays: &arrays,
    };
    let ids = file.numbers("id", None)?;
    let names = file.texts("name").unwrap_or_default();
    Ok(ids.into_iter().zip(names).collect())
}
