//! One layer of the encoder, forward and backward, over rows of several sets that attend each to itself.

use super::{Dropout, Network, Shape};
use neuropil_math::real::Real;
use neuropil_nn::layer::attention::{self, Set};
use neuropil_nn::layer::{dense, norm, relu};
use neuropil_nn::matmul::{Matrix, add_product};
use std::ops::Range;

/// What a layer's backward pass needs of its forward pass.
#[derive(Debug)]
pub(super) struct LayerPass<R> {
    input: Vec<R>,
    projected: Vec<R>,
    log_sums: Vec<R>,
    mixed: Vec<R>,
    norm1: Normal<R>,
    middle: Vec<R>,
    hidden: Vec<R>,
    norm2: Normal<R>,
}

/// x̂ and its scale.
#[derive(Debug)]
struct Normal<R> {
    normal: Vec<R>,
    scale: Vec<R>,
}

/// Places in a layer at which values are dropped.
#[derive(Clone, Copy)]
enum Site {
    Weights,
    Attention,
    Hidden,
    Down,
}

impl Site {
    fn number(self, layer: usize) -> u64 {
        (layer * 4 + self as usize) as u64
    }
}

fn normalise<R: Real>(network: &Network<R>, name: &str, x: &[R]) -> (Vec<R>, Normal<R>) {
    let d = network.shape.width;
    let mut y = vec![R::ZERO; x.len()];
    let mut kept = Normal {
        normal: vec![R::ZERO; x.len()],
        scale: vec![R::ZERO; x.len() / d],
    };
    let (gain, shift) = (
        network.view(&format!("{name}.gain")),
        network.view(&format!("{name}.shift")),
    );
    norm::over_features(x, gain, shift, &mut y, &mut kept.normal, &mut kept.scale);
    (y, kept)
}

/// y = x W + b by the name of the part.
fn apply<R: Real>(network: &Network<R>, name: &str, x: &[R], outputs: usize) -> Vec<R> {
    let (w, b) = (
        network.view(&format!("{name}.w")),
        network.view(&format!("{name}.b")),
    );
    let mut y = b.repeat(x.len() / (w.len() / outputs));
    add_product(Matrix::new(x, w.len() / outputs), Matrix::new(w, outputs), &mut y);
    y
}

/// Rows of one set, as attention takes them.
fn set(shape: Shape, rows: &Range<usize>) -> Set {
    Set {
        rows: rows.len(),
        width: shape.width,
        heads: shape.heads,
    }
}

/// The layer's output \[rows\]\[d\] and what its backward pass needs.
pub(super) fn forward<R: Real>(
    network: &Network<R>,
    layer: usize,
    input: Vec<R>,
    sets: &[Range<usize>],
    dropout: Option<Dropout>,
) -> (Vec<R>, LayerPass<R>) {
    let (shape, d) = (network.shape, network.shape.width);
    let name = |part: &str| format!("layers.{layer}.{part}");
    let projected = apply(network, &name("qkv"), &input, 3 * d);
    let mut mixed = vec![R::ZERO; input.len()];
    let mut log_sums = vec![R::ZERO; input.len() / d * shape.heads];
    for rows in sets {
        let keep = keep_of(dropout, layer, rows.start);
        attention::forward(
            set(shape, rows),
            &projected[rows.start * 3 * d..rows.end * 3 * d],
            keep.as_ref().map(|keep| keep as _),
            &mut mixed[rows.start * d..rows.end * d],
            &mut log_sums[rows.start * shape.heads..rows.end * shape.heads],
        );
    }
    let mut sum = apply(network, &name("out"), &mixed, d);
    Dropout::apply(dropout, Site::Attention.number(layer), &mut sum);
    add(&mut sum, &input);
    let (middle, norm1) = normalise(network, &name("norm1"), &sum);
    let mut hidden = apply(network, &name("up"), &middle, shape.hidden);
    relu::forward(&mut hidden);
    Dropout::apply(dropout, Site::Hidden.number(layer), &mut hidden);
    let mut sum = apply(network, &name("down"), &hidden, d);
    Dropout::apply(dropout, Site::Down.number(layer), &mut sum);
    add(&mut sum, &middle);
    let (output, norm2) = normalise(network, &name("norm2"), &sum);
    let pass = LayerPass {
        input,
        projected,
        log_sums,
        mixed,
        norm1,
        middle,
        hidden,
        norm2,
    };
    (output, pass)
}

