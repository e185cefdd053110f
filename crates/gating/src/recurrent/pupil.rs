//! A recurrent network that takes a course.
//!
//! As in [`crate::course`], what a task trains is the network of its active units. Arrays of states at rest and of
//! synapses are constants; weights into the value, which only learning by reward has, are not held back.

use super::ground::{Ground, Told};
use super::initial::{exists, initial};
use super::judges::{Among, Answered, Counts, Score, wanted};
use super::settings::{RecurrentSettings, Teacher, Unit};
use super::{LANES, among};
use crate::curve::Curve;
use crate::error::GatingError;
use crate::importance::{RewardPath, synaptic_intelligence};
use crate::masse2018::cognitive;
use crate::method::Stabiliser;
use crate::network::Tensor;
use crate::optimiser::Learner;
use crate::record::Learnt;
use neuropil_learn::actor_critic::{ActorCritic, Objective, Report as Rewarded};
use neuropil_learn::course::{Measures, Student};
use neuropil_learn::learner::Mismatch;
use neuropil_learn::targets::{Targets, Wanted};
use neuropil_learn::unroll::{Runner, Unrolled};
use neuropil_math::arrays::Arrays;
use neuropil_math::rng::{Key, Phase};
use neuropil_nn::network::{Mask, Network, Shape};
use neuropil_nn::params::Gathered;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Arrays that no learning moves: states at rest, and what synapses are like.
const CONSTANTS: [&str; 2] = ["x0", "synapse"];
/// Batches over which the loss of a task is averaged.
const LAST: usize = 100;

/// What must be kept of a pupil beside its arrays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) learnt: Vec<Learnt>,
    pub(crate) untrained: Vec<f64>,
    pub(crate) before: Vec<f64>,
    losses: VecDeque<f64>,
    #[serde(default)]
    curve: Curve,
    largest_penalty: f64,
    clipped: u64,
    steps: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reward: Option<f64>,
}

/// What an update says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Report {
    pub(crate) loss: f64,
    pub(crate) success: f64,
}

/// The network of some units.
#[derive(Debug)]
struct Part {
    network: Network<f32>,
    places: Gathered,
    gains: Option<Vec<f32>>,
    /// 1 where a parameter exists; none if all do.
    exists: Option<Vec<f32>>,
}

/// The task at hand.
#[derive(Debug)]
struct Current {
    part: Part,
    tensors: Vec<Tensor>,
    learner: Learner<f32>,
    path: RewardPath<f32>,
    unrolled: Unrolled<f32, LANES>,
}

/// A network on its course.
#[derive(Debug)]
pub(crate) struct Pupil<'a> {
    settings: &'a RecurrentSettings,
    ground: &'a Ground,
    shape: Shape,
    theta: Vec<f32>,
    importance: Vec<f32>,
    current: Option<Current>,
    pub(crate) kept: Kept,
}

/// Arrays of a network in order; those that are constants are left out.
fn tensors(layout: &neuropil_nn::params::Layout) -> Vec<Tensor> {
    let moves = layout
        .entries()
        .iter()
        .filter(|entry| !CONSTANTS.contains(&&*entry.name));
    moves
        .map(|entry| {
            let start = layout.offset(&entry.name).unwrap_or(0);
            Tensor {
                name: entry.name.to_string(),
                range: start..start + entry.len(),
                stabilised: true,
            }
        })
        .collect()
}

impl<'a> Pupil<'a> {
    /// A network before its first task.
    pub(crate) fn new(settings: &'a RecurrentSettings, ground: &'a Ground) -> Self {
        let value = usize::from(settings.teacher == Teacher::Reward);
        let shape = Shape {
            cell: settings.network.cell.cell(),
            n_units: settings.network.units,
            n_inputs: ground.n_all_inputs(),
            n_outputs: ground.n_actions + value,
        };
        let theta = initial(settings, shape, ground.tasks[0].dt_ms, Key::new(settings.seed));
        Self {
            settings,
            ground,
            shape,
            importance: vec![0.0; theta.len()],
            theta,
            current: None,
            kept: Kept::default(),
        }
    }

