//! `lstm.json` (with a teacher) and `ei_rnn.json`: gated recurrent networks, forwards and backwards.

use super::{double, real};
use crate::support::{golden, near, numbers, wholes};
use neuropil_gating::recurrent::{Trials, among, pass};
use neuropil_math::real::Real;
use neuropil_nn::cell::Cell;
use neuropil_nn::network::{Mask, Network, Shape};
use neuropil_nn::synapse::Synapse;
use serde_json::Value;

const LANES: usize = 8;

fn tolerance<R: Real>() -> (f64, f64) {
    if size_of::<R>() == 8 {
        (1e-9, 1e-13)
    } else {
        (1e-4, 5e-6)
    }
}

/// Runs the network of the active units alone and puts what it gives back among all units.
fn run<R: Real>(
    shape: Shape,
    alpha: f64,
    params: &[f64],
    gate: &[f64],
    trials: Trials<R>,
) -> (f64, Vec<f64>, Vec<f64>, Vec<f64>) {
    let active: Vec<usize> = (0..gate.len()).filter(|&unit| gate[unit] != 0.0).collect();
    let (small, places) = among(shape, &active);
    let mut network = Network::<R>::new(small, Mask(vec![true; places.places().len()]), alpha);
    network.load(&places.gather(&real::<R>(params)));
    let passed = pass::<R, LANES>(&network, trials);
    let mut gradient = vec![0.0; params.len()];
    places.scatter(&double(&passed.gradient), &mut gradient);
    let few = double(&passed.rates);
    let mut rates = vec![0.0; trials.n_steps * trials.n_trials * gate.len()];
    for (all, few) in rates
        .chunks_exact_mut(gate.len())
        .zip(few.chunks_exact(active.len()))
    {
        active.iter().zip(few).for_each(|(&unit, &rate)| all[unit] = rate);
    }
    (passed.loss, gradient, double(&passed.logits), rates)
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
    let (inputs, targets): (Vec<R>, _) = (real(&numbers(&file["input"])), wholes(&of["target"]));
    let trials = Trials {
        n_steps: size("T"),
        n_trials: size("B"),
        inputs: &inputs,
        targets: &targets,
        weights: &weights,
    };
    let params = lstm_params(shape, &file["params"]);
    let (loss, gradient, logits, rates) = run::<R>(shape, 1.0, &params, &numbers(&file["gate"]), trials);
    near("loss", &[loss], &numbers(&of["loss"]), relative, absolute);
    near("logits", &logits, &numbers(&of["logits"]), relative, absolute);
    near("h", &rates, &numbers(&of["h"]), relative, absolute);
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
    let input: Vec<R> = real(&of("input"));
    let trials = Trials {
        n_steps,
        n_trials,
        inputs: &input,
        targets: &targets,
        weights: &weights,
    };
    let (loss, gradient, logits, rates) = run::<R>(
        shape,
        file["alpha"].as_f64().unwrap(),
        &params,
        &of("gate"),
        trials,
    );
    near("loss", &[loss], &numbers(&file["loss"]), relative, absolute);
    near("logits", &logits, &of("logits"), relative, absolute);
    near("h", &rates, &of("h"), relative, absolute);
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
