//! Parametric bootstrap: traits simulated at the estimates and fitted again.

use rand::Rng;
use rayon::prelude::*;

use neuropil_math::rng::{Key, Purpose};
use neuropil_math::stats::summary::{mean, quantile, variance};

use super::covariance::Transformed;
use super::simulate::{binary, normal};
use super::{FitError, Gaussian, LinearFit, Logistic, LogisticFit};
use crate::tree::{NONE, Tree};

/// Distribution of one estimate over replicates.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Spread {
    /// What it is: `coefficient 0`, `log sigma2`, `log alpha`, …
    pub name: String,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
    /// 2.5 % and 97.5 % quantiles.
    pub interval: (f64, f64),
}

/// Bootstrap of a regression.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Bootstrap {
    /// One entry per estimate.
    pub estimates: Vec<Spread>,
    /// Replicates that were fitted.
    pub fitted: usize,
    /// Replicates whose fit failed; they are left out.
    pub failed: usize,
}

/// Bootstraps a Gaussian regression; replicate `i` draws from its own stream of `key`.
///
/// # Errors
/// When every replicate fails.
pub fn gaussian(
    tree: &Tree,
    x: &[f64],
    model: &Gaussian,
    fit: &LinearFit,
    replicates: usize,
    key: Key,
) -> Result<Bootstrap, FitError> {
    let d = x.len() / tree.n_tips();
    let rows: Vec<Vec<f64>> = (0..replicates as u64)
        .into_par_iter()
        .filter_map(|i| {
            let mut random = key.stream(Purpose::Bootstrap, i);
            let y = response(tree, x, d, fit, &mut random);
            let again = model.fit(tree, x, &y).ok()?;
            let mut row = again.coefficients.clone();
            row.push(again.sigma2.ln());
            row.extend(again.parameter.map(|p| if p > 0.0 { p.ln() } else { p }));
            Some(row)
        })
        .collect();
    let mut names: Vec<String> = (0..fit.coefficients.len())
        .map(|i| format!("coefficient {i}"))
        .collect();
    names.push("log sigma2".into());
    names.extend(
        fit.parameter
            .map(|p| format!("{}{}", if p > 0.0 { "log " } else { "" }, fit.covariance.name())),
    );
    summarise(&names, &rows, replicates)
}

/// Trait at the estimates: Brownian motion on the transformed tree, error at the tips.
fn response(tree: &Tree, x: &[f64], d: usize, fit: &LinearFit, random: &mut impl Rng) -> Vec<f64> {
    let mut transformed = Transformed::default();
    let parameter = fit.parameter.unwrap_or(0.0);
    transformed.set(fit.covariance, tree, parameter, 0.0);
    let scale = if fit.covariance.is_ou() {
        fit.sigma2 / (2.0 * parameter)
    } else {
        fit.sigma2
    };
    let mut values = vec![0.0; tree.n_nodes()];
    for v in (0..tree.n_nodes()).rev() {
        let parent = tree.parents()[v];
        let above = if parent == NONE { 0.0 } else { values[parent] };
        values[v] = above + (scale * transformed.lengths[v]).sqrt() * normal(random);
    }
    x.chunks(d)
        .enumerate()
        .map(|(tip, row)| {
            let node = tree.tips()[tip];
            let mut mean: f64 = row.iter().zip(&fit.coefficients).map(|(x, b)| x * b).sum();
            if fit.coefficients.len() > d {
                mean += fit.coefficients[d] * tree.depths()[node];
            }
            mean + values[node] * transformed.weights[tip] + fit.sigma2_error.sqrt() * normal(random)
        })
        .collect()
}

/// Bootstraps a logistic regression; replicate `i` draws from its own stream of `key`.
///
/// # Errors
/// When every replicate fails.
pub fn logistic(
    tree: &Tree,
    x: &[f64],
    model: &Logistic,
    fit: &LogisticFit,
    replicates: usize,
    key: Key,
) -> Result<Bootstrap, FitError> {
    let rows: Vec<Vec<f64>> = (0..replicates as u64)
        .into_par_iter()
        .filter_map(|i| {
            let mut random = key.stream(Purpose::Bootstrap, i);
            let y = binary(tree, &fit.fitted, fit.alpha, &mut random);
            let again = model.fit(tree, x, &y).ok()?;
            let mut row = again.coefficients.clone();
            row.push(again.alpha.ln());
            Some(row)
        })
        .collect();
    let mut names: Vec<String> = (0..fit.coefficients.len())
        .map(|i| format!("coefficient {i}"))
        .collect();
    names.push("log alpha".into());
    summarise(&names, &rows, replicates)
}

fn summarise(names: &[String], rows: &[Vec<f64>], replicates: usize) -> Result<Bootstrap, FitError> {
    if rows.is_empty() {
        return Err(FitError::NotFinite);
    }
    let estimates = names
        .iter()
        .enumerate()
        .map(|(k, name)| {
            let column: Vec<f64> = rows.iter().map(|row| row[k]).collect();
            let at = |p| quantile(&column, p).unwrap_or(f64::NAN);
            Spread {
                name: name.clone(),
                mean: mean(&column),
                sd: variance(&column, 1).sqrt(),
                interval: (at(0.025), at(0.975)),
            }
        })
        .collect();
    Ok(Bootstrap {
        estimates,
        fitted: rows.len(),
        failed: replicates - rows.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phylo::Covariance;

    #[test]
    fn intervals_cover_the_estimate_and_do_not_depend_on_threads() {
        let tree = Tree::parse("((a:1,b:0.3):0.5,(c:0.7,d:0.7,e:0.2):0.3,((f:0.4,g:0.9):0.2,h:1.1):0.35);")
            .expect("a tree");
        let x: Vec<f64> = (0..8).flat_map(|i| [1.0, f64::from((i * 37) % 11)]).collect();
        let y: Vec<f64> = x
            .chunks(2)
            .enumerate()
            .map(|(i, row)| 0.5 * row[1] + f64::from((i as u32 * 53) % 7) / 4.0)
            .collect();
        let model = Gaussian::new(Covariance::Brownian);
        let fit = model.fit(&tree, &x, &y).expect("a fit");
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            pool.install(|| gaussian(&tree, &x, &model, &fit, 400, Key::new(1)))
                .expect("replicates")
        };
        let (one, two) = (run(1), run(2));
        assert_eq!(one, two);
        let slope = &one.estimates[1];
        assert!(slope.interval.0 < fit.coefficients[1] && fit.coefficients[1] < slope.interval.1);
        assert!(
            (slope.sd / fit.se[1] - (6.0_f64 / 8.0).sqrt()).abs() < 0.25,
            "{} {}",
            slope.sd,
            fit.se[1]
        );
    }
}
