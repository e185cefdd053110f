//! Where the entries of the products live in the flat parameter buffer.

use crate::cell::Shape;
use crate::params::Layout;

/// Indices of a network's arrays.
///
/// Columns of a product: units, then inputs, then the bias.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    n: usize,
    n_inputs: usize,
    blocks: usize,
    w_in: usize,
    b_in: usize,
    w_gates: usize,
    w_rec: usize,
}

impl Place {
    pub(super) fn new(shape: Shape, layout: &Layout) -> Self {
        let offset = |name| layout.offset(name).unwrap_or(0); // arrays that the cell lacks are never asked for
        Self {
            n: shape.n_rates(),
            n_inputs: shape.n_inputs,
            blocks: shape.cell.blocks(),
            w_in: offset("w_in"),
            b_in: offset("b_in"),
            w_gates: offset("w_gates"),
            w_rec: offset("w_rec"),
        }
    }

    /// Rows: one block of units a gate, in the layout's order.
    pub(super) fn of_gate(self, row: usize, column: usize) -> usize {
        match column.checked_sub(self.n) {
            None => self.w_gates + column * (self.blocks - 1) * self.n + row,
            Some(input) if input < self.n_inputs => self.w_in + (input * self.blocks + 1) * self.n + row,
            Some(_) => self.b_in + self.n + row,
        }
    }

    pub(super) fn of_drive(self, row: usize, column: usize) -> usize {
        match column.checked_sub(self.n) {
            None => self.w_rec + column * self.n + row,
            Some(input) if input < self.n_inputs => self.w_in + input * self.blocks * self.n + row,
            Some(_) => self.b_in + row,
        }
    }
}
