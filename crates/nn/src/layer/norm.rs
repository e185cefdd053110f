//! Normalisation over the features of a row (Ba, Kiros & Hinton 2016) and over the rows of a feature (Ioffe &
//! Szegedy 2015).
//!
//! ```text
//! x̂ = (x − mean)/√(variance + ε)       y = gain · x̂ + shift
//! δx = gain/√(variance + ε) · (δy − mean(δy) − x̂ · mean(δy · x̂))       means over what was normalised over
//! ```

use crate::params::Layout;
use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;
use rayon::prelude::*;

/// ε of both, as PyTorch has it.
pub const EPSILON: f64 = 1e-5;
/// Rows that one thread takes at a time; sums over rows are added up in this order.
const ROWS: usize = 64;

/// Layout of the parameters: `gain` \[features\], `shift` \[features\].
pub fn layout(n_features: usize) -> Layout {
    Layout::new(&[("gain", &[n_features]), ("shift", &[n_features])])
}

/// Each row of `x` \[B\]\[features\] to mean 0 and variance 1, times `gain`, plus `shift`, into `y`; keeps x̂
/// \[B\]\[features\] and 1/√(variance + ε) \[B\] for [`over_features_backward`].
///
/// ```
/// use neuropil_nn::layer::norm::over_features;
/// let (mut y, mut normal, mut scale) = ([0.0_f64; 2], [0.0; 2], [0.0; 1]);
/// over_features(&[1.0, 3.0], &[1.0, 1.0], &[5.0, 5.0], &mut y, &mut normal, &mut scale);
/// assert!((y[0] - 4.0).abs() < 1e-5 && (y[1] - 6.0).abs() < 1e-5);
/// ```
pub fn over_features<R: Real>(
    x: &[R],
    gain: &[R],
    shift: &[R],
    y: &mut [R],
    normal: &mut [R],
    scale: &mut [R],
) {
    let n = gain.len();
    let rows = (
        y.par_chunks_mut(n * ROWS),
        normal.par_chunks_mut(n * ROWS),
        scale.par_chunks_mut(ROWS),
    );
    x.par_chunks(n * ROWS)
        .zip(rows)
        .for_each(|(x, (y, normal, scale))| {
            normalise_rows(x, gain, shift, y, normal, scale);
        });
}

/// Sums that are kept side by side over a row: one after the other each would wait for the one before.
const SIDE_BY_SIDE: usize = 16;

/// Σ of `f(i)` over the places of a row.
#[inline(always)]
fn sum<R: Real>(n: usize, f: impl Fn(usize) -> R) -> R {
    let mut sums = [R::ZERO; SIDE_BY_SIDE];
    let whole = n - n % SIDE_BY_SIDE;
    for begin in (0..whole).step_by(SIDE_BY_SIDE) {
        for l in 0..SIDE_BY_SIDE {
            sums[l] += f(begin + l);
        }
    }
    for i in whole..n {
        sums[i - whole] += f(i);
    }
    sums.into_iter().sum()
}

vectorised! {
    fn normalise_rows<F>[R: Real][R](x: &[R], gain: &[R], shift: &[R], y: &mut [R], normal: &mut [R], scale: &mut [R]) {
        let n = gain.len();
        let shift = &shift[..n];
        let each = R::of(1.0 / n as f64);
        let rows = y.chunks_exact_mut(n).zip(normal.chunks_exact_mut(n)).zip(scale);
        for (x, ((y, normal), scale)) in x.chunks_exact(n).zip(rows) {
            let mean = sum(n, |i| x[i]) * each;
            let variance = sum(n, |i| (x[i] - mean) * (x[i] - mean)) * each;
            *scale = R::ONE / (variance + R::of(EPSILON)).sqrt();
            for i in 0..n {
                normal[i] = (x[i] - mean) * *scale;
                y[i] = gain[i] * normal[i] + shift[i];
            }
        }
    }
}

vectorised! {
    fn normalise_rows_backward<F>[R: Real][R](normal: &[R], scale: &[R], gain: &[R], dy: &[R], dx: &mut [R]) {
        let n = gain.len();
        let each = R::of(1.0 / n as f64);
        let rows = normal.chunks_exact(n).zip(scale).zip(dy.chunks_exact(n));
        for (dx, ((normal, &scale), dy)) in dx.chunks_exact_mut(n).zip(rows) {
            let mean = sum(n, |i| dy[i] * gain[i]) * each;
            let along = sum(n, |i| dy[i] * gain[i] * normal[i]) * each;
            for i in 0..n {
                dx[i] += scale * (dy[i] * gain[i] - mean - normal[i] * along);
            }
        }
    }
}

