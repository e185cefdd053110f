//! Everything that can be typed.

pub(crate) mod connectome;

use clap::{Args, Parser, Subcommand, ValueEnum};
use neuropil_lab::error::Problem;
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
    /// Experiment on a trained policy: silence or stimulate units, scale inputs, in a part of the trial.
    Probe(ProbeArgs),
    /// Find fixed and slow points of a trained policy under constant input.
    FixedPoints(FixedPointsArgs),
    /// Write a run's recorded trials or weights for other programs.
    Export(ExportArgs),
    /// Make a run directory from weights that another program trained.
    Import(ImportArgs),
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
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
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
    /// Test trials of each condition [default: enough for 20 000 in all, 300 with activity; of a world
    /// that answers 1000 and 30 sessions].
    #[arg(long, value_name = "K")]
    pub trials_per_condition: Option<usize>,
    /// Time between the steps whose activity is kept, in ms [default: 50; in a world that answers every step].
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    pub save_every: Option<f64>,
    /// Give an epoch this duration in every trial, in ms; may be repeated.
    #[arg(long, value_name = "EPOCH=MS")]
    pub fix: Vec<String>,
    /// Time step in ms, other than in training.
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
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
#[command(after_help = "\
Examples:
  neuropil analyse --list
  neuropil analyse runs/rdm-s1
  neuropil analyse runs/rdm-s1 unit-activity --units 3,17 --align choice --window=-600,0
  neuropil analyse runs/rdm-s1 single-trial --trial 12")]
pub(crate) struct AnalyseArgs {
    /// Run directory.
    #[arg(required_unless_present = "list")]
    pub run: Option<PathBuf>,
    /// Analyses to make [default: all that fit the task].
    pub names: Vec<String>,
    /// List the analyses.
    #[arg(long)]
    pub list: bool,
    /// Units that `unit-activity` shows [default: the most selective ones].
    #[arg(long, value_name = "I,J,…", value_delimiter = ',')]
    pub units: Vec<usize>,
    /// Let `unit-activity` show units of the value network.
    #[arg(long)]
    pub value_network: bool,
    /// Event that `unit-activity` aligns to: an epoch, or `choice`.
    #[arg(long, value_name = "EVENT")]
    pub align: Option<String>,
    /// Window around that event, in ms.
    #[arg(long, value_name = "FROM,TO", value_parser = parse_window, allow_hyphen_values = true)]
    pub window: Option<(f64, f64)>,
    /// Recorded trial that `single-trial` shows [default: the last correct one].
    #[arg(long, value_name = "I")]
    pub trial: Option<usize>,
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
    #[arg(long, value_name = "FACTOR")]
    pub noise: Option<f64>,
    /// Only during this epoch; --from and --to count from its onset.
    #[arg(long, value_name = "EPOCH")]
    pub during: Option<String>,
    /// From this time on, in ms.
    #[arg(long, value_name = "MS", allow_hyphen_values = true)]
    pub from: Option<f64>,
    /// Until this time, in ms.
    #[arg(long, value_name = "MS", allow_hyphen_values = true)]
    pub to: Option<f64>,
    /// Trials of each condition [default: enough for 2 000 in all].
    #[arg(long, value_name = "K")]
    pub trials_per_condition: Option<usize>,
    /// Seed of the trials [default: the run's].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Name of the result's files: `results/probe-NAME.json` and so on.
    #[arg(long, default_value = "last", value_parser = parse_file_name)]
    pub name: String,
    /// Show given inputs (and noise) instead of the task: an NPZ file; writes rates and probabilities.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["during", "trials_per_condition", "seed"])]
    pub given: Option<PathBuf>,
    /// Threads [default: all cores].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
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
    /// The constant inputs are the mean ones of this epoch, over all conditions.
    #[arg(long, value_name = "EPOCH", default_value = "stimulus")]
    pub during: String,
    /// Give an input another value; may be repeated.
    #[arg(long, value_name = "INPUT=VALUE")]
    pub input: Vec<String>,
    /// Number of descents, from states spread over the recorded trials.
    #[arg(long, default_value_t = 100)]
    pub starts: usize,
    /// Threads [default: all cores].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  neuropil export runs/rdm-s1 --nwb rdm.nwb
  neuropil export runs/rdm-s1 --npz rdm.npz
  neuropil export runs/rdm-s1 --csv rdm/
  neuropil export runs/rdm-s1 --safetensors rdm.safetensors --torch")]
#[command(group(clap::ArgGroup::new("form").required(true).multiple(true)))]
pub(crate) struct ExportArgs {
    /// Run directory.
    pub run: PathBuf,
    /// Recorded trials as Neurodata Without Borders.
    #[arg(long, value_name = "FILE", group = "form")]
    pub nwb: Option<PathBuf>,
    /// Recorded trials as NumPy arrays, trial × time × unit.
    #[arg(long, value_name = "FILE", group = "form")]
    pub npz: Option<PathBuf>,
    /// Recorded trials as tables: `trials.csv` and `activity.csv` in this folder.
    #[arg(long, value_name = "FOLDER", group = "form")]
    pub csv: Option<PathBuf>,
    /// Weights of both networks; absent ones are 0.
    #[arg(long, value_name = "FILE", group = "form")]
    pub safetensors: Option<PathBuf>,
    /// Name and orient the weights as PyTorch does.
    #[arg(long, requires = "safetensors")]
    pub torch: bool,
    /// Species that the NWB session stands for, as a Latin binomial; without it no subject is written.
    #[arg(long, requires = "nwb", value_name = "NAME")]
    pub species: Option<String>,
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
    /// Run directory to make.
    #[arg(long)]
    pub out: PathBuf,
    /// Seed of the networks that are drawn, and of test trials [default: 1].
    #[arg(long)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub settings: SettingArgs,
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
#[command(after_help = "\
Examples:
  neuropil reproduce song --quick
  neuropil reproduce song
  neuropil reproduce song rdm romo --seeds 1..20 --set preset=song2017
  neuropil reproduce connectome supplement_s1.zip --table connectome.json

Stop it at any time: the same command goes on where it stopped. `song` leaves song.html, claims.json, .csv and .md, and
figures/ in its folder.")]
pub(crate) struct ReproduceArgs {
    /// System: `song` or `connectome`.
    #[arg(value_parser = ["song", "connectome"])]
    pub system: String,
    /// For `song` tasks [default: all of the paper, and the comparisons of value networks]; `further`: those beyond
    /// it. For `connectome` the data of the paper.
    pub tasks: Vec<String>,
    /// One network a task and few test trials.
    #[arg(long)]
    pub quick: bool,
    /// Seeds, `A..B` with both ends [default: 1..6; quick: 1..1].
    #[arg(long, value_name = "A..B", value_parser = parse_seeds)]
    pub seeds: Option<(u64, u64)>,
    /// Threads [default: all cores].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Folder of the runs and the page [default: runs/song, quick: runs/song-quick].
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Write the trials to criterion to this file as well (.json; .md beside it); for `connectome` the table (.html
    /// as well).
    #[arg(long)]
    pub table: Option<PathBuf>,
    #[command(flatten)]
    pub settings: SettingArgs,
}

fn parse_file_name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not a plain file name, expected letters, digits, `-`, `_` and `.`"
        ))
    }
}

