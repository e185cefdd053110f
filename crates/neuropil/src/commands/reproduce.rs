//! `neuropil reproduce SYSTEM`: what a paper reports, computed here, in one table and one page.

use super::seeds::{columns, print, shown, trials_to_criterion};
use crate::cli::{Global, ReproduceArgs};
use crate::exit::CHECK_FAILED;
use crate::process::{interrupted_code, listen_for_interrupts, origin, thread_pool};
use crate::progress::Terminal;
use crate::terminal::{out, print_json, say};
use neuropil::registry;
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_lab::table::write_csv;
use neuropil_lab::{atomic, provenance};
use neuropil_math::stats::summary::quantile;
use neuropil_study::life::{broken, write_page};
use neuropil_study::{Asked, Claim, Reproduced, Summary, claims_markdown, claims_table};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

/// Runs the command. Finished runs are taken as they are, unfinished ones go on.
pub(crate) fn run(args: &ReproduceArgs, global: &Global) -> Result<u8, Problem> {
    if args.system == "connectome" {
        return super::connectome::reproduce::run(args, global);
    }
    let Some(system) = registry::system(&args.system) else {
        let mut known: Vec<&str> = registry::SYSTEMS.iter().map(|system| system.name()).collect();
        known.push("connectome");
        let hint = did_you_mean(&args.system, "systems", &known);
        return Err(Problem::new(format!("unknown system `{}`", args.system), hint));
    };
    let clock = Instant::now();
    listen_for_interrupts();
    let pool = thread_pool(global.threads)?;
    let mut set = args.settings.set.clone();
    set.extend(args.settings.dt.map(|dt| format!("dt_ms={dt}")));
    let asked = Asked {
        parts: &args.parts,
        quick: args.quick,
        seeds: args.seeds.or(global.seed.map(|seed| (seed, seed))),
        set: &set,
        out: global.out.as_deref(),
        origin: &origin(),
    };
    let watch = Terminal { quiet: global.quiet };
    let reproduced = pool.install(|| system.reproduce(&asked, &watch))?;
    if reproduced.interrupted {
        return Ok(interrupted_code());
    }
    if !global.quiet && !reproduced.runs.is_empty() {
        print(&reproduced.runs, true);
    }
    if let Some(path) = &args.table {
        save_table(path, &reproduced)?;
    }
    save(system.name(), &reproduced, clock.elapsed().as_secs_f64())?;
    if global.json {
        print_json(&reproduced.claims)?;
    } else if !reproduced.claims.is_empty() {
        out!("{}", claims_markdown(&reproduced.claims));
    }
    if let Some(folder) = &reproduced.folder {
        say!("see {}", folder.join(format!("{}.html", system.name())).display());
    }
    Ok(if reproduced.held { 0 } else { CHECK_FAILED })
}

/// What a reproduction leaves beside its page.
#[derive(Serialize)]
struct Document<'a> {
    command: String,
    version: &'a str,
    cpu: String,
    vectors: &'a str,
    date: String,
    seconds_of_this_call: f64,
    seconds_of_training: f64,
    claims: &'a [Claim],
    runs: &'a [Summary],
}

/// The page, its figures as files, and the claims as JSON, CSV and Markdown.
fn save(system: &str, reproduced: &Reproduced, seconds: f64) -> Result<(), Problem> {
    let Some(out) = &reproduced.folder else {
        return Ok(());
    };
    let folder = out.join("figures");
    std::fs::create_dir_all(&folder)
        .map_err(|error| Problem::new(format!("{}: {error}", folder.display()), "give another `--out`"))?;
    let document = Document {
        command: provenance::command(),
        version: env!("CARGO_PKG_VERSION"),
        cpu: provenance::cpu(),
        vectors: neuropil_math::simd::level().name(),
        date: provenance::now(),
        seconds_of_this_call: seconds,
        seconds_of_training: reproduced
            .runs
            .iter()
            .fold(0.0, |sum, run| sum + run.wall_seconds),
        claims: &reproduced.claims,
        runs: &reproduced.runs,
    };
    let text = serde_json::to_string_pretty(&document).expect("claims are JSON");
    atomic::write(&out.join("claims.json"), text.as_bytes())?;
    atomic::write(
        &out.join("claims.md"),
        claims_markdown(&reproduced.claims).as_bytes(),
    )?;
    let table = claims_table(&reproduced.claims);
    write_csv(&out.join("claims.csv"), &table.headers, &table.rows)?;
    for (name, bytes) in &reproduced.files {
        atomic::write(&out.join(name), bytes)?;
    }
    let Some(page) = &reproduced.page else {
        return Ok(());
    };
    let mut page = page.clone();
    for figure in page.sections.iter().filter_map(|section| section.figure.as_ref()) {
        let svg = figure.to_svg().map_err(|error| broken(&error))?;
        atomic::write(&folder.join(format!("{}.svg", figure.name)), svg.as_bytes())?;
    }
    page.details.push(("Claims and runs as JSON".to_owned(), text));
    write_page(&out.join(format!("{system}.html")), &page)
}

/// Trials to criterion of every run, and the claims, as JSON and Markdown.
fn save_table(path: &Path, reproduced: &Reproduced) -> Result<(), Problem> {
    let document = serde_json::json!({
        "command": provenance::command(),
        "cpu": provenance::cpu(),
        "vectors": neuropil_math::simd::level().name(),
        "date": provenance::now(),
        "claims": reproduced.claims,
        "runs": reproduced.runs,
    });
    let text = serde_json::to_vec_pretty(&document).expect("summaries are JSON");
    atomic::write(path, &text)?;
    let mut parts = Vec::new();
    if !reproduced.runs.is_empty() {
        parts.push(table_of_runs(&reproduced.runs));
    }
    if !reproduced.claims.is_empty() {
        parts.push(claims_markdown(&reproduced.claims));
    }
    parts.push(format!("Made by `{}`.\n", provenance::command()));
    Ok(atomic::write(
        &path.with_extension("md"),
        parts.join("\n").as_bytes(),
    )?)
}

fn table_of_runs(runs: &[Summary]) -> String {
    let columns = columns(runs);
    let names: String = columns
        .iter()
        .fold(String::new(), |text, (_, name)| text + " " + name + " |");
    let mut text = format!(
        "| task | seed | criterion | trials | restarts |{names} time s | last validation |\n|{}\n",
        "---|".repeat(7 + columns.len())
    );
    for run in runs {
        let met = if run.criterion_met { "met" } else { "not met" };
        let _ = write!(
            text,
            "| {} | {} | {met} | {} | {} |",
            run.task, run.seed, run.trials, run.restarts
        );
        for (label, _) in &columns {
            let _ = write!(text, " {} |", shown(run, label));
        }
        let came_to = run
            .criterion
            .iter()
            .map(|(name, value)| format!("{name} {value:.3}"));
        let came_to = came_to.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, " {:.1} | {came_to} |", run.wall_seconds);
    }
    text.push_str(
        "\n| task | met | of these without a restart | trials to criterion, mean ± sd | s of training, median |\n\
         |---|---|---|---|---|\n",
    );
    for task in runs.chunk_by(|a, b| a.task == b.task) {
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
    text
}
