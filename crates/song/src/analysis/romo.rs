//! Parametric working memory: performance by pair of frequencies.
//!
//! Song, Yang & Wang 2017, figure 2; the task of Romo et al., Nature 399, 470 (1999).

use super::{AnalysisError, proportion::Proportion};
use crate::behaviour::Behaviour;
use serde::{Deserialize, Serialize};

/// Fraction correct by pair and order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairPerformance {
    /// One entry for each pair in each order, by rising f1.
    pub pairs: Vec<Pair>,
}

/// One pair in one order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// First frequency, Hz.
    pub f1: f64,
    /// Second frequency, Hz.
    pub f2: f64,
    /// Correct among the decided trials.
    pub correct: Proportion,
}

/// Fraction correct of each pair of frequencies.
///
/// # Errors
/// No `order`, `high` or `low`, or no decisions.
pub fn pair_performance(behaviour: &Behaviour) -> Result<PairPerformance, AnalysisError> {
    let (order, high, low) = (
        behaviour.label("order")?,
        behaviour.number("high")?,
        behaviour.number("low")?,
    );
    let shown = |trial: usize| {
        if order[trial] == "greater" {
            (high[trial], low[trial])
        } else {
            (low[trial], high[trial])
        }
    };
    let decided = behaviour.trials_where(|trial| behaviour.correct[trial].is_some());
    if decided.is_empty() {
        return Err(behaviour.none_of_the_trials("ended in a decision"));
    }
    let mut kinds: Vec<(f64, f64)> = decided.iter().map(|&trial| shown(trial)).collect();
    kinds.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    kinds.dedup();
    let pair = |&(f1, f2): &(f64, f64)| {
        let trials: Vec<usize> = decided
            .iter()
            .copied()
            .filter(|&trial| shown(trial) == (f1, f2))
            .collect();
        let correct = Proportion::among(&trials, |trial| behaviour.correct[trial] == Some(true))?;
        Some(Pair { f1, f2, correct })
    };
    Ok(PairPerformance {
        pairs: kinds.iter().filter_map(pair).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn every_pair_is_judged_in_both_orders() {
        let found = pair_performance(&synthetic::romo(20_000, 1)).unwrap();
        assert_eq!(found.pairs.len(), 10);
        let easy = found
            .pairs
            .iter()
            .find(|pair| (pair.f1, pair.f2) == (18.0, 10.0))
            .unwrap();
        let hard = found
            .pairs
            .iter()
            .find(|pair| (pair.f1, pair.f2) == (34.0, 26.0))
            .unwrap();
        assert!((easy.correct.value - 0.99).abs() < 0.01 && (hard.correct.value - 0.97).abs() < 0.015);
    }
}
