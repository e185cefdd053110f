//! When choices were made, by anything that varies: histograms, means, and how the spread grows with the mean.
//!
//! Gibbon, Psychol. Rev. 84, 279 (1977): the standard deviation of timed responses is proportional to their mean.

use neuropil_math::stats::summary::Summary;
use serde::{Deserialize, Serialize};

use super::AnalysisError;
use super::course::TRIAL;
use super::error::listed;
use super::levels::{Level, Sorted, eta_squared, sorted};
use crate::behaviour::Behaviour;

/// Most bins of a histogram.
pub const N_BINS: usize = 20;

/// Times of choices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResponseTimes {
    /// Event that times count from: the last epoch that has always begun before the choice, or the trial.
    pub since: String,
    /// What the trials are sorted by; empty if by nothing.
    pub by: String,
    /// Its values are numbers.
    pub is_numeric: bool,
    /// Edges of the histograms, ms.
    pub edges_ms: Vec<f64>,
    /// One entry a level.
    pub levels: Vec<TimesOfLevel>,
}

/// Times of choices at one level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimesOfLevel {
    /// The level.
    pub level: Level,
    /// Mean and spread, ms.
    pub summary: Summary,
    /// Standard deviation over mean; none with fewer than two choices.
    pub variation: Option<f64>,
    /// Share of the level's choices in each bin.
    pub shares: Vec<f64>,
}

/// Sorts the times of choices by `by`, or by the quantity that explains most of their variance. They count from the onset of the
/// epoch `since`, or from the last one that has always begun before the choice.
///
/// # Errors
/// No trial ended in a choice, or nothing has the name `by` or `since`.
pub fn response_times(
    behaviour: &Behaviour,
    by: Option<&str>,
    since: Option<&str>,
) -> Result<ResponseTimes, AnalysisError> {
    let chosen = behaviour.trials_where(|trial| behaviour.chosen[trial]);
    if chosen.is_empty() {
        return Err(behaviour.none_of_the_trials("ended in a choice"));
    }
    let (since, began) = match since {
        None => reference(behaviour, &chosen),
        Some(TRIAL) => ("the trial".to_owned(), None),
        Some(epoch) => {
            let onset = behaviour
                .onset_ms
                .get(epoch)
                .ok_or_else(|| AnalysisError::NoSuch {
                    what: "epoch",
                    asked: epoch.to_owned(),
                    known: listed(behaviour.onset_ms.keys().map(String::as_str)),
                })?;
            (epoch.to_owned(), Some(onset))
        }
    };
    let times: Vec<f64> = (0..behaviour.n_trials())
        .map(|trial| behaviour.choice_ms[trial] - began.map_or(0.0, |onset| onset[trial]))
        .collect();
    let all = match sorted(behaviour, by, |trial| behaviour.chosen[trial]) {
        Err(AnalysisError::NothingVaries) => Vec::new(),
        other => other?,
    };
    let explained = |sorted: &Sorted| {
        let levels: Vec<Vec<usize>> = sorted.levels.iter().map(|level| level.trials.clone()).collect();
        eta_squared(&levels, &times)
    };
    let best = all.into_iter().reduce(|best, next| {
        if explained(&next) > explained(&best) {
            next
        } else {
            best
        }
    });
    let best = best.unwrap_or_else(|| Sorted {
        by: String::new(),
        is_numeric: false,
        levels: vec![Level {
            name: "all trials".to_owned(),
            value: 0.0,
            trials: chosen.clone(),
        }],
    });
    let edges_ms = edges(chosen.iter().map(|&trial| times[trial]), behaviour.dt_ms);
    Ok(ResponseTimes {
        since,
        levels: best
            .levels
            .iter()
            .map(|level| of_level(level, &times, &edges_ms))
            .collect(),
        by: best.by,
        is_numeric: best.is_numeric,
        edges_ms,
    })
}

/// The last epoch that has begun before every choice, by mean onset.
pub(super) fn reference<'a>(behaviour: &'a Behaviour, chosen: &[usize]) -> (String, Option<&'a Vec<f64>>) {
    let before = |onset: &Vec<f64>| {
        chosen
            .iter()
            .all(|&trial| onset[trial] <= behaviour.choice_ms[trial])
    };
    let mean = |onset: &Vec<f64>| chosen.iter().map(|&trial| onset[trial]).sum::<f64>();
    let epochs = behaviour.onset_ms.iter().filter(|(_, onset)| before(onset));
    let last = epochs.max_by(|a, b| mean(a.1).total_cmp(&mean(b.1)));
    match last {
        Some((name, onset)) => (name.clone(), Some(onset)),
        None => ("the trial".to_owned(), None),
    }
}

/// Equal bins of whole steps over all times.
fn edges(times: impl Iterator<Item = f64> + Clone, dt_ms: f64) -> Vec<f64> {
    let low = times.clone().fold(f64::INFINITY, f64::min);
    let high = times.fold(f64::NEG_INFINITY, f64::max) + dt_ms;
    let width = (((high - low) / N_BINS as f64 / dt_ms).ceil() * dt_ms).max(dt_ms);
    let n = ((high - low) / width).ceil().max(1.0) as usize;
    (0..=n).map(|i| low + i as f64 * width).collect()
}

fn of_level(level: &Level, times: &[f64], edges_ms: &[f64]) -> TimesOfLevel {
    let of_level: Vec<f64> = level.trials.iter().map(|&trial| times[trial]).collect();
    let summary = Summary::of(&of_level);
    let mut shares = vec![0.0; edges_ms.len() - 1];
    for time in &of_level {
        let bin = edges_ms
            .partition_point(|edge| edge <= time)
            .clamp(1, shares.len())
            - 1;
        shares[bin] += 1.0 / of_level.len() as f64;
    }
    TimesOfLevel {
        variation: summary
            .mean
            .zip(summary.sd)
            .filter(|(mean, _)| *mean > 0.0)
            .map(|(mean, sd)| sd / mean),
        level: level.clone(),
        summary,
        shares,
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn choices_come_faster_with_coherence() {
        let found = response_times(&synthetic::rdm_rt(4000, 1), None, None).unwrap();
        assert_eq!(
            (found.since.as_str(), found.by.as_str()),
            ("stimulus", "coherence")
        );
        let means: Vec<f64> = found.levels.iter().map(|l| l.summary.mean.unwrap()).collect();
        assert!(means.windows(2).all(|pair| pair[0] > pair[1]), "{means:?}");
        for level in &found.levels {
            assert!((level.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
        assert!((N_BINS / 2..=N_BINS).contains(&(found.edges_ms.len() - 1)));
    }

    #[test]
    fn timed_responses_spread_in_proportion_to_their_mean() {
        let found = response_times(&synthetic::interval(6000, 1), None, None).unwrap();
        assert_eq!(found.by, "interval");
        let variation: Vec<f64> = found.levels.iter().map(|l| l.variation.unwrap()).collect();
        assert!(
            variation.iter().all(|v| (v - synthetic::WEBER).abs() < 0.01),
            "{variation:?}"
        );
    }
}
