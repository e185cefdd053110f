//! Leading singular vectors: of sparse matrices by Golub–Kahan–Lanczos bidiagonalisation, of dense ones by faer.

use crate::real::Real;
use crate::rng::{Key, Purpose};
use crate::simd::vectorised;
use crate::sparse::Rows;
use faer::Mat;
use rand::RngExt;

/// Sparse matrices whose smaller side is at most this are decomposed densely.
const DENSE: usize = 400;

/// A sparse matrix with its transpose, for products with either.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Rows and columns.
    pub shape: (usize, usize),
    rows: Rows,
    columns: Rows,
}

impl Operator {
    /// The matrix of these rows.
    pub fn new(rows: Rows, n_columns: usize) -> Self {
        Self {
            shape: (rows.n(), n_columns),
            columns: rows.transposed(n_columns),
            rows,
        }
    }

    /// Root of the sum of squares.
    pub fn norm(&self) -> f64 {
        self.rows.values.iter().map(|w| w * w).sum::<f64>().sqrt()
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

/// The `d` leading singular triplets (fewer when the matrix is smaller), to a residual of 1e-12 of the largest value.
///
/// Larger matrices go through Lanczos vectors with full reorthogonalisation; multiple singular values of such matrices
/// are found once per start of the recursion only, which no real graph has. Golub & Kahan, SIAM J. Numer. Anal. 2,
/// 205 (1965).
pub fn top_svd(matrix: &Operator, d: usize) -> Svd {
    let (m, n) = matrix.shape;
    let d = d.min(m).min(n);
    if m.min(n) <= DENSE {
        let mut dense = Mat::<f64>::zeros(m, n);
        for i in 0..m {
            matrix.rows.row(i).for_each(|(j, w)| dense[(i, j)] = w);
        }
        return dense_svd(&dense, d);
    }
    let mut stream = Key::new(0).stream(Purpose::Cluster, 0);
    let mut random = |n: usize| (0..n).map(|_| stream.random::<f64>() - 0.5).collect::<Vec<f64>>();
    // Lanczos vectors, one after another.
    let (mut us, mut vs): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let (mut alphas, mut betas): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut v = random(n);
    orthonormalise(&mut v, &vs);
    let mut check_at = 2 * d + 20;
    loop {
        vs.extend(&v);
        let k = alphas.len() + 1;
        let mut u = vec![0.0; m];
        matrix.rows.times(&v, &mut u);
        let mut alpha = orthonormalise(&mut u, &us);
        if alpha < 1e-14 {
            (alpha, u) = (0.0, random(m));
            orthonormalise(&mut u, &us);
        }
        us.extend(&u);
        alphas.push(alpha);
        matrix.columns.times(&u, &mut v);
        let mut beta = orthonormalise(&mut v, &vs);
        if beta < 1e-14 {
            (beta, v) = (0.0, random(n));
            orthonormalise(&mut v, &vs);
        }
        let full = k == m.min(n);
        if full || k >= check_at {
            check_at = k + k / 6;
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
    }
}

/// Takes the basis (vectors of the length of `x`, one after another) out of `x` and scales it to length 1; returns the
/// length that was left.
fn orthonormalise(x: &mut [f64], basis: &[f64]) -> f64 {
    let length = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>().sqrt();
    let mut before = length(x);
    let norm = loop {
        take_out(basis, x);
        let after = length(x);
        // What is left of a vector that lost much may not be orthogonal: twice is enough (Daniel et al., Math. Comput.
        // 30, 772, 1976).
        if after > 0.7 * before || after == 0.0 {
            break after;
        }
        before = after;
    };
    if norm > 0.0 {
        x.iter_mut().for_each(|v| *v /= norm);
    }
    norm
}

vectorised! {
    /// x ← x − (b·x) b for one unit vector b after another.
    fn take_out<F>[][](basis: &[f64], x: &mut [f64]) {
        for b in basis.chunks_exact(x.len()) {
            let mut sums = [0.0; 32];
            let (parts, last) = b.as_chunks::<32>();
            let (x_parts, x_last) = x.as_chunks::<32>();
            for (b, x) in parts.iter().zip(x_parts) {
                for l in 0..32 {
                    sums[l] = Real::fma::<F>(b[l], x[l], sums[l]);
                }
            }
            let rest: f64 = last.iter().zip(x_last).map(|(b, x)| b * x).sum();
            let dot = sums.iter().sum::<f64>() + rest;
            for (x, &b) in x.iter_mut().zip(b) {
                *x = Real::fma::<F>(-dot, b, *x);
            }
        }
    }
}

vectorised! {
    /// Adds coefficients × basis vectors to `out`, n × d.
    fn add_combination<F>[][](basis: &[f64], coefficients: &[f64], n: usize, d: usize, out: &mut [f64]) {
        for (vector, coefficients) in basis.chunks_exact(n).zip(coefficients.chunks_exact(d)) {
            for (out, &value) in out.chunks_exact_mut(d).zip(vector) {
                for (out, &coefficient) in out.iter_mut().zip(coefficients) {
                    *out = Real::fma::<F>(value, coefficient, *out);
                }
            }
        }
    }
}

fn combine(basis: &[f64], coefficients: &[f64], n: usize, d: usize) -> Vec<f64> {
    let mut out = vec![0.0; n * d];
    add_combination(basis, coefficients, n, d, &mut out);
    out
}

/// The `d` leading triplets of a dense matrix.
///
/// # Panics
/// When an entry is not finite.
pub fn dense_svd(matrix: &Mat<f64>, d: usize) -> Svd {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_vectors_of_a_sparse_matrix_are_those_of_the_dense_one() {
        let (m, n, d) = (450, 430, 4);
        let mut stream = Key::new(9).stream(Purpose::Test, 0);
        let mut dense = Mat::<f64>::zeros(m, n);
        for _ in 0..6000 {
            let (i, j) = (stream.random_range(0..m), stream.random_range(0..n));
            // Rows differ in size: the leading values lie apart.
            dense[(i, j)] += stream.random::<f64>() * (1.0 + (i % 5) as f64);
        }
        let dense = &dense;
        let row = |i: usize| {
            let entries = (0..n).map(move |j| (j, dense[(i, j)]));
            entries.filter(|entry| entry.1 != 0.0)
        };
        let rows = Rows::from_rows((0..m).map(row));
        let (found, right) = (top_svd(&Operator::new(rows, n), d), dense_svd(dense, d));
        for k in 0..d {
            assert!((found.s[k] - right.s[k]).abs() < 1e-10 * right.s[0]);
            let cosine: f64 = (0..m).map(|i| found.u[i * d + k] * right.u[i * d + k]).sum();
            assert!((cosine.abs() - 1.0).abs() < 1e-8, "vector {k}: {cosine}");
        }
    }
}
