//! What can be typed after `neuropil connectome`.

use super::{at_least_0, count, finite, positive, probability};
use clap::{Args, Subcommand, ValueEnum};
use neuropil_connectome::winding2023;
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
    /// Neurons by their distance from a set over strong edges.
    Layers(LayersArgs),
    /// Which senses reach which neurons.
    Integration(RunArgs),
    /// The two sides: laterality, loops through the homologue, signals of one side, edge excision.
    Hemispheres(HemispheresArgs),
    /// Whether left and right have the same densities.
    Symmetry(ColumnArgs),
    /// Units that are both downstream and upstream of one another.
    Recurrence(RunArgs),
    /// Feedforward and feedback signal between classes or clusters.
    Direction(DirectionArgs),
    /// What outputs send back into the brain: feedback and efference copy.
    Feedback(RunArgs),
    /// Simple paths and loops, counted as they are found.
    Paths(PathsArgs),
    /// Patterns of three neurons against random graphs, and chains through a second population.
    Motifs(MotifsArgs),
    /// Statistics against random graphs.
    Nulls(NullsArgs),
    /// Steady-state influence and effective connectivity of a set.
    Influence(InfluenceArgs),
    /// Neuron types: spectral embedding and divisive clustering.
    Types(TypesArgs),
    /// Write a part of the wiring as constraint of a recurrent network, and matched random ones.
    ExportRnn(ExportArgs),
    /// Read data of any form and write them as edges.csv and neurons.csv.
    Import(ImportArgs),
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
    /// Write the full table to this file.
    #[arg(long, alias = "csv", value_name = "FILE")]
    pub table: Option<PathBuf>,
    /// Form of the full table; without --table it is printed [default: by the ending of FILE].
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Write the figures to this folder, as SVG and PNG with their numbers as CSV.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Threads [default: all cores; results do not depend on it].
    #[arg(long, alias = "jobs")]
    pub threads: Option<usize>,
    #[command(flatten)]
    pub preset: PresetArgs,
}

/// Forms of a table.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated values.
    Csv,
    /// Parquet, in a build with `--features columnar`.
    Parquet,
    /// JSON: a list with an object for each row.
    Json,
}

/// Whose constants.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Preset {
    /// Winding et al. 2023.
    Winding2023,
}

/// Whose constants; the defaults are those of the one preset there is.
#[derive(Debug, Args)]
pub(crate) struct PresetArgs {
    /// Constants of a paper, where no option says otherwise; scripts that name it keep them when defaults move.
    #[arg(long, value_enum, default_value_t = Preset::Winding2023)]
    pub preset: Preset,
}

/// Runs and seed.
#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    /// Probability that a synapse transmits.
    #[arg(long, default_value_t = winding2023::P, value_parser = probability)]
    pub p: f64,
    /// Runs.
    #[arg(long, default_value_t = winding2023::RUNS, value_parser = count(1, 100_000_000))]
    pub runs: usize,
    /// Last hop.
    #[arg(long, default_value_t = winding2023::MAX_HOPS, value_parser = count(1, 10_000))]
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
    #[arg(long, value_parser = count(0, 10_000))]
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
    #[arg(long, default_value_t = winding2023::HUB_DEGREE, value_parser = at_least_0)]
    pub degree: f64,
    /// Seed of the random graphs behind the rich club.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Arguments of `layers`.
#[derive(Debug, Args)]
pub(crate) struct LayersArgs {
    #[command(flatten)]
    pub edges: EdgesArgs,
    /// Neurons to start from, as an expression or a file [default: each sense of the annotations].
    #[arg(long, value_name = "QUERY|FILE")]
    pub sources: Option<String>,
    /// Number of layers.
    #[arg(long, default_value_t = winding2023::LAYERS, value_parser = count(0, 10_000))]
    pub hops: usize,
    /// Follow edges from targets to sources.
    #[arg(long)]
    pub upstream: bool,
}

