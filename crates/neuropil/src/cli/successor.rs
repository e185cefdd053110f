//! What can be typed after `neuropil successor`.

use super::probability;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Arguments of `successor`.
#[derive(Debug, Args)]
#[command(after_help = "\
FILE is a track of DeepLabCut (CSV, H5), SLEAP (CSV, HDF5), EthoVision, ANY-maze, Bonsai, Neuralynx (.nvt), Trodes, NWB,
MATLAB (v5 to v7.3), NumPy (.npz) or a spreadsheet. It is known by its content; what it does not say is asked for.

Examples:
  neuropil successor check track.csv                     what is in a file, and is it usable
  neuropil successor run track.csv                       walk, learning, fields, shuffles, report
  neuropil successor run VT1.nvt --arena 120,560,20,460 --width-cm 70 --spikes phy/
  neuropil successor run pose.csv --fps 30 --bodypart snout
  neuropil train successor/arena --seed 2
  neuropil successor figure 3 --quick
  neuropil reproduce successor --quick")]
pub(crate) struct SuccessorArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: SuccessorVerb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum SuccessorVerb {
    /// From a recorded track to the report: walk, learning, successor maps, place fields with shuffles.
    Run(RunArgs),
    /// Say what is in a track file and whether it can be used.
    Check(CheckArgs),
    /// Read M out of a run at any gain: a row, the value of rewards.
    Retrieve(RetrieveArgs),
    /// Find the place fields of a run anew, with other settings.
    Fields(FieldsArgs),
    /// Write a walk in a world as NumPy arrays.
    Walk(WalkArgs),
    /// List the worlds that come along, or print one to edit.
    Worlds(WorldsArgs),
    /// Learn with a plasticity kernel, or fit its scales.
    Kernel(KernelArgs),
    /// Compute a figure of the paper.
    Figure(FigureArgs),
}

/// Where the result goes.
#[derive(Debug, Args)]
pub(crate) struct PlaceArgs {
    /// Go on with an unfinished run.
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Begin anew where a run already is.
    #[arg(long)]
    pub force: bool,
    /// Change a setting: `--set model.gain=0.5`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Unit of a column of times.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Unit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
    /// Numbers of frames or samples.
    Frames,
}

/// What a track file does not say.
#[derive(Debug, Args)]
pub(crate) struct TrackArgs {
    /// Track.
    pub file: PathBuf,
    /// Frames per second, for files that count frames.
    #[arg(long, allow_negative_numbers = true)]
    pub fps: Option<f64>,
    /// Unit of the time column.
    #[arg(long, value_enum)]
    pub time_unit: Option<Unit>,
    /// Body part, node or point of the animal.
    #[arg(long, value_name = "NAME")]
    pub bodypart: Option<String>,
    /// Animal or track.
    #[arg(long, value_name = "NAME")]
    pub individual: Option<String>,
    /// Series of an NWB file, sheet of a workbook.
    #[arg(long, value_name = "NAME")]
    pub series: Option<String>,
    /// Columns or variables of x, y and time.
    #[arg(long, alias = "vars", value_name = "X,Y[,T]", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Positions with a smaller likelihood are lost [default: 0.6 for DeepLabCut].
    #[arg(long, value_name = "P", value_parser = probability)]
    pub likelihood: Option<f64>,
    /// Lamp of a Trodes file, 1 or 2 [default: the midpoint].
    #[arg(long)]
    pub led: Option<u8>,
    /// Frames of the video, for files that leave out frames.
    #[arg(long, value_name = "N")]
    pub video_frames: Option<usize>,
}

