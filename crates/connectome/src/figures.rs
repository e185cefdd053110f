//! Results as figures, each with the numbers it shows as a table. No result is computed here.

pub mod circuits;
pub mod sides;
pub mod signals;
pub mod types;
pub mod wiring;

use crate::flow::ForwardMass;
use crate::hubs::Hubs;
use crate::integration::Integration;
use crate::recurrence::Recurrence;
use crate::stats::LayerStats;
use crate::types::Types;
use neuropil_draw::{Bars, Color, Figure, Heat, Mark, Panel, ReportTable, Series};
use std::collections::BTreeMap;

/// A figure and its numbers.
pub type Drawn = (Figure, ReportTable);

fn figure(name: &str, title: String, caption: String, panels: Vec<Panel>) -> Figure {
    let columns = panels.len().min(2);
    Figure {
        name: name.to_owned(),
        title,
        caption,
        columns,
        panels,
    }
}

fn table(name: &str, headers: &[&str], rows: Vec<Vec<String>>) -> ReportTable {
    ReportTable {
        headers: headers.iter().map(|&h| h.to_owned()).collect(),
        rows,
        csv_name: Some(format!("{name}.csv")),
    }
}

/// Columns of bars at 0, 1, 2 … with names below.
fn columns(
    names: &[String],
    heights: &[f64],
    color: Color,
    label: Option<&str>,
    shift: f64,
    width: f64,
) -> Vec<Bars> {
    let named = |k: usize| if k == 0 { label.map(str::to_owned) } else { None };
    (0..names.len())
        .map(|k| Bars {
            label: named(k),
            color,
            edges: vec![k as f64 + shift - width / 2.0, k as f64 + shift + width / 2.0],
            heights: vec![heights[k]],
        })
        .collect()
}

fn named_ticks(names: &[String]) -> Vec<(f64, String)> {
    names
        .iter()
        .enumerate()
        .map(|(k, name)| (k as f64, name.clone()))
        .collect()
}

/// Share and strength of the edges of each layer.
pub fn edge_types(layers: &BTreeMap<String, LayerStats>) -> Drawn {
    let names: Vec<String> = layers.keys().filter(|name| *name != "all").cloned().collect();
    let mut names = names;
    names.sort_by_key(|name| {
        crate::data::TYPED_LAYERS
            .iter()
            .position(|t| t == name)
            .unwrap_or(9)
    });
    let synapses: f64 = names.iter().map(|n| layers[n].synapses).sum();
    let edges: usize = names.iter().map(|n| layers[n].edges).sum();
    let share: Vec<f64> = names
        .iter()
        .map(|n| 100.0 * layers[n].synapses / synapses.max(1.0))
        .collect();
    let of_edges: Vec<f64> = names
        .iter()
        .map(|n| 100.0 * layers[n].edges as f64 / edges.max(1) as f64)
        .collect();
    let mut shares = Panel::new("Edge type", "Share (%)")
        .x_range(-0.6, names.len() as f64 - 0.4)
        .x_ticks(named_ticks(&names));
    for bars in columns(&names, &share, Color::Blue, Some("synapses"), -0.2, 0.4) {
        shares = shares.bars(bars);
    }
    for bars in columns(&names, &of_edges, Color::Orange, Some("edges"), 0.2, 0.4) {
        shares = shares.bars(bars);
    }
    let strength: Vec<String> = ["1", "2", "3", "4", "≥ 5"].map(str::to_owned).to_vec();
    let most = names
        .iter()
        .flat_map(|name| layers[name].edges_by_weight)
        .fold(0.01, f64::max);
    let mut weights = Panel::new("Synapses per edge", "Edges (%)")
        .x_ticks(named_ticks(&strength))
        .x_range(-0.3, 4.3)
        .y_range(0.0, 105.0 * most);
    for (k, name) in names.iter().enumerate() {
        let y: Vec<f64> = layers[name].edges_by_weight.iter().map(|f| 100.0 * f).collect();
        // The last is a bin of many: the line does not lead there.
        let line = Series::line((0..4).map(f64::from).collect::<Vec<_>>(), y[..4].to_vec())
            .mark(Mark::LineAndPoints);
        weights = weights
            .series(line.label(name).color(type_color(name, k)))
            .series(Series::points([4.0], [y[4]]).color(type_color(name, k)));
    }
    let rows = names
        .iter()
        .zip(share.iter().zip(&of_edges))
        .map(|(name, (s, e))| {
            let mut row = vec![
                name.clone(),
                layers[name].edges.to_string(),
                layers[name].synapses.to_string(),
                format!("{s:.2}"),
                format!("{e:.2}"),
            ];
            row.extend(
                layers[name]
                    .edges_by_weight
                    .iter()
                    .map(|f| format!("{:.2}", 100.0 * f)),
            );
            row
        })
        .collect();
    let headers = [
        "layer",
        "edges",
        "synapses",
        "synapses (%)",
        "edges (%)",
        "1 (%)",
        "2 (%)",
        "3 (%)",
        "4 (%)",
        "≥ 5 (%)",
    ];
    let best = (0..names.len())
        .max_by(|&a, &b| share[a].total_cmp(&share[b]))
        .unwrap_or(0);
    let title = names.get(best).map_or(String::new(), |n| {
        format!("{:.1} % of the synapses are {n}", share[best])
    });
    let caption =
        "Shares of the edge types by synapses and by edges (a); edges by number of synapses (b).".to_owned();
    (
        figure("edge-types", title, caption, vec![shares, weights]),
        table("edge-types", &headers, rows),
    )
}

