//! Whole runs through the command: the same bytes whatever the threads and interruptions, and bad input.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// A run small enough for a test.
const SMALL: &[&str] = &[
    "--only",
    "--dt",
    "50",
    "--set",
    "policy.units=20",
    "--set",
    "value.units=20",
    "--set",
    "training.check_every=5",
    "--set",
    "training.validation_trials=40",
];

fn neuropil(args: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuropil"));
    command
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("the command starts")
}

fn train(folder: &Path, out: &str, more: &[&str]) -> Output {
    let args = [
        &["-q", "train", "rdm", "--out", out, "--updates", "40"],
        SMALL,
        more,
    ]
    .concat();
    neuropil(&args, folder)
}

fn last(folder: &Path, out: &str) -> Vec<u8> {
    std::fs::read(folder.join(out).join("checkpoint/last.safetensors")).expect("a checkpoint")
}

#[test]
fn threads_do_not_change_a_bit() {
    let folder = tempfile::tempdir().unwrap();
    for threads in ["1", "2", "5"] {
        assert!(
            train(folder.path(), threads, &["--threads", threads])
                .status
                .success()
        );
    }
    assert!(
        last(folder.path(), "1") == last(folder.path(), "2"),
        "runs 1 and 2 differ"
    );
    assert!(
        last(folder.path(), "1") == last(folder.path(), "5"),
        "runs 1 and 5 differ"
    );
    assert!(train(folder.path(), "other", &["--seed", "2"]).status.success());
    assert_ne!(
        last(folder.path(), "1"),
        last(folder.path(), "other"),
        "another seed is another run"
    );
}

#[test]
fn a_run_killed_again_and_again_ends_as_if_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    assert!(train(folder.path(), "alone", &[]).status.success());
    let args = [
        &[
            "-q",
            "train",
            "rdm",
            "--out",
            "killed",
            "--updates",
            "40",
            "--resume",
        ],
        SMALL,
    ]
    .concat();
    for kill in 0..20_u64 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_neuropil"))
            .args(&args)
            .current_dir(folder.path())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the command starts");
        std::thread::sleep(Duration::from_millis(7 + kill * 13 % 60));
        child.kill().expect("SIGKILL");
        child.wait().expect("it ends");
    }
    assert!(neuropil(&args, folder.path()).status.success());
    assert!(
        last(folder.path(), "alone") == last(folder.path(), "killed"),
        "runs alone and killed differ"
    );
    let without_times = |out: &str| -> Vec<serde_json::Value> {
        let log = std::fs::read_to_string(folder.path().join(out).join("log.jsonl")).unwrap();
        let parse = |line: &str| {
            let mut event: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
            event.as_object_mut().unwrap().remove("at_seconds");
            event
        };
        log.lines()
            .map(parse)
            .filter(|event| event["event"] == "check")
            .collect()
    };
    assert_eq!(without_times("alone"), without_times("killed"));
}

#[test]
fn the_whole_job_leaves_trials_results_figures_and_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let args: Vec<&str> = SMALL.iter().copied().filter(|&arg| arg != "--only").collect();
    let args = [
        &["train", "rdm", "--out", "run", "--updates", "40", "--json"],
        &args[..],
    ]
    .concat();
    let output = neuropil(&args, folder.path());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON on standard output");
    assert_eq!(
        (summary["task"].as_str(), summary["updates"].as_u64()),
        (Some("rdm"), Some(40))
    );
    for file in [
        "config.toml",
        "provenance.json",
        "trials/test.npz",
        "trials/test.csv",
        "report.html",
        "results/learning-curve.json",
        "figures/learning-curve.png",
    ] {
        assert!(
            folder.path().join("run").join(file).is_file(),
            "{file} is missing"
        );
    }
    let tested = neuropil(
        &["test", "run", "--trials-per-condition", "5", "--json"],
        folder.path(),
    );
    let tested: serde_json::Value = serde_json::from_slice(&tested.stdout).expect("JSON on standard output");
    assert_eq!(tested["conditions"].as_array().map(Vec::len), Some(10));
    assert_eq!(tested["conditions"][0]["n"], 5);
    // The resolved settings are an experiment of their own.
    let again = neuropil(
        &[
            "-q",
            "train",
            "run/config.toml",
            "--out",
            "again",
            "--updates",
            "40",
            "--only",
        ],
        folder.path(),
    );
    assert!(
        again.status.success(),
        "{}",
        String::from_utf8_lossy(&again.stderr)
    );
    assert!(
        last(folder.path(), "run") == last(folder.path(), "again"),
        "runs run and again differ"
    );
}

