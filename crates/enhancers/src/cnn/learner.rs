//! A network that is being trained: mini-batches in an order drawn anew every epoch, best epoch by the validation set.

use std::path::Path;

use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::error::LabError;
use neuropil_math::arrays::{Arrays, Values};
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use rayon::prelude::*;

use super::architecture::Architecture;
use super::logit::{loss_of_logits, probability};
use super::network::{Network, Pass, encode};
use super::train::{Epoch, Examples, Monitor, Settings, State, loss_and_gradient};
use crate::error::InputError;
use crate::metrics::Metrics;

/// What a network learns from, and what says when to stop.
#[derive(Clone, Debug)]
pub struct Material<'a> {
    training: Examples,
    validation: &'a Examples,
    weights: Vec<f64>,
}

impl<'a> Material<'a> {
    /// Checks the sets, and adds the reverse complements where they are examples of their own.
    ///
    /// # Errors
    /// Sets that cannot be trained on; a batch or a number of epochs that is 0.
    pub fn new(
        architecture: &Architecture,
        training: Examples,
        validation: &'a Examples,
        settings: &Settings,
    ) -> Result<Self, InputError> {
        let classes = architecture.outputs.max(2);
        training.check(architecture.length, classes, "training")?;
        validation.check(architecture.length, classes, "validation")?;
        if settings.batch == 0 || settings.epochs == 0 {
            return Err(InputError::new("batch and epochs must be 1 or more").in_field("training"));
        }
        let training = if settings.both_strands {
            training.with_reverse_complements()
        } else {
            training
        };
        let count = |class| training.classes.iter().filter(|&&c| c == class).count();
        let counts: Vec<usize> = (0..classes).map(count).collect();
        Ok(Self {
            weights: settings.class_weights.of(&counts),
            training,
            validation,
        })
    }
}

/// Counters of a training.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Progress {
    /// Batches so far.
    iteration: u64,
    /// Sum of the losses of this epoch's examples.
    loss: f64,
    /// What decides, and the epoch, of the best one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    best: Option<(f64, usize)>,
    history: Vec<Epoch>,
}

/// What a checkpoint holds beside its arrays.
#[derive(serde::Deserialize)]
struct Kept {
    progress: Progress,
    adam_steps: u64,
}

/// Network, optimiser and counters.
#[derive(Clone, Debug)]
pub struct Learner<'a> {
    settings: &'a Settings,
    material: &'a Material<'a>,
    key: Key,
    network: Network<f32>,
    state: State<f32>,
    best: Vec<f32>,
    /// The epoch that `order` is of; 0 before the first.
    ordered: u64,
    order: Vec<usize>,
    progress: Progress,
}

impl<'a> Learner<'a> {
    /// Begins with a network; `key` orders the examples and drops units.
    pub fn new(network: Network<f32>, material: &'a Material<'a>, settings: &'a Settings, key: Key) -> Self {
        Self {
            state: State::new(settings.optimiser, network.params.len()),
            best: network.params.clone(),
            network,
            material,
            settings,
            key,
            ordered: 0,
            order: Vec::new(),
            progress: Progress::default(),
        }
    }

    /// Parameters of the best epoch; those of the beginning before there is one.
    pub fn best(&self) -> &[f32] {
        &self.best
    }

    /// Whether the last epoch is the best so far.
    pub fn is_best(&self) -> bool {
        let best = self.progress.best.map(|(_, epoch)| epoch);
        best == Some(self.progress.history.len())
    }

    /// Epochs so far.
    pub fn history(&self) -> &[Epoch] {
        &self.progress.history
    }

    /// Batches so far.
    pub fn updates(&self) -> u64 {
        self.progress.iteration
    }

    /// Strands seen so far.
    pub fn seen(&self) -> u64 {
        let n = self.material.training.sequences.len() as u64;
        let (epochs, batches) = (
            self.progress.iteration / self.per_epoch(),
            self.progress.iteration % self.per_epoch(),
        );
        epochs * n + batches * self.settings.batch as u64
    }

    /// Batches of an epoch.
    pub fn per_epoch(&self) -> u64 {
        self.material
            .training
            .sequences
            .len()
            .div_ceil(self.settings.batch) as u64
    }

    /// Whether all epochs were made, or too many without a better one.
    pub fn is_over(&self) -> bool {
        let done = self.progress.history.len();
        let since = self.progress.best.map_or(0, |(_, epoch)| done - epoch);
        done >= self.settings.epochs || since >= self.settings.patience && done > 0
    }

