//! Masks of weights from files: who is connected to whom, as an anatomist would give it.

use crate::config::NetworkConfig;
use neuropil_lab::array;
use neuropil_lab::error::LabError;
use neuropil_nn::network::Shape;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Masks of a network's parameter arrays, row-major, as its settings name them; `who` is the network in messages.
///
/// An `.npz` file holds an array of the parameter's name and shape, a `.csv` file one row of zeros and ones a line,
/// from × to.
///
/// # Errors
/// A file that is missing, of another kind or shape, or holds anything but zeros and ones.
pub fn read_masks(
    who: &str,
    net: &NetworkConfig,
    shape: Shape,
) -> Result<BTreeMap<String, Vec<bool>>, LabError> {
    let layout = shape.layout();
    let mut masks = BTreeMap::new();
    for (name, file) in &net.masks {
        let entry = layout.entries().iter().find(|entry| entry.name == name);
        let shape = &entry.expect("the settings were checked").shape;
        let wanted = Wanted {
            path: PathBuf::from(file),
            array: name,
            shape,
            expected: format!(
                "{} rows of {} zeros and ones, from × to, for the mask of {who}.{name}",
                shape[0], shape[1]
            ),
        };
        let flags = match wanted.path.extension().and_then(|ending| ending.to_str()) {
            Some("npz") => wanted.read_npz()?,
            Some("csv") => wanted.read_csv()?,
            _ => return Err(wanted.not("a file that is neither .npz nor .csv".to_owned())),
        };
        masks.insert(name.clone(), flags);
    }
    Ok(masks)
}

pub(crate) struct Wanted<'a> {
    pub(crate) path: PathBuf,
    pub(crate) array: &'a str,
    pub(crate) shape: &'a [usize],
    pub(crate) expected: String,
}

impl Wanted<'_> {
    pub(crate) fn not(&self, found: String) -> LabError {
        LabError::Content {
            path: self.path.clone(),
            found,
            expected: self.expected.clone(),
        }
    }

    fn read_npz(&self) -> Result<Vec<bool>, LabError> {
        let (shape, values) = numbers(&self.path, self.array, self)?;
        if shape != self.shape {
            return Err(self.not(format!("array `{}` has shape {shape:?}", self.array)));
        }
        let columns = self.shape[1];
        let flag = |(i, &x): (usize, &f64)| match x {
            0.0 => Ok(false),
            1.0 => Ok(true),
            _ => Err(self.not(format!(
                "array `{}` is {x} at [{}, {}]",
                self.array,
                i / columns,
                i % columns
            ))),
        };
        values.iter().enumerate().map(flag).collect()
    }

    fn read_csv(&self) -> Result<Vec<bool>, LabError> {
        let text = std::fs::read_to_string(&self.path).map_err(|source| LabError::Io {
            path: self.path.clone(),
            doing: "read",
            source,
        })?;
        let mut flags = Vec::new();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        for (row, line) in lines.iter().enumerate() {
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            if cells.len() != self.shape[1] {
                return Err(self.not(format!("row {} has {} values", row + 1, cells.len())));
            }
            for (column, cell) in cells.iter().enumerate() {
                flags.push(match *cell {
                    "0" => false,
                    "1" => true,
                    _ => {
                        return Err(self.not(format!("row {}, column {} is `{cell}`", row + 1, column + 1)));
                    }
                });
            }
        }
        if lines.len() != self.shape[0] {
            return Err(self.not(format!("{} rows", lines.len())));
        }
        Ok(flags)
    }
}

/// An array of numbers of any of the usual types.
pub(crate) fn numbers(path: &Path, name: &str, wanted: &Wanted) -> Result<(Vec<usize>, Vec<f64>), LabError> {
    type Read = fn(&Path) -> Result<Vec<(String, Vec<usize>, Vec<f64>)>, LabError>;
    fn read<T: array::Element>(path: &Path) -> Result<Vec<(String, Vec<usize>, Vec<f64>)>, LabError> {
        let arrays = array::read_npz::<T>(path)?;
        let as_numbers = |values: Vec<T>| values.into_iter().map(T::number).collect();
        Ok(arrays
            .into_iter()
            .map(|(name, shape, values)| (name, shape, as_numbers(values)))
            .collect())
    }
    let readers: [Read; 5] = [read::<f64>, read::<f32>, read::<bool>, read::<u8>, read::<i64>];
    for reader in readers {
        match reader(path) {
            Ok(arrays) => {
                let names: Vec<String> = arrays.iter().map(|(name, ..)| format!("`{name}`")).collect();
                let found = arrays.into_iter().find(|(known, ..)| known == name);
                let missing = || wanted.not(format!("no array `{name}`, only {}", names.join(", ")));
                return found
                    .map(|(_, shape, values)| (shape, values))
                    .ok_or_else(missing);
            }
            Err(error @ LabError::Io { .. }) => return Err(error),
            Err(_) => {} // of another number type, or no archive at all
        }
    }
    Err(wanted.not("not an archive of arrays of numbers".to_owned()))
}
