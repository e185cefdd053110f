//! One layer of the encoder, forward and backward, over rows of several sets that attend each to itself.

use super::{Dropout, Network, Shape};
use neuropil_math::real::Real;
use neuropil_nn::buffer::lend;
use neuropil_nn::layer::attention::{self, Set};
use neuropil_nn::layer::{dense, norm, relu};
use neuropil_nn::matmul::{Matrix, Packed};
use rayon::prelude::*;
use std::ops::Range;

/// What a layer's backward pass needs of its forward pass.
#[derive(Debug, Default)]
pub(super) struct LayerPass<R> {
    input: Vec<R>,
    projected: Vec<R>,
    log_sums: Vec<R>,
    mixed: Vec<R>,
    rows: Rows<Vec<R>>,
}

/// What comes after attention leaves behind, row by row.
#[derive(Debug, Default)]
struct Rows<T> {
    norm1: Normal<T>,
    middle: T,
    hidden: T,
    norm2: Normal<T>,
}

/// x̂ and its scale.
#[derive(Debug, Default)]
struct Normal<T> {
    normal: T,
    scale: T,
}

impl<R: Real> Rows<Vec<R>> {
    fn resize(&mut self, shape: Shape, rows: usize) {
        for norm in [&mut self.norm1, &mut self.norm2] {
            norm.normal.resize(rows * shape.width, R::ZERO);
            norm.scale.resize(rows, R::ZERO);
        }
        self.middle.resize(rows * shape.width, R::ZERO);
        self.hidden.resize(rows * shape.hidden, R::ZERO);
    }

    /// Blocks of so many rows, the last one of what is left.
    fn blocks(&mut self, shape: Shape, block: usize) -> impl Iterator<Item = Rows<&mut [R]>> {
        let middle = self.middle.chunks_mut(block * shape.width);
        let hidden = self.hidden.chunks_mut(block * shape.hidden);
        let norms = self
            .norm1
            .blocks(shape, block)
            .zip(self.norm2.blocks(shape, block));
        let rows = middle.zip(hidden).zip(norms);
        rows.map(|((middle, hidden), (norm1, norm2))| Rows {
            norm1,
            middle,
            hidden,
            norm2,
        })
    }
}

impl<R: Real> Rows<&mut [R]> {
    /// Numbers that a row takes.
    fn values(shape: Shape) -> usize {
        3 * shape.width + shape.hidden + 2
    }

    /// Within room for that many rows.
    fn within(room: &mut [R], shape: Shape, rows: usize) -> Rows<&mut [R]> {
        let (normal1, room) = room.split_at_mut(rows * shape.width);
        let (normal2, room) = room.split_at_mut(rows * shape.width);
        let (middle, room) = room.split_at_mut(rows * shape.width);
        let (hidden, room) = room.split_at_mut(rows * shape.hidden);
        let (scale1, scale2) = room.split_at_mut(rows);
        Rows {
            norm1: Normal {
                normal: normal1,
                scale: scale1,
            },
            middle,
            hidden,
            norm2: Normal {
                normal: normal2,
                scale: scale2,
            },
        }
    }
}

impl<R> Normal<Vec<R>> {
    fn blocks(&mut self, shape: Shape, block: usize) -> impl Iterator<Item = Normal<&mut [R]>> {
        let scales = self.scale.chunks_mut(block);
        let rows = self.normal.chunks_mut(block * shape.width).zip(scales);
        rows.map(|(normal, scale)| Normal { normal, scale })
    }
}

/// Most rows that one thread takes at a time.
const ROWS: usize = 64;
/// Rows of a tile of the product: a block that is no multiple of it wastes some.
const TILE: usize = 8;

/// Rows of a block, so that the thread that has most of the rows has as few as can be.
fn block_of(rows: usize, threads: usize) -> usize {
    let most = |size: usize| {
        let (whole, rest) = (rows / size, rows % size);
        let uneven = whole % threads != 0;
        whole.div_ceil(threads) * size + if uneven { 0 } else { rest }
    };
    let sizes = (ROWS / 2 / TILE..=ROWS / TILE).rev().map(|tiles| tiles * TILE);
    sizes.min_by_key(|&size| most(size)).expect("a size")
}

/// The weights of one layer as products read them.
#[derive(Clone, Debug)]
pub(super) struct Weights<R: Real> {
    qkv: Packed<R>,
    out: Packed<R>,
    up: Packed<R>,
    down: Packed<R>,
}

impl<R: Real> Weights<R> {
    pub(super) fn of(network: &Network<R>, layer: usize) -> Self {
        let (d, hidden) = (network.shape.width, network.shape.hidden);
        let pack = |part: &str, outputs: usize| {
            Packed::new(Matrix::new(
                network.view(&format!("layers.{layer}.{part}.w")),
                outputs,
            ))
        };
        Self {
            qkv: pack("qkv", 3 * d),
            out: pack("out", d),
            up: pack("up", hidden),
            down: pack("down", d),
        }
    }
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

/// Rows of one set, as attention takes them.
fn set(shape: Shape, rows: &Range<usize>) -> Set {
    Set {
        rows: rows.len(),
        width: shape.width,
        heads: shape.heads,
    }
}

/// One layer of a network, its weights laid out for products.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a, R: Real> {
    pub network: &'a Network<R>,
    pub weights: &'a Weights<R>,
    pub number: usize,
    pub dropout: Option<Dropout>,
}

