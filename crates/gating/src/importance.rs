//! How much each weight matters for the tasks learnt so far.
//!
//! | name | what is added to Ω at the end of a task |
//! |---|---|
//! | synaptic intelligence (Zenke et al. 2017) | max(0, ω)/(ξ + (θ − θ̃)²), ω the path of the task's loss |
//! | the same by reward (Masse et al. 2018) | \|ω\|/(ξ + D), ω and D from the change of reward beside each update |
//! | elastic weight consolidation (Kirkpatrick et al. 2017) | the diagonal Fisher information, mean of squares of single examples' gradients |
//! | memory-aware synapses (Aljundi et al. 2018) | mean over examples of \|∂‖y‖²/∂θ\| |

use crate::network::{Factors, Network, Pass, Power};
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::loss::{argmax, softmax};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// max(0, ω)/(ξ + (θ − θ̃)²) for every parameter.
///
/// ```
/// use neuropil_gating::importance::synaptic_intelligence;
/// assert_eq!(synaptic_intelligence(&[0.5, -1.0], &[1.5, 0.0], &[1.0, 0.0], 0.25), [1.0, 0.0]);
/// ```
pub fn synaptic_intelligence<R: Real>(path: &[R], theta: &[R], anchor: &[R], xi: f64) -> Vec<R> {
    let xi = R::of(xi);
    let moved = theta.iter().zip(anchor).map(|(&theta, &anchor)| theta - anchor);
    path.iter()
        .zip(moved)
        .map(|(&path, moved)| path.larger(R::ZERO) / (xi + moved * moved))
        .collect()
}

/// Which update a change of reward is put beside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pairing {
    /// R_t − R_{t−1} beside the update Δ_t, which was made after R_t was earned: the paper's program.
    Reference,
    /// Beside Δ_{t−1}, which may have caused it.
    #[default]
    Causal,
}

/// Synaptic intelligence by reward: paths from updates and what was earned.
#[derive(Clone, Debug, PartialEq)]
pub struct RewardPath<R> {
    /// Σ Δ (R_t − R_{t−1}).
    pub path: Vec<R>,
    /// Σ |Δ (R_t − R_{t−1})|.
    pub walked: Vec<R>,
    pairing: Pairing,
    before: Option<f64>,
    update: Vec<R>,
}

impl<R: Real> RewardPath<R> {
    /// Empty paths of `n` parameters, at the beginning of a task.
    pub fn new(n: usize, pairing: Pairing) -> Self {
        Self {
            path: vec![R::ZERO; n],
            walked: vec![R::ZERO; n],
            pairing,
            before: None,
            update: vec![R::ZERO; n],
        }
    }

    /// The paths as they were kept by a checkpoint.
    pub fn resumed(
        path: Vec<R>,
        walked: Vec<R>,
        update: Vec<R>,
        before: Option<f64>,
        pairing: Pairing,
    ) -> Self {
        Self {
            path,
            walked,
            pairing,
            before,
            update,
        }
    }

    /// The last reward and update, for a checkpoint.
    pub fn last(&self) -> (Option<f64>, &[R]) {
        (self.before, &self.update)
    }

    /// Takes the mean reward of a batch and the update that was made after it. The first batch of a task has none before it.
    pub fn add(&mut self, reward: f64, update: &[R]) {
        if let Some(before) = self.before {
            let change = R::of(reward - before);
            let beside = match self.pairing {
                Pairing::Reference => update,
                Pairing::Causal => &self.update[..],
            };
            for ((path, walked), &update) in self.path.iter_mut().zip(&mut self.walked).zip(beside) {
                let step = update * change;
                *path += step;
                *walked += step.abs();
            }
        }
        self.before = Some(reward);
        self.update.copy_from_slice(update);
    }

    /// |ω|/(ξ + D): at most 1 for each parameter.
    pub fn importance(&self, xi: f64) -> Vec<R> {
        let pairs = self.path.iter().zip(&self.walked);
        pairs
            .map(|(&path, &walked)| path.abs() / (R::of(xi) + walked))
            .collect()
    }
}

/// Whose labels the Fisher information is estimated with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// Drawn from the network's own probabilities: the Fisher information, with the noise of the draw.
    #[default]
    Sampled,
    /// Every label, weighted by its probability: the Fisher information of these inputs, exactly.
    All,
    /// The data's: the "empirical" Fisher information.
    True,
    /// The most probable one.
    Predicted,
}

/// Inputs from which an estimate is made: \[example\]\[input\], and the labels of the data.
#[derive(Clone, Copy, Debug)]
pub struct Examples<'a, R> {
    /// Inputs.
    pub x: &'a [R],
    /// Labels of the data; used by [`Labels::True`] alone.
    pub labels: &'a [usize],
    /// Gates and dropout per hidden layer.
    pub factors: &'a [Factors<'a, R>],
    /// The rule told.
    pub rule: Option<usize>,
    /// Outputs of the task.
    pub head: &'a Range<usize>,
}

