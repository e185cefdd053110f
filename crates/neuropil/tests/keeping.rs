//! Runs that are killed, shared, archived, damaged: what goes wrong is said, and nothing is lost or mixed.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use crate::support::{SMALL, killed_mid_run};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuropil"));
    command.args(args).current_dir(folder).env("NO_COLOR", "1");
    command
}

fn neuropil(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().expect("the command starts")
}

fn done(folder: &Path, args: &[&str]) {
    let output = neuropil(folder, args);
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Refused with exit code 2; the message on one line.
fn refused(folder: &Path, args: &[&str]) -> String {
    let output = neuropil(folder, args);
    let words = String::from_utf8_lossy(&output.stderr)
        .replace("\n  │", "")
        .replace("\n        ", " ");
    assert_eq!(output.status.code(), Some(2), "{args:?}: {words}");
    words
}

fn train<'a>(out: &'a str, updates: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [
        &["-q", "train", "rdm", "--out", out, "--updates", updates],
        SMALL,
        more,
    ]
    .concat()
}

/// Bytes of every file of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            let inner = files(&entry.path()).into_iter();
            all.extend(inner.map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            all.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    all
}

#[test]
fn force_on_a_run_in_use_touches_nothing_and_is_not_recommended() {
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    done(here, &train("run", "10", &[]));
    let mut child = command(here, &train("run", "1000000", &["--resume"]))
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let words = loop {
        let words = refused(here, &train("run", "10", &[]));
        if words.contains("in use") {
            break words;
        }
    };
    assert!(!words.contains("--force"), "{words}");
    let words = refused(here, &train("run", "10", &["--force"]));
    assert!(words.contains("in use"), "{words}");
    assert!(here.join("run/checkpoint/best.safetensors").exists());
    child.kill().expect("SIGKILL");
    child.wait().expect("it ends");
}

#[test]
fn settings_that_were_removed_do_not_make_an_old_network_that_of_another_seed() {
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    done(here, &train("run", "10", &[]));
    fs::remove_file(here.join("run/config.toml")).unwrap();
    for more in [&["--seed", "2"][..], &["--seed", "2", "--resume"]] {
        let words = refused(here, &train("run", "20", more));
        assert!(words.contains("not its `config.toml`"), "{words}");
    }
    done(here, &train("run", "20", &["--seed", "2", "--force"]));
    done(here, &train("fresh", "20", &["--seed", "2"]));
    let last = |run: &str| fs::read(here.join(run).join("checkpoint/last.safetensors")).unwrap();
    assert!(last("run") == last("fresh"));
}

#[test]
fn the_checkpoint_of_another_seed_and_a_flipped_bit_in_a_name_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    done(here, &train("one", "10", &[]));
    done(here, &train("two", "10", &["--seed", "2"]));
    let whole = files(&here.join("one"));
    for name in ["last", "best"] {
        let file = format!("checkpoint/{name}.safetensors");
        fs::copy(here.join("two").join(&file), here.join("one").join(&file)).unwrap();
        refused(here, &train("one", "20", &["--resume"]));
        refused(here, &["test", "one", "--trials-per-condition", "2"]);
        let mut flipped = whole[&file].clone();
        let mask = b"policy.mask.w_rec";
        let at = flipped
            .windows(mask.len())
            .position(|at| at == mask)
            .expect("a sparse network");
        flipped[at] ^= 1;
        fs::write(here.join("one").join(&file), flipped).unwrap();
        refused(here, &["test", "one", "--trials-per-condition", "2"]);
        fs::write(here.join("one").join(&file), &whole[&file]).unwrap();
    }
    done(here, &["test", "one", "--trials-per-condition", "2"]);
}

#[test]
fn one_bad_byte_in_the_log_is_refused_and_the_log_left_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    done(here, &train("run", "20", &[]));
    let log = here.join("run/log.jsonl");
    let mut bytes = fs::read(&log).unwrap();
    bytes[3] = 0xff;
    fs::write(&log, &bytes).unwrap();
    let words = refused(here, &train("run", "40", &["--resume"]));
    assert!(
        words.contains("log.jsonl: damaged") && words.contains("line 1"),
        "{words}"
    );
    assert!(fs::read(&log).unwrap() == bytes);
}

