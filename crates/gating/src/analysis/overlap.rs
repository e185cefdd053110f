//! How gates of different tasks overlap, beside what independent draws would give.

use crate::gates::Gates;
use neuropil_draw::{Bars, Figure, Heat, Panel};
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// Overlap of the gates of one hidden layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Mean active units of a task.
    pub active: f64,
    /// Fraction of the units that two tasks share: \[task\]\[task\].
    pub shared: Vec<Vec<f64>>,
    /// Its mean over pairs of tasks.
    pub mean_shared: f64,
    /// What independent draws with as many active units would share.
    pub expected_shared: f64,
    /// How many tasks use each unit.
    pub uses: Vec<usize>,
}

/// Overlap of all layers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// Layer by layer.
    pub layers: Vec<Layer>,
    /// Fraction of the weights from each hidden layer to the next that no task uses.
    pub unused: Vec<f64>,
}

/// Overlap of gates.
pub fn overlap(gates: &Gates) -> Overlap {
    let n = gates.n_tasks();
    let layer = |index: usize| {
        let shared = gates.overlap(index);
        let width = gates.widths()[index] as f64;
        let active = (0..n)
            .map(|task| gates.active(task, index).len() as f64)
            .sum::<f64>()
            / n as f64;
        let pairs: Vec<f64> = (0..n)
            .flat_map(|a| (0..a).map(move |b| (a, b)))
            .map(|(a, b)| shared[a][b])
            .collect();
        Layer {
            active,
            mean_shared: pairs.iter().sum::<f64>() / pairs.len().max(1) as f64,
            expected_shared: (active / width).powi(2),
            uses: gates.uses(index),
            shared,
        }
    };
    let unused = |layer: usize| {
        let (rows, columns) = (gates.widths()[layer], gates.widths()[layer + 1]);
        let mut used = vec![false; rows * columns];
        for task in 0..n {
            for &i in &gates.active(task, layer) {
                for &j in &gates.active(task, layer + 1) {
                    used[i as usize * columns + j as usize] = true;
                }
            }
        }
        used.iter().filter(|&&used| !used).count() as f64 / used.len() as f64
    };
    Overlap {
        layers: (0..gates.widths().len()).map(layer).collect(),
        unused: (0..gates.widths().len() - 1).map(unused).collect(),
    }
}

impl Tell for Overlap {
    fn sentences(&self) -> Vec<String> {
        let layers = self.layers.iter().enumerate();
        let mut told: Vec<String> = layers
            .map(|(i, layer)| {
                format!(
                    "Hidden layer {}: {:.0} active units a task; two tasks share {:.3} of the layer on average, {:.3} expected of independent draws.",
                    i + 1, layer.active, layer.mean_shared, layer.expected_shared
                )
            })
            .collect();
        told.extend(self.unused.iter().enumerate().map(|(i, unused)| {
            format!(
                "{:.1} % of the weights from hidden layer {} to {} are used by no task.",
                100.0 * unused,
                i + 1,
                i + 2
            )
        }));
        told
    }

    fn table(&self) -> Table {
        let rows = self.layers.iter().enumerate().flat_map(|(layer, of)| {
            of.uses
                .iter()
                .enumerate()
                .map(move |(unit, &tasks)| (layer + 1, unit, tasks))
        });
        let rows: Vec<(usize, usize, usize)> = rows.collect();
        Table::new()
            .with("layer", rows.iter().map(|row| row.0).collect::<Vec<_>>())
            .with("unit", rows.iter().map(|row| row.1).collect::<Vec<_>>())
            .with("tasks", rows.iter().map(|row| row.2).collect::<Vec<_>>())
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let Some(layer) = self.layers.first() else {
            return Vec::new();
        };
        let n = layer.shared.len();
        let heat = Panel::new("task", "task").heat(Heat {
            // A task shares all with itself, which says nothing and takes up the colours.
            values: layer
                .shared
                .iter()
                .enumerate()
                .map(|(i, row)| {
                    let other = |(j, &shared): (usize, &f64)| if i == j { f64::NAN } else { shared };
                    row.iter().enumerate().map(other).collect()
                })
                .collect(),
            x: (0.5, n as f64 + 0.5),
            y: (0.5, n as f64 + 0.5),
            signed: false,
            limits: None,
            label: "fraction of units shared".to_owned(),
        });
        let most = layer.uses.iter().copied().max().unwrap_or(0);
        let counts = (0..=most).map(|uses| layer.uses.iter().filter(|&&own| own == uses).count() as f64);
        let bars = Bars {
            edges: (0..=most + 1).map(|edge| edge as f64 - 0.5).collect(),
            heights: counts.collect(),
            ..Bars::default()
        };
        let figure = Figure {
            name: "overlap".to_owned(),
            title: format!(
                "Two tasks share {:.1} % of the first hidden layer",
                100.0 * layer.mean_shared
            ),
            caption: format!(
                "First hidden layer; left: pairs of tasks; right: units by the number of tasks that use them. Seed {}.",
                origin.seed
            ),
            columns: 2,
            panels: vec![heat, Panel::new("tasks that use a unit", "units").bars(bars)],
        };
        vec![Shown {
            figure,
            numbers: self.table(),
        }]
    }
}
