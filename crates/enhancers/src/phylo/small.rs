//! Symmetric positive definite matrices of a handful of rows.

/// Lower Cholesky factor of `a`, shaped \[d\]\[d\]; `None` where it is not positive definite.
///
/// A pivot below 1e-14 of its diagonal counts as zero: collinear columns leave rounding of that size.
pub(super) fn cholesky(a: &[f64], d: usize) -> Option<Vec<f64>> {
    let mut l = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let mut sum = a[i * d + j];
            for k in 0..j {
                sum -= l[i * d + k] * l[j * d + k];
            }
            if i == j {
                if !(sum > 1e-14 * a[i * d + i].abs()) {
                    return None;
                }
                l[i * d + i] = sum.sqrt();
            } else {
                l[i * d + j] = sum / l[j * d + j];
            }
        }
    }
    Some(l)
}

/// log |A| from its Cholesky factor.
pub(super) fn log_det(l: &[f64], d: usize) -> f64 {
    2.0 * (0..d).map(|i| l[i * d + i].ln()).sum::<f64>()
}

/// Solves A x = b from A's Cholesky factor.
pub(super) fn solve(l: &[f64], d: usize, b: &[f64]) -> Vec<f64> {
    let mut x = b.to_vec();
    for i in 0..d {
        for k in 0..i {
            x[i] -= l[i * d + k] * x[k];
        }
        x[i] /= l[i * d + i];
    }
    for i in (0..d).rev() {
        for k in i + 1..d {
            x[i] -= l[k * d + i] * x[k];
        }
        x[i] /= l[i * d + i];
    }
    x
}

/// A⁻¹ from A's Cholesky factor, shaped \[d\]\[d\].
pub(super) fn inverse(l: &[f64], d: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; d * d];
    for j in 0..d {
        let mut unit = vec![0.0; d];
        unit[j] = 1.0;
        for (i, value) in solve(l, d, &unit).into_iter().enumerate() {
            inverse[i * d + j] = value;
        }
    }
    inverse
}
