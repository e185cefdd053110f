//! Actor and critic on one trunk: Masse, Grant & Freedman, PNAS 115:E10467 (2018), programs of the recurrent networks.
//!
//! The first A outputs are logits of the actions, the one after them predicts the value V. With live_t = 1 until a trial
//! has ended, m_t = 1 on steps that count, γ the discount, and means over all N = steps × trials:
//!
//! ```text
//! G_t  = r_t + γ V_{t+1} (1 − ended_t),     V = 0 after the last step;      A_t = G_t − V_t       (constants both)
//! L_π  = −1/(N A) Σ live m A_t log(π(a_t) + ε)
//! L_V  = ½ c_V/N Σ live m (V_t − G_t)²
//! H    = −β/N Σ live m Σ_a π_a log(π_a + ε)
//! L    = L_π + L_V − H
//! ```
//!
//! Backwards, with z the logits and h_a = log(π_a + ε) + π_a/(π_a + ε):
//!
//! ```text
//! δz_k = live m [ −A_t/(N A) · π(a_t)/(π(a_t) + ε) · (1[k = a_t] − π_k) + β/N · π_k (h_k − Σ_a π_a h_a) ]
//! δV   = live m c_V/N (V_t − G_t)
//! ```

use crate::rollout::choose;
use crate::unroll::{Judge, Outputs};
use neuropil_math::noise::NoiseLanes;
use neuropil_math::real::Real;
use neuropil_math::rng::Purpose;
use neuropil_nn::softmax::softmax;
use neuropil_tasks::environment::Environment;

/// Constants of the objective.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// Discount γ of the next step's value.
    pub discount: f64,
    /// Weight c_V of the value's squared error.
    pub value_cost: f64,
    /// Weight β of the entropy.
    pub entropy_cost: f64,
    /// ε, which keeps logarithms finite.
    pub epsilon: f64,
    /// Index of the first step at which an action is taken: 1 where the initial state is none.
    pub first_action: usize,
    /// Actions of this many steps from there on are free: they are taken, but nothing is learnt from them.
    pub free_steps: usize,
}

/// What one block did; arrays are \[step\]\[L\].
#[derive(Clone, Debug, PartialEq)]
pub struct Episodes<const L: usize> {
    /// Action taken.
    pub actions: Vec<[usize; L]>,
    /// Reward earned; 0 after the end.
    pub rewards: Vec<[f64; L]>,
    /// The step counts: its trial lives, and it is not free.
    pub counts: Vec<[bool; L]>,
    /// The trial ended here.
    pub ended: Vec<[bool; L]>,
}

/// Losses and returns of a batch, added up over its blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// L_π.
    pub policy_loss: f64,
    /// L_V.
    pub value_loss: f64,
    /// H.
    pub entropy: f64,
    /// Sum over trials of the summed reward.
    pub reward: f64,
    /// Trials in which some reward was positive.
    pub n_correct: usize,
    /// Trials.
    pub n_trials: usize,
}

impl std::iter::Sum for Report {
    fn sum<I: Iterator<Item = Self>>(reports: I) -> Self {
        reports.fold(Self::default(), |a, b| Self {
            policy_loss: a.policy_loss + b.policy_loss,
            value_loss: a.value_loss + b.value_loss,
            entropy: a.entropy + b.entropy,
            reward: a.reward + b.reward,
            n_correct: a.n_correct + b.n_correct,
            n_trials: a.n_trials + b.n_trials,
        })
    }
}

impl Report {
    /// L = L_π + L_V − H.
    pub fn loss(&self) -> f64 {
        self.policy_loss + self.value_loss - self.entropy
    }

    /// Means over trials, by name: summed reward, fraction correct.
    pub fn measures(&self) -> [(&'static str, f64); 2] {
        let n = self.n_trials.max(1) as f64;
        [
            ("reward", self.reward / n),
            ("correct", self.n_correct as f64 / n),
        ]
    }
}

impl Objective {
    /// Losses of one block and the gradient of L with respect to its outputs.
    ///
    /// - `outputs`, `d_outputs`: \[step\]\[A + 1\]\[L\], from step 0 on; the gradient is written where a step counts
    /// - `n`: steps × trials of the whole batch, those that do not count included
    pub fn losses<R: Real, const L: usize>(
        &self,
        episodes: &Episodes<L>,
        outputs: &[R],
        n: f64,
        d_outputs: &mut [R],
    ) -> Report {
        let n_steps = episodes.actions.len();
        let width = outputs.len() / n_steps;
        let n_actions = width / L - 1;
        let value = |t: usize, lane: usize| outputs[t * width + n_actions * L + lane].f64();
        let mut report = Report::default();
        let mut probabilities = vec![R::ZERO; n_actions * L];
        for t in self.first_action..n_steps {
            probabilities.copy_from_slice(&outputs[t * width..][..n_actions * L]);
            softmax::<R, L>(&mut probabilities);
            let d_outputs = &mut d_outputs[t * width..][..width];
            for lane in 0..L {
                if !episodes.counts[t][lane] {
                    continue;
                }
                let goes_on = t + 1 < n_steps && !episodes.ended[t][lane];
                let next = if goes_on { value(t + 1, lane) } else { 0.0 };
                let expected = value(t, lane);
                let advantage = episodes.rewards[t][lane] + self.discount * next - expected;
                let pi: Vec<f64> = (0..n_actions)
                    .map(|a| probabilities[a * L + lane].f64())
                    .collect();
                let action = episodes.actions[t][lane];
                let (policy, entropy) = self.step_gradient(&pi, action, advantage, n, |a, d| {
                    d_outputs[a * L + lane] = R::of(d);
                });
                report.policy_loss += policy;
                report.entropy += entropy;
                report.value_loss += 0.5 * self.value_cost / n * advantage * advantage;
                d_outputs[n_actions * L + lane] = R::of(-self.value_cost / n * advantage);
            }
        }
        report
    }

