//! Feedforward networks: temporal differences, Hebbian learning, and their controls.
//!
//! ψ(t) = Mᵀφ(t), δ = φ(t−1) + γψ(t) − ψ(t−1), M ← M + η e δᵀ, where e = φ(t−1) for FF-TD (Fang et al. 2023,
//! eq. 5) and e ← γλe + φ(t−1) for TD(λ). The discount is in the weights: one network per horizon.

use crate::error::SuccessorError;
use crate::matrix::Matrix;
use crate::rank_one::{Coefficients, NEGLIGIBLE, add_rows};
use crate::sr;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Settings of a temporal-difference learner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TdConfig {
    /// γ per step.
    pub discount: f64,
    /// η
    pub rate: f64,
    /// λ of the eligibility trace; 0 is FF-TD.
    #[serde(default)]
    pub trace: f64,
}

/// γ of one step of `dt` seconds for a horizon of `tau` seconds: e^(−Δt/τ).
///
/// # Errors
/// A time that is not positive.
pub fn discount_for(tau: f64, dt: f64) -> Result<f64, SuccessorError> {
    if !(tau > 0.0 && dt > 0.0) {
        return Err(SuccessorError::setting(
            "a time constant or step",
            format!("{tau}, {dt}"),
            "above 0 s",
        ));
    }
    Ok((-dt / tau).exp())
}

/// A temporal-difference learner of successor features.
#[derive(Clone, Debug)]
pub struct FeedForwardTd {
    config: TdConfig,
    /// M: inputs × outputs.
    weights: Matrix,
    before: Option<(Vec<f64>, Vec<f64>)>,
    eligibility: Vec<f64>,
}

impl FeedForwardTd {
    /// A learner for `n` features, weights 0.
    ///
    /// # Errors
    /// Settings outside their ranges.
    pub fn new(n: usize, config: TdConfig) -> Result<Self, SuccessorError> {
        sr::check_discount(config.discount)?;
        if !(config.rate >= 0.0 && config.rate.is_finite()) {
            return Err(SuccessorError::setting(
                "the learning rate η",
                config.rate,
                "at least 0",
            ));
        }
        if !(0.0..=1.0).contains(&config.trace) {
            return Err(SuccessorError::setting("λ", config.trace, "between 0 and 1"));
        }
        if n == 0 {
            return Err(SuccessorError::setting("the number of features", n, "at least 1"));
        }
        Ok(Self {
            config,
            weights: Matrix::zeros(n, n),
            before: None,
            eligibility: vec![0.0; n],
        })
    }

    /// M: inputs × outputs.
    pub fn weights(&self) -> &Matrix {
        &self.weights
    }

    /// Learning rate η.
    pub fn rate(&self) -> f64 {
        self.config.rate
    }

    /// Forgets what came last.
    pub fn pause(&mut self) {
        self.before = None;
        self.eligibility.fill(0.0);
    }

    /// ψ for an input, then learning. Returns ψ as it was before learning.
    ///
    /// # Panics
    /// When the input has another number of features.
    pub fn step(&mut self, input: &[f64]) -> Vec<f64> {
        let n = self.weights.rows();
        assert_eq!(input.len(), n, "number of features");
        let mut c = Coefficients::default();
        c.set(input.iter().copied(), 0.0);
        let mut psi = vec![0.0; n];
        add_rows(self.weights.values(), n, &c, &mut psi);
        if let Some((before, psi_before)) = &self.before {
            let TdConfig {
                discount,
                rate,
                trace,
            } = self.config;
            self.eligibility
                .iter_mut()
                .zip(before)
                .for_each(|(e, x)| *e = discount * trace * *e + x);
            let delta: Vec<f64> = (0..n)
                .map(|i| before[i] + discount * psi[i] - psi_before[i])
                .collect();
            for (i, e) in self
                .eligibility
                .iter()
                .enumerate()
                .filter(|(_, e)| e.abs() > NEGLIGIBLE)
            {
                self.weights
                    .row_mut(i)
                    .iter_mut()
                    .zip(&delta)
                    .for_each(|(w, d)| *w += rate * e * d);
            }
        }
        // ψ of this input under the weights that the next step will use
        let mut later = vec![0.0; n];
        add_rows(self.weights.values(), n, &c, &mut later);
        self.before = Some((input.to_vec(), later));
        psi
    }
}

