//! The leaky rectified unit: Song's unit with both gates open.
//!
//! ```text
//! y_t = r_{t−1} W_rec + u_t Win + b + q_t,   x_t = (1 − α) x_{t−1} + α y_t,   r = max(0, x)
//! δy = α δx_t,   δr_{t−1} = δy W_recᵀ,   δx_{t−1} = (1 − α) δx_t
//! ```

use super::Shape;
use super::{Backward, Forward, Parts, Sizes};
use crate::params::Layout;
use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;

pub(crate) const SIZES: Sizes = Sizes {
    gates: 0,
    states: 1,
    dynamic: true,
    rectifies: true,
    hears_other: false,
    takes_gains: false,
};

pub(crate) fn layout(shape: Shape) -> Layout {
    let (n, i, o) = (shape.n_units, shape.n_inputs, shape.n_outputs);
    Layout::new(&[
        ("x0", &[n]),
        ("w_in", &[i, n]),
        ("b_in", &[n]),
        ("w_rec", &[n, n]),
        ("w_out", &[n, o]),
        ("b_out", &[o]),
    ])
}

/// As Song's unit.
pub(crate) fn initial<R: Real>(shape: Shape, layout: &Layout, params: &mut [R]) {
    super::gated::initial(shape, layout, params);
}

pub(crate) fn forward<R: Real, const L: usize>(parts: Parts<R>, step: Forward<R>) {
    let (n, drive) = (step.y.len(), parts.drive());
    if !drive.projects() {
        step.source[n..].copy_from_slice(step.inputs);
    }
    drive.recur::<L>(step.source, step.y);
    integrate(parts.alpha, step.previous, step.y, step.x, &mut step.source[..n]);
}

pub(crate) fn backward<R: Real, const L: usize>(parts: Parts<R>, step: Backward<R>) {
    for (r, &x) in step.rates.iter_mut().zip(step.previous) {
        *r = x.larger(R::ZERO);
    }
    close_drive(parts.alpha, step.x, step.dr, step.dx, step.d_drive);
    step.dr.fill(R::ZERO);
    parts.drive().backward::<L>(step.d_drive, step.dr);
}

vectorised! {
    /// x_t and r_t from x_{t−1} and y_t.
    pub(crate) fn integrate<F>[R: Real][R](alpha: R, previous: &[R], drive: &[R], x: &mut [R], r: &mut [R]) {
        let n = x.len();
        let (previous, drive, r) = (&previous[..n], &drive[..n], &mut r[..n]);
        for i in 0..n {
            let next = R::fma::<F>(alpha, drive[i] - previous[i], previous[i]);
            x[i] = next;
            r[i] = next.larger(R::ZERO);
        }
    }
}

vectorised! {
    /// `dx` holds δx_t from later steps and `dr` δr_t; leaves δy and δx_{t−1}.
    pub(crate) fn close_drive<F>[R: Real][R](alpha: R, x: &[R], dr: &[R], dx: &mut [R], d_drive: &mut [R]) {
        let n = dx.len();
        let (x, dr, d_drive) = (&x[..n], &dr[..n], &mut d_drive[..n]);
        for i in 0..n {
            let through_rate = if x[i] > R::ZERO { dr[i] } else { R::ZERO };
            let d = dx[i] + through_rate;
            let d_y = alpha * d;
            d_drive[i] = d_y;
            dx[i] = d - d_y;
        }
    }
}
