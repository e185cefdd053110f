//! A course: one network learns the tasks of a sequence one after another.
//!
//! What a task trains is the network of its active units ([`Network::among`]): 400 of 2000 units a layer under the paper's
//! gates, a twelfth of the weights. The result is that of training the whole network with masks, since nothing that
//! enters or leaves a gated unit has a gradient or differs from its anchor. Every draw is keyed by task and batch, so that
//! a course that was stopped goes on to the same bits.

mod batch;
mod close;
mod keep;

use crate::curve::Curve;
use crate::data::{Dataset, Half};
use crate::error::GatingError;
use crate::gates::Gates;
use crate::method::Method;
use crate::network::{Factors, Network, Pass, Power, Tensor, n_right};
use crate::optimiser::Learner;
use crate::record::{Learnt, Record};
use crate::replay::Memory;
use crate::settings::Settings;
use crate::tasks::{Head, Kind, Tasks};
use neuropil_lab::error::Problem;
use neuropil_math::rng::Key;
use neuropil_nn::loss::{argmax, cross_entropy, softmax};
use neuropil_nn::params::Gathered;
use serde::{Deserialize, Serialize};

/// Examples that are tested at a time.
const TEST_BATCH: usize = 512;

/// Counters and what was measured so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Task at hand.
    pub task: usize,
    /// Batches of it that were made.
    pub batch: usize,
    /// Tasks that were learnt.
    pub learnt: Vec<Learnt>,
    /// Accuracy of the untrained network on every task, with its own gates.
    pub untrained: Vec<f64>,
    /// Accuracy on each task just before it is learnt.
    pub before: Vec<f64>,
    /// Steps since the moments were 0.
    pub steps: u64,
    /// Sum of the losses of the last batches of the task, and how many.
    pub losses: (f64, usize),
    /// How the task at hand was learnt so far.
    #[serde(default)]
    pub curve: Curve,
    /// Largest penalty of the task.
    pub largest_penalty: f64,
    /// Clipped updates of the task.
    pub clipped: u64,
    /// Kept examples, where they are replayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// The task at hand.
#[derive(Debug)]
struct Current {
    network: Network,
    places: Gathered,
    tensors: Vec<Tensor>,
    learner: Learner<f32>,
    active: Vec<Vec<u32>>,
    examples: Vec<u32>,
}

/// A network on its way through a sequence of tasks.
#[derive(Debug)]
pub struct Course<'a> {
    settings: &'a Settings,
    method: Method,
    data: &'a Dataset,
    tasks: &'a Tasks,
    gates: &'a Gates,
    network: Network,
    theta: Vec<f32>,
    importance: Vec<f32>,
    current: Option<Current>,
    progress: Progress,
}

/// Draws tasks and gates of settings.
///
/// # Errors
/// Settings that do not fit the data.
pub fn draw(settings: &Settings, data: &Dataset) -> Result<(Tasks, Gates), GatingError> {
    let method = settings.method()?;
    let key = Key::new(settings.seed);
    let of = &settings.tasks;
    let mut tasks = match of.kind {
        Kind::Permuted => Tasks::permutations(data, of.n, key),
        Kind::Rotated => Tasks::rotations(data, of.n, key),
        Kind::Split => {
            let order = of
                .shuffle_classes
                .then(|| Tasks::class_order(data.classes.len(), key));
            Tasks::split(data, of.n, of.classes_per_task, order.as_deref(), of.head)?
        }
    };
    tasks.head = of.head;
    if of.head == Head::All && (method.gates() || method.rule) {
        return Err(Problem::new(
            "`tasks.head = \"all\"` says that the task is not known at test, but gates and rules are chosen by it",
            "choose `single` or `multi`, or a method without gates and rule",
        )
        .into());
    }
    let gates = Gates::of_scheme(
        method.scheme,
        &settings.gates,
        &settings.network.hidden,
        of.n,
        key,
    )?;
    Ok((tasks, gates))
}

/// The network of settings for these data and tasks.
pub(crate) fn network(settings: &Settings, method: Method, data: &Dataset, tasks: &Tasks) -> Network {
    let mut widths = vec![data.train.size()];
    widths.extend(&settings.network.hidden);
    widths.push(tasks.n_outputs());
    Network::new(&widths, if method.rule { tasks.len() } else { 0 })
}

