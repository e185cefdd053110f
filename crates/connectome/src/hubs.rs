//! Hubs: neurons with many strong partners, and the rich club.

use crate::data::Connectome;
use crate::graph::Csr;
use crate::threshold::StrongEdges;
use neuropil_math::stats::summary::{mean, variance};
use serde::Serialize;

/// Kind of hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hub {
    /// None.
    Non,
    /// Many sources.
    In,
    /// Many targets.
    Out,
    /// Many of both.
    InOut,
}

impl Hub {
    fn of(into: f64, out: f64, threshold: f64) -> Self {
        match (into >= threshold, out >= threshold) {
            (true, true) => Self::InOut,
            (true, false) => Self::In,
            (false, true) => Self::Out,
            (false, false) => Self::Non,
        }
    }

    /// Name as in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Non => "non",
            Self::In => "in",
            Self::Out => "out",
            Self::InOut => "in_out",
        }
    }
}

/// A neuron with its degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HubRow {
    /// Index of the neuron.
    pub neuron: usize,
    /// Distinct strong sources.
    pub in_degree: usize,
    /// Distinct strong targets.
    pub out_degree: usize,
    /// Kind, after both members of a pair are given the same.
    pub hub: Hub,
}

/// Hubs of a graph of strong edges.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hubs {
    /// Every neuron with an edge, ascending.
    pub rows: Vec<HubRow>,
    /// Mean and sample standard deviation of the in-degree.
    pub in_degree: (f64, f64),
    /// The same of the out-degree.
    pub out_degree: (f64, f64),
    /// Pairs whose members differed and were given the kind of their mean degrees.
    pub pairs_reassigned: usize,
    /// Degree from which a neuron is a hub.
    pub threshold: f64,
}

impl Hubs {
    /// Number of neurons of a kind.
    pub fn count(&self, hub: Hub) -> usize {
        self.rows.iter().filter(|row| row.hub == hub).count()
    }
}

/// Hubs among the neurons with a strong edge.
pub fn hubs(connectome: &Connectome, edges: &StrongEdges, threshold: f64) -> Hubs {
    let (into, out) = edges.graph(connectome.n()).degrees();
    let nodes = edges.nodes();
    let row = |&i: &usize| HubRow {
        neuron: i,
        in_degree: into[i],
        out_degree: out[i],
        hub: Hub::of(into[i] as f64, out[i] as f64, threshold),
    };
    let mut rows: Vec<HubRow> = nodes.iter().map(row).collect();
    let place = |i: usize| nodes.binary_search(&i).ok();
    let mut pairs_reassigned = 0;
    for &(l, r) in &connectome.pairs {
        if let (Some(a), Some(b)) = (place(l), place(r))
            && rows[a].hub != rows[b].hub
        {
            let half = |x: usize, y: usize| (x + y) as f64 / 2.0;
            let hub = Hub::of(half(into[l], into[r]), half(out[l], out[r]), threshold);
            (rows[a].hub, rows[b].hub) = (hub, hub);
            pairs_reassigned += 1;
        }
    }
    let moments = |of: fn(&HubRow) -> usize| {
        let values: Vec<f64> = rows.iter().map(|row| of(row) as f64).collect();
        if values.len() < 2 {
            (mean(&values), f64::NAN)
        } else {
            (mean(&values), variance(&values, 1).sqrt())
        }
    };
    Hubs {
        in_degree: moments(|row| row.in_degree),
        out_degree: moments(|row| row.out_degree),
        rows,
        pairs_reassigned,
        threshold,
    }
}

/// Rich-club coefficient φ(k) of the undirected graph: density among nodes of degree above k, for k = 0, 1, … as
/// long as there are two such nodes.
///
/// Colizza et al., Nat. Phys. 2, 110 (2006).
pub fn rich_club(graph: &Csr) -> Vec<f64> {
    let both = Csr::sum(graph.n(), [graph, &graph.transposed()]).without_loops();
    let degree = both.degrees().1;
    let most = degree.iter().copied().max().unwrap_or(0);
    let (mut nodes, mut edges) = (vec![0usize; most + 1], vec![0usize; most + 1]);
    degree.iter().for_each(|&d| nodes[d] += 1);
    for (i, j, _) in both.edges().filter(|e| e.0 < e.1) {
        edges[degree[i].min(degree[j])] += 1;
    }
    let above = |counts: &[usize], k: usize| counts[k + 1..].iter().sum::<usize>();
    (0..most)
        .map(|k| (above(&nodes, k), above(&edges, k)))
        .take_while(|(n, _)| *n > 1)
        .map(|(n, m)| 2.0 * m as f64 / (n * (n - 1)) as f64)
        .collect()
}
