//! Everything that can be typed.

pub(crate) mod connectome;
pub(crate) mod enhancers;
pub(crate) mod gating;
pub(crate) mod neuronid;
pub(crate) mod song;
pub(crate) mod successor;
pub(crate) mod sweep;

use clap::{Args, Parser, Subcommand};
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
    #[command(flatten)]
    pub global: Global,
}

/// What every command understands.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Seed of every random draw [default: 1, or the run's].
    #[arg(long, value_name = "N", global = true)]
    pub seed: Option<u64>,
    /// Threads [default: all cores; results do not depend on it].
    #[arg(long, value_name = "N", global = true)]
    pub threads: Option<usize>,
    /// Where results go [default: train: runs/TASK-sSEED, with --seeds in runs; reproduce: runs/SYSTEM; others: the
    /// run that they are made of].
    #[arg(long, value_name = "PATH", global = true)]
    pub out: Option<PathBuf>,
    /// Print JSON on standard output, everything else on standard error.
    #[arg(long, global = true)]
    pub json: bool,
    /// Say less: no progress, no closing table.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Memory that the content of one file may take up, unpacked, in GB.
    #[arg(long, global = true, default_value_t = 4.0, value_name = "GB", value_parser = positive)]
    pub max_memory: f64,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the experiments of every system, or explain one.
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
    Probe(song::ProbeArgs),
    /// Find fixed and slow points of a trained policy under constant input.
    FixedPoints(song::FixedPointsArgs),
    /// Write a run's recorded trials or weights for other programs.
    Export(ExportArgs),
    /// Make a run directory from weights that another program trained.
    Import(song::ImportArgs),
    /// Measure speed on this machine, against its multiply-add peak.
    Bench(song::BenchArgs),
    /// Reproduce a paper's results with many seeds.
    Reproduce(ReproduceArgs),
    /// Many runs of one experiment: a grid, a list or random draws of settings, and seeds; here, in shards, or on Slurm.
    Sweep(sweep::SweepArgs),
    /// Analyse a whole brain's wiring: cascades, hubs, order, recurrence.
    Connectome(connectome::ConnectomeArgs),
    /// Successor representations: from an animal's track to maps, fields and the report.
    Successor(successor::SuccessorArgs),
    /// Sequences of tasks: look at data before training.
    Gating(gating::GatingArgs),
    /// Name and track the neurons of worms in point clouds.
    Neuronid(neuronid::NeuronidArgs),
    /// Find the enhancers that go with a trait across species.
    Enhancers(enhancers::EnhancersArgs),
    /// List every setting of the networks that learn from reward: default, unit, meaning.
    Settings(SettingsArgs),
    /// Put several runs side by side: their figures in one, and a table of what they came to.
    Compare(CompareArgs),
    /// Print a completion script for a shell.
    Completions {
        /// bash, zsh, fish, powershell or elvish.
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// What to do in place of `--out` where it would be without effect: a file that was asked for and is not there is missed late.
    fn instead_of_out(&self) -> Option<&'static str> {
        const REDIRECT: &str = "`> FILE` keeps what is printed";
        match self {
            Self::Tasks(_) | Self::Settings(_) | Self::Completions { .. } | Self::Gating(_) => Some(REDIRECT),
            Self::Successor(args) => {
                use successor::SuccessorVerb::{Check, Kernel, Worlds};
                matches!(args.verb, Check(_) | Kernel(_) | Worlds(_)).then_some(REDIRECT)
            }
            Self::Neuronid(args) => {
                use neuronid::NeuronidVerb::{Check, Stream};
                matches!(args.verb, Check(_) | Stream(_)).then_some(REDIRECT)
            }
            Self::Enhancers(args) => matches!(args.verb, enhancers::EnhancersVerb::Simulate(_))
                .then_some("the folder is the argument of the command"),
            Self::Export(_) => Some("the file stands behind its form: `--npz FILE`"),
            _ => None,
        }
    }

    /// Whether there is no JSON to print.
    fn prints_no_json(&self) -> bool {
        use enhancers::EnhancersVerb::{Explain, Motifs, Orthologs, Prepare, Simulate};
        match self {
            Self::Completions { .. } => true,
            Self::Enhancers(args) => {
                matches!(
                    args.verb,
                    Explain(_) | Motifs(_) | Orthologs(_) | Prepare(_) | Simulate(_)
                )
            }
            _ => false,
        }
    }
}

