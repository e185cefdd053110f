//! Figs 5 and 6: temporal-difference loss and place fields over features of every correlation and sparsity.
//!
//! Walks are random walks in an open arena of 14 × 14 bins: the birds' trajectories are not public. Whether the
//! recurrent or the feedforward network is closer to the birds depends on the walk and on how a gamma law is fitted
//! to field sizes; what is measured is reported with its fit.

use super::{Course, Effort, interval};
use crate::compare::{GammaFit, Recorded, compare};
use crate::config::{ModelKind, ModelSettings};
use crate::dynamics::Dynamics;
use crate::error::SuccessorError;
use crate::fang2023::{ARENA_SIDE, GRID_STEPS};
use crate::features::{Border, FeatureKind, FeatureMap};
use crate::fields::{FieldSettings, Grid, detect_of_states, summarise};
use crate::learner::learn;
use crate::sr;
use crate::td::{shuffled, td_loss};
use crate::world::World;
use neuropil_draw::{Color, Figure, Mark, Panel, Series};
use neuropil_lab::error::Problem;
use neuropil_math::rng::Key;
use neuropil_study::{Band, Claim, Found, Origin, Shown, Table, Tell};
use serde::{Deserialize, Serialize};

/// What is to be learned in one cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) sigma: f64,
    pub(super) p: f64,
    pub(super) gain: f64,
    pub(super) kind: ModelKind,
    pub(super) walk: usize,
}

/// One cell of the parameter grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellResult {
    /// σ of the blur, bins.
    pub sigma: f64,
    /// Initial sparsity.
    pub p: f64,
    /// Gain and discount.
    pub gain: f64,
    /// What learned.
    pub kind: ModelKind,
    /// Number of the walk.
    pub walk: usize,
    /// Sparsity after the blur.
    pub sparsity: f64,
    /// Learning rate that was kept; `None` for features alone.
    pub rate: Option<f64>,
    /// Temporal-difference loss over the walk.
    pub td_loss: f64,
    /// The same with shuffled weights, feedforward networks only.
    pub shuffled_td_loss: Option<f64>,
    /// Fields per neuron.
    pub per_neuron: f64,
    /// Mean size of the fields, share of the arena.
    pub mean_size: Option<f64>,
    /// Share of neurons without field.
    pub no_field: f64,
    /// D(model‖titmice) of the numbers of fields, bits.
    pub numbers_bits: Option<f64>,
    /// D(model‖titmice) of the sizes, bits; gamma laws with location 0.
    pub sizes_bits: Option<f64>,
    /// The same with the three-parameter fit of the paper.
    pub sizes_bits_reference: Option<f64>,
}

pub(super) fn run(cell: Cell, effort: Effort) -> Result<CellResult, SuccessorError> {
    let world = World::open(ARENA_SIDE)?;
    // walks and features are shared by all models and gains, as are the features of one (σ, p)
    let walk = world.walk(GRID_STEPS, effort.key(50, cell.walk));
    let place = (cell.sigma * 1000.0).round() as u64 * 1_000_000 + (cell.p * 1e6).round() as u64;
    let key = Key::new(effort.seed).attempt(51).at(place);
    let kind = FeatureKind::CorrelatedDistributed {
        sigma: cell.sigma,
        p: cell.p,
        features: 0,
        quantised: Vec::new(),
    };
    let features = FeatureMap::draw(&kind, world.shape, world.states(), Border::Reflect, key)?;
    let model = ModelSettings {
        kind: cell.kind,
        gain: cell.gain,
        retrieval_gain: cell.gain,
        dynamics: Dynamics::FEATURES,
        features: kind,
        ..ModelSettings::default()
    };
    let learned = learn(&model, &features.of_state, &[&walk])?;
    let counts = sr::counts([&walk[..]], world.states())?;
    let shuffle = (cell.kind == ModelKind::FfTd).then(|| {
        let psi = features.of_state.times(&shuffled(&learned.weights, key));
        td_loss(&features.of_state, &psi, &counts, cell.gain)
    });
    let grid = Grid::full(ARENA_SIDE, ARENA_SIDE);
    let fields = detect_of_states(
        &walk,
        &learned.activity,
        &grid,
        &FieldSettings::default(),
        effort.key(52, cell.walk),
    )?;
    let summary = summarise(&fields, &grid);
    let birds = Recorded::titmice();
    let ours = compare(&summary, &birds, GammaFit::Location0);
    let reference = compare(&summary, &birds, GammaFit::Reference);
    Ok(CellResult {
        sigma: cell.sigma,
        p: cell.p,
        gain: cell.gain,
        kind: cell.kind,
        walk: cell.walk,
        sparsity: features.sparsity(),
        rate: learned.rate.filter(|_| cell.kind != ModelKind::Identity),
        td_loss: learned.td_loss,
        shuffled_td_loss: shuffle,
        per_neuron: summary.per_neuron,
        mean_size: summary.mean_size,
        no_field: summary.no_field,
        numbers_bits: ours.as_ref().map(|d| d.numbers_bits),
        sizes_bits: ours.and_then(|d| d.sizes_bits),
        sizes_bits_reference: reference.and_then(|d| d.sizes_bits),
    })
}

