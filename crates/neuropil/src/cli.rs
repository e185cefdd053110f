//! Everything that can be typed.

pub(crate) mod connectome;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Train, run and analyse models of how brains learn.
///
/// `neuropil train rdm` does a whole job: it trains a recurrent network on a perceptual decision task to the
/// paper's criterion, tests it, analyses its behaviour and writes figures and a report.
#[derive(Debug, Parser)]
#[command(
    name = "neuropil",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(after_help = "\
Examples:
  neuropil tasks                         the tasks of the library
  neuropil train rdm                     train, test, analyse, report
  neuropil train rdm --seeds 1..6        six networks and a summary
  neuropil tasks rdm --toml > mine.toml  a task of your own to edit …
  neuropil train mine.toml               … and to train")]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Say less: no progress, no closing table.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the tasks of the library, or explain one.
    Tasks(TasksArgs),
    /// Train a network, then test, analyse and report.
    Train(TrainArgs),
    /// Run test trials of a trained network: every condition equally often.
    Test(TestArgs),
    /// Analyse the test trials of a run.
    Analyse(AnalyseArgs),
    /// Write the report page of a run anew.
    Report(ReportArgs),
    /// Measure speed on this machine, against its multiply-add peak.
    Bench(BenchArgs),
    /// Reproduce a paper's results with many seeds.
    Reproduce(ReproduceArgs),
    /// Analyse a whole brain's wiring: cascades, hubs, order, recurrence.
    Connectome(connectome::ConnectomeArgs),
    /// Print a completion script for a shell.
    Completions {
        /// bash, zsh, fish, powershell or elvish.
        shell: clap_complete::Shell,
    },
}

/// Arguments of `tasks`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  neuropil tasks\n  neuropil tasks wager\n  neuropil tasks rdm --toml > mine.toml"
)]
pub(crate) struct TasksArgs {
    /// Task to explain: a name, an alias, or a TOML file.
    pub task: Option<String>,
    /// Print the task's TOML, to copy and edit.
    #[arg(long, requires = "task")]
    pub toml: bool,
    /// Print the JSON Schema of task files, for editors.
    #[arg(long, conflicts_with = "task")]
    pub schema: bool,
    /// Write a drawing of an example trial to this PNG or SVG file.
    #[arg(long, requires = "task", value_name = "FILE")]
    pub draw: Option<PathBuf>,
    /// Seed of the example trial.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Settings and where they come from.
#[derive(Debug, Clone, Args)]
pub(crate) struct SettingArgs {
    /// Time step in ms [default: the task's].
    #[arg(long, value_name = "MS")]
    pub dt: Option<f64>,
    /// Change a setting: `--set policy.units=200 --set preset=song2017`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Arguments of `train`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  neuropil train rdm
  neuropil train wager --seed 3 --out runs/wager-3
  neuropil train rdm --seeds 1..6 --json
  neuropil train rdm --set preset=song2017 --set policy.units=150
  neuropil train rdm --out runs/rdm-s1 --resume")]
pub(crate) struct TrainArgs {
    /// Task: a name of the library, a task file, or the `config.toml` of a run.
    pub task: String,
    /// Seed of every random draw [default: 1].
    #[arg(long, conflicts_with = "seeds")]
    pub seed: Option<u64>,
    /// Several seeds, `A..B` with both ends: one run each, and a summary.
    #[arg(long, value_name = "A..B", value_parser = parse_seeds)]
    pub seeds: Option<(u64, u64)>,
    /// Threads [default: all cores; results do not depend on it].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Run directory [default: runs/TASK-sSEED]; with --seeds, the folder of the run directories.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Stop after this many updates, whatever the criterion.
    #[arg(long)]
    pub updates: Option<u64>,
    #[command(flatten)]
    pub settings: SettingArgs,
    /// Go on with an unfinished run.
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Begin anew where a run already is.
    #[arg(long)]
    pub force: bool,
    /// Only train: no test trials, analyses, figures or report.
    #[arg(long)]
    pub only: bool,
    /// Print one JSON object (an array with --seeds).
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `test`.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Run directory.
    pub run: PathBuf,
    /// What to keep: `behaviour`, or `activity` of both networks as well, from trials of its own.
    #[arg(long, value_enum, default_value_t = Kind::Behaviour)]
    pub kind: Kind,
    /// Test trials of each condition [default: enough for 20 000 in all, 300 with activity].
    #[arg(long, value_name = "K")]
    pub trials_per_condition: Option<usize>,
    /// Time between the steps whose activity is kept, in ms.
    #[arg(long, value_name = "MS", default_value_t = 50.0)]
    pub save_every: f64,
    /// Time step in ms, other than in training.
    #[arg(long, value_name = "MS")]
    pub dt: Option<f64>,
    /// Seed of the test trials [default: the run's].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Threads [default: all cores].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What test trials keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// How each trial ended.
    Behaviour,
    /// Rates of both networks and the predicted reward, too.
    Activity,
}

/// Arguments of `analyse`.
#[derive(Debug, Args)]
pub(crate) struct AnalyseArgs {
    /// Run directory.
    #[arg(required_unless_present = "list")]
    pub run: Option<PathBuf>,
    /// Analyses to make [default: all that fit the task].
    pub names: Vec<String>,
    /// List the analyses.
    #[arg(long)]
    pub list: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Run directory.
    pub run: PathBuf,
}

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Seconds of measurement per entry.
    #[arg(long, default_value_t = 1.0)]
    pub seconds: f64,
    /// Write the results to this JSON file as well.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// Arguments of `reproduce`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  neuropil reproduce song --out runs/criterion\n  neuropil reproduce song rdm romo --seeds 1..20 --set preset=song2017\n  neuropil reproduce connectome supplement_s1.zip --table connectome.json"
)]
pub(crate) struct ReproduceArgs {
    /// System: `song` or `connectome`.
    #[arg(value_parser = ["song", "connectome"])]
    pub system: String,
    /// Tasks [default: the seven of the paper]; `further`: those beyond it. For `connectome` the data of the paper.
    pub tasks: Vec<String>,
    /// Seeds, `A..B` with both ends.
    #[arg(long, value_name = "A..B", value_parser = parse_seeds, default_value = "1..6")]
    pub seeds: (u64, u64),
    /// Threads [default: all cores].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Folder of the runs; finished ones are not repeated, unfinished ones go on.
    #[arg(long, default_value = "runs/song-criterion")]
    pub out: PathBuf,
    /// Write the table to this file (.json; .md beside it, for `connectome` .html as well).
    #[arg(long)]
    pub table: Option<PathBuf>,
    #[command(flatten)]
    pub settings: SettingArgs,
}

fn parse_seeds(text: &str) -> Result<(u64, u64), String> {
    let wrong = || format!("`{text}` is not a range of seeds, expected `A..B` with A ≤ B, as in 1..6");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let number = |part: &str| part.trim_start_matches('=').parse().map_err(|_| wrong());
    let (from, to) = (number(from)?, number(to)?);
    if from <= to { Ok((from, to)) } else { Err(wrong()) }
}
