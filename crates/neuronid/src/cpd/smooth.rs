//! The Gaussian G over which neighbours move together, and the step that it allows.
//!
//! (diag(P1) G + λσ² I) W = PX − diag(P1) Y with W = D V, D = √diag(P1), is symmetric: (D G D + λσ² I) V = D⁻¹ PX − D Y. No
//! eigenvalue is below λσ², whatever the weights. As long as λσ² is not small beside the few large eigenvalues of D G D, a
//! handful of conjugate gradients from the last step's V solves it to ten digits, each at the price of one G v; once they
//! need more than a factorisation costs, Cholesky's takes over for the rest of the registration. At the published width nearly
//! all directions of G matter, so that thin factors of it would save nothing.

use super::square;
use crate::worm::Point;
use faer::Mat;
use faer::linalg::solvers::Solve;
use neuropil_math::real::Real;
use neuropil_math::simd::{Fused, vectorised};

/// Columns of G that are gone through together.
const PANEL: usize = 24;
/// A solution is taken when what it leaves is smaller than this part of the right-hand side.
const LEFT: f64 = 1e-10;
/// Conjugate gradients that cost as much as a factorisation.
const MOST: usize = 24;

/// G, and where the last step ended.
pub(super) struct Smooth {
    /// G in panels of columns, rows of a panel side by side, filled with 0 to whole panels.
    gaussian: Vec<[f64; PANEL]>,
    points: usize,
    /// V of the last step.
    last: Vec<f64>,
    factorise: bool,
}

impl Smooth {
    /// Of a Gaussian of width β.
    pub(super) fn of(points: &[Point], beta: f64) -> Self {
        let half_precision = 0.5 / (beta * beta);
        let panel = |columns: &[Point]| -> Vec<[f64; PANEL]> {
            let row = |a: &Point| {
                let value = |b: &Point| (-square(a, b) * half_precision).exp();
                std::array::from_fn(|j| columns.get(j).map_or(0.0, value))
            };
            points.iter().map(row).collect()
        };
        Self {
            gaussian: points.chunks(PANEL).flat_map(panel).collect(),
            points: points.len(),
            last: vec![0.0; 3 * points.len()],
            factorise: false,
        }
    }

    /// G W of one step, coordinates of a point side by side: weights P1, `px` = PX, `moving` = Y, `stiff` = λσ².
    pub(super) fn step(
        &mut self,
        weights: &[f64],
        px: &[Point],
        moving: &[Point],
        stiff: f64,
    ) -> Option<Vec<f64>> {
        let mut roots = Vec::with_capacity(3 * self.points);
        let mut pull = Vec::with_capacity(3 * self.points);
        for ((weight, px), y) in weights.iter().zip(px).zip(moving) {
            let root = weight.sqrt();
            roots.extend([root; 3]);
            // A point that nothing draws has PX = 0 as well.
            let over = if root > 0.0 { root.recip() } else { 0.0 };
            pull.extend((0..3).map(|k| px[k] * over - root * y[k]));
        }
        let mut moved = vec![0.0; 3 * self.points];
        if !self.factorise {
            let mut left = f64::INFINITY;
            descend(
                &self.gaussian,
                &roots,
                stiff,
                &pull,
                &mut self.last,
                &mut moved,
                &mut left,
            );
            self.factorise = left.is_nan() || left > LEFT;
        }
        if self.factorise {
            self.solve(&roots, stiff, &pull, &mut moved)?;
        }
        Some(moved)
    }

    /// G W by Cholesky's factorisation.
    fn solve(&self, roots: &[f64], stiff: f64, pull: &[f64], moved: &mut [f64]) -> Option<()> {
        let m = self.points;
        let gaussian = |i: usize, j: usize| self.gaussian[j / PANEL * m + i][j % PANEL];
        let system = Mat::from_fn(m, m, |i, j| {
            roots[3 * i] * gaussian(i, j) * roots[3 * j] + if i == j { stiff } else { 0.0 }
        });
        let v = system
            .llt(faer::Side::Lower)
            .ok()?
            .solve(Mat::from_fn(m, 3, |i, k| pull[3 * i + k]));
        let weights: Vec<f64> = roots
            .iter()
            .enumerate()
            .map(|(i, root)| root * v[(i / 3, i % 3)])
            .collect();
        spread_over(&self.gaussian, &weights, moved);
        Some(())
    }
}

