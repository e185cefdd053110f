//! What stability costs: how far weights still move, beside how well new tasks are learnt.

use crate::record::Record;
use neuropil_draw::{Figure, Panel, Series};
use neuropil_math::stats::correlation::pearson;
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// Distance and accuracy, task by task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Flexibility {
    /// Distance that the stabilised weights moved in each task.
    pub distance: Vec<f64>,
    /// Accuracy on each task just after it was learnt.
    pub newest: Vec<f64>,
    /// Pearson's correlation between the two; none where one of them is constant.
    pub correlation: Option<f64>,
}

/// Distance and accuracy of a sequence.
pub fn flexibility(record: &Record) -> Flexibility {
    let learnt = record.learnt;
    let distance: Vec<f64> = learnt.iter().map(|task| task.distance).collect();
    let newest: Vec<f64> = learnt
        .iter()
        .filter_map(|task| task.accuracies.last().copied())
        .collect();
    Flexibility {
        correlation: pearson(&distance, &newest).ok().map(|found| found.r),
        distance,
        newest,
    }
}

impl Tell for Flexibility {
    fn sentences(&self) -> Vec<String> {
        let (first, last) = (
            self.distance.first().copied().unwrap_or(f64::NAN),
            self.distance.last().copied().unwrap_or(f64::NAN),
        );
        let mut told = vec![format!(
            "Weights moved by {first:.3} in the first task and by {last:.3} in the last."
        )];
        if let Some(r) = self.correlation {
            told.push(format!(
                "Correlation of the distance with the accuracy on the newest task: {r:.3} over {} tasks.",
                self.newest.len()
            ));
        }
        told
    }

    fn table(&self) -> Table {
        Table::new()
            .with("task", (1..=self.distance.len()).collect::<Vec<usize>>())
            .with("distance", self.distance.clone())
            .with("newest_accuracy", self.newest.clone())
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let panel = Panel::new("distance moved", "accuracy on the newest task")
            .series(Series::points(self.distance.clone(), self.newest.clone()));
        let title = self.correlation.map_or_else(
            || "Distance moved and accuracy".to_owned(),
            |r| format!("Distance moved and accuracy: r = {r:.2}"),
        );
        let figure = Figure {
            name: "flexibility".to_owned(),
            title,
            caption: format!("One point per task. Seed {}.", origin.seed),
            columns: 1,
            panels: vec![panel],
        };
        vec![Shown {
            figure,
            numbers: self.table(),
        }]
    }
}
