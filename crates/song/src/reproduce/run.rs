//! The whole paper: every task over many seeds, its trials and analyses, the claims and the page.
//!
//! Finished runs are taken as they are, unfinished ones go on: the same call ends what a stopped one began.

use super::{PLAN, Planned, RunResult, claims, further, page};
use crate::analysis::{ANALYSES, Finding};
use crate::experiment::Experiment;
use crate::trials::Trials;
use neuropil_lab::atomic;
use neuropil_lab::config::{Layers, seed};
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::Begin;
use neuropil_lab::run::RunDirectory;
use neuropil_lab::shards::{on_threads, side_by_side};
use neuropil_study::life::{self, Order};
use neuropil_study::{Asked, Given, Job, Reproduced, Summary, Watch};
use neuropil_tasks::registry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Seeds of a full reproduction: the paper's six realisations a task.
const SEEDS: (u64, u64) = (1, 6);

/// The parts of the paper that were asked for.
pub(crate) fn reproduce(asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem> {
    let default = if asked.quick {
        "runs/song-quick"
    } else {
        "runs/song"
    };
    let out = asked.folder(default);
    let few = if asked.quick { (SEEDS.0, SEEDS.0) } else { SEEDS };
    let seeds = asked.seeds.unwrap_or(few);
    let mut reproduced = Reproduced::default();
    let mut results: Vec<RunResult> = Vec::new();
    for planned in plan(asked.parts)? {
        let trained = train(asked, planned, &out, seeds, watch)?;
        if watch.stopped() {
            reproduced.interrupted = true;
            return Ok(reproduced);
        }
        for summary in trained {
            if PLAN.contains(&planned) {
                let main = summary.seed == seeds.0;
                results.push(result(&summary, planned, asked.quick, main)?);
            }
            reproduced.runs.push(summary);
        }
        watch.say(&format!("{}: done", planned.task));
    }
    let learnt = |summary: &Summary| summary.criterion_met || is_meant_to_fail(&summary.task);
    reproduced.held = reproduced.runs.iter().all(learnt);
    if !results.is_empty() {
        reproduced.claims = claims(&results);
        reproduced.page = Some(page(&results, &reproduced.claims, asked.quick, Vec::new()));
        reproduced.folder = Some(out);
    }
    Ok(reproduced)
}

/// The paper shows that this one does not learn.
fn is_meant_to_fail(task: &str) -> bool {
    task == "wager-linear-value"
}

/// The tasks asked for, or all.
fn plan(parts: &[String]) -> Result<Vec<Planned>, Problem> {
    if parts.is_empty() {
        return Ok(PLAN.to_vec());
    }
    if parts == ["further"] {
        return Ok(registry::FURTHER.iter().map(|task| further(task)).collect());
    }
    let known = PLAN.map(|planned| planned.task);
    let find = |name: &String| {
        let of_the_paper = PLAN.into_iter().find(|planned| planned.task == name);
        let beyond = || {
            registry::FURTHER
                .iter()
                .find(|task| *task == name)
                .map(|task| further(task))
        };
        of_the_paper.or_else(beyond).ok_or_else(|| {
            Problem::new(
                format!("`{name}` is not a task of the reproduction"),
                format!(
                    "known: {}; {}; or `further` for all of the latter",
                    known.join(", "),
                    registry::FURTHER.join(", ")
                ),
            )
        })
    };
    parts.iter().map(find).collect()
}

/// One network a seed, side by side on single threads: a network does not depend on how many there are.
fn train(
    asked: &Asked<'_>,
    planned: Planned,
    out: &Path,
    (from, to): (u64, u64),
    watch: &dyn Watch,
) -> Result<Vec<Summary>, Problem> {
    // What the user sets comes later and holds.
    let updates = format!("training.max_updates={}", planned.max_updates);
    let set = [&[updates], asked.set].concat();
    let seeds: Vec<u64> = (from..=to).collect();
    let (workers, threads) = side_by_side(rayon::current_num_threads(), seeds.len());
    let one = |&number: &u64| -> Result<Summary, Problem> {
        let seed = toml::Table::from_iter([("seed".to_owned(), seed::value(number))]);
        let experiment = Experiment::find(&Given {
            name: planned.task,
            text: None,
            set: &set,
            options: &[("--seed", seed)],
        })?;
        let folder = out.join(format!("{}-s{number}", experiment.name()));
        let order = Order {
            out: &folder,
            begin: Begin::Resume,
            updates: None,
            only: true,
            origin: asked.origin,
        };
        life::run_on(threads, &experiment, &order, watch)
    };
    let trained = on_threads(&seeds, workers, &|| watch.stopped(), &one);
    trained.into_iter().flatten().collect()
}

/// What the results in a run directory were made from.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    updates: u64,
    behaviour: usize,
    activity: usize,
}

/// Trials, analyses and figures of one run, unless they are there already.
fn result(summary: &Summary, planned: Planned, quick: bool, main: bool) -> Result<RunResult, Problem> {
    let run = RunDirectory::open(&summary.run_dir)?;
    let experiment = Experiment::of_run(&run, None)?;
    let (behaviour, activity) = planned.trials(&experiment.task, quick);
    // Of the other networks the claims need activity, but less of it.
    let activity = if main { activity } else { activity.div_ceil(4) };
    let wanted = Made {
        updates: summary.updates,
        behaviour,
        activity,
    };
    let marker = run.file("results/reproduction.json");
    let made: Option<Made> = std::fs::read(&marker)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if made.as_ref() != Some(&wanted) {
        let trials = Trials {
            behaviour,
            activity,
            fixed: planned.fixed(),
        };
        trials.make(&run, &experiment)?;
        life::analyse(&experiment, &run, &[], &Layers::new())?;
        let text = serde_json::to_vec_pretty(&wanted).expect("counts are JSON");
        atomic::write(&marker, &text)?;
    }
    load(&run, &experiment, summary, &wanted)
}

/// A run's results from its directory.
fn load(
    run: &RunDirectory,
    experiment: &Experiment,
    summary: &Summary,
    made: &Made,
) -> Result<RunResult, Problem> {
    let mut findings = BTreeMap::new();
    for analysis in ANALYSES {
        let path = run.file(&format!("results/{}.json", analysis.name));
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        let finding: Finding = serde_json::from_slice(&bytes).map_err(|error| {
            let marker = run.file("results/reproduction.json");
            Problem::new(
                format!("{}: {error}", path.display()),
                format!("remove {} to have it made anew", marker.display()),
            )
        })?;
        findings.insert(analysis.name.to_owned(), finding);
    }
    let task = &experiment.task;
    let correct = task.quantities.iter().find(|quantity| quantity.name == "correct");
    Ok(RunResult {
        task: summary.task.clone(),
        seed: summary.seed,
        criterion_met: summary.criterion_met,
        trials: summary.trials,
        restarts: summary.restarts,
        threshold: correct.and_then(|quantity| quantity.at_least),
        n_trials: made.behaviour * task.n_conditions(),
        n_recorded: made.activity * task.n_conditions(),
        findings,
    })
}
