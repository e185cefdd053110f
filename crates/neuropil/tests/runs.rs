//! Whole runs through the command: the same bytes whatever the threads and interruptions.

use crate::support::{SMALL, killed_mid_run};
use std::path::Path;
use std::process::{Command, Output};

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
    let args = |out: &'static str| {
        let start = ["-q", "train", "rdm", "--out", out, "--updates", "300", "--resume"];
        [&start[..], SMALL].concat()
    };
    assert!(neuropil(&args("alone"), folder.path()).status.success());
    let run = folder.path().join("killed");
    let landed = (0..20).filter(|kill| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_neuropil"));
        command.args(args("killed")).current_dir(folder.path());
        killed_mid_run(&mut command, &run, 1 + kill % 3)
    });
    let landed = landed.count();
    assert!(landed >= 15, "{landed} of 20 kills landed mid-run");
    let resumed = neuropil(&args("killed"), folder.path());
    assert!(
        resumed.status.success(),
        "{}",
        String::from_utf8_lossy(&resumed.stderr)
    );
    for file in ["last.safetensors", "best.safetensors", "state.json"] {
        let bytes = |out: &str| std::fs::read(folder.path().join(out).join("checkpoint").join(file)).unwrap();
        assert!(
            bytes("alone") == bytes("killed"),
            "{file} of the runs alone and killed differ"
        );
    }
    let without_times = |out: &str| -> Vec<serde_json::Value> {
        let log = std::fs::read_to_string(folder.path().join(out).join("log.jsonl")).unwrap();
        let parse = |line: &str| {
            let mut event: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
            event.as_object_mut().unwrap().remove("at_seconds");
            event
        };
        log.lines().map(parse).collect()
    };
    assert_eq!(
        without_times("alone"),
        without_times("killed"),
        "the end included"
    );
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

/// Runs of other kinds than a table's by reward: task, updates, settings.
const OTHERS: &[(&str, &str, &[&str])] = &[
    (
        "cartpole",
        "30",
        &[
            "--set",
            "training.check_every=5",
            "--set",
            "training.validation_trials=20",
        ],
    ),
    (
        "two-step",
        "10",
        &[
            "--set",
            "training.check_every=2",
            "--set",
            "training.validation_trials=20",
        ],
    ),
    (
        "rdm",
        "20",
        &[
            "--dt",
            "50",
            "--set",
            "policy.units=20",
            "--set",
            "value.units=20",
            "--set",
            "training.check_every=2",
            "--set",
            "training.validation_trials=40",
            "--set",
            "training.continuous=true",
            "--set",
            "training.gae_lambda=0.9",
            "--set",
            "training.standardise_advantage=true",
            "--set",
            "training.entropy_bonus=0.01",
            "--set",
            "policy.excitatory_fraction=0.8",
        ],
    ),
    (
        "rdm",
        "20",
        &[
            "--dt",
            "50",
            "--set",
            "policy.units=20",
            "--set",
            "training.check_every=2",
            "--set",
            "training.validation_trials=40",
            "--set",
            "training.teacher=targets",
        ],
    ),
    (
        "rdm",
        "20",
        &[
            "--dt",
            "50",
            "--set",
            "policy.units=20",
            "--set",
            "value.units=20",
            "--set",
            "policy.cell=lstm",
            "--set",
            "value.cell=lstm",
            "--set",
            "training.check_every=2",
            "--set",
            "training.validation_trials=40",
        ],
    ),
    (
        "rdm",
        "10",
        &[
            "--dt",
            "50",
            "--set",
            "policy.units=20",
            "--set",
            "value.units=20",
            "--set",
            "policy.cell=lstm",
            "--set",
            "value.cell=lstm",
            "--set",
            "training.continuous=true",
            "--set",
            "training.check_every=2",
            "--set",
            "training.validation_trials=40",
        ],
    ),
];

#[test]
fn worlds_continuous_mode_and_teachers_repeat_and_resume_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for (i, (task, updates, settings)) in OTHERS.iter().enumerate() {
        let args = |out: &str, more: &[&str]| {
            let start = ["-q", "train", task, "--only", "--updates", updates, "--out", out];
            let args = [&start[..], settings, more].concat();
            args.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let run = |args: &[String]| {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let output = neuropil(&args, path);
            assert!(
                output.status.success(),
                "{args:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        };
        let (one, three, killed) = (format!("one-{i}"), format!("three-{i}"), format!("killed-{i}"));
        run(&args(&one, &["--threads", "1"]));
        run(&args(&three, &["--threads", "3"]));
        let landed = (0..6).filter(|_| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_neuropil"));
            command.args(args(&killed, &["--resume"])).current_dir(path);
            killed_mid_run(&mut command, &path.join(&killed), 1)
        });
        let landed = landed.count();
        assert!(landed >= 4, "{task}: {landed} of 6 kills landed mid-run");
        run(&args(&killed, &["--resume"]));
        assert!(last(path, &one) == last(path, &three), "{task}: threads matter");
        assert!(last(path, &one) == last(path, &killed), "{task}: kills matter");
    }
}

#[test]
fn continuous_networks_are_tested_at_another_time_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(
        train(path, "run", &["--set", "training.continuous=true"])
            .status
            .success()
    );
    let mut reports = Vec::new();
    for dt in ["50", "25", "10"] {
        let args = ["test", "run", "--trials-per-condition", "8", "--json", "--dt", dt];
        let output = neuropil(&args, path);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let tested: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(tested["n_trials"], 80);
        reports.push(tested["dt_ms"].as_f64());
    }
    assert_eq!(reports, [Some(50.0), Some(25.0), Some(10.0)]);
    let args = ["test", "run", "--kind", "activity", "--trials-per-condition", "4"];
    assert!(
        neuropil(&args, path).status.success(),
        "recordings are chained, too"
    );
}

