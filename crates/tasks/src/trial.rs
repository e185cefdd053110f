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
    /// The choice counts once during this epoch of the task: taken again, it changes nothing.
    pub once_in: Option<usize>,
}

impl Outcome {
    /// Going on.
    pub const NOTHING: Self = Self {
        reward: 0.0,
        ends: false,
        chosen: false,
        correct: None,
        once_in: None,
    };
}

/// What a teacher would have the outputs be.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The action to take.
    Class(usize),
    /// The value of each output.
    Values(Vec<f64>),
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
    /// What a teacher would have: the values of `[targets]`, or the correct choice that pays most, to go on waiting where
    /// there is none; nothing at the last step and in worlds that answer.
    pub target: Option<Target>,
    /// How much the target counts.
    pub weight: f64,
}

impl Row {
    /// Is some action a choice?
    pub fn offers_choice(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.chosen)
    }

    /// The action that a teacher would have, if the target is one.
    pub fn target_action(&self) -> Option<usize> {
        match self.target {
            Some(Target::Class(action)) => Some(action),
            _ => None,
        }
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

/// What a random event adds to an input in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pulse {
    /// Step.
    pub step: usize,
    /// Input.
    pub input: usize,
    /// What is added.
    pub size: f64,
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
    /// What else is known of it, in the order of [`crate::task::Task::recorded`]: continuous factors, counts of events,
    /// derived quantities.
    pub recorded: Vec<f64>,
    /// Random events, by step; they add to what the rows show.
    pub pulses: Vec<Pulse>,
}

impl Trial {
    /// What holds at index `k`.
    pub fn row_at(&self, k: usize) -> &Row {
        let segment = self.segments.partition_point(|segment| segment.start <= k) - 1;
        &self.segments[segment].row
    }

    /// Mean of each input at index `k`, with the events of that step.
    pub fn inputs_at(&self, k: usize) -> Vec<f64> {
        let mut inputs = self.row_at(k).inputs.clone();
        let first = self.pulses.partition_point(|pulse| pulse.step < k);
        for pulse in self.pulses[first..].iter().take_while(|pulse| pulse.step == k) {
            inputs[pulse.input] += pulse.size;
        }
        inputs
    }

    /// Whether some answer, at some time, is right; where none is, a go/no-go trial is to be sat out.
    pub fn answerable(&self) -> bool {
        let mut rows = self.segments.iter().map(|segment| &segment.row);
        rows.any(|row| row.outcomes.iter().any(|outcome| outcome.correct == Some(true)))
    }

    /// First index at which some action is a choice.
    pub fn first_choice_step(&self) -> Option<usize> {
        let offering = self.segments.iter().find(|segment| segment.row.offers_choice());
        offering.map(|segment| segment.start)
    }
}
