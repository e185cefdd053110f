//! Gradients of a convolution where most of the gradient of the output is 0: one entry at a time.
//!
//! Behind a maximum over windows of 26 positions one entry in 26 is left. Each adds a multiple of one window of the input to
//! the weights of its output, and a multiple of these weights to the window.

use super::Window;
use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;

/// A smaller part of the entries than one in so many counts as few; measured, the price of an entry among few is about that
/// of five in a product.
const FEW: usize = 12;
/// Outputs whose weights are turned at a time.
const SIDE_BY_SIDE: usize = 16;

/// Entries other than 0 of each output, with their positions; `None` if there are many.
pub(super) fn entries<R: Real>(dy: &[R], outputs: usize) -> Option<Vec<Vec<(usize, R)>>> {
    let most = dy.len() / FEW;
    let mut entries = vec![Vec::new(); outputs];
    let mut found = 0;
    for (p, row) in dy.chunks_exact(outputs).enumerate() {
        for (entries, &d) in entries.iter_mut().zip(row) {
            if d != R::ZERO {
                entries.push((p, d));
                found += 1;
            }
        }
        if found > most {
            return None;
        }
    }
    Some(entries)
}

/// Adds to `dx` and `dw` as [`super::backward`] does.
pub(super) fn backward<R: Real>(
    window: Window,
    x: &[R],
    w: &[R],
    entries: &[Vec<(usize, R)>],
    mut dx: Option<&mut [R]>,
    dw: &mut [R],
) {
    let outputs = entries.len();
    let span = w.len() / outputs;
    let step = window.stride * (span / window.width);
    let mut turned = vec![R::ZERO; SIDE_BY_SIDE * span];
    let mut sums = vec![R::ZERO; SIDE_BY_SIDE * span];
    for (block, entries) in entries.chunks(SIDE_BY_SIDE).enumerate() {
        let columns = block * SIDE_BY_SIDE..block * SIDE_BY_SIDE + entries.len();
        sums.fill(R::ZERO);
        for (sum, entries) in sums.chunks_exact_mut(span).zip(entries) {
            for &(p, d) in entries {
                add_scaled(d, &x[p * step..][..span], sum);
            }
        }
        for (k, row) in dw.chunks_exact_mut(outputs).enumerate() {
            for (i, dw) in row[columns.clone()].iter_mut().enumerate() {
                *dw += sums[i * span + k];
            }
        }
        let Some(dx) = dx.as_deref_mut() else {
            continue;
        };
        for (k, row) in w.chunks_exact(outputs).enumerate() {
            for (i, &w) in row[columns.clone()].iter().enumerate() {
                turned[i * span + k] = w;
            }
        }
        for (weights, entries) in turned.chunks_exact(span).zip(entries) {
            for &(p, d) in entries {
                add_scaled(d, weights, &mut dx[p * step..][..span]);
            }
        }
    }
}

vectorised! {
    /// `sum` += `factor` · `x`.
    fn add_scaled<F>[R: Real][R](factor: R, x: &[R], sum: &mut [R]) {
        for (sum, &x) in sum.iter_mut().zip(x) {
            *sum = R::fma::<F>(factor, x, *sum);
        }
    }
}
