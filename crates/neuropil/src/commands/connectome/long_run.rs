//! Cascades from all units take long: their progress, and the file from which a killed command goes on.

use crate::terminal;
use indicatif::ProgressBar;
use neuropil_connectome::unit_cascades::Watch;
use neuropil_lab::error::Problem;
use std::path::{Path, PathBuf};

/// A computation that is shown, and kept until its results are written.
pub(super) struct LongRun {
    bar: ProgressBar,
    told: Box<dyn Fn(usize, usize) + Sync>,
    journal: Option<PathBuf>,
}

impl LongRun {
    /// Keeps what is finished in `cascades.partial` of the folder, if there is one.
    pub(super) fn new(folder: Option<&Path>) -> Result<Self, Problem> {
        if let Some(folder) = folder {
            super::files::create(folder)?;
        }
        let bar = terminal::counter("cascades of all units", 0);
        let told = bar.clone();
        Ok(Self {
            bar,
            told: Box::new(move |done, all| {
                told.set_length(all as u64);
                told.set_position(done as u64);
                if done == all {
                    told.finish_and_clear();
                }
            }),
            journal: folder.map(|folder| folder.join("cascades.partial")),
        })
    }

    /// For the computation.
    pub(super) fn watch(&self) -> Watch<'_> {
        Watch {
            journal: self.journal.as_deref(),
            progress: Some(&*self.told),
        }
    }

    /// The results are written: the journal is not needed any more.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
        if let Some(journal) = self.journal {
            let _ = std::fs::remove_file(journal); // left behind, it does no harm
        }
    }
}
