//! Learning within a session: how often the choice is right and what it earns, by place in the session and around the
//! changes from one block to the next.

use neuropil_math::stats::summary::Summary;
use serde::{Deserialize, Serialize};

use super::{AnalysisError, proportion::Proportion};
use crate::behaviour::Behaviour;

/// Trials before and after a change of blocks that are shown.
pub const AROUND: [i64; 2] = [-5, 14];
/// Trials without which a place is left out.
const FEWEST: usize = 10;
/// Places of a session that are shown; more are joined to as many.
const MOST_PLACES: usize = 60;

/// Choices along sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionCourse {
    /// Sessions.
    pub n_sessions: usize,
    /// By place in the session.
    pub places: Vec<Place>,
    /// By trials since the block changed, negative before it; empty without blocks.
    pub around_change: Vec<Place>,
    /// Changes of blocks.
    pub n_changes: usize,
}

/// Choices at one place.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Trial of the session from 1, mean of those joined; or trials since the change, 0 the first of the new block.
    pub at: f64,
    /// Right ones among those that were right or wrong; around a change, choices that are right after it.
    pub correct: Option<Proportion>,
    /// Rewarded ones among the choices.
    pub rewarded: Option<Proportion>,
    /// Mean and spread of the reward.
    pub reward: Summary,
}

/// Follows choices along sessions.
///
/// # Errors
/// Trials that stand alone.
pub fn session_course(behaviour: &Behaviour) -> Result<SessionCourse, AnalysisError> {
    let (Some(session), Some(trial)) = (behaviour.numbers.get("session"), behaviour.numbers.get("trial"))
    else {
        return Err(AnalysisError::Needs {
            what: "trials that follow one another",
            hint: "give the task a `[session]`",
        });
    };
    let longest = trial.iter().copied().fold(0.0, f64::max);
    let width = (longest / MOST_PLACES as f64).ceil().max(1.0);
    let n_places = (longest / width).ceil() as usize;
    let mut at: Vec<Vec<usize>> = vec![Vec::new(); n_places];
    for (i, &place) in trial.iter().enumerate() {
        at[((place - 1.0) / width) as usize].push(i);
    }
    let places = at.iter().filter(|trials| trials.len() >= FEWEST).map(|trials| {
        let mean = trials.iter().map(|&i| trial[i]).sum::<f64>() / trials.len() as f64;
        Place::of(behaviour, mean, trials, |i| behaviour.correct[i])
    });
    let (around_change, n_changes) = around_changes(behaviour, session);
    let mut sessions = session.clone();
    sessions.dedup();
    Ok(SessionCourse {
        n_sessions: sessions.len(),
        places: places.collect(),
        around_change,
        n_changes,
    })
}

/// Places around the changes of blocks. Before a change, a choice counts as right if it is what will be right after it: the
/// curve rises from the habit of the old block to the new one.
fn around_changes(behaviour: &Behaviour, session: &[f64]) -> (Vec<Place>, usize) {
    let Some(block) = behaviour.numbers.get("block") else {
        return (Vec::new(), 0);
    };
    let n = behaviour.n_trials();
    let changes: Vec<usize> = (1..n)
        .filter(|&i| session[i] == session[i - 1] && block[i] != block[i - 1])
        .collect();
    let mut places = Vec::new();
    for offset in AROUND[0]..=AROUND[1] {
        let there: Vec<usize> = changes
            .iter()
            .filter_map(|&change| {
                let i = change.checked_add_signed(offset as isize).filter(|&i| i < n)?;
                let near = if offset < 0 {
                    block[i] == block[change - 1]
                } else {
                    block[i] == block[change]
                };
                (session[i] == session[change] && near).then_some(i)
            })
            .collect();
        // With two answers, what was wrong before is right after.
        let two = behaviour.actions.len() == 3;
        let right = |i: usize| behaviour.correct[i].map(|correct| correct == (offset >= 0 || !two));
        if there.len() >= FEWEST {
            places.push(Place::of(behaviour, offset as f64, &there, right));
        }
    }
    (places, changes.len())
}

impl Place {
    fn of(behaviour: &Behaviour, at: f64, trials: &[usize], right: impl Fn(usize) -> Option<bool>) -> Self {
        let judged: Vec<usize> = trials.iter().copied().filter(|&i| right(i).is_some()).collect();
        let chosen: Vec<usize> = trials.iter().copied().filter(|&i| behaviour.chosen[i]).collect();
        let rewards: Vec<f64> = trials.iter().map(|&i| behaviour.reward[i]).collect();
        Self {
            at,
            correct: Proportion::among(&judged, |i| right(i) == Some(true)),
            rewarded: Proportion::among(&chosen, |i| behaviour.reward[i] > 0.0),
            reward: Summary::of(&rewards),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn choices_turn_over_after_a_change_of_blocks() {
        let found = session_course(&synthetic::reverser(200, 1)).unwrap();
        assert_eq!(found.n_sessions, 200);
        let at = |offset: f64| {
            let place = found
                .around_change
                .iter()
                .find(|place| place.at == offset)
                .unwrap();
            place.correct.unwrap().value
        };
        // It takes the new side from the fourth trial of a block on.
        assert!(
            at(-2.0) < 0.1 && at(1.0) < 0.1 && at(6.0) > 0.9,
            "{} {} {}",
            at(-2.0),
            at(1.0),
            at(6.0)
        );
        assert_eq!(found.places.len(), 40);
        let words = session_course(&synthetic::rdm(100, 1)).unwrap_err().to_string();
        assert!(words.contains("needs trials that follow one another"), "{words}");
    }
}
