//! Back-propagation through time over a block of trials.
//!
//! Steps go back one by one, in windows; while one window is filled, the weights' gradient of the one before is added up
//! by whichever thread is idle.

use super::history::History;
use super::{Network, floor};
use crate::buffer::Buffer;
use crate::cell::{self, of_cell};
use crate::product::{Gradient, Product, WINDOW};
use crate::readout;
use neuropil_math::real::Real;
use std::ops::Range;

/// Gradients of one worker, and its scratch rows.
#[derive(Debug)]
pub struct Gradients<R, const L: usize> {
    weights: Weights<R>,
    flow: Flow<R>,
    /// One is being filled while the other is added to the weights' gradient.
    windows: [Window<R>; 2],
}

/// Gradients of the products.
#[derive(Debug)]
struct Weights<R> {
    gates: Option<Gradient<R>>,
    drive: Option<Gradient<R>>,
}

/// What goes back in time, and the small gradients that are added up on the way.
#[derive(Debug)]
struct Flow<R> {
    dx: Buffer<R>,
    dr: Buffer<R>,
    x0: Buffer<R>,
    w_out: Buffer<R>,
    b_out: Buffer<R>,
}

/// Consecutive steps, latest first: what the weights' gradient needs of them.
#[derive(Debug)]
struct Window<R> {
    /// Index of the latest step.
    latest: usize,
    /// Per step, how many leading lanes still lived.
    live: Vec<usize>,
    /// δa of the gates, \[WINDOW\]\[gate × N\]\[L\].
    d_gates: Buffer<R>,
    /// δy, \[WINDOW\]\[N\]\[L\].
    d_drive: Buffer<R>,
    /// r of the step before and, where the drive hears it instead, γ∘r, \[WINDOW\]\[N\]\[L\].
    rates: Buffer<R>,
    gated: Buffer<R>,
}

/// What the backward pass of one block needs besides its history.
#[derive(Clone, Copy, Debug)]
pub struct Backward<'a, R> {
    /// Gradient of the loss with respect to the outputs, \[step\]\[output\]\[L\]; 0 where a trial has ended.
    pub d_outputs: &'a [R],
    /// Steps that each of the `L` trials lived, 0 for an empty lane.
    pub lengths: &'a [usize],
    /// Gradient of a penalty on squared rates: adds `rate_penalty`·r to δr while a trial lives.
    pub rate_penalty: f64,
    /// The block started from the parameter x0 (false: from given states, which are constants).
    pub from_x0: bool,
}

impl<R: Real> Network<R> {
    /// Gradients of zeros for one worker.
    pub fn gradients<const L: usize>(&self) -> Gradients<R, L> {
        let (n, o) = (self.shape.n_rates() * L, self.shape.n_outputs);
        let n_state = self.shape.n_state() * L;
        let dynamic = if self.drive.is_some() { WINDOW * n } else { 0 };
        let sizes = self.shape.cell.sizes();
        let gated = if sizes.hears_other { WINDOW * n } else { 0 };
        Gradients {
            weights: Weights {
                gates: self.gates.as_ref().map(Product::gradient::<L>),
                drive: self.drive.as_ref().map(Product::gradient::<L>),
            },
            flow: Flow {
                dx: Buffer::zeros(n_state),
                dr: Buffer::zeros(n),
                x0: Buffer::zeros(n_state),
                w_out: Buffer::zeros(n * o),
                b_out: Buffer::zeros(o * L),
            },
            windows: std::array::from_fn(|_| Window {
                latest: 0,
                live: Vec::with_capacity(WINDOW),
                d_gates: Buffer::zeros(sizes.gates * dynamic),
                d_drive: Buffer::zeros(dynamic),
                rates: Buffer::zeros(dynamic),
                gated: Buffer::zeros(gated),
            }),
        }
    }

    /// Back-propagation through time over one block; adds to `gradients`.
    ///
    /// # Panics
    /// When the history did not keep every step.
    pub fn backward<const L: usize>(
        &self,
        history: &History<R, L>,
        block: Backward<R>,
        gradients: &mut Gradients<R, L>,
    ) {
        let n_steps = block.lengths.iter().copied().max().unwrap_or(0);
        assert!(
            n_steps <= history.kept,
            "{n_steps} steps to go back, {} kept",
            history.kept
        );
        let Gradients {
            weights,
            flow,
            windows: [filling, filled],
        } = gradients;
        flow.dx.fill(R::ZERO);
        flow.dr.fill(R::ZERO);
        filled.live.clear();
        let mut to = n_steps.max(1);
        while to > 1 {
            let from = to.saturating_sub(WINDOW).max(1);
            rayon::join(
                || self.backward_window(history, block, from..to, flow, filling),
                || self.accumulate(history, filled, weights),
            );
            std::mem::swap(filling, filled);
            to = from;
        }
        self.accumulate(history, filled, weights);
        if n_steps > 0 {
            self.backward_readout(history, block, 0, flow);
        }
        if block.from_x0 && n_steps > 0 {
            for lane in 0..L {
                self.backward_start::<L>(history, 0, lane, flow);
            }
        }
    }

    /// Hands what flows back through one lane to x0, and stops it there.
    fn backward_start<const L: usize>(
        &self,
        history: &History<R, L>,
        t: usize,
        lane: usize,
        flow: &mut Flow<R>,
    ) {
        let Flow { dx, dr, x0, .. } = flow;
        let state = history.state(t);
        let floor = floor(self.shape.cell);
        let read = state.len() - dr.len();
        for i in (lane..dr.len()).step_by(L) {
            if state[read + i] > floor {
                dx[read + i] += dr[i];
            }
            if let Some(gains) = &history.gains {
                dx[read + i] *= gains[i];
            }
            dr[i] = R::ZERO;
        }
        for i in (lane..state.len()).step_by(L) {
            x0[i] += dx[i];
            dx[i] = R::ZERO;
        }
    }

