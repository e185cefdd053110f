//! Is importance real? Weights are ranked by Ω and changed group by group: accuracy must fall most where Ω is largest.

use crate::network::Tensor;
use crate::sequence::Sequence;
use neuropil_draw::{Figure, Panel, Series};
use neuropil_math::rng::{Key, Purpose};
use neuropil_math::stats::correlation::pearson;
use neuropil_study::{Origin, Shown, Table, Tell};
use rand::RngExt;
use serde::Serialize;

/// Groups of equal count.
const GROUPS: usize = 20;
/// Size of the change, in standard deviations of the weights of the array.
const SIZE: f64 = 2.0;

/// What changing a group of weights costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Perturbation {
    /// Size of the change of each weight, in standard deviations of its array's weights; its sign is random.
    pub size: f64,
    /// Weights of a group.
    pub weights: usize,
    /// Mean log₁₀ Ω of each group, in increasing order; groups without importance are left out.
    pub log_importance: Vec<f64>,
    /// By how much the mean accuracy over all tasks falls.
    pub cost: Vec<f64>,
    /// Mean accuracy before.
    pub before: f64,
    /// Pearson's correlation of the two; none where one of them is constant.
    pub correlation: Option<f64>,
}

/// Standard deviation of the weights of an array.
fn spread(theta: &[f32]) -> f64 {
    let n = theta.len().max(1) as f64;
    let mean = theta.iter().map(|&w| f64::from(w)).sum::<f64>() / n;
    (theta.iter().map(|&w| (f64::from(w) - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// Changes the weights of a sequence group by group; they are as they were afterwards.
pub(crate) fn perturbation(sequence: &mut dyn Sequence, seed: u64) -> Perturbation {
    let record = sequence.record();
    let matrices: Vec<Tensor> = record
        .tensors
        .iter()
        .filter(|tensor| tensor.is_matrix())
        .cloned()
        .collect();
    let importance = record.importance.to_vec();
    let mut ranked: Vec<usize> = matrices
        .iter()
        .flat_map(|tensor| tensor.range.clone())
        .filter(|&i| importance[i] > 0.0)
        .collect();
    drop(record);
    ranked.sort_by(|&a, &b| importance[a].total_cmp(&importance[b]));
    let before = sequence.accuracy_with(&|_| {});
    let weights = (ranked.len() / GROUPS).max(1);
    let groups: Vec<&[usize]> = ranked.chunks_exact(weights).collect();
    let cost = |(number, group): (usize, &&[usize])| {
        let after = sequence.accuracy_with(&|theta| {
            let mut rng = Key::new(seed).stream(Purpose::Test, number as u64);
            let sizes: Vec<f64> = matrices
                .iter()
                .map(|tensor| SIZE * spread(&theta[tensor.range.clone()]))
                .collect();
            for &i in *group {
                let of = matrices
                    .iter()
                    .position(|tensor| tensor.range.contains(&i))
                    .unwrap_or(0);
                let sign = if rng.random::<bool>() { 1.0 } else { -1.0 };
                theta[i] += (sign * sizes[of]) as f32;
            }
        });
        before - after
    };
    let cost: Vec<f64> = groups.iter().enumerate().map(cost).collect();
    let log = |group: &&[usize]| {
        group
            .iter()
            .map(|&i| f64::from(importance[i]).log10())
            .sum::<f64>()
            / weights as f64
    };
    let log_importance: Vec<f64> = groups.iter().map(log).collect();
    Perturbation {
        size: SIZE,
        weights,
        correlation: pearson(&log_importance, &cost).ok().map(|found| found.r),
        log_importance,
        cost,
        before,
    }
}

impl Tell for Perturbation {
    fn sentences(&self) -> Vec<String> {
        let at = |k: Option<&f64>| 100.0 * k.copied().unwrap_or(f64::NAN);
        let mut told = vec![format!(
            "Changing the {} least important weights by {} standard deviations costs {:.1} points of accuracy, changing as many of the most important ones {:.1} (of {:.1} %).",
            self.weights,
            self.size,
            at(self.cost.first()),
            at(self.cost.last()),
            100.0 * self.before
        )];
        if let Some(r) = self.correlation {
            let n = self.cost.len();
            told.push(format!(
                "Correlation of log importance with the cost: {r:.3} over {n} groups."
            ));
        }
        told
    }

    fn table(&self) -> Table {
        Table::new()
            .with("log10_importance", self.log_importance.clone())
            .with("cost", self.cost.clone())
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let panel = Panel::new("mean log10 importance of the group", "fall of the mean accuracy")
            .series(Series::points(self.log_importance.clone(), self.cost.clone()));
        let title = self.correlation.map_or_else(
            || "Importance and what a change costs".to_owned(),
            |r| format!("Importance and what a change costs: r = {r:.2}"),
        );
        let figure = Figure {
            name: "perturbation".to_owned(),
            title,
            caption: format!(
                "Groups of {} weights, each changed by {} standard deviations with a random sign. Seed {}.",
                self.weights, self.size, origin.seed
            ),
            columns: 1,
            panels: vec![panel],
        };
        vec![Shown {
            figure,
            numbers: self.table(),
        }]
    }
}