/// From positions to states.
#[derive(Debug, Args)]
pub(crate) struct PipelineArgs {
    /// Whose pipeline: `fang2023` is the paper's, exactly.
    #[arg(long, value_parser = ["fang2023"])]
    pub preset: Option<String>,
    /// Edges of the arena in the unit of the file: left, right, lower, upper.
    #[arg(
        long,
        value_name = "X0,X1,Y0,Y1",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub arena: Vec<f64>,
    /// Width of the arena, cm, with --arena [default: 70].
    #[arg(long, value_name = "CM")]
    pub width_cm: Option<f64>,
    /// Centimetres per unit of the file.
    #[arg(long, value_name = "CM", conflicts_with = "arena")]
    pub cm_per_unit: Option<f64>,
    /// Side of the arena where nothing says how large it is, cm [default: 70].
    #[arg(long, value_name = "CM")]
    pub box_cm: Option<f64>,
    /// Side of a bin, cm [default: 5].
    #[arg(long, value_name = "CM")]
    pub bin_cm: Option<f64>,
    /// Samples per second [default: 3].
    #[arg(long, value_name = "HZ")]
    pub rate: Option<f64>,
    /// Round or rectangle [default: round where exactly the corners are empty].
    #[arg(long, value_parser = ["round", "rectangle"])]
    pub outline: Option<String>,
    /// Turn y round.
    #[arg(long)]
    pub flip_y: bool,
    /// Frames reached faster than this, in units of the file per second, are jumps [default: ten times the speed that
    /// 95 % of the steps stay below].
    #[arg(long, value_name = "SPEED")]
    pub max_speed: Option<f64>,
    /// Longest gap that is bridged, s [default: 1].
    #[arg(long, value_name = "S")]
    pub longest_gap: Option<f64>,
    /// Share of the bins that may have fewer than three samples [default: 1].
    #[arg(long, value_name = "SHARE")]
    pub unexplored: Option<f64>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub track: TrackArgs,
    #[command(flatten)]
    pub pipeline: PipelineArgs,
    /// Spikes recorded with the track: a table with columns unit and time, or a folder of Phy.
    #[arg(long, value_name = "FILE")]
    pub spikes: Option<PathBuf>,
    /// Unit of spike times in a table [default: seconds].
    #[arg(long, value_enum)]
    pub spike_unit: Option<Unit>,
    /// Samples per second of spike times in samples.
    #[arg(long, value_name = "HZ")]
    pub sample_rate: Option<f64>,
    /// Use units with these labels, too: `mua`, `noise`.
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    pub groups: Vec<String>,
    /// Frames in which the animal was slower count neither for spikes nor for time, cm/s.
    #[arg(long, value_name = "CM/S")]
    pub min_speed: Option<f64>,
    /// Gain at which maps are read out [default: 0.9].
    #[arg(long, value_name = "GAMMA", allow_negative_numbers = true)]
    pub gain: Option<f64>,
    /// Circular shifts of the activity [default: 40].
    #[arg(long, value_name = "N")]
    pub shuffles: Option<usize>,
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub track: TrackArgs,
}

/// Arguments of `retrieve`.
#[derive(Debug, Args)]
pub(crate) struct RetrieveArgs {
    /// Run directory.
    pub run: PathBuf,
    /// Gain γ.
    #[arg(long, default_value_t = 0.9, allow_negative_numbers = true)]
    pub gain: f64,
    /// State whose row of M is printed [default: the one visited most].
    #[arg(long, value_name = "S")]
    pub state: Option<usize>,
    /// Reward of a state, for the value map; may be repeated.
    #[arg(long, value_name = "S=R")]
    pub reward: Vec<String>,
}

/// Arguments of `fields`.
#[derive(Debug, Args)]
pub(crate) struct FieldsArgs {
    /// Run directory.
    pub run: PathBuf,
    /// Circular shifts.
    #[arg(long, default_value_t = 40)]
    pub shuffles: usize,
    /// Change a setting of the fields: `--set fields.edge=renormalise`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Arguments of `walk`.
#[derive(Debug, Args)]
pub(crate) struct WalkArgs {
    /// World: one that comes along, or a TOML file.
    #[arg(long, default_value = "open")]
    pub world: String,
    /// Samples.
    #[arg(long, default_value_t = 5001)]
    pub steps: usize,
}

/// Arguments of `worlds`.
#[derive(Debug, Args)]
pub(crate) struct WorldsArgs {
    /// World whose TOML is printed.
    pub name: Option<String>,
}

/// Arguments of `kernel`.
#[derive(Debug, Args)]
pub(crate) struct KernelArgs {
    /// τ₊, steps of a third of a second.
    #[arg(long, default_value_t = 0.8, allow_negative_numbers = true)]
    pub tau_positive: f64,
    /// τ₋, steps.
    #[arg(long, default_value_t = 0.2, allow_negative_numbers = true)]
    pub tau_negative: f64,
    /// Let a postsynaptic neuron that comes first potentiate, too.
    #[arg(long)]
    pub potentiating: bool,
    /// Fit all 289 pairs of time constants of Fig. 2j.
    #[arg(long)]
    pub grid: bool,
    /// Generations of a search.
    #[arg(long, default_value_t = 401)]
    pub generations: usize,
    /// Searches at most.
    #[arg(long, default_value_t = 20)]
    pub restarts: usize,
}

/// Arguments of `figure`.
#[derive(Debug, Args)]
pub(crate) struct FigureArgs {
    /// 2, 3, 4, 5, 6, app7 or change.
    pub figure: String,
    /// Fewer walks, coarser grids.
    #[arg(long)]
    pub quick: bool,
    /// Folder of a merged sweep of `successor/features` over the grid of features, gains and models, for figures 5 and 6.
    #[arg(long, value_name = "FOLDER", conflicts_with = "quick")]
    pub sweep: Option<PathBuf>,
}
