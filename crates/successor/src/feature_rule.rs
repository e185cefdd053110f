//! Learning from features that overlap.
//!
//! The decorrelative rule ΔJ = η [φ(t)φ(t−1)ᵀ − J φ(t−1)φ(t−1)ᵀ], J ≥ 0 (Fang et al. 2023, eq. 6), goes down the
//! gradient of L = ½⟨‖φ(t) − Jφ(t−1)‖²⟩: −∂L/∂J = ⟨(φ(t) − Jφ(t−1)) φ(t−1)ᵀ⟩. Its fixed point is the regression
//! J* = R₁R₀⁻¹ with R₁ = ⟨φ(t)φ(t−1)ᵀ⟩ and R₀ = ⟨φ(t−1)φ(t−1)ᵀ⟩, reached for η < 2/λ_max(R₀).
//!
//! The independent rule ΔJ_ij = η [φ_i(t)φ_j(t−1) − J_ij φ_j(t−1)²] (Ostojic & Fusi, PLoS Comput. Biol. 9, e1003059,
//! 2013) is the same for one-hot features and takes off too little where they overlap.

use crate::error::SuccessorError;
use crate::matrix::Matrix;
use crate::rank_one::{Coefficients, NEGLIGIBLE, add_rows};
use neuropil_math::linalg::least_squares;
use serde::{Deserialize, Serialize};

/// What is taken off a synapse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureRule {
    /// J φ(t−1)φ(t−1)ᵀ: what the other inputs explain already.
    #[default]
    Decorrelative,
    /// J_ij φ_j(t−1)²: each synapse for itself.
    Independent,
}

/// Mean sizes of the two parts of an update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Mean over synapses of φ_i(t)φ_j(t−1).
    pub hebbian: f64,
    /// Mean over synapses of what is taken off.
    pub normalization: f64,
}

/// A network that learns from features.
#[derive(Clone, Debug)]
pub struct FeatureLearner {
    rule: FeatureRule,
    rate: f64,
    /// T̂ = Jᵀ.
    transitions: Matrix,
    before: Option<Vec<f64>>,
    c: Coefficients,
    recurrent: Vec<f64>,
}

impl FeatureLearner {
    /// A network of `n` neurons without synapses.
    ///
    /// # Errors
    /// No neurons, or a rate that is not a positive number.
    pub fn new(n: usize, rule: FeatureRule, rate: f64) -> Result<Self, SuccessorError> {
        if n == 0 {
            return Err(SuccessorError::setting("the number of features", n, "at least 1"));
        }
        if !(rate >= 0.0 && rate.is_finite()) {
            return Err(SuccessorError::setting("the learning rate η", rate, "at least 0"));
        }
        Ok(Self {
            rule,
            rate,
            transitions: Matrix::zeros(n, n),
            before: None,
            c: Coefficients::default(),
            recurrent: vec![0.0; n],
        })
    }

    /// T̂ = Jᵀ.
    pub fn transitions(&self) -> &Matrix {
        &self.transitions
    }

    /// Learning rate η.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Forgets what came last.
    pub fn pause(&mut self) {
        self.before = None;
    }

    /// Learns from the next features.
    ///
    /// # Errors
    /// Weights that ran away: the rate is too high for these features.
    ///
    /// # Panics
    /// When their number is another.
    pub fn step(&mut self, features: &[f64]) -> Result<(), SuccessorError> {
        let n = self.transitions.rows();
        assert_eq!(features.len(), n, "number of features");
        if let Some(before) = &self.before {
            self.c.set(before.iter().copied(), NEGLIGIBLE);
            self.recurrent.fill(0.0);
            if self.rule == FeatureRule::Decorrelative {
                add_rows(self.transitions.values(), n, &self.c, &mut self.recurrent);
            }
            for (j, pre) in self.c.iter() {
                let row = self.transitions.row_mut(j);
                let step = self.rate * pre;
                match self.rule {
                    FeatureRule::Decorrelative => {
                        for ((w, x), r) in row.iter_mut().zip(features).zip(&self.recurrent) {
                            *w = (*w + step * (x - r)).max(0.0);
                        }
                    }
                    FeatureRule::Independent => {
                        for (w, x) in row.iter_mut().zip(features) {
                            *w = (*w + step * (x - *w * pre)).max(0.0);
                        }
                    }
                }
            }
            if !self.recurrent.iter().all(|x| x.is_finite()) {
                return Err(SuccessorError::NotFinite {
                    what: "the recurrent input",
                    step: 0,
                });
            }
            self.before.as_mut().expect("was there").copy_from_slice(features);
        } else {
            self.before = Some(features.to_vec());
        }
        Ok(())
    }

