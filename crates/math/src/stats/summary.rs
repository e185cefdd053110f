//! Mean, spread and quantiles of a sample.

use serde::{Deserialize, Serialize};

/// Mean and spread of a sample; `None` where they are not defined.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of values.
    pub n: usize,
    /// Mean; none of an empty sample.
    pub mean: Option<f64>,
    /// Standard deviation with n − 1 in the denominator; needs two values.
    pub sd: Option<f64>,
    /// Standard error of the mean, sd / √n; needs two values.
    pub sem: Option<f64>,
}

impl Summary {
    /// Summary of `values`.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len();
        let sd = (n > 1).then(|| variance(values, 1).sqrt());
        Self {
            n,
            mean: (n > 0).then(|| mean(values)),
            sd,
            sem: sd.map(|sd| sd / (n as f64).sqrt()),
        }
    }
}

/// Arithmetic mean; NaN of an empty slice.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Variance with n − `ddof` in the denominator, in two passes; NaN where that is 0/0.
pub fn variance(values: &[f64], ddof: usize) -> f64 {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    squares / (values.len() as f64 - ddof as f64)
}

/// Interval of the mean of a normal variable at a level such as 0.95, by Student's t with n − 1 degrees of freedom.
///
/// ```
/// let (low, high) = neuropil_math::stats::summary::mean_interval(&[1.0, 2.0, 3.0], 0.95);
/// assert!((low + 0.4841).abs() < 1e-4 && (high - 4.4841).abs() < 1e-4); // t = 4.3027 with 2 degrees
/// ```
///
/// # Panics
/// With fewer than two values.
pub fn mean_interval(values: &[f64], level: f64) -> (f64, f64) {
    use statrs::distribution::{ContinuousCDF, StudentsT};
    assert!(
        values.len() > 1,
        "an interval needs two values, not {}",
        values.len()
    );
    let n = values.len() as f64;
    let law = StudentsT::new(0.0, 1.0, n - 1.0).expect("one degree of freedom or more");
    let half = law.inverse_cdf(0.5 + level / 2.0) * (variance(values, 1) / n).sqrt();
    (mean(values) - half, mean(values) + half)
}

/// Quantile `p` in [0, 1] by linear interpolation between order statistics; `None` of an empty sample.
///
/// The position is p·(n − 1), definition 7 of Hyndman & Fan, Am. Stat. 50, 361 (1996).
pub fn quantile(values: &[f64], p: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile_of_sorted(&sorted, p)
}

/// [`quantile`] of values that are sorted already.
pub fn quantile_of_sorted(sorted: &[f64], p: f64) -> Option<f64> {
    assert!((0.0..=1.0).contains(&p), "quantile {p} is outside 0 to 1");
    let last = sorted.len().checked_sub(1)?;
    let position = p * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (position - below as f64) * (sorted[above] - sorted[below]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_of_a_small_sample() {
        let summary = Summary::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(summary.mean, Some(5.0));
        assert!((summary.sd.unwrap() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-15);
        assert!((summary.sem.unwrap() - (4.0_f64 / 7.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn what_is_not_defined_is_none() {
        assert_eq!(
            Summary::of(&[]),
            Summary {
                n: 0,
                mean: None,
                sd: None,
                sem: None
            }
        );
        assert_eq!(
            Summary::of(&[3.0]),
            Summary {
                n: 1,
                mean: Some(3.0),
                sd: None,
                sem: None
            }
        );
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn quantiles_interpolate() {
        let values = [4.0, 1.0, 3.0, 2.0];
        let expected = [(0.0, 1.0), (0.25, 1.75), (0.5, 2.5), (0.75, 3.25), (1.0, 4.0)];
        assert!(expected.iter().all(|&(p, q)| quantile(&values, p) == Some(q)));
    }
}
