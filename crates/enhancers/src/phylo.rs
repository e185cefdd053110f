//! Phylogenetic regression in time linear in the number of species.
//!
//! Ho & Ané 2014 (Syst. Biol. 63, 397) for covariances with three-point structure; Ives & Garland 2010
//! (Syst. Biol. 59, 9) for binary traits.

pub mod bootstrap;
pub mod contrasts;
pub mod gaussian;
pub mod logistic;
pub mod poisson;
pub mod simulate;

mod covariance;
mod lanes;
mod search;
mod small;
mod three_point;

pub use covariance::Covariance;
pub use gaussian::{Gaussian, LinearFit};
pub use logistic::{Logistic, LogisticFit, Method};

use crate::error::InputError;

/// Why a regression cannot be done.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The tree and the data do not fit together, or the model does not fit the tree.
    #[error("{0}")]
    Input(String),
    /// Two tips at distance zero from one another: their covariance is singular.
    #[error(
        "`{0}` and `{1}` are at distance zero from one another, so their covariance is singular\n  hint: keep one of \
         them, or give their branches a length above 0 in the tree"
    )]
    TwinTips(String, String),
    /// A tip at distance zero from the root, or from an ancestor that is itself at distance zero from its parent.
    #[error(
        "`{0}` hangs on a branch of length zero below another of length zero, so the covariance is singular\n  hint: \
         give its branch a length above 0 in the tree"
    )]
    NoVariance(String),
    /// Predictors that are constant or combinations of one another.
    #[error("the predictors are constant or combinations of one another over these {0} species")]
    Collinear(usize),
    /// A response without variation.
    #[error("the response is {0} in all {1} species")]
    ConstantResponse(f64, usize),
    /// Not enough species for the number of coefficients.
    #[error("{species} species for {coefficients} coefficients, expected at least {}", coefficients + 1)]
    TooFew {
        /// Species with data.
        species: usize,
        /// Coefficients, intercept included.
        coefficients: usize,
    },
    /// A search that found no finite value.
    #[error("the likelihood is not finite anywhere the search looked")]
    NotFinite,
}

impl From<FitError> for InputError {
    fn from(error: FitError) -> Self {
        let text = error.to_string();
        match text.split_once("\n  hint: ") {
            Some((message, hint)) => InputError::new(message).hint(hint),
            None => InputError::new(text),
        }
    }
}

/// Checks that a design has one row per tip and finite entries.
fn check_design(n: usize, x: &[f64], y: &[f64]) -> Result<usize, FitError> {
    if y.len() != n || x.is_empty() || !x.len().is_multiple_of(n) {
        return Err(FitError::Input(format!(
            "{} responses and {} predictor values for a tree of {n} tips",
            y.len(),
            x.len()
        )));
    }
    if let Some(bad) = x.iter().chain(y).find(|value| !value.is_finite()) {
        return Err(FitError::Input(format!(
            "a value is {bad}, expected finite numbers"
        )));
    }
    let d = x.len() / n;
    if n <= d {
        return Err(FitError::TooFew {
            species: n,
            coefficients: d,
        });
    }
    Ok(d)
}