vectorised! {
    fn add_products<F>[R: Real][R](normal: &[R], dy: &[R], dgain: &mut [R], dshift: &mut [R]) {
        let n = dgain.len();
        let dshift = &mut dshift[..n];
        for (normal, dy) in normal.chunks_exact(n).zip(dy.chunks_exact(n)) {
            for i in 0..n {
                dgain[i] += dy[i] * normal[i];
                dshift[i] += dy[i];
            }
        }
    }
}

/// Adds to `dx` \[B\]\[features\], `dgain` and `dshift` \[features\]; `normal` and `scale` as [`over_features`] left
/// them.
pub fn over_features_backward<R: Real>(
    normal: &[R],
    scale: &[R],
    gain: &[R],
    dy: &[R],
    dx: &mut [R],
    dgain: &mut [R],
    dshift: &mut [R],
) {
    let n = gain.len();
    add_products(normal, dy, dgain, dshift);
    let rows = (
        normal.par_chunks(n * ROWS),
        scale.par_chunks(ROWS),
        dy.par_chunks(n * ROWS),
    );
    dx.par_chunks_mut(n * ROWS)
        .zip(rows)
        .for_each(|(dx, (normal, scale, dy))| {
            normalise_rows_backward(normal, scale, gain, dy, dx);
        });
}

/// Mean and variance of each feature over the rows of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics<R> {
    /// Means \[features\].
    pub mean: Vec<R>,
    /// Variances \[features\], divided by the number of rows.
    pub variance: Vec<R>,
    /// Number of rows.
    pub rows: usize,
}

impl<R: Real> Statistics<R> {
    /// Of `x` \[B\]\[features\].
    ///
    /// # Panics
    /// A batch without rows.
    pub fn of(x: &[R], n_features: usize) -> Self {
        let rows = x.len() / n_features;
        assert!(rows > 0, "a batch of at least one row");
        let mut mean = vec![0.0; n_features];
        for row in x.chunks_exact(n_features) {
            mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x.f64());
        }
        mean.iter_mut().for_each(|mean| *mean /= rows as f64);
        let mut variance = vec![0.0; n_features];
        for row in x.chunks_exact(n_features) {
            for ((variance, x), mean) in variance.iter_mut().zip(row).zip(&mean) {
                *variance += (x.f64() - mean) * (x.f64() - mean) / rows as f64;
            }
        }
        let narrow = |values: Vec<f64>| values.into_iter().map(R::of).collect();
        Self {
            mean: narrow(mean),
            variance: narrow(variance),
            rows,
        }
    }
}

/// Each feature of `x` \[B\]\[features\] by the given statistics, those of the batch or running ones, in place; x̂ into
/// `normal`.
pub fn over_rows<R: Real>(
    statistics: &Statistics<R>,
    gain: &[R],
    shift: &[R],
    x: &mut [R],
    normal: &mut [R],
) {
    let n = gain.len();
    let scale: Vec<R> = scales(statistics);
    for (x, normal) in x.chunks_exact_mut(n).zip(normal.chunks_exact_mut(n)) {
        for i in 0..n {
            normal[i] = (x[i] - statistics.mean[i]) * scale[i];
            x[i] = gain[i] * normal[i] + shift[i];
        }
    }
}

fn scales<R: Real>(statistics: &Statistics<R>) -> Vec<R> {
    let one = |&variance: &R| R::ONE / (variance + R::of(EPSILON)).sqrt();
    statistics.variance.iter().map(one).collect()
}

