//! Which way the policy leans while it still may choose: p(right)/(p(left) + p(right)) around the go signal.
//!
//! Averages over the trials that were still running, by signed coherence. Song, Yang & Wang 2017, shipped with the
//! published code as an unfinished analysis.

use serde::{Deserialize, Serialize};

use super::{
    AnalysisError,
    activity::{Activity, Recorded},
    axis::{distinct, signed_coherence},
    groups::Group,
    unit_activity::{Trace, event_ms, mean_trace, offsets, times_ms},
};

/// Window around the beginning of the epoch in which choices are judged, in ms.
const WINDOW_MS: (f64, f64) = (-300.0, 300.0);

/// Leaning of the policy around the epoch of decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionProbabilities {
    /// The epoch.
    pub epoch: String,
    /// Time in ms from its beginning.
    pub times_ms: Vec<f64>,
    /// One for each signed coherence: the group is its magnitude; 0 counts as positive.
    pub traces: Vec<Trace>,
}

/// Mean relative probability of right, by signed coherence.
///
/// # Errors
/// No probabilities, no `direction` and `coherence`, no `decision` or `stimulus` epoch, or no left and right.
pub fn decision_probabilities(recorded: &Recorded) -> Result<DecisionProbabilities, AnalysisError> {
    let (behaviour, probabilities) = (&recorded.behaviour, &recorded.probabilities);
    probabilities.validate(behaviour)?;
    let signed = signed_coherence(behaviour, "direction", "coherence")?;
    let (left, right) = (
        behaviour.required_action("left")?,
        behaviour.required_action("right")?,
    );
    let epoch = if behaviour.onset_ms.contains_key("decision") {
        "decision"
    } else {
        "stimulus"
    };
    let at_ms = event_ms(behaviour, epoch)?;
    let actions = probabilities.rates.chunks_exact(probabilities.n_units);
    let leaning = Activity {
        times_ms: probabilities.times_ms.clone(),
        n_trials: probabilities.n_trials,
        n_units: 1,
        // After the end of a trial both are 0; those steps are ignored.
        rates: actions
            .map(|p| p[right] / (p[left] + p[right]).max(f32::MIN_POSITIVE))
            .collect(),
    };
    let offsets = offsets(WINDOW_MS, &leaning);
    let traces = distinct(signed.iter().copied()).into_iter().map(|level| {
        let group = Group {
            name: format!("{} %", level.abs()),
            positive: level >= 0.0,
            trials: behaviour.trials_where(|trial| signed[trial] == level),
        };
        mean_trace(&group, behaviour, &leaning, &at_ms, &offsets, 0)
    });
    Ok(DecisionProbabilities {
        epoch: epoch.to_owned(),
        times_ms: times_ms(&offsets, &leaning),
        traces: traces.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn only_the_ratio_of_left_and_right_counts() {
        let behaviour = synthetic::rdm(400, 1);
        let times_ms: Vec<f64> = (0..276).map(|k| f64::from(k) * 10.0).collect();
        let mut rates = Vec::new();
        for time in &times_ms {
            for trial in 0..400 {
                let right = behaviour.numbers["direction"][trial] > 0.0;
                let may = if *time < 700.0 { 0.001 } else { 0.1 };
                let (low, high) = (0.2 * may, 0.8 * may);
                let (l, r) = if right { (low, high) } else { (high, low) };
                rates.extend([1.0 - may as f32, l as f32, r as f32]);
            }
        }
        let recorded = Recorded {
            probabilities: Activity {
                times_ms,
                n_trials: 400,
                n_units: 3,
                rates,
            },
            behaviour,
            ..Recorded::default()
        };
        let found = decision_probabilities(&recorded).unwrap();
        assert_eq!((found.epoch.as_str(), found.traces.len()), ("decision", 9));
        for trace in found.traces.iter().filter(|trace| trace.group != "0 %") {
            let expected = if trace.positive { 0.8 } else { 0.2 };
            for p in trace.mean.iter().flatten() {
                assert!((p - expected).abs() < 1e-6, "{p}");
            }
        }
        // Trials end 50 ms into the epoch.
        let after = found.times_ms.iter().position(|&t| t == 200.0).unwrap();
        assert_eq!(found.traces[0].mean[after], None);
    }
}
