//! `neuropil reproduce`: for `song` the whole paper, figure by figure, over many seeds.

use super::job::Summary;
use super::seeds::{print, train_all, trials_to_criterion};
use super::test::{Trials, make_trials};
use crate::cli::{ReproduceArgs, TrainArgs};
use crate::experiment::{self, Experiment};
use crate::failure::{CHECK_FAILED, INTERRUPTED};
use crate::process::{interrupted, listen_for_interrupts, thread_pool};
use neuropil_lab::error::Problem;
use neuropil_lab::run::RunDirectory;
use neuropil_lab::table::write_csv;
use neuropil_lab::{atomic, provenance};
use neuropil_math::stats::summary::quantile;
use neuropil_song::analysis::{Finding, Focus};
use neuropil_song::reproduce::{Claim, PLAN, Planned, RunResult, claims, further, page};
use neuropil_tasks::registry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Seeds of a full reproduction: the paper's six realisations a task.
const SEEDS: (u64, u64) = (1, 6);

/// Runs the command. Finished runs are taken as they are, unfinished ones go on.
pub(crate) fn run(args: &ReproduceArgs, quiet: bool) -> Result<u8, Problem> {
    if args.system == "connectome" {
        return super::connectome::reproduce::run(args);
    }
    let clock = Instant::now();
    listen_for_interrupts();
    let pool = thread_pool(args.threads)?;
    let plan = plan(args)?;
    let out = args.out.clone().unwrap_or_else(|| {
        PathBuf::from(if args.quick {
            "runs/song-quick"
        } else {
            "runs/song"
        })
    });
    let seeds = args
        .seeds
        .unwrap_or(if args.quick { (SEEDS.0, SEEDS.0) } else { SEEDS });
    let mut summaries: Vec<Summary> = Vec::new();
    let mut results: Vec<RunResult> = Vec::new();
    for planned in plan {
        let trained = train(args, planned, &out, seeds, &pool, quiet)?;
        if interrupted() {
            return Ok(INTERRUPTED);
        }
        for summary in trained {
            if PLAN.contains(&planned) {
                let main = summary.seed == seeds.0;
                results.push(pool.install(|| result(&summary, planned, args.quick, main))?);
            }
            summaries.push(summary);
        }
        if !quiet {
            eprintln!("{}: done", planned.task);
        }
    }
    if !quiet {
        print(&summaries);
    }
    if let Some(path) = &args.table {
        save_table(path, &summaries)?;
    }
    if !results.is_empty() {
        let claims = claims(&results);
        let seconds = clock.elapsed().as_secs_f64();
        save(&out, args.quick, &results, &summaries, &claims, seconds)?;
        println!("{}", markdown(&claims));
        eprintln!("see {}", out.join("song.html").display());
    }
    Ok(
        if summaries
            .iter()
            .all(|summary| summary.criterion_met || is_meant_to_fail(&summary.task))
        {
            0
        } else {
            CHECK_FAILED
        },
    )
}

/// The paper shows that this one does not learn.
fn is_meant_to_fail(task: &str) -> bool {
    task == "wager-linear-value"
}

/// The tasks asked for, or all.
fn plan(args: &ReproduceArgs) -> Result<Vec<Planned>, Problem> {
    if args.tasks.is_empty() {
        return Ok(PLAN.to_vec());
    }
    if args.tasks == ["further"] {
        return Ok(registry::FURTHER.iter().map(|task| further(task)).collect());
    }
    let known = PLAN.map(|planned| planned.task);
    let find = |name: &String| {
        PLAN.into_iter()
            .find(|planned| planned.task == name)
            .ok_or_else(|| {
                Problem::new(
                    format!("`{name}` is not a task of the reproduction"),
                    format!("known: {}; or `further`", known.join(", ")),
                )
            })
    };
    args.tasks.iter().map(find).collect()
}

