//! Levenberg–Marquardt with an analytic Jacobian.
//!
//! Each step solves min ‖r − J δ‖² + λ ‖D δ‖² with D the column norms of J, and is kept only when the objective
//! does not rise; λ falls after a kept step and rises after a refused one. With residuals and rows weighted by
//! √(n / p(1 − p)) the same step is Fisher scoring of a binomial likelihood.
//!
//! Marquardt, J. Soc. Indust. Appl. Math. 11, 431 (1963).

use super::StatsError;
use crate::linalg::{LinalgError, least_squares};

const MAX_ITERATIONS: usize = 500;

/// A model at one set of P parameters.
pub(super) struct Linearised<const P: usize> {
    /// What is minimised.
    pub(super) objective: f64,
    /// Weighted data minus model, one per row.
    pub(super) residuals: Vec<f64>,
    /// Weighted derivatives of the model, one row per residual.
    pub(super) jacobian: Vec<[f64; P]>,
}

/// Where the objective is smallest.
pub(super) struct Minimum<const P: usize> {
    pub(super) parameters: [f64; P],
    pub(super) objective: f64,
    /// (JᵀJ)⁻¹ at the minimum; `None` where it is singular.
    pub(super) inverse: Option<[[f64; P]; P]>,
    pub(super) converged: bool,
}

impl<const P: usize> Minimum<P> {
    /// The minimum, or an error when the search stopped on its way.
    pub(super) fn reached(self) -> Result<Self, StatsError> {
        if self.converged {
            Ok(self)
        } else {
            Err(StatsError::NotConverged {
                iterations: MAX_ITERATIONS,
            })
        }
    }
}

/// Minimises from `start`.
pub(super) fn minimise<const P: usize>(
    start: [f64; P],
    linearise: impl Fn(&[f64; P]) -> Linearised<P>,
) -> Result<Minimum<P>, StatsError> {
    let mut parameters = start;
    let mut here = linearise(&parameters);
    let mut damping = 1e-3;
    for _ in 0..MAX_ITERATIONS {
        let scale = column_norms(&here.jacobian);
        let delta = step(&here, &scale, damping)?;
        let candidate: [f64; P] = std::array::from_fn(|i| parameters[i] + delta[i]);
        let there = linearise(&candidate);
        let change = (0..P).map(|i| (scale[i] * delta[i]).powi(2)).sum::<f64>().sqrt();
        if there.objective <= here.objective {
            (parameters, here) = (candidate, there);
            damping = (damping * 0.1).max(1e-15);
            if change < 1e-12 {
                return Ok(minimum(parameters, &here, true));
            }
        } else {
            damping *= 10.0;
            // No smaller objective can be represented around here.
            if change < 1e-12 || damping > 1e15 {
                return Ok(minimum(parameters, &here, stationary(&here, &scale)));
            }
        }
    }
    Ok(minimum(parameters, &here, false))
}

fn step<const P: usize>(at: &Linearised<P>, scale: &[f64; P], damping: f64) -> Result<Vec<f64>, LinalgError> {
    let rows = at.residuals.len() + P;
    let mut design: Vec<f64> = at.jacobian.iter().flatten().copied().collect();
    for i in 0..P {
        design.extend((0..P).map(|j| if i == j { damping.sqrt() * scale[i] } else { 0.0 }));
    }
    let mut targets = at.residuals.clone();
    targets.resize(rows, 0.0);
    Ok(least_squares(&design, rows, P, &targets, 1)?.coefficients)
}

fn column_norms<const P: usize>(jacobian: &[[f64; P]]) -> [f64; P] {
    std::array::from_fn(|j| {
        jacobian
            .iter()
            .map(|row| row[j] * row[j])
            .sum::<f64>()
            .sqrt()
            .max(1e-30)
    })
}

fn stationary<const P: usize>(at: &Linearised<P>, scale: &[f64; P]) -> bool {
    let size = at.residuals.iter().map(|r| r * r).sum::<f64>().sqrt();
    (0..P).all(|j| {
        let slope: f64 = at
            .jacobian
            .iter()
            .zip(&at.residuals)
            .map(|(row, r)| row[j] * r)
            .sum();
        slope.abs() / scale[j] <= 1e-6 * (size + 1e-6)
    })
}

fn minimum<const P: usize>(parameters: [f64; P], at: &Linearised<P>, converged: bool) -> Minimum<P> {
    Minimum {
        parameters,
        objective: at.objective,
        inverse: inverse(&at.jacobian),
        converged,
    }
}

/// (JᵀJ)⁻¹, from columns scaled to unit length.
fn inverse<const P: usize>(jacobian: &[[f64; P]]) -> Option<[[f64; P]; P]> {
    let scale = column_norms(jacobian);
    let product =
        |i: usize, j: usize| jacobian.iter().map(|row| row[i] * row[j]).sum::<f64>() / (scale[i] * scale[j]);
    let normal: Vec<f64> = (0..P * P).map(|e| product(e / P, e % P)).collect();
    let identity: Vec<f64> = (0..P * P).map(|e| f64::from(u8::from(e / P == e % P))).collect();
    let solution = least_squares(&normal, P, P, &identity, P).ok()?;
    let entry = |i: usize, j: usize| solution.coefficients[i * P + j] / (scale[i] * scale[j]);
    (solution.rank == P).then(|| std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley as residuals 10 (y − x²) and 1 − x.
    fn rosenbrock(p: &[f64; 2]) -> Linearised<2> {
        let residuals = vec![-10.0 * (p[1] - p[0] * p[0]), -(1.0 - p[0])];
        let objective = residuals.iter().map(|r| r * r).sum();
        Linearised {
            objective,
            residuals,
            jacobian: vec![[-20.0 * p[0], 10.0], [-1.0, 0.0]],
        }
    }

    #[test]
    fn follows_a_curved_valley_to_its_end() {
        let minimum = minimise([-1.2, 1.0], rosenbrock).unwrap();
        assert!(
            minimum.parameters.iter().all(|p| (p - 1.0).abs() < 1e-10),
            "{:?}",
            minimum.parameters
        );
        assert!(minimum.objective < 1e-20);
        // JᵀJ = [[401, -200], [-200, 100]], determinant 100.
        let inverse = minimum.inverse.unwrap();
        assert!((inverse[0][0] - 1.0).abs() < 1e-8 && (inverse[1][1] - 4.01).abs() < 1e-8);
    }

    #[test]
    fn a_parameter_without_effect_has_no_covariance() {
        let flat = |p: &[f64; 2]| Linearised {
            objective: (1.0 - p[0]).powi(2),
            residuals: vec![1.0 - p[0]],
            jacobian: vec![[1.0, 0.0]],
        };
        let minimum = minimise([0.0, 0.0], flat).unwrap();
        assert!((minimum.parameters[0] - 1.0).abs() < 1e-10 && minimum.inverse.is_none());
    }
}
