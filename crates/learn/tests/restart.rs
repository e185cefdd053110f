//! Networks that get no further are given up, and nothing of them is kept.

use crate::support;
use crate::support::PLAN;
use neuropil_learn::rules::Rules;
use neuropil_learn::train::{Ending, Event, Flow, Plan, Restart, State, train};
use neuropil_math::rng::Key;
use neuropil_tasks::registry;
use std::convert::Infallible;

#[test]
fn networks_without_a_better_validation_within_the_patience_are_drawn_anew_with_their_best() {
    let task = registry::find("rdm", Some(50.0)).unwrap();
    // Without learning every trial is aborted within a few steps, for a reward of −1.
    let players = |seed| support::players(&task, seed, 0.0);
    let plan = Plan {
        max_updates: 20,
        max_restarts: 2,
        patience: 6,
        ..PLAN
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