/// Arguments of `hemispheres`.
#[derive(Debug, Args)]
pub(crate) struct HemispheresArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Input fraction (`0.01`, `1%`) or synapses (`3syn`) of strong edges.
    #[arg(long, default_value = "0.01")]
    pub threshold: String,
    /// Longest path of the excision, edges.
    #[arg(long, default_value_t = winding2023::PATH_CUTOFF, value_parser = count(1, 1000))]
    pub cutoff: usize,
    /// Random excisions.
    #[arg(long, default_value_t = 40, value_parser = count(1, 1_000_000))]
    pub repeats: usize,
    /// Cut random contralateral edges instead of any.
    #[arg(long)]
    pub same_type: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Arguments of `symmetry`.
#[derive(Debug, Args)]
pub(crate) struct ColumnArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Column of the neuron table that gives the groups.
    #[arg(long, default_value = "celltype")]
    pub column: String,
    /// Layer.
    #[arg(long, default_value = "all")]
    pub layer: String,
}

/// Arguments of `direction`.
#[derive(Debug, Args)]
pub(crate) struct DirectionArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Column of the neuron table that gives classes or clusters.
    #[arg(long, default_value = "celltype")]
    pub column: String,
    /// Hops that count.
    #[arg(long, default_value_t = winding2023::DIRECTION_HOPS, value_parser = count(0, 10_000))]
    pub hops: usize,
    /// Probability that a synapse transmits.
    #[arg(long, default_value_t = winding2023::P, value_parser = probability)]
    pub p: f64,
    /// Runs.
    #[arg(long, default_value_t = winding2023::DIRECTION_RUNS, value_parser = count(1, 100_000_000))]
    pub runs: usize,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Layer [default: `ad` where there is one].
    #[arg(long)]
    pub layer: Option<String>,
}

/// Arguments of `paths`.
#[derive(Debug, Args)]
pub(crate) struct PathsArgs {
    #[command(flatten)]
    pub edges: EdgesArgs,
    /// Where paths begin, as an expression.
    #[arg(long, value_name = "QUERY", default_value = "io=input")]
    pub from: String,
    /// Where paths end.
    #[arg(long, value_name = "QUERY", default_value = "io=output")]
    pub to: String,
    /// Longest path, edges.
    #[arg(long, default_value_t = winding2023::PATH_CUTOFF, value_parser = count(1, 1000))]
    pub cutoff: usize,
    /// Write every path to this file, one a line, packed when it ends in .gz.
    #[arg(long, value_name = "FILE")]
    pub list: Option<PathBuf>,
}

/// What random graphs keep.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kept {
    /// Degrees, by swaps of edges.
    Degree,
    /// All edges; weights are permuted.
    Weights,
    /// The number of edges.
    Er,
    /// The edges from block to block.
    Block,
    /// Degrees and the edges from block to block.
    DegreeBlock,
}

/// Random graphs.
#[derive(Debug, Args)]
pub(crate) struct RandomArgs {
    /// What random graphs keep.
    #[arg(long, value_enum, default_value_t = Kept::Degree)]
    pub null: Kept,
    /// Number of random graphs.
    #[arg(long, default_value_t = 20, value_parser = count(1, 1_000_000))]
    pub n: usize,
    /// Column of the neuron table that gives the blocks.
    #[arg(long, default_value = "celltype")]
    pub column: String,
    /// Seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Arguments of `motifs`.
#[derive(Debug, Args)]
pub(crate) struct MotifsArgs {
    #[command(flatten)]
    pub edges: EdgesArgs,
    #[command(flatten)]
    pub random: RandomArgs,
    /// First population of chains that leave it and come back, as `celltype=DN-VNC`.
    #[arg(long, value_name = "QUERY", requires = "through")]
    pub chain: Option<String>,
    /// Second population, as `celltype=ascending`.
    #[arg(long, value_name = "QUERY", requires = "chain")]
    pub through: Option<String>,
}

/// Arguments of `nulls`.
#[derive(Debug, Args)]
pub(crate) struct NullsArgs {
    #[command(flatten)]
    pub edges: EdgesArgs,
    #[command(flatten)]
    pub random: RandomArgs,
}

/// Arguments of `influence`.
#[derive(Debug, Args)]
pub(crate) struct InfluenceArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Sources: an expression or a file with one id per line.
    #[arg(long, value_name = "QUERY|FILE")]
    pub sources: String,
    /// Spectral radius that the weights are scaled to.
    #[arg(long, default_value_t = 0.99, value_parser = positive)]
    pub radius: f64,
    /// Constant added to the logarithm.
    #[arg(long, default_value_t = 24.0, value_parser = finite)]
    pub offset: f64,
    /// Hops of the effective connectivity.
    #[arg(long, default_value_t = 5, value_parser = count(0, 10_000))]
    pub hops: usize,
    /// Column with the signs of the neurons: numbers, excitatory/inhibitory, or transmitters.
    #[arg(long, value_name = "COLUMN")]
    pub signs: Option<String>,
    /// Layer [default: `ad` where there is one].
    #[arg(long)]
    pub layer: Option<String>,
}

