//! What can be typed after `neuropil sweep`.

use clap::{Args, Subcommand};
use neuropil_lab::shards::Shard;
use std::path::PathBuf;

/// Arguments of `sweep`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  neuropil sweep rdm --seeds 1..20 --set policy.units=50,100 --out units
  neuropil sweep sweep.toml                        a grid, a list or random draws
  neuropil sweep units --shard 3/12                every twelfth run, from the third on
  neuropil sweep units --slurm --time 02:00:00     as a job array: one task a run
  neuropil sweep status units
  neuropil sweep merge units                       one table, one page

A sweep.toml:
  experiment = \"rdm\"
  seeds = \"1..5\"
  [set]                                            settings of all runs
  training.max_updates = 2000
  [grid]                                           all combinations
  policy.units = [50, 100]
  [random]                                         and of each so many samples
  samples = 8
  [random.of]
  policy.learning_rate = { log = [1e-4, 1e-2] }    or uniform, integer, or a list to choose from
[[list]] tables are combinations one by one. Stop it at any time: the same command goes on where it stopped."
)]
pub(crate) struct SweepArgs {
    /// How far a sweep is, or its results.
    #[command(subcommand)]
    pub action: Option<Action>,
    /// Experiment, sweep file, or the folder of a sweep that goes on.
    #[arg(required = true)]
    pub what: Option<String>,
    /// Seeds of every combination: `A..B` with both ends, or A,B,C.
    #[arg(long, value_name = "A..B")]
    pub seeds: Option<String>,
    /// Values of a setting, separated by commas: `--set policy.units=50,100`; one value holds for all runs.
    #[arg(long = "set", value_name = "KEY=A,B,…")]
    pub set: Vec<String>,
    /// Time step in ms.
    #[arg(long, value_name = "MS")]
    pub dt: Option<f64>,
    /// Updates of every run, whatever the criterion.
    #[arg(long)]
    pub updates: Option<u64>,
    /// Do every N-th run, from the I-th on.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    #[command(flatten)]
    pub slurm: SlurmArgs,
}

/// Of a job array.
#[derive(Debug, Args)]
#[command(next_help_heading = "Slurm")]
pub(crate) struct SlurmArgs {
    /// Submit a job array with a task for each piece of the work that is neither done nor at work; the script stays in the folder.
    #[arg(long)]
    pub slurm: bool,
    /// Write the script, submit nothing.
    #[arg(long, requires = "slurm")]
    pub dry_run: bool,
    /// Longest time of a task: `02:00:00`.
    #[arg(long, requires = "slurm", value_name = "TIME")]
    pub time: Option<String>,
    /// Memory of a task: `2G`.
    #[arg(long, requires = "slurm", value_name = "SIZE")]
    pub mem: Option<String>,
    /// Most tasks at once.
    #[arg(long, requires = "slurm", value_name = "N")]
    pub at_most: Option<usize>,
    /// `MaxArraySize` of the cluster; longer arrays are split.
    #[arg(long, requires = "slurm", value_name = "N", default_value_t = 1001)]
    pub max_array: usize,
    /// A further option of `sbatch`; may be repeated: `--sbatch=--partition=long`.
    #[arg(long, requires = "slurm", value_name = "OPTION", allow_hyphen_values = true)]
    pub sbatch: Vec<String>,
}

/// What to do with a sweep that is there.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Which runs are done, at work, failed, stopped or not begun.
    Status {
        /// Folder of the sweep.
        folder: PathBuf,
    },
    /// One table of all finished runs, what the runs of each combination come to, and a page that compares them.
    Merge {
        /// Folder of the sweep.
        folder: PathBuf,
    },
}
