//! Where importance lies: weights between hidden units by whether a task's gates open both of their ends, one or none.

use super::small;
use crate::network::Tensor;
use crate::record::Record;
use neuropil_draw::{Color, Figure, Panel, Series};
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// Mean importance after the last task of the weights between hidden units, for each task's gates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Connections {
    /// Names of the tasks.
    pub tasks: Vec<String>,
    /// Both ends are open to the task.
    pub both: Vec<f64>,
    /// One of them is; NaN where there is no such weight.
    pub one: Vec<f64>,
    /// None is.
    pub none: Vec<f64>,
}

/// Weights between hidden units, and the gates of their two ends: layers of the first and of the second.
fn between(record: &Record) -> Option<(Tensor, usize, usize)> {
    let of = |name: &str| record.tensors.iter().find(|tensor| tensor.name == name).cloned();
    of("w_rec").map(|tensor| (tensor, 0, 0)).or_else(|| {
        of("2.w")
            .filter(|_| record.gates.widths().len() > 1)
            .map(|tensor| (tensor, 0, 1))
    })
}

/// Importance by the gates of both ends; nothing for networks without weights between hidden units.
pub fn connections(record: &Record) -> Option<Connections> {
    let (tensor, from, to) = between(record)?;
    let omega = &record.importance[tensor.range.clone()];
    let columns = record.gates.widths()[to];
    let mut found = Connections {
        tasks: Vec::new(),
        both: Vec::new(),
        one: Vec::new(),
        none: Vec::new(),
    };
    for (task, _) in record.learnt.iter().enumerate() {
        let gates = record.gates.of(task);
        let (mut sums, mut counts) = ([0.0; 3], [0_usize; 3]);
        for (row, source) in omega.chunks_exact(columns).zip(&gates[from]) {
            for (&omega, target) in row.iter().zip(&gates[to]) {
                let open = usize::from(*source != 0.0) + usize::from(*target != 0.0);
                sums[open] += f64::from(omega);
                counts[open] += 1;
            }
        }
        let mean = |open: usize| {
            if counts[open] > 0 {
                sums[open] / counts[open] as f64
            } else {
                f64::NAN
            }
        };
        found.tasks.push(record.names[task].clone());
        found.both.push(mean(2));
        found.one.push(mean(1));
        found.none.push(mean(0));
    }
    Some(found)
}

impl Tell for Connections {
    fn sentences(&self) -> Vec<String> {
        let mean = |values: &[f64]| {
            let known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        let words = |values: &[f64]| mean(values).map_or_else(|| "none there".to_owned(), small);
        vec![format!(
            "Mean importance of weights between hidden units, over tasks: {} where a task's gates open both ends, {} where they open one, {} where they open none.",
            words(&self.both),
            words(&self.one),
            words(&self.none)
        )]
    }

    fn table(&self) -> Table {
        Table::new()
            .with("task", self.tasks.clone())
            .with("both_open", self.both.clone())
            .with("one_open", self.one.clone())
            .with("none_open", self.none.clone())
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let x: Vec<f64> = (1..=self.tasks.len()).map(|task| task as f64).collect();
        let panel = [
            ("both ends open", &self.both),
            ("one open", &self.one),
            ("none open", &self.none),
        ]
        .into_iter()
        .enumerate()
        .filter(|(_, (_, values))| values.iter().any(|value| value.is_finite()))
        .fold(
            Panel::new("task", "mean importance"),
            |panel, (i, (label, values))| {
                let series = Series::line(x.clone(), values.clone());
                panel.series(series.label(label).color(Color::cycle(i)))
            },
        );
        let figure = Figure {
            name: "connections".to_owned(),
            title: "Importance of weights between hidden units, by the gates of their ends".to_owned(),
            caption: format!("After the last task. Seed {}.", origin.seed),
            columns: 1,
            panels: vec![panel],
        };
        vec![Shown {
            figure,
            numbers: self.table(),
        }]
    }
}
