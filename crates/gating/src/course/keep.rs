//! What a stopped course goes on from.

use super::{Course, Current, Progress};
use crate::error::GatingError;
use neuropil_lab::error::Problem;
use neuropil_math::arrays::Arrays;

impl Course<'_> {
    /// Everything that a stopped course goes on from.
    pub fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        let mut put = |name: &str, values: &[f32]| {
            arrays.insert(name.to_owned(), (vec![values.len()], values.to_vec().into()));
        };
        put("theta", &self.theta);
        put("importance", &self.importance);
        if let Some(Current { learner, .. }) = &self.current {
            put("task.theta", &learner.theta);
            put("task.path", &learner.path);
            put("task.first", &learner.first);
            put("task.second", &learner.second);
        }
        arrays
    }

    /// Counters to be kept beside [`Course::arrays`].
    pub fn kept_progress(&self) -> Progress {
        let steps = self.current.as_ref().map_or(0, |current| current.learner.steps);
        Progress {
            steps,
            ..self.progress.clone()
        }
    }

    /// Goes on from what was kept.
    ///
    /// # Errors
    /// Arrays of another network.
    pub fn restore(&mut self, arrays: &Arrays, progress: Progress) -> Result<(), GatingError> {
        let take = |name: &str, n: usize| -> Result<Vec<f32>, GatingError> {
            let found = arrays.get(name).and_then(|(_, values)| values.singles());
            let values = found.filter(|values| values.len() == n);
            values.ok_or_else(|| {
                Problem::new(
                    format!("the checkpoint has no `{name}` of {n} values"),
                    "it is of another network",
                )
                .into()
            })
        };
        self.theta = take("theta", self.theta.len())?;
        self.importance = take("importance", self.importance.len())?;
        self.current = None;
        self.progress = progress;
        if arrays.contains_key("task.theta") {
            let before = self.progress.before.clone();
            self.begin();
            self.progress.before = before;
            let steps = self.progress.steps;
            let current = self.current.as_mut().expect("a task that was begun");
            let n = current.learner.theta.len();
            current.learner.theta = take("task.theta", n)?;
            current.learner.path = take("task.path", n)?;
            current.learner.first = take("task.first", n)?;
            current.learner.second = take("task.second", n)?;
            current.learner.steps = steps;
        }
        Ok(())
    }
}
