//! Alignment by an orthogonal matrix.
//!
//! Schönemann, Psychometrika 31, 1 (1966); proper rotations after Kabsch, Acta Cryst. A 32, 922 (1976).

use crate::svd::{Svd, dense_svd};
use faer::{Mat, MatRef};

/// The orthogonal Q (d × d, row-major) that minimises ‖A Q − B‖; A and B are n × d, row-major.
///
/// # Panics
/// When the two differ in length.
pub fn orthogonal(a: &[f64], b: &[f64], d: usize) -> Vec<f64> {
    assert_eq!(a.len(), b.len(), "the same rows in both");
    let n = a.len() / d;
    let (a, b) = (
        MatRef::from_row_major_slice(a, n, d),
        MatRef::from_row_major_slice(b, n, d),
    );
    polar(&(a.transpose() * b))
}

/// U C Vᵀ, row-major, of a square matrix U S Vᵀ.
fn joined(svd: &Svd, d: usize, c: impl Fn(usize) -> f64) -> Vec<f64> {
    let (u, v) = (&svd.u, &svd.v);
    (0..d * d)
        .map(|e| (0..d).map(|k| u[e / d * d + k] * c(k) * v[e % d * d + k]).sum())
        .collect()
}

/// U Vᵀ of a square matrix U S Vᵀ, row-major: the nearest orthogonal one.
pub fn polar(m: &Mat<f64>) -> Vec<f64> {
    let d = m.nrows();
    joined(&dense_svd(m, d), d, |_| 1.0)
}

/// The proper rotation R = U C Vᵀ (row-major) nearest to a square matrix U S Vᵀ, and tr(S C): C is the identity, or has −1
/// at the smallest singular value where U Vᵀ mirrors.
pub fn rotation(m: &Mat<f64>) -> (Vec<f64>, f64) {
    let d = m.nrows();
    let svd = dense_svd(m, d);
    let nearest = joined(&svd, d, |_| 1.0);
    let mirrors = MatRef::from_row_major_slice(&nearest, d, d).determinant() < 0.0;
    let c = |k: usize| if mirrors && k + 1 == d { -1.0 } else { 1.0 };
    (joined(&svd, d, c), (0..d).map(|k| svd.s[k] * c(k)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: [f64; 4] = [0.6, -0.8, 0.8, 0.6];
    const MIRROR: [f64; 4] = [0.6, 0.8, 0.8, -0.6];

    fn times(a: &[f64], q: &[f64; 4]) -> Vec<f64> {
        a.chunks(2)
            .flat_map(|row| [row[0] * q[0] + row[1] * q[2], row[0] * q[1] + row[1] * q[3]])
            .collect()
    }

    fn near(found: &[f64], right: &[f64]) -> bool {
        found.iter().zip(right).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    #[test]
    fn a_turn_and_a_mirror_are_found() {
        let a = [1.0, 2.0, -3.0, 0.5, 4.0, 1.0];
        for q in [TURN, MIRROR] {
            assert!(near(&orthogonal(&a, &times(&a, &q), 2), &q));
        }
    }

    #[test]
    fn a_proper_rotation_never_mirrors() {
        let of = |q: [f64; 4]| Mat::from_fn(2, 2, |i, j| q[i * 2 + j] * if j == 0 { 3.0 } else { 1.0 });
        let (found, trace) = rotation(&of(TURN));
        assert!(near(&found, &TURN) && (trace - 4.0).abs() < 1e-12);
        let (found, trace) = rotation(&of(MIRROR));
        let determinant = found[0] * found[3] - found[1] * found[2];
        assert!((determinant - 1.0).abs() < 1e-12 && (trace - 2.0).abs() < 1e-12);
    }
}
