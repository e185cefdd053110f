//! Bootstrap resampling from keyed streams.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{interval::Interval, summary::quantile_of_sorted};
use crate::rng::{Key, Purpose};

/// A statistic of resampled data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Estimates of the resamples that had one, ascending.
    pub estimates: Vec<f64>,
    /// Resamples whose statistic was not defined.
    pub n_undefined: usize,
}

impl Bootstrap {
    /// Percentile interval; `None` when fewer than half of the resamples had an estimate.
    ///
    /// Efron & Tibshirani, An Introduction to the Bootstrap (1993), ch. 13.
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        if self.estimates.is_empty() || self.n_undefined > self.estimates.len() {
            return None;
        }
        let tail = 0.5 - 0.5 * confidence;
        let low = quantile_of_sorted(&self.estimates, tail)?;
        let high = quantile_of_sorted(&self.estimates, 1.0 - tail)?;
        Some(Interval { low, high })
    }
}

/// Computes `statistic` on resamples drawn with replacement within each stratum.
///
/// - `strata`: sizes of consecutive groups of rows; `&[n]` is the ordinary bootstrap. Rows of a group are
///   replaced by rows of the same group, so its size stays as it was designed.
/// - `statistic`: takes the row numbers of a resample, group after group; `None` where it is not defined
///
/// Resample i draws from stream i of `key` for [`Purpose::Bootstrap`]: give every bootstrap of one analysis
/// another `key.at(..)`, or their resamples coincide.
///
/// ```
/// use neuropil_math::{rng::Key, stats::{bootstrap::bootstrap, summary::mean}};
/// let data: Vec<f64> = (0..100).map(f64::from).collect();
/// let means = bootstrap(&[100], 1000, Key::new(1), |rows| {
///     Some(mean(&rows.iter().map(|&row| data[row]).collect::<Vec<_>>()))
/// });
/// let interval = means.interval(0.95).unwrap();
/// assert!(interval.low > 40.0 && interval.high < 59.0);
/// ```
pub fn bootstrap(
    strata: &[usize],
    resamples: usize,
    key: Key,
    mut statistic: impl FnMut(&[usize]) -> Option<f64>,
) -> Bootstrap {
    let mut rows = Vec::with_capacity(strata.iter().sum());
    let mut estimates = Vec::with_capacity(resamples);
    for resample in 0..resamples {
        let mut stream = key.stream(Purpose::Bootstrap, resample as u64);
        rows.clear();
        let mut first = 0;
        for &size in strata {
            rows.extend((0..size).map(|_| first + stream.random_range(0..size)));
            first += size;
        }
        estimates.extend(statistic(&rows).filter(|estimate| estimate.is_finite()));
    }
    estimates.sort_by(f64::total_cmp);
    let n_undefined = resamples - estimates.len();
    Bootstrap {
        estimates,
        n_undefined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::summary::mean;

    #[test]
    fn resamples_stay_in_their_stratum() {
        let strata = [3, 0, 5];
        let bootstrap = bootstrap(&strata, 50, Key::new(3), |rows| {
            assert_eq!(rows.len(), 8);
            assert!(
                rows[..3].iter().all(|&row| row < 3) && rows[3..].iter().all(|&row| (3..8).contains(&row))
            );
            Some(rows[0] as f64)
        });
        assert_eq!(bootstrap.estimates.len(), 50);
        assert!(bootstrap.estimates[0] < bootstrap.estimates[49], "rows vary");
    }

    #[test]
    fn the_same_key_repeats_and_another_does_not() {
        let run = |key| bootstrap(&[40], 20, key, |rows| Some(rows.iter().sum::<usize>() as f64));
        assert_eq!(run(Key::new(1)), run(Key::new(1)));
        assert_ne!(run(Key::new(1)), run(Key::new(1).at(1)));
    }

    #[test]
    fn interval_of_a_mean_covers_at_its_level() {
        // 400 samples of 50 uniforms: the 90 % interval misses 1/2 in 10 % of them, ± 6 sd of a binomial count,
        // and the percentile interval is known to be a little short at this size.
        let mut misses = 0;
        for sample in 0..400 {
            let mut stream = Key::new(11).stream(Purpose::Test, sample);
            let data: Vec<f64> = (0..50).map(|_| stream.random()).collect();
            let interval = bootstrap(&[50], 400, Key::new(5).at(sample), |rows| {
                Some(mean(&rows.iter().map(|&row| data[row]).collect::<Vec<_>>()))
            })
            .interval(0.9)
            .unwrap();
            misses += i32::from(interval.low > 0.5 || interval.high < 0.5);
        }
        assert!((40 - 36..=44 + 36).contains(&misses), "{misses} misses");
    }

    #[test]
    fn mostly_undefined_statistics_have_no_interval() {
        let undefined = bootstrap(&[4], 10, Key::new(1), |_| None);
        assert_eq!((undefined.interval(0.95), undefined.n_undefined), (None, 10));
    }
}
