//! One update: roll out a batch, predict its returns, follow both gradients.
//!
//! REINFORCE with a learned baseline (Williams 1992; Song, Yang & Wang 2017). With M the mask of executed
//! steps, G the return and v the value network's prediction from the parameters before this update:
//!
//! ```text
//! value:   minimise  Σ M (v − G)² / Σ M
//! policy:  maximise  (1/B) Σ_n Σ_t M log π(a_t) (G_t − v_t)
//! ```
//!
//! Trials are cut into blocks of `L` lanes. A block is the unit of parallel work and of summation, and results
//! are added in block order, so an update depends on the seed and not on the number of threads.

use crate::advantage::{add_entropy_gradient, advantages};
use crate::batch::Batch;
use crate::block::{PolicyBlock, Seat, ValueBlock, rate_penalty, squared_rates};
use crate::player::Player;
use crate::randomness::Randomness;
use crate::rollout::{roll_out, step_input};
use crate::rules::Rules;
use crate::seating;
use neuropil_math::real::Real;
use neuropil_math::rng::Key;
use neuropil_nn::network::{Backward, Network, Shape};
use neuropil_nn::optim::Step;
use rayon::prelude::*;

/// What one update saw and did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Mean over trials of the summed (discounted) reward.
    pub mean_reward: f64,
    /// Mean number of steps per trial.
    pub mean_steps: f64,
    /// −J, without penalties.
    pub policy_loss: f64,
    /// Mean squared error of the prediction, without penalties.
    pub value_loss: f64,
    /// Penalties on the policy's weights and rates.
    pub policy_penalty: f64,
    /// Penalties on the value network's weights and rates.
    pub value_penalty: f64,
    /// The policy's optimiser step.
    pub policy_step: Step,
    /// The value network's optimiser step.
    pub value_step: Step,
}

/// Buffers of an update, kept from one to the next.
#[derive(Debug)]
pub struct Workspace<R, const L: usize> {
    policy: Vec<PolicyBlock<R, L>>,
    value: Vec<ValueBlock<R, L>>,
    /// Continuous mode: states that the next trial of the policy starts from, \[state\]\[L\].
    pub carried_policy: Option<Vec<R>>,
    /// The same of the value network.
    pub carried_value: Option<Vec<R>>,
    policy_gradient: Vec<R>,
    value_gradient: Vec<R>,
}

impl<R: Real, const L: usize> Workspace<R, L> {
    /// Buffers for batches of `n_trials` trials of up to `n_steps` steps.
    pub fn new(
        policy: &Network<R>,
        value: &Network<R>,
        n_trials: usize,
        n_steps: usize,
        continuous: bool,
    ) -> Self {
        let blocks = if continuous {
            n_trials
        } else {
            n_trials.div_ceil(L)
        };
        Self {
            policy: (0..blocks).map(|_| PolicyBlock::new(policy, n_steps)).collect(),
            value: (0..blocks).map(|_| ValueBlock::new(value, n_steps)).collect(),
            carried_policy: None,
            carried_value: None,
            policy_gradient: vec![R::ZERO; policy.layout().len()],
            value_gradient: vec![R::ZERO; value.layout().len()],
        }
    }

    /// Predictions of the value network in the last batch, by trial and step.
    pub fn predictions(&self) -> Vec<Vec<f64>> {
        self.per_trial(|block, t, lane| block.values[t * L + lane].f64())
    }

    fn per_trial(&self, of: impl Fn(&ValueBlock<R, L>, usize, usize) -> f64) -> Vec<Vec<f64>> {
        let n_trials = self.policy.iter().map(|block| block.trials.len()).sum();
        let mut by_trial = vec![Vec::new(); n_trials];
        for block in &self.value {
            for seat in &block.seats {
                let trial = self.policy[seat.block].trials[seat.column];
                by_trial[trial as usize] = (seat.start..seat.start + seat.n_steps)
                    .map(|t| of(block, t, seat.lane))
                    .collect();
            }
        }
        by_trial
    }

    /// What each trial of the last batch did: actions, rewards and returns by step.
    pub fn episodes(&self) -> Vec<Episode> {
        let mut episodes = vec![Episode::default(); self.policy.iter().map(|block| block.trials.len()).sum()];
        for block in &self.policy {
            for (lane, &trial) in block.trials.iter().enumerate() {
                let steps = 0..block.rollout.lengths[lane];
                episodes[trial as usize] = Episode {
                    actions: steps.clone().map(|t| block.rollout.actions[t][lane]).collect(),
                    rewards: steps.clone().map(|t| block.rollout.rewards[t][lane]).collect(),
                    returns: steps.map(|t| block.returns[t][lane]).collect(),
                };
            }
        }
        episodes
    }

    /// Gradients of the last batch, before clipping: policy, value.
    pub fn gradients(&self) -> (&[R], &[R]) {
        (&self.policy_gradient, &self.value_gradient)
    }
}

