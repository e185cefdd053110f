//! Bins that hold equally many values.

use super::{StatsError, finite};

/// Sorts `x` and cuts it into `n_bins` bins of ⌊n / n_bins⌋ values; the remainder joins the last bin.
///
/// Returns the indices into `x` of each bin, ordered by value; ties keep their order in `x`.
///
/// # Errors
/// Fewer values than bins, or a value that is not finite.
///
/// ```
/// let bins = neuropil_math::stats::bins::equal_count_bins(&[30.0, 10.0, 20.0, 50.0, 40.0], 2)?;
/// assert_eq!(bins, [vec![1, 2], vec![0, 4, 3]]);
/// # Ok::<(), neuropil_math::stats::StatsError>(())
/// ```
pub fn equal_count_bins(x: &[f64], n_bins: usize) -> Result<Vec<Vec<usize>>, StatsError> {
    assert!(n_bins > 0, "equal-count bins need at least one bin");
    finite("the binned value", x)?;
    if x.len() < n_bins {
        return Err(StatsError::TooFew {
            what: "values to bin",
            found: x.len(),
            needed: n_bins,
        });
    }
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&i, &j| x[i].total_cmp(&x[j]));
    let size = x.len() / n_bins;
    Ok((0..n_bins)
        .map(|bin| {
            let end = if bin + 1 == n_bins {
                x.len()
            } else {
                (bin + 1) * size
            };
            order[bin * size..end].to_vec()
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_keep_their_order() {
        assert_eq!(
            equal_count_bins(&[5.0, 5.0, 1.0, 5.0], 2).unwrap(),
            [vec![2, 0], vec![1, 3]]
        );
    }

    #[test]
    fn too_few_values_are_an_error() {
        let error = equal_count_bins(&[1.0], 2).unwrap_err();
        assert_eq!(error.to_string(), "found 1 values to bin, expected at least 2");
        assert!(equal_count_bins(&[1.0, f64::NAN], 2).is_err());
    }

    proptest! {
        #[test]
        fn every_value_lies_in_one_bin_and_bins_are_ordered(
            x in prop::collection::vec(-10.0_f64..10.0, 1..80), n_bins in 1_usize..12,
        ) {
            prop_assume!(x.len() >= n_bins);
            let bins = equal_count_bins(&x, n_bins).unwrap();
            let flat: Vec<usize> = bins.iter().flatten().copied().collect();
            prop_assert!(flat.windows(2).all(|pair| x[pair[0]] <= x[pair[1]]));
            let mut seen = flat;
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..x.len()).collect::<Vec<_>>());
            prop_assert!(bins[..n_bins - 1].iter().all(|bin| bin.len() == x.len() / n_bins));
        }
    }
}
