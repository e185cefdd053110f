//! Edge-type statistics, multiplexed edges, reciprocity (Winding et al. 2023, Figs 1 and 2).

use crate::data::Connectome;
use crate::graph::{Csr, largest_component};
use serde::Serialize;
use statrs::distribution::{Binomial, DiscreteCDF};
use std::collections::BTreeMap;

/// What one layer consists of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerStats {
    /// Edges, self-edges included.
    pub edges: usize,
    /// Sum of weights.
    pub synapses: f64,
    /// Edges from a neuron to itself.
    pub self_edges: usize,
    /// Their synapses.
    pub self_synapses: f64,
    /// Neurons with an edge.
    pub neurons_with_edges: usize,
    /// Edges / neurons².
    pub density: f64,
    /// Largest weight.
    pub max_weight: f64,
    /// Most partners in and out.
    pub max_degree_in: usize,
    /// Most targets.
    pub max_degree_out: usize,
    /// Median of in- plus out-degree over neurons with an edge.
    pub median_total_degree: f64,
    /// Shares of the edges with weight 1, 2, 3, 4 and at least 5.
    pub edges_by_weight: [f64; 5],
    /// Shares of the synapses on edges of weight 1, 2, 3, 4 and at least 5.
    pub synapses_by_weight: [f64; 5],
    /// Share of edges with at most 2 synapses.
    pub weak: f64,
    /// Share of edges with at least 5 synapses.
    pub strong: f64,
    /// Weak components, lone neurons included.
    pub weak_components: usize,
    /// Size of the largest strong component.
    pub largest_strong_component: usize,
}

/// Statistics of a layer; shares of an empty layer are 0.
pub fn layer_stats(graph: &Csr) -> LayerStats {
    let n = graph.n();
    let (into, out) = graph.degrees();
    let mut total: Vec<f64> = (0..n)
        .map(|i| (into[i] + out[i]) as f64)
        .filter(|d| *d > 0.0)
        .collect();
    total.sort_by(f64::total_cmp);
    let (mut edges, mut synapses) = ([0.0; 5], [0.0; 5]);
    let (mut self_edges, mut self_synapses, mut weak, mut strong) = (0, 0.0, 0.0, 0.0);
    for (i, j, w) in graph.edges() {
        if i == j {
            self_edges += 1;
            self_synapses += w;
        }
        weak += f64::from(u8::from(w <= 2.0));
        strong += f64::from(u8::from(w >= 5.0));
        let exact = (1..5).find(|&k| w == k as f64).map(|k| k - 1);
        if let Some(k) = exact.or((w >= 5.0).then_some(4)) {
            edges[k] += 1.0;
            synapses[k] += w;
        }
    }
    let (m, sum) = (graph.n_edges().max(1) as f64, graph.total());
    let share = |part: f64| if sum == 0.0 { 0.0 } else { part / sum };
    let weak_components = graph.weak_components();
    LayerStats {
        edges: graph.n_edges(),
        synapses: sum,
        self_edges,
        self_synapses,
        neurons_with_edges: total.len(),
        density: graph.n_edges() as f64 / (n * n).max(1) as f64,
        max_weight: graph.all_weights().iter().copied().fold(0.0, f64::max),
        max_degree_in: into.iter().copied().max().unwrap_or(0),
        max_degree_out: out.iter().copied().max().unwrap_or(0),
        median_total_degree: neuropil_math::stats::summary::quantile_of_sorted(&total, 0.5).unwrap_or(0.0),
        edges_by_weight: edges.map(|e| e / m),
        synapses_by_weight: synapses.map(share),
        weak: weak / m,
        strong: strong / m,
        weak_components: weak_components.iter().max().map_or(0, |c| c + 1),
        largest_strong_component: largest_component(&graph.strong_components()).len(),
    }
}

/// Ordered neuron pairs that are joined by exactly one combination of layers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Multiplex {
    /// Layers, joined by `+`.
    pub layers: String,
    /// Observed pairs.
    pub count: usize,
    /// n² Π (p_k or 1 − p_k): expected if layers were independent.
    pub expected: f64,
    /// 99.9 % interval of the binomial of that expectation.
    pub interval: (f64, f64),
    /// Two-sided binomial p-value: twice the smaller tail, at most 1.
    pub p: f64,
}