impl<'a> Course<'a> {
    /// A network before its first task.
    ///
    /// # Errors
    /// An unknown method.
    pub fn new(
        settings: &'a Settings,
        data: &'a Dataset,
        tasks: &'a Tasks,
        gates: &'a Gates,
    ) -> Result<Self, GatingError> {
        let method = settings.method()?;
        let network = network(settings, method, data, tasks);
        let theta = network.initial(Key::new(settings.seed));
        let importance = vec![0.0; theta.len()];
        Ok(Self {
            settings,
            method,
            data,
            tasks,
            gates,
            network,
            theta,
            importance,
            current: None,
            progress: Progress {
                task: 0,
                batch: 0,
                learnt: Vec::new(),
                untrained: Vec::new(),
                before: Vec::new(),
                steps: 0,
                losses: (0.0, 0),
                curve: Curve::default(),
                largest_penalty: 0.0,
                clipped: 0,
                memory: method
                    .replay
                    .then(|| Memory::new(settings.stabilise.memory, settings.stabilise.keep)),
            },
        })
    }

    /// What was measured so far.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// All tasks learnt?
    pub fn is_over(&self) -> bool {
        self.progress.task >= self.tasks.len()
    }

    /// All weights.
    pub fn theta(&self) -> Vec<f32> {
        let mut all = self.theta.clone();
        if let Some(current) = &self.current {
            current.places.scatter(&current.learner.theta, &mut all);
        }
        all
    }

    /// Importance Ω of all weights.
    pub fn importance(&self) -> &[f32] {
        &self.importance
    }

    /// The whole network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Units that a task computes: all of them where gates are only to be applied as masks.
    fn active(&self, task: usize) -> Vec<Vec<u32>> {
        let whole = self.settings.gates.whole;
        let widths = self.gates.widths().iter().enumerate();
        widths
            .map(|(layer, &width)| {
                if whole {
                    (0..width as u32).collect()
                } else {
                    self.gates.active(task, layer)
                }
            })
            .collect()
    }

    /// Gates of the units that a task computes, if they are not all 1.
    fn values(&self, task: usize, active: &[Vec<u32>]) -> Vec<Option<Vec<f32>>> {
        let layers = active.iter().enumerate();
        layers
            .map(|(layer, units)| self.gates.values(task, layer, units))
            .collect()
    }

    fn begin(&mut self) {
        let task = self.progress.task;
        if self.progress.untrained.is_empty() {
            self.progress.untrained = (0..self.tasks.len()).map(|task| self.accuracy(task)).collect();
        }
        self.progress.before.push(self.accuracy(task));
        if self.settings.training.reset_weights {
            self.theta = self
                .network
                .initial(Key::new(self.settings.seed).attempt(task as u64));
            self.importance.fill(0.0);
        }
        let active = self.active(task);
        let (network, places) = self.network.among(&active);
        let mut learner = Learner::new(places.gather(&self.theta));
        learner.importance = places.gather(&self.importance);
        self.current = Some(Current {
            tensors: network.tensors(),
            examples: self.tasks.examples(self.data, Half::Train, task),
            network,
            places,
            learner,
            active,
        });
    }

    /// Makes one batch of the task at hand; at its last batch the task is closed and all tasks so far are tested.
    ///
    /// # Errors
    /// The loss is no longer finite.
    ///
    /// # Panics
    /// When the course is over.
    pub fn step(&mut self) -> Result<(), GatingError> {
        if self.current.is_none() {
            self.begin();
        }
        let (task, batch) = (self.progress.task, self.progress.batch);
        let mut current = self.current.take().expect("a task that was begun");
        let n = self.settings.training.batch;
        let (mut x, mut labels) = self.draw(task, batch, &current.examples, n);
        let replayed = self.replay(task, batch, n, &mut x, &mut labels);
        let mut pass = Pass::default();
        let n_rows = labels.len();
        let key = Key::new(self.settings.seed).attempt(task as u64).at(batch as u64);
        let factors = self.factors(task, &current.active, key, n_rows, true);
        self.drop_inputs(key, &mut x);
        let views = views(&factors);
        let rule = self.method.rule.then_some(task);
        current
            .network
            .forward(&current.learner.theta, &x, &views, rule, &mut pass);
        let classes = self.tasks.n_outputs();
        let mut d = vec![0.0; pass.logits().len()];
        let share = 1.0 / n_rows as f64;
        let head = if replayed {
            0..classes
        } else {
            self.tasks.head_of(task)
        };
        let right = n_right(pass.logits(), classes, &head, &labels) as f64 * share;
        let loss = cross_entropy(pass.logits(), classes, head, &labels, |_| share, &mut d);
        if !loss.is_finite() {
            self.current = Some(current);
            let hint = "a smaller `training.rate` or `stabilise.strength`; the last checkpoint is whole";
            return Err(Problem::new(
                format!("the loss of task {task} is {loss} at batch {batch}"),
                hint,
            )
            .into());
        }
        let mut gradient = vec![0.0; current.learner.theta.len()];
        current
            .network
            .backward(&current.learner.theta, &pass, &d, rule, Power::One, &mut gradient);
        let strength = self.settings.strength(self.method);
        let stepped = current.learner.step(
            &current.tensors,
            &gradient,
            &self.settings.training.optimiser(),
            strength,
        );
        let progress = &mut self.progress;
        progress.batch += 1;
        progress.largest_penalty = progress.largest_penalty.max(stepped.penalty);
        progress.clipped += stepped.clipped as u64;
        progress.curve.add(loss, right);
        if batch + 100 >= self.settings.training.batches {
            progress.losses = (progress.losses.0 + loss, progress.losses.1 + 1);
        }
        self.current = Some(current);
        if self.progress.batch == self.settings.training.batches {
            self.close();
        }
        Ok(())
    }

