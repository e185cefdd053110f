//! Blocks of lanes: what one thread works on in an update.
//!
//! A block costs as much as its longest lane: the policy's are filled by the length a trial is expected to have,
//! those of the value network, which knows how long every trial was, by `seating`.

use crate::player::Player;
use crate::randomness::Randomness;
use crate::rollout::Rollout;
use crate::rules::{Rules, ValueInput};
use crate::seating;
use neuropil_math::real::Real;
use neuropil_nn::buffer::Buffer;
use neuropil_nn::network::{Backward, Gradients, History, Keep, Network};
use rayon::prelude::*;

#[derive(Debug)]
pub(crate) struct PolicyBlock<R, const L: usize> {
    pub(crate) trials: Vec<u64>,
    pub(crate) rollout: Rollout<R, L>,
    pub(crate) returns: Vec<[f64; L]>,
    pub(crate) d_outputs: Buffer<R>,
    pub(crate) gradients: Gradients<R, L>,
    pub(crate) flat: Vec<R>,
    pub(crate) loss: f64,
    pub(crate) penalty: f64,
}

#[derive(Debug)]
pub(crate) struct ValueBlock<R, const L: usize> {
    pub(crate) seats: Vec<Seat>,
    /// Steps of all trials of each lane together.
    pub(crate) lengths: [usize; L],
    pub(crate) history: History<R, L>,
    pub(crate) values: Buffer<R>,
    pub(crate) d_outputs: Buffer<R>,
    pub(crate) gradients: Gradients<R, L>,
    pub(crate) flat: Vec<R>,
    pub(crate) loss: f64,
    pub(crate) penalty: f64,
}

/// Where a trial sits in a block of the value network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    /// The trial's block and lane in the policy.
    pub(crate) block: usize,
    pub(crate) column: usize,
    /// Its lane here, and the index in it at which the trial starts.
    pub(crate) lane: usize,
    pub(crate) start: usize,
    pub(crate) n_steps: usize,
}

impl<R: Real, const L: usize> PolicyBlock<R, L> {
    /// Room for trials of up to `n_steps` steps.
    pub(crate) fn new(policy: &Network<R>, n_steps: usize) -> Self {
        Self {
            trials: Vec::new(),
            rollout: Rollout::new(policy, n_steps, Keep::All),
            returns: Vec::new(),
            d_outputs: Buffer::zeros(n_steps * policy.shape().n_outputs * L),
            gradients: policy.gradients(),
            flat: vec![R::ZERO; policy.layout().len()],
            loss: 0.0,
            penalty: 0.0,
        }
    }
}

impl<R: Real, const L: usize> ValueBlock<R, L> {
    /// Room for lanes in which trials of up to `n_steps` steps follow one another.
    pub(crate) fn new(value: &Network<R>, n_steps: usize) -> Self {
        let longest = seating::capacity(n_steps);
        Self {
            seats: Vec::new(),
            lengths: [0; L],
            history: History::new(value.shape(), longest + 1, Keep::All),
            values: Buffer::zeros(longest * L),
            d_outputs: Buffer::zeros(longest * L),
            gradients: value.gradients(),
            flat: vec![R::ZERO; value.layout().len()],
            loss: 0.0,
            penalty: 0.0,
        }
    }

    /// Predicts every return from `states`, or from x0; what the states are one step beyond the end in continuous mode.
    pub(crate) fn forward(
        &mut self,
        value: &Player<R>,
        policy: &[PolicyBlock<R, L>],
        randomness: &dyn Randomness<R, L>,
        rules: &Rules,
        states: Option<&[R]>,
    ) -> Vec<R> {
        let longest = self.lengths.iter().copied().max().unwrap_or(0);
        let n_steps = (longest + usize::from(rules.continuous)).max(1);
        let (network, seats, history) = (&value.network, &self.seats, &mut self.history);
        let (inputs, drive) = history.inputs_and_noise_mut(1..n_steps);
        rayon::join(
            || show(seats, policy, rules.value_input, inputs, n_steps),
            || draw_noise(seats, policy, randomness, drive, n_steps),
        );
        network.begin(history, states);
        network.project(history, 1..n_steps);
        for t in 0..n_steps {
            if t > 0 {
                network.recur(history, t);
                for seat in seats.iter().filter(|seat| seat.start == t) {
                    network.restart(history, t, seat.lane);
                }
            }
            if t < longest {
                network.read_out(history, t, &mut self.values[t * L..][..L]);
            }
        }
        if rules.continuous {
            history.state(longest).to_vec()
        } else {
            Vec::new()
        }
    }

