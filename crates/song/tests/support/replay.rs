//! A world that replays a reference file.

use crate::files::numbers;
use neuropil_learn::batch::Batch;
use neuropil_learn::player::{Penalties, Player};
use neuropil_learn::randomness::{Randomness, SeatedNoise};
use neuropil_learn::rollout::Draws;
use neuropil_learn::rules::{FirstReturn, Rules, ValueInput};
use neuropil_learn::update::{Report, Workspace, update};
use neuropil_math::real::Real;
use neuropil_math::rng::Key;
use neuropil_nn::cell::Cell;
use neuropil_nn::network::{History, Keep, Mask, Network, Shape};
use neuropil_nn::params::Layout;
use neuropil_tasks::environment::Environment;
use serde_json::Value;

pub(crate) const LANES: usize = 8;

fn reference_name(name: &str) -> &str {
    match name {
        "w_in" => "Win",
        "b_in" => "bin",
        "w_gates" => "Wrec_gates",
        "w_rec" => "Wrec",
        "w_out" => "Wout",
        "b_out" => "bout",
        other => other,
    }
}

/// Named arrays in the layout of a network.
pub(crate) fn flat(layout: &Layout, json: &Value) -> Vec<f64> {
    layout
        .entries()
        .iter()
        .flat_map(|entry| numbers(&json[reference_name(&entry.name)]))
        .collect()
}

#[derive(Clone, Copy)]
pub(crate) struct Tolerance {
    pub(crate) forward: f64,
    pub(crate) gradient: f64,
}

impl Tolerance {
    pub(crate) fn forward(self, what: &str, found: f64, expected: &Value) {
        let expected = expected
            .as_f64()
            .unwrap_or_else(|| panic!("{what}: no reference"));
        assert!(
            (found - expected).abs() <= self.forward,
            "{what} is {found}, not {expected}"
        );
    }

    /// Relative to the largest entry.
    pub(crate) fn gradient<R: Real>(self, what: &str, found: &[R], expected: &[f64]) {
        let largest = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let distance = (found.f64() - expected).abs();
            assert!(
                distance <= self.gradient * largest,
                "{what}: entry {i} is {found:?}, not {expected}"
            );
        }
    }
}

/// One batch (or several) of given inputs, noise, draws and outcomes.
pub(crate) struct Case<R> {
    pub(crate) n_steps: usize,
    n_trials: usize,
    policy: Shape,
    value: Shape,
    alpha: f64,
    rules: Rules,
    penalties: Penalties,
    learning_rate: f64,
    batches: Vec<Replay>,
    number: std::marker::PhantomData<R>,
}

struct Replay {
    /// Shown at index t: row t.
    inputs: Vec<Vec<Vec<f64>>>,
    noise: Vec<Vec<Vec<f64>>>,
    value_noise: Vec<Vec<Vec<f64>>>,
    uniform: Vec<Vec<f64>>,
    outcome: Box<dyn Fn(usize, usize, usize) -> (f64, bool) + Sync + Send>,
    n_trials: usize,
    n_steps: usize,
}

fn cube(json: &Value) -> Vec<Vec<Vec<f64>>> {
    serde_json::from_value(json.clone()).unwrap()
}

fn square(json: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(json.clone()).unwrap()
}

impl<R: Real> Case<R> {
    /// A `net_*.json` file: actions, rewards and lengths are given.
    pub(crate) fn of_network(json: &Value) -> Self {
        let config = &json["config"];
        let size = |key: &str| config[key].as_u64().unwrap() as usize;
        let real = |key: &str| config[key].as_f64().unwrap();
        let (n_steps, n_trials) = (size("T"), size("B"));
        let linear = config["value_type"] == "linear";
        let mut inputs = cube(&json["U"]);
        inputs.insert(0, inputs[0].clone()); // row t drives t → t + 1: it is shown at index t + 1
        let shift = |mut noise: Vec<Vec<Vec<f64>>>| {
            noise.insert(0, noise[0].clone());
            noise
        };
        let probabilities = cube(&json["expected"]["policy_probs"]);
        let actions: Vec<Vec<usize>> = serde_json::from_value(json["actions"].clone()).unwrap();
        // The draw in the middle of the given action's share of the unit interval.
        let uniform = (0..n_steps)
            .map(|t| {
                let draw = |n: usize| {
                    let (p, a): (&Vec<f64>, usize) = (&probabilities[t][n], actions[t][n]);
                    p[..a].iter().sum::<f64>() + p[a] / 2.0
                };
                (0..n_trials).map(draw).collect()
            })
            .collect();
        let (rewards, mask) = (square(&json["R_discounted"]), square(&json["M"]));
        let outcome = Box::new(move |t: usize, n: usize, _: usize| {
            let last = t + 1 == n_steps || mask[t + 1][n] == 0.0;
            (rewards[t][n], last)
        });
        let shape = |cell, n_units, n_inputs, n_outputs| Shape {
            cell,
            n_units,
            n_inputs,
            n_outputs,
        };
        let (n, n_actions) = (size("N"), size("n_actions"));
        let cell = if linear { Cell::Linear } else { Cell::Gated };
        Self {
            n_steps,
            n_trials,
            policy: shape(Cell::Gated, n, size("Nin"), n_actions),
            value: shape(cell, size("N_value"), n + n_actions, 1),
            alpha: real("alpha"),
            rules: Rules {
                discount_per_step: 0.0, // the rewards are given discounted
                first_return: if config["t0_return"] == "immediate" {
                    FirstReturn::Immediate
                } else {
                    FirstReturn::Return
                },
                value_input: if config["value_input"] == "lagged" {
                    ValueInput::Lagged
                } else {
                    ValueInput::Concurrent
                },
                max_gradient_norm: 1.0,
                ..Rules::default()
            },
            penalties: Penalties {
                l1_recurrent: real("L1_Wrec"),
                l2_recurrent: real("L2_Wrec"),
                l2_rates: real("L2_r"),
                l2_initial: 0.0,
            },
            learning_rate: 0.004,
            batches: vec![Replay {
                inputs,
                noise: shift(cube(&json["Q"])),
                value_noise: shift(cube(&json["Qv"])),
                uniform,
                outcome,
                n_trials,
                n_steps,
            }],
            number: std::marker::PhantomData,
        }
    }

