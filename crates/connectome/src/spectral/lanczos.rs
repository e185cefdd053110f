//! Leading singular vectors of sparse blocks by Golub–Kahan–Lanczos bidiagonalisation.

use crate::graph::Csr;
use faer::Mat;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;

/// Blocks whose smaller side is at most this are decomposed densely.
const DENSE: usize = 400;

/// A rectangular sparse matrix, with its transpose.
#[derive(Clone, Debug)]
pub struct Block {
    /// Rows and columns.
    pub shape: (usize, usize),
    rows: Vec<Vec<(u32, f64)>>,
    columns: Vec<Vec<(u32, f64)>>,
}

impl Block {
    /// The rows `from` and columns `to` of a graph, in that order, times `scale`.
    pub fn new(graph: &Csr, from: &[usize], to: &[usize], scale: f64) -> Self {
        let mut place = vec![u32::MAX; graph.n()];
        to.iter().enumerate().for_each(|(k, &j)| place[j] = k as u32);
        let mut columns = vec![Vec::new(); to.len()];
        let mut rows = Vec::with_capacity(from.len());
        for (k, &i) in from.iter().enumerate() {
            let kept = graph.row(i).filter(|e| place[e.0] != u32::MAX);
            let row: Vec<(u32, f64)> = kept.map(|(j, w)| (place[j], w * scale)).collect();
            row.iter()
                .for_each(|&(j, w)| columns[j as usize].push((k as u32, w)));
            rows.push(row);
        }
        Self {
            shape: (from.len(), to.len()),
            rows,
            columns,
        }
    }

    /// A whole graph.
    pub fn of(graph: &Csr) -> Self {
        let all: Vec<usize> = (0..graph.n()).collect();
        Self::new(graph, &all, &all, 1.0)
    }

    /// Root of the sum of squares.
    pub fn norm(&self) -> f64 {
        self.rows.iter().flatten().map(|e| e.1 * e.1).sum::<f64>().sqrt()
    }

    fn times(lists: &[Vec<(u32, f64)>], x: &[f64]) -> Vec<f64> {
        lists
            .iter()
            .map(|list| list.iter().map(|&(j, w)| w * x[j as usize]).sum())
            .collect()
    }
}

/// Leading singular triplets.
#[derive(Clone, Debug, PartialEq)]
pub struct Svd {
    /// Left vectors, rows × d, row-major.
    pub u: Vec<f64>,
    /// Values, largest first.
    pub s: Vec<f64>,
    /// Right vectors, columns × d, row-major.
    pub v: Vec<f64>,
}

/// The `d` leading singular triplets (fewer when the block is smaller), to a residual of 1e-12 of the largest value.
///
/// Larger blocks go through Lanczos vectors with full reorthogonalisation; multiple singular values of such blocks
/// are found once per start of the recursion only, which no real graph has. Golub & Kahan, SIAM J. Numer. Anal. 2,
/// 205 (1965).
pub fn top_svd(block: &Block, d: usize) -> Svd {
    let (m, n) = block.shape;
    let d = d.min(m).min(n);
    if m.min(n) <= DENSE {
        let mut dense = Mat::<f64>::zeros(m, n);
        for (i, row) in block.rows.iter().enumerate() {
            row.iter().for_each(|&(j, w)| dense[(i, j as usize)] = w);
        }
        return dense_svd(&dense, d);
    }
    let mut stream = Key::new(0).stream(Purpose::Cluster, 0);
    let mut random = |n: usize| (0..n).map(|_| stream.random::<f64>() - 0.5).collect::<Vec<f64>>();
    let (mut us, mut vs): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
    let (mut alphas, mut betas): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut v = random(n);
    orthonormalise(&mut v, &vs);
    loop {
        vs.push(v);
        let k = vs.len();
        let mut u = Block::times(&block.rows, &vs[k - 1]);
        let mut alpha = orthonormalise(&mut u, &us);
        if alpha < 1e-14 {
            (alpha, u) = (0.0, random(m));
            orthonormalise(&mut u, &us);
        }
        us.push(u);
        alphas.push(alpha);
        let mut next = Block::times(&block.columns, &us[k - 1]);
        let mut beta = orthonormalise(&mut next, &vs);
        if beta < 1e-14 {
            (beta, next) = (0.0, random(n));
            orthonormalise(&mut next, &vs);
        }
        let full = k == m.min(n);
        if full || (k >= 2 * d + 20 && k.is_multiple_of(16)) {
            let mut small = Mat::<f64>::zeros(k, k);
            for i in 0..k {
                small[(i, i)] = alphas[i];
                if i + 1 < k {
                    small[(i, i + 1)] = betas[i];
                }
            }
            let Svd { u: p, s, v: q } = dense_svd(&small, d);
            let converged = (0..d).all(|i| beta * p[(k - 1) * d + i].abs() <= 1e-12 * s[0]);
            if full || converged {
                return Svd {
                    u: combine(&us, &p, m, d),
                    v: combine(&vs, &q, n, d),
                    s,
                };
            }
        }
        betas.push(beta);
        v = next;
    }
}

/// Takes the basis out of `x` twice and scales it to length 1; returns the length that was left.
fn orthonormalise(x: &mut [f64], basis: &[Vec<f64>]) -> f64 {
    for _ in 0..2 {
        for b in basis {
            let dot: f64 = b.iter().zip(x.iter()).map(|(p, q)| p * q).sum();
            x.iter_mut().zip(b).for_each(|(value, p)| *value -= dot * p);
        }
    }
    let norm = x.iter().map(|v| v * v).sum::<f64>().sqrt();
    if norm > 0.0 {
        x.iter_mut().for_each(|v| *v /= norm);
    }
    norm
}

fn combine(basis: &[Vec<f64>], coefficients: &[f64], n: usize, d: usize) -> Vec<f64> {
    let mut out = vec![0.0; n * d];
    for (k, vector) in basis.iter().enumerate() {
        for (i, value) in vector.iter().enumerate() {
            for c in 0..d {
                out[i * d + c] += value * coefficients[k * d + c];
            }
        }
    }
    out
}

/// The `d` leading triplets of a dense matrix.
pub(crate) fn dense_svd(matrix: &Mat<f64>, d: usize) -> Svd {
    let svd = matrix.thin_svd().expect("finite entries converge");
    let take = |m: faer::MatRef<'_, f64>| -> Vec<f64> {
        (0..m.nrows())
            .flat_map(|i| (0..d).map(move |c| m[(i, c)]))
            .collect()
    };
    Svd {
        u: take(svd.U()),
        s: svd.S().column_vector().iter().take(d).copied().collect(),
        v: take(svd.V()),
    }
}
