//! The accuracy grid and the measures of continual learning.

use crate::error::GatingError;
use crate::metrics::{Baselines, Measures, measures};
use crate::record::Record;
use crate::tasks::counted;
use neuropil_draw::{Color, Figure, Heat, Panel, Series};
use neuropil_lab::error::Problem;
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// Accuracies of a course.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// What is asked and told.
    pub scenario: String,
    /// Method, as it was typed.
    pub method: String,
    /// Names of the tasks.
    pub names: Vec<String>,
    /// `grid[k][j]`: on task j after task k, j ≤ k.
    pub grid: Vec<Vec<f64>>,
    /// Mean over the tasks so far, after each.
    pub mean: Vec<f64>,
    /// Accuracy of chance: one over the outputs that compete.
    pub chance: f64,
    /// By their definitions.
    pub measures: Measures,
}

/// Accuracies of what was learnt so far.
///
/// # Errors
/// Nothing was learnt.
pub fn accuracy(record: &Record) -> Result<Accuracy, GatingError> {
    if record.learnt.is_empty() {
        let message = "no task was learnt to its end, and there is nothing to compare";
        return Err(Problem::new(message, "`neuropil train --resume` goes on").into());
    }
    let grid = record.grid();
    let n = grid.len();
    let baselines = Baselines {
        untrained: Some(record.untrained),
        alone: None,
    };
    let mut found = measures(&grid, baselines)?;
    // Forward transfer needs the accuracy on the next task before it is learnt, which is not in the grid.
    let forward: Vec<f64> = (1..n).map(|j| record.before[j] - record.untrained[j]).collect();
    found.forward_transfer =
        (!forward.is_empty()).then(|| forward.iter().sum::<f64>() / forward.len() as f64);
    Ok(Accuracy {
        scenario: record.scenario.clone(),
        method: record.method.to_owned(),
        mean: grid
            .iter()
            .map(|row| row.iter().sum::<f64>() / row.len() as f64)
            .collect(),
        chance: record.chance.iter().sum::<f64>() / n as f64,
        measures: found,
        names: record.names[..n].to_vec(),
        grid,
    })
}

impl Tell for Accuracy {
    fn sentences(&self) -> Vec<String> {
        let of = &self.measures;
        let percent = |value: f64| format!("{:.1} %", 100.0 * value);
        let mut told = vec![format!(
            "After {}, {} correct on average over all of them (chance {}).",
            counted(self.grid.len()),
            percent(of.average_accuracy),
            percent(self.chance)
        )];
        if self.grid.len() > 1 {
            told.push(format!(
                "The first task is at {}, the last at {}; each just after it was learnt: {}.",
                percent(of.oldest),
                percent(of.newest),
                percent(of.just_learnt)
            ));
        }
        if let (Some(forgetting), Some(backward)) = (of.forgetting, of.backward_transfer) {
            told.push(format!(
                "Forgetting (Chaudhry et al. 2018) {forgetting:.3}, backward transfer {backward:.3}."
            ));
        }
        if let Some(forward) = of.forward_transfer {
            told.push(format!(
                "Forward transfer, against the untrained network with the same gates: {forward:.3}."
            ));
        }
        told.push(format!("Scenario: {}.", self.scenario));
        told
    }

    fn table(&self) -> Table {
        let n = self.grid.len();
        let column = |f: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..n).map(f).collect() };
        Table::new()
            .with("task", self.names.clone())
            .with("mean_so_far", self.mean.clone())
            .with("just_learnt", column(&|k| self.grid[k][k]))
            .with("after_all", self.grid.last().cloned().unwrap_or_default())
            .with("first_task", column(&|k| self.grid[k][0]))
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let n = self.grid.len();
        let x: Vec<f64> = (1..=n).map(|k| k as f64).collect();
        let column = |f: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..n).map(f).collect() };
        let curve = Panel::new("tasks learnt", "accuracy")
            .series(Series::line(x.clone(), self.mean.clone()).label("mean over tasks so far"))
            .series(
                Series::line(x.clone(), column(&|k| self.grid[k][k]))
                    .label("newest task")
                    .color(Color::cycle(1)),
            )
            .series(
                Series::line(x, column(&|k| self.grid[k][0]))
                    .label("first task")
                    .color(Color::cycle(2)),
            )
            .h_line(self.chance)
            .y_range(0.0, 1.0);
        let square = |j: usize, row: &Vec<f64>| row.get(j).copied().unwrap_or(f64::NAN);
        let edge = n as f64 + 0.5;
        let grid = Panel::new("tested on task", "after task").heat(Heat {
            values: self
                .grid
                .iter()
                .map(|row| (0..n).map(|j| square(j, row)).collect())
                .collect(),
            x: (0.5, edge),
            y: (0.5, edge),
            signed: false,
            limits: None,
            label: "accuracy".to_owned(),
        });
        let figure = Figure {
            name: "accuracy".to_owned(),
            title: format!(
                "{:.1} % correct on average after {} with {}",
                100.0 * self.measures.average_accuracy,
                counted(n),
                self.method
            ),
            caption: format!(
                "{}. All test examples; seed {}; the line is chance.",
                self.scenario, origin.seed
            ),
            columns: 2,
            // One task has no grid.
            panels: if n == 1 { vec![curve] } else { vec![curve, grid] },
        };
        vec![Shown {
            figure,
            numbers: self.table(),
        }]
    }
}
