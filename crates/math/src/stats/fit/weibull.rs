//! Accuracy against stimulus strength.

use serde::{Deserialize, Serialize};

use super::super::{
    StatsError, finite,
    minimise::{Linearised, minimise},
    same_length,
};

/// A fitted Weibull accuracy curve, 1 − ½ exp(−(x/α)^β).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weibull {
    /// Threshold α in the unit of the stimulus: accuracy there is 1 − 1/(2e), 81.6 %.
    pub alpha: f64,
    /// Steepness β.
    pub beta: f64,
    /// Squared error of the fit.
    pub sse: f64,
}

impl Weibull {
    /// Fitted accuracy at strength `x`.
    pub fn accuracy(&self, x: f64) -> f64 {
        1.0 - 0.5 * (-(x / self.alpha).powf(self.beta)).exp()
    }
}

/// Fits 1 − ½ exp(−(x/α)^β) to accuracies by unweighted least squares, α and β positive.
///
/// - `x`: stimulus strength of each condition, above 0
/// - `accuracy`: fraction correct, same length
///
/// # Errors
/// Fewer than three conditions, a strength that is not positive, or a fit that does not converge, such as to
/// accuracies that do not rise with strength.
///
/// Quick, Kybernetik 16, 65 (1974).
pub fn weibull(x: &[f64], accuracy: &[f64]) -> Result<Weibull, StatsError> {
    same_length("accuracy", accuracy.len(), x.len())?;
    finite("accuracy", accuracy)?;
    if let Some(index) = x.iter().position(|x| !(*x > 0.0 && x.is_finite())) {
        let expected = "above 0";
        return Err(StatsError::OutOfRange {
            what: "stimulus strength",
            index,
            found: x[index],
            expected,
        });
    }
    if x.len() < 3 {
        return Err(StatsError::TooFew {
            what: "conditions to fit",
            found: x.len(),
            needed: 3,
        });
    }
    if accuracy.windows(2).all(|pair| pair[0] == pair[1]) {
        let reason = "accuracy is the same at every stimulus strength".to_owned();
        return Err(StatsError::NotIdentifiable { reason });
    }
    // In logarithms both parameters stay positive and have a natural scale.
    let start = x.iter().map(|x| x.ln()).sum::<f64>() / x.len() as f64;
    let minimum = minimise([start, 0.0], |&[log_alpha, log_beta]| {
        let beta = log_beta.exp();
        let mut at = Linearised {
            objective: 0.0,
            residuals: Vec::new(),
            jacobian: Vec::new(),
        };
        for (&x, &y) in x.iter().zip(accuracy) {
            let distance = x.ln() - log_alpha;
            let power = (beta * distance).exp().min(700.0);
            let miss = 0.5 * (-power).exp();
            let residual = y - (1.0 - miss);
            at.objective += residual * residual;
            at.residuals.push(residual);
            let by_log_alpha = -miss * power * beta;
            at.jacobian.push([by_log_alpha, -by_log_alpha * distance]);
        }
        at
    })?
    .reached()?;
    let [log_alpha, log_beta] = minimum.parameters;
    Ok(Weibull {
        alpha: log_alpha.exp(),
        beta: log_beta.exp(),
        sse: minimum.objective,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn noise_free_curves_are_recovered(alpha in 4.0_f64..40.0, beta in 0.5_f64..3.0) {
            let x = [3.2, 6.4, 12.8, 25.6, 51.2];
            let truth = Weibull { alpha, beta, sse: 0.0 };
            let fit = weibull(&x, &x.map(|x| truth.accuracy(x))).unwrap();
            prop_assert!((fit.alpha / alpha - 1.0).abs() < 1e-5 && (fit.beta / beta - 1.0).abs() < 1e-5, "{fit:?}");
        }
    }

    #[test]
    fn accuracy_that_does_not_vary_has_no_threshold() {
        let error = weibull(&[3.2, 6.4, 12.8], &[1.0; 3]).unwrap_err();
        assert!(matches!(error, StatsError::NotIdentifiable { .. }));
        assert!(weibull(&[0.0, 6.4, 12.8], &[0.5, 0.6, 0.7]).is_err());
        assert!(weibull(&[3.2, 6.4], &[0.5, 0.6]).is_err());
    }
}
