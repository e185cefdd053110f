//! The front end and the dense network on top of it, learnt together.

use super::{AT_A_TIME, Front, Pass};
use crate::data::{Dataset, Half};
use crate::network::{Factors, Network, Pass as Dense, Power, n_right};
use crate::settings::Settings;
use neuropil_lab::error::Problem;
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::layer::dropout;
use neuropil_nn::loss::cross_entropy;
use neuropil_nn::optim::{Adam, AdamRule};
use rand::RngExt;
use rayon::prelude::*;

/// An example: its data set, its number there, its class among those of all sets.
type Example = (usize, usize, usize);

/// Both networks, their parameters, and what they learn from.
#[derive(Debug)]
pub(super) struct Pupil<'a> {
    settings: &'a Settings,
    sets: &'a [Dataset],
    pub(super) front: Front,
    dense: Network,
    /// Those of the front end, then those of the dense network.
    pub(super) theta: Vec<f32>,
    pub(super) adam: Adam<f32>,
    train: Vec<Example>,
    test: Vec<Example>,
    pub(super) n_classes: usize,
}

impl<'a> Pupil<'a> {
    /// Both networks before they learn.
    ///
    /// # Errors
    /// Pictures of different shapes, or of one that cannot be halved twice.
    pub(super) fn new(settings: &'a Settings, sets: &'a [Dataset]) -> Result<Self, Problem> {
        let shape = sets[0].train.shape;
        if let Some(other) = sets.iter().find(|set| set.train.shape != shape) {
            let message = format!(
                "`{}` has pictures of another size than `{}`",
                other.name, sets[0].name
            );
            return Err(Problem::new(
                message,
                "all data sets must have pictures of one size",
            ));
        }
        let front = Front::new(shape)?;
        let (mut n_classes, mut train, mut test) = (0, Vec::new(), Vec::new());
        for (set, data) in sets.iter().enumerate() {
            for (half, all) in [(Half::Train, &mut train), (Half::Test, &mut test)] {
                let numbers = data.numbers(half).iter().enumerate();
                all.extend(numbers.map(|(example, &class)| (set, example, n_classes + class)));
            }
            n_classes += data.classes.len();
        }
        let mut widths = vec![front.out().iter().product()];
        widths.extend(&settings.network.hidden);
        widths.push(n_classes);
        let dense = Network::new(&widths, 0);
        let key = Key::new(settings.seed);
        let mut theta: Vec<f32> = front.initial(key);
        theta.extend(dense.initial::<f32>(key.part(1)));
        Ok(Self {
            settings,
            sets,
            front,
            dense,
            adam: Adam::new(theta.len(), AdamRule::default()),
            theta,
            train,
            test,
            n_classes,
        })
    }

    fn pictures(&self, half: Half, examples: &[Example]) -> (Vec<f32>, Vec<usize>) {
        let size = self.sets[0].train.size();
        let mut x = vec![0.0; examples.len() * size];
        for (row, &(set, example, _)) in x.chunks_exact_mut(size).zip(examples) {
            self.sets[set].copy(half, example, row);
        }
        (x, examples.iter().map(|example| example.2).collect())
    }

    /// Learns from one batch, drawn with replacement: mean loss, fraction right.
    pub(super) fn learn(&mut self, batch: u64) -> (f64, f64) {
        let (n, key) = (
            self.settings.training.batch,
            Key::new(self.settings.seed).at(batch),
        );
        let mut rng = key.stream(Purpose::Shuffle, 0);
        let drawn: Vec<Example> = (0..n)
            .map(|_| self.train[rng.random_range(0..self.train.len())])
            .collect();
        let one = |(chunk, examples): (usize, &[Example])| self.part(examples, key.part(chunk as u64), n);
        let parts: Vec<(f64, usize, Vec<f32>)> = drawn.par_chunks(AT_A_TIME).enumerate().map(one).collect();
        let mut gradient = vec![0.0; self.theta.len()];
        let (mut loss, mut right) = (0.0, 0);
        for (part_loss, part_right, part) in &parts {
            loss += part_loss;
            right += part_right;
            gradient.iter_mut().zip(part).for_each(|(sum, &g)| *sum += g);
        }
        self.adam
            .step(&mut self.theta, &gradient, self.settings.training.rate);
        (loss, right as f64 / n as f64)
    }

    /// Loss, right answers and gradient of some examples of a batch of `n`.
    fn part(&self, examples: &[Example], key: Key, n: usize) -> (f64, usize, Vec<f32>) {
        let (x, labels) = self.pictures(Half::Train, examples);
        let (front, dense) = self.theta.split_at(self.front.layout().len());
        let drop = |site: usize, units: usize, keep: f64| {
            let units: Vec<u32> = (0..units as u32).collect();
            let mut factors = vec![0.0_f32; examples.len() * units.len()];
            dropout::draw(key, site as u64, keep, &units, &mut factors);
            factors
        };
        let of = &self.settings.network;
        let [first, second] = self.front.sites();
        let kept = [drop(0, first, of.input_keep), drop(1, second, of.input_keep)];
        let kept = [Some(&kept[0][..]), Some(&kept[1][..])];
        let hidden = of.hidden.iter().enumerate();
        let dropped: Vec<Vec<f32>> = hidden
            .map(|(layer, &width)| drop(2 + layer, width, of.hidden_keep))
            .collect();
        let factors: Vec<Factors<'_, f32>> = dropped
            .iter()
            .map(|dropout| Factors {
                gates: None,
                dropout: Some(dropout),
            })
            .collect();
        let (mut seen, mut told) = (Pass::default(), Dense::default());
        self.front.forward(front, &x, kept, &mut seen);
        self.dense
            .forward(dense, seen.features(), &factors, None, &mut told);
        let mut d = vec![0.0; told.logits().len()];
        let share = 1.0 / n as f64;
        let head = 0..self.n_classes;
        let right = n_right(told.logits(), self.n_classes, &head, &labels);
        let loss = cross_entropy(told.logits(), self.n_classes, head, &labels, |_| share, &mut d);
        let mut gradient = vec![0.0; self.theta.len()];
        let (d_front, d_dense) = gradient.split_at_mut(front.len());
        let first = self.dense.backward(dense, &told, &d, None, Power::One, d_dense);
        let d_features = self.dense.to_inputs(dense, &first);
        self.front.backward(front, &seen, kept, &d_features, d_front);
        (loss, right, gradient)
    }

    /// Fraction of the test examples that is right.
    pub(super) fn accuracy(&self) -> f64 {
        let (front, dense) = self.theta.split_at(self.front.layout().len());
        let one = |examples: &[Example]| {
            let (x, labels) = self.pictures(Half::Test, examples);
            let (mut seen, mut told) = (Pass::default(), Dense::default());
            self.front.forward(front, &x, [None, None], &mut seen);
            self.dense.forward(dense, seen.features(), &[], None, &mut told);
            n_right(told.logits(), self.n_classes, &(0..self.n_classes), &labels)
        };
        let right: usize = self.test.par_chunks(AT_A_TIME).map(one).sum();
        right as f64 / self.test.len().max(1) as f64
    }
}