/// Mean over transitions and features of (φ(s) + γψ(s′) − ψ(s))².
///
/// - `features`, `psi`: one row per state
/// - `transitions`: pairs (s, s′) as often as they were observed
///
/// Every observed transition counts: there is no sampling noise.
pub fn td_loss(features: &Matrix, psi: &Matrix, transitions: &Matrix, discount: f64) -> f64 {
    let (mut sum, mut n) = (0.0, 0.0);
    for from in 0..transitions.rows() {
        for (to, &count) in transitions
            .row(from)
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0.0)
        {
            let error = |k: usize| features[(from, k)] + discount * psi[(to, k)] - psi[(from, k)];
            let squares: f64 = (0..features.columns()).map(|k| error(k).powi(2)).sum();
            sum += count * squares;
            n += count;
        }
    }
    sum / (n * features.columns() as f64)
}

/// Hebbian weights M = η Σ φφᵀ, held within ± `clamp`.
pub fn hebbian<'a>(inputs: impl IntoIterator<Item = &'a [f64]>, n: usize, rate: f64, clamp: f64) -> Matrix {
    let mut weights = Matrix::zeros(n, n);
    for input in inputs {
        for (i, &x) in input.iter().enumerate().filter(|(_, x)| **x != 0.0) {
            for (w, y) in weights.row_mut(i).iter_mut().zip(input) {
                *w = (*w + rate * x * y).clamp(-clamp, clamp);
            }
        }
    }
    weights
}

/// Weights with every entry drawn anew from all of them, with replacement: the shuffle control.
pub fn shuffled(weights: &Matrix, key: Key) -> Matrix {
    let mut draws = key.stream(Purpose::Permutation, 0);
    let values = weights.values();
    let drawn = (0..values.len())
        .map(|_| values[draws.random_range(0..values.len())])
        .collect();
    Matrix::new(weights.rows(), weights.columns(), drawn)
}

/// How counts of transitions are made into synapses (Appendix 7).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Normalization {
    /// As they are.
    Raw,
    /// Divided by the largest count of all, times this.
    Global {
        /// Factor.
        scale: f64,
    },
    /// Divided by the largest count of the row, times this.
    RowMaximum {
        /// Factor.
        scale: f64,
    },
    /// Divided by the sum of the row.
    RowSum,
    /// tanh of the counts.
    Tanh,
}

impl Normalization {
    /// The synapses that these counts make.
    pub fn of(self, counts: &Matrix) -> Matrix {
        let largest = |row: &[f64]| row.iter().copied().fold(0.0, f64::max);
        let divided = |x: f64, by: f64| if by > 0.0 { x / by } else { 0.0 };
        let mut out = counts.clone();
        match self {
            Self::Raw => {}
            Self::Tanh => out = counts.map(f64::tanh),
            Self::Global { scale } => {
                let by = largest(counts.values()) * scale;
                out = counts.map(|x| divided(x, by));
            }
            Self::RowMaximum { scale } => {
                for i in 0..out.rows() {
                    let by = largest(out.row(i)) * scale;
                    out.row_mut(i).iter_mut().for_each(|x| *x = divided(*x, by));
                }
            }
            Self::RowSum => {
                for i in 0..out.rows() {
                    let by = out.row(i).iter().sum();
                    out.row_mut(i).iter_mut().for_each(|x| *x = divided(*x, by));
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn td_lambda_finds_the_successor_representation_of_a_cycle() {
        for trace in [0.0, 0.8] {
            let mut td = FeedForwardTd::new(
                4,
                TdConfig {
                    discount: 0.7,
                    rate: 0.1,
                    trace,
                },
            )
            .unwrap();
            let mut input = [0.0; 4];
            for step in 0..20_000 {
                input.fill(0.0);
                input[step % 4] = 1.0;
                td.step(&input);
            }
            let mut cycle = Matrix::zeros(4, 4);
            (0..4).for_each(|i| cycle[(i, (i + 1) % 4)] = 1.0);
            let m = sr::ideal(&cycle, 0.7).unwrap();
            assert!(td.weights().mean_absolute_error(&m) < 1e-9, "λ = {trace}");
        }
    }

    #[test]
    fn counts_are_normalised_in_five_ways() {
        let counts = Matrix::from_rows(&[vec![2.0, 6.0], vec![1.0, 0.0]]);
        assert_eq!(
            Normalization::Global { scale: 2.0 }.of(&counts).values(),
            [1.0 / 6.0, 0.5, 1.0 / 12.0, 0.0]
        );
        assert_eq!(
            Normalization::RowMaximum { scale: 1.0 }.of(&counts).values(),
            [1.0 / 3.0, 1.0, 1.0, 0.0]
        );
        assert_eq!(Normalization::RowSum.of(&counts).values(), [0.25, 0.75, 1.0, 0.0]);
        assert_eq!(Normalization::Raw.of(&counts), counts);
        assert!((Normalization::Tanh.of(&counts)[(1, 0)] - 1.0_f64.tanh()).abs() < 1e-15);
        let drawn = shuffled(&counts, Key::new(1));
        assert!(drawn.values().iter().all(|x| counts.values().contains(x)));
    }
}