    /// One step of one trial: its part of L_π and of H; hands δz_k to `add`.
    fn step_gradient(
        &self,
        pi: &[f64],
        action: usize,
        advantage: f64,
        n: f64,
        mut add: impl FnMut(usize, f64),
    ) -> (f64, f64) {
        let (epsilon, weight) = (self.epsilon, advantage / (n * pi.len() as f64));
        let log = |p: f64| (p + epsilon).ln();
        let slope = |p: f64| log(p) + p / (p + epsilon);
        let mean: f64 = pi.iter().map(|&p| p * slope(p)).sum();
        let chosen = weight * pi[action] / (pi[action] + epsilon);
        for (k, &p) in pi.iter().enumerate() {
            let one = if k == action { 1.0 } else { 0.0 };
            add(
                k,
                -chosen * (one - p) + self.entropy_cost / n * p * (slope(p) - mean),
            );
        }
        let entropy = -self.entropy_cost / n * pi.iter().map(|&p| p * log(p)).sum::<f64>();
        (-weight * log(pi[action]), entropy)
    }

    /// Draws actions from the soft-max of the logits and lets the world judge them, step by step.
    pub fn act<R: Real, const L: usize>(
        &self,
        world: &mut dyn Environment,
        block: &Outputs<R>,
    ) -> Episodes<L> {
        let n_steps = block.n_steps;
        let width = block.outputs.len() / n_steps;
        let mut draws = NoiseLanes::<L>::new(block.key, Purpose::Action, block.trials);
        let mut living: [bool; L] = std::array::from_fn(|lane| lane < block.trials.len());
        let mut episodes = Episodes {
            actions: vec![[0; L]; n_steps],
            rewards: vec![[0.0; L]; n_steps],
            counts: vec![[false; L]; n_steps],
            ended: vec![[false; L]; n_steps],
        };
        let mut probabilities = vec![R::ZERO; width - L];
        for t in self.first_action..n_steps {
            probabilities.copy_from_slice(&block.outputs[t * width..][..width - L]);
            softmax::<R, L>(&mut probabilities);
            let actions = choose(&probabilities, &draws.uniform().map(f64::from));
            let (mut rewards, mut ended) = ([0.0; L], [false; L]);
            world.act(t, &actions, &living, &mut rewards, &mut ended);
            for l in 0..L {
                episodes.rewards[t][l] = if living[l] { rewards[l] } else { 0.0 };
                episodes.counts[t][l] = living[l] && t >= self.first_action + self.free_steps;
                episodes.ended[t][l] = living[l] && ended[l];
                living[l] &= !ended[l];
            }
            episodes.actions[t] = actions;
        }
        episodes
    }
}

/// An [`Objective`] for batches of a known size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActorCritic {
    /// Constants of the objective.
    pub objective: Objective,
    /// Trials of the whole batch.
    pub n_trials: usize,
}

impl<R: Real, const L: usize> Judge<R, L> for ActorCritic {
    type Report = Report;

    fn judge(&self, world: &mut dyn Environment, block: Outputs<'_, R>) -> Report {
        let objective = self.objective;
        let episodes: Episodes<L> = objective.act(world, &block);
        let n = (block.n_steps - objective.first_action) as f64 * self.n_trials as f64;
        let mut report = objective.losses(&episodes, block.outputs, n, block.d_outputs);
        report.n_trials = block.trials.len();
        for lane in 0..block.trials.len() {
            let rewards = || episodes.rewards.iter().map(|rewards| rewards[lane]);
            report.reward += rewards().sum::<f64>();
            report.n_correct += usize::from(rewards().any(|reward| reward > 0.0));
        }
        report
    }
}
