//! Choices between two options against the difference of their values, as an animal that learns from rewards would have
//! them.
//!
//! ```text
//! Q ← Q + α (r − Q)      of the chosen option; r is 1 for a reward, 0 for none; Q begins at ½
//! P(second) = 1 / (1 + exp(−b − β (Q₂ − Q₁)))
//! ```
//!
//! α, β and the bias b are those of the greatest likelihood. Sutton & Barto, Reinforcement Learning (2018), eq. 2.5;
//! Daw, in Decision Making, Affect, and Learning (2011).

use serde::{Deserialize, Serialize};

use super::{AnalysisError, Focus, axis::answers_of, proportion::Proportion};
use crate::behaviour::Behaviour;

/// Choices that a fit needs.
const FEWEST: usize = 100;
/// Bins of the value difference, from −1 to 1.
const BINS: usize = 11;
/// Trials that a bin needs.
const FEWEST_IN_BIN: usize = 10;
/// Learning rates that are tried first, equally spaced; then the best one's neighbourhood is searched.
const GRID: usize = 20;
/// Steps of the search within the neighbourhood (golden section).
const SECTIONS: usize = 25;
/// Steps of Newton's method for β and b.
const STEPS: usize = 50;
/// Largest β: choices that follow from values without exception have none.
const MOST_BETA: f64 = 100.0;

/// Choices against values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueDifference {
    /// The two options.
    pub options: [String; 2],
    /// Choices that the fit rests on.
    pub n_choices: usize,
    /// Learning rate α.
    pub learning_rate: f64,
    /// Inverse temperature β.
    pub beta: f64,
    /// Bias b to the second option, log odds.
    pub bias: f64,
    /// Mean log likelihood of a choice; −0.693 is chance.
    pub log_likelihood: f64,
    /// Choices of the second option by value difference.
    pub points: Vec<ValuePoint>,
}

/// Choices in one bin of the value difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValuePoint {
    /// Mean of Q₂ − Q₁.
    pub difference: f64,
    /// Choices of the second option.
    pub second: Proportion,
    /// What the fit expects, at the mean.
    pub expected: f64,
}

/// Fits the learner to all choices of two options within sessions.
///
/// # Errors
/// Trials that stand alone, no two options, or too few choices.
pub fn value_difference(behaviour: &Behaviour, focus: &Focus) -> Result<ValueDifference, AnalysisError> {
    let Some(session) = behaviour.numbers.get("session") else {
        return Err(AnalysisError::Needs {
            what: "trials that follow one another",
            hint: "give the task a `[session]`",
        });
    };
    let [first, second] = answers_of(behaviour, focus)?;
    let choice = |i: usize| {
        let action = behaviour.action[i].filter(|_| behaviour.chosen[i])?;
        if action == second {
            Some(true)
        } else {
            (action == first).then_some(false)
        }
    };
    let trials: Vec<(f64, bool, f64)> = (0..behaviour.n_trials())
        .filter_map(|i| {
            Some((
                session[i],
                choice(i)?,
                f64::from(u8::from(behaviour.reward[i] > 0.0)),
            ))
        })
        .collect();
    let seconds = trials.iter().filter(|trial| trial.1).count();
    if trials.len() < FEWEST || seconds.min(trials.len() - seconds) < FEWEST_IN_BIN {
        return Err(behaviour.none_of_the_trials("ended in either of two options, often enough"));
    }
    let at = |alpha: f64| -> (f64, f64, f64) { fitted(&differences(&trials, alpha), &trials) };
    let grid = (0..GRID).map(|i| (i as f64 + 0.5) / GRID as f64);
    let best = grid
        .max_by(|a, b| at(*a).2.total_cmp(&at(*b).2))
        .expect("a grid has points");
    let half = 1.0 / GRID as f64;
    let (mut low, mut high) = ((best - half).max(1e-3), (best + half).min(1.0));
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    for _ in 0..SECTIONS {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if at(a).2 > at(b).2 {
            high = b;
        } else {
            low = a;
        }
    }
    let learning_rate = f64::midpoint(low, high);
    let differences = differences(&trials, learning_rate);
    let (beta, bias, likelihood) = fitted(&differences, &trials);
    let point = |bin: usize| {
        let (from, to) = (edge(bin), edge(bin + 1));
        let last = bin + 1 == BINS;
        let here: Vec<usize> = (0..trials.len())
            .filter(|&i| differences[i] >= from && (differences[i] < to || last))
            .collect();
        let mean = here.iter().map(|&i| differences[i]).sum::<f64>() / here.len().max(1) as f64;
        Some(ValuePoint {
            difference: mean,
            second: Proportion::among(&here, |i| trials[i].1).filter(|p| p.n >= FEWEST_IN_BIN)?,
            expected: logistic(bias + beta * mean),
        })
    };
    Ok(ValueDifference {
        options: [first, second].map(|action| behaviour.actions[action].clone()),
        n_choices: trials.len(),
        learning_rate,
        beta,
        bias,
        log_likelihood: likelihood / trials.len() as f64,
        points: (0..BINS).filter_map(point).collect(),
    })
}

