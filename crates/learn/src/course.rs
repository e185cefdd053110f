//! A course: tasks learnt one after another, each closed before the next one begins, all of those seen tested after each.
//!
//! What a stage learns, how it is closed (Ω ← …, fresh moments) and how it is tested is the student's; the course counts,
//! ends a stage early when it has been learnt, keeps the table of tests, and can be resumed in the middle of any stage.

use crate::learner::{Learner, Mismatch, Verdict};
use neuropil_math::arrays::Arrays;
use neuropil_math::rng::{Key, Phase};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Measures of a test, by name.
pub type Measures = BTreeMap<String, f64>;

/// Who takes a course.
pub trait Student {
    /// What an update says.
    type Report;
    /// What can go wrong when a stage is closed.
    type Error;
    /// One update on the task of a stage.
    fn update(&mut self, stage: usize, key: Key) -> Self::Report;
    /// How well the update's batch was done, between 0 and 1: what ends a stage early.
    fn success(report: &Self::Report) -> f64;
    /// Was the update's gradient discarded?
    fn discarded(_: &Self::Report) -> bool {
        false
    }
    /// The stage is over: what was learnt is consolidated.
    ///
    /// # Errors
    /// Whatever it needs that can fail.
    fn close(&mut self, stage: usize, key: Key) -> Result<(), Self::Error>;
    /// Tests on the task of a stage seen so far.
    fn test(&self, stage: usize, key: Key) -> Measures;
    /// Everything that moves, by name.
    fn arrays(&self) -> Arrays;
    /// Takes back what [`Student::arrays`] gave.
    ///
    /// # Errors
    /// An array is missing or of another size.
    fn restore(&mut self, arrays: &Arrays) -> Result<(), Mismatch>;
}

/// A stage ends early when the mean success of the last updates is high enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Early {
    /// Not before this many updates of the stage.
    pub after: u64,
    /// Mean success that must be exceeded.
    pub above: f64,
}

/// How long the stages are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Stages.
    pub n_stages: usize,
    /// Updates of a stage at most.
    pub updates_per_stage: u64,
    /// Updates between checks; the state is worth saving after each.
    pub check_every: u64,
    /// Updates over which success is averaged.
    pub window: usize,
    /// Any of these ends a stage.
    pub early: Vec<Early>,
}

/// How far a course is: everything that a checkpoint must hold beside the student's arrays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Stage, from 0; their number when all are closed.
    pub stage: usize,
    /// Updates made in this stage.
    pub update: u64,
    /// Updates made in all stages.
    pub total: u64,
    /// Updates that each closed stage took.
    pub lengths: Vec<u64>,
    /// Success of the last updates of this stage, oldest first.
    pub recent: VecDeque<f64>,
    /// After each closed stage, the tests on all stages so far.
    pub table: Vec<Vec<Measures>>,
    /// Gradients in a row that were discarded.
    pub discarded: u64,
    /// The check due at this update has been made.
    pub checked: bool,
}

impl Progress {
    /// Mean success of the last updates of this stage; none before a window is full.
    pub fn mean_success(&self, window: usize) -> Option<f64> {
        let full = window > 0 && self.recent.len() >= window;
        full.then(|| self.recent.iter().sum::<f64>() / self.recent.len() as f64)
    }
}

/// A student on its course.
#[derive(Debug)]
pub struct Course<S> {
    /// How long the stages are.
    pub plan: Plan,
    /// Names the streams: each stage is a part of it.
    pub key: Key,
    /// Who takes it.
    pub student: S,
    /// How far it is.
    pub progress: Progress,
}

impl<S: Student> Course<S> {
    fn stage_key(&self) -> Key {
        self.key.part(self.progress.stage as u64)
    }

    fn stage_is_over(&self) -> bool {
        let (plan, progress) = (&self.plan, &self.progress);
        let mean = progress.mean_success(plan.window);
        let early = |rule: &Early| progress.update > rule.after && mean.is_some_and(|mean| mean > rule.above);
        progress.update >= plan.updates_per_stage || plan.early.iter().any(early)
    }
}

impl<S: Student> Learner for Course<S> {
    type Report = S::Report;
    type Reason = std::convert::Infallible;
    type Error = S::Error;

    fn check_is_due(&self) -> bool {
        let Progress {
            stage,
            update,
            checked,
            ..
        } = self.progress;
        let due = update.is_multiple_of(self.plan.check_every) || self.stage_is_over();
        stage >= self.plan.n_stages || (!checked && due) // a course that is over stays so
    }

    fn check(&mut self) -> Verdict {
        self.progress.checked = true;
        if self.progress.stage >= self.plan.n_stages {
            Verdict::Learnt
        } else if self.stage_is_over() {
            Verdict::NextStage
        } else {
            Verdict::GoOn
        }
    }

    fn close_stage(&mut self) -> Result<(), S::Error> {
        let (stage, key) = (self.progress.stage, self.stage_key());
        self.student.close(stage, key)?;
        let test = |seen: usize| {
            let key = self.key.part(seen as u64).phase(Phase::Test).at(stage as u64);
            self.student.test(seen, key)
        };
        let row = (0..=stage).map(test).collect();
        let progress = &mut self.progress;
        progress.table.push(row);
        progress.lengths.push(progress.update);
        progress.stage += 1;
        progress.update = 0;
        progress.recent.clear();
        progress.discarded = 0;
        progress.checked = true;
        Ok(())
    }

    fn update(&mut self) -> S::Report {
        let key = self.stage_key().at(self.progress.update);
        let report = self.student.update(self.progress.stage, key);
        let progress = &mut self.progress;
        if self.plan.window > 0 {
            if progress.recent.len() >= self.plan.window {
                progress.recent.pop_front();
            }
            progress.recent.push_back(S::success(&report));
        }
        progress.discarded = if S::discarded(&report) {
            progress.discarded + 1
        } else {
            0
        };
        progress.update += 1;
        progress.total += 1;
        progress.checked = false;
        report
    }

    fn discarded(&self) -> u64 {
        self.progress.discarded
    }

    fn arrays(&self) -> Arrays {
        self.student.arrays()
    }

    fn restore(&mut self, arrays: &Arrays) -> Result<(), Mismatch> {
        self.student.restore(arrays)
    }
}