    /// One batch; the numbers of the epoch that it ended, if it did.
    ///
    /// # Errors
    /// A loss that is no longer finite.
    pub fn step(&mut self) -> Result<Option<Epoch>, InputError> {
        let (per_epoch, iteration) = (self.per_epoch(), self.progress.iteration);
        let (epoch, at) = (iteration / per_epoch + 1, iteration % per_epoch);
        let training = &self.material.training;
        if self.ordered != epoch {
            self.order = shuffled(training.sequences.len(), self.key, epoch);
            self.ordered = epoch;
        }
        let first = at as usize * self.settings.batch;
        let batch = &self.order[first..self.order.len().min(first + self.settings.batch)];
        let sequences: Vec<&[u8]> = batch.iter().map(|&i| training.sequences[i].as_slice()).collect();
        let classes: Vec<usize> = batch.iter().map(|&i| training.classes[i]).collect();
        let (loss, gradient) = loss_and_gradient(
            &self.network,
            &sequences,
            &classes,
            &self.material.weights,
            Some(self.key.at(iteration + 1)),
        );
        let total = per_epoch * self.settings.epochs as u64;
        let (rate, momentum) = self.settings.schedule.at(iteration, per_epoch, total);
        self.state
            .step(&mut self.network.params, &gradient, rate, momentum);
        self.progress.loss += loss * batch.len() as f64;
        self.progress.iteration += 1;
        if at + 1 == per_epoch {
            self.close(epoch as usize).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Ends an epoch: measures the validation set and keeps the network if it is the best.
    fn close(&mut self, epoch: usize) -> Result<Epoch, InputError> {
        let mean = std::mem::take(&mut self.progress.loss) / self.order.len() as f64;
        let news = validate(&self.network, self.material.validation, epoch, mean);
        if !news.train_loss.is_finite() || !news.validation_loss.is_finite() {
            return Err(
                InputError::new(format!("the loss is no longer finite in epoch {epoch}"))
                    .in_field("training")
                    .hint("lower the learning rate"),
            );
        }
        let score = match self.settings.monitor {
            Monitor::Loss => -news.validation_loss,
            Monitor::Auroc => news.auroc,
            Monitor::Auprc => news.auprc,
        };
        if self.progress.best.is_none_or(|(best, _)| score > best) {
            self.progress.best = Some((score, epoch));
            self.best.clone_from(&self.network.params);
        }
        self.progress.history.push(news);
        Ok(news)
    }

    /// Everything that training goes on from.
    pub fn checkpoint(&self) -> Checkpoint {
        let mut arrays = Arrays::new();
        let mut keep = |name: &str, values: &[f32]| {
            arrays.insert(
                name.to_owned(),
                (vec![values.len()], Values::F32(values.to_vec())),
            );
        };
        keep("params", &self.network.params);
        keep("best", &self.best);
        let steps = match &self.state {
            State::Adam(adam) => {
                keep("adam.first", &adam.first);
                keep("adam.second", &adam.second);
                adam.steps
            }
            State::Sgd(sgd, _) => {
                keep("sgd.velocity", &sgd.velocity);
                0
            }
        };
        Checkpoint::new(
            arrays,
            serde_json::json!({ "progress": self.progress, "adam_steps": steps }),
        )
    }

    /// Goes on from what was kept.
    ///
    /// # Errors
    /// A checkpoint of other settings.
    pub fn restore(&mut self, kept: &Checkpoint, path: &Path) -> Result<(), InputError> {
        let state: Kept = kept
            .state(path)
            .map_err(|error| InputError::new(error.to_string()))?;
        let n = self.network.params.len();
        let fetch = |name: &str| fetch(kept, name, n, path);
        self.network.params = fetch("params")?;
        self.best = fetch("best")?;
        match &mut self.state {
            State::Adam(adam) => {
                adam.first = fetch("adam.first")?;
                adam.second = fetch("adam.second")?;
                adam.steps = state.adam_steps;
            }
            State::Sgd(sgd, _) => sgd.velocity = fetch("sgd.velocity")?,
        }
        self.progress = state.progress;
        Ok(())
    }
}

/// Trains `network` and leaves it at its best epoch; `tell` hears of every epoch and may stop.
///
/// # Errors
/// Sets that cannot be trained on; a loss that is no longer finite.
pub fn train(
    network: &mut Network<f32>,
    training: Examples,
    validation: &Examples,
    settings: &Settings,
    key: Key,
    tell: &mut dyn FnMut(&Epoch) -> bool,
) -> Result<Vec<Epoch>, InputError> {
    let material = Material::new(&network.architecture, training, validation, settings)?;
    let mut learner = Learner::new(network.clone(), &material, settings, key);
    while !learner.is_over() {
        if let Some(news) = learner.step()?
            && !tell(&news)
        {
            break;
        }
    }
    network.params = learner.best().to_vec();
    Ok(learner.history().to_vec())
}

/// Epochs that a checkpoint tells of.
///
/// # Errors
/// It is none of a training.
pub(crate) fn history_of(kept: &Checkpoint, path: &Path) -> Result<Vec<Epoch>, LabError> {
    Ok(kept.state::<Kept>(path)?.progress.history)
}

/// An array of a checkpoint.
///
/// # Errors
/// It is missing, or of another length.
pub(crate) fn fetch(kept: &Checkpoint, name: &str, n: usize, path: &Path) -> Result<Vec<f32>, InputError> {
    kept.f32(name, n).map(<[f32]>::to_vec).ok_or_else(|| {
        InputError::new(format!(
            "no `{name}` of {n} values, expected a checkpoint of these settings"
        ))
        .in_file(path)
    })
}

fn shuffled(n: usize, key: Key, epoch: u64) -> Vec<usize> {
    let mut random = key.stream(Purpose::Shuffle, epoch);
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, random.random_range(0..=i));
    }
    order
}

fn validate(network: &Network<f32>, validation: &Examples, epoch: usize, train_loss: f64) -> Epoch {
    let scored: Vec<(f64, f64)> = validation
        .sequences
        .par_iter()
        .zip(&validation.classes)
        .map_init(Pass::default, |pass, (sequence, &class)| {
            network.forward(&encode(sequence), pass, None);
            (loss_of_logits(&pass.logits, class).0, probability(&pass.logits))
        })
        .collect();
    let scores: Vec<f64> = scored.iter().map(|s| s.1).collect();
    let metrics = Metrics::of(&validation.open(), &scores);
    Epoch {
        epoch,
        train_loss,
        validation_loss: scored.iter().map(|s| s.0).sum::<f64>() / scored.len() as f64,
        auroc: metrics.map_or(f64::NAN, |m| m.auroc),
        auprc: metrics.map_or(f64::NAN, |m| m.auprc_positive),
    }
}
