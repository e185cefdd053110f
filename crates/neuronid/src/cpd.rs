//! Coherent point drift (Myronenko & Song, IEEE PAMI 32:2262, 2010): the classical registration of two point clouds.
//!
//! ```text
//! p_mn = k_mn / (Σ_m k_mn + c),   k_mn = exp(−|x_n − t_m|²/2σ²),   c = (2πσ²)^{D/2} · w/(1−w) · M/N
//! ```
//! The moving cloud Y is moved, T(Y), until its points are the centres of a mixture under which the fixed cloud X is
//! likely; a uniform component of weight w takes what has no counterpart. Positions must be normalised: β, λ and the
//! variance at which it ends are in their unit.

use crate::error::NeuronidError;
use crate::worm::Point;
use crate::yu2021;
use expect::{Expected, expect};
use faer::Mat;
use faer::linalg::solvers::Solve;
use neuropil_math::procrustes;
use smooth::Smooth;

mod expect;
mod smooth;

/// When a registration ends, and how much is expected to have no counterpart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop {
    /// Weight w of the uniform component, at least 0 and below 1.
    pub outliers: f64,
    /// Most iterations.
    pub iterations: usize,
    /// Variance σ² below which it ends.
    pub variance: f64,
}

impl Default for Stop {
    /// The published program's rigid registration.
    fn default() -> Self {
        Self {
            outliers: yu2021::CPD_OUTLIERS,
            iterations: yu2021::CPD_RIGID_STOP.0,
            variance: yu2021::CPD_RIGID_STOP.1,
        }
    }
}

/// A registered cloud.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    /// T(Y), one point a moving point.
    pub moved: Vec<Point>,
    /// Variance σ² at the end.
    pub variance: f64,
    /// Iterations made.
    pub iterations: usize,
    /// Matrix A of T(y) = A y + t; the identity for nonrigid drift.
    pub matrix: [[f64; 3]; 3],
    /// Shift t.
    pub shift: Point,
}

pub(crate) fn square(a: &Point, b: &Point) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn first_variance(fixed: &[Point], moving: &[Point]) -> f64 {
    let sum: f64 = fixed
        .iter()
        .map(|x| moving.iter().map(|y| square(x, y)).sum::<f64>())
        .sum();
    sum / (3 * fixed.len() * moving.len()) as f64
}

pub(crate) fn enough(fixed: &[Point], moving: &[Point]) -> Result<(), NeuronidError> {
    for (what, cloud) in [("the fixed cloud", fixed), ("the moving cloud", moving)] {
        if cloud.len() < 3 {
            return Err(NeuronidError::Points {
                what,
                found: cloud.len(),
                needed: 3,
            });
        }
    }
    Ok(())
}

pub(crate) const IDENTITY: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// Stiffness and width of the nonrigid drift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stiffness {
    /// λ: how much smoothness weighs against the data.
    pub lambda: f64,
    /// β: width of the Gaussian over which neighbours move together, in units of the positions.
    pub beta: f64,
}

impl Default for Stiffness {
    fn default() -> Self {
        Self {
            lambda: yu2021::CPD_LAMBDA,
            beta: yu2021::CPD_BETA,
        }
    }
}

impl Stop {
    /// The published program's nonrigid registration.
    pub fn nonrigid() -> Self {
        Self {
            outliers: yu2021::CPD_OUTLIERS,
            iterations: yu2021::CPD_STOP.0,
            variance: yu2021::CPD_STOP.1,
        }
    }
}

