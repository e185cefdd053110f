//! Regression of continuous traits by generalised least squares along a tree.

use statrs::function::beta::beta_reg;

use super::covariance::{Covariance, Transformed};
use super::search::{bounded, simplex};
use super::small::{self, cholesky, inverse, solve};
use super::three_point::Pass;
use super::{FitError, check_design};
use crate::tree::Tree;

/// Grid of a one-dimensional search.
const GRID: usize = 33;
/// Bounds of the ratio of error variance to rate.
const ERROR_RATIO: (f64, f64) = (1e-16, 1e16);

/// A regression to be fitted: the model of the residuals and how.
///
/// ```
/// use neuropil_enhancers::{phylo::{Covariance, Gaussian}, tree::Tree};
///
/// let tree = Tree::parse("(((a:1,b:1):1,c:2):1,(d:1,e:1):2);")?;
/// let x = [1.0, 0.2, 1.0, 0.4, 1.0, 0.1, 1.0, 0.9, 1.0, 0.8]; // rows (1, x), one per tip
/// let fit = Gaussian::new(Covariance::Brownian).fit(&tree, &x, &[1.0, 1.3, 0.8, 2.1, 2.0])?;
/// assert!(fit.coefficients[1] > 0.0 && fit.p[1] < 0.05);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussian {
    /// Covariance of the residuals.
    pub covariance: Covariance,
    /// Restricted maximum likelihood.
    pub reml: bool,
    /// Whether tips carry an error variance of their own, to be estimated.
    pub measurement_error: bool,
    /// Value at which the covariance parameter is held.
    pub fixed: Option<f64>,
}

/// Bound that an estimate lies at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// The smallest allowed value.
    Lower,
    /// The largest allowed value.
    Upper,
}

/// A fitted regression. All vectors are in the order of the columns of the design.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LinearFit {
    /// Model of the residuals.
    pub covariance: Covariance,
    /// Estimates.
    pub coefficients: Vec<f64>,
    /// Standard errors.
    pub se: Vec<f64>,
    /// Estimates over their standard errors.
    pub t: Vec<f64>,
    /// Two-sided p-values, n − d degrees of freedom.
    pub p: Vec<f64>,
    /// Covariance of the estimates, row-major.
    pub vcov: Vec<f64>,
    /// Rate of evolution σ².
    pub sigma2: f64,
    /// Variance of the error at the tips.
    pub sigma2_error: f64,
    /// Covariance parameter: λ, κ, δ, rate or α.
    pub parameter: Option<f64>,
    /// Bound that the parameter lies at.
    pub at_bound: Option<Bound>,
    /// Log-likelihood (restricted, when so asked).
    pub log_lik: f64,
    /// Akaike's criterion.
    pub aic: f64,
    /// Fraction of the variation explained, at this covariance.
    pub r2: f64,
    /// The same, adjusted for the number of coefficients.
    pub adj_r2: f64,
    /// Number of species.
    pub n: usize,
    /// Mean distance of tips from the root.
    pub mean_tip_height: f64,
}

impl LinearFit {
    /// Confidence interval of coefficient `i` at `level`, such as 0.95.
    pub fn interval(&self, i: usize, level: f64) -> (f64, f64) {
        use statrs::distribution::{ContinuousCDF, StudentsT};
        let df = (self.n - self.coefficients.len()) as f64;
        let t = StudentsT::new(0.0, 1.0, df).map_or(f64::NAN, |law| law.inverse_cdf(0.5 + level / 2.0));
        (
            self.coefficients[i] - t * self.se[i],
            self.coefficients[i] + t * self.se[i],
        )
    }

    /// Expected trait at a new row of the design, and the standard error of that expectation. Where the new species
    /// stands in the tree is not used.
    pub fn predict(&self, row: &[f64]) -> (f64, f64) {
        let d = self.coefficients.len();
        let value = row.iter().zip(&self.coefficients).map(|(x, b)| x * b).sum();
        let mut variance = 0.0;
        for i in 0..d {
            for j in 0..d {
                variance += row[i] * self.vcov[i * d + j] * row[j];
            }
        }
        (value, variance.max(0.0).sqrt())
    }

