//! Averages over trials around an event: mean, standard error and number of trials at each moment.
//!
//! A course ends where fewer than five trials, or a tenth of them, are left: the mean of a few stragglers wanders.

use neuropil_math::stats::summary::{Summary, mean, quantile};
use serde::{Deserialize, Serialize};

use super::activity::Activity;
use super::levels::{Level, Sorted, sorted};
use super::unit_activity::{CHOICE, offsets};
use super::{AnalysisError, Focus, error::listed};
use crate::behaviour::Behaviour;

/// The event of beginning a trial.
pub const TRIAL: &str = "trial";
/// Trials without which a moment is left out.
const FEWEST: usize = 5;
/// Part of the trials without which a moment is left out.
const LEAST_SHARE: f64 = 0.1;
/// Time before the onset of an epoch that is shown, ms.
const BEFORE_MS: f64 = 200.0;
/// Time after the onset of an epoch that is shown, ms: its longest duration, within these.
const AFTER_MS: (f64, f64) = (400.0, 1500.0);
/// Time before a choice that is shown, ms.
const BEFORE_CHOICE_MS: f64 = 500.0;

/// An average over the trials of one level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// The level.
    pub level: Level,
    /// Trials of the level that have the event.
    pub n_trials: usize,
    /// Moments after the event, ms.
    pub times_ms: Vec<f64>,
    /// Mean over the trials that were running.
    pub mean: Vec<f64>,
    /// Its standard error.
    pub sem: Vec<f64>,
    /// Trials that were running.
    pub n: Vec<usize>,
}

/// Something that happens once in a trial.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// An epoch, `choice` or `trial`.
    pub(crate) name: String,
    /// When, from the beginning of each trial, ms; NaN where it does not happen.
    pub(crate) at_ms: Vec<f64>,
    /// What is shown around it, ms.
    pub(crate) window_ms: (f64, f64),
}

impl Event {
    /// The event called `name`: an epoch, `choice` or `trial`.
    ///
    /// # Errors
    /// There is none of that name.
    pub(crate) fn named(behaviour: &Behaviour, name: &str) -> Result<Self, AnalysisError> {
        let n = behaviour.n_trials();
        let (at_ms, window_ms) = if name == CHOICE {
            (behaviour.choice_ms.clone(), (-BEFORE_CHOICE_MS, 0.0))
        } else if name == TRIAL {
            let lengths: Vec<f64> = behaviour.n_steps.iter().map(|&n| n as f64).collect();
            let usual = quantile(&lengths, 0.9).unwrap_or(0.0) * behaviour.dt_ms;
            (vec![0.0; n], (0.0, usual))
        } else if let Some(onset) = behaviour.onset_ms.get(name) {
            let longest = behaviour.duration_ms[name].iter().copied().fold(0.0, f64::max);
            (onset.clone(), (-BEFORE_MS, longest.clamp(AFTER_MS.0, AFTER_MS.1)))
        } else {
            let known = behaviour
                .onset_ms
                .keys()
                .map(String::as_str)
                .chain([CHOICE, TRIAL]);
            return Err(AnalysisError::NoSuch {
                what: "event",
                asked: name.to_owned(),
                known: listed(known),
            });
        };
        Ok(Self {
            name: name.to_owned(),
            at_ms,
            window_ms,
        })
    }

    /// Trials in which it happens.
    pub(crate) fn trials(&self) -> Vec<usize> {
        let at = self.at_ms.iter().enumerate();
        at.filter(|(_, at)| at.is_finite())
            .map(|(trial, _)| trial)
            .collect()
    }
}

/// The event in focus; else the second part of the trial, when something begins to happen, and the choice; or the
/// beginning of trials that have no parts.
///
/// # Errors
/// An event that does not exist.
pub(crate) fn events(behaviour: &Behaviour, focus: &Focus) -> Result<Vec<Event>, AnalysisError> {
    let mut events = match &focus.align {
        Some(name) => vec![Event::named(behaviour, name)?],
        None => {
            let first = Event::named(behaviour, second_epoch(behaviour).unwrap_or(TRIAL))?;
            let choice = Event::named(behaviour, CHOICE)?;
            let chosen = choice.trials().len() >= FEWEST;
            [first].into_iter().chain(chosen.then_some(choice)).collect()
        }
    };
    if let Some(window_ms) = focus.window_ms {
        events.iter_mut().for_each(|event| event.window_ms = window_ms);
    }
    events.retain(|event| event.trials().len() >= FEWEST);
    if events.is_empty() {
        return Err(AnalysisError::Needs {
            what: "an event that happens in at least five recorded trials",
            hint: "record more: `neuropil test RUN --kind activity --trials-per-condition 20`",
        });
    }
    Ok(events)
}

/// The second epoch by mean onset among those of most trials; the first where there is only one.
fn second_epoch(behaviour: &Behaviour) -> Option<&str> {
    let known = |onset: &[f64]| -> Vec<f64> { onset.iter().copied().filter(|ms| ms.is_finite()).collect() };
    let mut epochs: Vec<(f64, &str)> = behaviour
        .onset_ms
        .iter()
        .map(|(name, onset)| (known(onset), name.as_str()))
        .filter(|(onset, _)| 2 * onset.len() > behaviour.n_trials())
        .map(|(onset, name)| (mean(&onset), name))
        .collect();
    epochs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    epochs.get(1).or(epochs.first()).map(|(_, name)| *name)
}

