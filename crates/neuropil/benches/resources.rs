//! What the program itself needs: size, start-up, memory, and time for its main job.
//!
//! ```text
//! cargo bench -p neuropil --bench resources
//! ```
//!
//! Start-up is the wall time of a whole process that makes one update and writes its run directory; memory is the
//! largest resident set (`VmHWM` in `/proc`, so Linux alone) of a training run of [`UPDATES`] updates, its
//! validations included. The main job is `train rdm` without flags: trained to criterion, tested, analysed, drawn, with
//! its report. Writes `benches/results/resources.json` and `.md`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

use neuropil_lab::{atomic, provenance};
use neuropil_tasks::registry::PUBLISHED;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_neuropil");
/// Enough for a validation and a checkpoint.
const UPDATES: usize = 60;
/// Start-ups per task; the least counts.
const GOES: usize = 3;
/// Seeds of the main job; the median counts.
const SEEDS: RangeInclusive<u64> = 1..=6;

fn main() {
    if !Path::new("/proc/self/status").exists() {
        eprintln!("resources: memory is read from /proc, which this system lacks");
        std::process::exit(2);
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let megabytes = std::fs::metadata(PROGRAM).expect("the program").len() as f64 / 1e6;
    let rows: Vec<Value> = PUBLISHED
        .iter()
        .map(|task| {
            let start_up = (0..GOES)
                .map(|go| train(task, 1, &folder.path().join(format!("{task}-{go}"))).0)
                .fold(f64::INFINITY, f64::min);
            let (_, memory) = train(task, UPDATES, &folder.path().join(task));
            println!("{task}: start-up and one update {start_up:.3} s, memory {memory:.0} MB");
            json!({ "task": task, "start_up_seconds": start_up, "peak_memory_mb": memory })
        })
        .collect();
    let jobs: Vec<[f64; 2]> = SEEDS.map(|seed| main_job(seed, folder.path())).collect();
    let [training, whole] = [0, 1].map(|i| median(jobs.iter().map(|job| job[i]).collect()));
    let document = json!({
        "command": "cargo bench -p neuropil --bench resources",
        "cpu": provenance::cpu(),
        "date": provenance::now(),
        "program_mb": megabytes,
        "tasks": rows,
        "main_job": { "seeds": SEEDS.collect::<Vec<_>>(), "training_seconds": jobs.iter().map(|job| job[0]).collect::<Vec<_>>(),
            "whole_seconds": jobs.iter().map(|job| job[1]).collect::<Vec<_>>() },
    });
    let mut table = format!(
        "Program: {megabytes:.1} MB. Start-up: a whole process with one update, least of {GOES}; memory: largest resident set\n\
         over {UPDATES} updates with validation ({}). Made by `cargo bench -p neuropil --bench resources`.\n\n\
         | task | start-up and one update, s | memory, MB |\n|---|---|---|\n",
        provenance::cpu()
    );
    for row in &rows {
        let number = |key: &str| row[key].as_f64().unwrap_or(f64::NAN);
        let name = row["task"].as_str().unwrap_or_default();
        let _ = writeln!(
            table,
            "| {name} | {:.3} | {:.0} |",
            number("start_up_seconds"),
            number("peak_memory_mb")
        );
    }
    let seconds: Vec<String> = jobs.iter().map(|job| format!("{:.1}", job[1])).collect();
    let _ = writeln!(
        table,
        "\n`neuropil train rdm`, seeds {} to {}, all cores: trained to criterion in {training:.1} s (median), with tests, figures\n\
         and report in {whole:.1} s ({}).",
        SEEDS.start(),
        SEEDS.end(),
        seconds.join(", ")
    );
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/results");
    let bytes = serde_json::to_vec_pretty(&document).expect("numbers are JSON");
    atomic::write(&results.join("resources.json"), &bytes).expect("benches/results can be written");
    atomic::write(&results.join("resources.md"), table.as_bytes()).expect("benches/results can be written");
}

/// Trains for so many updates without tests and report: wall time in s and largest resident set in MB.
fn train(task: &str, updates: usize, run: &Path) -> (f64, f64) {
    let clock = Instant::now();
    let mut child = Command::new(PROGRAM)
        .args([
            "train",
            task,
            "--only",
            "--quiet",
            "--updates",
            &updates.to_string(),
            "--out",
        ])
        .arg(run)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut memory: f64 = 0.0;
    loop {
        if let Some(peak) = std::fs::read_to_string(&status)
            .ok()
            .as_deref()
            .and_then(high_water)
        {
            memory = memory.max(peak);
        }
        if let Some(code) = child.try_wait().expect("a child can be waited for") {
            assert!(code.code().is_some_and(|code| code < 2), "{task}: {code}");
            return (clock.elapsed().as_secs_f64(), memory);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Wall time of training to criterion, and of the whole process, s.
fn main_job(seed: u64, folder: &Path) -> [f64; 2] {
    let clock = Instant::now();
    let output = Command::new(PROGRAM)
        .args([
            "train",
            "rdm",
            "--json",
            "--quiet",
            "--seed",
            &seed.to_string(),
            "--out",
        ])
        .arg(folder.join(format!("job-{seed}")))
        .output()
        .expect("the program starts");
    let whole = clock.elapsed().as_secs_f64();
    assert!(output.status.success(), "seed {seed}: {}", output.status);
    let summary: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let training = summary["wall_seconds"].as_f64().expect("a number");
    println!("main job, seed {seed}: training {training:.1} s, whole {whole:.1} s");
    [training, whole]
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    f64::midpoint(values[(n - 1) / 2], values[n / 2])
}

/// `VmHWM` of a process's status, MB.
fn high_water(status: &str) -> Option<f64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}