#[test]
fn the_files_of_one_recording_are_read_as_one() {
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    done(here, &train("run", "10", &[]));
    let record = |seed: &str| {
        done(here, &["test", "run", "--trials-per-condition", "3"]);
        done(
            here,
            &[
                "test",
                "run",
                "--kind",
                "activity",
                "--trials-per-condition",
                "2",
                "--seed",
                seed,
            ],
        );
    };
    record("5");
    let other = files(&here.join("run/trials"));
    record("6");
    done(here, &["analyse", "run", "learning-curve"]);
    let whole = files(&here.join("run/trials"));
    // As a kill between the two files left them, once: trials of one seed, rates of the other.
    for name in ["activity.csv", "activity.npz"] {
        fs::write(here.join("run/trials").join(name), &other[name]).unwrap();
        for args in [&["analyse", "run"][..], &["export", "run", "--npz", "a.npz"]] {
            let words = refused(here, args);
            assert!(words.contains("of another moment"), "{words}");
        }
        fs::write(here.join("run/trials").join(name), &whole[name]).unwrap();
    }
    // Written beside the table, and read back with it.
    for name in ["test.csv", "test.npz", "activity.csv"] {
        let cut = &whole[name][..whole[name].len() - 4];
        fs::write(here.join("run/trials").join(name), cut).unwrap();
        refused(here, &["analyse", "run"]);
        fs::write(here.join("run/trials").join(name), &whole[name]).unwrap();
    }
    done(here, &["export", "run", "--npz", "a.npz"]);
}

#[test]
fn a_run_that_may_only_be_read_is_tested_analysed_and_reported_elsewhere() {
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    done(here, &train("run", "10", &[]));
    done(here, &["test", "run", "--trials-per-condition", "3"]);
    fs::remove_file(here.join("run/.lock")).unwrap();
    let before = files(&here.join("run"));
    done(
        here,
        &["test", "run", "--trials-per-condition", "5", "--out", "mine"],
    );
    done(here, &["analyse", "run", "learning-curve", "--out", "mine"]);
    done(here, &["report", "run", "--out", "mine"]);
    done(
        here,
        &[
            "probe",
            "run",
            "--silence",
            "1",
            "--trials-per-condition",
            "5",
            "--out",
            "mine",
        ],
    );
    done(here, &["export", "run", "--safetensors", "w.safetensors"]);
    assert!(
        files(&here.join("run")) == before,
        "nothing was written, not even a lock"
    );
    for file in ["trials/test.csv", "results/learning-curve.json", "report.html"] {
        assert!(here.join("mine").join(file).is_file(), "{file}");
    }
    let page = fs::read_to_string(here.join("mine/report.html")).unwrap();
    assert!(
        page.contains("In 50 test trials"),
        "the trials beside the run count, not its own"
    );
}

#[cfg(unix)]
#[test]
fn paths_that_are_no_text_are_paths() {
    use std::os::unix::ffi::OsStrExt;
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    let name = std::ffi::OsStr::from_bytes(b"r\xffn");
    let args = train("", "10", &[]);
    let mut command = command(here, &args[..3]);
    let output = command.arg("--out").arg(name).args(&args[5..]).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(here.join(name).join("checkpoint/best.safetensors").is_file());
}