fn edge(bin: usize) -> f64 {
    2.0 * bin as f64 / BINS as f64 - 1.0
}

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// Q₂ − Q₁ before each choice.
fn differences(trials: &[(f64, bool, f64)], alpha: f64) -> Vec<f64> {
    let (mut q, mut in_session) = ([0.5, 0.5], f64::NAN);
    trials
        .iter()
        .map(|&(session, second, reward)| {
            if session != in_session {
                (q, in_session) = ([0.5, 0.5], session);
            }
            let difference = q[1] - q[0];
            let chosen = &mut q[usize::from(second)];
            *chosen += alpha * (reward - *chosen);
            difference
        })
        .collect()
}

/// β, b and the log likelihood, by Newton's method.
fn fitted(differences: &[f64], trials: &[(f64, bool, f64)]) -> (f64, f64, f64) {
    let (mut beta, mut bias) = (1.0, 0.0);
    for _ in 0..STEPS {
        let (mut g, mut h) = ([0.0; 2], [1e-9, 0.0, 1e-9]);
        for (&d, &(_, second, _)) in differences.iter().zip(trials) {
            let p = logistic(bias + beta * d);
            let (rest, w) = (f64::from(u8::from(second)) - p, p * (1.0 - p));
            g[0] += rest * d;
            g[1] += rest;
            h[0] += w * d * d;
            h[1] += w * d;
            h[2] += w;
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        if determinant.abs() < 1e-12 {
            break;
        }
        let step = [
            (h[2] * g[0] - h[1] * g[1]) / determinant,
            (h[0] * g[1] - h[1] * g[0]) / determinant,
        ];
        beta = (beta + step[0]).clamp(-MOST_BETA, MOST_BETA);
        bias = (bias + step[1]).clamp(-MOST_BETA, MOST_BETA);
        if step.iter().all(|step| step.abs() < 1e-9) {
            break;
        }
    }
    let likelihood = differences.iter().zip(trials).map(|(&d, &(_, second, _))| {
        let z = bias + beta * d;
        let z = if second { z } else { -z };
        // ln P without overflow.
        -(-z).exp().ln_1p().min(f64::MAX)
    });
    (beta, bias, likelihood.sum())
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn a_learner_of_known_rate_and_temperature_is_found() {
        let found = value_difference(&synthetic::learner(400, 1), &Focus::default()).unwrap();
        assert!(
            (found.learning_rate - synthetic::LEARNING_RATE).abs() < 0.05,
            "{found:?}"
        );
        assert!((found.beta - synthetic::BETA).abs() < 0.4, "{found:?}");
        assert!(found.bias.abs() < 0.1, "{found:?}");
        assert!(found.points.len() >= 8);
        for point in &found.points {
            assert!((point.second.value - point.expected).abs() < 0.1, "{point:?}");
        }
    }
}
