//! Forward and backward pass, one sequence at a time; sequences go to threads.

use std::ops::Range;

use neuropil_math::noise::NoiseLanes;
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};
use neuropil_math::simd::vectorised;
use neuropil_nn::layer::{conv1d, dense, pool1d, relu};
use rand::RngExt;
use rayon::prelude::*;

use super::architecture::{Architecture, Flatten};
use super::logit::probability;
use crate::sequence::{UNKNOWN, reverse_complement};

/// A layer with parameters: where its weights and its bias lie.
#[derive(Clone, Debug, PartialEq)]
struct Slot {
    w: Range<usize>,
    b: Range<usize>,
    inputs: usize,
    outputs: usize,
    l2: f64,
}

/// A network with its parameters: for every layer the weights \[width\]\[inputs\]\[outputs\] or \[inputs\]\[outputs\],
/// then the bias.
#[derive(Clone, Debug, PartialEq)]
pub struct Network<R> {
    /// Its shape.
    pub architecture: Architecture,
    /// All parameters.
    pub params: Vec<R>,
    slots: Vec<Slot>,
}

/// Values of one forward pass that its backward pass needs.
#[derive(Clone, Debug, Default)]
pub struct Pass<R> {
    /// Input, outputs of the convolutions after rectifier and dropout.
    pub(super) maps: Vec<Vec<R>>,
    pooled: Vec<R>,
    at: Vec<u32>,
    /// Flattened values, outputs of the dense layers after rectifier and dropout.
    pub(super) dense: Vec<Vec<R>>,
    /// Outputs before softmax or logistic function.
    pub logits: Vec<R>,
    deltas: [Vec<R>; 2],
}

const LANES: usize = 16;

/// Dropout of one sequence: which stream its masks come from.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// Key of the update.
    pub key: Key,
    /// Number of the sequence in it.
    pub example: u64,
}

impl<R: Real> Network<R> {
    /// All parameters 0.
    pub fn zeros(architecture: Architecture) -> Self {
        let mut slots = Vec::new();
        let mut at = 0;
        let mut add = |width: usize, inputs: usize, outputs: usize, l2: f64| {
            let w = at..at + width * inputs * outputs;
            let b = w.end..w.end + outputs;
            at = b.end;
            slots.push(Slot {
                w,
                b,
                inputs: width * inputs,
                outputs,
                l2,
            });
        };
        let mut channels = 4;
        for convolution in &architecture.convolutions {
            add(
                convolution.width,
                channels,
                convolution.filters,
                architecture.l2_convolution,
            );
            channels = convolution.filters;
        }
        let mut inputs = architecture.flattened();
        for layer in &architecture.dense {
            add(1, inputs, layer.units, architecture.l2_dense);
            inputs = layer.units;
        }
        add(1, inputs, architecture.outputs, architecture.l2_output);
        Self {
            params: vec![R::ZERO; at],
            architecture,
            slots,
        }
    }

    /// He's normal weights (Glorot's for the output), biases 0.
    pub fn new(architecture: Architecture, key: Key) -> Self {
        let mut network = Self::zeros(architecture);
        let last = network.slots.len() - 1;
        for (i, slot) in network.slots.iter().enumerate() {
            let mut random = key.stream(Purpose::Init, i as u64);
            let variance = if i == last {
                2.0 / (slot.inputs + slot.outputs) as f64
            } else {
                2.0 / slot.inputs as f64
            };
            for value in &mut network.params[slot.w.clone()] {
                let (a, b): (f64, f64) = (random.random(), random.random());
                let normal = (-2.0 * (1.0 - a).ln()).sqrt() * (2.0 * std::f64::consts::PI * b).cos();
                *value = R::of(variance.sqrt() * normal);
            }
        }
        network
    }

    /// Number of layers with parameters.
    pub fn n_layers(&self) -> usize {
        self.slots.len()
    }

    /// Weights and bias of layer `i`, to be set.
    pub fn layer_mut(&mut self, i: usize) -> (&mut [R], &mut [R]) {
        let slot = &self.slots[i];
        let (w, b) = self.params[slot.w.start..slot.b.end].split_at_mut(slot.w.len());
        (w, b)
    }

    /// Places of weights and bias of layer `i` in the flat buffer, and the shape of the weights.
    pub fn layer(&self, i: usize) -> (Range<usize>, Range<usize>, [usize; 2]) {
        let slot = &self.slots[i];
        (slot.w.clone(), slot.b.clone(), [slot.inputs, slot.outputs])
    }

