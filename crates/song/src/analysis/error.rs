//! Why an analysis has no result.

use neuropil_math::{linalg::LinalgError, stats::StatsError};
use thiserror::Error;

use crate::behaviour::Behaviour;

/// Why an analysis cannot be computed, naming what is missing.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum AnalysisError {
    /// The trials lack a factor.
    #[error("cannot be computed: the trials have no factor `{factor}`, only {found}")]
    MissingFactor {
        /// The factor.
        factor: String,
        /// The factors that they have.
        found: String,
    },
    /// No factor of the trials is a stimulus on an axis.
    #[error(
        "cannot be computed: no factor is a signed stimulus, found {found}\n\
         hint: say which quantity it is, `--by QUANTITY`, or in the task `[analysis] axis = \"QUANTITY\"`"
    )]
    MissingStimulus {
        /// The factors that they have.
        found: String,
    },
    /// The trials lack an epoch.
    #[error("cannot be computed: the trials have no epoch `{epoch}`, only {found}")]
    MissingEpoch {
        /// The epoch.
        epoch: String,
        /// The epochs that they have.
        found: String,
    },
    /// The task lacks an action.
    #[error("cannot be computed: the task has no action `{action}`, only {found}")]
    MissingAction {
        /// The action.
        action: String,
        /// The actions that it has.
        found: String,
    },
    /// Nothing is left to analyse.
    #[error("cannot be computed: none of {n_trials} trials {what}")]
    NoTrials {
        /// What none of them did.
        what: &'static str,
        /// Number of trials.
        n_trials: usize,
    },
    /// The choices come when the stimulus is over.
    #[error("cannot be computed: choices come after the stimulus, so there are no reaction times")]
    NotReactionTime,
    /// Firing rates were not recorded.
    #[error("cannot be computed: firing rates were not recorded\nhint: record them with the test trials")]
    MissingActivity,
    /// Firing rates belong to other trials or hold nothing.
    #[error("cannot be computed: the recorded activity has {found} {what}, expected {expected}")]
    ActivityShape {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many were expected.
        expected: usize,
    },
    /// Something was asked for by a name or number that nothing has.
    #[error("cannot be computed: there is no {what} `{asked}`, only {known}")]
    NoSuch {
        /// Kind of thing.
        what: &'static str,
        /// What was asked for.
        asked: String,
        /// What there is.
        known: String,
    },
    /// Several quantities have too few or too many levels together.
    #[error(
        "cannot be computed: `{of}` has {found} combinations of at least {fewest} trials, expected 2 to {most}"
    )]
    Combinations {
        /// The quantities.
        of: String,
        /// Their combinations.
        found: usize,
        /// Trials without which a combination is left out.
        fewest: usize,
        /// Most that are shown.
        most: usize,
    },
    /// No unit is active enough.
    #[error("cannot be computed: none of {n_units} units varies by more than {threshold}")]
    NoActiveUnits {
        /// Number of units.
        n_units: usize,
        /// Standard deviation that counts as active.
        threshold: f64,
    },
    /// No quantity of the trials takes several values.
    #[error(
        "cannot be computed: nothing varies from trial to trial\n\
         hint: give the task a factor, or a duration that is drawn"
    )]
    NothingVaries,
    /// Several answers, and nobody says which two are compared.
    #[error(
        "cannot be computed: it compares two answers, found {found}\n\
         hint: name them, `--answers LOW,HIGH`, or in the task `[analysis] answers = [\"LOW\", \"HIGH\"]`"
    )]
    WhichAnswers {
        /// The actions that there are.
        found: String,
    },
    /// Something that the task or the recording lacks.
    #[error("cannot be computed: it needs {what}\nhint: {hint}")]
    Needs {
        /// What.
        what: &'static str,
        /// Where to get it.
        hint: &'static str,
    },
    /// The networks were not given.
    #[error("cannot be computed: the networks were not given")]
    MissingNetworks,
    /// No network has recurrent weights.
    #[error("cannot be computed: neither network has recurrent weights")]
    NoRecurrence,
    /// There is no history of training.
    #[error("cannot be computed: there is no history of training")]
    MissingHistory,
    /// A fit on which the result rests has none.
    #[error("cannot be computed: {what} has no fit, {reason}")]
    NoFit {
        /// What was to be fitted.
        what: String,
        /// Why it could not.
        reason: String,
    },
    /// A statistic failed.
    #[error("cannot be computed: {0}")]
    Stats(#[from] StatsError),
    /// A decomposition failed.
    #[error("cannot be computed: {0}")]
    Linalg(#[from] LinalgError),
}

impl Behaviour {
    pub(super) fn number(&self, factor: &str) -> Result<&[f64], AnalysisError> {
        self.numbers
            .get(factor)
            .map(Vec::as_slice)
            .ok_or_else(|| self.missing_factor(factor))
    }

    pub(super) fn label(&self, factor: &str) -> Result<&[String], AnalysisError> {
        self.labels
            .get(factor)
            .map(Vec::as_slice)
            .ok_or_else(|| self.missing_factor(factor))
    }

    pub(super) fn onset(&self, epoch: &str) -> Result<&[f64], AnalysisError> {
        self.onset_ms
            .get(epoch)
            .map(Vec::as_slice)
            .ok_or_else(|| self.missing_epoch(epoch))
    }

    pub(super) fn duration(&self, epoch: &str) -> Result<&[f64], AnalysisError> {
        self.duration_ms
            .get(epoch)
            .map(Vec::as_slice)
            .ok_or_else(|| self.missing_epoch(epoch))
    }

    pub(super) fn required_action(&self, name: &str) -> Result<usize, AnalysisError> {
        self.action_named(name)
            .ok_or_else(|| AnalysisError::MissingAction {
                action: name.to_owned(),
                found: listed(self.actions.iter().map(String::as_str)),
            })
    }

    pub(super) fn none_of_the_trials(&self, what: &'static str) -> AnalysisError {
        AnalysisError::NoTrials {
            what,
            n_trials: self.n_trials(),
        }
    }

    fn missing_factor(&self, factor: &str) -> AnalysisError {
        AnalysisError::MissingFactor {
            factor: factor.to_owned(),
            found: listed(self.factors()),
        }
    }

    fn missing_epoch(&self, epoch: &str) -> AnalysisError {
        let found = listed(self.onset_ms.keys().map(String::as_str));
        AnalysisError::MissingEpoch {
            epoch: epoch.to_owned(),
            found,
        }
    }
}

/// Names in backticks, or `none`.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
