//! Networks that begin with what others have learnt.

use crate::support::SMALL;
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_math::arrays::Values;
use std::path::Path;
use std::process::Command;

/// Rates that move no weight: what a run begins with is what it ends with.
const STILL: &[&str] = &[
    "--set",
    "policy.learning_rate=1e-30",
    "--set",
    "value.learning_rate=1e-30",
];

fn neuropil(folder: &Path, args: &[&[&str]]) {
    let args = args.concat();
    let output = Command::new(env!("CARGO_BIN_EXE_neuropil"))
        .args(&args)
        .current_dir(folder)
        .output()
        .expect("the command starts");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {words}");
}

fn array(folder: &Path, run: &str, name: &str) -> (Vec<usize>, Values) {
    let path = folder.join(run).join("checkpoint/last.safetensors");
    let mut checkpoint = Checkpoint::load(&path).expect("a checkpoint");
    checkpoint
        .arrays
        .remove(name)
        .unwrap_or_else(|| panic!("{run} has no {name}"))
}

/// What the log says was taken from another run.
fn taken(folder: &Path, run: &str) -> serde_json::Value {
    let log = std::fs::read_to_string(folder.join(run).join("log.jsonl")).expect("a log");
    let mut events = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    events
        .find(|event| event["taken"].is_array())
        .expect("the log says what was taken")
}

#[test]
fn a_run_goes_on_in_a_new_one_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    neuropil(
        path,
        &[&["-q", "train", "rdm", "--out", "run", "--updates", "20"], SMALL],
    );
    let before = std::fs::read(path.join("run/checkpoint/last.safetensors")).unwrap();
    neuropil(
        path,
        &[&["-q", "train", "run", "--updates", "5", "--only"], STILL],
    );
    assert!(before == std::fs::read(path.join("run/checkpoint/last.safetensors")).unwrap());
    for name in ["policy.w_rec", "policy.w_in", "policy.w_out", "value.w_rec"] {
        assert!(
            array(path, "run", name) == array(path, "run-further", name),
            "{name}"
        );
    }
    let taken = taken(path, "run-further");
    assert_eq!(
        (taken["from"].as_str(), taken["optimiser"].as_bool()),
        (Some("run"), Some(true))
    );
    assert_eq!(taken["drawn"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_run_in_the_place_of_a_task_is_resumed_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let train = |what: &str, out: &str, updates: &str, more: &[&str]| {
        let first = ["-q", "train", what, "--updates", updates];
        let place: &[&str] = if out.is_empty() { &[] } else { &["--out", out] };
        neuropil(here, &[&first, place, more]);
    };
    train("rdm", "whole", "6", SMALL);
    train("rdm", "parts", "3", SMALL);
    train("parts", "", "6", &["--only", "--resume"]);
    assert!(array(here, "whole", "policy.w_rec") == array(here, "parts", "policy.w_rec"));
    assert!(!here.join("parts-further").exists());
    // What was begun with another run elsewhere is resumed there by the same words.
    train("parts", "beyond", "2", &["--only"]);
    train("parts", "beyond", "4", &["--only", "--resume"]);
    assert_eq!(taken(here, "beyond")["from"], "parts");
}

#[test]
fn another_task_takes_the_arrays_that_fit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    neuropil(
        path,
        &[&["-q", "train", "rdm", "--out", "run", "--updates", "20"], SMALL],
    );
    let other = [
        "-q",
        "train",
        "wager",
        "--from",
        "run",
        "--out",
        "other",
        "--updates",
        "5",
    ];
    neuropil(path, &[&other, SMALL, STILL]);
    assert!(array(path, "run", "policy.w_rec") == array(path, "other", "policy.w_rec"));
    assert!(array(path, "run", "policy.w_out").0 != array(path, "other", "policy.w_out").0);
    let taken = taken(path, "other");
    let has = |list: &str, name: &str| {
        taken[list]
            .as_array()
            .expect("a list")
            .iter()
            .any(|one| one == name)
    };
    assert!(
        has("taken", "policy.w_rec") && has("drawn", "policy.w_out"),
        "{taken}"
    );
    assert_eq!(taken["optimiser"], false);
}
