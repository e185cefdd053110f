//! Motifs: the sixteen patterns of three neurons, and chains through a second population.

use crate::graph::Csr;
use serde::Serialize;

/// Names of the sixteen triads: mutual, asymmetric and absent pairs, then direction (Holland & Leinhardt, 1970).
pub const TRIADS: [&str; 16] = [
    "003", "012", "102", "021D", "021U", "021C", "111D", "111U", "030T", "030C", "201", "120D", "120U",
    "120C", "210", "300",
];

/// Number of each of the sixteen triads, self-edges left out; in the order of [`TRIADS`].
///
/// Only connected pairs are visited: O(edges × degree).
///
/// Batagelj & Mrvar, Soc. Networks 23, 237 (2001).
pub fn triad_census(graph: &Csr) -> [u64; 16] {
    let n = graph.n() as u64;
    let both = Csr::sum(
        graph.n(),
        [&graph.map(|_, _, _| 1.0), &graph.transposed().map(|_, _, _| 2.0)],
    );
    let both = both.without_loops();
    let mut census = [0u64; 16];
    for v in 0..graph.n() {
        for (u, pair) in both.row(v).filter(|e| e.0 > v) {
            let (first, second) = (both.targets(v), both.targets(u));
            let (mut a, mut b, mut others) = (0, 0, 0u64);
            while a < first.len() || b < second.len() {
                let x = first.get(a).copied().unwrap_or(u32::MAX);
                let y = second.get(b).copied().unwrap_or(u32::MAX);
                let w = x.min(y) as usize;
                let (mut from_v, mut from_u) = (0, 0);
                if x as usize == w {
                    from_v = both.weights(v)[a] as usize;
                    a += 1;
                }
                if y as usize == w {
                    from_u = both.weights(u)[b] as usize;
                    b += 1;
                }
                if w == v || w == u {
                    continue;
                }
                others += 1;
                // Each connected triad is counted once: from its first connected pair.
                if w > u || (w > v && from_v == 0) {
                    census[kind(pair as usize, from_v, from_u)] += 1;
                }
            }
            census[if pair as usize == 3 { 2 } else { 1 }] += n - 2 - others;
        }
    }
    let all = if n < 3 { 0 } else { n * (n - 1) * (n - 2) / 6 };
    census[0] = all - census[1..].iter().sum::<u64>();
    census
}

/// Kind of a triad (v, u, w) from its pairs v–u, v–w, u–w: 1 forwards, 2 back, 3 both.
fn kind(vu: usize, vw: usize, uw: usize) -> usize {
    let pairs = [(0, 1, vu), (0, 2, vw), (1, 2, uw)];
    let (mut into, mut out, mut mutual, mut present) = ([0; 3], [0; 3], 0, 0);
    for (a, b, code) in pairs {
        present += usize::from(code != 0);
        if code == 3 {
            mutual += 1;
            continue;
        }
        let (from, to) = if code == 1 { (a, b) } else { (b, a) };
        if code != 0 {
            out[from] += 1;
            into[to] += 1;
        }
    }
    let name = match (mutual, present - mutual) {
        (0, 0) => "003",
        (0, 1) => "012",
        (1, 0) => "102",
        (0, 2) if out.contains(&2) => "021D",
        (0, 2) if into.contains(&2) => "021U",
        (0, 2) => "021C",
        // The lone asymmetric edge ends on (D) or leaves (U) the mutual pair.
        (1, 1) => {
            let apart = pairs.iter().position(|p| p.2 == 0).map_or(0, |k| k);
            let mutual = pairs.iter().position(|p| p.2 == 3).map_or(0, |k| k);
            let asymmetric = 3 - apart - mutual;
            let shared = |node: usize| {
                let ends = [pairs[mutual].0, pairs[mutual].1];
                let own = [pairs[asymmetric].0, pairs[asymmetric].1];
                ends.contains(&node) && own.contains(&node)
            };
            let middle = (0..3).find(|&node| shared(node)).unwrap_or(0);
            if into[middle] == 1 { "111D" } else { "111U" }
        }
        (0, 3) if out.contains(&2) => "030T",
        (0, 3) => "030C",
        (2, 0) => "201",
        // The neuron outside the mutual pair sends to both, receives from both, or passes on.
        (1, 2) if out.contains(&2) => "120D",
        (1, 2) if into.contains(&2) => "120U",
        (1, 2) => "120C",
        (2, 1) => "210",
        _ => "300",
    };
    TRIADS.iter().position(|own| *own == name).unwrap_or(0)
}

/// Chains source → middle → target between two populations.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ZigZag {
    /// Units of the first population.
    pub sources: usize,
    /// Units of the second.
    pub middles: usize,
    /// Edges from first to second, and back.
    pub edges: (usize, usize),
    /// Connection probability of both directions.
    pub probability: (f64, f64),
    /// Chains that return to the unit they left: self-loops.
    pub self_loops: u64,
    /// Chains that end on another unit of the first population: zig-zags.
    pub zigzags: u64,
    /// Self-loops and zig-zags expected with the same numbers of edges placed at random.
    pub expected: (f64, f64),
    /// Units of the first population with a self-loop, with a zig-zag.
    pub units: (usize, usize),
}

