//! Cells as textbooks and papers write them, one lane and one unit at a time.

use crate::gradients::{Case, LANES, case, forward};
use neuropil_nn::cell::Cell;
use proptest::prelude::*;

const ALPHA: f64 = 0.3;

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// One lane of a case, with weights that do not exist set to 0.
struct Lane<'a> {
    case: &'a Case,
    lane: usize,
    values: Vec<f64>,
}

impl<'a> Lane<'a> {
    fn new(case: &'a Case, lane: usize) -> Self {
        let existing = case.params.iter().zip(&case.mask);
        let values = existing
            .map(|(w, &exists)| if exists { *w } else { 0.0 })
            .collect();
        Self { case, lane, values }
    }

    fn array(&self, name: &str) -> Vec<f64> {
        self.case.shape.layout().view(&self.values, name).to_vec()
    }

    /// Inputs and bias that reach unit `i`'s block (0: drive) at t; `blocks` in all.
    fn shown(&self, t: usize, blocks: usize, block: usize, i: usize) -> f64 {
        let (n, n_in) = (self.case.shape.n_units, self.case.shape.n_inputs);
        let (w, b) = (self.array("w_in"), self.array("b_in"));
        let input = |k: usize| self.case.inputs[(t * n_in + k) * LANES + self.lane];
        b[block * n + i]
            + (0..n_in)
                .map(|k| input(k) * w[(k * blocks + block) * n + i])
                .sum::<f64>()
    }

    fn noise(&self, t: usize, i: usize) -> f64 {
        self.case.noise[(t * self.case.shape.n_state() + i) * LANES + self.lane]
    }

    fn gain(&self, i: usize) -> f64 {
        self.case
            .gains
            .as_ref()
            .map_or(1.0, |gains| gains[i * LANES + self.lane])
    }
}

/// Σ_j r_j w\[j\]\[i\] in a matrix of `blocks` blocks of n columns.
fn heard(r: &[f64], w: &[f64], blocks: usize, block: usize, i: usize) -> f64 {
    let n = r.len();
    (0..n).map(|j| r[j] * w[(j * blocks + block) * n + i]).sum()
}

/// Song, Yang & Wang (2017), equations 12 to 15: x after every step.
fn gated(case: &Case, lane: usize) -> Vec<Vec<f64>> {
    let (lane, n) = (Lane::new(case, lane), case.shape.n_units);
    let (w_rec, w_gates) = (lane.array("w_rec"), lane.array("w_gates"));
    let mut states = vec![lane.array("x0")];
    for t in 1..case.n_steps {
        let x = &states[t - 1];
        let r: Vec<f64> = x.iter().map(|x| x.max(0.0)).collect();
        let gate = |g: usize, i: usize| logistic(heard(&r, &w_gates, 2, g, i) + lane.shown(t, 3, g + 1, i));
        let open: Vec<f64> = (0..n).map(|i| gate(1, i) * r[i]).collect();
        let next = |i: usize| {
            let (update, y) = (
                gate(0, i),
                heard(&open, &w_rec, 1, 0, i) + lane.shown(t, 3, 0, i) + lane.noise(t, i),
            );
            (1.0 - ALPHA * update) * x[i] + ALPHA * update * y
        };
        let next = (0..n).map(next).collect();
        states.push(next);
    }
    states
}

