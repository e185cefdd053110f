//! Post-decision wagering: when is the sure bet taken, and what waiving it says.
//!
//! Song, Yang & Wang 2017, figure 3; the task of Kiani & Shadlen, Science 324, 759 (2009).

use super::{
    AnalysisError, CONFIDENCE,
    axis::distinct,
    proportion::{DurationPoint, Proportion},
};
use crate::behaviour::Behaviour;
use neuropil_math::rng::Key;
use neuropil_math::stats::{bins::equal_count_bins, bootstrap::bootstrap, interval::Interval, summary::mean};
use serde::{Deserialize, Serialize};

/// Bins of stimulus duration for each coherence.
pub const N_BINS: usize = 10;
const RESAMPLES: usize = 1000;

/// Behaviour with and without a sure bet on offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wager {
    /// Wager trials that ended in a choice.
    pub n_wager: usize,
    /// Fraction of them that took the sure bet, by coherence.
    pub sure: Vec<(f64, Proportion)>,
    /// One entry for each coherence above 0, ascending.
    pub coherences: Vec<ByDuration>,
    /// Fraction correct where the bet was waived minus where it was not offered, coherence above 0.
    pub waived_minus_not_offered: f64,
    /// Its 95 % bootstrap interval (1000 resamples of trials within the two groups).
    pub interval: Option<Interval>,
}

/// One coherence, against stimulus duration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ByDuration {
    /// Coherence in percent.
    pub coherence: f64,
    /// Sure bets taken, of the wager trials with a choice.
    pub sure: Vec<DurationPoint>,
    /// Correct, of the wager trials where the bet was waived.
    pub waived: Vec<DurationPoint>,
    /// Correct, of the trials without an offer.
    pub not_offered: Vec<DurationPoint>,
}

/// How often the sure bet is taken, and what waiving it says about accuracy.
///
/// # Errors
/// No `wager`, `coherence` or stimulus epoch, no action for the sure bet, or no choices.
pub fn wager(behaviour: &Behaviour, key: Key) -> Result<Wager, AnalysisError> {
    let offered = behaviour.label("wager")?;
    let (coherence, duration) = (behaviour.number("coherence")?, behaviour.duration("stimulus")?);
    let sure = behaviour.required_action("sure")?;
    let took_sure = |trial: usize| behaviour.action[trial] == Some(sure);
    let is_correct = |trial: usize| behaviour.correct[trial] == Some(true);
    let wagers = behaviour.trials_where(|trial| behaviour.chosen[trial] && offered[trial] == "yes");
    if wagers.is_empty() {
        return Err(behaviour.none_of_the_trials("was offered a sure bet and ended in a choice"));
    }
    let waived: Vec<usize> = wagers
        .iter()
        .copied()
        .filter(|&trial| !took_sure(trial))
        .collect();
    let not_offered =
        behaviour.trials_where(|trial| behaviour.correct[trial].is_some() && offered[trial] == "no");
    let at = |trials: &[usize], level: f64| -> Vec<usize> {
        trials
            .iter()
            .copied()
            .filter(|&trial| coherence[trial] == level)
            .collect()
    };
    let by_duration = |trials: &[usize], holds: &dyn Fn(usize) -> bool| -> Vec<DurationPoint> {
        let durations: Vec<f64> = trials.iter().map(|&trial| duration[trial]).collect();
        let bins = equal_count_bins(&durations, N_BINS).unwrap_or_default();
        bins.iter()
            .filter_map(|bin| {
                let members: Vec<usize> = bin.iter().map(|&i| trials[i]).collect();
                let duration_ms = mean(&bin.iter().map(|&i| durations[i]).collect::<Vec<_>>());
                Some(DurationPoint {
                    duration_ms,
                    proportion: Proportion::among(&members, holds)?,
                })
            })
            .collect()
    };
    let levels = distinct(wagers.iter().map(|&trial| coherence[trial]));
    let coherences = levels
        .iter()
        .copied()
        .filter(|&level| level > 0.0)
        .map(|level| ByDuration {
            coherence: level,
            sure: by_duration(&at(&wagers, level), &took_sure),
            waived: by_duration(&at(&waived, level), &is_correct),
            not_offered: by_duration(&at(&not_offered, level), &is_correct),
        });
    let coherences = coherences.collect();

    // The same coherences weigh the same in both groups: the difference of means over coherences.
    let groups: Vec<(Vec<usize>, Vec<usize>)> = levels
        .iter()
        .filter(|&&level| level > 0.0)
        .map(|&level| (at(&waived, level), at(&not_offered, level)))
        .filter(|(a, b)| !a.is_empty() && !b.is_empty())
        .collect();
    let difference = |pick: &dyn Fn(usize, usize) -> usize| {
        let rate = |trials: &[usize], offset: usize| {
            let hits = (0..trials.len())
                .filter(|&i| is_correct(trials[pick(offset, i)]))
                .count();
            hits as f64 / trials.len() as f64
        };
        let (mut sum, mut offset) = (0.0, 0);
        for (a, b) in &groups {
            sum += rate(a, offset) - rate(b, offset + a.len());
            offset += a.len() + b.len();
        }
        sum / groups.len().max(1) as f64
    };
    let strata: Vec<usize> = groups.iter().flat_map(|(a, b)| [a.len(), b.len()]).collect();
    let mut starts = Vec::new();
    for &stratum in &strata {
        let before = starts.len();
        starts.extend(std::iter::repeat_n(before, stratum));
    }
    let interval = (!groups.is_empty())
        .then(|| {
            bootstrap(&strata, RESAMPLES, key, |rows| {
                Some(difference(&|offset, i| rows[offset + i] - starts[offset + i]))
            })
        })
        .and_then(|bootstrap| bootstrap.interval(CONFIDENCE));
    Ok(Wager {
        n_wager: wagers.len(),
        sure: levels
            .iter()
            .filter_map(|&c| Some((c, Proportion::among(&at(&wagers, c), took_sure)?)))
            .collect(),
        coherences,
        waived_minus_not_offered: difference(&|_, i| i),
        interval,
    })
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn an_animal_that_wagers_on_confidence_is_recognised() {
        let found = wager(&synthetic::wager(40_000, 1), Key::new(1)).unwrap();
        let sure: Vec<f64> = found
            .sure
            .iter()
            .map(|(_, proportion)| proportion.value)
            .collect();
        assert!(
            sure.windows(2).all(|pair| pair[0] > pair[1] - 0.02),
            "falls with coherence: {sure:?}"
        );
        assert!(sure[0] > 0.45 && sure[5] < 0.1, "{sure:?}");
        let interval = found.interval.unwrap();
        assert!(
            interval.low > 0.0,
            "right more often when the bet was waived: {interval:?}"
        );
        assert!(
            interval.low < found.waived_minus_not_offered && found.waived_minus_not_offered < interval.high
        );
    }
}
