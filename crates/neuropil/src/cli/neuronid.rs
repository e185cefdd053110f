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
    /// Name the neurons of a worm by another that somebody named.
    Predict(PredictArgs),
    /// Name the neurons of a worm by several others, and say how far they agree.
    Vote(VoteArgs),
    /// Find the neurons of one volume of a recording in all others.
    Track(TrackArgs),
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

/// How neurons are matched.
#[derive(Debug, Clone, Args)]
pub(crate) struct MatchArgs {
    /// A trained network: PyTorch checkpoint or safetensors [default: coherent point drift, without a network].
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Heads of the network, which its weights do not tell.
    #[arg(long, value_name = "N", default_value_t = neuropil_neuronid::yu2021::HEADS, value_parser = count(1, 1024))]
    pub heads: usize,
    /// Test neurons that may have no counterpart: auto (any), none, or at most a number.
    #[arg(long, value_name = "K", default_value = "auto", value_parser = outliers)]
    pub outliers: neuropil_neuronid::decide::Outliers,
    /// How colours are compared, if both files have them.
    #[arg(long, value_enum, default_value_t = ColourName::Kl)]
    pub colour: ColourName,
    /// Weight of colour [default: 60 beside a network, 5 beside drift].
    #[arg(long, value_name = "W", value_parser = super::at_least_0)]
    pub colour_weight: Option<f64>,
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
    /// The named worm.
    #[arg(long, value_name = "FILE")]
    pub template: PathBuf,
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

/// Arguments of `convert`.
#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// Weights: PyTorch checkpoint or safetensors.
    pub from: PathBuf,
    /// Safetensors file to write.
    pub to: PathBuf,
    /// Heads of the network, which its weights do not tell.
    #[arg(long, value_name = "N", default_value_t = neuropil_neuronid::yu2021::HEADS, value_parser = count(1, 1024))]
    pub heads: usize,
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
