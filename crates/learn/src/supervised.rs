//! Supervised learning on the same networks: the policy is told at every step what to do.
//!
//! Targets come from the trial table ([`neuropil_tasks::trial::Row::target`]): the correct choice while there is one,
//! going on fixating otherwise, nothing at the last step. No action is taken and no trial ends early. The loss is the
//! cross-entropy, the weighted mean of −ln π(target) over all steps with a target; its gradient with respect to the logits
//! is w (π − target)/Σw. The value network has no part in it.

use crate::batch::Batch;
use crate::batch::TaskBatch;
use crate::player::Player;
use crate::rollout::{Keyed, Rollout, step_input};
use crate::update::{Report, reduce};
use neuropil_math::real::Real;
use neuropil_math::rng::Key;
use neuropil_nn::buffer::Buffer;
use neuropil_nn::network::{Backward, Gradients, Keep, Network};
use neuropil_nn::optim::Step;
use neuropil_nn::softmax::softmax;
use neuropil_tasks::trial::Trial;
use rayon::prelude::*;

/// Buffers of a supervised update, kept from one to the next.
#[derive(Debug)]
pub struct Lesson<R, const L: usize> {
    blocks: Vec<Block<R, L>>,
    gradient: Vec<R>,
}

#[derive(Debug)]
struct Block<R, const L: usize> {
    rollout: Rollout<R, L>,
    probabilities: Buffer<R>,
    d_outputs: Buffer<R>,
    gradients: Gradients<R, L>,
    flat: Vec<R>,
    loss: f64,
}

impl<R: Real, const L: usize> Lesson<R, L> {
    /// Buffers for batches of `n_trials` trials of up to `n_steps` steps.
    pub fn new(policy: &Network<R>, n_trials: usize, n_steps: usize) -> Self {
        let n_outputs = policy.shape().n_outputs;
        let block = || Block {
            rollout: Rollout::new(policy, n_steps, Keep::All),
            probabilities: Buffer::zeros(n_outputs * L),
            d_outputs: Buffer::zeros(n_steps * n_outputs * L),
            gradients: policy.gradients(),
            flat: vec![R::ZERO; policy.layout().len()],
            loss: 0.0,
        };
        Self {
            blocks: (0..n_trials.div_ceil(L)).map(|_| block()).collect(),
            gradient: vec![R::ZERO; policy.layout().len()],
        }
    }

    /// Gradient of the last batch, before clipping.
    pub fn gradient(&self) -> &[R] {
        &self.gradient
    }
}

/// Steps with a target in one trial, each counted by its weight.
fn n_targets(trial: &Trial) -> f64 {
    let ends = trial.segments.iter().skip(1).map(|segment| segment.start);
    let ends = ends.chain([trial.n_steps]);
    let segments = trial.segments.iter().zip(ends);
    segments
        .filter(|(segment, _)| segment.row.target_action().is_some())
        .map(|(segment, end)| segment.row.weight * (end - segment.start) as f64)
        .sum()
}

/// One supervised update of the policy. Runs its blocks on the current thread pool.
///
/// In the report, `policy_loss` is the cross-entropy; nothing is earned, and nothing happens to the value network.
pub fn update<R: Real, const L: usize>(
    policy: &mut Player<R>,
    batch: &TaskBatch,
    key: Key,
    max_gradient_norm: f64,
    lesson: &mut Lesson<R, L>,
) -> Report {
    let targets: f64 = batch.trials.iter().map(n_targets).sum();
    let ids: Vec<u64> = (0..batch.n_trials() as u64).collect();
    let player = &*policy;
    lesson
        .blocks
        .par_iter_mut()
        .zip(ids.par_chunks(L))
        .for_each(|(block, ids)| block.learn(player, batch, key, ids, targets));
    reduce(
        &mut lesson.gradient,
        lesson.blocks.iter().map(|block| &block.flat[..]),
    );
    let penalty = policy.penalise_weights(&mut lesson.gradient);
    let step = policy.apply(&mut lesson.gradient.clone(), max_gradient_norm);
    Report {
        mean_reward: 0.0,
        mean_steps: batch.n_steps() as f64,
        policy_loss: lesson.blocks.iter().map(|block| block.loss).sum(),
        value_loss: 0.0,
        policy_penalty: penalty,
        value_penalty: 0.0,
        policy_step: step,
        value_step: Step {
            norm: 0.0,
            discarded: false,
        },
    }
}

impl<R: Real, const L: usize> Block<R, L> {
    fn learn(&mut self, policy: &Player<R>, batch: &TaskBatch, key: Key, ids: &[u64], targets: f64) {
        let (network, n_steps) = (&policy.network, batch.n_steps());
        let mut world = batch.open(key, ids, L);
        let mut draws = Keyed::<L>::new(key, ids, policy.noise_sd);
        let width = network.shape().n_outputs * L;
        let whole = if targets > 0.0 { 1.0 / targets } else { 0.0 };
        self.loss = 0.0;
        network.begin(&mut self.rollout.history, None);
        for t in 0..n_steps {
            if t > 0 {
                step_input(network, &mut *world, &mut draws, t, &mut self.rollout);
            }
            network.read_out(&self.rollout.history, t, &mut self.probabilities);
            softmax::<R, L>(&mut self.probabilities);
            let d_outputs = &mut self.d_outputs[t * width..][..width];
            d_outputs.fill(R::ZERO);
            for (lane, &id) in ids.iter().enumerate() {
                let row = batch.trials[id as usize].row_at(t);
                let Some(target) = row.target_action() else {
                    continue;
                };
                let scale = whole * row.weight;
                self.loss -= scale * self.probabilities[target * L + lane].f64().ln();
                for (a, d) in d_outputs.as_chunks_mut::<L>().0.iter_mut().enumerate() {
                    let wanted = if a == target { R::ONE } else { R::ZERO };
                    d[lane] = R::of(scale) * (self.probabilities[a * L + lane] - wanted);
                }
            }
        }
        let lengths: [usize; L] = std::array::from_fn(|lane| if lane < ids.len() { n_steps } else { 0 });
        let going_back = Backward {
            d_outputs: &self.d_outputs,
            lengths: &lengths,
            rate_penalty: 0.0,
            from_x0: true,
        };
        network.backward(&self.rollout.history, going_back, &mut self.gradients);
        self.flat.fill(R::ZERO);
        network.collect(&mut self.gradients, &mut self.flat);
    }
}
