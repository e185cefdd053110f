//! Parametric working memory: how the delay activity of each unit depends on the first frequency.
//!
//! A unit's mean rate in the last second of the delay is correlated with f1 over decided trials. It is tuned when
//! p < 0.05 and r² ≥ 0.25, and monotonic when its mean rates by f1 rise or fall throughout (up to a tolerance of a
//! twentieth of their range).
//!
//! Song, Yang & Wang 2017, figure 2; Romo et al., Nature 399, 470 (1999).

use neuropil_math::stats::{correlation::pearson, summary::Summary};
use serde::{Deserialize, Serialize};

use super::{AnalysisError, activity::Activity, axis::distinct, groups::first_frequency};
use crate::behaviour::Behaviour;

/// Length of the window before the end of the delay, in ms.
const WINDOW_MS: f64 = 1000.0;
const MAX_P: f64 = 0.05;
const MIN_R2: f64 = 0.25;
/// A step back of less than this share of the range does not count.
const TOLERANCE: f64 = 0.05;

/// Tuning of the delay activity to f1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DelayTuning {
    /// Decided trials.
    pub n_trials: usize,
    /// First frequencies in Hz, ascending.
    pub frequencies: Vec<f64>,
    /// All units, in order.
    pub units: Vec<UnitTuning>,
    /// Tuned units whose rate rises with f1.
    pub n_positive: usize,
    /// Tuned units whose rate falls.
    pub n_negative: usize,
    /// Tuned units that are monotonic.
    pub n_monotonic: usize,
}

/// Tuning of one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitTuning {
    /// Pearson's correlation of rate and f1; none where the rate does not vary.
    pub r: Option<f64>,
    /// Is it tuned?
    pub tuned: bool,
    /// Do its mean rates rise or fall throughout?
    pub monotonic: bool,
    /// Rates by f1.
    pub rates: Vec<Summary>,
}

impl DelayTuning {
    /// The tuned units with the most positive and the most negative correlation.
    pub fn extremes(&self) -> [Option<usize>; 2] {
        let tuned = self.units.iter().enumerate().filter(|(_, unit)| unit.tuned);
        let known: Vec<(usize, f64)> = tuned.filter_map(|(i, unit)| Some((i, unit.r?))).collect();
        let best = |sign: f64| {
            let side = known.iter().filter(|(_, r)| r * sign > 0.0);
            side.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
                .map(|(i, _)| *i)
        };
        [best(1.0), best(-1.0)]
    }
}

/// Tuning of every unit's delay activity to the first frequency.
///
/// # Errors
/// No activity, no `order`, `high` and `low`, no `delay`, or no decided trials.
pub fn delay_tuning(behaviour: &Behaviour, activity: &Activity) -> Result<DelayTuning, AnalysisError> {
    activity.validate(behaviour)?;
    let first = first_frequency(behaviour)?;
    let (onset, duration) = (behaviour.onset("delay")?, behaviour.duration("delay")?);
    let window = |trial: usize| {
        let end = onset[trial] + duration[trial];
        activity.steps(behaviour, trial, (end - WINDOW_MS).max(onset[trial]), end)
    };
    let trials =
        behaviour.trials_where(|trial| behaviour.correct[trial].is_some() && !window(trial).is_empty());
    if trials.is_empty() {
        return Err(behaviour.none_of_the_trials("ended in a decision"));
    }
    let x: Vec<f64> = trials.iter().map(|&trial| first[trial]).collect();
    let frequencies = distinct(x.iter().copied());
    let units: Vec<UnitTuning> = (0..activity.n_units)
        .map(|unit| {
            let mean_rate = |&trial: &usize| {
                let steps = window(trial);
                let n = steps.len() as f64;
                steps.map(|time| activity.rate(time, trial, unit)).sum::<f64>() / n
            };
            UnitTuning::of(
                &x,
                &trials.iter().map(mean_rate).collect::<Vec<_>>(),
                &frequencies,
            )
        })
        .collect();
    let tuned =
        |holds: &dyn Fn(&UnitTuning) -> bool| units.iter().filter(|unit| unit.tuned && holds(unit)).count();
    Ok(DelayTuning {
        n_trials: trials.len(),
        n_positive: tuned(&|unit| unit.r > Some(0.0)),
        n_negative: tuned(&|unit| unit.r < Some(0.0)),
        n_monotonic: tuned(&|unit| unit.monotonic),
        frequencies,
        units,
    })
}

impl UnitTuning {
    fn of(first: &[f64], rates: &[f64], frequencies: &[f64]) -> Self {
        let correlation = pearson(first, rates).ok();
        let by_frequency: Vec<Summary> = frequencies
            .iter()
            .map(|&f1| {
                let here = first.iter().zip(rates).filter(|(first, _)| **first == f1);
                Summary::of(&here.map(|(_, rate)| *rate).collect::<Vec<_>>())
            })
            .collect();
        let means: Vec<f64> = by_frequency.iter().filter_map(|summary| summary.mean).collect();
        let range =
            means.iter().copied().fold(f64::MIN, f64::max) - means.iter().copied().fold(f64::MAX, f64::min);
        let goes = |sign: f64| {
            means
                .windows(2)
                .all(|pair| sign * (pair[1] - pair[0]) > -TOLERANCE * range)
        };
        Self {
            r: correlation.map(|correlation| correlation.r),
            tuned: correlation.is_some_and(|c| c.p < MAX_P && c.r * c.r >= MIN_R2),
            monotonic: range > 0.0 && (goes(1.0) || goes(-1.0)),
            rates: by_frequency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn rising_falling_and_humped_units_are_told_apart() {
        let mut behaviour = synthetic::romo(400, 1);
        behaviour.onset_ms.insert("delay".to_owned(), vec![1250.0; 400]);
        behaviour
            .duration_ms
            .insert("delay".to_owned(), vec![3000.0; 400]);
        let first = first_frequency(&behaviour).unwrap();
        let times_ms: Vec<f64> = (0..100).map(|k| f64::from(k) * 50.0).collect();
        let mut rates = Vec::new();
        for _ in &times_ms {
            for trial in 0..400 {
                let f1 = first[trial] as f32;
                // Wiggles that do not depend on f1 keep the correlation below 1.
                let wiggle = (trial % 7) as f32;
                rates.extend([
                    f1 + wiggle,
                    50.0 - f1 + wiggle,
                    -(f1 - 22.0).powi(2) + wiggle,
                    1.0,
                ]);
            }
        }
        let activity = Activity {
            times_ms,
            n_trials: 400,
            n_units: 4,
            rates,
        };
        let found = delay_tuning(&behaviour, &activity).unwrap();
        assert_eq!((found.n_positive, found.n_negative, found.n_monotonic), (1, 1, 2));
        assert_eq!(found.extremes(), [Some(0), Some(1)]);
        assert!(!found.units[2].monotonic && !found.units[2].tuned);
        assert_eq!(found.units[3].r, None);
        assert_eq!(found.frequencies, [10.0, 14.0, 18.0, 22.0, 26.0, 30.0, 34.0]);
    }
}
