//! The loop: validate, save, update, until the task is learnt.

use crate::batch::TaskBatch;
use crate::player::Player;
use crate::randomness::KeyedRandomness;
use crate::rules::{Rules, Teacher};
use crate::supervised::{self, Lesson};
use crate::update::{Report, Workspace, update};
use crate::validate::run;
use neuropil_math::rng::{Key, Phase};
use neuropil_tasks::performance::Performance;
use neuropil_tasks::task::Task;
use neuropil_tasks::trial::Trial;
use serde::{Deserialize, Serialize};

/// Batches smaller than this are cut into blocks of 8 trials, larger ones into blocks of 16.
///
/// Eight lanes let a batch of ten use both cores and waste little; wide blocks need fewer passes over the weights.
pub const WIDE_FROM: usize = 32;

/// When to check, when to stop, when to begin anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Updates at most.
    pub max_updates: u64,
    /// Updates between validations.
    pub check_every: u64,
    /// Trials per update.
    pub trials_per_update: usize,
    /// Trials per validation.
    pub validation_trials: usize,
    /// Stop when the mean reward of a validation reaches this.
    pub target_reward: f64,
    /// Stop when the task's criterion holds.
    pub stop_at_criterion: bool,
    /// Draw new networks when trapped, at most this often; 0: never.
    pub max_restarts: u64,
    /// A network is trapped when it has neither decided a trial nor aborted early for this many updates.
    pub trapped_after: u64,
    /// It is also given up after this many updates without a better validation; 0: never.
    pub patience: u64,
}

/// One validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Updates so far.
    pub update: u64,
    /// Training trials so far, those of discarded networks included.
    pub n_trials: u64,
    /// Which draw of the networks, from 0.
    pub attempt: u64,
    /// Lesson of the task's curriculum, from 0; their number when all are over.
    #[serde(default)]
    pub lesson: usize,
    /// Performance on the validation trials.
    pub performance: Performance,
    /// Best mean reward so far.
    pub new_best: bool,
    /// Root of the mean squared error of the value network in the last update.
    #[serde(deserialize_with = "finite::number")]
    pub value_error: f64,
    /// Smallest and largest gradient norm of policy and value network since the last check.
    #[serde(deserialize_with = "finite::norms")]
    pub gradient_norms: [[f64; 2]; 2],
}

/// Everything that a checkpoint must hold beside parameters and moments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Updates so far.
    pub update: u64,
    /// Training trials so far.
    pub n_trials: u64,
    /// Which draw of the networks, from 0.
    pub attempt: u64,
    /// Lesson of the task's curriculum, from 0; their number when all are over.
    #[serde(default)]
    pub lesson: usize,
    /// Update at which these networks were drawn.
    pub attempt_began: u64,
    /// Updates since a trial was last decided or aborted early.
    pub trapped_for: u64,
    /// Gradients in a row that were discarded.
    pub discarded: u64,
    /// Best mean reward of a validation of these networks; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_reward: Option<f64>,
    /// Update at which it was reached.
    #[serde(default)]
    pub best_update: u64,
    /// All validations.
    pub history: Vec<Check>,
    /// The criterion has been met.
    pub criterion_met: bool,
    /// Squared error of the value network and range of gradient norms since the last check.
    pub value_loss: f64,
    /// Range of gradient norms since the last check, over updates that were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norms: Option<[[f64; 2]; 2]>,
    /// The validation due at this update has been made.
    pub checked: bool,
}

/// Numbers of a checkpoint that an earlier version wrote as `null` when they were not finite; they count as 0.
mod finite {
    use serde::{Deserialize, Deserializer};

    type Norms<T> = [[T; 2]; 2];

    fn known(norms: Norms<Option<f64>>) -> Norms<f64> {
        norms.map(|range| range.map(Option::unwrap_or_default))
    }

    pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(from)?.unwrap_or_default())
    }

    pub(super) fn norms<'de, D: Deserializer<'de>>(from: D) -> Result<Norms<f64>, D::Error> {
        Norms::<Option<f64>>::deserialize(from).map(known)
    }

    pub(super) fn some_norms<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Norms<f64>>, D::Error> {
        Ok(Option::<Norms<Option<f64>>>::deserialize(from)?.map(known))
    }
}

/// Networks, moments and progress: what is saved and resumed.
#[derive(Debug)]
pub struct State {
    /// The acting network.
    pub policy: Player<f32>,
    /// The predicting network.
    pub value: Player<f32>,
    /// Parameters of the best validation: policy, value.
    pub best: (Vec<f32>, Vec<f32>),
    /// Counters and history.
    pub progress: Progress,
    /// Continuous mode: states that the next training trial starts from, policy and value network; none before
    /// the first.
    pub carried: Option<[Vec<f32>; 2]>,
}

impl State {
    /// Fresh networks.
    pub fn new(policy: Player<f32>, value: Player<f32>) -> Self {
        let best = (policy.params.clone(), value.params.clone());
        Self {
            policy,
            value,
            best,
            progress: Progress::default(),
            carried: None,
        }
    }
}

