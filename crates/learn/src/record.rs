//! Running trained networks and keeping what they saw and did: inputs, rates, action probabilities, predictions.

use crate::batch::{Batch, TaskBatch};
use crate::carry::{at_each_end, chains, states_beyond};
use crate::player::Player;
use crate::rollout::{Keyed, Rollout, roll_out};
use crate::rules::ValueInput;
use neuropil_math::noise::NoiseLanes;
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::network::{History, Keep};
use neuropil_tasks::performance::End;
use neuropil_tasks::round::Round;
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
    /// The same at every step, kept or not, \[step\]\[input\]: short pulses fall between kept steps.
    pub shown: Vec<R>,
    /// Probability of each action, \[kept step\]\[action\].
    pub probabilities: Vec<R>,
    /// Rates of the policy, \[kept step\]\[unit\].
    pub policy: Vec<R>,
    /// Rates of the value network, \[kept step\]\[unit\]; the state itself for a linear read-out.
    pub value: Vec<R>,
    /// Predicted return, \[kept step\].
    pub predicted: Vec<R>,
    /// Trials of a session that is made of trials, in order.
    pub rounds: Vec<Round>,
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
    let chains = chains(batch.n_trials(), LANES, batch.continuous);
    let blocks: Vec<Vec<(u64, Recording<R>)>> = chains
        .par_iter()
        .map(|chain| {
            let (network, n_steps) = (&policy.network, batch.n_steps());
            let mut rollout = Rollout::<R, LANES>::new(network, n_steps, Keep::All);
            let (mut recorded, mut states, mut value_states) = (Vec::new(), None, None);
            for ids in chain {
                let mut world = batch.open(key, ids, LANES);
                let mut draws = Keyed::<LANES>::new(key, ids, policy.noise_sd);
                roll_out(
                    network,
                    &mut *world,
                    &mut draws,
                    ids.len(),
                    n_steps,
                    discount_per_step,
                    states.as_deref(),
                    &mut rollout,
                );
                if batch.continuous {
                    states = Some(states_beyond(network, &mut *world, &mut draws, &mut rollout));
                }
                let begin = value_states.as_deref();
                let (mut recordings, beyond) = block(
                    &mut rollout,
                    value,
                    sees,
                    every,
                    key,
                    ids,
                    batch.continuous,
                    begin,
                );
                value_states = beyond;
                for (recording, rounds) in recordings.iter_mut().zip(world.rounds()) {
                    recording.rounds = rounds;
                }
                recorded.extend(ids.iter().copied().zip(recordings));
            }
            recorded
        })
        .collect();
    let mut recordings: Vec<(u64, Recording<R>)> = blocks.into_iter().flatten().collect();
    recordings.sort_by_key(|(id, _)| *id);
    recordings.into_iter().map(|(_, recording)| recording).collect()
}

/// What one block did, and where the value network stands one step beyond, if trials are `continuous`.
fn block<R: Real>(
    rollout: &mut Rollout<R, LANES>,
    value: &Player<R>,
    sees: ValueInput,
    every: usize,
    key: Key,
    ids: &[u64],
    continuous: bool,
    states: Option<&[R]>,
) -> (Vec<Recording<R>>, Option<Vec<R>>) {
    let mut recordings: Vec<Recording<R>> = (0..ids.len())
        .map(|lane| Recording {
            end: rollout.end(lane),
            reward: rollout.reward(lane),
            inputs: Vec::new(),
            shown: Vec::new(),
            probabilities: Vec::new(),
            policy: Vec::new(),
            value: Vec::new(),
            predicted: Vec::new(),
            rounds: Vec::new(),
        })
        .collect();
    let network = &value.network;
    let n_steps = rollout.n_steps();
    let (kept, keep) = if continuous {
        (n_steps + 1, Keep::All)
    } else {
        (2, Keep::Last)
    };
    let mut history = History::<R, LANES>::new(network.shape(), kept, keep);
    let mut noise = NoiseLanes::<LANES>::new(key, Purpose::ValueNoise, ids);
    let mut predicted = vec![R::ZERO; LANES];
    let n_inputs = rollout.history.input_mut(1).len();
    let width = rollout.probabilities.len() / rollout.actions.len();
    network.begin(&mut history, states);
    for t in 0..n_steps + usize::from(continuous) {
        if t > 0 {
            let input = history.input_mut(t);
            let seen = rollout.history.read(t - sees.recording_lag());
            let (rates, actions) = input.split_at_mut(seen.len());
            for (rate, &state) in rates.iter_mut().zip(seen) {
                *rate = rollout.history.rate(state);
            }
            for (a, row) in actions.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                *row = rollout.actions[t - 1].map(|action| if a == action { R::ONE } else { R::ZERO });
            }
            noise.fill_normal(value.noise_sd, history.noise_mut(t));
            network.advance(&mut history, t);
        }
        if t == n_steps {
            continue;
        }
        let shown = if t == 0 {
            vec![R::ZERO; n_inputs]
        } else {
            rollout.history.input_mut(t).to_vec()
        };
        for (lane, recording) in recordings.iter_mut().enumerate() {
            if t < rollout.lengths[lane] {
                recording.shown.extend(of_lane(&shown, lane));
            }
        }
        if !t.is_multiple_of(every) {
            continue;
        }
        network.read_out(&history, t, &mut predicted);
        for (lane, recording) in recordings.iter_mut().enumerate() {
            if t >= rollout.lengths[lane] {
                continue;
            }
            recording.inputs.extend(of_lane(&shown, lane));
            let probabilities = &rollout.probabilities[t * width..][..width];
            recording.probabilities.extend(of_lane(probabilities, lane));
            let rates = |history: &History<R, LANES>| -> Vec<R> {
                of_lane(history.read(t), lane).map(|x| history.rate(x)).collect()
            };
            recording.policy.extend(rates(&rollout.history));
            recording.value.extend(rates(&history));
            recording.predicted.push(predicted[lane]);
        }
    }
    let beyond = continuous.then(|| at_each_end(|t| history.state(t), &rollout.lengths));
    (recordings, beyond)
}

/// One lane of rows \[row\]\[LANES\].
fn of_lane<R: Real>(rows: &[R], lane: usize) -> impl Iterator<Item = R> {
    rows.as_chunks::<LANES>().0.iter().map(move |row| row[lane])
}
