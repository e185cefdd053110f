//! Figs 5 d, e and 6 d–i: both models over the grid of correlation and sparsity.

use super::cells::{Cell, CellResult, name, run, table_of};
use super::{Course, Effort, interval};
use crate::config::ModelKind;
use crate::fang2023::{BIN_CM, GRID, GRID_LEAST_P, GRID_POINTS, GRID_STEPS};
use neuropil_draw::{Figure, Heat, Panel};
use neuropil_lab::error::Problem;
use neuropil_study::{Band, Claim, Found, Origin, Shown, Table, Tell};
use serde::Serialize;

/// Cells over the grid of σ and sparsity at one gain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grid56 {
    /// Gain.
    pub gain: f64,
    /// All cells, both models.
    pub cells: Vec<CellResult>,
}

/// Computes the grid of Figs 5 d, e and 6 d–i at γ = 0.75; nothing if it was stopped.
///
/// Quick: two sparsities for each of the 13 blurs, one walk. Full: all 260 cells, three walks.
///
/// # Errors
/// What is kept cannot be read or written.
pub fn grid_56(effort: Effort, course: &Course<'_>) -> Result<Option<Grid56>, Problem> {
    const GAIN: f64 = 0.75;
    let mut plan = Vec::new();
    for (sigma, most) in GRID {
        let points: Vec<usize> = if effort.quick {
            vec![9, 18]
        } else {
            (0..GRID_POINTS).collect()
        };
        for point in points {
            let p = GRID_LEAST_P + (most - GRID_LEAST_P) * point as f64 / (GRID_POINTS - 1) as f64;
            for kind in [ModelKind::RnnS, ModelKind::FfTd] {
                plan.extend((0..effort.walks(3, 1)).map(|walk| Cell {
                    sigma,
                    p,
                    gain: GAIN,
                    kind,
                    walk,
                }));
            }
        }
    }
    let cells = course.go("networks", plan.len(), |i| run(plan[i], effort))?;
    Ok(cells.map(|cells| Grid56 { gain: GAIN, cells }))
}

impl Grid56 {
    /// What the paper reports, beside what was found.
    pub fn claims(&self) -> Vec<Claim> {
        let shuffles: Vec<f64> = self
            .cells
            .iter()
            .filter_map(|cell| Some(cell.shuffled_td_loss? / cell.td_loss))
            .collect();
        vec![Claim::new(
            "Fig. 5",
            "loss of shuffled weights over that of FF-TD, γ = 0.75, mean of all cells",
            "far above",
            Band::at_least(2.0),
            Found::one(interval(&shuffles).0),
        )]
    }

    /// Mean of `pick` in cells of σ (rows) and sparsity (columns of 0.01 up to 0.2); NaN where no cell lies.
    fn map(&self, kind: ModelKind, pick: fn(&CellResult) -> Option<f64>) -> Vec<Vec<f64>> {
        let row = |(sigma, _): &(f64, f64)| {
            (0..20)
                .map(|column| {
                    let inside = |cell: &&CellResult| {
                        cell.kind == kind
                            && cell.sigma == *sigma
                            && (cell.sparsity * 100.0).round() as usize == column + 1
                    };
                    let values: Vec<f64> = self.cells.iter().filter(inside).filter_map(pick).collect();
                    if values.is_empty() {
                        f64::NAN
                    } else {
                        interval(&values).0
                    }
                })
                .collect()
        };
        GRID.iter().map(row).collect()
    }
}

impl Tell for Grid56 {
    fn sentences(&self) -> Vec<String> {
        let total = |cell: &CellResult| Some(cell.numbers_bits? + cell.sizes_bits?);
        let mut said = Vec::new();
        for kind in [ModelKind::RnnS, ModelKind::FfTd] {
            let own: Vec<&CellResult> = self.cells.iter().filter(|cell| cell.kind == kind).collect();
            let losses: Vec<f64> = own.iter().map(|cell| cell.td_loss).collect();
            let best = own
                .iter()
                .filter_map(|cell| Some((total(cell)?, cell)))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            let nearest = best.map_or(String::new(), |(bits, cell)| {
                format!(
                    "; nearest to titmice at σ = {:.2} cm, sparsity {:.3}: {bits:.2} bits in all",
                    cell.sigma * BIN_CM,
                    cell.sparsity
                )
            });
            said.push(format!(
                "{}: loss {:.4} on average over {} cells{nearest}",
                name(kind),
                interval(&losses).0,
                own.len()
            ));
        }
        said.push("random walks instead of the birds' trajectories, which are not public; gamma laws with location 0".to_owned());
        said
    }

    fn table(&self) -> Table {
        table_of(&self.cells)
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        self.maps(
            "",
            &format!(
                "random walks of {GRID_STEPS} steps; grey: unexplored; seed {}",
                origin.seed
            ),
        )
    }
}

impl Grid56 {
    /// Maps of both models; `suffix` tells their names from those of another gain.
    pub(super) fn maps(&self, suffix: &str, made: &str) -> Vec<Shown> {
        let panel = |kind: ModelKind, pick: fn(&CellResult) -> Option<f64>, label: &str| {
            Panel::new("sparsity", "σ (row of the grid)")
                .heat(Heat {
                    values: self.map(kind, pick),
                    x: (0.005, 0.205),
                    y: (-0.5, 12.5),
                    signed: false,
                    limits: None,
                    label: label.to_owned(),
                })
                .y_ticks(
                    GRID.iter()
                        .enumerate()
                        .step_by(3)
                        .map(|(k, (sigma, _))| (k as f64, format!("{sigma}")))
                        .collect::<Vec<_>>(),
                )
                .note(name(kind))
        };
        let models = [ModelKind::RnnS, ModelKind::FfTd];
        let figure = |file: &str, title: &str, panels: Vec<Panel>, columns: usize| Shown {
            figure: Figure {
                name: format!("{file}{suffix}"),
                title: title.to_owned(),
                caption: format!("γ = {}, {} networks, {made}.", self.gain, self.cells.len()),
                columns,
                panels,
            },
            numbers: self.table(),
        };
        let total: fn(&CellResult) -> Option<f64> = |cell| Some(cell.numbers_bits? + cell.sizes_bits?);
        vec![
            figure(
                "figure-5de",
                "Temporal-difference loss over the grid of features",
                models
                    .map(|kind| panel(kind, |cell| Some(cell.td_loss), "loss"))
                    .to_vec(),
                2,
            ),
            figure(
                "figure-6",
                "Fields over the grid of features",
                models
                    .iter()
                    .flat_map(|&kind| {
                        [
                            panel(kind, |cell| Some(cell.no_field), "without field"),
                            panel(kind, |cell| cell.mean_size, "field size"),
                            panel(kind, |cell| Some(cell.per_neuron), "fields per neuron"),
                            panel(kind, total, "KL to titmice (bits)"),
                        ]
                    })
                    .collect(),
                4,
            ),
        ]
    }
}
