//! The `neuropil` command.

mod cli;
mod commands;
mod exit;
mod failure;
mod process;
mod progress;
mod terminal;

use clap::Parser;
use cli::{Cli, Command};
use neuropil_lab::error::Problem;
use neuropil_lab::memory;
use neuropil_math::simd;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return commands::usage(&error),
    };
    if let Err(found) = simd::asked() {
        let message = format!(
            "{} is `{found}`, expected avx512, avx2 or portable",
            simd::VARIABLE
        );
        failure::show(&Problem::new(message, "unset it to use the widest"));
        return ExitCode::from(exit::BAD_INPUT);
    }
    if let Err(problem) = cli.check() {
        failure::show(&problem);
        return ExitCode::from(exit::BAD_INPUT);
    }
    let global = &cli.global;
    memory::set_limit((global.max_memory * 1e9) as u64);
    let done = match &cli.command {
        Command::Tasks(args) => commands::tasks::run(args, global),
        Command::Train(args) => commands::train::run(args, global),
        Command::Test(args) => commands::test::run(args, global),
        Command::Analyse(args) => commands::analyse::run(args, global),
        Command::Report(args) => commands::report::run(args, global),
        Command::Export(args) => commands::export::run(args, global),
        Command::Reproduce(args) => commands::reproduce::run(args, global),
        Command::Sweep(args) => commands::sweep::run(args, global),
        Command::Probe(args) => commands::song::probe::run(args, global),
        Command::FixedPoints(args) => commands::song::fixed_points::run(args, global),
        Command::Import(args) => commands::song::import::run(args, global),
        Command::Bench(args) => commands::song::bench::run(args, global),
        Command::Connectome(args) => commands::connectome::run(args, global),
        Command::Successor(args) => commands::successor::run(args, global),
        Command::Gating(args) => commands::gating::run(args, global),
        Command::Neuronid(args) => commands::neuronid::run(args, global),
        Command::Enhancers(args) => commands::enhancers::run(args, global),
        Command::Settings(args) => commands::settings::run(args, &cli.global),
        Command::Compare(args) => commands::compare::run(args, &cli.global),
        Command::Completions { shell } => commands::completions::run(*shell),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(problem) => {
            failure::show(&problem);
            ExitCode::from(exit::BAD_INPUT)
        }
    }
}