    /// Goes back through the value loss.
    pub(crate) fn backward(
        &mut self,
        value: &Player<R>,
        policy: &[PolicyBlock<R, L>],
        executed: usize,
        from_x0: bool,
    ) {
        self.loss = 0.0;
        let longest = self.lengths.iter().copied().max().unwrap_or(0);
        self.d_outputs[..longest * L].fill(R::ZERO);
        for seat in &self.seats {
            for t in 0..seat.n_steps {
                let place = (seat.start + t) * L + seat.lane;
                let error = self.values[place].f64() - policy[seat.block].returns[t][seat.column];
                self.loss += error * error / executed as f64;
                self.d_outputs[place] = R::of(2.0 * error / executed as f64);
            }
        }
        let rates = rate_penalty(value, executed);
        self.penalty = rates / 2.0 * squared_rates(&self.history, &self.lengths, rates != 0.0);
        let block = Backward {
            d_outputs: &self.d_outputs,
            lengths: &self.lengths,
            rate_penalty: rates,
            from_x0,
        };
        value.network.backward(&self.history, block, &mut self.gradients);
        self.flat.fill(R::ZERO);
        value.network.collect(&mut self.gradients, &mut self.flat);
    }
}

/// Inputs of a value block at indices 1 to `n_steps` − 1: rates of the policy and its last action, in the block's
/// lanes; \[step\]\[input + 1\]\[L\].
fn show<R: Real, const L: usize>(
    seats: &[Seat],
    policy: &[PolicyBlock<R, L>],
    see: ValueInput,
    inputs: &mut [R],
    n_steps: usize,
) {
    if n_steps == 1 {
        return;
    }
    let width = inputs.len() / (n_steps - 1);
    inputs
        .par_chunks_mut(width)
        .enumerate()
        .with_min_len(16)
        .for_each(|(step, inputs)| {
            let rows = inputs.as_chunks_mut::<L>().0;
            for seat in seats {
                // One step beyond the trial's end, for continuous mode.
                let Some(t) = (step + 1)
                    .checked_sub(seat.start)
                    .filter(|t| (1..=seat.n_steps).contains(t))
                else {
                    continue;
                };
                let rollout = &policy[seat.block].rollout;
                let seen = t - see.training_lag();
                let (states, action) = (
                    rollout.history.read(seen).as_chunks::<L>().0,
                    rollout.actions[t - 1][seat.column],
                );
                let (rates, actions) = rows.split_at_mut(states.len());
                for (rate, state) in rates.iter_mut().zip(states) {
                    rate[seat.lane] = rollout.history.rate(state[seat.column]);
                }
                let n_actions = actions.len() - 1; // the row below stays 1
                for (a, row) in actions[..n_actions].iter_mut().enumerate() {
                    row[seat.lane] = if a == action { R::ONE } else { R::ZERO };
                }
            }
        });
}

/// Noise of a value block at indices 1 to `n_steps` − 1, \[step\]\[unit\]\[L\].
fn draw_noise<R: Real, const L: usize>(
    seats: &[Seat],
    policy: &[PolicyBlock<R, L>],
    randomness: &dyn Randomness<R, L>,
    drive: &mut [R],
    n_steps: usize,
) {
    if drive.is_empty() {
        return;
    }
    let width = drive.len() / (n_steps - 1);
    let mut noise = randomness.value();
    for t in 0..n_steps {
        if t > 0 {
            noise.fill(&mut drive[(t - 1) * width..][..width]);
        }
        for seat in seats.iter().filter(|seat| seat.start == t) {
            noise.seat(seat.lane, policy[seat.block].trials[seat.column]);
        }
    }
}

/// Factor of r in the gradient of the penalty on rates.
pub(crate) fn rate_penalty<R: Real>(player: &Player<R>, executed: usize) -> f64 {
    2.0 * player.penalties.l2_rates / (player.network.shape().n_rates() as f64 * executed as f64)
}

/// Σ r² over executed steps, if `wanted`.
pub(crate) fn squared_rates<R: Real, const L: usize>(
    history: &History<R, L>,
    lengths: &[usize; L],
    wanted: bool,
) -> f64 {
    let longest = if wanted {
        lengths.iter().copied().max().unwrap_or(0)
    } else {
        0
    };
    let mut sum = 0.0;
    for t in 0..longest {
        for row in history.read(t).as_chunks::<L>().0 {
            let living = row.iter().zip(lengths).filter(|&(_, &length)| t < length);
            sum += living.map(|(&x, _)| history.rate(x).f64().powi(2)).sum::<f64>();
        }
    }
    sum
}
