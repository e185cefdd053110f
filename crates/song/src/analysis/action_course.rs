//! What the policy is about to do: mean probability of each action around events.
//!
//! A probability is per step: what is acted on is drawn anew in every step, so that 0.1 per step of 10 ms leads to a
//! choice within some 100 ms.

use serde::{Deserialize, Serialize};

use super::activity::Recorded;
use super::course::{Course, course, events, together};
use super::levels::sorted;
use super::{AnalysisError, Focus};

/// Action probabilities around events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionCourse {
    /// Names of the actions.
    pub actions: Vec<String>,
    /// What trials are sorted by; empty if by nothing.
    pub by: String,
    /// Around each event, at each level: one course an action.
    pub panels: Vec<ActionPanel>,
}

/// Around one event, at one level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionPanel {
    /// An epoch, whose onset is time 0, `choice` or `trial`.
    pub event: String,
    /// The level.
    pub level: String,
    /// One course an action, in the order of the actions.
    pub courses: Vec<Course>,
}

/// Averages action probabilities around the events in focus, at each level of the quantity in focus if there is one.
///
/// # Errors
/// No activity, no event with enough trials, or a quantity that does not exist.
pub fn action_course(recorded: &Recorded, focus: &Focus) -> Result<ActionCourse, AnalysisError> {
    let (behaviour, probabilities) = (&recorded.behaviour, &recorded.probabilities);
    probabilities.validate(behaviour)?;
    let events = events(behaviour, focus)?;
    let sorted = match focus.by.as_deref() {
        Some(by) => sorted(behaviour, Some(by), |_| true)?.swap_remove(0),
        None => together((0..behaviour.n_trials()).collect()),
    };
    let mut panels = Vec::new();
    for event in &events {
        for level in &sorted.levels {
            let courses = (0..probabilities.n_units).map(|action| {
                let p = |time: usize, trial: usize| probabilities.rate(time, trial, action);
                course(level, behaviour, probabilities, event, p)
            });
            panels.push(ActionPanel {
                event: event.name.clone(),
                level: level.name.clone(),
                courses: courses.collect(),
            });
        }
    }
    Ok(ActionCourse {
        actions: behaviour.actions.clone(),
        by: sorted.by,
        panels,
    })
}