/// About how many bytes a [`Workspace`] of `lanes` lanes takes, for batches of `n_trials` trials of up to `n_steps` steps.
pub fn bytes_of_update(
    policy: Shape,
    value: Shape,
    n_trials: usize,
    n_steps: usize,
    lanes: usize,
    continuous: bool,
) -> f64 {
    let blocks = if continuous {
        n_trials
    } else {
        n_trials.div_ceil(lanes)
    };
    let of = |shape: Shape, steps: f64| {
        let (n, inputs, outputs) = (
            shape.n_rates() as f64,
            shape.n_inputs as f64,
            shape.n_outputs as f64,
        );
        // State, gates and drive, inputs, probabilities and their gradients; actions, rewards, returns.
        let per_step = 4.0 * (5.0 * n + inputs + 3.0 * outputs) + 32.0;
        let parameters = 4.0 * n * (n + inputs + 1.0);
        steps * lanes as f64 * per_step + 3.0 * 4.0 * parameters
    };
    let longest = seating::capacity(n_steps) as f64;
    blocks as f64 * (of(policy, n_steps as f64) + of(value, longest))
}

/// Actions, discounted rewards and returns of one trial, by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Episode {
    /// Action index.
    pub actions: Vec<usize>,
    /// Discounted reward.
    pub rewards: Vec<f64>,
    /// Return from each step on.
    pub returns: Vec<f64>,
}

/// One update of both networks. Runs its blocks on the current thread pool.
pub fn update<R: Real, const L: usize>(
    policy: &mut Player<R>,
    value: &mut Player<R>,
    batch: &dyn Batch,
    key: Key,
    randomness: &dyn Randomness<R, L>,
    rules: &Rules,
    work: &mut Workspace<R, L>,
) -> Report {
    act(&policy.network, batch, key, randomness, rules, work);
    let executed: usize = work.policy.iter().flat_map(|block| block.rollout.lengths).sum();
    arrange(work, rules);
    predict(value, randomness, rules, executed, work);
    follow(policy, rules, batch, executed, work);
    reduce(
        &mut work.policy_gradient,
        work.policy.iter().map(|block| &block.flat[..]),
    );
    reduce(
        &mut work.value_gradient,
        work.value.iter().map(|block| &block.flat[..]),
    );

    let value_penalty = value.penalise_weights(&mut work.value_gradient);
    let policy_penalty = policy.penalise_weights(&mut work.policy_gradient);
    let value_step = value.apply(&mut work.value_gradient.clone(), rules.max_gradient_norm);
    let policy_step = policy.apply(&mut work.policy_gradient.clone(), rules.max_gradient_norm);
    let n_trials = batch.n_trials() as f64;
    let reward: f64 = work
        .policy
        .iter()
        .filter_map(|block| block.returns.first())
        .flatten()
        .sum();
    Report {
        mean_reward: reward / n_trials,
        mean_steps: executed as f64 / n_trials,
        policy_loss: work.policy.iter().map(|block| block.loss).sum(),
        value_loss: work.value.iter().map(|block| block.loss).sum(),
        policy_penalty: policy_penalty + work.policy.iter().map(|block| block.penalty).sum::<f64>(),
        value_penalty: value_penalty + work.value.iter().map(|block| block.penalty).sum::<f64>(),
        policy_step,
        value_step,
    }
}

/// Rolls out every block.
fn act<R: Real, const L: usize>(
    policy: &Network<R>,
    batch: &dyn Batch,
    key: Key,
    randomness: &dyn Randomness<R, L>,
    rules: &Rules,
    work: &mut Workspace<R, L>,
) {
    let mut order: Vec<u64> = (0..batch.n_trials() as u64).collect();
    if !rules.continuous {
        order.sort_by_key(|&trial| std::cmp::Reverse(batch.expected_steps(trial as usize)));
    }
    let lanes = if rules.continuous { 1 } else { L };
    for (block, trials) in work.policy.iter_mut().zip(order.chunks(lanes)) {
        block.trials = trials.to_vec();
    }
    let run = |block: &mut PolicyBlock<R, L>, states: Option<&[R]>, look_ahead: bool| {
        let mut world = batch.open(key, &block.trials, L);
        let mut draws = randomness.policy(&block.trials);
        let (n_trials, n_steps) = (block.trials.len(), batch.n_steps());
        let discount = rules.discount_per_step;
        let rollout = &mut block.rollout;
        roll_out(
            policy,
            &mut *world,
            &mut *draws,
            n_trials,
            n_steps,
            discount,
            states,
            rollout,
        );
        block.returns = rollout.returns();
        if look_ahead {
            let t = rollout.n_steps();
            step_input(policy, &mut *world, &mut *draws, t, rollout);
        }
    };
    if rules.continuous {
        let mut states = work.carried_policy.take();
        for block in &mut work.policy {
            run(block, states.as_deref(), true);
            states = Some(block.rollout.history.state(block.rollout.n_steps()).to_vec());
        }
        work.carried_policy = states;
    } else {
        work.policy
            .par_iter_mut()
            .for_each(|block| run(block, None, false));
    }
}

