//! What can be typed after `neuropil neuronid`.

use super::count;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Arguments of `neuronid`.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  neuropil neuronid check worm.csv                             how a file is read, and what is suspicious about it
  neuropil neuronid predict --template named.csv --test worm.csv
  neuropil neuronid predict --template named.csv --test worm.csv --model model.bin --table matches.csv
  neuropil neuronid vote --template a.csv --template b.csv --test worm.csv
  neuropil neuronid track recording.csv --ref 0 --voxel 0.32,0.32,1.5
  neuropil neuronid atlas heads.csv --to atlas.csv             where each neuron is found in many named worms
  neuropil neuronid predict --atlas atlas.csv --model mine.safetensors --test worm.csv      the surest way
  neuropil neuronid stream --template named.csv < volumes.jsonl
  neuropil train neuronid/heads --set data.path=heads.csv      a network of one's own
  neuropil neuronid convert model.bin model.safetensors"
)]
pub(crate) struct NeuronidArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: NeuronidVerb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum NeuronidVerb {
    /// Say how a file of neurons is read, and what is suspicious about it.
    Check(CheckArgs),
    /// Name the neurons of a worm by another that somebody named, or by an atlas.
    Predict(PredictArgs),
    /// Name the neurons of a worm by several others, and say how far they agree.
    Vote(VoteArgs),
    /// Find the neurons of one volume of a recording in all others.
    Track(TrackArgs),
    /// Answer volumes on standard input, one line of JSON each, while they come.
    Stream(StreamArgs),
    /// Make worms: semi-synthetic ones of a named worm, or of invented heads.
    Synth(SynthArgs),
    /// Make an atlas of worms that somebody named: where each neuron is found, in which colour, and how far that varies.
    Atlas(AtlasArgs),
    /// Rewrite the weights of a network: PyTorch checkpoints of either format, or safetensors, as safetensors.
    Convert(ConvertArgs),
}

/// What the files do not say.
#[derive(Debug, Clone, Args)]
pub(crate) struct UnitArgs {
    /// Unit of positions whose file states none.
    #[arg(long, value_enum)]
    pub unit: Option<UnitName>,
    /// Size of a voxel in µm; positions are multiplied by it.
    #[arg(long, value_name = "X,Y,Z", value_parser = voxel)]
    pub voxel: Option<[f64; 3]>,
    /// Let the later of two rows of one name have it.
    #[arg(long)]
    pub allow_duplicate_names: bool,
}

/// A unit by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnitName {
    /// Micrometres.
    Um,
    /// Units of the published microscope, 0.42 µm.
    Camera,
    /// Already as the network takes them.
    Normalised,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// A worm or a recording.
    pub file: PathBuf,
    #[command(flatten)]
    pub units: UnitArgs,
}

/// What a worm is matched with.
#[derive(Debug, Clone, Args)]
pub(crate) struct AgainstArgs {
    /// The named worm.
    #[arg(long, value_name = "FILE", required_unless_present = "atlas")]
    pub template: Option<PathBuf>,
    /// An atlas that `neuropil neuronid atlas` wrote; with `--model` the network says how the worm lies in it, and both count.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["template", "colour_weight"])]
    pub atlas: Option<PathBuf>,
}

/// How neurons are matched.
#[derive(Debug, Clone, Args)]
pub(crate) struct MatchArgs {
    /// A trained network: PyTorch checkpoint or safetensors [default: coherent point drift, without a network].
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Heads of the network, where its file does not tell them [default: 8, as published].
    #[arg(long, value_name = "N", value_parser = count(1, 1024))]
    pub heads: Option<usize>,
    /// Test neurons that may have no counterpart: auto (any), none, or at most a number.
    #[arg(long, value_name = "K", default_value = "auto", value_parser = outliers)]
    pub outliers: neuropil_neuronid::decide::Outliers,
    /// How colours are compared, if both files have them.
    #[arg(long, value_enum, default_value_t = ColourName::Kl)]
    pub colour: ColourName,
    /// Weight of colour [default: 60 beside a network, 5 beside drift].
    #[arg(long, value_name = "W", value_parser = super::at_least_0)]
    pub colour_weight: Option<f64>,
    /// Settle the name of a row of the test worm, counted from 1 (rows of the file that are left out, as by `keep`, do not count:
    /// it is `test_index` + 1); everything else is solved around it.
    #[arg(long, value_name = "ROW=NAME", value_parser = pin)]
    pub pin: Vec<(usize, String)>,
    /// The template (or the atlas) is a mirror image: negate its z.
    #[arg(long)]
    pub mirror_template: bool,
    /// The test worm is a mirror image: negate its z.
    #[arg(long)]
    pub mirror_test: bool,
    #[command(flatten)]
    pub units: UnitArgs,
}

/// A comparison of colours by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColourName {
    /// Not at all.
    None,
    /// Divergence of their shares, as published.
    Kl,
    /// tanh(1/distance), for z-scores and other intensities.
    Tanh,
}

