//! Fits of psychometric functions.
//!
//! P(x) = λ + (1 − 2λ) Φ((x − μ)/σ), with bias μ, threshold σ and symmetric lapse rate λ (0 unless fitted).
//!
//! The fits search in intercept and slope, Φ(a + b x), and report μ = −a/b and σ = 1/|b|: a curve that is flat
//! or falls is then an ordinary point of the search, not one at infinity. Derivatives are analytic; with a
//! finite-difference step relative to μ a fit to symmetric stimuli would never leave μ = 0.
//!
//! Wichmann & Hill, Percept. Psychophys. 63, 1293 (2001).

mod separable;
mod weibull;

use serde::{Deserialize, Serialize};

use self::separable::{refuse_separable, refuse_steep};
use super::{
    StatsError, finite,
    minimise::{Linearised, Minimum, minimise},
    normal, same_length,
    summary::{mean, variance},
};
pub use weibull::{Weibull, weibull};

/// Smallest probability that a likelihood gives to an outcome.
const SMALLEST_PROBABILITY: f64 = 1e-15;

/// A fitted cumulative Gaussian, in the unit of the stimulus.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CumulativeGaussian {
    /// Stimulus of equal choices, the bias.
    pub mu: f64,
    /// Standard deviation, the threshold; positive also when choices fall with the stimulus.
    pub sigma: f64,
    /// 1/σ, negative when choices fall with the stimulus.
    pub slope: f64,
    /// Symmetric lapse rate λ; 0 when it was not fitted.
    pub lapse: f64,
    /// Standard errors; none when there are as many parameters as conditions.
    pub standard_errors: Option<StandardErrors>,
    /// What the fit minimised: squared error of the proportions, or negative log likelihood.
    pub loss: f64,
    /// Conditions that entered the fit.
    pub n_conditions: usize,
}

/// Standard errors of a [`CumulativeGaussian`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StandardErrors {
    /// Of the bias.
    pub mu: f64,
    /// Of the threshold.
    pub sigma: f64,
    /// Of the slope.
    pub slope: f64,
    /// Of the lapse rate; none when it was not fitted or lies at its bound 0.
    pub lapse: Option<f64>,
}

impl CumulativeGaussian {
    /// Fitted probability at stimulus `x`.
    pub fn probability(&self, x: f64) -> f64 {
        self.lapse + (1.0 - 2.0 * self.lapse) * normal::cdf(self.slope * (x - self.mu))
    }
}

/// Fits Φ((x − μ)/σ) to proportions by unweighted least squares (Levenberg–Marquardt).
///
/// - `x`: stimulus of each condition
/// - `proportion`: fraction of choices, same length
///
/// Standard errors are the usual ones of nonlinear regression, from (JᵀJ)⁻¹ · SSE / (n − 2).
///
/// # Errors
/// Fewer than three distinct stimuli, a proportion outside [0, 1], or [`StatsError::NotIdentifiable`] for
/// choices that switch between two neighbouring stimuli or do not depend on the stimulus.
///
/// ```
/// # use neuropil_math::stats::fit::least_squares;
/// let fit = least_squares(&[-20.0, -10.0, 0.0, 10.0, 20.0], &[0.03, 0.16, 0.5, 0.84, 0.97])?;
/// assert!(fit.mu.abs() < 1e-6 && (fit.sigma - 10.2).abs() < 0.1);
/// # Ok::<(), neuropil_math::stats::StatsError>(())
/// ```
pub fn least_squares(x: &[f64], proportion: &[f64]) -> Result<CumulativeGaussian, StatsError> {
    check_stimuli(x)?;
    same_length("proportion", proportion.len(), x.len())?;
    if let Some(index) = proportion.iter().position(|p| !(0.0..=1.0).contains(p)) {
        let found = proportion[index];
        return Err(StatsError::OutOfRange {
            what: "proportion",
            index,
            found,
            expected: "between 0 and 1",
        });
    }
    refuse_separable(x, proportion)?;
    let axis = Axis::of(x);
    let minimum = minimise(Axis::START, |&[a, b]| {
        let mut at = Linearised {
            objective: 0.0,
            residuals: Vec::new(),
            jacobian: Vec::new(),
        };
        for (&x, &y) in x.iter().zip(proportion) {
            let u = axis.standardise(x);
            let z = a + b * u;
            let residual = y - normal::cdf(z);
            at.objective += residual * residual;
            at.residuals.push(residual);
            at.jacobian.push([normal::pdf(z), normal::pdf(z) * u]);
        }
        at
    })?
    .reached()?;
    let freedom = x.len() as f64 - 2.0;
    let variance = minimum
        .inverse
        .map(|inverse| inverse.map(|row| row.map(|v| v * minimum.objective / freedom)));
    axis.fit(&minimum, variance, x.len())
}

