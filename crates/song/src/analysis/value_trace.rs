//! The value network's prediction through a trial: a read-out of confidence.
//!
//! Averages by stimulus and choice, aligned to stimulus onset and to the choice (−400 to 0 ms); only steps that were
//! executed count. Song, Yang & Wang 2017, figure 3 and its supplement.

use super::AnalysisError;
use super::activity::Recorded;
use super::groups::{Sorting, sortings};
use super::unit_activity::{CHOICE, Trace, event_ms, mean_trace, offsets, stimulus_epoch, times_ms, window};
use serde::{Deserialize, Serialize};

/// Window before the choice, in ms.
const CHOICE_MS: (f64, f64) = (-400.0, 0.0);

/// Mean predictions around two events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueTrace {
    /// Around the onset of the stimulus, and before the choice; for two contexts once for each.
    pub aligned: Vec<Aligned>,
}

/// Mean predictions around one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aligned {
    /// What happens at time 0.
    pub event: String,
    /// What the groups are; empty where there is one way to sort only.
    pub sorted_by: String,
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
    let epoch = stimulus_epoch(behaviour)?;
    let sortings = sortings(behaviour)?;
    // Of the four ways to sort two contexts, those by coherence tell about confidence.
    let chosen = if sortings.len() > 1 {
        &sortings[1..3]
    } else {
        &sortings[..]
    };
    let mut aligned = Vec::new();
    for Sorting { by, groups } in chosen {
        let events = [
            (epoch, format!("{epoch} onset"), window(behaviour, epoch)),
            (CHOICE, CHOICE.to_owned(), CHOICE_MS),
        ];
        for (event, name, window) in events {
            let (at, offsets) = (event_ms(behaviour, event)?, offsets(window, predicted));
            let traces = groups
                .iter()
                .map(|group| mean_trace(group, behaviour, predicted, &at, &offsets, 0));
            aligned.push(Aligned {
                event: name,
                sorted_by: by.clone(),
                times_ms: times_ms(&offsets, predicted),
                traces: traces.collect(),
            });
        }
    }
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
            assert_eq!(format!("{last:.1} %").replace(".0 ", " "), trace.group);
        }
        assert_eq!(found.aligned[1].event, "choice");
    }
}