/// Adds Σ over examples of (∂ log(p + `floor`)/∂θ)² to `sums`; divide by the number of examples for the mean.
///
/// The square of every single example's gradient, so that the batch size changes nothing. `key` is for
/// [`Labels::Sampled`].
pub fn fisher<R: Real>(
    network: &Network,
    theta: &[R],
    examples: &Examples<R>,
    labels: Labels,
    floor: f64,
    key: Key,
    sums: &mut [R],
) {
    let mut pass = Pass::default();
    network.forward(theta, examples.x, examples.factors, examples.rule, &mut pass);
    let classes = *network.widths().last().unwrap_or(&1);
    let head = examples.head;
    let probabilities: Vec<Vec<f64>> = pass
        .logits()
        .chunks_exact(classes)
        .map(|z| softmax(z, head.clone()))
        .collect();
    let mut add = |of: &dyn Fn(usize) -> (usize, f64)| {
        let mut d = vec![R::ZERO; pass.logits().len()];
        for (example, (d, p)) in d.chunks_exact_mut(classes).zip(&probabilities).enumerate() {
            let (label, weight) = of(example);
            // ∂ log(p + floor)/∂z = p/(p + floor) (1[label] − p)
            let scale = weight.sqrt() * p[label - head.start] / (p[label - head.start] + floor);
            for class in head.clone() {
                let hit = f64::from(u8::from(class == label));
                d[class] = R::of(scale * (hit - p[class - head.start]));
            }
        }
        network.backward(theta, &pass, &d, examples.rule, Power::Square, sums);
    };
    match labels {
        Labels::All => head
            .clone()
            .for_each(|label| add(&|example| (label, probabilities[example][label - head.start]))),
        Labels::True => add(&|example| (examples.labels[example], 1.0)),
        Labels::Predicted => add(&|example| {
            (
                argmax(&pass.logits()[example * classes..][..classes], head.clone()),
                1.0,
            )
        }),
        Labels::Sampled => {
            let draw = |example: usize| {
                let mut left: f64 = key.stream(Purpose::Action, example as u64).random();
                let chosen = probabilities[example].iter().position(|p| {
                    left -= p;
                    left < 0.0
                });
                (head.start + chosen.unwrap_or(head.len() - 1), 1.0)
            };
            add(&draw);
        }
    }
}

/// Adds Σ over examples of |∂‖y‖²/∂θ| to `sums`, y the outputs of the task.
pub fn memory_aware<R: Real>(network: &Network, theta: &[R], examples: &Examples<R>, sums: &mut [R]) {
    let mut pass = Pass::default();
    network.forward(theta, examples.x, examples.factors, examples.rule, &mut pass);
    let classes = *network.widths().last().unwrap_or(&1);
    let mut d: Vec<R> = pass.logits().iter().map(|&y| y + y).collect();
    for row in d.chunks_exact_mut(classes) {
        row[..examples.head.start].fill(R::ZERO);
        row[examples.head.end..].fill(R::ZERO);
    }
    network.backward(theta, &pass, &d, examples.rule, Power::Absolute, sums);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_quadratic_loss_the_path_is_what_the_loss_fell_by() {
        // L = ½ a (θ − t)²; along a path of small steps Σ −Δ·∂L/∂θ tends to the fall of L.
        let (a, target, mut theta, mut path) = (3.0, 1.0, 0.0_f64, 0.0);
        let loss = |theta: f64| 0.5 * a * (theta - target).powi(2);
        for _ in 0..20_000 {
            let g = a * (theta - target);
            let delta = -1e-4 * g;
            path -= delta * g;
            theta += delta;
        }
        assert!((path - (loss(0.0) - loss(theta))).abs() < 1e-3);
        let omega = synaptic_intelligence(&[path], &[theta], &[0.0], 0.0)[0];
        assert!((omega - path / (theta * theta)).abs() < 1e-12);
    }

    #[test]
    fn memory_aware_synapses_agree_with_differences_of_single_outputs() {
        let network = Network::new(&[2, 3, 2], 0);
        let theta: Vec<f64> = network.initial(Key::new(2));
        let x = [0.3, -0.4, 1.0, 0.2];
        let (factors, head) = (Vec::new(), 0..2);
        let examples = |x| Examples {
            x,
            labels: &[],
            factors: &factors,
            rule: None,
            head: &head,
        };
        let mut sums = vec![0.0; theta.len()];
        memory_aware(&network, &theta, &examples(&x[..]), &mut sums);
        let length = |theta: &[f64], x: &[f64]| {
            let mut pass = Pass::default();
            network.forward(theta, x, &[], None, &mut pass);
            pass.logits().iter().map(|y| y * y).sum::<f64>()
        };
        for i in 0..theta.len() {
            let slope = |x: &[f64]| {
                let (mut up, mut down) = (theta.clone(), theta.clone());
                up[i] += 1e-6;
                down[i] -= 1e-6;
                (length(&up, x) - length(&down, x)) / 2e-6
            };
            let expected = slope(&x[..2]).abs() + slope(&x[2..]).abs();
            assert!((sums[i] - expected).abs() < 1e-7, "{i}: {} {expected}", sums[i]);
        }
    }
}