    /// An `iteration*.json` file: several updates of a small two-choice task.
    pub(crate) fn of_updates(json: &Value) -> Self {
        let config = &json["config"];
        let size = |key: &str| config[key].as_u64().unwrap() as usize;
        let real = |key: &str| config[key].as_f64().unwrap();
        let (n_steps, n_trials, decision) = (size("T_max"), size("B"), size("decision_start_index"));
        let (aborted, correct, terminal) = (real("R_ABORTED"), real("R_CORRECT"), real("R_TERMINAL"));
        let shift = |mut noise: Vec<Vec<Vec<f64>>>| {
            noise.insert(0, noise[0].clone());
            noise
        };
        let replay = |iteration: &Value| {
            let side: Vec<i64> = serde_json::from_value(iteration["side"].clone()).unwrap();
            let outcome = move |t: usize, n: usize, action: usize| match action {
                _ if t + 1 == n_steps => (terminal, true),
                0 => (0.0, false),
                _ if t < decision => (aborted, true),
                a => (if (a == 1) == (side[n] < 0) { correct } else { 0.0 }, true),
            };
            Replay {
                inputs: cube(&iteration["inputs"]),
                noise: shift(cube(&iteration["Q"])),
                value_noise: shift(cube(&iteration["Qv"])),
                uniform: square(&iteration["uniforms"]),
                outcome: Box::new(outcome),
                n_trials,
                n_steps,
            }
        };
        let (n, n_actions) = (size("N"), size("n_actions"));
        let shape = |n_units, n_inputs, n_outputs| Shape {
            cell: Cell::Gated,
            n_units,
            n_inputs,
            n_outputs,
        };
        Self {
            n_steps,
            n_trials,
            policy: shape(n, size("Nin"), n_actions),
            value: shape(size("N_value"), n + n_actions, 1),
            alpha: real("alpha"),
            rules: Rules {
                discount_per_step: 0.0,
                first_return: FirstReturn::Immediate,
                value_input: ValueInput::Lagged,
                max_gradient_norm: 1.0,
                ..Rules::default()
            },
            penalties: Penalties::default(),
            learning_rate: real("lr"),
            batches: json["iterations"]
                .as_array()
                .unwrap()
                .iter()
                .map(replay)
                .collect(),
            number: std::marker::PhantomData,
        }
    }

    /// The networks, with the given parameters and masks.
    pub(crate) fn players(&self, json: &Value) -> (Player<R>, Player<R>) {
        let player = |shape: Shape, params: &Value, masks: &Value| {
            let layout = shape.layout();
            let exists =
                layout
                    .entries()
                    .iter()
                    .flat_map(|entry| match &masks[reference_name(&entry.name)] {
                        Value::Null => vec![true; entry.len()],
                        mask => numbers(mask).into_iter().map(|m| m != 0.0).collect(),
                    });
            let network = Network::new(shape, Mask(exists.collect()), self.alpha);
            let params = flat(&layout, params).into_iter().map(R::of).collect();
            let mut player = Player::new(network, params, self.learning_rate, 0.0);
            player.penalties = self.penalties;
            player
        };
        let policy = player(self.policy, &json["policy_params"], &json["policy_masks"]);
        (
            policy,
            player(self.value, &json["value_params"], &json["value_masks"]),
        )
    }

    pub(crate) fn workspace(&self, policy: &Player<R>, value: &Player<R>) -> Workspace<R, LANES> {
        Workspace::new(
            &policy.network,
            &value.network,
            self.n_trials,
            self.n_steps,
            false,
        )
    }

    pub(crate) fn update(
        &self,
        k: usize,
        policy: &mut Player<R>,
        value: &mut Player<R>,
        work: &mut Workspace<R, LANES>,
    ) -> Report {
        let replay = &self.batches[k];
        update(policy, value, replay, Key::new(1), replay, &self.rules, work)
    }

