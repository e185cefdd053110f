//! What can be typed after the verbs of the recurrent networks that learn from reward.

use super::{SettingArgs, at_least_0, count, finite, parse_file_name, positive};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `probe`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  neuropil probe runs/rdm-s1 --silence 3,17,40
  neuropil probe runs/rdm-s1 --stimulate 17=2 --during stimulus --from 100 --to 200
  neuropil probe runs/rdm-s1 --scale LEFT=0.5 --name half-left
  neuropil probe runs/rdm-s1 --given mine.npz     # arrays inputs and noise, time × trial × input or unit

Every probed trial is compared with the same trial left alone. The value network takes no part in behaviour.
Another time step: `neuropil test RUN --dt 5`.")]
pub(crate) struct ProbeArgs {
    /// Run directory.
    pub run: PathBuf,
    /// Units whose rate counts as 0 for all others and for the choice.
    #[arg(long, value_name = "I,J,…", value_delimiter = ',')]
    pub silence: Vec<usize>,
    /// Add a current to the drive of a unit; may be repeated.
    #[arg(long, value_name = "UNIT=CURRENT")]
    pub stimulate: Vec<String>,
    /// Multiply an input; may be repeated.
    #[arg(long, value_name = "INPUT=FACTOR")]
    pub scale: Vec<String>,
    /// Multiply the recurrent noise.
    #[arg(long, value_name = "FACTOR", value_parser = at_least_0)]
    pub noise: Option<f64>,
    /// Only during this epoch; --from and --to count from its onset.
    #[arg(long, value_name = "EPOCH")]
    pub during: Option<String>,
    /// From this time on, in ms.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, value_parser = finite)]
    pub from: Option<f64>,
    /// Until this time, in ms.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, value_parser = finite)]
    pub to: Option<f64>,
    /// Trials of each condition [default: enough for 2 000 in all].
    #[arg(long, value_name = "K", value_parser = count(1, 10_000_000))]
    pub trials_per_condition: Option<usize>,
    /// Name of the result's files: `results/probe-NAME.json` and so on.
    #[arg(long, default_value = "last", value_parser = parse_file_name)]
    pub name: String,
    /// Show given inputs (and noise) instead of the task: an NPZ file; writes rates and probabilities.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["during", "trials_per_condition"])]
    pub given: Option<PathBuf>,
}

/// Arguments of `fixed-points`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  neuropil fixed-points runs/rdm-s1
  neuropil fixed-points runs/rdm-s1 --input LEFT=0.4 --input RIGHT=0.6
  neuropil fixed-points runs/mante-s1 --input MOTION=1 --input COLOR=0")]
pub(crate) struct FixedPointsArgs {
    /// Run directory, with recorded activity.
    pub run: PathBuf,
    /// The constant inputs are the mean ones of this epoch, over all conditions [default: `stimulus`, `delay`, or the
    /// one that lasts longest].
    #[arg(long, value_name = "EPOCH")]
    pub during: Option<String>,
    /// Give an input another value; may be repeated.
    #[arg(long, value_name = "INPUT=VALUE")]
    pub input: Vec<String>,
    /// Number of descents, from states spread over the recorded trials.
    #[arg(long, default_value_t = 100, value_parser = count(1, 1_000_000))]
    pub starts: usize,
    /// Name of the result's files: `results/fixed-points-NAME.json` and so on [default: with `--during` or `--input`, a name
    /// made of them].
    #[arg(long, value_name = "NAME", value_parser = parse_file_name)]
    pub name: Option<String>,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  neuropil import rdm mine.safetensors --out runs/mine
  neuropil import rdm mine.npz --out runs/mine --set policy.units=64 --set policy.cell=leaky

Names: those of `neuropil export RUN --safetensors FILE`, with or without --torch. Networks that the file lacks are drawn.")]
pub(crate) struct ImportArgs {
    /// Task: a name of the library, a task file, or the `config.toml` of a run.
    pub task: String,
    /// Weights, .safetensors or .npz.
    pub weights: PathBuf,
    /// Name of the run: it is made in `runs/NAME`.
    #[arg(long, value_name = "NAME", value_parser = parse_file_name)]
    pub name: Option<String>,
    #[command(flatten)]
    pub settings: SettingArgs,
}

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Seconds of measurement per entry.
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    pub seconds: f64,
}