impl<R: Real> Layer<'_, R> {
    /// The layer's output \[rows\]\[d\], and what its backward pass needs if that is to be kept; `room` is a pass that
    /// is needed no more.
    pub(super) fn forward(
        self,
        input: Vec<R>,
        sets: &[Range<usize>],
        room: LayerPass<R>,
        keep: bool,
    ) -> (Vec<R>, LayerPass<R>) {
        let (shape, d) = (self.network.shape, self.network.shape.width);
        let n_rows = input.len() / d;
        let size = block_of(n_rows, rayon::current_num_threads());
        let LayerPass {
            input: mut output,
            mut projected,
            mut log_sums,
            mut mixed,
            mut rows,
        } = room;
        projected.resize(n_rows * 3 * d, R::ZERO);
        projected
            .par_chunks_mut(size * 3 * d)
            .zip(input.par_chunks(size * d))
            .for_each(|(projected, input)| self.apply("qkv", &self.weights.qkv, input, projected));
        mixed.resize(n_rows * d, R::ZERO);
        log_sums.resize(n_rows * shape.heads, R::ZERO);
        for rows in sets {
            let kept = keep_of(self.dropout, self.number, rows.start);
            attention::forward(
                set(shape, rows),
                &projected[rows.start * 3 * d..rows.end * 3 * d],
                kept.as_ref().map(|kept| kept as _),
                &mut mixed[rows.start * d..rows.end * d],
                &mut log_sums[rows.start * shape.heads..rows.end * shape.heads],
            );
        }
        output.resize(n_rows * d, R::ZERO);
        let around = mixed.par_chunks(size * d).zip(input.par_chunks(size * d));
        let blocks = output.par_chunks_mut(size * d).zip(around).enumerate();
        if keep {
            rows.resize(shape, n_rows);
            let places: Vec<Rows<&mut [R]>> = rows.blocks(shape, size).collect();
            blocks.zip(places).for_each(|((block, (output, around)), kept)| {
                self.rows(block * size, around, kept, output);
            });
        } else {
            blocks.for_each(|(block, (output, around))| {
                let n_rows = output.len() / d;
                lend(n_rows * Rows::<&mut [R]>::values(shape), |room| {
                    self.rows(block * size, around, Rows::within(room, shape, n_rows), output);
                });
            });
        }
        let pass = LayerPass {
            input,
            projected,
            log_sums,
            mixed,
            rows,
        };
        (output, pass)
    }

    /// All that follows attention, of a block of rows whose first is `first`.
    fn rows(self, first: usize, (mixed, input): (&[R], &[R]), kept: Rows<&mut [R]>, output: &mut [R]) {
        let (d, hidden) = (self.network.shape.width, self.network.shape.hidden);
        let drop = |site: Site, width: usize, values: &mut [R]| {
            Dropout::apply(self.dropout, site.number(self.number), first * width, values);
        };
        self.apply("out", &self.weights.out, mixed, output);
        drop(Site::Attention, d, output);
        add(output, input);
        self.normalise("norm1", output, kept.middle, kept.norm1);
        self.apply("up", &self.weights.up, kept.middle, kept.hidden);
        relu::forward(kept.hidden);
        drop(Site::Hidden, hidden, kept.hidden);
        lend(output.len(), |sum| {
            self.apply("down", &self.weights.down, kept.hidden, sum);
            drop(Site::Down, d, sum);
            add(sum, kept.middle);
            self.normalise("norm2", sum, output, kept.norm2);
        });
    }

    /// y = x W + b of one part.
    fn apply(self, part: &str, weights: &Packed<R>, x: &[R], y: &mut [R]) {
        let bias = self.network.view(&format!("layers.{}.{part}.b", self.number));
        weights.product(Matrix::new(x, weights.rows()), bias, y);
    }

    fn normalise(self, part: &str, x: &[R], y: &mut [R], kept: Normal<&mut [R]>) {
        let view = |array: &str| {
            self.network
                .view(&format!("layers.{}.{part}.{array}", self.number))
        };
        norm::over_features(x, view("gain"), view("shift"), y, kept.normal, kept.scale);
    }
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

    fn norm(&mut self, part: &str, kept: &Normal<Vec<R>>, dy: &[R]) -> Vec<R> {
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
    let mut dmiddle = gradient.norm(&name("norm2"), &pass.rows.norm2, doutput);
    let mut dsum = dmiddle.clone();
    Dropout::apply(dropout, Site::Down.number(layer), 0, &mut dsum);
    let mut dhidden = vec![R::ZERO; pass.rows.hidden.len()];
    gradient.dense(&name("down"), &pass.rows.hidden, &dsum, &mut dhidden);
    Dropout::apply(dropout, Site::Hidden.number(layer), 0, &mut dhidden);
    relu::backward(&pass.rows.hidden, R::ONE, &mut dhidden);
    gradient.dense(&name("up"), &pass.rows.middle, &dhidden, &mut dmiddle);
    let mut dinput = gradient.norm(&name("norm1"), &pass.rows.norm1, &dmiddle);
    let mut dsum = dinput.clone();
    Dropout::apply(dropout, Site::Attention.number(layer), 0, &mut dsum);
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
