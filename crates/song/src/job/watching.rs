//! What the loop does, as news for whoever watches.

use super::told::measures;
use crate::train;
use neuropil_learn::train::{Flow as LoopFlow, Restart};
use neuropil_study::{Flow, News};
use neuropil_tasks::performance::Performance;
use neuropil_tasks::task::Task;

/// Validations in a row with hardly a decision before we say so.
const STUCK_CHECKS: u32 = 10;
/// Share of trials that a decision is hardly ever.
const HARDLY: f64 = 0.005;

/// The news of one run.
pub(super) struct Watching<'a> {
    task: &'a Task,
    label: String,
    /// Fraction correct at which the criterion is met.
    threshold: f64,
    stuck: u32,
    watch: &'a mut dyn FnMut(&News<'_>) -> Flow,
}

impl<'a> Watching<'a> {
    pub(super) fn new(task: &'a Task, seed: u64, watch: &'a mut dyn FnMut(&News<'_>) -> Flow) -> Self {
        let correct = task.quantities.iter().find(|q| q.name == "correct");
        Self {
            task,
            label: format!("{} seed {seed}", task.definition.name),
            threshold: correct.and_then(|q| q.at_least).unwrap_or(1.0),
            stuck: 0,
            watch,
        }
    }

    pub(super) fn tell(&mut self, news: train::News<'_>) -> LoopFlow {
        let label = &self.label;
        let flow = match news {
            train::News::Update(update) => (self.watch)(&News::Update(update)),
            train::News::Check(check) => {
                let performance = &check.performance;
                let flow = (self.watch)(&News::Check {
                    seen: check.n_trials,
                    unit: self.task.unit(),
                    measures: &measures(performance, self.task),
                    toward: Some((performance.fraction_correct(), self.threshold)),
                });
                self.say_if_stuck(performance);
                flow
            }
            train::News::Taken(taken) => (self.watch)(&News::Said(&format!("{label}: {}", taken.words()))),
            train::News::Promoted(lessons) => {
                let of = self.task.lessons.len();
                (self.watch)(&News::Said(&format!("{label}: lesson {lessons} of {of} learnt")))
            }
            train::News::Restart(attempt, reason) => {
                let why = match reason {
                    Restart::Trapped => "fixation trap: no decision, every trial sat out",
                    Restart::Stalled => "no better validation within the patience",
                };
                let said = format!("{label}: {why}; drawing new networks (restart {attempt})");
                (self.watch)(&News::Said(&said))
            }
        };
        match flow {
            Flow::Continue => LoopFlow::Continue,
            Flow::Stop => LoopFlow::Stop,
        }
    }

    /// Sessions in whose trials nothing is answered.
    fn say_if_silent(&mut self, performance: &Performance) {
        let answered = performance.quantities.get("answered").copied().unwrap_or(1.0);
        self.stuck = if answered < HARDLY { self.stuck + 1 } else { 0 };
        if self.stuck == STUCK_CHECKS {
            let said = format!(
                "{}: hardly a trial of the last {STUCK_CHECKS} validations was answered: wrong answers may cost more than right ones bring \
                 while the network guesses; a first lesson (`[[curriculum]]`) in which they cost less brings it to its first answers",
                self.label
            );
            (self.watch)(&News::Said(&said));
        }
    }

    fn say_if_stuck(&mut self, performance: &Performance) {
        if self.task.sessions().is_some() {
            self.say_if_silent(performance);
            return;
        }
        let undecided = (performance.n_decided as f64) < HARDLY * performance.n_trials as f64;
        let (task, rewards) = (self.task, &self.task.definition.rewards);
        let is_stuck = undecided && task.world.is_none() && performance.mean_reward <= 0.9 * rewards.abort;
        self.stuck = if is_stuck { self.stuck + 1 } else { 0 };
        if self.stuck != STUCK_CHECKS {
            return;
        }
        let sat_out = performance.mean_steps > task.n_steps as f64 / 2.0;
        let help = if sat_out {
            "nothing is being learnt; `training.t0_return = \"immediate\"` is what makes learning start when trials that \
             are sat out are punished"
                .to_owned()
        } else if rewards.tau_ms.is_none() {
            format!(
                "an abort costs the same whenever it comes, so that waiting longer is no better; `[rewards] tau_ms = {:.0}` \
                 in the task file makes a later abort cost less",
                task.definition.tmax_ms
            )
        } else {
            "shorter epochs in a first lesson (`[[curriculum]]`) bring a network to its first answers"
                .to_owned()
        };
        let how = if sat_out { "sat out" } else { "aborted" };
        let said = format!(
            "{}: hardly a trial of the last {STUCK_CHECKS} validations came to a decision, all others were {how}: {help}",
            self.label
        );
        (self.watch)(&News::Said(&said));
    }
}
