//! Constants of Kaplow et al. 2023 and of the scripts published with it, each with its source.

/// Width of the windows that the networks read, in base pairs.
pub const WINDOW: usize = 500;
/// Least fraction of the common species with a prediction ("≥ 50 %").
pub const MIN_FRACTION: f64 = 0.5;
/// Least number of species in either class; the vocal-learning analysis asks for three.
pub const MIN_FOREGROUND: usize = 3;
/// Permulations in all after each round of the adaptive scheme.
pub const ROUND_TOTALS: [u64; 4] = [999, 9_999, 99_999, 999_999];
/// Largest empirical p-value that goes on to the next round.
pub const ROUND_THRESHOLDS: [f64; 3] = [0.05, 0.005, 0.0005];
/// Peaks longer than this may be super-enhancers and are left out.
pub const LONGEST_PEAK: u64 = 1_000;
/// Peaks this close to a protein-coding transcription start site are left out.
pub const PROMOTER_DISTANCE: u64 = 20_000;
/// Peaks this close to a region of the exclusion list are left out.
pub const EXCLUSION_DISTANCE: u64 = 1_000;
/// Mouse chromosomes of the test set.
pub const TEST_CHROMOSOMES: [&str; 2] = ["chr1", "chr2"];
/// Mouse chromosomes of the validation set.
pub const VALIDATION_CHROMOSOMES: [&str; 2] = ["chr8", "chr9"];
/// Genes whose transcription start lies this close to a region are its candidates.
pub const GENE_DISTANCE: u64 = 1_000_000;
