//! Test trials: every condition equally often, with the trained policy and without learning.

use crate::analysis::activity::{Activity, Recorded};
use crate::behaviour::Behaviour;
use neuropil_learn::batch::TaskBatch;
use neuropil_learn::player::Player;
use neuropil_learn::record::{Recording, record};
use neuropil_learn::rules::Rules;
use neuropil_learn::validate::{Ran, run};
use neuropil_math::rng::{Key, Phase, Purpose};
use neuropil_tasks::performance::{End, Performance};
use neuropil_tasks::round::Round;
use neuropil_tasks::task::Task;
use neuropil_tasks::trial::Trial;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Test trials in all when nobody says how many.
const DEFAULT_TRIALS: usize = 20_000;

/// Test sessions in a world that answers: each is as long as many trials.
const DEFAULT_SESSIONS: usize = 1000;

/// Test trials of each condition, by default.
pub fn default_trials_per_condition(task: &Task) -> usize {
    if task.world.is_some() {
        return DEFAULT_SESSIONS;
    }
    DEFAULT_TRIALS.div_ceil(task.n_conditions())
}

/// Recorded trials in all when nobody says how many.
const DEFAULT_RECORDED: usize = 300;

/// Recorded sessions in a world that answers.
const DEFAULT_RECORDED_SESSIONS: usize = 30;

/// Recorded trials of each condition, by default.
pub fn default_recorded_per_condition(task: &Task) -> usize {
    if task.world.is_some() {
        return DEFAULT_RECORDED_SESSIONS;
    }
    DEFAULT_RECORDED.div_ceil(task.n_conditions())
}

/// Test trials and what became of them.
#[derive(Debug)]
pub struct Tested {
    /// The trials, condition by condition.
    pub trials: Vec<Trial>,
    /// How each ended, and its summed (discounted) reward.
    pub ends: Vec<(End, f64)>,
    /// Counts and fractions over all of them.
    pub performance: Performance,
    /// Trials of each session, where the task is made of sessions of trials.
    pub rounds: Vec<Vec<Round>>,
}

/// Durations in ms that replace the draws, by name of the epoch.
pub type Fixed = BTreeMap<String, f64>;

/// Runs `per_condition` test trials of every condition on the current thread pool; `continuous`: in chains, as they
/// were trained.
pub fn test(
    policy: &Player<f32>,
    task: &Task,
    seed: u64,
    per_condition: usize,
    fixed: &Fixed,
    continuous: bool,
) -> Tested {
    let key = Key::new(seed).phase(Phase::Test);
    let batch = TaskBatch::of(task, factorial(task, key, per_condition, fixed)).continuous(continuous);
    let discount = task.discount_per_step();
    let ran = run(&policy.network, policy.noise_sd, &batch, discount, key);
    Tested::of(task, batch.trials, ran)
}

/// Runs `per_condition` trials of every condition and keeps the activity of both networks at every `every`-th step.
///
/// The trials are others than those of [`test()`].
pub fn record_activity(
    players: (&Player<f32>, &Player<f32>),
    task: &Task,
    seed: u64,
    per_condition: usize,
    fixed: &Fixed,
    every: usize,
    rules: &Rules,
) -> Recorded {
    let key = Key::new(seed).phase(Phase::Test).at(1);
    let batch = TaskBatch::of(task, factorial(task, key, per_condition, fixed)).continuous(rules.continuous);
    let (policy, value) = players;
    let (discount, sees) = (rules.discount_per_step, rules.value_input);
    // Trials of a session begin at any step, so that every one of them is needed.
    let kept = if task.world.is_some() { 1 } else { every };
    let mut recordings = record(policy, value, &batch, discount, sees, kept, key);
    let ran = Ran {
        ends: recordings
            .iter()
            .map(|recording| (recording.end, recording.reward))
            .collect(),
        tallies: Vec::new(),
        rounds: rounds_of(&mut recordings),
    };
    let widths = Widths {
        inputs: task.n_inputs(),
        actions: task.n_actions(),
        policy: policy.network.shape().n_rates(),
        value: value.network.shape().n_rates(),
    };
    if !ran.rounds.is_empty() {
        recordings = recordings
            .iter()
            .zip(&ran.rounds)
            .flat_map(|(session, rounds)| cut(session, rounds, &widths, every))
            .collect();
    }
    let at_steps = |n_units: usize, every: usize, of: fn(&Recording<f32>) -> &[f32]| {
        let longest = recordings
            .iter()
            .map(|r| of(r).len() / n_units)
            .max()
            .unwrap_or(0);
        let mut rates = vec![0.0; longest * recordings.len() * n_units];
        for (trial, recording) in recordings.iter().enumerate() {
            for (time, row) in of(recording).chunks_exact(n_units).enumerate() {
                rates[(time * recordings.len() + trial) * n_units..][..n_units].copy_from_slice(row);
            }
        }
        Activity {
            times_ms: (0..longest)
                .map(|time| (time * every) as f64 * task.dt_ms)
                .collect(),
            n_trials: recordings.len(),
            n_units,
            rates,
        }
    };
    let activity = |n_units: usize, of: fn(&Recording<f32>) -> &[f32]| at_steps(n_units, every, of);
    Recorded {
        input_names: task.definition.inputs.clone(),
        shown: at_steps(task.n_inputs(), 1, |r| &r.shown),
        inputs: activity(task.n_inputs(), |r| &r.inputs),
        probabilities: activity(task.n_actions(), |r| &r.probabilities),
        policy: activity(policy.network.shape().n_rates(), |r| &r.policy),
        value: activity(value.network.shape().n_rates(), |r| &r.value),
        predicted: activity(1, |r| &r.predicted),
        behaviour: Tested::of(task, batch.trials, ran).behaviour(task),
    }
}

