//! `neuropil train EXPERIMENT`: one run, or one a seed.

use super::experiment::{Typed, default_out};
use super::seeds;
use crate::cli::{Global, TrainArgs};
use crate::failure::{CHECK_FAILED, INTERRUPTED};
use crate::process::{listen_for_interrupts, origin, thread_pool};
use crate::terminal::{Terminal, duration, print_json, say};
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::Begin;
use neuropil_study::life::{self, Order};
use neuropil_study::{Job, Summary};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Runs the command.
pub(crate) fn run(args: &TrainArgs, global: &Global) -> Result<u8, Problem> {
    listen_for_interrupts();
    let pool = thread_pool(global.threads)?;
    if let Some(range) = args.seeds {
        if global.seed.is_some() {
            return Err(Problem::new(
                "--seed and --seeds: both say which seed",
                "leave one of them out",
            ));
        }
        return seeds::run(args, range, &pool, global);
    }
    let job = Typed::new(&args.task, global.seed, &args.settings)?.open()?;
    let out = global
        .out
        .clone()
        .unwrap_or_else(|| default_out(&PathBuf::from("runs"), &*job));
    let summary = pool.install(|| one(args, &*job, &out, global.quiet))?;
    if global.json {
        print_json(&summary)?;
    }
    Ok(if summary.interrupted {
        INTERRUPTED
    } else if summary.criterion_met || args.updates.is_some() {
        0
    } else {
        CHECK_FAILED
    })
}

/// One job from beginning to end, on the current thread pool.
pub(super) fn one(args: &TrainArgs, job: &dyn Job, out: &Path, quiet: bool) -> Result<Summary, Problem> {
    let clock = Instant::now();
    let order = Order {
        out,
        begin: match (args.resume, args.force) {
            (true, _) => Begin::Resume,
            (_, true) => Begin::Anew,
            _ => Begin::New,
        },
        updates: args.updates,
        only: args.only,
        origin: &origin(),
    };
    let summary = life::run(job, &order, &Terminal { quiet })?;
    if !quiet {
        close(&summary, clock.elapsed().as_secs_f64());
    }
    Ok(summary)
}

/// The closing table.
fn close(summary: &Summary, seconds: f64) {
    let made = format!("after {} trials ({} updates)", summary.trials, summary.updates);
    let verdict = match (summary.interrupted, summary.criterion_met) {
        (true, _) => "stopped; go on with `--resume`".to_owned(),
        (false, true) => format!("criterion met {made}"),
        (false, false) => format!("criterion not met {made}"),
    };
    say!("{} seed {}: {verdict}", summary.task, summary.seed);
    if summary.restarts > 0 {
        say!("  restarts  {}", summary.restarts);
    }
    for measure in summary.measures.iter().filter(|measure| measure.told) {
        say!("  {:<9} {}", measure.label, measure.with_unit());
    }
    say!("  time      {}", duration(seconds));
    let report = summary.run_dir.join("report.html");
    let shown = if report.exists() {
        &report
    } else {
        &summary.run_dir
    };
    say!("  see       {}", shown.display());
}
