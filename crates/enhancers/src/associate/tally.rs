//! What is counted of a region's permulations.

/// Counts of one region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    /// Permulations that count.
    pub counting: u64,
    /// Those at least as extreme as the observed one.
    pub exceeding: u64,
    /// Permulations drawn.
    pub drawn: u64,
    /// Permuted fits that failed.
    pub failed: u64,
    /// Draws of foregrounds.
    pub tries: u64,
}
