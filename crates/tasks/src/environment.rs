//! What every task is to whoever learns it: a block of trials that shows and judges, step by step.

use crate::round::Round;
use crate::tally::Tally;

/// A block of trials advanced in lockstep, one a lane. Arrays are `[row][lane]`.
pub trait Environment: Send {
    /// Writes the inputs shown at index `t` ≥ 1, `[input][lane]`; called once for each `t`, in order, before
    /// [`Environment::act`] at the same `t`. Where nothing that is shown depends on what was done, all of a trial may be
    /// observed before the first act.
    fn observe(&mut self, t: usize, inputs: &mut [f64]);

    /// Judges the actions taken at index `t`, which grows from call to call: writes reward and "is over" of every living lane.
    fn act(&mut self, t: usize, actions: &[usize], living: &[bool], rewards: &mut [f64], ended: &mut [bool]);

    /// What the block's sessions came to, one sum per measure of the task's world; empty for trial tables, whose
    /// ends say it all.
    fn tallies(&self) -> Vec<Tally> {
        Vec::new()
    }

    /// Trials of each lane's session, of worlds whose sessions are made of trials.
    fn rounds(&self) -> Vec<Vec<Round>> {
        Vec::new()
    }
}