impl Cli {
    /// Refuses what is understood everywhere and would be without effect here.
    ///
    /// # Errors
    /// The option, and what to do in its place.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let no_use = |option: &str, hint: &str| {
            Problem::new(format!("`{option}` has no effect here"), hint.to_owned())
        };
        if let (Some(_), Some(hint)) = (&self.global.out, self.command.instead_of_out()) {
            return Err(no_use("--out", hint));
        }
        if self.global.json && self.command.prints_no_json() {
            return Err(no_use(
                "--json",
                "the command writes files and prints what they are",
            ));
        }
        Ok(())
    }
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
}

/// Arguments of `settings`.
#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    /// Only those with this in their name: `policy`, `noise`.
    pub part: Option<String>,
    /// Print the chapter of the book.
    #[arg(long, conflicts_with = "part")]
    pub markdown: bool,
}

/// Arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  neuropil compare runs/rdm-s1 runs/rdm-s2 runs/rdm-s3
  neuropil compare runs/rdm-s* --analyses psychometric,learning-curve --out runs/rdm-compared")]
pub(crate) struct CompareArgs {
    /// Run directories.
    #[arg(required = true, num_args = 2..)]
    pub runs: Vec<PathBuf>,
    /// Analyses whose figures are joined [default: all that every run has].
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub analyses: Vec<String>,
}

/// Settings and where they come from.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SettingArgs {
    /// Time step in ms [default: the task's].
    #[arg(long, value_name = "MS", allow_negative_numbers = true, value_parser = finite)]
    pub dt: Option<f64>,
    /// Change a setting (`neuropil settings` lists them) or a criterion: `--set policy.units=200 --set criterion.correct=0.9`.
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
  neuropil train rdm --out runs/rdm-s1 --resume
  neuropil train runs/rdm-s1 --updates 500                       train further, into runs/rdm-s1-further
  neuropil train runs/rdm-s1 --set criterion.correct=0.85        … to another criterion
  neuropil train wager --from runs/rdm-s1                        begin with what another task taught")]
pub(crate) struct TrainArgs {
    /// Task: a name of the library, a task file, the `config.toml` of a run, or a run directory, to train its networks
    /// further in a new one.
    pub task: String,
    /// Several seeds, `A..B` with both ends: one run each, and a summary.
    #[arg(long, value_name = "A..B", value_parser = parse_seeds)]
    pub seeds: Option<(u64, u64)>,
    /// Stop after this many updates, whatever the criterion.
    #[arg(long, value_name = "N")]
    pub updates: Option<u64>,
    #[command(flatten)]
    pub settings: SettingArgs,
    /// Begin with the networks of this run instead of drawing new ones: every weight array whose shape agrees, and if all do
    /// the optimiser. A run directory in place of TASK is this with the settings of that run.
    #[arg(long, value_name = "RUN", conflicts_with = "resume")]
    pub from: Option<PathBuf>,
    /// Go on with an unfinished run.
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Begin anew where a run already is.
    #[arg(long)]
    pub force: bool,
    /// Only train: no test trials, analyses, figures or report.
    #[arg(long)]
    pub only: bool,
}

