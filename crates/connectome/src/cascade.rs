//! Signal cascades: how activity that starts in some neurons spreads hop by hop.
//!
//! Every synapse transmits with probability p, so an edge of w synapses with p_ij = 1 − (1 − p)^w. Sources are
//! active at hop 0. At each hop every active neuron that is not a stop neuron tries each of its out-edges once;
//! a neuron that is hit and was never active before in this run is active at the next hop (Winding et al. 2023,
//! Science 379, eadd9330, Methods: signal cascades).
//!
//! Since an edge is tried at most once in a run, a run is a percolation: keep each edge with p_ij, and the hop of
//! a neuron is its distance from the sources in the kept graph. So 64 runs fit in a machine word, one bit each,
//! and the draw of (seed, run, edge) is the same whoever asks: results depend neither on threads nor on order,
//! and cascades from different sources, or with some edges removed, are coupled run by run.

mod counts;
mod draws;
pub mod exact;
pub mod signed;

pub use counts::Cascade;

use crate::data::Connectome;
use crate::error::DataError;
use crate::graph::Csr;
use crate::winding2023;
use draws::{GROUP, Lanes, WORDS, draw};
use neuropil_math::rng::splitmix64;
use neuropil_math::simd::vectorised;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// How cascades run; the defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Probability that one synapse transmits (0.05).
    pub p: f64,
    /// Last hop (8).
    pub max_hops: usize,
    /// Number of runs (1000).
    pub runs: usize,
    /// Seed of every draw.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            p: winding2023::P,
            max_hops: winding2023::MAX_HOPS,
            runs: winding2023::RUNS,
            seed: 1,
        }
    }
}

impl Settings {
    fn check(&self) -> Result<(), DataError> {
        if !(0.0..=1.0).contains(&self.p) {
            return Err(DataError::question(
                format!("p is {}, expected a probability", self.p),
                "the paper uses 0.05 per synapse",
            ));
        }
        if self.runs == 0 {
            return Err(DataError::question(
                "0 runs, expected at least 1",
                "the paper uses 1000",
            ));
        }
        Ok(())
    }
}

/// Probability that an edge of `weight` synapses transmits, 1 − (1 − p)^weight, without cancellation.
pub fn edge_probability(p: f64, weight: f64) -> f64 {
    if weight == 0.0 {
        return 0.0;
    }
    -(weight.abs() * (-p).ln_1p()).exp_m1()
}

/// The kept edges of all runs, drawn when first asked for.
pub struct Percolation<'a> {
    graph: &'a Csr,
    settings: Settings,
    groups: Vec<Vec<OnceLock<Box<[Lanes]>>>>,
}

impl<'a> Percolation<'a> {
    /// Runs over a graph; nothing is drawn yet.
    ///
    /// # Errors
    /// p is no probability, or there are no runs.
    pub fn new(graph: &'a Csr, settings: &Settings) -> Result<Self, DataError> {
        settings.check()?;
        let groups =
            (0..settings.runs.div_ceil(GROUP)).map(|_| (0..graph.n()).map(|_| OnceLock::new()).collect());
        Ok(Self {
            graph,
            settings: settings.clone(),
            groups: groups.collect(),
        })
    }

    fn row(&self, group: usize, i: usize) -> &[Lanes] {
        self.groups[group][i].get_or_init(|| {
            let block = std::array::from_fn(|word| {
                splitmix64(self.settings.seed ^ splitmix64((group * WORDS + word) as u64))
            });
            let weights = self.graph.weights(i).iter();
            let probabilities: Vec<f64> = weights.map(|&w| edge_probability(self.settings.p, w)).collect();
            let mut kept = vec![NONE; probabilities.len()];
            draw(block, i as u64, self.graph.targets(i), &probabilities, &mut kept);
            kept.into_boxed_slice()
        })
    }

    /// The cascade from `sources`, all active together at hop 0; neurons with `stop` do not pass on.
    ///
    /// # Errors
    /// No sources.
    ///
    /// # Panics
    /// When a source is not a node of the graph or `stop` has another length.
    pub fn cascade(&self, sources: &[usize], stop: &[bool]) -> Result<Cascade, DataError> {
        let n = self.graph.n();
        assert_eq!(stop.len(), n, "one stop flag per neuron");
        let sources = distinct(sources, n)?;
        let levels = self.settings.max_hops + 1;
        let parts: Vec<Vec<u32>> = (0..self.groups.len())
            .into_par_iter()
            .map(|group| {
                let mut hits = vec![0; n * levels];
                self.simulate(group, &sources, stop, &mut hits);
                hits
            })
            .collect();
        let mut hits = vec![0; n * levels];
        for part in parts {
            hits.iter_mut().zip(part).for_each(|(sum, h)| *sum += h);
        }
        Ok(Cascade {
            runs: self.settings.runs,
            max_hops: self.settings.max_hops,
            sources,
            hits,
        })
    }