pub(super) fn name(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::RnnS => "RNN-S",
        ModelKind::FfTd => "FF-TD",
        ModelKind::Hebbian => "Hebbian",
        ModelKind::Identity => "identity",
    }
}

pub(super) fn table_of(cells: &[CellResult]) -> Table {
    let pick = |f: fn(&CellResult) -> f64| cells.iter().map(f).collect::<Vec<f64>>();
    let maybe = |f: fn(&CellResult) -> Option<f64>| {
        cells
            .iter()
            .map(|cell| f(cell).unwrap_or(f64::NAN))
            .collect::<Vec<f64>>()
    };
    Table::new()
        .with("sigma", pick(|c| c.sigma))
        .with("p", pick(|c| c.p))
        .with("sparsity", pick(|c| c.sparsity))
        .with("gain", pick(|c| c.gain))
        .with("model", cells.iter().map(|c| name(c.kind)).collect::<Vec<_>>())
        .with("walk", cells.iter().map(|c| c.walk).collect::<Vec<_>>())
        .with("rate", maybe(|c| c.rate))
        .with("td_loss", pick(|c| c.td_loss))
        .with("shuffled_td_loss", maybe(|c| c.shuffled_td_loss))
        .with("fields_per_neuron", pick(|c| c.per_neuron))
        .with("mean_field_size", maybe(|c| c.mean_size))
        .with("no_field", pick(|c| c.no_field))
        .with("kl_numbers_bits", maybe(|c| c.numbers_bits))
        .with("kl_sizes_bits", maybe(|c| c.sizes_bits))
        .with("kl_sizes_bits_reference_fit", maybe(|c| c.sizes_bits_reference))
}

/// Adds a line for each model: mean and half an interval at every x, without those that are not known.
pub(super) fn both_models(panel: Panel, x: &[f64], of: impl Fn(ModelKind, f64) -> (f64, f64)) -> Panel {
    let models = [
        (ModelKind::RnnS, Color::Blue),
        (ModelKind::FfTd, Color::Vermillion),
    ];
    models.into_iter().fold(panel, |panel, (kind, color)| {
        let points = x.iter().map(|&x| (x, of(kind, x)));
        let known: Vec<(f64, (f64, f64))> = points.filter(|(_, (mean, _))| mean.is_finite()).collect();
        let (x, y): (Vec<f64>, Vec<f64>) = known.iter().map(|(x, (mean, _))| (*x, *mean)).unzip();
        let error: Vec<(f64, f64)> = known
            .iter()
            .map(|(_, (mean, half))| (mean - half, mean + half))
            .collect();
        panel.series(
            Series::line(x, y)
                .mark(Mark::LineAndPoints)
                .color(color)
                .error(error)
                .label(name(kind)),
        )
    })
}

/// Single cells of Figs 5 and 6: both models and the features alone, and one cell over gains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cells {
    /// Cells at γ = 0.6.
    pub single: Vec<CellResult>,
    /// σ = 1.75, p = 0.033 over gains and walks.
    pub over_gains: Vec<CellResult>,
}

/// Computes single cells of Figs 5 f and 6 j, k; nothing if it was stopped.
///
/// # Errors
/// What is kept cannot be read or written.
pub fn cells(effort: Effort, course: &Course<'_>) -> Result<Option<Cells>, Problem> {
    let mut plan = Vec::new();
    for (sigma, p) in [(1.75, 0.033), (0.0, 0.05), (1.0, 0.05)] {
        plan.extend(
            [ModelKind::RnnS, ModelKind::FfTd, ModelKind::Identity].map(|kind| Cell {
                sigma,
                p,
                gain: 0.6,
                kind,
                walk: 0,
            }),
        );
    }
    let gains: &[f64] = if effort.quick {
        &[0.4, 0.6, 0.8]
    } else {
        &[0.4, 0.5, 0.6, 0.75, 0.8]
    };
    let n_single = plan.len();
    for &gain in gains {
        for kind in [ModelKind::RnnS, ModelKind::FfTd] {
            plan.extend((0..effort.walks(10, 3)).map(|walk| Cell {
                sigma: 1.75,
                p: 0.033,
                gain,
                kind,
                walk,
            }));
        }
    }
    let found = course.go("networks", plan.len(), |i| run(plan[i], effort))?;
    Ok(found.map(|mut single| {
        let over_gains = single.split_off(n_single);
        Cells { single, over_gains }
    }))
}

impl Cells {
    fn gains(&self) -> Vec<f64> {
        let mut gains: Vec<f64> = self.over_gains.iter().map(|cell| cell.gain).collect();
        gains.dedup();
        gains.sort_by(f64::total_cmp);
        gains.dedup();
        gains
    }

    fn of(&self, kind: ModelKind, gain: f64, pick: fn(&CellResult) -> Option<f64>) -> Vec<f64> {
        self.over_gains
            .iter()
            .filter(|cell| cell.kind == kind && cell.gain == gain)
            .filter_map(pick)
            .collect()
    }

