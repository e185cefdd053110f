//! Spectral embedding: ranks, augmented diagonal, leading singular vectors, elbows.

pub mod procrustes;
pub mod several;

use crate::graph::Csr;
use neuropil_math::sparse::Rows;
use neuropil_math::svd::{Operator, Svd, top_svd};
use serde::Serialize;

/// The rows `from` and columns `to` of a graph, in that order, times `scale`.
pub fn block(graph: &Csr, from: &[usize], to: &[usize], scale: f64) -> Operator {
    let mut place = vec![u32::MAX; graph.n()];
    to.iter().enumerate().for_each(|(k, &j)| place[j] = k as u32);
    let place = &place;
    let row = |&i: &usize| {
        graph
            .row(i)
            .filter(|edge| place[edge.0] != u32::MAX)
            .map(|(j, w)| (place[j] as usize, w * scale))
    };
    Operator::new(Rows::from_rows(from.iter().map(row)), to.len())
}

/// A whole graph.
pub fn whole(graph: &Csr) -> Operator {
    let all: Vec<usize> = (0..graph.n()).collect();
    block(graph, &all, &all, 1.0)
}

/// Replaces each non-zero weight by its average rank / (number of non-zeros + 1): simple-nonzero pass-to-ranks.
///
/// A graph whose weights are all 1 is returned unchanged.
pub fn pass_to_ranks(graph: &Csr) -> Csr {
    let mut sorted = graph.all_weights().to_vec();
    if sorted.iter().all(|&w| w == 1.0) {
        return graph.clone();
    }
    sorted.sort_by(f64::total_cmp);
    let m = sorted.len() as f64;
    // Weights are counts: few of them differ.
    let mut ranks: Vec<(f64, f64)> = Vec::new();
    let mut below = 0;
    for equal in sorted.chunk_by(|a, b| a == b) {
        let up_to = below + equal.len();
        ranks.push((equal[0], (below + up_to + 1) as f64 / 2.0 / (m + 1.0)));
        below = up_to;
    }
    graph.map(|_, _, w| ranks[ranks.partition_point(|&(weight, _)| weight < w)].1)
}

/// Replaces the diagonal by (in-strength + out-strength) / 2 / (n − 1), self-edges left out.
pub fn augment_diagonal(graph: &Csr) -> Csr {
    let n = graph.n();
    let plain = graph.without_loops();
    let (into, out) = plain.strengths();
    let mut edges: Vec<(u32, u32, f64)> = plain.edges().map(|(i, j, w)| (i as u32, j as u32, w)).collect();
    let scale = 2.0 * n.saturating_sub(1).max(1) as f64;
    edges.extend((0..n).map(|i| (i as u32, i as u32, (into[i] + out[i]) / scale)));
    Csr::from_edges(n, edges)
}

/// The regularised Laplacian D_out^(−1/2) A D_in^(−1/2) with the mean out-strength added to both degrees (R-DAD).
pub fn regularised_laplacian(graph: &Csr) -> Csr {
    let (into, out) = graph.strengths();
    let tau = out.iter().sum::<f64>() / graph.n().max(1) as f64;
    graph.map(|i, j, w| w / ((out[i] + tau) * (into[j] + tau)).sqrt())
}

/// An embedding: rows of X = U √S send, rows of Y = V √S receive.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Embedding {
    /// Dimensions.
    pub d: usize,
    /// Outgoing positions, n × d, row-major.
    pub x: Vec<f64>,
    /// Incoming positions, m × d, row-major.
    pub y: Vec<f64>,
    /// Singular values, largest first.
    pub singular_values: Vec<f64>,
}

/// Adjacency spectral embedding of a block in `d` dimensions (Sussman et al., J. Am. Stat. Assoc. 107, 1119, 2012).
pub fn embed(block: &Operator, d: usize) -> Embedding {
    let Svd { u, s, v } = top_svd(block, d);
    let d = s.len();
    let scale = |mut m: Vec<f64>| {
        m.iter_mut()
            .enumerate()
            .for_each(|(k, value)| *value *= s[k % d].sqrt());
        m
    };
    Embedding {
        d,
        x: scale(u),
        y: scale(v),
        singular_values: s,
    }
}

/// Positions of the elbows of singular values, sorted in descending order, by profile likelihood.
///
/// For q in 1..=p two normal samples d_1..d_q and d_(q+1)..d_p with own means and one variance; the first maximum is
/// the elbow, the next is sought after it.
///
/// Zhu & Ghodsi, Comput. Stat. Data Anal. 51, 918 (2006).
pub fn elbows(values: &[f64], n: usize) -> Vec<usize> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut at, mut found) = (0, Vec::new());
    while found.len() < n && sorted.len() - at > 1 {
        let likelihood = profile_likelihood(&sorted[at..]);
        let mut best = 0;
        for (k, value) in likelihood.iter().enumerate() {
            if *value > likelihood[best] {
                best = k;
            }
        }
        at += best + 1;
        found.push(at);
    }
    found
}

/// Profile log-likelihood of every split of descending values; −∞ for one value against one.
pub fn profile_likelihood(values: &[f64]) -> Vec<f64> {
    let p = values.len();
    let squares = |part: &[f64]| {
        let mean = part.iter().sum::<f64>() / part.len().max(1) as f64;
        part.iter().map(|v| (v - mean).powi(2)).sum::<f64>()
    };
    (1..=p)
        .map(|q| {
            let (a, b) = values.split_at(q);
            if a.len() == 1 && b.len() == 1 {
                return f64::NEG_INFINITY;
            }
            let sum = squares(a) + squares(b);
            let variance = sum / (p as f64 - 1.0 - f64::from(u8::from(q < p)));
            -0.5 * (p as f64 * (2.0 * std::f64::consts::PI * variance).ln() + sum / variance)
        })
        .collect()
}
