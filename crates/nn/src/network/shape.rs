//! Sizes and kind of a network, and the layout of its parameters.

use crate::cell::Cell;
use crate::params::Layout;

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
        if self.cell == Cell::Linear {
            self.n_inputs
        } else {
            self.n_units
        }
    }

    /// Dimension of the state: one value per rate, or for [`Cell::Lstm`] memories, then rates.
    pub fn n_state(self) -> usize {
        match self.cell {
            Cell::Lstm => 2 * self.n_units,
            _ => self.n_rates(),
        }
    }

    /// Layout of the parameters, matrices *from × to*; columns of `w_in` and `b_in`: drive, then gates; of `w_gates`:
    /// gates. Gates in order: update, recurrent ([`Cell::Gated`]); input, forget, output ([`Cell::Lstm`]).
    pub fn layout(self) -> Layout {
        let (n, i, o) = (self.n_rates(), self.n_inputs, self.n_outputs);
        let (blocks, gates) = (self.cell.blocks(), self.cell.gates());
        let x0 = ("x0", &[self.n_state()][..]);
        let (w_out, b_out) = (("w_out", &[n, o][..]), ("b_out", &[o][..]));
        let (w_in, b_in) = (("w_in", &[i, blocks * n][..]), ("b_in", &[blocks * n][..]));
        let (w_gates, w_rec) = (("w_gates", &[n, gates * n][..]), ("w_rec", &[n, n][..]));
        match self.cell {
            Cell::Gated | Cell::Lstm => Layout::new(&[x0, w_in, b_in, w_gates, w_rec, w_out, b_out]),
            Cell::Leaky => Layout::new(&[x0, w_in, b_in, w_rec, w_out, b_out]),
            Cell::Linear => Layout::new(&[x0, w_out, b_out]),
        }
    }
}
