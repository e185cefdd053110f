//! The whole grid of Figs 5 and 6, every cell at several gains and on many walks, as a sweep learned it.
//!
//! `benches/successor_grid.py` writes the sweep: all 260 features, both models, ten walks a cell. What the paper concludes
//! from its grid is measured here cell by cell, both models on the same walk and the same features.

use super::cells::{CellResult, both_models, name, table_of};
use super::grid::Grid56;
use super::interval;
use crate::config::ModelKind;
use crate::fang2023::{BIN_CM, GRID, GRID_STEPS, MOST_BITS};
use neuropil_draw::{Figure, Panel};
use neuropil_lab::error::LabError;
use neuropil_study::{Band, Claim, Found, Origin, Shown, Table, Tell};
use serde::Serialize;
use std::collections::BTreeMap;

/// The grid at every gain of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweptGrid {
    /// Gains in ascending order, each with all of its networks.
    pub gains: Vec<Grid56>,
    /// Walks a cell, at most.
    pub walks: usize,
}

type Pick = fn(&CellResult) -> Option<f64>;

/// Divergence from titmice, numbers and sizes of fields, gamma laws with location 0, up to the bound of the paper's maps.
const TOTAL: Pick = |cell| Some((cell.numbers_bits? + cell.sizes_bits?).min(MOST_BITS));
/// The same with the three-parameter fit of the paper, whose likelihood has no maximum: single fits run away.
const TOTAL_REFERENCE: Pick = |cell| Some((cell.numbers_bits? + cell.sizes_bits_reference?).min(MOST_BITS));

/// Reads the merged table of a sweep of `successor/features` over σ, p, gain and model.
///
/// # Errors
/// A column is missing or holds no numbers; a model that the grid does not compare.
pub fn swept_grid(table: &Table) -> Result<SweptGrid, LabError> {
    let maybe = |name: &str| -> Result<Vec<Option<f64>>, LabError> {
        let known = |x: f64| Some(x).filter(|x| x.is_finite());
        Ok(table.numbers(name)?.into_iter().map(known).collect())
    };
    let kinds: Vec<ModelKind> = table
        .texts("model.kind")?
        .iter()
        .enumerate()
        .map(|(row, kind)| match kind.as_str() {
            "rnn-s" => Ok(ModelKind::RnnS),
            "ff-td" => Ok(ModelKind::FfTd),
            _ => Err(table.wrong("model.kind", row, "`rnn-s` or `ff-td`, which the grid compares")),
        })
        .collect::<Result<_, _>>()?;
    let (sigma, p) = (
        table.finite("model.features.sigma")?,
        table.finite("model.features.p")?,
    );
    let (gain, seed) = (table.finite("model.gain")?, table.finite("seed")?);
    let (sparsity, td_loss) = (table.finite("sparsity")?, table.finite("td_loss")?);
    let (per_neuron, no_field) = (table.finite("fields_per_neuron")?, table.finite("no_field")?);
    let (rate, shuffled) = (maybe("rate")?, maybe("shuffled_td_loss")?);
    let size = maybe("mean_field_size")?;
    let (numbers_bits, sizes_bits) = (maybe("kl_numbers_bits")?, maybe("kl_sizes_bits")?);
    let reference = maybe("kl_sizes_bits_reference_fit")?;
    let mut by_gain: BTreeMap<u64, Vec<CellResult>> = BTreeMap::new();
    for (i, &kind) in kinds.iter().enumerate() {
        // Gains are positive, so their bits are in their order.
        by_gain.entry(gain[i].to_bits()).or_default().push(CellResult {
            sigma: sigma[i],
            p: p[i],
            gain: gain[i],
            kind,
            walk: seed[i] as usize,
            sparsity: sparsity[i],
            rate: rate[i],
            td_loss: td_loss[i],
            shuffled_td_loss: shuffled[i],
            per_neuron: per_neuron[i],
            mean_size: size[i],
            no_field: no_field[i],
            numbers_bits: numbers_bits[i],
            sizes_bits: sizes_bits[i],
            sizes_bits_reference: reference[i],
        });
    }
    let mut walks = seed.iter().map(|&seed| seed as usize).collect::<Vec<_>>();
    walks.sort_unstable();
    walks.dedup();
    let gains = by_gain.into_values().map(|cells| Grid56 {
        gain: cells[0].gain,
        cells,
    });
    Ok(SweptGrid {
        gains: gains.collect(),
        walks: walks.len(),
    })
}

/// Values of the same key together.
fn grouped<K: Ord, V>(all: impl Iterator<Item = (K, V)>) -> BTreeMap<K, Vec<V>> {
    let mut groups = BTreeMap::new();
    for (key, value) in all {
        groups.entry(key).or_insert_with(Vec::new).push(value);
    }
    groups
}

