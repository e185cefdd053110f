//! Association of predicted activity with a trait along the species tree.
//!
//! For every region: trait = intercept + slope · activity, on the tree of the species that have both. Brownian
//! regression for continuous traits, penalised logistic regression for traits of two classes; then traits that
//! evolved along the tree give the null distribution of the slope.

mod binary;
mod brownian;
mod continuous;
mod permuted;
pub mod rounds;
mod study;
mod tally;

pub use binary::{foreground_nodes, foregrounds};
pub use rounds::{Plan, Progress, Rounds};
pub use study::{Filters, Study};
pub use tally::Tally;

use crate::phylo::gaussian::Bound;
use neuropil_math::stats::adjust::{Adjustment, adjust};

/// Result of one region.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Association {
    /// Name of the region.
    pub region: String,
    /// Species with a prediction and the trait.
    pub n_species: usize,
    /// Those of them in class 1, of a trait of two classes.
    pub n_foreground: Option<usize>,
    /// Estimates, where the region was tested.
    pub fit: Option<Fit>,
    /// Permulations, where there were any.
    pub permuted: Option<Permuted>,
    /// Adjusted p-value: of the permulations where there are any, else of the regression.
    pub q: Option<f64>,
    /// Why there is no result.
    pub reason: Option<String>,
}

/// Estimates of one region.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Fit {
    /// Slope of the prediction.
    pub coef: f64,
    /// Its standard error.
    pub se: f64,
    /// Slope over standard error: t, or z of a trait of two classes.
    pub stat: f64,
    /// Two-sided p-value of the regression.
    pub p: f64,
    /// Intercept.
    pub intercept: f64,
    /// Rate α, of a trait of two classes.
    pub alpha: Option<f64>,
    /// Log-likelihood.
    pub log_lik: f64,
    /// Penalised log-likelihood, of a trait of two classes.
    pub pen_log_lik: Option<f64>,
    /// Whether the search converged.
    pub converged: bool,
    /// Whether α lies at a bound: −1 lower, 1 upper, 0 neither.
    pub at_bound: i8,
    /// Whether a threshold of the prediction separates the classes.
    pub separated: bool,
    /// Whether the slope ended on the cusp at zero.
    pub cusp: bool,
}

impl Fit {
    pub(crate) fn bound_code(bound: Option<Bound>) -> i8 {
        match bound {
            Some(Bound::Lower) => -1,
            Some(Bound::Upper) => 1,
            None => 0,
        }
    }
}

/// Permulations of one region.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Permuted {
    /// Permulations that count: of the sign of the observed slope (conditional), or all.
    pub n: u64,
    /// Those at least as extreme as the observed one.
    pub n_exceed: u64,
    /// Permulations drawn.
    pub n_drawn: u64,
    /// Permulations whose fit failed.
    pub n_failed: u64,
    /// (1 + exceeding) / (1 + counting).
    pub p: f64,
    /// Monte-Carlo standard error of p.
    pub mc_se: f64,
    /// Whether no permulation exceeded: p is 1/(n + 1) and only more permulations could tell how much smaller it is.
    pub at_floor: bool,
}

impl Permuted {
    pub(crate) fn new(n: u64, n_exceed: u64, n_drawn: u64, n_failed: u64) -> Self {
        let p = (1 + n_exceed) as f64 / (1 + n) as f64;
        Self {
            n,
            n_exceed,
            n_drawn,
            n_failed,
            p,
            mc_se: (p * (1.0 - p) / n.max(1) as f64).sqrt(),
            at_floor: n_exceed == 0,
        }
    }
}

/// Names of the columns of `associations.tsv`.
pub const COLUMNS: [&str; 24] = [
    "region",
    "n_species",
    "n_foreground",
    "coef",
    "se",
    "stat",
    "p",
    "intercept",
    "alpha",
    "logLik",
    "penlogLik",
    "converged",
    "at_bound",
    "separated",
    "cusp",
    "n_perm",
    "n_exceed",
    "n_drawn",
    "n_failed",
    "p_perm",
    "mc_se",
    "at_floor",
    "q",
    "reason",
];

/// Results as a tab-separated table, sorted by q, then p, then name; what is not known is `NA`.
pub fn to_tsv(results: &[Association]) -> String {
    let mut order: Vec<&Association> = results.iter().collect();
    let key = |a: &Association| {
        (
            a.q.unwrap_or(f64::INFINITY),
            a.fit.map_or(f64::INFINITY, |fit| fit.p),
        )
    };
    order.sort_by(|a, b| {
        let (x, y) = (key(a), key(b));
        x.0.total_cmp(&y.0)
            .then(x.1.total_cmp(&y.1))
            .then(a.region.cmp(&b.region))
    });
    let mut text = COLUMNS.join("\t");
    text.push('\n');
    for result in order {
        text.push_str(&result.fields().join("\t"));
        text.push('\n');
    }
    text
}

