//! The convolutional front end of the paper's networks for pictures.
//!
//! Twice: two convolutions of 3 × 3 (stride 1, padded with zeros) with rectifiers, the largest of every 2 × 2, dropout;
//! 32 channels, then 64. It is learnt beforehand with a dense network on top (`gating/front`) and then frozen: a sequence
//! of tasks reads its features, \[row\]\[column\]\[channel\]. Masse, Grant & Freedman (2018), networks for CIFAR and ImageNet.

mod experiment;
mod learner;

pub(crate) use experiment::{Beforehand, load};

use crate::data::{Dataset, Half, shape_words};
use crate::masse2018::{FRONT_CHANNELS, FRONT_KERNEL};
use neuropil_lab::error::Problem;
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::init::glorot_uniform;
use neuropil_nn::layer::{conv2d, pool2d};
use neuropil_nn::params::Layout;
use std::ops::Range;

/// Pictures that one thread takes at a time.
const AT_A_TIME: usize = 32;

/// Sizes of a front end and the layout of its parameters: `conv1.w` \[3\]\[3\]\[channels\]\[32\], `conv1.b`, … `conv4.b`.
#[derive(Clone, Debug)]
pub struct Front {
    shapes: [conv2d::Shape; 4],
    layout: Layout,
}

/// What a forward pass leaves for the backward pass.
#[derive(Clone, Debug, Default)]
pub struct Pass<R> {
    inputs: Vec<Vec<R>>,
    sums: Vec<Vec<R>>,
    places: Vec<Vec<u32>>,
    features: Vec<R>,
}

impl<R> Pass<R> {
    /// The features, \[picture\]\[feature\].
    pub fn features(&self) -> &[R] {
        &self.features
    }
}

impl Front {
    /// A front end for pictures of so many rows, columns and channels.
    ///
    /// # Errors
    /// Sides that cannot be halved twice.
    pub fn new([rows, columns, channels]: [usize; 3]) -> Result<Self, Problem> {
        if rows % 4 != 0 || columns % 4 != 0 || rows * columns * channels == 0 {
            let found = shape_words([rows, columns, channels]);
            let message =
                format!("pictures of {found}, expected sides that are multiples of 4: they are halved twice");
            return Err(Problem::new(
                message,
                "pad or crop the pictures, or leave the front end out",
            ));
        }
        let mut inputs = channels;
        let shapes = std::array::from_fn(|layer| {
            let halved = 1 << (layer / 2);
            let outputs = FRONT_CHANNELS[layer];
            conv2d::Shape {
                rows: rows / halved,
                columns: columns / halved,
                inputs: std::mem::replace(&mut inputs, outputs),
                outputs,
                kernel: FRONT_KERNEL,
            }
        });
        let prefixes = ["conv1", "conv2", "conv3", "conv4"];
        let layers = prefixes.iter().zip(&shapes);
        let layout = layers.fold(Layout::new(&[]), |layout, (prefix, shape)| {
            layout.nest(prefix, &shape.layout())
        });
        Ok(Self { shapes, layout })
    }

    /// Layout of the parameters.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Rows, columns and channels of the features.
    pub fn out(&self) -> [usize; 3] {
        let last = self.shapes[3];
        [last.rows / 2, last.columns / 2, last.outputs]
    }

    /// Values behind the first and the second pair of convolutions, after pooling: what dropout multiplies.
    pub fn sites(&self) -> [usize; 2] {
        [1, 3].map(|layer| {
            let shape = self.shapes[layer];
            shape.rows * shape.columns * shape.outputs / 4
        })
    }

    /// Weights uniform by fan-in and fan-out (Glorot & Bengio 2010), biases 0.
    pub fn initial<R: Real>(&self, key: Key) -> Vec<R> {
        let mut theta = vec![0.0; self.layout.len()];
        for (layer, shape) in self.shapes.iter().enumerate() {
            let taps = shape.kernel * shape.kernel;
            let [w, _] = self.places(layer);
            let mut stream = key.stream(Purpose::Init, layer as u64);
            glorot_uniform(
                &mut theta[w],
                taps * shape.inputs,
                taps * shape.outputs,
                &mut stream,
            );
        }
        theta.into_iter().map(R::of).collect()
    }

    /// Where the weights and the biases of a layer lie.
    fn places(&self, layer: usize) -> [Range<usize>; 2] {
        let before: usize = self.shapes[..layer]
            .iter()
            .map(|shape| shape.layout().len())
            .sum();
        let shape = self.shapes[layer];
        let end = before + shape.layout().len();
        [before..end - shape.outputs, end - shape.outputs..end]
    }

    /// Features of `x` \[picture\]\[row\]\[column\]\[channel\]; `kept` multiplies the values at each of [`Front::sites`].
    pub fn forward<R: Real>(&self, theta: &[R], x: &[R], kept: [Option<&[R]>; 2], pass: &mut Pass<R>) {
        pass.inputs.clear();
        pass.sums.clear();
        pass.places.clear();
        let mut values = x.to_vec();
        for (layer, &shape) in self.shapes.iter().enumerate() {
            let [w, b] = self.places(layer).map(|range| &theta[range]);
            let n = values.len() / shape.inputs * shape.outputs;
            let mut sums = vec![R::ZERO; n];
            conv2d::forward(shape, &values, w, b, &mut sums);
            let mut rates: Vec<R> = sums.iter().map(|&sum| sum.larger(R::ZERO)).collect();
            if layer % 2 == 1 {
                let (mut pooled, mut places) = (vec![R::ZERO; n / 4], vec![0; n / 4]);
                pool2d::forward(
                    &rates,
                    shape.rows,
                    shape.columns,
                    shape.outputs,
                    &mut pooled,
                    &mut places,
                );
                multiply(&mut pooled, kept[layer / 2]);
                pass.places.push(places);
                rates = pooled;
            }
            pass.inputs.push(std::mem::replace(&mut values, rates));
            pass.sums.push(sums);
        }
        pass.features = values;
    }

