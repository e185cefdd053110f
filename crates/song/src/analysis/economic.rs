//! Economic choice: the choice pattern and the indifference point.
//!
//! Song, Yang & Wang 2017, figure 4; the task of Padoa-Schioppa & Assad, Nature 441, 223 (2006).

use super::{AnalysisError, axis::Axis, proportion::Proportion};
use crate::behaviour::Behaviour;
use neuropil_math::stats::fit::{CumulativeGaussian, least_squares};
use serde::{Deserialize, Serialize};

/// Choices of juice B by offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChoicePattern {
    /// One entry for each offer, by rising share of B.
    pub offers: Vec<Offer>,
    /// Least-squares cumulative Gaussian over (n_b − n_a)/(n_b + n_a).
    pub fit: Option<CumulativeGaussian>,
    /// Drops of B that are worth one of A, (1 + μ)/(1 − μ); none without a fit.
    pub indifference_point: Option<f64>,
}

/// Choices at one offer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// Drops of juice B.
    pub n_b: f64,
    /// Drops of juice A.
    pub n_a: f64,
    /// (n_b − n_a)/(n_b + n_a).
    pub share: f64,
    /// Choices of B among the trials with a choice.
    pub chose_b: Proportion,
}

/// The choice pattern over both juice orders, and the indifference point of its fit.
///
/// # Errors
/// No `n_a`, `n_b` or `left_juice`, or no choices.
pub fn choice_pattern(behaviour: &Behaviour) -> Result<ChoicePattern, AnalysisError> {
    let (n_a, n_b) = (behaviour.number("n_a")?, behaviour.number("n_b")?);
    let chose_b = Axis::of(behaviour)?.chose_positive;
    let decided = behaviour.trials_where(|trial| chose_b[trial].is_some());
    if decided.is_empty() {
        return Err(behaviour.none_of_the_trials("ended in a choice"));
    }
    let mut amounts: Vec<(f64, f64)> = decided.iter().map(|&trial| (n_b[trial], n_a[trial])).collect();
    let share = |(b, a): (f64, f64)| (b - a) / (b + a);
    amounts.sort_by(|&x, &y| share(x).total_cmp(&share(y)).then(x.0.total_cmp(&y.0)));
    amounts.dedup();
    let offer = |&(b, a): &(f64, f64)| {
        let trials: Vec<usize> = decided
            .iter()
            .copied()
            .filter(|&trial| (n_b[trial], n_a[trial]) == (b, a))
            .collect();
        let chose_b = Proportion::among(&trials, |trial| chose_b[trial] == Some(true))?;
        Some(Offer {
            n_b: b,
            n_a: a,
            share: share((b, a)),
            chose_b,
        })
    };
    let offers: Vec<Offer> = amounts.iter().filter_map(offer).collect();
    let (x, p): (Vec<f64>, Vec<f64>) = offers
        .iter()
        .map(|offer| (offer.share, offer.chose_b.value))
        .unzip();
    let fit = least_squares(&x, &p).ok();
    let indifference_point = fit.map(|fit| (1.0 + fit.mu) / (1.0 - fit.mu));
    Ok(ChoicePattern {
        offers,
        fit,
        indifference_point,
    })
}