    /// What the paper reports, beside what was found.
    pub fn claims(&self) -> Vec<Claim> {
        let mut claims = Vec::new();
        for (kind, loss, fields, size) in [
            (ModelKind::RnnS, 0.0130, 2.18, 0.109),
            (ModelKind::FfTd, 0.0123, 1.91, 0.124),
        ] {
            for (what, value, width, found, digits) in [
                (
                    "temporal-difference loss",
                    loss,
                    0.3 * loss,
                    interval(&self.of(kind, 0.6, |cell| Some(cell.td_loss))).0,
                    4,
                ),
                (
                    "fields per neuron",
                    fields,
                    0.6,
                    interval(&self.of(kind, 0.6, |cell| Some(cell.per_neuron))).0,
                    2,
                ),
                (
                    "field size, share of the arena",
                    size,
                    0.025,
                    interval(&self.of(kind, 0.6, |cell| cell.mean_size)).0,
                    3,
                ),
            ] {
                claims.push(Claim::new(
                    "Figs 5, 6",
                    format!("{what}, {}, σ = 1.75, p = 0.033, γ = 0.6", name(kind)),
                    format!("{value} (measured independently, other features)"),
                    Band::around(value, width),
                    Found::one(found).digits(digits),
                ));
            }
        }
        for kind in [ModelKind::RnnS, ModelKind::FfTd] {
            let losses: Vec<f64> = self
                .gains()
                .iter()
                .map(|&gain| interval(&self.of(kind, gain, |cell| Some(cell.td_loss))).0)
                .collect();
            let rises = losses.windows(2).all(|pair| pair[1] > pair[0]);
            claims.push(Claim::new(
                "Fig. 5f",
                format!(
                    "loss at the largest over that at the smallest gain, {}",
                    name(kind)
                ),
                "rises with γ",
                Band::when("the loss rises from gain to gain"),
                Found::judged([(losses[losses.len() - 1] / losses[0], rises)]),
            ));
        }
        let shuffles: Vec<f64> = self
            .single
            .iter()
            .filter_map(|cell| Some(cell.shuffled_td_loss? / cell.td_loss))
            .collect();
        let least = shuffles.iter().copied().fold(f64::INFINITY, f64::min);
        claims.push(Claim::new(
            "Fig. 5f",
            "loss of shuffled weights over that of FF-TD, least of three cells",
            "3.3 to 4.3 measured independently",
            Band::at_least(3.0),
            Found::one(least),
        ));
        let bits = |kind, pick| interval(&self.of(kind, 0.6, pick)).0;
        let total: fn(&CellResult) -> Option<f64> = |cell| Some(cell.numbers_bits? + cell.sizes_bits?);
        let reference: fn(&CellResult) -> Option<f64> =
            |cell| Some(cell.numbers_bits? + cell.sizes_bits_reference?);
        for (fit, pick) in [
            ("location 0", total),
            ("three parameters, as the paper", reference),
        ] {
            let (rnn, td) = (bits(ModelKind::RnnS, pick), bits(ModelKind::FfTd, pick));
            claims.push(Claim::new(
                "Fig. 6j, k",
                format!("divergence from titmice, RNN-S less FF-TD, bits, one cell, random walks ({fit})"),
                "RNN-S closer over the whole grid on the birds' walks; depends on the fit",
                Band::when("measured, not judged"),
                Found::judged([(rnn - td, true)])
                    .called(format!("{:+.2} ({rnn:.2} against {td:.2})", rnn - td)),
            ));
        }
        claims
    }
}

impl Tell for Cells {
    fn sentences(&self) -> Vec<String> {
        self.single
            .iter()
            .map(|cell| {
                let bits = |x: Option<f64>| x.map_or("none".to_owned(), |x| format!("{x:.3}"));
                format!(
                    "σ = {}, p = {} (sparsity {:.3}), {}: loss {:.4}, {:.2} fields per neuron, size {}, KL numbers {} and sizes {} bits (location 0)",
                    cell.sigma, cell.p, cell.sparsity, name(cell.kind), cell.td_loss, cell.per_neuron, bits(cell.mean_size), bits(cell.numbers_bits), bits(cell.sizes_bits)
                )
            })
            .collect()
    }

    fn table(&self) -> Table {
        table_of(&[self.single.clone(), self.over_gains.clone()].concat())
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let panel = |label: &str, pick: fn(&CellResult) -> Option<f64>| {
            both_models(Panel::new("γ", label), &self.gains(), |kind, gain| {
                interval(&self.of(kind, gain, pick))
            })
        };
        vec![Shown {
            figure: Figure {
                name: "figure-5f-6jk".to_owned(),
                title: "Loss and divergence from titmice over gains".to_owned(),
                caption: format!(
                    "σ = 1.75 bins, p = 0.033, random walks; mean and 95 % confidence interval over walks; gamma laws with location 0; seed {}.",
                    origin.seed
                ),
                columns: 3,
                panels: vec![
                    panel("temporal-difference loss", |cell| Some(cell.td_loss)),
                    panel("KL of field numbers (bits)", |cell| cell.numbers_bits),
                    panel("KL of field sizes (bits)", |cell| cell.sizes_bits),
                ],
            },
            numbers: self.table(),
        }]
    }
}