/// The colour of an edge type, the same in every figure; another layer has that of its place.
fn type_color(name: &str, place: usize) -> Color {
    let own = crate::data::TYPED_LAYERS.iter().position(|known| *known == name);
    Color::cycle(own.unwrap_or(place))
}

/// Where the edges of each layer run in the order of signal flow.
pub fn direction(layers: &[(String, ForwardMass)]) -> Drawn {
    let mut panel = Panel::new(
        "Targets after (+) or before (−) their source, neurons",
        "Mean weight",
    )
    .v_line(0.0);
    for (k, (name, mass)) in layers.iter().enumerate() {
        let step = (mass.diagonal.len() / 600).max(1);
        let x: Vec<f64> = mass.diagonal.iter().step_by(step).map(|&d| d as f64).collect();
        let y: Vec<f64> = mass.mass.iter().step_by(step).copied().collect();
        let label = format!("{name}, {:.0} % forward", 100.0 * mass.forward);
        panel = panel.series(Series::line(x, y).label(label).color(type_color(name, k)));
    }
    let rows = layers
        .iter()
        .map(|(name, m)| vec![name.clone(), format!("{:.4}", m.forward)])
        .collect();
    let title = layers
        .iter()
        .map(|(name, m)| format!("{name} {:.0} %", 100.0 * m.forward))
        .collect::<Vec<_>>()
        .join(", ");
    let caption = "Mean weight on the diagonals of the matrix sorted by signal flow, smoothed by a Gaussian of 75 neurons.";
    let headers = ["layer", "share of the mean weight above the diagonal"];
    (
        figure(
            "edge-direction",
            format!("Forward share: {title}"),
            caption.to_owned(),
            vec![panel],
        ),
        table("edge-direction", &headers, rows),
    )
}

/// In- against out-degrees, hubs coloured.
pub fn hub_degrees(hubs: &Hubs) -> Drawn {
    use crate::hubs::Hub;
    let mut panel = Panel::new("Strong sources (in-degree)", "Strong targets (out-degree)")
        .v_line(hubs.threshold - 0.5)
        .h_line(hubs.threshold - 0.5);
    let kinds = [
        (Hub::Non, "other", Color::Grey),
        (Hub::In, "in-hub", Color::Sky),
        (Hub::Out, "out-hub", Color::Orange),
        (Hub::InOut, "in-out hub", Color::Vermillion),
    ];
    for (kind, label, color) in kinds {
        let own: Vec<_> = hubs.rows.iter().filter(|r| r.hub == kind).collect();
        let x: Vec<f64> = own.iter().map(|r| r.in_degree as f64).collect();
        let y: Vec<f64> = own.iter().map(|r| r.out_degree as f64).collect();
        if !own.is_empty() {
            panel = panel.series(
                Series::points(x, y)
                    .label(format!("{label} ({})", own.len()))
                    .color(color),
            );
        }
    }
    let rows = kinds
        .iter()
        .map(|(kind, label, _)| vec![(*label).to_owned(), hubs.count(*kind).to_string()])
        .collect();
    let title = format!(
        "{} in-hubs, {} out-hubs, {} in-out hubs",
        hubs.count(Hub::In),
        hubs.count(Hub::Out),
        hubs.count(Hub::InOut)
    );
    let caption = format!(
        "Partners over strong edges of {} neurons; hubs have at least {}.",
        hubs.rows.len(),
        hubs.threshold
    );
    (
        figure("hubs", title, caption, vec![panel]),
        table("hubs", &["kind", "neurons"], rows),
    )
}

