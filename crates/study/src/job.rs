//! A job: an experiment with all its settings, from training to the page.

use crate::summary::{Measure, Summary};
use crate::tell::{Analysed, Answer};
use neuropil_draw::Report;
use neuropil_lab::config::Layers;
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::Keeper;
use neuropil_lab::run::RunDirectory;
use std::path::Path;

/// An experiment with all its settings.
///
/// Everything after [`Job::train`] works from the run directory alone, so that it can be done again at any time.
pub trait Job: Send + Sync {
    /// Name, as it is shown and as the run directory is called: `rdm`, `gating/permuted-digits`.
    fn name(&self) -> &str;

    /// The resolved settings: the text of `config.toml`, from which the same job can be opened again. It begins with
    /// `experiment = "SYSTEM/NAME"`.
    fn settings(&self) -> &str;

    /// Settings of an earlier version as a table in which keys that it did not know have their defaults.
    fn complete(&self, settings: &str) -> Option<toml::Table> {
        let _ = settings;
        None
    }

    /// Further files that the run needs, by name, to be kept in its directory.
    fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        Vec::new()
    }

    /// Seed of every random draw.
    fn seed(&self) -> u64;

    /// Finds what can go wrong before a run directory exists: files that cannot be read, networks that cannot be drawn.
    ///
    /// # Errors
    /// What went wrong.
    fn prepare(&self) -> Result<(), Problem> {
        Ok(())
    }

    /// Trains until the criterion is met, or for `updates` updates whatever the criterion, or until `watch` says stop.
    /// Goes on from [`Keeper::take_last`] if there is something; keeps moments with [`Keeper::checked`]; ends with
    /// [`Keeper::end`].
    ///
    /// # Errors
    /// Files cannot be written; the checkpoint is not one of these settings; training diverged.
    fn train(
        &self,
        keeper: &mut Keeper,
        updates: Option<u64>,
        watch: &mut dyn FnMut(&News<'_>) -> Flow,
    ) -> Result<Summary, Problem>;

    /// Tests what was trained and keeps the trials in the run directory. `options` are layers over the defaults of
    /// the system's own options.
    ///
    /// # Errors
    /// Nothing was trained, an option is wrong, files cannot be written.
    fn test(&self, run: &RunDirectory, options: &Layers) -> Result<Answer, Problem>;

    /// After training: all trials that the analyses need.
    ///
    /// # Errors
    /// As [`Job::test`].
    fn make_trials(&self, run: &RunDirectory) -> Result<(), Problem> {
        self.test(run, &Layers::new()).map(drop)
    }

    /// Makes the named analyses, or all that fit.
    ///
    /// # Errors
    /// There is nothing to analyse. An analysis that is impossible is an [`Analysed`] that says why.
    fn analyse(
        &self,
        run: &RunDirectory,
        names: &[String],
        options: &Layers,
    ) -> Result<Vec<Analysed>, Problem>;

    /// Writes what was recorded or learnt for other programs.
    ///
    /// # Errors
    /// The system has nothing of this form, nothing was recorded, or a file cannot be written.
    fn export(&self, run: &RunDirectory, wanted: &Export<'_>) -> Result<(), Problem> {
        let _ = run;
        Err(Problem::new(
            format!(
                "`{}` has nothing to export as {}",
                self.name(),
                wanted.form.name()
            ),
            "its chapter in the docs says what it exports",
        ))
    }

    /// The page of the run.
    ///
    /// # Errors
    /// Files of the run cannot be read.
    fn page(&self, run: &RunDirectory, analysed: &[Analysed]) -> Result<Report, Problem>;
}

/// A form that other programs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportForm<'a> {
    /// Neurodata Without Borders; a subject of this species, if it is given.
    Nwb {
        /// Latin binomial.
        species: Option<&'a str>,
    },
    /// NumPy arrays.
    Npz,
    /// A folder of tables.
    Csv,
    /// Weights; named and oriented as PyTorch does, or as they are.
    Safetensors {
        /// As PyTorch does.
        torch: bool,
    },
}

impl ExportForm<'_> {
    /// Name of the form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nwb { .. } => "NWB",
            Self::Npz => "NPZ",
            Self::Csv => "CSV",
            Self::Safetensors { .. } => "safetensors",
        }
    }
}

/// What is to be exported, and where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export<'a> {
    /// Form.
    pub form: ExportForm<'a>,
    /// File or folder.
    pub path: &'a Path,
}

impl Export<'_> {
    /// Refuses every form but weights, for an experiment of this name.
    ///
    /// # Errors
    /// Another form is wanted.
    pub fn only_weights(&self, name: &str) -> Result<(), Problem> {
        if matches!(self.form, ExportForm::Safetensors { .. }) {
            return Ok(());
        }
        Err(Problem::new(
            format!("`{name}` has nothing to export as {}", self.form.name()),
            "it exports safetensors",
        ))
    }
}

/// What is told while a job is being trained.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// An update was made; this many so far.
    Update(u64),
    /// A validation was made.
    Check {
        /// Trials or examples seen so far.
        seen: u64,
        /// What they are: `trials`, `pairs`.
        unit: &'a str,
        /// What was measured.
        measures: &'a [Measure],
        /// A measure that grows with learning, and the value at which the criterion is met, for the time left.
        toward: Option<(f64, f64)>,
    },
    /// Something worth a line that stays.
    Said(&'a str),
}

/// What the one who watches wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop after a clean checkpoint.
    Stop,
}

/// One who watches jobs, several side by side.
pub trait Watch: Sync {
    /// A job of this name begins; its news go to what is returned, until that is dropped.
    fn begin<'a>(&'a self, name: &str) -> Box<dyn FnMut(&News<'_>) -> Flow + 'a>;

    /// Something between jobs is worth a line.
    fn say(&self, line: &str) {
        let _ = line;
    }

    /// Is everything to stop?
    fn stopped(&self) -> bool;
}

/// Nobody watches.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn begin<'a>(&'a self, _: &str) -> Box<dyn FnMut(&News<'_>) -> Flow + 'a> {
        Box::new(|_| Flow::Continue)
    }

    fn stopped(&self) -> bool {
        false
    }
}
