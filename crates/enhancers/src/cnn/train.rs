//! Training: its settings, its examples and the gradient of a batch.

use neuropil_math::real::Real;
use neuropil_math::rng::Key;
use neuropil_nn::optim::{Adam, AdamRule, Momentum, Sgd};
use rayon::prelude::*;

use super::logit::loss_of_logits;
use super::network::{Dropout, Network, Pass, encode};
use super::schedule::Schedule;
use crate::error::InputError;
use crate::sequence::reverse_complement;

/// Sequences whose gradients are summed by one thread; sums are added in order.
const SHARD: usize = 4;
/// Parameters whose gradients are added up by one thread at a time.
const TOGETHER: usize = 1 << 14;

/// Weights of the classes in the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// All 1.
    None,
    /// N / (K n_c).
    Reciprocal,
    /// 1 − n_c / N.
    Proportional,
}

impl ClassWeights {
    /// Weights of the classes from their numbers of examples.
    pub fn of(self, counts: &[usize]) -> Vec<f64> {
        let n = counts.iter().sum::<usize>() as f64;
        let k = counts.len() as f64;
        counts
            .iter()
            .map(|&count| match self {
                Self::None => 1.0,
                Self::Reciprocal => n / (k * count.max(1) as f64),
                Self::Proportional => 1.0 - count as f64 / n,
            })
            .collect()
    }
}

/// Optimiser.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Optimiser {
    /// Adam with Keras's constants (ε = 1e-7).
    Adam,
    /// Gradient descent; a schedule may set the momentum.
    Sgd {
        /// Momentum.
        momentum: f64,
        /// Nesterov's look-ahead.
        nesterov: bool,
    },
}

/// Which number of the validation set decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Monitor {
    /// Loss, the smaller the better.
    Loss,
    /// Area under the receiver operating characteristic.
    Auroc,
    /// Area under precision against recall.
    Auprc,
}

/// Settings of a training.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Sequences (strands) in a batch.
    pub batch: usize,
    /// Epochs at most.
    pub epochs: usize,
    /// Epochs without a better validation after which training ends.
    pub patience: usize,
    /// What is better.
    pub monitor: Monitor,
    /// Optimiser.
    pub optimiser: Optimiser,
    /// Learning rate.
    pub schedule: Schedule,
    /// Class weights.
    pub class_weights: ClassWeights,
    /// Whether reverse complements are examples of their own.
    pub both_strands: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch: 64,
            epochs: 20,
            patience: 5,
            monitor: Monitor::Loss,
            optimiser: Optimiser::Adam,
            schedule: Schedule::Exponential {
                rate: 1e-3,
                decay: 0.95,
            },
            class_weights: ClassWeights::Reciprocal,
            both_strands: true,
        }
    }
}

/// Sequences with their classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examples {
    /// Numbers of the bases.
    pub sequences: Vec<Vec<u8>>,
    /// Class of every sequence.
    pub classes: Vec<usize>,
}

impl Examples {
    /// Adds sequences of one class.
    pub fn extend(&mut self, sequences: impl IntoIterator<Item = Vec<u8>>, class: usize) {
        for sequence in sequences {
            self.sequences.push(sequence);
            self.classes.push(class);
        }
    }

    /// Whether each sequence is open: of class 1.
    pub fn open(&self) -> Vec<bool> {
        self.classes.iter().map(|&class| class == 1).collect()
    }

    /// The same with every reverse complement.
    pub fn with_reverse_complements(mut self) -> Self {
        let reversed: Vec<Vec<u8>> = self
            .sequences
            .iter()
            .map(|sequence| reverse_complement(sequence))
            .collect();
        self.sequences.extend(reversed);
        self.classes.extend_from_within(..);
        self
    }

