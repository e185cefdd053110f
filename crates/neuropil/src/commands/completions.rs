//! `neuropil completions SHELL`.

use crate::cli::Cli;
use crate::terminal::write;
use clap::CommandFactory;
use neuropil_lab::error::Problem;

/// Prints the script.
pub(crate) fn run(shell: clap_complete::Shell) -> Result<u8, Problem> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "neuropil", &mut script);
    write(&script)?;
    Ok(0)
}
