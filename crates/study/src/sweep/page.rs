//! The comparison page of a sweep: what the runs of each cell come to, and how they got there.

use super::merged::{Cell, Merged, number, shown};
use crate::life::write_page;
use neuropil_draw::{Color, Figure, Mark, Panel, Report, ReportTable, Section, Series};
use neuropil_lab::atomic;
use neuropil_lab::error::Problem;
use neuropil_lab::sweep::folder::Folder;
use neuropil_lab::table::write_csv;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Measures that the page compares.
const MOST_MEASURES: usize = 6;
/// Cells whose curves are shown.
const MOST_CURVES: usize = 12;

impl Merged {
    /// Writes `table.csv`, `table.json`, `cells.csv` and `comparison.html` into the sweep's folder; the page's path.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn save(&self, folder: &Folder) -> Result<PathBuf, Problem> {
        let place = |name: &str| folder.path().join(name);
        let (headers, rows) = self.table();
        write_csv(&place("table.csv"), &headers, &rows)?;
        let mut text = serde_json::to_string_pretty(&self.json()).expect("tables are JSON");
        text.push('\n');
        atomic::write(&place("table.json"), text.as_bytes())?;
        let (headers, rows) = self.cell_table();
        write_csv(&place("cells.csv"), &headers, &rows)?;
        let path = place("comparison.html");
        write_page(&path, &page(self))?;
        Ok(path)
    }
}

fn page(merged: &Merged) -> Report {
    let measures = compared(merged);
    let done = merged.runs.len();
    let all = done + merged.missing.len();
    let lead = if merged.missing.is_empty() {
        format!("All {all} runs of {} cells are finished.", merged.cells.len())
    } else {
        format!("{done} of {all} runs are finished; the others do not count here.")
    };
    let mut sections = vec![Section {
        title: "Cells".to_owned(),
        text: "Mean ± standard deviation over the runs of a cell, which differ in the seed alone.".to_owned(),
        figure: None,
        table: Some(table(merged, &measures)),
    }];
    if !measures.is_empty() {
        sections.push(Section {
            title: "Measures by cell".to_owned(),
            text: String::new(),
            figure: Some(comparison(merged, &measures)),
            table: None,
        });
    }
    sections.extend(curves(merged));
    Report {
        title: format!("Sweep of {}", merged.experiment),
        lead,
        facts: vec![
            ("runs".to_owned(), format!("{done} of {all}")),
            ("cells".to_owned(), merged.cells.len().to_string()),
            ("settings that differ".to_owned(), merged.varied().join(", ")),
        ],
        sections,
        details: Vec::new(),
    }
}

/// Measures that are numbers and differ between runs.
fn compared(merged: &Merged) -> Vec<String> {
    let differs = |name: &String| {
        let mut values = merged
            .runs
            .iter()
            .map(|(_, run)| run.measures.get(name).and_then(number));
        let first = values.next().flatten();
        first.is_some() && values.any(|value| value != first)
    };
    let names = merged.names().into_iter().filter(differs);
    names.take(MOST_MEASURES).collect()
}

/// The settings of a cell in few words: the last part of each key.
fn label(varied: &Map<String, Value>, cell: usize) -> String {
    let short = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let words: Vec<String> = varied
        .iter()
        .map(|(key, value)| format!("{} {}", short(key), shown(Some(value))))
        .collect();
    if words.is_empty() {
        format!("cell {cell}")
    } else {
        words.join(", ")
    }
}

fn table(merged: &Merged, measures: &[String]) -> ReportTable {
    let varied = merged.varied();
    let mut headers = vec!["cell".to_owned()];
    headers.extend(varied.iter().cloned());
    headers.push("runs".to_owned());
    headers.extend(measures.iter().cloned());
    let row = |cell: &Cell| {
        let mut row = vec![cell.cell.to_string()];
        row.extend(varied.iter().map(|name| shown(cell.varied.get(name))));
        row.push(cell.runs.len().to_string());
        row.extend(measures.iter().map(|name| estimate(cell, name)));
        row
    };
    ReportTable {
        headers,
        rows: merged.cells.iter().map(row).collect(),
        csv_name: Some("cells.csv".to_owned()),
    }
}

