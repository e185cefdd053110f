//! Walk-sort: where neurons lie on random walks from the inputs to the outputs.

use crate::graph::Csr;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// How walks are drawn; the defaults are the paper's.
#[derive(Clone, Debug)]
pub struct WalkSettings {
    /// Walks per start neuron and pair of groups (256).
    pub walks: usize,
    /// Most neurons of a walk (16).
    pub max_length: usize,
    /// Walks from the outputs against the edges as well (true).
    pub backward: bool,
    /// Seed.
    pub seed: u64,
}

impl Default for WalkSettings {
    fn default() -> Self {
        Self {
            walks: 256,
            max_length: 16,
            backward: true,
            seed: 1,
        }
    }
}

/// Median position of every neuron on the walks that arrive: 0 at the input side, 1 at the output side, NaN
/// where no walk passes.
///
/// A walk steps along out-edges in proportion to their weights from a start neuron; it ends when it comes back to
/// itself, at a neuron without outputs, in a stop group or after 16 neurons, and counts when its last neuron is in
/// the stop group. Equal walks count once. Backward walks run on the turned graph with the groups exchanged.
pub fn walk_sort(
    graph: &Csr,
    starts: &[Vec<usize>],
    stops: &[Vec<usize>],
    settings: &WalkSettings,
) -> Vec<f64> {
    let n = graph.n();
    let mut positions: Vec<Vec<f64>> = vec![Vec::new(); n];
    for backward in [false, true] {
        if backward && !settings.backward {
            continue;
        }
        let turned;
        let (graph, from, to) = if backward {
            turned = graph.transposed();
            (&turned, stops, starts)
        } else {
            (graph, starts, stops)
        };
        let cumulated: Vec<f64> = (0..n)
            .flat_map(|i| {
                graph.weights(i).iter().scan(0.0, |sum, w| {
                    *sum += w;
                    Some(*sum)
                })
            })
            .collect();
        let mut walks: BTreeSet<Vec<u32>> = BTreeSet::new();
        for (a, sources) in from.iter().enumerate() {
            for (b, targets) in to.iter().enumerate() {
                let mut stop = vec![false; n];
                targets.iter().for_each(|&i| stop[i] = true);
                let key = Key::new(settings.seed).at((usize::from(backward) << 16 | a << 8 | b) as u64);
                let drawn: Vec<Vec<Vec<u32>>> = sources
                    .par_iter()
                    .map(|&s| arriving(graph, &cumulated, s, &stop, settings, key))
                    .collect();
                walks.extend(drawn.into_iter().flatten());
            }
        }
        for walk in walks {
            let last = (walk.len() - 1) as f64;
            for (k, &i) in walk.iter().enumerate() {
                let position = k as f64 / last;
                positions[i as usize].push(if backward { 1.0 - position } else { position });
            }
        }
    }
    positions.into_iter().map(median).collect()
}

fn arriving(
    graph: &Csr,
    cumulated: &[f64],
    start: usize,
    stop: &[bool],
    settings: &WalkSettings,
    key: Key,
) -> Vec<Vec<u32>> {
    let mut stream = key.stream(Purpose::Walk, start as u64);
    let mut kept = Vec::new();
    for _ in 0..settings.walks {
        let mut walk = vec![start as u32];
        let mut at = start;
        while !stop[at] && walk.len() < settings.max_length {
            let sums = &cumulated[graph.range(at)];
            let Some(&total) = sums.last() else { break };
            let draw = stream.random::<f64>() * total;
            let chosen = sums.partition_point(|&sum| sum <= draw).min(sums.len() - 1);
            let next = graph.targets(at)[chosen];
            if walk.contains(&next) {
                break;
            }
            walk.push(next);
            at = next as usize;
        }
        if stop[at] && walk.len() > 1 {
            kept.push(walk);
        }
    }
    kept
}

fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        0.5 * (values[middle - 1] + values[middle])
    }
}
