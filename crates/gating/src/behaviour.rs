//! What counts as right in a trial whose answer is given step by step.

/// Steps after the response is due before the answer is counted.
const SETTLING: usize = 5;
/// Fraction of the steps before it in which fixation must be kept.
const KEPT: f64 = 0.95;

/// A trial that was answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Behaviour {
    /// Steps at which something else than to fixate is right: those that Masse et al. (2018) count.
    pub steps: usize,
    /// Of them, right ones.
    pub right: usize,
    /// Fraction of the counted steps before the response with fixation.
    pub kept: f64,
    /// Most frequent answer from five steps after the response is due; of equally frequent ones the first.
    pub answer: usize,
    /// What it should be.
    pub wanted: usize,
}

impl Behaviour {
    /// Of what was wanted at each step (none: the step does not count) and what was answered; `fixate` is the output that
    /// means to go on waiting, `n` the number of outputs.
    ///
    /// ```
    /// use neuropil_gating::behaviour::Behaviour;
    /// let wanted = [None, Some(0), Some(0), Some(2), Some(2)];
    /// let found = Behaviour::of(&wanted, &[1, 0, 0, 2, 1], 0, 3);
    /// assert_eq!((found.steps, found.right, found.kept), (2, 1, 1.0));
    /// ```
    pub fn of(wanted: &[Option<usize>], answers: &[usize], fixate: usize, n: usize) -> Self {
        let scored = |step: &usize| wanted[*step].is_some_and(|wanted| wanted != fixate);
        let response = (0..wanted.len()).find(scored);
        let right = |step: &usize| wanted[*step] == Some(answers[*step]);
        let counted = |step: &usize| wanted[*step].is_some();
        let before: Vec<usize> = (0..response.unwrap_or(wanted.len())).filter(counted).collect();
        let kept = before.iter().filter(|&&step| answers[step] == fixate).count();
        let mut counts = vec![0; n];
        match response {
            Some(response) => answers[(response + SETTLING).min(answers.len())..]
                .iter()
                .for_each(|&answer| counts[answer] += 1),
            None => counts[fixate] = 1,
        }
        Self {
            steps: (0..wanted.len()).filter(scored).count(),
            right: (0..wanted.len()).filter(scored).filter(right).count(),
            kept: if before.is_empty() {
                1.0
            } else {
                kept as f64 / before.len() as f64
            },
            answer: (0..n).fold(0, |most, answer| {
                if counts[answer] > counts[most] {
                    answer
                } else {
                    most
                }
            }),
            wanted: response.and_then(|response| wanted[response]).unwrap_or(fixate),
        }
    }

    /// Was the whole trial right: fixation kept in 95 % of the steps before, and the answer the right one?
    pub fn is_right(&self) -> bool {
        self.kept >= KEPT && self.answer == self.wanted
    }
}
