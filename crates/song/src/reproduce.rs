//! What the paper reports, and how our runs compare: claims, figures in the paper's order, both tables.
//!
//! Song, Yang & Wang, eLife 6, e21492 (2017). Where the paper states a quality and not a number, the band is ours and
//! says how it is measured. Every claim is judged over all runs that measured it.

mod claims;
mod page;
mod run;

use std::collections::BTreeMap;

use neuropil_tasks::task::Task;
use serde::{Deserialize, Serialize};

use crate::analysis::Finding;
use crate::testing::Fixed;

pub use claims::claims;
pub use page::page;
pub(crate) use run::reproduce;

/// A task of the reproduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Name in the library.
    pub task: &'static str,
    /// Test trials of each condition, as in the paper.
    pub behaviour: usize,
    /// Trials of each condition with activity, as in the paper; capped, see [`MOST_RECORDED`].
    pub activity: usize,
    /// Updates at most; the same for the two kinds of value network of a task.
    pub max_updates: u64,
}

/// Trials with activity in all: more would only fill the disk.
pub const MOST_RECORDED: usize = 2400;

const UPDATES: u64 = 20_000;

/// With the paper's settings four of six networks need less, with the lessons all by far.
pub(crate) const WAGER_UPDATES: u64 = 8000;

/// The tasks in the paper's order, with the comparison of value networks after the recurrent ones.
pub const PLAN: [Planned; 10] = [
    planned("rdm", 5000, 50, UPDATES),
    planned("rdm-rt", 2500, 50, UPDATES),
    planned("rdm-linear-value", 1000, 0, UPDATES),
    planned("mante", 1000, 100, UPDATES),
    planned("multisensory", 1500, 100, UPDATES),
    planned("romo", 100, 50, UPDATES),
    planned("wager", 2500, 100, WAGER_UPDATES),
    planned("wager-linear-value", 500, 0, WAGER_UPDATES),
    planned("economic", 500, 500, UPDATES),
    planned("economic-1a3b", 500, 0, UPDATES),
];

const fn planned(task: &'static str, behaviour: usize, activity: usize, max_updates: u64) -> Planned {
    Planned {
        task,
        behaviour,
        activity,
        max_updates,
    }
}

/// A task beyond the paper: it is trained, and no claim is made of it.
pub const fn further(task: &'static str) -> Planned {
    planned(task, 0, 0, UPDATES)
}

impl Planned {
    /// Test trials of each condition: behaviour, activity. `quick` makes few.
    pub fn trials(self, task: &Task, quick: bool) -> (usize, usize) {
        let n = task.n_conditions();
        if quick {
            let recorded = if self.activity == 0 {
                0
            } else {
                600_usize.div_ceil(n)
            };
            (4000_usize.div_ceil(n).min(self.behaviour), recorded)
        } else {
            (self.behaviour, self.activity.min(MOST_RECORDED.div_ceil(n)))
        }
    }

    /// Durations that the paper's test trials do not draw.
    pub fn fixed(self) -> Fixed {
        if self.task == "romo" {
            Fixed::from([("delay".to_owned(), 3000.0)])
        } else {
            Fixed::new()
        }
    }
}

/// What one run came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunResult {
    /// Task.
    pub task: String,
    /// Seed.
    pub seed: u64,
    /// Was the criterion met?
    pub criterion_met: bool,
    /// Training trials, those of discarded networks included.
    pub trials: u64,
    /// Networks drawn anew.
    pub restarts: u64,
    /// Fraction correct that the criterion asks for.
    pub threshold: Option<f64>,
    /// Test trials.
    pub n_trials: usize,
    /// Trials with activity.
    pub n_recorded: usize,
    /// Results by name of the analysis.
    pub findings: BTreeMap<String, Finding>,
}
