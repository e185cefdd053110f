//! The few linear-algebra calls that neuropil needs, each over faer.
//!
//! Matrices are dense, `f64`, row-major: element (i, j) of an m × n matrix is `a[i * n + j]`. Everything runs
//! in the calling thread, so results repeat bit for bit.

use faer::linalg::solvers::Solve;
use faer::{Mat, MatRef, Side};
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
/// A matrix that is block triangular in some order of its rows has the eigenvalues of its blocks. They are taken block by
/// block: iterations on matrices whose powers vanish, such as the transitions of a walk that never returns, need not end.
///
/// # Errors
/// A non-finite entry, or an iteration that does not converge.
///
/// ```
/// use neuropil_math::linalg::eigenvalues;
/// // A chain of 200 states: every eigenvalue is 0.
/// let mut chain = vec![0.0; 200 * 200];
/// (0..199).for_each(|i| chain[i * 200 + i + 1] = 1.0);
/// assert!(eigenvalues(&chain, 200)?.iter().all(|value| *value == (0.0, 0.0)));
/// # Ok::<(), neuropil_math::linalg::LinalgError>(())
/// ```
pub fn eigenvalues(a: &[f64], n: usize) -> Result<Vec<(f64, f64)>, LinalgError> {
    let whole = view("the matrix", a, n, n)?;
    let mut found = Vec::with_capacity(n);
    for block in blocks(a, n) {
        if let [i] = block[..] {
            found.push((a[i * n + i], 0.0));
            continue;
        }
        let values = if block.len() == n {
            whole.eigenvalues()
        } else {
            Mat::from_fn(block.len(), block.len(), |i, j| a[block[i] * n + block[j]]).eigenvalues()
        };
        let values = values.map_err(|_| LinalgError::NotConverged {
            decomposition: "eigendecomposition",
            rows: n,
            columns: n,
        })?;
        found.extend(values.iter().map(|value| (value.re, value.im)));
    }
    Ok(found)
}

/// Rows in blocks, ascending in each: two are in one if each is reached from the other along entries that are not 0
/// (strongly connected components; Sharir, 1981).
fn blocks(a: &[f64], n: usize) -> Vec<Vec<usize>> {
    // Goes from `start` to everything that is reached and not seen; calls `left` as each is left.
    let visit = |start: usize,
                 seen: &mut [bool],
                 edge: &dyn Fn(usize, usize) -> bool,
                 left: &mut dyn FnMut(usize)| {
        let mut path = vec![(start, 0)];
        seen[start] = true;
        while let Some((at, next)) = path.last_mut() {
            let from = *at;
            match (*next..n).find(|&to| !seen[to] && edge(from, to)) {
                Some(to) => {
                    *next = to + 1;
                    seen[to] = true;
                    path.push((to, 0));
                }
                None => {
                    left(from);
                    path.pop();
                }
            }
        }
    };
    let (mut seen, mut order) = (vec![false; n], Vec::with_capacity(n));
    for start in 0..n {
        if !seen[start] {
            let forward = |from: usize, to: usize| a[from * n + to] != 0.0;
            visit(start, &mut seen, &forward, &mut |node| order.push(node));
        }
    }
    let mut seen = vec![false; n];
    let mut blocks = Vec::new();
    for &start in order.iter().rev() {
        if !seen[start] {
            let mut block = Vec::new();
            let backward = |from: usize, to: usize| a[to * n + from] != 0.0;
            visit(start, &mut seen, &backward, &mut |node| block.push(node));
            block.sort_unstable();
            blocks.push(block);
        }
    }
    blocks
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

/// Solves min ‖design · x − target‖² + damping · ‖x‖² by the normal equations and a Cholesky decomposition.
///
/// - `design`: rows × columns, row-major
/// - `target`: one value for each row
/// - `damping`: above 0 unless the columns are independent
///
/// # Errors
/// A non-finite entry, or columns that are dependent and not damped.
///
/// ```
/// use neuropil_math::linalg::damped_least_squares;
/// let x = damped_least_squares(&[2.0, 0.0, 0.0, 1.0], 2, 2, &[2.0, 3.0], 1.0)?;
/// assert!((x[0] - 0.8).abs() < 1e-12 && (x[1] - 1.5).abs() < 1e-12);
/// # Ok::<(), neuropil_math::linalg::LinalgError>(())
/// ```
pub fn damped_least_squares(
    design: &[f64],
    rows: usize,
    columns: usize,
    target: &[f64],
    damping: f64,
) -> Result<Vec<f64>, LinalgError> {
    let a = view("the design", design, rows, columns)?;
    let b = view("the target", target, rows, 1)?;
    let mut normal: Mat<f64> = a.transpose() * a;
    for k in 0..columns {
        normal[(k, k)] += damping;
    }
    let decomposed = normal.llt(Side::Lower).map_err(|_| LinalgError::NotConverged {
        decomposition: "Cholesky decomposition",
        rows: columns,
        columns,
    })?;
    let solution: Mat<f64> = decomposed.solve(a.transpose() * b);
    Ok(row_major(solution.as_ref()))
}

/// Principal components of a set of points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrincipalComponents {
    /// Mean of each coordinate.
    pub mean: Vec<f64>,
    /// Orthonormal directions, coordinate × component, row-major; the largest entry of each is positive.
    pub axes: Vec<f64>,
    /// Variance along each component (n − 1 in the denominator), largest first.
    pub variances: Vec<f64>,
    /// Sum of the variances along all directions.
    pub total_variance: f64,
}

