//! Reaction times against coherence, or against any quantity.
//!
//! Song, Yang & Wang 2017, figure 1, supplement 2; the task of Roitman & Shadlen, J. Neurosci. 22, 9475 (2002).

use neuropil_math::stats::summary::Summary;
use serde::{Deserialize, Serialize};

use super::levels::sorted;
use super::response_times::reference;
use super::{AnalysisError, Focus, axis::distinct, error::listed};
use crate::behaviour::Behaviour;

/// Trials that a point needs to be drawn: more than this.
pub const FEW_TRIALS: usize = 10;

/// Reaction times, ms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chronometric {
    /// What they are sorted by: `coherence`, or the quantity in focus.
    pub by: String,
    /// Event that they count from.
    pub since: String,
    /// Are choices right or wrong? If not, all of them count as correct ones.
    pub judged: bool,
    /// One entry for each level, ascending; coherence 0 included.
    pub levels: Vec<ReactionTimes>,
    /// All correct trials.
    pub correct: Summary,
    /// All error trials.
    pub error: Summary,
}

/// Reaction times at one level, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReactionTimes {
    /// Value of the quantity; of a bin, the mean.
    pub value: f64,
    /// Correct trials.
    pub correct: Summary,
    /// Error trials.
    pub error: Summary,
}

/// Mean reaction times of correct and error trials, by coherence, or by the quantity in focus.
///
/// # Errors
/// No `coherence` and no quantity in focus, no `stimulus` epoch, no decided trials, or a task whose choices come after the
/// stimulus.
pub fn chronometric(behaviour: &Behaviour, focus: &Focus) -> Result<Chronometric, AnalysisError> {
    let asked = focus.by.as_deref().or(focus.axis.as_deref());
    if let Some(by) = asked {
        return along(behaviour, by);
    }
    let coherence = behaviour.number("coherence")?;
    let (onset, duration) = (behaviour.onset("stimulus")?, behaviour.duration("stimulus")?);
    let decided = behaviour
        .trials_where(|trial| behaviour.correct[trial].is_some() && behaviour.choice_ms[trial].is_finite());
    if decided.is_empty() {
        return Err(behaviour.none_of_the_trials("ended in a decision"));
    }
    if decided
        .iter()
        .all(|&trial| behaviour.choice_ms[trial] >= onset[trial] + duration[trial])
    {
        return Err(AnalysisError::NotReactionTime);
    }
    let strength: Vec<f64> = coherence.iter().map(|c| c.abs()).collect();
    let levels = distinct(decided.iter().map(|&trial| strength[trial]));
    let levels = levels.into_iter().map(|level| {
        let here = decided.iter().copied().filter(|&trial| strength[trial] == level);
        (level, here.collect())
    });
    Ok(of_levels(
        behaviour,
        "coherence",
        "stimulus",
        onset,
        levels.collect(),
    ))
}

/// Reaction times by any numeric quantity; a signed one counts by its size.
fn along(behaviour: &Behaviour, by: &str) -> Result<Chronometric, AnalysisError> {
    let chosen = behaviour.trials_where(|trial| behaviour.chosen[trial]);
    if chosen.is_empty() {
        return Err(behaviour.none_of_the_trials("ended in a choice"));
    }
    let found = sorted_by_size(behaviour, by, &chosen)?;
    let (since, onset) = reference(behaviour, &chosen);
    let start = vec![0.0; behaviour.n_trials()];
    Ok(of_levels(behaviour, by, &since, onset.unwrap_or(&start), found))
}