/// Hits of each output class per hop and modality, and the modalities per neuron.
pub fn senses(found: &Integration, runs: usize, seed: u64) -> Drawn {
    let n = found.modalities.len();
    let mut counts = vec![0usize; n + 1];
    found
        .reached_by
        .iter()
        .for_each(|set| counts[set.count_ones() as usize] += 1);
    let mut panels = vec![
        Panel::new("Modalities that reach a neuron", "Neurons").bars(Bars {
            label: None,
            color: Color::Blue,
            edges: (0..=n).map(|k| k as f64 + 0.5).collect(),
            heights: counts[1..].iter().map(|&c| c as f64).collect(),
        }),
    ];
    let mut rows = Vec::new();
    for class in found.outputs.keys() {
        let values: Vec<Vec<f64>> = found.heat.iter().map(|m| m[class].clone()).collect();
        let hops = values.first().map_or(0, Vec::len);
        for (name, row) in found.modalities.iter().zip(&values) {
            let mut cells = vec![class.clone(), name.clone()];
            cells.extend(row.iter().map(|v| format!("{v:.4}")));
            rows.push(cells);
        }
        let ticks: Vec<(f64, String)> = found
            .modalities
            .iter()
            .enumerate()
            .map(|(k, m)| (k as f64, m.clone()))
            .collect();
        panels.push(
            Panel::new("Hop", "")
                .x_range(-0.5, hops as f64 - 0.5)
                .y_range(n as f64 - 0.5, -0.5)
                .y_ticks(ticks)
                .note(class.clone())
                .heat(Heat {
                    values,
                    x: (-0.5, hops as f64 - 0.5),
                    y: (-0.5, n as f64 - 0.5),
                    signed: false,
                    limits: None,
                    label: "visits per neuron and run".to_owned(),
                }),
        );
    }
    let share = |part: usize| 100.0 * part as f64 / found.reached.max(1) as f64;
    let title = format!(
        "{:.0} % of {} neurons reached are multisensory, {:.0} % get all {n} senses",
        share(found.multimodal),
        found.reached,
        share(found.by_all)
    );
    let caption = format!(
        "Neurons by the number of modalities that reach them within {} hops in at least half of the runs (a); visits to \
         output classes by hop. {runs} runs, seed {seed}.",
        found.hops
    );
    let levels = found
        .heat
        .first()
        .and_then(|m| m.values().next())
        .map_or(0, Vec::len);
    let mut headers = vec!["class".to_owned(), "modality".to_owned()];
    headers.extend((0..levels).map(|h| format!("hop {h}")));
    let table = ReportTable {
        headers,
        rows,
        csv_name: Some("senses.csv".to_owned()),
    };
    (figure("senses", title, caption, panels), table)
}

/// Recurrent fraction of each class.
pub fn recurrent(found: &Recurrence, runs: usize, seed: u64) -> Drawn {
    let mut classes: Vec<_> = found.by_class.iter().collect();
    classes.sort_by(|a, b| b.1.1.total_cmp(&a.1.1));
    let y: Vec<f64> = (0..classes.len()).map(|k| -(k as f64)).collect();
    let ticks: Vec<(f64, String)> = classes
        .iter()
        .enumerate()
        .map(|(k, c)| (-(k as f64), c.0.clone()))
        .collect();
    let panel = Panel::new("Fraction", "")
        .x_range(0.0, 1.0)
        .y_ticks(ticks)
        .y_range(-(classes.len() as f64) + 0.4, 0.6)
        .series(
            Series::points(classes.iter().map(|c| c.1.1).collect::<Vec<_>>(), y.clone())
                .label("of the downstream partners lead back"),
        )
        .series(
            Series::points(classes.iter().map(|c| c.1.2).collect::<Vec<_>>(), y)
                .mark(Mark::OpenPoints)
                .color(Color::Orange)
                .label("of the neurons are recurrent"),
        );
    let rows = classes
        .iter()
        .map(|(name, (n, f, r))| {
            vec![
                (*name).clone(),
                n.to_string(),
                format!("{f:.4}"),
                format!("{r:.4}"),
            ]
        })
        .collect();
    let title = format!(
        "{:.1} % of the neurons are recurrent within {} hops",
        100.0 * found.recurrent_neurons,
        found.hops
    );
    let caption = format!(
        "Cascades from every pair and every neuron without a partner, {runs} runs each, seed {seed}; {} of the decisions \
         lie within two standard errors of the threshold.",
        found.uncertain
    );
    let headers = ["class", "neurons", "mean recurrent fraction", "share recurrent"];
    (
        figure("recurrence", title, caption, vec![panel]),
        table("recurrence", &headers, rows),
    )
}

