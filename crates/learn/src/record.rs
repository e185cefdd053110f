//! Running trained networks and keeping what they saw and did: inputs, rates, action probabilities, predictions.

use crate::batch::TaskBatch;
use crate::rollout::{Keyed, Rollout, roll_out};
use crate::update::{Batch, Player, ValueInput};
use neuropil_math::noise::NoiseLanes;
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::network::{History, Keep};
use neuropil_tasks::performance::End;
use rayon::prelude::*;

const LANES: usize = 16;

/// What both networks did in one trial, at every kept step that was executed.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording<R> {
    /// How the trial ended.
    pub end: End,
    /// Summed (discounted) reward.
    pub reward: f64,
    /// Inputs shown, noise included, \[kept step\]\[input\]; 0 at the initial state, which has none.
    pub inputs: Vec<R>,
    /// Probability of each action, \[kept step\]\[action\].
    pub probabilities: Vec<R>,
    /// Rates of the policy, \[kept step\]\[unit\].
    pub policy: Vec<R>,
    /// Rates of the value network, \[kept step\]\[unit\]; the state itself for a linear read-out.
    pub value: Vec<R>,
    /// Predicted return, \[kept step\].
    pub predicted: Vec<R>,
}

/// Runs every trial of a batch and keeps every `every`-th step; in trial order.
///
/// The value network sees what it saw in training, so predictions are those that it was trained to make.
pub fn record<R: Real>(
    policy: &Player<R>,
    value: &Player<R>,
    batch: &TaskBatch,
    discount_per_step: f64,
    sees: ValueInput,
    every: usize,
    key: Key,
) -> Vec<Recording<R>> {
    let ids: Vec<u64> = (0..batch.n_trials() as u64).collect();
    let blocks: Vec<Vec<Recording<R>>> = ids
        .par_chunks(LANES)
        .map(|ids| {
            let (network, n_steps) = (&policy.network, batch.n_steps());
            let mut rollout = Rollout::<R, LANES>::new(network, n_steps, Keep::All);
            let mut world = batch.open(key, ids, LANES);
            let mut draws = Keyed::<LANES>::new(key, ids, policy.noise_sd);
            let n = ids.len();
            roll_out(
                network,
                &mut *world,
                &mut draws,
                n,
                n_steps,
                discount_per_step,
                None,
                &mut rollout,
            );
            block(&mut rollout, value, sees, every, key, ids)
        })
        .collect();
    blocks.into_iter().flatten().collect()
}

fn block<R: Real>(
    rollout: &mut Rollout<R, LANES>,
    value: &Player<R>,
    sees: ValueInput,
    every: usize,
    key: Key,
    ids: &[u64],
) -> Vec<Recording<R>> {
    let mut recordings: Vec<Recording<R>> = (0..ids.len())
        .map(|lane| Recording {
            end: rollout.end(lane),
            reward: rollout.reward(lane),
            inputs: Vec::new(),
            probabilities: Vec::new(),
            policy: Vec::new(),
            value: Vec::new(),
            predicted: Vec::new(),
        })
        .collect();
    let network = &value.network;
    let mut history = History::<R, LANES>::new(network.shape(), 2, Keep::Last);
    let mut noise = NoiseLanes::<LANES>::new(key, Purpose::ValueNoise, ids);
    let mut predicted = vec![R::ZERO; LANES];
    let rectified = network.layout().has("w_rec");
    let n_inputs = rollout.history.input_mut(1).len();
    let width = rollout.probabilities.len() / rollout.actions.len();
    network.begin(&mut history, None);
    for t in 0..rollout.n_steps() {
        if t > 0 {
            let input = history.input_mut(t);
            let seen = rollout
                .history
                .state(if sees == ValueInput::Lagged { t - 1 } else { t });
            let (rates, actions) = input.split_at_mut(seen.len());
            for (rate, &state) in rates.iter_mut().zip(seen) {
                *rate = state.larger(R::ZERO);
            }
            for (a, row) in actions.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                *row = rollout.actions[t - 1].map(|action| if a == action { R::ONE } else { R::ZERO });
            }
            noise.fill_normal(value.noise_sd, history.noise_mut(t));
            network.advance(&mut history, t);
        }
        if !t.is_multiple_of(every) {
            continue;
        }
        network.read_out(&history, t, &mut predicted);
        let shown = if t == 0 {
            vec![R::ZERO; n_inputs]
        } else {
            rollout.history.input_mut(t).to_vec()
        };
        for (lane, recording) in recordings.iter_mut().enumerate() {
            if t >= rollout.lengths[lane] {
                continue;
            }
            let rate = |row: &[R; LANES], rectified: bool| {
                if rectified {
                    row[lane].larger(R::ZERO)
                } else {
                    row[lane]
                }
            };
            let of = |state: &[R], rectified| -> Vec<R> {
                state
                    .as_chunks::<LANES>()
                    .0
                    .iter()
                    .map(|row| rate(row, rectified))
                    .collect()
            };
            recording.inputs.extend(of(&shown, false));
            let probabilities = &rollout.probabilities[t * width..][..width];
            recording.probabilities.extend(of(probabilities, false));
            recording.policy.extend(of(rollout.history.state(t), true));
            recording.value.extend(of(history.state(t), rectified));
            recording.predicted.push(predicted[lane]);
        }
    }
    recordings
}
