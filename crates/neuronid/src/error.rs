//! What can go wrong.

use neuropil_lab::error::{LabError, Problem};

/// An error of the system.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NeuronidError {
    /// A file cannot be read or is not what it should be.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// Forbidden pairs leave no pairing.
    #[error("every pairing contains a forbidden pair")]
    Infeasible,
    /// A cost that cannot be compared.
    #[error("the cost of row {row} with column {column} is not a number")]
    Cost {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
    },
    /// Too few points to register.
    #[error("{what} has {found} points; a registration needs {needed}")]
    Points {
        /// Which cloud.
        what: &'static str,
        /// Its points.
        found: usize,
        /// Points needed.
        needed: usize,
    },
    /// A worm that cannot be used as it is.
    #[error("{message}")]
    Worm {
        /// What was found, with file, row and column.
        message: String,
        /// What to do.
        hint: String,
    },
}

impl From<NeuronidError> for Problem {
    fn from(error: NeuronidError) -> Self {
        let hint = match &error {
            NeuronidError::Lab(_) => {
                let NeuronidError::Lab(error) = error else {
                    unreachable!()
                };
                return error.into();
            }
            NeuronidError::Infeasible => "allow more pairs, or more copies of the outlier column".to_owned(),
            NeuronidError::Cost { .. } => "look for positions or colours that are not numbers".to_owned(),
            NeuronidError::Points { .. } => "give a worm with more neurons".to_owned(),
            NeuronidError::Worm { hint, .. } => hint.clone(),
        };
        Problem::new(error.to_string(), hint)
    }
}

/// Content of a file that is not what it should be.
pub(crate) fn content(
    path: &std::path::Path,
    found: impl Into<String>,
    expected: impl Into<String>,
) -> NeuronidError {
    NeuronidError::Lab(LabError::Content {
        path: path.to_owned(),
        found: found.into(),
        expected: expected.into(),
    })
}
