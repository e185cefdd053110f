//! A seeded generator of larva-like connectomes: a first try without data, and load for benchmarks.
//!
//! Homologous pairs of neurons stand in four layers — sensory, projection and local, integration, output — and
//! connect mostly forwards to the next layer, with axons that stay on their side, cross, or do both; the connections of a pair are
//! mirrored with noise. Shares of the edge types and the weights follow those of the larval brain (66 / 26 / 6 / 2 %
//! of the synapses; half of the edges have one synapse). Nothing in it is data.

use crate::data::{Connectome, NeuronTable, Side};
use crate::graph::Csr;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use std::collections::BTreeMap;

/// Names of the sensory modalities, in the paper's order.
pub const MODALITIES: [&str; 12] = [
    "olfactory",
    "gustatory-external",
    "gustatory-pharyngeal",
    "gut",
    "thermo-warm",
    "thermo-cold",
    "visual",
    "noci",
    "mechano-Ch",
    "mechano-II/III",
    "proprio",
    "respiratory",
];

/// Cell classes of the generator: name, layer, share of the pairs.
const CLASSES: [(&str, usize, f64); 10] = [
    ("sensory", 0, 0.18),
    ("PN", 1, 0.12),
    ("LN", 1, 0.06),
    ("LHN", 2, 0.12),
    ("KC", 2, 0.12),
    ("MBON", 3, 0.06),
    ("MBIN", 3, 0.03),
    ("CN", 3, 0.08),
    ("pre-DN-VNC", 4, 0.12),
    ("DN-VNC", 5, 0.11),
];

/// Where axons end: name, share of the targets on the other side. About 40 % of the larval brain's neurons cross.
const LATERALITY: [(&str, f64); 3] = [("ipsi", 0.0), ("bi", 0.5), ("contra", 1.0)];

/// Size and seed of a generated connectome.
#[derive(Clone, Copy, Debug)]
pub struct SimulateSettings {
    /// Homologous pairs (300).
    pub pairs: usize,
    /// Mean number of partners that a neuron sends to (20).
    pub mean_degree: f64,
    /// Seed.
    pub seed: u64,
}

impl Default for SimulateSettings {
    fn default() -> Self {
        Self {
            pairs: 300,
            mean_degree: 20.0,
            seed: 1,
        }
    }
}

