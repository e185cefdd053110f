//! What can go wrong: a file, or a setting.

use neuropil_lab::error::{LabError, Problem};

/// A file or setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatingError {
    /// A file.
    #[error(transparent)]
    File(#[from] LabError),
    /// A setting, or content that does not fit.
    #[error(transparent)]
    Problem(#[from] Problem),
}

impl From<GatingError> for Problem {
    fn from(error: GatingError) -> Self {
        match error {
            GatingError::File(error) => error.into(),
            GatingError::Problem(problem) => problem,
        }
    }
}
