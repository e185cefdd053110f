//! What can be typed after `neuropil connectome`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Arguments of `connectome`.
#[derive(Debug, Args)]
#[command(after_help = "\
DATA is the paper's supplement (zip or folder), a folder with edges.csv and neurons.csv, an edge table
(`pre,post,weight` or `pre,post,ad,aa,dd,da`), a labelled matrix, GraphML, Matrix Market or a SciPy npz.

Examples:
  neuropil connectome simulate larva                     a generated brain to try everything on
  neuropil connectome stats larva
  neuropil connectome cascade larva --sources \"annotations~olfactory\" --runs 1000
  neuropil connectome report supplement_s1.zip --out report")]
pub(crate) struct ConnectomeArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ConnectomeVerb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum ConnectomeVerb {
    /// Neurons, classes, layers, multiplexed edges, reciprocity.
    Stats(DataArgs),
    /// Signal cascades from a set of neurons.
    Cascade(CascadeArgs),
    /// Order from input to output: signal flow, SpringRank, walk-sort.
    Flow(FlowArgs),
    /// Strong edges by homologous pairs.
    Edges(EdgesArgs),
    /// Hubs of the strong edges, and the rich club.
    Hubs(HubsArgs),
    /// Which senses reach which neurons.
    Integration(RunArgs),
    /// Units that are both downstream and upstream of one another.
    Recurrence(RunArgs),
    /// Neuron types: joint spectral embedding and divisive clustering.
    Types(TypesArgs),
    /// Write one page with every figure, and each figure's numbers.
    Report(PageArgs),
    /// Generate a larva-like connectome in a folder.
    Simulate(SimulateArgs),
}

/// Where the data are and how to answer.
#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// Connectome: a file or folder.
    pub data: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Write the full table to this CSV file.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Threads [default: all cores; results do not depend on it].
    #[arg(long, alias = "jobs")]
    pub threads: Option<usize>,
}

/// Runs and seed.
#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    /// Probability that a synapse transmits.
    #[arg(long, default_value_t = 0.05)]
    pub p: f64,
    /// Runs.
    #[arg(long, default_value_t = 1000)]
    pub runs: usize,
    /// Last hop.
    #[arg(long, default_value_t = 8)]
    pub max_hops: usize,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Layer: a name of the data, or `all` [default: `ad` where there is one].
    #[arg(long)]
    pub layer: Option<String>,
}

/// Arguments of `cascade`.
#[derive(Debug, Args)]
pub(crate) struct CascadeArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Sources: an expression (`celltype=PN and hemisphere=L`) or a file with one id per line.
    #[arg(long, value_name = "QUERY|FILE")]
    pub sources: String,
    /// Neurons that do not pass on, as an expression, or `none` [default: io=output].
    #[arg(long, value_name = "QUERY")]
    pub stop: Option<String>,
    /// Hops that count for the downstream set [default: --max-hops].
    #[arg(long)]
    pub hops: Option<usize>,
    /// Enumerate all states instead of running (small graphs).
    #[arg(long)]
    pub exact: bool,
    /// Neurons with a negative sum of weights inhibit.
    #[arg(long)]
    pub signed: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Arguments of `flow`.
#[derive(Debug, Args)]
pub(crate) struct FlowArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Layer [default: the sum of all].
    #[arg(long, default_value = "all")]
    pub layer: String,
    /// Seed of the random walks.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// How pairs decide.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Pairs {
    /// The mean of both sides passes and both exist.
    Mean,
    /// Both sides pass.
    Strict,
    /// Every edge for itself.
    None,
}

/// Arguments of `edges`.
#[derive(Debug, Args)]
pub(crate) struct EdgesArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Input fraction (`0.01`, `1%`) or synapses (`3syn`).
    #[arg(long, default_value = "0.01")]
    pub threshold: String,
    /// How the two sides of a pair decide.
    #[arg(long, value_enum, default_value_t = Pairs::Mean)]
    pub pairs: Pairs,
    /// Layer [default: `ad` where there is one].
    #[arg(long)]
    pub layer: Option<String>,
}

/// Arguments of `hubs`.
#[derive(Debug, Args)]
pub(crate) struct HubsArgs {
    #[command(flatten)]
    pub edges: EdgesArgs,
    /// Partners from which a neuron is a hub.
    #[arg(long, default_value_t = 20.0)]
    pub degree: f64,
}

/// Arguments of `integration` and `recurrence`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Hops that count [default: 8 for integration, 5 for recurrence].
    #[arg(long)]
    pub hops: Option<usize>,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Arguments of `types`.
#[derive(Debug, Args)]
pub(crate) struct TypesArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Dimensions of the embedding that are clustered.
    #[arg(long, default_value_t = 10)]
    pub dimensions: usize,
    /// Clusters of fewer neurons are not split.
    #[arg(long, default_value_t = 32)]
    pub min_split: usize,
    /// Deepest level.
    #[arg(long, default_value_t = 8)]
    pub levels: usize,
    /// Seed of the random starts.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// Connectome: a file or folder.
    pub data: PathBuf,
    /// Folder of report.html, figures and tables.
    #[arg(long, default_value = "connectome-report")]
    pub out: PathBuf,
    /// Threads [default: all cores; results do not depend on it].
    #[arg(long, alias = "jobs")]
    pub threads: Option<usize>,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Folder to write edges.csv and neurons.csv to.
    pub out: PathBuf,
    /// Homologous pairs.
    #[arg(long, default_value_t = 300)]
    pub pairs: usize,
    /// Mean number of targets of a neuron.
    #[arg(long, default_value_t = 20.0)]
    pub degree: f64,
    /// Seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