    /// Adds to `sums`, laid out like the parameters, the gradient from that of the features.
    pub fn backward<R: Real>(
        &self,
        theta: &[R],
        pass: &Pass<R>,
        kept: [Option<&[R]>; 2],
        d_features: &[R],
        sums: &mut [R],
    ) {
        let mut d = d_features.to_vec();
        for (layer, &shape) in self.shapes.iter().enumerate().rev() {
            if layer % 2 == 1 {
                multiply(&mut d, kept[layer / 2]);
                let mut before = vec![R::ZERO; pass.sums[layer].len()];
                pool2d::backward(&d, &pass.places[layer / 2], &mut before);
                d = before;
            }
            for (d, &sum) in d.iter_mut().zip(&pass.sums[layer]) {
                if sum <= R::ZERO {
                    *d = R::ZERO;
                }
            }
            let [w, b] = self.places(layer);
            let own = &mut sums[w.start..b.end];
            let (dw, db) = own.split_at_mut(w.len());
            let mut dx = (layer > 0).then(|| vec![R::ZERO; pass.inputs[layer].len()]);
            conv2d::backward(
                shape,
                &pass.inputs[layer],
                &theta[w],
                &d,
                dx.as_deref_mut(),
                dw,
                db,
            );
            d = dx.unwrap_or_default();
        }
    }

    /// A data set whose examples are the features of another one's.
    ///
    /// # Errors
    /// Pictures of another shape.
    pub(crate) fn features(&self, theta: &[f32], data: &Dataset) -> Result<Dataset, Problem> {
        let first = self.shapes[0];
        let own = [first.rows, first.columns, first.inputs];
        if data.train.shape != own {
            let message = format!(
                "pictures of {}, but the front end was learnt on pictures of {}",
                shape_words(data.train.shape),
                shape_words(own)
            );
            return Err(Problem::new(
                message,
                "learn a front end on pictures of this size",
            ));
        }
        Ok(
            data.seen_through(self.out(), AT_A_TIME, |half: Half, examples: Range<usize>| {
                let size = own.iter().product::<usize>();
                let mut x = vec![0.0; examples.len() * size];
                for (row, example) in x.chunks_exact_mut(size).zip(examples) {
                    data.copy(half, example, row);
                }
                let mut pass = Pass::default();
                self.forward(theta, &x, [None, None], &mut pass);
                pass.features
            }),
        )
    }
}

fn multiply<R: Real>(values: &mut [R], factors: Option<&[R]>) {
    if let Some(factors) = factors {
        values
            .iter_mut()
            .zip(factors)
            .for_each(|(value, &by)| *value *= by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_nn::check::worst_difference;
    use rand::RngExt;

    #[test]
    fn the_gradient_agrees_with_differences() {
        let front = Front::new([4, 8, 2]).unwrap();
        let numbers = |n: usize, seed: u64| -> Vec<f64> {
            let mut rng = Key::new(seed).stream(Purpose::Test, 0);
            (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
        };
        let (x, theta) = (
            numbers(2 * 4 * 8 * 2, 1),
            numbers(front.layout().len(), 2)
                .iter()
                .map(|w| 0.3 * w)
                .collect::<Vec<f64>>(),
        );
        let sites = front.sites();
        assert_eq!((sites, front.out()), ([2 * 4 * 32, 2 * 64], [1, 2, 64]));
        let kept = sites.map(|n| {
            numbers(2 * n, 3)
                .iter()
                .map(|x| if *x > 0.0 { 2.0 } else { 0.0 })
                .collect::<Vec<f64>>()
        });
        let kept = [Some(&kept[0][..]), Some(&kept[1][..])];
        let weights = numbers(2 * sites[1], 4);
        let loss = |theta: &[f64]| {
            let mut pass = Pass::default();
            front.forward(theta, &x, kept, &mut pass);
            pass.features()
                .iter()
                .zip(&weights)
                .map(|(f, w)| f * w)
                .sum::<f64>()
        };
        let mut pass = Pass::default();
        front.forward(&theta, &x, kept, &mut pass);
        let mut gradient = vec![0.0; theta.len()];
        front.backward(&theta, &pass, kept, &weights, &mut gradient);
        // Every layer: some weights of each, and all biases of the last.
        let n = theta.len();
        let some: Vec<usize> = (0..n).step_by(997).chain(n - 64..n).collect();
        let pick = |all: &[f64]| some.iter().map(|&i| all[i]).collect::<Vec<f64>>();
        let moved = |values: &[f64]| {
            let mut theta = theta.clone();
            some.iter().zip(values).for_each(|(&i, &value)| theta[i] = value);
            loss(&theta)
        };
        assert!(gradient.iter().any(|&g| g != 0.0));
        assert!(worst_difference(moved, &pick(&theta), &pick(&gradient)) < 1e-6);
    }

    #[test]
    fn pictures_that_cannot_be_halved_twice_are_refused() {
        let found = Front::new([30, 32, 3]).unwrap_err().to_string();
        assert!(found.contains("30 × 32 × 3"), "{found}");
    }
}