    /// Compares the states of both networks, step by step, in a forward pass of their own.
    pub(crate) fn check_states(&self, name: &str, json: &Value, tolerance: Tolerance) {
        let (policy, _) = self.players(json);
        let replay = &self.batches[0];
        let mut history = History::<R, LANES>::new(self.policy, self.n_steps, Keep::Last);
        let states = cube(&json["expected"]["policy_states"]);
        let logits = cube(&json["expected"]["policy_logits"]);
        let mask = square(&json["M"]);
        policy.network.begin(&mut history, None);
        for t in 0..self.n_steps {
            if t > 0 {
                fill(history.input_mut(t), &replay.inputs[t], |n| n);
                fill(history.noise_mut(t), &replay.noise[t], |n| n);
                policy.network.advance(&mut history, t);
            }
            let mut z = vec![R::ZERO; self.policy.n_outputs * LANES];
            policy.network.read_out(&history, t, &mut z);
            for n in (0..self.n_trials).filter(|&n| mask[t][n] != 0.0) {
                for (i, expected) in states[t][n].iter().enumerate() {
                    let found = history.state(t)[i * LANES + n].f64();
                    tolerance.forward(
                        &format!("{name}: state of unit {i}, step {t}"),
                        found,
                        &(*expected).into(),
                    );
                }
                for (o, expected) in logits[t][n].iter().enumerate() {
                    let found = z[o * LANES + n].f64();
                    tolerance.forward(
                        &format!("{name}: logit {o}, step {t}"),
                        found,
                        &(*expected).into(),
                    );
                }
            }
        }
    }
}

/// `[row][LANES]` from `[trial][row]`, with `trial(lane)`.
fn fill<R: Real>(block: &mut [R], given: &[Vec<f64>], trial: impl Fn(usize) -> usize) {
    for (row, lanes) in block.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        for (lane, value) in lanes.iter_mut().enumerate() {
            *value = given
                .get(trial(lane))
                .map_or(R::ZERO, |numbers| R::of(numbers[row]));
        }
    }
}

impl Batch for Replay {
    fn n_trials(&self) -> usize {
        self.n_trials
    }
    fn n_steps(&self) -> usize {
        self.n_steps
    }
    fn expected_steps(&self, trial: usize) -> usize {
        trial % 3 // any order of lanes must do
    }
    fn offers_choice(&self, _: usize, _: usize) -> bool {
        true
    }
    fn open(&self, _: Key, trials: &[u64], _: usize) -> Box<dyn Environment + '_> {
        Box::new(ReplayBlock {
            replay: self,
            trials: trials.to_vec(),
        })
    }
}

struct ReplayBlock<'a> {
    replay: &'a Replay,
    trials: Vec<u64>,
}

impl ReplayBlock<'_> {
    fn trial(&self, lane: usize) -> usize {
        self.trials.get(lane).map_or(usize::MAX, |&trial| trial as usize)
    }
}

impl Environment for ReplayBlock<'_> {
    fn observe(&mut self, t: usize, inputs: &mut [f64]) {
        fill(inputs, &self.replay.inputs[t], |lane| self.trial(lane));
    }
    fn act(&mut self, t: usize, actions: &[usize], living: &[bool], rewards: &mut [f64], ended: &mut [bool]) {
        for lane in (0..LANES).filter(|&lane| living[lane]) {
            (rewards[lane], ended[lane]) = (self.replay.outcome)(t, self.trial(lane), actions[lane]);
        }
    }
}

impl<R: Real> Draws<R, LANES> for ReplayBlock<'_> {
    fn noise(&mut self, t: usize, noise: &mut [R]) {
        fill(noise, &self.replay.noise[t], |lane| self.trial(lane));
    }
    fn uniform(&mut self, t: usize) -> [f64; LANES] {
        std::array::from_fn(|lane| {
            self.replay.uniform[t]
                .get(self.trial(lane))
                .copied()
                .unwrap_or(0.5)
        })
    }
}

impl<R: Real> Randomness<R, LANES> for Replay {
    fn policy(&self, trials: &[u64]) -> Box<dyn Draws<R, LANES> + '_> {
        Box::new(ReplayBlock {
            replay: self,
            trials: trials.to_vec(),
        })
    }
    fn value(&self) -> Box<dyn SeatedNoise<R> + Send + '_> {
        Box::new(ReplayNoise {
            replay: self,
            next: [(usize::MAX, 0); LANES],
        })
    }
}

/// Trial of each lane and the index of its next step.
struct ReplayNoise<'a> {
    replay: &'a Replay,
    next: [(usize, usize); LANES],
}

impl<R: Real> SeatedNoise<R> for ReplayNoise<'_> {
    fn seat(&mut self, lane: usize, trial: u64) {
        self.next[lane] = (trial as usize, 1);
    }
    fn fill(&mut self, noise: &mut [R]) {
        for (row, lanes) in noise.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            for (value, &(trial, t)) in lanes.iter_mut().zip(&self.next) {
                let given = self
                    .replay
                    .value_noise
                    .get(t)
                    .and_then(|trials| trials.get(trial));
                *value = given.map_or(R::ZERO, |numbers| R::of(numbers[row]));
            }
        }
        for (_, t) in &mut self.next {
            *t += 1;
        }
    }
}