/// Fits Φ((x − μ)/σ) to counts by binomial maximum likelihood (Fisher scoring).
///
/// - `x`: stimulus of each condition
/// - `successes`, `trials`: choices and trials of each condition, same length; conditions without trials count
///   for nothing
///
/// Standard errors are from the inverse Fisher information. The loss is the negative log likelihood without
/// its binomial coefficients.
///
/// # Errors
/// As [`least_squares`], and for more successes than trials.
pub fn likelihood(
    x: &[f64],
    successes: &[usize],
    trials: &[usize],
) -> Result<CumulativeGaussian, StatsError> {
    let counts = Counts::of(x, successes, trials)?;
    refuse_separable(&counts.x, &counts.proportion)?;
    let axis = Axis::of(&counts.x);
    let minimum = counts.maximise_without_lapse(&axis)?.reached()?;
    axis.fit(&minimum, minimum.inverse, counts.x.len())
}

/// Fits λ + (1 − 2λ) Φ((x − μ)/σ) to counts by binomial maximum likelihood, λ in [0, ½].
///
/// Arguments, errors and loss as [`likelihood`]. λ is 0 exactly when a lapse rate above 0 would lower the
/// likelihood of the fit without lapses.
///
/// # Errors
/// As [`likelihood`]; also when, lapses aside, choices switch between two neighbouring stimuli.
pub fn likelihood_with_lapse(
    x: &[f64],
    successes: &[usize],
    trials: &[usize],
) -> Result<CumulativeGaussian, StatsError> {
    let counts = Counts::of(x, successes, trials)?;
    refuse_separable(&counts.x, &counts.proportion)?;
    let axis = Axis::of(&counts.x);
    let without = counts.maximise_without_lapse(&axis)?.reached()?;
    if counts.lapse_slope(&axis, without.parameters) <= 0.0 {
        return axis.fit(&without, without.inverse, counts.x.len());
    }
    let [a, b] = without.parameters;
    let with = minimise([a, b, -3.0], |&p| counts.linearise(&axis, p))?;
    let [a, b, logit] = with.parameters;
    // Under lapses a step fits ever better: the search runs away and has no end.
    refuse_steep(&counts.x, |x| normal::cdf(a + b * axis.standardise(x)))?;
    let with = with.reached()?;
    let curve = Minimum {
        parameters: [a, b],
        objective: with.objective,
        inverse: None,
        converged: true,
    };
    let variance = with.inverse.map(|v| [[v[0][0], v[0][1]], [v[1][0], v[1][1]]]);
    let mut fit = axis.fit(&curve, variance, counts.x.len())?;
    fit.lapse = lapse_of(logit);
    if let (Some(errors), Some(inverse)) = (&mut fit.standard_errors, with.inverse) {
        errors.lapse = Some(fit.lapse * (1.0 - 2.0 * fit.lapse) * inverse[2][2].sqrt());
    }
    Ok(fit)
}

