//! One embedding of several graphs over the same nodes.

use super::{Embedding, embed, whole};
use crate::graph::Csr;
use faer::Mat;
use neuropil_math::svd::dense_svd;

/// Omnibus embedding: one position per node and graph, all in one space.
///
/// Block (a, b) of the omnibus matrix is (A_a + A_b) / 2; its adjacency spectral embedding in `d` dimensions is cut
/// into one embedding per graph.
///
/// Levin et al., IEEE ICDM Workshops, 964 (2017).
///
/// # Panics
/// When the graphs have different numbers of nodes, or there are none.
pub fn omnibus(graphs: &[Csr], d: usize) -> Vec<Embedding> {
    let (m, n) = (graphs.len(), graphs[0].n());
    assert!(graphs.iter().all(|g| g.n() == n), "graphs over the same nodes");
    let mut edges = Vec::new();
    for (a, graph) in graphs.iter().enumerate() {
        for (i, j, w) in graph.edges() {
            for b in 0..m {
                // A_a stands in row a and in column a; both meet on the diagonal.
                let half = if a == b { w } else { 0.5 * w };
                edges.push(((a * n + i) as u32, (b * n + j) as u32, half));
                if a != b {
                    edges.push(((b * n + i) as u32, (a * n + j) as u32, half));
                }
            }
        }
    }
    let all = embed(&whole(&Csr::from_edges(m * n, edges)), d);
    let d = all.d;
    (0..m)
        .map(|a| Embedding {
            d,
            x: all.x[a * n * d..(a + 1) * n * d].to_vec(),
            y: all.y[a * n * d..(a + 1) * n * d].to_vec(),
            singular_values: all.singular_values.clone(),
        })
        .collect()
}

/// Multiple adjacency spectral embedding: a common subspace.
#[derive(Clone, Debug, PartialEq)]
pub struct Common {
    /// Dimensions.
    pub d: usize,
    /// Orthonormal outgoing positions, n × d, row-major.
    pub u: Vec<f64>,
    /// Orthonormal incoming positions, n × d, row-major.
    pub v: Vec<f64>,
    /// Score matrix Uᵀ A V of each graph, d × d, row-major.
    pub scores: Vec<Vec<f64>>,
    /// Singular values of the outgoing positions of all graphs side by side.
    pub singular_values: Vec<f64>,
}

/// Joins the leading `d` singular vectors of every graph into one subspace.
///
/// Arroyo et al., J. Mach. Learn. Res. 22, 1 (2021).
///
/// # Panics
/// As [`omnibus`].
pub fn multiple(graphs: &[Csr], d: usize) -> Common {
    let n = graphs[0].n();
    assert!(graphs.iter().all(|g| g.n() == n), "graphs over the same nodes");
    let own: Vec<Embedding> = graphs.iter().map(|g| embed(&whole(g), d)).collect();
    let width: usize = own.iter().map(|e| e.d).sum();
    let joined = |rows: &dyn Fn(&Embedding) -> Vec<f64>| {
        let mut all = Mat::<f64>::zeros(n, width);
        let mut from = 0;
        for e in &own {
            for (k, value) in rows(e).iter().enumerate() {
                // Positions are scaled by √S: the vectors themselves are joined.
                let norm = e.singular_values[k % e.d].sqrt();
                let value = if norm > 0.0 { value / norm } else { 0.0 };
                all[(k / e.d, from + k % e.d)] = value;
            }
            from += e.d;
        }
        dense_svd(&all, width.min(n))
    };
    let (left, right) = (joined(&|e| e.x.clone()), joined(&|e| e.y.clone()));
    let d = d.min(left.s.len()).min(right.s.len());
    let cut = |m: &[f64], width: usize| -> Vec<f64> {
        m.chunks_exact(width).flat_map(|row| row[..d].to_vec()).collect()
    };
    let (u, v) = (cut(&left.u, left.s.len()), cut(&right.u, right.s.len()));
    let score = |graph: &Csr| {
        let mut r = vec![0.0; d * d];
        for (i, j, w) in graph.edges() {
            for a in 0..d {
                for b in 0..d {
                    r[a * d + b] += u[i * d + a] * w * v[j * d + b];
                }
            }
        }
        r
    };
    Common {
        scores: graphs.iter().map(score).collect(),
        singular_values: left.s[..d].to_vec(),
        d,
        u,
        v,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::random_graph;

    /// Two blocks of equal size with dense diagonal and sparse off-diagonal weights.
    fn blocks(inside: f64, outside: f64) -> Csr {
        let w = |i: u32, j: u32| if i % 2 == j % 2 { inside } else { outside };
        let edges = (0..40u32).flat_map(|i| (0..40u32).map(move |j| (i, j, w(i, j))));
        Csr::from_edges(40, edges.collect())
    }

    fn products(e: &Embedding, n: usize) -> Vec<f64> {
        let dot = |i: usize, j: usize| (0..e.d).map(|k| e.x[i * e.d + k] * e.y[j * e.d + k]).sum::<f64>();
        (0..n * n).map(|at| dot(at / n, at % n)).collect()
    }

    #[test]
    fn the_omnibus_of_one_graph_is_its_embedding() {
        let graph = random_graph(60, 900, 3);
        let alone = embed(&whole(&graph), 3);
        let one = omnibus(std::slice::from_ref(&graph), 3);
        for (a, b) in products(&alone, 60).iter().zip(products(&one[0], 60)) {
            assert!((a - b).abs() < 1e-9);
        }
    }

    #[test]
    fn equal_graphs_have_equal_positions_and_others_do_not() {
        let (a, b) = (blocks(0.9, 0.1), blocks(0.5, 0.3));
        let same = omnibus(&[a.clone(), a.clone()], 2);
        assert!(
            same[0]
                .x
                .iter()
                .zip(&same[1].x)
                .all(|(x, y)| (x - y).abs() < 1e-9)
        );
        for (found, expected) in products(&same[0], 40)
            .iter()
            .zip(products(&embed(&whole(&a), 2), 40))
        {
            assert!((found - expected).abs() < 1e-9);
        }
        let two = omnibus(&[a, b], 2);
        assert!(two[0].x.iter().zip(&two[1].x).any(|(x, y)| (x - y).abs() > 1e-2));
    }

    #[test]
    fn a_common_subspace_gives_both_graphs_back() {
        let graphs = [blocks(0.9, 0.1), blocks(0.5, 0.3)];
        let common = multiple(&graphs, 2);
        for (graph, score) in graphs.iter().zip(&common.scores) {
            for (i, j) in [(0, 0), (0, 1), (3, 8)] {
                let mut p = 0.0;
                for a in 0..2 {
                    for b in 0..2 {
                        p += common.u[i * 2 + a] * score[a * 2 + b] * common.v[j * 2 + b];
                    }
                }
                assert!((p - graph.weight(i, j)).abs() < 1e-9);
            }
        }
        assert!((common.singular_values[0] - 2.0_f64.sqrt()).abs() < 1e-9);
    }
}
