//! `neuropil report RUN`: the page of a run.

use super::analyse::{self, Made};
use crate::cli::ReportArgs;
use crate::experiment::{self, Experiment};
use neuropil_lab::error::Problem;
use neuropil_lab::run::RunDirectory;
use neuropil_song::analysis::Focus;
use neuropil_song::report::page;

/// Runs the command.
pub(crate) fn run(args: &ReportArgs) -> Result<u8, Problem> {
    let run = RunDirectory::read(&args.run)?;
    let experiment = experiment::of_run(&run, None)?;
    after_training(&run, &experiment)?;
    println!("{}", run.file("report.html").display());
    Ok(0)
}

/// Analyses, figures and the page, from the run directory alone.
pub(crate) fn after_training(run: &RunDirectory, experiment: &Experiment) -> Result<(), Problem> {
    let Made {
        analysed,
        behaviour,
        progress,
    } = analyse::make(run, experiment, &[], &Focus::default())?;
    analyse::save(run, &analysed)?;
    let read = |name: &str| std::fs::read_to_string(run.file(name)).unwrap_or_default();
    let details = vec![
        ("Settings".to_owned(), read("config.toml")),
        ("Task file".to_owned(), experiment.task.text.clone()),
        ("Provenance".to_owned(), read("provenance.json")),
    ];
    let seed = experiment.config.value.seed;
    let report = page(&experiment.task, seed, &behaviour, &progress, analysed, details);
    let html = report
        .to_html()
        .map_err(|error| Problem::new(format!("report: {error}"), "report this as a bug"))?;
    Ok(neuropil_lab::atomic::write(
        &run.file("report.html"),
        html.as_bytes(),
    )?)
}
