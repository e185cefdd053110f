//! What the tests of the training loop share.

mod drawing;

use neuropil_learn::player::Player;
use neuropil_learn::train::Plan;
use neuropil_nn::cell::Cell;
use neuropil_nn::network::{Network, Shape};
use neuropil_tasks::task::Task;

pub(crate) use drawing::Drawing;

/// A few updates, checked every two; no restarts.
pub(crate) const PLAN: Plan = Plan {
    max_updates: 6,
    check_every: 2,
    trials_per_update: 4,
    validation_trials: 20,
    target_reward: f64::INFINITY,
    stop_at_criterion: true,
    max_restarts: 0,
    trapped_after: 200,
    patience: 0,
};

/// Policy and value network of eight units each.
pub(crate) fn players(task: &Task, seed: u64, learning_rate: f64) -> (Player<f32>, Player<f32>) {
    let player = |n_inputs, n_outputs| {
        let shape = Shape {
            cell: Cell::Gated,
            n_units: 8,
            n_inputs,
            n_outputs,
        };
        let (params, mask) = Drawing::default().draw(shape, seed);
        let params = params.into_iter().map(|x| x as f32).collect();
        Player::new(Network::new(shape, mask, 0.5), params, learning_rate, 0.1)
    };
    (
        player(task.n_inputs(), task.n_actions()),
        player(8 + task.n_actions(), 1),
    )
}
