//! Adam (Kingma & Ba, ICLR 2015), in the three forms that published programs use.
//!
//! ```text
//! m ← β₁ m + (1 − β₁) g                s ← β₂ s + (1 − β₂) g²
//! θ ← θ − lr · √(1 − β₂ᵏ)/(1 − β₁ᵏ) · m/(√s + ε)            correction of the rate
//! θ ← θ − lr/(1 − β₁ᵏ) · m/(√(s/(1 − β₂ᵏ)) + ε)             correction of the moments
//! θ ← θ − lr · √(1 − β₂)/(1 − β₁) · m/(√s + ε)              frozen at the first step
//! ```

use neuropil_math::real::Real;
use serde::{Deserialize, Serialize};

/// How moments that began at 0 are made up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Correction {
    /// Of the rate; ε stands beside the uncorrected √s (end of section 2 of the paper; TensorFlow, Theano programs).
    Rate,
    /// Of both moments; ε stands beside the corrected √s (algorithm 1 of the paper; PyTorch).
    Moments,
    /// Of the rate, for ever by what the first step has: the rate tends to lr·√(1 − β₂)/(1 − β₁).
    Frozen,
}

/// Constants of the rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamRule {
    /// Decay β₁ of the first moments.
    pub beta1: f64,
    /// Decay β₂ of the second moments.
    pub beta2: f64,
    /// ε.
    pub epsilon: f64,
    /// Correction of the moments.
    pub correction: Correction,
}

impl Default for AdamRule {
    /// β₁ = 0.9, β₂ = 0.999, ε = 1e-8, as the paper recommends; correction of the rate.
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            correction: Correction::Rate,
        }
    }
}

/// Moments and step count of one parameter buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam<R> {
    /// Constants of the rule.
    pub rule: AdamRule,
    /// First moments m.
    pub first: Vec<R>,
    /// Second moments s.
    pub second: Vec<R>,
    /// Steps taken.
    pub steps: u64,
}

impl<R: Real> Adam<R> {
    /// Zero moments for `n` parameters.
    pub fn new(n: usize, rule: AdamRule) -> Self {
        Self {
            rule,
            first: vec![R::ZERO; n],
            second: vec![R::ZERO; n],
            steps: 0,
        }
    }

    /// Forgets all steps.
    pub fn reset(&mut self) {
        self.first.fill(R::ZERO);
        self.second.fill(R::ZERO);
        self.steps = 0;
    }

    /// Moves `params` by one step.
    ///
    /// ```
    /// use neuropil_nn::optim::{Adam, AdamRule};
    /// let mut theta = [0.0_f64];
    /// Adam::new(1, AdamRule::default()).step(&mut theta, &[1e-3], 0.01);
    /// assert!((theta[0] + 0.01).abs() < 1e-5, "the first step has the length of the rate");
    /// ```
    pub fn step(&mut self, params: &mut [R], gradient: &[R], rate: f64) {
        assert_eq!(params.len(), gradient.len(), "one gradient per parameter");
        let (rate, root, eps) = self.begin_step(rate);
        let (b1, b2) = (R::of(self.rule.beta1), R::of(self.rule.beta2));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((theta, &g), (m, s)) in params.iter_mut().zip(gradient).zip(moments) {
            *theta -= move_moments(m, s, g, b1, b2, rate, root, eps);
        }
    }

    /// What the step adds to each parameter takes the place of its gradient; whoever calls clips and applies it.
    pub fn change(&mut self, gradient: &mut [R], rate: f64) {
        let (rate, root, eps) = self.begin_step(rate);
        let (b1, b2) = (R::of(self.rule.beta1), R::of(self.rule.beta2));
        assert_eq!(self.first.len(), gradient.len(), "one gradient per parameter");
        let moments = self.first.iter_mut().zip(&mut self.second);
        for (g, (m, s)) in gradient.iter_mut().zip(moments) {
            *g = -move_moments(m, s, *g, b1, b2, rate, root, eps);
        }
    }

