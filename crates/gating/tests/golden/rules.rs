//! `adam.json`, `si_two_tasks.json`, `ewc_two_tasks.json`, `rl_si.json`: the optimiser and what is kept per weight.

use super::{double, real, tolerance};
use crate::support::{golden, near, numbers, wholes};
use neuropil_gating::importance::{Examples, Labels, Pairing, RewardPath, fisher, synaptic_intelligence};
use neuropil_gating::network::{Factors, Network, Pass, Power, Tensor};
use neuropil_gating::optimiser::{Correction, Learner, Optimiser};
use neuropil_math::real::Real;
use neuropil_math::rng::Key;
use neuropil_nn::loss::cross_entropy;
use serde_json::Value;

fn adam_in<R: Real>() {
    let Some(file) = golden("adam.json") else { return };
    let (relative, absolute) = tolerance::<R>(1e-12, 1e-15);
    for run in file["runs"].as_array().unwrap() {
        let optimiser = Optimiser {
            correction: if run["mode"] == "frozen" {
                Correction::Frozen
            } else {
                Correction::Standard
            },
            update_clip: run["clip"].as_f64(),
            ..Optimiser::adam(run["lr"].as_f64().unwrap())
        };
        let what = format!("{} {} {}", run["mode"], run["lr"], run["clip"]);
        let tensors = [Tensor {
            name: "w".to_owned(),
            range: 0..12,
            stabilised: true,
        }];
        let mut learner = Learner::<R>::new(vec![R::ZERO; 12]);
        for (step, gradient) in file["grads"].as_array().unwrap().iter().enumerate() {
            learner.step(&tensors, &real(&numbers(gradient)), &optimiser, 0.0);
            near(
                &format!("{what}: Δ {step}"),
                &double(&learner.delta),
                &numbers(&run["deltas"][step]),
                relative,
                absolute,
            );
        }
        near(
            &format!("{what}: m"),
            &double(&learner.first),
            &numbers(&run["m"]),
            relative,
            absolute,
        );
        near(
            &format!("{what}: v"),
            &double(&learner.second),
            &numbers(&run["v"]),
            relative,
            absolute,
        );
    }
}

#[test]
fn updates_of_both_forms_of_adam() {
    adam_in::<f64>();
    adam_in::<f32>();
}

/// Arrays `W0`…, `b0`… of an object in the network's layout.
fn flat(network: &Network, object: &Value) -> Vec<f64> {
    let mut all = vec![0.0; network.layout().len()];
    for layer in 0..network.widths().len() - 1 {
        for (ours, theirs) in [("w", "W"), ("b", "b")] {
            let view = network
                .layout()
                .view_mut(&mut all, &format!("{}.{ours}", layer + 1));
            view.copy_from_slice(&numbers(&object[format!("{theirs}{layer}")]));
        }
    }
    all
}

fn initial(network: &Network, run: &Value) -> Vec<f64> {
    let mut object = serde_json::Map::new();
    for (layer, value) in run["init"]["W"].as_array().unwrap().iter().enumerate() {
        object.insert(format!("W{layer}"), value.clone());
        object.insert(format!("b{layer}"), run["init"]["b"][layer].clone());
    }
    flat(network, &Value::Object(object))
}

