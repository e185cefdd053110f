//! Running a policy network through a block of trials, action by action.
//!
//! Index conventions (Song, Yang & Wang 2017): the state at index 0 is x0, without input or noise. At every
//! index t an action is drawn from the soft-max of the read-out and judged by the world at t; the input that
//! drives the step from t − 1 to t is the one shown at index t.

use neuropil_math::noise::NoiseLanes;
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::buffer::Buffer;
use neuropil_nn::network::{History, Keep, Network};
use neuropil_nn::softmax::softmax;
use neuropil_tasks::environment::Environment;
use neuropil_tasks::performance::End;

/// Where a block's recurrent noise and action draws come from.
pub trait Draws<R, const L: usize> {
    /// Fills `noise` \[unit\]\[L\] for the step to index `t`.
    fn noise(&mut self, t: usize, noise: &mut [R]);
    /// One uniform number in (0, 1) per lane, for the action at index `t`.
    fn uniform(&mut self, t: usize) -> [f64; L];
}

/// Draws from the streams that belong to each trial.
#[derive(Debug)]
pub struct Keyed<const L: usize> {
    noise: NoiseLanes<L>,
    action: NoiseLanes<L>,
    noise_sd: f64,
}

impl<const L: usize> Keyed<L> {
    /// Streams of the given trials; `noise_sd` is the noise's standard deviation per step.
    pub fn new(key: Key, trials: &[u64], noise_sd: f64) -> Self {
        Self {
            noise: NoiseLanes::new(key, Purpose::PolicyNoise, trials),
            action: NoiseLanes::new(key, Purpose::Action, trials),
            noise_sd,
        }
    }
}

impl<R: Real, const L: usize> Draws<R, L> for Keyed<L> {
    fn noise(&mut self, _: usize, noise: &mut [R]) {
        self.noise.fill_normal(self.noise_sd, noise);
    }

    fn uniform(&mut self, _: usize) -> [f64; L] {
        self.action.uniform().map(f64::from)
    }
}

/// What a block of `L` trials did. Arrays are time-major, \[step\]…\[L\].
#[derive(Debug)]
pub struct Rollout<R, const L: usize> {
    /// States and gates of the policy.
    pub history: History<R, L>,
    /// Steps that each lane lived; 0 for an empty lane.
    pub lengths: [usize; L],
    /// Action at each step, \[step\]\[L\].
    pub actions: Vec<[usize; L]>,
    /// Reward at each step, discounted from the start of the trial, \[step\]\[L\]; 0 after the end.
    pub rewards: Vec<[f64; L]>,
    /// Probability of each action, \[step\]\[action\]\[L\]; empty if only the last step was kept.
    pub probabilities: Buffer<R>,
    keep: Keep,
    inputs: Vec<f64>,
    z: Buffer<R>,
}

impl<R: Real, const L: usize> Rollout<R, L> {
    /// Room for trials of up to `n_steps` steps.
    pub fn new(policy: &Network<R>, n_steps: usize, keep: Keep) -> Self {
        let shape = policy.shape();
        let kept = if keep == Keep::All {
            n_steps * shape.n_outputs * L
        } else {
            0
        };
        Self {
            history: History::new(shape, n_steps + 1, keep), // one more: continuous mode looks a step ahead
            lengths: [0; L],
            actions: vec![[0; L]; n_steps],
            rewards: vec![[0.0; L]; n_steps],
            probabilities: Buffer::zeros(kept),
            keep,
            inputs: vec![0.0; shape.n_inputs * L],
            z: Buffer::zeros(shape.n_outputs * L),
        }
    }