/// Counts how a first population reaches itself through a second: back to the same neuron, or to another.
///
/// In the nerve cord: descending → ascending → the same or another descending neuron (Winding et al. 2023, Fig. 7).
pub fn zigzag(graph: &Csr, first: &[usize], second: &[usize]) -> ZigZag {
    let mut place = vec![None; graph.n()];
    first.iter().for_each(|&i| place[i] = Some(false));
    second.iter().for_each(|&i| place[i] = Some(true));
    let is = |i: usize, middle: bool| place[i] == Some(middle);
    let first: Vec<usize> = first.iter().copied().filter(|&i| is(i, false)).collect();
    let mut found = ZigZag {
        sources: first.len(),
        middles: second.len(),
        ..ZigZag::default()
    };
    for &i in &first {
        let (mut own, mut other) = (0u64, 0u64);
        for (m, _) in graph.row(i).filter(|e| is(e.0, true)) {
            found.edges.0 += 1;
            for (j, _) in graph.row(m).filter(|e| is(e.0, false)) {
                if i == j {
                    own += 1;
                } else {
                    other += 1;
                }
            }
        }
        found.self_loops += own;
        found.zigzags += other;
        found.units.0 += usize::from(own > 0);
        found.units.1 += usize::from(other > 0);
    }
    let back = second
        .iter()
        .flat_map(|&m| graph.row(m))
        .filter(|e| is(e.0, false));
    found.edges.1 = back.count();
    let cells = (found.sources * found.middles) as f64;
    let p = |edges: usize| if cells > 0.0 { edges as f64 / cells } else { 0.0 };
    found.probability = (p(found.edges.0), p(found.edges.1));
    let chance = found.probability.0 * found.probability.1;
    found.expected = (
        cells * chance,
        cells * (found.sources as f64 - 1.0).max(0.0) * chance,
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::random_graph;

    /// Every triple by its definition.
    fn naive(graph: &Csr) -> [u64; 16] {
        let mut census = [0; 16];
        let code = |a: usize, b: usize| {
            usize::from(graph.weight(a, b) != 0.0) + 2 * usize::from(graph.weight(b, a) != 0.0)
        };
        for v in 0..graph.n() {
            for u in v + 1..graph.n() {
                for w in u + 1..graph.n() {
                    census[kind(code(v, u), code(v, w), code(u, w))] += 1;
                }
            }
        }
        census
    }

    fn of(edges: &[(u32, u32)]) -> &'static str {
        let graph = Csr::from_edges(3, edges.iter().map(|e| (e.0, e.1, 1.0)).collect());
        TRIADS[triad_census(&graph).iter().position(|&c| c == 1).unwrap()]
    }

    #[test]
    fn each_pattern_has_its_name_whatever_the_numbering() {
        let patterns: [(&str, &[(u32, u32)]); 16] = [
            ("003", &[]),
            ("012", &[(0, 1)]),
            ("102", &[(0, 1), (1, 0)]),
            ("021D", &[(1, 0), (1, 2)]),
            ("021U", &[(0, 1), (2, 1)]),
            ("021C", &[(0, 1), (1, 2)]),
            ("111D", &[(0, 1), (1, 0), (2, 1)]),
            ("111U", &[(0, 1), (1, 0), (1, 2)]),
            ("030T", &[(0, 1), (1, 2), (0, 2)]),
            ("030C", &[(0, 1), (1, 2), (2, 0)]),
            ("201", &[(0, 1), (1, 0), (1, 2), (2, 1)]),
            ("120D", &[(1, 0), (1, 2), (0, 2), (2, 0)]),
            ("120U", &[(0, 1), (2, 1), (0, 2), (2, 0)]),
            ("120C", &[(0, 1), (1, 2), (0, 2), (2, 0)]),
            ("210", &[(0, 1), (1, 2), (2, 1), (0, 2), (2, 0)]),
            ("300", &[(0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0)]),
        ];
        let orders = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0u32],
        ];
        for (name, edges) in patterns {
            for order in orders {
                let turned: Vec<(u32, u32)> = edges
                    .iter()
                    .map(|e| (order[e.0 as usize], order[e.1 as usize]))
                    .collect();
                assert_eq!(of(&turned), name);
            }
        }
    }

    #[test]
    fn the_census_is_that_of_all_triples() {
        for (n, edges) in [(3, 4), (12, 30), (25, 200), (30, 700)] {
            let graph = random_graph(n, edges, 7);
            assert_eq!(triad_census(&graph), naive(&graph), "{n} neurons");
        }
        assert_eq!(triad_census(&Csr::from_edges(2, vec![(0, 1, 1.0)])), [0; 16]);
    }

    #[test]
    fn zigzags_end_elsewhere_and_self_loops_at_home() {
        // 0, 1 descend; 2, 3 ascend: 0 → 2 → 1, 1 → 3 → 1.
        let graph = Csr::from_edges(
            5,
            vec![(0, 2, 1.0), (2, 1, 1.0), (1, 3, 1.0), (3, 1, 1.0), (4, 2, 1.0)],
        );
        let found = zigzag(&graph, &[0, 1], &[2, 3]);
        assert_eq!((found.zigzags, found.self_loops, found.units), (1, 1, (1, 1)));
        assert_eq!((found.edges, found.probability), ((2, 2), (0.5, 0.5)));
        assert_eq!(found.expected, (1.0, 1.0));
    }
}
