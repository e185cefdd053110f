//! Output that nobody reads, that cannot be written, or that a file tries to command.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use crate::support::SMALL;
use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Every form of a command that prints and needs no long work; `brain`, `run` and small files are made before.
const FORMS: &[&[&str]] = &[
    &["--help"],
    &["--version"],
    &["train", "--help"],
    &["tasks"],
    &["tasks", "--json"],
    &["tasks", "--schema"],
    &["tasks", "rdm"],
    &["tasks", "rdm", "--toml"],
    &["tasks", "rdm", "--json"],
    &["tasks", "bandit"],
    &["tasks", "wager", "--draw", "wager.svg"],
    &["completions", "bash"],
    &["completions", "zsh"],
    &["analyse", "--list"],
    &["analyse", "--list", "--json"],
    &["analyse", "run", "weights"],
    &["analyse", "run", "weights", "--json"],
    &["report", "run"],
    &["report", "run", "--json"],
    &["test", "run", "--trials-per-condition", "2"],
    &["test", "run", "--trials-per-condition", "2", "--json"],
    &["test", "run", "--kind", "activity", "--trials-per-condition", "1"],
    &[
        "test",
        "run",
        "--kind",
        "activity",
        "--trials-per-condition",
        "1",
        "--json",
    ],
    &["probe", "run", "--silence", "3", "--trials-per-condition", "2"],
    &[
        "probe",
        "run",
        "--silence",
        "3",
        "--trials-per-condition",
        "2",
        "--json",
    ],
    &["fixed-points", "run", "--starts", "3"],
    &["fixed-points", "run", "--starts", "3", "--json"],
    &["export", "run", "--safetensors", "w.safetensors", "--json"],
    &["export", "run", "--npz", "run.npz"],
    &["connectome", "stats", "brain"],
    &["connectome", "stats", "brain", "--json"],
    &["connectome", "stats", "brain", "--format", "csv"],
    &["connectome", "flow", "brain"],
    &["connectome", "edges", "brain", "--json"],
    &["connectome", "import", "brain", "--out", "again"],
    &["connectome", "import", "brain", "--out", "again", "--json"],
    &["connectome", "simulate", "brain-2", "--pairs", "20"],
    &["connectome", "simulate", "brain-2", "--pairs", "20", "--json"],
    &["connectome", "hubs", "brain"],
    &["connectome", "symmetry", "brain", "--json"],
    &["connectome", "--help"],
    &["settings"],
    &["settings", "--markdown"],
    &["settings", "--json"],
    &["compare", "run", "run", "--out", "side-by-side"],
    &["gating", "data", "check", "digits.csv"],
    &["gating", "data", "check", "digits.csv", "--json"],
    &["successor", "worlds"],
    &["successor", "worlds", "four-rooms"],
    &["successor", "check", "track.csv"],
    &["successor", "check", "track.csv", "--json"],
    &["successor", "walk", "--steps", "100", "--out", "walk.npz"],
    &["neuronid", "check", "worm.csv", "--unit", "um"],
    &["neuronid", "check", "worm.csv", "--unit", "um", "--json"],
    &[
        "neuronid",
        "predict",
        "--template",
        "worm.csv",
        "--test",
        "worm.csv",
        "--unit",
        "um",
    ],
    &["enhancers", "adjust", "p.tsv"],
    &["enhancers", "adjust", "p.tsv", "--json"],
    &[
        "enhancers",
        "associate",
        "matrix.tsv",
        "--tree",
        "tree.nwk",
        "--traits",
        "traits.csv",
        "--column",
        "size",
        "--only-scan",
    ],
];

/// Small files of every system, by name.
fn inputs() -> Vec<(&'static str, String)> {
    let row = |i: i32| {
        let t = f64::from(i) / 30.0;
        format!(
            "{t:.4},{:.3},{:.3}\n",
            35.0 + 30.0 * t.cos(),
            35.0 + 30.0 * (1.3 * t).sin()
        )
    };
    let names = ["AVAL", "AVAR", "RIML", "RIMR", "ASHL", "ASHR", "RMEL", "RMER"];
    let neuron = |(i, name): (usize, &&str)| format!("{},{},{},{name}\n", 10 * i, 3 * (i % 4), 2 * (i % 3));
    let values = |offset: usize| {
        (0..6)
            .map(|i| format!("\t0.{}", 1 + (3 * i + offset) % 8))
            .collect::<String>()
    };
    vec![
        (
            "track.csv",
            format!("t,x,y\n{}", (0..900).map(row).collect::<String>()),
        ),
        (
            "worm.csv",
            format!(
                "x,y,z,name\n{}",
                names.iter().enumerate().map(neuron).collect::<String>()
            ),
        ),
        (
            "digits.csv",
            "label,p1,p2,p3,p4\n0,0,255,3,9\n1,255,0,4,8\n0,1,250,0,0\n1,251,2,9,9\n".to_owned(),
        ),
        ("p.tsv", "region\tp\tcoef\nr1\t0.01\t1\nr2\t0.4\t-1\n".to_owned()),
        (
            "tree.nwk",
            "(((a:1,b:1):1,(c:1,d:1):1):1,(e:1,f:1):2);\n".to_owned(),
        ),
        (
            "traits.csv",
            "species,size\na,1\nb,2\nc,4\nd,3\ne,7\nf,5\n".to_owned(),
        ),
        (
            "matrix.tsv",
            format!("region\ta\tb\tc\td\te\tf\nr1{}\nr2{}\n", values(0), values(2)),
        ),
    ]
}

