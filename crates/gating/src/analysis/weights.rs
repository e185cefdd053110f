//! How importance is distributed over the weights of each layer.

use super::small;
use crate::network::Tensor;
use crate::record::Record;
use neuropil_draw::{Color, Figure, Panel, Series};
use neuropil_math::stats::summary::quantile;
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// Bins of the histogram of log₁₀ Ω.
const BINS: usize = 80;
/// Range of the histogram.
const RANGE: (f64, f64) = (-8.0, 4.0);

/// Importance of the weights of one layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Name of the array: `1.w`, from the input to the first hidden layer; `w_rec`, between units of a recurrent network.
    pub name: String,
    /// Mean Ω.
    pub mean: f64,
    /// Median Ω.
    pub median: f64,
    /// 95 % of the weights are below.
    pub upper: f64,
    /// Fraction of the weights below a thousandth of the layer's largest.
    pub free: f64,
    /// Fraction of the weights per bin of log₁₀ Ω, from −8 to 4; zeros are in none.
    pub histogram: Vec<f64>,
}

/// Importance of all layers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Weights {
    /// Layer by layer.
    pub layers: Vec<Layer>,
}

/// Importance Ω of all matrices of weights that are stabilised.
pub fn weights(record: &Record) -> Weights {
    let matrices = record.tensors.iter().filter(|tensor| tensor.is_matrix());
    let layer = |tensor: &Tensor| {
        let values: Vec<f64> = record.importance[tensor.range.clone()]
            .iter()
            .map(|&v| f64::from(v))
            .collect();
        let n = values.len() as f64;
        let largest = values.iter().copied().fold(0.0, f64::max);
        let mut histogram = vec![0.0; BINS];
        for value in values.iter().filter(|&&value| value > 0.0) {
            let bin = (value.log10() - RANGE.0) / (RANGE.1 - RANGE.0) * BINS as f64;
            histogram[(bin.max(0.0) as usize).min(BINS - 1)] += 1.0 / n;
        }
        Layer {
            name: tensor.name.clone(),
            mean: values.iter().sum::<f64>() / n,
            median: quantile(&values, 0.5).unwrap_or(0.0),
            upper: quantile(&values, 0.95).unwrap_or(0.0),
            free: values.iter().filter(|&&value| value <= 1e-3 * largest).count() as f64 / n,
            histogram,
        }
    };
    Weights {
        layers: matrices.map(layer).collect(),
    }
}

impl Tell for Weights {
    fn sentences(&self) -> Vec<String> {
        let told = |layer: &Layer| {
            format!(
                "Weights {}: mean importance {}, median {}; {:.1} % of them are below a thousandth of the largest.",
                layer.name,
                small(layer.mean),
                small(layer.median),
                100.0 * layer.free
            )
        };
        self.layers.iter().map(told).collect()
    }

    fn table(&self) -> Table {
        let width = (RANGE.1 - RANGE.0) / BINS as f64;
        let first = Table::new().with(
            "log10_importance",
            (0..BINS)
                .map(|bin| RANGE.0 + width * (bin as f64 + 0.5))
                .collect::<Vec<f64>>(),
        );
        self.layers.iter().fold(first, |table, layer| {
            table.with(layer.name.clone(), layer.histogram.clone())
        })
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let width = (RANGE.1 - RANGE.0) / BINS as f64;
        let x: Vec<f64> = (0..BINS)
            .map(|bin| RANGE.0 + width * (bin as f64 + 0.5))
            .collect();
        let panel = self.layers.iter().enumerate().fold(
            Panel::new("log10 importance", "fraction of the weights"),
            |panel, (i, layer)| {
                panel.series(
                    Series::line(x.clone(), layer.histogram.clone())
                        .label(layer.name.clone())
                        .color(Color::cycle(i)),
                )
            },
        );
        let free = self.layers.iter().map(|layer| layer.free).fold(0.0, f64::max);
        let figure = Figure {
            name: "importance".to_owned(),
            title: format!(
                "Up to {:.1} % of a layer's weights have next to no importance",
                100.0 * free
            ),
            caption: format!(
                "After the last task; weights whose importance is exactly 0 are left out. Seed {}.",
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
