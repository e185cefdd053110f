//! Reading a quantity from the activity of all units, step by step: cross-validated ridge regression.
//!
//! Levels are told apart by regressing one indicator a level on the rates and taking the largest prediction.

use neuropil_math::linalg::damped_least_squares;
use neuropil_math::rng::{Key, Purpose};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::activity::Activity;
use super::levels::{Sorted, sorted};
use super::{AnalysisError, proportion::Proportion};
use crate::behaviour::Behaviour;

/// Parts of the trials of which each is predicted from the others.
const FOLDS: usize = 5;
/// Moments at which the quantity is read.
const MOMENTS: usize = 25;
/// Damping of the regression, in units of the mean variance of a rate times the number of trials.
const DAMPING: f64 = 1e-3;
/// Fewest trials at a moment.
const FEWEST: usize = 25;
/// Quantities that are read when nobody says which.
const MOST_QUANTITIES: usize = 4;

/// How well quantities can be read from the activity over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decoding {
    /// Event at time 0: the one asked for, or the beginning of the trial.
    pub align: String,
    /// One curve for each quantity.
    pub curves: Vec<DecodingCurve>,
}

/// How well one quantity can be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecodingCurve {
    /// The quantity.
    pub by: String,
    /// What the most frequent level alone would get right.
    pub chance: f64,
    /// Moments after the event, ms.
    pub times_ms: Vec<f64>,
    /// Trials whose level was read correctly.
    pub correct: Vec<Proportion>,
}

/// Reads `by`, or what varies, at moments around the event `align`.
///
/// # Errors
/// No activity, nothing that varies, or too few trials.
pub fn decoding(
    behaviour: &Behaviour,
    activity: &Activity,
    by: Option<&str>,
    align: Option<&str>,
    key: Key,
) -> Result<Decoding, AnalysisError> {
    activity.validate(behaviour)?;
    let start = vec![0.0; behaviour.n_trials()];
    let (align, zero) = match align {
        None => ("trial", &start[..]),
        Some("choice") => ("choice", &behaviour.choice_ms[..]),
        Some(epoch) => (epoch, behaviour.onset(epoch)?),
    };
    let quantities = sorted(behaviour, by, |_| true)?;
    let durations = |sorted: &&Sorted| by.is_some() || !sorted.by.ends_with("_ms");
    let mut curves = Vec::new();
    for (number, sorted) in quantities
        .iter()
        .filter(durations)
        .take(MOST_QUANTITIES)
        .enumerate()
    {
        let curve = curve(behaviour, activity, sorted, zero, key, number as u64)?;
        curves.extend(Some(curve).filter(|curve| !curve.times_ms.is_empty()));
    }
    if curves.is_empty() {
        return Err(AnalysisError::Needs {
            what: "at least 25 recorded trials that last equally long",
            hint: "record more: `neuropil test RUN --kind activity --trials-per-condition 20`",
        });
    }
    Ok(Decoding {
        align: align.to_owned(),
        curves,
    })
}

