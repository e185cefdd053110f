//! Masks of weights from files: who is connected to whom, as an anatomist would give it.

use crate::config::NetworkConfig;
use neuropil_lab::array;
use neuropil_lab::error::LabError;
use neuropil_nn::network::Shape;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A mask file that does not fit.
#[derive(Debug, thiserror::Error)]
#[error("{}: {field}: {found}, expected {expected}\n  hint: {hint}", path.display())]
pub struct MaskError {
    /// File.
    pub path: PathBuf,
    /// Setting that names the file.
    pub field: String,
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: String,
    /// What to do.
    pub hint: String,
}

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
) -> Result<BTreeMap<String, Vec<bool>>, MaskError> {
    let layout = shape.layout();
    let mut masks = BTreeMap::new();
    for (name, file) in &net.masks {
        let entry = layout.entries().iter().find(|entry| entry.name == name);
        let wanted = Wanted {
            path: PathBuf::from(file),
            who,
            array: name,
            shape: &entry.expect("the settings were checked").shape,
        };
        let flags = match wanted.path.extension().and_then(|ending| ending.to_str()) {
            Some("npz") => wanted.read_npz()?,
            Some("csv") => wanted.read_csv()?,
            _ => {
                let found = "a file that is neither .npz nor .csv".to_owned();
                return Err(wanted.not(found, "save it as one of the two".to_owned()));
            }
        };
        masks.insert(name.clone(), flags);
    }
    Ok(masks)
}

struct Wanted<'a> {
    path: PathBuf,
    who: &'a str,
    array: &'a str,
    shape: &'a [usize],
}

impl Wanted<'_> {
    fn not(&self, found: String, hint: String) -> MaskError {
        MaskError {
            path: self.path.clone(),
            field: format!("{}.masks.{}", self.who, self.array),
            found,
            expected: format!(
                "{} rows of {} zeros and ones, from × to",
                self.shape[0], self.shape[1]
            ),
            hint,
        }
    }

    fn of_another_size(&self, found: String) -> MaskError {
        let who = self.who;
        self.not(
            found,
            format!("the size follows from `{who}.units`, `{who}.cell` and the task"),
        )
    }

    fn unreadable(&self, source: &std::io::Error) -> MaskError {
        self.not(
            format!("cannot read: {source}"),
            "the path begins where the command runs".to_owned(),
        )
    }

    fn read_npz(&self) -> Result<Vec<bool>, MaskError> {
        let array = self.array;
        let (shape, values) = array::read_numbers(&self.path, array).map_err(|error| match error {
            LabError::Io { source, .. } => self.unreadable(&source),
            LabError::Content { found, .. } => self.not(
                found,
                format!("`numpy.savez(FILE, {array}=mask)` writes such an array"),
            ),
            other => self.not(other.to_string(), "write the file anew".to_owned()),
        })?;
        if shape != self.shape {
            return Err(self.of_another_size(format!("array `{array}` has shape {shape:?}")));
        }
        let columns = self.shape[1];
        let flag = |(i, &x): (usize, &f64)| match x {
            0.0 => Ok(false),
            1.0 => Ok(true),
            _ => Err(self.not(
                format!("array `{array}` is {x} at [{}, {}]", i / columns, i % columns),
                format!("`numpy.savez(FILE, {array}=weights != 0)` makes a mask of weights"),
            )),
        };
        values.iter().enumerate().map(flag).collect()
    }

    fn read_csv(&self) -> Result<Vec<bool>, MaskError> {
        let text = std::fs::read_to_string(&self.path).map_err(|source| self.unreadable(&source))?;
        let mut flags = Vec::new();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        for (row, line) in lines.iter().enumerate() {
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            if cells.len() != self.shape[1] {
                return Err(self.of_another_size(format!("row {} has {} values", row + 1, cells.len())));
            }
            for (column, cell) in cells.iter().enumerate() {
                flags.push(match *cell {
                    "0" => false,
                    "1" => true,
                    _ => {
                        return Err(self.not(
                            format!("row {}, column {} is `{cell}`", row + 1, column + 1),
                            "0: no connection, 1: a connection; no header".to_owned(),
                        ));
                    }
                });
            }
        }
        if lines.len() != self.shape[0] {
            return Err(self.of_another_size(format!("{} rows", lines.len())));
        }
        Ok(flags)
    }
}
