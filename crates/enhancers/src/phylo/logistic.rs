//! Regression of binary traits along a tree (Ives & Garland 2010).
//!
//! A two-state Markov chain runs along the tree with rates q₀₁ = α p̄ and q₁₀ = α (1 − p̄), p̄ the mean of the fitted
//! probabilities; at the tips a second change makes the expectation of tip i equal μᵢ = 1/(1 + e^{−xᵢβ}).
//!
//! The objective has a cusp where all μ are equal: any slope other than zero allows changes at the tips, which costs
//! likelihood on both sides. Slope zero is nearly always a local maximum, often the global one even where the
//! association is strong. The estimate that the literature reports is the local maximum reached from the ordinary
//! logistic regression; so is the default here. [`Logistic::global`] asks for the largest of many starts instead.

mod generalised;
mod local;
mod objective;

use self::local::{Ended, local_search};
use self::objective::Objective;
pub(crate) use self::objective::Walks;
pub use self::objective::{Point, evaluate};
use super::gaussian::Bound;
use super::search::simplex;
use super::small::{cholesky, inverse};
use super::{FitError, check_design};
use crate::tree::Tree;
use neuropil_math::exponential::exp;
use neuropil_math::simd::vectorised;

/// How the coefficients are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Maximum likelihood with Firth's penalty ½ log det I: what TACIT uses.
    Mple,
    /// Maximum likelihood; runs to the bound of the linear predictor when the classes are separated.
    Mle,
    /// Generalised estimating equations of Ives & Garland.
    Ig10,
}

/// A logistic regression to be fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logistic {
    /// How.
    pub method: Method,
    /// Largest absolute linear predictor that is allowed.
    pub btol: f64,
    /// Largest |log(α T)| that is allowed, T the mean height of the tips.
    pub log_alpha_bound: f64,
    /// Takes the largest of the maxima from many starts, slope zero among them, instead of the local one.
    pub global: bool,
}

impl Default for Logistic {
    fn default() -> Self {
        Self {
            method: Method::Mple,
            btol: 10.0,
            log_alpha_bound: 4.0,
            global: false,
        }
    }
}

/// A fitted logistic regression. All vectors are in the order of the columns of the design.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LogisticFit {
    /// Estimates.
    pub coefficients: Vec<f64>,
    /// Rate of change of the trait along the tree, per unit of branch length.
    pub alpha: f64,
    /// Standard errors.
    pub se: Vec<f64>,
    /// Estimates over their standard errors.
    pub z: Vec<f64>,
    /// Two-sided p-values of the normal distribution.
    pub p: Vec<f64>,
    /// Covariance of the estimates, row-major.
    pub vcov: Vec<f64>,
    /// Log-likelihood.
    pub log_lik: f64,
    /// Log-likelihood plus ½ log det of the information.
    pub pen_log_lik: f64,
    /// Akaike's criterion from the log-likelihood.
    pub aic: f64,
    /// Fitted probabilities.
    pub fitted: Vec<f64>,
    /// Number of species.
    pub n: usize,
    /// Mean distance of tips from the root.
    pub mean_tip_height: f64,
    /// Bound that α lies at.
    pub at_bound: Option<Bound>,
    /// Whether a linear predictor ended within 0.01 of its bound.
    pub predictor_at_bound: bool,
    /// Whether the search ended of its own accord.
    pub converged: bool,
    /// Whether a threshold of one predictor separates the classes.
    pub separated: bool,
    /// Whether a slope ended on the cusp at zero: its sign and p-value carry no information.
    pub cusp: bool,
}

impl LogisticFit {
    /// What the estimates mean where something asks for words.
    pub fn remarks(&self) -> Vec<String> {
        let half = std::f64::consts::LN_2 / self.alpha;
        let mut remarks = vec![format!(
            "alpha = {:.4}: half of the resemblance of relatives is lost in {half:.4} units of branch length, {:.2} of \
             the tree's height",
            self.alpha,
            half / self.mean_tip_height
        )];
        let mut say = |condition: bool, words: &str| {
            if condition {
                remarks.push(words.to_owned());
            }
        };
        say(
            self.at_bound == Some(Bound::Upper),
            "alpha is at its upper bound: negligible phylogenetic signal in the trait; estimates and p-values can be used",
        );
        say(
            self.at_bound == Some(Bound::Lower),
            "alpha is at its lower bound: the trait hardly changes along the tree, maximal phylogenetic signal; \
             estimates and p-values can be used",
        );
        say(
            self.separated,
            "a threshold of the predictor separates the classes: without the penalty the slope has no finite estimate",
        );
        say(
            self.predictor_at_bound,
            "a fitted probability reached the bound of the linear predictor (btol): the classes are nearly separated",
        );
        say(
            self.cusp,
            "the slope ended on the cusp at zero, where the likelihood has a corner: its sign carries no information",
        );
        say(!self.converged, "the search ended without converging");
        remarks
    }
}

