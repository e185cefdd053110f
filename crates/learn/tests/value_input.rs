//! What the value network sees: of the step before, of the same step, or, as the published code has it, both.

use crate::support::Drawing;
use neuropil_learn::batch::TaskBatch;
use neuropil_learn::player::Player;
use neuropil_learn::randomness::KeyedRandomness;
use neuropil_learn::record::record;
use neuropil_learn::rules::{Rules, ValueInput};
use neuropil_learn::update::{Workspace, update};
use neuropil_math::rng::Key;
use neuropil_nn::cell::Cell;
use neuropil_nn::network::{Network, Shape};
use neuropil_tasks::registry;
use neuropil_tasks::task::Task;

fn players(task: &Task) -> (Player<f64>, Player<f64>) {
    let player = |n_units, n_inputs, n_outputs| {
        let shape = Shape {
            cell: Cell::Gated,
            n_units,
            n_inputs,
            n_outputs,
        };
        let drawing = Drawing {
            input_gain: 0.9,
            ..Drawing::default()
        };
        let (params, mask) = drawing.draw(shape, 2);
        Player::new(Network::new(shape, mask, 0.5), params, 0.0, 0.1)
    };
    let policy = player(12, task.n_inputs(), task.n_actions());
    (policy, player(10, 12 + task.n_actions(), 1))
}

/// Gradient of the value network in one update.
fn trained(task: &Task, value_input: ValueInput) -> Vec<f64> {
    let (mut policy, mut value) = players(task);
    let key = Key::new(3);
    let batch = TaskBatch::draw(task, key, 6);
    let draws = KeyedRandomness {
        key,
        policy_noise_sd: 0.1,
        value_noise_sd: 0.1,
    };
    let rules = Rules {
        value_input,
        ..Rules::default()
    };
    let mut work = Workspace::<f64, 8>::new(&policy.network, &value.network, 6, task.n_steps, false);
    update(&mut policy, &mut value, &batch, key, &draws, &rules, &mut work);
    work.gradients().1.to_vec()
}

/// Rates of the value network in a recording.
fn recorded(task: &Task, value_input: ValueInput) -> Vec<Vec<f64>> {
    let (policy, value) = players(task);
    let key = Key::new(4);
    let batch = TaskBatch::draw(task, key, 20);
    let recordings = record(&policy, &value, &batch, 0.0, value_input, 1, key);
    recordings.into_iter().map(|recording| recording.value).collect()
}

#[test]
fn reference_is_lagged_in_training_and_concurrent_in_recordings() {
    let task = registry::find("rdm", Some(50.0)).unwrap();
    let of_training = |value_input| trained(&task, value_input);
    assert_eq!(
        of_training(ValueInput::Reference),
        of_training(ValueInput::Lagged)
    );
    assert_ne!(
        of_training(ValueInput::Reference),
        of_training(ValueInput::Concurrent)
    );
    let of_recordings = |value_input| recorded(&task, value_input);
    assert_eq!(
        of_recordings(ValueInput::Reference),
        of_recordings(ValueInput::Concurrent)
    );
    assert_ne!(
        of_recordings(ValueInput::Reference),
        of_recordings(ValueInput::Lagged)
    );
}
