//! The modified gated unit of Song, Yang & Wang, eLife 6:e21492 (2017).
//!
//! With α = Δt/τ, r = max(0, x), σ the logistic function, u_t the input and q_t the noise of step t:
//!
//! ```text
//! λ_t = σ(r_{t−1} W_λ + u_t Win_λ + b_λ)                  update gate
//! γ_t = σ(r_{t−1} W_γ + u_t Win_γ + b_γ)                  recurrent gate
//! y_t = (γ_t ∘ r_{t−1}) W_rec + u_t Win_x + b_x + q_t     drive
//! x_t = (1 − α λ_t) ∘ x_{t−1} + α λ_t ∘ y_t
//! ```
//!
//! Both gates see the rates of the previous step and the input of this one. Backwards, with δx_t the gradient
//! of the loss with respect to x_t:
//!
//! ```text
//! δy    = α λ_t ∘ δx_t                   δa_λ = α δx_t ∘ (y_t − x_{t−1}) ∘ λ_t ∘ (1 − λ_t)
//! δ(γr) = δy W_recᵀ                      δa_γ = δ(γr) ∘ r_{t−1} ∘ γ_t ∘ (1 − γ_t)
//! δr_{t−1} = δ(γr) ∘ γ_t + δa_λ W_λᵀ + δa_γ W_γᵀ
//! δx_{t−1} = (1 − α λ_t) ∘ δx_t
//! ```
//!
//! All arrays are `[unit][lane]`. One function per pass: slices that come in as arguments are known not to
//! overlap, and only then does the compiler turn the loops into vector instructions.

use super::Shape;
use super::{Backward, Forward, Parts, Sizes};
use crate::params::Layout;
use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;

pub(crate) const SIZES: Sizes = Sizes {
    gates: 2,
    states: 1,
    dynamic: true,
    rectifies: true,
    hears_other: true,
    takes_gains: false,
};

/// Gates in order: update, recurrent.
pub(crate) fn layout(shape: Shape) -> Layout {
    super::lstm::layout(shape)
}

/// Song's networks begin with all units at a half.
pub(crate) fn initial<R: Real>(_: Shape, layout: &Layout, params: &mut [R]) {
    layout.view_mut(params, "x0").fill(R::of(0.5));
}

pub(crate) fn forward<R: Real, const L: usize>(parts: Parts<R>, step: Forward<R>) {
    let (n, gates, drive) = (step.y.len(), parts.gates(), parts.drive());
    if !gates.projects() {
        step.source[n..].copy_from_slice(step.inputs);
    }
    if !drive.projects() {
        step.heard[n..].copy_from_slice(step.inputs);
    }
    gates.recur::<L>(step.source, step.activity);
    let (update, recurrent) = step.activity.split_at_mut(n);
    open_gates(update, recurrent, &step.source[..n], &mut step.heard[..n]);
    drive.recur::<L>(step.heard, step.y);
    integrate(
        parts.alpha,
        step.previous,
        update,
        step.y,
        step.x,
        &mut step.source[..n],
    );
}

pub(crate) fn backward<R: Real, const L: usize>(parts: Parts<R>, step: Backward<R>) {
    let (n, dr) = (step.y.len(), step.dr);
    let (update, recurrent) = step.activity.split_at(n);
    let (d_update, d_recurrent) = step.d_gates.split_at_mut(n);
    recall(step.previous, recurrent, step.rates, step.heard);
    close_drive(
        parts.alpha,
        step.x,
        step.previous,
        update,
        step.y,
        dr,
        step.dx,
        step.d_drive,
        d_update,
    );
    dr.fill(R::ZERO);
    parts.drive().backward::<L>(step.d_drive, dr);
    close_recurrent_gate(step.rates, recurrent, dr, d_recurrent);
    parts.gates().backward::<L>(step.d_gates, dr);
}

vectorised! {
    /// Pre-activations of the gates become λ and γ; `gated` = γ ∘ r.
    pub(crate) fn open_gates<F>[R: Real][R](update: &mut [R], recurrent: &mut [R], r: &[R], gated: &mut [R]) {
        let n = update.len();
        let (recurrent, r, gated) = (&mut recurrent[..n], &r[..n], &mut gated[..n]);
        for i in 0..n {
            let (lambda, gamma) = R::logistic_pair::<F>(update[i], recurrent[i]);
            update[i] = lambda;
            recurrent[i] = gamma;
            gated[i] = gamma * r[i];
        }
    }
}

vectorised! {
    /// x_t and r_t from x_{t−1}, λ_t and y_t.
    pub(crate) fn integrate<F>[R: Real][R](alpha: R, previous: &[R], update: &[R], drive: &[R], x: &mut [R], r: &mut [R]) {
        let n = x.len();
        let (previous, update, drive, r) = (&previous[..n], &update[..n], &drive[..n], &mut r[..n]);
        for i in 0..n {
            let next = R::fma::<F>(alpha * update[i], drive[i] - previous[i], previous[i]);
            x[i] = next;
            r[i] = next.larger(R::ZERO);
        }
    }
}

vectorised! {
    /// r_{t−1} and γ_t ∘ r_{t−1}, as the forward pass had them.
    pub(crate) fn recall<F>[R: Real][R](previous: &[R], recurrent: &[R], r: &mut [R], gated: &mut [R]) {
        let n = previous.len();
        let (recurrent, r, gated) = (&recurrent[..n], &mut r[..n], &mut gated[..n]);
        for i in 0..n {
            let rate = previous[i].larger(R::ZERO);
            r[i] = rate;
            gated[i] = recurrent[i] * rate;
        }
    }
}

vectorised! {
    /// First half of a step back: `dx` holds δx_t from later steps and `dr` δr_t; leaves δy, δa_λ and δx_{t−1}.
    pub(crate) fn close_drive<F>[R: Real][R](
        alpha: R, x: &[R], previous: &[R], update: &[R], drive: &[R], dr: &[R], dx: &mut [R], d_drive: &mut [R], d_update: &mut [R],
    ) {
        let n = dx.len();
        let (x, previous, update, drive) = (&x[..n], &previous[..n], &update[..n], &drive[..n]);
        let (dr, d_drive, d_update) = (&dr[..n], &mut d_drive[..n], &mut d_update[..n]);
        for i in 0..n {
            let through_rate = if x[i] > R::ZERO { dr[i] } else { R::ZERO };
            let d = dx[i] + through_rate;
            let lambda = update[i];
            let d_y = alpha * lambda * d;
            d_drive[i] = d_y;
            d_update[i] = d_y * (drive[i] - previous[i]) * (R::ONE - lambda);
            dx[i] = d - d_y;
        }
    }
}

vectorised! {
    /// Second half: from `dr` = δ(γr) to δa_γ and the direct part of δr_{t−1}, left in `dr`.
    pub(crate) fn close_recurrent_gate<F>[R: Real][R](r: &[R], recurrent: &[R], dr: &mut [R], d_recurrent: &mut [R]) {
        let n = dr.len();
        let (r, recurrent, d_recurrent) = (&r[..n], &recurrent[..n], &mut d_recurrent[..n]);
        for i in 0..n {
            let gamma = recurrent[i];
            let through_gate = dr[i] * gamma;
            d_recurrent[i] = through_gate * r[i] * (R::ONE - gamma);
            dr[i] = through_gate;
        }
    }
}
