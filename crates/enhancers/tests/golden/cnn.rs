//! `cnn/`: layers, gradients, optimiser steps, schedules and windows of PyTorch and NumPy in double precision.

use std::collections::HashMap;
use std::path::Path;

use neuropil_enhancers::cnn::attribute::{Scores, gradient, mutagenesis, path_gradient};
use neuropil_enhancers::cnn::schedule::{Cycle, Schedule};
use neuropil_enhancers::cnn::train::{ClassWeights, Optimiser, State, loss_and_gradient};
use neuropil_enhancers::cnn::{Architecture, Convolution, Dense, Flatten, Network, Pass};
use neuropil_enhancers::sequence::{bases, letters, reverse_complement};
use neuropil_enhancers::windows::{refuse, window_start};
use serde_json::Value;

use crate::support::{close, golden, json, vector};

type Arrays = HashMap<String, (Vec<usize>, Vec<f64>)>;

fn arrays(root: &Path) -> Arrays {
    let path = root.join("cnn/cnn.npz");
    let names = neuropil_lab::array::read(&path).expect("arrays").into_keys();
    let numbers = |name: String| {
        let array = neuropil_lab::array::read_numbers(&path, &name).expect("numbers");
        (name, array)
    };
    names.map(numbers).collect()
}

fn mini(l2: f64) -> Architecture {
    Architecture {
        length: 140,
        convolutions: vec![
            Convolution {
                filters: 6,
                width: 7,
                stride: 1,
                dropout: 0.0
            };
            3
        ],
        pool_size: 26,
        pool_stride: 26,
        pool_same: false,
        flatten: Flatten::FilterMajor,
        dense: vec![Dense {
            units: 8,
            dropout: 0.0,
        }],
        outputs: 1,
        l2_convolution: l2,
        l2_dense: 0.0,
        l2_output: 0.0,
    }
}

/// PyTorch's (outputs, inputs, width) or (outputs, inputs) as [width][inputs][outputs] or [inputs][outputs].
fn turned((shape, values): &(Vec<usize>, Vec<f64>)) -> Vec<f64> {
    let (outputs, inputs, width) = (shape[0], shape[1], shape.get(2).copied().unwrap_or(1));
    let mut out = vec![0.0; values.len()];
    for o in 0..outputs {
        for i in 0..inputs {
            for k in 0..width {
                out[(k * inputs + i) * outputs + o] = values[(o * inputs + i) * width + k];
            }
        }
    }
    out
}

fn set(network: &mut Network<f64>, arrays: &Arrays, names: &[&str], prefix: &str) {
    for (i, name) in names.iter().enumerate() {
        let (w, b) = (
            turned(&arrays[&format!("{prefix}{name}_w")]),
            &arrays[&format!("{prefix}{name}_b")].1,
        );
        let (to_w, to_b) = network.layer_mut(i);
        to_w.copy_from_slice(&w);
        to_b.copy_from_slice(b);
    }
}

const A: [&str; 5] = ["conv1", "conv2", "conv3", "dense1", "out"];

fn all_close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 1e-9 * (1.0 + b.abs()), "{what}[{i}]: {a} {b}");
    }
}

struct Set {
    arrays: Arrays,
    golden: Value,
    network: Network<f64>,
    sequences: Vec<Vec<u8>>,
    classes: Vec<usize>,
}

fn load() -> Option<Set> {
    let root = golden()?;
    let arrays = arrays(&root);
    let golden = json(root.join("cnn/cnn.json"));
    let mut network = Network::zeros(mini(golden["l2"].as_f64().expect("a factor")));
    set(&mut network, &arrays, &A, "p_");
    let sequences: Vec<Vec<u8>> = golden["sequences"]
        .as_array()
        .expect("sequences")
        .iter()
        .map(|s| bases(s.as_str().expect("letters").as_bytes()).expect("letters"))
        .collect();
    let classes = vector(&golden["labels"])
        .iter()
        .map(|&label| label as usize)
        .collect();
    Some(Set {
        arrays,
        golden,
        network,
        sequences,
        classes,
    })
}

impl Set {
    fn batch(&self) -> Vec<&[u8]> {
        self.sequences.iter().map(Vec::as_slice).collect()
    }
}

