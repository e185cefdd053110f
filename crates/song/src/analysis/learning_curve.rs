//! Learning curves: reward and accuracy of the validations against training trials.
//!
//! Song, Yang & Wang 2017, figure 1, supplement 1.

use super::AnalysisError;
use neuropil_learn::train::Check;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Validations during training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearningCurve {
    /// Training trials before each validation.
    pub n_trials: Vec<u64>,
    /// Mean reward per trial.
    pub mean_reward: Vec<f64>,
    /// Fraction of trials that were decided.
    pub fraction_decided: Vec<f64>,
    /// Fraction correct of the decided trials; none where the mean reward is not above 0, as in the paper.
    pub fraction_correct: Vec<Option<f64>>,
    /// Quantities of the task's criterion, and what its world measures, by name.
    pub quantities: BTreeMap<String, Vec<f64>>,
    /// Training trials at which the networks were drawn anew.
    pub restarts: Vec<u64>,
    /// Validation trials behind each point.
    pub validation_trials: usize,
}

/// The learning curve of a history of validations.
///
/// # Errors
/// The history is empty.
pub fn learning_curve(history: &[Check]) -> Result<LearningCurve, AnalysisError> {
    let last = history.last().ok_or(AnalysisError::MissingHistory)?;
    let restarts = history
        .windows(2)
        .filter(|pair| pair[1].attempt > pair[0].attempt);
    let names = last.performance.quantities.keys();
    let value = |check: &Check, name: &str| check.performance.quantities.get(name).copied().unwrap_or(0.0);
    Ok(LearningCurve {
        quantities: names
            .map(|name| {
                (
                    name.clone(),
                    history.iter().map(|check| value(check, name)).collect(),
                )
            })
            .collect(),
        n_trials: history.iter().map(|check| check.n_trials).collect(),
        mean_reward: history
            .iter()
            .map(|check| check.performance.mean_reward)
            .collect(),
        fraction_decided: history
            .iter()
            .map(|check| check.performance.fraction_decided())
            .collect(),
        fraction_correct: history
            .iter()
            .map(|check| (check.performance.mean_reward > 0.0).then(|| check.performance.fraction_correct()))
            .collect(),
        restarts: restarts.map(|pair| pair[0].n_trials).collect(),
        validation_trials: last.performance.n_trials,
    })
}