fn add<R: Real>(sum: &mut [R], x: &[R]) {
    sum.iter_mut().zip(x).for_each(|(sum, &x)| *sum += x);
}

/// Which attention weights of the set that begins at a row are dropped.
fn keep_of<R: Real>(
    dropout: Option<Dropout>,
    layer: usize,
    first: usize,
) -> Option<impl Fn(usize, usize, usize) -> R + Sync> {
    let site = Site::Weights.number(layer);
    dropout.map(move |dropout| {
        move |head: usize, row: usize, column: usize| {
            dropout.factor(
                site,
                ((first + row) as u64) << 24 | (head as u64) << 18 | column as u64,
            )
        }
    })
}

/// Gradient buffers of one part, by name.
struct Gradient<'a, R> {
    network: &'a Network<R>,
    values: &'a mut [R],
}

impl<R: Real> Gradient<'_, R> {
    /// The two arrays of a part, which lie side by side.
    fn pair(&mut self, part: &str, second: &str) -> (&mut [R], &mut [R]) {
        let (layout, range) = self.network.layout.part(part).expect("a part of the network");
        let middle = layout.offset(second).expect("its second array");
        self.values[range].split_at_mut(middle)
    }

    fn dense(&mut self, part: &str, x: &[R], dy: &[R], dx: &mut [R]) {
        let w = self.network.view(&format!("{part}.w"));
        let (dw, db) = self.pair(part, "b");
        dense::backward(x, w, dy, Some(dx), dw, db);
    }

    fn norm(&mut self, part: &str, kept: &Normal<R>, dy: &[R]) -> Vec<R> {
        let gain = self.network.view(&format!("{part}.gain"));
        let mut dx = vec![R::ZERO; dy.len()];
        let (dgain, dshift) = self.pair(part, "shift");
        norm::over_features_backward(&kept.normal, &kept.scale, gain, dy, &mut dx, dgain, dshift);
        dx
    }
}

/// Gradient of the layer's input from that of its output; adds to `gradient`, one value a parameter.
pub(super) fn backward<R: Real>(
    network: &Network<R>,
    layer: usize,
    pass: &LayerPass<R>,
    sets: &[Range<usize>],
    dropout: Option<Dropout>,
    doutput: &[R],
    gradient: &mut [R],
) -> Vec<R> {
    let (shape, d) = (network.shape, network.shape.width);
    let name = |part: &str| format!("layers.{layer}.{part}");
    let mut gradient = Gradient {
        network,
        values: gradient,
    };
    let mut dmiddle = gradient.norm(&name("norm2"), &pass.norm2, doutput);
    let mut dsum = dmiddle.clone();
    Dropout::apply(dropout, Site::Down.number(layer), &mut dsum);
    let mut dhidden = vec![R::ZERO; pass.hidden.len()];
    gradient.dense(&name("down"), &pass.hidden, &dsum, &mut dhidden);
    Dropout::apply(dropout, Site::Hidden.number(layer), &mut dhidden);
    relu::backward(&pass.hidden, R::ONE, &mut dhidden);
    gradient.dense(&name("up"), &pass.middle, &dhidden, &mut dmiddle);
    let mut dinput = gradient.norm(&name("norm1"), &pass.norm1, &dmiddle);
    let mut dsum = dinput.clone();
    Dropout::apply(dropout, Site::Attention.number(layer), &mut dsum);
    let mut dmixed = vec![R::ZERO; pass.mixed.len()];
    gradient.dense(&name("out"), &pass.mixed, &dsum, &mut dmixed);
    let mut dprojected = vec![R::ZERO; pass.projected.len()];
    for rows in sets {
        let keep = keep_of(dropout, layer, rows.start);
        let three = rows.start * 3 * d..rows.end * 3 * d;
        attention::backward(
            set(shape, rows),
            &pass.projected[three.clone()],
            keep.as_ref().map(|keep| keep as _),
            &pass.log_sums[rows.start * shape.heads..rows.end * shape.heads],
            &dmixed[rows.start * d..rows.end * d],
            &mut dprojected[three],
        );
    }
    gradient.dense(&name("qkv"), &pass.input, &dprojected, &mut dinput);
    dinput
}
