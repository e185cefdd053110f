//! A curriculum: thresholds move the task.

use crate::support::{PLAN, players};
use neuropil_learn::batch::TaskBatch;
use neuropil_learn::rules::Rules;
use neuropil_learn::train::{Ending, Event, Flow, State, train};
use neuropil_math::rng::Key;
use neuropil_tasks::task::Task;
use std::convert::Infallible;

/// A first lesson that anybody passes, a second one that nobody passes.
const TASK: &str = r#"
extends = "rdm"
name = "taught"

[[curriculum]]
factors = { coherence = [51.2] }
criterion = { decided = { at_least = 0 } }

[[curriculum]]
factors = { coherence = [25.6, 51.2] }
criterion = { correct = { above = 0.99 } }
"#;

#[test]
fn a_lesson_is_the_task_with_changes_and_ends_at_its_own_criterion() {
    let task = Task::parse("taught.toml", TASK, Some(50.0)).unwrap();
    assert_eq!(task.lessons.len(), 2);
    assert_eq!(
        [0, 1, 2].map(|lesson| task.lesson(lesson).n_conditions()),
        [2, 4, 10]
    );
    assert_eq!(
        task.lessons[0].quantities.len(),
        1,
        "the task's own criterion does not count in a lesson"
    );

    let (policy, value) = players(&task, 1, 0.004);
    let mut state = State::new(policy, value);
    let mut promoted = Vec::new();
    let mut observe = |state: &State, event: Event| -> Result<Flow, Infallible> {
        if let Event::Promoted(lessons) = event {
            promoted.push((state.progress.update, lessons));
        }
        Ok(Flow::Continue)
    };
    let redraw = |_| -> Result<_, Infallible> { unreachable!("no restarts") };
    let ending = train(
        &task,
        &PLAN,
        &Rules::default(),
        Key::new(1),
        &mut state,
        &redraw,
        &mut observe,
    );
    assert_eq!(ending, Ok(Ending::OutOfUpdates));
    assert_eq!(
        promoted,
        [(0, 1)],
        "the first check passes the first lesson, nothing passes the second"
    );
    let lessons: Vec<usize> = state.progress.history.iter().map(|check| check.lesson).collect();
    assert_eq!(lessons, [0, 1, 1, 1]);
    assert!(!state.progress.criterion_met);
    assert!(
        state.progress.history[1].new_best,
        "rewards of another lesson are no measure"
    );
}

#[test]
fn a_lesson_that_leaves_out_a_label_may_still_speak_of_it() {
    let text = r#"
extends = "wager"
name = "first-without-a-bet"

[[curriculum]]
factors = { wager = ["no"] }
criterion = { correct = { at_least = 0.75 } }
"#;
    let task = Task::parse("taught.toml", text, None).unwrap();
    assert_eq!(task.lessons[0].n_conditions(), 12);
    let sure = task.definition.actions.len() - 1;
    let key = Key::new(1);
    for trial in TaskBatch::draw(task.lesson(0), key, 100).trials {
        let last = task.n_steps - 2;
        assert_eq!(
            trial.row_at(last).outcomes[sure].reward,
            -1.0,
            "no sure bet, no reward for it"
        );
    }
}
