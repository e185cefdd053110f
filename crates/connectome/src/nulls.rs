//! Random graphs that keep some properties of a graph, and what a statistic of the graph is worth against them.
//!
//! Every draw has its own stream, named by seed and number of the draw: draws are independent of one another, of
//! their order and of the number of threads, and the graph itself is never changed.

use crate::error::DataError;
use crate::graph::Csr;
use neuropil_math::rng::{Key, Purpose};
use neuropil_math::stats::summary::{mean, variance};
use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};

/// Attempted swaps per edge of degree-preserving draws (100 in Winding et al. 2023).
pub const SWAPS_PER_EDGE: usize = 100;

/// What a random graph has in common with the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Null {
    /// In- and out-degree of every neuron, by double-edge swaps; weights stay with the source.
    Degree,
    /// Every edge; the weights are permuted over them.
    Weights,
    /// The number of edges (Erdős–Rényi); weights are permuted.
    Er,
    /// The number of edges from block to block (stochastic block model); weights are permuted within.
    Block,
    /// Both degrees and the edges from block to block (degree-corrected block model), by swaps.
    DegreeBlock,
}

impl Null {
    /// All, in the order of the documents.
    pub const ALL: [Self; 5] = [
        Self::Degree,
        Self::Weights,
        Self::Er,
        Self::Block,
        Self::DegreeBlock,
    ];

    /// Name as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Degree => "degree",
            Self::Weights => "weights",
            Self::Er => "er",
            Self::Block => "block",
            Self::DegreeBlock => "degree-block",
        }
    }
}

/// A random graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Draw {
    /// The graph; self-edges are those of the original.
    pub graph: Csr,
    /// Swaps that were made; 0 where edges are placed anew.
    pub swaps: usize,
}

/// The `index`-th random graph of a seed.
///
/// `blocks` gives the block of every node; only [`Null::Block`] and [`Null::DegreeBlock`] look at it. Self-edges
/// take no part. Maslov & Sneppen, Science 296, 910 (2002), for the swaps.
///
/// # Errors
/// `blocks` has another length than the graph.
///
/// ```
/// use neuropil_connectome::graph::Csr;
/// use neuropil_connectome::nulls::{Null, draw};
///
/// let graph = Csr::from_edges(4, vec![(0, 1, 2.0), (1, 2, 1.0), (2, 3, 1.0), (3, 0, 5.0), (0, 2, 1.0)]);
/// let random = draw(&graph, Null::Degree, &[0; 4], 1, 0)?;
/// assert_eq!(random.graph.degrees(), graph.degrees());
/// # Ok::<(), neuropil_connectome::error::DataError>(())
/// ```
pub fn draw(graph: &Csr, null: Null, blocks: &[usize], seed: u64, index: u64) -> Result<Draw, DataError> {
    let n = graph.n();
    if blocks.len() != n {
        return Err(DataError::question(
            format!("{} blocks for {n} neurons", blocks.len()),
            "name a column of the neuron table that gives each neuron a class",
        ));
    }
    let mut stream = Key::new(seed).stream(Purpose::Rewire, index);
    let (loops, mut edges): (Vec<_>, Vec<_>) = graph.edges().partition(|e| e.0 == e.1);
    let mut swaps = 0;
    match null {
        Null::Degree | Null::DegreeBlock => {
            let mut ends: Vec<(u32, u32)> = edges.iter().map(|e| (e.0 as u32, e.1 as u32)).collect();
            let classes = (null == Null::DegreeBlock).then_some(blocks);
            swaps = swap_ends(n, &mut ends, classes, SWAPS_PER_EDGE, &mut stream);
            let moved = ends.iter().zip(&edges);
            edges = moved.map(|(&(i, j), e)| (i as usize, j as usize, e.2)).collect();
        }
        Null::Weights => {
            let mut weights: Vec<f64> = edges.iter().map(|e| e.2).collect();
            weights.shuffle(&mut stream);
            edges.iter_mut().zip(weights).for_each(|(e, w)| e.2 = w);
        }
        Null::Er => edges = placed(n, &edges, &vec![0; n], &mut stream),
        Null::Block => edges = placed(n, &edges, blocks, &mut stream),
    }
    let all = edges.into_iter().chain(loops);
    let graph = Csr::from_edges(n, all.map(|(i, j, w)| (i as u32, j as u32, w)).collect());
    Ok(Draw { graph, swaps })
}