/// Two-sided p-value of a normal statistic.
pub fn p_of_z(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

impl Logistic {
    /// Fits the classes `y` to the design `x`, shaped \[tips\]\[d\], rows in the order of the tree's tips. The first
    /// column must be 1.
    ///
    /// # Errors
    /// Rows that do not match the tree, one class alone, collinear columns, a likelihood that is nowhere finite.
    pub fn fit(&self, tree: &Tree, x: &[f64], y: &[bool]) -> Result<LogisticFit, FitError> {
        Fitter::new(*self, tree, x, Walks::default())?.fit(y)
    }
}

/// A logistic regression on one tree and design, to be fitted to many responses.
#[derive(Clone, Debug)]
pub(crate) struct Fitter<'a> {
    settings: Logistic,
    x: &'a [f64],
    d: usize,
    objective: Objective<'a>,
}

impl<'a> Fitter<'a> {
    /// `walks` are of a fitter of the same tree, or empty.
    pub(crate) fn new(
        settings: Logistic,
        tree: &'a Tree,
        x: &'a [f64],
        walks: Walks,
    ) -> Result<Self, FitError> {
        let n = tree.n_tips();
        let d = check_design(n, x, &vec![0.0; n])?;
        let objective = Objective::new(tree, x, d, settings, walks);
        Ok(Self {
            settings,
            x,
            d,
            objective,
        })
    }

    pub(crate) fn into_walks(self) -> Walks {
        self.objective.into_walks()
    }

    /// Fits one response.
    pub(crate) fn fit(&mut self, y: &[bool]) -> Result<LogisticFit, FitError> {
        let n = self.objective.tree.n_tips();
        if y.len() != n {
            return Err(FitError::Input(format!(
                "{} classes for a tree of {n} tips",
                y.len()
            )));
        }
        let ones = y.iter().filter(|&&y| y).count();
        if ones == 0 || ones == n {
            return Err(FitError::ConstantResponse(f64::from(u8::from(ones > 0)), n));
        }
        self.objective.set_response(y);
        let start = self.start(y)?;
        if self.settings.method == Method::Ig10 {
            let (theta, converged) = generalised::estimate(&mut self.objective, &start)?;
            return self.report(y, &theta, converged);
        }
        let mut ended = local_search(&start, |theta| self.objective.with_gradient(theta));
        if self.settings.global {
            self.climb_from_everywhere(&mut ended);
        }
        if !(ended.value < objective::OUTSIDE) {
            return Err(FitError::NotFinite);
        }
        self.report(y, &ended.at, ended.code == 0)
    }

    /// Ordinary logistic regression and α = 1/T; slopes zero where that leaves the domain.
    fn start(&self, y: &[bool]) -> Result<Vec<f64>, FitError> {
        let d = self.d;
        let n = y.len();
        let inside = |beta: &[f64]| {
            self.x.chunks(d).all(|row| {
                let eta: f64 = row.iter().zip(beta).map(|(x, b)| x * b).sum();
                eta.abs() < self.settings.btol
            })
        };
        let mut beta = ordinary(self.x, y, d).ok_or(FitError::Collinear(n))?;
        if !inside(&beta) {
            let ones = y.iter().filter(|&&y| y).count() as f64;
            beta = vec![0.0; d];
            beta[0] = (ones / (n as f64 - ones)).ln();
            if !inside(&beta) {
                beta[0] = 0.0;
            }
        }
        beta.push(self.objective.log_height);
        Ok(beta)
    }

    /// Replaces a local maximum by a larger one, where one is found from other slopes (zero among them) and rates.
    fn climb_from_everywhere(&mut self, best: &mut Ended) {
        let d = self.d;
        let from = best.at.clone();
        let height = self.objective.log_height;
        // Multiples of what was found, and slopes of their own: what was found may be the cusp at 0.
        let mut slopes: Vec<Vec<f64>> = Vec::new();
        for factor in [1.0, 0.0, 0.5, 2.0, -0.5] {
            slopes.push(from[1..d].iter().map(|b| b * factor).collect());
        }
        for steps in [-3.0, -1.0, 1.0, 3.0] {
            slopes.push(
                (1..d)
                    .map(|k| steps / spread(self.x, d, k).max(f64::MIN_POSITIVE))
                    .collect(),
            );
        }
        for slopes in slopes {
            for shift in [0.0, -2.0, 2.0, -3.7, 3.7] {
                let mut start = from.clone();
                start[1..d].copy_from_slice(&slopes);
                start[d] = (height + shift).clamp(height - 3.99, height + 3.99);
                let local = local_search(&start, |theta| self.objective.with_gradient(theta));
                let edge: Vec<f64> = (0..=d)
                    .map(|i| {
                        if i == d {
                            0.5
                        } else {
                            0.1 + 0.1 * local.at[i].abs()
                        }
                    })
                    .collect();
                let found = simplex(&local.at, &edge, |theta| self.objective.value(theta));
                if found.1 < best.value {
                    best.at = found.0;
                    best.value = found.1;
                    best.code = 0;
                }
            }
        }
    }