    fn simulate(&self, group: usize, sources: &[usize], stop: &[bool], hits: &mut [u32]) {
        let levels = self.settings.max_hops + 1;
        let left = self.settings.runs - group * GROUP;
        let all: Lanes = std::array::from_fn(|word| match left.saturating_sub(64 * word) {
            0 => 0,
            lanes if lanes >= 64 => u64::MAX,
            lanes => (1 << lanes) - 1,
        });
        let mut visited = vec![NONE; self.graph.n()];
        let mut active = vec![NONE; self.graph.n()];
        let mut next = vec![NONE; self.graph.n()];
        let mut front = sources.to_vec();
        for &s in sources {
            (visited[s], active[s]) = (all, all);
        }
        for hop in 0..levels {
            for &i in &front {
                hits[i * levels + hop] += active[i].iter().map(|word| word.count_ones()).sum::<u32>();
            }
            if hop + 1 == levels || front.is_empty() {
                break;
            }
            let mut touched: Vec<usize> = Vec::new();
            for &i in front.iter().filter(|&&i| !stop[i]) {
                let kept = self.row(group, i);
                pass_on(&active[i], self.graph.targets(i), kept, &mut next, &mut touched);
            }
            front.clear();
            for j in touched {
                let hit = std::mem::replace(&mut next[j], NONE);
                let fresh: Lanes = std::array::from_fn(|word| hit[word] & !visited[j][word]);
                if fresh != NONE {
                    visited[j]
                        .iter_mut()
                        .zip(fresh)
                        .for_each(|(seen, new)| *seen |= new);
                    active[j] = fresh;
                    front.push(j);
                }
            }
        }
    }
}

/// No run.
const NONE: Lanes = [0; WORDS];

vectorised! {
    /// Adds the runs in which a neuron hits its targets to theirs, and those that nothing had hit to `touched`.
    fn pass_on<F>(row: size_of::<Lanes>())[][](
        from: &Lanes,
        targets: &[u32],
        kept: &[Lanes],
        next: &mut [Lanes],
        touched: &mut Vec<usize>,
    ) {
        for (&j, kept) in targets.iter().zip(kept) {
            let to = &mut next[j as usize];
            if *to == NONE {
                touched.push(j as usize);
            }
            for word in 0..WORDS {
                to[word] |= from[word] & kept[word];
            }
        }
    }
}

/// Sources without repetition, ascending.
pub(crate) fn distinct(sources: &[usize], n: usize) -> Result<Vec<usize>, DataError> {
    let mut sources = sources.to_vec();
    sources.sort_unstable();
    sources.dedup();
    if sources.is_empty() {
        return Err(DataError::question(
            "a cascade without sources",
            "select at least one neuron",
        ));
    }
    let last = sources[sources.len() - 1];
    assert!(last < n, "source {last} in a graph of {n} neurons");
    Ok(sources)
}

/// One cascade with its own draws; see [`Percolation::cascade`].
///
/// # Errors
/// No sources, p is no probability, no runs.
///
/// ```
/// use neuropil_connectome::cascade::{cascade, Settings};
/// use neuropil_connectome::graph::Csr;
///
/// let chain = Csr::from_edges(3, vec![(0, 1, 10.0), (1, 2, 10.0)]);
/// let reached = cascade(&chain, &[0], &[false; 3], &Settings::default())?;
/// assert_eq!(reached.hits(0, 0), 1000);
/// assert!(reached.hits(1, 1) > 300); // 1 − 0.95^10 = 0.40
/// # Ok::<(), neuropil_connectome::error::DataError>(())
/// ```
pub fn cascade(
    graph: &Csr,
    sources: &[usize],
    stop: &[bool],
    settings: &Settings,
) -> Result<Cascade, DataError> {
    Percolation::new(graph, settings)?.cascade(sources, stop)
}

/// What many cascades give, one source set each, in their order.
///
/// All share their kept edges; `reduce` turns each cascade into what is kept of it. `stop` is asked per set.
///
/// # Errors
/// As [`cascade`].
pub fn cascades<T: Send>(
    graph: &Csr,
    sets: &[Vec<usize>],
    stop: impl Fn(usize) -> Vec<bool> + Sync,
    settings: &Settings,
    reduce: impl Fn(usize, &Cascade) -> T + Sync,
) -> Result<Vec<T>, DataError> {
    let runs = Percolation::new(graph, settings)?;
    (0..sets.len())
        .into_par_iter()
        .map(|k| Ok(reduce(k, &runs.cascade(&sets[k], &stop(k))?)))
        .collect()
}

