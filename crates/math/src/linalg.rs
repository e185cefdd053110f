//! The few linear-algebra calls that neuropil needs, each over faer.
//!
//! Matrices are dense, `f64`, row-major: element (i, j) of an m × n matrix is `a[i * n + j]`. Everything runs
//! in the calling thread, so results repeat bit for bit.

use faer::{Mat, MatRef};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a decomposition has no result.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LinalgError {
    /// An entry is NaN or infinite.
    #[error("{matrix} has a non-finite entry at row {row}, column {column}")]
    NonFinite {
        /// What the matrix is in the calculation.
        matrix: &'static str,
        /// Row of the first such entry.
        row: usize,
        /// Column of the first such entry.
        column: usize,
    },
    /// The iteration of a decomposition did not converge.
    #[error("the {decomposition} of a {rows} x {columns} matrix did not converge")]
    NotConverged {
        /// Which decomposition.
        decomposition: &'static str,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
}

/// Minimum-norm solution of a least-squares problem with several right-hand sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeastSquares {
    /// Coefficients, columns of the design × right-hand sides, row-major.
    pub coefficients: Vec<f64>,
    /// Numerical rank of the design; smaller than its columns when they are collinear.
    pub rank: usize,
    /// Singular values of the design, largest first.
    pub singular_values: Vec<f64>,
}

/// Thin QR decomposition A = Q R with a non-negative diagonal of R.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThinQr {
    /// Orthonormal columns, m × min(m, n), row-major.
    pub q: Vec<f64>,
    /// Upper triangle, min(m, n) × n, row-major.
    pub r: Vec<f64>,
}

/// Eigenvalues (real part, imaginary part) of a general n × n matrix.
///
/// # Errors
/// A non-finite entry, or an iteration that does not converge.
pub fn eigenvalues(a: &[f64], n: usize) -> Result<Vec<(f64, f64)>, LinalgError> {
    let a = view("the matrix", a, n, n)?;
    let values = a.eigenvalues().map_err(|_| LinalgError::NotConverged {
        decomposition: "eigendecomposition",
        rows: n,
        columns: n,
    })?;
    Ok(values.iter().map(|value| (value.re, value.im)).collect())
}

/// Largest modulus of the eigenvalues of an n × n matrix; 0 for n = 0.
///
/// # Errors
/// As [`eigenvalues`].
///
/// ```
/// use neuropil_math::linalg::spectral_radius;
/// let rotation_times_two = [0.0, -2.0, 2.0, 0.0];
/// assert!((spectral_radius(&rotation_times_two, 2)? - 2.0).abs() < 1e-12);
/// # Ok::<(), neuropil_math::linalg::LinalgError>(())
/// ```
pub fn spectral_radius(a: &[f64], n: usize) -> Result<f64, LinalgError> {
    Ok(eigenvalues(a, n)?
        .iter()
        .map(|(re, im)| re.hypot(*im))
        .fold(0.0, f64::max))
}

/// Solves min ‖design · coefficients − targets‖ for each column of `targets`, by singular value decomposition.
///
/// - `design`: rows × columns, row-major
/// - `targets`: rows × `n_targets`, row-major
///
/// Singular values up to ε · max(rows, columns) of the largest count as zero; where the design is rank
/// deficient the solution of smallest norm is returned and [`LeastSquares::rank`] says so.
///
/// # Errors
/// A non-finite entry, or an iteration that does not converge.
pub fn least_squares(
    design: &[f64],
    rows: usize,
    columns: usize,
    targets: &[f64],
    n_targets: usize,
) -> Result<LeastSquares, LinalgError> {
    let a = view("the design", design, rows, columns)?;
    let b = view("the targets", targets, rows, n_targets)?;
    let svd = a.thin_svd().map_err(|_| LinalgError::NotConverged {
        decomposition: "svd",
        rows,
        columns,
    })?;
    let singular_values: Vec<f64> = svd.S().column_vector().iter().copied().collect();
    let largest = singular_values.first().copied().unwrap_or(0.0);
    let threshold = f64::EPSILON * rows.max(columns) as f64 * largest;
    let rank = singular_values.iter().filter(|&&s| s > threshold).count();

    let mut projected: Mat<f64> = svd.U().transpose() * b;
    for (k, &s) in singular_values.iter().enumerate() {
        let scale = if k < rank { s.recip() } else { 0.0 };
        for j in 0..n_targets {
            projected[(k, j)] *= scale;
        }
    }
    let solution: Mat<f64> = svd.V() * &projected;
    Ok(LeastSquares {
        coefficients: row_major(solution.as_ref()),
        rank,
        singular_values,
    })
}

/// Thin QR decomposition of an m × n matrix, signs chosen so that the diagonal of R is not negative.
///
/// # Errors
/// A non-finite entry.
pub fn thin_qr(a: &[f64], m: usize, n: usize) -> Result<ThinQr, LinalgError> {
    let qr = view("the matrix", a, m, n)?.qr();
    let (mut q, mut r) = (qr.compute_thin_Q(), qr.thin_R().to_owned());
    for k in 0..m.min(n) {
        if r[(k, k)] < 0.0 {
            (0..m).for_each(|i| q[(i, k)] = -q[(i, k)]);
            (0..n).for_each(|j| r[(k, j)] = -r[(k, j)]);
        }
    }
    Ok(ThinQr {
        q: row_major(q.as_ref()),
        r: row_major(r.as_ref()),
    })
}