    /// Fails for sets that cannot be trained on.
    ///
    /// # Errors
    /// No sequences, sequences of another length, a class without examples.
    pub fn check(&self, length: usize, classes: usize, what: &str) -> Result<(), InputError> {
        if let Some(i) = self
            .sequences
            .iter()
            .position(|sequence| sequence.len() != length)
        {
            return Err(InputError::new(format!(
                "sequence {} of the {what} set has {} bases, expected {length}",
                i + 1,
                self.sequences[i].len()
            )));
        }
        for class in 0..classes {
            if !self.classes.contains(&class) {
                let class = match (classes, class) {
                    (2, 0) => "closed sequence".to_owned(),
                    (2, _) => "open sequence".to_owned(),
                    _ => format!("example of class {class}"),
                };
                return Err(InputError::new(format!("the {what} set has no {class}")));
            }
        }
        Ok(())
    }
}

/// Numbers of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Epoch {
    /// Number, from 1.
    pub epoch: usize,
    /// Mean weighted loss of the training batches, penalty included.
    pub train_loss: f64,
    /// Mean loss of the validation set.
    pub validation_loss: f64,
    /// Area under the receiver operating characteristic of the validation set.
    pub auroc: f64,
    /// Area under precision against recall of the validation set.
    pub auprc: f64,
}

/// A state of the optimiser.
#[derive(Clone, Debug)]
pub enum State<R> {
    /// Of Adam.
    Adam(Adam<R>),
    /// Of gradient descent.
    Sgd(Sgd<R>, f64),
}

impl<R: Real> State<R> {
    /// At rest.
    pub fn new(optimiser: Optimiser, n: usize) -> Self {
        match optimiser {
            Optimiser::Adam => Self::Adam(Adam::new(
                n,
                AdamRule {
                    epsilon: 1e-7,
                    ..AdamRule::default()
                },
            )),
            Optimiser::Sgd { momentum, nesterov } => {
                Self::Sgd(Sgd::new(n, Momentum::Velocity, nesterov), momentum)
            }
        }
    }

    /// Moves the parameters; `momentum` of a schedule takes the place of the optimiser's own.
    pub fn step(&mut self, params: &mut [R], gradient: &[R], rate: f64, momentum: Option<f64>) {
        match self {
            Self::Adam(adam) => adam.step(params, gradient, rate),
            Self::Sgd(sgd, own) => sgd.step(params, gradient, rate, momentum.unwrap_or(*own)),
        }
    }
}

/// Mean weighted loss of a batch with penalty, and its gradient; dropout where a key is given.
pub fn loss_and_gradient<R: Real>(
    network: &Network<R>,
    sequences: &[&[u8]],
    classes: &[usize],
    weights: &[f64],
    dropout: Option<Key>,
) -> (f64, Vec<R>) {
    let n = network.params.len();
    let scale = 1.0 / sequences.len() as f64;
    let shards: Vec<(f64, Vec<R>)> = sequences
        .par_chunks(SHARD)
        .enumerate()
        .map_init(Pass::default, |pass, (shard, sequences)| {
            let mut gradient = vec![R::ZERO; n];
            let mut loss = 0.0;
            for (i, sequence) in sequences.iter().enumerate() {
                let example = shard * SHARD + i;
                let class = classes[example];
                network.forward(
                    &encode(sequence),
                    pass,
                    dropout.map(|key| Dropout {
                        key,
                        example: example as u64,
                    }),
                );
                let (value, delta) = loss_of_logits(&pass.logits, class);
                loss += weights[class] * value;
                let delta: Vec<R> = delta.iter().map(|d| R::of(d * weights[class] * scale)).collect();
                network.backward(pass, &delta, &mut gradient, None, dropout.is_some());
            }
            (loss, gradient)
        })
        .collect();
    let mut shards = shards.into_iter();
    let (mut loss, mut gradient) = shards.next().unwrap_or_else(|| (0.0, vec![R::ZERO; n]));
    for (part, add) in shards {
        loss += part;
        let parts = gradient.par_chunks_mut(TOGETHER).zip(add.par_chunks(TOGETHER));
        parts.for_each(|(sum, add)| sum.iter_mut().zip(add).for_each(|(sum, &add)| *sum += add));
    }
    network.add_penalty(&mut gradient);
    (loss * scale + network.penalty(), gradient)
}
