//! How to learn: the choices that the equations of [`crate::update`] leave open.

use serde::{Deserialize, Serialize};

/// What weighs the action at the first step (song: `t0_return`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstReturn {
    /// The immediate reward R₀, as the published code has it: this is what makes learning start.
    Immediate,
    /// The return G₀, as the textbook has it.
    Return,
}

/// Which rates the value network sees at step t, beside the action at t − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueInput {
    /// Those of step t − 1.
    Lagged,
    /// Those of step t.
    Concurrent,
    /// Those of step t − 1 in training and of step t when activity is recorded, as the published code has it.
    Reference,
}

impl ValueInput {
    /// How many steps behind the rates are that the value network sees while it learns.
    pub fn training_lag(self) -> usize {
        usize::from(self != Self::Concurrent)
    }

    /// The same while its activity and predictions are recorded.
    pub fn recording_lag(self) -> usize {
        usize::from(self == Self::Lagged)
    }
}

/// What a network learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Teacher {
    /// Reward: policy gradient with a value network.
    Reward,
    /// Targets of the trial table: see [`crate::supervised`].
    Targets,
}

/// How to learn.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// What from.
    pub teacher: Teacher,
    /// Rewards at step t count exp(−`discount_per_step`·t).
    pub discount_per_step: f64,
    /// Weight of the first action.
    pub first_return: FirstReturn,
    /// What the value network sees.
    pub value_input: ValueInput,
    /// Longest gradient, in the L2 norm over all parameters of a network.
    pub max_gradient_norm: f64,
    /// Each trial starts from the states that the one before it ended in.
    pub continuous: bool,
    /// λ of the generalised advantage estimate; 1: return minus prediction, as in the paper.
    pub gae_lambda: f64,
    /// Advantages get mean 0 and standard deviation 1 over the steps of a batch.
    pub standardise_advantage: bool,
    /// Weight β in the objective of the policy's entropy while a choice is possible; 0 switches it off.
    pub entropy_bonus: f64,
}

impl Default for Rules {
    /// Those of the paper, undiscounted.
    fn default() -> Self {
        Self {
            teacher: Teacher::Reward,
            discount_per_step: 0.0,
            first_return: FirstReturn::Immediate,
            value_input: ValueInput::Lagged,
            max_gradient_norm: 1.0,
            continuous: false,
            gae_lambda: 1.0,
            standardise_advantage: false,
            entropy_bonus: 0.0,
        }
    }
}
