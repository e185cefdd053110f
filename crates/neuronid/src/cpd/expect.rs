//! The E-step: which fixed point belongs to which moved one.

use crate::worm::Point;
use neuropil_math::exponential::exp;
use neuropil_math::simd::vectorised;
use std::f64::consts::PI;

/// The expectations of one step: sums of p over the fixed points (P1), over the moving ones (Pᵀ1), and PX.
pub(super) struct Expected {
    pub p1: Vec<f64>,
    pub pt1: Vec<f64>,
    pub px: Vec<Point>,
    pub total: f64,
}

/// Sums that are kept side by side.
const SIDE_BY_SIDE: usize = 8;

/// Coordinates of a cloud, each by itself, and what is summed for each of its points.
struct Columns {
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    p: Vec<f64>,
    sums: [Vec<f64>; 4],
}

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
    let column = |k: usize| moved.iter().map(|p| p[k]).collect::<Vec<f64>>();
    let mut columns = Columns {
        x: column(0),
        y: column(1),
        z: column(2),
        p: vec![0.0; m],
        sums: std::array::from_fn(|_| vec![0.0; m]),
    };
    let mut pt1 = vec![0.0; n];
    add_all(fixed, &mut columns, 0.5 / variance, uniform, &mut pt1);
    let [p1, x, y, z] = columns.sums;
    let px = x.into_iter().zip(y).zip(z).map(|((x, y), z)| [x, y, z]).collect();
    Expected {
        total: p1.iter().sum(),
        p1,
        pt1,
        px,
    }
}

vectorised! {
    /// Adds the probabilities of every fixed point to the sums of the moved ones; its own sum into `pt1`.
    fn add_all<F>[][](fixed: &[Point], moved: &mut Columns, half_precision: f64, uniform: f64, pt1: &mut [f64]) {
        let n = moved.x.len();
        let (x, y, z) = (&moved.x[..n], &moved.y[..n], &moved.z[..n]);
        let p = &mut moved.p[..n];
        let [p1, px, py, pz] = &mut moved.sums;
        let (p1, px, py, pz) = (&mut p1[..n], &mut px[..n], &mut py[..n], &mut pz[..n]);
        for (point, pt1) in fixed.iter().zip(pt1) {
            // Taking the least distance out keeps a point far from all others from dividing 0 by 0.
            let mut least = f64::INFINITY;
            for m in 0..n {
                let (dx, dy, dz) = (point[0] - x[m], point[1] - y[m], point[2] - z[m]);
                let square = dx * dx + dy * dy + dz * dz;
                p[m] = square;
                least = if square < least { square } else { least };
            }
            let mut sums = [0.0; SIDE_BY_SIDE];
            let (chunks, rest) = p.as_chunks_mut::<SIDE_BY_SIDE>();
            for chunk in chunks {
                *chunk = exp(chunk.map(|p| (least - p) * half_precision));
                for (sum, p) in sums.iter_mut().zip(chunk) {
                    *sum += *p;
                }
            }
            for (sum, p) in sums.iter_mut().zip(rest) {
                [*p] = exp([(least - *p) * half_precision]);
                *sum += *p;
            }
            let kernel: f64 = sums.iter().sum();
            let each = 1.0 / (kernel + uniform * (least * half_precision).exp());
            *pt1 = kernel * each;
            for m in 0..n {
                let p = p[m] * each;
                p1[m] += p;
                px[m] += p * point[0];
                py[m] += p * point[1];
                pz[m] += p * point[2];
            }
        }
    }
}
