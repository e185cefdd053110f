//! Learning with a kernel of spike-timing-dependent plasticity.
//!
//! k(Δ) = A₊ e^(−Δ/τ₊) for a postsynaptic neuron active Δ > 0 steps after its presynaptic one, A₋ e^(Δ/τ₋) for
//! Δ < 0. Traces of past activity make it local in time:
//! ΔJ_ij = η_j α² [x_i B₊_j + B₋_i x_j] off the diagonal, η_i |α_s| x_i B₊_i φ_i(t−1) on it. There is no
//! depotentiation: η_j = 1/n_j normalises. Fang et al. 2023, Fig. 2j, k.

use crate::dynamics::{Dynamics, respond};
use crate::error::SuccessorError;
use crate::fang2023::{ACTIVITY_CLAMP, BASELINE_GAIN, KERNEL_HISTORY};
use crate::matrix::Matrix;
use crate::rate::Rate;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

pub mod fit;

/// A plasticity kernel; time constants in steps (a third of a second).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StdpKernel {
    /// A₊: presynaptic first.
    pub a_positive: f64,
    /// τ₊ > 0
    pub tau_positive: f64,
    /// A₋: postsynaptic first.
    pub a_negative: f64,
    /// τ₋ > 0
    pub tau_negative: f64,
}

impl StdpKernel {
    /// k(Δ), Δ = t_post − t_pre in steps; 0 at Δ = 0.
    pub fn at(&self, lag: f64) -> f64 {
        match lag {
            lag if lag > 0.0 => self.a_positive * (-lag / self.tau_positive).exp(),
            lag if lag < 0.0 => self.a_negative * (lag / self.tau_negative).exp(),
            _ => 0.0,
        }
    }
}

/// How the traces remember.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Traces {
    /// Sums over the last 20 activities.
    #[default]
    History,
    /// B ← (1 − 1/τ) B + A x
    Recursive,
}

/// Settings of a network that learns with a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelConfig {
    /// The kernel.
    pub kernel: StdpKernel,
    /// α_s of the synapses onto oneself.
    pub alpha_self: f64,
    /// α of all others.
    pub alpha_other: f64,
    /// What one unit of activity adds to the count of a neuron.
    pub count_scale: f64,
    /// Gain γ during learning.
    pub gain: f64,
    /// How the traces remember.
    #[serde(default)]
    pub traces: Traces,
    /// Amplitude and time constant (steps) of a trace of (Jx)xᵀ that is subtracted.
    #[serde(default)]
    pub normalization: Option<(f64, f64)>,
}

impl KernelConfig {
    /// A kernel with plain scales, learning at the gain of the paper.
    pub fn of(kernel: StdpKernel) -> Self {
        Self {
            kernel,
            alpha_self: 1.0,
            alpha_other: 1.0,
            count_scale: 1.0,
            gain: BASELINE_GAIN,
            traces: Traces::History,
            normalization: None,
        }
    }
}

/// The network while it learns with a kernel.
#[derive(Clone, Debug)]
pub struct KernelNetwork {
    config: KernelConfig,
    transitions: Matrix,
    counts: Vec<f64>,
    history: VecDeque<Vec<f64>>,
    positive: Vec<f64>,
    negative: Vec<f64>,
    recurrent: Option<Matrix>,
    before: Option<Vec<f64>>,
    steps: usize,
}

impl KernelNetwork {
    /// A network of `n` neurons without synapses.
    ///
    /// # Errors
    /// No neurons, a time constant that is not positive, values that are not finite.
    pub fn new(n: usize, config: KernelConfig) -> Result<Self, SuccessorError> {
        if n == 0 {
            return Err(SuccessorError::setting("the number of neurons", n, "at least 1"));
        }
        let k = config.kernel;
        let taus = [
            ("τ₊", k.tau_positive),
            ("τ₋", k.tau_negative),
            (
                "τ of the normalisation",
                config.normalization.map_or(1.0, |(_, tau)| tau),
            ),
        ];
        for (what, tau) in taus {
            if !(tau > 0.0 && tau.is_finite()) {
                return Err(SuccessorError::setting(what, tau, "above 0 steps"));
            }
        }
        let scales = [
            k.a_positive,
            k.a_negative,
            config.alpha_self,
            config.alpha_other,
            config.count_scale,
            config.gain,
        ];
        if let Some(bad) = scales.iter().find(|value| !value.is_finite()) {
            return Err(SuccessorError::setting("a scale of the kernel", bad, "finite"));
        }
        Ok(Self {
            config,
            transitions: Matrix::zeros(n, n),
            counts: vec![Rate::default().start(); n],
            history: VecDeque::from(vec![vec![0.0; n]; KERNEL_HISTORY]),
            positive: vec![0.0; n],
            negative: vec![0.0; n],
            recurrent: config.normalization.map(|_| Matrix::zeros(n, n)),
            before: None,
            steps: 0,
        })
    }

