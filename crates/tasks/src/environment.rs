//! Worlds that answer, a block of trials in lockstep.

/// A block of trials advanced in lockstep.
pub trait Environment: Send {
    /// Writes the inputs shown at index `t` ≥ 1, \[input\]\[lane\].
    fn observe(&mut self, t: usize, inputs: &mut [f64]);
    /// Judges the actions taken at index `t`.
    fn act(&mut self, t: usize, actions: &[usize], living: &[bool], rewards: &mut [f64], ended: &mut [bool]);
}
