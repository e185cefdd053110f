//! The excitatory–inhibitory rate unit with short-term synaptic plasticity of Masse, Yang, Song, Wang & Freedman, Nat.
//! Neurosci. 22:1159 (2019), after Mongillo, Barak & Tsodyks, Science 319:1543 (2008), as the programs of Masse, Grant &
//! Freedman, PNAS 115:E10467 (2018) have it.
//!
//! With α = Δt/τ, h the rate, s the resources and u the release of the synapses that a unit makes, α_d and α_f their rates
//! of recovery, U the release at rest, σ the sign of the unit, g its gain and \[·\] the clip to 0…1:
//!
//! ```text
//! s_t = [s_{t−1} + α_d (1 − s_{t−1}) − Δt u_{t−1} s_{t−1} h_{t−1}]
//! u_t = [u_{t−1} + α_f (U − u_{t−1}) + Δt U (1 − u_{t−1}) h_{t−1}]
//! y_t = (u_t ∘ s_t ∘ h_{t−1}) W + u_t Win + b + q_t,      W = diag(σ) max(0, W_rec) where σ ≠ 0, W_rec where σ = 0
//! h_t = g ∘ max(0, (1 − α) h_{t−1} + α y_t)
//! ```
//!
//! The noise q is that of the drive: noise of standard deviation ε on h is one of ε/α here. The state is \[s; u; h\], 3N
//! wide. Backwards, with p_t = u_t ∘ s_t ∘ h_{t−1} and δh_t all that reaches the rate:
//!
//! ```text
//! δz     = g ∘ δh_t where h_t > 0, else 0      δy = α δz,   δp = δy Wᵀ
//! δs_t  += δp ∘ u_t ∘ h_{t−1}                  δu_t += δp ∘ s_t ∘ h_{t−1};   each 0 where it was clipped
//! δs_{t−1} = δs_t ∘ (1 − α_d − Δt u_{t−1} h_{t−1})
//! δu_{t−1} = δu_t ∘ (1 − α_f − Δt U h_{t−1}) − δs_t ∘ Δt s_{t−1} h_{t−1}
//! δh_{t−1} = (1 − α) δz + δp ∘ u_t s_t − δs_t ∘ Δt u_{t−1} s_{t−1} + δu_t ∘ Δt U (1 − u_{t−1})
//! ```

use super::Shape;
use super::{Backward, Forward, Parts, Sizes};
use crate::params::Layout;
use crate::synapse::{ROWS, Synapse};
use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;

pub(crate) const SIZES: Sizes = Sizes {
    gates: 0,
    states: 3,
    dynamic: true,
    rectifies: true,
    hears_other: false,
    takes_gains: true,
};

pub(crate) fn layout(shape: Shape) -> Layout {
    let (n, i, o) = (shape.n_units, shape.n_inputs, shape.n_outputs);
    Layout::new(&[
        ("x0", &[SIZES.states * n]),
        ("synapse", &[ROWS, n]),
        ("w_in", &[i, n]),
        ("b_in", &[n]),
        ("w_rec", &[n, n]),
        ("w_out", &[n, o]),
        ("b_out", &[o]),
    ])
}

/// Rate of every unit before the first step.
const INITIAL_RATE: f64 = 0.1;

/// Free synapses without plasticity, full resources, a little activity: whoever wants plasticity writes `synapse` and the
/// release U into `x0`.
pub(crate) fn initial<R: Real>(shape: Shape, layout: &Layout, params: &mut [R]) {
    let n = shape.n_units;
    let constants = Synapse::array(&vec![Synapse::fixed(0.0); n]);
    for (value, constant) in layout.view_mut(params, "synapse").iter_mut().zip(constants) {
        *value = R::of(constant);
    }
    let x0 = layout.view_mut(params, "x0");
    x0[..2 * n].fill(R::ONE);
    x0[2 * n..].fill(R::of(INITIAL_RATE));
}

pub(crate) fn forward<R: Real, const L: usize>(parts: Parts<R>, step: Forward<R>) {
    let (n, drive) = (step.y.len(), parts.drive());
    let (before_s, rest) = step.previous.split_at(n);
    let (before_u, before_h) = rest.split_at(n);
    let (s, rest) = step.x.split_at_mut(n);
    let (u, h) = rest.split_at_mut(n);
    release::<R, L>(
        parts.synapse,
        [before_s, before_u, before_h],
        s,
        u,
        &mut step.heard[..n],
    );
    if !drive.projects() {
        step.heard[n..].copy_from_slice(step.inputs);
    }
    drive.recur::<L>(step.heard, step.y);
    integrate(parts.alpha, before_h, step.y, h);
    super::apply_gains(step.gains, h);
    step.source[..n].copy_from_slice(h);
}

