//! Sparse directed graphs in compressed rows.

use neuropil_math::sparse::Rows;
use rayon::prelude::*;

/// A directed weighted graph: row `i` lists the targets of node `i` in ascending order.
///
/// `w[pre, post]`: rows are presynaptic, columns postsynaptic. Indices are `u32`; an absent edge and an edge of
/// weight 0 are the same thing, the latter are never stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Csr {
    /// Targets and weights of the out-edges of each node.
    rows: Rows,
}

impl Csr {
    /// A graph of `n` nodes from (pre, post, weight); repeated edges are summed, zeros dropped.
    ///
    /// # Panics
    /// When an index is not smaller than `n`.
    pub fn from_edges(n: usize, mut edges: Vec<(u32, u32, f64)>) -> Self {
        edges.par_sort_by_key(|&(pre, post, _)| (pre, post));
        let mut offsets = vec![0u32; n + 1];
        let mut targets: Vec<u32> = Vec::with_capacity(edges.len());
        let mut weights: Vec<f64> = Vec::with_capacity(edges.len());
        let mut k = 0;
        while k < edges.len() {
            let (pre, post, mut weight) = edges[k];
            assert!(
                (pre as usize) < n && (post as usize) < n,
                "edge {pre} -> {post} in a graph of {n} nodes"
            );
            k += 1;
            while k < edges.len() && (edges[k].0, edges[k].1) == (pre, post) {
                weight += edges[k].2;
                k += 1;
            }
            if weight != 0.0 {
                offsets[pre as usize + 1] += 1;
                targets.push(post);
                weights.push(weight);
            }
        }
        for i in 0..n {
            offsets[i + 1] += offsets[i];
        }
        Self {
            rows: Rows {
                offsets,
                columns: targets,
                values: weights,
            },
        }
    }

    /// The graph of a dense row-major n × n matrix.
    pub fn from_dense(n: usize, matrix: &[f64]) -> Self {
        assert_eq!(matrix.len(), n * n, "a dense matrix of {n} nodes");
        let edges = (0..n * n).filter(|&k| matrix[k] != 0.0);
        Self::from_edges(
            n,
            edges
                .map(|k| ((k / n) as u32, (k % n) as u32, matrix[k]))
                .collect(),
        )
    }

    /// Number of nodes.
    pub fn n(&self) -> usize {
        self.rows.n()
    }

    /// Number of edges, self-edges included.
    pub fn n_edges(&self) -> usize {
        self.rows.columns.len()
    }

    /// Targets of `i`, ascending.
    pub fn targets(&self, i: usize) -> &[u32] {
        &self.rows.columns[self.range(i)]
    }

    /// Weights of the out-edges of `i`, in the order of [`Csr::targets`].
    pub fn weights(&self, i: usize) -> &[f64] {
        &self.rows.values[self.range(i)]
    }

    /// Positions of the out-edges of `i` in the order of [`Csr::edges`].
    pub fn range(&self, i: usize) -> std::ops::Range<usize> {
        self.rows.range(i)
    }

