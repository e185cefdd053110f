//! A network that is being trained.

use super::ground::{Batch, Ground};
use super::settings::{Schedule, Settings};
use crate::error::NeuronidError;
use crate::loss::{Loss, Partners, gradient, loss};
use crate::network::{Dropout, Network, Normalise, Request};
use crate::worm::Point;
use crate::yu2021::HALVINGS;
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_math::arrays::{Arrays, Values};
use neuropil_math::rng::{Key, Phase};
use neuropil_nn::layer::norm::Statistics;
use neuropil_nn::optim::clip::to_norm;
use neuropil_nn::optim::{Adam, AdamRule, Correction};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a check measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// Updates before it.
    pub update: u64,
    /// exp(− mean log P) of the right answers.
    pub perplexity: f64,
    /// Share of neurons with a known answer whose best column is right.
    pub accuracy: f64,
    /// Learning rate.
    pub rate: f64,
}

/// Counters of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    pub update: u64,
    /// Pairs of worms seen.
    pub pairs: u64,
    /// Factor of the learning rate.
    pub halved: u64,
    /// Checks without improvement since the rate was halved.
    pub patience: u64,
    pub history: Vec<Validation>,
    pub over: bool,
}

/// Network, optimiser and counters.
#[derive(Debug)]
pub struct Learner<'a> {
    settings: &'a Settings,
    ground: &'a Ground,
    network: Network<f32>,
    adam: Adam<f32>,
    best: Option<(Network<f32>, Adam<f32>)>,
    progress: Progress,
}

impl<'a> Learner<'a> {
    /// Begins with a network that is drawn.
    pub fn new(settings: &'a Settings, ground: &'a Ground) -> Self {
        let shape = settings.network.shape();
        let mut network = Network::draw(shape, Key::new(settings.seed));
        if settings.network.soft_start {
            let layout = network.layout().clone();
            let last = format!("layers.{}.norm2.gain", shape.layers - 1);
            layout
                .view_mut(&mut network.params, &last)
                .fill((shape.width as f32).powf(-0.25));
        }
        let rule = AdamRule {
            correction: Correction::Moments,
            ..AdamRule::default()
        };
        Self {
            adam: Adam::new(network.params.len(), rule),
            network,
            best: None,
            progress: Progress::default(),
            settings,
            ground,
        }
    }

    /// The network as it is.
    pub fn network(&self) -> &Network<f32> {
        &self.network
    }

    /// Checks so far.
    pub fn history(&self) -> &[Validation] {
        &self.progress.history
    }

    /// Updates so far.
    pub fn updates(&self) -> u64 {
        self.progress.update
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Whether all updates were made, or the rate was halved often enough.
    pub fn is_over(&self) -> bool {
        self.progress.over || self.progress.update >= self.settings.training.updates
    }

    /// Learning rate of the next update.
    pub fn rate(&self) -> f64 {
        let training = &self.settings.training;
        let at = self.progress.update as f64;
        let warm = ((at + 1.0) / training.warm_up.max(1) as f64).min(1.0);
        let share = at / training.updates as f64;
        training.rate
            * warm
            * match training.schedule {
                Schedule::Halving => 0.5_f64.powi(self.progress.halved as i32),
                Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * share).cos()),
            }
    }

    /// One update; the loss of its batch.
    ///
    /// # Errors
    /// The loss is no number any more.
    pub fn step(&mut self) -> Result<Loss, NeuronidError> {
        let training = &self.settings.training;
        let key = Key::new(self.settings.seed).at(self.progress.update);
        let batch = self.ground.batch(self.settings, training.batch, key);
        let (n, partners) = (
            batch.worms[0].len(),
            partners(&batch, training.missing_as_outlier),
        );
        let worms: Vec<&[Point]> = batch.worms.iter().map(Vec::as_slice).collect();
        let tests: Vec<usize> = (1..worms.len()).collect();
        let pass = self.network.forward(&Request {
            worms: &worms,
            reference: 0,
            tests: &tests,
            normalise: Normalise::Batch,
            dropout: Dropout::new(self.settings.network.dropout, key),
        });
        let log_p: Vec<&[f32]> = (0..tests.len()).map(|k| pass.log_probabilities(k)).collect();
        let sums = loss(&log_p, &partners, n);
        if !sums.total(training.entropy_weight).is_finite() {
            return Err(NeuronidError::Worm {
                message: format!("the loss of update {} is no number", self.progress.update),
                hint: "lower `training.rate`".to_owned(),
            });
        }
        let dlog = gradient(&log_p, &partners, n, &sums, training.entropy_weight);
        let mut gradient = self.network.backward(&pass, &dlog);
        to_norm(&mut gradient, training.max_norm);
        let rate = self.rate();
        self.adam.step(&mut self.network.params, &gradient, rate);
        self.network.follow(pass.statistics());
        self.progress.update += 1;
        self.progress.pairs += tests.len() as u64;
        Ok(sums)
    }

    /// Whether it is time for a check.
    pub fn check_is_due(&self) -> bool {
        self.progress
            .update
            .is_multiple_of(self.settings.training.check_every)
            || self.is_over()
    }

    /// Measures the network on worms that it is not trained on, always the same ones, and lets the schedule follow. True
    /// if it is the best so far.
    pub fn check(&mut self) -> (Validation, bool) {
        let sums = validate(&self.network, self.ground, self.settings);
        let found = Validation {
            update: self.progress.update,
            perplexity: (sums.cross_entropy / sums.known.max(1) as f64).exp(),
            accuracy: sums.right as f64 / sums.known.max(1) as f64,
            rate: self.rate(),
        };
        let least = self
            .progress
            .history
            .iter()
            .map(|v| v.perplexity)
            .fold(f64::INFINITY, f64::min);
        let better = found.perplexity < least;
        self.progress.history.push(found);
        if self.settings.training.schedule == Schedule::Halving {
            self.follow(better);
        }
        (found, better)
    }

    /// Patience and halvings, as published.
    fn follow(&mut self, better: bool) {
        let (halvings, patience) = HALVINGS;
        if better {
            self.progress.patience = 0;
            self.best = Some((self.network.clone(), self.adam.clone()));
            return;
        }
        self.progress.patience += 1;
        if self.progress.patience < patience {
            return;
        }
        (self.progress.patience, self.progress.halved) = (0, self.progress.halved + 1);
        self.progress.over = self.progress.halved == halvings;
        if let Some((network, adam)) = &self.best {
            self.network = network.clone();
            self.adam = adam.clone();
        }
    }

    /// Everything that training goes on from.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        let mut arrays = Arrays::new();
        keep(&mut arrays, "", &self.network, &self.adam);
        let mut steps = vec![self.adam.steps];
        if let Some((network, adam)) = &self.best {
            keep(&mut arrays, "best.", network, adam);
            steps.push(adam.steps);
        }
        let state = serde_json::json!({ "progress": self.progress, "adam_steps": steps });
        Checkpoint::new(arrays, state)
    }

    /// Goes on from what was kept.
    pub(super) fn restore(&mut self, kept: &Checkpoint, path: &Path) -> Result<(), NeuronidError> {
        #[derive(Deserialize)]
        struct State {
            progress: Progress,
            adam_steps: Vec<u64>,
        }
        let state: State = kept.state(path)?;
        fetch(kept, "", path, &mut self.network, &mut self.adam)?;
        self.adam.steps = state.adam_steps.first().copied().unwrap_or(0);
        if let Some(&steps) = state.adam_steps.get(1) {
            let (mut network, mut adam) = (self.network.clone(), self.adam.clone());
            fetch(kept, "best.", path, &mut network, &mut adam)?;
            adam.steps = steps;
            self.best = Some((network, adam));
        }
        self.progress = state.progress;
        Ok(())
    }
}

