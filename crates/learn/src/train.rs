//! Training two networks on a task, with everything that happens on the way told to an observer.

use crate::learner::{Event as Happens, learn};
use crate::reinforce::{Redraw, Reinforce};
use crate::rules::Rules;
use crate::update::Report;
use neuropil_math::rng::Key;
use neuropil_tasks::task::Task;

pub use crate::learner::{Ending, Flow, MOST_DISCARDED};
pub use crate::progress::{Check, Plan, Progress, Restart, State};
pub use crate::reinforce::WIDE_FROM;

/// What happens while training.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A validation was made; the state is worth saving.
    Checked(&'a Check),
    /// An update was made.
    Updated(&'a Report),
    /// The networks were discarded and drawn anew.
    Restarted {
        /// Which draw begins, from 0.
        attempt: u64,
        /// Why the last one was given up.
        reason: Restart,
    },
    /// A lesson of the curriculum is over: this many are.
    Promoted(usize),
    /// This many gradients in a row were not finite.
    Discarded(u64),
}

/// Trains until the plan ends or `observe` says stop; runs on the current thread pool.
///
/// `redraw(attempt)` makes new networks when a plan with restarts gives the old ones up.
///
/// # Errors
/// Whatever `redraw` or `observe` fails with.
pub fn train<E>(
    task: &Task,
    plan: &Plan,
    rules: &Rules,
    key: Key,
    state: &mut State,
    redraw: Redraw<'_, E>,
    observe: &mut dyn FnMut(&State, Event) -> Result<Flow, E>,
) -> Result<Ending, E> {
    let mut learner = Reinforce::new(task, plan, rules, key, state, redraw);
    learn(&mut learner, &mut |learner, event| {
        let state = &*learner.state;
        let progress = &state.progress;
        let event = match event {
            Happens::Checked(_) => Event::Checked(progress.history.last().expect("a check was just made")),
            Happens::StageOver => Event::Promoted(progress.lesson),
            Happens::Updated(report) => Event::Updated(report),
            Happens::Restarted(reason) => Event::Restarted {
                attempt: progress.attempt,
                reason,
            },
            Happens::Discarded(in_a_row) => Event::Discarded(in_a_row),
        };
        observe(state, event)
    })
}
