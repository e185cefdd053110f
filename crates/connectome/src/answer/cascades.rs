//! Cascades from a set of neurons.

use super::{Answer, headers, ids, listed};
use crate::cascade::exact::exact;
use crate::cascade::signed::signed;
use crate::cascade::{Settings, cascade, expected_first_hop, output_stops};
use crate::data::Connectome;
use crate::error::DataError;
use crate::graph::Csr;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How a cascade command is to run.
#[derive(Clone, Debug)]
pub struct CascadeQuestion<'a> {
    /// The sources in words.
    pub name: &'a str,
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
    let graph = if q.signed {
        c.signed_layer(q.layer)?
    } else {
        c.layer(q.layer)?
    };
    let s = q.settings;
    let hops = q.hops.min(s.max_hops);
    let levels = s.max_hops + 1;
    if q.exact {
        return exactly(c, &graph, sources, q);
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
    let json = with(
        asked(c, sources, q),
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
    let mut below = vec![false; c.n()];
    downstream.iter().for_each(|&i| below[i] = true);
    let drawn = crate::figures::signals::spread(&result, &class, &below, q.name, s.seed);
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
        json,
        summary,
        headers: headers(&["neuron", "class", "reached", "95 % interval", "median hop"]),
        rows: reached.iter().map(row).collect(),
        figures: vec![drawn],
    })
}

/// What was asked, as JSON.
fn asked(c: &Connectome, sources: &[usize], q: &CascadeQuestion<'_>) -> Value {
    let s = q.settings;
    json!({
        "layer": q.layer, "p": s.p, "max_hops": s.max_hops, "n_neurons": c.n(), "n_sources": sources.len(),
        "sources": ids(c, sources), "n_stops": q.stop.iter().filter(|s| **s).count(),
    })
}

/// An object with the fields of another behind its own.
fn with(mut object: Value, more: Value) -> Value {
    if let (Some(map), Value::Object(more)) = (object.as_object_mut(), more) {
        map.extend(more);
    }
    object
}

/// Probabilities by enumeration.
fn exactly(
    c: &Connectome,
    graph: &Csr,
    sources: &[usize],
    q: &CascadeQuestion<'_>,
) -> Result<Answer, DataError> {
    let s = q.settings;
    let levels = s.max_hops + 1;
    let p = exact(graph, sources, q.stop, s.p, s.max_hops, q.signed)?;
    let mean: Vec<f64> = (0..levels)
        .map(|h| (0..c.n()).map(|i| p[i * levels + h]).sum())
        .collect();
    let reached = (0..c.n()).filter(|&i| p[i * levels..][..levels].iter().any(|x| *x > 0.0));
    let rows: Vec<usize> = reached.collect();
    let neurons: Vec<Value> = rows
        .iter()
        .map(|&i| json!({"id": c.id_json(i), "probability": &p[i * levels..][..levels]}))
        .collect();
    let row = |&i: &usize| {
        let reached: f64 = p[i * levels + 1..][..levels - 1].iter().sum();
        vec![c.id_text(i), format!("{reached:.6}")]
    };
    Ok(Answer {
        json: with(
            asked(c, sources, q),
            json!({"exact": true, "mean_active": mean, "neurons": neurons}),
        ),
        summary: vec![format!("exact; mean active neurons per hop: {}", listed(&mean))],
        headers: headers(&["neuron", "probability to be reached"]),
        rows: rows.iter().map(row).collect(),
        figures: Vec::new(),
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
