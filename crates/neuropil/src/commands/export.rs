//! `neuropil export RUN`: recorded trials and weights for other programs.

use super::test::{load_activity, players};
use crate::cli::ExportArgs;
use crate::experiment;
use neuropil_lab::array::write_safetensors;
use neuropil_lab::atomic;
use neuropil_lab::error::Problem;
use neuropil_lab::nwb::write_nwb;
use neuropil_lab::run::RunDirectory;
use neuropil_lab::table::write_csv;
use neuropil_song::{exchange, export};
use serde_json::json;

/// Runs the command.
pub(crate) fn run(args: &ExportArgs) -> Result<u8, Problem> {
    let run = RunDirectory::read(&args.run)?;
    let experiment = experiment::of_run(&run, None)?;
    let (task, seed) = (&experiment.task, experiment.config.value.seed);
    let shown = run.path().display();
    let recorded = || {
        load_activity(&run, task)?.ok_or_else(|| {
            Problem::new(
                format!("{shown}: no trials with activity to export"),
                format!("`neuropil test {shown} --kind activity` makes them"),
            )
        })
    };
    if let Some(path) = &args.nwb {
        let source = ("neuropil", env!("CARGO_PKG_VERSION"));
        let session = export::session(task, &recorded()?, seed, source, args.species.as_deref());
        write_nwb(path, &session)?;
        eprintln!("saved {}", path.display());
    }
    if let Some(path) = &args.npz {
        export::npz(&recorded()?).write(path)?;
        eprintln!("saved {}", path.display());
    }
    if let Some(folder) = &args.csv {
        let recorded = recorded()?;
        std::fs::create_dir_all(folder)
            .map_err(|error| Problem::new(format!("{}: {error}", folder.display()), "give another folder"))?;
        let csv = recorded
            .behaviour
            .to_csv()
            .map_err(|error| Problem::new(format!("{shown}: {error}"), "rename the factor in the task"))?;
        atomic::write(&folder.join("trials.csv"), csv.as_bytes())?;
        let (headers, rows) = export::activity_table(&recorded);
        write_csv(&folder.join("activity.csv"), &headers, &rows)?;
        eprintln!("saved trials.csv and activity.csv in {}", folder.display());
    }
    if let Some(path) = &args.safetensors {
        let (policy, value) = players(&run, &experiment)?;
        let ours = exchange::weights(&policy, &value);
        let weights = if args.torch {
            exchange::to_torch(&ours)
        } else {
            ours
        };
        let about = json!({
            "format": "neuropil-weights",
            "format_version": 1,
            "task": task.definition.name,
            "orientation": if args.torch { "to x from" } else { "from x to" },
            "config": experiment.config.value,
        });
        write_safetensors(path, &weights, &about.to_string())?;
        eprintln!("saved {}", path.display());
    }
    Ok(0)
}
