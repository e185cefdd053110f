//! Batches: examples that are drawn, what is replayed, dropout.

use super::Course;
use crate::data::Half;
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::layer::dropout;
use rand::RngExt;

impl Course<'_> {
    /// Examples of a batch, drawn with replacement, and their labels.
    pub(super) fn draw(
        &self,
        task: usize,
        batch: usize,
        examples: &[u32],
        n: usize,
    ) -> (Vec<f32>, Vec<usize>) {
        let inputs = self.data.train.size();
        let mut rng = Key::new(self.settings.seed)
            .attempt(task as u64)
            .at(batch as u64)
            .stream(Purpose::Condition, 0);
        let mut x = vec![0.0; n * inputs];
        let label = |row: &mut [f32]| {
            let example = examples[rng.random_range(0..examples.len())] as usize;
            self.tasks.copy(self.data, Half::Train, task, example, row);
            self.tasks.label(self.data, Half::Train, task, example)
        };
        let labels = x.chunks_exact_mut(inputs).map(label).collect();
        (x, labels)
    }

    /// Adds as many kept examples as the batch has; says whether there were any.
    pub(super) fn replay(
        &self,
        task: usize,
        batch: usize,
        n: usize,
        x: &mut Vec<f32>,
        labels: &mut Vec<usize>,
    ) -> bool {
        let Some(memory) = self
            .progress
            .memory
            .as_ref()
            .filter(|memory| !memory.kept().is_empty())
        else {
            return false;
        };
        let inputs = self.data.train.size();
        let mut rng = Key::new(self.settings.seed)
            .attempt(task as u64)
            .at(batch as u64)
            .stream(Purpose::Condition, 1);
        for _ in 0..n {
            let kept = memory.kept()[rng.random_range(0..memory.kept().len())];
            let from = x.len();
            x.resize(from + inputs, 0.0);
            self.tasks
                .copy(self.data, Half::Train, kept.task, kept.example, &mut x[from..]);
            labels.push(self.tasks.label(self.data, Half::Train, kept.task, kept.example));
        }
        true
    }

    pub(super) fn drop_inputs(&self, key: Key, x: &mut [f32]) {
        let keep = self.settings.network.input_keep;
        if keep < 1.0 {
            let units: Vec<u32> = (0..self.data.train.size() as u32).collect();
            let mut multipliers = vec![0.0; x.len()];
            dropout::draw(key, 0, keep, &units, &mut multipliers);
            x.iter_mut().zip(&multipliers).for_each(|(x, &m)| *x *= m);
        }
    }

    /// Gates and dropout of every hidden layer.
    pub(super) fn factors(
        &self,
        task: usize,
        active: &[Vec<u32>],
        key: Key,
        rows: usize,
        training: bool,
    ) -> Vec<(Option<Vec<f32>>, Option<Vec<f32>>)> {
        let keep = self.settings.network.hidden_keep;
        let gates = self.values(task, active).into_iter().zip(active).enumerate();
        gates
            .map(|(layer, (gates, active))| {
                let dropped = (training && keep < 1.0).then(|| {
                    let mut multipliers = vec![0.0; rows * active.len()];
                    dropout::draw(key, layer as u64 + 1, keep, active, &mut multipliers);
                    multipliers
                });
                (gates, dropped)
            })
            .collect()
    }
}
