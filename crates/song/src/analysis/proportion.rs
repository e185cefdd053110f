//! Counts as proportions with intervals.

use neuropil_math::stats::interval::{Interval, wilson};
use serde::{Deserialize, Serialize};

use super::CONFIDENCE;

/// A fraction of trials with Wilson's 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// Trials that count.
    pub count: usize,
    /// All trials, at least 1.
    pub n: usize,
    /// Their ratio.
    pub value: f64,
    /// Wilson's interval.
    pub interval: Interval,
}

impl Proportion {
    /// `count` of `n`; `None` without trials.
    pub fn of(count: usize, n: usize) -> Option<Self> {
        let interval = wilson(count, n, CONFIDENCE)?;
        Some(Self {
            count,
            n,
            value: count as f64 / n as f64,
            interval,
        })
    }

    /// Fraction of `trials` for which `holds`; `None` without trials.
    pub fn among(trials: &[usize], holds: impl Fn(usize) -> bool) -> Option<Self> {
        Self::of(trials.iter().filter(|&&trial| holds(trial)).count(), trials.len())
    }
}

/// A proportion at a stimulus duration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DurationPoint {
    /// Mean duration of the trials in ms.
    pub duration_ms: f64,
    /// The fraction of them.
    pub proportion: Proportion,
}
