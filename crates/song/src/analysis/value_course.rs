//! What reward the value network expects around events, in any task, and whether it gets it.

use neuropil_math::stats::bins::equal_count_bins;
use neuropil_math::stats::summary::{Summary, mean};
use serde::{Deserialize, Serialize};

use super::activity::Recorded;
use super::course::{Course, course, events, sorting};
use super::levels::{Sorted, eta_squared};
use super::{AnalysisError, Focus};

/// Bins of the prediction.
const BINS: usize = 8;
/// Trials of a bin, at least.
const FEWEST: usize = 5;

/// Expected reward around events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueCourse {
    /// What trials are sorted by; empty if by nothing.
    pub by: String,
    /// Around each event: its name, and one course a level.
    pub events: Vec<(String, Vec<Course>)>,
    /// Reward that trials earned against what was expected halfway through them, in bins of equally many.
    pub earned: Vec<Earned>,
}

/// Trials of which about as much was expected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Earned {
    /// Mean prediction halfway through the trial.
    pub predicted: f64,
    /// Reward of these trials, mean and spread.
    pub reward: Summary,
}

/// Averages the prediction around the events in focus, by the quantity in focus or the one that it tells most.
///
/// # Errors
/// No predictions, no event with enough trials, or a quantity that does not exist.
pub fn value_course(recorded: &Recorded, focus: &Focus) -> Result<ValueCourse, AnalysisError> {
    let (behaviour, predicted) = (&recorded.behaviour, &recorded.predicted);
    predicted.validate(behaviour)?;
    let events = events(behaviour, focus)?;
    // Halfway through a trial something has been seen, and something is still to come.
    let halfway: Vec<f64> = (0..behaviour.n_trials())
        .map(|trial| {
            let steps = predicted.steps(behaviour, trial, 0.0, f64::INFINITY);
            let middle = usize::midpoint(steps.start, steps.end.max(steps.start + 1));
            if steps.is_empty() {
                f64::NAN
            } else {
                predicted.rate(middle, trial, 0)
            }
        })
        .collect();
    let sorted = sorting(behaviour, focus, |sorted: &Sorted| {
        let levels: Vec<Vec<usize>> = sorted.levels.iter().map(|level| level.trials.clone()).collect();
        eta_squared(&levels, &halfway)
    })?;
    let around = events.iter().map(|event| {
        let courses = sorted.levels.iter().map(|level| {
            course(level, behaviour, predicted, event, |time, trial| {
                predicted.rate(time, trial, 0)
            })
        });
        (event.name.clone(), courses.collect())
    });
    // In a session the prediction is of all that is still to come, and not of the trial alone.
    let alone = behaviour.sessions().is_none();
    let known: Vec<usize> = (0..behaviour.n_trials())
        .filter(|&trial| alone && halfway[trial].is_finite())
        .collect();
    let values: Vec<f64> = known.iter().map(|&trial| halfway[trial]).collect();
    let bins = equal_count_bins(&values, BINS.min(values.len() / FEWEST).max(1)).unwrap_or_default();
    let earned = bins.into_iter().filter(|bin| bin.len() >= FEWEST).map(|bin| {
        let rewards: Vec<f64> = bin.iter().map(|&i| behaviour.reward[known[i]]).collect();
        Earned {
            predicted: mean(&bin.iter().map(|&i| values[i]).collect::<Vec<_>>()),
            reward: Summary::of(&rewards),
        }
    });
    Ok(ValueCourse {
        events: around.collect(),
        earned: earned.collect(),
        by: sorted.by,
    })
}
