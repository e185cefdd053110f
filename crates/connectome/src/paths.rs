//! Paths and loops between units, counted as they are found: nothing is stored but the counts.
//!
//! Units are homologous pairs and neurons without a partner. Between two units there may be an ipsilateral and a
//! contralateral edge: they are different edges, and paths that take one or the other are different paths.

pub mod loops;

use crate::data::Connectome;
use crate::graph::Csr;
use crate::threshold::{Course, StrongEdges};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// Edges between units, each with its side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnitGraph {
    /// Neurons of each unit.
    pub units: Vec<Vec<usize>>,
    /// Targets of each unit with whether the edge crosses the midline; by target, ipsilateral first.
    pub out: Vec<Vec<(u32, bool)>>,
}

impl UnitGraph {
    /// The unit-to-unit edges of a threshold; without pairs, every neuron is a unit.
    pub fn new(connectome: &Connectome, edges: &StrongEdges) -> Self {
        let paired = !edges.paired.is_empty();
        let units = if paired {
            connectome.units()
        } else {
            (0..connectome.n()).map(|i| vec![i]).collect()
        };
        let mut unit_of = vec![0u32; connectome.n()];
        for (u, members) in units.iter().enumerate() {
            members.iter().for_each(|&i| unit_of[i] = u as u32);
        }
        let mut out = vec![Vec::new(); units.len()];
        let mut add = |pre: usize, post: usize, course: Course| {
            out[unit_of[pre] as usize].push((unit_of[post], course == Course::Contralateral));
        };
        if paired {
            edges.paired.iter().for_each(|e| add(e.pre, e.post, e.course));
        } else {
            edges.split.iter().for_each(|e| add(e.pre, e.post, e.course));
        }
        for row in &mut out {
            row.sort_unstable();
            row.dedup();
        }
        Self { units, out }
    }

    /// A graph whose nodes are units and whose edges all stay on their side.
    pub fn of(graph: &Csr) -> Self {
        let row = |i: usize| graph.targets(i).iter().map(|&j| (j, false)).collect();
        Self {
            units: (0..graph.n()).map(|i| vec![i]).collect(),
            out: (0..graph.n()).map(row).collect(),
        }
    }

    /// Number of units.
    pub fn n(&self) -> usize {
        self.out.len()
    }

    /// Number of edges.
    pub fn n_edges(&self) -> usize {
        self.out.iter().map(Vec::len).sum()
    }

    /// Units that hold one of the neurons, ascending.
    pub fn units_of(&self, neurons: &[usize]) -> Vec<usize> {
        let wanted: std::collections::BTreeSet<usize> = neurons.iter().copied().collect();
        let holds = |u: &usize| self.units[*u].iter().any(|i| wanted.contains(i));
        (0..self.n()).filter(holds).collect()
    }

    /// The graph without the edges for which `drop` answers true.
    pub fn without(&self, drop: impl Fn(usize, usize, bool) -> bool) -> Self {
        let out = self.out.iter().enumerate();
        let kept = out.map(|(u, row)| {
            let row = row.iter().filter(|e| !drop(u, e.0 as usize, e.1));
            row.copied().collect()
        });
        Self {
            units: self.units.clone(),
            out: kept.collect(),
        }
    }

    /// Fewest edges from every unit to the nearest of `targets`; `u32::MAX` where none is reached.
    fn distance_to(&self, targets: &[bool]) -> Vec<u32> {
        let mut back = vec![Vec::new(); self.n()];
        for (u, row) in self.out.iter().enumerate() {
            row.iter().for_each(|e| back[e.0 as usize].push(u));
        }
        let mut distance = vec![u32::MAX; self.n()];
        let mut front: Vec<usize> = (0..self.n()).filter(|&u| targets[u]).collect();
        front.iter().for_each(|&u| distance[u] = 0);
        let mut depth = 0;
        while !front.is_empty() {
            depth += 1;
            let mut next = Vec::new();
            for u in front {
                for &v in &back[u] {
                    if distance[v] == u32::MAX {
                        distance[v] = depth;
                        next.push(v);
                    }
                }
            }
            front = next;
        }
        distance
    }
}

/// Numbers of simple paths.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PathCounts {
    /// Longest path that was sought, edges.
    pub cutoff: usize,
    /// All paths.
    pub paths: u64,
    /// Paths by number of edges, 0 ..= cutoff.
    pub by_length: Vec<u64>,
    /// Paths by number of edges (rows) and of contralateral edges among them (columns).
    pub by_crossings: Vec<Vec<u64>>,
    /// Paths that pass through or end at each unit.
    pub through: Vec<u64>,
}

impl PathCounts {
    fn new(cutoff: usize, n: usize) -> Self {
        Self {
            cutoff,
            paths: 0,
            by_length: vec![0; cutoff + 1],
            by_crossings: vec![vec![0; cutoff + 1]; cutoff + 1],
            through: vec![0; n],
        }
    }

