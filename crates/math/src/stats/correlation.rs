//! Correlation of two samples.

use serde::{Deserialize, Serialize};

use super::{StatsError, finite, same_length, summary::mean};

/// Pearson's correlation with its two-sided p-value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// Correlation coefficient.
    pub r: f64,
    /// Probability of |r| at least this large in uncorrelated normal samples; 1 with two values.
    pub p: f64,
    /// Number of pairs.
    pub n: usize,
}

/// Pearson's r of `x` and `y`, tested by t = r √((n − 2) / (1 − r²)) with n − 2 degrees of freedom.
///
/// # Errors
/// Unequal lengths, fewer than two pairs, a value that is not finite, or a column that does not vary.
///
/// Student, Biometrika 6, 302 (1908).
pub fn pearson(x: &[f64], y: &[f64]) -> Result<Correlation, StatsError> {
    same_length("y", y.len(), x.len())?;
    finite("x", x)?;
    finite("y", y)?;
    let n = x.len();
    if n < 2 {
        return Err(StatsError::TooFew {
            what: "pairs to correlate",
            found: n,
            needed: 2,
        });
    }
    let (mean_x, mean_y) = (mean(x), mean(y));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(y) {
        let (a, b) = (a - mean_x, b - mean_y);
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    for (what, column, squares) in [("x", x, xx), ("y", y, yy)] {
        // The mean of equal values may differ from them in the last bit.
        if column.iter().all(|value| *value == column[0]) || squares == 0.0 {
            return Err(StatsError::NotIdentifiable {
                reason: format!("{what} does not vary"),
            });
        }
    }
    let r = (xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0);
    Ok(Correlation {
        r,
        p: p_value(r, n),
        n,
    })
}

fn p_value(r: f64, n: usize) -> f64 {
    if n == 2 {
        return 1.0;
    }
    // P(|T| > t) = I(df/2, 1/2) at df / (df + t²), which is 1 − r².
    let complement = (1.0 - r) * (1.0 + r);
    statrs::function::beta::beta_reg((n as f64 - 2.0) / 2.0, 0.5, complement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_a_worked_example() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0];
        let y = [2.0, 1.0, 4.0, 3.0, 5.0];
        let correlation = pearson(&x, &y).unwrap();
        assert!((correlation.r - 0.8).abs() < 1e-15);
        assert!(
            (correlation.p - 0.104_088_038_661_827_88).abs() < 1e-12,
            "{}",
            correlation.p
        );
    }

    #[test]
    fn a_perfect_line_has_no_doubt() {
        let line = pearson(&[1.0, 2.0, 3.0], &[-1.0, -2.0, -3.0]).unwrap();
        assert!((line.r + 1.0).abs() < 1e-15 && line.p < 1e-7, "{line:?}");
        assert_eq!(pearson(&[1.0, 2.0], &[5.0, 6.0]).unwrap().p, 1.0);
    }

    #[test]
    fn a_constant_column_is_an_error() {
        let error = pearson(&[0.1; 7], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).unwrap_err();
        assert_eq!(error.to_string(), "not identifiable: x does not vary");
        assert!(pearson(&[1.0], &[1.0]).is_err());
        assert!(pearson(&[1.0, 2.0], &[1.0]).is_err());
    }
}
