//! What an animal did: one row a test trial, the table that every analysis of behaviour reads.

mod columns;

use std::collections::BTreeMap;

use thiserror::Error;

pub use columns::Column;

/// Test trials with their conditions and outcomes. All columns have one entry per trial.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// Name of the task.
    pub task: String,
    /// Duration of a step in milliseconds.
    pub dt_ms: f64,
    /// Names of the actions; the first is the one that waits.
    pub actions: Vec<String>,
    /// Numeric factors of the condition, by name.
    pub numbers: BTreeMap<String, Vec<f64>>,
    /// Categorical factors of the condition, by name.
    pub labels: BTreeMap<String, Vec<String>>,
    /// Start of each epoch in ms from the start of the trial; NaN where a trial lacks the epoch.
    pub onset_ms: BTreeMap<String, Vec<f64>>,
    /// Duration of each epoch in ms; NaN where a trial lacks the epoch.
    pub duration_ms: BTreeMap<String, Vec<f64>>,
    /// The action other than waiting that ended the trial, as an index into `actions`.
    pub action: Vec<Option<usize>>,
    /// Whether that action counts as a choice, so was not an abort.
    pub chosen: Vec<bool>,
    /// Whether the choice was correct; none without a choice or where the task does not judge it.
    pub correct: Vec<Option<bool>>,
    /// Whether any answer could have been right, where trials differ in it; empty where they do not.
    pub answerable: Vec<bool>,
    /// Time of the choice in ms from the start of the trial; NaN without one.
    pub choice_ms: Vec<f64>,
    /// Sum of the rewards of the trial.
    pub reward: Vec<f64>,
    /// Executed steps of the trial.
    pub n_steps: Vec<usize>,
}

/// Why a table of behaviour cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BehaviourError {
    /// A column has another length than the rest.
    #[error("column `{column}` has {found} rows, expected {expected}")]
    Length {
        /// Its name.
        column: String,
        /// Its length.
        found: usize,
        /// Number of trials.
        expected: usize,
    },
    /// A column that every table has is absent.
    #[error("there is no column `{column}`")]
    Missing {
        /// Its name.
        column: &'static str,
    },
    /// A factor has the name of another column.
    #[error("factor `{factor}` has the name of a column of outcomes\nhint: rename it in the task")]
    ReservedName {
        /// The factor.
        factor: String,
    },
    /// A value is not of the kind that its column holds.
    #[error("column `{column}`, row {row}: found `{found}`, expected {expected}")]
    Value {
        /// Column.
        column: String,
        /// Row, from 1.
        row: usize,
        /// What stands there.
        found: String,
        /// What belongs there.
        expected: String,
    },
    /// The text is not a table.
    #[error("the trials are not a table of comma-separated values")]
    Csv(#[from] csv::Error),
}

impl Behaviour {
    /// Number of trials.
    pub fn n_trials(&self) -> usize {
        self.action.len()
    }

    /// The action of an answer: of just this name, or as [`Behaviour::action_named`].
    pub fn answer_named(&self, name: &str) -> Option<usize> {
        let exact = self.actions.iter().position(|action| action == name);
        exact.or_else(|| self.action_named(&name.to_lowercase()))
    }

    /// At least as long as every trial: the largest sum of its epochs, ms; infinite if no epoch was recorded.
    pub fn longest_ms(&self) -> f64 {
        if self.duration_ms.is_empty() {
            return f64::INFINITY;
        }
        let whole = |trial: usize| {
            let epochs = self
                .duration_ms
                .values()
                .filter_map(|durations| durations.get(trial));
            epochs.filter(|duration| duration.is_finite()).sum::<f64>()
        };
        (0..self.n_trials()).map(whole).fold(0.0, f64::max)
    }

    /// Index of the action called `name`: `right` also finds `choose-right` and `CHOOSE-RIGHT`.
    pub fn action_named(&self, name: &str) -> Option<usize> {
        let plain = |action: &str| action.to_lowercase();
        let exact = self.actions.iter().position(|action| plain(action) == name);
        exact.or_else(|| {
            self.actions.iter().position(|action| {
                let action = plain(action);
                action
                    .strip_suffix(name)
                    .is_some_and(|rest| rest.ends_with(['-', '_', ' ']))
            })
        })
    }

    /// Names of all factors, numeric ones first.
    pub fn factors(&self) -> Vec<&str> {
        self.numbers
            .keys()
            .chain(self.labels.keys())
            .map(String::as_str)
            .collect()
    }

