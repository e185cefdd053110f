//! Panels that several figures share.

use crate::compare::GammaLaw;
use crate::fields::Grid;
use neuropil_draw::{Bars, Color, Heat, Panel, Series};
use statrs::function::gamma::ln_gamma;

/// Values of bins as rows of a map, the lowest row first; bins that do not exist are empty.
pub(crate) fn rows_of(values: &[f64], grid: &Grid) -> Vec<Vec<f64>> {
    let cell = |x: usize, y: usize| {
        let bin = x * grid.height + y;
        if grid.exists[bin] { values[bin] } else { f64::NAN }
    };
    (0..grid.height)
        .map(|y| (0..grid.width).map(|x| cell(x, y)).collect())
        .collect()
}

/// A map of bins.
pub(crate) fn heat_panel(rows: Vec<Vec<f64>>, label: &str, signed: bool) -> Panel {
    let (width, height) = (rows.first().map_or(1, Vec::len) as f64, rows.len() as f64);
    let side = 190.0 / width.max(height);
    let panel = Panel::new("x (bins)", "y (bins)");
    // A linear track is drawn as a strip that can be seen.
    let is_map = 4.0 * width.min(height) >= width.max(height);
    let panel = if is_map { panel.equal() } else { panel };
    panel
        .heat(Heat {
            values: rows,
            x: (0.0, width),
            y: (0.0, height),
            signed,
            limits: None,
            label: label.to_owned(),
        })
        .size(110.0 + side * width, 80.0 + side * height)
}

/// A matrix with states along both axes, the first row at the top.
pub(crate) fn matrix_panel(rows: Vec<Vec<f64>>, x: &str, y: &str, label: &str, signed: bool) -> Panel {
    let (width, height) = (rows.first().map_or(1, Vec::len) as f64, rows.len() as f64);
    Panel::new(x, y)
        .heat(Heat {
            values: rows,
            x: (0.0, width),
            y: (0.0, height),
            signed,
            limits: None,
            label: label.to_owned(),
        })
        .y_range(height, 0.0)
        .size(290.0, 250.0)
}

/// Values along a ring.
pub(crate) fn state_panel(values: &[f64], label: &str) -> Panel {
    let states: Vec<f64> = (0..values.len()).map(|state| state as f64).collect();
    Panel::new("state", label).series(Series::line(states, values.to_vec()))
}

/// Numbers of fields per neuron, model and data.
pub(crate) fn field_number_panel(model: &[f64; 5], data: (&str, &[f64; 5])) -> Panel {
    let (name, data) = data;
    let edges = |offset: f64| -> Vec<[f64; 4]> {
        (1..=5)
            .map(|k| [k as f64 + offset, k as f64 + offset + 0.36, 0.0, 0.0])
            .collect()
    };
    let boxes = |offset: f64, values: &[f64; 5], label: &str, color: Color| neuropil_draw::Boxes {
        label: Some(label.to_owned()),
        color,
        at: edges(offset)
            .iter()
            .zip(values)
            .map(|(at, value)| [at[0], at[1], 0.0, *value])
            .collect(),
    };
    Panel::new("fields per neuron", "share of neurons with fields")
        .boxes(boxes(-0.38, model, "model", Color::Blue))
        .boxes(boxes(0.02, data, name, Color::Orange))
        .x_ticks(
            (1..=5)
                .map(|k| (f64::from(k), if k == 5 { "5+".to_owned() } else { k.to_string() }))
                .collect::<Vec<_>>(),
        )
        .y_range(0.0, model.iter().chain(data).copied().fold(0.1, f64::max) * 1.1)
}

/// Histogram of field sizes with the laws of model and data.
pub(crate) fn field_size_panel(sizes: &[f64], model: Option<GammaLaw>, data: (&str, GammaLaw)) -> Panel {
    let (name, data) = data;
    let most = sizes.iter().copied().fold(0.3, f64::max);
    let bins = 20;
    let edges: Vec<f64> = (0..=bins)
        .map(|k| most * f64::from(k) / f64::from(bins))
        .collect();
    let mut heights = vec![0.0; bins as usize];
    let unit = 1.0 / (sizes.len() as f64 * most / f64::from(bins));
    sizes
        .iter()
        .for_each(|size| heights[((size / most * f64::from(bins)) as usize).min(bins as usize - 1)] += unit);
    let x: Vec<f64> = (1..=200).map(|k| most * f64::from(k) / 200.0).collect();
    let density = |law: GammaLaw| -> Vec<f64> {
        let one = |x: &f64| {
            ((law.shape - 1.0) * x.ln() - x / law.scale - ln_gamma(law.shape) - law.shape * law.scale.ln())
                .exp()
        };
        x.iter().map(one).collect()
    };
    // Laws with a shape below 1 have no end at 0: they are cut off at twice the highest bar.
    let bar = heights.iter().copied().fold(1.0, f64::max);
    let laws = model.iter().chain([&data]).flat_map(|law| density(*law));
    let top = laws.fold(bar, f64::max).min(2.0 * bar) * 1.1;
    let mut panel = Panel::new("field size (share of the arena)", "density")
        .bars(Bars {
            label: Some("model".to_owned()),
            color: Color::Sky,
            edges,
            heights,
        })
        .series(
            Series::line(x.clone(), density(data))
                .label(format!("{name}, gamma"))
                .color(Color::Orange),
        )
        .y_range(0.0, top);
    if let Some(law) = model {
        panel = panel.series(
            Series::line(x.clone(), density(law))
                .label("model, gamma")
                .color(Color::Blue),
        );
    }
    panel
}