/// What happens while training.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A validation was made; the state is worth saving.
    Checked(&'a Check),
    /// An update was made.
    Updated(&'a Report),
    /// The networks were discarded and drawn anew.
    Restarted {
        /// Which draw begins, from 0.
        attempt: u64,
        /// Why the last one was given up.
        reason: Restart,
    },
    /// A lesson of the curriculum is over: this many are.
    Promoted(usize),
    /// This many gradients in a row were not finite.
    Discarded(u64),
}

/// Why networks were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// Fixation trap: every trial is fixated through to its end, so no reward is ever met.
    Trapped,
    /// No validation was better than the best so far within the patience.
    Stalled,
}

/// What to do after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop now; the state can be saved and resumed.
    Stop,
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The criterion, or the target reward, was reached.
    Learnt,
    /// All updates were made.
    OutOfUpdates,
    /// The observer stopped it.
    Stopped,
    /// More than [`MOST_DISCARDED`] gradients in a row were not finite.
    Diverged,
}

/// Gradients in a row that may be discarded before training is given up.
pub const MOST_DISCARDED: u64 = 50;

enum Work {
    Narrow(Workspace<f32, 8>),
    Wide(Workspace<f32, 16>),
    Taught(Lesson<f32, 8>),
}

/// Trains until the plan ends or `observe` says stop; runs on the current thread pool.
///
/// `redraw(attempt)` makes new networks when a plan with restarts gives the old ones up.
///
/// # Errors
/// Whatever `redraw` or `observe` fails with.
pub fn train<E>(
    task: &Task,
    plan: &Plan,
    rules: &Rules,
    key: Key,
    state: &mut State,
    redraw: &dyn Fn(u64) -> Result<(Player<f32>, Player<f32>), E>,
    observe: &mut dyn FnMut(&State, Event) -> Result<Flow, E>,
) -> Result<Ending, E> {
    let mut work = workspace(task, plan, rules, state);
    loop {
        if check_is_due(plan, &state.progress) {
            let before = state.progress.lesson;
            let ending = check(task, plan, rules, key, state);
            let last = state
                .progress
                .history
                .last()
                .expect("a check was just made")
                .clone();
            let flow = observe(state, Event::Checked(&last))?;
            if state.progress.lesson > before {
                observe(state, Event::Promoted(state.progress.lesson))?;
            }
            if let Some(ending) = ending {
                return Ok(ending);
            }
            if flow == Flow::Stop {
                return Ok(Ending::Stopped);
            }
        }
        if let Some(reason) = given_up(plan, &state.progress) {
            let progress = &mut state.progress;
            progress.attempt += 1;
            (progress.attempt_began, progress.best_update) = (progress.update, progress.update);
            progress.trapped_for = 0;
            progress.lesson = 0;
            progress.best_reward = None; // parameters of discarded networks go with them
            (state.policy, state.value) = redraw(progress.attempt)?;
            state.best = (state.policy.params.clone(), state.value.params.clone());
            state.carried = None;
            work = workspace(task, plan, rules, state);
            let attempt = state.progress.attempt;
            if observe(state, Event::Restarted { attempt, reason })? == Flow::Stop {
                return Ok(Ending::Stopped);
            }
        }
        let report = one_update(task, plan, rules, key, state, &mut work);
        if state.progress.discarded > 0 {
            observe(state, Event::Discarded(state.progress.discarded))?;
            if state.progress.discarded > MOST_DISCARDED {
                return Ok(Ending::Diverged);
            }
        }
        if observe(state, Event::Updated(&report))? == Flow::Stop {
            return Ok(Ending::Stopped);
        }
    }
}

fn workspace(task: &Task, plan: &Plan, rules: &Rules, state: &State) -> Work {
    let (policy, value) = (&state.policy.network, &state.value.network);
    let n = plan.trials_per_update;
    if rules.teacher == Teacher::Targets {
        Work::Taught(Lesson::new(policy, n, task.n_steps))
    } else if n < WIDE_FROM {
        let mut work = Workspace::new(policy, value, n, task.n_steps, rules.continuous);
        work.set_carried(state.carried.as_ref());
        Work::Narrow(work)
    } else {
        let mut work = Workspace::new(policy, value, n, task.n_steps, rules.continuous);
        work.set_carried(state.carried.as_ref());
        Work::Wide(work)
    }
}

fn check_is_due(plan: &Plan, progress: &Progress) -> bool {
    !progress.checked
        && (progress.update.is_multiple_of(plan.check_every) || progress.update >= plan.max_updates)
}

