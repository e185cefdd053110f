//! The value network's prediction through a trial: a read-out of confidence.
//!
//! Averages by stimulus and choice, aligned to stimulus onset (−200 to 600 ms) and to the choice (−400 to 0 ms); only
//! steps that were executed count. Song, Yang & Wang 2017, figure 3 and its supplement.

use super::AnalysisError;
use super::activity::Recorded;
use super::axis::Axis;
use super::unit_activity::{Trace, groups, last_steps_before, mean_trace, stimulus_epoch};
use serde::{Deserialize, Serialize};

/// Windows around stimulus onset and choice, in ms.
const STIMULUS_MS: (f64, f64) = (-200.0, 600.0);
const CHOICE_MS: (f64, f64) = (-400.0, 0.0);

/// Mean predictions around two events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueTrace {
    /// Around the onset of the stimulus, and before the choice.
    pub aligned: Vec<Aligned>,
}

/// Mean predictions around one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aligned {
    /// What happens at time 0.
    pub event: String,
    /// Time in ms from the event.
    pub times_ms: Vec<f64>,
    /// One for each group of trials.
    pub traces: Vec<Trace>,
}

/// Mean prediction by stimulus and choice.
///
/// # Errors
/// No predictions, no stimulus axis or epoch, or no trial that ended in a choice.
pub fn value_trace(recorded: &Recorded) -> Result<ValueTrace, AnalysisError> {
    let (behaviour, predicted) = (&recorded.behaviour, &recorded.predicted);
    predicted.validate(behaviour)?;
    let axis = Axis::of(behaviour)?;
    let epoch = stimulus_epoch(behaviour)?;
    let groups = groups(&axis);
    if groups.is_empty() {
        return Err(behaviour.none_of_the_trials("ended in a choice"));
    }
    let around = |event: &str, at: &[f64], (from, to): (f64, f64)| {
        let spacing = predicted.spacing_ms();
        let offsets: Vec<i64> = ((from / spacing).ceil() as i64..=(to / spacing).floor() as i64).collect();
        Aligned {
            event: event.to_owned(),
            times_ms: offsets.iter().map(|&offset| offset as f64 * spacing).collect(),
            traces: groups
                .iter()
                .map(|group| mean_trace(group, behaviour, predicted, at, &offsets, 0))
                .collect(),
        }
    };
    let aligned = vec![
        around(
            &format!("{epoch} onset"),
            &last_steps_before(behaviour, epoch)?,
            STIMULUS_MS,
        ),
        around("choice", &behaviour.choice_ms, CHOICE_MS),
    ];
    Ok(ValueTrace { aligned })
}

#[cfg(test)]
mod tests {
    use super::super::activity::Activity;
    use super::super::synthetic;
    use super::*;

    #[test]
    fn predictions_are_averaged_by_stimulus_around_its_onset() {
        let behaviour = synthetic::rdm(400, 1);
        let times_ms: Vec<f64> = (0..56).map(|k| f64::from(k) * 50.0).collect();
        let mut rates = Vec::new();
        for time in &times_ms {
            for trial in 0..behaviour.n_trials() {
                let shown = *time > behaviour.onset_ms["stimulus"][trial];
                let coherence = behaviour.numbers["coherence"][trial];
                rates.push(if shown { coherence as f32 } else { -1.0 });
            }
        }
        let n_trials = behaviour.n_trials();
        let predicted = Activity {
            times_ms,
            n_trials,
            n_units: 1,
            rates,
        };
        let recorded = Recorded {
            behaviour,
            predicted,
            ..Recorded::default()
        };
        let found = value_trace(&recorded).unwrap();
        let stimulus = &found.aligned[0];
        let zero = stimulus.times_ms.iter().position(|&t| t == 0.0).unwrap();
        for trace in &stimulus.traces {
            assert_eq!(trace.mean[zero - 1], Some(-1.0));
            let last = trace.mean[zero + 2].unwrap();
            assert!((last - trace.strength.unwrap()).abs() < 1e-4, "{last}");
        }
        assert_eq!(found.aligned[1].event, "choice");
    }
}
