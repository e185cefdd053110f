//! Exact cascades on small graphs, by enumerating the states (visited, active).

use super::edge_probability;
use super::signed::Transmission;
use crate::error::DataError;
use crate::graph::Csr;
use std::collections::BTreeMap;

/// Most neurons that may be hit in one hop: 2^18 outcomes per state.
const MOST_CANDIDATES: usize = 18;
/// Most states that are followed.
const MOST_STATES: usize = 1 << 20;

/// Probability of every neuron being active at every hop: neurons × (`max_hops` + 1), row-major.
///
/// With `signed`, neurons whose weights sum to less than 0 inhibit (see [`super::signed`]).
///
/// # Errors
/// More than 64 neurons, or too many states; use Monte Carlo there.
pub fn exact(
    graph: &Csr,
    sources: &[usize],
    stop: &[bool],
    p: f64,
    max_hops: usize,
    signed: bool,
) -> Result<Vec<f64>, DataError> {
    let n = graph.n();
    let too_large =
        |what: String| DataError::question(what, "run the cascade with --runs instead of --exact");
    if n > 64 {
        return Err(too_large(format!(
            "{n} neurons are too many for exact cascades, at most 64"
        )));
    }
    let sources = super::distinct(sources, n)?;
    let transmission = signed.then(|| Transmission::new(graph, p));
    let levels = max_hops + 1;
    let mut probability = vec![0.0; n * levels];
    let start = sources.iter().fold(0u64, |set, &s| set | 1 << s);
    let mut states = BTreeMap::from([((start, start), 1.0)]);
    for hop in 0..levels {
        let mut next: BTreeMap<(u64, u64), f64> = BTreeMap::new();
        for (&(visited, front), &mass) in &states {
            let active: Vec<usize> = (0..n).filter(|i| front >> i & 1 == 1).collect();
            active.iter().for_each(|&i| probability[i * levels + hop] += mass);
            if hop == max_hops {
                continue;
            }
            let emitting: Vec<usize> = active.into_iter().filter(|&i| !stop[i]).collect();
            let hit = match &transmission {
                Some(transmission) => transmission.hit_probability(&emitting),
                None => {
                    let mut synapses = vec![0.0; n];
                    for &i in &emitting {
                        graph.row(i).for_each(|(j, w)| synapses[j] += w.abs());
                    }
                    synapses.iter().map(|&w| edge_probability(p, w)).collect()
                }
            };
            let candidates: Vec<usize> = (0..n)
                .filter(|&j| visited >> j & 1 == 0 && hit[j] > 0.0)
                .collect();
            if candidates.len() > MOST_CANDIDATES {
                return Err(too_large(format!(
                    "{} neurons can be hit in one hop",
                    candidates.len()
                )));
            }
            for outcome in 1u32..1 << candidates.len() {
                let (mut set, mut part) = (0u64, mass);
                for (bit, &j) in candidates.iter().enumerate() {
                    if outcome >> bit & 1 == 1 {
                        set |= 1 << j;
                        part *= hit[j];
                    } else {
                        part *= 1.0 - hit[j];
                    }
                }
                if part > 0.0 {
                    *next.entry((visited | set, set)).or_insert(0.0) += part;
                }
            }
            if next.len() > MOST_STATES {
                return Err(too_large(format!("more than {MOST_STATES} states")));
            }
        }
        states = next;
    }
    Ok(probability)
}