#[test]
fn a_trained_network_is_probed_exported_and_imported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let small: Vec<&str> = SMALL.iter().copied().filter(|&arg| arg != "--only").collect();
    let done = |args: &[&str]| {
        let output = neuropil(args, path);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    };
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_slice(&done(args)).expect("JSON on standard output")
    };
    done(
        &[
            &["-q", "train", "rdm", "--out", "run", "--updates", "40"],
            &small[..],
        ]
        .concat(),
    );
    let analysed = json(&[
        "analyse",
        "run",
        "weights",
        "single-trial",
        "--trial",
        "3",
        "--json",
    ]);
    assert_eq!(analysed["single-trial"]["trial"], 3);
    assert_eq!(
        analysed["single-trial"]["inputs"].as_array().map(Vec::len),
        Some(3)
    );

    // The trials of a probe are those of `test`, and a current of 0 changes nothing.
    let nothing = json(&[
        "probe",
        "run",
        "--stimulate",
        "2=0",
        "--trials-per-condition",
        "20",
        "--json",
    ]);
    assert_eq!(nothing["percent_unchanged"], 100.0);
    let tested = json(&["test", "run", "--trials-per-condition", "20", "--json"]);
    let close = |a: &serde_json::Value, b: &serde_json::Value| {
        assert!(
            (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 0.02,
            "{a} {b}"
        );
    };
    close(&nothing["intact"]["mean_reward"], &tested["mean_reward"]);
    let silenced: Vec<String> = (0..20).map(|unit| unit.to_string()).collect();
    let silenced = silenced.join(",");
    let probe = json(&[
        "probe",
        "run",
        "--silence",
        &silenced,
        "--trials-per-condition",
        "20",
        "--name",
        "all",
        "--json",
    ]);
    // After so few updates the best network is the fresh one, which reads out nothing yet.
    assert!(
        probe["what"].as_str().unwrap().ends_with("19 silenced"),
        "{probe}"
    );
    assert!(path.join("run/trials/probe-all.csv").is_file());
    done(&[
        "probe",
        "run",
        "--given",
        "run/trials/activity.npz",
        "--name",
        "again",
    ]);
    assert!(path.join("run/trials/probe-again.npz").is_file());
    let points = json(&[
        "fixed-points",
        "run",
        "--starts",
        "10",
        "--input",
        "LEFT=0.4",
        "--json",
    ]);
    assert_eq!(points["inputs"][1], serde_json::json!(["LEFT", 0.4]));
    assert!(path.join("run/figures/fixed-points.png").is_file());

    done(&[
        "export",
        "run",
        "--nwb",
        "a.nwb",
        "--npz",
        "a.npz",
        "--csv",
        "tables",
        "--safetensors",
        "w.safetensors",
    ]);
    assert!(std::fs::read(path.join("a.nwb")).unwrap().starts_with(b"\x89HDF"));
    let rows = std::fs::read_to_string(path.join("tables/trials.csv")).unwrap();
    assert_eq!(rows.lines().count(), 301, "a header and 300 trials");
    done(&["export", "run", "--safetensors", "torch.safetensors", "--torch"]);
    for weights in ["w.safetensors", "torch.safetensors"] {
        let out = weights.replace(".safetensors", "");
        let settings = [
            "--dt",
            "50",
            "--set",
            "policy.units=20",
            "--set",
            "value.units=20",
        ];
        done(&[&["import", "rdm", weights, "--out", &out], &settings[..]].concat());
        let again = json(&["test", &out, "--trials-per-condition", "20", "--json"]);
        assert_eq!(again["conditions"], tested["conditions"], "{weights}");
    }
}

#[test]
fn probes_and_imports_that_cannot_be_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(train(path, "run", &[]).status.success());
    refused(path, &["probe", "run"], &["nothing to probe"]);
    refused(
        path,
        &["probe", "run", "--silence", "20"],
        &["no unit 20", "0 to 19"],
    );
    refused(
        path,
        &["probe", "run", "--stimulate", "a=1"],
        &["`a` is not a unit"],
    );
    refused(
        path,
        &["probe", "run", "--scale", "UP=2"],
        &["no input `UP`", "FIXATION, LEFT, RIGHT"],
    );
    refused(
        path,
        &["probe", "run", "--scale", "LEFT"],
        &["expected NAME=NUMBER"],
    );
    refused(
        path,
        &["probe", "run", "--noise", "0", "--during", "delay"],
        &["no epoch `delay`", "stimulus"],
    );
    refused(
        path,
        &["probe", "run", "--noise", "0", "--name", "a/b"],
        &["not a plain file name"],
    );
    refused(
        path,
        &["fixed-points", "run"],
        &["no trials with activity", "--kind activity"],
    );
    refused(
        path,
        &["export", "run", "--nwb", "a.nwb"],
        &["no trials with activity to export"],
    );
    refused(
        path,
        &["test", "run", "--fix", "delay=100"],
        &["no epoch `delay`"],
    );
    refused(
        path,
        &["analyse", "run", "--window", "5,1"],
        &["not a window in ms"],
    );
    refused(
        path,
        &["import", "rdm", "nowhere.npz", "--out", "bad"],
        &["cannot read"],
    );
    std::fs::write(path.join("text.npz"), "weights").unwrap();
    refused(
        path,
        &["import", "rdm", "text.npz", "--out", "bad"],
        &["not a safetensors or npz file"],
    );
    assert!(
        neuropil(&["export", "run", "--safetensors", "w.safetensors"], path)
            .status
            .success()
    );
    refused(
        path,
        &["import", "rdm", "w.safetensors", "--out", "bad"],
        &["`policy.x0` has shape [20], expected [100]", "policy.units=N"],
    );
}