fn estimate(cell: &Cell, name: &str) -> String {
    let found = cell.measures.iter().find(|(own, _)| own == name);
    let Some((_, estimate)) = found else {
        return "–".to_owned();
    };
    match estimate.sd {
        Some(sd) => format!("{:.3} ± {sd:.3}", estimate.mean),
        None => format!("{:.3}", estimate.mean),
    }
}

/// Every run as a point, the mean of each cell with its 95 % interval.
fn comparison(merged: &Merged, measures: &[String]) -> Figure {
    let panel = |name: &String| {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        let (mut at, mut means, mut intervals) = (Vec::new(), Vec::new(), Vec::new());
        for cell in &merged.cells {
            for &i in &cell.runs {
                if let Some(value) = merged.runs[i].1.measures.get(name).and_then(number) {
                    x.push(cell.cell as f64);
                    y.push(value);
                }
            }
            if let Some((_, estimate)) = cell.measures.iter().find(|(own, _)| own == name) {
                at.push(cell.cell as f64);
                means.push(estimate.mean);
                intervals.push(estimate.interval.unwrap_or((estimate.mean, estimate.mean)));
            }
        }
        let last = merged.cells.last().map_or(1, |cell| cell.cell) as f64;
        let mut panel = Panel::new("Cell", name.clone())
            .series(Series::points(x, y).mark(Mark::OpenPoints).color(Color::Grey))
            .series(Series::points(at, means).error(intervals))
            .x_range(0.5, last + 0.5);
        if merged.cells.len() <= 8 {
            let ticks: Vec<_> = merged
                .cells
                .iter()
                .map(|cell| (cell.cell as f64, cell.cell.to_string()))
                .collect();
            panel = panel.x_ticks(ticks);
        }
        panel
    };
    Figure {
        name: "measures-by-cell".to_owned(),
        title: String::new(),
        caption: "Grey: runs; blue: mean of a cell with its 95 % interval by Student's t.".to_owned(),
        columns: 3,
        panels: measures.iter().map(panel).collect(),
    }
}

/// The validations of every run, a panel a cell.
fn curves(merged: &Merged) -> Option<Section> {
    let (_, first) = merged.runs.first()?;
    let has = |name: &str| merged.runs.iter().all(|(_, run)| run.curves.contains_key(name));
    let x = ["n_trials", "seen", "update"]
        .into_iter()
        .find(|name| has(name))?;
    let reward = first
        .curves
        .keys()
        .find(|name| name.ends_with("mean_reward") && has(name));
    let counts = ["n_trials", "seen", "update", "attempt", "lesson"];
    let other = first
        .curves
        .keys()
        .find(|name| !counts.contains(&name.as_str()) && has(name));
    let y = reward.or(other)?;
    let range = range(merged, y)?;
    let shown = merged.cells.iter().take(MOST_CURVES);
    let panel = |cell: &Cell| {
        let mut panel = Panel::new(x.replace("n_trials", "Training trials"), y.clone());
        for (i, &run) in cell.runs.iter().enumerate() {
            let curves = &merged.runs[run].1.curves;
            let line = Series::line(curves[x].clone(), curves[y].clone()).color(Color::cycle(i));
            panel = panel.series(line);
        }
        panel
            .note(label(&cell.varied, cell.cell))
            .y_range(range.0, range.1)
    };
    let text = if merged.cells.len() > MOST_CURVES {
        format!("The first {MOST_CURVES} of {} cells.", merged.cells.len())
    } else {
        String::new()
    };
    Some(Section {
        title: "Validations during training".to_owned(),
        text,
        figure: Some(Figure {
            name: "curves".to_owned(),
            title: String::new(),
            caption: format!("{y} of every validation; a line a seed, a panel a cell."),
            columns: 3,
            panels: shown.map(panel).collect(),
        }),
        table: None,
    })
}

/// Ends of a curve over all runs, with a little air.
fn range(merged: &Merged, name: &str) -> Option<(f64, f64)> {
    let values = merged.runs.iter().flat_map(|(_, run)| &run.curves[name]);
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| {
        (low.min(value), high.max(value))
    });
    let air = 0.05 * (high - low).max(1e-6);
    (low <= high).then_some((low - air, high + air))
}
