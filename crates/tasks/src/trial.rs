//! A trial is a table: what is shown and what is earned, by step.

use std::sync::Arc;

/// What one action brings in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Reward, not discounted.
    pub reward: f64,
    /// The trial is over.
    pub ends: bool,
    /// The action is a choice (and no abort).
    pub chosen: bool,
    /// Correct or wrong, if the choice is a decision; neither otherwise.
    pub correct: Option<bool>,
}

/// What holds during a part of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Mean of each input.
    pub inputs: Vec<f64>,
    /// Standard deviation per step of each input's noise.
    pub noise_sd: Vec<f64>,
    /// Outcome of each action.
    pub outcomes: Vec<Outcome>,
    /// What a teacher would have the animal do: the correct choice that pays most, to go on fixating where there is
    /// none; nothing at the last step and in worlds that answer.
    pub target: Option<usize>,
}

impl Row {
    /// Is some action a choice?
    pub fn offers_choice(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.chosen)
    }
}

/// A row and the step from which it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// First step.
    pub start: usize,
    /// What holds from then on.
    pub row: Arc<Row>,
}

/// One of the combinations of a task's factors.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Number in [`crate::task::Task::conditions`].
    pub id: usize,
    /// Value of each factor, in the task's order; labels as their code.
    pub values: Vec<f64>,
}

/// One trial: index 0 is the initial state, index `n_steps` − 1 ends it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Number of steps.
    pub n_steps: usize,
    /// Parts, in order; the first starts at 0.
    pub segments: Vec<Segment>,
    /// Steps [start, end) of each of the task's epochs, if the trial has it.
    pub epochs: Vec<Option<(usize, usize)>>,
    /// What the trial was made of.
    pub condition: Condition,
}

impl Trial {
    /// What holds at index `k`.
    pub fn row_at(&self, k: usize) -> &Row {
        let segment = self.segments.partition_point(|segment| segment.start <= k) - 1;
        &self.segments[segment].row
    }

    /// First index at which some action is a choice.
    pub fn first_choice_step(&self) -> Option<usize> {
        let offering = self.segments.iter().find(|segment| segment.row.offers_choice());
        offering.map(|segment| segment.start)
    }
}
