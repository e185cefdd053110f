//! A recurrent network with a linear read-out: forward in time, backward in time.
//!
//! Work comes in blocks of `L` trials (lanes). A [`History`] keeps what the forward pass of one block leaves for
//! the backward pass; [`Gradients`] adds up the gradients of the blocks that one worker goes through. Blocks are
//! independent of one another: whoever calls decides which thread runs which, and adds results in block order.
//!
//! Only the recurrent part must wait for the step before. What inputs add to a whole sequence, and the gradients
//! of the weights, are large products that idle threads of the current pool take a share of; the order of every
//! sum is fixed, so results do not depend on who did what.

mod backward;
mod history;
mod place;

pub use crate::cell::Shape;
pub use backward::{Backward, Gradients};
pub use history::{History, Keep};

use crate::cell::{Cell, Forward, Parts, apply_gains, of_cell};
use crate::params::Layout;
use crate::product::Product;
use crate::readout;
use neuropil_math::real::Real;
use place::Place;
use rayon::prelude::*;
use std::ops::Range;
/// Which weights exist: one flag per entry of the flat parameter buffer.
///
/// A weight that does not exist counts as 0, has no gradient and never moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask(pub Vec<bool>);

/// A network ready to run: products hold the packed weights of the last [`Network::load`].
#[derive(Debug)]
pub struct Network<R> {
    shape: Shape,
    layout: Layout,
    mask: Mask,
    place: Place,
    alpha: f64,
    gates: Option<Product<R>>,
    drive: Option<Product<R>>,
    synapse: Vec<R>,
    /// Derivative of each effective recurrent weight by its parameter, \[from\]\[to\]; empty where they are the same.
    slopes: Vec<R>,
    x0: Vec<R>,
    w_out: Vec<R>,
    b_out: Vec<R>,
}

/// Steps that one thread projects in one go.
const SHARE: usize = 16;

impl<R: Real> Network<R> {
    /// A network of the given shape; `alpha` = Δt/τ.
    ///
    /// # Panics
    /// When `mask` has not one flag per parameter.
    pub fn new(shape: Shape, mask: Mask, alpha: f64) -> Self {
        let layout = shape.layout();
        assert_eq!(mask.0.len(), layout.len(), "one flag per parameter");
        let (n, i) = (shape.n_rates(), shape.n_inputs);
        let place = Place::new(shape, &layout);
        let product = |rows: usize, index: &dyn Fn(usize, usize) -> usize| {
            Product::new(rows, n + i + 1, n, |row, column| mask.0[index(row, column)])
        };
        let sizes = shape.cell.sizes();
        let gates =
            (sizes.gates > 0).then(|| product(sizes.gates * n, &|row, column| place.of_gate(row, column)));
        let drive = sizes
            .dynamic
            .then(|| product(n, &|row, column| place.of_drive(row, column)));
        let (x0, w_out, b_out) = (
            vec![R::ZERO; shape.n_state()],
            vec![R::ZERO; n * shape.n_outputs],
            vec![R::ZERO; shape.n_outputs],
        );
        Self {
            shape,
            layout,
            mask,
            place,
            alpha,
            gates,
            drive,
            synapse: Vec::new(),
            slopes: Vec::new(),
            x0,
            w_out,
            b_out,
        }
    }

    /// Sizes and kind.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Layout of the flat parameters.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Which weights exist.
    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// α = Δt/τ.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Takes (new) parameters; every other call uses the last ones loaded.
    pub fn load(&mut self, params: &[R]) {
        let (place, layout) = (self.place, &self.layout);
        if let Some(gates) = &mut self.gates {
            gates.pack(|row, column| params[place.of_gate(row, column)]);
        }
        if layout.has("synapse") {
            self.synapse = layout.view(params, "synapse").to_vec();
        }
        self.slopes = slopes(&self.synapse, layout.view_if(params, "w_rec"));
        if let Some(drive) = &mut self.drive {
            let (slopes, n) = (&self.slopes, self.shape.n_rates());
            drive.pack(|row, column| {
                let value = params[place.of_drive(row, column)];
                match slopes.get(column * n + row) {
                    Some(&slope) if column < n => slope * value,
                    _ => value,
                }
            });
        }
        self.x0.copy_from_slice(layout.view(params, "x0"));
        self.w_out.copy_from_slice(layout.view(params, "w_out"));
        self.b_out.copy_from_slice(layout.view(params, "b_out"));
    }

    /// Puts every lane at the initial state x0, or at the given states \[state\]\[L\].
    pub fn begin<const L: usize>(&self, history: &mut History<R, L>, states: Option<&[R]>) {
        let floor = history.floor;
        let x = &mut history.x[..history.n_state * L];
        let rates = (history.n_state - history.n) * L;
        match states {
            Some(states) => x.copy_from_slice(states),
            None => {
                for (lanes, &x0) in x.as_chunks_mut::<L>().0.iter_mut().zip(&self.x0) {
                    lanes.fill(x0);
                }
                apply_gains(history.gains.as_deref(), &mut x[rates..]);
            }
        }
        for (r, &x) in history.sources[0].iter_mut().zip(&x[rates..]) {
            *r = x.larger(floor);
        }
        history.restarts.clear();
    }

