//! Results as figures; nothing is computed here but where bars end.

use neuropil_draw::{Bars, Color, Figure, Panel, Series};

use crate::associate::{Association, Study};
use crate::cnn::train::Epoch;
use crate::traits::Kind;

/// Losses and areas of a training.
pub fn training(history: &[Epoch]) -> Figure {
    let x: Vec<f64> = history.iter().map(|e| e.epoch as f64).collect();
    let of = |f: fn(&Epoch) -> f64| history.iter().map(f).collect::<Vec<f64>>();
    Figure {
        name: "training".into(),
        title: "Training of the network".into(),
        caption: "Loss of the training and validation chromosomes, and areas under the curves of the validation chromosomes, by epoch.".into(),
        columns: 2,
        panels: vec![
            Panel::new("epoch", "loss")
                .series(Series::line(x.clone(), of(|e| e.train_loss)).label("training"))
                .series(Series::line(x.clone(), of(|e| e.validation_loss)).label("validation").color(Color::cycle(1))),
            Panel::new("epoch", "area under the curve")
                .series(Series::line(x.clone(), of(|e| e.auroc)).label("ROC"))
                .series(Series::line(x, of(|e| e.auprc)).label("precision-recall").color(Color::cycle(1))),
        ],
    }
}

fn histogram(values: &[f64], bins: usize) -> Bars {
    let mut heights = vec![0.0; bins];
    for value in values {
        heights[((value * bins as f64) as usize).min(bins - 1)] += 1.0;
    }
    Bars {
        edges: (0..=bins).map(|i| i as f64 / bins as f64).collect(),
        heights,
        ..Bars::default()
    }
}

/// Histograms of p-values and their quantiles against those of a uniform law.
pub fn p_values(results: &[Association]) -> Figure {
    let regression: Vec<f64> = results.iter().filter_map(|r| r.fit.map(|fit| fit.p)).collect();
    let permuted: Vec<f64> = results.iter().filter_map(|r| r.permuted.map(|p| p.p)).collect();
    let mut panels = Vec::new();
    for (values, label) in [
        (&regression, "p of the regression"),
        (&permuted, "p of the permulations"),
    ] {
        if !values.is_empty() {
            panels.push(
                Panel::new(label, "regions")
                    .bars(histogram(values, 20))
                    .x_range(0.0, 1.0)
                    .note(format!("n = {}", values.len())),
            );
        }
    }
    let mut sorted = if permuted.is_empty() { regression } else { permuted };
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let log = |p: f64| -p.max(1e-300).log10();
    let expected: Vec<f64> = (0..sorted.len()).map(|i| log((i as f64 + 0.5) / n)).collect();
    let most = expected.first().copied().unwrap_or(1.0).max(0.5);
    panels.push(
        Panel::new("expected −log10 p", "observed −log10 p")
            .series(Series::line(vec![0.0, most], vec![0.0, most]).color(Color::Grey))
            .series(Series::points(
                expected,
                sorted.iter().map(|&p| log(p)).collect::<Vec<_>>(),
            )),
    );
    Figure {
        name: "p-values".into(),
        title: "P-values of all regions".into(),
        caption: "Histograms of the p-values of the regression and of the permulations, and quantiles of the latter against a uniform law.".into(),
        columns: 3,
        panels,
    }
}

/// Slopes against adjusted p-values.
pub fn volcano(results: &[Association]) -> Figure {
    let points: Vec<(f64, f64)> = results
        .iter()
        .filter_map(|r| Some((r.fit?.coef, -r.q?.max(1e-300).log10())))
        .collect();
    Figure {
        name: "volcano".into(),
        title: "Slopes and adjusted p-values".into(),
        caption:
            "Every tested region: slope of the predicted activity against −log10 q; the line is q = 0.1."
                .into(),
        columns: 1,
        panels: vec![
            Panel::new("slope", "−log10 q")
                .series(Series::points(
                    points.iter().map(|p| p.0).collect::<Vec<_>>(),
                    points.iter().map(|p| p.1).collect::<Vec<_>>(),
                ))
                .h_line(1.0),
        ],
    }
}

/// Trait against prediction of the regions with the smallest q.
pub fn regions(study: &Study, results: &[Association], count: usize) -> Figure {
    let mut order: Vec<usize> = (0..results.len())
        .filter(|&i| results[i].q.is_some() && results[i].fit.is_some())
        .collect();
    let key = |i: usize| {
        (
            results[i].q.unwrap_or(1.0),
            results[i].fit.map_or(1.0, |fit| fit.p),
        )
    };
    order.sort_by(|&a, &b| key(a).0.total_cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)));
    let panels = order
        .iter()
        .take(count)
        .map(|&i| {
            let pairs: Vec<(f64, f64)> = study
                .predictions(i)
                .into_iter()
                .zip(study.values.iter().copied())
                .filter(|(x, _)| !x.is_nan())
                .collect();
            let mut panel = Panel::new(
                "predicted activity",
                if study.kind == Kind::Binary {
                    "class"
                } else {
                    "trait"
                },
            )
            .series(Series::points(
                pairs.iter().map(|p| p.0).collect::<Vec<_>>(),
                pairs.iter().map(|p| p.1).collect::<Vec<_>>(),
            ))
            .note(format!(
                "{}, q = {:.3}",
                results[i].region,
                results[i].q.unwrap_or(f64::NAN)
            ));
            if let (Some(fit), Kind::Continuous) = (results[i].fit, study.kind) {
                let ends = pairs
                    .iter()
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| {
                        (a.min(p.0), b.max(p.0))
                    });
                panel = panel.series(
                    Series::line(
                        vec![ends.0, ends.1],
                        vec![
                            fit.intercept + fit.coef * ends.0,
                            fit.intercept + fit.coef * ends.1,
                        ],
                    )
                    .color(Color::cycle(1)),
                );
            }
            panel
        })
        .collect();
    Figure {
        name: "regions".into(),
        title: "Regions with the smallest q".into(),
        caption:
            "Trait against predicted activity, one point a species; the line is the phylogenetic regression."
                .into(),
        columns: 3,
        panels,
    }
}