/// Where a cell stands in the grid.
fn place(cell: &CellResult) -> (u64, u64) {
    (cell.sigma.to_bits(), cell.p.to_bits())
}

fn of_model(grid: &Grid56, kind: ModelKind) -> impl Iterator<Item = &CellResult> {
    grid.cells.iter().filter(move |cell| cell.kind == kind)
}

/// A quantity of cells for which both models have it on the same walk: the cell, and the two values.
fn pairs(grid: &Grid56, pick: Pick) -> Vec<(&CellResult, [f64; 2])> {
    let on_walk = |cell: &CellResult| (place(cell), cell.walk);
    let td: BTreeMap<_, f64> = of_model(grid, ModelKind::FfTd)
        .filter_map(|cell| Some((on_walk(cell), pick(cell)?)))
        .collect();
    of_model(grid, ModelKind::RnnS)
        .filter_map(|rnn| Some((rnn, [pick(rnn)?, *td.get(&on_walk(rnn))?])))
        .collect()
}

/// Means over the cells of each walk of a quantity of both models.
fn by_walk(grid: &Grid56, pick: Pick) -> [Vec<f64>; 2] {
    let walks = grouped(
        pairs(grid, pick)
            .into_iter()
            .map(|(cell, both)| (cell.walk, both)),
    );
    [0, 1].map(|m| {
        let of = |cells: &Vec<[f64; 2]>| cells.iter().map(|both| both[m]).sum::<f64>() / cells.len() as f64;
        walks.values().map(of).collect()
    })
}

/// Share of the cells, walks averaged, in which the recurrent network comes nearer.
fn nearer(grid: &Grid56, pick: Pick) -> f64 {
    let differences = pairs(grid, pick).into_iter();
    let cells = grouped(differences.map(|(cell, [rnn, td])| (place(cell), rnn - td)));
    let won = cells.values().filter(|differences| interval(differences).0 < 0.0);
    won.count() as f64 / cells.len().max(1) as f64
}

/// The cell, walks averaged, that is nearest to titmice: σ in bins, sparsity, bits.
fn nearest(grid: &Grid56, kind: ModelKind) -> Option<(f64, f64, f64)> {
    let known = of_model(grid, kind).filter_map(|cell| Some((place(cell), (cell.sparsity, TOTAL(cell)?))));
    let mean = |((sigma, _), values): ((u64, u64), Vec<(f64, f64)>)| {
        let n = values.len() as f64;
        (
            f64::from_bits(sigma),
            values.iter().map(|value| value.0).sum::<f64>() / n,
            values.iter().map(|value| value.1).sum::<f64>() / n,
        )
    };
    let cells = grouped(known).into_iter().map(mean);
    cells.min_by(|a, b| a.2.total_cmp(&b.2))
}

/// What panels show, a row a point.
fn numbers_of(panels: &[Panel]) -> Table {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for panel in panels {
        for series in &panel.series {
            for (i, (x, y)) in series.x.iter().zip(&series.y).enumerate() {
                let (low, high) = series.error.as_ref().map_or((*y, *y), |error| error[i]);
                let named = [
                    panel.note.clone(),
                    Some(panel.x.label.clone()),
                    series.label.clone(),
                ];
                let values = [*x, *y, low, high].map(|value| value.to_string());
                let named = named.into_iter().map(Option::unwrap_or_default);
                rows.push(named.chain(values).chain([panel.y.label.clone()]).collect());
            }
        }
    }
    let headers = ["at", "over", "model", "x", "mean", "low", "high", "of"].map(str::to_owned);
    Table::of_rows(&headers, &rows)
}

