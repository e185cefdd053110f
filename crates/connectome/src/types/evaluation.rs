//! What types are worth: pairs that fall into one, and block models that carry over to the other side.

use super::Types;
use crate::graph::Csr;
use crate::nulls::{Against, against, permuted_labels};
use serde::Serialize;
use std::collections::BTreeMap;

/// Worth of the types of one level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelWorth {
    /// Level, from 1.
    pub level: usize,
    /// Clusters.
    pub clusters: usize,
    /// Share of the pairs whose members are in one cluster, against shuffled labels.
    pub pairs_together: Against,
    /// Poisson log-likelihood per edge of a stochastic block model that was fitted on the left: on the left, on the
    /// right.
    pub block_model: (f64, f64),
    /// The same of a degree-corrected one.
    pub degree_corrected: (f64, f64),
}

/// Shuffles behind the null of pairs in one cluster.
const SHUFFLES: usize = 100;

/// Evaluates every level of `types` over `neurons` of `graph`, with `pairs` as (left, right) rows of `neurons`.
///
/// Models are fitted on the graph among the left members of the pairs, edges without weights and self-edges, and
/// evaluated on both sides; the right member of a pair has the block and the degrees of its left one. A probability
/// of 0 counts as 1 / (pairs of neurons between the blocks).
pub fn worth(
    graph: &Csr,
    neurons: &[usize],
    pairs: &[(usize, usize)],
    types: &Types,
    seed: u64,
) -> Vec<LevelWorth> {
    let side = |pick: fn(&(usize, usize)) -> usize| {
        let members: Vec<usize> = pairs.iter().map(|p| neurons[pick(p)]).collect();
        graph.induced(&members).without_loops()
    };
    let (left, right) = (side(|p| p.0), side(|p| p.1));
    let levels = types.levels.iter().enumerate();
    levels
        .map(|(k, labels)| {
            let together = |labels: &[usize]| {
                let same = pairs.iter().filter(|p| labels[p.0] == labels[p.1]).count();
                same as f64 / pairs.len().max(1) as f64
            };
            let shuffled: Vec<f64> = (0..SHUFFLES as u64)
                .map(|draw| together(&permuted_labels(labels, seed, draw)))
                .collect();
            let blocks: Vec<usize> = pairs.iter().map(|p| labels[p.0]).collect();
            let plain = Model::fit(&left, &blocks, false);
            let corrected = Model::fit(&left, &blocks, true);
            LevelWorth {
                level: k + 1,
                clusters: types.counts[k],
                pairs_together: against(together(labels), &shuffled),
                block_model: (plain.per_edge(&left), plain.per_edge(&right)),
                degree_corrected: (corrected.per_edge(&left), corrected.per_edge(&right)),
            }
        })
        .collect()
}

/// A directed stochastic block model without self-edges (Karrer & Newman, Phys. Rev. E 83, 016107, 2011).
struct Model {
    blocks: Vec<usize>,
    /// Expected edges per pair of neurons (plain) or between the blocks (degree-corrected).
    rate: BTreeMap<(usize, usize), f64>,
    /// Shares of each neuron in what its block sends and receives; sizes of blocks enter through 1.
    theta: Option<(Vec<f64>, Vec<f64>)>,
    sizes: BTreeMap<usize, f64>,
}