/// All trials as one level.
pub(crate) fn together(trials: Vec<usize>) -> Sorted {
    let level = Level {
        name: "all trials".to_owned(),
        value: 0.0,
        trials,
    };
    Sorted {
        by: String::new(),
        is_numeric: false,
        levels: vec![level],
    }
}

/// Trials sorted by the quantity in focus, else by the one that `tells` most; all together where nothing varies.
///
/// # Errors
/// A quantity that does not exist or does not vary.
pub(crate) fn sorting(
    behaviour: &Behaviour,
    focus: &Focus,
    tells: impl Fn(&Sorted) -> f64,
) -> Result<Sorted, AnalysisError> {
    let asked = focus.by.as_deref();
    let all = match sorted(behaviour, asked, |_| true) {
        Err(AnalysisError::NothingVaries) => Vec::new(),
        other => other?,
    };
    let mut best: Option<(f64, Sorted)> = None;
    for found in all {
        if asked.is_none() && (found.by.ends_with("_ms") || IN_SESSIONS.contains(&found.by.as_str())) {
            continue;
        }
        let telling = tells(&found);
        if best.as_ref().is_none_or(|(most, _)| telling > *most) {
            best = Some((telling, found));
        }
    }
    let all = || together((0..behaviour.n_trials()).collect());
    Ok(best.map_or_else(all, |(_, sorted)| sorted))
}

/// Columns that say where in a session a trial stands.
pub(crate) const IN_SESSIONS: [&str; 4] = ["session", "trial", "block", "block_trial"];

/// The average of `value` (recorded step, trial) over the trials of a level around an event.
pub(crate) fn course(
    level: &Level,
    behaviour: &Behaviour,
    activity: &Activity,
    event: &Event,
    value: impl Fn(usize, usize) -> f64,
) -> Course {
    let has = |trial: &usize| event.at_ms[*trial].is_finite();
    let trials: Vec<usize> = level.trials.iter().copied().filter(has).collect();
    let least = FEWEST
        .max((LEAST_SHARE * trials.len() as f64).ceil() as usize)
        .min(trials.len().max(1));
    let mut course = Course {
        level: level.clone(),
        n_trials: trials.len(),
        times_ms: Vec::new(),
        mean: Vec::new(),
        sem: Vec::new(),
        n: Vec::new(),
    };
    for offset in offsets(event.window_ms, activity) {
        let values: Vec<f64> = trials
            .iter()
            .filter_map(|&trial| {
                let zero = activity.step_at(event.at_ms[trial])?;
                let time = zero.checked_add_signed(offset as isize)?;
                let runs = time < activity.times_ms.len() && activity.executed(behaviour, time, trial);
                runs.then(|| value(time, trial))
            })
            .collect();
        let summary = Summary::of(&values);
        if let Some(mean) = summary.mean.filter(|_| summary.n >= least) {
            course.times_ms.push(offset as f64 * activity.spacing_ms());
            course.mean.push(mean);
            course.sem.push(summary.sem.unwrap_or(0.0));
            course.n.push(summary.n);
        }
    }
    course
}

/// Mean rate of each unit after an event until the end of its window, \[unit\]\[trial\]; NaN where a trial lacks it.
pub(crate) fn rates_after(behaviour: &Behaviour, activity: &Activity, event: &Event) -> Vec<Vec<f64>> {
    let (from, to) = event.window_ms;
    let from = if to > 0.0 { from.max(0.0) } else { from };
    let mut rates = vec![vec![f64::NAN; activity.n_trials]; activity.n_units];
    for trial in event.trials() {
        let at = event.at_ms[trial];
        let steps = activity.steps(behaviour, trial, at + from, at + to + activity.spacing_ms());
        let n = steps.len() as f64;
        for (unit, rates) in rates.iter_mut().enumerate().filter(|_| n > 0.0) {
            let sum: f64 = steps.clone().map(|time| activity.rate(time, trial, unit)).sum();
            rates[trial] = sum / n;
        }
    }
    rates
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn a_course_counts_running_trials_and_ends_with_them() {
        let (behaviour, activity) = synthetic::coded(200, 1);
        let event = Event::named(&behaviour, "stimulus").unwrap();
        let all = together((0..200).collect());
        let found = course(&all.levels[0], &behaviour, &activity, &event, |_, trial| {
            (trial % 2) as f64
        });
        assert_eq!(found.n_trials, 200);
        assert!(found.n.iter().all(|&n| n >= 20) && found.n.windows(2).all(|n| n[0] >= n[1]));
        assert!((found.mean[0] - 0.5).abs() < 1e-12);
        // Standard deviation of a fair coin over the root of n.
        assert!(
            (found.sem[0] - 0.5 / (199.0_f64).sqrt()).abs() < 1e-9,
            "{}",
            found.sem[0]
        );
        let words = Event::named(&behaviour, "stimulsu").unwrap_err().to_string();
        assert!(
            words.contains("no event `stimulsu`, only ") && words.contains("`choice`"),
            "{words}"
        );
    }
}