pub(crate) fn backward<R: Real, const L: usize>(parts: Parts<R>, step: Backward<R>) {
    let (n, dr) = (step.y.len(), step.dr);
    let (before_s, rest) = step.previous.split_at(n);
    let (before_u, before_h) = rest.split_at(n);
    let (s, rest) = step.x.split_at(n);
    let (u, h) = rest.split_at(n);
    let (ds, rest) = step.dx.split_at_mut(n);
    let (du, dh) = rest.split_at_mut(n);
    close_rate(h, dr, dh);
    super::apply_gains(step.gains, dh);
    for (d, &dz) in step.d_drive.iter_mut().zip(&*dh) {
        *d = parts.alpha * dz;
    }
    for (((heard, &s), &u), &h) in step.rates.iter_mut().zip(s).zip(u).zip(before_h) {
        *heard = u * s * h;
    }
    dr.fill(R::ZERO);
    parts.drive().backward::<L>(step.d_drive, dr);
    let before = [before_s, before_u, before_h];
    close_release::<R, L>(parts.alpha, parts.synapse, before, s, u, dr, ds, du, dh);
    dr.fill(R::ZERO);
}

vectorised! {
    /// s_t, u_t and p_t = u_t ∘ s_t ∘ h_{t−1} from `before` = \[s, u, h\] at t − 1; rows \[unit\]\[L\].
    fn release<F>[R: Real, const L: usize][R, L](
        synapse: &[R], before: [&[R]; 3], s: &mut [R], u: &mut [R], heard: &mut [R],
    ) {
        let n = s.len() / L;
        for k in 0..n {
            let [_, rest, facilitate, recover, dt] = constants(synapse, n, k);
            for i in k * L..(k + 1) * L {
                let (s0, u0, h0) = (before[0][i], before[1][i], before[2][i]);
                let [s1, u1] = unclipped(rest, facilitate, recover, dt, s0, u0, h0);
                s[i] = clip(s1);
                u[i] = clip(u1);
                heard[i] = u[i] * s[i] * h0;
            }
        }
    }
}

vectorised! {
    /// h_t before the gain, from h_{t−1} and y_t.
    fn integrate<F>[R: Real][R](alpha: R, previous: &[R], drive: &[R], h: &mut [R]) {
        let n = h.len();
        let (previous, drive) = (&previous[..n], &drive[..n]);
        for i in 0..n {
            h[i] = R::fma::<F>(alpha, drive[i] - previous[i], previous[i]).larger(R::ZERO);
        }
    }
}

vectorised! {
    /// `dh` holds δh_t from later steps and `dr` what the read-out adds; leaves δz before the gain in `dh`.
    fn close_rate<F>[R: Real][R](h: &[R], dr: &[R], dh: &mut [R]) {
        let n = dh.len();
        let (h, dr) = (&h[..n], &dr[..n]);
        for i in 0..n {
            dh[i] = if h[i] > R::ZERO { dh[i] + dr[i] } else { R::ZERO };
        }
    }
}

vectorised! {
    /// From δp and δz (in `dh`) at t to δs, δu and δh at t − 1.
    fn close_release<F>[R: Real, const L: usize][R, L](
        alpha: R, synapse: &[R], before: [&[R]; 3], s: &[R], u: &[R], dp: &[R], ds: &mut [R], du: &mut [R], dh: &mut [R],
    ) {
        let n = s.len() / L;
        for k in 0..n {
            let [_, rest, facilitate, recover, dt] = constants(synapse, n, k);
            for i in k * L..(k + 1) * L {
                let (s0, u0, h0) = (before[0][i], before[1][i], before[2][i]);
                let [s1, u1] = unclipped(rest, facilitate, recover, dt, s0, u0, h0);
                let d_s = passes(s1, R::fma::<F>(dp[i], u[i] * h0, ds[i]));
                let d_u = passes(u1, R::fma::<F>(dp[i], s[i] * h0, du[i]));
                ds[i] = d_s * (R::ONE - recover - dt * u0 * h0);
                du[i] = d_u * (R::ONE - facilitate - dt * rest * h0) - d_s * dt * s0 * h0;
                dh[i] = (R::ONE - alpha) * dh[i] + dp[i] * u[i] * s[i] - d_s * dt * u0 * s0
                    + d_u * dt * rest * (R::ONE - u0);
            }
        }
    }
}

#[inline(always)]
fn constants<R: Real>(synapse: &[R], n: usize, unit: usize) -> [R; ROWS] {
    std::array::from_fn(|row| synapse[row * n + unit])
}

/// s_t and u_t before they are clipped.
#[inline(always)]
fn unclipped<R: Real>(rest: R, facilitate: R, recover: R, dt: R, s: R, u: R, h: R) -> [R; 2] {
    [
        s + recover * (R::ONE - s) - dt * u * s * h,
        u + facilitate * (rest - u) + dt * rest * (R::ONE - u) * h,
    ]
}

#[inline(always)]
fn clip<R: Real>(x: R) -> R {
    x.larger(R::ZERO).smaller(R::ONE)
}

/// A gradient, where the value was not clipped.
#[inline(always)]
fn passes<R: Real>(value: R, gradient: R) -> R {
    if value > R::ZERO && value <= R::ONE {
        gradient
    } else {
        R::ZERO
    }
}
