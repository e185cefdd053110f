//! `neuropil import TASK WEIGHTS`: a run directory from weights of another program.

use crate::cli::Global;
use crate::cli::song::ImportArgs;
use crate::commands::experiment::Typed;
use crate::process::origin;
use crate::terminal::{print_json, say};
use neuropil_lab::array::read_tensors;
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::{Begin, Given, Keeper};
use neuropil_song::exchange::{import, refuse_others, save_imported, to_ours};
use neuropil_song::experiment::Experiment;
use neuropil_study::Job;
use serde_json::json;
use std::path::Path;

/// Runs the command.
pub(crate) fn run(args: &ImportArgs, global: &Global) -> Result<u8, Problem> {
    let named = args.name.as_ref().map(|name| Path::new("runs").join(name));
    let Some(out) = global.out.as_ref().or(named.as_ref()) else {
        return Err(Problem::new(
            "--out and --name are missing, expected the run directory to make",
            "as in `--name mine`, which makes runs/mine",
        ));
    };
    let experiment = Experiment::find(&Typed::new(&args.task, global.seed, &args.settings)?.given())?;
    let config = experiment.config();
    let theirs = read_tensors(&args.weights)?;
    refuse_others(&theirs, &args.weights, config, &experiment.task)?;
    let tensors = to_ours(&theirs);
    let imported = import(&tensors, &args.weights, config, &experiment.task)?;
    let files = experiment.files();
    let given = Given {
        settings: experiment.settings(),
        files: &files,
        complete: &|settings| experiment.complete(settings),
        seed: experiment.seed(),
        origin: &origin(),
    };
    let mut keeper = Keeper::open(out, Begin::New, &given)?;
    for who in &imported.drawn {
        say!(
            "{} has no weights `{who}.…`: the {who} network was drawn",
            args.weights.display()
        );
    }
    for name in &imported.unknown {
        say!(
            "{}: `{name}` is not in the map of names and was left out",
            args.weights.display()
        );
    }
    save_imported(&mut keeper, imported)?;
    say!("made {}; `neuropil test {0}` runs it", out.display());
    if global.json {
        print_json(&json!({ "run_dir": out }))?;
    }
    Ok(0)
}
