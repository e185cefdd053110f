//! Post-decision wagering: the predicted reward early in the delay, against stimulus duration.
//!
//! Mean prediction of the value network in the 500 ms after the stimulus, in ten bins of equally many trials by
//! stimulus duration, by coherence above 0; trials that ended left or right only. Song, Yang & Wang 2017, figure 3,
//! supplement.

use neuropil_math::stats::{bins::equal_count_bins, summary::mean};
use serde::{Deserialize, Serialize};

use super::{AnalysisError, activity::Recorded, axis::distinct, wager::N_BINS};

/// Time after the stimulus over which predictions are averaged, in ms.
const WINDOW_MS: f64 = 500.0;

/// Predicted reward after the stimulus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DelayValue {
    /// One entry for each coherence above 0, ascending.
    pub coherences: Vec<CoherenceValue>,
}

/// Predicted reward at one coherence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoherenceValue {
    /// Coherence in percent.
    pub coherence: f64,
    /// Where the sure bet was offered and waived: (mean duration in ms, mean prediction).
    pub waived: Vec<(f64, f64)>,
    /// Where it was not offered.
    pub not_offered: Vec<(f64, f64)>,
}

/// Mean prediction in the 500 ms after the stimulus.
///
/// # Errors
/// No predictions, no `wager`, `coherence` or stimulus epoch, or no trial that ended in a decision.
pub fn delay_value(recorded: &Recorded) -> Result<DelayValue, AnalysisError> {
    let (behaviour, predicted) = (&recorded.behaviour, &recorded.predicted);
    predicted.validate(behaviour)?;
    let (offered, coherence) = (behaviour.label("wager")?, behaviour.number("coherence")?);
    let (onset, duration) = (behaviour.onset("stimulus")?, behaviour.duration("stimulus")?);
    let prediction = |trial: usize| {
        let offset = onset[trial] + duration[trial];
        let steps = predicted.steps(behaviour, trial, offset, offset + WINDOW_MS);
        let values: Vec<f64> = steps.map(|time| predicted.rate(time, trial, 0)).collect();
        (!values.is_empty()).then(|| mean(&values))
    };
    let decided =
        behaviour.trials_where(|trial| behaviour.correct[trial].is_some() && coherence[trial] > 0.0);
    if decided.is_empty() {
        return Err(behaviour.none_of_the_trials("above coherence 0 ended in a decision"));
    }
    let binned = |level: f64, wager: &str| -> Vec<(f64, f64)> {
        let trials = decided
            .iter()
            .filter(|&&trial| coherence[trial] == level && offered[trial] == wager);
        let (x, y): (Vec<f64>, Vec<f64>) = trials
            .filter_map(|&trial| Some((duration[trial], prediction(trial)?)))
            .unzip();
        let bins = equal_count_bins(&x, N_BINS).unwrap_or_default();
        let of = |values: &[f64], bin: &[usize]| mean(&bin.iter().map(|&i| values[i]).collect::<Vec<_>>());
        bins.iter().map(|bin| (of(&x, bin), of(&y, bin))).collect()
    };
    let levels = distinct(decided.iter().map(|&trial| coherence[trial]));
    Ok(DelayValue {
        coherences: levels
            .into_iter()
            .map(|level| CoherenceValue {
                coherence: level,
                waived: binned(level, "yes"),
                not_offered: binned(level, "no"),
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::activity::Activity;
    use super::super::synthetic;
    use super::*;

    #[test]
    fn predictions_after_the_stimulus_are_sorted_by_its_duration() {
        let behaviour = synthetic::wager(4000, 1);
        let times_ms: Vec<f64> = (0..80).map(|k| f64::from(k) * 50.0).collect();
        let mut rates = Vec::new();
        for time in &times_ms {
            for trial in 0..4000 {
                let duration = behaviour.duration_ms["stimulus"][trial];
                let offset = behaviour.onset_ms["stimulus"][trial] + duration;
                let inside = (offset..offset + 500.0).contains(time);
                rates.push(if inside { duration as f32 } else { -1e6 });
            }
        }
        let recorded = Recorded {
            predicted: Activity {
                times_ms,
                n_trials: 4000,
                n_units: 1,
                rates,
            },
            behaviour,
            ..Recorded::default()
        };
        let found = delay_value(&recorded).unwrap();
        assert_eq!(found.coherences.len(), 5);
        for c in &found.coherences {
            assert_eq!((c.waived.len(), c.not_offered.len()), (N_BINS, N_BINS));
            for (duration, value) in c.waived.iter().chain(&c.not_offered) {
                assert!((duration - value).abs() < 1e-3, "{duration} {value}");
            }
        }
    }
}
