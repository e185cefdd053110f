//! Reaction times against coherence.
//!
//! Song, Yang & Wang 2017, figure 1, supplement 2; the task of Roitman & Shadlen, J. Neurosci. 22, 9475 (2002).

use neuropil_math::stats::summary::Summary;
use serde::{Deserialize, Serialize};

use super::{AnalysisError, axis::distinct};
use crate::behaviour::Behaviour;

/// Trials that a point needs to be drawn: more than this.
pub const FEW_TRIALS: usize = 10;

/// Reaction times in ms from stimulus onset to choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chronometric {
    /// One entry for each coherence, 0 included, ascending.
    pub coherences: Vec<ReactionTimes>,
    /// All correct trials.
    pub correct: Summary,
    /// All error trials.
    pub error: Summary,
}

/// Reaction times at one coherence, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReactionTimes {
    /// Coherence in percent.
    pub coherence: f64,
    /// Correct trials.
    pub correct: Summary,
    /// Error trials.
    pub error: Summary,
}

/// Mean reaction times of correct and error trials, by coherence.
///
/// # Errors
/// No `coherence`, no `stimulus` epoch, no decided trials, or a task whose choices come after the stimulus.
pub fn chronometric(behaviour: &Behaviour) -> Result<Chronometric, AnalysisError> {
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
    let times = |keep: &dyn Fn(usize) -> bool| {
        let trials = decided.iter().copied().filter(|&trial| keep(trial));
        Summary::of(
            &trials
                .map(|trial| behaviour.choice_ms[trial] - onset[trial])
                .collect::<Vec<_>>(),
        )
    };
    let is_correct = |trial: usize| behaviour.correct[trial] == Some(true);
    let levels = distinct(decided.iter().map(|&trial| coherence[trial].abs()));
    let at = |level: f64| ReactionTimes {
        coherence: level,
        correct: times(&|trial| coherence[trial].abs() == level && is_correct(trial)),
        error: times(&|trial| coherence[trial].abs() == level && !is_correct(trial)),
    };
    Ok(Chronometric {
        coherences: levels.into_iter().map(at).collect(),
        correct: times(&is_correct),
        error: times(&|trial| !is_correct(trial)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn reaction_times_fall_with_coherence_and_errors_are_slower() {
        let result = chronometric(&synthetic::rdm_rt(10_000, 1)).unwrap();
        let correct: Vec<f64> = result
            .coherences
            .iter()
            .map(|c| c.correct.mean.unwrap())
            .collect();
        assert!(correct.windows(2).all(|pair| pair[0] > pair[1]), "{correct:?}");
        let at = &result.coherences[1];
        assert!((at.error.mean.unwrap() - at.correct.mean.unwrap() - 60.0).abs() < 10.0);
        assert_eq!(result.coherences[0].coherence, 0.0);
        let counted: usize = result.coherences.iter().map(|c| c.correct.n + c.error.n).sum();
        assert_eq!(counted, result.correct.n + result.error.n);
    }

    #[test]
    fn only_correct_trials_leave_the_errors_empty() {
        let mut behaviour = synthetic::rdm_rt(200, 1);
        behaviour
            .correct
            .iter_mut()
            .for_each(|correct| *correct = correct.and(Some(true)));
        let result = chronometric(&behaviour).unwrap();
        assert_eq!((result.error.n, result.error.mean), (0, None));
    }

    #[test]
    fn a_fixed_duration_task_has_no_reaction_times() {
        assert_eq!(
            chronometric(&synthetic::rdm(200, 1)),
            Err(AnalysisError::NotReactionTime)
        );
    }
}
