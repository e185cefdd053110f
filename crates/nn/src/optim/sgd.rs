//! Gradient descent with momentum.
//!
//! ```text
//! v ← μ v − lr g,   θ ← θ + v            velocity (Sutskever et al., ICML 2013; Keras)
//! v ← μ v + g,      θ ← θ − lr v         gradients summed (PyTorch)
//! ```
//! The two differ when the rate changes. With Nesterov's look-ahead the step is μ v − lr g, or −lr (g + μ v), with the
//! new v.

use neuropil_math::real::Real;
use serde::{Deserialize, Serialize};

/// What the momentum carries on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Momentum {
    /// Steps: the rates of their own time in them.
    Velocity,
    /// Gradients: all of them move at the rate of now.
    Gradients,
}

/// Velocities of one parameter buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Sgd<R> {
    /// What the momentum carries on.
    pub momentum: Momentum,
    /// Nesterov's look-ahead.
    pub nesterov: bool,
    /// v.
    pub velocity: Vec<R>,
}

impl<R: Real> Sgd<R> {
    /// No velocity yet for `n` parameters.
    pub fn new(n: usize, momentum: Momentum, nesterov: bool) -> Self {
        Self {
            momentum,
            nesterov,
            velocity: vec![R::ZERO; n],
        }
    }

    /// Moves `params` by one step at the given rate and momentum μ.
    ///
    /// ```
    /// use neuropil_nn::optim::{Momentum, Sgd};
    /// let (mut sgd, mut theta) = (Sgd::new(1, Momentum::Velocity, false), [1.0_f64]);
    /// sgd.step(&mut theta, &[1.0], 0.1, 0.9);
    /// sgd.step(&mut theta, &[0.0], 0.1, 0.9);
    /// assert!((theta[0] - (1.0 - 0.1 - 0.09)).abs() < 1e-15);
    /// ```
    pub fn step(&mut self, params: &mut [R], gradient: &[R], rate: f64, momentum: f64) {
        assert!(
            params.len() == gradient.len() && params.len() == self.velocity.len(),
            "one gradient per parameter"
        );
        let (rate, mu, ahead) = (R::of(rate), R::of(momentum), self.nesterov);
        for ((theta, &g), v) in params.iter_mut().zip(gradient).zip(&mut self.velocity) {
            match self.momentum {
                Momentum::Velocity => {
                    *v = mu * *v - rate * g;
                    *theta += if ahead { mu * *v - rate * g } else { *v };
                }
                Momentum::Gradients => {
                    *v = mu * *v + g;
                    *theta -= rate * if ahead { g + mu * *v } else { *v };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_one_rate_both_forms_take_the_same_steps_and_the_look_ahead_differs() {
        let run = |momentum, nesterov, rates: [f64; 4]| {
            let (mut sgd, mut theta) = (Sgd::new(1, momentum, nesterov), [1.0_f64]);
            for rate in rates {
                let gradient = [2.0 * theta[0]];
                sgd.step(&mut theta, &gradient, rate, 0.9);
            }
            theta[0]
        };
        let (same, changing) = ([0.05; 4], [0.05, 0.1, 0.02, 0.05]);
        for nesterov in [false, true] {
            let of = |rates| [Momentum::Velocity, Momentum::Gradients].map(|m| run(m, nesterov, rates));
            let ([a, b], [c, d]) = (of(same), of(changing));
            assert!((a - b).abs() < 1e-14, "{a} and {b}");
            assert!((c - d).abs() > 1e-3, "{c} and {d}");
        }
        assert!((run(Momentum::Velocity, false, same) - run(Momentum::Velocity, true, same)).abs() > 1e-3);
    }
}
