//! `lstm.json` (with a teacher) and `ei_rnn.json`: gated recurrent networks, forwards and backwards.

use super::{double, real};
use crate::support::{golden, near, numbers, wholes};
use neuropil_gating::recurrent::among;
use neuropil_learn::batch::Batch;
use neuropil_learn::targets::{Targets, Wanted};
use neuropil_learn::unroll::{Judge, Outputs, Runner, Unrolled};
use neuropil_math::real::Real;
use neuropil_math::rng::Key;
use neuropil_nn::cell::Cell;
use neuropil_nn::network::{Mask, Network, Shape};
use neuropil_nn::synapse::Synapse;
use neuropil_tasks::environment::Environment;
use serde_json::Value;
use std::sync::Mutex;

const LANES: usize = 8;

fn tolerance<R: Real>() -> (f64, f64) {
    if size_of::<R>() == 8 {
        (1e-9, 1e-13)
    } else {
        (1e-4, 5e-6)
    }
}

/// Given trials: inputs \[step\]\[trial\]\[input\], targets and weights \[step\]\[trial\].
struct Trials {
    n_steps: usize,
    n_trials: usize,
    n_inputs: usize,
    inputs: Vec<f64>,
    targets: Vec<usize>,
    weights: Vec<f64>,
}

/// The block of some of them, given trials in its first lanes.
struct Shown<'a> {
    of: &'a Trials,
    trials: Vec<u64>,
    lanes: usize,
}

impl Environment for Shown<'_> {
    fn observe(&mut self, t: usize, inputs: &mut [f64]) {
        for (lane, &trial) in self.trials.iter().enumerate() {
            for input in 0..self.of.n_inputs {
                let place = ((t - 1) * self.of.n_trials + trial as usize) * self.of.n_inputs + input;
                inputs[input * self.lanes + lane] = self.of.inputs[place];
            }
        }
    }

    fn act(&mut self, _: usize, _: &[usize], _: &[bool], _: &mut [f64], _: &mut [bool]) {}
}

impl Batch for Trials {
    fn n_trials(&self) -> usize {
        self.n_trials
    }

    fn n_steps(&self) -> usize {
        self.n_steps + 1
    }

    fn expected_steps(&self, _: usize) -> usize {
        self.n_steps + 1
    }

    fn offers_choice(&self, _: usize, _: usize) -> bool {
        true
    }

    fn open(&self, _: Key, trials: &[u64], lanes: usize) -> Box<dyn Environment + '_> {
        Box::new(Shown {
            of: self,
            trials: trials.to_vec(),
            lanes,
        })
    }
}

/// Another judge, whose outputs are noted.
struct Noted<J> {
    judge: J,
    logits: Mutex<Vec<f64>>,
}

impl<R: Real, J: Judge<R, LANES>> Judge<R, LANES> for Noted<J> {
    type Report = J::Report;

    fn judge(&self, world: &mut dyn Environment, block: Outputs<'_, R>) -> J::Report {
        *self.logits.lock().unwrap() = double(block.outputs);
        self.judge.judge(world, block)
    }
}

/// Runs the network of the active units alone and puts what it gives back among all units.
fn run<R: Real>(
    shape: Shape,
    alpha: f64,
    params: &[f64],
    gate: &[f64],
    trials: &Trials,
) -> (f64, Vec<f64>, Vec<f64>) {
    let active: Vec<usize> = (0..gate.len()).filter(|&unit| gate[unit] != 0.0).collect();
    let (small, places) = among(shape, &active);
    let mut network = Network::<R>::new(small, Mask(vec![true; places.places().len()]), alpha);
    network.load(&places.gather(&real::<R>(params)));
    let (n_steps, n_trials, outputs) = (trials.n_steps, trials.n_trials, shape.n_outputs);
    assert!(n_trials <= LANES, "one block");
    let wanted = |trial: u64, t: usize| {
        let place = t.checked_sub(1)? * n_trials + trial as usize;
        Some(Wanted {
            class: trials.targets[place],
            weight: trials.weights[place],
            scored: true,
        })
    };
    let judge = Noted {
        judge: Targets { wanted, n: 1.0 },
        logits: Mutex::default(),
    };
    let mut unrolled = Unrolled::<R, LANES>::new(&network, n_trials, n_steps + 1);
    let runner = Runner {
        network: &network,
        noise_sd: 0.0,
        gains: None,
    };
    let report = unrolled.learn(runner, trials, Key::new(1), &judge);
    let mut gradient = vec![0.0; params.len()];
    places.scatter(&double(unrolled.gradient()), &mut gradient);
    let noted = judge.logits.into_inner().unwrap();
    let of = |step: usize, trial: usize, k: usize| noted[((step + 1) * outputs + k) * LANES + trial];
    let logits = (0..n_steps)
        .flat_map(|step| (0..n_trials).flat_map(move |trial| (0..outputs).map(move |k| (step, trial, k))));
    let logits = logits.map(|(step, trial, k)| of(step, trial, k)).collect();
    (report.loss, gradient, logits)
}

