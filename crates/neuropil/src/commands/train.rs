//! `neuropil train EXPERIMENT`: one run, or one a seed.

use super::experiment::{default_out, further, of_train};
use super::one_run::one;
use super::seeds;
use crate::cli::{Global, TrainArgs};
use crate::exit::CHECK_FAILED;
use crate::process::{interrupted_code, listen_for_interrupts, thread_pool};
use crate::terminal::print_json;
use neuropil_lab::error::Problem;
use std::path::{Path, PathBuf};

/// Where what goes on from a run goes: beside it.
fn beside(run: &Path) -> PathBuf {
    let name = run
        .file_name()
        .map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned());
    run.with_file_name(format!("{name}-further"))
}

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
    let job = of_train(args, global.seed, global.out.as_deref())?;
    let out = global.out.clone().unwrap_or_else(|| match further(args) {
        Some(run) if args.resume => run.to_owned(),
        Some(run) => beside(run),
        None => default_out(&PathBuf::from("runs"), &*job),
    });
    let summary = pool.install(|| one(args, &*job, &out, global.quiet))?;
    if global.json {
        print_json(&summary)?;
    }
    Ok(if summary.interrupted {
        interrupted_code()
    } else if summary.criterion_met || args.updates.is_some() {
        0
    } else {
        CHECK_FAILED
    })
}