/// Nonrigid drift: T = Y + G W with (diag(P1) G + λσ² I) W = PX − diag(P1) Y, G the Gaussian of the original Y.
///
/// # Errors
/// Fewer than three points.
pub fn nonrigid(
    fixed: &[Point],
    moving: &[Point],
    stiffness: Stiffness,
    stop: Stop,
) -> Result<Registered, NeuronidError> {
    enough(fixed, moving)?;
    let mut smooth = Smooth::of(moving, stiffness.beta);
    let mut moved = moving.to_vec();
    let mut variance = first_variance(fixed, moving);
    let mut iterations = 0;
    while iterations < stop.iterations && variance > stop.variance {
        let e = expect(fixed, &moved, variance, stop.outliers, 3.0);
        let stiff = stiffness.lambda * variance;
        let Some(step) = smooth.step(&e.p1, &e.px, moving, stiff) else {
            break;
        };
        for ((moved, y), step) in moved.iter_mut().zip(moving).zip(step.as_chunks().0) {
            let step: &Point = step;
            *moved = std::array::from_fn(|k| y[k] + step[k]);
        }
        variance = residual(fixed, &moved, &e);
        iterations += 1;
    }
    Ok(Registered {
        moved,
        variance,
        iterations,
        matrix: IDENTITY,
        shift: [0.0; 3],
    })
}

/// |Σ Pᵀ1|x|² + Σ P1|t|² − 2 tr(PXᵀ T)| / (N_p D)
fn residual(fixed: &[Point], moved: &[Point], e: &Expected) -> f64 {
    let weighted = |weights: &[f64], points: &[Point]| -> f64 {
        weights
            .iter()
            .zip(points)
            .map(|(w, p)| w * p.iter().map(|x| x * x).sum::<f64>())
            .sum()
    };
    let cross: f64 =
        e.px.iter()
            .zip(moved)
            .map(|(px, t)| px.iter().zip(t).map(|(a, b)| a * b).sum::<f64>())
            .sum();
    (weighted(&e.pt1, fixed) + weighted(&e.p1, moved) - 2.0 * cross).abs() / (e.total * 3.0)
}

/// Weighted means and centred moments of a step.
struct Moments {
    mean_x: Point,
    mean_y: Point,
    /// A = X_cᵀ Pᵀ Y_c.
    cross: [[f64; 3]; 3],
    /// Σ P1 y_c y_cᵀ.
    moving: [[f64; 3]; 3],
    /// Σ Pᵀ1 |x_c|² a coordinate.
    fixed: Point,
}

fn moments(fixed: &[Point], moving: &[Point], e: &Expected) -> Moments {
    let mean = |weights: &[f64], points: &[Point]| -> Point {
        std::array::from_fn(|k| weights.iter().zip(points).map(|(w, p)| w * p[k]).sum::<f64>() / e.total)
    };
    let (mean_x, mean_y) = (mean(&e.pt1, fixed), mean(&e.p1, moving));
    let (mut cross, mut spread) = ([[0.0; 3]; 3], [[0.0; 3]; 3]);
    for ((y, px), p1) in moving.iter().zip(&e.px).zip(&e.p1) {
        for i in 0..3 {
            for j in 0..3 {
                let centred = y[j] - mean_y[j];
                cross[i][j] += (px[i] - p1 * mean_x[i]) * centred;
                spread[i][j] += p1 * (y[i] - mean_y[i]) * centred;
            }
        }
    }
    let fixed = std::array::from_fn(|k| {
        e.pt1
            .iter()
            .zip(fixed)
            .map(|(w, x)| w * (x[k] - mean_x[k]) * (x[k] - mean_x[k]))
            .sum()
    });
    Moments {
        mean_x,
        mean_y,
        cross,
        moving: spread,
        fixed,
    }
}

/// The proper rotation R = U C Vᵀ nearest to the leading `n` × `n` block of a matrix, and tr(S C).
pub(crate) fn rotation(a: &[[f64; 3]; 3], n: usize) -> ([[f64; 3]; 3], f64) {
    let (turn, trace) = procrustes::rotation(&Mat::from_fn(n, n, |i, j| a[i][j]));
    let mut r = IDENTITY;
    for i in 0..n {
        r[i][..n].copy_from_slice(&turn[i * n..][..n]);
    }
    (r, trace)
}