    /// (target, weight) of the out-edges of `i`.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.rows.row(i)
    }

    /// Every edge (pre, post, weight), ordered by pre, then post.
    pub fn edges(&self) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        (0..self.n()).flat_map(move |i| self.row(i).map(move |(j, w)| (i, j, w)))
    }

    /// Weight from `i` to `j`; 0 without an edge.
    pub fn weight(&self, i: usize, j: usize) -> f64 {
        self.targets(i)
            .binary_search(&(j as u32))
            .map_or(0.0, |k| self.weights(i)[k])
    }

    /// The graph with every edge turned round.
    pub fn transposed(&self) -> Self {
        Self {
            rows: self.rows.transposed(self.n()),
        }
    }

    /// The sum of graphs over the same `n` nodes.
    pub fn sum<'a>(n: usize, graphs: impl IntoIterator<Item = &'a Csr>) -> Self {
        let edges = graphs.into_iter().flat_map(Csr::edges);
        Self::from_edges(n, edges.map(|(i, j, w)| (i as u32, j as u32, w)).collect())
    }

    /// The same edges with other weights; an edge that gets 0 is dropped.
    pub fn map(&self, weight: impl Fn(usize, usize, f64) -> f64) -> Self {
        let weight = &weight;
        let row = |i: usize| {
            self.row(i)
                .map(move |(j, w)| (j, weight(i, j, w)))
                .filter(|edge| edge.1 != 0.0)
        };
        Self {
            rows: Rows::from_rows((0..self.n()).map(row)),
        }
    }

    /// The graph without self-edges.
    pub fn without_loops(&self) -> Self {
        self.map(|i, j, w| if i == j { 0.0 } else { w })
    }

    /// The graph among `nodes`, numbered in their order.
    pub fn induced(&self, nodes: &[usize]) -> Self {
        let mut place = vec![u32::MAX; self.n()];
        for (k, &i) in nodes.iter().enumerate() {
            place[i] = k as u32;
        }
        let mut edges = Vec::new();
        for (k, &i) in nodes.iter().enumerate() {
            for (j, w) in self.row(i) {
                if place[j] != u32::MAX {
                    edges.push((k as u32, place[j], w));
                }
            }
        }
        Self::from_edges(nodes.len(), edges)
    }

    /// Numbers of distinct sources (in) and targets (out) of every node; a self-edge counts once in each.
    pub fn degrees(&self) -> (Vec<usize>, Vec<usize>) {
        let mut into = vec![0; self.n()];
        for &j in &self.rows.columns {
            into[j as usize] += 1;
        }
        (into, (0..self.n()).map(|i| self.targets(i).len()).collect())
    }

    /// Sums of the incoming and outgoing weights of every node.
    pub fn strengths(&self) -> (Vec<f64>, Vec<f64>) {
        let mut into = vec![0.0; self.n()];
        let mut out = vec![0.0; self.n()];
        for (i, j, w) in self.edges() {
            into[j] += w;
            out[i] += w;
        }
        (into, out)
    }

    /// Sum of all weights.
    pub fn total(&self) -> f64 {
        self.rows.values.iter().sum()
    }

    /// All weights in the order of [`Csr::edges`].
    pub fn all_weights(&self) -> &[f64] {
        &self.rows.values
    }

    /// Weak component of every node, numbered by the smallest node of each.
    pub fn weak_components(&self) -> Vec<usize> {
        fn root(parent: &mut [u32], mut i: u32) -> u32 {
            while parent[i as usize] != i {
                parent[i as usize] = parent[parent[i as usize] as usize];
                i = parent[i as usize];
            }
            i
        }
        let mut parent: Vec<u32> = (0..self.n() as u32).collect();
        for (i, j, _) in self.edges() {
            let (a, b) = (root(&mut parent, i as u32), root(&mut parent, j as u32));
            let (low, high) = (a.min(b), a.max(b));
            parent[high as usize] = low;
        }
        number_roots((0..self.n()).map(|i| root(&mut parent, i as u32) as usize))
    }

    /// Strong component of every node (Tarjan, SIAM J. Comput. 1, 146, 1972), iterative.
    pub fn strong_components(&self) -> Vec<usize> {
        const NONE: u32 = u32::MAX;
        let n = self.n();
        let (mut index, mut low) = (vec![NONE; n], vec![0u32; n]);
        let (mut on_stack, mut component) = (vec![false; n], vec![0usize; n]);
        let (mut stack, mut call): (Vec<usize>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
        let (mut counter, mut components) = (0u32, 0usize);
        for start in 0..n {
            if index[start] != NONE {
                continue;
            }
            call.push((start, 0));
            while let Some((v, k)) = call.pop() {
                if k == 0 {
                    index[v] = counter;
                    low[v] = counter;
                    counter += 1;
                    stack.push(v);
                    on_stack[v] = true;
                } else {
                    let w = self.targets(v)[k - 1] as usize;
                    low[v] = low[v].min(low[w]);
                }
                let mut descended = false;
                for (offset, &w) in self.targets(v)[k..].iter().enumerate() {
                    let w = w as usize;
                    if index[w] == NONE {
                        call.push((v, k + offset + 1));
                        call.push((w, 0));
                        descended = true;
                        break;
                    } else if on_stack[w] {
                        low[v] = low[v].min(index[w]);
                    }
                }
                if !descended && low[v] == index[v] {
                    while let Some(w) = stack.pop() {
                        on_stack[w] = false;
                        component[w] = components;
                        if w == v {
                            break;
                        }
                    }
                    components += 1;
                }
            }
        }
        component
    }

    /// Hops from the nearest of `sources` to every node along the edges; `None` when unreachable.
    pub fn hops(&self, sources: &[usize]) -> Vec<Option<u32>> {
        let mut hops = vec![None; self.n()];
        let mut front: Vec<usize> = Vec::new();
        for &s in sources {
            if hops[s].is_none() {
                hops[s] = Some(0);
                front.push(s);
            }
        }
        let mut depth = 0;
        while !front.is_empty() {
            depth += 1;
            let mut next = Vec::new();
            for &i in &front {
                for &j in self.targets(i) {
                    if hops[j as usize].is_none() {
                        hops[j as usize] = Some(depth);
                        next.push(j as usize);
                    }
                }
            }
            front = next;
        }
        hops
    }
}

/// Renumbers component names 0, 1, … in order of first appearance.
fn number_roots(roots: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut names = std::collections::BTreeMap::new();
    roots
        .map(|root| {
            let next = names.len();
            *names.entry(root).or_insert(next)
        })
        .collect()
}

/// Members of the largest component, ascending; the first of equal ones.
pub fn largest_component(component: &[usize]) -> Vec<usize> {
    let n = component.iter().max().map_or(0, |m| m + 1);
    let mut size = vec![0usize; n];
    for &c in component {
        size[c] += 1;
    }
    let best = (0..n).max_by_key(|&c| (size[c], std::cmp::Reverse(c)));
    (0..component.len())
        .filter(|&i| Some(component[i]) == best)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Csr {
        Csr::from_edges(
            5,
            vec![(0, 1, 2.0), (1, 0, 1.0), (1, 2, 3.0), (0, 1, 1.0), (3, 3, 1.0)],
        )
    }

    #[test]
    fn repeated_edges_are_summed_and_zeros_dropped() {
        let g = graph();
        assert_eq!(
            (g.n(), g.n_edges(), g.weight(0, 1), g.weight(2, 0)),
            (5, 4, 3.0, 0.0)
        );
        assert_eq!(Csr::from_edges(2, vec![(0, 1, 0.0)]).n_edges(), 0);
    }

    #[test]
    fn transposing_twice_gives_the_graph_back() {
        assert_eq!(graph().transposed().transposed(), graph());
        assert_eq!(graph().transposed().weight(2, 1), 3.0);
    }

    #[test]
    fn components_of_both_kinds_and_hops() {
        let g = graph();
        assert_eq!(g.weak_components(), [0, 0, 0, 1, 2]);
        let strong = g.strong_components();
        assert!(strong[0] == strong[1] && strong[1] != strong[2]);
        assert_eq!(largest_component(&g.weak_components()), [0, 1, 2]);
        assert_eq!(g.hops(&[0]), [Some(0), Some(1), Some(2), None, None]);
    }
}