/// Exit code 2, a message with all of `words`, and no run directory.
fn refused(folder: &Path, args: &[&str], words: &[&str]) {
    let output = neuropil(args, folder);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    // Long lines are wrapped and framed: compare words, not line ends.
    let plain: String = message.chars().filter(|c| !"│╭╰─·×┬▲".contains(*c)).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
    for word in words {
        assert!(plain.contains(word), "{args:?}: no `{word}` in: {plain}");
    }
    assert!(
        !folder.join("bad").exists(),
        "{args:?}: a bad run left a folder behind"
    );
}

#[test]
fn bad_input_is_named_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let train = |settings: &[&str], words: &[&str]| {
        let args = [&["train", "rdm", "--out", "bad"], settings].concat();
        refused(path, &args, words);
    };
    train(&["--dt", "0"], &["dt_ms is 0", "> 0 ms"]);
    train(
        &["--dt", "125"],
        &["longer than epoch `stimulus`", "at most 80 ms"],
    );
    train(
        &["--dt", "7"],
        &["does not divide tmax_ms = 2750", "nearest time steps"],
    );
    train(
        &["--set", "policy.connection_probability=0"],
        &["policy.connection_probability is 0", "(0, 1]"],
    );
    train(
        &["--set", "policy.connection_probability=1.5"],
        &["is 1.5", "(0, 1]"],
    );
    train(&["--set", "policy.units=5"], &["no partner for 5 units"]);
    train(
        &["--set", "policy.units=0"],
        &["policy.units is 0", "whole number ≥ 1"],
    );
    train(&["--set", "policy.units=-3"], &["-3"]);
    train(&["--set", "tau_ms=0"], &["tau_ms is 0", "> 0 ms"]);
    train(&["--set", "tau_ms=5"], &["tau_ms is 5", "at least the time step"]);
    train(
        &["--set", "policy.learning_rate=0"],
        &["policy.learning_rate is 0"],
    );
    train(
        &["--set", "policy.learning_rte=1"],
        &["learning_rte", "did you mean `learning_rate`?"],
    );
    train(&["--set", "policy.learning_rate=fast"], &["learning_rate"]);
    train(
        &["--set", "training.trials_per_update=0"],
        &["training.trials_per_update is 0"],
    );
    train(
        &["--set", "policy.cell=linear"],
        &["policy.cell is linear", "gated or leaky"],
    );
    train(
        &["--set", "policy.input_targets.LEFT=[0.5, 0.2]"],
        &["[0.5, 0.2]"],
    );
    train(
        &["--set", "policy.input_targets.UP=[0, 0.2]"],
        &["no input `UP`", "FIXATION, LEFT, RIGHT"],
    );
    train(&["--set", "preset=song2018"], &["unknown preset `song2018`"]);
    train(&["--set", "nonsense"], &["has no `=`"]);
    train(&["--threads", "0"], &["--threads is 0"]);
    train(&["--seeds", "6..1"], &["6..1"]);
    refused(
        path,
        &["train", "rdmm", "--out", "bad"],
        &["unknown task `rdmm`", "did you mean `rdm`?"],
    );
    refused(path, &["test", "nowhere"], &["not a run directory"]);
    refused(path, &["analyse", "nowhere"], &["not a run directory"]);
    refused(
        path,
        &["analyse", "nowhere", "psychometrics"],
        &["did you mean `psychometric`?"],
    );
}

#[test]
fn checkpoints_that_do_not_fit_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(train(path, "run", &[]).status.success());
    let file: PathBuf = path.join("run/checkpoint/last.safetensors");
    let whole = std::fs::read(&file).unwrap();
    let resume = |more: &[&str]| {
        let args = [
            &[
                "-q",
                "train",
                "rdm",
                "--out",
                "run",
                "--updates",
                "60",
                "--resume",
            ],
            SMALL,
            more,
        ]
        .concat();
        let output = neuropil(&args, path);
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let (code, message) = resume(&[]);
    assert!(code == Some(2) && message.contains("cut short"), "{message}");
    std::fs::write(&file, &whole).unwrap();
    let (code, message) = resume(&["--set", "policy.learning_rate=0.01"]);
    assert!(
        code == Some(2) && message.contains("policy.learning_rate: 0.004 → 0.01"),
        "{message}"
    );
    let again = train(path, "run", &[]);
    let message = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        again.status.code() == Some(2) && message.contains("finished"),
        "{message}"
    );
    assert!(std::fs::read(&file).unwrap() == whole, "nothing was lost");
}