    /// Longest trial of the block, in steps.
    pub fn n_steps(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0)
    }

    /// Last action of a lane.
    pub fn end(&self, lane: usize) -> End {
        let step = self.lengths[lane].saturating_sub(1);
        End {
            action: self.actions[step][lane],
            step,
        }
    }

    /// Sum of a lane's (discounted) rewards.
    pub fn reward(&self, lane: usize) -> f64 {
        self.rewards[..self.lengths[lane]]
            .iter()
            .map(|rewards| rewards[lane])
            .sum()
    }

    /// Return of each step from then on, \[step\]\[L\] (rewards are already discounted).
    pub fn returns(&self) -> Vec<[f64; L]> {
        let mut returns = self.rewards[..self.n_steps()].to_vec();
        for t in (1..returns.len()).rev() {
            for l in 0..L {
                returns[t - 1][l] += returns[t][l];
            }
        }
        returns
    }
}

/// Runs the block's first `n_trials` lanes until every trial has ended or `n_steps` steps are over.
///
/// - `discount_per_step`: rewards at index t count exp(−`discount_per_step`·t)
/// - `states`: states to start from, \[state\]\[L\], instead of the network's x0
pub fn roll_out<R: Real, const L: usize>(
    policy: &Network<R>,
    world: &mut dyn Environment,
    draws: &mut dyn Draws<R, L>,
    n_trials: usize,
    n_steps: usize,
    discount_per_step: f64,
    states: Option<&[R]>,
    rollout: &mut Rollout<R, L>,
) {
    let mut living: [bool; L] = std::array::from_fn(|lane| lane < n_trials);
    rollout.lengths = [0; L];
    policy.begin(&mut rollout.history, states);
    for t in 0..n_steps {
        if t > 0 {
            step_input(policy, world, draws, t, rollout);
        }
        policy.read_out(&rollout.history, t, &mut rollout.z);
        softmax::<R, L>(&mut rollout.z);
        if rollout.keep == Keep::All {
            let width = rollout.z.len();
            rollout.probabilities[t * width..][..width].copy_from_slice(&rollout.z);
        }
        let actions = choose(&rollout.z, &draws.uniform(t));
        let (mut rewards, mut ended) = ([0.0; L], [false; L]);
        world.act(t, &actions, &living, &mut rewards, &mut ended);
        let discount = (-discount_per_step * t as f64).exp();
        for l in 0..L {
            rewards[l] = if living[l] { rewards[l] * discount } else { 0.0 };
            rollout.lengths[l] += usize::from(living[l]);
            living[l] &= !ended[l];
        }
        rollout.actions[t] = actions;
        rollout.rewards[t] = rewards;
        if living == [false; L] {
            break;
        }
    }
}

/// Advances the policy to index `t` with that index's input and noise.
pub(crate) fn step_input<R: Real, const L: usize>(
    policy: &Network<R>,
    world: &mut dyn Environment,
    draws: &mut dyn Draws<R, L>,
    t: usize,
    rollout: &mut Rollout<R, L>,
) {
    world.observe(t, &mut rollout.inputs);
    for (u, &input) in rollout.history.input_mut(t).iter_mut().zip(&rollout.inputs) {
        *u = R::of(input);
    }
    draws.noise(t, rollout.history.noise_mut(t));
    policy.advance(&mut rollout.history, t);
}

/// Inverse cumulative distribution: the first action whose cumulative probability exceeds the draw.
pub(crate) fn choose<R: Real, const L: usize>(probabilities: &[R], draw: &[f64; L]) -> [usize; L] {
    let rows = probabilities.as_chunks::<L>().0;
    let mut chosen = [0; L];
    let mut cumulative = [0.0; L];
    for row in &rows[..rows.len() - 1] {
        for l in 0..L {
            cumulative[l] += row[l].f64();
            chosen[l] += usize::from(cumulative[l] <= draw[l]);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn action_is_the_first_whose_cumulative_probability_exceeds_the_draw() {
        let p = [0.5_f64, 0.25, 0.25, 0.75, 0.25, 0.0]; // three actions, two lanes
        assert_eq!(choose::<f64, 2>(&p, &[0.0, 0.0]), [0, 0]);
        assert_eq!(choose::<f64, 2>(&p, &[0.5, 0.25]), [1, 1]);
        assert_eq!(choose::<f64, 2>(&p, &[0.75, 0.999]), [2, 1]);
    }
}
