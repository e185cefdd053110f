//! The measures of continual learning, each by its definition, from one grid of accuracies.
//!
//! `grid[k][j]` is the accuracy on task j after training on task k; K tasks in all.
//!
//! | measure | definition | source |
//! |---|---|---|
//! | average accuracy | mean over j of A\[K−1\]\[j\] | Lopez-Paz & Ranzato, NeurIPS 2017 |
//! | forgetting | mean over j < K−1 of max over l in j..K−2 of A\[l\]\[j\], less A\[K−1\]\[j\]; may be negative | Chaudhry et al., ECCV 2018 |
//! | forgetting from just learnt | mean over j < K−1 of A\[j\]\[j\] − A\[K−1\]\[j\]: backward transfer with its sign turned | |
//! | forgetting, last row in the maximum | as the first, l in j..K−1: never negative | Mammoth |
//! | backward transfer | mean over j < K−1 of A\[K−1\]\[j\] − A\[j\]\[j\] | Lopez-Paz & Ranzato 2017 |
//! | forward transfer | mean over j > 0 of A\[j−1\]\[j\] − the accuracy of an untrained network on j | Lopez-Paz & Ranzato 2017 |
//! | intransigence | mean over j of the accuracy of a network trained on j alone, less A\[j\]\[j\] | Chaudhry et al. 2018 |

use crate::error::GatingError;
use neuropil_lab::error::Problem;
use serde::{Deserialize, Serialize};

/// All measures that a grid and its baselines allow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Mean of the last row.
    pub average_accuracy: f64,
    /// Mean of the diagonal: each task just after it was learnt.
    pub just_learnt: f64,
    /// First task after the last.
    pub oldest: f64,
    /// Last task after itself.
    pub newest: f64,
    /// Chaudhry's forgetting; none for one task.
    pub forgetting: Option<f64>,
    /// From the accuracy just after learning.
    pub forgetting_from_just_learnt: Option<f64>,
    /// With the last row in the maximum.
    pub forgetting_never_negative: Option<f64>,
    /// Backward transfer.
    pub backward_transfer: Option<f64>,
    /// Forward transfer; none without the whole grid and the baseline.
    pub forward_transfer: Option<f64>,
    /// Intransigence; none without networks trained on single tasks.
    pub intransigence: Option<f64>,
}

/// What a grid is compared with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Baselines<'a> {
    /// Accuracy of the untrained network on every task.
    pub untrained: Option<&'a [f64]>,
    /// Accuracy on every task of a network trained on it alone.
    pub alone: Option<&'a [f64]>,
}

/// Measures of a grid; row k holds at least the tasks up to k.
///
/// # Errors
/// No row, a row too short, or a value outside [0, 1].
///
/// ```
/// use neuropil_gating::metrics::{Baselines, measures};
/// let grid = [vec![0.9, 0.1], vec![0.7, 0.8]];
/// let found = measures(&grid, Baselines { untrained: Some(&[0.1, 0.1]), alone: None })?;
/// assert!((found.average_accuracy - 0.75).abs() < 1e-12);
/// assert!((found.backward_transfer.unwrap() + 0.2).abs() < 1e-12);
/// assert_eq!(found.forward_transfer, Some(0.0));
/// # Ok::<(), neuropil_gating::error::GatingError>(())
/// ```
pub fn measures(grid: &[Vec<f64>], baselines: Baselines) -> Result<Measures, GatingError> {
    let n = grid.len();
    let wrong = |message: String| {
        GatingError::from(Problem::new(
            message,
            "row k holds the accuracies after training on task k",
        ))
    };
    if n == 0 {
        return Err(wrong(
            "an accuracy grid without rows, expected one per task".to_owned(),
        ));
    }
    for (k, row) in grid.iter().enumerate() {
        if row.len() <= k {
            return Err(wrong(format!(
                "row {k} of the accuracy grid has {} values, expected at least {}",
                row.len(),
                k + 1
            )));
        }
        if let Some(bad) = row[..=k].iter().find(|&&a| !(0.0..=1.0).contains(&a)) {
            return Err(wrong(format!(
                "an accuracy of {bad} in row {k}, expected a fraction from 0 to 1"
            )));
        }
    }
    let last = &grid[n - 1];
    let mean = |values: &mut dyn Iterator<Item = f64>| {
        let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
        (count > 0).then(|| sum / count as f64)
    };
    let best = |j: usize, until: usize| (j..until).map(|l| grid[l][j]).fold(f64::NEG_INFINITY, f64::max);
    let whole = grid.iter().all(|row| row.len() >= n);
    let forward = |untrained: &[f64]| mean(&mut (1..n).map(|j| grid[j - 1][j] - untrained[j]));
    Ok(Measures {
        average_accuracy: mean(&mut last[..n].iter().copied()).unwrap_or(f64::NAN),
        just_learnt: mean(&mut (0..n).map(|j| grid[j][j])).unwrap_or(f64::NAN),
        oldest: last[0],
        newest: last[n - 1],
        forgetting: mean(&mut (0..n - 1).map(|j| best(j, n - 1) - last[j])),
        forgetting_from_just_learnt: mean(&mut (0..n - 1).map(|j| grid[j][j] - last[j])),
        forgetting_never_negative: mean(&mut (0..n - 1).map(|j| best(j, n) - last[j])),
        backward_transfer: mean(&mut (0..n - 1).map(|j| last[j] - grid[j][j])),
        forward_transfer: baselines
            .untrained
            .filter(|all| whole && all.len() >= n)
            .and_then(forward),
        intransigence: baselines
            .alone
            .filter(|all| all.len() >= n)
            .and_then(|alone| mean(&mut (0..n).map(|j| alone[j] - grid[j][j]))),
    })
}

/// Accuracy over batches of unequal size: correct of all, not the mean of the batches.
///
/// ```
/// use neuropil_gating::metrics::pooled;
/// assert_eq!(pooled(&[(256, 256), (8, 0)]), Some(256.0 / 264.0));
/// ```
pub fn pooled(batches: &[(usize, usize)]) -> Option<f64> {
    let (n, correct) = batches
        .iter()
        .fold((0, 0), |(n, correct), batch| (n + batch.0, correct + batch.1));
    (n > 0).then(|| correct as f64 / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_kinds_of_forgetting_differ_on_one_grid() {
        let grid = [vec![0.8], vec![0.9, 0.7], vec![0.85, 0.75, 0.6]];
        let found = measures(&grid, Baselines::default()).unwrap();
        let near = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-12, "{a:?} {b}");
        near(found.forgetting, (0.05 - 0.05) / 2.0);
        near(found.forgetting_from_just_learnt, (-0.05 - 0.05) / 2.0);
        near(found.forgetting_never_negative, 0.05 / 2.0);
        near(found.backward_transfer, 0.05);
        assert_eq!((found.forward_transfer, found.intransigence), (None, None));
        let alone = measures(
            &grid,
            Baselines {
                alone: Some(&[0.9; 3]),
                untrained: None,
            },
        )
        .unwrap();
        near(alone.intransigence, 0.2);
        assert_eq!(
            measures(&grid[..1], Baselines::default()).unwrap().forgetting,
            None
        );
    }

    #[test]
    fn bad_grids_are_refused() {
        for (grid, found) in [
            (vec![], "without rows"),
            (vec![vec![0.5], vec![0.1]], "row 1"),
            (vec![vec![1.2]], "1.2"),
        ] {
            assert!(
                measures(&grid, Baselines::default())
                    .unwrap_err()
                    .to_string()
                    .contains(found)
            );
        }
    }
}
