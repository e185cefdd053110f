//! `neuropil import TASK WEIGHTS`: a run directory from weights of another program.

use crate::cli::ImportArgs;
use crate::experiment;
use neuropil_lab::array::read_tensors;
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::Begin;
use neuropil_song::exchange::{import, save_imported, to_ours};

/// Runs the command.
pub(crate) fn run(args: &ImportArgs) -> Result<u8, Problem> {
    let experiment = experiment::find(&args.task, args.seed, &args.settings)?;
    let config = &experiment.config.value;
    let tensors = to_ours(&read_tensors(&args.weights)?);
    let imported = import(&tensors, &args.weights, config, &experiment.task)?;
    let mut keeper = super::job::keep(&experiment, &args.out, Begin::New)?;
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
    save_imported(&mut keeper, imported)?;
    eprintln!("made {}; `neuropil test {0}` runs it", args.out.display());
    Ok(0)
}