/// A y + t.
pub fn transform(matrix: &[[f64; 3]; 3], shift: &Point, y: &Point) -> Point {
    std::array::from_fn(|i| matrix[i].iter().zip(y).map(|(a, y)| a * y).sum::<f64>() + shift[i])
}

fn scaled(matrix: &[[f64; 3]; 3], scale: f64) -> [[f64; 3]; 3] {
    matrix.map(|row| row.map(|a| a * scale))
}

/// t that takes the mean of Y to the mean of X.
fn shift_of(matrix: &[[f64; 3]; 3], m: &Moments) -> Point {
    let turned = transform(matrix, &[0.0; 3], &m.mean_y);
    std::array::from_fn(|k| m.mean_x[k] - turned[k])
}

/// Repeats E- and M-steps of a linear drift; `step` gives A, t and the new σ².
fn linear(
    fixed: &[Point],
    moving: &[Point],
    stop: Stop,
    dimension: impl Fn(usize) -> f64,
    mut step: impl FnMut(&Expected, &Moments) -> ([[f64; 3]; 3], Point, f64),
) -> Result<Registered, NeuronidError> {
    enough(fixed, moving)?;
    let mut found = Registered {
        moved: moving.to_vec(),
        variance: first_variance(fixed, moving),
        iterations: 0,
        matrix: IDENTITY,
        shift: [0.0; 3],
    };
    while found.iterations < stop.iterations && found.variance > stop.variance {
        let e = expect(
            fixed,
            &found.moved,
            found.variance,
            stop.outliers,
            dimension(found.iterations),
        );
        let old = found.variance;
        (found.matrix, found.shift, found.variance) = step(&e, &moments(fixed, moving, &e));
        found.moved = moving
            .iter()
            .map(|y| transform(&found.matrix, &found.shift, y))
            .collect();
        found.iterations += 1;
        if found.variance == old {
            break;
        }
    }
    Ok(found)
}

/// Rigid drift: proper rotation, shift, and scale unless it is kept at 1.
///
/// # Errors
/// Fewer than three points.
pub fn rigid(
    fixed: &[Point],
    moving: &[Point],
    keep_scale: bool,
    stop: Stop,
) -> Result<Registered, NeuronidError> {
    linear(
        fixed,
        moving,
        stop,
        |_| 3.0,
        |e, m| {
            let (r, trace) = rotation(&m.cross, 3);
            let spread: f64 = (0..3).map(|k| m.moving[k][k]).sum();
            let scale = if keep_scale { 1.0 } else { trace / spread };
            let matrix = scaled(&r, scale);
            let shift = shift_of(&matrix, m);
            let variance = m.fixed.iter().sum::<f64>() - 2.0 * scale * trace + scale * scale * spread;
            (matrix, shift, variance.abs() / (e.total * 3.0))
        },
    )
}

/// Affine drift.
///
/// # Errors
/// Fewer than three points.
pub fn affine(fixed: &[Point], moving: &[Point], stop: Stop) -> Result<Registered, NeuronidError> {
    linear(
        fixed,
        moving,
        stop,
        |_| 3.0,
        |e, m| {
            let (a, spread) = (matrix_of(&m.cross), matrix_of(&m.moving));
            // B = A S⁻¹, S symmetric: Bᵀ = S⁻¹ Aᵀ.
            let b = spread.partial_piv_lu().solve(a.transpose());
            let matrix = std::array::from_fn(|i| std::array::from_fn(|j| b[(j, i)]));
            let trace: f64 = (0..3)
                .map(|i| (0..3).map(|j| m.cross[i][j] * b[(j, i)]).sum::<f64>())
                .sum();
            let variance = (m.fixed.iter().sum::<f64>() - trace).abs() / (e.total * 3.0);
            (matrix, shift_of(&matrix, m), variance)
        },
    )
}