    /// Accuracy on all test examples of a task, with its gates, rule and outputs.
    pub fn accuracy(&self, task: usize) -> f64 {
        self.tested(task, task, usize::MAX).0
    }

    /// Mean accuracy over the tasks learnt so far with changed weights, which are changed back afterwards.
    pub(crate) fn accuracy_with(&mut self, change: &dyn Fn(&mut [f32])) -> f64 {
        let kept = self.theta.clone();
        change(&mut self.theta);
        let n = self.progress.learnt.len();
        let sum: f64 = (0..n).map(|task| self.accuracy(task)).sum();
        self.theta = kept;
        sum / n.max(1) as f64
    }

    /// What analyses are made from.
    pub fn record(&self) -> Record<'_> {
        let n = self.progress.learnt.len();
        Record {
            scenario: self.tasks.scenario(),
            method: &self.settings.method,
            names: (0..self.tasks.len()).map(|task| task.to_string()).collect(),
            learnt: &self.progress.learnt,
            untrained: &self.progress.untrained,
            before: &self.progress.before,
            chance: (0..n)
                .map(|task| 1.0 / self.tasks.head_of(task).len() as f64)
                .collect(),
            gates: self.gates,
            importance: &self.importance,
            tensors: self.network.tensors(),
        }
    }

    /// Accuracy on the first `most` of a task's test examples and mean entropy of the answers (nats) with the gates, rule
    /// and outputs of another task.
    pub fn tested(&self, task: usize, as_if: usize, most: usize) -> (f64, f64) {
        let mut examples = self.tasks.examples(self.data, Half::Test, task);
        examples.truncate(most);
        let active = self.active(as_if);
        let (network, places) = self.network.among(&active);
        let theta = places.gather(&self.theta);
        let factors = self.factors(as_if, &active, Key::new(0), 0, false);
        let (views, head) = (views(&factors), self.tasks.head_of(as_if));
        let (inputs, classes) = (self.data.test.size(), self.tasks.n_outputs());
        let (mut correct, mut entropy) = (0_usize, 0.0);
        let mut pass = Pass::default();
        for chunk in examples.chunks(TEST_BATCH) {
            let mut x = vec![0.0; chunk.len() * inputs];
            for (row, &example) in x.chunks_exact_mut(inputs).zip(chunk) {
                self.tasks
                    .copy(self.data, Half::Test, task, example as usize, row);
            }
            network.forward(&theta, &x, &views, self.method.rule.then_some(as_if), &mut pass);
            for (logits, &example) in pass.logits().chunks_exact(classes).zip(chunk) {
                let label = self.tasks.label(self.data, Half::Test, task, example as usize);
                correct += usize::from(argmax(logits, head.clone()) == label);
                entropy -= softmax(logits, head.clone())
                    .iter()
                    .map(|p| p * p.max(1e-300).ln())
                    .sum::<f64>();
            }
        }
        let n = examples.len().max(1) as f64;
        (correct as f64 / n, entropy / n)
    }
}

fn views(factors: &[(Option<Vec<f32>>, Option<Vec<f32>>)]) -> Vec<Factors<'_, f32>> {
    let pairs = factors.iter();
    pairs
        .map(|(gates, dropout)| Factors {
            gates: gates.as_deref(),
            dropout: dropout.as_deref(),
        })
        .collect()
}