/// Trials of each session, taken out of the recordings; nothing where sessions are not made of trials.
fn rounds_of(recordings: &mut [Recording<f32>]) -> Vec<Vec<Round>> {
    let rounds: Vec<Vec<Round>> = recordings
        .iter_mut()
        .map(|recording| std::mem::take(&mut recording.rounds))
        .collect();
    if rounds.iter().all(Vec::is_empty) {
        Vec::new()
    } else {
        rounds
    }
}

/// Numbers of columns of the parts of a recording.
struct Widths {
    inputs: usize,
    actions: usize,
    policy: usize,
    value: usize,
}

/// The recordings of the trials of a session of which every step was kept, each with every `every`-th of its steps.
fn cut(session: &Recording<f32>, rounds: &[Round], widths: &Widths, every: usize) -> Vec<Recording<f32>> {
    let mut start = 0;
    rounds
        .iter()
        .map(|round| {
            let steps = start..(start + round.n_steps).min(session.predicted.len());
            start = steps.end;
            let part = |values: &[f32], width: usize, every: usize| -> Vec<f32> {
                let rows = values[steps.start * width..steps.end * width].chunks_exact(width);
                rows.step_by(every).flatten().copied().collect()
            };
            Recording {
                end: session.end,
                reward: round.reward,
                inputs: part(&session.inputs, widths.inputs, every),
                shown: part(&session.shown, widths.inputs, 1),
                probabilities: part(&session.probabilities, widths.actions, every),
                policy: part(&session.policy, widths.policy, every),
                value: part(&session.value, widths.value, every),
                predicted: part(&session.predicted, 1, every),
                rounds: Vec::new(),
            }
        })
        .collect()
}

/// `per_condition` trials of every condition, condition by condition.
pub(crate) fn factorial(task: &Task, key: Key, per_condition: usize, fixed: &Fixed) -> Vec<Trial> {
    let mut trials = Vec::with_capacity(per_condition * task.n_conditions());
    for condition in task.conditions() {
        for _ in 0..per_condition {
            let mut stream = key.stream(Purpose::Condition, trials.len() as u64);
            trials.push(task.compile(condition.clone(), fixed, &mut stream));
        }
    }
    trials
}

/// What happened in one condition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConditionResult {
    /// Factor values.
    pub factors: BTreeMap<String, serde_json::Value>,
    /// Trials.
    pub n: usize,
    /// Trials that ended in a correct or wrong choice.
    pub decided: usize,
    /// Correct ones.
    pub correct: usize,
    /// Mean time of the choice from the first moment that one was possible, ms; none without choices.
    pub mean_reaction_time_ms: Option<f64>,
    /// Fraction of trials that ended in each action as a choice.
    pub choice_fractions: BTreeMap<String, f64>,
}

impl Tested {
    pub(crate) fn of(task: &Task, trials: Vec<Trial>, ran: Ran) -> Self {
        let performance = ran.performance(task, &trials);
        // A world without trials has sessions of none.
        let in_rounds = ran.rounds.iter().any(|rounds| !rounds.is_empty());
        Self {
            trials,
            ends: ran.ends,
            performance,
            rounds: if in_rounds { ran.rounds } else { Vec::new() },
        }
    }

