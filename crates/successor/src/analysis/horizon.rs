//! Rows and eigenvectors of M at several gains, on one set of synapses.

use super::{Material, as_rows, busiest, one_hot};
use crate::error::SuccessorError;
use crate::figures::{heat_panel, state_panel};
use crate::maps::eigenvectors;
use crate::sr;
use neuropil_draw::Figure;
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// Gains that are read out beside that of the settings.
const GAINS: [f64; 3] = [0.4, 0.8, 0.95];
/// Eigenvectors that are shown.
const EIGENVECTORS: usize = 6;

/// The successor representation at several horizons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Horizons {
    /// The state whose row is shown: the one visited most.
    pub from: usize,
    /// Gains.
    pub gains: Vec<f64>,
    /// Row `from` of M at each gain.
    pub rows: Vec<Vec<f64>>,
    /// Expected discounted future visits in all, at each gain: 1/(1 − γ) where transitions are known.
    pub horizons: Vec<f64>,
    /// Gains that were asked for and are unstable, with γρ.
    pub unstable: Vec<(f64, f64)>,
    /// Eigenvalues of M at the last gain.
    pub eigenvalues: Vec<f64>,
    /// Their eigenvectors, one value per state.
    pub eigenvectors: Vec<Vec<f64>>,
    #[serde(skip)]
    maps: Vec<Vec<Vec<f64>>>,
    #[serde(skip)]
    eigenmaps: Vec<Vec<Vec<f64>>>,
}

/// Reads M out at several gains.
///
/// # Errors
/// A learner that holds no transitions of states.
pub fn horizons(material: &Material) -> Result<Horizons, SuccessorError> {
    let from = busiest(&material.walk);
    let mut gains = GAINS.to_vec();
    gains.push(material.config.model.retrieval_gain);
    gains.sort_by(f64::total_cmp);
    gains.dedup();
    let mut out = Horizons {
        from,
        gains: Vec::new(),
        rows: Vec::new(),
        horizons: Vec::new(),
        unstable: Vec::new(),
        eigenvalues: Vec::new(),
        eigenvectors: Vec::new(),
        maps: Vec::new(),
        eigenmaps: Vec::new(),
    };
    let mut last = None;
    let weights = one_hot(material)?;
    for gain in gains {
        match sr::ideal(weights, gain) {
            Ok(m) => {
                let row = m.row(from).to_vec();
                out.gains.push(gain);
                out.horizons.push(row.iter().sum());
                out.maps.push(as_rows(&row, material));
                out.rows.push(row);
                last = Some(m);
            }
            Err(SuccessorError::Unstable { radius, gain }) => out.unstable.push((gain, radius)),
            Err(other) => return Err(other),
        }
    }
    if let (Some(m), true) = (last, material.walk.n <= 1000) {
        for (value, vector) in eigenvectors(&m, EIGENVECTORS)? {
            out.eigenvalues.push(value);
            out.eigenmaps.push(as_rows(&vector, material));
            out.eigenvectors.push(vector);
        }
    }
    Ok(out)
}

impl Tell for Horizons {
    fn sentences(&self) -> Vec<String> {
        let sums: Vec<String> = self
            .gains
            .iter()
            .zip(&self.horizons)
            .map(|(gain, sum)| format!("{sum:.2} at γ = {gain}"))
            .collect();
        let mut said = vec![format!(
            "from state {} on, expected discounted visits: {}",
            self.from,
            sums.join(", ")
        )];
        said.extend(
            self.unstable
                .iter()
                .map(|(gain, radius)| format!("γ = {gain} is unstable (γρ = {radius:.4}) and not shown")),
        );
        if !self.eigenvalues.is_empty() {
            let values: Vec<String> = self
                .eigenvalues
                .iter()
                .map(|value| format!("{value:.2}"))
                .collect();
            said.push(format!("largest eigenvalues of M: {}", values.join(", ")));
        }
        said
    }

    fn table(&self) -> Table {
        let n = self.rows.first().map_or(0, Vec::len);
        let mut table = Table::new().with("state", (0..n).collect::<Vec<usize>>());
        for (gain, row) in self.gains.iter().zip(&self.rows) {
            table = table.with(format!("m_gain_{gain}"), row.clone());
        }
        for (k, vector) in self.eigenvectors.iter().enumerate() {
            table = table.with(format!("eigenvector_{}", k + 1), vector.clone());
        }
        table
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let panel = |rows: &Vec<Vec<f64>>, label: &str, signed: bool, note: String| match rows.len() {
            1 => state_panel(&rows[0], label).note(note),
            _ => heat_panel(rows.clone(), label, signed).note(note),
        };
        let gains = self
            .gains
            .iter()
            .zip(&self.maps)
            .map(|(gain, rows)| panel(rows, "expected visits", false, format!("γ = {gain}")));
        let figure = |name: &str, title: String, caption: String, panels: Vec<neuropil_draw::Panel>| Shown {
            figure: Figure {
                name: name.to_owned(),
                title,
                caption,
                columns: 4.min(panels.len()),
                panels,
            },
            numbers: self.table(),
        };
        let mut shown = vec![figure(
            "horizons",
            format!("Row of state {} at {} gains", self.from, self.gains.len()),
            format!(
                "Expected discounted visits from the state visited most, read out at several gains from the same synapses; {}, seed {}.",
                origin.of, origin.seed
            ),
            gains.collect(),
        )];
        if !self.eigenmaps.is_empty() {
            let maps = self
                .eigenvalues
                .iter()
                .zip(&self.eigenmaps)
                .map(|(value, rows)| panel(rows, "eigenvector", true, format!("λ = {value:.2}")));
            shown.push(figure(
                "eigenvectors",
                "Eigenvectors of M".to_owned(),
                format!("The eigenvectors of M with the largest real eigenvalues, scaled to a largest value of 1; {}, seed {}.", origin.of, origin.seed),
                maps.collect(),
            ));
        }
        shown
    }
}