    /// Number of sessions, and the mean reward of one, where trials are parts of sessions.
    pub fn sessions(&self) -> Option<(usize, f64)> {
        let mut sessions = self.numbers.get("session")?.clone();
        sessions.dedup();
        let n = sessions.len().max(1);
        Some((n, self.reward.iter().sum::<f64>() / n as f64))
    }

    /// Whether any answer to a trial could have been right.
    pub fn is_answerable(&self, trial: usize) -> bool {
        self.answerable.get(trial).copied().unwrap_or(true)
    }

    /// Whether a trial went right: by its answer or, where some trials have no right answer, also by giving none.
    /// `None`: neither right nor wrong.
    pub fn right(&self, trial: usize) -> Option<bool> {
        let withheld = !self.answerable.is_empty() && self.action[trial].is_none();
        self.correct[trial].or_else(|| withheld.then(|| !self.is_answerable(trial)))
    }

    /// Trials for which `keep` holds, in order.
    pub fn trials_where(&self, keep: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.n_trials()).filter(|&trial| keep(trial)).collect()
    }

    /// Checks that all columns fit together.
    ///
    /// # Errors
    /// Unequal lengths, an action that is not listed, or a factor with a reserved name.
    pub fn validate(&self) -> Result<(), BehaviourError> {
        let expected = self.n_trials();
        let factors = self.numbers.iter().map(|(name, c)| (name.clone(), c.len()));
        let labels = self.labels.iter().map(|(name, c)| (name.clone(), c.len()));
        let onsets = self
            .onset_ms
            .iter()
            .map(|(name, c)| (columns::onset(name), c.len()));
        let durations = self
            .duration_ms
            .iter()
            .map(|(name, c)| (columns::duration(name), c.len()));
        let outcomes = [
            ("chosen", self.chosen.len()),
            ("correct", self.correct.len()),
            ("choice_ms", self.choice_ms.len()),
            ("reward", self.reward.len()),
            ("n_steps", self.n_steps.len()),
        ];
        let outcomes = outcomes.map(|(name, len)| (name.to_owned(), len));
        let answerable =
            (!self.answerable.is_empty()).then(|| (columns::ANSWERABLE.to_owned(), self.answerable.len()));
        for (column, found) in factors
            .chain(answerable)
            .chain(labels)
            .chain(onsets)
            .chain(durations)
            .chain(outcomes)
        {
            if found != expected {
                return Err(BehaviourError::Length {
                    column,
                    found,
                    expected,
                });
            }
        }
        if let Some(factor) = self.factors().into_iter().find(|name| columns::is_reserved(name)) {
            return Err(BehaviourError::ReservedName {
                factor: factor.to_owned(),
            });
        }
        for (row, action) in self.action.iter().enumerate() {
            if let Some(action) = action.filter(|&action| action >= self.actions.len()) {
                return Err(BehaviourError::Value {
                    column: "action".to_owned(),
                    row: row + 1,
                    found: action.to_string(),
                    expected: format!("an index below {}", self.actions.len()),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_found_by_their_last_word() {
        let named = |actions: &[&str]| Behaviour {
            actions: actions.iter().map(|name| (*name).to_owned()).collect(),
            ..Behaviour::default()
        };
        assert_eq!(named(&["fixate", "left", "right"]).action_named("right"), Some(2));
        assert_eq!(
            named(&["FIXATE", "CHOOSE-LEFT", "CHOOSE-RIGHT"]).action_named("left"),
            Some(1)
        );
        assert_eq!(named(&["fixate", ">", "<"]).action_named("<"), Some(2));
        assert_eq!(named(&["fixate", "bright"]).action_named("right"), None);
    }

    #[test]
    fn columns_that_do_not_fit_are_named() {
        let mut behaviour = Behaviour {
            action: vec![None],
            ..Behaviour::default()
        };
        let words = |behaviour: &Behaviour| behaviour.validate().unwrap_err().to_string();
        assert_eq!(words(&behaviour), "column `chosen` has 0 rows, expected 1");
        behaviour = Behaviour {
            action: vec![Some(3)],
            actions: vec!["fixate".into()],
            chosen: vec![false],
            correct: vec![None],
            choice_ms: vec![f64::NAN],
            reward: vec![-1.0],
            n_steps: vec![1],
            ..Behaviour::default()
        };
        assert_eq!(
            words(&behaviour),
            "column `action`, row 1: found `3`, expected an index below 1"
        );
        behaviour.numbers.insert("reward".into(), vec![1.0]);
        assert!(words(&behaviour).starts_with("factor `reward` has the name of a column"));
    }
}
