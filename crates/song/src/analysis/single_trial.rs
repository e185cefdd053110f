//! One trial as it went: inputs, action probabilities, predicted reward, and what was done and earned.
//!
//! Song, Yang & Wang 2017, figure 1.

use serde::{Deserialize, Serialize};

use super::{AnalysisError, activity::Activity, activity::Recorded};

/// Everything recorded of one trial, at every kept step that was executed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SingleTrial {
    /// Number of the trial among the recorded ones, from 0.
    pub trial: usize,
    /// Factors and their values.
    pub condition: Vec<(String, String)>,
    /// Time in ms from the start of the trial.
    pub times_ms: Vec<f64>,
    /// Each input by name, noise included.
    pub inputs: Vec<(String, Vec<f64>)>,
    /// Probability of each action by name.
    pub probabilities: Vec<(String, Vec<f64>)>,
    /// Return that the value network predicts.
    pub predicted: Vec<f64>,
    /// Epochs: name, start and end in ms.
    pub epochs: Vec<(String, f64, f64)>,
    /// The action other than waiting that ended the trial, and its time in ms.
    pub action: Option<(String, f64)>,
    /// Whether it was correct; none where it was not judged.
    pub correct: Option<bool>,
    /// Summed reward.
    pub reward: f64,
}

/// The trial numbered `trial`, or the last correct one: of the conditions in order, a strong stimulus.
///
/// # Errors
/// No activity, or no trial of that number.
pub fn single_trial(recorded: &Recorded, trial: Option<usize>) -> Result<SingleTrial, AnalysisError> {
    let behaviour = &recorded.behaviour;
    for activity in [&recorded.inputs, &recorded.probabilities, &recorded.predicted] {
        activity.validate(behaviour)?;
    }
    let usual = || {
        behaviour
            .correct
            .iter()
            .rposition(|&correct| correct == Some(true))
            .unwrap_or(0)
    };
    let trial = trial.unwrap_or_else(usual);
    if trial >= behaviour.n_trials() {
        return Err(AnalysisError::NoSuch {
            what: "recorded trial",
            asked: trial.to_string(),
            known: format!("0 to {}", behaviour.n_trials() - 1),
        });
    }
    let steps = recorded.predicted.steps(behaviour, trial, 0.0, f64::INFINITY);
    let course = |activity: &Activity, unit: usize| -> Vec<f64> {
        steps
            .clone()
            .map(|time| activity.rate(time, trial, unit))
            .collect()
    };
    let named = |names: &[String], activity: &Activity| -> Vec<(String, Vec<f64>)> {
        let units = 0..activity.n_units;
        let name = |unit: usize| names.get(unit).cloned().unwrap_or_else(|| unit.to_string());
        units.map(|unit| (name(unit), course(activity, unit))).collect()
    };
    let number = |(name, values): (&String, &Vec<f64>)| (name.clone(), values[trial].to_string());
    let label = |(name, values): (&String, &Vec<String>)| (name.clone(), values[trial].clone());
    let condition = behaviour.numbers.iter().map(number);
    let epochs = behaviour.onset_ms.iter().map(|(name, onset)| {
        let start = onset[trial];
        (name.clone(), start, start + behaviour.duration_ms[name][trial])
    });
    let mut epochs: Vec<(String, f64, f64)> = epochs.filter(|(_, start, _)| start.is_finite()).collect();
    epochs.sort_by(|a, b| a.1.total_cmp(&b.1));
    let end_ms = (behaviour.n_steps[trial] - 1) as f64 * behaviour.dt_ms;
    Ok(SingleTrial {
        trial,
        condition: condition.chain(behaviour.labels.iter().map(label)).collect(),
        times_ms: steps
            .clone()
            .map(|time| recorded.predicted.times_ms[time])
            .collect(),
        inputs: named(&recorded.input_names, &recorded.inputs),
        probabilities: named(&behaviour.actions, &recorded.probabilities),
        predicted: course(&recorded.predicted, 0),
        epochs,
        action: behaviour.action[trial].map(|action| (behaviour.actions[action].clone(), end_ms)),
        correct: behaviour.correct[trial],
        reward: behaviour.reward[trial],
    })
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn a_trial_is_shown_until_it_ends() {
        let behaviour = synthetic::rdm(50, 1);
        let (n_trials, times_ms): (usize, Vec<f64>) = (50, (0..56).map(|k| f64::from(k) * 50.0).collect());
        let filled = |n_units: usize| Activity {
            times_ms: times_ms.clone(),
            n_trials,
            n_units,
            rates: (0..56 * n_trials * n_units)
                .map(|i| (i % n_units) as f32)
                .collect(),
        };
        let recorded = Recorded {
            input_names: vec!["FIXATION".to_owned()],
            inputs: filled(3),
            probabilities: filled(3),
            predicted: filled(1),
            behaviour,
            ..Recorded::default()
        };
        let found = single_trial(&recorded, Some(7)).unwrap();
        let behaviour = &recorded.behaviour;
        let last = *found.times_ms.last().unwrap();
        let end = (behaviour.n_steps[7] - 1) as f64 * 10.0;
        assert!(last <= end && last + 50.0 > end, "{last} {end}");
        assert_eq!(
            (found.inputs[0].0.as_str(), found.inputs[2].0.as_str()),
            ("FIXATION", "2")
        );
        assert_eq!(found.inputs[2].1[0], 2.0);
        assert_eq!(found.epochs[0].0, "stimulus");
        assert_eq!(found.reward, behaviour.reward[7]);
        let usual = single_trial(&recorded, None).unwrap();
        assert_eq!(behaviour.correct[usual.trial], Some(true));
        let words = single_trial(&recorded, Some(50)).unwrap_err().to_string();
        assert_eq!(
            words,
            "cannot be computed: there is no recorded trial `50`, only 0 to 49"
        );
    }
}