/// Validates, remembers the best, and says whether training is over.
fn check(task: &Task, plan: &Plan, rules: &Rules, key: Key, state: &mut State) -> Option<Ending> {
    let key = key.phase(Phase::Validate).at(state.progress.update);
    let lesson = state.progress.lesson;
    let (task, in_lesson) = (task.lesson(lesson), lesson < task.lessons.len());
    let (network, noise_sd) = (&state.policy.network, state.policy.noise_sd);
    let batch = TaskBatch::draw(task, key, plan.validation_trials).continuous(rules.continuous);
    let ran = run(network, noise_sd, &batch, rules.discount_per_step, key);
    let performance = ran.performance(task, &batch.trials);
    let passed = in_lesson && performance.meets(task);
    let met = !in_lesson && plan.stop_at_criterion && performance.meets(task);
    let progress = &mut state.progress;
    let new_best = met
        || progress
            .best_reward
            .is_none_or(|best| performance.mean_reward > best);
    if new_best {
        progress.best_reward = Some(performance.mean_reward);
        progress.best_update = progress.update;
        state.best = (state.policy.params.clone(), state.value.params.clone());
    }
    // In a world that answers, long sessions without a decision are no trap; nor is whatever earns more than waiting.
    let silent = task.world.is_none()
        && performance.n_decided == 0
        && performance.mean_steps > task.n_steps as f64 / 2.0
        && performance.mean_reward <= reward_of_waiting(&batch.trials, rules.discount_per_step) + ROUNDING;
    let since = progress.update
        - progress
            .history
            .last()
            .map_or(progress.update, |check| check.update);
    progress.trapped_for = if silent { progress.trapped_for + since } else { 0 };
    let reward = performance.mean_reward;
    progress.history.push(Check {
        update: progress.update,
        n_trials: progress.n_trials,
        attempt: progress.attempt,
        lesson,
        performance,
        new_best,
        value_error: progress.value_loss.sqrt(),
        gradient_norms: progress.norms.take().unwrap_or_default(),
    });
    progress.checked = true;
    progress.criterion_met |= met;
    if passed {
        progress.lesson += 1;
        progress.best_reward = None; // what was best in an easier task does not count
    }
    if met || (!in_lesson && reward >= plan.target_reward) {
        Some(Ending::Learnt)
    } else if progress.update >= plan.max_updates {
        Some(Ending::OutOfUpdates)
    } else {
        None
    }
}

/// Sums of a trial's discounted rewards may differ by this much for the order of their terms.
const ROUNDING: f64 = 1e-9;

/// Mean reward of going on fixating through all of the given trials.
fn reward_of_waiting(trials: &[Trial], discount_per_step: f64) -> f64 {
    let of = |trial: &Trial| {
        let mut sum = 0.0;
        for t in 0..trial.n_steps {
            let outcome = trial.row_at(t).outcomes[0];
            sum += outcome.reward * (-discount_per_step * t as f64).exp();
            if outcome.ends {
                break;
            }
        }
        sum
    };
    trials.iter().map(of).sum::<f64>() / trials.len().max(1) as f64
}

fn given_up(plan: &Plan, progress: &Progress) -> Option<Restart> {
    if progress.attempt >= plan.max_restarts || !progress.checked {
        None
    } else if progress.trapped_for >= plan.trapped_after {
        Some(Restart::Trapped)
    } else if plan.patience > 0 && progress.update - progress.best_update >= plan.patience {
        Some(Restart::Stalled)
    } else {
        None
    }
}

fn one_update(
    task: &Task,
    plan: &Plan,
    rules: &Rules,
    key: Key,
    state: &mut State,
    work: &mut Work,
) -> Report {
    let key = key.attempt(state.progress.attempt).at(state.progress.update);
    let task = task.lesson(state.progress.lesson);
    let batch = TaskBatch::draw(task, key, plan.trials_per_update);
    let (policy, value) = (&mut state.policy, &mut state.value);
    let draws = KeyedRandomness {
        key,
        policy_noise_sd: policy.noise_sd,
        value_noise_sd: value.noise_sd,
    };
    let report = match work {
        Work::Narrow(work) => update(policy, value, &batch, key, &draws, rules, work),
        Work::Wide(work) => update(policy, value, &batch, key, &draws, rules, work),
        Work::Taught(lesson) => supervised::update(policy, &batch, key, rules.max_gradient_norm, lesson),
    };
    state.carried = match work {
        Work::Narrow(work) => work.carried(),
        Work::Wide(work) => work.carried(),
        Work::Taught(_) => None,
    };
    let progress = &mut state.progress;
    progress.update += 1;
    progress.n_trials += plan.trials_per_update as u64;
    progress.checked = false;
    let discarded = report.policy_step.discarded || report.value_step.discarded;
    progress.discarded = if discarded { progress.discarded + 1 } else { 0 };
    if !discarded {
        // What is not finite was not made, and has no place in a record of what was.
        progress.value_loss = report.value_loss;
        let norms = [report.policy_step.norm, report.value_step.norm];
        let ranges = progress.norms.get_or_insert(norms.map(|norm| [norm, norm]));
        for (range, norm) in ranges.iter_mut().zip(norms) {
            *range = [range[0].min(norm), range[1].max(norm)];
        }
    }
    report
}
