//! Figures of edges and hubs.

use super::signals::upset;
use super::{Drawn, figure, table};
use crate::hubs::{Hub, Hubs};
use crate::stats::Multiplex;
use neuropil_draw::{Boxes, Color, Mark, Panel, Series};
use std::collections::BTreeMap;

/// Combinations of layers between two neurons, observed and expected.
pub fn multiplexed(rows: &[Multiplex]) -> Drawn {
    let mut layers: Vec<String> = Vec::new();
    for row in rows.iter().filter(|r| !r.layers.contains('+')) {
        layers.push(row.layers.clone());
    }
    let mut shown: Vec<&Multiplex> = rows.iter().filter(|r| r.count > 0).collect();
    shown.sort_by_key(|r| (std::cmp::Reverse(r.count), r.layers.len()));
    let mask = |r: &Multiplex| {
        let own = |k: &usize| r.layers.split('+').any(|name| name == layers[*k]);
        (0..layers.len()).filter(own).fold(0u32, |m, k| m | 1 << k)
    };
    let counts: Vec<(u32, f64)> = shown.iter().map(|r| (mask(r), r.count as f64)).collect();
    let mut panels = upset(&layers, &counts, "Ordered pairs");
    let x: Vec<f64> = (0..shown.len()).map(|k| k as f64).collect();
    let positive = |v: f64| if v > 0.0 { v } else { f64::NAN };
    let of = |f: &dyn Fn(&Multiplex) -> f64| shown.iter().map(|r| positive(f(r))).collect::<Vec<f64>>();
    let log = Panel::new("", "Ordered pairs")
        .y_log()
        .x_range(-0.6, shown.len() as f64 - 0.4)
        .x_ticks(Vec::new())
        .series(Series::points(x.clone(), of(&|r| r.count as f64)).label("observed"))
        .series(
            Series::points(x, of(&|r| r.expected))
                .label("if layers were independent")
                .mark(Mark::OpenPoints)
                .color(Color::Grey)
                .error(
                    shown
                        .iter()
                        .map(|r| {
                            // An interval that reaches 0 ends at the bottom of the logarithmic axis.
                            let high = positive(r.interval.1);
                            (
                                if r.interval.0 > 0.0 {
                                    r.interval.0
                                } else {
                                    (0.1_f64).min(high)
                                },
                                high,
                            )
                        })
                        .collect::<Vec<_>>(),
                ),
        );
    panels.insert(1, log);
    let joined = shown.iter().find(|r| r.layers.contains('+'));
    let title = joined.map_or(String::new(), |r| {
        format!(
            "{} pairs are joined by {}, {:.0} expected",
            r.count, r.layers, r.expected
        )
    });
    let caption = "Ordered pairs of neurons that are joined by exactly one combination of edge types (a, linear; b, logarithmic; \
                   c, the combination), and their number with a 99.9 % interval if the types were independent.";
    let cells = rows
        .iter()
        .map(|r| {
            let interval = format!("{}–{}", r.interval.0, r.interval.1);
            vec![
                r.layers.clone(),
                r.count.to_string(),
                format!("{:.3}", r.expected),
                interval,
                format!("{:.2e}", r.p),
            ]
        })
        .collect();
    let headers = ["layers", "pairs", "expected", "99.9 % interval", "p"];
    let mut figure = figure("multiplexed-edges", title, caption.to_owned(), panels);
    figure.columns = 1;
    (figure, table("multiplexed-edges", &headers, cells))
}