/// Arguments of `test`.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Run directory.
    pub run: PathBuf,
    /// What to keep: `behaviour` [default], or `activity` of both networks as well, from trials of its own.
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Test trials of each condition [default: enough for 20 000 in all, 300 with activity; of a world
    /// that answers 1000 and 30 sessions].
    #[arg(long, value_name = "K", value_parser = count(1, 10_000_000))]
    pub trials_per_condition: Option<usize>,
    /// Time between the steps whose activity is kept, in ms [default: 50; in a world that answers every step].
    #[arg(long, value_name = "MS", allow_negative_numbers = true, value_parser = finite)]
    pub save_every: Option<f64>,
    /// Give an epoch this duration in every trial, in ms; may be repeated.
    #[arg(long, value_name = "EPOCH=MS")]
    pub fix: Vec<String>,
    /// Change another option of the system's tests.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Time step in ms, other than in training.
    #[arg(long, value_name = "MS", allow_negative_numbers = true, value_parser = finite)]
    pub dt: Option<f64>,
    /// Name of a side experiment: what is made goes to `side/NAME` of the run, and is looked for there first [default: with
    /// options that change what is made, a name made of them].
    #[arg(long, value_name = "NAME", value_parser = parse_file_name)]
    pub name: Option<String>,
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
    /// What trials are sorted by: a factor, a drawn or derived quantity, or EPOCH_ms, the duration of an epoch; several, A,B,
    /// by all combinations [default: what varies most].
    #[arg(long, value_name = "QUANTITY")]
    pub by: Option<String>,
    /// The two answers that are compared, low end of the axis first; the first action stands for no answer [default: left and
    /// right, low and high, or the only two].
    #[arg(long, value_name = "LOW,HIGH", value_parser = parse_answers)]
    pub answers: Option<(String, String)>,
    /// Units that `unit-activity` and `peri-event` show [default: the most selective ones].
    #[arg(long, value_name = "I,J,…", value_delimiter = ',')]
    pub units: Vec<usize>,
    /// Let `unit-activity` show units of the value network.
    #[arg(long)]
    pub value_network: bool,
    /// Event that averages of activity are aligned to: an epoch, `choice` or `trial`; epoch that `selectivity` and `kernel`
    /// look at.
    #[arg(long, value_name = "EVENT")]
    pub align: Option<String>,
    /// Window around that event, in ms.
    #[arg(long, value_name = "FROM,TO", value_parser = parse_window, allow_hyphen_values = true)]
    pub window: Option<(f64, f64)>,
    /// Recorded trial that `single-trial` shows [default: the last correct one].
    #[arg(long, value_name = "I")]
    pub trial: Option<usize>,
    /// Name of a side experiment: what is made goes to `side/NAME` of the run, and is looked for there first [default: with
    /// options that change what is made, a name made of them].
    #[arg(long, value_name = "NAME", value_parser = parse_file_name)]
    pub name: Option<String>,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Run directory.
    pub run: PathBuf,
    /// Name of a side experiment: the page of its trials, in `side/NAME` of the run.
    #[arg(long, value_name = "NAME", value_parser = parse_file_name)]
    pub name: Option<String>,
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
    /// System: song, gating, successor, neuronid, connectome or enhancers.
    pub system: String,
    /// What of it [default: all]: song's tasks, or `further` for those beyond the paper; gating's methods, fractions,
    /// strengths, cognitive, reward; successor's figures 2, 3, 4, 5, 6, app7, change; for connectome the paper's
    /// data, for neuronid named heads, for enhancers the released table and a species tree.
    pub parts: Vec<String>,
    /// One network a task and few test trials.
    #[arg(long)]
    pub quick: bool,
    /// Seeds, `A..B` with both ends [default: 1..6; quick: 1..1].
    #[arg(long, value_name = "A..B", value_parser = parse_seeds)]
    pub seeds: Option<(u64, u64)>,
    /// Write the claims and the trials to criterion to this file as well (.json; .md beside it); for `connectome` the
    /// table (.html as well).
    #[arg(long)]
    pub table: Option<PathBuf>,
    #[command(flatten)]
    pub settings: SettingArgs,
}

/// Most seeds of one command.
const MOST_SEEDS: u64 = 100_000;

fn parse_window(text: &str) -> Result<(f64, f64), String> {
    let wrong =
        || format!("`{text}` is not a window in ms, expected `FROM,TO` with FROM < TO, as in -200,600");
    let (from, to) = text.split_once(',').ok_or_else(wrong)?;
    let number = |part: &str| finite(part.trim()).map_err(|_| wrong());
    let (from, to) = (number(from)?, number(to)?);
    if from < to { Ok((from, to)) } else { Err(wrong()) }
}

