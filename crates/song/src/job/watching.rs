//! What the loop does, as news for whoever watches.

use super::told::measures;
use crate::train;
use neuropil_learn::train::{Flow as LoopFlow, Restart};
use neuropil_study::{Flow, News};
use neuropil_tasks::task::Task;

/// Validations in a row without any reward before we say so.
const STUCK_CHECKS: u32 = 20;

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
                    unit: "trials",
                    measures: &measures(performance, self.task.world.is_some()),
                    toward: Some((performance.fraction_correct(), self.threshold)),
                });
                self.say_if_stuck(performance.mean_reward);
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

    fn say_if_stuck(&mut self, mean_reward: f64) {
        let abort = self.task.definition.rewards.abort;
        self.stuck = if mean_reward <= abort { self.stuck + 1 } else { 0 };
        if self.stuck == STUCK_CHECKS {
            let said = format!(
                "{}: every trial of the last {STUCK_CHECKS} validations ended with {abort}: nothing is being learnt; \
                 `training.t0_return = \"immediate\"` is what makes learning start when trials that are sat out are \
                 punished",
                self.label
            );
            (self.watch)(&News::Said(&said));
        }
    }
}
