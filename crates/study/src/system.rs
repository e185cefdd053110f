//! A system: one paper's models, as what can be run of them.

use crate::job::{Job, Watch};
use crate::reproduction::{Asked, Reproduced};
use neuropil_lab::config::Layers;
use neuropil_lab::error::Problem;

/// One system. The registry of the command holds one line for each; everything else follows from this trait.
pub trait System: Sync {
    /// Name, as in `SYSTEM/EXPERIMENT` and `neuropil reproduce SYSTEM`.
    fn name(&self) -> &'static str;

    /// The paper: authors, journal, year.
    fn paper(&self) -> &'static str;

    /// What can be trained, in the order of the paper; nothing for a system that only analyses.
    fn experiments(&self) -> Vec<Listed> {
        Vec::new()
    }

    /// The analyses of its runs.
    fn analyses(&self) -> Vec<Listed> {
        Vec::new()
    }

    /// Opens an experiment by its name (without the system's), or from the text of a file.
    ///
    /// # Errors
    /// An unknown name, and everything that is wrong with the settings, at once.
    fn open(&self, given: &Given<'_>) -> Result<Box<dyn Job>, Vec<Problem>> {
        Err(vec![Problem::new(
            format!("`{}`: {} has no experiments to train", given.name, self.name()),
            format!("`neuropil {} --help` says what it does", self.name()),
        )])
    }

    /// The paper's results, computed here.
    ///
    /// # Errors
    /// What was asked for is unknown, or a part of it failed.
    fn reproduce(&self, asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem>;
}

/// One line of a list: an experiment or an analysis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Name that is typed.
    pub name: String,
    /// What it asks or shows.
    pub title: String,
    /// Other names of an experiment; the experiments that an analysis is made for.
    pub also: Vec<String>,
}

impl Listed {
    /// A line without further names.
    pub fn new(name: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            also: Vec::new(),
        }
    }
}

/// What is to be opened, and what is to be different in it.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// A name of the system's, or the path of a file.
    pub name: &'a str,
    /// The text of that file: settings, as a run's `config.toml`, or what else the system reads.
    pub text: Option<&'a str>,
    /// Assignments `key.path=value`; later ones win.
    pub set: &'a [String],
    /// Settings that have an option of their own, by the option's name: `--seed`, `--dt`.
    pub options: &'a [(&'static str, toml::Table)],
}

impl Given<'_> {
    /// Adds the assignments and the options, in this order, as layers.
    ///
    /// # Errors
    /// An assignment that is none.
    pub fn add_to(&self, layers: &mut Layers) -> Result<(), Problem> {
        for assignment in self.set {
            layers.set(assignment)?;
        }
        for (option, table) in self.options {
            layers.add_table(option, table.clone());
        }
        Ok(())
    }
}

/// The experiment that settings belong to, from their key `experiment`: `gating/permuted-digits`.
pub fn experiment_of(settings: &str) -> Option<String> {
    let table: toml::Table = toml::from_str(settings).ok()?;
    Some(table.get("experiment")?.as_str()?.to_owned())
}
