//! Where the animal went.

use super::{Material, as_rows};
use crate::error::SuccessorError;
use crate::fields::occupancy;
use crate::figures::heat_panel;
use neuropil_draw::{Figure, Panel, Series};
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// Samples of the path that are drawn.
const DRAWN: usize = 6000;

/// The walk.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Course {
    /// Samples.
    pub samples: usize,
    /// Pieces between gaps that were not bridged.
    pub pieces: usize,
    /// States that exist.
    pub states: usize,
    /// Of these, states that were visited.
    pub visited: usize,
    /// Samples per second, for a track.
    pub rate_hz: Option<f64>,
    /// Samples in every state.
    pub occupancy: Vec<f64>,
    /// What was understood, left out or repaired.
    pub notes: Vec<String>,
    /// Positions, cm, or places of states.
    #[serde(skip)]
    path: Vec<[f64; 2]>,
    #[serde(skip)]
    rows: Vec<Vec<f64>>,
    #[serde(skip)]
    size: Option<[f64; 2]>,
}

/// Describes the walk.
///
/// # Errors
/// None so far.
pub fn course(material: &Material) -> Result<Course, SuccessorError> {
    let walk = &material.walk;
    let counts = occupancy(&walk.states, walk.n);
    let states = walk.grid.as_ref().map_or(walk.n, crate::fields::Grid::area);
    let shown: Vec<f64> = counts
        .iter()
        .map(|&n| if n > 0.0 { n } else { f64::NAN })
        .collect();
    let path = match (&walk.recorded, &walk.grid) {
        (Some((session, _)), _) => session.positions.clone(),
        (None, Some(grid)) => {
            let place = |state: usize| {
                [
                    (state / grid.height) as f64 + 0.5,
                    (state % grid.height) as f64 + 0.5,
                ]
            };
            walk.states.iter().map(|&state| place(state)).collect()
        }
        (None, None) => walk
            .states
            .iter()
            .enumerate()
            .map(|(t, &state)| [t as f64, state as f64])
            .collect(),
    };
    Ok(Course {
        samples: walk.states.len(),
        pieces: walk.pieces.len(),
        states,
        visited: counts.iter().filter(|n| **n > 0.0).count(),
        rate_hz: walk.recorded.as_ref().map(|(session, _)| session.rate_hz),
        rows: as_rows(&shown, material),
        occupancy: counts,
        notes: walk.notes.clone(),
        path,
        size: walk.recorded.as_ref().map(|(session, _)| session.mapping.size_cm),
    })
}

impl Tell for Course {
    fn sentences(&self) -> Vec<String> {
        let rate = self
            .rate_hz
            .map(|rate| format!(" at {rate:.3} per second"))
            .unwrap_or_default();
        let pieces = if self.pieces > 1 {
            format!(" in {} pieces", self.pieces)
        } else {
            String::new()
        };
        let mut said = vec![format!(
            "{} samples{rate}{pieces}; {} of {} states visited",
            self.samples, self.visited, self.states
        )];
        said.extend(self.notes.iter().cloned());
        said
    }

    fn table(&self) -> Table {
        Table::new()
            .with("state", (0..self.occupancy.len()).collect::<Vec<usize>>())
            .with("samples", self.occupancy.clone())
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let shown = &self.path[..self.path.len().min(DRAWN)];
        let flat = self.rows.len() < 2;
        // Along a linear track over time; on a ring these are steps and states already.
        let along = flat && self.size.is_some();
        let place = |(i, at): (usize, &[f64; 2])| if along { (i as f64, at[0]) } else { (at[0], at[1]) };
        let (x, y): (Vec<f64>, Vec<f64>) = shown.iter().enumerate().map(place).unzip();
        let labels = match (flat, self.size) {
            (true, Some(_)) => ("sample", "x (cm)"),
            (true, None) => ("step", "state"),
            (_, Some(_)) => ("x (cm)", "y (cm)"),
            (_, None) => ("x (bins)", "y (bins)"),
        };
        let mut path = Panel::new(labels.0, labels.1)
            .series(Series::line(x, y))
            .note(format!("first {} samples", shown.len()));
        if let (false, Some([width, height])) = (flat, self.size) {
            path = path.x_range(0.0, width).y_range(0.0, height);
            if 4.0 * width.min(height) >= width.max(height) {
                path = path.equal();
            }
        }
        let panels = if flat {
            vec![path]
        } else {
            vec![path, heat_panel(self.rows.clone(), "samples", false)]
        };
        vec![Shown {
            figure: Figure {
                name: "course".to_owned(),
                title: format!("{} of {} states visited", self.visited, self.states),
                caption: format!(
                    "Path and samples per state, {}, seed {}; grey: no state, or never visited.",
                    origin.of, origin.seed
                ),
                columns: 2,
                panels,
            },
            numbers: self.table(),
        }]
    }
}
