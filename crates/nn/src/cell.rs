//! Recurrent units, one file each: the elementwise passes that stand between the products.

pub(crate) mod gated;
pub(crate) mod leaky;

use serde::{Deserialize, Serialize};

/// Kind of unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// Song's modified gated unit.
    Gated,
    /// Leaky rectified unit without gates.
    Leaky,
    /// No dynamics: the state is the input itself, read out linearly.
    Linear,
}

impl Cell {
    /// Blocks of N columns in the input weights: drive, and update and recurrent gate if there are any.
    pub(crate) fn blocks(self) -> usize {
        match self {
            Cell::Gated => 3,
            Cell::Leaky => 1,
            Cell::Linear => 0,
        }
    }
}