    pub(crate) fn importance(&self) -> &[f32] {
        &self.importance
    }

    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        tensors(&self.shape.layout())
    }

    /// The network of the units that a task computes: all where gates are only to be applied as masks.
    fn part(&self, task: usize) -> Part {
        let units: Vec<u32> = if self.settings.gates.whole {
            (0..self.shape.n_units as u32).collect()
        } else {
            self.ground.gates.active(task, 0)
        };
        let gains = self.ground.gates.values(task, 0, &units);
        let units: Vec<usize> = units.into_iter().map(|unit| unit as usize).collect();
        let (shape, places) = among(self.shape, &units);
        let all = exists(self.settings.network.cell, self.shape, &self.shape.layout());
        let flags = places.gather(&all);
        let number = |exists: &bool| f32::from(u8::from(*exists));
        let numbers = (!flags.iter().all(|&exists| exists)).then(|| flags.iter().map(number).collect());
        let alpha = self.ground.tasks[task].dt_ms / cognitive::TAU_MS;
        Part {
            network: Network::new(shape, Mask(flags), alpha),
            places,
            gains,
            exists: numbers,
        }
    }

    /// Noise of the drive of one step: that of the rate over α.
    fn noise_sd(&self, network: &Network<f32>) -> f64 {
        match self.settings.network.cell {
            Unit::Lstm => 0.0,
            Unit::EiStp => (2.0 * network.alpha()).sqrt() * cognitive::NOISE / network.alpha(),
        }
    }

    fn begin(&mut self, task: usize) {
        let key = |task: usize| {
            Key::new(self.settings.seed)
                .part(task as u64)
                .phase(Phase::Test)
                .attempt(1)
        };
        if self.kept.untrained.is_empty() {
            let all = 0..self.ground.tasks.len();
            self.kept.untrained = all.map(|task| self.test(task, key(task))["accuracy"]).collect();
        }
        let before = self.test(task, key(task))["accuracy"];
        self.kept.before.push(before);
        if self.settings.training.reset_weights {
            let key = Key::new(self.settings.seed).attempt(task as u64);
            self.theta = initial(self.settings, self.shape, self.ground.tasks[0].dt_ms, key);
            self.importance.fill(0.0);
        }
        self.open(task);
    }

    /// Puts the task at hand on the desk.
    fn open(&mut self, task: usize) {
        let mut part = self.part(task);
        let mut learner = Learner::new(part.places.gather(&self.theta));
        learner.importance = part.places.gather(&self.importance);
        part.network.load(&learner.theta);
        let n = learner.theta.len();
        let n_steps = self.ground.tasks[task].n_steps;
        self.current = Some(Current {
            tensors: tensors(part.network.layout()),
            path: RewardPath::new(n, self.settings.stabilise.pairing),
            unrolled: Unrolled::new(&part.network, self.settings.training.batch, n_steps),
            learner,
            part,
        });
    }

    /// Outputs of a task in the network, the value last.
    fn outputs(&self, task: usize) -> Vec<usize> {
        let mut outputs = self.ground.channels[task].actions.clone();
        if self.settings.teacher == Teacher::Reward {
            outputs.push(self.ground.n_actions);
        }
        outputs
    }

    fn among<'b, J>(&self, judge: J, outputs: &'b [usize]) -> Among<'b, J> {
        Among {
            judge,
            outputs,
            n_outputs: self.shape.n_outputs,
        }
    }

    fn objective(&self, told: &Told<'_>) -> Objective {
        let reward = &self.settings.reward;
        let trial = &told.batch.trials[0];
        let free = (1..trial.n_steps).take_while(|&step| trial.row_at(step).weight == 0.0);
        Objective {
            discount: reward.discount,
            value_cost: reward.value_cost,
            entropy_cost: reward.entropy_cost,
            epsilon: cognitive::LOG_FLOOR,
            first_action: 1,
            free_steps: free.count(),
        }
    }

    /// Learns from a batch; leaves the gradient with the buffers.
    fn learn(&self, task: usize, told: &Told<'_>, key: Key, current: &mut Current) -> (Report, Option<f64>) {
        let (part, unrolled) = (&current.part, &mut current.unrolled);
        let runner = Runner {
            network: &part.network,
            noise_sd: self.noise_sd(&part.network),
            gains: part.gains.as_deref(),
        };
        let (trials, outputs) = (&told.batch.trials, self.outputs(task));
        match self.settings.teacher {
            Teacher::Targets => {
                let of = |trial: u64, step: usize| {
                    let trial = &trials[trial as usize];
                    wanted(trial, step).map(|class| Wanted {
                        class,
                        weight: trial.row_at(step).weight,
                        scored: class != 0,
                    })
                };
                let n = (trials[0].n_steps - 1) * trials.len();
                let judge = self.among(
                    Targets {
                        wanted: of,
                        n: n as f64,
                    },
                    &outputs,
                );
                let found = unrolled.learn(runner, told, key, &judge);
                let report = Report {
                    loss: found.loss,
                    success: found.accuracy(),
                };
                (report, None)
            }
            Teacher::Reward => {
                let judge = ActorCritic {
                    objective: self.objective(told),
                    n_trials: trials.len(),
                };
                let found = unrolled.learn(runner, told, key, &self.among(judge, &outputs));
                let [(_, reward), (_, success)] = found.measures();
                let report = Report {
                    loss: found.loss(),
                    success,
                };
                (report, Some(reward))
            }
        }
    }

    /// Runs test trials of a task with the gates and rule of another one, and adds up what `run` makes of each batch.
    fn run_tests<T: std::iter::Sum>(
        &self,
        (task, as_if): (usize, usize),
        key: Key,
        n_trials: usize,
        mut run: impl FnMut(&mut Unrolled<f32, LANES>, Runner<'_, f32>, &Told<'_>, Key) -> T,
    ) -> T {
        let mut part = self.part(as_if);
        part.network.load(&part.places.gather(&self.theta));
        let batch = self.settings.training.batch.min(n_trials);
        let mut unrolled = Unrolled::new(&part.network, batch, self.ground.tasks[task].n_steps);
        let runner = Runner {
            network: &part.network,
            noise_sd: self.noise_sd(&part.network),
            gains: part.gains.as_deref(),
        };
        let one = |first: usize| {
            let key = key.part(first as u64);
            let told = self.ground.draw_as(task, as_if, key, batch.min(n_trials - first));
            run(&mut unrolled, runner, &told, key)
        };
        (0..n_trials).step_by(batch).map(one).sum()
    }

    /// What is answered in test trials of a task with the gates and rule of another one: the largest output counts.
    pub(crate) fn answered(&self, tasks: (usize, usize), key: Key, n_trials: usize) -> Counts {
        let outputs = self.outputs(tasks.0);
        let actions = &outputs[..self.ground.channels[tasks.0].actions.len()];
        self.run_tests(tasks, key, n_trials, |unrolled, runner, told, key| {
            let judge = Answered {
                trials: &told.batch.trials,
            };
            unrolled.run(runner, told, key, &self.among(judge, actions))
        })
    }

    /// What actions drawn in test trials of a task earn.
    fn rewarded(&self, task: usize, key: Key, n_trials: usize) -> Rewarded {
        let outputs = self.outputs(task);
        self.run_tests((task, task), key, n_trials, |unrolled, runner, told, key| {
            let judge = ActorCritic {
                objective: self.objective(told),
                n_trials: told.batch.trials.len(),
            };
            unrolled.run(runner, told, key, &self.among(judge, &outputs))
        })
    }

    /// Mean over trials of the squared gradient of a trial's score, divided by its steps: the Fisher information of its
    /// answers, on the scale of a loss that is a mean over steps. Trials go one by one: a square is not a sum of products
    /// where weights are shared over time.
    fn fisher(&self, task: usize, key: Key, current: &Current) -> Vec<f32> {
        let of = &self.settings.stabilise;
        let (part, n_steps) = (&current.part, self.ground.tasks[task].n_steps);
        let outputs = self.outputs(task);
        let mut unrolled = Unrolled::<f32, LANES>::new(&part.network, 1, n_steps);
        let runner = Runner {
            network: &part.network,
            noise_sd: self.noise_sd(&part.network),
            gains: part.gains.as_deref(),
        };
        let mut sums = vec![0.0; current.learner.theta.len()];
        for sample in 0..of.samples {
            let key = key.phase(Phase::Validate).at(sample as u64);
            let told = self.ground.draw(task, key, 1);
            let score = Score {
                trial: &told.batch.trials[0],
                labels: of.labels,
            };
            unrolled.learn(runner, &told, key, &self.among(score, &outputs));
            let scale = 1.0 / ((n_steps - 1) * of.samples) as f32;
            let squares = unrolled.gradient().iter().map(|g| scale * g * g);
            sums.iter_mut()
                .zip(squares)
                .for_each(|(sum, square): (&mut f32, f32)| *sum += square);
        }
        sums
    }

    /// What the task at hand adds to the importance of the parameters that it uses.
    fn added(&self, task: usize, key: Key, current: &Current) -> Vec<f32> {
        let (learner, xi) = (&current.learner, self.settings.stabilise.xi);
        let mut added = match (self.ground.method.stabiliser, self.settings.teacher) {
            (Stabiliser::Ewc, _) => self.fisher(task, key, current),
            (_, Teacher::Targets) => {
                synaptic_intelligence(&learner.path, &learner.theta, &learner.anchor, xi)
            }
            (_, Teacher::Reward) => current.path.importance(xi),
        };
        if self.settings.teacher == Teacher::Reward {
            let (layout, n) = (current.part.network.layout(), self.shape.n_outputs);
            for name in ["w_out", "b_out"] {
                let into_the_value = layout
                    .view_mut(&mut added, name)
                    .iter_mut()
                    .skip(n - 1)
                    .step_by(n);
                into_the_value.for_each(|added| *added = 0.0);
            }
        }
        added
    }

    fn closed(&mut self, stage: usize, key: Key) {
        let mut current = self.current.take().expect("a task at hand");
        let mut added = self.added(stage, key, &current);
        let layout = current.part.network.layout();
        for constant in CONSTANTS.iter().filter(|name| layout.has(name)) {
            layout.view_mut(&mut added, constant).fill(0.0);
        }
        let learner = &mut current.learner;
        let moved = learner.theta.iter().zip(&learner.anchor);
        let distance = moved
            .map(|(theta, anchor)| f64::from(theta - anchor).powi(2))
            .sum::<f64>()
            .sqrt();
        let decay = self.settings.stabilise.decay as f32;
        if decay < 1.0 {
            let all = self.importance.iter_mut().chain(&mut learner.importance);
            all.for_each(|importance| *importance *= decay);
        }
        learner.close(&added, self.settings.training.reset_between_tasks);
        let places = &current.part.places;
        places.scatter(&learner.theta, &mut self.theta);
        places.scatter(&learner.importance, &mut self.importance);
        let largest = self.importance.iter().fold(0.0_f32, |a, &b| a.max(b));
        let kept = &mut self.kept;
        let n = kept.losses.len().max(1) as f64;
        kept.learnt.push(Learnt {
            curve: kept.curve.take(),
            loss: kept.losses.iter().sum::<f64>() / n,
            largest_penalty: kept.largest_penalty,
            distance,
            clipped: kept.clipped,
            largest_pull: 2.0 * self.settings.strength(self.ground.method) * f64::from(largest),
            ..Learnt::default()
        });
        kept.losses.clear();
        (kept.largest_penalty, kept.clipped, kept.steps, kept.reward) = (0.0, 0, 0, None);
    }

    /// Mean accuracy over the tasks learnt so far with changed weights, which are changed back afterwards.
    pub(crate) fn accuracy_with(&mut self, change: &dyn Fn(&mut [f32])) -> f64 {
        let kept = self.theta.clone();
        change(&mut self.theta);
        let n = self.kept.learnt.len();
        let key = |task: usize| {
            Key::new(self.settings.seed)
                .part(task as u64)
                .phase(Phase::Test)
                .attempt(3)
        };
        let sum: f64 = (0..n).map(|task| self.test(task, key(task))["accuracy"]).sum();
        self.theta = kept;
        sum / n.max(1) as f64
    }

    /// Takes what the course found in its tests of the tasks so far.
    pub(crate) fn tested(&mut self, row: &[Measures], batches: u64) {
        let of =
            |name: &str| -> Vec<f64> { row.iter().filter_map(|found| found.get(name).copied()).collect() };
        let learnt = self.kept.learnt.last_mut().expect("a task that was closed");
        (learnt.accuracies, learnt.trials, learnt.rewards) = (of("accuracy"), of("trials"), of("reward"));
        learnt.batches = batches;
    }

    /// What must be kept beside the arrays.
    pub(crate) fn to_keep(&self) -> Kept {
        let current = self.current.as_ref();
        Kept {
            steps: current.map_or(0, |current| current.learner.steps),
            reward: current.and_then(|current| current.path.last().0),
            ..self.kept.clone()
        }
    }
}

