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
    /// Lessons of the curriculum that were left behind.
    #[serde(default)]
    pub lessons: Vec<Lesson>,
    /// Validation trials behind each point.
    pub validation_trials: usize,
}

/// When a lesson was taught.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// Which one, from 1.
    pub number: usize,
    /// Training trials at its begin.
    pub from: u64,
    /// Training trials at its end.
    pub to: u64,
}

/// Runs of validations in the same lesson; the highest number of all stands for the task itself.
fn lessons(history: &[Check]) -> Vec<Lesson> {
    let task = history.iter().map(|check| check.lesson).max().unwrap_or(0);
    let mut from = 0;
    let mut lessons = Vec::new();
    for taught in history.chunk_by(|a, b| (a.attempt, a.lesson) == (b.attempt, b.lesson)) {
        let (number, to) = (taught[0].lesson + 1, taught[taught.len() - 1].n_trials);
        if number <= task {
            lessons.push(Lesson { number, from, to });
        }
        from = to;
    }
    lessons
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
        lessons: lessons(history),
        validation_trials: last.performance.n_trials,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_tasks::performance::Performance;

    #[test]
    fn lessons_last_from_the_validation_that_ended_the_one_before() {
        let check = |(n_trials, attempt, lesson): (u64, u64, usize)| Check {
            update: n_trials,
            n_trials,
            attempt,
            lesson,
            performance: Performance::default(),
            new_best: false,
            value_error: 0.0,
            gradient_norms: [[0.0; 2]; 2],
        };
        let checks = [(0, 0, 0), (10, 0, 0), (20, 1, 0), (30, 1, 1), (40, 1, 2)];
        let found = learning_curve(&checks.map(check)).unwrap();
        let lesson = |number, from, to| Lesson { number, from, to };
        assert_eq!(
            found.lessons,
            [lesson(1, 0, 10), lesson(1, 10, 20), lesson(2, 20, 30)]
        );
        let plain = learning_curve(&[(0, 0, 0), (10, 0, 0)].map(check)).unwrap();
        assert!(plain.lessons.is_empty());
    }
}
