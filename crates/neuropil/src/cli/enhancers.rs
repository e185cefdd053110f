//! What can be typed after `neuropil enhancers`.

use super::sweep::SlurmArgs;
use clap::{Args, Subcommand, ValueEnum};
use neuropil_lab::shards::Shard;
use std::path::PathBuf;

/// Arguments of `enhancers`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  neuropil enhancers simulate demo && neuropil enhancers run demo/study.toml
  neuropil enhancers associate predictions.tsv --species species.txt --tree zoonomia.nwk --traits traits.csv --column Brain.resid
  neuropil enhancers associate … --slurm --shards 64     shared out over a cluster; then the same command without them
  neuropil enhancers adjust released.csv
  neuropil enhancers prepare peaks.narrowPeak.gz --sizes mm10.chrom.sizes --genes gencode.gtf --genome mm10.fa --out cortex")]
pub(crate) struct EnhancersArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: EnhancersVerb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum EnhancersVerb {
    /// Invent a whole study with planted associations, to try everything on.
    Simulate(SimulateArgs),
    /// Run a study from its settings: train, predict, associate, report.
    Run(RunArgs),
    /// Relate predictions to a trait along the species tree, with permulations.
    Associate(AssociateArgs),
    /// Adjust the p-values of a results table, also of the original scripts.
    Adjust(AdjustArgs),
    /// Measure power and false discoveries on invented predictions, seed by seed.
    Calibrate(CalibrateArgs),
    /// Turn peaks into sequences: exclusions, windows, letters.
    Prepare(PrepareArgs),
    /// Predict the activity of sequences with a trained network, or weights of Keras.
    Predict(PredictArgs),
    /// Ask predictions what the network has learned: sets of regions, divergence, a tree of species.
    Evaluate(EvaluateArgs),
    /// Tell which bases predictions rest on, for tfmodisco-lite and as logos.
    Explain(ExplainArgs),
    /// Draw motifs as logos in bits.
    Motifs(MotifsArgs),
    /// Assemble orthologs from lifted fragments and summits (HALPER's rule).
    Orthologs(OrthologsArgs),
}

/// Arguments of `enhancers simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Folder to write.
    pub folder: PathBuf,
    /// Seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Species.
    #[arg(long, default_value_t = 60)]
    pub species: usize,
    /// Regions.
    #[arg(long, default_value_t = 150)]
    pub regions: usize,
    /// Regions that go with the trait.
    #[arg(long, default_value_t = 10)]
    pub planted: usize,
}

/// Arguments of `enhancers run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Settings of the study.
    pub study: PathBuf,
    /// Folder of the results [default: `results` beside the settings].
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Threads [default: all cores; results do not depend on it].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Kind of a trait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraitKind {
    /// Any number.
    Continuous,
    /// 0 or 1.
    Binary,
}