/// What becomes one unit.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Unit {
    /// A neuron.
    Neuron,
    /// A homologous pair.
    Pair,
    /// A cell class.
    Class,
}

/// Initial magnitudes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Start {
    /// Synapses.
    Synapses,
    /// Input fraction.
    Fraction,
    /// ln(1 + synapses).
    Log,
}

/// Kind of unit of the engine.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CellKind {
    /// Gated units.
    Gated,
    /// Leaky units.
    Leaky,
}

/// Arguments of `export-rnn`.
#[derive(Debug, Args)]
#[command(after_help = "\
Writes FILE.npz with masks, signs and initial weights, and FILE.json with ids and names beside it.
With --control it writes FILE-degree-1.npz, FILE-degree-2.npz, … as well: random wirings with the same degrees.

Example: the learning centre, two odours, ten controls
  neuropil connectome export-rnn larva --select \"celltype=PN or celltype=KC or celltype=MBON or celltype=MBIN\" \\
    --input fixation=all --deal \"odour-a,odour-b=celltype=PN\" --output fixate=all --output approach=celltype=MBON \\
    --output avoid=celltype=MBON --control degree --controls 10 -o mushroom-body.npz")]
pub(crate) struct ExportArgs {
    /// Connectome: a file or folder.
    pub data: PathBuf,
    /// Neurons of the network, as an expression or a file.
    #[arg(long, value_name = "QUERY|FILE", conflicts_with = "strongest")]
    pub select: Option<String>,
    /// Take the largest strong component of the layer instead.
    #[arg(long)]
    pub strongest: bool,
    /// Take the neurons within so many hops downstream of the selection as well.
    #[arg(long, default_value_t = 0, value_parser = count(0, 10_000))]
    pub hops: usize,
    /// What becomes one unit.
    #[arg(long, value_enum, default_value_t = Unit::Neuron)]
    pub unit: Unit,
    /// Initial magnitudes.
    #[arg(long, value_enum, default_value_t = Start::Synapses)]
    pub weights: Start,
    /// Leave out edges of fewer synapses.
    #[arg(long, default_value_t = 1.0, value_parser = finite)]
    pub least: f64,
    /// Spectral radius of the initial weights.
    #[arg(long, default_value_t = 1.5, value_parser = positive)]
    pub radius: f64,
    /// Column with the signs of the neurons; without it every sign is free.
    #[arg(long, value_name = "COLUMN")]
    pub signs: Option<String>,
    /// Input channel: NAME=QUERY, in the order of the task's inputs [default: each sense of the selection].
    #[arg(long, value_name = "NAME=QUERY")]
    pub input: Vec<String>,
    /// Deal a population to several channels at random: NAME,NAME=QUERY; they come after --input.
    #[arg(long, value_name = "NAMES=QUERY")]
    pub deal: Vec<String>,
    /// Output: NAME=QUERY, in the order of the task's actions [default: each output class of the selection].
    #[arg(long, value_name = "NAME=QUERY")]
    pub output: Vec<String>,
    /// Kind of unit that the parameter masks are for.
    #[arg(long, value_enum, default_value_t = CellKind::Gated)]
    pub cell: CellKind,
    /// Random wirings beside it: what they keep.
    #[arg(long, value_enum)]
    pub control: Option<Kept>,
    /// Number of random wirings.
    #[arg(long, default_value_t = 10, value_parser = count(1, 1_000_000))]
    pub controls: usize,
    /// Seed of dealing and random wirings.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Layer.
    #[arg(long, default_value = "all")]
    pub layer: String,
    /// File to write, .npz.
    #[arg(long, short, default_value = "wiring.npz")]
    pub out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Connectome: a file or folder.
    pub data: PathBuf,
    /// Folder to write edges.csv and neurons.csv to.
    #[arg(long, default_value = "connectome")]
    pub out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `integration`, `recurrence` and `feedback`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Hops that count [default: 8 for integration, 5 for recurrence and feedback].
    #[arg(long, value_parser = count(0, 10_000))]
    pub hops: Option<usize>,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Which embedding is clustered.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum EmbeddingKind {
    /// Both hemispheres, aligned.
    Joint,
    /// Adjacency spectral embedding of the sum.
    Ase,
    /// Laplacian spectral embedding of the sum.
    Lse,
    /// Omnibus embedding of the layers.
    Omnibus,
    /// Common subspace of the layers.
    Mase,
}

/// Arguments of `types`.
#[derive(Debug, Args)]
pub(crate) struct TypesArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Which embedding is clustered.
    #[arg(long, value_enum, default_value_t = EmbeddingKind::Joint)]
    pub embedding: EmbeddingKind,
    /// Repeat with so many seeds and take the consensus.
    #[arg(long, default_value_t = 1, value_parser = count(1, 100_000))]
    pub seeds: usize,
    /// Dimensions of the embedding that are clustered.
    #[arg(long, default_value_t = winding2023::DIMENSIONS, value_parser = count(1, 10_000))]
    pub dimensions: usize,
    /// Clusters of fewer neurons are not split.
    #[arg(long, default_value_t = winding2023::MIN_SPLIT, value_parser = count(1, 1_000_000_000))]
    pub min_split: usize,
    /// Deepest level.
    #[arg(long, default_value_t = winding2023::LEVELS, value_parser = count(1, 64))]
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
    /// Folder of report.html, figures/, results/ and provenance.json.
    #[arg(long, default_value = "connectome-report")]
    pub out: PathBuf,
    /// Threads [default: all cores; results do not depend on it].
    #[arg(long, alias = "jobs")]
    pub threads: Option<usize>,
    /// Seeds of the types; with several, their consensus.
    #[arg(long, default_value_t = 4, value_parser = count(1, 100_000))]
    pub seeds: usize,
    /// Random graphs behind null models and motifs.
    #[arg(long, default_value_t = 20, value_parser = count(1, 1_000_000))]
    pub nulls: usize,
    /// Random excisions.
    #[arg(long, default_value_t = 40, value_parser = count(1, 1_000_000))]
    pub excisions: usize,
    /// Longest path, edges.
    #[arg(long, default_value_t = winding2023::PATH_CUTOFF, value_parser = count(1, 1000))]
    pub cutoff: usize,
    #[command(flatten)]
    pub settings: SettingsArgs,
    #[command(flatten)]
    pub preset: PresetArgs,
}

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Folder to write edges.csv and neurons.csv to.
    pub out: PathBuf,
    /// Homologous pairs.
    #[arg(long, default_value_t = 300, value_parser = count(1, 1_000_000))]
    pub pairs: usize,
    /// Mean number of targets of a neuron.
    #[arg(long, default_value_t = 20.0, value_parser = at_least_0)]
    pub degree: f64,
    /// Seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
