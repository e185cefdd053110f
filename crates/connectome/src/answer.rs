//! What the commands answer: one JSON value with ids, and the same as a short table.

use crate::cascade::exact::exact;
use crate::cascade::signed::signed;
use crate::cascade::{Settings, cascade, expected_first_hop, output_stops};
use crate::data::Connectome;
use crate::error::DataError;
use crate::flow::walk::{WalkSettings, walk_sort};
use crate::flow::{forward_fraction, order, signal_flow, spring_rank};
use crate::hubs::{HUB_DEGREE, Hub, hubs, rich_club};
use crate::integration::{integration, recurrence};
use crate::stats::{layer_stats, multiplex, reciprocity};
use crate::threshold::{Course, PairRule, Threshold, strong_edges};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// An answer for people and for machines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Everything, with the ids of the data.
    pub json: Value,
    /// Sentences with the main numbers.
    pub summary: Vec<String>,
    /// Headers of the table.
    pub headers: Vec<String>,
    /// All rows; people are shown the first.
    pub rows: Vec<Vec<String>>,
}

fn headers(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn ids(connectome: &Connectome, neurons: &[usize]) -> Vec<Value> {
    neurons.iter().map(|&i| connectome.id_json(i)).collect()
}

/// How a cascade command is to run.
#[derive(Clone, Debug)]
pub struct CascadeQuestion<'a> {
    /// Layer; the default is `ad` where there is one.
    pub layer: &'a str,
    /// Neurons that do not pass on.
    pub stop: &'a [bool],
    /// Hops that count for the downstream set.
    pub hops: usize,
    /// Exact enumeration instead of runs.
    pub exact: bool,
    /// Inhibition by neurons with a negative sum of weights.
    pub signed: bool,
    /// Runs and seed.
    pub settings: &'a Settings,
}

/// A cascade from `sources`: active neurons per hop, the downstream set, hits of every neuron reached.
///
/// # Errors
/// Unknown layer, settings that cannot run, a graph too large for exact cascades.
pub fn cascade_answer(
    c: &Connectome,
    sources: &[usize],
    q: &CascadeQuestion<'_>,
) -> Result<Answer, DataError> {
    let graph = c.layer(q.layer)?;
    let s = q.settings;
    let hops = q.hops.min(s.max_hops);
    let mut out = json!({
        "layer": q.layer, "p": s.p, "max_hops": s.max_hops, "n_neurons": c.n(), "n_sources": sources.len(),
        "sources": ids(c, sources), "n_stops": q.stop.iter().filter(|s| **s).count(),
    });
    let extend = |out: &mut Value, more: Value| {
        if let (Some(map), Value::Object(more)) = (out.as_object_mut(), more) {
            map.extend(more);
        }
    };
    let levels = s.max_hops + 1;
    if q.exact {
        let p = exact(&graph, sources, q.stop, s.p, s.max_hops, q.signed)?;
        let mean: Vec<f64> = (0..levels)
            .map(|h| (0..c.n()).map(|i| p[i * levels + h]).sum())
            .collect();
        let reached = (0..c.n()).filter(|&i| p[i * levels..][..levels].iter().any(|x| *x > 0.0));
        let rows: Vec<usize> = reached.collect();
        let neurons: Vec<Value> = rows
            .iter()
            .map(|&i| json!({"id": c.id_json(i), "probability": &p[i * levels..][..levels]}))
            .collect();
        extend(
            &mut out,
            json!({"exact": true, "mean_active": mean, "neurons": neurons}),
        );
        return Ok(Answer {
            json: out,
            summary: vec![format!("exact; mean active neurons per hop: {}", listed(&mean))],
            headers: headers(&["neuron", "probability to be reached"]),
            rows: rows
                .iter()
                .map(|&i| {
                    vec![
                        c.id_text(i),
                        format!("{:.6}", p[i * levels + 1..][..levels - 1].iter().sum::<f64>()),
                    ]
                })
                .collect(),
        });
    }
    let result = if q.signed {
        signed(&graph, sources, q.stop, s)?
    } else {
        cascade(&graph, sources, q.stop, s)?
    };
    let units = c.units();
    let downstream = result.downstream(&units, 0.5, hops);
    let fractions = result.unit_fractions(&units, hops);
    let uncertain: Vec<Value> = units
        .iter()
        .zip(&fractions)
        .filter(|(unit, f)| (**f - 0.5).abs() < 2.0 * (0.25 / (result.runs * unit.len()) as f64).sqrt())
        .flat_map(|(unit, _)| ids(c, unit))
        .collect();
    let mut reached: Vec<usize> = (0..c.n())
        .filter(|&i| (0..levels).any(|h| result.hits(i, h) > 0))
        .collect();
    let neurons: Vec<Value> = reached
        .iter()
        .map(|&i| {
            let interval = result.interval(i, hops).map(|v| [v.low, v.high]);
            json!({
                "id": c.id_json(i),
                "hits": (0..levels).map(|h| result.hits(i, h)).collect::<Vec<_>>(),
                "fraction": f64::from(result.reached(i, hops)) / result.runs as f64,
                "interval": interval,
                "median_hop": result.median_hop(i),
            })
        })
        .collect();
    let mean = result.mean_active();
    let first = (!q.signed).then(|| expected_first_hop(&graph, sources, q.stop, s.p));
    extend(
        &mut out,
        json!({
            "runs": s.runs, "seed": s.seed, "mean_active": mean, "expected_first_hop": first,
            "downstream": {"hops": hops, "fraction": 0.5, "n": downstream.len(), "ids": ids(c, &downstream),
                "uncertain": uncertain},
            "neurons": neurons,
        }),
    );
    let class = c.texts("celltype");
    let mut by_class: BTreeMap<&str, usize> = BTreeMap::new();
    downstream
        .iter()
        .for_each(|&i| *by_class.entry(class[i].as_str()).or_insert(0) += 1);
    let mut summary = vec![
        format!(
            "{} sources, {} runs, seed {}, p = {} per synapse, layer {}",
            sources.len(),
            s.runs,
            s.seed,
            s.p,
            q.layer
        ),
        format!("mean active neurons per hop: {}", listed(&mean)),
        format!(
            "{} neurons downstream within {hops} hops (at least half of the runs; {} too close to call)",
            downstream.len(),
            uncertain.len()
        ),
    ];
    if by_class.len() > 1 {
        let classes: Vec<String> = by_class
            .iter()
            .filter(|e| !e.0.is_empty())
            .map(|(k, n)| format!("{k} {n}"))
            .collect();
        summary.push(format!("by class: {}", classes.join(", ")));
    }
    reached.retain(|i| !sources.contains(i));
    reached.sort_by_key(|&i| (std::cmp::Reverse(result.reached(i, hops)), i));
    let row = |&i: &usize| {
        let interval = result.interval(i, hops);
        vec![
            c.id_text(i),
            class[i].clone(),
            format!("{:.3}", f64::from(result.reached(i, hops)) / result.runs as f64),
            interval.map_or(String::new(), |v| format!("{:.3}–{:.3}", v.low, v.high)),
            result.median_hop(i).map_or(String::new(), |h| h.to_string()),
        ]
    };
    Ok(Answer {
        json: out,
        summary,
        headers: headers(&["neuron", "class", "reached", "95 % interval", "median hop"]),
        rows: reached.iter().map(row).collect(),
    })
}

