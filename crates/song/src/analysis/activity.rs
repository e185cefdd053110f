//! Firing rates recorded during test trials.

use super::AnalysisError;
use crate::behaviour::Behaviour;

/// Trials with what both networks did in them.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// The trials.
    pub behaviour: Behaviour,
    /// Names of the inputs.
    pub input_names: Vec<String>,
    /// Inputs shown to the policy network, noise included: one "unit" an input.
    pub inputs: Activity,
    /// The same at every step, kept or not.
    pub shown: Activity,
    /// Probability of each action: one "unit" an action.
    pub probabilities: Activity,
    /// Rates of the policy network.
    pub policy: Activity,
    /// Rates of the value network.
    pub value: Activity,
    /// Return that the value network predicts: one "unit".
    pub predicted: Activity,
}

/// Firing rates of one network in the trials of a [`Behaviour`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activity {
    /// Time of each recorded step in ms from the start of the trial, evenly spaced.
    pub times_ms: Vec<f64>,
    /// Number of trials.
    pub n_trials: usize,
    /// Number of units.
    pub n_units: usize,
    /// Rates, time × trial × unit; anything after the end of a trial is ignored.
    pub rates: Vec<f32>,
}

impl Activity {
    /// Rate of `unit` at recorded step `time` of `trial`.
    pub fn rate(&self, time: usize, trial: usize, unit: usize) -> f64 {
        f64::from(self.rates[(time * self.n_trials + trial) * self.n_units + unit])
    }

    /// Checks that the rates belong to `behaviour`.
    ///
    /// # Errors
    /// No rates, another number of trials, or a buffer of another size.
    pub fn validate(&self, behaviour: &Behaviour) -> Result<(), AnalysisError> {
        let shape = |what, found, expected| {
            Err(AnalysisError::ActivityShape {
                what,
                found,
                expected,
            })
        };
        if self.n_units == 0 || self.times_ms.is_empty() {
            return Err(AnalysisError::MissingActivity);
        }
        if self.n_trials != behaviour.n_trials() {
            return shape("trials", self.n_trials, behaviour.n_trials());
        }
        let expected = self.times_ms.len() * self.n_trials * self.n_units;
        if self.rates.len() == expected {
            Ok(())
        } else {
            shape("rates", self.rates.len(), expected)
        }
    }

    /// Recorded steps of `trial` with `from_ms` ≤ time < `to_ms` that were executed.
    pub(crate) fn steps(
        &self,
        behaviour: &Behaviour,
        trial: usize,
        from_ms: f64,
        to_ms: f64,
    ) -> std::ops::Range<usize> {
        let end_ms = to_ms.min(behaviour.n_steps[trial] as f64 * behaviour.dt_ms);
        let first = self.times_ms.partition_point(|&time| time < from_ms);
        first..self.times_ms.partition_point(|&time| time < end_ms).max(first)
    }

    /// Recorded step nearest at or before `ms`; `None` before the first.
    pub(super) fn step_at(&self, ms: f64) -> Option<usize> {
        self.times_ms.partition_point(|&time| time <= ms).checked_sub(1)
    }

    /// Time between recorded steps in ms.
    pub(crate) fn spacing_ms(&self) -> f64 {
        match self.times_ms.as_slice() {
            [first, second, ..] => second - first,
            _ => 1.0,
        }
    }

    /// Mean and standard deviation over all units and executed steps.
    pub(super) fn mean_and_sd(&self, behaviour: &Behaviour) -> (f64, f64) {
        let (mut sum, mut squares, mut n) = (0.0, 0.0, 0.0);
        for trial in 0..self.n_trials {
            for time in self.steps(behaviour, trial, 0.0, f64::INFINITY) {
                for unit in 0..self.n_units {
                    let rate = self.rate(time, trial, unit);
                    (sum, squares, n) = (sum + rate, squares + rate * rate, n + 1.0);
                }
            }
        }
        let mean = sum / f64::max(n, 1.0);
        (mean, (squares / f64::max(n, 1.0) - mean * mean).max(0.0).sqrt())
    }

    /// Whether recorded step `time` of `trial` was executed.
    pub(super) fn executed(&self, behaviour: &Behaviour, time: usize, trial: usize) -> bool {
        self.times_ms[time] < behaviour.n_steps[trial] as f64 * behaviour.dt_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end_with_the_trial() {
        let behaviour = Behaviour {
            dt_ms: 10.0,
            n_steps: vec![4],
            action: vec![None],
            ..Behaviour::default()
        };
        let times_ms = vec![0.0, 20.0, 40.0, 60.0];
        let activity = Activity {
            times_ms,
            n_trials: 1,
            n_units: 1,
            rates: vec![0.0; 4],
        };
        assert_eq!(activity.steps(&behaviour, 0, 10.0, 1000.0), 1..2);
        assert_eq!(activity.steps(&behaviour, 0, 50.0, 60.0), 3..3);
        assert_eq!((activity.step_at(39.0), activity.step_at(-1.0)), (Some(1), None));
        assert!(activity.validate(&behaviour).is_ok());
        let short = Activity {
            rates: vec![0.0; 3],
            ..activity
        };
        assert_eq!(
            short.validate(&behaviour).unwrap_err().to_string(),
            "cannot be computed: the recorded activity has 3 rates, expected 4"
        );
    }
}
