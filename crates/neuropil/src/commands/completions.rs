//! `neuropil completions SHELL`.

use crate::cli::Cli;
use clap::CommandFactory;

/// Prints the script.
pub(crate) fn run(shell: clap_complete::Shell) {
    clap_complete::generate(shell, &mut Cli::command(), "neuropil", &mut std::io::stdout());
}