    /// What the estimates mean where a parameter or a bound asks for words.
    pub fn remarks(&self) -> Vec<String> {
        let Some(parameter) = self.parameter else {
            return Vec::new();
        };
        let mut remarks = Vec::new();
        if self.covariance.is_ou() {
            let half = std::f64::consts::LN_2 / parameter;
            remarks.push(format!(
                "alpha = {parameter:.4}: half of the resemblance of relatives is lost in {half:.4} units of branch \
                 length, {:.2} of the tree's height",
                half / self.mean_tip_height
            ));
        }
        let words = match (self.covariance, self.at_bound) {
            (_, None) => return remarks,
            (Covariance::Lambda, Some(Bound::Lower)) => {
                "lambda is at its lower bound: no phylogenetic signal in the residuals, as in an ordinary regression"
            }
            (Covariance::Lambda, Some(Bound::Upper)) => "lambda is 1: Brownian motion",
            (Covariance::Kappa, Some(Bound::Lower)) => {
                "kappa is at its lower bound: change happens at branchings, whatever the branch lengths"
            }
            (Covariance::Kappa, Some(Bound::Upper)) => "kappa is 1: Brownian motion",
            (Covariance::Delta, Some(Bound::Lower)) => {
                "delta is at its lower bound: all change happened near the root"
            }
            (Covariance::Delta, Some(Bound::Upper)) => {
                "delta is at its upper bound: change happened late, near the tips; the data would take more"
            }
            (Covariance::EarlyBurst, Some(Bound::Upper)) => "the rate of change is 0: Brownian motion",
            (Covariance::EarlyBurst, Some(Bound::Lower)) => {
                "the rate of change is at its lower bound: all change happened near the root; the data would take more"
            }
            (_, Some(Bound::Lower)) => {
                "alpha is at its lower bound: as much phylogenetic signal as Brownian motion; estimates and p-values can be used"
            }
            (_, Some(Bound::Upper)) => {
                "alpha is at its upper bound: negligible phylogenetic signal, as in an ordinary regression; estimates and p-values can be used"
            }
        };
        remarks.push(words.to_owned());
        remarks
    }
}

/// Two-sided p-value of a Student t statistic.
pub fn p_of_t(t: f64, df: f64) -> f64 {
    if t.is_nan() {
        return f64::NAN;
    }
    beta_reg(df / 2.0, 0.5, df / (df + t * t))
}

/// One evaluation of the likelihood, with all that follows from it.
struct Solved {
    coefficients: Vec<f64>,
    inverse: Vec<f64>,
    residual: f64,
    log_det: f64,
    log_det_information: f64,
}

struct Problem<'a> {
    tree: &'a Tree,
    model: Gaussian,
    z: Vec<f64>,
    d: usize,
    pass: Pass,
    transformed: Transformed,
    weighted: Vec<f64>,
}

impl Gaussian {
    /// Maximum likelihood under `covariance`, without measurement error.
    pub fn new(covariance: Covariance) -> Self {
        Self {
            covariance,
            reml: false,
            measurement_error: false,
            fixed: None,
        }
    }

    /// Fits `y` to the design `x`, shaped \[tips\]\[d\], rows in the order of the tree's tips. The first column should
    /// be 1.
    ///
    /// # Errors
    /// Rows that do not match the tree, collinear columns, a model that the tree cannot identify, tips at distance
    /// zero from one another.
    pub fn fit(&self, tree: &Tree, x: &[f64], y: &[f64]) -> Result<LinearFit, FitError> {
        let n = tree.n_tips();
        let mut d = check_design(n, x, y)?;
        if self.measurement_error && self.covariance == Covariance::Lambda {
            return Err(FitError::Input(
                "lambda and a measurement error say the same and cannot both be estimated".into(),
            ));
        }
        let trend = self.covariance == Covariance::Trend;
        if trend && tree.is_ultrametric() {
            return Err(FitError::Input(
                "a trend cannot be seen on a tree whose tips are all equally far from the root".into(),
            ));
        }
        let mut z = Vec::new();
        for (tip, row) in x.chunks(d).enumerate() {
            z.extend_from_slice(row);
            if trend {
                z.push(tree.depths()[tree.tips()[tip]]);
            }
            z.push(y[tip]);
        }
        d += usize::from(trend);
        if n <= d {
            return Err(FitError::TooFew {
                species: n,
                coefficients: d,
            });
        }
        let mut problem = Problem {
            tree,
            model: *self,
            z,
            d,
            pass: Pass::default(),
            transformed: Transformed::default(),
            weighted: Vec::new(),
        };
        let (parameter, error) = problem.search()?;
        problem.report(parameter, error)
    }
}

