//! Accuracy against stimulus duration, by coherence.
//!
//! Song, Yang & Wang 2017, figure 1; the psychometric test of Kiani, Hanks & Shadlen, J. Neurosci. 28, 3017 (2008).

use neuropil_math::stats::{bins::equal_count_bins, summary::mean};
use serde::{Deserialize, Serialize};

use super::{
    AnalysisError,
    axis::distinct,
    proportion::{DurationPoint, Proportion},
};
use crate::behaviour::Behaviour;

/// Bins of stimulus duration for each coherence.
pub const N_BINS: usize = 10;

/// Fraction correct against the duration of the stimulus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccuracyDuration {
    /// Decided trials with a coherence above 0.
    pub n_trials: usize,
    /// One curve for each coherence above 0, ascending.
    pub curves: Vec<DurationCurve>,
}

/// Fraction correct at one coherence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DurationCurve {
    /// Coherence in percent.
    pub coherence: f64,
    /// Bins of equally many trials, by duration; a single one with fewer than ten trials.
    pub points: Vec<DurationPoint>,
}

/// Sorts the decided trials of each coherence above 0 by stimulus duration into ten bins of equally many trials.
///
/// # Errors
/// No `coherence`, no `stimulus` epoch, or no decided trials.
pub fn accuracy_duration(behaviour: &Behaviour) -> Result<AccuracyDuration, AnalysisError> {
    let coherence = behaviour.number("coherence")?;
    let duration = behaviour.duration("stimulus")?;
    let decided = behaviour.trials_where(|trial| {
        behaviour.correct[trial].is_some() && coherence[trial] != 0.0 && duration[trial].is_finite()
    });
    if decided.is_empty() {
        return Err(behaviour.none_of_the_trials("above coherence 0 ended in a decision"));
    }
    let mut curves = Vec::new();
    for level in distinct(decided.iter().map(|&trial| coherence[trial].abs())) {
        let trials: Vec<usize> = decided
            .iter()
            .copied()
            .filter(|&trial| coherence[trial].abs() == level)
            .collect();
        let points = by_duration(&trials, duration, |trial| behaviour.correct[trial] == Some(true))?;
        curves.push(DurationCurve {
            coherence: level,
            points,
        });
    }
    Ok(AccuracyDuration {
        n_trials: decided.len(),
        curves,
    })
}

/// Proportion of `trials` for which `holds`, in equal-count bins of duration.
pub(super) fn by_duration(
    trials: &[usize],
    duration_ms: &[f64],
    holds: impl Fn(usize) -> bool,
) -> Result<Vec<DurationPoint>, AnalysisError> {
    if trials.is_empty() {
        return Ok(Vec::new());
    }
    let durations: Vec<f64> = trials.iter().map(|&trial| duration_ms[trial]).collect();
    let n_bins = if trials.len() < N_BINS { 1 } else { N_BINS };
    let bins = equal_count_bins(&durations, n_bins)?;
    let point = |bin: &Vec<usize>| {
        let of_bin: Vec<usize> = bin.iter().map(|&row| trials[row]).collect();
        let duration_ms = mean(&bin.iter().map(|&row| durations[row]).collect::<Vec<_>>());
        Some(DurationPoint {
            duration_ms,
            proportion: Proportion::among(&of_bin, &holds)?,
        })
    };
    Ok(bins.iter().filter_map(point).collect())
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn accuracy_grows_with_duration_and_coherence() {
        let result = accuracy_duration(&synthetic::rdm_by_duration(40_000, 1)).unwrap();
        let levels: Vec<f64> = result.curves.iter().map(|curve| curve.coherence).collect();
        assert_eq!(levels, [6.4, 12.8, 25.6, 51.2]);
        assert!(result.curves.iter().all(|curve| curve.points.len() == N_BINS));
        let value = |curve: usize, bin: usize| result.curves[curve].points[bin].proportion.value;
        assert!((0..3).all(|curve| value(curve, 9) > value(curve, 0)));
        assert!((0..3).all(|curve| value(curve + 1, 0) > value(curve, 0)));
        let counted: usize = result
            .curves
            .iter()
            .flat_map(|c| &c.points)
            .map(|p| p.proportion.n)
            .sum();
        assert_eq!(counted, result.n_trials);
    }

    #[test]
    fn few_trials_make_one_bin_and_none_an_error() {
        let mut behaviour = synthetic::rdm(10, 1);
        let result = accuracy_duration(&behaviour).unwrap();
        assert!(result.curves.iter().all(|curve| curve.points.len() == 1));
        behaviour.correct = vec![None; 10];
        let words = accuracy_duration(&behaviour).unwrap_err().to_string();
        assert_eq!(
            words,
            "cannot be computed: none of 10 trials above coherence 0 ended in a decision"
        );
        behaviour.duration_ms.clear();
        behaviour.onset_ms.remove("stimulus");
        let words = accuracy_duration(&behaviour).unwrap_err().to_string();
        assert_eq!(
            words,
            "cannot be computed: the trials have no epoch `stimulus`, only `decision`"
        );
    }
}
