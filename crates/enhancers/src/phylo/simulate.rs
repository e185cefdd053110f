//! Traits that evolve along a tree.

use rand::{Rng, RngExt};

use super::covariance::{Covariance, Transformed};
use crate::tree::{NONE, Tree};

/// One standard normal number.
pub(crate) fn normal(random: &mut (impl Rng + ?Sized)) -> f64 {
    // Box–Muller; 1 − u is never 0.
    let (a, b): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - a).ln()).sqrt() * (2.0 * std::f64::consts::PI * b).cos()
}

/// A continuous trait to be simulated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trait {
    /// How it evolves.
    pub covariance: Covariance,
    /// λ, κ, δ, rate or α; unused by Brownian motion.
    pub parameter: f64,
    /// Rate of evolution σ².
    pub sigma2: f64,
    /// Value at the root.
    pub root: f64,
    /// Optimum of an Ornstein–Uhlenbeck process.
    pub optimum: f64,
    /// Mean change per unit of branch length, of [`Covariance::Trend`].
    pub trend: f64,
}

impl Trait {
    /// Brownian motion from 0 with rate `sigma2`.
    pub fn brownian(sigma2: f64) -> Self {
        Self {
            covariance: Covariance::Brownian,
            parameter: 0.0,
            sigma2,
            root: 0.0,
            optimum: 0.0,
            trend: 0.0,
        }
    }

    /// Values at the tips, in the tree's order.
    pub fn simulate(&self, tree: &Tree, random: &mut (impl Rng + ?Sized)) -> Vec<f64> {
        let mut transformed = Transformed::default();
        if !self.covariance.is_ou() {
            transformed.set(self.covariance, tree, self.parameter, 0.0);
        }
        let mut values = vec![self.root; tree.n_nodes()];
        for v in (0..tree.n_nodes()).rev() {
            let parent = tree.parents()[v];
            if parent == NONE {
                continue;
            }
            let above = values[parent];
            let length = tree.lengths()[v];
            let (mean, variance) = if self.covariance.is_ou() {
                let decay = (-self.parameter * length).exp();
                let variance =
                    self.sigma2 / (2.0 * self.parameter) * -(-2.0 * self.parameter * length).exp_m1();
                (self.optimum + (above - self.optimum) * decay, variance)
            } else {
                let drift = if self.covariance == Covariance::Trend {
                    self.trend * length
                } else {
                    0.0
                };
                (above + drift, self.sigma2 * transformed.lengths[v])
            };
            values[v] = mean + variance.sqrt() * normal(random);
        }
        tree.tips().iter().map(|&node| values[node]).collect()
    }
}

/// A binary trait with expectation μ at every tip: the chain of the logistic model, stationary at the root.
pub fn binary(tree: &Tree, mu: &[f64], alpha: f64, random: &mut (impl Rng + ?Sized)) -> Vec<bool> {
    let p = mu.iter().sum::<f64>() / mu.len() as f64;
    let mut states = vec![false; tree.n_nodes()];
    for v in (0..tree.n_nodes()).rev() {
        let parent = tree.parents()[v];
        let one = if parent == NONE {
            p
        } else {
            let decay = (-alpha * tree.lengths()[v]).exp();
            p * (1.0 - decay) + if states[parent] { decay } else { 0.0 }
        };
        states[v] = random.random::<f64>() < one;
    }
    tree.tips()
        .iter()
        .zip(mu)
        .map(|(&node, &mu)| {
            let chance: f64 = random.random();
            match states[node] {
                true if mu < p => chance < mu / p,
                false if mu >= p => chance < 1.0 - (1.0 - mu) / (1.0 - p),
                state => state,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use neuropil_math::rng::{Key, Purpose};

    use super::*;

    const TREE: &str = "((a:1,b:1):1,c:2);";

    fn moments(draw: impl Fn(&mut dyn Rng) -> Vec<f64>) -> (Vec<f64>, Vec<f64>) {
        let mut random = Key::new(3).stream(Purpose::Test, 0);
        let draws: Vec<Vec<f64>> = (0..20_000).map(|_| draw(&mut random)).collect();
        let n = draws.len() as f64;
        let mean: Vec<f64> = (0..3)
            .map(|i| draws.iter().map(|d| d[i]).sum::<f64>() / n)
            .collect();
        let cov = |i: usize, j: usize| {
            draws
                .iter()
                .map(|d| (d[i] - mean[i]) * (d[j] - mean[j]))
                .sum::<f64>()
                / n
        };
        (mean.clone(), vec![cov(0, 0), cov(0, 1), cov(0, 2), cov(2, 2)])
    }

    #[test]
    fn brownian_motion_has_the_covariance_of_the_tree() {
        let tree = Tree::parse(TREE).expect("a tree");
        let (mean, cov) = moments(|random| Trait::brownian(0.5).simulate(&tree, random));
        for (found, expected) in mean.iter().chain(&cov).zip([0.0, 0.0, 0.0, 1.0, 0.5, 0.0, 1.0]) {
            assert!((found - expected).abs() < 0.05, "{mean:?} {cov:?}");
        }
    }

    #[test]
    fn an_ornstein_uhlenbeck_process_forgets_its_root() {
        let tree = Tree::parse(TREE).expect("a tree");
        let ou = Trait {
            covariance: Covariance::OuFixedRoot,
            parameter: 1.0,
            sigma2: 2.0,
            root: 3.0,
            optimum: 1.0,
            trend: 0.0,
        };
        let (mean, cov) = moments(|random| ou.simulate(&tree, random));
        let expected_mean = 1.0 + 2.0 * (-2.0_f64).exp();
        let v = 1.0 - (-4.0_f64).exp();
        let shared = (-2.0_f64).exp() * (1.0 - (-2.0_f64).exp());
        assert!(
            (mean[0] - expected_mean).abs() < 0.04 && (mean[2] - expected_mean).abs() < 0.04,
            "{mean:?}"
        );
        for (found, expected) in cov.iter().zip([v, shared, 0.0, v]) {
            assert!((found - expected).abs() < 0.05, "{cov:?}");
        }
    }

    #[test]
    fn a_binary_trait_has_the_expectation_asked_for() {
        let tree = Tree::parse(TREE).expect("a tree");
        let mu = [0.2, 0.5, 0.8];
        let (mean, _) = moments(|random| {
            binary(&tree, &mu, 0.7, random)
                .into_iter()
                .map(|one| f64::from(u8::from(one)))
                .collect()
        });
        for (found, expected) in mean.iter().zip(mu) {
            assert!((found - expected).abs() < 0.015, "{mean:?}");
        }
    }
}