fn lapse_of(logit: f64) -> f64 {
    0.5 / (1.0 + (-logit).exp())
}

fn check_stimuli(x: &[f64]) -> Result<(), StatsError> {
    finite("stimulus", x)?;
    let mut distinct = x.to_vec();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    if distinct.len() < 3 {
        return Err(StatsError::TooFew {
            what: "distinct stimuli to fit",
            found: distinct.len(),
            needed: 3,
        });
    }
    Ok(())
}

/// The stimulus axis, standardised so that the search starts at intercept 0 and slope 1.
struct Axis {
    centre: f64,
    scale: f64,
}

impl Axis {
    const START: [f64; 2] = [0.0, 1.0];

    fn of(x: &[f64]) -> Self {
        Self {
            centre: mean(x),
            scale: variance(x, 0).sqrt(),
        }
    }

    fn standardise(&self, x: f64) -> f64 {
        (x - self.centre) / self.scale
    }

    /// Turns intercept and slope into bias and threshold; errors by the delta method, exact for this change.
    fn fit(
        &self,
        minimum: &Minimum<2>,
        variance: Option<[[f64; 2]; 2]>,
        n_conditions: usize,
    ) -> Result<CumulativeGaussian, StatsError> {
        let [a, b] = minimum.parameters;
        if b.abs() < 1e-7 {
            let reason = "choices do not depend on the stimulus".to_owned();
            return Err(StatsError::NotIdentifiable { reason });
        }
        let standard_errors = variance
            .filter(|v| v.iter().flatten().all(|v| v.is_finite()))
            .map(|v| {
                let along = |da: f64, db: f64| {
                    (da * da * v[0][0] + 2.0 * da * db * v[0][1] + db * db * v[1][1])
                        .max(0.0)
                        .sqrt()
                };
                StandardErrors {
                    mu: self.scale * along(-1.0 / b, a / (b * b)),
                    sigma: self.scale * along(0.0, 1.0 / (b * b)),
                    slope: along(0.0, 1.0) / self.scale,
                    lapse: None,
                }
            });
        Ok(CumulativeGaussian {
            mu: self.centre - self.scale * a / b,
            sigma: self.scale / b.abs(),
            slope: b / self.scale,
            lapse: 0.0,
            standard_errors,
            loss: minimum.objective,
            n_conditions,
        })
    }
}

/// Conditions that have trials.
struct Counts {
    x: Vec<f64>,
    proportion: Vec<f64>,
    trials: Vec<f64>,
}

impl Counts {
    fn of(x: &[f64], successes: &[usize], trials: &[usize]) -> Result<Self, StatsError> {
        same_length("successes", successes.len(), x.len())?;
        same_length("trials", trials.len(), x.len())?;
        let mut counts = Self {
            x: Vec::new(),
            proportion: Vec::new(),
            trials: Vec::new(),
        };
        for (index, ((&x, &k), &n)) in x.iter().zip(successes).zip(trials).enumerate() {
            if k > n {
                return Err(StatsError::OutOfRange {
                    what: "successes",
                    index,
                    found: k as f64,
                    expected: "at most the number of trials",
                });
            }
            if n > 0 {
                counts.x.push(x);
                counts.proportion.push(k as f64 / n as f64);
                counts.trials.push(n as f64);
            }
        }
        check_stimuli(&counts.x)?;
        Ok(counts)
    }

    fn maximise_without_lapse(&self, axis: &Axis) -> Result<Minimum<2>, StatsError> {
        minimise(Axis::START, |&[a, b]| {
            let at = self.linearise(axis, [a, b, f64::NEG_INFINITY]);
            let jacobian = at.jacobian.iter().map(|row| [row[0], row[1]]).collect();
            Linearised {
                objective: at.objective,
                residuals: at.residuals,
                jacobian,
            }
        })
    }

