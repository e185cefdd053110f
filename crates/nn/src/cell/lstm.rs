//! Long short-term memory: Hochreiter & Schmidhuber, Neural Comput. 9:1735 (1997), with the forget gate of Gers,
//! Schmidhuber & Cummins, Neural Comput. 12:2451 (2000), and recurrent noise in the drive.
//!
//! With σ the logistic function, u_t the input and q_t the noise of step t:
//!
//! ```text
//! i_t = σ(h_{t−1} W_i + u_t Win_i + b_i)                  input gate
//! f_t = σ(h_{t−1} W_f + u_t Win_f + b_f)                  forget gate
//! o_t = σ(h_{t−1} W_o + u_t Win_o + b_o)                  output gate
//! g_t = tanh(h_{t−1} W_rec + u_t Win_x + b_x + q_t)       drive
//! c_t = f_t ∘ c_{t−1} + i_t ∘ g_t                         memory
//! h_t = o_t ∘ tanh(c_t)                                   rate
//! ```
//!
//! With gains g, h_t = g ∘ o_t ∘ tanh(c_t) (Masse, Grant & Freedman, PNAS 115:E10467, 2018). A step is a step: Δt and τ
//! do not occur. The state is \[c; h\], 2N wide, since h_{t−1} does not follow from c_{t−1}
//! alone; so is the trainable x0, which holds c_0 and h_0. Backwards, with δh_t all that reaches the rate:
//!
//! ```text
//! δc_t  = δc (from t + 1) + δh_t ∘ o_t ∘ (1 − tanh² c_t)
//! δa_o  = δh_t ∘ tanh c_t ∘ o_t ∘ (1 − o_t)               δa_i = δc_t ∘ g_t ∘ i_t ∘ (1 − i_t)
//! δa_f  = δc_t ∘ c_{t−1} ∘ f_t ∘ (1 − f_t)                δy   = δc_t ∘ i_t ∘ (1 − g_t²)
//! δh_{t−1} = δy W_recᵀ + δa_i W_iᵀ + δa_f W_fᵀ + δa_o W_oᵀ,   δc_{t−1} = f_t ∘ δc_t
//! ```

use super::Shape;
use super::{Backward, Forward, Parts, Sizes, apply_gains};
use crate::params::Layout;
use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;

pub(crate) const SIZES: Sizes = Sizes {
    gates: 3,
    states: 2,
    dynamic: true,
    rectifies: false,
    hears_other: false,
    takes_gains: true,
};

/// Gates in order: input, forget, output.
pub(crate) fn layout(shape: Shape) -> Layout {
    let Sizes { gates, states, .. } = shape.cell.sizes();
    let (n, i, o) = (shape.n_units, shape.n_inputs, shape.n_outputs);
    Layout::new(&[
        ("x0", &[states * n]),
        ("w_in", &[i, (1 + gates) * n]),
        ("b_in", &[(1 + gates) * n]),
        ("w_gates", &[n, gates * n]),
        ("w_rec", &[n, n]),
        ("w_out", &[n, o]),
        ("b_out", &[o]),
    ])
}

/// Bias of forget gates, so that memories last from the start; Jozefowicz, Zaremba & Sutskever, ICML 2015.
const FORGET_BIAS: f64 = 1.0;

/// Nothing in memory, forget gates open.
pub(crate) fn initial<R: Real>(shape: Shape, layout: &Layout, params: &mut [R]) {
    let n = shape.n_units;
    layout.view_mut(params, "b_in")[2 * n..3 * n].fill(R::of(FORGET_BIAS)); // after drive and input gate
}