/// Classes of the hubs.
pub fn hub_classes(hubs: &Hubs, class: &[String]) -> Drawn {
    let kinds = [
        (Hub::In, "in-hub", Color::Sky),
        (Hub::Out, "out-hub", Color::Orange),
        (Hub::InOut, "in-out hub", Color::Vermillion),
    ];
    let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for row in hubs.rows.iter().filter(|r| r.hub != Hub::Non) {
        let name = class[row.neuron].as_str();
        let own = counts
            .entry(if name.is_empty() { "none" } else { name })
            .or_default();
        if let Some(k) = kinds.iter().position(|kind| kind.0 == row.hub) {
            own[k] += 1;
        }
    }
    let mut sorted: Vec<(&str, [usize; 3])> = counts.into_iter().collect();
    sorted.sort_by_key(|c| {
        (
            std::cmp::Reverse(c.1[2]),
            std::cmp::Reverse(c.1.iter().sum::<usize>()),
            c.0,
        )
    });
    let n = sorted.len();
    let ticks: Vec<(f64, String)> = sorted
        .iter()
        .enumerate()
        .map(|(k, c)| (-(k as f64), c.0.to_owned()))
        .collect();
    let mut panel = Panel::new("Neurons", "")
        .y_ticks(ticks)
        .y_range(-(n as f64) + 0.4, 0.6)
        .size(460.0, (110.0 + 18.0 * n as f64).max(280.0));
    for (kind, (_, label, color)) in kinds.iter().enumerate().rev() {
        let at = sorted.iter().enumerate().map(|(k, c)| {
            let from: usize = c.1[kind + 1..].iter().sum();
            let to = from + c.1[kind];
            [from as f64, to as f64, -(k as f64) - 0.38, -(k as f64) + 0.38]
        });
        panel = panel.boxes(Boxes {
            label: Some((*label).to_owned()),
            color: *color,
            at: at.collect(),
        });
    }
    let rows = sorted
        .iter()
        .map(|(name, c)| {
            let mut row = vec![(*name).to_owned()];
            row.extend(c.map(|n| n.to_string()));
            row
        })
        .collect();
    let title = sorted.first().filter(|c| c.1[2] > 0).map_or_else(
        || "No neuron is an in-out hub".to_owned(),
        |c| {
            format!(
                "{} of the {} in-out hubs are {}",
                c.1[2],
                hubs.count(Hub::InOut),
                c.0
            )
        },
    );
    let caption = format!(
        "Hubs by class: neurons with at least {} strong partners.",
        hubs.threshold
    );
    (
        figure("hub-classes", title, caption, vec![panel]),
        table(
            "hub-classes",
            &["class", "in-hubs", "out-hubs", "in-out hubs"],
            rows,
        ),
    )
}

/// Rich-club coefficient against graphs with the same degrees.
pub fn rich_club(observed: &[f64], random: &[Vec<f64>], seed: u64) -> Drawn {
    let x: Vec<f64> = (0..observed.len()).map(|k| k as f64).collect();
    let at = |k: usize| -> Vec<f64> { random.iter().filter_map(|r| r.get(k).copied()).collect() };
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let means: Vec<f64> = (0..observed.len()).map(|k| mean(&at(k))).collect();
    let ends = |k: usize| {
        let v = at(k);
        let low = v.iter().copied().fold(f64::INFINITY, f64::min);
        (low, v.iter().copied().fold(f64::NEG_INFINITY, f64::max))
    };
    let bands: Vec<(f64, f64)> = (0..observed.len()).map(ends).collect();
    let ratio: Vec<f64> = observed.iter().zip(&means).map(|(o, m)| o / m).collect();
    let panels = vec![
        Panel::new("Degree k", "Density among neurons of higher degree")
            .series(
                Series::line(x.clone(), means.clone())
                    .label("same degrees, random")
                    .color(Color::Grey)
                    .band(bands),
            )
            .series(Series::line(x.clone(), observed.to_vec()).label("observed")),
        Panel::new("Degree k", "Normalised rich-club coefficient")
            .h_line(1.0)
            .series(Series::line(x, ratio.clone())),
    ];
    let rows = (0..observed.len())
        .map(|k| {
            let numbers = [observed[k], means[k], ratio[k]].map(|v| format!("{v:.5}"));
            let mut row = vec![k.to_string()];
            row.extend(numbers);
            row
        })
        .collect();
    let most = ratio
        .iter()
        .copied()
        .filter(|r| r.is_finite())
        .fold(f64::NAN, f64::max);
    let title = if most.is_finite() {
        format!("Rich club: at most {most:.2} times as dense as at random")
    } else {
        "Rich club".to_owned()
    };
    let caption = format!(
        "Rich-club coefficient of the undirected strong edges, and its mean and range in {} graphs with the same degrees \
         (a); their ratio (b). Seed {seed}.",
        random.len()
    );
    (
        figure("rich-club", title, caption, panels),
        table("rich-club", &["k", "observed", "random mean", "ratio"], rows),
    )
}
