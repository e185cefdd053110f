//! Generalised estimating equations for the coefficients, a Gaussian likelihood of the residuals for α
//! (Ives & Garland 2010), in turns.

use rand::RngExt;

use neuropil_math::rng::{Key, Purpose};

use super::super::FitError;
use super::super::search::{bounded, simplex};
use super::super::small::{cholesky, inverse};
use super::super::three_point::Pass;
use super::objective::{Objective, Working, evaluate};

/// Step of the difference quotient of the information in Firth's correction.
const STEP: f64 = 0.1;

/// Estimates (β, −log α) from `start`, and whether the turns converged.
pub(super) fn estimate(objective: &mut Objective<'_>, start: &[f64]) -> Result<(Vec<f64>, bool), FitError> {
    let d = objective.d;
    let height = objective.log_height;
    let bound = objective.settings.log_alpha_bound - 1e-6;
    let mut theta = start.to_vec();
    let mut random = Key::new(0).stream(Purpose::Test, d as u64);
    let mut converged = false;
    for round in 0..20 {
        let beta = theta[..d].to_vec();
        let (log_length, _) = bounded(height - bound, height + bound, 33, |u| {
            gaussian(objective, &beta, (-u).exp()).unwrap_or(f64::INFINITY)
        });
        let alpha = (-log_length).exp();
        let edge: Vec<f64> = beta.iter().map(|b| 0.1 * b.abs().max(0.1)).collect();
        let mut best = simplex(&beta, &edge, |beta| {
            score_norm(objective, beta, alpha).unwrap_or(f64::INFINITY)
        });
        for _ in 0..5 {
            if best.1 <= 1e-2 {
                break;
            }
            let from: Vec<f64> = start[..d]
                .iter()
                .map(|b| b + 0.05 * b.abs().max(0.1) * normal(&mut random))
                .collect();
            let again = simplex(&from, &edge, |beta| {
                score_norm(objective, beta, alpha).unwrap_or(f64::INFINITY)
            });
            if again.1 < best.1 {
                best = again;
            }
        }
        let mut new = best.0;
        new.push(log_length);
        if round > 10 {
            new.iter_mut()
                .zip(&theta)
                .for_each(|(new, old)| *new = 0.5 * (*new + old));
        }
        let moved: f64 = new[..d].iter().zip(&theta).map(|(a, b)| (a - b).powi(2)).sum();
        let turned = (new[d] - theta[d]).powi(2);
        theta = new;
        if moved < 1e-6 && turned < 1e-6 && best.1 < 0.1 {
            converged = true;
            break;
        }
    }
    Ok((theta, converged))
}

fn normal(random: &mut impl rand::Rng) -> f64 {
    let (a, b): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - a).ln()).sqrt() * (2.0 * std::f64::consts::PI * b).cos()
}

/// ½ [log |V| + rᵀ V⁻¹ r] of the residuals.
fn gaussian(objective: &Objective<'_>, beta: &[f64], alpha: f64) -> Result<f64, FitError> {
    let fitted = fitted(objective, beta);
    let p = fitted.iter().sum::<f64>() / fitted.len() as f64;
    let working = Working::new(objective.tree, &fitted, p, alpha);
    let residuals: Vec<f64> = residuals(objective, &fitted)
        .iter()
        .zip(&working.weights)
        .map(|(r, w)| r / w)
        .collect();
    let mut pass = Pass::default();
    pass.run(objective.tree, &working.lengths, &residuals, 1)?;
    let weights: f64 = working.weights.iter().map(|w| w.ln()).sum();
    Ok(0.5 * (pass.log_det + 2.0 * weights + pass.products[0]))
}

fn fitted(objective: &Objective<'_>, beta: &[f64]) -> Vec<f64> {
    objective
        .x
        .chunks(objective.d)
        .map(|row| 1.0 / (1.0 + (-row.iter().zip(beta).map(|(x, b)| x * b).sum::<f64>()).exp()))
        .collect()
}

fn residuals(objective: &Objective<'_>, fitted: &[f64]) -> Vec<f64> {
    objective
        .y
        .iter()
        .zip(fitted)
        .map(|(&y, mu)| f64::from(u8::from(y)) - mu)
        .collect()
}

/// Squared norm of the score with Firth's correction; infinite outside the domain.
fn score_norm(objective: &Objective<'_>, beta: &[f64], alpha: f64) -> Result<f64, FitError> {
    let d = objective.d;
    let outside = objective
        .x
        .chunks(d)
        .any(|row| row.iter().zip(beta).map(|(x, b)| x * b).sum::<f64>().abs() >= objective.settings.btol);
    if outside {
        return Ok(f64::INFINITY);
    }
    let fitted = fitted(objective, beta);
    let p = fitted.iter().sum::<f64>() / fitted.len() as f64;
    let working = Working::new(objective.tree, &fitted, p, alpha);
    let residuals = residuals(objective, &fitted);
    let mut z = Vec::with_capacity((d + 1) * fitted.len());
    for (((row, mu), r), weight) in objective
        .x
        .chunks(d)
        .zip(&fitted)
        .zip(&residuals)
        .zip(&working.weights)
    {
        z.extend(row.iter().map(|x| x * mu * (1.0 - mu) / weight));
        z.push(r / weight);
    }
    let mut pass = Pass::default();
    pass.run(objective.tree, &working.lengths, &z, d + 1)?;
    let information = |beta: &[f64]| {
        evaluate(objective.tree, objective.x, &objective.y, beta, alpha).map(|point| point.information)
    };
    let here: Vec<f64> = (0..d * d)
        .map(|k| pass.products[k / d * (d + 1) + k % d])
        .collect();
    let Some(factor) = cholesky(&here, d) else {
        return Ok(f64::INFINITY);
    };
    let inverse = inverse(&factor, d);
    let mut norm = 0.0;
    for k in 0..d {
        let correction = if d == 1 {
            fitted.iter().map(|mu| (1.0 - 2.0 * mu) / 2.0).sum::<f64>() / fitted.len() as f64
        } else {
            let (mut above, mut below) = (beta.to_vec(), beta.to_vec());
            above[k] += STEP;
            below[k] -= STEP;
            let (above, below) = (information(&above)?, information(&below)?);
            let mut trace = 0.0;
            for i in 0..d {
                for j in 0..d {
                    trace += inverse[i * d + j] * (above[j * d + i] - below[j * d + i]) / (2.0 * STEP);
                }
            }
            0.5 * trace
        };
        norm += (pass.products[k * (d + 1) + d] + correction).powi(2);
    }
    Ok(if norm.is_finite() { norm } else { f64::INFINITY })
}
