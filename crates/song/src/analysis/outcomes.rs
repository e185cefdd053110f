//! How trials end: which answers, right or wrong, broken off, sat out; how long they last and what they earn.

use serde::{Deserialize, Serialize};

use super::{AnalysisError, proportion::Proportion};
use crate::behaviour::Behaviour;

/// Bins of a histogram.
const N_BINS: usize = 20;

/// Ends of trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcomes {
    /// Trials.
    pub n_trials: usize,
    /// Kinds of ends that occur, each with its share.
    pub kinds: Vec<(String, Proportion)>,
    /// Durations of trials, ms.
    pub duration_ms: Histogram,
    /// Rewards of trials.
    pub reward: Histogram,
}

/// Shares of equal bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Mean.
    pub mean: f64,
    /// Edges of the bins, one more than shares.
    pub edges: Vec<f64>,
    /// Share of the trials in each bin.
    pub shares: Vec<f64>,
}

/// Counts how the trials ended.
///
/// # Errors
/// There are none.
pub fn outcomes(behaviour: &Behaviour) -> Result<Outcomes, AnalysisError> {
    let n = behaviour.n_trials();
    if n == 0 {
        return Err(behaviour.none_of_the_trials("is there"));
    }
    let kind = |trial: usize| match (
        behaviour.action[trial],
        behaviour.chosen[trial],
        behaviour.correct[trial],
    ) {
        (None, ..) if !behaviour.is_answerable(trial) => "rightly withheld".to_owned(),
        (None, ..) => "sat out".to_owned(),
        (Some(_), false, _) => "broken off".to_owned(),
        (Some(_), true, Some(true)) => "right".to_owned(),
        (Some(_), true, Some(false)) if !behaviour.is_answerable(trial) => "false alarm".to_owned(),
        (Some(_), true, Some(false)) => "wrong".to_owned(),
        (Some(action), true, None) => behaviour.actions[action].clone(),
    };
    let kinds: Vec<String> = (0..n).map(kind).collect();
    let mut names: Vec<&String> = kinds.iter().collect();
    names.sort();
    names.dedup();
    let trials: Vec<usize> = (0..n).collect();
    let shares = names.into_iter().filter_map(|name| {
        let share = Proportion::among(&trials, |trial| kinds[trial] == *name)?;
        Some((name.clone(), share))
    });
    let durations: Vec<f64> = behaviour
        .n_steps
        .iter()
        .map(|&n| n as f64 * behaviour.dt_ms)
        .collect();
    let mut kinds: Vec<(String, Proportion)> = shares.collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.1.count));
    Ok(Outcomes {
        n_trials: n,
        kinds,
        duration_ms: Histogram::of(&durations, behaviour.dt_ms),
        reward: Histogram::of(&behaviour.reward, 0.0),
    })
}

impl Histogram {
    /// Bins of whole multiples of `grain`, or of any width where that is 0.
    fn of(values: &[f64], grain: f64) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut width = (high - low).max(1e-9) / N_BINS as f64;
        if grain > 0.0 {
            width = (width / grain).ceil().max(1.0) * grain;
        }
        // The largest value lies within the last bin.
        let n = ((high - low) / width).floor() as usize + 1;
        let mut shares = vec![0.0; n];
        for value in values {
            let bin = (((value - low) / width).floor() as usize).min(n - 1);
            shares[bin] += 1.0 / values.len() as f64;
        }
        Self {
            mean: values.iter().sum::<f64>() / values.len() as f64,
            edges: (0..=n).map(|i| low + i as f64 * width).collect(),
            shares,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn every_trial_ends_in_one_way() {
        let found = outcomes(&synthetic::rdm(1000, 1)).unwrap();
        let counted: usize = found.kinds.iter().map(|(_, share)| share.count).sum();
        assert_eq!(counted, 1000);
        let names: Vec<&str> = found.kinds.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["right", "wrong", "sat out"]);
        let names =
            |found: &Outcomes| -> Vec<String> { found.kinds.iter().map(|(name, _)| name.clone()).collect() };
        let detected = outcomes(&synthetic::detector(20_000, 1)).unwrap();
        assert_eq!(
            names(&detected),
            ["rightly withheld", "right", "sat out", "false alarm"]
        );
        for histogram in [&found.duration_ms, &found.reward] {
            assert!((histogram.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            assert_eq!(histogram.edges.len(), histogram.shares.len() + 1);
        }
    }
}