    /// Likelihood and weighted rows at intercept, slope and the logit of 2λ.
    fn linearise(&self, axis: &Axis, [a, b, logit]: [f64; 3]) -> Linearised<3> {
        let lapse = lapse_of(logit);
        let stretch = 1.0 - 2.0 * lapse;
        let mut at = Linearised {
            objective: 0.0,
            residuals: Vec::new(),
            jacobian: Vec::new(),
        };
        for ((&x, &y), &n) in self.x.iter().zip(&self.proportion).zip(&self.trials) {
            let u = axis.standardise(x);
            let z = a + b * u;
            let p = (lapse + stretch * normal::cdf(z)).max(SMALLEST_PROBABILITY);
            let q = (lapse + stretch * normal::cdf(-z)).max(SMALLEST_PROBABILITY);
            at.objective -= n * (y * p.ln() + (1.0 - y) * q.ln());
            let weight = (n / (p * q)).sqrt();
            let density = stretch * normal::pdf(z);
            // y − p, written so that neither tail cancels.
            at.residuals.push(weight * (y * q - (1.0 - y) * p));
            let by_logit = (normal::cdf(-z) - normal::cdf(z)) * lapse * stretch;
            at.jacobian
                .push([weight * density, weight * density * u, weight * by_logit]);
        }
        at
    }

    /// Derivative of the log likelihood with respect to λ at λ = 0.
    fn lapse_slope(&self, axis: &Axis, [a, b]: [f64; 2]) -> f64 {
        let terms = self
            .x
            .iter()
            .zip(&self.proportion)
            .zip(&self.trials)
            .map(|((&x, &y), &n)| {
                let z = a + b * axis.standardise(x);
                let p = normal::cdf(z).max(SMALLEST_PROBABILITY);
                let q = normal::cdf(-z).max(SMALLEST_PROBABILITY);
                n * (y / p - (1.0 - y) / q) * (q - p)
            });
        terms.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Key, Purpose};
    use proptest::prelude::*;
    use rand::RngExt;

    const X: [f64; 9] = [-51.2, -25.6, -12.8, -6.4, 0.0, 6.4, 12.8, 25.6, 51.2];

    fn curve(x: &[f64], mu: f64, sigma: f64) -> Vec<f64> {
        x.iter().map(|x| normal::cdf((x - mu) / sigma)).collect()
    }

    fn is_not_identifiable<T: std::fmt::Debug>(fit: Result<T, StatsError>, words: &str) {
        match fit {
            Err(StatsError::NotIdentifiable { reason }) => assert!(reason.contains(words), "{reason}"),
            other => panic!("expected not identifiable, found {other:?}"),
        }
    }

    proptest! {
        #[test]
        fn noise_free_curves_are_recovered(mu in -15.0_f64..15.0, sigma in 4.0_f64..60.0, falls: bool) {
            let sign = if falls { -1.0 } else { 1.0 };
            let y = curve(&X, mu, sign * sigma);
            let fit = least_squares(&X, &y).unwrap();
            prop_assert!((fit.mu - mu).abs() < 1e-6 && (fit.sigma - sigma).abs() < 1e-6, "{fit:?}");
            prop_assert_eq!(fit.slope < 0.0, falls);
            prop_assert!(X.iter().zip(&y).all(|(&x, y)| (fit.probability(x) - y).abs() < 1e-8));
        }

        #[test]
        fn fits_move_and_stretch_with_the_axis(shift in -100.0_f64..100.0, stretch in 0.01_f64..100.0) {
            let k = [0, 5, 44, 92, 180, 262, 337, 390, 400];
            let moved: Vec<f64> = X.iter().map(|x| shift + stretch * x).collect();
            let (plain, other) = (likelihood(&X, &k, &[400; 9]).unwrap(), likelihood(&moved, &k, &[400; 9]).unwrap());
            prop_assert!((other.sigma / (plain.sigma * stretch) - 1.0).abs() < 1e-6);
            prop_assert!((other.mu - (shift + stretch * plain.mu)).abs() < 1e-6 * (1.0 + other.sigma));
        }
    }

