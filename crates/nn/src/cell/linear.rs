//! No dynamics: the state is the input of the same step, and nothing flows back in time.

use super::Shape;
use super::{Backward, Forward, Parts, Sizes};
use crate::params::Layout;
use neuropil_math::real::Real;

pub(crate) const SIZES: Sizes = Sizes {
    gates: 0,
    states: 1,
    dynamic: false,
    rectifies: false,
    hears_other: false,
    takes_gains: false,
};

pub(crate) fn layout(shape: Shape) -> Layout {
    let (i, o) = (shape.n_inputs, shape.n_outputs);
    Layout::new(&[("x0", &[i]), ("w_out", &[i, o]), ("b_out", &[o])])
}

/// As Song's unit.
pub(crate) fn initial<R: Real>(shape: Shape, layout: &Layout, params: &mut [R]) {
    super::gated::initial(shape, layout, params);
}

pub(crate) fn forward<R: Real, const L: usize>(_: Parts<R>, step: Forward<R>) {
    let n = step.x.len();
    step.x.copy_from_slice(&step.inputs[..n]);
}

pub(crate) fn backward<R: Real, const L: usize>(_: Parts<R>, step: Backward<R>) {
    step.dr.fill(R::ZERO);
}