#[test]
fn what_killed_writers_left_is_removed() {
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    done(here, &train("run", "10", &[]));
    let left = [
        "checkpoint/.writing-abc123.tmp",
        "checkpoint/.last.safetensors-abc123.writing",
        "trials/.test.csv-abc123.writing",
    ];
    for name in left {
        fs::write(here.join("run").join(name), "half").unwrap();
    }
    done(here, &["test", "run", "--trials-per-condition", "2"]);
    for name in left {
        assert!(!here.join("run").join(name).exists(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn the_umask_decides_who_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    let run = format!(
        "umask 077; exec {} {}",
        env!("CARGO_BIN_EXE_neuropil"),
        train("run", "5", &[]).join(" ")
    );
    assert!(
        Command::new("sh")
            .args(["-c", &run])
            .current_dir(here)
            .status()
            .unwrap()
            .success()
    );
    let mode = |file: &str| {
        fs::metadata(here.join("run").join(file))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("checkpoint/best.safetensors"), 0o600);
    assert_eq!(mode("config.toml"), 0o600);
}

#[cfg(unix)]
#[test]
fn links_and_streams_are_written_through() {
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    done(here, &train("run", "5", &[]));
    fs::write(here.join("real"), "old").unwrap();
    std::os::unix::fs::symlink("real", here.join("link")).unwrap();
    done(here, &["export", "run", "--safetensors", "link"]);
    assert!(fs::symlink_metadata(here.join("link")).unwrap().is_symlink());
    let written = fs::read(here.join("real")).unwrap();
    assert!(written.len() > 1000);
    let piped = neuropil(here, &["export", "run", "--safetensors", "/dev/stdout"]);
    assert!(
        piped.stdout == written,
        "{}",
        String::from_utf8_lossy(&piped.stderr)
    );
}

#[cfg(unix)]
#[test]
fn nohup_is_obeyed() {
    // What a shell finds ignored it cannot obey again: under `nohup cargo test` every run would go on for ever.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    if ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1)) {
        eprintln!("skipped: hang-ups are ignored here");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    let run = |before: &str, updates: &'static str, signal: &str| {
        let words = train("run", updates, &["--force"]).join(" ");
        // The shell waits until the run has a log, hangs up on it, and asks how it ended.
        let script = format!(
            "{before} {} {words} >/dev/null 2>&1 & until [ -s run/log.jsonl ]; do sleep 0.01; done; kill -{signal} $!; wait $!",
            env!("CARGO_BIN_EXE_neuropil")
        );
        let status = Command::new("sh")
            .args(["-c", &script])
            .current_dir(here)
            .status();
        status.expect("the shell starts").code()
    };
    assert_eq!(
        run("", "1000000", "HUP"),
        Some(129),
        "a hang-up stops a run after a clean checkpoint"
    );
    fs::remove_dir_all(here.join("run")).unwrap();
    assert_eq!(run("", "1000000", "TERM"), Some(143), "as Slurm ends its jobs");
    fs::remove_dir_all(here.join("run")).unwrap();
    assert_eq!(
        run("nohup", "600", "HUP"),
        Some(0),
        "and does not, where it is to be ignored"
    );
}

#[test]
fn an_import_that_was_killed_half_way_is_done_again() {
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    done(here, &train("run", "5", &[]));
    done(here, &["export", "run", "--safetensors", "w.safetensors"]);
    let args = [
        "import",
        "rdm",
        "w.safetensors",
        "--out",
        "imported",
        "--dt",
        "50",
        "--set",
        "policy.units=20",
        "--set",
        "value.units=20",
    ];
    done(here, &args);
    // Before the first checkpoint was there.
    for file in ["last.safetensors", "best.safetensors", "state.json"] {
        fs::remove_file(here.join("imported/checkpoint").join(file)).unwrap();
    }
    done(here, &args);
    done(here, &["test", "imported", "--trials-per-condition", "2"]);
    let words = refused(here, &args);
    assert!(words.contains("unfinished"), "{words}");
}

#[test]
fn a_run_that_ended_by_its_target_does_not_train_on() {
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    let args = [
        &[
            "-q",
            "train",
            "rdm",
            "--out",
            "run",
            "--resume",
            "--set",
            "training.target_reward=-1",
        ],
        SMALL,
    ]
    .concat();
    let code = neuropil(here, &args).status.code();
    assert!([Some(0), Some(1)].contains(&code), "{code:?}");
    let before = files(&here.join("run"));
    neuropil(here, &args);
    let after = files(&here.join("run"));
    for name in before.keys().filter(|name| *name != "provenance.json") {
        assert!(before[name] == after[name], "{name} changed");
    }
}

#[test]
fn a_run_killed_at_its_first_checkpoints_has_its_best_network() {
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    let args = train("run", "200", &[]);
    let landed = (0..5).filter(|_| {
        let _ = fs::remove_dir_all(here.join("run"));
        let landed = killed_mid_run(&mut command(here, &args), &here.join("run"), 1);
        let resume = [&args[..], &["--resume"]].concat();
        done(here, &resume);
        done(here, &["test", "run", "--trials-per-condition", "2"]);
        landed
    });
    assert!(landed.count() >= 4);
}

#[test]
fn a_gradient_that_overflows_before_a_check_leaves_a_state_that_can_be_read() {
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    let args = |out: &'static str, updates: &'static str| {
        let wild = [
            "--set",
            "policy.cell=leaky",
            "--set",
            "value.cell=leaky",
            "--set",
            "policy.spectral_radius=8",
            "--set",
            "value.spectral_radius=8",
            "--resume",
        ];
        train(out, updates, &wild)
    };
    neuropil(here, &args("run", "20"));
    let state = fs::read_to_string(here.join("run/checkpoint/state.json")).unwrap();
    assert!(!state.contains("null"), "{state}");
    let output = neuropil(here, &args("run", "40"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || words.contains("not finite"), "{words}");
}