    #[test]
    fn separable_choices_have_no_threshold() {
        let step = [0.0, 0.0, 0.0, 0.0, 0.3, 1.0, 1.0, 1.0, 1.0];
        is_not_identifiable(least_squares(&X, &step), "between -6.4 and 6.4");
        let k = [0, 0, 0, 0, 10, 10, 10, 10, 10];
        is_not_identifiable(likelihood(&X, &k, &[10; 9]), "between -6.4 and 0");
        is_not_identifiable(likelihood_with_lapse(&X, &k, &[10; 9]), "between -6.4 and 0");
        let falling = [10, 10, 10, 10, 3, 0, 0, 0, 0];
        is_not_identifiable(likelihood(&X, &falling, &[10; 9]), "between -6.4 and 6.4");
    }

    #[test]
    fn choices_of_one_kind_or_without_slope_have_no_threshold() {
        is_not_identifiable(least_squares(&X, &[1.0; 9]), "the same");
        is_not_identifiable(likelihood(&X, &[0; 9], &[10; 9]), "the same");
        is_not_identifiable(least_squares(&X, &[0.5; 9]), "do not depend");
        is_not_identifiable(likelihood(&X, &[5; 9], &[10; 9]), "do not depend");
    }

    #[test]
    fn a_step_under_lapses_has_no_threshold() {
        let k = [4, 4, 4, 4, 96, 96, 96, 96, 96];
        is_not_identifiable(likelihood_with_lapse(&X, &k, &[100; 9]), "between -6.4 and 0");
    }

    #[test]
    fn too_few_stimuli_and_impossible_counts_are_errors() {
        assert!(matches!(
            least_squares(&[0.0, 1.0], &[0.2, 0.8]),
            Err(StatsError::TooFew { found: 2, .. })
        ));
        assert!(matches!(
            likelihood(&X[..3], &[1, 2, 3], &[5, 5, 0]),
            Err(StatsError::OutOfRange { index: 2, .. })
        ));
        assert!(matches!(
            likelihood(&X[..3], &[1, 2, 0], &[5, 5, 0]),
            Err(StatsError::TooFew { found: 2, .. })
        ));
        assert!(matches!(
            least_squares(&X[..3], &[0.1, 1.2, 0.5]),
            Err(StatsError::OutOfRange { .. })
        ));
        assert!(least_squares(&X, &[0.5; 8]).is_err());
    }

    #[test]
    fn standard_errors_predict_the_scatter_of_estimates() {
        // 300 experiments of 9 x 100 trials: the sd of mu and sigma against the mean standard error. The sd of
        // an sd of 300 normals is 4 %, so 25 % is 6 of them.
        let mut fits = Vec::new();
        for experiment in 0..300 {
            let mut stream = Key::new(2).stream(Purpose::Test, experiment);
            let k: Vec<usize> = curve(&X, 1.0, 14.0)
                .iter()
                .map(|&p| (0..100).filter(|_| stream.random::<f64>() < p).count())
                .collect();
            fits.push(likelihood(&X, &k, &[100; 9]).unwrap());
        }
        let check = |estimate: fn(&CumulativeGaussian) -> f64, error: fn(&StandardErrors) -> f64| {
            let estimates: Vec<f64> = fits.iter().map(estimate).collect();
            let errors: Vec<f64> = fits
                .iter()
                .map(|fit| error(fit.standard_errors.as_ref().unwrap()))
                .collect();
            let ratio = variance(&estimates, 1).sqrt() / mean(&errors);
            assert!((ratio - 1.0).abs() < 0.25, "{ratio}");
        };
        check(|fit| fit.mu, |errors| errors.mu);
        check(|fit| fit.sigma, |errors| errors.sigma);
        check(|fit| fit.slope, |errors| errors.slope);
    }
}