    fn report(&mut self, y: &[bool], theta: &[f64], converged: bool) -> Result<LogisticFit, FitError> {
        let d = self.d;
        let tree = self.objective.tree;
        let beta = &theta[..d];
        let alpha = (-theta[d]).exp();
        let point = self.objective.point(theta)?;
        let factor = cholesky(&point.information, d).ok_or(FitError::Collinear(y.len()))?;
        let vcov = inverse(&factor, d);
        let se: Vec<f64> = (0..d).map(|i| vcov[i * d + i].sqrt()).collect();
        let z: Vec<f64> = beta.iter().zip(&se).map(|(b, se)| b / se).collect();
        let off = theta[d] - self.objective.log_height;
        let bound = self.settings.log_alpha_bound - 0.02;
        let largest = self
            .x
            .chunks(d)
            .map(|row| row.iter().zip(beta).map(|(x, b)| x * b).sum::<f64>().abs())
            .fold(0.0, f64::max);
        Ok(LogisticFit {
            coefficients: beta.to_vec(),
            alpha,
            p: z.iter().map(|&z| p_of_z(z)).collect(),
            se,
            z,
            vcov,
            log_lik: point.log_lik,
            pen_log_lik: point.pen_log_lik,
            aic: -2.0 * point.log_lik + 2.0 * (d + 1) as f64,
            fitted: point.fitted,
            n: y.len(),
            mean_tip_height: tree.mean_height(),
            at_bound: if off >= bound {
                Some(Bound::Lower)
            } else if off <= -bound {
                Some(Bound::Upper)
            } else {
                None
            },
            predictor_at_bound: largest > self.settings.btol - 0.01,
            converged,
            separated: (1..d).any(|k| separates(self.x, y, d, k)),
            cusp: (1..d).any(|k| (beta[k] * spread(self.x, d, k)).abs() < 0.01),
        })
    }
}

/// Ordinary logistic regression by iteratively reweighted least squares from μ = (y + ½)/2, at most 25 rounds or to a
/// relative change of the deviance below 1e-8.
fn ordinary(x: &[f64], y: &[bool], d: usize) -> Option<Vec<f64>> {
    // Linear predictors η, and e^{-η}, which weights and deviance share.
    let mut eta: Vec<f64> = y
        .iter()
        .map(|&y| if y { 3.0_f64.ln() } else { -(3.0_f64.ln()) })
        .collect();
    let mut decay = vec![0.0; y.len()];
    decays(&eta, &mut decay);
    let mut beta = vec![0.0; d];
    let mut before = f64::INFINITY;
    for _ in 0..25 {
        let (mut information, mut right) = (vec![0.0; d * d], vec![0.0; d]);
        for (((row, eta), decay), &y) in x.chunks(d).zip(&eta).zip(&decay).zip(y) {
            let mu = 1.0 / (1.0 + decay);
            let weight = (mu * (1.0 - mu)).max(f64::EPSILON);
            // The weight times the working response η + (y − μ) / weight.
            let working = weight * eta + (f64::from(u8::from(y)) - mu);
            for (i, &x) in row.iter().enumerate() {
                right[i] += x * working;
                for (sum, other) in information[i * d..].iter_mut().zip(row) {
                    *sum += weight * x * other;
                }
            }
        }
        beta = super::small::solve(&cholesky(&information, d)?, d, &right);
        // Σ log(1 + e^{∓η}), from products instead of a logarithm each.
        const LARGEST: f64 = 1e100;
        let (mut sum, mut product) = (0.0, 1.0);
        for (eta, row) in eta.iter_mut().zip(x.chunks(d)) {
            *eta = row.iter().zip(&beta).map(|(x, b)| x * b).sum();
        }
        decays(&eta, &mut decay);
        for ((&eta, &decay), &y) in eta.iter().zip(&decay).zip(y) {
            product *= 1.0 + decay;
            if !y {
                sum += eta;
            }
            if product > LARGEST {
                sum += product.ln();
                product = 1.0;
            }
        }
        let deviance = 2.0 * (sum + product.ln());
        if (deviance - before).abs() / (deviance.abs() + 0.1) < 1e-8 {
            break;
        }
        before = deviance;
    }
    Some(beta)
}

vectorised! {
    /// e^{-η} of every η.
    fn decays<F>[][](eta: &[f64], decay: &mut [f64]) {
        let (eta, last_eta) = eta.as_chunks::<8>();
        let (decay, last) = decay.as_chunks_mut::<8>();
        for (decay, eta) in decay.iter_mut().zip(eta) {
            *decay = exp(eta.map(|eta| -eta));
        }
        for (decay, eta) in last.iter_mut().zip(last_eta) {
            [*decay] = exp([-eta]);
        }
    }
}

/// Whether a threshold of column `k` has one class below and the other above.
fn separates(x: &[f64], y: &[bool], d: usize, k: usize) -> bool {
    let range = |class: bool| {
        x.chunks(d)
            .zip(y)
            .filter(|&(_, &y)| y == class)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (row, _)| {
                (low.min(row[k]), high.max(row[k]))
            })
    };
    let (zero, one) = (range(false), range(true));
    zero.1 < one.0 || one.1 < zero.0
}

fn spread(x: &[f64], d: usize, k: usize) -> f64 {
    let column: Vec<f64> = x.chunks(d).map(|row| row[k]).collect();
    neuropil_math::stats::summary::variance(&column, 1).sqrt()
}
