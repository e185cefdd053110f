//! In-silico mutagenesis: every single exchange of a base.
//!
//! An exchanged base reaches only the outputs of a convolution whose windows hold it, w of the first one, 2 w − 1 of the
//! second (stride 1), and so on. Of a mutant these outputs alone are computed, the others are those of the sequence; the
//! mutants of neighbouring positions go through a layer in one product. Sums run in the order in which
//! [`Network::forward`] adds them, so that nothing differs.

use std::ops::Range;

use neuropil_math::real::Real;
use neuropil_nn::layer::conv1d::Window;
use neuropil_nn::layer::dense;
use neuropil_nn::layer::relu;
use neuropil_nn::matmul::{Matrix, add_product};
use rayon::prelude::*;

use crate::cnn::logit::logit;
use crate::cnn::network::{Network, Pass, encode};

/// Positions whose mutants go through the layers together: the fewest with which packing the weights costs little beside
/// multiplying with them.
const TOGETHER: usize = 8;

/// Rows of a map, shaped \[position\]\[channel\], in which a mutant differs from the sequence.
struct Patch<R> {
    rows: Range<usize>,
    values: Vec<R>,
}

impl<R> Patch<R> {
    /// Row `at` of the mutant's map.
    fn row<'a>(&'a self, at: usize, map: &'a [R], channels: usize) -> &'a [R] {
        let (from, at) = if self.rows.contains(&at) {
            (&self.values[..], at - self.rows.start)
        } else {
            (map, at)
        };
        &from[at * channels..(at + 1) * channels]
    }
}

/// Change of the logit of one strand by every single exchange of a base, shaped \[position\]\[4\]; 0 at the base that is
/// there.
///
/// # Panics
/// When `bases` is not of the network's length.
pub fn mutagenesis<R: Real>(network: &Network<R>, bases: &[u8]) -> Vec<f64> {
    let mut pass = Pass::default();
    network.forward(&encode(bases), &mut pass, None);
    let here = logit(&pass.logits);
    let starts: Vec<usize> = (0..bases.len()).step_by(TOGETHER).collect();
    starts
        .par_iter()
        .flat_map_iter(|&start| {
            let end = (start + TOGETHER).min(bases.len());
            let mutants: Vec<(usize, u8)> = (start..end)
                .flat_map(|position| (0..4).map(move |base| (position, base)))
                .filter(|&(position, base)| bases[position] != base)
                .collect();
            let logits = logits(network, &pass, &mutants);
            let mut changes = vec![0.0; (end - start) * 4];
            let outputs = network.architecture.outputs;
            for (&(position, base), logits) in mutants.iter().zip(logits.chunks_exact(outputs)) {
                changes[(position - start) * 4 + base as usize] = logit(logits) - here;
            }
            changes
        })
        .collect()
}

/// Logits \[mutant\]\[output\] of sequences that differ from that of `pass` in one base each, (position, base).
fn logits<R: Real>(network: &Network<R>, pass: &Pass<R>, mutants: &[(usize, u8)]) -> Vec<R> {
    let mut patches: Vec<Patch<R>> = mutants
        .iter()
        .map(|&(position, base)| Patch {
            rows: position..position + 1,
            values: encode(&[base]),
        })
        .collect();
    let convolutions = &network.architecture.convolutions;
    for (i, convolution) in convolutions.iter().enumerate() {
        let (w, b, _) = network.layer(i);
        let (w, b) = (&network.params[w], &network.params[b]);
        patches = convolve(convolution.window(), &pass.maps[i], w, b, &patches);
    }
    let flat = patches
        .iter()
        .flat_map(|patch| flattened(network, pass, patch))
        .collect();
    through_dense(network, flat)
}

/// The patches of the next map, rectified.
fn convolve<R: Real>(window: Window, map: &[R], w: &[R], b: &[R], patches: &[Patch<R>]) -> Vec<Patch<R>> {
    let (filters, seen) = (b.len(), w.len() / b.len());
    let channels = seen / window.width;
    let outputs = window.outputs(map.len() / channels);
    let touched: Vec<Range<usize>> = patches
        .iter()
        .map(|patch| window.touched(patch.rows.clone(), outputs))
        .collect();
    let n: usize = touched.iter().map(Range::len).sum();
    let mut inputs = Vec::with_capacity(n * seen);
    for (patch, touched) in patches.iter().zip(&touched) {
        for output in touched.clone() {
            let begin = output * window.stride;
            for position in begin..begin + window.width {
                inputs.extend_from_slice(patch.row(position, map, channels));
            }
        }
    }
    let mut y = b.repeat(n);
    add_product(Matrix::new(&inputs, seen), Matrix::new(w, filters), &mut y);
    relu::forward(&mut y);
    let mut rest = &y[..];
    touched
        .into_iter()
        .map(|rows| {
            let (values, more) = rest.split_at(rows.len() * filters);
            rest = more;
            Patch {
                rows,
                values: values.to_vec(),
            }
        })
        .collect()
}

/// Pooled and flattened values of a mutant.
fn flattened<R: Real>(network: &Network<R>, pass: &Pass<R>, patch: &Patch<R>) -> Vec<R> {
    let (pool, channels) = (network.architecture.pool(), network.architecture.channels());
    let map = &pass.maps[pass.maps.len() - 1];
    let positions = map.len() / channels;
    let windows = pool.outputs(positions);
    let mut flat = pass.dense[0].clone();
    for p in 0..windows {
        let window = pool.window(p, positions);
        if window.start >= patch.rows.end || window.end <= patch.rows.start {
            continue;
        }
        let mut most = patch.row(window.start, map, channels).to_vec();
        for position in window.skip(1) {
            for (most, &value) in most.iter_mut().zip(patch.row(position, map, channels)) {
                *most = most.larger(value);
            }
        }
        for (channel, value) in most.into_iter().enumerate() {
            flat[network.place(p * channels + channel, windows, channels)] = value;
        }
    }
    flat
}

/// Logits \[mutant\]\[output\] from flattened values \[mutant\]\[value\].
fn through_dense<R: Real>(network: &Network<R>, flat: Vec<R>) -> Vec<R> {
    let mut here = flat;
    let first = network.architecture.convolutions.len();
    for i in first..network.n_layers() {
        let (w, b, [inputs, units]) = network.layer(i);
        let mut y = vec![R::ZERO; here.len() / inputs * units];
        dense::forward(&here, &network.params[w], &network.params[b], &mut y);
        if i + 1 < network.n_layers() {
            relu::forward(&mut y);
        }
        here = y;
    }
    here
}
