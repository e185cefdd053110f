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
    /// A file that cannot be read, written or understood; names its place.
    #[error(transparent)]
    File(#[from] LabError),
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
        match error {
            DataError::File(error) => error.into(),
            DataError::Inconsistent { message, hint } | DataError::Question { message, hint } => {
                Self::bare(message).hinted((!hint.is_empty()).then_some(hint))
            }
            other @ DataError::Io { .. } => Self::bare(other.to_string()),
        }
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
        let (field, found, expected) = (field.into(), found.into(), expected.into());
        LabError::place(path, line, field, found, expected).into()
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
            Self::Inconsistent { hint, .. } | Self::Question { hint, .. } => *hint = text.into(),
            Self::File(LabError::Place { hint, .. }) => *hint = text.into().into(),
            Self::Io { .. } | Self::File(_) => {}
        }
        self
    }
}