/// Singular values of the blocks and the joint embedding, and clusters per level.
pub fn types(joint: &crate::bilateral::JointEmbedding, types: &Types) -> Drawn {
    let names = ["left–left", "right–right", "left–right", "right–left"];
    let mut scree = Panel::new("Dimension", "Singular value");
    let whole = ("whole", &joint.singular_values);
    let blocks = names.into_iter().zip(&joint.block_singular_values);
    let shown: Vec<(&str, &Vec<f64>)> = blocks.filter(|b| !b.1.is_empty()).collect();
    let shown = if shown.is_empty() { vec![whole] } else { shown };
    for (k, (name, values)) in shown.into_iter().enumerate() {
        let elbow = crate::spectral::elbows(values, 1).first().copied().unwrap_or(0);
        let x: Vec<f64> = (1..=values.len()).map(|d| d as f64).collect();
        let series = Series::line(x, values.clone()).mark(Mark::LineAndPoints);
        scree = scree.series(
            series
                .label(format!("{name}, elbow {elbow}"))
                .color(Color::cycle(k)),
        );
    }
    let d = joint.dimensions;
    let column = |c: usize, from: usize, to: usize| {
        (from..to)
            .map(|i| joint.positions[i * d + c])
            .collect::<Vec<f64>>()
    };
    let n = joint.neurons.len();
    let plane = Panel::new("Dimension 2", "Dimension 3")
        .series(Series::points(column(1, 0, joint.n_left), column(2, 0, joint.n_left)).label("left"))
        .series(
            Series::points(column(1, joint.n_left, n), column(2, joint.n_left, n))
                .label("right")
                .mark(Mark::OpenPoints)
                .color(Color::Vermillion),
        );
    let x: Vec<f64> = (1..=types.counts.len()).map(|l| l as f64).collect();
    let counts = Panel::new("Level", "Clusters").series(
        Series::line(x, types.counts.iter().map(|&c| c as f64).collect::<Vec<_>>()).mark(Mark::LineAndPoints),
    );
    let last = types.levels.last().map_or(&[][..], Vec::as_slice);
    let mut sizes = vec![0usize; types.counts.last().copied().unwrap_or(0)];
    last.iter().for_each(|&c| sizes[c] += 1);
    let most = sizes.iter().copied().max().unwrap_or(1);
    let width = (most / 24).max(1);
    let bins = most / width + 1;
    let mut heights = vec![0.0; bins];
    sizes.iter().for_each(|s| heights[s / width] += 1.0);
    let histogram = Panel::new("Neurons in a cluster (last level)", "Clusters").bars(Bars {
        label: None,
        color: Color::Green,
        edges: (0..=bins).map(|b| (b * width) as f64).collect(),
        heights,
    });
    let rows = types
        .counts
        .iter()
        .enumerate()
        .map(|(k, c)| vec![(k + 1).to_string(), c.to_string()])
        .collect();
    let title = format!(
        "{} neurons fall into {} types at level {}",
        n,
        types.counts.get(6).or(types.counts.last()).unwrap_or(&0),
        types.counts.len().min(7)
    );
    let caption = "Singular values of the hemisphere blocks (a), two dimensions of the joint embedding (b), clusters at each \
                   level of the division (c), sizes at the last (d).";
    (
        figure(
            "types",
            title,
            caption.to_owned(),
            vec![scree, plane, counts, histogram],
        ),
        table("types", &["level", "clusters"], rows),
    )
}
