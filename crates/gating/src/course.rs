//! A course: one network learns the tasks of a sequence one after another.
//!
//! What a task trains is the network of its active units ([`Network::among`]): 400 of 2000 units a layer under the paper's
//! gates, a twelfth of the weights. The result is that of training the whole network with masks, since nothing that
//! enters or leaves a gated unit has a gradient or differs from its anchor. Every draw is keyed by task and batch, so that
//! a course that was stopped goes on to the same bits.

use crate::data::{Dataset, Half};
use crate::error::GatingError;
use crate::gates::Gates;
use crate::importance::{Examples, fisher, memory_aware, synaptic_intelligence};
use crate::masse2018;
use crate::network::{Factors, Network, Pass, Power, Tensor};
use crate::optimiser::Learner;
use crate::replay::{Kept, Memory, Rule};
use crate::settings::{Method, Settings, Stabiliser};
use crate::tasks::{Head, Kind, Tasks};
use neuropil_lab::error::Problem;
use neuropil_math::arrays::Arrays;
use neuropil_math::rng::{Key, Phase, Purpose};
use neuropil_nn::layer::dropout;
use neuropil_nn::loss::{argmax, cross_entropy, softmax};
use neuropil_nn::params::Gathered;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Examples that are tested at a time.
const TEST_BATCH: usize = 512;

