//! Alignment of two embeddings by an orthogonal matrix, without known partners.

use faer::{Mat, MatRef};
use neuropil_math::procrustes::polar;
use rayon::prelude::*;

/// Rows of one unit of parallel work.
const CHUNK: usize = 128;

/// Refines Q without known partners: `iterations` times P_ij = exp(−‖(A Q)_i − B_j‖² / `width`) / (n m), then Q is the
/// polar factor of Aᵀ (P B). All rows of both sides count; A is n × d, B is m × d.
///
/// As published, P is the plain Gaussian kernel: no Sinkhorn scaling takes place.
pub fn kernel(a: &[f64], b: &[f64], d: usize, start: &[f64], width: f64, iterations: usize) -> Vec<f64> {
    let (n, m) = (a.len() / d, b.len() / d);
    let target = MatRef::from_row_major_slice(b, m, d);
    let squares: Vec<f64> = b
        .chunks_exact(d)
        .map(|row| row.iter().map(|v| v * v).sum())
        .collect();
    let mut q = start.to_vec();
    for _ in 0..iterations {
        let turn = MatRef::from_row_major_slice(&q, d, d);
        let parts: Vec<Mat<f64>> = a
            .par_chunks(CHUNK * d)
            .map(|rows| {
                let count = rows.len() / d;
                let own = MatRef::from_row_major_slice(rows, count, d);
                let z: Mat<f64> = own * turn;
                let mut p: Mat<f64> = &z * target.transpose();
                let norms: Vec<f64> = (0..count)
                    .map(|i| (0..d).map(|k| z[(i, k)] * z[(i, k)]).sum())
                    .collect();
                for j in 0..m {
                    for i in 0..count {
                        let distance = (norms[i] + squares[j] - 2.0 * p[(i, j)]).max(0.0);
                        p[(i, j)] = (-distance / width).exp();
                    }
                }
                let moved: Mat<f64> = &p * target;
                own.transpose() * &moved
            })
            .collect();
        let mut sum = Mat::<f64>::zeros(d, d);
        for part in parts {
            sum += part;
        }
        q = polar(&(sum * faer::Scale(1.0 / (n * m) as f64)));
    }
    q
}

/// A Q for rows of length d.
pub fn turn(a: &[f64], q: &[f64], d: usize) -> Vec<f64> {
    a.chunks_exact(d)
        .flat_map(|row| (0..d).map(move |c| (0..d).map(|k| row[k] * q[k * d + c]).sum()))
        .collect()
}
