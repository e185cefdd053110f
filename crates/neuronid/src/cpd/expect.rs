//! The E-step: which fixed point belongs to which moved one.

use crate::worm::Point;
use neuropil_math::exponential::exp2;
use neuropil_math::real::Real;
use neuropil_math::simd::{Fused, vectorised};
use std::f64::consts::{LOG2_E, PI};

/// The expectations of one step: sums of p over the fixed points (P1), over the moving ones (Pᵀ1), and PX.
pub(super) struct Expected {
    pub p1: Vec<f64>,
    pub pt1: Vec<f64>,
    pub px: Vec<Point>,
    pub total: f64,
}

/// Moved points that are gone through side by side.
const LANES: usize = 8;
/// Fixed points whose probabilities are added to the sums at a time.
const TOGETHER: usize = 4;
/// A fixed point whose kernels sum to less is far from all moved ones.
const FAR: f64 = 1e-280;

/// Eight points, coordinate by coordinate.
type Block = [[f64; LANES]; 3];

/// E-step; `dimension` is the D of the uniform component.
pub(super) fn expect(
    fixed: &[Point],
    moved: &[Point],
    variance: f64,
    outliers: f64,
    dimension: f64,
) -> Expected {
    let (m, n) = (moved.len(), fixed.len());
    let uniform =
        (2.0 * PI * variance).powf(dimension / 2.0) * outliers / (1.0 - outliers) * m as f64 / n as f64;
    // What fills the last block lies infinitely far away.
    let blocks: Vec<Block> = moved
        .chunks(LANES)
        .map(|points| {
            std::array::from_fn(|k| std::array::from_fn(|l| points.get(l).map_or(f64::INFINITY, |p| p[k])))
        })
        .collect();
    let mut sums = vec![[[0.0; LANES]; 4]; blocks.len()];
    let mut pt1 = vec![0.0; n];
    let sharpness = -0.5 * LOG2_E / variance;
    add_all(fixed, &blocks, sharpness, uniform, &mut sums, &mut pt1);
    let sum = |j: usize, k: usize| sums[j / LANES][k][j % LANES];
    let p1: Vec<f64> = (0..m).map(|j| sum(j, 0)).collect();
    Expected {
        total: p1.iter().sum(),
        p1,
        pt1,
        px: (0..m).map(|j| std::array::from_fn(|k| sum(j, k + 1))).collect(),
    }
}

#[inline(always)]
fn squares<F: Fused>(point: &Point, block: &Block) -> [f64; LANES] {
    std::array::from_fn(|l| {
        let [x, y, z] = std::array::from_fn(|k| point[k] - block[k][l]);
        f64::fma::<F>(z, z, f64::fma::<F>(y, y, x * x))
    })
}

/// Writes 2^{sharpness (d² − least)} of every moved point; their sum.
#[inline(always)]
fn kernels<F: Fused>(
    point: &Point,
    moved: &[Block],
    sharpness: f64,
    least: f64,
    kernels: &mut [[f64; LANES]],
) -> f64 {
    let mut sums = [0.0; LANES];
    for (block, kernels) in moved.iter().zip(kernels) {
        *kernels = exp2::<F, LANES>(squares::<F>(point, block).map(|square| (square - least) * sharpness));
        for (sum, kernel) in sums.iter_mut().zip(kernels) {
            *sum += *kernel;
        }
    }
    sums.iter().sum()
}

vectorised! {
    /// Adds the probabilities of every fixed point to P1 and PX (`sums`) of the moved ones; its own sum into `pt1`.
    fn add_all<F>[][](fixed: &[Point], moved: &[Block], sharpness: f64, uniform: f64, sums: &mut [[[f64; LANES]; 4]],
        pt1: &mut [f64]) {
        let mut rows: [Vec<[f64; LANES]>; TOGETHER] = std::array::from_fn(|_| vec![[0.0; LANES]; moved.len()]);
        for (points, pt1) in fixed.chunks(TOGETHER).zip(pt1.chunks_mut(TOGETHER)) {
            // What a kernel counts: 1, x, y and z of its fixed point over the sum of its kernels.
            let mut counts = [[0.0; 4]; TOGETHER];
            for (((point, row), counts), pt1) in points.iter().zip(&mut rows).zip(&mut counts).zip(pt1) {
                let (mut sum, mut outlier) = (kernels::<F>(point, moved, sharpness, 0.0, row), uniform);
                if sum < FAR {
                    // With the least distance taken out, 0 is never divided by 0.
                    let distances = moved.iter().flat_map(|block| squares::<F>(point, block));
                    let least = distances.fold(f64::INFINITY, f64::min);
                    sum = kernels::<F>(point, moved, sharpness, least, row);
                    outlier = if uniform > 0.0 { uniform * (-sharpness * least).exp2() } else { 0.0 };
                }
                let each = 1.0 / (sum + outlier);
                *pt1 = sum * each;
                *counts = [each, each * point[0], each * point[1], each * point[2]];
            }
            let [a, b, c, d] = &rows;
            for ((((sums, a), b), c), d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                for l in 0..LANES {
                    for k in 0..4 {
                        let near = f64::fma::<F>(a[l], counts[0][k], f64::fma::<F>(b[l], counts[1][k], sums[k][l]));
                        sums[k][l] = f64::fma::<F>(c[l], counts[2][k], f64::fma::<F>(d[l], counts[3][k], near));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpd::square;
    use neuropil_math::rng::{Key, Purpose};
    use rand::RngExt;

    #[test]
    fn probabilities_are_the_textbooks_also_far_from_everything() {
        let mut rng = Key::new(6).stream(Purpose::Test, 0);
        let mut cloud = |n: usize| -> Vec<Point> {
            (0..n)
                .map(|_| std::array::from_fn(|_| rng.random_range(-0.5..0.5)))
                .collect()
        };
        let (mut fixed, moved) = (cloud(11), cloud(13));
        fixed[4] = [30.0, 0.0, 0.0];
        for (variance, outliers) in [(0.1, 0.1), (1e-3, 0.3), (0.1, 0.0)] {
            let e = expect(&fixed, &moved, variance, outliers, 3.0);
            let uniform = (2.0 * PI * variance).powf(1.5) * outliers / (1.0 - outliers) * 13.0 / 11.0;
            let (mut p1, mut px) = (vec![0.0; 13], vec![0.0; 13]);
            for (x, pt1) in fixed.iter().zip(&e.pt1) {
                let least = moved.iter().map(|t| square(x, t)).fold(f64::INFINITY, f64::min);
                let kernel = |t: &Point| ((least - square(x, t)) / (2.0 * variance)).exp();
                let sum: f64 = moved.iter().map(kernel).sum();
                let outlier = if outliers > 0.0 {
                    uniform * (least / (2.0 * variance)).exp()
                } else {
                    0.0
                };
                let each = 1.0 / (sum + outlier);
                assert!((pt1 - sum * each).abs() < 1e-12);
                for (j, t) in moved.iter().enumerate() {
                    p1[j] += kernel(t) * each;
                    px[j] += kernel(t) * each * x[0];
                }
            }
            for j in 0..13 {
                assert!((e.p1[j] - p1[j]).abs() < 1e-12 && (e.px[j][0] - px[j]).abs() < 1e-11);
            }
            // Without outliers even the far point belongs to somebody.
            assert_eq!(e.pt1[4] > 0.5, outliers == 0.0);
        }
    }
}
