//! A recurrent network with a linear read-out: forward in time, backward in time.
//!
//! Work comes in blocks of `L` trials (lanes). A [`History`] keeps what the forward pass of one block leaves for
//! the backward pass; [`Gradients`] adds up the gradients of the blocks that one worker goes through. Blocks are
//! independent of one another: whoever calls decides which thread runs which, and adds results in block order.
//!
//! Only the recurrent part must wait for the step before. What inputs add to a whole sequence, and the gradients
//! of the weights, are large products that idle threads of the current pool take a share of; the order of every
//! sum is fixed, so results do not depend on who did what.

use crate::buffer::Buffer;
use crate::cell::{Cell, gated, leaky, lstm};
use crate::params::Layout;
use crate::product::{Gradient, Product, WINDOW};
use crate::readout;
use neuropil_math::real::Real;
use rayon::prelude::*;
use std::ops::Range;

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
    x0: Vec<R>,
    w_out: Vec<R>,
    b_out: Vec<R>,
}

/// Steps that one thread projects in one go.
const SHARE: usize = 16;

/// How much of the past a [`History`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Every step, for the backward pass.
    All,
    /// Only what the next step needs.
    Last,
}

/// States, gates, drives and inputs of one block of `L` trials; index t counts from the initial state at 0.
#[derive(Debug)]
pub struct History<R, const L: usize> {
    /// Rates, state values, gates per unit.
    n: usize,
    n_state: usize,
    n_gates: usize,
    n_inputs: usize,
    kept: usize,
    /// Least rate: 0 for rectified units.
    floor: R,
    x: Buffer<R>,
    gates: Buffer<R>,
    drive: Buffer<R>,
    /// \[u; 1\] of each step.
    inputs: Buffer<R>,
    /// \[r; u; 1\] and \[γ∘r; u; 1\] of the current step.
    sources: [Buffer<R>; 2],
    /// (t, lane): where lanes start anew.
    restarts: Vec<(usize, usize)>,
}

impl<R: Real, const L: usize> History<R, L> {
    /// Room for `n_steps` steps (the initial state included).
    pub fn new(shape: Shape, n_steps: usize, keep: Keep) -> Self {
        let (n, n_state, n_inputs) = (shape.n_rates(), shape.n_state(), shape.n_inputs);
        let n_gates = shape.cell.gates();
        let kept = if keep == Keep::All { n_steps.max(1) } else { 2 };
        let dynamic = if shape.cell == Cell::Linear {
            0
        } else {
            kept * n * L
        };
        let mut inputs = Buffer::zeros(kept * (n_inputs + 1) * L);
        for step in inputs.chunks_exact_mut((n_inputs + 1) * L) {
            step[n_inputs * L..].fill(R::ONE);
        }
        Self {
            n,
            n_state,
            n_gates,
            n_inputs,
            kept,
            floor: floor(shape.cell),
            x: Buffer::zeros(kept * n_state * L),
            gates: Buffer::zeros(n_gates * dynamic),
            drive: Buffer::zeros(dynamic),
            inputs,
            sources: std::array::from_fn(|_| Buffer::zeros((n + n_inputs + 1) * L)),
            restarts: Vec::new(),
        }
    }

    /// State at index `t`, \[state\]\[L\].
    pub fn state(&self, t: usize) -> &[R] {
        let width = self.n_state * L;
        &self.x[(t % self.kept) * width..][..width]
    }

    /// The part of the state at index `t` that [`History::rate`] makes rates of, \[unit\]\[L\].
    pub fn read(&self, t: usize) -> &[R] {
        &self.state(t)[(self.n_state - self.n) * L..]
    }

    /// Rate of a value of [`History::read`].
    #[inline]
    pub fn rate(&self, x: R) -> R {
        x.larger(self.floor)
    }

    /// Input shown at index `t` ≥ 1, \[input\]\[L\]: to be written before [`Network::project`].
    pub fn input_mut(&mut self, t: usize) -> &mut [R] {
        let width = (self.n_inputs + 1) * L;
        &mut self.inputs[(t % self.kept) * width..][..self.n_inputs * L]
    }

    /// Inputs and noise at all indices `steps`, to be written before [`Network::project`]: \[step\]\[input + 1\]\[L\],
    /// where the last row stays 1, and \[step\]\[unit\]\[L\].
    ///
    /// # Panics
    /// When the history did not keep every step.
    pub fn inputs_and_noise_mut(&mut self, steps: Range<usize>) -> (&mut [R], &mut [R]) {
        let inputs = (self.n_inputs + 1) * L;
        let noise = if self.drive.is_empty() { 0 } else { self.n * L };
        (
            &mut self.inputs[steps.start * inputs..steps.end * inputs],
            &mut self.drive[steps.start * noise..steps.end * noise],
        )
    }