/// `count` draws, in order.
///
/// # Errors
/// As [`draw`].
pub fn draws(
    graph: &Csr,
    null: Null,
    blocks: &[usize],
    seed: u64,
    count: usize,
) -> Result<Vec<Draw>, DataError> {
    (0..count as u64)
        .into_par_iter()
        .map(|index| draw(graph, null, blocks, seed, index))
        .collect()
}

/// The same number of edges from block to block at places drawn without replacement, weights permuted within.
fn placed(
    n: usize,
    edges: &[(usize, usize, f64)],
    blocks: &[usize],
    stream: &mut impl rand::Rng,
) -> Vec<(usize, usize, f64)> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    (0..n).for_each(|i| members.entry(blocks[i]).or_default().push(i));
    let mut cells: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
    for &(i, j, w) in edges {
        cells.entry((blocks[i], blocks[j])).or_default().push(w);
    }
    let mut drawn = Vec::with_capacity(edges.len());
    for ((from, to), mut weights) in cells {
        let (rows, columns) = (&members[&from], &members[&to]);
        weights.shuffle(stream);
        // More than half of the places: draw those that stay free instead.
        let places = rows.len() * columns.len() - if from == to { rows.len() } else { 0 };
        let free = 2 * weights.len() > places;
        let wanted = if free {
            places - weights.len()
        } else {
            weights.len()
        };
        let mut chosen: HashSet<(usize, usize)> = HashSet::with_capacity(wanted);
        let mut order = Vec::with_capacity(wanted);
        while order.len() < wanted {
            let i = rows[stream.random_range(0..rows.len())];
            let j = columns[stream.random_range(0..columns.len())];
            if i != j && chosen.insert((i, j)) {
                order.push((i, j));
            }
        }
        if free {
            let cells = rows.iter().flat_map(|&i| columns.iter().map(move |&j| (i, j)));
            order = cells
                .filter(|&(i, j)| i != j && !chosen.contains(&(i, j)))
                .collect();
        }
        drawn.extend(order.into_iter().zip(weights).map(|((i, j), w)| (i, j, w)));
    }
    drawn
}

/// Which ordered pairs of nodes are joined: bits where they fit in 32 MB, else a set.
enum Joined {
    Bits(usize, Vec<u64>),
    Set(HashSet<(u32, u32)>),
}

impl Joined {
    fn new(n: usize) -> Self {
        if n * n <= 1 << 28 {
            Self::Bits(n, vec![0; (n * n).div_ceil(64)])
        } else {
            Self::Set(HashSet::new())
        }
    }

    fn has(&self, (i, j): (u32, u32)) -> bool {
        match self {
            Self::Bits(n, bits) => {
                let at = i as usize * n + j as usize;
                bits[at / 64] >> (at % 64) & 1 == 1
            }
            Self::Set(set) => set.contains(&(i, j)),
        }
    }

    fn put(&mut self, (i, j): (u32, u32), present: bool) {
        match self {
            Self::Bits(n, bits) => {
                let at = i as usize * *n + j as usize;
                bits[at / 64] = bits[at / 64] & !(1 << (at % 64)) | u64::from(present) << (at % 64);
            }
            Self::Set(set) => {
                if present {
                    set.insert((i, j));
                } else {
                    set.remove(&(i, j));
                }
            }
        }
    }
}

