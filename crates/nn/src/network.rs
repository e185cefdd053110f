//! A recurrent network with a linear read-out: forward in time, backward in time.
//!
//! Work comes in blocks of `L` trials (lanes). A [`History`] keeps what the forward pass of one block leaves for
//! the backward pass; [`Gradients`] adds up the gradients of the blocks that one worker goes through. Blocks are
//! independent of one another: whoever calls decides which thread runs which, and adds results in block order.

use crate::buffer::Buffer;
use crate::cell::{Cell, gated, leaky};
use crate::params::Layout;
use crate::product::{CHUNK, Gradient, Product};
use crate::readout;
use neuropil_math::real::Real;

/// Sizes and kind of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Kind of unit.
    pub cell: Cell,
    /// Number of units N; ignored by [`Cell::Linear`], whose state is its input.
    pub n_units: usize,
    /// Number of inputs.
    pub n_inputs: usize,
    /// Number of outputs.
    pub n_outputs: usize,
}

impl Shape {
    /// Dimension of the state.
    pub fn n_state(self) -> usize {
        if self.cell == Cell::Linear {
            self.n_inputs
        } else {
            self.n_units
        }
    }

    /// Layout of the parameters, matrices *from × to*; columns of `w_in` and `b_in`: drive, update gate,
    /// recurrent gate; of `w_gates`: update gate, recurrent gate.
    pub fn layout(self) -> Layout {
        let (n, i, o) = (self.n_state(), self.n_inputs, self.n_outputs);
        let blocks = self.cell.blocks();
        let (x0, w_out, b_out) = (("x0", &[n][..]), ("w_out", &[n, o][..]), ("b_out", &[o][..]));
        let (w_in, b_in) = (("w_in", &[i, blocks * n][..]), ("b_in", &[blocks * n][..]));
        let (w_gates, w_rec) = (("w_gates", &[n, 2 * n][..]), ("w_rec", &[n, n][..]));
        match self.cell {
            Cell::Gated => Layout::new(&[x0, w_in, b_in, w_gates, w_rec, w_out, b_out]),
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
    n: usize,
    n_inputs: usize,
    kept: usize,
    x: Buffer<R>,
    gates: Buffer<R>,
    drive: Buffer<R>,
    u: Buffer<R>,
    /// \[r; u; 1\] and \[γ∘r; u; 1\] of the current step.
    sources: [Buffer<R>; 2],
}

impl<R: Real, const L: usize> History<R, L> {
    /// Room for `n_steps` steps (the initial state included).
    pub fn new(shape: Shape, n_steps: usize, keep: Keep) -> Self {
        let (n, n_inputs) = (shape.n_state(), shape.n_inputs);
        let kept = if keep == Keep::All { n_steps.max(1) } else { 2 };
        let dynamic = if shape.cell == Cell::Linear {
            0
        } else {
            kept * n * L
        };
        let gates = if shape.cell == Cell::Gated {
            2 * kept * n * L
        } else {
            0
        };
        let mut sources = [
            Buffer::zeros((n + n_inputs + 1) * L),
            Buffer::zeros((n + n_inputs + 1) * L),
        ];
        for source in &mut sources {
            source[(n + n_inputs) * L..].fill(R::ONE);
        }
        Self {
            n,
            n_inputs,
            kept,
            x: Buffer::zeros(kept * n * L),
            gates: Buffer::zeros(gates),
            drive: Buffer::zeros(dynamic),
            u: Buffer::zeros(kept * n_inputs * L),
            sources,
        }
    }

    /// State at index `t`, \[unit\]\[L\].
    pub fn state(&self, t: usize) -> &[R] {
        &self.x[(t % self.kept) * self.n * L..][..self.n * L]
    }

    /// Input shown at index `t` ≥ 1, \[input\]\[L\]: to be written before [`Network::advance`].
    pub fn input_mut(&mut self, t: usize) -> &mut [R] {
        &mut self.u[(t % self.kept) * self.n_inputs * L..][..self.n_inputs * L]
    }

    /// Noise of the drive at index `t` ≥ 1, \[unit\]\[L\]: to be written before [`Network::advance`], which adds
    /// the rest of the drive to it. Empty for a network without dynamics.
    pub fn noise_mut(&mut self, t: usize) -> &mut [R] {
        let width = if self.drive.is_empty() { 0 } else { self.n * L };
        &mut self.drive[(t % self.kept) * width..][..width]
    }
}

/// Gradients of one worker, and its scratch rows.
#[derive(Debug)]
pub struct Gradients<R, const L: usize> {
    gates: Option<Gradient<R>>,
    drive: Option<Gradient<R>>,
    x0: Buffer<R>,
    w_out: Buffer<R>,
    b_out: Buffer<R>,
    dx: Buffer<R>,
    dr: Buffer<R>,
    /// Of the last steps: δa_λ and δa_γ, \[CHUNK\]\[2N\]\[L\], and δy, \[CHUNK\]\[N\]\[L\].
    d_gates: Buffer<R>,
    d_drive: Buffer<R>,
    sources: [Buffer<R>; 2],
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
        let (n, i) = (shape.n_state(), shape.n_inputs);
        let place = Place::new(shape, &layout);
        let product = |rows: usize, index: &dyn Fn(usize, usize) -> usize| {
            Product::new(rows, n + i + 1, n, |row, column| mask.0[index(row, column)])
        };
        let (gates, drive) = match shape.cell {
            Cell::Gated => (
                Some(product(2 * n, &|row, column| place.of_gate(row, column))),
                Some(product(n, &|row, column| place.of_drive(row, column))),
            ),
            Cell::Leaky => (None, Some(product(n, &|row, column| place.of_drive(row, column)))),
            Cell::Linear => (None, None),
        };
        let (x0, w_out, b_out) = (
            vec![R::ZERO; n],
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

    /// Puts every lane at the initial state x0, or at the given states \[unit\]\[L\].
    pub fn begin<const L: usize>(&self, history: &mut History<R, L>, states: Option<&[R]>) {
        let x = &mut history.x[..history.n * L];
        match states {
            Some(states) => x.copy_from_slice(states),
            None => {
                for (lanes, &x0) in x.as_chunks_mut::<L>().0.iter_mut().zip(&self.x0) {
                    lanes.fill(x0);
                }
            }
        }
        for (r, &x) in history.sources[0].iter_mut().zip(x.iter()) {
            *r = x.larger(R::ZERO);
        }
    }

    /// State at index `t` ≥ 1 from the state at `t` − 1 and the input and noise at `t`.
    pub fn advance<const L: usize>(&self, history: &mut History<R, L>, t: usize) {
        let n = history.n * L;
        let (now, before) = ((t % history.kept) * n, ((t - 1) % history.kept) * n);
        let u = &history.u[(t % history.kept) * history.n_inputs * L..][..history.n_inputs * L];
        let Some(drive) = &self.drive else {
            history.x[now..][..n].copy_from_slice(u);
            return;
        };
        let [source, gated_source] = &mut history.sources;
        source[n..][..u.len()].copy_from_slice(u);
        let (x, previous) = two_rows(&mut history.x, now, before, n);
        let y = &mut history.drive[now..][..n];
        match &self.gates {
            Some(gates) => {
                gated_source[n..][..u.len()].copy_from_slice(u);
                let activity = &mut history.gates[2 * now..][..2 * n];
                activity.fill(R::ZERO);
                gates.forward::<L>(source, activity);
                let (update, recurrent) = activity.split_at_mut(n);
                gated::open_gates(update, recurrent, &source[..n], &mut gated_source[..n]);
                drive.forward::<L>(gated_source, y);
                gated::integrate(R::of(self.alpha), previous, update, y, x, &mut source[..n]);
            }
            None => {
                drive.forward::<L>(source, y);
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
        let (n, o, sources) = (
            self.shape.n_state() * L,
            self.shape.n_outputs,
            self.shape.n_state() + self.shape.n_inputs + 1,
        );
        let mut source = [Buffer::zeros(sources * L), Buffer::zeros(sources * L)];
        for source in &mut source {
            source[(sources - 1) * L..].fill(R::ONE);
        }
        Gradients {
            gates: self.gates.as_ref().map(Product::gradient::<L>),
            drive: self.drive.as_ref().map(Product::gradient::<L>),
            x0: Buffer::zeros(n),
            w_out: Buffer::zeros(n * o),
            b_out: Buffer::zeros(o * L),
            dx: Buffer::zeros(n),
            dr: Buffer::zeros(n),
            d_gates: Buffer::zeros(CHUNK * 2 * n),
            d_drive: Buffer::zeros(CHUNK * n),
            sources: source,
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
        gradients.dx.fill(R::ZERO);
        gradients.dr.fill(R::ZERO);
        let mut live = [0; CHUNK];
        let mut step = 0;
        for t in (1..n_steps).rev() {
            self.backward_readout(history, block, t, gradients);
            live[step] = block
                .lengths
                .iter()
                .rposition(|&length| length > t)
                .map_or(0, |lane| lane + 1);
            self.backward_step(history, t, step, gradients);
            step += 1;
            if step == CHUNK || t == 1 {
                self.accumulate::<L>(gradients, &live[..step]);
                step = 0;
            }
        }
        if n_steps > 0 {
            self.backward_readout(history, block, 0, gradients);
        }
        if block.from_x0 && n_steps > 0 {
            let rectified = self.drive.is_some();
            let flow = gradients.dx.iter().zip(gradients.dr.iter()).zip(history.state(0));
            for (x0, ((&dx, &dr), &x)) in gradients.x0.iter_mut().zip(flow) {
                *x0 += if x > R::ZERO || !rectified { dx + dr } else { dx };
            }
        }
    }

    fn backward_readout<const L: usize>(
        &self,
        history: &History<R, L>,
        block: Backward<R>,
        t: usize,
        gradients: &mut Gradients<R, L>,
    ) {
        let width = self.shape.n_outputs * L;
        let (x, d_outputs) = (history.state(t), &block.d_outputs[t * width..][..width]);
        let Gradients { dr, w_out, b_out, .. } = gradients;
        readout::backward::<R, L>(x, self.drive.is_some(), &self.w_out, d_outputs, dr, w_out, b_out);
        if block.rate_penalty != 0.0 {
            let penalty = R::of(block.rate_penalty);
            for (dr, x) in dr.as_chunks_mut::<L>().0.iter_mut().zip(x.as_chunks::<L>().0) {
                for (l, &length) in block.lengths.iter().enumerate() {
                    if length > t {
                        dr[l] += penalty * x[l].larger(R::ZERO);
                    }
                }
            }
        }
    }

    /// From δx_t, δr_t to δx_{t−1}, δr_{t−1}; what the weights' gradients need goes to slot `step`.
    fn backward_step<const L: usize>(
        &self,
        history: &History<R, L>,
        t: usize,
        step: usize,
        gradients: &mut Gradients<R, L>,
    ) {
        let Some(drive) = &self.drive else {
            gradients.dr.fill(R::ZERO); // the state at t is the input alone: nothing flows further back
            return;
        };
        let n = history.n * L;
        let (x, previous) = (history.state(t), history.state(t - 1));
        let u = &history.u[t * history.n_inputs * L..][..history.n_inputs * L];
        let y = &history.drive[t * n..][..n];
        let Gradients {
            dx,
            dr,
            d_gates,
            d_drive,
            sources: [source, gated_source],
            ..
        } = gradients;
        let d_drive = &mut d_drive[step * n..][..n];
        let alpha = R::of(self.alpha);
        source[n..][..u.len()].copy_from_slice(u);
        let remember = |product: &Product<R>, gradient: &mut Option<Gradient<R>>, source: &[R]| {
            let gradient = gradient.as_mut().expect("a product has a gradient");
            product.remember::<L>(gradient, step, 0, source);
        };
        match &self.gates {
            Some(gates) => {
                let (update, recurrent) = history.gates[2 * t * n..][..2 * n].split_at(n);
                let d_gates = &mut d_gates[2 * step * n..][..2 * n];
                gated_source[n..][..u.len()].copy_from_slice(u);
                gated::recall(previous, recurrent, &mut source[..n], &mut gated_source[..n]);
                gated::close_drive(alpha, x, previous, update, y, dr, dx, d_drive, &mut d_gates[..n]);
                dr.fill(R::ZERO);
                drive.backward::<L>(d_drive, dr);
                gated::close_recurrent_gate(&source[..n], recurrent, dr, &mut d_gates[n..]);
                gates.backward::<L>(d_gates, dr);
                remember(gates, &mut gradients.gates, source);
                remember(drive, &mut gradients.drive, gated_source);
            }
            None => {
                for (r, &x) in source[..n].iter_mut().zip(previous) {
                    *r = x.larger(R::ZERO);
                }
                leaky::close_drive(alpha, x, dr, dx, d_drive);
                dr.fill(R::ZERO);
                drive.backward::<L>(d_drive, dr);
                remember(drive, &mut gradients.drive, source);
            }
        }
    }

    /// Adds the weights' gradient of the steps remembered so far.
    fn accumulate<const L: usize>(&self, gradients: &mut Gradients<R, L>, live: &[usize]) {
        let n = self.shape.n_state() * L;
        let Gradients {
            gates,
            drive,
            d_gates,
            d_drive,
            ..
        } = gradients;
        d_gates[2 * live.len() * n..].fill(R::ZERO);
        d_drive[live.len() * n..].fill(R::ZERO);
        if let (Some(product), Some(gradient)) = (&self.gates, gates) {
            product.accumulate::<L>(gradient, d_gates, live);
        }
        if let (Some(product), Some(gradient)) = (&self.drive, drive) {
            product.accumulate::<L>(gradient, d_drive, live);
        }
    }

    /// Adds a worker's gradients to `flat`, laid out like the parameters, and clears them.
    pub fn collect<const L: usize>(&self, gradients: &mut Gradients<R, L>, flat: &mut [R]) {
        let (place, layout) = (self.place, &self.layout);
        if let (Some(product), Some(gradient)) = (&self.gates, &mut gradients.gates) {
            product.collect::<L>(gradient, |row, column, value| {
                flat[place.of_gate(row, column)] += value;
            });
        }
        if let (Some(product), Some(gradient)) = (&self.drive, &mut gradients.drive) {
            product.collect::<L>(gradient, |row, column, value| {
                flat[place.of_drive(row, column)] += value;
            });
        }
        for (name, lanes) in [
            ("x0", &mut gradients.x0),
            ("w_out", &mut gradients.w_out),
            ("b_out", &mut gradients.b_out),
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
            n: shape.n_state(),
            n_inputs: shape.n_inputs,
            blocks: shape.cell.blocks(),
            w_in: offset("w_in"),
            b_in: offset("b_in"),
            w_gates: offset("w_gates"),
            w_rec: offset("w_rec"),
        }
    }

    /// Rows: update gates, then recurrent gates.
    fn of_gate(self, row: usize, column: usize) -> usize {
        match column.checked_sub(self.n) {
            None => self.w_gates + column * 2 * self.n + row,
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
