//! Edge types, strong edges, hubs.

use super::{Answer, headers};
use crate::data::Connectome;
use crate::error::DataError;
use crate::hubs::{Hub, hubs, rich_club};
use crate::nulls::undirected;
use crate::stats::{layer_stats, multiplex, reciprocity};
use crate::threshold::{Course, PairRule, Threshold, strong_edges};
use crate::winding2023::HUB_DEGREE;
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Random graphs behind the normalised rich-club curve.
const RICH_CLUB_NULLS: u64 = 8;

fn course_name(course: Course) -> &'static str {
    match course {
        Course::Ipsilateral => "ipsilateral",
        Course::Contralateral => "contralateral",
        Course::Centre => "centre",
    }
}

/// The strong edges of a layer.
///
/// # Errors
/// Unknown layer.
pub fn edges_answer(
    c: &Connectome,
    layer: &str,
    threshold: Threshold,
    rule: PairRule,
) -> Result<Answer, DataError> {
    let found = strong_edges(c, layer, threshold, rule)?;
    let edges: Vec<Value> = found
        .split
        .iter()
        .map(|e| json!({"pre": c.id_json(e.pre), "post": c.id_json(e.post), "weight": e.weight, "type": course_name(e.course)}))
        .collect();
    let finite = |x: f64| if x.is_nan() { Value::Null } else { x.into() };
    let paired: Vec<Value> = found
        .paired
        .iter()
        .map(|e| {
            json!({"upstream_pair_id": c.id_json(e.pre), "downstream_pair_id": c.id_json(e.post),
                "left": finite(e.left), "right": finite(e.right), "type": course_name(e.course),
                "upstream_status": if e.pre_is_pair { "paired" } else { "nonpaired" },
                "downstream_status": if e.post_is_pair { "paired" } else { "nonpaired" }})
        })
        .collect();
    let of = |course: Course| found.split.iter().filter(|e| e.course == course).count();
    let (ipsi, contra) = (of(Course::Ipsilateral), of(Course::Contralateral));
    Ok(Answer {
        json: json!({"layer": layer, "threshold": threshold, "pairs": rule, "n_neurons": found.nodes().len(),
            "n_edges": edges.len(), "n_paired_edges": paired.len(), "ipsilateral": ipsi, "contralateral": contra,
            "edges": edges, "paired_edges": paired}),
        summary: vec![format!(
            "{} edges between {} neurons pass ({ipsi} ipsilateral, {contra} contralateral); {} between units",
            found.split.len(),
            found.nodes().len(),
            found.paired.len()
        )],
        headers: headers(&["pre", "post", "weight", "type"]),
        rows: found
            .split
            .iter()
            .map(|e| {
                vec![
                    c.id_text(e.pre),
                    c.id_text(e.post),
                    format!("{:.6}", e.weight),
                    course_name(e.course).to_owned(),
                ]
            })
            .collect(),
        figures: Vec::new(),
    })
}

