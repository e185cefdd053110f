//! The `neuropil` command.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks")]

mod cli;
mod commands;
mod experiment;
mod failure;
mod process;
mod terminal;

use clap::Parser;
use cli::{Cli, Command};
use neuropil_lab::error::Problem;
use neuropil_math::simd;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let quiet = cli.quiet;
    if let Err(found) = simd::asked() {
        let names = "expected avx512, avx2 or portable";
        let message = format!("{} is `{found}`, {names}", simd::VARIABLE);
        let problem = Problem::new(message, "unset it to use the widest");
        eprintln!("{}", failure::shown(&problem));
        return ExitCode::from(failure::BAD_INPUT);
    }
    let done = match cli.command {
        Command::Tasks(args) => commands::tasks::run(&args),
        Command::Train(args) => commands::train::run(&args, quiet),
        Command::Test(args) => commands::test::run(&args),
        Command::Analyse(args) => commands::analyse::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Probe(args) => commands::probe::run(&args),
        Command::FixedPoints(args) => commands::fixed_points::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Import(args) => commands::import::run(&args),
        Command::Connectome(args) => commands::connectome::run(&args),
        Command::Bench(args) => commands::bench::run(&args),
        Command::Reproduce(args) => commands::reproduce::run(&args, quiet),
        Command::Completions { shell } => {
            commands::completions::run(shell);
            Ok(0)
        }
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(problem) => {
            eprintln!("{}", failure::shown(&problem));
            ExitCode::from(failure::BAD_INPUT)
        }
    }
}
