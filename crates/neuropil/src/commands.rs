//! One file per verb; what belongs to one system alone in a folder of its name.

pub(crate) mod analyse;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod connectome;
pub(crate) mod enhancers;
mod experiment;
pub(crate) mod export;
pub(crate) mod gating;
pub(crate) mod neuronid;
mod one_run;
pub(crate) mod report;
pub(crate) mod reproduce;
mod seeds;
pub(crate) mod settings;
pub(crate) mod song;
pub(crate) mod successor;
pub(crate) mod sweep;
pub(crate) mod tasks;
pub(crate) mod test;
pub(crate) mod train;

use crate::exit;
use std::process::ExitCode;

/// Help that was asked for, or what is wrong with what was typed.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    match error.print() {
        Err(failed) if failed.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::from(exit::BAD_INPUT),
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::BAD_INPUT)),
    }
}
