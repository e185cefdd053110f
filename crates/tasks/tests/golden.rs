//! Every row of every published task against reference tables.

use neuropil_math::rng::{Key, Purpose};
use neuropil_tasks::registry;
use neuropil_tasks::task::Task;
use neuropil_tasks::trial::Trial;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os("NEUROPIL_GOLDEN").map(|folder| PathBuf::from(folder).join("song"));
    let shared = here.join("../../../shared/golden/song");
    given
        .or_else(|| shared.is_dir().then_some(shared))
        .unwrap_or_else(|| here.join("tests/data"))
}

/// Our factors (as text) and fixed durations for a reference condition.
fn translate(task: &str, c: &Value) -> (BTreeMap<String, String>, BTreeMap<String, f64>) {
    let (mut factors, mut durations) = (BTreeMap::new(), BTreeMap::new());
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let mut factor = |name: &str, value: String| {
        factors.insert(name.to_owned(), value);
    };
    let mut last = |name: &str, key: &str| {
        durations.insert(name.to_owned(), c[key].as_f64().unwrap());
    };
    match task {
        "rdm_fixed" | "rdm_rt" => {
            factor("direction", text(&c["lr"]));
            factor("coherence", text(&c["coh"]));
            if task == "rdm_fixed" {
                last("stimulus", "stim");
            }
        }
        "mante" => {
            factor(
                "context",
                if c["context"] == "m" { "motion" } else { "color" }.to_owned(),
            );
            for (ours, theirs) in [
                ("direction_motion", "lm"),
                ("direction_color", "lc"),
                ("coherence_motion", "cm"),
                ("coherence_color", "cc"),
            ] {
                factor(ours, text(&c[theirs]));
            }
            last("delay", "delay");
        }
        "multisensory" => {
            let name = match c["mod"].as_str().unwrap() {
                "v" => "visual",
                "a" => "auditory",
                _ => "both",
            };
            factor("modality", name.to_owned());
            factor("rate", text(&c["freq"]));
        }
        "romo" => {
            factor(
                "order",
                if c["gt_lt"] == ">" { "greater" } else { "less" }.to_owned(),
            );
            factor("high", text(&c["fpair"][0]));
            factor("low", text(&c["fpair"][1]));
            last("delay", "delay");
        }
        "postdecisionwager" => {
            factor(
                "wager",
                if c["wager"].as_bool().unwrap() {
                    "yes"
                } else {
                    "no"
                }
                .to_owned(),
            );
            factor("direction", text(&c["lr"]));
            factor("coherence", text(&c["coh"]));
            last("stimulus", "stim");
            last("delay", "delay");
            last("sure.wait", "sure");
        }
        _ => {
            factor("left_juice", text(&c["juice"][0]));
            factor("n_b", text(&c["offer"][0]));
            factor("n_a", text(&c["offer"][1]));
            last("offer-on", "offer_on");
        }
    }
    (factors, durations)
}

/// A reference table in runs, spread over the steps.
fn spread(runs: &Value) -> Vec<Value> {
    let mut steps = Vec::new();
    for run in runs.as_array().unwrap() {
        for _ in run[0].as_u64().unwrap()..run[1].as_u64().unwrap() {
            steps.push(run[2].clone());
        }
    }
    steps
}

fn check(name: &str, trial: &Trial, case: &Value) {
    assert_eq!(
        trial.n_steps as u64,
        case["T_max"].as_u64().unwrap(),
        "{name}: number of steps"
    );
    let (inputs, noise, outcomes) = (
        spread(&case["inputs"]),
        spread(&case["noise_sd"]),
        spread(&case["outcomes"]),
    );
    for k in 0..trial.n_steps {
        let row = trial.row_at(k);
        for (what, found, expected) in [
            ("input", &row.inputs, &inputs[k]),
            ("noise", &row.noise_sd, &noise[k]),
        ] {
            for (i, found) in found.iter().enumerate() {
                let expected = expected[i].as_f64().unwrap();
                assert!(
                    (found - expected).abs() < 1e-12,
                    "{name}, index {k}: {what} {i} is {found}, not {expected}"
                );
            }
        }
        for (a, found) in row.outcomes.iter().enumerate() {
            let (reward, ends, outcome) = (&outcomes[k][a][0], &outcomes[k][a][1], &outcomes[k][a][2]);
            let at = format!("{name}, index {k}, action {a}");
            assert!(
                (found.reward - reward.as_f64().unwrap()).abs() < 1e-12,
                "{at}: reward {}",
                found.reward
            );
            assert_eq!(found.ends, ends.as_bool().unwrap(), "{at}: ends");
            let kind = match (found.chosen, found.correct) {
                (_, Some(true)) => Value::from("correct"),
                (_, Some(false)) => Value::from("wrong"),
                (true, None) => Value::from("sure"),
                (false, None) => Value::Null,
            };
            assert_eq!(&kind, outcome, "{at}: outcome");
        }
    }
}

#[test]
fn every_table_matches() {
    let mut n_cases = 0;
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files
        .iter()
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("tasks"))
    {
        let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        for (i, case) in cases.iter().enumerate() {
            let reference = case["task"].as_str().unwrap();
            let name = format!("{}, case {i} ({reference})", file.display());
            let task: Task =
                registry::find(reference, case["dt"].as_f64()).unwrap_or_else(|e| panic!("{name}: {e}"));
            let (factors, durations) = translate(reference, &case["condition"]);
            let condition = task
                .find_condition(&factors)
                .unwrap_or_else(|| panic!("{name}: no such condition"));
            let trial = task.compile(
                condition,
                &durations,
                &mut Key::new(1).stream(Purpose::Condition, 0),
            );
            check(&name, &trial, case);
            n_cases += 1;
        }
    }
    assert!(n_cases > 0, "no reference tables in {}", folder().display());
}
