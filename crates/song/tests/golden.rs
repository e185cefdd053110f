//! Reference numbers for networks, losses, gradients, the optimiser and whole updates.
//!
//! Reads every file of `$NEUROPIL_GOLDEN/song`, else of the shared golden folder beside the checkout, else the
//! crate's own copies; a new reference file is checked by dropping it in.

use crate::files::{files, numbers};
use crate::replay::{Case, Tolerance, flat};
use neuropil_learn::player::Player;
use neuropil_learn::update::Report;
use neuropil_math::real::Real;
use neuropil_nn::optim::{Adam, AdamRule, clip};
use serde_json::Value;

#[test]
fn networks_match_in_double_precision() {
    for (name, json) in files("net_") {
        check_network::<f64>(
            &name,
            &json,
            Tolerance {
                forward: 1e-10,
                gradient: 1e-9,
            },
        );
    }
}

#[test]
fn networks_match_in_single_precision() {
    for (name, json) in files("net_") {
        check_network::<f32>(
            &name,
            &json,
            Tolerance {
                forward: 2e-5,
                gradient: 2e-4,
            },
        );
    }
}

fn check_network<R: Real>(name: &str, json: &Value, tolerance: Tolerance) {
    let case = Case::<R>::of_network(json);
    let (mut policy, mut value) = case.players(json);
    let mut work = case.workspace(&policy, &value);
    let report = case.update(0, &mut policy, &mut value, &mut work);
    let expected = &json["expected"];

    let predicted = work.predictions();
    let episodes = work.episodes();
    for (n, episode) in episodes.iter().enumerate() {
        for t in 0..episode.actions.len() {
            let at = format!("{name}: trial {n}, step {t}");
            tolerance.forward(&format!("{at}: value"), predicted[n][t], &expected["value"][t][n]);
            tolerance.forward(
                &format!("{at}: return"),
                episode.returns[t],
                &expected["returns"][t][n],
            );
            assert_eq!(
                episode.actions[t] as u64,
                json["actions"][t][n].as_u64().unwrap(),
                "{at}: action"
            );
        }
        let executed: f64 = json["M"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m[n].as_f64().unwrap())
            .sum();
        assert_eq!(
            episode.actions.len(),
            executed as usize,
            "{name}: length of trial {n}"
        );
    }
    check_losses(name, &report, expected, tolerance);
    let (policy_gradient, value_gradient) = work.gradients();
    for (who, player, found, expected) in [
        ("policy", &policy, policy_gradient, &expected["policy_grads"]),
        ("value", &value, value_gradient, &expected["value_grads"]),
    ] {
        let expected = flat(player.network.layout(), expected);
        tolerance.gradient(&format!("{name}: {who} gradient"), found, &expected);
    }
    case.check_states(name, json, tolerance);
}

fn check_losses(name: &str, report: &Report, expected: &Value, tolerance: Tolerance) {
    tolerance.forward(
        &format!("{name}: policy loss"),
        report.policy_loss,
        &expected["policy_loss"],
    );
    tolerance.forward(
        &format!("{name}: value loss"),
        report.value_loss,
        &expected["value_loss"],
    );
    if !expected["policy_loss_with_regs"].is_null() {
        let (policy, value) = (
            report.policy_loss + report.policy_penalty,
            report.value_loss + report.value_penalty,
        );
        tolerance.forward(
            &format!("{name}: penalised policy loss"),
            policy,
            &expected["policy_loss_with_regs"],
        );
        tolerance.forward(
            &format!("{name}: penalised value loss"),
            value,
            &expected["value_loss_with_regs"],
        );
    }
    for (step, norm) in [
        (report.policy_step, "policy_grad_norm"),
        (report.value_step, "value_grad_norm"),
    ] {
        let norm_expected = expected[norm].as_f64().unwrap();
        assert!(
            (step.norm - norm_expected).abs() <= tolerance.gradient * norm_expected,
            "{name}: {norm}"
        );
    }
}

