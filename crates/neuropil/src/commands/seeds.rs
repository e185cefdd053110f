//! Several seeds side by side, and their summary.

use super::experiment::{default_out, of_train};
use super::one_run::one;
use crate::cli::{Global, TrainArgs};
use crate::exit::CHECK_FAILED;
use crate::process::{interrupted, interrupted_code, thread_pool};
use crate::terminal::{print_json, say, table};
use neuropil_lab::error::Problem;
use neuropil_lab::shards::{on_threads, side_by_side};
use neuropil_math::stats::summary::{mean, variance};
use neuropil_study::Summary;
use std::path::PathBuf;

/// Trains one network a seed and prints mean ± sd of trials to criterion.
pub(super) fn run(
    args: &TrainArgs,
    (from, to): (u64, u64),
    pool: &rayon::ThreadPool,
    global: &Global,
) -> Result<u8, Problem> {
    let folder = global.out.clone().unwrap_or_else(|| PathBuf::from("runs"));
    let seeds: Vec<u64> = (from..=to).collect();
    let (workers, threads) = side_by_side(pool.current_num_threads(), seeds.len());
    let work = |&seed: &u64| -> Result<Summary, Problem> {
        let job = of_train(args, Some(seed), None)?;
        let out = default_out(&folder, &*job);
        thread_pool(Some(threads))?.install(|| one(args, &*job, &out, global.quiet))
    };
    let done = on_threads(&seeds, workers, &interrupted, &work);
    let summaries = done
        .into_iter()
        .flatten()
        .collect::<Result<Vec<Summary>, Problem>>()?;
    if global.json {
        print_json(&summaries)?;
    }
    if !global.quiet {
        print(&summaries, args.updates.is_none());
    }
    Ok(if interrupted() {
        interrupted_code()
    } else if args.updates.is_some() || summaries.iter().all(|summary| summary.criterion_met) {
        0
    } else {
        CHECK_FAILED
    })
}

/// Table of the runs; mean ± sd over those that met the criterion, if they ended when they did.
pub(super) fn print(summaries: &[Summary], to_criterion: bool) {
    let columns = columns(summaries);
    let names = columns.iter().map(|(_, name)| name.as_str());
    let headers = ["task", "seed", "criterion", "trials", "restarts"];
    let mut rows = table(headers.into_iter().chain(names).chain(["time s"]));
    for s in summaries {
        let first = [
            s.task.clone(),
            s.seed.to_string(),
            if s.criterion_met { "met" } else { "not met" }.to_owned(),
            s.trials.to_string(),
            s.restarts.to_string(),
        ];
        let measured = columns.iter().map(|(label, _)| shown(s, label));
        rows.add_row(
            first
                .into_iter()
                .chain(measured)
                .chain([format!("{:.1}", s.wall_seconds)]),
        );
    }
    say!("{rows}");
    for task in summaries.chunk_by(|a, b| a.task == b.task) {
        let n = task.iter().filter(|s| s.criterion_met).count();
        if n > 1 && to_criterion {
            let (task, trials) = (&task[0].task, trials_to_criterion(task));
            say!("{task}: {trials} trials to criterion (mean ± sd of {n} seeds)");
        }
    }
}

/// Labels of the percentages that any run has, and the headers of their columns.
pub(super) fn columns(summaries: &[Summary]) -> Vec<(String, String)> {
    let mut columns: Vec<(String, String)> = Vec::new();
    for measure in summaries
        .iter()
        .flat_map(|s| &s.measures)
        .filter(|m| m.unit == "%")
    {
        if columns.iter().all(|(label, _)| *label != measure.label) {
            columns.push((measure.label.clone(), format!("{} %", measure.label)));
        }
    }
    columns
}

/// A measure of a run as text; a dash if it has none of this label.
pub(super) fn shown(summary: &Summary, label: &str) -> String {
    let measure = summary.measures.iter().find(|measure| measure.label == label);
    measure.map_or_else(|| "–".to_owned(), neuropil_study::Measure::shown)
}

/// Mean ± sd over the networks that met the criterion; of one, its trials, of none, a dash.
pub(super) fn trials_to_criterion(summaries: &[Summary]) -> String {
    let met = summaries.iter().filter(|s| s.criterion_met);
    let trials: Vec<f64> = met.map(|s| s.trials as f64).collect();
    match trials.len() {
        0 => "–".to_owned(),
        1 => format!("{:.0}", trials[0]),
        _ => format!("{:.0} ± {:.0}", mean(&trials), variance(&trials, 1).sqrt()),
    }
}