fn curve(
    behaviour: &Behaviour,
    activity: &Activity,
    sorted: &Sorted,
    zero: &[f64],
    key: Key,
    number: u64,
) -> Result<DecodingCurve, AnalysisError> {
    let mut trials: Vec<(usize, usize)> = Vec::new();
    for (level, of_level) in sorted.levels.iter().enumerate() {
        trials.extend(of_level.trials.iter().map(|&trial| (trial, level)));
    }
    trials.retain(|&(trial, _)| zero[trial].is_finite());
    trials.sort_unstable();
    trials.shuffle(&mut key.stream(Purpose::Shuffle, number));
    let end = |trial: usize| behaviour.n_steps[trial] as f64 * behaviour.dt_ms - zero[trial];
    let mut ends: Vec<f64> = trials.iter().map(|&(trial, _)| end(trial)).collect();
    ends.sort_by(f64::total_cmp);
    // As long as half of the trials last.
    let last = ends.get(ends.len() / 2).copied().unwrap_or(0.0);
    let first = trials
        .iter()
        .map(|&(trial, _)| -zero[trial])
        .fold(f64::INFINITY, f64::min)
        .max(-last);
    let largest = sorted
        .levels
        .iter()
        .map(|level| level.trials.len())
        .max()
        .unwrap_or(0);
    let mut curve = DecodingCurve {
        by: sorted.by.clone(),
        chance: largest as f64 / trials.len().max(1) as f64,
        times_ms: Vec::new(),
        correct: Vec::new(),
    };
    for moment in 0..MOMENTS {
        let t = first + (last - first) * (moment as f64 + 0.5) / MOMENTS as f64;
        let seen: Vec<(usize, usize, usize)> = trials
            .iter()
            .filter_map(|&(trial, level)| {
                let step = activity.step_at(zero[trial] + t)?;
                activity
                    .executed(behaviour, step, trial)
                    .then_some((trial, step, level))
            })
            .collect();
        if seen.len() < FEWEST {
            continue;
        }
        let right = read(activity, &seen, sorted.levels.len())?;
        curve.times_ms.push(t);
        curve.correct.extend(Proportion::of(right, seen.len()));
    }
    Ok(curve)
}

/// Trials whose level is read correctly from the others.
fn read(
    activity: &Activity,
    seen: &[(usize, usize, usize)],
    n_levels: usize,
) -> Result<usize, AnalysisError> {
    let width = activity.n_units + 1;
    let mut rates: Vec<f64> = Vec::with_capacity(seen.len() * width);
    for &(trial, step, _) in seen {
        rates.extend((0..activity.n_units).map(|unit| activity.rate(step, trial, unit)));
        rates.push(1.0);
    }
    let scale = rates.iter().map(|rate| rate * rate).sum::<f64>() / width as f64;
    let mut right = 0;
    for fold in 0..FOLDS {
        let (mut design, mut levels) = (Vec::new(), Vec::new());
        for (row, (_, _, level)) in seen.iter().enumerate().filter(|(row, _)| row % FOLDS != fold) {
            design.extend_from_slice(&rates[row * width..][..width]);
            levels.push(*level);
        }
        let mut weights = Vec::new();
        for level in 0..n_levels {
            let target: Vec<f64> = levels.iter().map(|&l| f64::from(u8::from(l == level))).collect();
            let damping = DAMPING * scale + f64::MIN_POSITIVE.sqrt();
            weights.push(damped_least_squares(
                &design,
                levels.len(),
                width,
                &target,
                damping,
            )?);
        }
        for (row, (_, _, level)) in seen.iter().enumerate().filter(|(row, _)| row % FOLDS == fold) {
            let predicted = weights.iter().map(|weights| {
                let row = &rates[row * width..][..width];
                weights.iter().zip(row).map(|(w, r)| w * r).sum::<f64>()
            });
            let read = predicted
                .enumerate()
                .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
            right += usize::from(read.is_some_and(|(found, _)| found == *level));
        }
    }
    Ok(right)
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn a_quantity_is_read_from_when_it_is_shown() {
        let (behaviour, activity) = synthetic::coded(300, 2);
        let found = decoding(
            &behaviour,
            &activity,
            Some("coherence"),
            Some("stimulus"),
            Key::new(1),
        )
        .unwrap();
        let curve = &found.curves[0];
        let at = |ms: f64| {
            let nearest = (0..curve.times_ms.len()).min_by(|&a, &b| {
                (curve.times_ms[a] - ms)
                    .abs()
                    .total_cmp(&(curve.times_ms[b] - ms).abs())
            });
            curve.correct[nearest.unwrap()].value
        };
        assert!(at(150.0) > 0.8, "{:?}", curve.correct);
        assert!(
            (at(-150.0) - curve.chance).abs() < 0.12,
            "{} at chance {}",
            at(-150.0),
            curve.chance
        );
    }
}