/// Hochreiter & Schmidhuber (1997) with forget gates and gains: \[c; h\] after every step.
fn lstm(case: &Case, lane: usize) -> Vec<Vec<f64>> {
    let (lane, n) = (Lane::new(case, lane), case.shape.n_units);
    let (w_rec, w_gates) = (lane.array("w_rec"), lane.array("w_gates"));
    let mut first = lane.array("x0");
    (0..n).for_each(|i| first[n + i] *= lane.gain(i));
    let mut states = vec![first];
    for t in 1..case.n_steps {
        let (c, h) = states[t - 1].split_at(n);
        // Gate 0: input; 1: forget; 2: output.
        let gate = |g: usize, i: usize| logistic(heard(h, &w_gates, 3, g, i) + lane.shown(t, 4, g + 1, i));
        let drive = |i: usize| (heard(h, &w_rec, 1, 0, i) + lane.shown(t, 4, 0, i) + lane.noise(t, i)).tanh();
        let memories: Vec<f64> = (0..n)
            .map(|i| gate(1, i) * c[i] + gate(0, i) * drive(i))
            .collect();
        let rates = (0..n).map(|i| lane.gain(i) * gate(2, i) * memories[i].tanh());
        let next = memories.iter().copied().chain(rates).collect();
        states.push(next);
    }
    states
}

/// Masse, Grant & Freedman (2018), programs: \[s; u; h\] after every step.
fn ei_stp(case: &Case, lane: usize) -> Vec<Vec<f64>> {
    let (lane, n) = (Lane::new(case, lane), case.shape.n_units);
    let (constants, mut w) = (lane.array("synapse"), lane.array("w_rec"));
    for (i, w) in w.iter_mut().enumerate() {
        let sign = constants[i / n];
        *w = if sign == 0.0 { *w } else { sign * w.max(0.0) };
    }
    let mut first = lane.array("x0");
    (0..n).for_each(|i| first[2 * n + i] *= lane.gain(i));
    let mut states = vec![first];
    for t in 1..case.n_steps {
        let before = &states[t - 1];
        let (mut next, mut released) = (vec![0.0; 3 * n], vec![0.0; n]);
        for i in 0..n {
            let [rest, facilitate, recover, dt] = [1, 2, 3, 4].map(|row| constants[row * n + i]);
            let (s, u, h) = (before[i], before[n + i], before[2 * n + i]);
            next[i] = (s + recover * (1.0 - s) - dt * u * s * h).clamp(0.0, 1.0);
            next[n + i] = (u + facilitate * (rest - u) + dt * rest * (1.0 - u) * h).clamp(0.0, 1.0);
            released[i] = next[i] * next[n + i] * h;
        }
        for i in 0..n {
            let y = heard(&released, &w, 1, 0, i) + lane.shown(t, 1, 0, i) + lane.noise(t, i);
            let h = (1.0 - ALPHA) * before[2 * n + i] + ALPHA * y;
            next[2 * n + i] = lane.gain(i) * h.max(0.0);
        }
        states.push(next);
    }
    states
}

fn agrees(cell: Cell, n: usize, n_in: usize, density: f64, seed: u64, of: fn(&Case, usize) -> Vec<Vec<f64>>) {
    let mut case = case(cell, n, n_in, 20, density, 0.0, seed);
    case.restarts.clear();
    let (_, _, history) = forward(&case, &case.params);
    for lane in 0..LANES {
        for (t, states) in of(&case, lane).iter().enumerate() {
            for (found, expected) in history.state(t).iter().skip(lane).step_by(LANES).zip(states) {
                assert!(
                    (found - expected).abs() < 1e-11,
                    "step {t}: {found}, not {expected}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn gated_networks_run_as_in_the_paper(n in 1_usize..13, n_in in 1_usize..5, p in 0.05_f64..1.2, seed in 0_u64..999) {
        agrees(Cell::Gated, n, n_in, p, seed, gated);
    }

    #[test]
    fn lstm_networks_run_as_in_textbooks(n in 1_usize..13, n_in in 1_usize..5, p in 0.05_f64..1.2, seed in 0_u64..999) {
        agrees(Cell::Lstm, n, n_in, p, seed, lstm);
    }

    #[test]
    fn plastic_synapses_run_as_in_the_paper(n in 1_usize..13, n_in in 1_usize..5, p in 0.05_f64..1.2, seed in 0_u64..999) {
        agrees(Cell::EiStp, n, n_in, p, seed, ei_stp);
    }
}
