//! Continuous mode: two trials back to back are one run that goes on.

use crate::support::Drawing;
use neuropil_learn::batch::Batch;
use neuropil_learn::player::Player;
use neuropil_learn::randomness::{Randomness, SeatedNoise};
use neuropil_learn::rollout::Draws;
use neuropil_learn::rules::{FirstReturn, Rules, ValueInput};
use neuropil_learn::update::{Workspace, update};
use neuropil_math::rng::Key;
use neuropil_nn::cell::Cell;
use neuropil_nn::network::{History, Keep, Network, Shape};
use neuropil_tasks::environment::Environment;

const LANES: usize = 8;
const LENGTHS: [usize; 3] = [5, 1, 7];
const N_STEPS: usize = 9;
const CELLS: [Cell; 2] = [Cell::Gated, Cell::Lstm];
const POLICY: Shape = Shape {
    cell: Cell::Gated,
    n_units: 6,
    n_inputs: 2,
    n_outputs: 2,
};
const VALUE: Shape = Shape {
    cell: Cell::Gated,
    n_units: 5,
    n_inputs: 8,
    n_outputs: 1,
};

/// What a trial is shown at an index; as good as random.
fn shown(trial: u64, t: usize, input: usize) -> f64 {
    ((trial * 31 + t as u64 * 7 + input as u64 * 3) as f64).sin()
}

fn noise_at(trial: u64, t: usize, unit: usize, salt: u64) -> f64 {
    0.3 * ((trial * 17 + t as u64 * 5 + unit as u64 * 2 + salt) as f64).cos()
}

/// Trials of fixed lengths, whatever is done.
struct Trials;
struct One(u64);

impl Batch for Trials {
    fn n_trials(&self) -> usize {
        LENGTHS.len()
    }
    fn n_steps(&self) -> usize {
        N_STEPS
    }
    fn expected_steps(&self, _: usize) -> usize {
        N_STEPS
    }
    fn offers_choice(&self, _: usize, _: usize) -> bool {
        true
    }
    fn open(&self, _: Key, trials: &[u64], _: usize) -> Box<dyn Environment + '_> {
        assert_eq!(trials.len(), 1, "a chain has one trial at a time");
        Box::new(One(trials[0]))
    }
}

impl Environment for One {
    fn observe(&mut self, t: usize, inputs: &mut [f64]) {
        for (i, lanes) in inputs.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            lanes[0] = shown(self.0, t, i);
        }
    }
    fn act(&mut self, t: usize, _: &[usize], _: &[bool], rewards: &mut [f64], ended: &mut [bool]) {
        rewards[0] = 0.1;
        ended[0] = t + 1 == LENGTHS[self.0 as usize];
    }
}

struct Given;
struct GivenDraws(u64);

impl Draws<f64, LANES> for GivenDraws {
    fn noise(&mut self, t: usize, noise: &mut [f64]) {
        for (unit, lanes) in noise.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            lanes[0] = noise_at(self.0, t, unit, 1);
        }
    }
    fn uniform(&mut self, t: usize) -> [f64; LANES] {
        [if t.is_multiple_of(2) { 0.001 } else { 0.999 }; LANES] // actions 0, 1, 0, 1 …
    }
}

impl Randomness<f64, LANES> for Given {
    fn policy(&self, trials: &[u64]) -> Box<dyn Draws<f64, LANES> + '_> {
        Box::new(GivenDraws(trials[0]))
    }
    fn value(&self) -> Box<dyn SeatedNoise<f64> + Send + '_> {
        Box::new(GivenNoise { trial: 0, t: 0 })
    }
}

/// Noise of the one lane that is used.
struct GivenNoise {
    trial: u64,
    t: usize,
}

impl SeatedNoise<f64> for GivenNoise {
    fn seat(&mut self, _: usize, trial: u64) {
        *self = Self { trial, t: 0 };
    }
    fn fill(&mut self, noise: &mut [f64]) {
        self.t += 1;
        for (unit, lanes) in noise.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            lanes[0] = noise_at(self.trial, self.t, unit, 2);
        }
    }
}

fn player(cell: Cell, shape: Shape) -> Player<f64> {
    let shape = Shape { cell, ..shape };
    let (mut params, mask) = Drawing::default().draw(shape, shape.n_units as u64);
    for (i, w) in shape
        .layout()
        .view_mut(&mut params, "w_out")
        .iter_mut()
        .enumerate()
    {
        *w = 0.3 * (i as f64).sin(); // 0 at first, which would stop every gradient
    }
    Player::new(Network::new(shape, mask, 0.4), params, 0.0, 0.0) // learning rate 0: nothing moves
}