/// The two tasks of a file; `gathered` trains the network of the active units alone.
fn two_tasks<R: Real>(file: &str, case: &str, run: &Value, gathered: bool) {
    let what = format!("{file} {case}{}", if gathered { " gathered" } else { "" });
    let (relative, absolute) = if size_of::<R>() == 8 {
        (1e-8, 1e-13)
    } else {
        (2e-3, 2e-5)
    };
    let whole = Network::new(&wholes(&run["dims"]), 0);
    let mut optimiser = Optimiser::masse2018(run["lr"].as_f64().unwrap());
    if run["adam"] == "standard" {
        optimiser.correction = Correction::Standard;
    }
    let c = run["c"].as_f64().unwrap();
    let mut theta: Vec<R> = real(&initial(&whole, run));
    let mut importance = vec![R::ZERO; theta.len()];
    for task in 0..2 {
        let gates: Vec<Vec<R>> = run["gates"][task]
            .as_array()
            .unwrap()
            .iter()
            .map(|g| real(&numbers(g)))
            .collect();
        let active: Vec<Vec<u32>> = gates
            .iter()
            .map(|g| {
                (0..g.len() as u32)
                    .filter(|&i| !gathered || g[i as usize] != R::ZERO)
                    .collect()
            })
            .collect();
        let (network, places) = whole.among(&active);
        let factors: Vec<Factors<R>> = if gathered {
            Vec::new()
        } else {
            gates
                .iter()
                .map(|g| Factors {
                    gates: Some(g),
                    dropout: None,
                })
                .collect()
        };
        let mut learner = Learner::new(places.gather(&theta));
        learner.importance = places.gather(&importance);
        let tensors = network.tensors();
        let found = &run["tasks"][task];
        let classes = *network.widths().last().unwrap();
        for (index, batch) in found["batches"].as_array().unwrap().iter().enumerate() {
            let x: Vec<R> = real(&numbers(&run["x"][task][index]));
            let labels = wholes(&run["label"][task][index]);
            let mut pass = Pass::default();
            network.forward(&learner.theta, &x, &factors, None, &mut pass);
            let mut d = vec![R::ZERO; pass.logits().len()];
            let weight = 1.0 / labels.len() as f64;
            let loss = cross_entropy(pass.logits(), classes, 0..classes, &labels, |_| weight, &mut d);
            let mut gradient = vec![R::ZERO; learner.theta.len()];
            network.backward(&learner.theta, &pass, &d, None, Power::One, &mut gradient);
            let stepped = learner.step(&tensors, &gradient, &optimiser, c);
            let expected = [&batch["task_loss"], &batch["aux_loss"]].map(|value| value.as_f64().unwrap());
            near(
                &format!("{what}: losses {task}.{index}"),
                &[loss, stepped.penalty],
                &expected,
                relative,
                absolute,
            );
        }
        let back = |values: &[R], into: Vec<R>| {
            let mut all = into;
            places.scatter(values, &mut all);
            all
        };
        let path = back(&learner.path, vec![R::ZERO; theta.len()]);
        near(
            &format!("{what}: ω {task}"),
            &double(&path),
            &flat(&whole, &found["omega_small"]),
            relative,
            absolute,
        );
        let added = if run["xi"].is_null() {
            let x: Vec<R> = real(&numbers(&run["fisher_x"][task]));
            let labels = wholes(&run["fisher_label"][task]);
            let examples = Examples {
                x: &x,
                labels: &labels,
                factors: &factors,
                rule: None,
                head: &(0..classes),
            };
            let mut sums = vec![R::ZERO; learner.theta.len()];
            let floor = run["fisher_log_epsilon"].as_f64().unwrap();
            fisher(
                &network,
                &learner.theta,
                &examples,
                Labels::True,
                floor,
                Key::new(1),
                &mut sums,
            );
            let n = R::of(labels.len() as f64);
            let mean: Vec<R> = sums.iter().map(|&sum| sum / n).collect();
            let all = back(&mean, vec![R::ZERO; theta.len()]);
            near(
                &format!("{what}: F {task}"),
                &double(&all),
                &flat(&whole, &run["fisher"][task]),
                relative,
                absolute,
            );
            mean
        } else {
            synaptic_intelligence(
                &learner.path,
                &learner.theta,
                &learner.anchor,
                run["xi"].as_f64().unwrap(),
            )
        };
        learner.close(&added, true);
        theta = back(&learner.theta, theta);
        importance = back(&learner.importance, importance);
        near(
            &format!("{what}: Ω {task}"),
            &double(&importance),
            &flat(&whole, &found["Omega"]),
            relative,
            absolute * 10.0,
        );
        near(
            &format!("{what}: θ {task}"),
            &double(&theta),
            &flat(&whole, &found["theta"]),
            relative,
            absolute,
        );
    }
}

#[test]
fn synaptic_intelligence_and_fisher_information_over_two_tasks_whole_and_gathered() {
    for file in ["si_two_tasks.json", "ewc_two_tasks.json"] {
        let Some(content) = golden(file) else { continue };
        for (case, run) in content.as_object().unwrap() {
            two_tasks::<f64>(file, case, run, false);
            two_tasks::<f32>(file, case, run, false);
            if case.starts_with("xdg") {
                two_tasks::<f64>(file, case, run, true);
                two_tasks::<f32>(file, case, run, true);
            }
        }
    }
}

fn reward_in<R: Real>() {
    let Some(file) = golden("rl_si.json") else { return };
    let (relative, absolute) = tolerance::<R>(1e-12, 1e-15);
    let rewards = numbers(&file["reward"]);
    for (pairing, name) in [(Pairing::Reference, "reference"), (Pairing::Causal, "causal")] {
        let mut paths = RewardPath::<R>::new(6, pairing);
        for (reward, delta) in rewards.iter().zip(file["delta"].as_array().unwrap()) {
            paths.add(*reward, &real(&numbers(delta)));
        }
        near(
            &format!("{name}: ω"),
            &double(&paths.path),
            &numbers(&file[format!("omega_{name}")]),
            relative,
            absolute,
        );
        if let Some(walked) = file.get(format!("denominator_{name}")) {
            near(
                &format!("{name}: D"),
                &double(&paths.walked),
                &numbers(walked),
                relative,
                absolute,
            );
        }
        let importance = paths.importance(file["xi"].as_f64().unwrap());
        near(
            &format!("{name}: Ω"),
            &double(&importance),
            &numbers(&file[format!("Omega_{name}")]),
            relative,
            absolute,
        );
    }
}

#[test]
fn synaptic_intelligence_by_reward() {
    reward_in::<f64>();
    reward_in::<f32>();
}