    /// λ Σ W² over all layers.
    pub fn penalty(&self) -> f64 {
        self.slots
            .iter()
            .filter(|slot| slot.l2 > 0.0)
            .map(|slot| {
                slot.l2
                    * self.params[slot.w.clone()]
                        .iter()
                        .map(|w| w.f64() * w.f64())
                        .sum::<f64>()
            })
            .sum()
    }

    /// Adds the gradient of the penalty.
    pub fn add_penalty(&self, gradient: &mut [R]) {
        for slot in self.slots.iter().filter(|slot| slot.l2 > 0.0) {
            let factor = R::of(2.0 * slot.l2);
            for (g, &w) in gradient[slot.w.clone()]
                .iter_mut()
                .zip(&self.params[slot.w.clone()])
            {
                *g += factor * w;
            }
        }
    }

    /// Runs the network on `x`, shaped \[position\]\[4\].
    ///
    /// # Panics
    /// When `x` has another length than the network reads.
    pub fn forward(&self, x: &[R], pass: &mut Pass<R>, dropout: Option<Dropout>) {
        assert_eq!(
            x.len(),
            4 * self.architecture.length,
            "a sequence of the network's length"
        );
        let a = &self.architecture;
        let n = a.convolutions.len();
        pass.maps.resize(n + 1, Vec::new());
        pass.maps[0].clear();
        pass.maps[0].extend_from_slice(x);
        let mut channels = 4;
        for (i, convolution) in a.convolutions.iter().enumerate() {
            let slot = &self.slots[i];
            let window = convolution.window();
            let (before, after) = pass.maps.split_at_mut(i + 1);
            let y = &mut after[0];
            y.resize(
                window.outputs(before[i].len() / channels) * convolution.filters,
                R::ZERO,
            );
            conv1d::forward(
                window,
                &before[i],
                &self.params[slot.w.clone()],
                &self.params[slot.b.clone()],
                y,
            );
            rectify(y, convolution.dropout, dropout, i);
            channels = convolution.filters;
        }
        let last = &pass.maps[n];
        let windows = a.pool().outputs(last.len() / channels);
        pass.pooled.resize(windows * channels, R::ZERO);
        pass.at.resize(windows * channels, 0);
        pool1d::forward(a.pool(), last, channels, &mut pass.pooled, &mut pass.at);
        pass.dense.resize(a.dense.len() + 1, Vec::new());
        let flat = &mut pass.dense[0];
        flat.resize(windows * channels, R::ZERO);
        for (i, &value) in pass.pooled.iter().enumerate() {
            flat[self.place(i, windows, channels)] = value;
        }
        for (i, layer) in a.dense.iter().enumerate() {
            let slot = &self.slots[n + i];
            let (before, after) = pass.dense.split_at_mut(i + 1);
            after[0].resize(layer.units, R::ZERO);
            dense::forward(
                &before[i],
                &self.params[slot.w.clone()],
                &self.params[slot.b.clone()],
                &mut after[0],
            );
            rectify(&mut after[0], layer.dropout, dropout, n + i);
        }
        let slot = self.slots.last().expect("an output layer");
        pass.logits.resize(a.outputs, R::ZERO);
        dense::forward(
            pass.dense.last().expect("at least the flattened"),
            &self.params[slot.w.clone()],
            &self.params[slot.b.clone()],
            &mut pass.logits,
        );
    }

    /// Place of pooled value `i` (position-major) among the flattened ones.
    pub(super) fn place(&self, i: usize, windows: usize, channels: usize) -> usize {
        match self.architecture.flatten {
            Flatten::PositionMajor => i,
            Flatten::FilterMajor => i % channels * windows + i / channels,
        }
    }

