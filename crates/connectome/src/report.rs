//! One page with every figure of a connectome, each with its numbers.

use crate::answer::{Answer, stats_answer};
use crate::bilateral::{EmbedSettings, JointEmbedding, embed_connectome};
use crate::cascade::Settings;
use crate::data::Connectome;
use crate::error::DataError;
use crate::figures::{self, Drawn};
use crate::flow::{forward_mass, order, signal_flow};
use crate::hubs::{HUB_DEGREE, hubs};
use crate::integration::{integration, recurrence};
use crate::stats::{layer_stats, multiplex};
use crate::threshold::{PairRule, Threshold, strong_edges};
use crate::types::{TypeSettings, Types, averaged, divide};
use neuropil_draw::{Figure, Report, Section};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The types of a connectome: joint embedding, and the tree of clusters over its neurons.
///
/// # Errors
/// As [`embed_connectome`].
pub fn types(c: &Connectome, settings: &TypeSettings) -> Result<(JointEmbedding, Types), DataError> {
    let joint = embed_connectome(c, &EmbedSettings::default())?;
    let partner = c.partners();
    let place: BTreeMap<usize, usize> = joint.neurons.iter().enumerate().map(|(k, &i)| (i, k)).collect();
    let rows: Vec<Option<usize>> = joint
        .neurons
        .iter()
        .map(|&i| partner[i].and_then(|j| place.get(&j).copied()))
        .collect();
    let positions = averaged(&joint.positions, joint.dimensions, &rows, settings.dimensions);
    let tree = divide(&positions, settings.dimensions.min(joint.dimensions), settings);
    Ok((joint, tree))
}

