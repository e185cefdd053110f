//! Cascades with inhibition.
//!
//! A neuron is inhibitory when its outgoing weights sum to less than 0. Probabilities come from |w|. At each hop
//! the sum over active inhibitory neurons of their probabilities onto j is taken off every active excitatory
//! neuron's probability onto j, not below 0; inhibitory neurons transmit nothing and become active like others.

use super::{Cascade, Settings, distinct, edge_probability};
use crate::error::DataError;
use crate::graph::Csr;
use neuropil_math::rng::splitmix64;
use rayon::prelude::*;

/// Runs of one unit of parallel work.
const SHARD: usize = 64;

/// Transmission probabilities and signs.
pub(super) struct Transmission {
    graph: Csr,
    inhibitory: Vec<bool>,
}

impl Transmission {
    pub(super) fn new(graph: &Csr, p: f64) -> Self {
        let inhibitory = graph.strengths().1.iter().map(|&sum| sum < 0.0).collect();
        Self {
            graph: graph.map(|_, _, w| edge_probability(p, w)),
            inhibitory,
        }
    }

    /// What active inhibitory neurons take off, per target.
    fn reduction(&self, active: &[usize]) -> Vec<f64> {
        let mut reduction = vec![0.0; self.graph.n()];
        for &i in active.iter().filter(|&&i| self.inhibitory[i]) {
            self.graph.row(i).for_each(|(j, q)| reduction[j] += q);
        }
        reduction
    }

    /// Probability of each neuron to be hit by at least one active excitatory neuron.
    pub(super) fn hit_probability(&self, active: &[usize]) -> Vec<f64> {
        let reduction = self.reduction(active);
        let mut missed = vec![1.0; self.graph.n()];
        for &i in active.iter().filter(|&&i| !self.inhibitory[i]) {
            self.graph
                .row(i)
                .for_each(|(j, q)| missed[j] *= 1.0 - (q - reduction[j]).max(0.0));
        }
        missed.iter().map(|q| 1.0 - q).collect()
    }
}

/// A signed cascade by Monte Carlo; draws are keyed by (seed, run, edge).
///
/// # Errors
/// As [`super::cascade`].
pub fn signed(
    graph: &Csr,
    sources: &[usize],
    stop: &[bool],
    settings: &Settings,
) -> Result<Cascade, DataError> {
    settings.check()?;
    let (n, levels) = (graph.n(), settings.max_hops + 1);
    let sources = distinct(sources, n)?;
    let transmission = Transmission::new(graph, settings.p);
    let shards: Vec<Vec<u32>> = (0..settings.runs.div_ceil(SHARD))
        .into_par_iter()
        .map(|shard| {
            let mut hits = vec![0u32; n * levels];
            for run in shard * SHARD..((shard + 1) * SHARD).min(settings.runs) {
                let key = splitmix64(settings.seed ^ splitmix64(run as u64 ^ 0x5167_6e65_6400_0000));
                let mut seen = vec![false; n];
                let mut front = sources.clone();
                front.iter().for_each(|&s| seen[s] = true);
                for hop in 0..levels {
                    front.iter().for_each(|&i| hits[i * levels + hop] += 1);
                    let emitting: Vec<usize> = front.iter().copied().filter(|&i| !stop[i]).collect();
                    let reduction = transmission.reduction(&emitting);
                    let mut next = Vec::new();
                    for &i in emitting.iter().filter(|&&i| !transmission.inhibitory[i]) {
                        for (j, q) in transmission.graph.row(i) {
                            let word = splitmix64(key ^ splitmix64((i as u64) << 32 | j as u64));
                            let uniform = (word >> 11) as f64 / (1u64 << 53) as f64;
                            if !seen[j] && uniform < q - reduction[j] {
                                seen[j] = true;
                                next.push(j);
                            }
                        }
                    }
                    front = next;
                }
            }
            hits
        })
        .collect();
    let mut hits = vec![0; n * levels];
    for shard in shards {
        hits.iter_mut().zip(shard).for_each(|(sum, h)| *sum += h);
    }
    Ok(Cascade {
        runs: settings.runs,
        max_hops: settings.max_hops,
        sources,
        hits,
    })
}
