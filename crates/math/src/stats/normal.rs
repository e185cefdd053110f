//! The standard normal distribution, over libm and statrs.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Cumulative probability Φ(z), accurate in both tails.
pub fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// Density φ(z).
pub fn pdf(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// The z with Φ(z) = p; ∓∞ at p = 0 and 1.
pub fn quantile(p: f64) -> f64 {
    -std::f64::consts::SQRT_2 * statrs::function::erf::erfc_inv(2.0 * p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_and_the_far_tail() {
        assert!((cdf(1.959963984540054) - 0.975).abs() < 1e-15);
        assert!((cdf(-10.0) / 7.619853024160527e-24 - 1.0).abs() < 1e-12);
        assert!((pdf(0.0) - 0.398_942_280_401_432_7).abs() < 1e-16);
    }

    #[test]
    fn quantile_inverts_the_distribution() {
        for p in [1e-9, 0.001, 0.025, 0.5, 0.8, 0.999] {
            assert!((cdf(quantile(p)) / p - 1.0).abs() < 1e-9, "{p}");
        }
        assert_eq!(quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(quantile(1.0), f64::INFINITY);
    }
}
