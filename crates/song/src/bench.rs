//! Work to be timed: the engine's passes, whole updates, validations.
//!
//! Every time is the least of repeated runs; every floating-point count is that of the products alone (a
//! multiply-add is two), for the dense network also where the engine works on a sparse one. Updates and
//! validations are those of networks that have learnt for a while, so that trials are as long as they really are.

use crate::init::{Initial, draw};
use crate::model::draw_players;
use crate::resolve::resolve;
use crate::train::rules;
use neuropil_learn::batch::TaskBatch;
use neuropil_learn::player::Player;
use neuropil_learn::randomness::KeyedRandomness;
use neuropil_learn::rules::Rules;
use neuropil_learn::train::WIDE_FROM;
use neuropil_learn::update::{Workspace, update};
use neuropil_learn::validate::validate;
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Phase, Purpose};
use neuropil_math::simd::vectorised;
use neuropil_nn::cell::Cell;
use neuropil_nn::network::{Backward, Gradients, History, Keep, Mask, Network, Shape};
use neuropil_tasks::registry;
use neuropil_tasks::task::Task;
use rayon::prelude::*;
use std::hint::black_box;
use std::time::Instant;

/// Least time of `work` within about `seconds`, at least two goes, s.
pub fn least(seconds: f64, mut work: impl FnMut()) -> f64 {
    let began = Instant::now();
    let (mut best, mut goes) = (f64::INFINITY, 0);
    while goes < 2 || began.elapsed().as_secs_f64() < seconds {
        let clock = Instant::now();
        work();
        best = best.min(clock.elapsed().as_secs_f64());
        goes += 1;
    }
    best
}

/// Independent chains of multiply-adds: enough to hide their latency.
const CHAINS: usize = 10;
const LANES: usize = 16;
/// Operands, few enough to stay in the first-level cache.
const OPERANDS: usize = 64;
const ROUNDS: usize = 2000;

vectorised! {
    fn multiply_adds<F>[][](a: &[[f32; CHAINS]], b: &[[f32; LANES]], sums: &mut [[f32; LANES]; CHAINS]) {
        let mut sum = [[0.0_f32; LANES]; CHAINS];
        for _ in 0..ROUNDS {
            for (a, b) in a.iter().zip(b) {
                for c in 0..CHAINS {
                    for l in 0..LANES {
                        sum[c][l] = <f32 as Real>::fma::<F>(a[c], b[l], sum[c][l]);
                    }
                }
            }
        }
        *sums = sum;
    }
}

/// Multiply-adds per second that all threads of the current pool reach together, GFLOP/s, from the first-level cache.
pub fn peak(budget: f64) -> f64 {
    let threads = rayon::current_num_threads();
    let (a, b) = ([[1e-3_f32; CHAINS]; OPERANDS], [[1e-3_f32; LANES]; OPERANDS]);
    let seconds = least(budget, || {
        (0..threads).into_par_iter().for_each(|_| {
            let mut sums = [[0.0; LANES]; CHAINS];
            multiply_adds(black_box(&a), black_box(&b), &mut sums);
            black_box(sums);
        });
    });
    (threads * ROUNDS * OPERANDS * CHAINS * LANES * 2) as f64 / seconds * 1e-9
}

/// Forward and backward pass of one network over a batch of trials of the same length.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Which network it stands for.
    pub name: &'static str,
    /// Units.
    pub n_units: usize,
    /// Steps.
    pub n_steps: usize,
    /// Trials.
    pub n_trials: usize,
    /// Probability that a recurrent weight exists.
    pub density: f64,
    /// Inputs.
    pub n_inputs: usize,
    /// Outputs.
    pub n_outputs: usize,
}

const fn kernel(
    name: &'static str,
    sizes: [usize; 3],
    density: f64,
    n_inputs: usize,
    n_outputs: usize,
) -> Kernel {
    let [n_units, n_steps, n_trials] = sizes;
    Kernel {
        name,
        n_units,
        n_steps,
        n_trials,
        density,
        n_inputs,
        n_outputs,
    }
}

/// The networks that are timed by themselves.
pub const KERNELS: [Kernel; 6] = [
    kernel("policy, dense", [100, 150, 128], 1.0, 4, 3),
    kernel("policy, p0 = 0.1", [100, 150, 128], 0.1, 4, 3),
    kernel("value network", [100, 150, 128], 1.0, 103, 1),
    kernel("value network", [100, 150, 16], 1.0, 103, 1),
    kernel("policy, dense", [150, 150, 64], 1.0, 4, 3),
    kernel("policy, dense", [100, 300, 64], 1.0, 4, 3),
];

impl Kernel {
    /// What is done, in words.
    pub fn describe(&self) -> String {
        let Self {
            name,
            n_units,
            n_steps,
            n_trials,
            ..
        } = self;
        format!("{name}: N {n_units}, T {n_steps}, B {n_trials}")
    }

    /// Floating-point operations of its products, were it dense.
    pub fn flops(&self) -> f64 {
        let Self {
            n_units: n,
            n_inputs,
            n_outputs,
            ..
        } = *self;
        (3 * self.n_steps * self.n_trials * (6 * n * n + 6 * n * n_inputs + 2 * n * n_outputs)) as f64
    }

    fn shape(&self) -> Shape {
        Shape {
            cell: Cell::Gated,
            n_units: self.n_units,
            n_inputs: self.n_inputs,
            n_outputs: self.n_outputs,
        }
    }