    /// Results by condition, in the task's order.
    pub fn by_condition(&self, task: &Task) -> Vec<ConditionResult> {
        let mut results: Vec<ConditionResult> = Vec::new();
        let mut times: Vec<Vec<f64>> = Vec::new();
        for condition in task.conditions() {
            let factors = task.columns().zip(&condition.values).map(|(column, &value)| {
                let shown = task
                    .label(column, value)
                    .map_or_else(|| value.into(), serde_json::Value::from);
                (column.name.clone(), shown)
            });
            let actions = task.definition.actions[1..]
                .iter()
                .map(|name| (name.clone(), 0.0));
            times.push(Vec::new());
            results.push(ConditionResult {
                factors: factors.collect(),
                n: 0,
                decided: 0,
                correct: 0,
                mean_reaction_time_ms: None,
                choice_fractions: actions.collect(),
            });
        }
        for (trial, &(end, _)) in self.trials.iter().zip(&self.ends) {
            let id = trial.condition.id;
            let (result, outcome) = (&mut results[id], trial.row_at(end.step).outcomes[end.action]);
            result.n += 1;
            result.decided += usize::from(outcome.correct.is_some());
            result.correct += usize::from(outcome.correct == Some(true));
            if outcome.chosen {
                *result
                    .choice_fractions
                    .get_mut(&task.definition.actions[end.action])
                    .expect("a choice") += 1.0;
                let possible = trial.first_choice_step().unwrap_or(0);
                times[id].push((end.step - possible) as f64 * task.dt_ms);
            }
        }
        for (result, times) in results.iter_mut().zip(times) {
            result
                .choice_fractions
                .values_mut()
                .for_each(|count| *count /= result.n.max(1) as f64);
            if !times.is_empty() {
                result.mean_reaction_time_ms = Some(times.iter().sum::<f64>() / times.len() as f64);
            }
        }
        results
    }

    /// The table that analyses read.
    pub fn behaviour(&self, task: &Task) -> Behaviour {
        if !self.rounds.is_empty() {
            let of_trials = task.sessions().map_or(task, |sessions| &*sessions.task);
            return behaviour_in_sessions(of_trials, &self.rounds);
        }
        let mut behaviour = Behaviour {
            task: task.definition.name.clone(),
            dt_ms: task.dt_ms,
            actions: task.definition.actions.clone(),
            ..Behaviour::default()
        };
        for (c, column) in task.columns().enumerate() {
            let values = self.trials.iter().map(|trial| trial.condition.values[c]);
            if column.labels.is_some() {
                let labels = values.map(|value| task.label(column, value).unwrap_or_default().to_owned());
                behaviour.labels.insert(column.name.clone(), labels.collect());
            } else {
                behaviour.numbers.insert(column.name.clone(), values.collect());
            }
        }
        for (i, name) in task.recorded().enumerate() {
            let values = self.trials.iter().map(|trial| trial.recorded[i]);
            behaviour.numbers.insert(name.to_owned(), values.collect());
        }
        for (e, epoch) in task.epochs.iter().enumerate() {
            let ms = |steps: Option<usize>| steps.map_or(f64::NAN, |steps| steps as f64 * task.dt_ms);
            let onset = self
                .trials
                .iter()
                .map(|trial| ms(trial.epochs[e].map(|(start, _)| start)));
            behaviour.onset_ms.insert(epoch.name.clone(), onset.collect());
            let duration = self
                .trials
                .iter()
                .map(|trial| ms(trial.epochs[e].map(|(start, end)| end - start)));
            behaviour
                .duration_ms
                .insert(epoch.name.clone(), duration.collect());
        }
        behaviour.answerable = where_they_differ(self.trials.iter().map(Trial::answerable));
        for (trial, &(end, reward)) in self.trials.iter().zip(&self.ends) {
            let outcome = trial.row_at(end.step).outcomes[end.action];
            behaviour.action.push((end.action != 0).then_some(end.action));
            behaviour.chosen.push(outcome.chosen);
            behaviour.correct.push(outcome.correct);
            behaviour.choice_ms.push(if outcome.chosen {
                end.step as f64 * task.dt_ms
            } else {
                f64::NAN
            });
            behaviour.reward.push(reward);
            behaviour.n_steps.push(end.step + 1);
        }
        behaviour
    }
}

/// Flags, none where all are the same.
fn where_they_differ(flags: impl Iterator<Item = bool>) -> Vec<bool> {
    let flags: Vec<bool> = flags.collect();
    if flags.contains(&true) && flags.contains(&false) {
        flags
    } else {
        Vec::new()
    }
}

