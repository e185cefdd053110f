//! Results that can be told: to people in sentences, tables and figures, to programs as JSON.

use neuropil_draw::Figure;
use neuropil_lab::error::Problem;
use neuropil_lab::table::Table;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What results were made from, for captions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// Experiment, data set or file.
    pub of: String,
    /// Seed of the random draws.
    pub seed: u64,
    /// How many, by what they are: `trials`, `recorded`.
    pub counts: BTreeMap<&'static str, usize>,
    /// The bounds that the criterion sets, by measure, each as it is shown: fractions of trials are up to 1.
    pub criterion: BTreeMap<String, f64>,
}

impl Origin {
    /// Of an experiment and its seed, with nothing counted.
    pub fn new(of: impl Into<String>, seed: u64) -> Self {
        Self {
            of: of.into(),
            seed,
            ..Self::default()
        }
    }
}

/// A figure, and the numbers that it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The figure; its name is that of its files.
    pub figure: Figure,
    /// Its numbers.
    pub numbers: Table,
}

/// A result that can be told.
///
/// The result is a plain struct with named fields and units in their docs. Serde makes its JSON; nobody assembles it
/// by hand, and nobody reads a number back out of it. Figures compute nothing.
pub trait Tell: Serialize {
    /// The main numbers in sentences; the first is the result in one line.
    fn sentences(&self) -> Vec<String>;

    /// All rows; people are shown the first.
    fn table(&self) -> Table {
        Table::new()
    }

    /// Figures with their numbers.
    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let _ = origin;
        Vec::new()
    }
}

/// A result, told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Everything, as serde writes the result; numbers that are not finite are `null`.
    pub json: Value,
    /// The main numbers in sentences.
    pub sentences: Vec<String>,
    /// All rows.
    pub table: Table,
    /// Figures with their numbers.
    pub figures: Vec<Shown>,
    /// Files in which more of it was kept.
    pub saved: Vec<PathBuf>,
}

impl Answer {
    /// Tells a result.
    ///
    /// # Panics
    /// A result that is not JSON: keys of a map that are not text.
    pub fn of(result: &(impl Tell + ?Sized), origin: &Origin) -> Self {
        Self {
            json: serde_json::to_value(result).expect("a result is JSON"),
            sentences: result.sentences(),
            table: result.table(),
            figures: result.figures(origin),
            saved: Vec::new(),
        }
    }

    /// The same, kept in these files as well.
    pub fn saved_in(self, saved: Vec<PathBuf>) -> Self {
        Self { saved, ..self }
    }
}

/// One analysis of a run: what it came to, or why it came to nothing.
#[derive(Clone, Debug)]
pub struct Analysed {
    /// Name of the analysis and of its files.
    pub name: String,
    /// What it shows: the heading of its section.
    pub title: String,
    /// The result.
    pub answer: Result<Answer, Problem>,
    /// Whether the result is what was asked for; a curve through too few points may be drawn without its fit.
    pub sound: bool,
}
