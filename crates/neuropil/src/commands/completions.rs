//! `neuropil completions SHELL`.

use crate::cli::Cli;
use crate::failure::Failure;
use clap::CommandFactory;

/// Prints the script.
pub(crate) fn run(shell: clap_complete::Shell) -> Result<u8, Failure> {
    clap_complete::generate(shell, &mut Cli::command(), "neuropil", &mut std::io::stdout());
    Ok(0)
}