fn listed(values: &[f64]) -> String {
    values
        .iter()
        .map(|v| format!("{v:.1}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Signal flow, SpringRank and, where the table has inputs and outputs, walk-sort of every neuron.
///
/// # Errors
/// Unknown layer.
pub fn flow_answer(c: &Connectome, layer: &str, seed: u64) -> Result<Answer, DataError> {
    let graph = c.layer(layer)?;
    let (z, spring) = (signal_flow(&graph), spring_rank(&graph));
    let sorted = order(&z);
    let mut rank = vec![0; c.n()];
    sorted.iter().enumerate().for_each(|(k, &i)| rank[i] = k);
    let (starts, stops) = (groups(c, "input"), groups(c, "output"));
    let walks = (!starts.is_empty() && !stops.is_empty()).then(|| {
        let settings = WalkSettings {
            seed,
            ..WalkSettings::default()
        };
        walk_sort(&graph, &starts, &stops, &settings)
    });
    let forward = forward_fraction(&graph, &sorted);
    let mut by_layer = Map::new();
    for (name, own) in &c.layers {
        by_layer.insert(name.clone(), forward_fraction(own, &sorted).into());
    }
    let class = c.texts("celltype");
    let walk = |i: usize| walks.as_ref().map(|w| w[i]).filter(|w| !w.is_nan());
    let neurons: Vec<Value> = sorted
        .iter()
        .map(|&i| json!({"id": c.id_json(i), "signal_flow": z[i], "rank": rank[i], "spring_rank": spring[i], "walk_sort": walk(i)}))
        .collect();
    let range = |f: fn(f64, f64) -> f64, start| z.iter().copied().fold(start, f);
    let (low, high) = (range(f64::min, f64::INFINITY), range(f64::max, f64::NEG_INFINITY));
    Ok(Answer {
        json: json!({"layer": layer, "n_neurons": c.n(), "min": low, "max": high, "forward_fraction": forward,
            "forward_fraction_by_layer": by_layer, "seed": seed, "neurons": neurons}),
        summary: vec![
            format!(
                "signal flow of {} neurons, {low:.4} to {high:.4} (high is early)",
                c.n()
            ),
            format!(
                "{:.1} % of the synapses run forwards in this order",
                100.0 * forward
            ),
        ],
        headers: headers(&["neuron", "class", "signal flow", "SpringRank", "walk-sort"]),
        rows: sorted
            .iter()
            .map(|&i| {
                let walk = walk(i).map_or(String::new(), |w| format!("{w:.3}"));
                vec![
                    c.id_text(i),
                    class[i].clone(),
                    format!("{:.4}", z[i]),
                    format!("{:.4}", spring[i]),
                    walk,
                ]
            })
            .collect(),
    })
}

/// The classes of the input or output neurons, one group each.
fn groups(c: &Connectome, side: &str) -> Vec<Vec<usize>> {
    let class = c.texts("celltype");
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for i in c.members("io", side) {
        groups.entry(class[i].as_str()).or_default().push(i);
    }
    groups.into_values().collect()
}

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
    Ok(Answer {
        json: json!({"layer": layer, "threshold": threshold, "pairs": rule, "hub_degree": found.threshold,
            "n_neurons": found.rows.len(), "counts": counts, "pairs_reassigned": found.pairs_reassigned,
            "in_degree": {"mean": found.in_degree.0, "sd": found.in_degree.1},
            "out_degree": {"mean": found.out_degree.0, "sd": found.out_degree.1},
            "in_out_by_class": by_class, "rich_club": rich_club(&edges.graph(c.n())), "neurons": neurons}),
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
        let stats = layer_stats(&c.layer(name)?);
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
    }
    let columns: Vec<&str> = c.neurons.columns.iter().map(|(name, _)| name.as_str()).collect();
    Ok(Answer {
        json: json!({"n_neurons": c.n(), "n_pairs": c.pairs.len(), "n_nonpaired": c.n() - 2 * c.pairs.len(),
            "classes": classes, "columns": columns, "layers": layers, "multiplex": multiplex(c),
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
    })
}

/// Labelled lines and multisensory neurons.
///
/// # Errors
/// As [`integration`].
pub fn integration_answer(
    c: &Connectome,
    layer: &str,
    hops: usize,
    settings: &Settings,
) -> Result<Answer, DataError> {
    let found = integration(c, layer, hops, settings)?;
    let share = |part: usize| 100.0 * part as f64 / found.reached.max(1) as f64;
    let neurons: Vec<Value> = (0..c.n())
        .filter(|&i| found.reached_by[i] != 0)
        .map(|i| {
            let by: Vec<&String> = (0..found.modalities.len())
                .filter(|k| found.reached_by[i] >> k & 1 == 1)
                .map(|k| &found.modalities[k])
                .collect();
            json!({"id": c.id_json(i), "modalities": by, "first_median_hop": found.depth[i]})
        })
        .collect();
    let mut out = serde_json::to_value(&found).unwrap_or_default();
    out["runs"] = settings.runs.into();
    out["seed"] = settings.seed.into();
    out["neurons"] = neurons.into();
    Ok(Answer {
        json: out,
        summary: vec![
            format!(
                "{} neurons reached within {hops} hops by {} modalities ({} units too close to call)",
                found.reached,
                found.modalities.len(),
                found.uncertain_units
            ),
            format!(
                "labelled line {:.1} %, multisensory {:.1} %, all modalities {:.1} %",
                share(found.labelled_line),
                share(found.multimodal),
                share(found.by_all)
            ),
        ],
        headers: headers(&["output class", "one modality", "several", "all", "members"]),
        rows: found
            .outputs
            .iter()
            .map(|(name, (one, several, all, n))| {
                let mut row = vec![name.clone()];
                row.extend([one, several, all, n].map(ToString::to_string));
                row
            })
            .collect(),
    })
}

/// Recurrence of every unit at one number of hops.
///
/// # Errors
/// As [`recurrence`].
pub fn recurrence_answer(
    c: &Connectome,
    layer: &str,
    hops: usize,
    settings: &Settings,
) -> Result<Answer, DataError> {
    let found = recurrence(c, layer, &[hops], settings)?.remove(0);
    let units: Vec<Value> = (0..found.units.len())
        .map(|u| json!({"ids": ids(c, &found.units[u]), "downstream": found.downstream[u], "fraction": found.fraction[u]}))
        .collect();
    let mut out = serde_json::to_value(&found).unwrap_or_default();
    out["runs"] = settings.runs.into();
    out["seed"] = settings.seed.into();
    out["units"] = units.into();
    let mut rows: Vec<_> = found.by_class.iter().collect();
    rows.sort_by(|a, b| b.1.1.total_cmp(&a.1.1));
    Ok(Answer {
        json: out,
        summary: vec![format!(
            "{:.1} % of the neurons are recurrent within {hops} hops ({} runs from each of {} units)",
            100.0 * found.recurrent_neurons,
            settings.runs,
            c.units().len()
        )],
        headers: headers(&["class", "neurons", "mean recurrent fraction", "share recurrent"]),
        rows: rows
            .into_iter()
            .map(|(name, (n, f, r))| vec![name.clone(), n.to_string(), format!("{f:.3}"), format!("{r:.3}")])
            .collect(),
    })
}

/// Neurons that a cascade command stops at: those of an expression, or the outputs of the table.
///
/// # Errors
/// An expression that cannot be read.
pub fn stops(c: &Connectome, expression: Option<&str>) -> Result<Vec<bool>, DataError> {
    match expression {
        None => Ok(output_stops(c)),
        Some("none") => Ok(vec![false; c.n()]),
        Some(expression) => {
            let mut stop = vec![false; c.n()];
            crate::select::select(c, expression)?
                .into_iter()
                .for_each(|i| stop[i] = true);
            Ok(stop)
        }
    }
}
