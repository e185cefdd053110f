//! What can be wrong with a connectome or a question about it.

use neuropil_lab::error::{LabError, Problem};
use std::path::{Path, PathBuf};

/// A file, a selection or a setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system refused.
    #[error("{}: cannot {doing}: {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// A file of results cannot be written or read back.
    #[error(transparent)]
    Kept(#[from] LabError),
    /// A place in a file does not hold what it should.
    #[error("{}{}: {found}, expected {expected}{}", path.display(), place(*line, field), hint_line(hint))]
    Field {
        /// File, or file inside an archive.
        path: Box<Path>,
        /// Line, from 1; 0 when the whole file is meant.
        line: usize,
        /// Column name or number.
        field: Box<str>,
        /// What is there.
        found: Box<str>,
        /// What should be.
        expected: Box<str>,
        /// What to do about it.
        hint: Box<str>,
    },
    /// A connectome that contradicts itself.
    #[error("{message}{}", hint_line(hint))]
    Inconsistent {
        /// What contradicts what.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// A question that this connectome cannot answer.
    #[error("{message}{}", hint_line(hint))]
    Question {
        /// What is the matter.
        message: String,
        /// What to do about it.
        hint: String,
    },
}

impl From<DataError> for Problem {
    fn from(error: DataError) -> Self {
        let hinted = |hint: &str| (!hint.is_empty()).then(|| hint.to_owned());
        match error {
            DataError::Kept(error) => error.into(),
            DataError::Field {
                path,
                line,
                field,
                found,
                expected,
                hint,
            } => Self::bare(format!("{found}, expected {expected}"))
                .hinted(hinted(&hint))
                .in_line(path.display().to_string(), line, field),
            DataError::Inconsistent { message, hint } | DataError::Question { message, hint } => {
                Self::bare(message).hinted(hinted(&hint))
            }
            other @ DataError::Io { .. } => Self::bare(other.to_string()),
        }
    }
}

fn place(line: usize, field: &str) -> String {
    match (line, field.is_empty()) {
        (0, true) => String::new(),
        (0, false) => format!(": {field}"),
        (line, true) => format!(":{line}"),
        (line, false) => format!(":{line}: {field}"),
    }
}

fn hint_line(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!("\n  hint: {hint}")
    }
}

impl DataError {
    /// A file that the operating system refused.
    pub fn io(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, doing, source }
    }

    /// A place in a file that does not hold what it should.
    pub fn field(
        path: &Path,
        line: usize,
        field: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Field {
            path: path.into(),
            line,
            field: field.into().into(),
            found: found.into().into(),
            expected: expected.into().into(),
            hint: "".into(),
        }
    }

    /// A question without an answer, and what to ask instead.
    pub fn question(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Question {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// Data that contradict themselves, and what to do.
    pub fn inconsistent(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Inconsistent {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The same error with a hint.
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        match &mut self {
            Self::Field { hint, .. } => *hint = text.into().into(),
            Self::Inconsistent { hint, .. } | Self::Question { hint, .. } => *hint = text.into(),
            Self::Io { .. } | Self::Kept(_) => {}
        }
        self
    }
}
