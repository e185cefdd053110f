//! The Gaussian G over which neighbours move together, and the step that it allows.
//!
//! (diag(P1) G + λσ² I) W = PX − diag(P1) Y with W = D V, D = √diag(P1), is symmetric: (D G D + λσ² I) V = D⁻¹ PX − D Y. No
//! eigenvalue is below λσ², whatever the weights: Cholesky's factorisation, at half the price of one with pivots. At the
//! published width nearly all directions of G matter, so that thin factors of it would save nothing.

use super::square;
use crate::worm::Point;
use faer::Mat;
use faer::linalg::solvers::Solve;

/// G, one row and one column a point.
pub(super) struct Smooth(Mat<f64>);

impl Smooth {
    /// Of a Gaussian of width β.
    pub(super) fn of(points: &[Point], beta: f64) -> Self {
        let m = points.len();
        let half_precision = 0.5 / (beta * beta);
        Self(Mat::from_fn(m, m, |i, j| {
            (-square(&points[i], &points[j]) * half_precision).exp()
        }))
    }

    /// G W of one step: weights P1, `px` = PX, `moving` = Y, `stiff` = λσ².
    pub(super) fn step(
        &self,
        weights: &[f64],
        px: &[Point],
        moving: &[Point],
        stiff: f64,
    ) -> Option<Mat<f64>> {
        let Self(gaussian) = self;
        let m = weights.len();
        let roots: Vec<f64> = weights.iter().map(|weight| weight.sqrt()).collect();
        // A point that nothing draws has PX = 0 as well.
        let pull = Mat::from_fn(m, 3, |i, k| {
            if roots[i] > 0.0 {
                px[i][k] / roots[i] - roots[i] * moving[i][k]
            } else {
                0.0
            }
        });
        let mut system = gaussian.clone();
        for (j, column) in system.col_iter_mut().enumerate() {
            for ((value, &root), i) in column.iter_mut().zip(&roots).zip(0..) {
                *value *= root * roots[j];
                if i == j {
                    *value += stiff;
                }
            }
        }
        let mut weights = system.llt(faer::Side::Lower).ok()?.solve(pull);
        for column in weights.col_iter_mut() {
            column.iter_mut().zip(&roots).for_each(|(w, root)| *w *= root);
        }
        Some(gaussian * weights)
    }
}
