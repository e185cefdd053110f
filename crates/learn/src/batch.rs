//! Trials of a task as a batch: rows of tables, or sessions in a world that answers.

use neuropil_math::rng::{Key, Purpose};
use neuropil_tasks::block::TrialBlock;
use neuropil_tasks::environment::Environment;
use neuropil_tasks::task::Task;
use neuropil_tasks::trial::Trial;
use neuropil_tasks::world::Lockstep;

/// Trials to learn from or to be tested on.
pub trait Batch: Sync {
    /// Number of trials.
    fn n_trials(&self) -> usize;
    /// Longest possible trial, in steps.
    fn n_steps(&self) -> usize;
    /// Steps that a trial is likely to take; only the speed depends on it.
    fn expected_steps(&self, trial: usize) -> usize;
    /// Is some action at this step a choice, rather than all but one an abort?
    fn offers_choice(&self, trial: usize, step: usize) -> bool;
    /// The world that answers the given trials, one a lane, `lanes` lanes wide.
    fn open(&self, key: Key, trials: &[u64], lanes: usize) -> Box<dyn Environment + '_>;
}

/// Trials of one task.
#[derive(Debug)]
pub struct TaskBatch<'a> {
    task: &'a Task,
    /// The trials.
    pub trials: Vec<Trial>,
    /// Outside training, trials form chains that carry the networks' states on: see [`crate::carry`].
    pub continuous: bool,
}

impl<'a> TaskBatch<'a> {
    /// `n` random trials from the streams under `key`.
    pub fn draw(task: &'a Task, key: Key, n: usize) -> Self {
        let trials = (0..n as u64)
            .map(|trial| task.draw(&mut key.stream(Purpose::Condition, trial)))
            .collect();
        Self::of(task, trials)
    }

    /// Given trials.
    pub fn of(task: &'a Task, trials: Vec<Trial>) -> Self {
        Self {
            task,
            trials,
            continuous: false,
        }
    }

    /// The same trials, chained or not.
    pub fn continuous(self, continuous: bool) -> Self {
        Self { continuous, ..self }
    }
}

impl Batch for TaskBatch<'_> {
    fn n_trials(&self) -> usize {
        self.trials.len()
    }

    fn n_steps(&self) -> usize {
        self.task.n_steps
    }

    fn expected_steps(&self, trial: usize) -> usize {
        self.trials[trial]
            .first_choice_step()
            .unwrap_or(self.task.n_steps)
    }

    fn offers_choice(&self, trial: usize, step: usize) -> bool {
        self.task.world.is_some() || self.trials[trial].row_at(step).offers_choice()
    }

    fn open(&self, key: Key, ids: &[u64], lanes: usize) -> Box<dyn Environment + '_> {
        if let Some(world) = &self.task.world {
            return match lanes {
                8 => Box::new(Lockstep::<8>::new(&**world, key, ids)),
                16 => Box::new(Lockstep::<16>::new(&**world, key, ids)),
                32 => Box::new(Lockstep::<32>::new(&**world, key, ids)),
                other => panic!("no block of {other} lanes"),
            };
        }
        let trials = ids.iter().map(|&id| &self.trials[id as usize]).collect();
        let noisy = &self.task.noisy_inputs;
        match lanes {
            8 => Box::new(TrialBlock::<8>::new(trials, noisy, key, ids)),
            16 => Box::new(TrialBlock::<16>::new(trials, noisy, key, ids)),
            32 => Box::new(TrialBlock::<32>::new(trials, noisy, key, ids)),
            other => panic!("no block of {other} lanes"),
        }
    }
}
