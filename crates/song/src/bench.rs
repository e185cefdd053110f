//! Work to be timed: the engine's passes, whole updates, validations.
//!
//! Every time is the least of repeated runs; every floating-point count is that of the products alone (a
//! multiply-add is two), for the dense network also where the engine works on a sparse one.

use crate::config;
use crate::model::draw_players;
use crate::train::rules;
use neuropil_learn::batch::TaskBatch;
use neuropil_learn::update::{KeyedRandomness, Player, Workspace, update};
use neuropil_learn::validate::validate;
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Phase, Purpose};
use neuropil_math::simd::vectorised;
use neuropil_nn::cell::Cell;
use neuropil_nn::init::{Initial, draw};
use neuropil_nn::network::{Backward, Gradients, History, Keep, Network, Shape};
use neuropil_tasks::registry::{self, PUBLISHED};
use rayon::prelude::*;
use std::hint::black_box;
use std::time::Instant;

/// One kind of work and its least time.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What was done.
    pub work: String,
    /// Least time of one go, s.
    pub seconds: f64,
    /// Trials in one go.
    pub trials: usize,
    /// Floating-point operations of its products, if counted.
    pub flops: Option<f64>,
}

/// Least time of `work` within about `budget` seconds, at least three goes.
fn least(budget: f64, mut work: impl FnMut()) -> f64 {
    work();
    let began = Instant::now();
    let (mut best, mut goes) = (f64::INFINITY, 0);
    while goes < 3 || began.elapsed().as_secs_f64() < budget {
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

/// Forward and backward passes of single networks: dense, sparse, and of the value network's shape.
pub fn kernels(budget: f64) -> Vec<Measured> {
    let mut rows = Vec::new();
    for (name, n, t, b, p0, n_inputs) in [
        ("policy, dense", 100, 150, 128, 1.0, 4),
        ("policy, p0 = 0.1", 100, 150, 128, 0.1, 4),
        ("value network", 100, 150, 128, 1.0, 103),
        ("value network", 100, 150, 16, 1.0, 103),
        ("policy, dense", 150, 150, 64, 1.0, 4),
        ("policy, dense", 100, 300, 64, 1.0, 4),
    ] {
        let n_outputs = if n_inputs > 100 { 1 } else { 3 };
        let shape = Shape {
            cell: Cell::Gated,
            n_units: n,
            n_inputs,
            n_outputs,
        };
        let flops = 3 * t * b * (6 * n * n + 6 * n * n_inputs + 2 * n * n_outputs);
        rows.push(Measured {
            work: format!("{name}: N {n}, T {t}, B {b}, forward + backward"),
            seconds: if b < 32 {
                time_network::<8>(shape, t, b, p0, budget)
            } else {
                time_network::<16>(shape, t, b, p0, budget)
            },
            trials: b,
            flops: Some(flops as f64),
        });
    }
    rows
}

fn time_network<const L: usize>(shape: Shape, n_steps: usize, n_trials: usize, p0: f64, budget: f64) -> f64 {
    let initial = Initial {
        input_gain: 0.5,
        connection_probability: p0,
        spectral_radius: 2.0,
        output_bias: 0.0,
        input_mask: None,
    };
    let (params, mask) = draw(
        shape,
        &initial,
        Key::new(1),
        Purpose::InitPolicy,
        Purpose::MaskPolicy,
    )
    .expect("a hundred units have loops");
    let mut network = Network::<f32>::new(shape, mask, 0.1);
    let params: Vec<f32> = params.into_iter().map(|x| x as f32).collect();
    network.load(&params);
    type Block<const L: usize> = (History<f32, L>, Gradients<f32, L>, Vec<f32>);
    let mut blocks: Vec<Block<L>> = (0..n_trials.div_ceil(L))
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
    least(budget, || {
        network.load(&params);
        blocks.par_iter_mut().for_each(|(history, gradients, d_outputs)| {
            let mut z = vec![0.0; shape.n_outputs * L];
            network.begin(history, None);
            for t in 1..n_steps {
                history.noise_mut(t).fill(0.1);
                network.advance(history, t);
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

/// Networks of a task that never choose: trials as long as they can be while the policy is still learning.
fn players(task: &neuropil_tasks::task::Task) -> (config::Config, Player<f32>, Player<f32>) {
    let config = config::resolve(task, |_| Ok(()))
        .expect("library tasks resolve")
        .value;
    let (mut policy, value) = draw_players(&config, task, 0).expect("library networks can be drawn");
    // A bias towards fixation: about 1 trial in 30 breaks off early, the others reach the decision.
    let layout = policy.network.layout().clone();
    let mut params = policy.params.clone();
    layout.view_mut(&mut params, "b_out")[0] = 9.0;
    policy.set_params(&params);
    (config, policy, value)
}

/// One whole update of every published task: rollout, value network, both gradients, Adam, at the published batch.
pub fn updates(budget: f64) -> Vec<Measured> {
    let mut rows = Vec::new();
    for name in PUBLISHED {
        let task = registry::find(name, None).expect("a library task");
        let (config, mut policy, mut value) = players(&task);
        policy.learning_rate = 1e-12; // the work stays the same from one go to the next
        value.learning_rate = 1e-12;
        let n = task.definition.trials_per_update;
        let rules = rules(&config, &task);
        let mut narrow = Workspace::<f32, 8>::new(&policy.network, &value.network, n, task.n_steps, false);
        let key = Key::new(1);
        let draws = KeyedRandomness {
            key,
            policy_noise_sd: policy.noise_sd,
            value_noise_sd: value.noise_sd,
        };
        let batch = TaskBatch::draw(&task, key, n);
        let mut steps = 0.0;
        let seconds = least(budget, || {
            steps = update(&mut policy, &mut value, &batch, key, &draws, &rules, &mut narrow).mean_steps;
        });
        rows.push(Measured {
            work: format!("update {name}: B {n}, {steps:.0} steps a trial"),
            seconds,
            trials: n,
            flops: None,
        });
    }
    rows
}

/// One validation of every published task: forward only.
pub fn validations(budget: f64) -> Vec<Measured> {
    let mut rows = Vec::new();
    for name in PUBLISHED {
        let task = registry::find(name, None).expect("a library task");
        let (_, policy, _) = players(&task);
        let n = task.definition.validation_trials;
        let key = Key::new(1).phase(Phase::Validate);
        let seconds = least(budget, || {
            black_box(validate(&policy.network, policy.noise_sd, &task, key, n));
        });
        rows.push(Measured {
            work: format!("validation {name}: {n} trials"),
            seconds,
            trials: n,
            flops: None,
        });
    }
    rows
}