/// Gradient through the statistics of the batch: adds to `dx` \[B\]\[features\], `dgain` and `dshift` \[features\].
pub fn over_rows_backward<R: Real>(
    statistics: &Statistics<R>,
    normal: &[R],
    gain: &[R],
    dy: &[R],
    dx: &mut [R],
    dgain: &mut [R],
    dshift: &mut [R],
) {
    let n = gain.len();
    let scale = scales(statistics);
    let (mut sum, mut along) = (vec![R::ZERO; n], vec![R::ZERO; n]);
    for (normal, dy) in normal.chunks_exact(n).zip(dy.chunks_exact(n)) {
        for i in 0..n {
            sum[i] += dy[i];
            along[i] += dy[i] * normal[i];
        }
    }
    let each = R::of(1.0 / statistics.rows as f64);
    for (dx, (normal, dy)) in dx
        .chunks_exact_mut(n)
        .zip(normal.chunks_exact(n).zip(dy.chunks_exact(n)))
    {
        for i in 0..n {
            dx[i] += gain[i] * scale[i] * (dy[i] - each * sum[i] - normal[i] * each * along[i]);
        }
    }
    for i in 0..n {
        dgain[i] += along[i];
        dshift[i] += sum[i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::worst_difference;
    use neuropil_math::rng::{Key, Purpose};
    use rand::RngExt;

    const FEATURES: usize = 5;
    const BATCH: usize = 7;

    fn numbers(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = Key::new(seed).stream(Purpose::Test, 0);
        (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// Weighted sum of the outputs, and its gradient, over [gain, shift, x].
    fn check(run: impl Fn(&[f64]) -> Vec<f64>, gradient: impl Fn(&[f64], &[f64]) -> Vec<f64>) {
        let weights = numbers(BATCH * FEATURES, 3);
        let at = numbers(2 * FEATURES + BATCH * FEATURES, 4);
        let loss = |at: &[f64]| run(at).iter().zip(&weights).map(|(y, w)| y * w).sum::<f64>();
        assert!(worst_difference(loss, &at, &gradient(&at, &weights)) < 1e-7);
    }

    #[test]
    fn gradients_over_features_agree_with_differences() {
        let forward = |at: &[f64]| {
            let (gain, rest) = at.split_at(FEATURES);
            let (shift, x) = rest.split_at(FEATURES);
            let (mut y, mut normal, mut scale) = (vec![0.0; x.len()], vec![0.0; x.len()], vec![0.0; BATCH]);
            over_features(x, gain, shift, &mut y, &mut normal, &mut scale);
            (y, normal, scale)
        };
        check(
            |at| forward(at).0,
            |at, dy| {
                let (_, normal, scale) = forward(at);
                let mut gradient = vec![0.0; at.len()];
                let (dgain, rest) = gradient.split_at_mut(FEATURES);
                let (dshift, dx) = rest.split_at_mut(FEATURES);
                over_features_backward(&normal, &scale, &at[..FEATURES], dy, dx, dgain, dshift);
                gradient
            },
        );
    }

    #[test]
    fn gradients_over_rows_agree_with_differences() {
        let forward = |at: &[f64]| {
            let (gain, rest) = at.split_at(FEATURES);
            let (shift, x) = rest.split_at(FEATURES);
            let statistics = Statistics::of(x, FEATURES);
            let (mut y, mut normal) = (x.to_vec(), vec![0.0; x.len()]);
            over_rows(&statistics, gain, shift, &mut y, &mut normal);
            (y, normal, statistics)
        };
        check(
            |at| forward(at).0,
            |at, dy| {
                let (_, normal, statistics) = forward(at);
                let mut gradient = vec![0.0; at.len()];
                let (dgain, rest) = gradient.split_at_mut(FEATURES);
                let (dshift, dx) = rest.split_at_mut(FEATURES);
                over_rows_backward(&statistics, &normal, &at[..FEATURES], dy, dx, dgain, dshift);
                gradient
            },
        );
    }

    #[test]
    fn rows_have_mean_shift_and_the_spread_of_gain() {
        let x = numbers(BATCH * FEATURES, 9);
        let statistics = Statistics::of(&x, FEATURES);
        let (mut y, mut normal) = (x.clone(), vec![0.0; x.len()]);
        over_rows(
            &statistics,
            &[2.0; FEATURES],
            &[3.0; FEATURES],
            &mut y,
            &mut normal,
        );
        for i in 0..FEATURES {
            let column: Vec<f64> = y.chunks_exact(FEATURES).map(|row| row[i]).collect();
            let mean = sum(BATCH, |b| column[b]) / BATCH as f64;
            let variance = sum(BATCH, |b| (column[b] - mean).powi(2)) / BATCH as f64;
            assert!((mean - 3.0).abs() < 1e-12 && (variance.sqrt() - 2.0).abs() < 1e-3);
        }
    }
}