    /// Mean sizes of both parts of the update that `features` would bring, under either rule: (decorrelative,
    /// independent); `None` before the second step.
    pub fn terms(&self, features: &[f64]) -> Option<(Terms, Terms)> {
        let before = self.before.as_ref()?;
        let n = before.len() as f64;
        let recurrent = self.transitions.apply_left(before);
        let sum = |x: &[f64]| x.iter().sum::<f64>();
        let hebbian = sum(features) * sum(before) / (n * n);
        let together = sum(&recurrent) * sum(before) / (n * n);
        let apart: f64 = before
            .iter()
            .enumerate()
            .map(|(j, x)| x * x * sum(self.transitions.row(j)))
            .sum();
        let terms = |normalization| Terms {
            hebbian,
            normalization,
        };
        Some((terms(together), terms(apart / (n * n))))
    }
}

/// The regression J* = R₁R₀⁺ that the decorrelative rule approaches, as T̂ = J*ᵀ; least norm where R₀ is singular.
///
/// - `features`: one row per step
///
/// # Errors
/// Fewer than two steps, or a value that is not finite.
pub fn batch_fit(features: &Matrix) -> Result<Matrix, SuccessorError> {
    let (steps, n) = (features.rows(), features.columns());
    if steps < 2 {
        return Err(SuccessorError::question(
            format!("{steps} steps hold no transition"),
            "give a longer walk",
        ));
    }
    let design = &features.values()[..(steps - 1) * n];
    let fit = least_squares(design, steps - 1, n, &features.values()[n..], n)?;
    Ok(Matrix::new(n, n, fit.coefficients))
}

/// ‖Jφ(t) − φ(t+1)‖ / ‖φ(t) − φ(t+1)‖, mean over the steps that move.
pub fn prediction_error(transitions: &Matrix, features: &Matrix) -> Option<f64> {
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
    let mut ratios = Vec::new();
    for t in 0..features.rows().saturating_sub(1) {
        let (now, next) = (features.row(t), features.row(t + 1));
        if now != next {
            let predicted = transitions.apply_left(now);
            let error = norm(&mut predicted.iter().zip(next).map(|(a, b)| a - b));
            ratios.push(error / norm(&mut now.iter().zip(next).map(|(a, b)| a - b)));
        }
    }
    (!ratios.is_empty()).then(|| ratios.iter().sum::<f64>() / ratios.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};
    use rand::RngExt;

    #[test]
    fn both_rules_agree_on_one_hot_features_and_the_fixed_point_is_the_regression() {
        let mut draws = Key::new(4).stream(Purpose::Test, 0);
        let states: Vec<usize> = (0..300).map(|_| draws.random_range(0..5)).collect();
        let rows: Vec<Vec<f64>> = states
            .iter()
            .map(|&s| (0..5).map(|i| f64::from(i == s)).collect())
            .collect();
        let learn = |rule| {
            let mut learner = FeatureLearner::new(5, rule, 0.05).unwrap();
            rows.iter().for_each(|row| learner.step(row).unwrap());
            learner
        };
        let (a, b) = (learn(FeatureRule::Decorrelative), learn(FeatureRule::Independent));
        assert!(a.transitions().mean_absolute_error(b.transitions()) < 1e-15);

        let overlapping: Vec<Vec<f64>> = states
            .iter()
            .map(|&s| {
                (0..5_usize)
                    .map(|i| [1.0, 0.4, 0.0, 0.0, 0.4][(i + 5 - s) % 5])
                    .collect()
            })
            .collect();
        let features = Matrix::from_rows(&overlapping);
        let best = batch_fit(&features).unwrap();
        let mut learner = FeatureLearner::new(5, FeatureRule::Decorrelative, 0.002).unwrap();
        for _ in 0..200 {
            learner.pause();
            overlapping.iter().for_each(|row| learner.step(row).unwrap());
        }
        let clipped = best.map(|w| w.max(0.0));
        assert!(learner.transitions().mean_absolute_error(&clipped) < 0.05);
    }
}
