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
//! are added in block order, so an update depends on the seed and not on the number of threads. A block costs as
//! much as its longest lane: the policy's are filled by the length a trial is expected to have, those of the value
//! network, which knows how long every trial was, by `seating`.

use crate::advantage::{add_entropy_gradient, advantages};
use crate::rollout::{Draws, Keyed, Rollout, roll_out, step_input};
use crate::seating;
use neuropil_math::noise::NoiseLanes;
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::adam::{Adam, Step};
use neuropil_nn::buffer::Buffer;
use neuropil_nn::network::{Backward, Gradients, History, Keep, Network};
use neuropil_tasks::environment::Environment;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Trials to learn from or to be tested on.
pub trait Batch: Sync {
    /// Number of trials.
    fn n_trials(&self) -> usize;
    /// Longest possible trial, in steps.
    fn n_steps(&self) -> usize;
    /// Steps that a trial is likely to take; only the speed depends on it.
    fn expected_steps(&self, trial: usize) -> usize;
    /// The world that answers the given trials, one a lane, `lanes` lanes wide.
    fn open(&self, key: Key, trials: &[u64], lanes: usize) -> Box<dyn Environment + '_>;
}

/// What weighs the action at the first step (song: `t0_return`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstReturn {
    /// The immediate reward R₀, as the published code has it: this is what makes learning start.
    Immediate,
    /// The return G₀, as the textbook has it.
    Return,
}

/// Which rates the value network sees at step t, beside the action at t − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueInput {
    /// Those of step t − 1.
    Lagged,
    /// Those of step t.
    Concurrent,
    /// Those of step t − 1 in training and of step t when activity is recorded, as the published code has it.
    Reference,
}

impl ValueInput {
    /// How many steps behind the rates are that the value network sees while it learns.
    pub fn training_lag(self) -> usize {
        usize::from(self != Self::Concurrent)
    }

    /// The same while its activity and predictions are recorded.
    pub fn recording_lag(self) -> usize {
        usize::from(self == Self::Lagged)
    }
}

/// What a network learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Teacher {
    /// Reward: policy gradient with a value network.
    Reward,
    /// Targets of the trial table: see [`crate::supervised`].
    Targets,
}

/// How to learn.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// What from.
    pub teacher: Teacher,
    /// Rewards at step t count exp(−`discount_per_step`·t).
    pub discount_per_step: f64,
    /// Weight of the first action.
    pub first_return: FirstReturn,
    /// What the value network sees.
    pub value_input: ValueInput,
    /// Longest gradient, in the L2 norm over all parameters of a network.
    pub max_gradient_norm: f64,
    /// Each trial starts from the states that the one before it ended in.
    pub continuous: bool,
    /// λ of the generalised advantage estimate; 1: return minus prediction, as in the paper.
    pub gae_lambda: f64,
    /// Advantages get mean 0 and standard deviation 1 over the steps of a batch.
    pub standardise_advantage: bool,
    /// Weight β of the policy's entropy in its objective; 0 switches it off.
    pub entropy_bonus: f64,
}

impl Default for Rules {
    /// Those of the paper, undiscounted.
    fn default() -> Self {
        Self {
            teacher: Teacher::Reward,
            discount_per_step: 0.0,
            first_return: FirstReturn::Immediate,
            value_input: ValueInput::Lagged,
            max_gradient_norm: 1.0,
            continuous: false,
            gae_lambda: 1.0,
            standardise_advantage: false,
            entropy_bonus: 0.0,
        }
    }
}

/// Penalties on weights and rates; 0 switches one off.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalties {
    /// L1 on recurrent weights, per weight.
    pub l1_recurrent: f64,
    /// L2 on recurrent and gate weights, per weight.
    pub l2_recurrent: f64,
    /// L2 on rates, per unit and executed step.
    pub l2_rates: f64,
}