impl Model {
    fn fit(graph: &Csr, blocks: &[usize], corrected: bool) -> Self {
        let mut sizes: BTreeMap<usize, f64> = BTreeMap::new();
        blocks.iter().for_each(|&b| *sizes.entry(b).or_insert(0.0) += 1.0);
        let mut edges: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        for (i, j, _) in graph.edges() {
            *edges.entry((blocks[i], blocks[j])).or_insert(0.0) += 1.0;
        }
        let theta = corrected.then(|| {
            let (into, out) = graph.degrees();
            let share = |degree: &[usize]| {
                let mut sums: BTreeMap<usize, f64> = BTreeMap::new();
                (0..blocks.len()).for_each(|i| *sums.entry(blocks[i]).or_insert(0.0) += degree[i] as f64);
                let of = |i: usize| match sums[&blocks[i]] {
                    0.0 => 1.0 / sizes[&blocks[i]],
                    sum => degree[i] as f64 / sum,
                };
                (0..blocks.len()).map(of).collect::<Vec<f64>>()
            };
            (share(&out), share(&into))
        });
        let mut model = Self {
            blocks: blocks.to_vec(),
            rate: BTreeMap::new(),
            theta,
            sizes,
        };
        let names: Vec<usize> = model.sizes.keys().copied().collect();
        for &a in &names {
            for &b in &names {
                let count = edges.get(&(a, b)).copied().unwrap_or(0.0);
                let cells = model.cells(a, b).max(1.0);
                let rate = if corrected { count } else { count / cells };
                let least = if corrected { 1.0 } else { 1.0 / cells };
                model.rate.insert((a, b), if count > 0.0 { rate } else { least });
            }
        }
        model
    }

    fn cells(&self, a: usize, b: usize) -> f64 {
        self.sizes[&a] * self.sizes[&b] - if a == b { self.sizes[&a] } else { 0.0 }
    }

    /// Σ (A ln P − P) over ordered pairs, by edges of `graph`.
    fn per_edge(&self, graph: &Csr) -> f64 {
        let least = 1.0 / (self.blocks.len() as f64).powi(2).max(1.0);
        let p = |i: usize, j: usize| {
            let rate = self.rate[&(self.blocks[i], self.blocks[j])];
            match &self.theta {
                None => rate,
                Some((out, into)) => (rate * out[i] * into[j]).max(least),
            }
        };
        let seen: f64 = graph.edges().map(|(i, j, _)| p(i, j).ln()).sum();
        let expected: f64 = self
            .rate
            .iter()
            .map(|(&(a, b), rate)| {
                if self.theta.is_some() {
                    *rate
                } else {
                    rate * self.cells(a, b)
                }
            })
            .sum();
        (seen - expected) / graph.n_edges().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn true_blocks_predict_the_other_side_better_than_one_block() {
        // 30 pairs in two blocks; block 0 sends to block 1 on both sides, with different edges.
        let edge = |i: u32, j: u32, salt: u32| {
            i.is_multiple_of(2) && !j.is_multiple_of(2) && (i * 7 + j * 13 + salt).is_multiple_of(3)
        };
        let mut edges = Vec::new();
        for i in 0..30u32 {
            for j in 0..30u32 {
                for side in 0..2 {
                    if edge(i, j, side) {
                        edges.push((2 * i + side, 2 * j + side, 1.0));
                    }
                }
            }
        }
        let graph = Csr::from_edges(60, edges);
        let pairs: Vec<(usize, usize)> = (0..30).map(|k| (2 * k, 2 * k + 1)).collect();
        let neurons: Vec<usize> = (0..60).collect();
        let types = Types {
            levels: vec![vec![0; 60], (0..60).map(|i| i / 2 % 2).collect()],
            counts: vec![1, 2],
        };
        let found = worth(&graph, &neurons, &pairs, &types, 1);
        assert!(found[1].block_model.1 > found[0].block_model.1 + 0.5, "{found:?}");
        assert!(found[1].block_model.0 >= found[0].block_model.0);
        assert_eq!(found[1].pairs_together.observed, 1.0);
        assert!(found[1].pairs_together.p_above < 0.05 && found[0].pairs_together.p_above == 1.0);
        // One block, plain: rate m/(n(n − 1)) per pair gives ln rate − 1 per edge.
        let m = pairs.iter().map(|p| graph.row(p.0).count()).sum::<usize>() as f64;
        assert!((found[0].block_model.0 - ((m / 870.0).ln() - 1.0)).abs() < 1e-12);
    }
}
