//! What the forward pass of one block of trials leaves for the backward pass.

use super::floor;
use crate::buffer::Buffer;
use crate::cell::Shape;
use neuropil_math::real::Real;
use std::ops::Range;

/// How much of the past a [`History`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Every step, for the backward pass.
    All,
    /// Only what the next step needs.
    Last,
}

/// States, gates, drives and inputs of one block of `L` trials; index t counts from the initial state at 0.
#[derive(Debug)]
pub struct History<R, const L: usize> {
    /// Rates, state values, gates per unit.
    pub(super) n: usize,
    pub(super) n_state: usize,
    pub(super) n_gates: usize,
    pub(super) n_inputs: usize,
    pub(super) kept: usize,
    /// Least rate: 0 for rectified units.
    pub(super) floor: R,
    pub(super) x: Buffer<R>,
    pub(super) gates: Buffer<R>,
    pub(super) drive: Buffer<R>,
    /// \[u; 1\] of each step.
    pub(super) inputs: Buffer<R>,
    /// \[r; u; 1\] and \[γ∘r; u; 1\] of the current step.
    pub(super) sources: [Buffer<R>; 2],
    /// (t, lane): where lanes start anew.
    pub(super) restarts: Vec<(usize, usize)>,
    /// Gains of the rates, \[unit\]\[L\].
    pub(super) gains: Option<Buffer<R>>,
    takes_gains: bool,
}

impl<R: Real, const L: usize> History<R, L> {
    /// Room for `n_steps` steps (the initial state included).
    pub fn new(shape: Shape, n_steps: usize, keep: Keep) -> Self {
        let (n, n_state, n_inputs) = (shape.n_rates(), shape.n_state(), shape.n_inputs);
        let sizes = shape.cell.sizes();
        let n_gates = sizes.gates;
        let kept = if keep == Keep::All { n_steps.max(1) } else { 2 };
        let dynamic = if sizes.dynamic { kept * n * L } else { 0 };
        let mut inputs = Buffer::zeros(kept * (n_inputs + 1) * L);
        for step in inputs.chunks_exact_mut((n_inputs + 1) * L) {
            step[n_inputs * L..].fill(R::ONE);
        }
        Self {
            n,
            n_state,
            n_gates,
            n_inputs,
            kept,
            floor: floor(shape.cell),
            x: Buffer::zeros(kept * n_state * L),
            gates: Buffer::zeros(n_gates * dynamic),
            drive: Buffer::zeros(dynamic),
            inputs,
            sources: std::array::from_fn(|_| Buffer::zeros((n + n_inputs + 1) * L)),
            restarts: Vec::new(),
            gains: None,
            takes_gains: sizes.takes_gains,
        }
    }

    /// From the next [`Network::begin`](super::Network::begin) on, every unit's rate is multiplied by a gain of its own in
    /// each lane, \[unit\]\[L\] ≥ 0; `None`: by 1. A unit with gain 0 is silent and nothing flows through it.
    ///
    /// # Panics
    /// When the cell has no rates of its own to multiply ([`Cell::takes_gains`](crate::cell::Cell::takes_gains)): in such a
    /// network a gain is the same as scaling the weights that leave the unit, and units with gain 0 can be left out by
    /// [`Layout::gathered`](crate::params::Layout::gathered).
    pub fn set_gains(&mut self, gains: Option<&[R]>) {
        assert!(
            self.takes_gains || gains.is_none(),
            "rates of this cell take no gains"
        );
        self.gains = gains.map(|gains| {
            let mut buffer = Buffer::zeros(self.n * L);
            buffer.copy_from_slice(gains);
            buffer
        });
    }

    /// State at index `t`, \[state\]\[L\].
    pub fn state(&self, t: usize) -> &[R] {
        let width = self.n_state * L;
        &self.x[(t % self.kept) * width..][..width]
    }

    /// The part of the state at index `t` that [`History::rate`] makes rates of, \[unit\]\[L\].
    pub fn read(&self, t: usize) -> &[R] {
        &self.state(t)[(self.n_state - self.n) * L..]
    }

    /// Rate of a value of [`History::read`].
    #[inline]
    pub fn rate(&self, x: R) -> R {
        x.larger(self.floor)
    }

    /// Input shown at index `t` ≥ 1, \[input\]\[L\]: to be written before
    /// [`Network::project`](super::Network::project).
    pub fn input_mut(&mut self, t: usize) -> &mut [R] {
        let width = (self.n_inputs + 1) * L;
        &mut self.inputs[(t % self.kept) * width..][..self.n_inputs * L]
    }

    /// Inputs and noise at all indices `steps`, to be written before
    /// [`Network::project`](super::Network::project): \[step\]\[input + 1\]\[L\],
    /// where the last row stays 1, and \[step\]\[unit\]\[L\].
    ///
    /// # Panics
    /// When the history did not keep every step.
    pub fn inputs_and_noise_mut(&mut self, steps: Range<usize>) -> (&mut [R], &mut [R]) {
        let inputs = (self.n_inputs + 1) * L;
        let noise = if self.drive.is_empty() { 0 } else { self.n * L };
        (
            &mut self.inputs[steps.start * inputs..steps.end * inputs],
            &mut self.drive[steps.start * noise..steps.end * noise],
        )
    }

    /// \[u; 1\] at index `t` ≥ 1.
    pub(super) fn inputs(&self, t: usize) -> &[R] {
        let width = (self.n_inputs + 1) * L;
        &self.inputs[(t % self.kept) * width..][..width]
    }

    /// Noise of the drive at index `t` ≥ 1, \[unit\]\[L\]: to be written before
    /// [`Network::project`](super::Network::project), which adds
    /// the rest of the drive to it. Empty for a network without dynamics.
    pub fn noise_mut(&mut self, t: usize) -> &mut [R] {
        let width = if self.drive.is_empty() { 0 } else { self.n * L };
        &mut self.drive[(t % self.kept) * width..][..width]
    }
}