impl Student for Pupil<'_> {
    type Report = Report;
    type Error = GatingError;

    fn update(&mut self, stage: usize, key: Key) -> Report {
        if self.current.is_none() {
            self.begin(stage);
        }
        let mut current = self.current.take().expect("a task that was begun");
        let told = self.ground.draw(stage, key, self.settings.training.batch);
        let (report, reward) = self.learn(stage, &told, key, &mut current);
        let mut gradient = current.unrolled.gradient().to_vec();
        if let Some(exists) = &current.part.exists {
            gradient
                .iter_mut()
                .zip(exists)
                .for_each(|(g, exists)| *g *= exists);
        }
        let (optimiser, c) = (
            self.settings.training.optimiser(),
            self.settings.strength(self.ground.method),
        );
        let learner = &mut current.learner;
        let stepped = learner.step(&current.tensors, &gradient, &optimiser, c);
        if let Some(reward) = reward {
            current.path.add(reward, &learner.delta);
        }
        current.part.network.load(&learner.theta);
        self.current = Some(current);
        let kept = &mut self.kept;
        kept.largest_penalty = kept.largest_penalty.max(stepped.penalty);
        kept.clipped += stepped.clipped as u64;
        if kept.losses.len() == LAST {
            kept.losses.pop_front();
        }
        kept.losses.push_back(report.loss);
        kept.curve.add(report.loss, report.success);
        report
    }

    fn success(report: &Report) -> f64 {
        report.success
    }

    fn discarded(report: &Report) -> bool {
        !report.loss.is_finite()
    }

    fn close(&mut self, stage: usize, key: Key) -> Result<(), GatingError> {
        self.closed(stage, key);
        Ok(())
    }

    fn test(&self, stage: usize, key: Key) -> Measures {
        let n = self.settings.tasks.test_trials;
        match self.settings.teacher {
            Teacher::Targets => {
                let found = self.answered((stage, stage), key, n);
                let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
                Measures::from([
                    ("accuracy".to_owned(), share(found.right_steps, found.steps)),
                    ("trials".to_owned(), share(found.right_trials, found.trials)),
                ])
            }
            Teacher::Reward => {
                let [(_, reward), (_, correct)] = self.rewarded(stage, key, n).measures();
                Measures::from([("accuracy".to_owned(), correct), ("reward".to_owned(), reward)])
            }
        }
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        let mut put = |name: &str, values: &[f32]| {
            arrays.insert(name.to_owned(), (vec![values.len()], values.to_vec().into()));
        };
        put("theta", &self.theta);
        put("importance", &self.importance);
        if let Some(Current { learner, path, .. }) = &self.current {
            for (name, values) in [
                ("task.theta", &learner.theta[..]),
                ("task.path", &learner.path),
                ("task.first", &learner.first),
                ("task.second", &learner.second),
                ("task.reward_path", &path.path),
                ("task.reward_walked", &path.walked),
                ("task.reward_update", path.last().1),
            ] {
                put(name, values);
            }
        }
        arrays
    }

    fn restore(&mut self, arrays: &Arrays) -> Result<(), Mismatch> {
        let take = |name: &str, n: usize| -> Result<Vec<f32>, Mismatch> {
            let found = arrays.get(name).and_then(|(_, values)| values.singles());
            found.filter(|values| values.len() == n).ok_or_else(|| Mismatch {
                name: name.to_owned(),
                shape: vec![n],
            })
        };
        self.theta = take("theta", self.theta.len())?;
        self.importance = take("importance", self.importance.len())?;
        self.current = None;
        if arrays.contains_key("task.theta") {
            self.open(self.kept.learnt.len());
            let mut current = self.current.take().expect("a task that was opened");
            let (learner, n) = (&mut current.learner, current.path.path.len());
            learner.theta = take("task.theta", n)?;
            learner.path = take("task.path", n)?;
            learner.first = take("task.first", n)?;
            learner.second = take("task.second", n)?;
            learner.steps = self.kept.steps;
            current.path = RewardPath::resumed(
                take("task.reward_path", n)?,
                take("task.reward_walked", n)?,
                take("task.reward_update", n)?,
                self.kept.reward,
                self.settings.stabilise.pairing,
            );
            current.part.network.load(&current.learner.theta);
            self.current = Some(current);
        }
        Ok(())
    }
}