/// Arrays of an LSTM, one per gate, in the network's layout.
fn lstm_params(shape: Shape, of: &Value) -> Vec<f64> {
    let layout = shape.layout();
    let mut params = vec![0.0; layout.len()];
    let n = shape.n_units;
    let mut columns = |name: &str, letters: &str, prefix: &str| {
        let view = layout.view_mut(&mut params, name);
        let blocks = letters.len();
        for (block, letter) in letters.chars().enumerate() {
            for (place, value) in numbers(&of[format!("{prefix}{letter}")]).into_iter().enumerate() {
                view[(place / n * blocks + block) * n + place % n] = value;
            }
        }
    };
    columns("w_in", "cifo", "W");
    columns("b_in", "cifo", "b");
    columns("w_gates", "ifo", "U");
    columns("w_rec", "c", "U");
    for (name, theirs) in [("w_out", "W_out"), ("b_out", "b_out")] {
        layout
            .view_mut(&mut params, name)
            .copy_from_slice(&numbers(&of[theirs]));
    }
    params
}

fn lstm_in<R: Real>() {
    let Some(file) = golden("lstm.json") else { return };
    let (relative, absolute) = tolerance::<R>();
    let size = |name: &str| file["dims"][name].as_u64().unwrap() as usize;
    let shape = Shape {
        cell: Cell::Lstm,
        n_units: size("H"),
        n_inputs: size("I"),
        n_outputs: size("A"),
    };
    let of = &file["supervised"];
    let n = (size("T") * size("B")) as f64;
    let weights: Vec<f64> = numbers(&of["mask"]).iter().map(|mask| mask / n).collect();
    let trials = Trials {
        n_steps: size("T"),
        n_trials: size("B"),
        n_inputs: size("I"),
        inputs: numbers(&file["input"]),
        targets: wholes(&of["target"]),
        weights,
    };
    let params = lstm_params(shape, &file["params"]);
    let (loss, gradient, logits) = run::<R>(shape, 1.0, &params, &numbers(&file["gate"]), &trials);
    near("loss", &[loss], &numbers(&of["loss"]), relative, absolute);
    near("logits", &logits, &numbers(&of["logits"]), relative, absolute);
    let mut gradient = gradient;
    shape.layout().view_mut(&mut gradient, "x0").fill(0.0); // theirs begins at 0 for good
    near(
        "gradient",
        &gradient,
        &lstm_params(shape, &of["grad"]),
        relative,
        absolute,
    );
}

#[test]
fn the_gated_lstm_with_a_teacher() {
    lstm_in::<f64>();
    lstm_in::<f32>();
}

fn ei_in<R: Real>() {
    let Some(file) = golden("ei_rnn.json") else { return };
    let (relative, absolute) = tolerance::<R>();
    let signs = numbers(&file["ei_sign"]);
    let n = signs.len();
    let inputs = numbers(&file["params"]["W_in"]).len() / n;
    let shape = Shape {
        cell: Cell::EiStp,
        n_units: n,
        n_inputs: inputs,
        n_outputs: 9,
    };
    let layout = shape.layout();
    let of = |name: &str| numbers(&file[name]);
    let step_s = file["dt_sec"].as_f64().unwrap();
    let constants: Vec<Synapse> = (0..n)
        .map(|i| Synapse {
            sign: signs[i],
            release: of("U")[i],
            facilitation: of("alpha_stf")[i],
            depression: of("alpha_std")[i],
            step_s,
        })
        .collect();
    let arrays = [
        ("w_in", "W_in"),
        ("b_in", "b_rnn"),
        ("w_rec", "W_rnn"),
        ("w_out", "W_out"),
        ("b_out", "b_out"),
    ];
    let mut params: Vec<f64> = shape.initial();
    for (ours, theirs) in arrays {
        layout
            .view_mut(&mut params, ours)
            .copy_from_slice(&numbers(&file["params"][theirs]));
    }
    layout
        .view_mut(&mut params, "synapse")
        .copy_from_slice(&Synapse::array(&constants));
    let x0 = layout.view_mut(&mut params, "x0");
    x0[..n].fill(1.0);
    x0[n..2 * n].copy_from_slice(&of("U"));
    x0[2 * n..].fill(file["h0_before_gate"].as_f64().unwrap());
    let targets = wholes(&file["target"]);
    let n_steps = file["target"].as_array().unwrap().len();
    let n_trials = targets.len() / n_steps;
    let weights = vec![1.0 / targets.len() as f64; targets.len()];
    let trials = Trials {
        n_steps,
        n_trials,
        n_inputs: inputs,
        inputs: of("input"),
        targets,
        weights,
    };
    let (loss, gradient, logits) = run::<R>(
        shape,
        file["alpha"].as_f64().unwrap(),
        &params,
        &of("gate"),
        &trials,
    );
    near("loss", &[loss], &numbers(&file["loss"]), relative, absolute);
    near("logits", &logits, &of("logits"), relative, absolute);
    for (ours, theirs) in arrays {
        let expected = numbers(&file["grad"][theirs]);
        near(
            theirs,
            layout.view(&gradient, ours),
            &expected,
            relative,
            absolute,
        );
    }
}

#[test]
fn the_excitatory_inhibitory_network_with_short_term_plasticity() {
    ei_in::<f64>();
    ei_in::<f32>();
}
