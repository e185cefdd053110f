//! A sequence of tasks as a job drives it, whatever kind of network learns it.

use crate::error::GatingError;
use crate::inference::Inferred;
use crate::record::Record;
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::error::Problem;
use std::path::Path;

/// File of a run with the fingerprint of its data.
pub(crate) const DATA: &str = "data.json";

/// Settings, and what is read and drawn by them.
pub(crate) trait Experiment: std::fmt::Debug + Send + Sync {
    /// Its name, `gating/NAME`.
    fn name(&self) -> &str;
    /// Seed of every random draw.
    fn seed(&self) -> u64;
    /// Method, as it was typed.
    fn method(&self) -> &str;
    /// What a batch is made of, in the plural, and how many.
    fn batch(&self) -> (&'static str, u64);
    /// Batches from one checkpoint to the next.
    fn checkpoint_every(&self) -> u64;
    /// Settings of an earlier version as a table in which keys have their names of today.
    fn complete(&self, settings: &str) -> Option<toml::Table> {
        let _ = settings;
        None
    }
    /// Reads and draws, once.
    ///
    /// # Errors
    /// What cannot be read or does not fit.
    fn prepare(&self) -> Result<(), Problem>;
    /// Files that are stored with the run: what was drawn, as it was drawn.
    ///
    /// # Errors
    /// As [`Experiment::prepare`].
    fn stored(&self) -> Result<Vec<(&'static str, Vec<u8>)>, Problem>;
    /// What is to be said before anything is trained.
    ///
    /// # Errors
    /// As [`Experiment::prepare`].
    fn notes(&self) -> Result<Vec<String>, Problem>;
    /// A network before its first task.
    ///
    /// # Errors
    /// As [`Experiment::prepare`].
    fn begin(&self) -> Result<Box<dyn Sequence + '_>, Problem>;
}

/// How far a sequence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Tasks that were learnt, and all.
    pub(crate) learnt: usize,
    pub(crate) tasks: usize,
    /// Batches of the task at hand, and of all tasks.
    pub(crate) batch: u64,
    pub(crate) made: u64,
}

impl Place {
    pub(crate) fn is_over(self) -> bool {
        self.learnt >= self.tasks
    }
}

/// A network on its way through a sequence.
pub(crate) trait Sequence {
    /// How far it is.
    fn place(&self) -> Place;
    /// One batch of the task at hand; at its last one the task is closed and all tasks so far are tested.
    ///
    /// # Errors
    /// The loss is no longer finite.
    fn step(&mut self) -> Result<(), GatingError>;
    /// Everything that a stopped sequence goes on from.
    fn checkpoint(&self) -> Checkpoint;
    /// Goes on from what was kept in a file.
    ///
    /// # Errors
    /// It is of another network.
    fn restore(&mut self, kept: &Checkpoint, path: &Path) -> Result<(), Problem>;
    /// What analyses are made from.
    fn record(&self) -> Record<'_>;
    /// Mean accuracy over the tasks learnt so far with changed weights, which are changed back afterwards.
    fn accuracy_with(&mut self, change: &dyn Fn(&mut [f32])) -> f64;
    /// What it costs not to be told the task; nothing where the network is not told anyhow.
    fn inferred(&self) -> Option<Inferred>;
}
