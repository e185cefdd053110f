//! What can be typed after `neuropil gating`.

use clap::{Args, Subcommand};

/// Arguments of `gating`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  neuropil gating data check ~/mnist
  neuropil gating data check digits.csv --label-column last
  neuropil train gating/permuted-digits --set method=xdg+si
  neuropil reproduce gating --quick")]
pub(crate) struct GatingArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: GatingVerb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum GatingVerb {
    /// Look at data before anything is trained on them.
    #[command(subcommand)]
    Data(DataVerb),
}

/// What can be done with data.
#[derive(Debug, Subcommand)]
pub(crate) enum DataVerb {
    /// Read a data set and say what it holds and what was assumed.
    Check(CheckArgs),
}

/// Arguments of `gating data check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// `digits`, a folder or a file.
    pub place: String,
    /// Which column of a table without a header is the label: `first` or `last`.
    #[arg(long, value_name = "COLUMN")]
    pub label_column: Option<String>,
    /// Turn EMNIST's pictures upright.
    #[arg(long)]
    pub upright: bool,
    /// The coarse labels of CIFAR-100.
    #[arg(long)]
    pub coarse: bool,
    /// Folders of classes in the order of their numbers.
    #[arg(long)]
    pub number_order: bool,
}