fn parse_window(text: &str) -> Result<(f64, f64), String> {
    let wrong =
        || format!("`{text}` is not a window in ms, expected `FROM,TO` with FROM < TO, as in -200,600");
    let (from, to) = text.split_once(',').ok_or_else(wrong)?;
    let number = |part: &str| {
        part.trim()
            .parse::<f64>()
            .ok()
            .filter(|ms| ms.is_finite())
            .ok_or_else(wrong)
    };
    let (from, to) = (number(from)?, number(to)?);
    if from < to { Ok((from, to)) } else { Err(wrong()) }
}

fn parse_seeds(text: &str) -> Result<(u64, u64), String> {
    let wrong = || format!("`{text}` is not a range of seeds, expected `A..B` with A ≤ B, as in 1..6");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let number = |part: &str| part.trim_start_matches('=').parse().map_err(|_| wrong());
    let (from, to) = (number(from)?, number(to)?);
    if from <= to { Ok((from, to)) } else { Err(wrong()) }
}

/// Reads `NAME=NUMBER`, the value of `option`.
pub(crate) fn assignment(option: &str, text: &str) -> Result<(String, f64), Problem> {
    let parsed = text.split_once('=').and_then(|(name, value)| {
        let value: f64 = value.trim().parse().ok()?;
        value.is_finite().then(|| (name.trim().to_owned(), value))
    });
    parsed.ok_or_else(|| {
        Problem::new(
            format!("{option} {text}: expected NAME=NUMBER"),
            format!("as in `{option} A=0.5`"),
        )
    })
}