impl SweptGrid {
    /// What the paper reports, beside what was found.
    pub fn claims(&self) -> Vec<Claim> {
        let mut claims = Vec::new();
        for grid in &self.gains {
            let ratios: Vec<f64> = grid
                .cells
                .iter()
                .filter_map(|cell| Some(cell.shuffled_td_loss? / cell.td_loss))
                .collect();
            claims.push(Claim::new(
                "Fig. 5",
                format!(
                    "loss of shuffled weights over that of FF-TD, γ = {}, mean of the grid",
                    grid.gain
                ),
                "far above",
                Band::at_least(2.0),
                Found::one(interval(&ratios).0),
            ));
        }
        for grid in &self.gains {
            let [rnn, td] = by_walk(grid, |cell| Some(cell.td_loss));
            let ratios: Vec<f64> = rnn.iter().zip(&td).map(|(rnn, td)| rnn / td).collect();
            claims.push(Claim::new(
                "Fig. 5d, e",
                format!(
                    "loss of RNN-S over that of FF-TD, means of the grid, γ = {}",
                    grid.gain
                ),
                "slightly lower at high γ",
                Band::at_most(1.0),
                Found::one(interval(&ratios).0),
            ));
        }
        for (m, kind) in [ModelKind::RnnS, ModelKind::FfTd].into_iter().enumerate() {
            let losses: Vec<f64> = self
                .gains
                .iter()
                .map(|grid| interval(&by_walk(grid, |cell| Some(cell.td_loss))[m]).0)
                .collect();
            if let [first, .., last] = losses[..] {
                let rises = losses.windows(2).all(|pair| pair[1] > pair[0]);
                claims.push(Claim::new(
                    "Fig. 5f",
                    format!(
                        "loss over the grid at the largest over that at the smallest gain, {}",
                        name(kind)
                    ),
                    "rises with γ",
                    Band::when("the loss rises from gain to gain"),
                    Found::judged([(last / first, rises)]),
                ));
            }
        }
        for grid in &self.gains {
            for (fit, pick) in [
                ("location 0", TOTAL),
                ("three parameters, as the paper", TOTAL_REFERENCE),
            ] {
                let [rnn, td] = by_walk(grid, pick);
                let difference: Vec<f64> = rnn.iter().zip(&td).map(|(rnn, td)| rnn - td).collect();
                let (mean, half) = interval(&difference);
                claims.push(Claim::new(
                    "Fig. 6d–k",
                    format!(
                        "divergence from titmice (up to 10 bits), RNN-S less FF-TD, mean of the grid, γ = {} ({fit})",
                        grid.gain
                    ),
                    "RNN-S closer over the whole grid on the birds' walks; depends on the fit",
                    Band::when("measured, not judged"),
                    Found::judged([(mean, true)]).called(format!(
                        "{mean:+.3} ± {half:.3}; RNN-S closer in {:.0} % of the cells",
                        100.0 * nearer(grid, pick)
                    )),
                ));
            }
        }
        for grid in &self.gains {
            if let Some((sigma, sparsity, bits)) = nearest(grid, ModelKind::RnnS) {
                claims.push(Claim::new(
                    "Fig. 6g",
                    format!("cell nearest to titmice, RNN-S, γ = {}", grid.gain),
                    "σ 8.75 cm, sparsity 0.15 on the birds' walks",
                    Band::when("measured, not judged"),
                    Found::judged([(bits, true)]).called(format!(
                        "σ {:.2} cm, sparsity {sparsity:.3}: {bits:.2} bits",
                        sigma * BIN_CM
                    )),
                ));
            }
        }
        claims
    }

    /// Loss of both models over σ and over sparsity, means of the cells with 95 % intervals over walks.
    fn loss_panels(&self) -> Vec<Panel> {
        let sigmas: Vec<f64> = GRID.iter().map(|(sigma, _)| *sigma).collect();
        let percents: Vec<f64> = (1..=20).map(f64::from).collect();
        let of = |grid: &Grid56, label: &str, x: &[f64], keep: fn(&CellResult, f64) -> bool| {
            let panel = Panel::new(label, "temporal-difference loss").note(format!("γ = {}", grid.gain));
            both_models(panel, x, |kind, x| {
                let cells = of_model(grid, kind).filter(|cell| keep(cell, x));
                let walks = grouped(cells.map(|cell| (cell.walk, cell.td_loss)));
                let mean = |losses: &Vec<f64>| losses.iter().sum::<f64>() / losses.len() as f64;
                interval(&walks.values().map(mean).collect::<Vec<f64>>())
            })
        };
        let both = |grid: &Grid56| {
            [
                of(grid, "σ (bins)", &sigmas, |cell, sigma| cell.sigma == sigma),
                of(grid, "sparsity (%)", &percents, |cell, percent| {
                    (100.0 * cell.sparsity).round() == percent
                }),
            ]
        };
        self.gains.iter().flat_map(both).collect()
    }

    /// Means of the grid over gains.
    fn gain_panels(&self) -> Vec<Panel> {
        let x: Vec<f64> = self.gains.iter().map(|grid| grid.gain).collect();
        let panel = |label: &str, pick: Pick| {
            let found: Vec<[(f64, f64); 2]> = self
                .gains
                .iter()
                .map(|grid| by_walk(grid, pick).map(|walks| interval(&walks)))
                .collect();
            both_models(Panel::new("γ", label), &x, |kind, gain| {
                let at = x.iter().position(|&x| x == gain).expect("one of the gains");
                found[at][usize::from(kind == ModelKind::FfTd)]
            })
        };
        vec![
            panel("temporal-difference loss", |cell| Some(cell.td_loss)),
            panel("KL of field numbers (bits)", |cell| cell.numbers_bits),
            panel("KL of field sizes (bits)", |cell| cell.sizes_bits),
        ]
    }
}