    /// Adds the gradient of a loss whose gradient with respect to the logits is `dlogits` to `gradient`, and that of
    /// the input to `dx`, after [`Network::forward`].
    pub fn backward(
        &self,
        pass: &mut Pass<R>,
        dlogits: &[R],
        gradient: &mut [R],
        dx: Option<&mut [R]>,
        trained_with_dropout: bool,
    ) {
        let a = &self.architecture;
        let n = a.convolutions.len();
        let mut delta = dlogits.to_vec();
        for i in (n..self.slots.len()).rev() {
            let slot = &self.slots[i];
            let x = &pass.dense[i - n];
            let mut below = vec![R::ZERO; x.len()];
            let (dw, db) = gradient[slot.w.start..slot.b.end].split_at_mut(slot.w.len());
            dense::backward(x, &self.params[slot.w.clone()], &delta, Some(&mut below), dw, db);
            if i > n {
                let keep = if trained_with_dropout {
                    1.0 - a.dense[i - n - 1].dropout
                } else {
                    1.0
                };
                // Values that came out as 0, rectified or dropped, pass nothing.
                relu::backward(x, R::of(1.0 / keep), &mut below);
            }
            delta = below;
        }
        let channels = a.channels();
        let windows = pass.pooled.len() / channels;
        let dpooled: Vec<R> = (0..pass.pooled.len())
            .map(|i| delta[self.place(i, windows, channels)])
            .collect();
        let [here, below] = &mut pass.deltas;
        here.clear();
        here.resize(pass.maps[n].len(), R::ZERO);
        pool1d::backward(&dpooled, &pass.at, channels, here);
        let mut dx = dx;
        for i in (0..n).rev() {
            let slot = &self.slots[i];
            let convolution = &a.convolutions[i];
            let keep = if trained_with_dropout {
                1.0 - convolution.dropout
            } else {
                1.0
            };
            relu::backward(&pass.maps[i + 1], R::of(1.0 / keep), here);
            let (dw, db) = gradient[slot.w.start..slot.b.end].split_at_mut(slot.w.len());
            let x = &pass.maps[i];
            let w = &self.params[slot.w.clone()];
            if i == 0 {
                conv1d::backward(convolution.window(), x, w, here, dx.as_deref_mut(), dw, db);
            } else {
                below.clear();
                below.resize(x.len(), R::ZERO);
                conv1d::backward(convolution.window(), x, w, here, Some(below), dw, db);
                std::mem::swap(here, below);
            }
        }
    }

    /// Values of the last dense layer: what the network has made of the sequence.
    pub fn embedding<'p>(&self, pass: &'p Pass<R>) -> &'p [R] {
        pass.dense.last().expect("after a forward pass")
    }

    /// Predicted activity of sequences given by the numbers of their bases, the mean over both strands; sequences that
    /// are the same are computed once.
    pub fn predict(&self, sequences: &[Vec<u8>]) -> Vec<f64> {
        let mut first: std::collections::HashMap<&[u8], usize> = std::collections::HashMap::new();
        let mut distinct: Vec<&Vec<u8>> = Vec::new();
        let index: Vec<usize> = sequences
            .iter()
            .map(|sequence| {
                *first.entry(sequence.as_slice()).or_insert_with(|| {
                    distinct.push(sequence);
                    distinct.len() - 1
                })
            })
            .collect();
        let values: Vec<f64> = distinct
            .par_iter()
            .map_init(Pass::default, |pass, sequence| {
                let (forward, reverse) = self.both_strands(sequence, pass);
                0.5 * (forward + reverse)
            })
            .collect();
        index.into_iter().map(|i| values[i]).collect()
    }

    /// Predicted activity of a sequence and of its reverse complement.
    pub fn both_strands(&self, sequence: &[u8], pass: &mut Pass<R>) -> (f64, f64) {
        let mut one = |bases: &[u8]| {
            self.forward(&encode(bases), pass, None);
            probability(&pass.logits)
        };
        (one(sequence), one(&reverse_complement(sequence)))
    }
}

/// One-hot code of numbered bases.
pub(crate) fn encode<R: Real>(bases: &[u8]) -> Vec<R> {
    let mut x = vec![R::ZERO; bases.len() * 4];
    for (i, &base) in bases.iter().enumerate() {
        if base != UNKNOWN {
            x[i * 4 + base as usize] = R::ONE;
        }
    }
    x
}

/// Rectifies, and drops a fraction of the values, the others scaled up.
fn rectify<R: Real>(y: &mut [R], rate: f64, dropout: Option<Dropout>, layer: usize) {
    relu::forward(y);
    let Some(dropout) = dropout.filter(|_| rate > 0.0) else {
        return;
    };
    let streams: Vec<u64> = (0..LANES as u64)
        .map(|lane| dropout.example * LANES as u64 + lane)
        .collect();
    let mut noise = NoiseLanes::<LANES>::new(dropout.key.part(layer as u64), Purpose::Dropout, &streams);
    drop_some(&mut noise, rate as f32, R::of(1.0 / (1.0 - rate)), y);
}

vectorised! {
    /// Sets a fraction of the values to 0 and scales the others.
    fn drop_some<F>[R: Real][R](noise: &mut NoiseLanes<LANES>, rate: f32, scale: R, y: &mut [R]) {
        let (rows, rest) = y.as_chunks_mut::<LANES>();
        for row in rows {
            let draws = noise.uniform();
            for l in 0..LANES {
                row[l] = if draws[l] < rate { R::ZERO } else { row[l] * scale };
            }
        }
        for (y, draw) in rest.iter_mut().zip(noise.uniform()) {
            *y = if draw < rate { R::ZERO } else { *y * scale };
        }
    }
}
