//! What a network has learned, beyond how well it tells open from closed.
//!
//! A network can score well because most closed regions differ from open ones in ways that have nothing to do with the
//! tissue or the species. Sets of regions that differ between orthologs, or between tissues, ask for more; so does the way
//! in which predictions change with the distance from the species that the network was trained on, and the tree of species
//! that predictions alone give (Kaplow et al. 2022, BMC Genomics 23, 291; Kaplow et al. 2023).

mod criteria;
mod divergence;
mod labels;
mod similarity;
mod smooth;
mod tell;

use crate::error::InputError;
use crate::matrix::Matrix;
use crate::metrics::Metrics;
use crate::tree::Tree;

pub use divergence::{Divergence, Trend, divergence};
pub use labels::{Clades, Labels, Measured};
pub use similarity::species_tree;
pub use smooth::lowess;

/// What a set of regions asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// All that was measured in the tissue of the network.
    Whole,
    /// The same in one species.
    Species,
    /// Regions in which one species differs from all others that were measured.
    SpeciesSpecific,
    /// Regions in which the species of a clade differ from all others that were measured.
    CladeSpecific,
    /// Regions open in another tissue: are they in this one?
    TissueSpecific,
}

impl Criterion {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Species => "species",
            Self::SpeciesSpecific => "species-specific",
            Self::CladeSpecific => "clade-specific",
            Self::TissueSpecific => "tissue-specific",
        }
    }
}

/// One set of regions and how well it is told apart.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct SetResult {
    /// What it asks.
    pub criterion: Criterion,
    /// Species, clade or other tissue that it is about; `all` for all together.
    pub of: String,
    /// Open regions with a prediction.
    pub n_open: usize,
    /// Closed regions with a prediction.
    pub n_closed: usize,
    /// Its numbers; `None` where one of the classes is empty.
    pub metrics: Option<Metrics>,
}

/// Everything that predictions were asked.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Evaluation {
    /// Sets of regions, the whole one first.
    pub sets: Vec<SetResult>,
    /// Predictions against divergence from a species.
    pub divergence: Option<Divergence>,
    /// Tree of the species in Newick format: average linkage of cosine distances, a branch in units of half of them.
    pub species_tree: Option<String>,
    /// Remarks on what was left out.
    pub notes: Vec<String>,
}

/// Where divergence is counted from and over which species and regions.
#[derive(Clone, Debug)]
pub struct Ruler<'a> {
    /// Species tree with branch lengths in time.
    pub tree: &'a Tree,
    /// The species that distances are counted from.
    pub source: &'a str,
    /// Only species of this clade.
    pub among: Option<&'a str>,
    /// Least fraction of the species in which a region has a prediction.
    pub min_fraction: f64,
}

/// Evaluates predictions against what was measured.
///
/// # Errors
/// Labels of one class alone; a species or clade that is not there; fewer than three species to correlate.
pub fn evaluate(
    matrix: &Matrix,
    labels: &Labels,
    clades: &Clades,
    ruler: Option<&Ruler>,
) -> Result<Evaluation, InputError> {
    let sets: Vec<SetResult> = criteria::sets(matrix, labels, clades)
        .into_iter()
        .map(criteria::Set::result)
        .collect();
    let whole = &sets[0];
    if whole.metrics.is_none() {
        return Err(InputError::new(format!(
            "{} open and {} closed regions have a label and a prediction, expected both classes",
            whole.n_open, whole.n_closed
        ))
        .in_field("open"));
    }
    let mut notes: Vec<String> = matrix.notes.iter().chain(&labels.notes).cloned().collect();
    let divergence = ruler
        .map(|ruler| divergence(matrix, labels, clades, ruler, &mut notes))
        .transpose()?;
    Ok(Evaluation {
        sets,
        divergence,
        species_tree: species_tree(matrix, &mut notes),
        notes,
    })
}
