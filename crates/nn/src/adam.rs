//! Adam (Kingma & Ba, ICLR 2015) with global-norm clipping, as Song, Yang & Wang (2017) use it.
//!
//! ```text
//! g ← g · min(1, max_norm/‖g‖)         g ← 0 if ‖g‖ is not finite or exceeds 1e10
//! m ← β₁ m + (1 − β₁) g                s ← β₂ s + (1 − β₂) g²
//! θ ← θ − lr · √(1 − β₂ᵏ)/(1 − β₁ᵏ) · m/(√s + ε)
//! ```
//! ε is added to the uncorrected √s.

use neuropil_math::real::Real;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// A gradient longer than this is as useless as one that is not finite.
const LARGEST_NORM: f64 = 1e10;

/// Moments and step count of one parameter buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam<R> {
    /// First moments m.
    pub first: Vec<R>,
    /// Second moments s.
    pub second: Vec<R>,
    /// Steps taken.
    pub steps: u64,
}

/// What became of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Length of the gradient before clipping.
    pub norm: f64,
    /// The gradient was not finite or far too long, and counted as 0.
    pub discarded: bool,
}

impl<R: Real> Adam<R> {
    /// Zero moments for `n` parameters.
    pub fn new(n: usize) -> Self {
        Self {
            first: vec![R::ZERO; n],
            second: vec![R::ZERO; n],
            steps: 0,
        }
    }

    /// Moves `params` by one step; the gradient is clipped to length `max_norm`.
    ///
    /// A discarded gradient still lets the moments decay and the parameters move along the old momentum.
    pub fn step(&mut self, params: &mut [R], gradient: &[R], learning_rate: f64, max_norm: f64) -> Step {
        assert!(
            params.len() == gradient.len() && params.len() == self.first.len(),
            "one gradient per parameter"
        );
        let norm = gradient.iter().map(|g| g.f64() * g.f64()).sum::<f64>().sqrt();
        let discarded = !(norm <= LARGEST_NORM);
        let scale = R::of(if norm > max_norm { max_norm / norm } else { 1.0 });
        self.steps += 1;
        let k = self.steps as i32;
        let rate = R::of(learning_rate * (1.0 - BETA2.powi(k)).sqrt() / (1.0 - BETA1.powi(k)));
        let (b1, b2, eps) = (R::of(BETA1), R::of(BETA2), R::of(EPSILON));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((theta, &g), (m, s)) in params.iter_mut().zip(gradient).zip(moments) {
            // NaN · 0 is NaN: a discarded gradient is replaced, not scaled.
            let g = if discarded { R::ZERO } else { g * scale };
            *m = b1 * *m + (R::ONE - b1) * g;
            *s = b2 * *s + (R::ONE - b2) * g * g;
            *theta -= rate * *m / (s.sqrt() + eps);
        }
        Step { norm, discarded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_step_has_the_length_of_the_learning_rate_whatever_the_gradient() {
        for scale in [1e-3, 1.0, 1e3] {
            let mut theta = [0.0_f64, 0.0];
            Adam::new(2).step(&mut theta, &[scale, -scale], 0.01, 1.0);
            assert!(
                (theta[0] + 0.01).abs() < 1e-5 && (theta[1] - 0.01).abs() < 1e-5,
                "{theta:?}"
            );
        }
    }

    #[test]
    fn a_gradient_that_is_not_finite_is_discarded() {
        let mut adam = Adam::new(2);
        let mut theta = [0.0_f64, 0.0];
        adam.step(&mut theta, &[0.5, 0.5], 0.01, 1.0);
        for bad in [f64::NAN, f64::INFINITY, 1e12] {
            let step = adam.step(&mut theta, &[bad, 0.0], 0.01, 1.0);
            assert!(step.discarded && theta.iter().all(|t| t.is_finite()));
        }
        assert_eq!(adam.steps, 4);
    }
}