fn rules() -> Rules {
    Rules {
        discount_per_step: 0.0,
        first_return: FirstReturn::Return,
        value_input: ValueInput::Lagged,
        max_gradient_norm: 1.0,
        continuous: true,
        ..Rules::default()
    }
}

/// Steps a network along a list of inputs and noises; returns the last state of lane 0.
fn run_on(player: &Player<f64>, state: &[f64], steps: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
    let network = &player.network;
    let mut history = History::<f64, LANES>::new(network.shape(), steps.len() + 1, Keep::All);
    let lanes = |values: &[f64]| -> Vec<f64> { values.iter().flat_map(|&x| [x; LANES]).collect() };
    network.begin(&mut history, Some(&lanes(state)));
    for (t, (inputs, noise)) in steps.iter().enumerate() {
        history.input_mut(t + 1).copy_from_slice(&lanes(inputs));
        history.noise_mut(t + 1).copy_from_slice(&lanes(noise));
        network.advance(&mut history, t + 1);
    }
    history
        .state(steps.len())
        .iter()
        .step_by(LANES)
        .copied()
        .collect()
}

#[test]
fn trials_back_to_back_are_one_run() {
    for cell in CELLS {
        trials_are_one_run(cell);
    }
}

fn trials_are_one_run(cell: Cell) {
    let (mut policy, mut value) = (player(cell, POLICY), player(cell, VALUE));
    let mut work =
        Workspace::<f64, LANES>::new(&policy.network, &value.network, LENGTHS.len(), N_STEPS, true);
    assert!(work.carried().is_none(), "the first trial starts from x0");
    update(
        &mut policy,
        &mut value,
        &Trials,
        Key::new(1),
        &Given,
        &rules(),
        &mut work,
    );
    let [policy_state, value_state] = work.carried().expect("every trial leaves its states");

    // One run over all inputs and noises: trial k adds the steps 1 ..= its length, the last one beyond its end.
    let x0 = |player: &Player<f64>| player.network.layout().view(&player.params, "x0").to_vec();
    let (mut x, mut x_value) = (x0(&policy), x0(&value));
    for (trial, &length) in LENGTHS.iter().enumerate() {
        let trial = trial as u64;
        for t in 1..=length {
            let rates: Vec<f64> = match cell {
                Cell::Lstm => x[POLICY.n_units..].to_vec(),
                _ => x.iter().map(|x| x.max(0.0)).collect(),
            };
            let inputs = (0..2).map(|i| shown(trial, t, i)).collect();
            let noise = (0..POLICY.n_units)
                .map(|unit| noise_at(trial, t, unit, 1))
                .collect();
            x = run_on(&policy, &x, &[(inputs, noise)]);
            // The value network sees the rates of the step before and the last action.
            let action = (t - 1) % 2;
            let seen = [
                rates,
                vec![f64::from(u8::from(action == 0)), f64::from(u8::from(action == 1))],
            ]
            .concat();
            let noise = (0..VALUE.n_units)
                .map(|unit| noise_at(trial, t, unit, 2))
                .collect();
            x_value = run_on(&value, &x_value, &[(seen, noise)]);
        }
    }
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!(close(&policy_state, &x), "{policy_state:?} is not {x:?}");
    assert!(
        close(&value_state, &x_value),
        "{value_state:?} is not {x_value:?}"
    );
    let (policy_gradient, value_gradient) = work.gradients();
    for (player, gradient) in [(&policy, policy_gradient), (&value, value_gradient)] {
        let layout = player.network.layout();
        assert!(layout.view(gradient, "w_rec").iter().any(|&g| g != 0.0));
        assert!(
            policy
                .network
                .layout()
                .view(policy_gradient, "x0")
                .iter()
                .all(|&g| g == 0.0),
            "carried states are constants"
        );
    }
}

#[test]
fn carried_states_put_back_go_on_as_if_never_taken() {
    let run = |cell: Cell, interrupted: bool| {
        let (mut policy, mut value) = (player(cell, POLICY), player(cell, VALUE));
        let new = |policy: &Player<f64>, value: &Player<f64>| {
            Workspace::<f64, LANES>::new(&policy.network, &value.network, LENGTHS.len(), N_STEPS, true)
        };
        let mut work = new(&policy, &value);
        for _ in 0..3 {
            if interrupted {
                let carried = work.carried();
                work = new(&policy, &value);
                work.set_carried(carried.as_ref());
            }
            update(
                &mut policy,
                &mut value,
                &Trials,
                Key::new(1),
                &Given,
                &rules(),
                &mut work,
            );
        }
        work.carried().unwrap()
    };
    for cell in CELLS {
        assert_eq!(run(cell, true), run(cell, false));
    }
}
