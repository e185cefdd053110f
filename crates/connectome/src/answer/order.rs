//! Orders from input to output.

use super::{Answer, headers};
use crate::data::Connectome;
use crate::error::DataError;
use crate::flow::walk::{WalkSettings, walk_sort};
use crate::flow::{forward_fraction, forward_mass, order, signal_flow, spring_rank};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

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
    let masses: Vec<_> = c
        .layers
        .iter()
        .map(|(name, own)| (name.clone(), forward_mass(own, &sorted, 75.0)))
        .collect();
    let layers: Vec<_> = c
        .layers
        .iter()
        .map(|(name, own)| (name.clone(), own.clone()))
        .collect();
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
        figures: vec![
            crate::figures::direction(&masses),
            crate::figures::types::adjacency_by_layer(&layers, &sorted),
        ],
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