/// Arguments of `enhancers associate`.
#[derive(Debug, Args)]
pub(crate) struct AssociateArgs {
    /// Matrix of predictions, regions × species; −1, NA or empty is missing.
    pub predictions: PathBuf,
    /// Species in the order of the columns, where the matrix has no header.
    #[arg(long)]
    pub species: Option<PathBuf>,
    /// Species tree, Newick or NEXUS.
    #[arg(long)]
    pub tree: PathBuf,
    /// Which of several trees, from 1.
    #[arg(long)]
    pub tree_number: Option<usize>,
    /// Table of traits.
    #[arg(long)]
    pub traits: PathBuf,
    /// Column of the trait.
    #[arg(long)]
    pub column: String,
    /// Kind of the trait.
    #[arg(long, value_enum, default_value_t = TraitKind::Continuous)]
    pub kind: TraitKind,
    /// Seed of the permulations.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Permulations that count after each round, in all [default: 999, 9999, 99999, 999999].
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    pub totals: Option<Vec<u64>>,
    /// No permulations: the regressions alone.
    #[arg(long, conflicts_with_all = ["totals", "stop_when", "unconditional"])]
    pub only_scan: bool,
    /// Count permulations of either sign of the slope.
    #[arg(long)]
    pub unconditional: bool,
    /// A region stops when this many permulations exceeded (Besag and Clifford).
    #[arg(long, value_name = "K")]
    pub stop_when: Option<u64>,
    /// Least number of species in either class.
    #[arg(long, default_value_t = 3)]
    pub min_foreground: usize,
    /// Least fraction of the common species with a prediction.
    #[arg(long, default_value_t = 0.5)]
    pub min_fraction: f64,
    /// The matrix holds other numbers than predictions.
    #[arg(long)]
    pub any_feature: bool,
    /// Do this share of the regions alone, in a process of its own; the same command without it puts all together.
    #[arg(long, value_name = "I/N", conflicts_with = "only_scan")]
    pub shard: Option<Shard>,
    /// Shares of the work on Slurm.
    #[arg(long, requires = "slurm", value_name = "N", default_value_t = 16, value_parser = super::count(1, 100_000))]
    pub shards: usize,
    #[command(flatten)]
    pub slurm: SlurmArgs,
    /// Folder of the results.
    #[arg(long, default_value = "associations")]
    pub out: PathBuf,
    /// Threads [default: all cores; results do not depend on it].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `enhancers adjust`.
#[derive(Debug, Args)]
pub(crate) struct AdjustArgs {
    /// Results table.
    pub table: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Table that is written [default: it is printed].
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// Arguments of `enhancers prepare`.
#[derive(Debug, Args)]
pub(crate) struct PrepareArgs {
    /// Peaks: narrowPeak, broadPeak, gappedPeak, IDR, BED or MACS's table, gzipped or not.
    pub peaks: PathBuf,
    /// Lengths of chromosomes; a genome's index will do [default: of --genome].
    #[arg(long)]
    pub sizes: Option<PathBuf>,
    /// Genome to cut the sequences from.
    #[arg(long)]
    pub genome: Option<PathBuf>,
    /// Annotation (GTF, GFF3): peaks near coding genes' starts and on coding exons are left out.
    #[arg(long)]
    pub genes: Option<PathBuf>,
    /// Regions to keep away from (ENCODE blacklist), BED.
    #[arg(long)]
    pub blacklist: Option<PathBuf>,
    /// Names of chromosomes in other schemes.
    #[arg(long)]
    pub aliases: Option<PathBuf>,
    /// Bases of a window.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub width: u64,
    /// Longest peak; 0 for any.
    #[arg(long, default_value_t = 1000)]
    pub longest: u64,
    /// Beginning of the names of the files to write.
    #[arg(long)]
    pub out: PathBuf,
}

/// Arguments of `enhancers orthologs`.
#[derive(Debug, Args)]
pub(crate) struct OrthologsArgs {
    /// Peaks of the query species, BED with unique names.
    pub query: PathBuf,
    /// Their lifted fragments.
    #[arg(long)]
    pub fragments: PathBuf,
    /// Their lifted summits.
    #[arg(long)]
    pub summits: PathBuf,
    /// Longest ortholog in bases; takes the place of --max-frac.
    #[arg(long)]
    pub max_len: Option<u64>,
    /// Shortest ortholog in bases.
    #[arg(long, default_value_t = 50)]
    pub min_len: u64,
    /// Longest ortholog as a fraction of the peak.
    #[arg(long, default_value_t = 2.0)]
    pub max_frac: f64,
    /// Bases that the summit keeps from either end.
    #[arg(long, default_value_t = 5)]
    pub protect_dist: u64,
    /// Take the first place of a summit that maps to many.
    #[arg(long)]
    pub keep_one: bool,
    /// Write narrowPeak, the summit's offset in column 10.
    #[arg(long)]
    pub narrow_peak: bool,
    /// File to write; those rejected go to FILE.failed with the reason.
    #[arg(long)]
    pub out: PathBuf,
}

/// Arguments of `enhancers calibrate`.
#[derive(Debug, Args)]
pub(crate) struct CalibrateArgs {
    /// Species tree to evolve predictions along [default: every seed invents a study, and a network has to learn it].
    #[arg(long)]
    pub tree: Option<PathBuf>,
    /// Seeds, `A..B` with both ends.
    #[arg(long, value_name = "A..B", value_parser = super::parse_seeds, default_value = "1..10")]
    pub seeds: (u64, u64),
    /// Regions [default: 400 with --tree, 150 without].
    #[arg(long)]
    pub regions: Option<usize>,
    /// Regions that follow the trait [default: 20 with --tree, 10 without].
    #[arg(long)]
    pub planted: Option<usize>,
    /// Threads [default: all cores; results do not depend on it].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Table that is written [default: it is printed].
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// Order of the values that the first dense layer of a network of Keras reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlattenOrder {
    /// Filter by filter: channels first.
    FilterMajor,
    /// Position by position: channels last.
    PositionMajor,
}

/// How a network of Keras is read.
#[derive(Debug, Args)]
pub(crate) struct KerasArgs {
    /// Bases that a network of Keras reads.
    #[arg(long, default_value_t = 500)]
    pub length: usize,
    /// Keep the kernels of Keras as they stand: by default those written with Theano are turned by 180 degrees, and
    /// those of Keras 1, which does not tell.
    #[arg(long)]
    pub no_rotate: bool,
    /// Order in which a network of Keras flattens [default: as its model_config says, else filter-major for Keras 1,
    /// position-major for Keras 2].
    #[arg(long, value_enum)]
    pub flatten: Option<FlattenOrder>,
}

/// Arguments of `enhancers predict`.
#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// Network: `model.safetensors` of a run, or `.hdf5`/`.h5` of Keras.
    pub model: PathBuf,
    /// Sequences, FASTA.
    pub sequences: PathBuf,
    #[command(flatten)]
    pub keras: KerasArgs,
    /// Threads [default: all cores].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Table that is written [default: it is printed].
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// A list of JSON in place of the table.
    #[arg(long)]
    pub json: bool,
}

/// A way of telling which bases count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Attribution {
    /// Change of the logit by every single exchange of a base.
    Mutagenesis,
    /// DeepLIFT's rescale rule against shuffles of the sequence that keep its pairs of neighbours.
    Deeplift,
    /// Integrated gradients from all zeros.
    IntegratedGradients,
    /// Gradient times input.
    Gradient,
}

