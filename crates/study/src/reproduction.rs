//! A paper's results, computed here.

use crate::claim::Claim;
use crate::summary::Summary;
use neuropil_draw::Report;
use std::path::{Path, PathBuf};

/// What of a paper is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Figures, experiments or files of data, as the system names them; nothing: all.
    pub parts: &'a [String],
    /// Little work in place of the paper's.
    pub quick: bool,
    /// First and last seed.
    pub seeds: Option<(u64, u64)>,
    /// Assignments `key.path=value`; later ones win.
    pub set: &'a [String],
    /// Where runs and results are kept, and from where a stopped reproduction goes on.
    pub out: Option<&'a Path>,
    /// Who asks, for the records of runs.
    pub origin: &'a neuropil_lab::provenance::Origin,
}

impl Asked<'_> {
    /// The folder that was asked for, or the usual one.
    pub fn folder(&self, usual: &str) -> PathBuf {
        self.out.map_or_else(|| PathBuf::from(usual), Path::to_owned)
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Reproduced {
    /// Claims, in the paper's order.
    pub claims: Vec<Claim>,
    /// The page with the claims and the figures; none if there are no claims.
    pub page: Option<Report>,
    /// The runs behind it.
    pub runs: Vec<Summary>,
    /// Further files to keep beside the page, by name.
    pub files: Vec<(String, Vec<u8>)>,
    /// Where the page and the files belong; nowhere if nothing is to be written unasked.
    pub folder: Option<PathBuf>,
    /// All that had to hold did.
    pub held: bool,
    /// It was stopped; the same command goes on.
    pub interrupted: bool,
}