/// Draws a connectome with the layers `ad`, `aa`, `dd`, `da`, pairs, classes and input totals.
pub fn simulate(settings: &SimulateSettings) -> Connectome {
    let n_pairs = settings.pairs.max(CLASSES.len());
    let n = 2 * n_pairs;
    let mut class_of = Vec::with_capacity(n_pairs);
    for (k, (_, _, share)) in CLASSES.iter().enumerate() {
        let wanted = ((share * n_pairs as f64).round() as usize).max(1);
        class_of.extend(std::iter::repeat_n(k, wanted));
    }
    class_of.resize(n_pairs, CLASSES.len() - 1);
    // Where a forward edge may go: the pairs of each layer.
    let mut at_level = vec![Vec::new(); 6];
    class_of
        .iter()
        .enumerate()
        .for_each(|(pair, &class)| at_level[CLASSES[class].1].push(pair));
    let key = Key::new(settings.seed);
    let mut edges: BTreeMap<&str, Vec<(u32, u32, f64)>> = BTreeMap::new();
    let mut received = (vec![0.0; n], vec![0.0; n]);
    let mut axon_lat = Vec::with_capacity(n_pairs);
    for pair in 0..n_pairs {
        let mut stream = key.stream(Purpose::Generate, pair as u64);
        let level = CLASSES[class_of[pair]].1 as i64;
        let partners = (settings.mean_degree * (0.4 + 1.2 * stream.random::<f64>())).round() as usize;
        let laterality = &LATERALITY[match stream.random::<f64>() {
            x if level == 0 && x < 0.9 || x < 0.6 => 0,
            x if x < 0.84 => 1,
            _ => 2,
        }];
        axon_lat.push(laterality.0);
        for _ in 0..partners {
            let step: f64 = stream.random();
            let to = if step < 0.62 {
                level + 1
            } else if step < 0.8 {
                level
            } else if step < 0.9 {
                level + 2
            } else {
                level - 1
            };
            let pool = &at_level[to.clamp(i64::from(level > 0), 5) as usize];
            let target = pool[stream.random_range(0..pool.len())];
            let kind = match stream.random::<f64>() {
                x if x < 0.54 || to > level + 1 => "ad",
                x if x < 0.89 => "aa",
                x if x < 0.96 => "dd",
                _ => "da",
            };
            let contralateral = stream.random::<f64>() < laterality.1;
            let base = 1.0
                + (-3.0 * stream.random::<f64>().max(1e-9).ln() * if kind == "ad" { 1.6 } else { 0.6 })
                    .floor();
            for side in 0..2 {
                if stream.random::<f64>() < 0.12 {
                    continue; // a connection that the other side has
                }
                let pre = 2 * pair + side;
                let post = 2 * target + if contralateral { 1 - side } else { side };
                let weight = (base * (0.6 + 0.8 * stream.random::<f64>())).round().max(1.0);
                edges
                    .entry(kind)
                    .or_default()
                    .push((pre as u32, post as u32, weight));
                let onto = if kind == "ad" || kind == "dd" {
                    &mut received.1
                } else {
                    &mut received.0
                };
                onto[post] += weight;
            }
        }
    }
    // Partners outside the data add a tenth.
    let outside = |sums: Vec<f64>| sums.into_iter().map(|w| (1.1 * w).ceil()).collect();
    let mut layers: BTreeMap<String, Csr> = BTreeMap::new();
    for name in crate::data::TYPED_LAYERS {
        layers.insert(
            name.to_owned(),
            Csr::from_edges(n, edges.remove(name).unwrap_or_default()),
        );
    }
    let of = |text: &dyn Fn(usize) -> String| (0..n).map(text).collect::<Vec<String>>();
    let mut sensory = 0;
    let modality: Vec<&str> = class_of
        .iter()
        .map(|&class| {
            if CLASSES[class].0 != "sensory" {
                return "";
            }
            sensory += 1;
            MODALITIES[(sensory - 1) % MODALITIES.len()]
        })
        .collect();
    let neurons = NeuronTable {
        columns: vec![
            ("hemisphere".into(), of(&|i| ["L", "R"][i % 2].to_owned())),
            ("celltype".into(), of(&|i| CLASSES[class_of[i / 2]].0.to_owned())),
            ("annotations".into(), of(&|i| modality[i / 2].to_owned())),
            ("axon_lat".into(), of(&|i| axon_lat[i / 2].to_owned())),
            (
                "io".into(),
                of(&|i| match CLASSES[class_of[i / 2]].0 {
                    "sensory" => "input".to_owned(),
                    "DN-VNC" => "output".to_owned(),
                    _ => "inter".to_owned(),
                }),
            ),
        ],
    };
    Connectome {
        ids: (0..n as i64).map(|i| 1000 + i).collect(),
        layers,
        neurons,
        pairs: (0..n_pairs).map(|pair| (2 * pair, 2 * pair + 1)).collect(),
        sides: (0..n)
            .map(|i| if i % 2 == 0 { Side::Left } else { Side::Right })
            .collect(),
        input_totals: Some((outside(received.0), outside(received.1))),
        ..Connectome::default()
    }
}

/// Random edges between `n` neurons, `edges` draws with repetition summed: a graph of a given size and weights
/// that fall off geometrically, for benchmarks.
pub fn random_graph(n: usize, edges: usize, seed: u64) -> Csr {
    const SHARD: usize = 1 << 16;
    let key = Key::new(seed);
    let mut drawn = Vec::with_capacity(edges);
    for shard in 0..edges.div_ceil(SHARD) {
        let mut stream = key.stream(Purpose::Generate, shard as u64);
        for _ in shard * SHARD..((shard + 1) * SHARD).min(edges) {
            // Squaring makes some neurons much better connected than others.
            let hub = stream.random::<f64>();
            let pre = (hub * hub * n as f64) as u32;
            let post = stream.random_range(0..n as u32);
            let weight = 1.0 + (-2.5 * stream.random::<f64>().max(1e-12).ln()).floor();
            drawn.push((pre, post, weight));
        }
    }
    Csr::from_edges(n, drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_and_the_shares_are_larva_like() {
        let (a, b) = (
            simulate(&SimulateSettings::default()),
            simulate(&SimulateSettings::default()),
        );
        assert_eq!(a.layers, b.layers);
        let total: f64 = a.layers.values().map(Csr::total).sum();
        let share = a.layers["ad"].total() / total;
        assert!((0.6..0.9).contains(&share), "{share}");
        let other = simulate(&SimulateSettings {
            seed: 2,
            ..SimulateSettings::default()
        });
        assert_ne!(a.layers, other.layers);
        assert!(a.clone().validate().is_ok());
    }
}