/// Seats the trials in the value network's blocks.
fn arrange<R: Real, const L: usize>(work: &mut Workspace<R, L>, rules: &Rules) {
    let mut trials: Vec<(usize, usize)> = Vec::new();
    for (p, block) in work.policy.iter().enumerate() {
        trials.extend((0..block.trials.len()).map(|column| (p, column)));
    }
    let policy = &work.policy;
    let steps_of = |&(p, column): &(usize, usize)| policy[p].rollout.lengths[column];
    for block in &mut work.value {
        block.seats.clear();
        block.lengths = [0; L];
    }
    let places = if rules.continuous {
        (0..trials.len())
            .map(|block| seating::Place {
                block,
                lane: 0,
                start: 0,
            })
            .collect()
    } else {
        trials.sort_by_key(|trial| {
            (
                std::cmp::Reverse(steps_of(trial)),
                policy[trial.0].trials[trial.1],
            )
        });
        seating::seat(&trials.iter().map(steps_of).collect::<Vec<_>>(), L)
    };
    for (trial, place) in trials.iter().zip(places) {
        let block = &mut work.value[place.block];
        let n_steps = steps_of(trial);
        block.lengths[place.lane] += n_steps;
        block.seats.push(Seat {
            block: trial.0,
            column: trial.1,
            lane: place.lane,
            start: place.start,
            n_steps,
        });
    }
}

/// Predicts every return and goes back through the value loss.
fn predict<R: Real, const L: usize>(
    value: &Player<R>,
    randomness: &dyn Randomness<R, L>,
    rules: &Rules,
    executed: usize,
    work: &mut Workspace<R, L>,
) {
    let (blocks, policy) = (&mut work.value, &work.policy);
    if rules.continuous {
        let mut states = work.carried_value.take();
        for block in blocks {
            states = Some(block.forward(value, policy, randomness, rules, states.as_deref()));
            block.backward(value, policy, executed, false);
        }
        work.carried_value = states;
    } else {
        blocks.par_iter_mut().for_each(|block| {
            block.forward(value, policy, randomness, rules, None);
            block.backward(value, policy, executed, true);
        });
    }
}

/// Goes back through the policy's objective.
fn follow<R: Real, const L: usize>(
    policy: &Player<R>,
    rules: &Rules,
    batch: &dyn Batch,
    executed: usize,
    work: &mut Workspace<R, L>,
) {
    let n_trials = batch.n_trials();
    let advantages = advantages(&work.policy, &work.value, rules);
    work.policy
        .par_iter_mut()
        .zip(&advantages)
        .for_each(|(block, advantages)| {
            let n_actions = policy.network.shape().n_outputs;
            let lengths = block.rollout.lengths;
            block.loss = 0.0;
            for t in 0..block.rollout.n_steps() {
                let width = n_actions * L;
                let probabilities = &block.rollout.probabilities[t * width..][..width];
                let d_outputs = &mut block.d_outputs[t * width..][..width];
                d_outputs.fill(R::ZERO);
                for lane in 0..block.trials.len() {
                    if t >= lengths[lane] {
                        continue;
                    }
                    let advantage = advantages[t][lane];
                    let action = block.rollout.actions[t][lane];
                    for a in 0..n_actions {
                        let chosen = if a == action { R::ONE } else { R::ZERO };
                        d_outputs[a * L + lane] =
                            R::of(advantage / n_trials as f64) * (probabilities[a * L + lane] - chosen);
                    }
                    block.loss -= advantage * probabilities[action * L + lane].f64().ln() / n_trials as f64;
                    if rules.entropy_bonus != 0.0 && batch.offers_choice(block.trials[lane] as usize, t) {
                        let weight = rules.entropy_bonus / n_trials as f64;
                        block.loss -= add_entropy_gradient::<R, L>(weight, probabilities, lane, d_outputs);
                    }
                }
            }
            let rates = rate_penalty(policy, executed);
            block.penalty = rates / 2.0 * squared_rates(&block.rollout.history, &lengths, rates != 0.0);
            let from_x0 = !rules.continuous; // carried states are constants
            let going_back = Backward {
                d_outputs: &block.d_outputs,
                lengths: &lengths,
                rate_penalty: rates,
                from_x0,
            };
            policy
                .network
                .backward(&block.rollout.history, going_back, &mut block.gradients);
            block.flat.fill(R::ZERO);
            policy.network.collect(&mut block.gradients, &mut block.flat);
        });
}

/// Sum of the blocks' gradients, in block order.
pub(crate) fn reduce<'a, R: Real>(total: &mut [R], blocks: impl Iterator<Item = &'a [R]>) {
    total.fill(R::ZERO);
    for block in blocks {
        for (total, &part) in total.iter_mut().zip(block) {
            *total += part;
        }
    }
}