    /// T̂ = Jᵀ.
    pub fn transitions(&self) -> &Matrix {
        &self.transitions
    }

    /// Activity counts.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// Traces B₊ and B₋.
    pub fn traces(&self) -> (&[f64], &[f64]) {
        (&self.positive, &self.negative)
    }

    /// Activity for an input, then learning. Returns the activity.
    ///
    /// # Errors
    /// [`SuccessorError::Unstable`] with γρ; weights that ran away.
    pub fn step(&mut self, input: &[f64]) -> Result<Vec<f64>, SuccessorError> {
        let activity = match self.config.gain {
            0.0 => input.to_vec(),
            gain => respond(&self.transitions, input, gain, Dynamics::SteadyState)?,
        };
        let x: Vec<f64> = activity
            .iter()
            .map(|x| x.clamp(-ACTIVITY_CLAMP, ACTIVITY_CLAMP))
            .collect();
        self.remember(&x);
        if let Some(before) = self.before.take() {
            let rate = Rate::default();
            rate.count(&mut self.counts, &x, &before, self.config.count_scale);
            self.learn(&x, &before, rate);
            if !self.transitions.values().iter().all(|w| w.is_finite()) {
                return Err(SuccessorError::NotFinite {
                    what: "the weights",
                    step: self.steps,
                });
            }
        }
        self.before = Some(input.to_vec());
        self.steps += 1;
        Ok(activity)
    }

    fn remember(&mut self, x: &[f64]) {
        let k = self.config.kernel;
        self.history.pop_front();
        self.history.push_back(x.to_vec());
        let sides = [
            (&mut self.positive, k.a_positive, k.tau_positive),
            (&mut self.negative, k.a_negative, k.tau_negative),
        ];
        for (trace, a, tau) in sides {
            match self.config.traces {
                Traces::Recursive => {
                    trace
                        .iter_mut()
                        .zip(x)
                        .for_each(|(b, x)| *b = (1.0 - 1.0 / tau) * *b + a * x);
                }
                Traces::History => {
                    trace.fill(0.0);
                    for (lag, past) in (1..=KERNEL_HISTORY).rev().zip(&self.history) {
                        let weight = (-(lag as f64) / tau).exp();
                        trace.iter_mut().zip(past).for_each(|(b, x)| *b += weight * x);
                    }
                    trace.iter_mut().for_each(|b| *b *= a);
                }
            }
        }
        if let (Some(trace), Some((a, tau))) = (&mut self.recurrent, self.config.normalization) {
            let jx = self.transitions.apply_left(x);
            for (j, &pre) in x.iter().enumerate() {
                for (b, post) in trace.row_mut(j).iter_mut().zip(&jx) {
                    *b = (1.0 - 1.0 / tau) * *b + a.abs() * post * pre;
                }
            }
        }
    }

    fn learn(&mut self, x: &[f64], before: &[f64], rate: Rate) {
        let (other, own) = (self.config.alpha_other.powi(2), self.config.alpha_self.abs());
        for j in 0..x.len() {
            let eta = rate.of(self.counts[j]);
            let (trace, pre) = (self.positive[j], x[j]);
            let normalization = self.recurrent.as_ref().map(|trace| trace.row(j));
            let row = self.transitions.row_mut(j);
            for i in 0..x.len() {
                let mut change = if i == j {
                    own * x[i] * trace * before[i]
                } else {
                    other * (x[i] * trace + self.negative[i] * pre)
                };
                if let Some(normalization) = normalization {
                    change -= normalization[i];
                }
                row[i] += eta * change;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_constants_must_be_positive() {
        let kernel = StdpKernel {
            a_positive: 1.0,
            tau_positive: 0.0,
            a_negative: -1.0,
            tau_negative: 1.0,
        };
        let message = KernelNetwork::new(3, KernelConfig::of(kernel))
            .unwrap_err()
            .to_string();
        assert_eq!(message, "τ₊ is 0, expected above 0 steps");
        assert_eq!(kernel.at(0.0), 0.0);
    }
}