    fn add(&mut self, other: &Self) {
        self.paths += other.paths;
        let sum = |a: &mut [u64], b: &[u64]| a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        sum(&mut self.by_length, &other.by_length);
        sum(&mut self.through, &other.through);
        for (a, b) in self.by_crossings.iter_mut().zip(&other.by_crossings) {
            sum(a, b);
        }
    }

    /// Mean number of contralateral edges of a path of `length` edges; NaN without such paths.
    pub fn mean_crossings(&self, length: usize) -> f64 {
        let row = &self.by_crossings[length];
        let sum: f64 = row.iter().enumerate().map(|(k, &c)| k as f64 * c as f64).sum();
        sum / self.by_length[length] as f64
    }
}

/// Calls `found` with every simple path from one source: its units, and the number of crossings.
///
/// A path ends at a target; it may run on through it to another target. Branches that cannot reach a target within
/// `cutoff` edges are not followed.
fn walk(
    graph: &UnitGraph,
    source: usize,
    targets: &[bool],
    distance: &[u32],
    cutoff: usize,
    found: &mut impl FnMut(&[u32], usize),
) {
    let mut path = vec![source as u32];
    let mut on_path = vec![false; graph.n()];
    on_path[source] = true;
    // For each unit of the path: the next edge to try, and the crossings so far.
    let mut state = vec![(0usize, 0usize)];
    while let Some(&mut (ref mut next, crossings)) = state.last_mut() {
        let at = path[path.len() - 1] as usize;
        let Some(&(to, crosses)) = graph.out[at].get(*next) else {
            state.pop();
            on_path[at] = false;
            path.pop();
            continue;
        };
        *next += 1;
        let to_unit = to as usize;
        if on_path[to_unit] || distance[to_unit] == u32::MAX {
            continue;
        }
        let length = path.len();
        if length + distance[to_unit] as usize > cutoff {
            continue;
        }
        path.push(to);
        let crossings = crossings + usize::from(crosses);
        if targets[to_unit] {
            found(&path, crossings);
        }
        if length < cutoff {
            on_path[to_unit] = true;
            state.push((0, crossings));
        } else {
            path.pop();
        }
    }
}

fn flags(n: usize, units: &[usize]) -> Vec<bool> {
    let mut flags = vec![false; n];
    units.iter().for_each(|&u| flags[u] = true);
    flags
}

/// Counts the simple paths of at most `cutoff` edges from each source to a target; a source that is a target
/// begins no path of length 0.
pub fn count_paths(graph: &UnitGraph, sources: &[usize], targets: &[usize], cutoff: usize) -> PathCounts {
    let is_target = flags(graph.n(), targets);
    let distance = graph.distance_to(&is_target);
    let parts: Vec<PathCounts> = sources
        .par_iter()
        .map(|&source| {
            let mut counts = PathCounts::new(cutoff, graph.n());
            walk(
                graph,
                source,
                &is_target,
                &distance,
                cutoff,
                &mut |path, crossings| {
                    let length = path.len() - 1;
                    counts.paths += 1;
                    counts.by_length[length] += 1;
                    counts.by_crossings[length][crossings] += 1;
                    path[1..].iter().for_each(|&u| counts.through[u as usize] += 1);
                },
            );
            counts
        })
        .collect();
    let mut sum = PathCounts::new(cutoff, graph.n());
    parts.iter().for_each(|part| sum.add(part));
    sum
}

/// Hands every simple path to `found` (units, number of contralateral edges), source by source.
pub fn each_path(
    graph: &UnitGraph,
    sources: &[usize],
    targets: &[usize],
    cutoff: usize,
    mut found: impl FnMut(&[u32], usize),
) {
    let is_target = flags(graph.n(), targets);
    let distance = graph.distance_to(&is_target);
    for &source in sources {
        walk(graph, source, &is_target, &distance, cutoff, &mut found);
    }
}

/// Units inside the shortest paths from a source to a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pathway {
    /// Source unit.
    pub source: usize,
    /// Target unit.
    pub target: usize,
    /// Edges.
    pub length: usize,
    /// Units between the two on any shortest path, ascending.
    pub interior: Vec<u32>,
}

/// The shortest paths of every reachable pair of a source and a target, of at most `cutoff` edges.
pub fn pathways(graph: &UnitGraph, sources: &[usize], targets: &[usize], cutoff: usize) -> Vec<Pathway> {
    let per_target: Vec<Vec<Pathway>> = targets
        .par_iter()
        .map(|&target| {
            let distance = graph.distance_to(&flags(graph.n(), &[target]));
            let near = |&&s: &&usize| s != target && (distance[s] as usize) <= cutoff;
            let of = |&source: &usize| {
                let mut interior: Vec<u32> = Vec::new();
                let mut front = vec![source as u32];
                for left in (1..distance[source]).rev() {
                    let steps = front.iter().flat_map(|&u| &graph.out[u as usize]);
                    let mut next: Vec<u32> = steps
                        .map(|e| e.0)
                        .filter(|&v| distance[v as usize] == left)
                        .collect();
                    next.sort_unstable();
                    next.dedup();
                    interior.extend(&next);
                    front = next;
                }
                interior.sort_unstable();
                Pathway {
                    source,
                    target,
                    length: distance[source] as usize,
                    interior,
                }
            };
            sources.iter().filter(near).map(of).collect()
        })
        .collect();
    let mut all: Vec<Pathway> = per_target.into_iter().flatten().collect();
    all.sort_by_key(|p| (p.source, p.target));
    all
}

