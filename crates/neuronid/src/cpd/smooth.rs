//! The Gaussian over which neighbours move together, as a product of thin factors: G ≈ L Lᵀ.
//!
//! A smooth kernel has few directions that matter. Cholesky's factorisation with pivots (Fine & Scheinberg, JMLR 2:243,
//! 2001) finds them, and each step solves for as many unknowns in place of one a point:
//! (diag(P1) G + λσ² I) W = R becomes (λσ² I + Lᵀ diag(P1) L) V = Lᵀ R with G W = L V.

use super::square;
use crate::worm::Point;
use faer::Mat;
use faer::linalg::solvers::Solve;

/// Part of a point's variance that may be left out.
const LEFT_OUT: f64 = 1e-13;

/// L, one row a point.
pub(super) struct Smooth(Mat<f64>);

impl Smooth {
    /// Of a Gaussian of width β.
    pub(super) fn of(points: &[Point], beta: f64) -> Self {
        let m = points.len();
        let kernel = |i: usize, j: usize| (-square(&points[i], &points[j]) / (2.0 * beta * beta)).exp();
        let mut left = vec![1.0; m];
        let mut columns: Vec<Vec<f64>> = Vec::new();
        while columns.len() < m {
            let pivot = (0..m).fold(0, |best, i| if left[i] > left[best] { i } else { best });
            if left[pivot] <= LEFT_OUT {
                break;
            }
            let root = left[pivot].sqrt();
            let mut next: Vec<f64> = (0..m).map(|i| kernel(i, pivot)).collect();
            for column in &columns {
                let weight = column[pivot];
                next.iter_mut().zip(column).for_each(|(x, c)| *x -= weight * c);
            }
            for (x, left) in next.iter_mut().zip(&mut left) {
                *x /= root;
                *left -= *x * *x;
            }
            left[pivot] = 0.0;
            columns.push(next);
        }
        Self(Mat::from_fn(m, columns.len(), |i, k| columns[k][i]))
    }

    /// G W of one step: weights P1, `pull` = PX − diag(P1) Y, `stiff` = λσ².
    pub(super) fn step(&self, weights: &[f64], pull: &Mat<f64>, stiff: f64) -> Option<Mat<f64>> {
        let l = &self.0;
        let weighted = Mat::from_fn(l.nrows(), l.ncols(), |i, k| weights[i] * l[(i, k)]);
        let mut system = l.transpose() * &weighted;
        for k in 0..l.ncols() {
            system[(k, k)] += stiff;
        }
        let factor = system.llt(faer::Side::Lower).ok()?;
        Some(l * factor.solve(l.transpose() * pull))
    }
}
