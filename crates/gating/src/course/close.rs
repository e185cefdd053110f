//! The end of a task: importance, anchors, memory, and the test of all tasks so far.

use super::{Course, Current, views};
use crate::data::Half;
use crate::importance::{Examples, fisher, memory_aware, synaptic_intelligence};
use crate::masse2018;
use crate::method::Stabiliser;
use crate::record::Learnt;
use crate::replay::Kept;
use neuropil_math::rng::{Key, Phase};

impl Course<'_> {
    /// Ends the task at hand: importance, anchors, memory, test of all tasks so far.
    pub(super) fn close(&mut self) {
        let task = self.progress.task;
        let mut current = self.current.take().expect("a task at hand");
        let mut added = self.added(task, &current);
        for tensor in current.tensors.iter().filter(|tensor| !tensor.stabilised) {
            added[tensor.range.clone()].fill(0.0);
        }
        let moved = current
            .tensors
            .iter()
            .filter(|tensor| tensor.stabilised)
            .flat_map(|tensor| tensor.range.clone());
        let square = |i: usize| f64::from(current.learner.theta[i] - current.learner.anchor[i]).powi(2);
        let distance = moved.map(square).sum::<f64>().sqrt();
        let decay = self.settings.stabilise.decay as f32;
        if decay < 1.0 {
            self.importance
                .iter_mut()
                .for_each(|importance| *importance *= decay);
            current
                .learner
                .importance
                .iter_mut()
                .for_each(|importance| *importance *= decay);
        }
        current
            .learner
            .close(&added, self.settings.training.reset_between_tasks);
        current.places.scatter(&current.learner.theta, &mut self.theta);
        current
            .places
            .scatter(&current.learner.importance, &mut self.importance);
        if let Some(memory) = &mut self.progress.memory {
            let key = Key::new(self.settings.seed);
            for &example in &current.examples {
                let class = self.tasks.label(self.data, Half::Train, task, example as usize);
                memory.offer(
                    Kept {
                        task,
                        example: example as usize,
                        class,
                    },
                    key,
                );
            }
        }
        let accuracies = (0..=task).map(|seen| self.accuracy(seen)).collect();
        let largest = self.importance.iter().fold(0.0_f32, |a, &b| a.max(b));
        let progress = &mut self.progress;
        let (sum, count) = progress.losses;
        progress.learnt.push(Learnt {
            curve: progress.curve.take(),
            accuracies,
            batches: progress.batch as u64,
            loss: sum / count.max(1) as f64,
            largest_penalty: progress.largest_penalty,
            distance,
            clipped: progress.clipped,
            largest_pull: 2.0 * self.settings.strength(self.method) * f64::from(largest),
            ..Learnt::default()
        });
        progress.losses = (0.0, 0);
        progress.largest_penalty = 0.0;
        progress.clipped = 0;
        progress.batch = 0;
        progress.task += 1;
    }

    /// What the task at hand adds to the importance of the units that it uses.
    pub(super) fn added(&self, task: usize, current: &Current) -> Vec<f32> {
        let of = &self.settings.stabilise;
        let learner = &current.learner;
        if matches!(self.method.stabiliser, Stabiliser::Si | Stabiliser::None) {
            return synaptic_intelligence(&learner.path, &learner.theta, &learner.anchor, of.xi);
        }
        let mut sums = vec![0.0; learner.theta.len()];
        let n = 256.min(of.samples);
        let batches = of.samples.div_ceil(n);
        for batch in 0..batches {
            let key = Key::new(self.settings.seed)
                .phase(Phase::Validate)
                .attempt(task as u64)
                .at(batch as u64);
            let rows = n.min(of.samples - batch * n);
            let (mut x, labels) = self.draw(task, (1 << 30) + batch, &current.examples, rows);
            let factors = self.factors(task, &current.active, key, rows, of.dropout);
            if of.dropout {
                self.drop_inputs(key, &mut x);
            }
            let head = self.tasks.head_of(task);
            let views = views(&factors);
            let rule = self.method.rule.then_some(task);
            let examples = Examples {
                x: &x,
                labels: &labels,
                factors: &views,
                rule,
                head: &head,
            };
            if self.method.stabiliser == Stabiliser::Ewc {
                fisher(
                    &current.network,
                    &learner.theta,
                    &examples,
                    of.labels,
                    masse2018::FISHER_FLOOR,
                    key,
                    &mut sums,
                );
            } else {
                memory_aware(&current.network, &learner.theta, &examples, &mut sums);
            }
        }
        sums.iter_mut().for_each(|sum| *sum /= of.samples as f32);
        sums
    }
}