impl Association {
    /// Fields in the order of [`COLUMNS`].
    pub fn fields(&self) -> Vec<String> {
        fn or_na<T: ToString>(value: Option<T>) -> String {
            value.map_or_else(|| "NA".to_owned(), |value| value.to_string())
        }
        let number = |value: Option<f64>| or_na(value.filter(|value| value.is_finite()));
        let flag = |value: Option<bool>| or_na(value.map(u8::from));
        let (fit, permuted) = (self.fit, self.permuted);
        vec![
            self.region.clone(),
            self.n_species.to_string(),
            or_na(self.n_foreground),
            number(fit.map(|fit| fit.coef)),
            number(fit.map(|fit| fit.se)),
            number(fit.map(|fit| fit.stat)),
            number(fit.map(|fit| fit.p)),
            number(fit.map(|fit| fit.intercept)),
            number(fit.and_then(|fit| fit.alpha)),
            number(fit.map(|fit| fit.log_lik)),
            number(fit.and_then(|fit| fit.pen_log_lik)),
            flag(fit.map(|fit| fit.converged)),
            or_na(fit.map(|fit| fit.at_bound)),
            flag(fit.map(|fit| fit.separated)),
            flag(fit.map(|fit| fit.cusp)),
            or_na(permuted.map(|p| p.n)),
            or_na(permuted.map(|p| p.n_exceed)),
            or_na(permuted.map(|p| p.n_drawn)),
            or_na(permuted.map(|p| p.n_failed)),
            number(permuted.map(|p| p.p)),
            number(permuted.map(|p| p.mc_se)),
            flag(permuted.map(|p| p.at_floor)),
            number(self.q),
            self.reason.clone().unwrap_or_default(),
        ]
    }
}

/// A results table of the original scripts.
#[derive(Clone, Debug, PartialEq)]
pub struct Released {
    /// Names of the regions.
    pub regions: Vec<String>,
    /// Empirical p-values, else those of the regression; missing ones NaN.
    pub p: Vec<f64>,
    /// Slopes of the prediction, where there are any.
    pub coef: Vec<f64>,
    /// Benjamini–Hochberg over the p-values that are there.
    pub q: Vec<f64>,
    /// What is worth knowing about the p-values.
    pub notes: Vec<String>,
}

/// Takes a results table of the original scripts: columns `OCR` or `Enhancer`, `Exp_Pvalue` or `Pvalue`, `Coeff`.
///
/// # Errors
/// Columns that are missing, p-values outside \[0, 1\].
pub fn released(table: &crate::table::Table) -> Result<Released, crate::error::InputError> {
    let first = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| table.header.iter().position(|column| column == name))
    };
    let region = first(&["OCR", "Enhancer", "region", "ocr"]).map_or_else(|| table.column("OCR"), Ok)?;
    let column = first(&["Exp_Pvalue", "p_perm", "Pvalue", "perm_p", "p"])
        .map_or_else(|| table.column("Exp_Pvalue"), Ok)?;
    let numbers = |column: usize| -> Result<Vec<f64>, crate::error::InputError> {
        Ok(table
            .numbers(column)?
            .0
            .into_iter()
            .map(|value| value.unwrap_or(f64::NAN))
            .collect())
    };
    let p = numbers(column)?;
    let regions: Vec<String> = table.rows.iter().map(|row| row[region].clone()).collect();
    if let Some(i) = p.iter().position(|p| !p.is_nan() && !(0.0..=1.0).contains(p)) {
        return Err(crate::error::InputError::new(format!("{} is no p-value", p[i]))
            .at_line(table.lines[i])
            .in_field(&table.header[column]));
    }
    let coef = match first(&["Coeff", "coef"]) {
        Some(column) => numbers(column)?,
        None => vec![f64::NAN; p.len()],
    };
    let mut notes = Vec::new();
    let missing = p.iter().filter(|p| p.is_nan()).count();
    if missing > 0 {
        notes.push(format!(
            "{missing} regions have no p-value and do not count among the tests"
        ));
    }
    let empirical = table.header[column] != "Pvalue" && table.header[column] != "p";
    if empirical {
        notes.extend(p.iter().zip(&regions).filter(|(p, _)| **p == 0.0).map(|(_, region)| {
            format!("`{region}` has p = 0: a p-value of permulations cannot be 0, its smallest is 1/(number of permulations + 1)")
        }));
        for exponent in 3..=6 {
            let n = 10_f64.powi(exponent);
            for floor in [1.0 / n, 1.0 / (n + 1.0)] {
                let at_floor = p.iter().filter(|p| (**p / floor - 1.0).abs() < 1e-6).count();
                // 0.001 may be anything; the inverse of 1,001 is no accident.
                if at_floor > 0 && (floor * n - 1.0).abs() > 1e-9 {
                    notes.push(format!("{at_floor} regions are at the floor of {n} permulations, p = {floor:.6}: only more permulations could tell how small p is"));
                }
            }
        }
    }
    Ok(Released {
        q: adjust(&p, Adjustment::BenjaminiHochberg),
        regions,
        p,
        coef,
        notes,
    })
}