/// The sum of single-source cascades: how often each neuron is reached when sources fire one at a time.
///
/// # Errors
/// As [`cascade`].
pub fn one_at_a_time(
    graph: &Csr,
    sources: &[usize],
    stop: &[bool],
    settings: &Settings,
) -> Result<Vec<u64>, DataError> {
    let sets: Vec<Vec<usize>> = distinct(sources, graph.n())?
        .into_iter()
        .map(|s| vec![s])
        .collect();
    let parts = cascades(graph, &sets, |_| stop.to_vec(), settings, |_, c| c.hits.clone())?;
    let mut sum = vec![0u64; graph.n() * (settings.max_hops + 1)];
    for part in parts {
        sum.iter_mut().zip(part).for_each(|(s, h)| *s += u64::from(h));
    }
    Ok(sum)
}

/// Expected number of neurons active at hop 1: Σ_j 1 − Π_i (1 − p_ij) over targets that are not sources.
pub fn expected_first_hop(graph: &Csr, sources: &[usize], stop: &[bool], p: f64) -> f64 {
    let mut synapses = vec![0.0; graph.n()];
    for &i in sources.iter().filter(|&&i| !stop[i]) {
        graph.row(i).for_each(|(j, w)| synapses[j] += w.abs());
    }
    sources.iter().for_each(|&i| synapses[i] = 0.0);
    synapses.iter().map(|&w| edge_probability(p, w)).sum()
}

/// The cell classes that a cascade does not pass through: neurons whose `io` is `output`.
pub fn output_stops(connectome: &Connectome) -> Vec<bool> {
    let io = connectome.neurons.column("io");
    (0..connectome.n())
        .map(|i| io.is_some_and(|io| io[i] == "output"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(p: f64, runs: usize) -> Settings {
        Settings {
            p,
            runs,
            max_hops: 5,
            seed: 3,
        }
    }

    fn ring() -> Csr {
        Csr::from_edges(
            4,
            vec![
                (0, 1, 2.0),
                (1, 2, 1.0),
                (2, 3, 4.0),
                (3, 0, 9.0),
                (1, 1, 3.0),
                (0, 2, 1.0),
            ],
        )
    }

    #[test]
    fn p_of_one_is_breadth_first_search_and_of_zero_stays() {
        let g = ring();
        let all = cascade(&g, &[0], &[false; 4], &settings(1.0, 7)).unwrap();
        assert_eq!(
            (all.hits(1, 1), all.hits(2, 1), all.hits(3, 2), all.hits(0, 4)),
            (7, 7, 7, 0)
        );
        let none = cascade(&g, &[0], &[false; 4], &settings(0.0, 7)).unwrap();
        assert_eq!(none.hits.iter().sum::<u32>(), 7);
    }

    #[test]
    fn the_first_runs_of_many_are_the_runs_of_few() {
        let (few, many) = (settings(0.3, 100), settings(0.3, 1000));
        let (a, b) = (
            cascade(&ring(), &[0], &[false; 4], &few),
            cascade(&ring(), &[0], &[false; 4], &many),
        );
        let (a, b) = (a.unwrap(), b.unwrap());
        assert!(a.hits.iter().zip(&b.hits).all(|(x, y)| x <= y) && a.hits != b.hits);
    }

    #[test]
    fn threads_do_not_change_a_hit() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| cascade(&ring(), &[0, 2], &[false; 4], &settings(0.2, 5000)).unwrap())
        };
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn removing_an_edge_never_reaches_more_in_any_run() {
        let g = ring();
        let cut = g.map(|i, j, w| if (i, j) == (0, 2) { 0.0 } else { w });
        let (a, b) = (settings(0.3, 4000), settings(0.3, 4000));
        let (whole, less) = (
            cascade(&g, &[0], &[false; 4], &a).unwrap(),
            cascade(&cut, &[0], &[false; 4], &b).unwrap(),
        );
        assert!((0..4).all(|i| less.reached(i, 5) <= whole.reached(i, 5)));
    }

    #[test]
    fn stops_sources_and_hops_at_their_limits() {
        let stopped = cascade(&ring(), &[0], &[true; 4], &settings(1.0, 5)).unwrap();
        assert_eq!(stopped.mean_active(), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let short = Settings {
            max_hops: 0,
            ..settings(1.0, 5)
        };
        assert_eq!(
            cascade(&ring(), &[1], &[false; 4], &short).unwrap().mean_active(),
            [1.0]
        );
        assert!(cascade(&ring(), &[], &[false; 4], &short).is_err());
        assert_eq!(edge_probability(0.5, 1e6), 1.0);
        assert!((edge_probability(1e-12, 2.0) - 2e-12).abs() < 1e-23);
    }
}