impl PrincipalComponents {
    /// Coordinates of a point on the components.
    pub fn project(&self, point: &[f64]) -> Vec<f64> {
        let k = self.variances.len();
        let mut found = vec![0.0; k];
        for (i, (value, mean)) in point.iter().zip(&self.mean).enumerate() {
            for (c, found) in found.iter_mut().enumerate() {
                *found += (value - mean) * self.axes[i * k + c];
            }
        }
        found
    }
}

/// The first `k` principal components of `rows` points with `columns` coordinates, row-major.
///
/// # Errors
/// A non-finite entry, or an iteration that does not converge.
pub fn principal_components(
    points: &[f64],
    rows: usize,
    columns: usize,
    k: usize,
) -> Result<PrincipalComponents, LinalgError> {
    let a = view("the points", points, rows, columns)?;
    let k = k.min(columns);
    let mean: Vec<f64> = (0..columns)
        .map(|j| (0..rows).map(|i| a[(i, j)]).sum::<f64>() / rows.max(1) as f64)
        .collect();
    let centred = Mat::from_fn(rows, columns, |i, j| a[(i, j)] - mean[j]);
    let mut covariance: Mat<f64> = centred.transpose() * &centred;
    let freedom = rows.saturating_sub(1).max(1) as f64;
    for j in 0..columns {
        for i in 0..columns {
            covariance[(i, j)] /= freedom;
        }
    }
    let eigen = covariance
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| LinalgError::NotConverged {
            decomposition: "eigendecomposition",
            rows: columns,
            columns,
        })?;
    // Eigenvalues rise.
    let (values, vectors) = (eigen.S().column_vector(), eigen.U());
    let mut axes = vec![0.0; columns * k];
    for c in 0..k {
        let column = columns - 1 - c;
        let largest = (0..columns)
            .map(|i| vectors[(i, column)])
            .fold(0.0, |most: f64, v| if v.abs() > most.abs() { v } else { most });
        for i in 0..columns {
            axes[i * k + c] = vectors[(i, column)] * largest.signum();
        }
    }
    Ok(PrincipalComponents {
        mean,
        axes,
        variances: (0..k).map(|c| values[columns - 1 - c].max(0.0)).collect(),
        total_variance: values.iter().sum(),
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
    fn eigenvalues_of_blocks_are_those_of_the_matrix() {
        // Two rotations and a number, mixed up, with entries above the blocks.
        let (order, n) = ([3, 0, 4, 1, 2], 5);
        let mut a = vec![0.0; n * n];
        let mut set = |i: usize, j: usize, x: f64| a[order[i] * n + order[j]] = x;
        for (i, j, x) in [
            (0, 1, -2.0),
            (1, 0, 2.0),
            (2, 3, -3.0),
            (3, 2, 3.0),
            (4, 4, 0.5),
            (0, 2, 7.0),
            (1, 4, -1.0),
        ] {
            set(i, j, x);
        }
        let mut moduli: Vec<f64> = eigenvalues(&a, n)
            .unwrap()
            .iter()
            .map(|(re, im)| re.hypot(*im))
            .collect();
        moduli.sort_by(f64::total_cmp);
        for (found, right) in moduli.iter().zip([0.5, 2.0, 2.0, 3.0, 3.0]) {
            assert!((found - right).abs() < 1e-12, "{moduli:?}");
        }
        assert_eq!(blocks(&a, n).len(), 3);
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
    fn damping_zero_agrees_with_least_squares() {
        let (a, b) = (random(5, 40 * 6), random(6, 40));
        let exact = least_squares(&a, 40, 6, &b, 1).unwrap().coefficients;
        let found = damped_least_squares(&a, 40, 6, &b, 0.0).unwrap();
        assert!(
            exact.iter().zip(&found).all(|(x, y)| (x - y).abs() < 1e-12),
            "{exact:?} {found:?}"
        );
        let damped = damped_least_squares(&a, 40, 6, &b, 1e6).unwrap();
        assert!(damped.iter().all(|x| x.abs() < 1e-3));
        assert!(damped_least_squares(&[0.0; 4], 2, 2, &[0.0; 2], 0.0).is_err());
    }

    #[test]
    fn principal_components_find_the_long_axis() {
        // Points along (3, 4)/5 with a little of (-4, 3)/5.
        let (long, short) = (random(8, 200), random(9, 200));
        let points: Vec<f64> = (0..200)
            .flat_map(|i| {
                [
                    0.6 * long[i] - 0.08 * short[i] + 7.0,
                    0.8 * long[i] + 0.06 * short[i],
                ]
            })
            .collect();
        let found = principal_components(&points, 200, 2, 2).unwrap();
        assert!((found.axes[0] - 0.6).abs() < 0.02 && (found.axes[2] - 0.8).abs() < 0.02);
        assert!(found.variances[0] > 50.0 * found.variances[1]);
        assert!((found.variances.iter().sum::<f64>() - found.total_variance).abs() < 1e-12);
        let at_mean = found.project(&found.mean.clone());
        assert!(at_mean.iter().all(|x| x.abs() < 1e-12));
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