/// A network with its parameters and everything that moves them.
#[derive(Debug)]
pub struct Player<R> {
    /// The network; always loaded with `params`.
    pub network: Network<R>,
    /// Current parameters, flat.
    pub params: Vec<R>,
    /// Moments of the optimiser.
    pub adam: Adam<R>,
    /// Arrays that never move.
    pub fixed: Vec<String>,
    /// Learning rate.
    pub learning_rate: f64,
    /// Standard deviation of the recurrent noise per step.
    pub noise_sd: f64,
    /// Penalties.
    pub penalties: Penalties,
    /// Dale's law: the first so many units excite alone, the others inhibit alone.
    pub excitatory_units: Option<usize>,
}

impl<R: Real> Player<R> {
    /// A network about to learn from fresh moments, with nothing fixed and no penalty.
    pub fn new(mut network: Network<R>, params: Vec<R>, learning_rate: f64, noise_sd: f64) -> Self {
        network.load(&params);
        let adam = Adam::new(params.len());
        Self {
            network,
            params,
            adam,
            fixed: Vec::new(),
            learning_rate,
            noise_sd,
            penalties: Penalties::default(),
            excitatory_units: None,
        }
    }

    /// Replaces the parameters.
    pub fn set_params(&mut self, params: &[R]) {
        self.params.copy_from_slice(params);
        self.network.load(&self.params);
    }

    /// Penalties on the weights: adds their gradient, returns their value.
    pub(crate) fn penalise_weights(&self, gradient: &mut [R]) -> f64 {
        let Penalties {
            l1_recurrent: l1,
            l2_recurrent: l2,
            ..
        } = self.penalties;
        let layout = self.network.layout();
        if (l1 == 0.0 && l2 == 0.0) || !layout.has("w_rec") {
            return 0.0;
        }
        let n = self.network.shape().n_units as f64;
        let n_blocks = layout.view(&self.params, "b_in").len() as f64 / n; // drive and gates
        let arrays = [
            ("w_rec", l1 / (n * n), l2 / (n_blocks * n * n)),
            ("w_gates", 0.0, l2 / (n_blocks * n * n)),
        ];
        let mut penalty = 0.0;
        for (name, l1, l2) in arrays.into_iter().filter(|(name, ..)| layout.has(name)) {
            let exists = layout.view(&self.network.mask().0, name);
            let weights = layout.view(&self.params, name).iter().zip(exists);
            for (g, (w, &exists)) in layout.view_mut(gradient, name).iter_mut().zip(weights) {
                if exists {
                    let w = w.f64();
                    penalty += l1 * w.abs() + l2 * w * w;
                    let sign = if w == 0.0 { 0.0 } else { w.signum() };
                    *g += R::of(l1 * sign + 2.0 * l2 * w);
                }
            }
        }
        penalty
    }

    /// Clips, steps and reloads; the gradient of fixed arrays counts as 0.
    pub(crate) fn apply(&mut self, gradient: &mut [R], max_norm: f64) -> Step {
        self.hold(gradient);
        let step = self
            .adam
            .step(&mut self.params, gradient, self.learning_rate, max_norm);
        self.obey_dale();
        self.network.load(&self.params);
        step
    }
}

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

/// Where the draws of an update come from.
pub trait Randomness<R, const L: usize>: Sync {
    /// Noise and action draws of the policy for the given trials.
    fn policy(&self, trials: &[u64]) -> Box<dyn Draws<R, L> + '_>;
    /// Noise of the value network.
    fn value(&self) -> Box<dyn SeatedNoise<R> + Send + '_>;
}

/// Noise of lanes in which trials follow one another.
pub trait SeatedNoise<R> {
    /// From now on `lane` draws for `trial`, from the trial's first step.
    fn seat(&mut self, lane: usize, trial: u64);
    /// Fills \[unit\]\[L\] with the noise of every lane's next step.
    fn fill(&mut self, noise: &mut [R]);
}

/// Draws from the streams of each trial under `key`.
#[derive(Clone, Copy, Debug)]
pub struct KeyedRandomness {
    /// Names the streams.
    pub key: Key,
    /// Standard deviation of the policy's recurrent noise.
    pub policy_noise_sd: f64,
    /// Standard deviation of the value network's recurrent noise.
    pub value_noise_sd: f64,
}

