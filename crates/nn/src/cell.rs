//! Recurrent units, one file each: the elementwise passes that stand between the products.

pub(crate) mod gated;
pub(crate) mod leaky;
pub(crate) mod lstm;

use serde::{Deserialize, Serialize};

/// Kind of unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// Song's modified gated unit.
    Gated,
    /// Leaky rectified unit without gates.
    Leaky,
    /// Long short-term memory: counts steps, whatever Δt and τ are.
    Lstm,
    /// No dynamics: the state is the input itself, read out linearly.
    Linear,
}

impl Cell {
    /// Gates of every unit.
    pub(crate) fn gates(self) -> usize {
        match self {
            Cell::Gated => 2,
            Cell::Lstm => 3,
            Cell::Leaky | Cell::Linear => 0,
        }
    }

    /// Blocks of N columns in the input weights: the drive's, then the gates'.
    pub(crate) fn blocks(self) -> usize {
        match self {
            Cell::Linear => 0,
            _ => 1 + self.gates(),
        }
    }

    /// Is the rate the rectified state (or part of the state itself)?
    pub(crate) fn rectifies(self) -> bool {
        matches!(self, Cell::Gated | Cell::Leaky)
    }
}
