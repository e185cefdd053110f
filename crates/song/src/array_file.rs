//! Arrays that settings take from files: `.npz` (an array of a given name) or `.csv` (one row a line, no header).

use neuropil_lab::array;
use neuropil_lab::error::{LabError, Problem};
use std::path::PathBuf;

/// A file that does not hold what a setting needs.
#[derive(Debug, thiserror::Error)]
#[error("{}: {field}: {found}, expected {expected}\n  hint: {hint}", path.display())]
pub struct ArrayFileError {
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

impl From<ArrayFileError> for Problem {
    fn from(error: ArrayFileError) -> Self {
        let message = format!("{}, expected {}", error.found, error.expected);
        Self::new(message, error.hint).in_line(error.path.display().to_string(), 0, error.field)
    }
}

/// A file, and what a setting needs of it.
pub(crate) struct ArrayFile<'a> {
    pub(crate) path: PathBuf,
    /// Setting that names it, as `policy.masks.w_rec`.
    pub(crate) field: String,
    /// Name of the array in an archive.
    pub(crate) array: &'a str,
    /// Rows and columns, or length.
    pub(crate) shape: &'a [usize],
    /// What the values should be, for people.
    pub(crate) expected: String,
    /// What a value means, for people who wrote another.
    pub(crate) meaning: &'a str,
}

impl ArrayFile<'_> {
    pub(crate) fn error(&self, found: String, hint: &str) -> Box<ArrayFileError> {
        Box::new(ArrayFileError {
            path: self.path.clone(),
            field: self.field.clone(),
            found,
            expected: self.expected.clone(),
            hint: hint.to_owned(),
        })
    }

    /// The value at place `i`, row-major, should be another.
    pub(crate) fn wrong_value(&self, i: usize, value: f64) -> Box<ArrayFileError> {
        let (row, column) = (i / self.columns(), i % self.columns());
        let found = match (self.ending(), self.shape.len()) {
            (Some("npz"), 1) => format!("array `{}` is {value} at [{i}]", self.array),
            (Some("npz"), _) => format!("array `{}` is {value} at [{row}, {column}]", self.array),
            (_, 1) => format!("value {} is `{value}`", i + 1),
            _ => format!("row {}, column {} is `{value}`", row + 1, column + 1),
        };
        self.error(found, self.meaning)
    }

    /// All values, row-major.
    ///
    /// # Errors
    /// A file that is missing, of another kind or shape, or holds anything but numbers.
    pub(crate) fn read(&self) -> Result<Vec<f64>, Box<ArrayFileError>> {
        match self.ending() {
            Some("npz") => self.read_npz(),
            Some("csv") => self.read_csv(),
            _ => Err(self.error(
                "a file that is neither .npz nor .csv".to_owned(),
                "save it as one of the two",
            )),
        }
    }

    fn ending(&self) -> Option<&str> {
        self.path.extension().and_then(|ending| ending.to_str())
    }

    /// Values a row.
    fn columns(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    fn of_another_size(&self, found: String) -> Box<ArrayFileError> {
        let who = self.field.split('.').next().unwrap_or_default();
        let hint = format!("the size follows from `{who}.units`, `{who}.cell` and the task");
        self.error(found, &hint)
    }

    fn unreadable(&self, source: &std::io::Error) -> Box<ArrayFileError> {
        self.error(
            format!("cannot read: {source}"),
            "the path begins where the command runs",
        )
    }

    fn read_npz(&self) -> Result<Vec<f64>, Box<ArrayFileError>> {
        let array = self.array;
        let (shape, values) = array::read_numbers(&self.path, array).map_err(|error| match error {
            LabError::Io { source, .. } => self.unreadable(&source),
            LabError::Content { found, .. } => {
                let hint = format!("`numpy.savez(FILE, **{{\"{array}\": values}})` writes such an array");
                self.error(found, &hint)
            }
            other => self.error(other.to_string(), "write the file anew"),
        })?;
        if shape != self.shape {
            return Err(self.of_another_size(format!("array `{array}` has shape {shape:?}")));
        }
        Ok(values)
    }

    /// A matrix has one row a line, a vector any number of lines.
    fn read_csv(&self) -> Result<Vec<f64>, Box<ArrayFileError>> {
        let text = std::fs::read_to_string(&self.path).map_err(|source| self.unreadable(&source))?;
        let mut values = Vec::new();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        for (row, line) in lines.iter().enumerate() {
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            if self.shape.len() == 2 && cells.len() != self.columns() {
                return Err(self.of_another_size(format!("row {} has {} values", row + 1, cells.len())));
            }
            for (column, cell) in cells.iter().enumerate() {
                let found = || format!("row {}, column {} is `{cell}`", row + 1, column + 1);
                values.push(cell.parse().map_err(|_| self.error(found(), self.meaning))?);
            }
        }
        match *self.shape {
            [n] if values.len() != n => Err(self.of_another_size(format!("{} values", values.len()))),
            [n, _] if lines.len() != n => Err(self.of_another_size(format!("{} rows", lines.len()))),
            _ => Ok(values),
        }
    }
}
