//! Running a policy without learning.

use crate::batch::Batch;
use crate::batch::TaskBatch;
use crate::carry::{chains, states_beyond};
use crate::rollout::{Keyed, Rollout, roll_out};
use neuropil_math::real::Real;
use neuropil_math::rng::Key;
use neuropil_nn::network::{Keep, Network};
use neuropil_tasks::performance::{End, Performance};
use neuropil_tasks::round::Round;
use neuropil_tasks::tally::{Tally, add_tallies};
use neuropil_tasks::task::Task;
use neuropil_tasks::trial::Trial;
use rayon::prelude::*;

/// Lanes of a block: forward passes like them wide.
const LANES: usize = 16;

/// What the trials of a batch came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ran {
    /// How each trial ended and its summed (discounted) reward, in trial order.
    pub ends: Vec<(End, f64)>,
    /// Sums over all sessions of what their world measures; empty for trial tables.
    pub tallies: Vec<Tally>,
    /// Trials of each session, in its order; empty where sessions are not made of trials.
    pub rounds: Vec<Vec<Round>>,
}

impl Ran {
    /// Counts and fractions over the trials that were run.
    pub fn performance(&self, task: &Task, trials: &[Trial]) -> Performance {
        let ended = trials
            .iter()
            .zip(&self.ends)
            .map(|(trial, &(end, reward))| (trial, end, reward));
        let mut performance = Performance::of(task, ended);
        if let Some(world) = &task.world {
            performance.add_measures(&**world, &self.tallies);
        }
        performance
    }
}

/// Runs every trial of a batch.
///
/// The value network takes no part: it has no influence on behaviour.
pub fn run<R: Real>(
    policy: &Network<R>,
    noise_sd: f64,
    batch: &TaskBatch,
    discount_per_step: f64,
    key: Key,
) -> Ran {
    let chains = if batch.continuous {
        chains(batch.n_trials(), LANES, true)
    } else {
        // Any order will do: trials of about the same length share a block.
        let mut order: Vec<u64> = (0..batch.n_trials() as u64).collect();
        order.sort_by_key(|&trial| std::cmp::Reverse(batch.expected_steps(trial as usize)));
        order.chunks(LANES).map(|ids| vec![ids.to_vec()]).collect()
    };
    let n_steps = batch.n_steps();
    let keep = if batch.continuous { Keep::All } else { Keep::Last };
    type Ended = (Vec<(u64, End, f64)>, Vec<Tally>, Vec<(u64, Vec<Round>)>);
    let ended: Vec<Ended> = chains
        .par_iter()
        .map_init(
            || Rollout::<R, LANES>::new(policy, n_steps, keep),
            |rollout, chain| {
                let (mut ends, mut tallies, mut states) = (Vec::new(), Vec::new(), None);
                let mut rounds = Vec::new();
                for ids in chain {
                    let mut world = batch.open(key, ids, LANES);
                    let mut draws = Keyed::<LANES>::new(key, ids, noise_sd);
                    roll_out(
                        policy,
                        &mut *world,
                        &mut draws,
                        ids.len(),
                        n_steps,
                        discount_per_step,
                        states.as_deref(),
                        rollout,
                    );
                    let lanes = ids.iter().enumerate();
                    ends.extend(lanes.map(|(lane, &id)| (id, rollout.end(lane), rollout.reward(lane))));
                    add_tallies(&mut tallies, &world.tallies());
                    rounds.extend(ids.iter().copied().zip(world.rounds()));
                    if batch.continuous {
                        states = Some(states_beyond(policy, &mut *world, &mut draws, rollout));
                    }
                }
                (ends, tallies, rounds)
            },
        )
        .collect();
    let mut ran = Ran {
        ends: vec![(End { action: 0, step: 0 }, 0.0); batch.n_trials()],
        tallies: Vec::new(),
        rounds: Vec::new(),
    };
    for (ends, tallies, rounds) in ended {
        for (id, rounds) in rounds {
            ran.rounds.resize(batch.n_trials(), Vec::new());
            ran.rounds[id as usize] = rounds;
        }
        for (id, end, reward) in ends {
            ran.ends[id as usize] = (end, reward);
        }
        add_tallies(&mut ran.tallies, &tallies);
    }
    ran
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
    run(policy, noise_sd, &batch, task.discount_per_step(), key).performance(task, &batch.trials)
}