/// Exchanges the targets of two edges, `per_edge` attempts for each edge; refused where an edge would double or end
/// on itself, or leave the blocks. The number of exchanges made.
fn swap_ends(
    n: usize,
    ends: &mut [(u32, u32)],
    blocks: Option<&[usize]>,
    per_edge: usize,
    stream: &mut impl rand::Rng,
) -> usize {
    let mut joined = Joined::new(n);
    ends.iter().for_each(|&e| joined.put(e, true));
    let (m, mut made) = (ends.len(), 0);
    if m < 2 {
        return 0;
    }
    for _ in 0..per_edge * m {
        let (k, l) = (stream.random_range(0..m), stream.random_range(0..m));
        let ((a, b), (c, d)) = (ends[k], ends[l]);
        let same = |x: u32, y: u32| blocks.is_none_or(|own| own[x as usize] == own[y as usize]);
        if a == d || c == b || a == c || b == d || !(same(a, c) || same(b, d)) {
            continue;
        }
        if joined.has((a, d)) || joined.has((c, b)) {
            continue;
        }
        joined.put((a, b), false);
        joined.put((c, d), false);
        joined.put((a, d), true);
        joined.put((c, b), true);
        (ends[k], ends[l]) = ((a, d), (c, b));
        made += 1;
    }
    made
}

/// The `index`-th undirected graph with the degrees of `graph`, whose directions and weights are ignored.
///
/// The result has each edge in both directions with weight 1, and no self-edges.
pub fn undirected(graph: &Csr, seed: u64, index: u64) -> Draw {
    let n = graph.n();
    let mut stream = Key::new(seed).at(1).stream(Purpose::Rewire, index);
    let both = Csr::sum(n, [graph, &graph.transposed()]);
    let upper = both.edges().filter(|e| e.0 < e.1);
    let mut ends: Vec<(u32, u32)> = upper.map(|e| (e.0 as u32, e.1 as u32)).collect();
    let mut joined = Joined::new(n);
    let sorted = |x: u32, y: u32| (x.min(y), x.max(y));
    ends.iter().for_each(|&e| joined.put(e, true));
    let (m, mut swaps) = (ends.len(), 0);
    for _ in 0..if m < 2 { 0 } else { SWAPS_PER_EDGE * m } {
        let (k, l) = (stream.random_range(0..m), stream.random_range(0..m));
        let ((a, b), (mut c, mut d)) = (ends[k], ends[l]);
        if stream.random::<bool>() {
            (c, d) = (d, c);
        }
        let (first, second) = (sorted(a, d), sorted(c, b));
        if a == d || c == b || a == c || b == d || joined.has(first) || joined.has(second) {
            continue;
        }
        joined.put(ends[k], false);
        joined.put(ends[l], false);
        joined.put(first, true);
        joined.put(second, true);
        (ends[k], ends[l]) = (first, second);
        swaps += 1;
    }
    let edges = ends.iter().flat_map(|&(i, j)| [(i, j, 1.0), (j, i, 1.0)]);
    Draw {
        graph: Csr::from_edges(n, edges.collect()),
        swaps,
    }
}

/// Labels in another order: the null of statistics that are about classes.
pub fn permuted_labels<T: Clone>(labels: &[T], seed: u64, index: u64) -> Vec<T> {
    let mut permuted = labels.to_vec();
    permuted.shuffle(&mut Key::new(seed).stream(Purpose::Permutation, index));
    permuted
}

/// A statistic beside its values in random graphs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Against {
    /// In the data.
    pub observed: f64,
    /// Number of random graphs.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation.
    pub sd: f64,
    /// (observed − mean) / sd; NaN where the random graphs do not vary.
    pub effect: f64,
    /// (1 + number at least as large) / (1 + n).
    pub p_above: f64,
    /// (1 + number at most as large) / (1 + n).
    pub p_below: f64,
}

