//! Statistics of behaviour and activity: fits, intervals, bootstraps, bins, correlations.
//!
//! Everything is `f64` and runs in the calling thread in a fixed order, so results repeat bit for bit.

pub mod adjust;
pub mod bins;
pub mod bootstrap;
pub mod correlation;
pub mod dprime;
pub mod fisher;
pub mod fit;
pub mod interval;
mod minimise;
pub mod normal;
pub mod rank;
pub mod roc;
pub mod summary;

use thiserror::Error;

use crate::linalg::LinalgError;

/// Why a statistic cannot be computed.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum StatsError {
    /// Two columns that belong together have different lengths.
    #[error("{what} has {found} values, expected {expected}")]
    LengthMismatch {
        /// The column.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length of its partner.
        expected: usize,
    },
    /// A value is NaN, infinite or outside its range.
    #[error("{what} is {found} at index {index}, expected {expected}")]
    OutOfRange {
        /// The column.
        what: &'static str,
        /// Where.
        index: usize,
        /// The value.
        found: f64,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// Too few values for what was asked.
    #[error("found {found} {what}, expected at least {needed}")]
    TooFew {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// Many parameter values describe the data equally well, or better and better towards infinity.
    #[error("not identifiable: {reason}")]
    NotIdentifiable {
        /// Why, in words.
        reason: String,
    },
    /// A fit did not reach its tolerance.
    #[error("the fit did not converge after {iterations} iterations")]
    NotConverged {
        /// How many were tried.
        iterations: usize,
    },
    /// A matrix decomposition failed.
    #[error(transparent)]
    Linalg(#[from] LinalgError),
}

fn same_length(what: &'static str, found: usize, expected: usize) -> Result<(), StatsError> {
    if found == expected {
        Ok(())
    } else {
        Err(StatsError::LengthMismatch {
            what,
            found,
            expected,
        })
    }
}

fn finite(what: &'static str, values: &[f64]) -> Result<(), StatsError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(StatsError::OutOfRange {
            what,
            index,
            found: values[index],
            expected: "a finite number",
        }),
        None => Ok(()),
    }
}