/// Arrays of a network and its optimiser, by name.
fn keep(arrays: &mut Arrays, prefix: &str, network: &Network<f32>, adam: &Adam<f32>) {
    let all = [
        ("params", &network.params),
        ("running.mean", &network.running.mean),
        ("running.variance", &network.running.variance),
        ("adam.first", &adam.first),
        ("adam.second", &adam.second),
    ];
    for (name, values) in all {
        arrays.insert(
            format!("{prefix}{name}"),
            (vec![values.len()], Values::F32(values.clone())),
        );
    }
}

fn fetch(
    kept: &Checkpoint,
    prefix: &str,
    path: &Path,
    network: &mut Network<f32>,
    adam: &mut Adam<f32>,
) -> Result<(), NeuronidError> {
    let get = |name: &str, n: usize| -> Result<Vec<f32>, NeuronidError> {
        let values = kept.f32(&format!("{prefix}{name}"), n).map(<[f32]>::to_vec);
        values.ok_or_else(|| {
            let found = format!("no `{prefix}{name}` of {n} values");
            crate::error::content(path, found, "a checkpoint of these settings")
        })
    };
    let (n, width) = (network.params.len(), network.shape().width);
    network.params = get("params", n)?;
    network.running = Statistics {
        mean: get("running.mean", width)?,
        variance: get("running.variance", width)?,
        rows: 0,
    };
    adam.first = get("adam.first", n)?;
    adam.second = get("adam.second", n)?;
    Ok(())
}

/// The network of a run's checkpoint.
pub(super) fn network_of(
    kept: &Checkpoint,
    path: &Path,
    settings: &Settings,
) -> Result<Network<f32>, NeuronidError> {
    let mut network = Network::draw(settings.network.shape(), Key::new(settings.seed));
    let mut adam = Adam::new(network.params.len(), AdamRule::default());
    fetch(kept, "", path, &mut network, &mut adam)?;
    Ok(network)
}

fn partners(batch: &Batch, missing_as_outlier: bool) -> Vec<Partners> {
    let of = |labels: &Vec<i64>| Partners::of(&batch.labels[0], labels, missing_as_outlier && batch.complete);
    batch.labels[1..].iter().map(of).collect()
}

/// Sums over worms of the phase of validation, in evaluation mode.
pub(super) fn validate(network: &Network<f32>, ground: &Ground, settings: &Settings) -> Loss {
    let per = settings.training.batch.min(9);
    let network = network.clone().ready();
    let mut sums = Loss::default();
    for index in 0..settings.training.check_pairs.div_ceil(per - 1).max(1) as u64 {
        let key = Key::new(settings.seed).phase(Phase::Validate).at(index);
        let batch = ground.batch(settings, per, key);
        let tests: Vec<&[Point]> = batch.worms[1..].iter().map(Vec::as_slice).collect();
        let log_p = network.match_many(&batch.worms[0], &tests);
        let log_p: Vec<&[f64]> = log_p.iter().map(Vec::as_slice).collect();
        let part = loss(&log_p, &partners(&batch, false), batch.worms[0].len());
        sums.cross_entropy += part.cross_entropy;
        sums.known += part.known;
        sums.entropy += part.entropy;
        sums.unknown += part.unknown;
        sums.right += part.right;
    }
    sums
}