    /// Goes back through `steps`, which fit in a window.
    fn backward_window<const L: usize>(
        &self,
        history: &History<R, L>,
        block: Backward<R>,
        steps: Range<usize>,
        flow: &mut Flow<R>,
        window: &mut Window<R>,
    ) {
        window.latest = steps.end - 1;
        window.live.clear();
        for t in steps.rev() {
            self.backward_readout(history, block, t, flow);
            for &(_, lane) in history.restarts.iter().filter(|&&(at, _)| at == t) {
                self.backward_start::<L>(history, t, lane, flow);
            }
            self.backward_step(history, t, flow, window);
            let live = block.lengths.iter().rposition(|&length| length > t);
            window.live.push(live.map_or(0, |lane| lane + 1));
        }
    }

    fn backward_readout<const L: usize>(
        &self,
        history: &History<R, L>,
        block: Backward<R>,
        t: usize,
        flow: &mut Flow<R>,
    ) {
        let width = self.shape.n_outputs * L;
        let (x, d_outputs) = (history.read(t), &block.d_outputs[t * width..][..width]);
        let Flow { dr, w_out, b_out, .. } = flow;
        readout::backward::<R, L>(
            x,
            floor(self.shape.cell),
            &self.w_out,
            d_outputs,
            dr,
            w_out,
            b_out,
        );
        if block.rate_penalty != 0.0 {
            let penalty = R::of(block.rate_penalty);
            for (dr, x) in dr.as_chunks_mut::<L>().0.iter_mut().zip(x.as_chunks::<L>().0) {
                for (l, &length) in block.lengths.iter().enumerate() {
                    if length > t {
                        dr[l] += penalty * history.rate(x[l]);
                    }
                }
            }
        }
    }

    /// From δx_t, δr_t to δx_{t−1}, δr_{t−1}; what the weights' gradients need goes to the next place of `window`.
    fn backward_step<const L: usize>(
        &self,
        history: &History<R, L>,
        t: usize,
        flow: &mut Flow<R>,
        window: &mut Window<R>,
    ) {
        let Flow { dx, dr, .. } = flow;
        let n = if self.drive.is_some() { history.n * L } else { 0 };
        let (place, gates) = ((window.latest - t) * n, history.n_gates);
        let heard = if window.gated.is_empty() { 0 } else { n };
        let step = cell::Backward {
            x: history.state(t),
            previous: history.state(t - 1),
            activity: &history.gates[gates * t * n..][..gates * n],
            y: &history.drive[t * n..][..n],
            dr,
            dx,
            d_gates: &mut window.d_gates[gates * place..][..gates * n],
            d_drive: &mut window.d_drive[place..][..n],
            rates: &mut window.rates[place..][..n],
            heard: &mut window.gated[if heard == 0 { 0 } else { place }..][..heard],
            gains: history.gains.as_deref(),
        };
        of_cell!(self.shape.cell, unit => unit::backward::<R, L>(self.parts(), step));
    }

    /// Adds the weights' gradient of the steps of `window`.
    fn accumulate<const L: usize>(
        &self,
        history: &History<R, L>,
        window: &mut Window<R>,
        weights: &mut Weights<R>,
    ) {
        let n = self.shape.n_rates() * L;
        let Some(drive) = &self.drive else { return };
        let Window {
            latest,
            live,
            d_gates,
            d_drive,
            rates,
            gated,
        } = window;
        if live.is_empty() {
            return;
        }
        d_drive[live.len() * n..].fill(R::ZERO);
        let inputs = |step: usize| history.inputs(*latest - step);
        let driven = weights.drive.as_mut().expect("a product has a gradient");
        match (&self.gates, &mut weights.gates) {
            (Some(gates), Some(gating)) => {
                d_gates[history.n_gates * live.len() * n..].fill(R::ZERO);
                let (rates, gated) = (&*rates, &*gated);
                let heard = if gated.is_empty() { rates } else { gated };
                rayon::join(
                    || gates.accumulate::<L>(gating, d_gates, rates, inputs, live),
                    || drive.accumulate::<L>(driven, d_drive, heard, inputs, live),
                );
            }
            _ => drive.accumulate::<L>(driven, d_drive, rates, inputs, live),
        }
    }

    /// Adds a worker's gradients to `flat`, laid out like the parameters, and clears them.
    pub fn collect<const L: usize>(&self, gradients: &mut Gradients<R, L>, flat: &mut [R]) {
        let (place, layout) = (self.place, &self.layout);
        let Gradients { weights, flow, .. } = gradients;
        if let (Some(product), Some(gradient)) = (&self.gates, &mut weights.gates) {
            product.collect::<L>(gradient, |row, column, value| {
                flat[place.of_gate(row, column)] += value;
            });
        }
        if let (Some(product), Some(gradient)) = (&self.drive, &mut weights.drive) {
            let (slopes, n) = (&self.slopes, self.shape.n_rates());
            product.collect::<L>(gradient, |row, column, value| {
                let slope = slopes.get(column * n + row).filter(|_| column < n);
                flat[place.of_drive(row, column)] += slope.map_or(value, |&slope| slope * value);
            });
        }
        for (name, lanes) in [
            ("x0", &mut flow.x0),
            ("w_out", &mut flow.w_out),
            ("b_out", &mut flow.b_out),
        ] {
            for (value, lanes) in layout
                .view_mut(flat, name)
                .iter_mut()
                .zip(lanes.as_chunks_mut::<L>().0)
            {
                *value += lanes.iter().copied().sum();
                lanes.fill(R::ZERO);
            }
        }
    }
}
