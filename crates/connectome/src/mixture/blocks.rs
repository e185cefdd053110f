//! Points side by side in vector lanes, and what expectation and maximisation sum over them.

use super::Points;
use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;

/// Points of a block.
pub(crate) const LANES: usize = 8;

/// A value of every point of a block.
pub(crate) type Lane = [f64; LANES];

/// Points in blocks of [`LANES`]; lanes after the last point have weight 0.
pub(crate) struct Blocks {
    /// Dimensions.
    pub(crate) d: usize,
    /// Coordinates, \[block\]\[dimension\].
    pub(crate) x: Vec<Lane>,
    /// Weights.
    pub(crate) weight: Vec<Lane>,
}

impl Blocks {
    pub(crate) fn of(points: &Points) -> Self {
        let (d, n_blocks) = (points.d, points.n().div_ceil(LANES));
        let mut x = vec![[0.0; LANES]; n_blocks * d];
        for i in 0..points.n() {
            for (a, &value) in points.at(i).iter().enumerate() {
                x[i / LANES * d + a][i % LANES] = value;
            }
        }
        Self {
            d,
            x,
            weight: lanes(&points.weight, 0.0),
        }
    }
}

/// Values of points in blocks; lanes after the last point get `rest`.
pub(crate) fn lanes(values: &[f64], rest: f64) -> Vec<Lane> {
    let block = |part: &[f64]| std::array::from_fn(|l| part.get(l).copied().unwrap_or(rest));
    values.chunks(LANES).map(block).collect()
}

vectorised! {
    /// Squared length of W (x − mean) for every point; W is lower triangular, d × d, `diagonal` says only its diagonal
    /// counts.
    pub(crate) fn squares<F>[][](blocks: &Blocks, mean: &[f64], w: &[f64], diagonal: bool, out: &mut [Lane]) {
        let d = blocks.d;
        let mut z = vec![[0.0; LANES]; d];
        for (x, out) in blocks.x.chunks_exact(d).zip(out) {
            centre(x, mean, &mut z);
            let mut sum = [0.0; LANES];
            for a in 0..d {
                let row = &w[a * d..=a * d + a];
                let mut y = [0.0; LANES];
                for b in if diagonal { a } else { 0 }..=a {
                    for l in 0..LANES {
                        y[l] = Real::fma::<F>(row[b], z[b][l], y[l]);
                    }
                }
                for l in 0..LANES {
                    sum[l] = Real::fma::<F>(y[l], y[l], sum[l]);
                }
            }
            *out = sum;
        }
    }
}

vectorised! {
    /// Adds Σ w x, lane by lane, to `out` \[dimension\].
    pub(crate) fn add_means<F>[][](blocks: &Blocks, w: &[Lane], out: &mut [Lane]) {
        for (x, w) in blocks.x.chunks_exact(blocks.d).zip(w) {
            for (out, x) in out.iter_mut().zip(x) {
                for l in 0..LANES {
                    out[l] = Real::fma::<F>(w[l], x[l], out[l]);
                }
            }
        }
    }
}

vectorised! {
    /// Adds Σ w (x − mean)(x − mean)ᵀ, lane by lane, to `out` \[d × d\], its lower triangle or its diagonal alone.
    pub(crate) fn add_scatter<F>[][](blocks: &Blocks, w: &[Lane], mean: &[f64], diagonal: bool, out: &mut [Lane]) {
        let d = blocks.d;
        let mut z = vec![[0.0; LANES]; d];
        for (x, w) in blocks.x.chunks_exact(d).zip(w) {
            centre(x, mean, &mut z);
            for a in 0..d {
                let wz: Lane = std::array::from_fn(|l| w[l] * z[a][l]);
                for b in if diagonal { a } else { 0 }..=a {
                    let out = &mut out[a * d + b];
                    for l in 0..LANES {
                        out[l] = Real::fma::<F>(wz[l], z[b][l], out[l]);
                    }
                }
            }
        }
    }
}

vectorised! {
    /// Distances of point `i` to every point: squared, or sums of absolute differences, or inner products.
    pub(crate) fn from_point<F>[][](blocks: &Blocks, i: usize, measure: Measure, out: &mut [Lane]) {
        let d = blocks.d;
        let own = &blocks.x[i / LANES * d..(i / LANES + 1) * d];
        for (x, out) in blocks.x.chunks_exact(d).zip(out) {
            let mut sum = [0.0; LANES];
            for a in 0..d {
                let at = own[a][i % LANES];
                for l in 0..LANES {
                    let away = x[a][l] - at;
                    sum[l] = match measure {
                        Measure::Square => Real::fma::<F>(away, away, sum[l]),
                        Measure::Absolute => sum[l] + away.abs(),
                        Measure::Product => Real::fma::<F>(x[a][l], at, sum[l]),
                    };
                }
            }
            *out = sum;
        }
    }
}

/// What [`from_point`] sums over dimensions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// (x − y)²
    Square,
    /// |x − y|
    Absolute,
    /// x y
    Product,
}

#[inline(always)]
fn centre(x: &[Lane], mean: &[f64], z: &mut [Lane]) {
    for (a, z) in z.iter_mut().enumerate() {
        for l in 0..LANES {
            z[l] = x[a][l] - mean[a];
        }
    }
}