/// Hubs of the strong edges of a layer, and the rich-club coefficient.
///
/// # Errors
/// Unknown layer.
pub fn hubs_answer(
    c: &Connectome,
    layer: &str,
    threshold: Threshold,
    rule: PairRule,
    degree: Option<f64>,
    seed: u64,
) -> Result<Answer, DataError> {
    let edges = strong_edges(c, layer, threshold, rule)?;
    let found = hubs(c, &edges, degree.unwrap_or(HUB_DEGREE));
    let class = c.texts("celltype");
    let kinds = [Hub::In, Hub::Out, Hub::InOut, Hub::Non];
    let mut counts = Map::new();
    for kind in kinds {
        counts.insert(kind.name().to_owned(), found.count(kind).into());
    }
    let mut by_class: BTreeMap<&str, usize> = BTreeMap::new();
    for row in found.rows.iter().filter(|row| row.hub == Hub::InOut) {
        *by_class.entry(class[row.neuron].as_str()).or_insert(0) += 1;
    }
    let neurons: Vec<Value> = found
        .rows
        .iter()
        .map(|r| json!({"id": c.id_json(r.neuron), "in_degree": r.in_degree, "out_degree": r.out_degree, "hub": r.hub}))
        .collect();
    let mut shown: Vec<_> = found.rows.iter().filter(|r| r.hub != Hub::Non).collect();
    shown.sort_by_key(|r| {
        (
            std::cmp::Reverse(r.hub),
            std::cmp::Reverse(r.in_degree + r.out_degree),
        )
    });
    let graph = edges.graph(c.n());
    let club = rich_club(&graph);
    let random: Vec<Vec<f64>> = (0..RICH_CLUB_NULLS)
        .into_par_iter()
        .map(|index| rich_club(&undirected(&graph, seed, index).graph))
        .collect();
    let figures = vec![
        crate::figures::hub_degrees(&found),
        crate::figures::wiring::hub_classes(&found, &class),
        crate::figures::wiring::rich_club(&club, &random, seed),
    ];
    Ok(Answer {
        json: json!({"layer": layer, "threshold": threshold, "pairs": rule, "hub_degree": found.threshold,
            "n_neurons": found.rows.len(), "counts": counts, "pairs_reassigned": found.pairs_reassigned,
            "in_degree": {"mean": found.in_degree.0, "sd": found.in_degree.1},
            "out_degree": {"mean": found.out_degree.0, "sd": found.out_degree.1},
            "in_out_by_class": by_class, "rich_club": club, "neurons": neurons}),
        summary: vec![
            format!(
                "{} in-hubs, {} out-hubs, {} in-out hubs of {} neurons (degree at least {}; {} pairs re-typed)",
                found.count(Hub::In),
                found.count(Hub::Out),
                found.count(Hub::InOut),
                found.rows.len(),
                found.threshold,
                found.pairs_reassigned
            ),
            format!(
                "in-degree {:.2} ± {:.2}, out-degree {:.2} ± {:.2} (mean ± sd)",
                found.in_degree.0, found.in_degree.1, found.out_degree.0, found.out_degree.1
            ),
        ],
        headers: headers(&["neuron", "class", "in-degree", "out-degree", "hub"]),
        rows: shown
            .iter()
            .map(|r| {
                let degrees = [r.in_degree.to_string(), r.out_degree.to_string()];
                let [a, b] = degrees;
                vec![
                    c.id_text(r.neuron),
                    class[r.neuron].clone(),
                    a,
                    b,
                    r.hub.name().to_owned(),
                ]
            })
            .collect(),
        figures,
    })
}

/// Neurons, classes, layers, multiplexed edges, reciprocity.
///
/// # Errors
/// None at present.
pub fn stats_answer(c: &Connectome) -> Result<Answer, DataError> {
    let class = c.texts("celltype");
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    class.iter().for_each(|name| {
        *classes
            .entry(if name.is_empty() { "none" } else { name })
            .or_insert(0) += 1;
    });
    let mut layers = Map::new();
    let mut shown = BTreeMap::new();
    let mut rows = Vec::new();
    let total: f64 = c.layers.values().map(crate::graph::Csr::total).sum();
    let mut names: Vec<&str> = c.layers.keys().map(String::as_str).collect();
    names.sort_by_key(|name| {
        crate::data::TYPED_LAYERS
            .iter()
            .position(|t| t == name)
            .unwrap_or(9)
    });
    if names.len() > 1 {
        names.push("all");
    }
    for name in names {
        let stats = layer_stats(&c.signed_layer(name)?);
        rows.push(vec![
            name.to_owned(),
            stats.edges.to_string(),
            stats.synapses.to_string(),
            format!("{:.1} %", 100.0 * stats.synapses / total.max(1.0)),
            format!("{:.5}", stats.density),
            stats.max_weight.to_string(),
            format!("{:.1} %", 100.0 * stats.weak),
            format!("{:.1} %", 100.0 * stats.strong),
            stats.self_edges.to_string(),
        ]);
        layers.insert(name.to_owned(), serde_json::to_value(&stats).unwrap_or_default());
        shown.insert(name.to_owned(), stats);
    }
    let combined = multiplex(c);
    let mut figures = vec![crate::figures::edge_types(&shown)];
    if c.layers.len() > 1 {
        figures.push(crate::figures::wiring::multiplexed(&combined));
    }
    let columns: Vec<&str> = c.neurons.columns.iter().map(|(name, _)| name.as_str()).collect();
    Ok(Answer {
        json: json!({"n_neurons": c.n(), "n_pairs": c.pairs.len(), "n_nonpaired": c.n() - 2 * c.pairs.len(),
            "classes": classes, "columns": columns, "layers": layers, "multiplex": combined,
            "reciprocity": reciprocity(c), "warnings": c.warnings}),
        summary: vec![
            format!(
                "{} neurons, {} homologous pairs, {} layers",
                c.n(),
                c.pairs.len(),
                c.layers.len()
            ),
            format!(
                "columns: {}",
                if columns.is_empty() {
                    "none".to_owned()
                } else {
                    columns.join(", ")
                }
            ),
            format!(
                "classes: {}",
                classes
                    .iter()
                    .map(|(k, n)| format!("{k} {n}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        ],
        headers: headers(&[
            "layer", "edges", "synapses", "share", "density", "max", "≤ 2", "≥ 5", "self",
        ]),
        rows,
        figures,
    })
}
