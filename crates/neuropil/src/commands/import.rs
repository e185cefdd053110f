//! `neuropil import TASK WEIGHTS`: a run directory from weights of another program.

use crate::cli::ImportArgs;
use crate::experiment;
use neuropil_lab::array::read_tensors;
use neuropil_lab::atomic;
use neuropil_lab::error::Problem;
use neuropil_lab::run::RunDirectory;
use neuropil_song::exchange::{import, save_imported, to_ours};

/// Runs the command.
pub(crate) fn run(args: &ImportArgs) -> Result<u8, Problem> {
    let experiment = experiment::find(&args.task, args.seed, &args.settings)?;
    let config = &experiment.config.value;
    let tensors = to_ours(&read_tensors(&args.weights)?);
    let imported = import(&tensors, &args.weights, config, &experiment.task)?;
    let run = RunDirectory::create(&args.out)?;
    if let Some(task) = &experiment.own_task {
        atomic::write(&run.file("task.toml"), task.as_bytes())?;
    }
    atomic::write(&run.file("config.toml"), experiment.config.to_toml().as_bytes())?;
    super::job::begin_record(&run, config.seed).save(&run.file("provenance.json"))?;
    let text = toml::to_string(config).expect("settings are TOML");
    for who in &imported.drawn {
        eprintln!(
            "{} has no weights `{who}.…`: the {who} network was drawn",
            args.weights.display()
        );
    }
    for name in &imported.unknown {
        eprintln!(
            "{}: `{name}` is not in the map of names and was left out",
            args.weights.display()
        );
    }
    save_imported(&run, imported, &text)?;
    eprintln!("made {}; `neuropil test {0}` runs it", run.path().display());
    Ok(0)
}