/// Dice coefficient 2 |A ∩ B| / (|A| + |B|) of two ascending lists; 0 for two empty ones.
pub fn dice(a: &[u32], b: &[u32]) -> f64 {
    let common = a.iter().filter(|u| b.binary_search(u).is_ok()).count();
    match a.len() + b.len() {
        0 => 0.0,
        sizes => 2.0 * common as f64 / sizes as f64,
    }
}

/// Pathway similarity of targets: the Dice coefficient of the interiors of all their pathways, and the order in
/// which average-linkage clustering puts the targets.
///
/// Targets without a pathway are left out.
pub fn target_similarity(pathways: &[Pathway]) -> (Vec<usize>, Vec<Vec<f64>>) {
    let mut interiors: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for pathway in pathways {
        let own = interiors.entry(pathway.target).or_default();
        own.extend(&pathway.interior);
    }
    for own in interiors.values_mut() {
        own.sort_unstable();
        own.dedup();
    }
    let (names, sets): (Vec<usize>, Vec<Vec<u32>>) = interiors.into_iter().unzip();
    let n = names.len();
    let distance: Vec<f64> = (0..n * n)
        .map(|e| 1.0 - dice(&sets[e / n], &sets[e % n]))
        .collect();
    let order = neuropil_math::linkage::leaf_order(&distance, n);
    let matrix = order
        .iter()
        .map(|&i| order.iter().map(|&j| 1.0 - distance[i * n + j]).collect());
    (order.iter().map(|&i| names[i]).collect(), matrix.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::random_graph;

    fn diamond() -> UnitGraph {
        // 0 → 1 → 3, 0 → 2 → 3 (crossing), 3 → 0, 0 → 3 twice: on its side and across.
        UnitGraph {
            units: (0..4).map(|i| vec![i]).collect(),
            out: vec![
                vec![(1, false), (2, false), (3, false), (3, true)],
                vec![(3, false)],
                vec![(3, true)],
                vec![(0, false)],
            ],
        }
    }

    #[test]
    fn paths_are_counted_by_length_and_crossings() {
        let counts = count_paths(&diamond(), &[0], &[3], 3);
        assert_eq!((counts.paths, counts.by_length), (4, vec![0, 2, 2, 0]));
        assert_eq!(counts.by_crossings[1], [1, 1, 0, 0]);
        assert_eq!(counts.by_crossings[2], [1, 1, 0, 0]);
        assert_eq!(counts.through, [0, 1, 1, 4]);
        assert_eq!(count_paths(&diamond(), &[0], &[3], 1).paths, 2);
        assert_eq!(count_paths(&diamond(), &[3], &[3], 3).paths, 0);
    }

    #[test]
    fn counting_and_listing_agree_on_random_graphs() {
        for seed in 0..5 {
            let graph = UnitGraph::of(&random_graph(14, 40, seed).without_loops());
            let (sources, targets) = ([0, 1, 2], [9, 10]);
            let mut listed = std::collections::BTreeSet::new();
            each_path(&graph, &sources, &targets, 5, |path, _| {
                let distinct: std::collections::BTreeSet<u32> = path.iter().copied().collect();
                assert_eq!(distinct.len(), path.len(), "a simple path");
                assert!(targets.contains(&(path[path.len() - 1] as usize)));
                assert!(listed.insert(path.to_vec()), "each path once");
            });
            assert_eq!(
                listed.len() as u64,
                count_paths(&graph, &sources, &targets, 5).paths
            );
        }
    }

    #[test]
    fn pathways_and_their_similarity() {
        let graph = UnitGraph {
            units: (0..6).map(|i| vec![i]).collect(),
            out: vec![
                vec![(1, false), (2, false)],
                vec![(3, false), (4, false)],
                vec![(3, false), (5, false)],
                vec![],
                vec![],
                vec![],
            ],
        };
        let found = pathways(&graph, &[0], &[3, 4, 5], 4);
        let interiors: Vec<&[u32]> = found.iter().map(|p| p.interior.as_slice()).collect();
        assert_eq!(interiors, [&[1, 2][..], &[1], &[2]]);
        let (order, matrix) = target_similarity(&found);
        let at = |t: usize| order.iter().position(|&x| x == t).unwrap();
        assert!((matrix[at(3)][at(4)] - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!((matrix[at(4)][at(5)], matrix[at(3)][at(3)]), (0.0, 1.0));
        assert_eq!(dice(&[], &[]), 0.0);
    }
}
