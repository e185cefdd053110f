//! The experiments of the paper's figures, each as a typed result that tells itself.

use crate::error::SuccessorError;
use neuropil_lab::error::Problem;
use neuropil_math::rng::Key;
use neuropil_math::stats::summary::{mean, variance};
use neuropil_study::{Answer, Claim, Origin, Tell};
use rayon::prelude::*;
use serde::Serialize;

mod appendix7;
mod cells;
mod change;
mod course;
mod features4;
mod grid;
mod learning2;
mod stability3;
mod swept;

pub use appendix7::{Appendix7, appendix_7};
pub use cells::{CellResult, Cells, cells};
pub use change::{Change, Follower, Preference, change};
pub use course::Course;
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

/// One part: its results told, and its claims; nothing if it was stopped.
///
/// # Errors
/// No part of this name; learning that ran away where it should not; what is kept cannot be read or written.
pub fn part(
    name: &str,
    effort: Effort,
    course: &Course<'_>,
) -> Result<Option<(Vec<Answer>, Vec<Claim>)>, Problem> {
    fn told<T: Tell + Serialize>(
        found: Option<T>,
        claims: fn(&T) -> Vec<Claim>,
        origin: &Origin,
    ) -> Option<(Vec<Answer>, Vec<Claim>)> {
        found.map(|found| (vec![Answer::of(&found, origin)], claims(&found)))
    }
    let origin = Origin {
        of: format!("figure {name}"),
        seed: effort.seed,
        ..Origin::default()
    };
    Ok(match name {
        "2" => told(course.once(|| figure_2(effort))?, Figure2::claims, &origin),
        "3" => told(course.once(|| figure_3(effort))?, Figure3::claims, &origin),
        "4" => told(course.once(|| figure_4(effort))?, Figure4::claims, &origin),
        "5" => told(grid_56(effort, course)?, Grid56::claims, &origin),
        "6" => told(cells(effort, course)?, Cells::claims, &origin),
        "app7" => told(course.once(|| appendix_7(effort))?, Appendix7::claims, &origin),
        "change" => told(course.once(|| change(effort))?, Change::claims, &origin),
        other => {
            let known: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
            return Err(SuccessorError::setting(
                "the figure",
                format!("`{other}`"),
                format!("one of {}", known.join(", ")),
            )
            .into());
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