    /// Counts the step; returns the corrected rate, the factor of √s, and ε.
    fn begin_step(&mut self, rate: f64) -> (R, R, R) {
        let AdamRule {
            beta1,
            beta2,
            epsilon,
            correction,
        } = self.rule;
        self.steps += 1;
        let k = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let left = |beta: f64, k: i32| 1.0 - beta.powi(k);
        let (rate, root) = match correction {
            Correction::Rate => (rate * left(beta2, k).sqrt() / left(beta1, k), 1.0),
            Correction::Moments => (rate / left(beta1, k), left(beta2, k).sqrt().recip()),
            Correction::Frozen => (rate * left(beta2, 1).sqrt() / left(beta1, 1), 1.0),
        };
        (R::of(rate), R::of(root), R::of(epsilon))
    }
}

/// Takes one gradient into its moments; returns what the parameter goes down by.
#[inline(always)]
fn move_moments<R: Real>(m: &mut R, s: &mut R, g: R, b1: R, b2: R, rate: R, root: R, eps: R) -> R {
    *m = b1 * *m + (R::ONE - b1) * g;
    *s = b2 * *s + (R::ONE - b2) * g * g;
    rate * *m / (s.sqrt() * root + eps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::clip;

    const ALL: [Correction; 3] = [Correction::Rate, Correction::Moments, Correction::Frozen];

    fn adam(correction: Correction, n: usize) -> Adam<f64> {
        let rule = AdamRule {
            correction,
            ..AdamRule::default()
        };
        Adam::new(n, rule)
    }

    #[test]
    fn first_step_has_the_length_of_the_rate_whatever_the_gradient() {
        for (scale, correction) in [1e-3, 1.0, 1e3].into_iter().flat_map(|s| ALL.map(|c| (s, c))) {
            let mut theta = [0.0, 0.0];
            adam(correction, 2).step(&mut theta, &[scale, -scale], 0.01);
            assert!(
                (theta[0] + 0.01).abs() < 1e-5 && (theta[1] - 0.01).abs() < 1e-5,
                "{theta:?}"
            );
        }
    }

    #[test]
    fn steps_are_those_of_the_paper_written_out() {
        let gradients = [0.3, -0.2, 0.7, 0.1];
        for correction in ALL {
            let (mut adam, mut theta) = (adam(correction, 1), [1.0]);
            let (mut m, mut s, mut expected) = (0.0, 0.0, 1.0_f64);
            for (i, g) in gradients.into_iter().enumerate() {
                adam.step(&mut theta, &[g], 0.1);
                (m, s) = (0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g);
                let left = |beta: f64| 1.0 - beta.powi(i as i32 + 1);
                expected -= match correction {
                    Correction::Rate => 0.1 * left(0.999).sqrt() / left(0.9) * m / (f64::sqrt(s) + 1e-8),
                    Correction::Moments => 0.1 * (m / left(0.9)) / ((s / left(0.999)).sqrt() + 1e-8),
                    Correction::Frozen => 0.1 * 0.001_f64.sqrt() / 0.1 * m / (s.sqrt() + 1e-8),
                };
                assert!((theta[0] - expected).abs() < 1e-14, "{correction:?}, step {i}");
            }
        }
    }

    #[test]
    fn a_change_is_what_a_step_adds() {
        let (mut a, mut b) = (adam(Correction::Rate, 2), adam(Correction::Rate, 2));
        let mut theta = [0.0, 0.0];
        for g in [[1.0, -2.0], [0.5, 0.1]] {
            let (before, mut change) = (theta, g);
            a.step(&mut theta, &g, 0.01);
            b.change(&mut change, 0.01);
            assert_eq!([before[0] + change[0], before[1] + change[1]], theta);
        }
    }

    #[test]
    fn a_discarded_gradient_lets_moments_decay() {
        let mut adam = adam(Correction::Rate, 2);
        let mut theta = [0.0, 0.0];
        adam.step(&mut theta, &[0.5, 0.5], 0.01);
        for bad in [f64::NAN, f64::INFINITY, 1e12] {
            let mut gradient = [bad, 0.0];
            assert!(clip::to_norm(&mut gradient, 1.0).discarded);
            adam.step(&mut theta, &gradient, 0.01);
            assert!(theta.iter().all(|t| t.is_finite()));
        }
        assert_eq!(adam.steps, 4);
    }
}
