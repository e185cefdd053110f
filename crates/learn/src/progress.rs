//! When to check, when to stop, and how far networks are that learn a task.

use crate::player::Player;
use neuropil_tasks::performance::Performance;
use serde::{Deserialize, Serialize};

/// When to check, when to stop, when to begin anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Updates at most.
    pub max_updates: u64,
    /// Updates between validations.
    pub check_every: u64,
    /// Trials per update.
    pub trials_per_update: usize,
    /// Trials per validation.
    pub validation_trials: usize,
    /// Stop when the mean reward of a validation reaches this.
    pub target_reward: f64,
    /// Stop when the task's criterion holds.
    pub stop_at_criterion: bool,
    /// Draw new networks when trapped, at most this often; 0: never.
    pub max_restarts: u64,
    /// A network is trapped when it has neither decided a trial nor aborted early for this many updates.
    pub trapped_after: u64,
    /// It is also given up after this many updates without a better validation; 0: never.
    pub patience: u64,
}

/// One validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Updates so far.
    pub update: u64,
    /// Training trials so far, those of discarded networks included.
    pub n_trials: u64,
    /// Which draw of the networks, from 0.
    pub attempt: u64,
    /// Lesson of the task's curriculum, from 0; their number when all are over.
    #[serde(default)]
    pub lesson: usize,
    /// Performance on the validation trials.
    pub performance: Performance,
    /// Best mean reward so far.
    pub new_best: bool,
    /// Root of the mean squared error of the value network in the last update.
    #[serde(deserialize_with = "finite::number")]
    pub value_error: f64,
    /// Smallest and largest gradient norm of policy and value network since the last check.
    #[serde(deserialize_with = "finite::norms")]
    pub gradient_norms: [[f64; 2]; 2],
}

/// Everything that a checkpoint must hold beside parameters and moments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Updates so far.
    pub update: u64,
    /// Training trials so far.
    pub n_trials: u64,
    /// Which draw of the networks, from 0.
    pub attempt: u64,
    /// Lesson of the task's curriculum, from 0; their number when all are over.
    #[serde(default)]
    pub lesson: usize,
    /// Update at which these networks were drawn.
    pub attempt_began: u64,
    /// Updates since a trial was last decided or aborted early.
    pub trapped_for: u64,
    /// Gradients in a row that were discarded.
    pub discarded: u64,
    /// Best mean reward of a validation of these networks; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_reward: Option<f64>,
    /// Update at which it was reached.
    #[serde(default)]
    pub best_update: u64,
    /// All validations.
    pub history: Vec<Check>,
    /// The criterion has been met.
    pub criterion_met: bool,
    /// Squared error of the value network and range of gradient norms since the last check.
    pub value_loss: f64,
    /// Range of gradient norms since the last check, over updates that were made.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "finite::some_norms"
    )]
    pub norms: Option<[[f64; 2]; 2]>,
    /// The validation due at this update has been made.
    pub checked: bool,
}

/// Numbers of a checkpoint that an earlier version wrote as `null` when they were not finite; they count as 0.
mod finite {
    use serde::{Deserialize, Deserializer};

    type Norms<T> = [[T; 2]; 2];

    fn known(norms: Norms<Option<f64>>) -> Norms<f64> {
        norms.map(|range| range.map(Option::unwrap_or_default))
    }

    pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(from)?.unwrap_or_default())
    }

    pub(super) fn norms<'de, D: Deserializer<'de>>(from: D) -> Result<Norms<f64>, D::Error> {
        Norms::<Option<f64>>::deserialize(from).map(known)
    }

    pub(super) fn some_norms<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Norms<f64>>, D::Error> {
        Ok(Option::<Norms<Option<f64>>>::deserialize(from)?.map(known))
    }
}

/// Networks, moments and progress: what is saved and resumed.
#[derive(Debug)]
pub struct State {
    /// The acting network.
    pub policy: Player<f32>,
    /// The predicting network.
    pub value: Player<f32>,
    /// Parameters of the best validation: policy, value.
    pub best: (Vec<f32>, Vec<f32>),
    /// Counters and history.
    pub progress: Progress,
    /// Continuous mode: states that the next training trial starts from, policy and value network; none before
    /// the first.
    pub carried: Option<[Vec<f32>; 2]>,
}

impl State {
    /// Fresh networks.
    pub fn new(policy: Player<f32>, value: Player<f32>) -> Self {
        let best = (policy.params.clone(), value.params.clone());
        Self {
            policy,
            value,
            best,
            progress: Progress::default(),
            carried: None,
        }
    }
}

/// Why networks were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// Fixation trap: every trial is fixated through to its end, so no reward is ever met.
    Trapped,
    /// No validation was better than the best so far within the patience.
    Stalled,
}