/// Counts of every non-empty combination of the layers, against independence.
pub fn multiplex(connectome: &Connectome) -> Vec<Multiplex> {
    let mut names: Vec<&str> = connectome.layers.keys().map(String::as_str).collect();
    names.sort_by_key(|name| {
        crate::data::TYPED_LAYERS
            .iter()
            .position(|t| t == name)
            .unwrap_or(9)
    });
    names.truncate(8);
    let n = connectome.n();
    let mut kinds: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (k, name) in names.iter().enumerate() {
        for (i, j, _) in connectome.layers[*name].edges() {
            *kinds.entry((i, j)).or_insert(0) |= 1 << k;
        }
    }
    let mut counts = vec![0usize; 1 << names.len()];
    kinds.values().for_each(|&mask| counts[mask] += 1);
    let cells = (n * n) as u64;
    let density: Vec<f64> = names
        .iter()
        .map(|name| connectome.layers[*name].n_edges() as f64 / cells.max(1) as f64)
        .collect();
    (1..1 << names.len())
        .map(|mask: usize| {
            let chosen: Vec<&str> = (0..names.len())
                .filter(|k| mask >> k & 1 == 1)
                .map(|k| names[k])
                .collect();
            let p: f64 = density
                .iter()
                .enumerate()
                .map(|(k, d)| if mask >> k & 1 == 1 { *d } else { 1.0 - d })
                .product();
            let (interval, tail) = match Binomial::new(p.clamp(0.0, 1.0), cells) {
                Ok(law) if cells > 0 => {
                    let at = |q: f64| quantile(&law, q, p * cells as f64, cells);
                    let count = counts[mask] as u64;
                    let low = law.cdf(count);
                    let high = if count == 0 { 1.0 } else { law.sf(count - 1) };
                    ((at(0.0005), at(0.9995)), (2.0 * low.min(high)).min(1.0))
                }
                _ => ((0.0, 0.0), 1.0),
            };
            Multiplex {
                layers: chosen.join("+"),
                count: counts[mask],
                expected: p * cells as f64,
                interval,
                p: tail,
            }
        })
        .collect()
}

/// Smallest k with P(X ≤ k) ≥ q, by bisection around the mean.
fn quantile(law: &Binomial, q: f64, mean: f64, n: u64) -> f64 {
    let spread = 10.0 * mean.sqrt() + 10.0;
    let (mut low, mut high) = ((mean - spread).max(0.0) as u64, ((mean + spread) as u64).min(n));
    while low < high {
        let middle = u64::midpoint(low, high);
        if law.cdf(middle) >= q {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low as f64
}

/// Chance of an edge of one layer where one of another leads back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reciprocity {
    /// Layer of the forward edge.
    pub forward: String,
    /// Layer of the edge back.
    pub back: String,
    /// P(back | forward), self-edges left out.
    pub p: f64,
    /// Density of `back` among n (n − 1).
    pub null: f64,
}

/// Reciprocity of every ordered pair of layers.
pub fn reciprocity(connectome: &Connectome) -> Vec<Reciprocity> {
    let n = connectome.n() as f64;
    let mut rows = Vec::new();
    for (forward, a) in &connectome.layers {
        for (back, b) in &connectome.layers {
            let edges = a.edges().filter(|e| e.0 != e.1);
            let (mut all, mut answered) = (0usize, 0usize);
            for (i, j, _) in edges {
                all += 1;
                answered += usize::from(b.weight(j, i) != 0.0);
            }
            let density = b.edges().filter(|e| e.0 != e.1).count() as f64 / (n * (n - 1.0));
            rows.push(Reciprocity {
                forward: forward.clone(),
                back: back.clone(),
                p: if all == 0 {
                    0.0
                } else {
                    answered as f64 / all as f64
                },
                null: density,
            });
        }
    }
    rows
}
