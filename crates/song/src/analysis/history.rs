//! What a choice owes to the trials before: staying after reward, leaving after none, and a logistic regression on the last
//! choices and rewards.
//!
//! Lau & Glimcher, J. Exp. Anal. Behav. 84, 555 (2005).

use neuropil_math::linalg::least_squares;
use neuropil_math::stats::interval::Interval;
use serde::{Deserialize, Serialize};

use super::{AnalysisError, proportion::Proportion};
use crate::behaviour::Behaviour;

/// Trials that the regression looks back.
pub const LAGS: usize = 5;
/// Steps of Newton's method.
const STEPS: usize = 50;
/// Penalty ½ · this · ‖w‖² on the weights, which keeps them finite where choices are certain.
const RIDGE: f64 = 1.0;
/// Half of a 95 % interval, in standard errors.
const HALF_WIDTH: f64 = 1.96;

/// What choices owe to the trials before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Pairs of choices, one after the other.
    pub n_pairs: usize,
    /// The same choice again after a reward.
    pub win_stay: Option<Proportion>,
    /// Another choice after none.
    pub lose_switch: Option<Proportion>,
    /// The choice that the regression predicts against the other; none where there are not two.
    pub choice: Option<String>,
    /// Weight of the choice of each trial before (+1 the same, −1 the other), log odds.
    pub of_choice: Vec<Weight>,
    /// Weight of its reward (a rewarded choice for it +1, a rewarded one against it −1), log odds.
    pub of_reward: Vec<Weight>,
}

/// A weight of a regression with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// The weight.
    pub value: f64,
    /// Normal interval from the curvature of the likelihood.
    pub interval: Interval,
}

/// Looks at choices in the order in which they were made within a session.
///
/// # Errors
/// Trials that stand alone, or too few choices one after another.
pub fn history(behaviour: &Behaviour) -> Result<History, AnalysisError> {
    let (Some(session), Some(trial)) = (behaviour.numbers.get("session"), behaviour.numbers.get("trial"))
    else {
        return Err(AnalysisError::Needs {
            what: "trials that follow one another",
            hint: "give the task a `[session]`",
        });
    };
    let follows = |i: usize| session[i] == session[i - 1] && trial[i] == trial[i - 1] + 1.0;
    let choice = |i: usize| behaviour.action[i].filter(|_| behaviour.chosen[i]);
    let pairs: Vec<usize> = (1..behaviour.n_trials())
        .filter(|&i| follows(i) && choice(i).is_some() && choice(i - 1).is_some())
        .collect();
    if pairs.len() < 10 * LAGS {
        return Err(behaviour.none_of_the_trials("followed another with a choice in both, often enough"));
    }
    let most = (0..behaviour.actions.len())
        .map(|action| pairs.iter().filter(|&&i| choice(i) == Some(action)).count())
        .max();
    if most.is_some_and(|most| pairs.len() - most < LAGS) {
        return Err(behaviour.none_of_the_trials("ended in another choice than nearly all"));
    }
    let rewarded = |i: usize| behaviour.reward[i] > 0.0;
    let after = |won: bool| -> Vec<usize> {
        pairs
            .iter()
            .copied()
            .filter(|&i| rewarded(i - 1) == won)
            .collect()
    };
    let (win_stay, lose_switch) = (
        Proportion::among(&after(true), |i| choice(i) == choice(i - 1)),
        Proportion::among(&after(false), |i| choice(i) != choice(i - 1)),
    );
    let mut found = History {
        n_pairs: pairs.len(),
        win_stay,
        lose_switch,
        choice: None,
        of_choice: Vec::new(),
        of_reward: Vec::new(),
    };
    if behaviour.actions.len() == 3 {
        let sign = |i: usize| choice(i).map_or(0.0, |action| if action == 2 { 1.0 } else { -1.0 });
        let (mut rows, mut chosen) = (Vec::new(), Vec::new());
        for i in LAGS..behaviour.n_trials() {
            if choice(i).is_some() && (0..LAGS).all(|lag| follows(i - lag)) {
                rows.push(1.0);
                rows.extend((1..=LAGS).map(|lag| sign(i - lag)));
                rows.extend((1..=LAGS).map(|lag| if rewarded(i - lag) { sign(i - lag) } else { 0.0 }));
                chosen.push(sign(i) > 0.0);
            }
        }
        let weights = logistic(&rows, &chosen)?;
        found.choice = Some(behaviour.actions[2].clone());
        found.of_choice = weights[1..=LAGS].to_vec();
        found.of_reward = weights[LAGS + 1..].to_vec();
    }
    Ok(found)
}

/// Logistic regression by Newton's method; `rows` is row-major, one row for each choice.
fn logistic(rows: &[f64], chosen: &[bool]) -> Result<Vec<Weight>, AnalysisError> {
    let n = 2 * LAGS + 1;
    let mut w = vec![0.0; n];
    let mut inverse = vec![0.0; n * n];
    for _ in 0..STEPS {
        let (mut gradient, mut curvature) = (
            w.iter().map(|w| -RIDGE * w).collect::<Vec<f64>>(),
            vec![0.0; n * n],
        );
        for (row, &chosen) in rows.chunks_exact(n).zip(chosen) {
            let z: f64 = row.iter().zip(&w).map(|(x, w)| x * w).sum();
            let p = 1.0 / (1.0 + (-z).exp());
            for i in 0..n {
                gradient[i] += (f64::from(u8::from(chosen)) - p) * row[i];
                for j in 0..n {
                    curvature[i * n + j] += p * (1.0 - p) * row[i] * row[j];
                }
            }
        }
        (0..n).for_each(|i| curvature[i * n + i] += RIDGE);
        let identity: Vec<f64> = (0..n * n).map(|k| f64::from(u8::from(k / n == k % n))).collect();
        inverse = least_squares(&curvature, n, n, &identity, n)?.coefficients;
        let step: Vec<f64> = (0..n)
            .map(|i| (0..n).map(|j| inverse[i * n + j] * gradient[j]).sum())
            .collect();
        w.iter_mut().zip(&step).for_each(|(w, step)| *w += step);
        if step.iter().all(|step| step.abs() < 1e-9) {
            break;
        }
    }
    let weight = |(i, &value): (usize, &f64)| {
        let half = HALF_WIDTH * inverse[i * n + i].max(0.0).sqrt();
        let (low, high) = (value - half, value + half);
        Weight {
            value,
            interval: Interval { low, high },
        }
    };
    Ok(w.iter().enumerate().map(weight).collect())
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn an_animal_that_follows_rewards_is_seen_to() {
        let found = history(&synthetic::follower(200, 1)).unwrap();
        let (stay, switch) = (found.win_stay.unwrap().value, found.lose_switch.unwrap().value);
        // It stays after a reward with probability 0.9 and leaves after none with 0.6.
        assert!(
            (stay - 0.9).abs() < 0.02 && (switch - 0.6).abs() < 0.02,
            "{stay} {switch}"
        );
        // Log odds of staying: ln 9 after reward, ln(2/3) after none.
        let (choice, reward) = (found.of_choice[0].value, found.of_reward[0].value);
        assert!((choice - (2.0_f64 / 3.0).ln()).abs() < 0.15, "{choice}");
        assert!(
            (reward - (9.0_f64.ln() - (2.0_f64 / 3.0).ln())).abs() < 0.2,
            "{reward}"
        );
        assert!(found.of_reward[2].interval.low < 0.0 && found.of_reward[2].interval.high > 0.0);
        let words = history(&synthetic::rdm(100, 1)).unwrap_err().to_string();
        assert!(words.contains("needs trials that follow one another"), "{words}");
    }
}
