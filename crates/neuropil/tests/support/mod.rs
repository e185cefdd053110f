//! What the tests of whole commands share.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Starts a command that trains in `run`, and kills it when its log has grown by `lines` validations: mid-run, however
/// fast the machine is. Was it still at work?
pub(crate) fn killed_mid_run(command: &mut Command, run: &Path, lines: usize) -> bool {
    let log = run.join("log.jsonl");
    let read = || std::fs::read_to_string(&log).unwrap_or_default();
    let checks = |text: &str| {
        text.lines()
            .filter(|line| line.contains("\"event\":\"check\""))
            .count()
    };
    // Lines behind the last checkpoint are about to be written anew.
    let state = std::fs::read_to_string(run.join("checkpoint/state.json")).unwrap_or_default();
    let state: serde_json::Value = serde_json::from_str(&state).unwrap_or_default();
    let kept = state["progress"]["history"].as_array().map_or(0, Vec::len);
    let before = read();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let limit = Instant::now() + Duration::from_mins(1);
    loop {
        let now = read();
        if now != before && checks(&now) >= kept + lines {
            break;
        }
        if child.try_wait().expect("it can be asked").is_some() || Instant::now() > limit {
            break;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("it ends").code().is_none()
}

/// A run small enough for a test.
pub(crate) const SMALL: &[&str] = &[
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
