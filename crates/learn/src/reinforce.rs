//! Networks that learn a task: by reward (policy gradient with a value network) or from targets, lesson by lesson.

use crate::batch::TaskBatch;
use crate::learner::{Learner, Mismatch, Verdict};
use crate::player::Player;
use crate::progress::{Check, Plan, Progress, Restart, State};
use crate::randomness::KeyedRandomness;
use crate::rules::{Rules, Teacher};
use crate::supervised::{self, Lesson};
use crate::update::{Report, Workspace, update};
use crate::validate::run;
use neuropil_math::arrays::Arrays;
use neuropil_math::rng::{Key, Phase};
use neuropil_tasks::task::Task;
use neuropil_tasks::trial::Trial;

/// Batches smaller than this are cut into blocks of 8 trials, larger ones into blocks of 16.
///
/// Eight lanes let a batch of ten use both cores and waste little; wide blocks need fewer passes over the weights.
pub const WIDE_FROM: usize = 32;

/// Draws networks anew: the `attempt`-th policy and value network.
pub type Redraw<'a, E> = &'a dyn Fn(u64) -> Result<(Player<f32>, Player<f32>), E>;

/// Two networks that learn a task. Lessons are its stages; networks that are trapped, or get no better, are drawn anew.
pub struct Reinforce<'a, E> {
    task: &'a Task,
    plan: &'a Plan,
    rules: &'a Rules,
    key: Key,
    redraw: Redraw<'a, E>,
    /// Networks, moments and progress.
    pub state: &'a mut State,
    work: Work,
}

impl<E> std::fmt::Debug for Reinforce<'_, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reinforce")
            .field("plan", self.plan)
            .field("progress", &self.state.progress)
            .finish_non_exhaustive()
    }
}

enum Work {
    Narrow(Workspace<f32, 8>),
    Wide(Workspace<f32, 16>),
    Taught(Lesson<f32, 8>),
}

impl<'a, E> Reinforce<'a, E> {
    /// Goes on with networks from where their progress says.
    pub fn new(
        task: &'a Task,
        plan: &'a Plan,
        rules: &'a Rules,
        key: Key,
        state: &'a mut State,
        redraw: Redraw<'a, E>,
    ) -> Self {
        let work = workspace(task, plan, rules, state);
        Self {
            task,
            plan,
            rules,
            key,
            redraw,
            state,
            work,
        }
    }
}

/// Array of the steps that both optimisers have taken.
const STEPS: &str = "adam_steps";

impl<E> Learner for Reinforce<'_, E> {
    type Report = Report;
    type Reason = Restart;
    type Error = E;

    fn check_is_due(&self) -> bool {
        let progress = &self.state.progress;
        !progress.checked
            && (progress.update.is_multiple_of(self.plan.check_every)
                || progress.update >= self.plan.max_updates)
    }

    fn check(&mut self) -> Verdict {
        check(self.task, self.plan, self.rules, self.key, self.state)
    }

    fn close_stage(&mut self) -> Result<(), E> {
        next_lesson(&mut self.state.progress);
        Ok(())
    }

    fn given_up(&self) -> Option<Restart> {
        given_up(self.plan, &self.state.progress)
    }

    fn begin_anew(&mut self) -> Result<(), E> {
        let state = &mut *self.state;
        let progress = &mut state.progress;
        progress.attempt += 1;
        (progress.attempt_began, progress.best_update) = (progress.update, progress.update);
        progress.trapped_for = 0;
        progress.lesson = 0;
        progress.best_reward = None; // parameters of discarded networks go with them
        (state.policy, state.value) = (self.redraw)(progress.attempt)?;
        state.best = (state.policy.params.clone(), state.value.params.clone());
        state.carried = None;
        self.work = workspace(self.task, self.plan, self.rules, self.state);
        Ok(())
    }

    fn update(&mut self) -> Report {
        one_update(
            self.task,
            self.plan,
            self.rules,
            self.key,
            self.state,
            &mut self.work,
        )
    }

    fn discarded(&self) -> u64 {
        self.state.progress.discarded
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = self.state.arrays();
        let steps: Vec<i64> = self.state.adam_steps().map(|steps| steps as i64).into();
        arrays.insert(STEPS.to_owned(), (vec![2], steps.into()));
        arrays
    }

    fn restore(&mut self, arrays: &Arrays) -> Result<(), Mismatch> {
        let steps = arrays.get(STEPS).and_then(|(_, values)| values.integers());
        let Some([policy, value]) = steps.as_deref() else {
            return Err(Mismatch {
                name: STEPS.to_owned(),
                shape: vec![2],
            });
        };
        self.state.restore(arrays, [*policy as u64, *value as u64])?;
        self.work = workspace(self.task, self.plan, self.rules, self.state);
        Ok(())
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

/// Validates, remembers the best, and says how to go on.
fn check(task: &Task, plan: &Plan, rules: &Rules, key: Key, state: &mut State) -> Verdict {
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
    if met || (!in_lesson && reward >= plan.target_reward) {
        Verdict::Learnt
    } else if progress.update >= plan.max_updates {
        if passed {
            next_lesson(progress);
        }
        Verdict::OutOfUpdates
    } else if passed {
        Verdict::NextStage
    } else {
        Verdict::GoOn
    }
}

fn next_lesson(progress: &mut Progress) {
    progress.lesson += 1;
    progress.best_reward = None; // what was best in an easier task does not count
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