#[test]
fn three_updates_match_in_double_precision() {
    for (name, json) in files("iteration") {
        check_updates::<f64>(&name, &json, 1e-8);
    }
}

#[test]
fn three_updates_match_in_single_precision() {
    for (name, json) in files("iteration") {
        check_updates::<f32>(&name, &json, 1e-4);
    }
}

fn check_updates<R: Real>(name: &str, json: &Value, tolerance: f64) {
    let case = Case::<R>::of_updates(json);
    let (mut policy, mut value) = case.players(json);
    let mut work = case.workspace(&policy, &value);
    for (k, iteration) in json["iterations"].as_array().unwrap().iter().enumerate() {
        let report = case.update(k, &mut policy, &mut value, &mut work);
        let (expected, predicted) = (&iteration["expected"], work.predictions());
        for (n, episode) in work.episodes().iter().enumerate() {
            for t in 0..case.n_steps {
                let at = format!("{name}, update {}, trial {n}, step {t}", k + 1);
                let action = episode.actions.get(t).map_or(-1, |&a| a as i64);
                assert_eq!(
                    action,
                    expected["actions_where_M"][t][n].as_i64().unwrap(),
                    "{at}: action"
                );
                if t < episode.actions.len() {
                    let close = |what: &str, found: f64, expected: &Value| {
                        let expected = expected.as_f64().unwrap();
                        assert!(
                            (found - expected).abs() <= tolerance,
                            "{at}: {what} {found}, not {expected}"
                        );
                    };
                    close("reward", episode.rewards[t], &expected["R"][t][n]);
                    close("return", episode.returns[t], &expected["returns"][t][n]);
                    close("value", predicted[n][t], &expected["value_old_params"][t][n]);
                }
            }
        }
        let loose = Tolerance {
            forward: tolerance,
            gradient: tolerance,
        };
        check_losses(&format!("{name}, update {}", k + 1), &report, expected, loose);
        let check_params = |who: &str, player: &Player<R>, expected: &Value| {
            let expected = flat(player.network.layout(), expected);
            for (i, (found, expected)) in player.params.iter().zip(expected).enumerate() {
                let distance = (found.f64() - expected).abs();
                assert!(
                    distance <= tolerance,
                    "{name}, update {}: {who} parameter {i} is off by {distance}",
                    k + 1
                );
            }
        };
        check_params("policy", &policy, &expected["policy_params_after"]);
        check_params("value", &value, &expected["value_params_after"]);
    }
}

#[test]
fn adam_matches() {
    for (name, json) in files("adam") {
        check_adam::<f64>(&name, &json, 1e-12);
        check_adam::<f32>(&name, &json, 1e-6);
    }
}

fn check_adam<R: Real>(name: &str, json: &Value, tolerance: f64) {
    let join = |parts: &Value| -> Vec<f64> { [numbers(&parts["a"]), numbers(&parts["b"])].concat() };
    let mut theta: Vec<R> = join(&json["start"]).into_iter().map(R::of).collect();
    let mut adam = Adam::new(theta.len(), AdamRule::default());
    for step in json["steps"].as_array().unwrap() {
        let mut gradient: Vec<R> = join(&step["grads_flat_null_is_nan"])
            .into_iter()
            .map(R::of)
            .collect();
        let taken = clip::to_norm(&mut gradient, json["max_norm"].as_f64().unwrap());
        adam.step(&mut theta, &gradient, json["lr"].as_f64().unwrap());
        assert_eq!(
            taken.discarded,
            step["zeroed"].as_bool().unwrap(),
            "{name}: step {}",
            step["k"]
        );
        for (found, expected) in [
            (&theta, &step["theta"]),
            (&adam.first, &step["m"]),
            (&adam.second, &step["v"]),
        ] {
            for (found, expected) in found.iter().zip(join(expected)) {
                assert!(
                    (found.f64() - expected).abs() <= tolerance,
                    "{name}: step {}: {found:?}, not {expected}",
                    step["k"]
                );
            }
        }
    }
}