    /// The network: parameters, laid out as its shape says, and which of them exist.
    pub fn draw(&self) -> (Shape, Vec<f64>, Mask) {
        let initial = Initial {
            input_gain: 0.5,
            connection_probability: self.density,
            spectral_radius: 2.0,
            ..Initial::default()
        };
        let (params, mask) = draw(
            self.shape(),
            &initial,
            Key::new(1),
            Purpose::InitPolicy,
            Purpose::MaskPolicy,
        )
        .expect("a hundred units have loops");
        (self.shape(), params, mask)
    }

    /// One go, ready to be called again and again on whichever thread pool is current.
    pub fn prepare(&self) -> Box<dyn FnMut() + Send> {
        if self.n_trials < WIDE_FROM {
            self.pass::<8>()
        } else {
            self.pass::<16>()
        }
    }

    fn pass<const L: usize>(&self) -> Box<dyn FnMut() + Send> {
        type Block<const L: usize> = (History<f32, L>, Gradients<f32, L>, Vec<f32>);
        let (shape, params, mask) = self.draw();
        let n_steps = self.n_steps;
        let mut network = Network::<f32>::new(shape, mask, 0.1);
        let params: Vec<f32> = params.into_iter().map(|x| x as f32).collect();
        network.load(&params);
        let mut blocks: Vec<Block<L>> = (0..self.n_trials.div_ceil(L))
            .map(|_| {
                let mut history = History::new(shape, n_steps, Keep::All);
                for t in 1..n_steps {
                    history.input_mut(t).fill(0.3);
                }
                (
                    history,
                    network.gradients(),
                    vec![0.01; n_steps * shape.n_outputs * L],
                )
            })
            .collect();
        let mut flat = vec![0.0; params.len()];
        Box::new(move || {
            network.load(&params);
            blocks.par_iter_mut().for_each(|(history, gradients, d_outputs)| {
                let mut z = vec![0.0; shape.n_outputs * L];
                network.begin(history, None);
                history.inputs_and_noise_mut(1..n_steps).1.fill(0.1);
                network.project(history, 1..n_steps);
                for t in 1..n_steps {
                    network.recur(history, t);
                    network.read_out(history, t, &mut z);
                }
                let lengths = [n_steps; L];
                let block = Backward {
                    d_outputs,
                    lengths: &lengths,
                    rate_penalty: 0.0,
                    from_x0: true,
                };
                network.backward(history, block, gradients);
            });
            for (_, gradients, _) in &mut blocks {
                network.collect(gradients, &mut flat);
            }
        })
    }
}

/// Batches that an update is timed over: their lengths differ.
pub const BATCHES: u64 = 10;

/// Updates that networks learn for before they are timed: by then they hold fixation.
const LEARNT: u64 = 300;

/// Networks of a published task that have learnt for a while, with everything an update needs.
#[derive(Debug)]
pub struct Pupil {
    /// The task.
    pub task: Task,
    /// The acting network.
    pub policy: Player<f32>,
    /// The predicting network.
    pub value: Player<f32>,
    rules: Rules,
    work: Work,
}

#[derive(Debug)]
enum Work {
    Narrow(Workspace<f32, 8>),
    Wide(Workspace<f32, 16>),
}

impl Pupil {
    /// Trains networks of the library task `name` with its default settings.
    ///
    /// # Panics
    /// When the library has no such task.
    pub fn teach(name: &str) -> Self {
        let task = registry::find(name, None).expect("a library task");
        let config = resolve(&task, |_| Ok(())).expect("library tasks resolve").value;
        let (policy, value) = draw_players(&config, &task, 0).expect("library networks can be drawn");
        let (n, steps) = (task.definition.trials_per_update, task.n_steps);
        let work = if n < WIDE_FROM {
            Work::Narrow(Workspace::new(&policy.network, &value.network, n, steps, false))
        } else {
            Work::Wide(Workspace::new(&policy.network, &value.network, n, steps, false))
        };
        let rules = rules(&config, &task);
        let mut pupil = Self {
            task,
            policy,
            value,
            rules,
            work,
        };
        for number in BATCHES..BATCHES + LEARNT {
            pupil.update(number);
        }
        // From now on the work stays the same from one go to the next.
        (pupil.policy.learning_rate, pupil.value.learning_rate) = (0.0, 0.0);
        pupil
    }

    /// Trials of batch `number`.
    pub fn batch(&self, number: u64) -> TaskBatch<'_> {
        TaskBatch::draw(
            &self.task,
            Key::new(1).at(number),
            self.task.definition.trials_per_update,
        )
    }

    /// One whole update as training makes it, the drawing of its trials included; mean steps of a trial.
    pub fn update(&mut self, number: u64) -> f64 {
        let key = Key::new(1).at(number);
        let batch = TaskBatch::draw(&self.task, key, self.task.definition.trials_per_update);
        let draws = KeyedRandomness {
            key,
            policy_noise_sd: self.policy.noise_sd,
            value_noise_sd: self.value.noise_sd,
        };
        let (policy, value, rules) = (&mut self.policy, &mut self.value, &self.rules);
        match &mut self.work {
            Work::Narrow(work) => update(policy, value, &batch, key, &draws, rules, work).mean_steps,
            Work::Wide(work) => update(policy, value, &batch, key, &draws, rules, work).mean_steps,
        }
    }

    /// Trials of a validation.
    pub fn validation_batch(&self) -> TaskBatch<'_> {
        let key = Key::new(1).phase(Phase::Validate);
        TaskBatch::draw(&self.task, key, self.task.definition.validation_trials)
    }

    /// One validation, forward only.
    pub fn validate(&self) {
        let key = Key::new(1).phase(Phase::Validate);
        let n = self.task.definition.validation_trials;
        black_box(validate(
            &self.policy.network,
            self.policy.noise_sd,
            &self.task,
            key,
            n,
        ));
    }
}
