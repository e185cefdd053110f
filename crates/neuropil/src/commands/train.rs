//! `neuropil train TASK`: one run, or one a seed.

use super::job::{Summary, one};
use crate::cli::TrainArgs;
use crate::experiment::{self, Experiment};
use crate::failure::{CHECK_FAILED, INTERRUPTED};
use crate::process::{listen_for_interrupts, thread_pool};
use neuropil_lab::error::Problem;
use std::path::PathBuf;

/// Runs the command.
pub(crate) fn run(args: &TrainArgs, quiet: bool) -> Result<u8, Problem> {
    listen_for_interrupts();
    let pool = thread_pool(args.threads)?;
    if let Some((from, to)) = args.seeds {
        return super::seeds::run(args, from..=to, &pool, quiet);
    }
    let experiment = experiment::find(&args.task, args.seed, &args.settings)?;
    let seed = experiment.config.value.seed;
    let out = args.out.clone().unwrap_or_else(|| default_out(&experiment, seed));
    let summary = pool.install(|| one(args, &experiment, &out, quiet))?;
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&summary).expect("a summary is JSON")
        );
    }
    Ok(exit_code(args, &summary))
}

fn default_out(experiment: &Experiment, seed: u64) -> PathBuf {
    PathBuf::from("runs").join(format!("{}-s{seed}", experiment.task.definition.name))
}

fn exit_code(args: &TrainArgs, summary: &Summary) -> u8 {
    if summary.interrupted {
        INTERRUPTED
    } else if summary.criterion_met || args.updates.is_some() {
        0
    } else {
        CHECK_FAILED
    }
}