#[test]
fn a_world_is_explained_trained_tested_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let explained = neuropil(&["tasks", "cartpole"], path);
    let words = String::from_utf8_lossy(&explained.stdout).into_owned();
    for word in [
        "half_length",
        "0.5",
        "Half the length of the pole, m.",
        "steps ≥ 195",
        "PUSH-LEFT",
    ] {
        assert!(words.contains(word), "no `{word}` in: {words}");
    }
    let args = [
        "train",
        "cartpole",
        "--out",
        "run",
        "--updates",
        "10",
        "--json",
        "--set",
        "training.check_every=5",
        "--set",
        "training.validation_trials=20",
    ];
    let output = neuropil(&args, path);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON on standard output");
    let steps = summary["criterion"]["steps"]
        .as_f64()
        .expect("steps are measured");
    assert!(steps >= 5.0 && summary["criterion_met"] == false, "{summary}");
    for file in ["trials/test.csv", "report.html", "figures/learning-curve.png"] {
        assert!(path.join("run").join(file).is_file(), "{file} is missing");
    }
    let tested = neuropil(&["test", "run", "--trials-per-condition", "5", "--json"], path);
    let tested: serde_json::Value = serde_json::from_slice(&tested.stdout).expect("JSON on standard output");
    assert!(tested["criterion"]["balanced"].is_number(), "{tested}");
}

#[test]
fn trainings_that_end_before_their_first_check_have_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for more in [
        &["gating/permuted-digits", "--set", "tasks.n=2"][..],
        &[
            "neuronid/small",
            "--set",
            "network.width=16",
            "--set",
            "training.check_pairs=4",
        ],
    ] {
        let train = [
            &["-q", "train"],
            more,
            &["--updates", "2", "--out", "run", "--force"],
        ]
        .concat();
        let output = neuropil(&train, path);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{train:?}: {said}");
        assert!(path.join("run/report.html").is_file(), "{train:?}: {said}");
    }
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
    assert!(path.join("run/figures/fixed-points-LEFT-0.4.png").is_file());

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
fn an_lstm_is_tested_analysed_exported_and_imported_and_what_it_cannot_do_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let settings = ["--set", "policy.cell=lstm", "--set", "value.cell=lstm"];
    assert!(train(path, "run", &settings).status.success());
    let done = |args: &[&str]| {
        let output = neuropil(args, path);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {words}");
        output.stdout
    };
    done(&["test", "run", "--kind", "activity", "--trials-per-condition", "4"]);
    let tested = done(&["test", "run", "--trials-per-condition", "20", "--json"]);
    let analysed = done(&["analyse", "run", "weights", "--json"]);
    let analysed: serde_json::Value = serde_json::from_slice(&analysed).expect("JSON");
    let blocks = analysed["weights"]["blocks"].as_array().expect("blocks");
    assert_eq!(blocks.len(), 8, "a drive and three gates each");
    done(&["export", "run", "--safetensors", "w.safetensors", "--torch"]);
    let sizes = [
        "--dt",
        "50",
        "--set",
        "policy.units=20",
        "--set",
        "value.units=20",
    ];
    let import = ["import", "rdm", "w.safetensors", "--out", "again"];
    done(&[&import, &sizes[..], &settings].concat());
    let again = done(&["test", "again", "--trials-per-condition", "20", "--json"]);
    assert!(again == tested, "the imported network is another one");
    let no_equations = &["lstm units", "no equations in continuous time"];
    refused(path, &["fixed-points", "run"], no_equations);
    refused(path, &["probe", "run", "--silence", "1"], no_equations);
    refused(
        path,
        &["test", "run", "--dt", "25"],
        &["--dt is 25, expected 50", "count steps"],
    );
    let dale = [
        "train",
        "rdm",
        "--out",
        "bad",
        "--set",
        "policy.excitatory_fraction=0.8",
    ];
    refused(
        path,
        &[&dale, &settings[..]].concat(),
        &["rates of lstm units have both signs"],
    );
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
