//! Judges of a network's outputs: of a task that has some of the network's actions only, and of what is answered in a test.

use crate::behaviour::Behaviour;
use crate::importance::Labels;
use neuropil_learn::unroll::{Judge, Outputs};
use neuropil_math::real::Real;
use neuropil_math::rng::Purpose;
use neuropil_nn::loss::{argmax, softmax};
use neuropil_tasks::environment::Environment;
use neuropil_tasks::trial::Trial;
use rand::RngExt;

/// Another judge, shown the given outputs alone; gradients of the others are 0.
#[derive(Debug)]
pub(crate) struct Among<'a, J> {
    pub(crate) judge: J,
    pub(crate) outputs: &'a [usize],
    pub(crate) n_outputs: usize,
}

impl<R: Real, const L: usize, J: Judge<R, L>> Judge<R, L> for Among<'_, J> {
    type Report = J::Report;

    fn judge(&self, world: &mut dyn Environment, block: Outputs<'_, R>) -> J::Report {
        if self.outputs.len() == self.n_outputs {
            return self.judge.judge(world, block);
        }
        let (width, own) = (self.n_outputs * L, self.outputs.len() * L);
        let mut outputs = vec![R::ZERO; block.n_steps * own];
        for (all, some) in block
            .outputs
            .chunks_exact(width)
            .zip(outputs.chunks_exact_mut(own))
        {
            for (row, &place) in some.chunks_exact_mut(L).zip(self.outputs) {
                row.copy_from_slice(&all[place * L..][..L]);
            }
        }
        let mut d_outputs = vec![R::ZERO; outputs.len()];
        let inner = Outputs {
            outputs: &outputs,
            d_outputs: &mut d_outputs,
            ..block
        };
        let report = self.judge.judge(world, inner);
        for (all, some) in block
            .d_outputs
            .chunks_exact_mut(width)
            .zip(d_outputs.chunks_exact(own))
        {
            for (row, &place) in some.chunks_exact(L).zip(self.outputs) {
                all[place * L..][..L].copy_from_slice(row);
            }
        }
        report
    }
}

/// What is answered, the largest output at every step, against what is wanted.
#[derive(Debug)]
pub(crate) struct Answered<'a> {
    pub(crate) trials: &'a [Trial],
}

/// Counts over trials.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) steps: usize,
    pub(crate) right_steps: usize,
    pub(crate) trials: usize,
    pub(crate) right_trials: usize,
    /// Sum over trials of the mean entropy of the answers, nats.
    pub(crate) entropy: f64,
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            steps: a.steps + b.steps,
            right_steps: a.right_steps + b.right_steps,
            trials: a.trials + b.trials,
            right_trials: a.right_trials + b.right_trials,
            entropy: a.entropy + b.entropy,
        })
    }
}

/// What is wanted of a trial at a step; nothing at the initial state, and where the step has no weight.
pub(crate) fn wanted(trial: &Trial, step: usize) -> Option<usize> {
    let row = trial.row_at(step);
    row.target_action().filter(|_| step > 0 && row.weight > 0.0)
}

impl<R: Real, const L: usize> Judge<R, L> for Answered<'_> {
    type Report = Counts;

    fn judge(&self, _: &mut dyn Environment, block: Outputs<'_, R>) -> Counts {
        let n = block.outputs.len() / block.n_steps / L;
        let at = |step: usize, output: usize, lane: usize| block.outputs[(step * n + output) * L + lane];
        let largest = |step: usize, lane: usize| {
            (1..n).fold(0, |best, k| {
                if at(step, k, lane) > at(step, best, lane) {
                    k
                } else {
                    best
                }
            })
        };
        let entropy = |step: usize, lane: usize| {
            let logits: Vec<f64> = (0..n).map(|k| at(step, k, lane).f64()).collect();
            let p = softmax(&logits, 0..n);
            -p.iter().map(|p| p * p.max(1e-300).ln()).sum::<f64>()
        };
        let one = |(lane, &trial): (usize, &u64)| {
            let trial = &self.trials[trial as usize];
            let wanted: Vec<Option<usize>> = (0..block.n_steps).map(|step| wanted(trial, step)).collect();
            let answers: Vec<usize> = (0..block.n_steps).map(|step| largest(step, lane)).collect();
            let found = Behaviour::of(&wanted, &answers, 0, n);
            Counts {
                steps: found.steps,
                right_steps: found.right,
                trials: 1,
                right_trials: usize::from(found.is_right()),
                entropy: (1..block.n_steps).map(|step| entropy(step, lane)).sum::<f64>()
                    / (block.n_steps - 1) as f64,
            }
        };
        block.trials.iter().enumerate().map(one).sum()
    }
}

/// Score of one trial's answers, as labels of a kind would have them: the gradient of Σ ln p over the counted steps.
#[derive(Debug)]
pub(crate) struct Score<'a> {
    pub(crate) trial: &'a Trial,
    pub(crate) labels: Labels,
}

impl<R: Real, const L: usize> Judge<R, L> for Score<'_> {
    /// Counted steps.
    type Report = usize;

    fn judge(&self, _: &mut dyn Environment, block: Outputs<'_, R>) -> usize {
        let width = block.outputs.len() / block.n_steps;
        let n = width / L;
        let mut rng = block.key.stream(Purpose::Action, 0);
        let mut counted = 0;
        let steps = block
            .outputs
            .chunks_exact(width)
            .zip(block.d_outputs.chunks_exact_mut(width));
        for (step, (outputs, d_outputs)) in steps.enumerate() {
            let Some(wanted) = wanted(self.trial, step) else {
                continue;
            };
            let logits: Vec<f64> = (0..n).map(|k| outputs[k * L].f64()).collect();
            let p = softmax(&logits, 0..n);
            let label = match self.labels {
                Labels::True => wanted,
                Labels::Predicted => argmax(&logits, 0..n),
                Labels::Sampled | Labels::All => drawn(&p, rng.random()),
            };
            for (k, &p) in p.iter().enumerate() {
                d_outputs[k * L] = R::of(f64::from(u8::from(k == label)) - p);
            }
            counted += 1;
        }
        counted
    }
}

/// The output that a uniform number falls on.
fn drawn(p: &[f64], mut left: f64) -> usize {
    for (k, &p) in p.iter().enumerate() {
        if left < p {
            return k;
        }
        left -= p;
    }
    p.len() - 1
}
