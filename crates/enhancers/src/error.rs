//! What is wrong with an input: file, line, field, what was found, what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// An input that cannot be understood or used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// File that the input came from, where there is one.
    pub file: Option<PathBuf>,
    /// Line of the file, counted from 1.
    pub line: Option<usize>,
    /// Field or column, by name.
    pub field: Option<String>,
    /// What was found and what was expected.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl InputError {
    /// An input error that says `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            file: None,
            line: None,
            field: None,
            message: message.into(),
            hint: None,
        }
    }

    /// The same error in `file`.
    pub fn in_file(mut self, file: &Path) -> Self {
        self.file.get_or_insert_with(|| file.to_owned());
        self
    }

    /// The same error on `line`, counted from 1.
    pub fn at_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// The same error in the field or column `field`.
    pub fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same error with advice.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = Vec::new();
        if let Some(file) = &self.file {
            place.push(file.display().to_string());
        }
        if let Some(line) = self.line {
            place.push(format!("line {line}"));
        }
        if let Some(field) = &self.field {
            place.push(format!("`{field}`"));
        }
        if !place.is_empty() {
            write!(f, "{}: ", place.join(", "))?;
        }
        write!(f, "{}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InputError {}

impl From<InputError> for neuropil_lab::error::Problem {
    fn from(error: InputError) -> Self {
        let hint = error.hint.clone();
        let message = InputError { hint: None, ..error }.to_string();
        Self {
            hint,
            ..Self::bare(message)
        }
    }
}