pub(crate) fn forward<R: Real, const L: usize>(parts: Parts<R>, step: Forward<R>) {
    let (n, gates, drive) = (step.y.len(), parts.gates(), parts.drive());
    if !(gates.projects() && drive.projects()) {
        step.source[n..].copy_from_slice(step.inputs);
    }
    gates.recur::<L>(step.source, step.activity);
    drive.recur::<L>(step.source, step.y);
    let (c, h) = step.x.split_at_mut(n);
    let rates = &mut step.source[..n];
    integrate(step.activity, step.y, &step.previous[..n], c, h, rates);
    apply_gains(step.gains, h);
    apply_gains(step.gains, rates);
}

pub(crate) fn backward<R: Real, const L: usize>(parts: Parts<R>, step: Backward<R>) {
    let (n, dr) = (step.y.len(), step.dr);
    let (before, h) = step.previous.split_at(n);
    step.rates.copy_from_slice(h);
    apply_gains(step.gains, dr);
    let (c, dc) = (&step.x[..n], &mut step.dx[..n]);
    close(
        step.activity,
        step.y,
        before,
        c,
        dr,
        dc,
        step.d_drive,
        step.d_gates,
    );
    dr.fill(R::ZERO);
    parts.drive().backward::<L>(step.d_drive, dr);
    parts.gates().backward::<L>(step.d_gates, dr);
}

vectorised! {
    /// Pre-activations of `gates` (\[i; f; o\]) and `drive` become their values; c_t, h_t, and r = h_t, from c_{t−1}.
    pub(crate) fn integrate<F>[R: Real][R](gates: &mut [R], drive: &mut [R], previous: &[R], c: &mut [R], h: &mut [R], r: &mut [R]) {
        let n = drive.len();
        let (input, others) = gates.split_at_mut(n);
        let (forget, output) = others.split_at_mut(n);
        let (input, forget, output) = (&mut input[..n], &mut forget[..n], &mut output[..n]);
        let (previous, c, h, r) = (&previous[..n], &mut c[..n], &mut h[..n], &mut r[..n]);
        for k in 0..n {
            let (i, f) = R::logistic_pair::<F>(input[k], forget[k]);
            let (o, half) = R::logistic_pair::<F>(output[k], drive[k] + drive[k]);
            let g = half + half - R::ONE; // tanh y = 2 σ(2y) − 1
            let memory = R::fma::<F>(i, g, f * previous[k]);
            let rate = o * memory.tanh::<F>();
            (input[k], forget[k], output[k], drive[k]) = (i, f, o, g);
            (c[k], h[k], r[k]) = (memory, rate, rate);
        }
    }
}

vectorised! {
    /// `dc` holds δc from later steps and `dh` δh_t; leaves δy, \[δa_i; δa_f; δa_o\] and δc_{t−1}.
    pub(crate) fn close<F>[R: Real][R](
        gates: &[R], drive: &[R], previous: &[R], c: &[R], dh: &[R], dc: &mut [R], d_drive: &mut [R], d_gates: &mut [R],
    ) {
        let n = drive.len();
        let (input, others) = gates.split_at(n);
        let (forget, output) = others.split_at(n);
        let (input, forget, output) = (&input[..n], &forget[..n], &output[..n]);
        let (d_input, others) = d_gates.split_at_mut(n);
        let (d_forget, d_output) = others.split_at_mut(n);
        let (d_input, d_forget, d_output) = (&mut d_input[..n], &mut d_forget[..n], &mut d_output[..n]);
        let (previous, c, dh, dc, d_drive) = (&previous[..n], &c[..n], &dh[..n], &mut dc[..n], &mut d_drive[..n]);
        for k in 0..n {
            let (i, f, o, g) = (input[k], forget[k], output[k], drive[k]);
            let squashed = c[k].tanh::<F>();
            let d = R::fma::<F>(dh[k] * o, R::ONE - squashed * squashed, dc[k]);
            d_output[k] = dh[k] * squashed * o * (R::ONE - o);
            d_input[k] = d * g * i * (R::ONE - i);
            d_forget[k] = d * previous[k] * f * (R::ONE - f);
            d_drive[k] = d * i * (R::ONE - g * g);
            dc[k] = d * f;
        }
    }
}
