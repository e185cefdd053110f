//! Sizes and kind of a network, and the layout of its parameters.

use super::{Cell, of_cell};
use crate::params::Layout;
use neuropil_math::real::Real;

/// Sizes and kind of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Kind of unit.
    pub cell: Cell,
    /// Number of units N; ignored by [`Cell::Linear`], whose state, and what it reads out, is its input.
    pub n_units: usize,
    /// Number of inputs.
    pub n_inputs: usize,
    /// Number of outputs.
    pub n_outputs: usize,
}

impl Shape {
    /// Number of rates: what is read out, and what units hear of one another.
    pub fn n_rates(self) -> usize {
        if self.cell.sizes().dynamic {
            self.n_units
        } else {
            self.n_inputs
        }
    }

    /// Dimension of the state: one value per rate, or more, the rates last.
    pub fn n_state(self) -> usize {
        self.cell.sizes().states * self.n_rates()
    }

    /// Layout of the parameters, matrices *from × to*; columns of `w_in` and `b_in`: drive, then gates; of `w_gates`:
    /// gates. Gates in order: update, recurrent ([`Cell::Gated`]); input, forget, output ([`Cell::Lstm`]).
    pub fn layout(self) -> Layout {
        of_cell!(self.cell, unit => unit::layout(self))
    }

    /// Parameters before any weight is drawn: the kind's own initial state, biases and constants, zeros elsewhere.
    pub fn initial<R: Real>(self) -> Vec<R> {
        let layout = self.layout();
        let mut params = vec![R::ZERO; layout.len()];
        of_cell!(self.cell, unit => unit::initial(self, &layout, &mut params));
        params
    }
}
