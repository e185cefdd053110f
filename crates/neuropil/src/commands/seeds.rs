//! Several seeds side by side, and their summary.

use super::job::{Summary, one};
use crate::cli::TrainArgs;
use crate::experiment;
use crate::failure::{CHECK_FAILED, INTERRUPTED};
use crate::process::{interrupted, thread_pool};
use neuropil_lab::error::Problem;
use neuropil_math::stats::summary::{mean, variance};
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Trains one network a seed and prints mean ± sd of trials to criterion.
pub(crate) fn run(
    args: &TrainArgs,
    seeds: RangeInclusive<u64>,
    pool: &rayon::ThreadPool,
    quiet: bool,
) -> Result<u8, Problem> {
    let folder = args.out.clone().unwrap_or_else(|| PathBuf::from("runs"));
    let summaries = train_all(args, &folder, seeds, pool, quiet)?;
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&summaries).expect("summaries are JSON")
        );
    }
    if !quiet {
        print(&summaries);
    }
    Ok(if interrupted() {
        INTERRUPTED
    } else if args.updates.is_some() || summaries.iter().all(|summary| summary.criterion_met) {
        0
    } else {
        CHECK_FAILED
    })
}

/// Seeds run side by side on single threads while there are enough of them: no time is lost waiting for one another.
pub(crate) fn train_all(
    args: &TrainArgs,
    folder: &std::path::Path,
    seeds: RangeInclusive<u64>,
    pool: &rayon::ThreadPool,
    quiet: bool,
) -> Result<Vec<Summary>, Problem> {
    let seeds: Vec<u64> = seeds.collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let workers = pool.current_num_threads().min(seeds.len());
    let done = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(&seed) = seeds.get(i).filter(|_| !interrupted()) else {
                        break;
                    };
                    let result = one_seed(args, folder, seed, quiet);
                    done.lock()
                        .expect("no worker panics with the list")
                        .push((i, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no worker panics with the list");
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

fn one_seed(args: &TrainArgs, folder: &std::path::Path, seed: u64, quiet: bool) -> Result<Summary, Problem> {
    let experiment = experiment::find(&args.task, Some(seed), &args.settings)?;
    let out = folder.join(format!("{}-s{seed}", experiment.task.definition.name));
    let single = thread_pool(Some(1))?;
    single.install(|| one(args, &experiment, &out, quiet))
}

/// Table of the seeds, mean ± sd over those that met the criterion.
pub(crate) fn print(summaries: &[Summary]) {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "task",
        "seed",
        "criterion",
        "trials",
        "restarts",
        "decided %",
        "correct %",
        "time s",
    ]);
    for s in summaries {
        table.add_row([
            s.task.clone(),
            s.seed.to_string(),
            if s.criterion_met { "met" } else { "not met" }.to_owned(),
            s.trials.to_string(),
            s.restarts.to_string(),
            s.percent(s.percent_decided),
            s.percent(s.percent_correct),
            format!("{:.1}", s.wall_seconds),
        ]);
    }
    eprintln!("{table}");
    for task in summaries.chunk_by(|a, b| a.task == b.task) {
        let n = task.iter().filter(|s| s.criterion_met).count();
        if n > 1 {
            let (task, trials) = (&task[0].task, trials_to_criterion(task));
            eprintln!("{task}: {trials} trials to criterion (mean ± sd of {n} seeds)");
        }
    }
}

/// Mean ± sd over the networks that met the criterion; of one, its trials, of none, a dash.
pub(crate) fn trials_to_criterion(summaries: &[Summary]) -> String {
    let met = summaries.iter().filter(|s| s.criterion_met);
    let trials: Vec<f64> = met.map(|s| s.trials as f64).collect();
    match trials.len() {
        0 => "–".to_owned(),
        1 => format!("{:.0}", trials[0]),
        _ => format!("{:.0} ± {:.0}", mean(&trials), variance(&trials, 1).sqrt()),
    }
}
