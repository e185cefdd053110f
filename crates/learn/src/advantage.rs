//! How much better an action turned out than was expected: what weighs it in the policy's objective.
//!
//! By default G_t − v_t (Song, Yang & Wang 2017). With λ < 1 the generalised advantage estimate (Schulman et al.,
//! ICLR 2016), in undiscounted form because rewards are already discounted from the start of the trial:
//!
//! ```text
//! δ_t = R_t + v_{t+1} − v_t,   v = 0 after the end        A_t = Σ_k λᵏ δ_{t+k}
//! ```
//!
//! λ = 1 gives G_t − v_t. Standardised advantages have mean 0 and standard deviation 1 over all executed steps of the
//! batch. The entropy bonus adds β H(π_t) to the objective of every executed step at which a choice is possible; in a
//! long fixation, where all actions but one end the trial, it would teach to abort:
//!
//! ```text
//! H = −Σ_a π_a ln π_a,   ∂H/∂z_a = −π_a (ln π_a + H)
//! ```

use crate::block::{PolicyBlock, ValueBlock};
use crate::rules::{FirstReturn, Rules};
use neuropil_math::real::Real;

/// Keeps a batch of equal advantages from being divided by 0.
const SMALLEST_SD: f64 = 1e-8;

/// Advantage of every executed step, by policy block, \[step\]\[L\].
pub(crate) fn advantages<R: Real, const L: usize>(
    policy: &[PolicyBlock<R, L>],
    value: &[ValueBlock<R, L>],
    rules: &Rules,
) -> Vec<Vec<[f64; L]>> {
    let mut predicted: Vec<Vec<[f64; L]>> = policy
        .iter()
        .map(|block| vec![[0.0; L]; block.rollout.n_steps()])
        .collect();
    for block in value {
        for seat in &block.seats {
            for t in 0..seat.n_steps {
                let found = block.values[(seat.start + t) * L + seat.lane];
                predicted[seat.block][t][seat.column] = found.f64();
            }
        }
    }
    let mut advantages: Vec<_> = policy
        .iter()
        .zip(&predicted)
        .map(|(block, predicted)| of_block(block, predicted, rules))
        .collect();
    if rules.standardise_advantage {
        standardise(policy, &mut advantages);
    }
    advantages
}

fn of_block<R: Real, const L: usize>(
    block: &PolicyBlock<R, L>,
    predicted: &[[f64; L]],
    rules: &Rules,
) -> Vec<[f64; L]> {
    let rollout = &block.rollout;
    let mut advantages = vec![[0.0; L]; predicted.len()];
    for lane in 0..block.trials.len() {
        let mut estimate = 0.0;
        for t in (0..rollout.lengths[lane]).rev() {
            let now = predicted[t][lane];
            let next = if t + 1 < rollout.lengths[lane] {
                predicted[t + 1][lane]
            } else {
                0.0
            };
            estimate = rollout.rewards[t][lane] + next - now + rules.gae_lambda * estimate;
            advantages[t][lane] = if t == 0 && rules.first_return == FirstReturn::Immediate {
                rollout.rewards[0][lane] - now
            } else if rules.gae_lambda < 1.0 {
                estimate
            } else {
                block.returns[t][lane] - now // the same without rounding on the way
            };
        }
    }
    advantages
}

fn standardise<R: Real, const L: usize>(policy: &[PolicyBlock<R, L>], advantages: &mut [Vec<[f64; L]>]) {
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (block, advantages) in policy.iter().zip(&*advantages) {
        for (t, row) in advantages.iter().enumerate() {
            for (a, &length) in row.iter().zip(&block.rollout.lengths) {
                if t < length {
                    n += 1.0;
                    sum += a;
                    squares += a * a;
                }
            }
        }
    }
    let mean = sum / f64::max(n, 1.0);
    let sd = (squares / f64::max(n, 1.0) - mean * mean)
        .max(0.0)
        .sqrt()
        .max(SMALLEST_SD);
    for row in advantages.iter_mut().flatten() {
        for a in row {
            *a = (*a - mean) / sd;
        }
    }
}

/// Adds the gradient of −`weight`·H to the logits' gradient of one lane; returns `weight`·H.
///
/// `probabilities` and `d_logits` are \[action\]\[L\].
pub(crate) fn add_entropy_gradient<R: Real, const L: usize>(
    weight: f64,
    probabilities: &[R],
    lane: usize,
    d_logits: &mut [R],
) -> f64 {
    let of = |a: usize| probabilities[a * L + lane].f64();
    let n_actions = probabilities.len() / L;
    // p ln p goes to 0 with p.
    let ln = |p: f64| if p > 0.0 { p.ln() } else { 0.0 };
    let entropy = -(0..n_actions).map(|a| of(a) * ln(of(a))).sum::<f64>();
    for a in 0..n_actions {
        d_logits[a * L + lane] += R::of(weight * of(a) * (ln(of(a)) + entropy));
    }
    weight * entropy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entropy_gradient_agrees_with_differences() {
        let softmax = |z: &[f64; 3]| {
            let total: f64 = z.iter().map(|z| z.exp()).sum();
            z.map(|z| z.exp() / total)
        };
        let logits = [0.3, -1.2, 0.9];
        let entropy = |z: &[f64; 3]| softmax(z).iter().map(|p| -p * p.ln()).sum::<f64>();
        let mut gradient = [0.0; 3];
        let bonus = add_entropy_gradient::<f64, 1>(0.7, &softmax(&logits), 0, &mut gradient);
        assert!((bonus - 0.7 * entropy(&logits)).abs() < 1e-12);
        for a in 0..3 {
            let (mut up, mut down) = (logits, logits);
            up[a] += 1e-6;
            down[a] -= 1e-6;
            let difference = -0.7 * (entropy(&up) - entropy(&down)) / 2e-6;
            assert!((gradient[a] - difference).abs() < 1e-8, "{gradient:?}");
        }
    }
}
