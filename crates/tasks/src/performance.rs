//! What trials came to, and whether that is enough.

use crate::quantity::{Quantity, Source};
use crate::tally::Tally;
use crate::task::Task;
use crate::trial::{Outcome, Trial};
use crate::world::Rules;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How one trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Last action.
    pub action: usize,
    /// Its index.
    pub step: usize,
}

/// Counts and fractions over a set of trials. A fraction of no trials is 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// Trials.
    pub n_trials: usize,
    /// Trials that ended in a correct or wrong choice.
    pub n_decided: usize,
    /// Of these, correct ones.
    pub n_correct: usize,
    /// Mean over trials of the discounted reward.
    pub mean_reward: f64,
    /// Mean number of steps per trial.
    pub mean_steps: f64,
    /// The criterion's quantities, and all measures of a world.
    pub quantities: BTreeMap<String, f64>,
}

fn fraction(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Which of the task's quantities a trial counts for, and for which of them it is among those that could.
fn judge(task: &Task, trial: &Trial, end: End, outcome: Outcome, earned: f64) -> Vec<(bool, bool)> {
    let mut values = task.values_of(trial);
    let flag = |flag: bool| f64::from(u8::from(flag));
    values.extend([
        flag(outcome.correct.is_some()),
        flag(outcome.chosen),
        flag(outcome.correct == Some(true)),
        end.action as f64,
        earned,
        end.step as f64 * task.dt_ms,
    ]);
    values.extend((0..task.n_actions()).map(|action| action as f64));
    let judge = |q: &Quantity| match &q.source {
        Source::Ends { of, over, .. } => {
            let over = over.as_deref().is_none_or(|over| over.holds(&values));
            (over && of.holds(&values), over)
        }
        Source::World | Source::Reward => (false, false),
    };
    task.quantities.iter().map(judge).collect()
}

impl Performance {
    /// What the given trials, ended as given, came to.
    pub fn of<'a>(task: &Task, trials: impl Iterator<Item = (&'a Trial, End, f64)>) -> Self {
        let mut performance = Self::default();
        let mut counts = vec![(0, 0); task.quantities.len()];
        // Conditions and kinds of ending are few: each is judged once.
        let mut known: BTreeMap<(usize, usize, bool, Option<bool>), Vec<(bool, bool)>> = BTreeMap::new();
        let each_anew = task.varies()
            || task
                .quantities
                .iter()
                .any(|q| matches!(q.source, Source::Ends { anew: true, .. }));
        let (mut reward, mut steps) = (0.0, 0);
        for (trial, end, earned) in trials {
            let outcome = trial.row_at(end.step).outcomes[end.action];
            performance.n_trials += 1;
            performance.n_decided += usize::from(outcome.correct.is_some());
            performance.n_correct += usize::from(outcome.correct == Some(true));
            reward += earned;
            steps += end.step + 1;
            let kind = (trial.condition.id, end.action, outcome.chosen, outcome.correct);
            let judge = || judge(task, trial, end, outcome, earned);
            let anew;
            let judged = if each_anew {
                anew = judge();
                &anew
            } else {
                known.entry(kind).or_insert_with(judge)
            };
            for (count, &(of, over)) in counts.iter_mut().zip(judged.iter()) {
                count.0 += usize::from(of);
                count.1 += usize::from(over);
            }
        }
        let n_trials = performance.n_trials.max(1) as f64;
        performance.mean_reward = reward / n_trials;
        performance.mean_steps = steps as f64 / n_trials;
        let named = task.quantities.iter().zip(counts);
        performance.quantities = named
            .map(|(q, (of, over))| match q.source {
                Source::Reward => (q.name.clone(), performance.mean_reward),
                _ => (q.name.clone(), fraction(of, over)),
            })
            .collect();
        performance
    }

    /// Adds what a world measured: `reward` and `steps` per session, and the means of the world's own measures.
    pub fn add_measures(&mut self, world: &dyn Rules, tallies: &[Tally]) {
        let own = world
            .measures()
            .into_iter()
            .zip(tallies.iter().map(|tally| tally.mean()));
        let always = [("reward", self.mean_reward), ("steps", self.mean_steps)];
        let all = always.into_iter().chain(own);
        self.quantities
            .extend(all.map(|(name, mean)| (name.to_owned(), mean)));
    }

    /// Decided trials among all.
    pub fn fraction_decided(&self) -> f64 {
        fraction(self.n_decided, self.n_trials)
    }

    /// Correct trials among decided ones; 0 if none was decided.
    pub fn fraction_correct(&self) -> f64 {
        fraction(self.n_correct, self.n_decided)
    }

    /// Do all quantities of the task's criterion hold?
    pub fn meets(&self, task: &Task) -> bool {
        let holds = |q: &Quantity| {
            self.quantities
                .get(&q.name)
                .is_some_and(|&fraction| q.holds(fraction))
        };
        self.n_trials > 0 && task.quantities.iter().all(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    #[test]
    fn a_wager_is_judged_by_offers_that_ended_in_a_choice() {
        let task = registry::find("wager", None).unwrap();
        let sure = task
            .definition
            .actions
            .iter()
            .position(|name| name == "CHOOSE-SURE")
            .unwrap();
        let right = task
            .definition
            .actions
            .iter()
            .position(|name| name == "CHOOSE-RIGHT")
            .unwrap();
        let mut stream = neuropil_math::rng::Key::new(1).stream(neuropil_math::rng::Purpose::Test, 0);
        let mut trials = Vec::new();
        for condition in task.conditions() {
            let trial = task.compile(condition, &BTreeMap::new(), &mut stream);
            let step = trial.first_choice_step().unwrap();
            let offered = trial.row_at(step).outcomes[sure].chosen;
            // Every other offer is taken.
            let action = if offered && trials.len() % 4 < 2 {
                sure
            } else {
                right
            };
            trials.push((trial, End { action, step }, 0.0));
        }
        let taken = trials.iter().filter(|(_, end, _)| end.action == sure).count();
        let all = trials.iter().map(|(trial, end, reward)| (trial, *end, *reward));
        let performance = Performance::of(&task, all);
        assert!(taken > 0);
        assert_eq!(performance.quantities["answered"], 1.0);
        assert_eq!(
            performance.quantities["sure"],
            taken as f64 / (task.n_conditions() / 2) as f64
        );
    }
}