impl Tell for SweptGrid {
    fn sentences(&self) -> Vec<String> {
        let mut said: Vec<String> = self
            .gains
            .iter()
            .map(|grid| {
                let [rnn, td] = by_walk(grid, |cell| Some(cell.td_loss)).map(|losses| interval(&losses));
                format!(
                    "γ = {}: {} networks, loss {:.4} ± {:.4} (RNN-S) and {:.4} ± {:.4} (FF-TD) over the grid",
                    grid.gain,
                    grid.cells.len(),
                    rnn.0,
                    rnn.1,
                    td.0,
                    td.1
                )
            })
            .collect();
        said.push(format!(
            "random walks of {GRID_STEPS} steps, up to {} a cell, instead of the birds' trajectories, which are not public",
            self.walks
        ));
        said
    }

    fn table(&self) -> Table {
        let all: Vec<CellResult> = self.gains.iter().flat_map(|grid| grid.cells.clone()).collect();
        table_of(&all)
    }

    fn figures(&self, _: &Origin) -> Vec<Shown> {
        let made = format!("random walks of {GRID_STEPS} steps, up to {} a cell", self.walks);
        let shown = |file: &str, title: &str, panels: Vec<Panel>, columns: usize| Shown {
            figure: Figure {
                name: file.to_owned(),
                title: title.to_owned(),
                caption: format!(
                    "Means of the cells, 95 % intervals over walks; {made}; gamma laws with location 0."
                ),
                columns,
                panels: panels.clone(),
            },
            numbers: numbers_of(&panels),
        };
        let mut figures = vec![
            shown(
                "figure-5bc",
                "Loss over correlation and sparsity",
                self.loss_panels(),
                2,
            ),
            shown(
                "figure-5f-6jk-grid",
                "The whole grid over gains",
                self.gain_panels(),
                3,
            ),
        ];
        for grid in &self.gains {
            figures.extend(grid.maps(
                &format!("-gain-{}", grid.gain),
                &format!("{made}; grey: unexplored"),
            ));
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// A sweep of two cells, two gains, two walks, in which RNN-S is nearer in one cell and further in the other.
    fn swept() -> Table {
        let mut text = "run,cell,seed,model.gain,model.features.sigma,model.features.p,model.kind,sparsity,rate,td_loss,\
                        shuffled_td_loss,fields_per_neuron,mean_field_size,no_field,kl_numbers_bits,kl_sizes_bits,\
                        kl_sizes_bits_reference_fit\n"
            .to_owned();
        let mut run = 0;
        for gain in [0.75, 0.4] {
            for (sigma, p) in [(0.0, 0.05), (1.75, 0.045)] {
                for kind in ["rnn-s", "ff-td"] {
                    for seed in [1, 2] {
                        run += 1;
                        let far = f64::from(u8::from((kind == "rnn-s") == (sigma == 0.0)));
                        let shuffled = if kind == "ff-td" { "0.3" } else { "" };
                        text += &format!(
                            "{run},1,{seed},{gain},{sigma},{p},{kind},0.15,0.001,{},{shuffled},2,0.1,0,{},{},0.5\n",
                            0.1 * gain,
                            1.0 + far,
                            0.01 * f64::from(seed)
                        );
                    }
                }
            }
        }
        Table::parse(Path::new("table.csv"), &text).unwrap()
    }

    #[test]
    fn models_are_compared_cell_by_cell_on_the_same_walk() {
        let found = swept_grid(&swept()).unwrap();
        assert_eq!((found.gains.len(), found.walks), (2, 2));
        assert_eq!((found.gains[0].gain, found.gains[0].cells.len()), (0.4, 8));
        let [rnn, td] = by_walk(&found.gains[0], TOTAL);
        assert_eq!((rnn.len(), &rnn), (2, &td));
        assert_eq!(nearer(&found.gains[0], TOTAL), 0.5);
        let (sigma, sparsity, bits) = nearest(&found.gains[0], ModelKind::RnnS).unwrap();
        assert_eq!((sigma, sparsity), (1.75, 0.15));
        assert!((bits - 1.015).abs() < 1e-12);
        let claims = found.claims();
        let rises: Vec<&Claim> = claims.iter().filter(|claim| claim.place == "Fig. 5f").collect();
        assert!(
            rises.len() == 2
                && rises
                    .iter()
                    .all(|claim| claim.verdict() == neuropil_study::Verdict::InBand)
        );
        assert_eq!(found.figures(&Origin::default()).len(), 6);
    }

    #[test]
    fn a_table_of_something_else_is_refused() {
        let other = Table::parse(Path::new("table.csv"), "run,seed\n1,1\n").unwrap();
        let said = swept_grid(&other).unwrap_err().to_string();
        assert!(said.contains("model.kind"), "{said}");
    }
}
