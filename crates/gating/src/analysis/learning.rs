//! How each task was learnt, batch by batch.

use crate::curve::{EVERY, Point};
use crate::record::Record;
use neuropil_draw::{Figure, Panel, Series};
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// Courses of learning, task by task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Learning {
    /// Names of the tasks that were learnt.
    pub names: Vec<String>,
    /// Batches that each took.
    pub batches: Vec<u64>,
    /// Points of each task.
    pub curves: Vec<Vec<Point>>,
}

/// Courses of a sequence; nothing where none were kept.
pub fn learning(record: &Record) -> Option<Learning> {
    let learnt = record.learnt;
    if learnt.iter().all(|task| task.curve.is_empty()) {
        return None;
    }
    Some(Learning {
        names: record.names[..learnt.len()].to_vec(),
        batches: learnt.iter().map(|task| task.batches).collect(),
        curves: learnt.iter().map(|task| task.curve.clone()).collect(),
    })
}

impl Learning {
    /// Fraction that was right at the end of each task.
    fn ends(&self) -> Vec<f64> {
        let end = |curve: &Vec<Point>| curve.last().map_or(f64::NAN, |point| point.right);
        self.curves.iter().map(end).collect()
    }

    /// Task, batches of all tasks before it, point.
    fn points(&self) -> impl Iterator<Item = (usize, u64, &Point)> {
        let starts: Vec<u64> = (0..self.batches.len())
            .map(|task| self.batches[..task].iter().sum())
            .collect();
        self.curves
            .iter()
            .enumerate()
            .flat_map(move |(task, curve)| curve.iter().map(move |point| (task, point)))
            .map(move |(task, point)| (task, starts[task], point))
    }
}

impl Learning {
    /// The name of a task in brackets, if it is more than its number.
    fn called(&self, task: usize) -> String {
        match self.names[task].parse::<usize>() {
            Ok(_) => String::new(),
            Err(_) => format!(" ({})", self.names[task]),
        }
    }
}

impl Tell for Learning {
    fn sentences(&self) -> Vec<String> {
        let (ends, total) = (self.ends(), self.batches.iter().sum::<u64>());
        let n = self.names.len();
        let mut told = vec![format!(
            "{n} task{} took {total} batches; right in training at the end of a task: {:.1} % in the mean.",
            if n == 1 { "" } else { "s" },
            100.0 * ends.iter().sum::<f64>() / n as f64
        )];
        let worst = (0..n).min_by(|&a, &b| ends[a].total_cmp(&ends[b]));
        if let Some(worst) = worst.filter(|_| n > 1) {
            told.push(format!(
                "The least was right in task {} of {n}{}: {:.1} % after {} batches.",
                worst + 1,
                self.called(worst),
                100.0 * ends[worst],
                self.batches[worst]
            ));
        }
        told
    }

    fn table(&self) -> Table {
        let column =
            |of: fn(&Point) -> f64| self.points().map(|(_, _, point)| of(point)).collect::<Vec<f64>>();
        Table::new()
            .with(
                "task",
                self.points()
                    .map(|(task, _, _)| self.names[task].clone())
                    .collect::<Vec<String>>(),
            )
            .with(
                "batch",
                self.points()
                    .map(|(_, _, point)| point.batch as usize)
                    .collect::<Vec<usize>>(),
            )
            .with("loss", column(|point| point.loss))
            .with("right", column(|point| point.right))
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let mut panel = Panel::new("batches of all tasks", "right in training")
            .y_range(0.0, 1.0)
            .size(700.0, 280.0);
        for task in 0..self.names.len() {
            let (mut x, mut y) = (Vec::new(), Vec::new());
            for (_, start, point) in self.points().filter(|(of, _, _)| *of == task) {
                x.push((start + point.batch) as f64);
                y.push(point.right);
            }
            if task > 0 {
                panel = panel.v_line(self.batches[..task].iter().sum::<u64>() as f64);
            }
            panel = panel.series(Series::line(x, y));
        }
        let named: Vec<String> = (0..self.names.len()).map(|task| self.called(task)).collect();
        let order = if named.iter().all(String::is_empty) {
            String::new()
        } else {
            format!(" ({})", self.names.join(", "))
        };
        let figure = Figure {
            name: "learning".to_owned(),
            title: "How each task was learnt".to_owned(),
            caption: format!(
                "Means over {EVERY} batches; lines: the next task begins{order}. Seed {}.",
                origin.seed
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