fn matrix_of(a: &[[f64; 3]; 3]) -> Mat<f64> {
    Mat::from_fn(3, 3, |i, j| a[i][j])
}

/// Which residual the planar drift takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planar {
    /// The full residual in three dimensions.
    Full,
    /// As published: D is 2 from the second E-step on, and σ² is the residual of the best scale in the plane.
    Published,
}

/// Rigid drift of a worm that lies on a slide: a turn about z, a shift, no scale.
///
/// # Errors
/// Fewer than three points.
pub fn planar(
    fixed: &[Point],
    moving: &[Point],
    residual: Planar,
    stop: Stop,
) -> Result<Registered, NeuronidError> {
    let dimension = |iteration| {
        if residual == Planar::Published && iteration > 0 {
            2.0
        } else {
            3.0
        }
    };
    linear(fixed, moving, stop, dimension, |e, m| {
        let (matrix, trace) = rotation(&m.cross, 2);
        let plane = m.fixed[0] + m.fixed[1];
        let variance = match residual {
            Planar::Published => (plane - trace).abs() / (e.total * 2.0),
            Planar::Full => {
                let spread: f64 = (0..3).map(|k| m.moving[k][k]).sum();
                let all: f64 = m.fixed.iter().sum();
                (all - 2.0 * (trace + m.cross[2][2]) + spread).abs() / (e.total * 3.0)
            }
        };
        (matrix, shift_of(&matrix, m), variance)
    })
}

/// Planar drift from both headings; the one that ends with the smaller variance.
///
/// # Errors
/// Fewer than three points.
pub fn planar_both_ways(
    fixed: &[Point],
    moving: &[Point],
    residual: Planar,
) -> Result<Registered, NeuronidError> {
    let ahead = planar(fixed, moving, residual, Stop::default())?;
    let turned: Vec<Point> = ahead.moved.iter().map(|p| [-p[0], -p[1], p[2]]).collect();
    let back = planar(fixed, &turned, residual, Stop::default())?;
    Ok(if back.variance < ahead.variance {
        back
    } else {
        ahead
    })
}

/// Squared distances \[moved\]\[fixed\].
pub fn squared_distances(moved: &[Point], fixed: &[Point]) -> Vec<f64> {
    moved
        .iter()
        .flat_map(|a| fixed.iter().map(move |b| square(a, b)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};
    use rand::RngExt;

    fn cloud(n: usize) -> Vec<Point> {
        let mut rng = Key::new(2).stream(Purpose::Test, 0);
        (0..n)
            .map(|_| {
                [
                    rng.random_range(-0.5..0.5),
                    rng.random_range(-0.2..0.2),
                    rng.random_range(-0.1..0.1),
                ]
            })
            .collect()
    }

    #[test]
    fn a_turned_and_shifted_cloud_is_brought_back() {
        let moving = cloud(40);
        let (s, c) = 0.4_f64.sin_cos();
        let turn = [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]];
        let fixed: Vec<Point> = moving
            .iter()
            .map(|y| transform(&turn, &[0.05, -0.1, 0.02], y))
            .collect();
        for found in [
            rigid(&fixed, &moving, true, Stop::default()).unwrap(),
            planar(&fixed, &moving, Planar::Full, Stop::default()).unwrap(),
        ] {
            for (a, b) in found.moved.iter().zip(&fixed) {
                assert!(square(a, b).sqrt() < 1e-3);
            }
        }
    }

    #[test]
    fn a_mirror_image_is_never_matched_by_a_reflection() {
        let moving = cloud(30);
        let fixed: Vec<Point> = moving.iter().map(|p| [p[0], p[1], -p[2]]).collect();
        let found = rigid(&fixed, &moving, true, Stop::default()).unwrap();
        assert!((matrix_of(&found.matrix).determinant() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn two_points_are_refused() {
        let error = rigid(&cloud(2), &cloud(5), true, Stop::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the fixed cloud has 2 points; a registration needs 3"
        );
    }
}
