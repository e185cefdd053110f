//! One trial as it went: inputs, action probabilities, predicted reward, and what was done and earned.
//!
//! Song, Yang & Wang 2017, figure 1.

use serde::{Deserialize, Serialize};

use super::{AnalysisError, activity::Activity, activity::Recorded};
use crate::behaviour::Behaviour;

/// Trials of a session that are shown.
const MOST_TRIALS: usize = 12;

/// Everything recorded of one trial, at every kept step that was executed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SingleTrial {
    /// Number of the trial among the recorded ones, from 0.
    pub trial: usize,
    /// Trials that are shown: 1, or a dozen of a session from that one on.
    pub n_trials: usize,
    /// Factors and their values.
    pub condition: Vec<(String, String)>,
    /// Time in ms from the start of the trial.
    pub times_ms: Vec<f64>,
    /// Times of the inputs, ms: every step from the first that is shown something, kept or not.
    pub input_times_ms: Vec<f64>,
    /// Duration of a step, ms.
    pub dt_ms: f64,
    /// Each input by name, noise included.
    pub inputs: Vec<(String, Vec<f64>)>,
    /// Probability of each action by name.
    pub probabilities: Vec<(String, Vec<f64>)>,
    /// Return that the value network predicts.
    pub predicted: Vec<f64>,
    /// Epochs: name, start and end in ms.
    pub epochs: Vec<(String, f64, f64)>,
    /// Answers in the trials of a session, each with its time in ms.
    pub answers: Vec<(String, f64)>,
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
    for activity in [&recorded.shown, &recorded.probabilities, &recorded.predicted] {
        activity.validate(behaviour)?;
    }
    let usual = || {
        let right = behaviour
            .correct
            .iter()
            .rposition(|&correct| correct == Some(true));
        let Some(session) = behaviour.numbers.get("session") else {
            return right.unwrap_or(0);
        };
        // A whole session, from its first trial on.
        let last = session.last().copied().unwrap_or(0.0);
        session.iter().position(|&number| number == last).unwrap_or(0)
    };
    let trial = trial.unwrap_or_else(usual);
    if trial >= behaviour.n_trials() {
        return Err(AnalysisError::NoSuch {
            what: "recorded trial",
            asked: trial.to_string(),
            known: format!("0 to {}", behaviour.n_trials() - 1),
        });
    }
    let stretch = stretch(behaviour, trial);
    let first = stretch.start;
    let number = |(name, values): (&String, &Vec<f64>)| (name.clone(), values[first].to_string());
    let label = |(name, values): (&String, &Vec<String>)| (name.clone(), values[first].clone());
    let mut found = SingleTrial {
        trial: first,
        n_trials: stretch.len(),
        condition: behaviour
            .numbers
            .iter()
            .map(number)
            .chain(behaviour.labels.iter().map(label))
            .collect(),
        times_ms: Vec::new(),
        input_times_ms: Vec::new(),
        dt_ms: behaviour.dt_ms,
        inputs: empty(&recorded.input_names, recorded.shown.n_units),
        probabilities: empty(&behaviour.actions, recorded.probabilities.n_units),
        predicted: Vec::new(),
        epochs: Vec::new(),
        answers: Vec::new(),
        action: None,
        correct: behaviour.correct[first],
        reward: stretch.clone().map(|trial| behaviour.reward[trial]).sum(),
    };
    let mut zero = 0.0;
    for trial in stretch {
        found.extend(recorded, trial, zero);
        zero += behaviour.n_steps[trial] as f64 * behaviour.dt_ms;
    }
    if found.n_trials == 1 {
        found.action = found.answers.pop();
    }
    Ok(found)
}

/// The trial alone, or where trials follow one another the first dozen of its session from it on.
fn stretch(behaviour: &Behaviour, trial: usize) -> std::ops::Range<usize> {
    let Some(session) = behaviour.numbers.get("session") else {
        return trial..trial + 1;
    };
    let last = (trial..behaviour.n_trials())
        .take(MOST_TRIALS)
        .take_while(|&other| session[other] == session[trial])
        .last();
    trial..last.unwrap_or(trial) + 1
}

fn empty(names: &[String], n: usize) -> Vec<(String, Vec<f64>)> {
    let name = |i: usize| names.get(i).cloned().unwrap_or_else(|| i.to_string());
    (0..n).map(|i| (name(i), Vec::new())).collect()
}

impl SingleTrial {
    /// Adds what happened in a trial that began at `zero` ms.
    fn extend(&mut self, recorded: &Recorded, trial: usize, zero: f64) {
        let behaviour = &recorded.behaviour;
        let courses =
            |courses: &mut Vec<(String, Vec<f64>)>, activity: &Activity, steps: std::ops::Range<usize>| {
                for (unit, (_, course)) in courses.iter_mut().enumerate() {
                    course.extend(steps.clone().map(|time| activity.rate(time, trial, unit)));
                }
            };
        let mut each_step = recorded.shown.steps(behaviour, trial, 0.0, f64::INFINITY);
        // The initial state has no input.
        if zero == 0.0 {
            each_step.start = each_step.end.min(1);
        }
        courses(&mut self.inputs, &recorded.shown, each_step.clone());
        self.input_times_ms
            .extend(each_step.map(|time| zero + recorded.shown.times_ms[time]));
        let kept = recorded.predicted.steps(behaviour, trial, 0.0, f64::INFINITY);
        courses(&mut self.probabilities, &recorded.probabilities, kept.clone());
        self.predicted
            .extend(kept.clone().map(|time| recorded.predicted.rate(time, trial, 0)));
        self.times_ms
            .extend(kept.map(|time| zero + recorded.predicted.times_ms[time]));
        let mut epochs: Vec<(String, f64, f64)> = behaviour
            .onset_ms
            .iter()
            .map(|(name, onset)| {
                let start = zero + onset[trial];
                (name.clone(), start, start + behaviour.duration_ms[name][trial])
            })
            .filter(|(_, start, _)| start.is_finite())
            .collect();
        epochs.sort_by(|a, b| a.1.total_cmp(&b.1));
        self.epochs.extend(epochs);
        if let Some(action) = behaviour.action[trial] {
            let last_ms = (behaviour.n_steps[trial] - 1) as f64 * behaviour.dt_ms;
            let at = if behaviour.chosen[trial] {
                behaviour.choice_ms[trial]
            } else {
                last_ms
            };
            self.answers.push((behaviour.actions[action].clone(), zero + at));
        }
    }
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
            shown: filled(3),
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