    /// Puts one lane at x0 again at index `t`, the last one reached: a new trial starts there, and nothing flows
    /// back from it to the trial before.
    pub fn restart<const L: usize>(&self, history: &mut History<R, L>, t: usize, lane: usize) {
        let (width, silent) = (history.n_state * L, history.n_state - history.n);
        let x = &mut history.x[(t % history.kept) * width..][..width];
        for (x, &x0) in x.as_chunks_mut::<L>().0.iter_mut().zip(&self.x0) {
            x[lane] = x0;
        }
        let rates = history.sources[0].as_chunks_mut::<L>().0;
        for (i, (r, x)) in rates
            .iter_mut()
            .zip(&mut x.as_chunks_mut::<L>().0[silent..])
            .enumerate()
        {
            if let Some(gains) = &history.gains {
                x[lane] *= gains[i * L + lane];
            }
            r[lane] = x[lane].larger(history.floor);
        }
        history.restarts.push((t, lane));
    }

    /// What inputs and biases add at indices `steps` ≥ 1, whose inputs and noise have been written, on all threads
    /// of the pool.
    ///
    /// # Panics
    /// When there are more steps than the history keeps.
    pub fn project<const L: usize>(&self, history: &mut History<R, L>, steps: Range<usize>) {
        let Some(drive) = &self.drive else { return };
        let n = history.n * L;
        let width = (history.n_inputs + 1) * L;
        let one = |inputs: &[R], activity: &mut [R], y: &mut [R]| {
            activity.fill(R::ZERO);
            if let Some(gates) = &self.gates {
                gates.project::<L>(inputs, activity);
            }
            drive.project::<L>(inputs, y);
        };
        if steps.len() == 1 {
            let slot = steps.start % history.kept;
            let (inputs, y) = (
                &history.inputs[slot * width..][..width],
                &mut history.drive[slot * n..][..n],
            );
            let activity = history.n_gates * n;
            one(inputs, &mut history.gates[slot * activity..][..activity], y);
            return;
        }
        assert!(
            steps.end <= history.kept,
            "{} steps to project, {} kept",
            steps.end,
            history.kept
        );
        let inputs = history.inputs[steps.start * width..steps.end * width].par_chunks(width);
        let y = history.drive[steps.start * n..steps.end * n].par_chunks_mut(n);
        if self.gates.is_some() {
            let gates = history.n_gates * n;
            let activity = history.gates[steps.start * gates..steps.end * gates].par_chunks_mut(gates);
            let all = inputs.zip(y).zip(activity).with_min_len(SHARE);
            all.for_each(|((inputs, y), activity)| one(inputs, activity, y));
        } else {
            let all = inputs.zip(y).with_min_len(SHARE);
            all.for_each(|(inputs, y)| one(inputs, &mut [], y));
        }
    }

    /// State at index `t` ≥ 1 from the state at `t` − 1 and the input and noise at `t`.
    pub fn advance<const L: usize>(&self, history: &mut History<R, L>, t: usize) {
        self.project(history, t..t + 1);
        self.recur(history, t);
    }

    /// State at index `t` ≥ 1 from the state at `t` − 1 and what [`Network::project`] left at `t`.
    pub fn recur<const L: usize>(&self, history: &mut History<R, L>, t: usize) {
        let n = history.n * L;
        let (now, before) = (t % history.kept, (t - 1) % history.kept);
        let (width, state) = ((history.n_inputs + 1) * L, history.n_state * L);
        let [source, heard] = &mut history.sources;
        let (x, previous) = two_rows(&mut history.x, now * state, before * state, state);
        let (drive, gates) = if self.drive.is_some() {
            (n, history.n_gates * n)
        } else {
            (0, 0)
        };
        let step = Forward {
            inputs: &history.inputs[now * width..][..width],
            previous,
            x,
            activity: &mut history.gates[now * gates..][..gates],
            y: &mut history.drive[now * drive..][..drive],
            source,
            heard,
            gains: history.gains.as_deref(),
        };
        of_cell!(self.shape.cell, unit => unit::forward::<R, L>(self.parts(), step));
    }

    fn parts(&self) -> Parts<'_, R> {
        Parts {
            alpha: R::of(self.alpha),
            gates: self.gates.as_ref(),
            drive: self.drive.as_ref(),
            synapse: &self.synapse,
        }
    }

    /// Outputs at index `t`, the last one reached, \[output\]\[L\]; linear, before any soft-max.
    pub fn read_out<const L: usize>(&self, history: &History<R, L>, t: usize, outputs: &mut [R]) {
        let r = if self.drive.is_some() {
            &history.sources[0][..history.n * L]
        } else {
            history.state(t)
        };
        readout::forward::<R, L>(r, &self.w_out, &self.b_out, outputs);
    }
}

/// Least rate of a unit: 0 where states are rectified.
fn floor<R: Real>(cell: Cell) -> R {
    R::of(if cell.sizes().rectifies {
        0.0
    } else {
        f64::NEG_INFINITY
    })
}

/// Derivatives of effective recurrent weights by their parameters: under Dale's law w = σ max(0, θ).
fn slopes<R: Real>(synapse: &[R], weights: Option<&[R]>) -> Vec<R> {
    let n = synapse.len() / crate::synapse::ROWS;
    let signs = &synapse[..n];
    let (true, Some(weights)) = (signs.iter().any(|&sign| sign != R::ZERO), weights) else {
        return Vec::new();
    };
    let slope = |(i, &theta): (usize, &R)| match signs[i / n] {
        sign if sign == R::ZERO => R::ONE,
        sign if theta > R::ZERO => sign,
        _ => R::ZERO,
    };
    weights.iter().enumerate().map(slope).collect()
}

/// Rows at two different places of one buffer, the first to write.
fn two_rows<R>(x: &mut [R], write: usize, read: usize, n: usize) -> (&mut [R], &[R]) {
    if write < read {
        let (low, high) = x.split_at_mut(read);
        (&mut low[write..][..n], &high[..n])
    } else {
        let (low, high) = x.split_at_mut(write);
        (&mut high[..n], &low[read..][..n])
    }
}
