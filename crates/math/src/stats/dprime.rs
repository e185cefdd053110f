//! Discriminability of two samples.

use super::summary::{mean, variance};

/// d′ = (mean of `high` − mean of `low`) / √((var of `high` + var of `low`) / 2), with population variances.
///
/// `None` when a sample is empty or neither varies, where the ratio has no meaning.
///
/// Green & Swets, Signal Detection Theory and Psychophysics (1966).
pub fn dprime(low: &[f64], high: &[f64]) -> Option<f64> {
    if low.is_empty() || high.is_empty() {
        return None;
    }
    let pooled = f64::midpoint(variance(high, 0), variance(low, 0)).sqrt();
    (pooled > 0.0).then(|| (mean(high) - mean(low)) / pooled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_samples_one_sd_apart() {
        assert_eq!(dprime(&[-1.0, 1.0], &[0.0, 2.0]), Some(1.0));
        assert_eq!(dprime(&[0.0, 2.0], &[-1.0, 1.0]), Some(-1.0));
    }

    #[test]
    fn nothing_to_divide_by_is_none() {
        assert_eq!(dprime(&[], &[1.0]), None);
        assert_eq!(dprime(&[1.0, 1.0], &[2.0, 2.0]), None);
    }
}