/// Sets an observed value beside those of random graphs.
pub fn against(observed: f64, random: &[f64]) -> Against {
    let n = random.len();
    let mean = if n == 0 { f64::NAN } else { mean(random) };
    let sd = if n < 2 {
        f64::NAN
    } else {
        variance(random, 1).sqrt()
    };
    let share = |count: usize| (1 + count) as f64 / (1 + n) as f64;
    Against {
        observed,
        n,
        mean,
        sd,
        effect: if sd > 1e-12 * mean.abs() {
            (observed - mean) / sd
        } else {
            f64::NAN
        },
        p_above: share(random.iter().filter(|x| **x >= observed).count()),
        p_below: share(random.iter().filter(|x| **x <= observed).count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::random_graph;

    fn blocks_of(graph: &Csr, blocks: &[usize]) -> BTreeMap<(usize, usize), usize> {
        let mut cells = BTreeMap::new();
        for (i, j, _) in graph.edges().filter(|e| e.0 != e.1) {
            *cells.entry((blocks[i], blocks[j])).or_insert(0) += 1;
        }
        cells
    }

    #[test]
    fn every_null_keeps_what_it_says_and_changes_the_rest() {
        let graph = random_graph(60, 500, 3);
        let blocks: Vec<usize> = (0..60).map(|i| i % 3).collect();
        let sorted = |g: &Csr| {
            let mut w: Vec<f64> = g.all_weights().to_vec();
            w.sort_by(f64::total_cmp);
            w
        };
        for null in Null::ALL {
            let random = draw(&graph, null, &blocks, 5, 2).unwrap();
            assert_eq!(random.graph.n_edges(), graph.n_edges(), "{null:?}");
            assert_eq!(sorted(&random.graph), sorted(&graph), "{null:?}");
            assert_ne!(random.graph, graph, "{null:?}");
            let diagonal = |g: &Csr| (0..60).map(|i| g.weight(i, i)).collect::<Vec<f64>>();
            assert_eq!(diagonal(&random.graph), diagonal(&graph), "{null:?}");
            if matches!(null, Null::Degree | Null::DegreeBlock | Null::Weights) {
                assert_eq!(random.graph.degrees(), graph.degrees(), "{null:?}");
            }
            if matches!(null, Null::Degree | Null::DegreeBlock) {
                assert_eq!(random.graph.strengths().1, graph.strengths().1);
                assert!(random.swaps > graph.n_edges());
            }
            if matches!(null, Null::Block | Null::DegreeBlock) {
                assert_eq!(
                    blocks_of(&random.graph, &blocks),
                    blocks_of(&graph, &blocks),
                    "{null:?}"
                );
            }
        }
    }

    #[test]
    fn draws_differ_from_one_another_and_repeat() {
        let graph = random_graph(40, 200, 1);
        let all = draws(&graph, Null::Degree, &[0; 40], 9, 4).unwrap();
        for (k, one) in all.iter().enumerate() {
            assert_eq!(*one, draw(&graph, Null::Degree, &[0; 40], 9, k as u64).unwrap());
            assert!(all[..k].iter().all(|other| other.graph != one.graph));
        }
        assert!(draw(&graph, Null::Degree, &[0; 39], 9, 0).is_err());
    }

    #[test]
    fn swaps_reach_every_graph_equally_often() {
        // Two edges 0→1, 2→3 have one partner with the same degrees: 0→3, 2→1.
        let graph = Csr::from_edges(4, vec![(0, 1, 1.0), (2, 3, 1.0)]);
        let swapped = (0..2000)
            .filter(|&k| draw(&graph, Null::Degree, &[0; 4], 1, k).unwrap().graph != graph)
            .count() as f64;
        assert!(
            (swapped - 1000.0).abs() < 5.0 * 500.0_f64.sqrt(),
            "{swapped} of 2000"
        );
    }

    #[test]
    fn undirected_draws_keep_degrees() {
        let graph = random_graph(50, 300, 2);
        let both = Csr::sum(50, [&graph, &graph.transposed()]).without_loops();
        let random = undirected(&graph, 1, 0);
        assert_eq!(random.graph.degrees(), both.degrees());
        assert_eq!(random.graph, random.graph.transposed());
        assert!(random.swaps > 0);
    }

    #[test]
    fn full_blocks_and_empty_graphs_are_placed_too() {
        let edges = (0..4u32).flat_map(|i| (0..4).filter(move |&j| j != i).map(move |j| (i, j, 1.0)));
        let full = Csr::from_edges(4, edges.collect());
        assert_eq!(draw(&full, Null::Er, &[0; 4], 1, 0).unwrap().graph, full);
        let none = Csr::from_edges(3, Vec::new());
        for null in Null::ALL {
            assert_eq!(draw(&none, null, &[0; 3], 1, 0).unwrap().graph, none);
        }
    }

    #[test]
    fn empirical_p_values_count_from_one() {
        let a = against(3.0, &[1.0, 2.0, 3.0]);
        assert_eq!(
            (a.p_above, a.p_below, a.mean, a.sd, a.effect),
            (0.5, 1.0, 2.0, 1.0, 1.0)
        );
    }
}
