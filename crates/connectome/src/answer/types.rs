//! Neuron types.

use super::{Answer, finite};
use crate::bilateral::{EmbedSettings, JointEmbedding, Method, embed_connectome};
use crate::data::Connectome;
use crate::error::DataError;
use crate::figures::types as figures;
use crate::flow::signal_flow;
use crate::types::evaluation::worth;
use crate::types::stability::{Stability, stability};
use crate::types::{TypeSettings, Types, averaged, divide};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How types are made.
#[derive(Clone, Copy, Debug, Default)]
pub struct TypesQuestion {
    /// Which embedding is clustered.
    pub embedding: Method,
    /// Constants of the clustering.
    pub settings: TypeSettings,
    /// Seeds; with several, types are their consensus.
    pub seeds: usize,
}

/// The types of a connectome.
pub(crate) struct Typed {
    pub(crate) joint: JointEmbedding,
    /// The partner of each embedded neuron, by its row.
    partners: Vec<Option<usize>>,
    /// Agreement of the seeds, if there are several.
    stable: Option<Stability>,
    /// The tree of clusters: of the one seed, or the consensus.
    pub(crate) tree: Types,
}

/// Embeds the neurons and divides them.
///
/// # Errors
/// No sides or pairs to align.
pub(crate) fn typed(c: &Connectome, q: &TypesQuestion) -> Result<Typed, DataError> {
    let settings = &q.settings;
    let joint = embed_connectome(c, q.embedding, &EmbedSettings::default())?;
    let partner = c.partners();
    let place: BTreeMap<usize, usize> = joint.neurons.iter().enumerate().map(|(k, &i)| (i, k)).collect();
    let partners: Vec<Option<usize>> = joint
        .neurons
        .iter()
        .map(|&i| partner[i].and_then(|j| place.get(&j).copied()))
        .collect();
    let d = settings.dimensions.min(joint.dimensions);
    let positions = averaged(&joint.positions, joint.dimensions, &partners, d);
    let stable = (q.seeds > 1).then(|| stability(&positions, d, settings, q.seeds));
    let tree = match &stable {
        Some(stable) => stable.consensus.clone(),
        None => divide(&positions, d, settings),
    };
    Ok(Typed {
        joint,
        partners,
        stable,
        tree,
    })
}

/// The types of a connectome: embedding, tree of clusters, agreement of the seeds if there are several, figures.
///
/// # Errors
/// No sides or pairs to align.
pub fn types_answer(c: &Connectome, q: &TypesQuestion) -> Result<Answer, DataError> {
    let settings = &q.settings;
    let Typed {
        joint,
        partners,
        stable,
        tree,
    } = typed(c, q)?;
    let pairs: Vec<(usize, usize)> = (0..joint.n_left)
        .filter_map(|k| Some((k, partners[k]?)))
        .filter(|p| p.1 >= joint.n_left)
        .collect();
    let d = settings.dimensions.min(joint.dimensions);
    let alone = averaged(&joint.positions, joint.dimensions, &vec![None; partners.len()], d);
    let graph = c.layer("all")?;
    let levels = worth(
        &graph,
        &joint.neurons,
        &pairs,
        &divide(&alone, d, settings),
        settings.seed,
    );
    let (class, flow) = (c.texts("celltype"), signal_flow(&graph));
    let shown = tree.levels.len().min(7) - 1;
    let mut drawn = vec![
        crate::figures::types(&joint, &tree),
        figures::tree(&joint.neurons, &tree, shown, &class),
        figures::sorted_adjacency(&graph, &joint.neurons, &tree.levels[shown], &flow),
        figures::pair_plots(&joint, &pairs),
        figures::worth(&levels),
    ];
    let mut summary = vec![
        format!(
            "{} neurons embedded ({} left), seed {}",
            joint.neurons.len(),
            joint.n_left,
            settings.seed
        ),
        format!(
            "clusters at levels 1 to {}: {}",
            tree.counts.len(),
            tree.counts
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ),
    ];
    if let Some(stable) = &stable {
        drawn.push(figures::stable(stable));
        let level = &stable.levels[shown];
        summary.push(format!(
            "consensus of {} seeds; at level {} two seeds agree to an adjusted Rand index of {:.3}, two consensus results of \
             half the seeds to {:.3}",
            stable.seeds.len(),
            level.level,
            level.rand,
            level.consensus_rand
        ));
    }
    if joint.neurons.len() < c.n() {
        summary.push(format!(
            "{} neurons are left out: they have no edges to the others, or no side that the embedding needs",
            c.n() - joint.neurons.len()
        ));
    }
    let listed = table(&joint, &tree, shown, &class, &flow);
    if !listed.is_empty() {
        summary.push(format!("level {}, in the order of signal flow:", shown + 1));
    }
    let neurons: Vec<Value> = joint
        .neurons
        .iter()
        .enumerate()
        .map(|(k, &i)| {
            let w = joint.dimensions;
            json!({"id": c.id_json(i), "levels": tree.levels.iter().map(|l| l[k]).collect::<Vec<_>>(),
                "position": &joint.positions[k * w..(k + 1) * w]})
        })
        .collect();
    let agreement: Option<Vec<Value>> = stable.map(|s| {
        let of = |l: &crate::types::stability::LevelStability| {
            json!({"level": l.level, "clusters": l.clusters, "rand": finite(l.rand), "information": finite(l.information),
                "consensus_rand": finite(l.consensus_rand)})
        };
        s.levels.iter().map(of).collect()
    });
    Ok(Answer {
        json: json!({"embedding": q.embedding, "n_neurons": joint.neurons.len(), "n_left": joint.n_left,
            "dimensions": joint.dimensions, "singular_values": joint.singular_values,
            "block_singular_values": joint.block_singular_values, "block_norms": joint.block_norms,
            "counts": tree.counts, "seed": settings.seed, "stability": agreement, "worth": levels, "neurons": neurons}),
        summary,
        headers: ["type", "neurons", "mean signal flow", "classes"]
            .map(str::to_owned)
            .to_vec(),
        rows: listed,
        figures: drawn,
    })
}

/// One row per type: size, place in the signal flow, its most frequent classes.
fn table(
    joint: &JointEmbedding,
    tree: &Types,
    level: usize,
    class: &[String],
    flow: &[f64],
) -> Vec<Vec<String>> {
    let mut clusters: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (&cluster, &i) in tree.levels[level].iter().zip(&joint.neurons) {
        clusters.entry(cluster).or_default().push(i);
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
    rows.into_iter().map(|(_, row)| row).collect()
}