impl<R: Real, const L: usize> Randomness<R, L> for KeyedRandomness {
    fn policy(&self, trials: &[u64]) -> Box<dyn Draws<R, L> + '_> {
        Box::new(Keyed::<L>::new(self.key, trials, self.policy_noise_sd))
    }

    fn value(&self) -> Box<dyn SeatedNoise<R> + Send + '_> {
        Box::new(KeyedValueNoise::<L> {
            key: self.key,
            lanes: NoiseLanes::new(self.key, Purpose::ValueNoise, &[]),
            sd: self.value_noise_sd,
        })
    }
}

struct KeyedValueNoise<const L: usize> {
    key: Key,
    lanes: NoiseLanes<L>,
    sd: f64,
}

impl<R: Real, const L: usize> SeatedNoise<R> for KeyedValueNoise<L> {
    fn seat(&mut self, lane: usize, trial: u64) {
        self.lanes.seat(lane, self.key, Purpose::ValueNoise, trial);
    }

    fn fill(&mut self, noise: &mut [R]) {
        self.lanes.fill_normal(self.sd, noise);
    }
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

#[derive(Debug)]
pub(crate) struct PolicyBlock<R, const L: usize> {
    pub(crate) trials: Vec<u64>,
    pub(crate) rollout: Rollout<R, L>,
    pub(crate) returns: Vec<[f64; L]>,
    d_outputs: Buffer<R>,
    gradients: Gradients<R, L>,
    flat: Vec<R>,
    loss: f64,
    penalty: f64,
}

#[derive(Debug)]
pub(crate) struct ValueBlock<R, const L: usize> {
    pub(crate) seats: Vec<Seat>,
    /// Steps of all trials of each lane together.
    lengths: [usize; L],
    history: History<R, L>,
    pub(crate) values: Buffer<R>,
    d_outputs: Buffer<R>,
    gradients: Gradients<R, L>,
    flat: Vec<R>,
    loss: f64,
    penalty: f64,
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
        let policy_block = || PolicyBlock {
            trials: Vec::new(),
            rollout: Rollout::new(policy, n_steps, Keep::All),
            returns: Vec::new(),
            d_outputs: Buffer::zeros(n_steps * policy.shape().n_outputs * L),
            gradients: policy.gradients(),
            flat: vec![R::ZERO; policy.layout().len()],
            loss: 0.0,
            penalty: 0.0,
        };
        let longest = seating::capacity(n_steps);
        let value_block = || ValueBlock {
            seats: Vec::new(),
            lengths: [0; L],
            history: History::new(value.shape(), longest + 1, Keep::All),
            values: Buffer::zeros(longest * L),
            d_outputs: Buffer::zeros(longest * L),
            gradients: value.gradients(),
            flat: vec![R::ZERO; value.layout().len()],
            loss: 0.0,
            penalty: 0.0,
        };
        Self {
            policy: (0..blocks).map(|_| policy_block()).collect(),
            value: (0..blocks).map(|_| value_block()).collect(),
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
    follow(policy, rules, batch.n_trials(), executed, work);
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

impl<R: Real, const L: usize> ValueBlock<R, L> {
    fn forward(
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

    fn backward(&mut self, value: &Player<R>, policy: &[PolicyBlock<R, L>], executed: usize, from_x0: bool) {
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

/// Goes back through the policy's objective.
fn follow<R: Real, const L: usize>(
    policy: &Player<R>,
    rules: &Rules,
    n_trials: usize,
    executed: usize,
    work: &mut Workspace<R, L>,
) {
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
                    if rules.entropy_bonus != 0.0 {
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

/// Factor of r in the gradient of the penalty on rates.
fn rate_penalty<R: Real>(player: &Player<R>, executed: usize) -> f64 {
    2.0 * player.penalties.l2_rates / (player.network.shape().n_rates() as f64 * executed as f64)
}

/// Σ r² over executed steps, if `wanted`.
fn squared_rates<R: Real, const L: usize>(
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

/// Sum of the blocks' gradients, in block order.
pub(crate) fn reduce<'a, R: Real>(total: &mut [R], blocks: impl Iterator<Item = &'a [R]>) {
    total.fill(R::ZERO);
    for block in blocks {
        for (total, &part) in total.iter_mut().zip(block) {
            *total += part;
        }
    }
}
