//! Regression of counts along a tree by generalised estimating equations (Paradis & Claude 2002, J. Theor. Biol. 218, 175).

use super::logistic::p_of_z;
use super::small::{cholesky, inverse, solve};
use super::three_point::Pass;
use super::{FitError, check_design};
use crate::tree::Tree;

/// A fitted regression of counts.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PoissonFit {
    /// Estimates on the scale of the logarithm.
    pub coefficients: Vec<f64>,
    /// Standard errors.
    pub se: Vec<f64>,
    /// Estimates over their standard errors.
    pub z: Vec<f64>,
    /// Two-sided p-values of the normal distribution.
    pub p: Vec<f64>,
    /// Covariance of the estimates, row-major.
    pub vcov: Vec<f64>,
    /// Dispersion Φ = Σ (y − μ)²/μ / (n − d).
    pub scale: f64,
    /// Rounds until Σ |Δβ| < 1e-10.
    pub rounds: usize,
}

/// Fits counts `y` to the design `x`, shaped \[tips\]\[d\]: mean e^{xβ}, covariance Φ diag(√μ) C diag(√μ) with C the
/// Brownian correlations of the tree.
///
/// # Errors
/// Rows that do not match the tree, negative counts, collinear columns, estimates that do not settle.
pub fn fit(tree: &Tree, x: &[f64], y: &[f64]) -> Result<PoissonFit, FitError> {
    let n = tree.n_tips();
    let d = check_design(n, x, y)?;
    if let Some(bad) = y.iter().find(|&&y| y < 0.0) {
        return Err(FitError::Input(format!(
            "a count is {bad}, expected no negative ones"
        )));
    }
    let mean = y.iter().sum::<f64>() / n as f64;
    if mean == 0.0 {
        return Err(FitError::ConstantResponse(0.0, n));
    }
    let depth: Vec<f64> = tree.tips().iter().map(|&node| tree.depths()[node]).collect();
    let mut beta = vec![0.0; d];
    beta[0] = mean.ln();
    let mut pass = Pass::default();
    for round in 1..=10_000 {
        let mu: Vec<f64> = x
            .chunks(d)
            .map(|row| row.iter().zip(&beta).map(|(x, b)| x * b).sum::<f64>().exp())
            .collect();
        let mut z = Vec::with_capacity(n * (d + 1));
        for (i, row) in x.chunks(d).enumerate() {
            let weight = (mu[i] / depth[i]).sqrt();
            z.extend(row.iter().map(|x| x * mu[i] / weight));
            z.push((y[i] - mu[i]) / weight);
        }
        pass.run(tree, tree.lengths(), &z, d + 1)?;
        let information: Vec<f64> = (0..d * d)
            .map(|k| pass.products[k / d * (d + 1) + k % d])
            .collect();
        let right: Vec<f64> = (0..d).map(|i| pass.products[i * (d + 1) + d]).collect();
        let factor = cholesky(&information, d).ok_or(FitError::Collinear(n))?;
        let step = solve(&factor, d, &right);
        beta.iter_mut().zip(&step).for_each(|(b, s)| *b += s);
        if !beta.iter().all(|b| b.is_finite()) {
            return Err(FitError::NotFinite);
        }
        if step.iter().map(|s| s.abs()).sum::<f64>() < 1e-10 {
            let scale = y
                .iter()
                .zip(&mu)
                .map(|(y, mu)| (y - mu).powi(2) / mu)
                .sum::<f64>()
                / (n - d) as f64;
            let vcov: Vec<f64> = inverse(&factor, d).iter().map(|v| v * scale).collect();
            let se: Vec<f64> = (0..d).map(|i| vcov[i * d + i].sqrt()).collect();
            let z: Vec<f64> = beta.iter().zip(&se).map(|(b, se)| b / se).collect();
            return Ok(PoissonFit {
                p: z.iter().map(|&z| p_of_z(z)).collect(),
                coefficients: beta,
                se,
                z,
                vcov,
                scale,
                rounds: round,
            });
        }
    }
    Err(FitError::NotFinite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_on_a_star_of_equal_branches_are_an_ordinary_poisson_regression() {
        let tree = Tree::parse("(a:2,b:2,c:2,d:2,e:2,f:2);").expect("a tree");
        let x: Vec<f64> = (0..6).flat_map(|i| [1.0, f64::from(i)]).collect();
        let y = [1.0, 2.0, 2.0, 5.0, 7.0, 12.0];
        let fit = fit(&tree, &x, &y).expect("a fit");
        // Score equations of the ordinary regression.
        for k in 0..2 {
            let score: f64 = x
                .chunks(2)
                .zip(&y)
                .map(|(row, y)| {
                    let mu = (row[0] * fit.coefficients[0] + row[1] * fit.coefficients[1]).exp();
                    row[k] * (y - mu)
                })
                .sum();
            assert!(score.abs() < 1e-8, "{score}");
        }
        assert!(fit.coefficients[1] > 0.3 && fit.p[1] < 0.01);
    }
}
