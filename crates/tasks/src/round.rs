//! What came of one trial, or one choice, of a session.

/// What came of one trial of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// What it was made of.
    pub condition: Vec<f64>,
    /// What else is known of it, as [`crate::trial::Trial::recorded`].
    pub recorded: Vec<f64>,
    /// Number of its block and of the trial in it, from 1.
    pub block: [usize; 2],
    /// Steps [start, end) of each epoch from the beginning of the trial, if it has it.
    pub epochs: Vec<Option<(usize, usize)>>,
    /// Steps that it lasted.
    pub n_steps: usize,
    /// Answers in order: step, action.
    pub answers: Vec<(usize, usize)>,
    /// Whether the last answer was right or wrong, if it was one or the other.
    pub correct: Option<bool>,
    /// Whether any answer could have been right.
    pub answerable: bool,
    /// Sum of its rewards.
    pub reward: f64,
}

impl Round {
    /// Round number `number`, from 1, of a world whose rounds are neither conditions nor epochs.
    pub(crate) fn of_world(
        number: usize,
        n_steps: usize,
        answer: Option<(usize, usize)>,
        reward: f64,
    ) -> Self {
        Self {
            condition: Vec::new(),
            recorded: Vec::new(),
            block: [1, number],
            epochs: Vec::new(),
            n_steps,
            answers: answer.into_iter().collect(),
            correct: None,
            answerable: true,
            reward,
        }
    }
}