/// `out` = G v, three coordinates a point.
#[inline(always)]
fn spread<F: Fused>(gaussian: &[[f64; PANEL]], v: &[f64], out: &mut [f64]) {
    let (points, _) = v.as_chunks::<3>();
    let (out, _) = out.as_chunks_mut::<3>();
    for (panel, out) in gaussian.chunks_exact(points.len()).zip(out.chunks_mut(PANEL)) {
        let mut sums = [[0.0; PANEL]; 3];
        for (row, v) in panel.iter().zip(points) {
            for j in 0..PANEL {
                for k in 0..3 {
                    sums[k][j] = f64::fma::<F>(v[k], row[j], sums[k][j]);
                }
            }
        }
        for (j, out) in out.iter_mut().enumerate() {
            *out = [sums[0][j], sums[1][j], sums[2][j]];
        }
    }
}

/// Sums that a dot product keeps side by side.
const LANES: usize = 16;

#[inline(always)]
fn dot<F: Fused>(a: &[f64], b: &[f64]) -> f64 {
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for l in 0..LANES {
            sums[l] = f64::fma::<F>(a[l], b[l], sums[l]);
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

vectorised! {
    /// `out` = G v.
    fn spread_over<F>[][](gaussian: &[[f64; PANEL]], v: &[f64], out: &mut [f64]) {
        spread::<F>(gaussian, v, out);
    }
}

vectorised! {
    /// Conjugate gradients (Hestenes & Stiefel, J. Res. Natl. Bur. Stand. 49:409, 1952) on (D G D + stiff) V = pull from `v`, at
    /// most [`MOST`]. `moved` = G D V; `left` is what is left over, in parts of `pull`.
    fn descend<F>[][](gaussian: &[[f64; PANEL]], roots: &[f64], stiff: f64, pull: &[f64], v: &mut [f64], moved: &mut [f64],
        left: &mut f64) {
        let n = roots.len();
        let (pull, v, moved) = (&pull[..n], &mut v[..n], &mut moved[..n]);
        let mut scaled: Vec<f64> = roots.iter().zip(&*v).map(|(root, v)| root * v).collect();
        spread::<F>(gaussian, &scaled, moved);
        let mut rest: Vec<f64> = (0..n).map(|i| pull[i] - f64::fma::<F>(stiff, v[i], roots[i] * moved[i])).collect();
        let mut direction = rest.clone();
        let mut spreads = vec![0.0; n];
        let (mut square, whole) = (dot::<F>(&rest, &rest), dot::<F>(pull, pull));
        for _ in 0..MOST {
            if square <= LEFT * LEFT * whole {
                break;
            }
            let (p, s, g, r) = (&mut direction[..n], &mut scaled[..n], &mut spreads[..n], &mut rest[..n]);
            for i in 0..n {
                s[i] = roots[i] * p[i];
            }
            spread::<F>(gaussian, s, g);
            // pᵀ (D G D + stiff) p
            let along = square / f64::fma::<F>(stiff, dot::<F>(p, p), dot::<F>(s, g));
            for i in 0..n {
                v[i] = f64::fma::<F>(along, p[i], v[i]);
                moved[i] = f64::fma::<F>(along, g[i], moved[i]);
                r[i] = f64::fma::<F>(-along, f64::fma::<F>(stiff, p[i], roots[i] * g[i]), r[i]);
            }
            let next = dot::<F>(r, r);
            for i in 0..n {
                p[i] = f64::fma::<F>(next / square, p[i], r[i]);
            }
            square = next;
        }
        *left = if whole > 0.0 { (square / whole).sqrt() } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};
    use rand::RngExt;

    #[test]
    fn conjugate_gradients_and_the_factorisation_end_at_the_same_place() {
        let mut rng = Key::new(5).stream(Purpose::Test, 0);
        let mut cloud = |n: usize| -> Vec<Point> {
            (0..n)
                .map(|_| std::array::from_fn(|_| rng.random_range(-0.5..0.5)))
                .collect()
        };
        let (moving, px) = (cloud(53), cloud(53));
        // Points that nothing draws among them.
        let weights: Vec<f64> = (0..53).map(|i| f64::from(i % 7) / 6.0).collect();
        let px: Vec<Point> = px.iter().zip(&weights).map(|(p, w)| p.map(|p| p * w)).collect();
        let mut smooth = Smooth::of(&moving, 0.25);
        for stiff in [200.0, 20.0, 3.0] {
            let iterated = smooth.step(&weights, &px, &moving, stiff).unwrap();
            assert!(!smooth.factorise, "stiff {stiff}");
            let mut factorised = Smooth::of(&moving, 0.25);
            factorised.factorise = true;
            let exact = factorised.step(&weights, &px, &moving, stiff).unwrap();
            for (a, b) in iterated.iter().zip(&exact) {
                assert!((a - b).abs() < 1e-9, "stiff {stiff}: {a} {b}");
            }
        }
        // Many large eigenvalues beside the stiffness: more gradients than a factorisation costs.
        let soft = smooth.step(&weights, &px, &moving, 1e-6).unwrap();
        assert!(smooth.factorise && soft.iter().all(|x| x.is_finite()));
    }
}
