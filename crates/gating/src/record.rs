//! What a sequence of tasks leaves behind: all that analyses are made from, whatever kind of network learnt it.

use crate::curve::Point;
use crate::gates::Gates;
use crate::network::Tensor;
use serde::{Deserialize, Serialize};

/// What is kept of a task that was learnt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Learnt {
    /// Accuracy on every task up to this one, after it.
    pub accuracies: Vec<f64>,
    /// The same for whole trials, of networks that answer step by step; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trials: Vec<f64>,
    /// Mean reward of a trial, of networks that are taught by reward; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewards: Vec<f64>,
    /// Batches that the task took.
    #[serde(default)]
    pub batches: u64,
    /// How it was learnt; empty in runs of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<Point>,
    /// Mean loss of the task over its last hundred batches.
    pub loss: f64,
    /// Largest c Σ Ω (θ − θ̃)² of a batch.
    pub largest_penalty: f64,
    /// Distance that the stabilised weights moved.
    pub distance: f64,
    /// Updates of arrays that were clipped.
    pub clipped: u64,
    /// Largest 2cΩ of a weight after the task: beyond 2 divided by the step, the pull overshoots.
    pub largest_pull: f64,
}

/// A sequence of tasks as far as it was learnt.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// What is asked and told, in one sentence.
    pub scenario: String,
    /// Method, as it was typed.
    pub method: &'a str,
    /// Names of all tasks.
    pub names: Vec<String>,
    /// What is known of each task that was learnt.
    pub learnt: &'a [Learnt],
    /// Accuracy of the untrained network on every task, with its own gates.
    pub untrained: &'a [f64],
    /// Accuracy on each task just before it was learnt.
    pub before: &'a [f64],
    /// Accuracy of guessing, for each task that was learnt.
    pub chance: Vec<f64>,
    /// Gates of all tasks.
    pub gates: &'a Gates,
    /// Importance Ω of all weights.
    pub importance: &'a [f32],
    /// Where the arrays of weights lie in it.
    pub tensors: Vec<Tensor>,
}

impl Record<'_> {
    /// `grid[k][j]`: accuracy on task j after task k, j ≤ k.
    pub fn grid(&self) -> Vec<Vec<f64>> {
        self.learnt.iter().map(|task| task.accuracies.clone()).collect()
    }
}