fn train(
    args: &ReproduceArgs,
    planned: Planned,
    out: &Path,
    (from, to): (u64, u64),
    pool: &rayon::ThreadPool,
    quiet: bool,
) -> Result<Vec<Summary>, Problem> {
    let mut settings = args.settings.clone();
    // What the user sets comes later and holds.
    settings
        .set
        .insert(0, format!("training.max_updates={}", planned.max_updates));
    let train = TrainArgs {
        task: planned.task.to_owned(),
        seed: None,
        seeds: Some((from, to)),
        threads: args.threads,
        out: Some(out.to_owned()),
        updates: None,
        settings,
        resume: true,
        force: false,
        only: true,
        json: false,
    };
    train_all(&train, out, from..=to, pool, quiet)
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
    let experiment = experiment::of_run(&run, None)?;
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
        make_trials(&run, &experiment, &trials)?;
        let made = super::analyse::make(&run, &experiment, &[], &Focus::default())?;
        super::analyse::save(&run, &made.analysed)?;
        atomic::write(
            &marker,
            &serde_json::to_vec_pretty(&wanted).expect("counts are JSON"),
        )?;
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
    for analysis in neuropil_song::analysis::ANALYSES {
        let path = run.file(&format!("results/{}.json", analysis.name));
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        let finding: Finding = serde_json::from_slice(&bytes).map_err(|error| {
            Problem::new(
                format!("{}: {error}", path.display()),
                format!(
                    "remove {} to have it made anew",
                    run.file("results/reproduction.json").display()
                ),
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

/// The page, its figures as files, and the claims as JSON, CSV and Markdown.
fn save(
    out: &Path,
    quick: bool,
    results: &[RunResult],
    summaries: &[Summary],
    claims: &[Claim],
    seconds: f64,
) -> Result<(), Problem> {
    let document = json!({
        "command": provenance::command(),
        "version": env!("CARGO_PKG_VERSION"),
        "cpu": provenance::cpu(),
        "date": provenance::now(),
        "seconds_of_this_call": seconds,
        "seconds_of_training": summaries.iter().map(|summary| summary.wall_seconds).sum::<f64>(),
        "claims": claims,
        "runs": summaries,
    });
    let text = serde_json::to_string_pretty(&document).expect("claims are JSON");
    atomic::write(&out.join("claims.json"), text.as_bytes())?;
    atomic::write(&out.join("claims.md"), markdown(claims).as_bytes())?;
    let page = page(
        results,
        claims,
        quick,
        vec![("Claims and runs as JSON".to_owned(), text)],
    );
    let drawn =
        |error: neuropil_draw::DrawError| Problem::new(format!("page: {error}"), "report this as a bug");
    if let Some(table) = &page.sections[0].table {
        write_csv(&out.join("claims.csv"), &table.headers, &table.rows)?;
    }
    let folder = out.join("figures");
    std::fs::create_dir_all(&folder)
        .map_err(|error| Problem::new(format!("{}: {error}", folder.display()), "give another `--out`"))?;
    for figure in page.sections.iter().filter_map(|section| section.figure.as_ref()) {
        let svg = figure.to_svg().map_err(drawn)?;
        atomic::write(&out.join(format!("figures/{}.svg", figure.name)), svg.as_bytes())?;
    }
    let html = page.to_html().map_err(drawn)?;
    Ok(atomic::write(&out.join("song.html"), html.as_bytes())?)
}

fn markdown(claims: &[Claim]) -> String {
    let mut text =
        String::from("| where | claim | paper | here | band | verdict |\n|---|---|---|---|---|---|\n");
    for c in claims {
        let cells = [&c.place, &c.claim, &c.paper, &c.ours, &c.band].map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(text, "| {} | {} |", cells.join(" | "), c.verdict.words());
    }
    text
}

/// Trials to criterion of every run, as JSON and Markdown.
fn save_table(path: &Path, summaries: &[Summary]) -> Result<(), Problem> {
    let document = json!({
        "command": provenance::command(),
        "cpu": provenance::cpu(),
        "vectors": neuropil_math::simd::level().name(),
        "date": provenance::now(),
        "runs": summaries,
    });
    atomic::write(
        path,
        &serde_json::to_vec_pretty(&document).expect("summaries are JSON"),
    )?;
    let mut text = String::from(
        "| task | seed | criterion | trials | restarts | decided % | correct % | time s | last validation |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for s in summaries {
        let met = if s.criterion_met { "met" } else { "not met" };
        let _ = writeln!(
            text,
            "| {} | {} | {met} | {} | {} | {} | {} | {:.1} | {} |",
            s.task,
            s.seed,
            s.trials,
            s.restarts,
            s.percent(s.percent_decided),
            s.percent(s.percent_correct),
            s.wall_seconds,
            s.came_to()
        );
    }
    text.push_str("\n| task | met | of these without a restart | trials to criterion, mean ± sd | s of training, median |\n|---|---|---|---|---|\n");
    for task in summaries.chunk_by(|a, b| a.task == b.task) {
        let met: Vec<&Summary> = task.iter().filter(|s| s.criterion_met).collect();
        let seconds: Vec<f64> = task.iter().map(|s| s.wall_seconds).collect();
        let _ = writeln!(
            text,
            "| {} | {} of {} | {} | {} | {:.0} |",
            task[0].task,
            met.len(),
            task.len(),
            met.iter().filter(|s| s.restarts == 0).count(),
            trials_to_criterion(task),
            quantile(&seconds, 0.5).unwrap_or(f64::NAN),
        );
    }
    let _ = writeln!(text, "\nMade by `{}`.", provenance::command());
    Ok(atomic::write(&path.with_extension("md"), text.as_bytes())?)
}