fn view<'a>(
    matrix: &'static str,
    a: &'a [f64],
    rows: usize,
    columns: usize,
) -> Result<MatRef<'a, f64>, LinalgError> {
    assert_eq!(
        a.len(),
        rows * columns,
        "{matrix} has {} entries, expected {rows} x {columns}",
        a.len()
    );
    match a.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(LinalgError::NonFinite {
            matrix,
            row: at / columns,
            column: at % columns,
        }),
        None => Ok(MatRef::from_row_major_slice(a, rows, columns)),
    }
}

fn row_major(a: MatRef<'_, f64>) -> Vec<f64> {
    (0..a.nrows())
        .flat_map(|i| (0..a.ncols()).map(move |j| a[(i, j)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Key, Purpose};
    use rand::RngExt;

    fn random(index: u64, len: usize) -> Vec<f64> {
        let mut stream = Key::new(7).stream(Purpose::Test, index);
        (0..len).map(|_| stream.random::<f64>() * 2.0 - 1.0).collect()
    }

    fn product(a: &[f64], b: &[f64], m: usize, k: usize, n: usize) -> Vec<f64> {
        (0..m * n)
            .map(|e| (0..k).map(|l| a[e / n * k + l] * b[l * n + e % n]).sum())
            .collect()
    }

    #[test]
    fn spectral_radius_of_a_companion_matrix_is_the_largest_root() {
        // (x - 3)(x + 4)(x - 1) = x^3 - 13 x + 12
        let companion = [0.0, 13.0, -12.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        assert!((spectral_radius(&companion, 3).unwrap() - 4.0).abs() < 1e-12);
        let complex_pair = [3.0, -4.0, 4.0, 3.0];
        assert!((spectral_radius(&complex_pair, 2).unwrap() - 5.0).abs() < 1e-12);
        assert_eq!(spectral_radius(&[], 0).unwrap(), 0.0);
        assert_eq!(spectral_radius(&[0.0; 9], 3).unwrap(), 0.0);
    }

    #[test]
    fn eigenvalues_sum_to_the_trace() {
        for n in [1, 2, 7, 50, 100] {
            let a = random(n as u64, n * n);
            let trace: f64 = (0..n).map(|i| a[i * n + i]).sum();
            let values = eigenvalues(&a, n).unwrap();
            let (re, im) = values
                .iter()
                .fold((0.0, 0.0), |sum, v| (sum.0 + v.0, sum.1 + v.1));
            let tolerance = 1e-13 * (n * n) as f64;
            assert!(
                (re - trace).abs() < tolerance && im.abs() < tolerance,
                "n {n}: {re} {im} {trace}"
            );
        }
    }

    #[test]
    fn least_squares_leaves_residuals_orthogonal_to_the_design() {
        for (m, n, k) in [(1, 1, 1), (5, 3, 2), (60, 11, 8), (3, 5, 1)] {
            let (a, b) = (random(1, m * n), random(2, m * k));
            let fit = least_squares(&a, m, n, &b, k).unwrap();
            assert_eq!(fit.rank, m.min(n));
            let predicted = product(&a, &fit.coefficients, m, n, k);
            for (j, target) in (0..n).flat_map(|j| (0..k).map(move |c| (j, c))) {
                let dot: f64 = (0..m)
                    .map(|i| a[i * n + j] * (b[i * k + target] - predicted[i * k + target]))
                    .sum();
                assert!(dot.abs() < 1e-12 * m as f64, "{m}x{n}: {dot}");
            }
        }
    }

    #[test]
    fn collinear_columns_lower_the_rank_and_share_the_coefficient() {
        let design = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0];
        let fit = least_squares(&design, 3, 2, &[2.0, 4.0, 6.0], 1).unwrap();
        assert_eq!(fit.rank, 1);
        assert!((fit.coefficients[0] - 1.0).abs() < 1e-12 && (fit.coefficients[1] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn qr_reconstructs_with_orthonormal_columns_and_a_positive_diagonal() {
        for (m, n) in [(1, 1), (4, 4), (8, 4), (40, 7), (3, 5)] {
            let a = random(3, m * n);
            let k = m.min(n);
            let ThinQr { q, r } = thin_qr(&a, m, n).unwrap();
            let back = product(&q, &r, m, k, n);
            assert!(a.iter().zip(&back).all(|(x, y)| (x - y).abs() < 1e-13 * m as f64));
            for (i, j) in (0..k).flat_map(|i| (0..k).map(move |j| (i, j))) {
                let dot: f64 = (0..m).map(|row| q[row * k + i] * q[row * k + j]).sum();
                assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-13 * m as f64);
            }
            assert!((0..k).all(|i| r[i * n + i] >= 0.0));
        }
    }

    #[test]
    fn a_nan_is_named_by_its_place() {
        let error = spectral_radius(&[0.0, 1.0, f64::NAN, 0.0], 2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the matrix has a non-finite entry at row 1, column 0"
        );
    }
}