    /// \[u; 1\] at index `t` ≥ 1.
    fn inputs(&self, t: usize) -> &[R] {
        let width = (self.n_inputs + 1) * L;
        &self.inputs[(t % self.kept) * width..][..width]
    }

    /// Noise of the drive at index `t` ≥ 1, \[unit\]\[L\]: to be written before [`Network::project`], which adds
    /// the rest of the drive to it. Empty for a network without dynamics.
    pub fn noise_mut(&mut self, t: usize) -> &mut [R] {
        let width = if self.drive.is_empty() { 0 } else { self.n * L };
        &mut self.drive[(t % self.kept) * width..][..width]
    }
}

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
        let (gates, drive) = match shape.cell {
            Cell::Gated | Cell::Lstm => (
                Some(product(shape.cell.gates() * n, &|row, column| {
                    place.of_gate(row, column)
                })),
                Some(product(n, &|row, column| place.of_drive(row, column))),
            ),
            Cell::Leaky => (None, Some(product(n, &|row, column| place.of_drive(row, column)))),
            Cell::Linear => (None, None),
        };
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

    /// Takes (new) parameters; every other call uses the last ones loaded.
    pub fn load(&mut self, params: &[R]) {
        let (place, layout) = (self.place, &self.layout);
        if let Some(gates) = &mut self.gates {
            gates.pack(|row, column| params[place.of_gate(row, column)]);
        }
        if let Some(drive) = &mut self.drive {
            drive.pack(|row, column| params[place.of_drive(row, column)]);
        }
        self.x0.copy_from_slice(layout.view(params, "x0"));
        self.w_out.copy_from_slice(layout.view(params, "w_out"));
        self.b_out.copy_from_slice(layout.view(params, "b_out"));
    }

    /// Puts every lane at the initial state x0, or at the given states \[state\]\[L\].
    pub fn begin<const L: usize>(&self, history: &mut History<R, L>, states: Option<&[R]>) {
        let floor = history.floor;
        let x = &mut history.x[..history.n_state * L];
        match states {
            Some(states) => x.copy_from_slice(states),
            None => {
                for (lanes, &x0) in x.as_chunks_mut::<L>().0.iter_mut().zip(&self.x0) {
                    lanes.fill(x0);
                }
            }
        }
        let read = &x[(history.n_state - history.n) * L..];
        for (r, &x) in history.sources[0].iter_mut().zip(read) {
            *r = x.larger(floor);
        }
        history.restarts.clear();
    }

    /// Puts one lane at x0 again at index `t`, the last one reached: a new trial starts there, and nothing flows
    /// back from it to the trial before.
    pub fn restart<const L: usize>(&self, history: &mut History<R, L>, t: usize, lane: usize) {
        let width = history.n_state * L;
        let x = &mut history.x[(t % history.kept) * width..][..width];
        for (x, &x0) in x.as_chunks_mut::<L>().0.iter_mut().zip(&self.x0) {
            x[lane] = x0;
        }
        let rates = history.sources[0].as_chunks_mut::<L>().0;
        for (r, &x0) in rates.iter_mut().zip(&self.x0[history.n_state - history.n..]) {
            r[lane] = x0.larger(history.floor);
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
        let width = (history.n_inputs + 1) * L;
        let inputs = &history.inputs[now * width..][..width];
        let Some(drive) = &self.drive else {
            history.x[now * n..][..n].copy_from_slice(&inputs[..n]);
            return;
        };
        let [source, gated_source] = &mut history.sources;
        let state = history.n_state * L;
        let (x, previous) = two_rows(&mut history.x, now * state, before * state, state);
        let y = &mut history.drive[now * n..][..n];
        let activity = history.n_gates * n;
        let activity = &mut history.gates[now * activity..][..activity];
        match &self.gates {
            Some(gates) if self.shape.cell == Cell::Lstm => {
                if !(gates.projects() && drive.projects()) {
                    source[n..].copy_from_slice(inputs);
                }
                gates.recur::<L>(source, activity);
                drive.recur::<L>(source, y);
                let (c, h) = x.split_at_mut(n);
                lstm::integrate(activity, y, &previous[..n], c, h, &mut source[..n]);
            }
            Some(gates) => {
                if !gates.projects() {
                    source[n..].copy_from_slice(inputs);
                }
                if !drive.projects() {
                    gated_source[n..].copy_from_slice(inputs);
                }
                gates.recur::<L>(source, activity);
                let (update, recurrent) = activity.split_at_mut(n);
                gated::open_gates(update, recurrent, &source[..n], &mut gated_source[..n]);
                drive.recur::<L>(gated_source, y);
                gated::integrate(R::of(self.alpha), previous, update, y, x, &mut source[..n]);
            }
            None => {
                if !drive.projects() {
                    source[n..].copy_from_slice(inputs);
                }
                drive.recur::<L>(source, y);
                leaky::integrate(R::of(self.alpha), previous, y, x, &mut source[..n]);
            }
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

    /// Gradients of zeros for one worker.
    pub fn gradients<const L: usize>(&self) -> Gradients<R, L> {
        let (n, o) = (self.shape.n_rates() * L, self.shape.n_outputs);
        let n_state = self.shape.n_state() * L;
        let dynamic = if self.drive.is_some() { WINDOW * n } else { 0 };
        let gated = if self.shape.cell == Cell::Gated {
            WINDOW * n
        } else {
            0
        };
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
                d_gates: Buffer::zeros(self.shape.cell.gates() * dynamic),
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
                self.backward_start::<L>(history.state(0), lane, flow);
            }
        }
    }

    /// Hands what flows back through one lane to x0, and stops it there.
    fn backward_start<const L: usize>(&self, state: &[R], lane: usize, flow: &mut Flow<R>) {
        let Flow { dx, dr, x0, .. } = flow;
        let floor = floor(self.shape.cell);
        let read = state.len() - dr.len();
        for i in (lane..dr.len()).step_by(L) {
            if state[read + i] > floor {
                dx[read + i] += dr[i];
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
                self.backward_start::<L>(history.state(t), lane, flow);
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
        let Some(drive) = &self.drive else {
            dr.fill(R::ZERO); // the state at t is the input alone: nothing flows further back
            return;
        };
        let n = history.n * L;
        let place = (window.latest - t) * n;
        let (x, previous) = (history.state(t), history.state(t - 1));
        let y = &history.drive[t * n..][..n];
        let (d_drive, rates) = (&mut window.d_drive[place..][..n], &mut window.rates[place..][..n]);
        let alpha = R::of(self.alpha);
        let activity = &history.gates[history.n_gates * t * n..][..history.n_gates * n];
        let d_gates = &mut window.d_gates[history.n_gates * place..][..history.n_gates * n];
        match &self.gates {
            Some(gates) if self.shape.cell == Cell::Lstm => {
                let (before, h) = previous.split_at(n);
                rates.copy_from_slice(h);
                lstm::close(activity, y, before, &x[..n], dr, &mut dx[..n], d_drive, d_gates);
                dr.fill(R::ZERO);
                drive.backward::<L>(d_drive, dr);
                gates.backward::<L>(d_gates, dr);
            }
            Some(gates) => {
                let (update, recurrent) = activity.split_at(n);
                gated::recall(previous, recurrent, rates, &mut window.gated[place..][..n]);
                gated::close_drive(alpha, x, previous, update, y, dr, dx, d_drive, &mut d_gates[..n]);
                dr.fill(R::ZERO);
                drive.backward::<L>(d_drive, dr);
                gated::close_recurrent_gate(rates, recurrent, dr, &mut d_gates[n..]);
                gates.backward::<L>(d_gates, dr);
            }
            None => {
                for (r, &x) in rates.iter_mut().zip(previous) {
                    *r = x.larger(R::ZERO);
                }
                leaky::close_drive(alpha, x, dr, dx, d_drive);
                dr.fill(R::ZERO);
                drive.backward::<L>(d_drive, dr);
            }
        }
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
                d_gates[self.shape.cell.gates() * live.len() * n..].fill(R::ZERO);
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
            product.collect::<L>(gradient, |row, column, value| {
                flat[place.of_drive(row, column)] += value;
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

/// Where the entries of the products live in the flat parameter buffer.
///
/// Columns of a product: units, then inputs, then the bias.
#[derive(Clone, Copy, Debug)]
struct Place {
    n: usize,
    n_inputs: usize,
    blocks: usize,
    w_in: usize,
    b_in: usize,
    w_gates: usize,
    w_rec: usize,
}

impl Place {
    fn new(shape: Shape, layout: &Layout) -> Self {
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
    fn of_gate(self, row: usize, column: usize) -> usize {
        match column.checked_sub(self.n) {
            None => self.w_gates + column * (self.blocks - 1) * self.n + row,
            Some(input) if input < self.n_inputs => self.w_in + (input * self.blocks + 1) * self.n + row,
            Some(_) => self.b_in + self.n + row,
        }
    }

    fn of_drive(self, row: usize, column: usize) -> usize {
        match column.checked_sub(self.n) {
            None => self.w_rec + column * self.n + row,
            Some(input) if input < self.n_inputs => self.w_in + input * self.blocks * self.n + row,
            Some(_) => self.b_in + row,
        }
    }
}

/// Least rate of a unit: 0 where states are rectified.
fn floor<R: Real>(cell: Cell) -> R {
    R::of(if cell.rectifies() { 0.0 } else { f64::NEG_INFINITY })
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