#[test]
fn golden_cnn_forward() {
    let Some(set) = load() else { return };
    let mut pass = Pass::default();
    for (i, sequence) in set.sequences.iter().enumerate() {
        let logit = |bases: &[u8], pass: &mut Pass<f64>| {
            let mut x = vec![0.0; 4 * bases.len()];
            bases
                .iter()
                .enumerate()
                .filter(|(_, base)| **base < 4)
                .for_each(|(p, &base)| x[p * 4 + base as usize] = 1.0);
            set.network.forward(&x, pass, None);
            pass.logits[0]
        };
        close(
            logit(sequence, &mut pass),
            vector(&set.golden["logit_forward"])[i],
            1e-9,
            "logit",
        );
        all_close(
            set.network.embedding(&pass),
            &set.arrays["act5"].1[i * 8..(i + 1) * 8],
            "embedding",
        );
        close(
            logit(&reverse_complement(sequence), &mut pass),
            vector(&set.golden["logit_revcomp"])[i],
            1e-9,
            "reverse",
        );
    }
    let mean = set.network.predict(&set.sequences);
    all_close(
        &mean,
        &vector(&set.golden["prob_mean_strands"]),
        "mean of strands",
    );
    // Unknown bases are told by N alone.
    let expected: Vec<&str> = set.golden["revcomp"]
        .as_array()
        .expect("sequences")
        .iter()
        .map(|s| s.as_str().expect("letters"))
        .collect();
    assert_eq!(letters(&reverse_complement(&set.sequences[0])), expected[0]);
    // In single precision.
    let mut single: Network<f32> = Network::zeros(set.network.architecture.clone());
    single
        .params
        .iter_mut()
        .zip(&set.network.params)
        .for_each(|(a, &b)| *a = b as f32);
    for (found, expected) in single.predict(&set.sequences).iter().zip(&mean) {
        assert!((found - expected).abs() < 1e-4);
    }
}

#[test]
fn golden_cnn_gradients() {
    let Some(set) = load() else { return };
    for (key, weights, prefix) in [
        ("loss", [1.0, 1.0], "grad_"),
        ("loss_proportional_weights", [0.25, 0.75], "gradw_"),
    ] {
        let (loss, gradient) = loss_and_gradient(&set.network, &set.batch(), &set.classes, &weights, None);
        close(loss, set.golden[key].as_f64().expect("a loss"), 1e-9, key);
        for (i, name) in A.iter().enumerate() {
            let (w, b, _) = set.network.layer(i);
            all_close(
                &gradient[w],
                &turned(&set.arrays[&format!("{prefix}{name}_w")]),
                name,
            );
            all_close(&gradient[b], &set.arrays[&format!("{prefix}{name}_b")].1, name);
        }
    }
    let counts = [3, 1];
    for (how, key) in [
        (ClassWeights::Reciprocal, "reciprocal"),
        (ClassWeights::Proportional, "proportional"),
    ] {
        let expected = &set.golden["class_weight_example_3neg_1pos"][key];
        all_close(
            &how.of(&counts),
            &[
                expected["0"].as_f64().expect("0"),
                expected["1"].as_f64().expect("1"),
            ],
            key,
        );
    }
}

#[test]
fn golden_cnn_optimisers() {
    let Some(set) = load() else { return };
    let sgd = |momentum, nesterov| Optimiser::Sgd { momentum, nesterov };
    for (name, optimiser, rate) in [
        ("nesterov", sgd(0.99, true), 1e-2),
        ("momentum", sgd(0.9, false), 1e-2),
        ("adam", Optimiser::Adam, 4e-4),
    ] {
        let mut network = set.network.clone();
        let mut state = State::new(optimiser, network.params.len());
        let mut losses = Vec::new();
        for step in 0..4 {
            let (loss, gradient) = loss_and_gradient(&network, &set.batch(), &set.classes, &[1.0, 1.0], None);
            losses.push(loss);
            if step < 3 {
                state.step(&mut network.params, &gradient, rate, None);
            }
        }
        all_close(&losses, &vector(&set.golden[format!("losses_{name}")]), name);
        let (w, _, _) = network.layer(0);
        all_close(
            &network.params[w],
            &turned(&set.arrays[&format!("{name}3_conv1_w")]),
            name,
        );
        let (w, _, _) = network.layer(4);
        all_close(
            &network.params[w],
            &turned(&set.arrays[&format!("{name}3_out_w")]),
            name,
        );
        let (_, b, _) = network.layer(3);
        all_close(
            &network.params[b],
            &set.arrays[&format!("{name}3_dense1_b")].1,
            name,
        );
    }
}

#[test]
fn golden_cnn_of_cnn_pipeline() {
    let Some(set) = load() else { return };
    let shape = Architecture {
        convolutions: vec![Convolution {
            filters: 5,
            width: 11,
            stride: 1,
            dropout: 0.0,
        }],
        pool_same: true,
        flatten: Flatten::PositionMajor,
        dense: vec![Dense {
            units: 4,
            dropout: 0.0,
        }],
        outputs: 2,
        l2_dense: 1e-4,
        l2_output: 1e-4,
        ..mini(1e-4)
    };
    let mut network = Network::zeros(shape);
    set_named(&mut network, &set.arrays);
    let (loss, gradient) = loss_and_gradient(&network, &set.batch(), &set.classes, &[1.0, 1.0], None);
    close(
        loss,
        set.golden["B"]["loss"].as_f64().expect("a loss"),
        1e-9,
        "loss",
    );
    for (i, name) in ["c", "d", "o"].iter().enumerate() {
        let (w, b, _) = network.layer(i);
        all_close(
            &gradient[w],
            &turned(&set.arrays[&format!("B_grad_{name}_w")]),
            name,
        );
        all_close(&gradient[b], &set.arrays[&format!("B_grad_{name}_b")].1, name);
    }
    let mut pass = Pass::default();
    for (i, sequence) in set.sequences.iter().enumerate() {
        let (forward, _) = network.both_strands(sequence, &mut pass);
        close(
            forward,
            vector(&set.golden["B"]["softmax"][i])[1],
            1e-9,
            "softmax",
        );
    }
}

