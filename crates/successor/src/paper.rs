//! The experiments of the paper's figures, each as a typed result that tells itself.

use crate::error::SuccessorError;
use neuropil_math::rng::Key;
use neuropil_math::stats::summary::{mean, variance};
use neuropil_study::{Answer, Claim, Origin};
use rayon::prelude::*;

mod appendix7;
mod cells;
mod change;
mod features4;
mod grid;
mod learning2;
mod stability3;
mod swept;

pub use appendix7::{Appendix7, appendix_7};
pub use cells::{CellResult, Cells, cells};
pub use change::{Change, Follower, Preference, change};
pub use features4::{Figure4, figure_4};
pub use grid::{Grid56, grid_56};
pub use learning2::{Figure2, figure_2};
pub use stability3::{Figure3, figure_3};
pub use swept::{SweptGrid, swept_grid};

/// How much to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Fewer walks, coarser grids.
    pub quick: bool,
    /// Seed of every walk.
    pub seed: u64,
}

impl Effort {
    /// This many walks, or fewer when quick.
    pub(crate) fn walks(self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    /// The key of walk `index` of experiment `part`.
    pub(crate) fn key(self, part: u64, index: usize) -> Key {
        Key::new(self.seed).attempt(part).at(index as u64)
    }
}

/// Parts of the paper, in its order, and what goes beyond it: name and what it shows.
pub const PARTS: [(&str, &str); 7] = [
    (
        "2",
        "Learning transitions: adaptive and static rates, temporal differences",
    ),
    ("3", "Stability: gain against spectral radius and error"),
    (
        "4",
        "Features: decorrelative and independent normalisation, shifts of fields",
    ),
    ("5", "Temporal-difference loss over the grid of features"),
    ("6", "Place fields over the grid of features, against titmice"),
    ("app7", "Normalisations of transition counts"),
    (
        "change",
        "Beyond the paper: a wall appears, transitions are revalued",
    ),
];

/// One part: its results told, and its claims.
///
/// # Errors
/// Settings that cannot be meant, or learning that ran away where it should not.
pub fn part(name: &str, effort: Effort) -> Result<(Vec<Answer>, Vec<Claim>), SuccessorError> {
    let origin = Origin {
        of: format!("figure {name}"),
        seed: effort.seed,
        ..Origin::default()
    };
    Ok(match name {
        "2" => {
            let found = figure_2(effort)?;
            (vec![Answer::of(&found, &origin)], found.claims())
        }
        "3" => {
            let found = figure_3(effort)?;
            (vec![Answer::of(&found, &origin)], found.claims())
        }
        "4" => {
            let found = figure_4(effort)?;
            (vec![Answer::of(&found, &origin)], found.claims())
        }
        "5" => {
            let found = grid_56(effort)?;
            (vec![Answer::of(&found, &origin)], found.claims())
        }
        "6" => {
            let found = cells(effort)?;
            (vec![Answer::of(&found, &origin)], found.claims())
        }
        "app7" => {
            let found = appendix_7(effort)?;
            (vec![Answer::of(&found, &origin)], found.claims())
        }
        "change" => {
            let found = change(effort)?;
            (vec![Answer::of(&found, &origin)], found.claims())
        }
        other => {
            let known: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
            return Err(SuccessorError::setting(
                "the figure",
                format!("`{other}`"),
                format!("one of {}", known.join(", ")),
            ));
        }
    })
}

/// Mean and 95 % confidence interval of the mean (normal).
pub(crate) fn interval(values: &[f64]) -> (f64, f64) {
    let half = if values.len() > 1 {
        1.96 * (variance(values, 1) / values.len() as f64).sqrt()
    } else {
        0.0
    };
    (mean(values), half)
}

/// Runs walks side by side, each of its own key alone, in order.
pub(crate) fn in_order<T: Send>(
    n: usize,
    one: impl Fn(usize) -> Result<T, SuccessorError> + Sync + Send,
) -> Result<Vec<T>, SuccessorError> {
    (0..n).into_par_iter().map(one).collect()
}