fn sorted_by_size(
    behaviour: &Behaviour,
    by: &str,
    chosen: &[usize],
) -> Result<Vec<(f64, Vec<usize>)>, AnalysisError> {
    let mut sized = behaviour.clone();
    if let Some(values) = sized.numbers.get_mut(by) {
        values.iter_mut().for_each(|value| *value = value.abs());
    }
    let keep: std::collections::BTreeSet<usize> = chosen.iter().copied().collect();
    let found = sorted(&sized, Some(by), |trial| keep.contains(&trial))?.swap_remove(0);
    if !found.is_numeric {
        return Err(AnalysisError::NoSuch {
            what: "quantity whose values are numbers",
            asked: by.to_owned(),
            known: listed(behaviour.numbers.keys().map(String::as_str)),
        });
    }
    let levels = found.levels.into_iter().map(|level| (level.value, level.trials));
    Ok(levels.collect())
}

fn of_levels(
    behaviour: &Behaviour,
    by: &str,
    since: &str,
    onset: &[f64],
    levels: Vec<(f64, Vec<usize>)>,
) -> Chronometric {
    let judged = behaviour.correct.iter().any(Option::is_some);
    let is_correct = |trial: usize| !judged || behaviour.correct[trial] == Some(true);
    let counts = |trial: usize| !judged || behaviour.correct[trial].is_some();
    let times = |trials: &[usize], correct: bool| {
        let these = trials
            .iter()
            .filter(|&&trial| counts(trial) && is_correct(trial) == correct);
        Summary::of(
            &these
                .map(|&trial| behaviour.choice_ms[trial] - onset[trial])
                .collect::<Vec<_>>(),
        )
    };
    let all: Vec<usize> = levels.iter().flat_map(|(_, trials)| trials.clone()).collect();
    Chronometric {
        by: by.to_owned(),
        since: since.to_owned(),
        judged,
        correct: times(&all, true),
        error: times(&all, false),
        levels: levels
            .iter()
            .map(|(value, trials)| ReactionTimes {
                value: *value,
                correct: times(trials, true),
                error: times(trials, false),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn reaction_times_fall_with_coherence_and_errors_are_slower() {
        let result = chronometric(&synthetic::rdm_rt(10_000, 1), &Focus::default()).unwrap();
        let correct: Vec<f64> = result.levels.iter().map(|c| c.correct.mean.unwrap()).collect();
        assert!(correct.windows(2).all(|pair| pair[0] > pair[1]), "{correct:?}");
        let at = &result.levels[1];
        assert!((at.error.mean.unwrap() - at.correct.mean.unwrap() - 60.0).abs() < 10.0);
        assert_eq!(result.levels[0].value, 0.0);
        let counted: usize = result.levels.iter().map(|c| c.correct.n + c.error.n).sum();
        assert_eq!(counted, result.correct.n + result.error.n);
    }

    #[test]
    fn any_quantity_sorts_the_times() {
        let focus = Focus {
            by: Some("coherence".into()),
            ..Focus::default()
        };
        let mut behaviour = synthetic::rdm_rt(10_000, 1);
        let by_name = chronometric(&behaviour, &Focus::default()).unwrap();
        assert_eq!(chronometric(&behaviour, &focus).unwrap().levels, by_name.levels);
        behaviour.correct = vec![None; 10_000];
        let unjudged = chronometric(&behaviour, &focus).unwrap();
        assert!(!unjudged.judged && unjudged.error.n == 0);
        let counted: usize = unjudged.levels.iter().map(|level| level.correct.n).sum();
        assert_eq!(counted, by_name.correct.n + by_name.error.n);
    }

    #[test]
    fn only_correct_trials_leave_the_errors_empty() {
        let mut behaviour = synthetic::rdm_rt(200, 1);
        behaviour
            .correct
            .iter_mut()
            .for_each(|correct| *correct = correct.and(Some(true)));
        let result = chronometric(&behaviour, &Focus::default()).unwrap();
        assert_eq!((result.error.n, result.error.mean), (0, None));
    }

    #[test]
    fn a_fixed_duration_task_has_no_reaction_times() {
        assert_eq!(
            chronometric(&synthetic::rdm(200, 1), &Focus::default()),
            Err(AnalysisError::NotReactionTime)
        );
    }
}
