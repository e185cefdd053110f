//! One training run from beginning to end, watched on the terminal.

use crate::cli::TrainArgs;
use crate::process::origin;
use crate::progress::{Terminal, duration};
use crate::terminal::say;
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::Begin;
use neuropil_study::life::{self, Order};
use neuropil_study::{Job, Summary};
use std::path::Path;
use std::time::Instant;

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
        close(&summary, args.updates.is_some(), clock.elapsed().as_secs_f64());
    }
    Ok(summary)
}

/// The closing table; of a run of so many updates, whatever the criterion, if those were `given`.
fn close(summary: &Summary, given: bool, seconds: f64) {
    let made = format!(
        "after {} {} ({} updates)",
        summary.trials, summary.unit, summary.updates
    );
    // Tasks have a criterion; what other systems train has an end.
    let has_end = summary.task.contains('/');
    let verdict = match (summary.interrupted, summary.criterion_met) {
        (true, _) => "stopped; go on with `--resume`".to_owned(),
        (false, true) if has_end => format!("finished after {} updates", summary.updates),
        (false, false) if has_end => format!("not finished after {} updates", summary.updates),
        (false, true) if given => format!("criterion met at the end, {made}"),
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
