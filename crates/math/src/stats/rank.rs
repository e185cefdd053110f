//! Ranks with ties.

/// Ranks of values, and how much they are tied.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranks {
    /// From 1 up, in the order of the values given; equal values share the mean of theirs.
    pub of: Vec<f64>,
    /// Σ (t³ − t) over groups of t equal values: the correction of rank statistics for ties.
    pub ties: f64,
}

/// Ranks values.
///
/// ```
/// use neuropil_math::stats::rank::rank;
/// let ranks = rank(&[3.0, 1.0, 3.0, 2.0]);
/// assert_eq!((&ranks.of[..], ranks.ties), (&[3.5, 1.0, 3.5, 2.0][..], 6.0));
/// ```
pub fn rank(values: &[f64]) -> Ranks {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = Ranks {
        of: vec![0.0; values.len()],
        ties: 0.0,
    };
    let mut before = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let t = tied.len() as f64;
        let rank = before as f64 + f64::midpoint(t, 1.0);
        tied.iter().for_each(|&i| ranks.of[i] = rank);
        ranks.ties += t * t * t - t;
        before += tied.len();
    }
    ranks
}
