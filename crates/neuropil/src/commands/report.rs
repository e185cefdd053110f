//! `neuropil report RUN`: the page of a run.

use super::experiment::{of_run, read_run};
use crate::cli::{Global, ReportArgs};
use crate::process::thread_pool;
use crate::terminal::{out, print_json};
use neuropil_lab::error::Problem;
use neuropil_study::life;
use serde::Serialize;
use std::path::PathBuf;

/// Where the page is.
#[derive(Serialize)]
struct Page {
    report: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &ReportArgs, global: &Global) -> Result<u8, Problem> {
    let run = read_run(&args.run, global.out.as_deref(), args.name.as_deref())?;
    let job = of_run(&run)?;
    let pool = thread_pool(global.threads)?;
    let report = pool.install(|| life::report(&*job, &run))?.page;
    if global.json {
        print_json(&Page { report })?;
    } else {
        out!("{}", report.display());
    }
    Ok(0)
}