impl Problem<'_> {
    /// Covariance parameter (0 where there is none) and ratio of error variance to rate that maximise the likelihood.
    fn search(&mut self) -> Result<(f64, f64), FitError> {
        // What a fault is, is told by one evaluation in the middle of the range.
        let range = self.model.covariance.range(self.tree);
        let to_parameter = |u: f64| range.map_or(0.0, |range| if range.log { u.exp() } else { u });
        let (low, high) = range.map_or((0.0, 0.0), |range| {
            if range.log {
                (range.low.ln(), range.high.ln())
            } else {
                (range.low, range.high)
            }
        });
        let free = range.is_some() && self.model.fixed.is_none();
        let held = self.model.fixed.unwrap_or(0.0);
        self.solve(
            if free {
                to_parameter(0.5 * (low + high))
            } else {
                held
            },
            f64::from(u8::from(self.model.measurement_error)),
        )?;
        let (least, most) = (ERROR_RATIO.0.ln(), ERROR_RATIO.1.ln());
        let found = match (free, self.model.measurement_error) {
            (false, false) => (held, 0.0),
            (true, false) => {
                let (u, _) = bounded(low, high, GRID, |u| self.objective(to_parameter(u), 0.0));
                (to_parameter(u), 0.0)
            }
            (false, true) => {
                let (u, _) = bounded(least, most, 2 * GRID, |u| self.objective(held, u.exp()));
                (held, u.exp())
            }
            (true, true) => {
                let inside = |u: &[f64]| (u[0].clamp(low, high), u[1].clamp(least, most));
                let mut best: Option<(Vec<f64>, f64)> = None;
                for (a, b) in [(0.5, 0.0), (0.9, 0.0), (0.75, -4.0), (0.25, 2.0), (0.97, -12.0)] {
                    let start = [low + a * (high - low), b];
                    let found = simplex(&start, &[0.1 * (high - low), 1.0], |u| {
                        let (a, b) = inside(u);
                        let outside = (u[0] - a).abs() + (u[1] - b).abs();
                        self.objective(to_parameter(a), b.exp()) + outside
                    });
                    if best.as_ref().is_none_or(|best| found.1 < best.1) {
                        best = Some(found);
                    }
                }
                let (u, v) = inside(&best.ok_or(FitError::NotFinite)?.0);
                (to_parameter(u), v.exp())
            }
        };
        Ok(found)
    }

    /// −2 log-likelihood up to a constant, infinite where it cannot be computed.
    fn objective(&mut self, parameter: f64, error: f64) -> f64 {
        let n = self.tree.n_tips();
        let d = self.d;
        let Ok(solved) = self.solve(parameter, error) else {
            return f64::INFINITY;
        };
        let value = if self.model.reml {
            (n - d) as f64 * (solved.residual / (n - d) as f64).ln()
                + solved.log_det
                + solved.log_det_information
        } else {
            n as f64 * (solved.residual / n as f64).ln() + solved.log_det
        };
        if value.is_nan() { f64::INFINITY } else { value }
    }

    fn solve(&mut self, parameter: f64, error: f64) -> Result<Solved, FitError> {
        let (d, m) = (self.d, self.d + 1);
        self.transformed
            .set(self.model.covariance, self.tree, parameter, error);
        self.weighted.clear();
        for (row, weight) in self.z.chunks(m).zip(&self.transformed.weights) {
            self.weighted.extend(row.iter().map(|value| value / weight));
        }
        self.pass
            .run(self.tree, &self.transformed.lengths, &self.weighted, m)?;
        let log_det = self.pass.log_det + 2.0 * self.transformed.weights.iter().map(|w| w.ln()).sum::<f64>();
        let information: Vec<f64> = (0..d * d)
            .map(|k| self.pass.products[k / d * m + k % d])
            .collect();
        let factor = cholesky(&information, d).ok_or(FitError::Collinear(self.tree.n_tips()))?;
        let right: Vec<f64> = (0..d).map(|i| self.pass.products[i * m + d]).collect();
        let mut coefficients = solve(&factor, d, &right);
        // The residual from the residuals, not from differences of large products; what they still have of the design
        // refines the estimate.
        let mut residuals = self.weighted.clone();
        for row in residuals.chunks_mut(m) {
            row[d] -= row[..d]
                .iter()
                .zip(&coefficients)
                .map(|(x, b)| x * b)
                .sum::<f64>();
        }
        self.pass
            .run(self.tree, &self.transformed.lengths, &residuals, m)?;
        let left: Vec<f64> = (0..d).map(|i| self.pass.products[i * m + d]).collect();
        let correction = solve(&factor, d, &left);
        coefficients
            .iter_mut()
            .zip(&correction)
            .for_each(|(b, c)| *b += c);
        let gained: f64 = left.iter().zip(&correction).map(|(l, c)| l * c).sum();
        Ok(Solved {
            coefficients,
            inverse: inverse(&factor, d),
            residual: self.pass.products[d * m + d] - gained,
            log_det,
            log_det_information: small::log_det(&factor, d),
        })
    }

    /// Residual sum of squares of the intercept alone at the covariance set last.
    fn null_residual(&mut self) -> Result<f64, FitError> {
        let m = self.d + 1;
        let mut two = Vec::with_capacity(2 * self.tree.n_tips());
        for row in self.weighted.chunks(m) {
            two.extend([row[0], row[m - 1]]);
        }
        self.pass.run(self.tree, &self.transformed.lengths, &two, 2)?;
        let q = &self.pass.products;
        Ok(q[3] - q[1] * q[1] / q[0])
    }

    fn report(&mut self, parameter: f64, error: f64) -> Result<LinearFit, FitError> {
        let (n, d) = (self.tree.n_tips(), self.d);
        let solved = self.solve(parameter, error)?;
        let null = self.null_residual()?;
        let (nf, df) = (n as f64, (n - d) as f64);
        let scale = solved.residual / if self.model.reml { df } else { nf };
        let two_pi = 2.0 * std::f64::consts::PI;
        let minus_two = if self.model.reml {
            df * (two_pi.ln() + 1.0 + scale.ln()) + solved.log_det + solved.log_det_information
        } else {
            nf * (two_pi.ln() + 1.0 + scale.ln()) + solved.log_det
        };
        let range = self.model.covariance.range(self.tree);
        let n_parameters = d + 1 + usize::from(range.is_some()) + usize::from(self.model.measurement_error);
        let vcov: Vec<f64> = solved.inverse.iter().map(|v| v * solved.residual / df).collect();
        let se: Vec<f64> = (0..d).map(|i| vcov[i * d + i].sqrt()).collect();
        let t: Vec<f64> = solved
            .coefficients
            .iter()
            .zip(&se)
            .map(|(b, se)| b / se)
            .collect();
        let unit = if self.model.covariance.is_ou() {
            2.0 * parameter
        } else {
            1.0
        };
        let at_bound = range.filter(|_| self.model.fixed.is_none()).and_then(|range| {
            let near = |bound: f64| {
                let difference = if range.log {
                    (parameter / bound).ln().abs()
                } else {
                    (parameter - bound).abs() / (range.high - range.low)
                };
                difference < 1e-4
            };
            if near(range.low) {
                Some(Bound::Lower)
            } else if near(range.high) {
                Some(Bound::Upper)
            } else {
                None
            }
        });
        Ok(LinearFit {
            covariance: self.model.covariance,
            p: t.iter().map(|&t| p_of_t(t, df)).collect(),
            coefficients: solved.coefficients,
            se,
            t,
            vcov,
            sigma2: unit * scale,
            sigma2_error: error * scale,
            parameter: range.map(|_| parameter),
            at_bound,
            log_lik: -0.5 * minus_two,
            aic: 2.0 * n_parameters as f64 + minus_two,
            r2: (null - solved.residual) / null,
            adj_r2: 1.0 - (solved.residual / df) / (null / (nf - 1.0)),
            n,
            mean_tip_height: self.tree.mean_height(),
        })
    }
}
