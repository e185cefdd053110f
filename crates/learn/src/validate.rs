//! Running a policy without learning.

use crate::batch::TaskBatch;
use crate::rollout::{Keyed, Rollout, roll_out};
use crate::update::Batch;
use neuropil_math::real::Real;
use neuropil_math::rng::Key;
use neuropil_nn::network::{Keep, Network};
use neuropil_tasks::performance::{End, Performance};
use neuropil_tasks::task::Task;
use rayon::prelude::*;

/// Lanes of a block: forward passes like them wide.
const LANES: usize = 16;

/// Runs every trial of a batch; returns how each ended and its summed (discounted) reward, in trial order.
///
/// The value network takes no part: it has no influence on behaviour.
pub fn run<R: Real>(
    policy: &Network<R>,
    noise_sd: f64,
    batch: &TaskBatch,
    discount_per_step: f64,
    key: Key,
) -> Vec<(End, f64)> {
    let mut order: Vec<u64> = (0..batch.n_trials() as u64).collect();
    order.sort_by_key(|&trial| std::cmp::Reverse(batch.expected_steps(trial as usize)));
    let n_steps = batch.n_steps();
    let ended: Vec<Vec<(u64, End, f64)>> = order
        .par_chunks(LANES)
        .map_init(
            || Rollout::<R, LANES>::new(policy, n_steps, Keep::Last),
            |rollout, ids| {
                let mut world = batch.open(key, ids, LANES);
                let mut draws = Keyed::<LANES>::new(key, ids, noise_sd);
                let n = ids.len();
                roll_out(
                    policy,
                    &mut *world,
                    &mut draws,
                    n,
                    n_steps,
                    discount_per_step,
                    None,
                    rollout,
                );
                ids.iter()
                    .enumerate()
                    .map(|(lane, &id)| (id, rollout.end(lane), rollout.reward(lane)))
                    .collect()
            },
        )
        .collect();
    let mut ends = vec![(End { action: 0, step: 0 }, 0.0); batch.n_trials()];
    for (id, end, reward) in ended.into_iter().flatten() {
        ends[id as usize] = (end, reward);
    }
    ends
}

/// Performance of a policy on `n_trials` fresh trials.
pub fn validate<R: Real>(
    policy: &Network<R>,
    noise_sd: f64,
    task: &Task,
    key: Key,
    n_trials: usize,
) -> Performance {
    let batch = TaskBatch::draw(task, key, n_trials);
    let ends = run(policy, noise_sd, &batch, task.discount_per_step(), key);
    Performance::of(
        task,
        batch
            .trials
            .iter()
            .zip(ends)
            .map(|(trial, (end, reward))| (trial, end, reward)),
    )
}