/// How scores are brought onto one scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Normalise {
    /// As they are.
    None,
    /// Less the mean over the four letters of a position.
    Pointwise,
    /// By the share of the letter that is there among those of its sign (gkmexplain).
    GkmExplain,
}

/// Arguments of `enhancers explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Network: `model.safetensors` of a run, or `.hdf5`/`.h5` of Keras.
    pub model: PathBuf,
    /// Sequences, FASTA.
    pub sequences: PathBuf,
    /// How.
    #[arg(long, value_enum, default_value_t = Attribution::IntegratedGradients)]
    pub method: Attribution,
    /// Shuffles that deeplift holds every sequence against.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub references: u32,
    /// Seed of the shuffles.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How the scores of a position are brought onto one scale.
    #[arg(long, value_enum, default_value_t = Normalise::None)]
    pub normalise: Normalise,
    #[command(flatten)]
    pub keras: KerasArgs,
    /// File to write, `.npz`: arrays `sequences`, `attributions` and `hypothetical`, all \[sequence\]\[A, C, G, T\]\[position\]; or a
    /// folder, for `attributions.npz`, logos and a page with them.
    #[arg(long)]
    pub out: PathBuf,
    /// Sequences that logos are drawn of, the first ones.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub logos: usize,
    /// Threads [default: all cores; results do not depend on it].
    #[arg(long)]
    pub threads: Option<usize>,
}

/// Arguments of `enhancers motifs`.
#[derive(Debug, Args)]
pub(crate) struct MotifsArgs {
    /// Motifs, MEME or JASPAR.
    pub motifs: PathBuf,
    /// Folder for the logos and a page with them.
    #[arg(long)]
    pub out: PathBuf,
}

/// Arguments of `enhancers evaluate`.
#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// Matrix of predictions, regions × species; −1, NA or empty is missing.
    pub predictions: PathBuf,
    /// Species in the order of the columns, where the matrix has no header.
    #[arg(long)]
    pub species: Option<PathBuf>,
    /// What was measured: a table with the columns region, species, open (0 or 1) and, where there are, tissue and
    /// chromosome; of chromosomes, only those held out for tests count.
    #[arg(long)]
    pub labels: PathBuf,
    /// The tissue that the network predicts, where the labels have several.
    #[arg(long)]
    pub tissue: Option<String>,
    /// Table with the columns species and clade.
    #[arg(long)]
    pub clades: Option<PathBuf>,
    /// Species tree with branch lengths in time, Newick or NEXUS.
    #[arg(long, requires = "source")]
    pub tree: Option<PathBuf>,
    /// Which of several trees, from 1.
    #[arg(long, requires = "tree")]
    pub tree_number: Option<usize>,
    /// Species that divergence is counted from.
    #[arg(long, requires = "tree")]
    pub source: Option<String>,
    /// Divergence among the species of this clade alone.
    #[arg(long, value_name = "CLADE", requires_all = ["tree", "clades"])]
    pub among: Option<String>,
    /// Least fraction of the species with a prediction, for a region to count in divergence.
    #[arg(long, default_value_t = 0.75)]
    pub min_fraction: f64,
    /// Folder of the results.
    #[arg(long, default_value = "evaluation")]
    pub out: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}
