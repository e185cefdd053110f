//! All finished runs of a sweep as one table, and what the runs of each cell come to.

use neuropil_lab::error::LabError;
use neuropil_lab::sweep::folder::{Finished, Folder, Planned};
use neuropil_math::stats::summary::{mean, mean_interval, variance};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A mean over the runs of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Mean.
    pub mean: f64,
    /// Standard deviation; absent of a single run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sd: Option<f64>,
    /// 95 % interval of the mean by Student's t, absent of a single run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
}

impl Estimate {
    fn of(values: &[f64]) -> Self {
        let several = values.len() > 1;
        Self {
            mean: mean(values),
            sd: several.then(|| variance(values, 1).sqrt()),
            interval: several.then(|| mean_interval(values, 0.95)),
        }
    }
}

/// Runs that differ in the seed alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Number, from 1.
    pub cell: usize,
    /// Its settings.
    pub varied: Map<String, Value>,
    /// Finished runs, as places in [`Merged::runs`].
    pub runs: Vec<usize>,
    /// What they come to, by the name of the measure; truths count as 0 and 1.
    pub measures: Vec<(String, Estimate)>,
}

/// The finished runs of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// What was swept.
    pub experiment: String,
    /// Plans and results, by number.
    pub runs: Vec<(Planned, Finished)>,
    /// Runs by their settings.
    pub cells: Vec<Cell>,
    /// Numbers of the runs that are not finished.
    pub missing: Vec<usize>,
}

/// Merges what is finished. However often and wherever it is done, the result is the same.
///
/// # Errors
/// A result cannot be read, was changed, or is one of other settings.
pub fn merge(folder: &Folder) -> Result<Merged, LabError> {
    let (mut runs, mut missing) = (Vec::new(), Vec::new());
    for planned in folder.runs() {
        match folder.result(planned)? {
            Some(finished) => runs.push((planned.clone(), finished)),
            None => missing.push(planned.run),
        }
    }
    let mut merged = Merged {
        experiment: folder.common().experiment.clone(),
        runs,
        cells: Vec::new(),
        missing,
    };
    let names = merged.names();
    let chunks = merged.runs.iter().enumerate().collect::<Vec<_>>();
    let cells = chunks
        .chunk_by(|(_, (a, _)), (_, (b, _))| a.cell == b.cell)
        .map(|cell| {
            let planned = &cell[0].1.0;
            let values = |name: &String| -> Option<Vec<f64>> {
                cell.iter()
                    .map(|(_, (_, finished))| number(finished.measures.get(name)?))
                    .collect()
            };
            Cell {
                cell: planned.cell,
                varied: planned.varied.clone(),
                runs: cell.iter().map(|(i, _)| *i).collect(),
                measures: names
                    .iter()
                    .filter_map(|name| Some((name.clone(), Estimate::of(&values(name)?))))
                    .collect(),
            }
        });
    merged.cells = cells.collect();
    Ok(merged)
}

/// A measure as a number.
pub(super) fn number(value: &Value) -> Option<f64> {
    value
        .as_f64()
        .or(value.as_bool().map(|truth| f64::from(u8::from(truth))))
}

impl Merged {
    /// Names of all measures, in the order in which the first run has them.
    pub fn names(&self) -> Vec<String> {
        names(self.runs.iter().map(|(_, finished)| &finished.measures))
    }

    /// Names of the settings that differ.
    pub fn varied(&self) -> Vec<String> {
        names(self.runs.iter().map(|(planned, _)| &planned.varied))
    }

    /// Headers and rows: one row a run.
    pub fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let (varied, measures) = (self.varied(), self.names());
        let headers = ["run", "cell", "seed"].map(str::to_owned).into_iter();
        let headers = headers
            .chain(varied.iter().cloned())
            .chain(measures.iter().cloned());
        let rows = self.runs.iter().map(|(planned, finished)| {
            let numbers = [
                planned.run.to_string(),
                planned.cell.to_string(),
                planned.seed.to_string(),
            ];
            let settings = varied.iter().map(|name| shown(planned.varied.get(name)));
            let measured = measures.iter().map(|name| shown(finished.measures.get(name)));
            numbers.into_iter().chain(settings).chain(measured).collect()
        });
        (headers.collect(), rows.collect())
    }

    /// Headers and rows: one row a cell and measure.
    pub fn cell_table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let varied = self.varied();
        let mut headers = vec!["cell".to_owned()];
        headers.extend(varied.iter().cloned());
        headers.extend(["measure", "runs", "mean", "sd", "low", "high"].map(str::to_owned));
        let mut rows = Vec::new();
        for cell in &self.cells {
            for (name, estimate) in &cell.measures {
                let mut row = vec![cell.cell.to_string()];
                row.extend(varied.iter().map(|name| shown(cell.varied.get(name))));
                row.extend([
                    name.clone(),
                    cell.runs.len().to_string(),
                    estimate.mean.to_string(),
                ]);
                let text = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
                row.push(text(estimate.sd));
                row.push(text(estimate.interval.map(|(low, _)| low)));
                row.push(text(estimate.interval.map(|(_, high)| high)));
                rows.push(row);
            }
        }
        (headers, rows)
    }

    /// The table as JSON: what was swept, and an object a run.
    pub fn json(&self) -> Value {
        let runs = self.runs.iter().map(|(planned, finished)| {
            json!({
                "run": planned.run, "cell": planned.cell, "seed": planned.seed,
                "settings": planned.varied, "measures": finished.measures,
            })
        });
        let cells = self.cells.iter().map(|cell| {
            let measures = cell.measures.iter().map(|(name, estimate)| {
                (
                    name.clone(),
                    serde_json::to_value(estimate).expect("estimates are JSON"),
                )
            });
            json!({
                "cell": cell.cell, "settings": cell.varied, "runs": cell.runs.len(),
                "measures": measures.collect::<Map<_, _>>(),
            })
        });
        json!({
            "experiment": self.experiment,
            "runs": runs.collect::<Vec<_>>(),
            "cells": cells.collect::<Vec<_>>(),
            "missing": self.missing,
        })
    }
}

fn names<'a>(maps: impl Iterator<Item = &'a Map<String, Value>>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for map in maps {
        for name in map.keys() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    names
}

/// A setting or measure as a cell of a table.
pub(super) fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}
