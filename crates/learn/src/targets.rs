//! Cross-entropy of a network's outputs with targets, step by step: what [`crate::unroll`] learns from when a teacher says
//! at every step what to do.
//!
//! ```text
//! L = −1/N Σ w ln softmax(z)[target]        δz_k = w/N (softmax(z)_k − 1[k = target])
//! ```

use crate::unroll::{Judge, Outputs};
use neuropil_math::real::Real;
use neuropil_nn::softmax::softmax;
use neuropil_tasks::environment::Environment;

/// What is wanted of a trial at a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// Output that should be the largest.
    pub class: usize,
    /// Weight w of the step in the loss.
    pub weight: f64,
    /// The step counts in [`Report::accuracy`].
    pub scored: bool,
}

/// Targets of a batch.
pub struct Targets<F> {
    /// What is wanted of a trial at a step; `None`: nothing.
    pub wanted: F,
    /// N: what the sum of losses is divided by.
    pub n: f64,
}

impl<F> std::fmt::Debug for Targets<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Targets")
            .field("n", &self.n)
            .finish_non_exhaustive()
    }
}

/// Loss and hits of a batch, added up over its blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// Cross-entropy L.
    pub loss: f64,
    /// Scored steps at which the largest output (the first of equals) was the wanted one.
    pub n_hits: usize,
    /// Scored steps.
    pub n_scored: usize,
}

impl std::iter::Sum for Report {
    fn sum<I: Iterator<Item = Self>>(reports: I) -> Self {
        reports.fold(Self::default(), |a, b| Self {
            loss: a.loss + b.loss,
            n_hits: a.n_hits + b.n_hits,
            n_scored: a.n_scored + b.n_scored,
        })
    }
}

impl Report {
    /// Fraction of scored steps that were hit; 0 if there are none.
    pub fn accuracy(&self) -> f64 {
        self.n_hits as f64 / self.n_scored.max(1) as f64
    }
}

impl<R: Real, const L: usize, F> Judge<R, L> for Targets<F>
where
    F: Fn(u64, usize) -> Option<Wanted> + Sync,
{
    type Report = Report;

    fn judge(&self, _: &mut dyn Environment, block: Outputs<'_, R>) -> Report {
        let width = block.outputs.len() / block.n_steps;
        let mut report = Report::default();
        let mut probabilities = vec![R::ZERO; width];
        let steps = block
            .outputs
            .chunks_exact(width)
            .zip(block.d_outputs.chunks_exact_mut(width));
        for (t, (outputs, d_outputs)) in steps.enumerate() {
            probabilities.copy_from_slice(outputs);
            softmax::<R, L>(&mut probabilities);
            for (lane, &trial) in block.trials.iter().enumerate() {
                let Some(wanted) = (self.wanted)(trial, t) else {
                    continue;
                };
                let of = |k: usize| probabilities[k * L + lane].f64();
                let weight = wanted.weight / self.n;
                report.loss -= weight * of(wanted.class).ln();
                for k in 0..width / L {
                    let one = if k == wanted.class { 1.0 } else { 0.0 };
                    d_outputs[k * L + lane] = R::of(weight * (of(k) - one));
                }
                if wanted.scored {
                    let largest = (1..width / L).fold(0, |best, k| if of(k) > of(best) { k } else { best });
                    report.n_scored += 1;
                    report.n_hits += usize::from(largest == wanted.class);
                }
            }
        }
        report
    }
}
