//! The network: every neuron of two worms attends to every other, and test neurons are compared with template neurons.
//!
//! ```text
//! u = BatchNorm(x W + b)                                  x: position, one row a neuron
//! S⁰ = [u_template + 1 ; u_test]                          the template is marked by adding 1
//! A = S + attention(S);  S ← LayerNorm(A + relu(LayerNorm(A) W₁ + c₁) W₂ + c₂)      six times, normalised after each sum
//! s_ij = E_test,i · E_template,j        s_i,n = w · E_test,i + b                    the last column: no counterpart
//! log P = log softmax over columns
//! ```
//! Worms of unequal size are stacked row after row: nothing is padded and nothing is masked.

use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::layer::norm::Statistics;
use neuropil_nn::layer::{dense, norm};
use neuropil_nn::params::Layout;
use rand::RngExt;
use serde::{Deserialize, Serialize};

mod encoder;
mod pass;
mod ready;

pub use neuropil_nn::layer::dropout::Dropout;
pub use pass::{Normalise, Pass, Request};
pub use ready::Ready;

/// What attends to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoder {
    /// Both worms together, the template marked, as published.
    #[default]
    Joint,
    /// Each worm alone: the template is encoded once for a whole recording.
    Separate,
}

/// Sizes of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Features of a neuron, d; a multiple of the heads.
    pub width: usize,
    /// Layers of the encoder.
    pub layers: usize,
    /// Heads of a layer.
    pub heads: usize,
    /// Units of the feed-forward part of a layer.
    pub hidden: usize,
    /// What attends to what.
    #[serde(default)]
    pub encoder: Encoder,
}

impl Shape {
    /// The published network.
    pub const YU2021: Self = Self {
        width: crate::yu2021::WIDTH,
        layers: crate::yu2021::LAYERS,
        heads: crate::yu2021::HEADS,
        hidden: crate::yu2021::HIDDEN,
        encoder: Encoder::Joint,
    };

    /// The parameters: `embed`, `embed_norm`, `layers.K.{qkv, out, norm1, up, down, norm2}`, `outlier`; weights are
    /// from × to.
    pub fn layout(self) -> Layout {
        let d = self.width;
        let layer = Layout::default()
            .nest("qkv", &dense::layout(d, 3 * d))
            .nest("out", &dense::layout(d, d))
            .nest("norm1", &norm::layout(d))
            .nest("up", &dense::layout(d, self.hidden))
            .nest("down", &dense::layout(self.hidden, d))
            .nest("norm2", &norm::layout(d));
        let start = Layout::default()
            .nest("embed", &dense::layout(3, d))
            .nest("embed_norm", &norm::layout(d));
        (0..self.layers)
            .fold(start, |layout, k| layout.nest(&format!("layers.{k}"), &layer))
            .nest("outlier", &dense::layout(d, 1))
    }
}

/// A network: parameters and the running statistics of its embedding.
///
/// ```
/// use neuropil_math::rng::Key;
/// use neuropil_neuronid::network::{Encoder, Network, Shape};
///
/// let shape = Shape { width: 16, layers: 2, heads: 4, hidden: 32, encoder: Encoder::Joint };
/// let network = Network::<f32>::draw(shape, Key::new(1)).ready();
/// let (template, test) = ([[0.0, 0.1, 0.0], [0.3, 0.0, 0.1]], [[0.0, 0.0, 0.0]]);
/// let log_p = network.match_one(&template, &test);
/// assert_eq!(log_p.len(), 3); // two template neurons, and none of them
/// let total: f64 = log_p.iter().map(|log_p| log_p.exp()).sum();
/// assert!((total - 1.0).abs() < 1e-6);
/// ```
#[derive(Clone, Debug)]
pub struct Network<R> {
    shape: Shape,
    layout: Layout,
    /// All parameters, in the order of [`Shape::layout`].
    pub params: Vec<R>,
    /// Running mean and variance of the embedding; the variances are those of a sample (divided by rows − 1).
    pub running: Statistics<R>,
}

impl<R: Real> Network<R> {
    /// A network of the given parameters.
    ///
    /// # Panics
    /// When their number is not that of the shape, or the heads do not divide the width.
    pub fn new(shape: Shape, params: Vec<R>, running: Statistics<R>) -> Self {
        assert!(
            shape.heads > 0 && shape.width.is_multiple_of(shape.heads),
            "heads divide the width"
        );
        let layout = shape.layout();
        assert_eq!(params.len(), layout.len(), "one value a parameter");
        assert_eq!(running.mean.len(), shape.width, "one running mean a feature");
        Self {
            shape,
            layout,
            params,
            running,
        }
    }

    /// New parameters: projections of attention uniform as Glorot & Bengio (2010), biases of attention 0, all other
    /// weights and biases uniform in ±1/√(inputs), as PyTorch draws them; layers are drawn one by one.
    pub fn draw(shape: Shape, key: Key) -> Self {
        let layout = shape.layout();
        let mut params = vec![R::ZERO; layout.len()];
        for (index, entry) in layout.entries().iter().enumerate() {
            let values = layout.view_mut(&mut params, &entry.name);
            let mut rng = key.stream(Purpose::Init, index as u64);
            let (part, kind) = entry.name.rsplit_once('.').expect("arrays belong to parts");
            let inputs = if part.ends_with("down") {
                shape.hidden
            } else if part == "embed" {
                3
            } else {
                shape.width
            };
            let bound = match (part.rsplit('.').next().unwrap_or(part), kind) {
                ("qkv", "w") => (6.0 / (4 * shape.width) as f64).sqrt(),
                ("qkv" | "out", "b") | (_, "shift") => 0.0,
                (_, "gain") => {
                    values.fill(R::ONE);
                    continue;
                }
                _ => 1.0 / (inputs as f64).sqrt(),
            };
            values
                .iter_mut()
                .for_each(|value| *value = R::of(bound * rng.random_range(-1.0..=1.0)));
        }
        let running = Statistics {
            mean: vec![R::ZERO; shape.width],
            variance: vec![R::ONE; shape.width],
            rows: 0,
        };
        Self::new(shape, params, running)
    }

    /// Sizes.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Where each array of parameters lies.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Values of an array.
    fn view(&self, name: &str) -> &[R] {
        self.layout.view(&self.params, name)
    }

    /// The network as it identifies: its weights laid out for that, once.
    pub fn ready(self) -> Ready<R> {
        Ready::new(self)
    }

    /// Moves the running statistics towards those of a batch, as [`crate::yu2021::MOMENTUM`] says.
    pub fn follow(&mut self, batch: &Statistics<R>) {
        let share = R::of(crate::yu2021::MOMENTUM);
        let of_sample = R::of(batch.rows as f64 / (batch.rows.max(2) - 1) as f64);
        let mix = |old: &mut R, new: R| *old = (R::ONE - share) * *old + share * new;
        self.running
            .mean
            .iter_mut()
            .zip(&batch.mean)
            .for_each(|(old, &new)| mix(old, new));
        let variances = self.running.variance.iter_mut().zip(&batch.variance);
        variances.for_each(|(old, &new)| mix(old, new * of_sample));
    }
}