/// The answer of `types`.
///
/// # Errors
/// As [`types`].
pub fn types_answer(c: &Connectome, settings: &TypeSettings) -> Result<Answer, DataError> {
    let (joint, tree) = types(c, settings)?;
    let (class, flow) = (c.texts("celltype"), signal_flow(&c.layer("all")?));
    let neurons: Vec<Value> = joint
        .neurons
        .iter()
        .enumerate()
        .map(|(k, &i)| {
            let d = joint.dimensions;
            json!({"id": c.id_json(i), "levels": tree.levels.iter().map(|l| l[k]).collect::<Vec<_>>(),
                "position": &joint.positions[k * d..(k + 1) * d]})
        })
        .collect();
    let level = tree.levels.len().min(7);
    let mut clusters: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    if let Some(labels) = level.checked_sub(1).map(|l| &tree.levels[l]) {
        labels
            .iter()
            .zip(&joint.neurons)
            .for_each(|(&cluster, &i)| clusters.entry(cluster).or_default().push(i));
    }
    let mean = |members: &[usize]| members.iter().map(|&i| flow[i]).sum::<f64>() / members.len() as f64;
    let mut rows: Vec<(f64, Vec<String>)> = clusters
        .iter()
        .map(|(cluster, members)| {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            members
                .iter()
                .for_each(|&i| *counts.entry(class[i].as_str()).or_insert(0) += 1);
            let mut counts: Vec<_> = counts.into_iter().collect();
            counts.sort_by_key(|e| (std::cmp::Reverse(e.1), e.0));
            let named = counts
                .iter()
                .take(3)
                .map(|(name, n)| format!("{} {n}", if name.is_empty() { "none" } else { name }));
            let flow = mean(members);
            let row = vec![
                cluster.to_string(),
                members.len().to_string(),
                format!("{flow:.3}"),
                named.collect::<Vec<_>>().join(", "),
            ];
            (flow, row)
        })
        .collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let counts: Vec<String> = tree.counts.iter().map(ToString::to_string).collect();
    Ok(Answer {
        json: json!({"n_neurons": joint.neurons.len(), "n_left": joint.n_left, "dimensions": joint.dimensions,
            "singular_values": joint.singular_values, "block_singular_values": joint.block_singular_values,
            "block_norms": joint.block_norms, "counts": tree.counts, "seed": settings.seed, "neurons": neurons}),
        summary: vec![
            format!(
                "{} neurons embedded ({} left), seed {}",
                joint.neurons.len(),
                joint.n_left,
                settings.seed
            ),
            format!("clusters at levels 1 to {}: {}", counts.len(), counts.join(", ")),
            format!("level {level}, in the order of signal flow:"),
        ],
        headers: ["type", "neurons", "mean signal flow", "classes"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    })
}

/// Every figure that the data allow; what is missing for the others is said in words.
///
/// # Errors
/// A layer that does not exist, settings that cannot run.
pub fn findings(c: &Connectome, settings: &Settings) -> Result<(Vec<Drawn>, Vec<String>), DataError> {
    let (mut drawn, mut missing) = (Vec::new(), Vec::new());
    let layer = c.default_layer();
    let stats = c
        .layers
        .iter()
        .map(|(name, graph)| (name.clone(), layer_stats(graph)));
    drawn.push(figures::edge_types(&stats.collect()));
    if c.layers.len() > 1 {
        drawn.push(figures::multiplexed(&multiplex(c)));
    }
    let sorted = order(&signal_flow(&c.layer("all")?));
    let masses = c
        .layers
        .iter()
        .map(|(name, graph)| (name.clone(), forward_mass(graph, &sorted, 75.0)));
    drawn.push(figures::direction(&masses.collect::<Vec<_>>()));
    let strong = strong_edges(c, layer, Threshold::Fraction(0.01), PairRule::Mean)?;
    drawn.push(figures::hub_degrees(&hubs(c, &strong, HUB_DEGREE)));
    let mut attempt = |what: &str, result: Result<Drawn, DataError>| match result {
        Ok(figure) => drawn.push(figure),
        Err(error) => missing.push(format!("{what}: {error}")),
    };
    attempt(
        "senses",
        integration(c, layer, 8, settings).map(|r| figures::senses(&r, settings.runs, settings.seed)),
    );
    attempt(
        "recurrence",
        recurrence(c, layer, &[5], settings).map(|r| figures::recurrent(&r[0], settings.runs, settings.seed)),
    );
    let tree = TypeSettings {
        seed: settings.seed,
        ..TypeSettings::default()
    };
    attempt(
        "types",
        types(c, &tree).map(|(joint, types)| figures::types(&joint, &types)),
    );
    Ok((drawn, missing))
}

/// The page.
///
/// # Errors
/// As [`findings`].
pub fn page(c: &Connectome, name: &str, drawn: &[Drawn], missing: &[String]) -> Result<Report, DataError> {
    let stats = stats_answer(c)?;
    let sections = drawn.iter().map(|(figure, table)| Section {
        title: figure.title.clone(),
        text: String::new(),
        figure: Some(Figure {
            title: String::new(),
            ..figure.clone()
        }),
        table: Some(table.clone()),
    });
    let mut details = vec![("Neurons and columns".to_owned(), stats.summary.join("\n"))];
    if !c.warnings.is_empty() || !missing.is_empty() {
        details.push((
            "Warnings".to_owned(),
            [c.warnings.clone(), missing.to_vec()].concat().join("\n"),
        ));
    }
    let synapses: f64 = c.layers.values().map(crate::graph::Csr::total).sum();
    Ok(Report {
        title: format!("Connectome: {name}"),
        lead: format!(
            "{} neurons in {} homologous pairs, {synapses} synapses in {} layers. Every figure has its numbers below it.",
            c.n(),
            c.pairs.len(),
            c.layers.len()
        ),
        facts: vec![
            ("neurons".to_owned(), c.n().to_string()),
            ("pairs".to_owned(), c.pairs.len().to_string()),
            ("synapses".to_owned(), synapses.to_string()),
            ("layers".to_owned(), c.layers.len().to_string()),
        ],
        sections: sections.collect(),
        details,
    })
}