fn set_named(network: &mut Network<f64>, arrays: &Arrays) {
    set(network, arrays, &["c", "d", "o"], "B_");
}

#[test]
fn golden_cnn_attributions() {
    let Some(set) = load() else { return };
    let sequence = &set.sequences[0];
    all_close(
        &mutagenesis(&set.network, sequence),
        &set.arrays["ism"].1,
        "mutagenesis",
    );
    let gradient = gradient(&set.network, sequence);
    all_close(&gradient, &set.arrays["grad_x"].1, "gradient");
    all_close(
        &Scores::new(sequence, gradient).actual(),
        &set.arrays["gradient_x_input"].1,
        "gradient times input",
    );
    all_close(
        &Scores::new(sequence, path_gradient(&set.network, sequence, 50)).actual(),
        &set.arrays["integrated_gradient"].1,
        "integrated gradients",
    );
}

#[test]
fn golden_schedules_windows_and_sizes() {
    let Some(root) = golden() else { return };
    let golden = json(root.join("cnn/cnn.json"));
    let schedules = &golden["schedules"];
    let iterations = vector(&schedules["iterations"]);
    let cyclic = |shape| Schedule::Cyclic {
        low: 4e-4,
        high: 1e-2,
        cycles: 1.0,
        shape,
    };
    for (key, schedule, per_epoch, total) in [
        ("triangular_s50", cyclic(Cycle::Triangular), 1, 100),
        ("triangular2_s50", cyclic(Cycle::Triangular2), 1, 100),
        (
            "exponential_0.95_steps40",
            Schedule::Exponential {
                rate: 4e-4,
                decay: 0.95,
            },
            40,
            1,
        ),
    ] {
        for (&iteration, expected) in iterations.iter().zip(vector(&schedules[key])) {
            close(
                schedule.at(iteration as u64, per_epoch, total).0,
                expected,
                1e-12,
                key,
            );
        }
    }
    let retina = Schedule::Retina { low: 1e-5, high: 0.1 };
    for (&iteration, expected) in iterations
        .iter()
        .zip(schedules["retina_s100_lr_momentum"].as_array().expect("pairs"))
    {
        let (rate, momentum) = retina.at(iteration as u64, 1, 250);
        let expected = vector(expected);
        close(rate, expected[0], 1e-12, "rate");
        close(momentum.expect("a momentum"), expected[1], 1e-12, "momentum");
    }
    let windows = &golden["windows"];
    for case in windows["cases"].as_array().expect("cases") {
        let number = |key: &str| case[key].as_i64().expect("a number");
        let (start, end, summit) = (number("start"), number("end"), number("summit"));
        let peak = neuropil_enhancers::peaks::Peak {
            open: None,
            chrom: case["chrom"].as_str().expect("a name").into(),
            start: start as u64,
            end: end as u64,
            name: String::new(),
            score: None,
            summit: (summit >= 0).then(|| (start + summit) as u64),
            line: 1,
        };
        let from = window_start(peak.centre(), 500);
        assert_eq!(serde_json::json!([from, from + 500]), case["window"]);
        let reason = refuse(
            from,
            (from + 500).max(0) as u64,
            windows["sizes"][&peak.chrom].as_u64(),
        );
        let status = match reason {
            None => "ok",
            Some("start below 0") => "start<0",
            Some("unknown chromosome") => "unknown-chromosome",
            Some(_) => "end>size",
        };
        assert_eq!(status, case["status"]);
    }
    let sizes = json(root.join("cnn/architecture.json"));
    let mut cortex = Architecture::preset("motor-cortex").expect("a preset");
    assert_eq!(serde_json::json!(cortex.lengths()), sizes["lengths_500"]);
    for (filters, expected) in sizes["n_parameters"].as_object().expect("counts") {
        cortex
            .convolutions
            .iter_mut()
            .for_each(|c| c.filters = filters.parse().expect("a number"));
        assert_eq!(serde_json::json!(cortex.n_parameters()), *expected);
    }
    assert_eq!(
        serde_json::json!(Architecture::preset("retina").expect("a preset").n_parameters()),
        sizes["retina_n_parameters"]
    );
}