fn command(args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuropil"));
    command
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in inputs() {
        std::fs::write(folder.path().join(name), content).expect("a file");
    }
    let train = [
        &["train", "rdm", "--out", "run", "--updates", "10", "--quiet"],
        SMALL,
    ]
    .concat();
    for args in [
        &train[..],
        &["test", "run", "--trials-per-condition", "4"],
        &["test", "run", "--kind", "activity", "--trials-per-condition", "2"],
        &["connectome", "simulate", "brain", "--pairs", "20"],
    ] {
        let output = command(args, folder.path()).output().expect("the command starts");
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    folder
}

/// A pipe whose reader is gone.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn ended_well(args: &[&str], status: ExitStatus, said: &[u8]) {
    let said = String::from_utf8_lossy(said);
    assert!(!said.contains("panicked"), "{args:?}: {said}");
    assert!(matches!(status.code(), Some(0 | 1)), "{args:?}: {status}: {said}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = prepared();
    for args in FORMS {
        let output = command(args, folder.path())
            .stdout(closed())
            .output()
            .expect("the command starts");
        ended_well(args, output.status, &output.stderr);
        let silent = command(args, folder.path())
            .stderr(closed())
            .output()
            .expect("the command starts");
        ended_well(args, silent.status, &[]);
    }
}

#[test]
fn a_full_disk_behind_standard_output_is_told() {
    if !Path::new("/dev/full").exists() {
        eprintln!("skipped: no /dev/full here");
        return;
    }
    let folder = prepared();
    for args in FORMS {
        let full = OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("it opens");
        let output = command(args, folder.path())
            .stdout(full)
            .output()
            .expect("the command starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{args:?}: {said}");
        let prints = command(args, folder.path()).output().expect("the command starts");
        if !prints.stdout.is_empty() {
            assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        }
    }
}

#[test]
fn training_goes_on_when_nobody_listens() {
    let folder = tempfile::tempdir().expect("a folder");
    let train = [
        &["train", "rdm", "--out", "run", "--updates", "20", "--json"],
        SMALL,
    ]
    .concat();
    let output = command(&train, folder.path())
        .stderr(closed())
        .output()
        .expect("the command starts");
    assert_eq!(output.status.code(), Some(0));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(summary["updates"], 20);
    let output = command(&[&train[..], &["--force"]].concat(), folder.path())
        .stdout(closed())
        .output();
    ended_well(
        &train,
        output.as_ref().expect("it starts").status,
        &output.as_ref().expect("it starts").stderr,
    );
    assert!(folder.path().join("run/checkpoint/best.safetensors").exists());
}

#[test]
fn names_in_files_do_not_command_the_terminal_nor_lead_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let task = command(&["tasks", "rdm", "--toml"], folder.path())
        .output()
        .expect("it starts")
        .stdout;
    let task = String::from_utf8(task).expect("text");
    let evil = task.replacen("name = \"rdm\"", "name = \"../../x\\u001b[31m\"", 1);
    assert_ne!(task, evil);
    std::fs::create_dir_all(folder.path().join("a/b")).expect("folders");
    let inner = folder.path().join("a/b");
    std::fs::write(inner.join("evil.toml"), evil).expect("a file");
    let told = command(&["tasks", "evil.toml"], &inner)
        .output()
        .expect("it starts");
    let train = [&["train", "evil.toml", "--updates", "5"], SMALL].concat();
    let trained = command(&train, &inner).output().expect("it starts");
    for output in [&told, &trained] {
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(
            !output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b),
            "{message}"
        );
    }
    assert!(!inner.join("runs").exists());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn the_largest_seed_is_a_seed() {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = u64::MAX.to_string();
    let train = [
        &[
            "train",
            "rdm",
            "--seed",
            &seed,
            "--out",
            "run",
            "--updates",
            "10",
            "--json",
        ],
        SMALL,
    ]
    .concat();
    let trained = command(&train, folder.path()).output().expect("it starts");
    assert!(
        trained.status.success(),
        "{}",
        String::from_utf8_lossy(&trained.stderr)
    );
    let summary: serde_json::Value = serde_json::from_slice(&trained.stdout).expect("JSON");
    assert_eq!(summary["seed"].as_u64(), Some(u64::MAX));
    let again = command(&[&train[..], &["--resume"]].concat(), folder.path())
        .output()
        .expect("it starts");
    assert!(
        again.status.success(),
        "{}",
        String::from_utf8_lossy(&again.stderr)
    );
    let tested = command(
        &[
            "test",
            "run",
            "--trials-per-condition",
            "2",
            "--json",
            "--seed",
            &seed,
        ],
        folder.path(),
    );
    let tested = { tested }.output().expect("it starts");
    let tested: serde_json::Value = serde_json::from_slice(&tested.stdout).expect("JSON");
    assert_eq!(tested["seed"].as_u64(), Some(u64::MAX));
}