/// What is kept of a task that was learnt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Learnt {
    /// Accuracy on every task up to this one, after it.
    pub accuracies: Vec<f64>,
    /// Mean loss of the task over its last hundred batches.
    pub loss: f64,
    /// Largest c Σ Ω (θ − θ̃)² of a batch.
    pub largest_penalty: f64,
    /// Distance that the stabilised weights moved.
    pub distance: f64,
    /// Updates of arrays that were clipped.
    pub clipped: u64,
    /// Largest 2cΩ of a weight after the task: beyond 2 divided by the step, the pull overshoots.
    pub largest_pull: f64,
}

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
    let method = Method::of(settings)?;
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
    let hidden = &settings.network.hidden;
    let gates = match method.scheme {
        Some(scheme) => Gates::draw(scheme, hidden, of.n, key)?,
        None => crate::gates_file::read(settings.gates.file.as_ref())?,
    };
    if gates.widths() != hidden || gates.n_tasks() < of.n {
        return Err(Problem::new(
            format!(
                "gates of {} tasks for layers of {:?} units, expected {} tasks and layers of {hidden:?}",
                gates.n_tasks(),
                gates.widths(),
                of.n
            ),
            "`network.hidden` and `tasks.n` must fit the file of gates",
        )
        .in_file(settings.gates.file.clone())
        .into());
    }
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
        let method = Method::of(settings)?;
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
                largest_penalty: 0.0,
                clipped: 0,
                memory: method
                    .replay
                    .then(|| Memory::new(settings.stabilise.memory, Rule::Reservoir)),
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
        let layers = active.iter().zip(self.gates.of(task));
        layers
            .map(|(active, gates)| {
                let gates: Vec<f32> = active.iter().map(|&unit| gates[unit as usize]).collect();
                gates.iter().any(|&gate| gate != 1.0).then_some(gates)
            })
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
        let stepped = current
            .learner
            .step(&current.tensors, &gradient, &self.settings.optimiser(), strength);
        let progress = &mut self.progress;
        progress.batch += 1;
        progress.largest_penalty = progress.largest_penalty.max(stepped.penalty);
        progress.clipped += stepped.clipped as u64;
        if batch + 100 >= self.settings.training.batches {
            progress.losses = (progress.losses.0 + loss, progress.losses.1 + 1);
        }
        self.current = Some(current);
        if self.progress.batch == self.settings.training.batches {
            self.close();
        }
        Ok(())
    }

    /// Examples of a batch, drawn with replacement, and their labels.
    fn draw(&self, task: usize, batch: usize, examples: &[u32], n: usize) -> (Vec<f32>, Vec<usize>) {
        let inputs = self.data.train.size();
        let mut rng = Key::new(self.settings.seed)
            .attempt(task as u64)
            .at(batch as u64)
            .stream(Purpose::Condition, 0);
        let mut x = vec![0.0; n * inputs];
        let label = |row: &mut [f32]| {
            let example = examples[rng.random_range(0..examples.len())] as usize;
            self.tasks.copy(self.data, Half::Train, task, example, row);
            self.tasks.label(self.data, Half::Train, task, example)
        };
        let labels = x.chunks_exact_mut(inputs).map(label).collect();
        (x, labels)
    }

    /// Adds as many kept examples as the batch has; says whether there were any.
    fn replay(&self, task: usize, batch: usize, n: usize, x: &mut Vec<f32>, labels: &mut Vec<usize>) -> bool {
        let Some(memory) = self
            .progress
            .memory
            .as_ref()
            .filter(|memory| !memory.kept().is_empty())
        else {
            return false;
        };
        let inputs = self.data.train.size();
        let mut rng = Key::new(self.settings.seed)
            .attempt(task as u64)
            .at(batch as u64)
            .stream(Purpose::Condition, 1);
        for _ in 0..n {
            let kept = memory.kept()[rng.random_range(0..memory.kept().len())];
            let from = x.len();
            x.resize(from + inputs, 0.0);
            self.tasks
                .copy(self.data, Half::Train, kept.task, kept.example, &mut x[from..]);
            labels.push(self.tasks.label(self.data, Half::Train, kept.task, kept.example));
        }
        true
    }

    fn drop_inputs(&self, key: Key, x: &mut [f32]) {
        let keep = self.settings.network.input_keep;
        if keep < 1.0 {
            let units: Vec<u32> = (0..self.data.train.size() as u32).collect();
            let mut multipliers = vec![0.0; x.len()];
            dropout::draw(key, 0, keep, &units, &mut multipliers);
            x.iter_mut().zip(&multipliers).for_each(|(x, &m)| *x *= m);
        }
    }

    /// Gates and dropout of every hidden layer.
    fn factors(
        &self,
        task: usize,
        active: &[Vec<u32>],
        key: Key,
        rows: usize,
        training: bool,
    ) -> Vec<(Option<Vec<f32>>, Option<Vec<f32>>)> {
        let keep = self.settings.network.hidden_keep;
        let gates = self.values(task, active).into_iter().zip(active).enumerate();
        gates
            .map(|(layer, (gates, active))| {
                let dropped = (training && keep < 1.0).then(|| {
                    let mut multipliers = vec![0.0; rows * active.len()];
                    dropout::draw(key, layer as u64 + 1, keep, active, &mut multipliers);
                    multipliers
                });
                (gates, dropped)
            })
            .collect()
    }

    /// Ends the task at hand: importance, anchors, memory, test of all tasks so far.
    fn close(&mut self) {
        let task = self.progress.task;
        let mut current = self.current.take().expect("a task at hand");
        let mut added = self.added(task, &current);
        for tensor in current.tensors.iter().filter(|tensor| !tensor.stabilised) {
            added[tensor.range.clone()].fill(0.0);
        }
        let moved = current
            .tensors
            .iter()
            .filter(|tensor| tensor.stabilised)
            .flat_map(|tensor| tensor.range.clone());
        let square = |i: usize| f64::from(current.learner.theta[i] - current.learner.anchor[i]).powi(2);
        let distance = moved.map(square).sum::<f64>().sqrt();
        let decay = self.settings.stabilise.decay as f32;
        if decay < 1.0 {
            self.importance
                .iter_mut()
                .for_each(|importance| *importance *= decay);
            current
                .learner
                .importance
                .iter_mut()
                .for_each(|importance| *importance *= decay);
        }
        current
            .learner
            .close(&added, self.settings.training.reset_between_tasks);
        current.places.scatter(&current.learner.theta, &mut self.theta);
        current
            .places
            .scatter(&current.learner.importance, &mut self.importance);
        if let Some(memory) = &mut self.progress.memory {
            let key = Key::new(self.settings.seed);
            for &example in &current.examples {
                let class = self.tasks.label(self.data, Half::Train, task, example as usize);
                memory.offer(
                    Kept {
                        task,
                        example: example as usize,
                        class,
                    },
                    key,
                );
            }
        }
        let accuracies = (0..=task).map(|seen| self.accuracy(seen)).collect();
        let largest = self.importance.iter().fold(0.0_f32, |a, &b| a.max(b));
        let progress = &mut self.progress;
        let (sum, count) = progress.losses;
        progress.learnt.push(Learnt {
            accuracies,
            loss: sum / count.max(1) as f64,
            largest_penalty: progress.largest_penalty,
            distance,
            clipped: progress.clipped,
            largest_pull: 2.0 * self.settings.strength(self.method) * f64::from(largest),
        });
        progress.losses = (0.0, 0);
        progress.largest_penalty = 0.0;
        progress.clipped = 0;
        progress.batch = 0;
        progress.task += 1;
    }

    /// What the task at hand adds to the importance of the units that it uses.
    fn added(&self, task: usize, current: &Current) -> Vec<f32> {
        let of = &self.settings.stabilise;
        let learner = &current.learner;
        if matches!(self.method.stabiliser, Stabiliser::Si | Stabiliser::None) {
            return synaptic_intelligence(&learner.path, &learner.theta, &learner.anchor, of.xi);
        }
        let mut sums = vec![0.0; learner.theta.len()];
        let n = 256.min(of.samples);
        let batches = of.samples.div_ceil(n);
        for batch in 0..batches {
            let key = Key::new(self.settings.seed)
                .phase(Phase::Validate)
                .attempt(task as u64)
                .at(batch as u64);
            let rows = n.min(of.samples - batch * n);
            let (mut x, labels) = self.draw(task, (1 << 30) + batch, &current.examples, rows);
            let factors = self.factors(task, &current.active, key, rows, of.dropout);
            if of.dropout {
                self.drop_inputs(key, &mut x);
            }
            let head = self.tasks.head_of(task);
            let views = views(&factors);
            let rule = self.method.rule.then_some(task);
            let examples = Examples {
                x: &x,
                labels: &labels,
                factors: &views,
                rule,
                head: &head,
            };
            if self.method.stabiliser == Stabiliser::Ewc {
                fisher(
                    &current.network,
                    &learner.theta,
                    &examples,
                    of.labels,
                    masse2018::FISHER_FLOOR,
                    key,
                    &mut sums,
                );
            } else {
                memory_aware(&current.network, &learner.theta, &examples, &mut sums);
            }
        }
        sums.iter_mut().for_each(|sum| *sum /= of.samples as f32);
        sums
    }

    /// Accuracy on all test examples of a task, with its gates, rule and outputs.
    pub fn accuracy(&self, task: usize) -> f64 {
        self.tested(task, task, usize::MAX).0
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        self.settings
    }

    /// The tasks.
    pub fn tasks(&self) -> &Tasks {
        self.tasks
    }

    /// The gates.
    pub fn gates(&self) -> &Gates {
        self.gates
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

    /// Everything that a stopped course goes on from.
    pub fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        let mut put = |name: &str, values: &[f32]| {
            arrays.insert(name.to_owned(), (vec![values.len()], values.to_vec().into()));
        };
        put("theta", &self.theta);
        put("importance", &self.importance);
        if let Some(Current { learner, .. }) = &self.current {
            put("task.theta", &learner.theta);
            put("task.path", &learner.path);
            put("task.first", &learner.first);
            put("task.second", &learner.second);
        }
        arrays
    }

    /// Counters to be kept beside [`Course::arrays`].
    pub fn kept_progress(&self) -> Progress {
        let steps = self.current.as_ref().map_or(0, |current| current.learner.steps);
        Progress {
            steps,
            ..self.progress.clone()
        }
    }

    /// Goes on from what was kept.
    ///
    /// # Errors
    /// Arrays of another network.
    pub fn restore(&mut self, arrays: &Arrays, progress: Progress) -> Result<(), GatingError> {
        let take = |name: &str, n: usize| -> Result<Vec<f32>, GatingError> {
            let found = arrays.get(name).and_then(|(_, values)| values.singles());
            let values = found.filter(|values| values.len() == n);
            values.ok_or_else(|| {
                Problem::new(
                    format!("the checkpoint has no `{name}` of {n} values"),
                    "it is of another network",
                )
                .into()
            })
        };
        self.theta = take("theta", self.theta.len())?;
        self.importance = take("importance", self.importance.len())?;
        self.current = None;
        self.progress = progress;
        if arrays.contains_key("task.theta") {
            let before = self.progress.before.clone();
            self.begin();
            self.progress.before = before;
            let steps = self.progress.steps;
            let current = self.current.as_mut().expect("a task that was begun");
            let n = current.learner.theta.len();
            current.learner.theta = take("task.theta", n)?;
            current.learner.path = take("task.path", n)?;
            current.learner.first = take("task.first", n)?;
            current.learner.second = take("task.second", n)?;
            current.learner.steps = steps;
        }
        Ok(())
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
