//! `neuropil export RUN`: recorded trials and weights for other programs.

use super::experiment::of_run;
use crate::cli::{ExportArgs, Global};
use crate::terminal::{print_json, say};
use neuropil_lab::error::Problem;
use neuropil_lab::run::RunDirectory;
use neuropil_study::{Export, ExportForm};
use serde::Serialize;
use std::path::Path;

/// A file or folder that was written.
#[derive(Serialize)]
struct Saved<'a> {
    form: &'static str,
    path: &'a Path,
}

/// Runs the command.
pub(crate) fn run(args: &ExportArgs, global: &Global) -> Result<u8, Problem> {
    let run = RunDirectory::read(&args.run)?;
    let job = of_run(&run)?;
    let species = args.species.as_deref();
    let wanted = [
        (&args.nwb, ExportForm::Nwb { species }),
        (&args.npz, ExportForm::Npz),
        (&args.csv, ExportForm::Csv),
        (&args.safetensors, ExportForm::Safetensors { torch: args.torch }),
    ];
    let mut saved = Vec::new();
    for (path, form) in wanted {
        let Some(path) = path else { continue };
        job.export(&run, &Export { form, path })?;
        match form {
            ExportForm::Csv => say!("saved trials.csv and activity.csv in {}", path.display()),
            _ => say!("saved {}", path.display()),
        }
        saved.push(Saved {
            form: form.name(),
            path,
        });
    }
    if global.json {
        print_json(&saved)?;
    }
    Ok(0)
}
