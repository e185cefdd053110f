//! What a study is made from, and what it came to.

use crate::associate::{Association, Filters, Plan};
use crate::cnn::train::{Epoch, Settings};
use crate::error::InputError;
use crate::metrics::Metrics;
use crate::traits::Kind;
use std::path::{Path, PathBuf};

/// Settings of a study; files are relative to the file that names them.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyFile {
    /// Seed of everything random.
    #[serde(default = "one")]
    pub seed: u64,
    /// Sequences to learn from and to predict; or else `predictions`.
    #[serde(default)]
    pub sequences: Option<Sequences>,
    /// Predictions that are there already.
    #[serde(default)]
    pub predictions: Option<Predictions>,
    /// The network.
    #[serde(default)]
    pub network: NetworkChoice,
    /// Its training.
    #[serde(default)]
    pub training: Settings,
    /// The species tree.
    pub tree: TreeFile,
    /// The trait.
    #[serde(rename = "trait")]
    pub response: TraitFile,
    /// Which regions are tested.
    #[serde(default)]
    pub association: Filters,
    /// Permulations.
    #[serde(default)]
    pub permulations: Plan,
}

fn one() -> u64 {
    1
}

/// Sequences.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequences {
    /// Open sequences, named `chromosome:start-end` by the mouse genome.
    pub positives: PathBuf,
    /// Closed sequences.
    pub negatives: PathBuf,
    /// Folder with one FASTA file per species, the records named by region.
    pub orthologs: PathBuf,
}

/// Predictions of another program.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predictions {
    /// The matrix.
    pub file: PathBuf,
    /// Species in the order of its columns, where it has no header.
    #[serde(default)]
    pub species: Option<PathBuf>,
    /// Whether numbers other than predictions are meant.
    #[serde(default)]
    pub any_feature: bool,
}

/// A network by its preset.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkChoice {
    /// Preset.
    pub preset: String,
    /// Bases of a sequence.
    pub length: usize,
}

impl Default for NetworkChoice {
    fn default() -> Self {
        Self {
            preset: "small".into(),
            length: crate::kaplow2023::WINDOW,
        }
    }
}

/// The tree's file.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeFile {
    /// Newick or NEXUS.
    pub file: PathBuf,
    /// Which of several trees, from 1.
    #[serde(default)]
    pub number: Option<usize>,
}

/// The trait's table.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraitFile {
    /// Table.
    pub file: PathBuf,
    /// Column.
    pub column: String,
    /// Kind.
    pub kind: Kind,
}

impl StudyFile {
    /// Reads the settings.
    ///
    /// # Errors
    /// A file that cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        let text = crate::text::read_to_string(path)?;
        let file: Self = toml::from_str(&text).map_err(|error| {
            let line = error
                .span()
                .map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            let told = InputError::new(error.message().to_owned()).in_file(path);
            match line {
                Some(line) => told.at_line(line),
                None => told,
            }
        })?;
        if file.sequences.is_some() == file.predictions.is_some() {
            return Err(InputError::new("expected either [sequences] or [predictions]").in_file(path));
        }
        file.permulations.check().map_err(|error| {
            let field = format!("permulations.{}", error.field.as_deref().unwrap_or_default());
            error.in_field(field).in_file(path)
        })?;
        Ok(file)
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Training, where there was one.
    pub history: Vec<Epoch>,
    /// Numbers of the test chromosomes.
    pub test: Option<Metrics>,
    /// Results, in the order of the matrix.
    pub results: Vec<Association>,
    /// Remarks.
    pub notes: Vec<String>,
    /// Folder of the results.
    pub folder: PathBuf,
}