/// Reads the name of a file or folder.
pub(crate) fn parse_file_name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if text.starts_with(char::is_alphanumeric) && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not a plain file name, expected letters, digits, `-`, `_` and `.`"
        ))
    }
}

fn parse_answers(text: &str) -> Result<(String, String), String> {
    let pair = text
        .split_once(',')
        .filter(|(low, high)| !low.trim().is_empty() && !high.trim().is_empty());
    pair.map(|(low, high)| (low.trim().to_owned(), high.trim().to_owned()))
        .ok_or_else(|| format!("`{text}` is not a pair of answers, expected `LOW,HIGH`"))
}

fn parse_seeds(text: &str) -> Result<(u64, u64), String> {
    let wrong = || format!("`{text}` is not a range of seeds, expected `A..B` with A ≤ B, as in 1..6");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let number = |part: &str| part.trim_start_matches('=').parse().map_err(|_| wrong());
    let (from, to): (u64, u64) = (number(from)?, number(to)?);
    match to.checked_sub(from) {
        None => Err(wrong()),
        Some(more) if more >= MOST_SEEDS => Err(format!("`{text}` is more than {MOST_SEEDS} seeds")),
        Some(_) => Ok((from, to)),
    }
}

/// Reads a finite number.
pub(crate) fn finite(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|x: &f64| x.is_finite());
    number.ok_or_else(|| "expected a number".to_owned())
}

/// Reads a finite number above 0.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    finite(text)
        .ok()
        .filter(|x| *x > 0.0)
        .ok_or_else(|| "expected a number > 0".to_owned())
}

/// Reads a finite number that is not below 0.
pub(crate) fn at_least_0(text: &str) -> Result<f64, String> {
    finite(text)
        .ok()
        .filter(|x| *x >= 0.0)
        .ok_or_else(|| "expected a number ≥ 0".to_owned())
}

/// Reads a probability.
pub(crate) fn probability(text: &str) -> Result<f64, String> {
    let number = finite(text).ok().filter(|p| (0.0..=1.0).contains(p));
    number.ok_or_else(|| "expected a probability from 0 to 1".to_owned())
}

/// Reads a whole number in a range, both ends included.
pub(crate) fn count(
    least: usize,
    most: usize,
) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync {
    move |text: &str| {
        let number = text.parse().ok().filter(|n| (least..=most).contains(n));
        number.ok_or_else(|| format!("expected a whole number from {least} to {most}"))
    }
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

#[cfg(test)]
mod book;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_command_is_declared_without_contradiction_and_understands_what_all_do() {
        let mut cli = Cli::command();
        cli.build();
        cli.clone().debug_assert();
        for verb in [
            "tasks",
            "train",
            "test",
            "analyse",
            "report",
            "export",
            "reproduce",
            "probe",
            "fixed-points",
        ] {
            let verb = cli.find_subcommand(verb).unwrap_or_else(|| panic!("{verb}"));
            for option in ["seed", "threads", "json", "out", "quiet"] {
                assert!(
                    verb.get_arguments().any(|arg| arg.get_id() == option),
                    "{} --{option}",
                    verb.get_name()
                );
            }
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused_as_they_are_typed() {
        assert!(parse_seeds("1..18446744073709551615").is_err() && parse_seeds("3..2").is_err());
        assert_eq!(
            parse_seeds("18446744073709551614..=18446744073709551615"),
            Ok((u64::MAX - 1, u64::MAX))
        );
        assert!(count(1, 10)("0").is_err() && count(1, 10)("11").is_err() && count(1, 10)("10") == Ok(10));
        assert!(finite("NaN").is_err() && finite("inf").is_err() && finite("-2.5") == Ok(-2.5));
        assert!(positive("0").is_err() && at_least_0("0") == Ok(0.0) && probability("1.1").is_err());
        assert!(parse_window("-200,600").is_ok() && parse_window("600,-200").is_err());
    }
}
