//! `tasks20.json`, `rl_rollouts.json`, `accuracy.json`: trials of the twenty tasks from their conditions.

use crate::masse::{Condition, FIXATE, INPUTS, NAMES, OUTPUTS, Rules, Task, Trial, tuning};
use crate::support::{golden, near, numbers};
use neuropil_gating::behaviour::Behaviour;
use serde_json::Value;

const STEPS: usize = 100;

fn trial(name: &Value, condition: &Value) -> Trial {
    let condition: Condition = serde_json::from_value(condition.clone()).expect("a condition");
    Task::named(name.as_str().unwrap()).trial(&condition)
}

/// One value, or row, per step from segments `[start, end), value`.
fn steps(segments: &Value) -> Vec<&Value> {
    let segments = segments.as_array().unwrap().iter();
    segments
        .flat_map(|s| (s[0].as_u64().unwrap()..s[1].as_u64().unwrap()).map(move |_| &s[2]))
        .collect()
}

fn flat(segments: &Value) -> Vec<f64> {
    steps(segments).into_iter().flat_map(numbers).collect()
}

#[test]
fn trials_of_the_twenty_tasks() {
    let Some(file) = golden("tasks20.json") else {
        return;
    };
    near(
        "tuning",
        &tuning(1.0),
        &numbers(&file["tuning_at_1_rad"]),
        1e-12,
        1e-12,
    );
    for task in file["tasks"].as_array().unwrap() {
        assert_eq!(NAMES[task["id"].as_u64().unwrap() as usize], task["name"]);
        for (index, given) in task["trials"].as_array().unwrap().iter().enumerate() {
            let found = trial(&task["name"], &given["condition"]);
            let what = format!("{} {index}", task["name"]);
            assert_eq!(found.inputs.len(), STEPS * INPUTS);
            near(
                &format!("{what}: inputs"),
                &found.inputs,
                &flat(&given["input"]),
                0.0,
                1e-9,
            );
            let targets: Vec<f64> = found.targets.iter().map(|&target| target as f64).collect();
            assert_eq!(targets, flat(&given["target"]), "{what}: targets");
            let table = |rules: Rules| found.rewards(rules).concat();
            assert_eq!(
                table(Rules::Reference),
                flat(&given["reward_reference"]),
                "{what}: rewards"
            );
            if !given["reward_strict"].is_null() {
                assert_eq!(
                    table(Rules::Strict),
                    flat(&given["reward_strict"]),
                    "{what}: strict rewards"
                );
            }
            assert_eq!(table(Rules::Strict).len(), STEPS * OUTPUTS);
        }
    }
}

fn actions(segments: &Value) -> Vec<usize> {
    flat(segments).into_iter().map(|action| action as usize).collect()
}

#[test]
fn what_actions_earn() {
    let Some(file) = golden("rl_rollouts.json") else {
        return;
    };
    for case in file["cases"].as_array().unwrap() {
        let rules = if case["hold"] == "strict" {
            Rules::Strict
        } else {
            Rules::Reference
        };
        let played = trial(&case["task"], &case["condition"]).play(rules, &actions(&case["actions"]));
        let live: Vec<f64> = played
            .live
            .iter()
            .map(|&live| f64::from(u8::from(live)))
            .collect();
        assert_eq!(live, flat(&case["live"]), "{}", case["label"]);
        let mut expected = vec![0.0; STEPS];
        for pair in case["reward"].as_array().unwrap() {
            expected[pair[0].as_u64().unwrap() as usize] = pair[1].as_f64().unwrap();
        }
        assert_eq!(played.rewards, expected, "{}", case["label"]);
        assert_eq!(
            (played.earned(), played.is_correct()),
            (
                case["return"].as_f64().unwrap(),
                case["correct"].as_bool().unwrap()
            )
        );
    }
}

#[test]
fn what_counts_as_right() {
    let Some(file) = golden("accuracy.json") else {
        return;
    };
    for case in file.as_array().unwrap() {
        let (mut n, mut right) = (0, 0);
        for (index, condition) in case["conditions"].as_array().unwrap().iter().enumerate() {
            let (trial, answers) = (trial(&case["task"], condition), actions(&case["pred"][index]));
            let found = Behaviour::of(&trial.wanted(), &answers, FIXATE, OUTPUTS);
            (n, right) = (n + found.steps, right + found.right);
            let (kept, answer) = (found.kept, found.answer);
            let expected = numbers(&case["trial_fixation_fraction_and_majority_response"][index]);
            near("behaviour", &[kept, answer as f64], &expected, 1e-12, 0.0);
        }
        assert_eq!(n, case["steps_counted"].as_u64().unwrap() as usize);
        near(
            "accuracy",
            &[right as f64 / n as f64],
            &numbers(&case["reference_accuracy"]),
            1e-12,
            0.0,
        );
    }
}
