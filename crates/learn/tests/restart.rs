//! Networks that get no further are given up, and nothing of them is kept.

use neuropil_learn::player::Player;
use neuropil_learn::rules::Rules;
use neuropil_learn::train::{Ending, Event, Flow, Plan, Restart, State, train};
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::cell::Cell;
use neuropil_nn::init::{Initial, draw};
use neuropil_nn::network::{Network, Shape};
use neuropil_tasks::registry;
use std::convert::Infallible;

/// A network that does not learn: every trial is aborted within a few steps, for a reward of −1.
fn player(n_inputs: usize, n_outputs: usize, seed: u64) -> Player<f32> {
    let shape = Shape {
        cell: Cell::Gated,
        n_units: 8,
        n_inputs,
        n_outputs,
    };
    let drawn = draw(
        shape,
        &Initial::default(),
        Key::new(seed),
        Purpose::InitPolicy,
        Purpose::MaskPolicy,
    );
    let (params, mask) = drawn.unwrap();
    let params = params.into_iter().map(|x| x as f32).collect();
    Player::new(Network::new(shape, mask, 0.5), params, 0.0, 0.1)
}

#[test]
fn networks_without_a_better_validation_within_the_patience_are_drawn_anew_with_their_best() {
    let task = registry::find("rdm", Some(50.0)).unwrap();
    let players = |seed| {
        (
            player(task.n_inputs(), task.n_actions(), seed),
            player(8 + task.n_actions(), 1, seed),
        )
    };
    let plan = Plan {
        max_updates: 20,
        check_every: 2,
        trials_per_update: 4,
        validation_trials: 20,
        target_reward: f64::INFINITY,
        stop_at_criterion: true,
        max_restarts: 2,
        trapped_after: 200,
        patience: 6,
    };
    let (policy, value) = players(0);
    let mut state = State::new(policy, value);
    let (mut restarts, mut new_best) = (Vec::new(), Vec::new());
    let mut observe = |state: &State, event: Event| -> Result<Flow, Infallible> {
        match event {
            Event::Restarted { attempt, reason } => {
                restarts.push((state.progress.update, attempt, reason));
                assert_eq!(state.best.0, players(attempt).0.params);
            }
            Event::Checked(check) if check.new_best => new_best.push(check.update),
            _ => {}
        }
        Ok(Flow::Continue)
    };
    let redraw = |attempt| Ok::<_, Infallible>(players(attempt));
    let ending = train(
        &task,
        &plan,
        &Rules::default(),
        Key::new(1),
        &mut state,
        &redraw,
        &mut observe,
    );
    assert_eq!(ending, Ok(Ending::OutOfUpdates));
    assert_eq!(
        restarts,
        [(6, 1, Restart::Stalled), (14, 2, Restart::Stalled)],
        "the first validation of new networks is their best so far, however poor; two restarts at most"
    );
    assert_eq!(new_best, [0, 8, 16]);
    assert_eq!(state.best.0, players(2).0.params);
}