/// Arguments of `predict`.
#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    #[command(flatten)]
    pub against: AgainstArgs,
    /// The worm to be named.
    #[arg(long, value_name = "FILE")]
    pub test: PathBuf,
    /// Candidates that are listed for each neuron.
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = count(1, 1000))]
    pub top: usize,
    #[command(flatten)]
    pub matching: MatchArgs,
    /// Write all rows to this file (.csv or .json).
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
}

/// Arguments of `vote`.
#[derive(Debug, Args)]
pub(crate) struct VoteArgs {
    /// A named worm; give several.
    #[arg(long, value_name = "FILE", required = true)]
    pub template: Vec<PathBuf>,
    /// The worm to be named.
    #[arg(long, value_name = "FILE")]
    pub test: PathBuf,
    #[command(flatten)]
    pub matching: MatchArgs,
    /// Write all rows to this file (.csv or .json).
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
}

/// Arguments of `track`.
#[derive(Debug, Args)]
pub(crate) struct TrackArgs {
    /// A recording: one table with a column of volumes, TrackMate, Imaris, napari.
    pub file: PathBuf,
    /// Number of the volume that all others are matched with, as the file counts.
    #[arg(long = "ref", value_name = "VOLUME", allow_negative_numbers = true)]
    pub reference: i64,
    #[command(flatten)]
    pub matching: MatchArgs,
    /// Write one row a volume and template neuron to this file (.csv or .json).
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
}

/// Arguments of `stream`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each line of the input is a volume, `{\"volume\": 3, \"points\": [[x, y, z], …]}`, with `colours` beside `points` if there are
any; each line of the output is its answer, with the time that it took. A line that is no volume is answered with an error.")]
pub(crate) struct StreamArgs {
    #[command(flatten)]
    pub against: AgainstArgs,
    /// Time for one answer; later ones are counted.
    #[arg(long, value_name = "MS", default_value_t = 10.0, value_parser = super::positive)]
    pub budget: f64,
    #[command(flatten)]
    pub matching: MatchArgs,
}

/// Arguments of `synth`.
#[derive(Debug, Args)]
pub(crate) struct SynthArgs {
    /// A named worm; its neurons keep their names in every worm that is made of it [default: a new head is invented].
    #[arg(long, value_name = "FILE")]
    pub source: Option<PathBuf>,
    /// Worms to make.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = count(1, 1_000_000))]
    pub worms: usize,
    /// Angle by which bodies turn over 150 µm (root mean square), degrees.
    #[arg(long, value_name = "DEGREES", default_value_t = 40.0, value_parser = super::at_least_0)]
    pub bend: f64,
    /// Standard deviation of the jitter of each coordinate, µm.
    #[arg(long, value_name = "UM", default_value_t = 0.5, value_parser = super::at_least_0)]
    pub jitter: f64,
    /// Table to write, with a column `worm`.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    #[command(flatten)]
    pub units: UnitArgs,
}

/// Arguments of `atlas`.
#[derive(Debug, Args)]
pub(crate) struct AtlasArgs {
    /// A table with a column `worm`, or a folder of named worms.
    pub worms: PathBuf,
    /// Animals in which a name stands before it belongs to the atlas.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = count(2, 100_000))]
    pub least: usize,
    /// Table to write, for `--atlas`; for `--template` it is the mean animal.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    #[command(flatten)]
    pub units: UnitArgs,
}

/// Arguments of `convert`.
#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// Weights: PyTorch checkpoint or safetensors.
    pub from: PathBuf,
    /// Safetensors file to write.
    pub to: PathBuf,
    /// Heads of the network, where its file does not tell them [default: 8, as published].
    #[arg(long, value_name = "N", value_parser = count(1, 1024))]
    pub heads: Option<usize>,
}

fn pin(text: &str) -> Result<(usize, String), String> {
    let wrong = || format!("`{text}` is no pin, expected ROW=NAME as in 12=AVAL");
    let (row, name) = text.split_once('=').ok_or_else(wrong)?;
    let row: usize = row.trim().parse().ok().filter(|row| *row > 0).ok_or_else(wrong)?;
    Ok((row - 1, name.trim().to_owned()))
}

fn voxel(text: &str) -> Result<[f64; 3], String> {
    let wrong =
        || format!("`{text}` is not the size of a voxel, expected three numbers > 0 as in 0.32,0.32,1.5");
    let sizes: Vec<f64> = text
        .split(',')
        .map(|size| super::positive(size.trim()))
        .collect::<Result<_, _>>()
        .map_err(|_| wrong())?;
    sizes.try_into().map_err(|_| wrong())
}

fn outliers(text: &str) -> Result<neuropil_neuronid::decide::Outliers, String> {
    use neuropil_neuronid::decide::Outliers;
    match text {
        "auto" => Ok(Outliers::Auto),
        "none" => Ok(Outliers::None),
        number => count(0, 1_000_000)(number)
            .map(Outliers::Copies)
            .map_err(|_| "expected auto, none or a whole number".to_owned()),
    }
}