/// One row a trial of each session, with `session`, `trial`, `block` and `block_trial`, counted from 1.
fn behaviour_in_sessions(task: &Task, sessions: &[Vec<Round>]) -> Behaviour {
    let mut behaviour = Behaviour {
        task: task.definition.name.clone(),
        dt_ms: task.dt_ms,
        actions: task.definition.actions.clone(),
        ..Behaviour::default()
    };
    let ms = |steps: usize| steps as f64 * task.dt_ms;
    behaviour.answerable = where_they_differ(sessions.iter().flatten().map(|round| round.answerable));
    for (session, rounds) in sessions.iter().enumerate() {
        for (i, round) in rounds.iter().enumerate() {
            let mut number = |name: &str, value: f64| {
                behaviour.numbers.entry(name.to_owned()).or_default().push(value);
            };
            let places = [session + 1, i + 1, round.block[0], round.block[1]];
            for (name, place) in ["session", "trial", "block", "block_trial"].iter().zip(places) {
                number(name, place as f64);
            }
            for (name, &value) in task.recorded().zip(&round.recorded) {
                number(name, value);
            }
            for (column, &value) in task.columns().zip(&round.condition) {
                match task.label(column, value) {
                    None => number(&column.name, value),
                    Some(label) => {
                        let labels = behaviour.labels.entry(column.name.clone()).or_default();
                        labels.push(label.to_owned());
                    }
                }
            }
            for (epoch, steps) in task.epochs.iter().zip(&round.epochs) {
                let (onset, duration) = steps.map_or((f64::NAN, f64::NAN), |(a, b)| (ms(a), ms(b - a)));
                behaviour
                    .onset_ms
                    .entry(epoch.name.clone())
                    .or_default()
                    .push(onset);
                behaviour
                    .duration_ms
                    .entry(epoch.name.clone())
                    .or_default()
                    .push(duration);
            }
            let answer = round.answers.last();
            behaviour.action.push(answer.map(|&(_, action)| action));
            behaviour.chosen.push(answer.is_some());
            behaviour.correct.push(round.correct);
            behaviour
                .choice_ms
                .push(answer.map_or(f64::NAN, |&(step, _)| ms(step)));
            behaviour.reward.push(round.reward);
            behaviour.n_steps.push(round.n_steps);
        }
    }
    behaviour
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::draw_players;
    use crate::resolve::resolve;
    use crate::train::rules;
    use neuropil_tasks::registry;

    #[test]
    fn behaviour_is_the_same_whatever_the_value_network_is_or_does() {
        let task = registry::find("rdm", Some(50.0)).unwrap();
        let settings = |value: &str| {
            let given = ["policy.units=20", "value.units=20", value];
            resolve(&task, |layers| {
                given.iter().try_for_each(|setting| layers.set(setting))
            })
            .unwrap()
            .value
        };
        let config = settings("value.cell=gated");
        let (mut policy, value) = draw_players(&config, &task, 0).unwrap();
        // The read-out is 0 at first: let the policy's choices depend on its state, and come late.
        let layout = policy.network.layout().clone();
        let mut params = policy.params.clone();
        for (i, w) in layout.view_mut(&mut params, "w_out").iter_mut().enumerate() {
            *w = (i as f32).sin();
        }
        layout.view_mut(&mut params, "b_out")[0] = 3.0;
        policy.set_params(&params);
        let (_, mut off) = draw_players(&settings("value.cell=linear"), &task, 0).unwrap();
        let nothing = vec![0.0; off.params.len()];
        off.set_params(&nothing);
        let recorded = |value: &Player<f32>| {
            record_activity(
                (&policy, value),
                &task,
                1,
                4,
                &Fixed::new(),
                1,
                &rules(&config, &task),
            )
        };
        let (with, without) = (recorded(&value), recorded(&off));
        assert_ne!(with.predicted.rates, without.predicted.rates);
        assert!(without.predicted.rates.iter().all(|&predicted| predicted == 0.0));
        assert_eq!(
            with.behaviour.to_csv().unwrap(),
            without.behaviour.to_csv().unwrap()
        );
        assert_eq!(with.policy.rates, without.policy.rates);
        assert_eq!(with.probabilities.rates, without.probabilities.rates);
        let steps = &with.behaviour.n_steps;
        assert!(
            steps.iter().any(|&n| n != steps[0]),
            "trials end at times of their own"
        );
    }
}
