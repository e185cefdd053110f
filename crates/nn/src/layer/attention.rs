//! Multi-head attention of a set of rows to itself (Vaswani et al. 2017), after the projections.
//!
//! ```text
//! A = softmax(Q Kᵀ/√s)        out = A V        per head of size s
//! ```
//! The weights A are not kept: the backward pass makes them again from Q, K and one number a row and head.

use crate::buffer::lend;
use crate::matmul::{Matrix, Packed, add_product};
use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;
use rayon::prelude::*;
use std::borrow::Cow;

/// Which weights are dropped: `keep(head, row, column)` is 0 or 1/(1 − rate).
pub type Keep<'a, R> = Option<&'a (dyn Fn(usize, usize, usize) -> R + Sync)>;

/// Sizes of one set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set {
    /// Rows n.
    pub rows: usize,
    /// Features d, a multiple of the heads.
    pub width: usize,
    /// Heads.
    pub heads: usize,
}

impl Set {
    /// Features of a head, s.
    fn size(self) -> usize {
        self.width / self.heads
    }

    /// Q (0), K (1) or V (2) of one head in `projected` \[n\]\[3d\].
    fn share<R>(self, projected: &[R], which: usize, head: usize) -> Matrix<'_, R> {
        Matrix {
            values: &projected[which * self.width + head * self.size()..],
            rows: self.rows,
            columns: self.size(),
            row_stride: 3 * self.width,
            column_stride: 1,
        }
    }

    /// Q/√s of one head, \[n\]\[s\].
    fn scaled_queries<R: Real>(self, projected: &[R], head: usize) -> Vec<R> {
        let scale = R::of(1.0 / (self.size() as f64).sqrt());
        let rows = self.columns(3 * self.width, head * self.size());
        rows.flat_map(|place| projected[place].iter().map(move |&q| q * scale))
            .collect()
    }

    /// Where one head's features lie in rows of `stride` values that begin with `from` others.
    fn columns(self, stride: usize, from: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
        let size = self.size();
        (0..self.rows).map(move |row| row * stride + from..row * stride + from + size)
    }
}

/// `out` \[n\]\[d\] from `projected` \[n\]\[3d\], the queries, keys and values of each row side by side; keeps the
/// logarithm of each row's sum, `log_sums` \[heads\]\[n\], for [`backward`].
///
/// A set without rows is left alone. Heads are shared out to threads.
pub fn forward<R: Real>(set: Set, projected: &[R], keep: Keep<'_, R>, out: &mut [R], log_sums: &mut [R]) {
    if set.rows == 0 {
        return;
    }
    let heads: Vec<Vec<R>> = log_sums
        .par_chunks_mut(set.rows)
        .enumerate()
        .map(|(head, log_sums)| one_head(set, projected, keep, head, log_sums))
        .collect();
    for (head, one) in heads.iter().enumerate() {
        for (place, row) in set
            .columns(set.width, head * set.size())
            .zip(one.chunks_exact(set.size()))
        {
            out[place].copy_from_slice(row);
        }
    }
}

/// Rows whose weights are made at a time: they stay in the second-level cache.
const ROWS: usize = 64;

/// Weights times values of one head, \[n\]\[s\].
fn one_head<R: Real>(
    set: Set,
    projected: &[R],
    keep: Keep<'_, R>,
    head: usize,
    log_sums: &mut [R],
) -> Vec<R> {
    let (n, size) = (set.rows, set.size());
    let (keys, values) = (
        Packed::new(set.share(projected, 1, head).transposed()),
        Packed::new(set.share(projected, 2, head)),
    );
    let queries = set.scaled_queries(projected, head);
    let (zeros, mut out) = (vec![R::ZERO; n.max(size)], vec![R::ZERO; n * size]);
    lend(ROWS.min(n) * n, |weights| {
        let blocks = out.chunks_mut(ROWS * size).zip(queries.chunks(ROWS * size));
        for (block, ((out, queries), log_sums)) in blocks.zip(log_sums.chunks_mut(ROWS)).enumerate() {
            let weights = &mut weights[..log_sums.len() * n];
            keys.product(Matrix::new(queries, size), &zeros[..n], weights);
            to_weights(n, weights, log_sums);
            drop_some(n, block * ROWS, head, keep, weights);
            values.product(Matrix::new(weights, n), &zeros[..size], out);
        }
    });
    out
}

/// Sums and maxima that are kept side by side over a row.
const SIDE_BY_SIDE: usize = 16;

/// Q Kᵀ/√s of one head, \[n\]\[n\].
fn scores<R: Real>(set: Set, projected: &[R], head: usize) -> Vec<R> {
    let mut scores = vec![R::ZERO; set.rows * set.rows];
    add_product(
        Matrix::new(&set.scaled_queries(projected, head), set.size()),
        set.share(projected, 1, head).transposed(),
        &mut scores,
    );
    scores
}

vectorised! {
    /// Each row of `weights` \[n\]\[n\] from scores to probabilities; the logarithm of the sum into `log_sums`.
    fn to_weights<F>[R: Real][R](n: usize, weights: &mut [R], log_sums: &mut [R]) {
        for (row, log_sum) in weights.chunks_exact_mut(n).zip(log_sums) {
            // Several maxima and sums side by side: one after the other each would wait for the one before.
            let mut largest = [row[0]; SIDE_BY_SIDE];
            let (chunks, rest) = row.as_chunks::<SIDE_BY_SIDE>();
            for chunk in chunks {
                for (largest, &score) in largest.iter_mut().zip(chunk) {
                    *largest = largest.larger(score);
                }
            }
            let largest = largest.iter().chain(rest).fold(row[0], |largest, &score| largest.larger(score));
            let mut sums = [R::ZERO; SIDE_BY_SIDE];
            let (chunks, rest) = row.as_chunks_mut::<SIDE_BY_SIDE>();
            for chunk in chunks {
                for (sum, weight) in sums.iter_mut().zip(chunk) {
                    *weight = (*weight - largest).exp::<F>();
                    *sum += *weight;
                }
            }
            for (sum, weight) in sums.iter_mut().zip(rest) {
                *weight = (*weight - largest).exp::<F>();
                *sum += *weight;
            }
            let sum: R = sums.iter().copied().sum();
            let each = R::ONE / sum;
            for weight in row.iter_mut() {
                *weight *= each;
            }
            *log_sum = largest + sum.ln();
        }
    }
}

vectorised! {
    /// The same probabilities again, from scores and kept logarithms.
    fn weights_again<F>[R: Real][R](n: usize, weights: &mut [R], log_sums: &[R]) {
        for (row, &log_sum) in weights.chunks_exact_mut(n).zip(log_sums) {
            for weight in row.iter_mut() {
                *weight = (*weight - log_sum).exp::<F>();
            }
        }
    }
}

vectorised! {
    /// Gradients of scores from those of probabilities, in their place: w (δ − Σ w δ)/√s.
    fn through_weights<F>[R: Real][R](n: usize, scale: R, weights: &[R], dscores: &mut [R]) {
        for (weights, dscores) in weights.chunks_exact(n).zip(dscores.chunks_exact_mut(n)) {
            let mut sums = [R::ZERO; SIDE_BY_SIDE];
            let (w, w_rest) = weights.as_chunks::<SIDE_BY_SIDE>();
            let (d, d_rest) = dscores.as_chunks::<SIDE_BY_SIDE>();
            for (w, d) in w.iter().zip(d) {
                for ((sum, &w), &d) in sums.iter_mut().zip(w).zip(d) {
                    *sum += w * d;
                }
            }
            for ((sum, &w), &d) in sums.iter_mut().zip(w_rest).zip(d_rest) {
                *sum += w * d;
            }
            let along: R = sums.iter().copied().sum();
            for (d, &w) in dscores.iter_mut().zip(weights) {
                *d = w * (*d - along) * scale;
            }
        }
    }
}

/// Rows of `n` weights, the first of which is the row `first` of the set.
fn drop_some<R: Real>(n: usize, first: usize, head: usize, keep: Keep<'_, R>, weights: &mut [R]) {
    if let Some(keep) = keep {
        for (row, weights) in (first..).zip(weights.chunks_exact_mut(n)) {
            for (column, weight) in weights.iter_mut().enumerate() {
                *weight *= keep(head, row, column);
            }
        }
    }
}

/// Adds to `dprojected` \[n\]\[3d\]; `projected`, `keep` and `log_sums` as in [`forward`], `dout` \[n\]\[d\].
pub fn backward<R: Real>(
    set: Set,
    projected: &[R],
    keep: Keep<'_, R>,
    log_sums: &[R],
    dout: &[R],
    dprojected: &mut [R],
) {
    if set.rows == 0 {
        return;
    }
    let heads: Vec<[Vec<R>; 3]> = log_sums
        .par_chunks(set.rows)
        .enumerate()
        .map(|(head, log_sums)| one_head_backward(set, projected, keep, head, log_sums, dout))
        .collect();
    for (head, parts) in heads.iter().enumerate() {
        for (which, part) in parts.iter().enumerate() {
            let places = set.columns(3 * set.width, which * set.width + head * set.size());
            for (place, row) in places.zip(part.chunks_exact(set.size())) {
                dprojected[place]
                    .iter_mut()
                    .zip(row)
                    .for_each(|(sum, &d)| *sum += d);
            }
        }
    }
}

/// δQ, δK and δV of one head, each \[n\]\[s\].
fn one_head_backward<R: Real>(
    set: Set,
    projected: &[R],
    keep: Keep<'_, R>,
    head: usize,
    log_sums: &[R],
    dout: &[R],
) -> [Vec<R>; 3] {
    let (n, size) = (set.rows, set.size());
    let mut weights = scores(set, projected, head);
    weights_again(n, &mut weights, log_sums);
    let mut kept = Cow::Borrowed(&weights);
    if keep.is_some() {
        drop_some(n, 0, head, keep, kept.to_mut());
    }
    let dout = Matrix {
        values: &dout[head * size..],
        rows: n,
        columns: size,
        row_stride: set.width,
        column_stride: 1,
    };
    let empty = || vec![R::ZERO; n * size];
    let (mut dq, mut dk, mut dv) = (empty(), empty(), empty());
    add_product(Matrix::new(&kept, n).transposed(), dout, &mut dv);
    let mut dscores = vec![R::ZERO; n * n];
    add_product(dout, set.share(projected, 2, head).transposed(), &mut dscores);
    drop_some(n, 0, head, keep, &mut dscores);
    let scale = R::of(1.0 / (size as f64).sqrt());
    through_weights(n, scale, &weights, &mut dscores);
    let dscores = Matrix::new(&dscores, n);
    add_product(dscores, set.share(projected, 1, head), &mut dq);
    add_product(dscores.transposed(), set.share(projected, 0, head), &mut dk);
    [dq, dk, dv]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::worst_difference;
    use neuropil_math::rng::{Key, Purpose};
    use proptest::prelude::*;
    use rand::RngExt;

    fn numbers(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = Key::new(seed).stream(Purpose::Test, 0);
        (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    fn textbook(set: Set, projected: &[f64]) -> Vec<f64> {
        let (n, d, s) = (set.rows, set.width, set.size());
        let at = |row: usize, which: usize, head: usize, i: usize| {
            projected[row * 3 * d + which * d + head * s + i]
        };
        let mut out = vec![0.0; n * d];
        for head in 0..set.heads {
            for row in 0..n {
                let score = |column: usize| {
                    (0..s)
                        .map(|i| at(row, 0, head, i) * at(column, 1, head, i))
                        .sum::<f64>()
                        / (s as f64).sqrt()
                };
                let total: f64 = (0..n).map(|column| score(column).exp()).sum();
                for i in 0..s {
                    out[row * d + head * s + i] = (0..n)
                        .map(|column| score(column).exp() / total * at(column, 2, head, i))
                        .sum();
                }
            }
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn agrees_with_the_textbook_and_with_differences(
            rows in 1_usize..8, heads in 1_usize..4, size in 1_usize..5, dropping in any::<bool>(), seed in 0_u64..99,
        ) {
            let set = Set { rows, width: heads * size, heads };
            let projected = numbers(rows * 3 * set.width, seed);
            let keep = |head: usize, row: usize, column: usize| if (head + 2 * row + column).is_multiple_of(4) { 0.0 } else { 1.25 };
            let keep: Keep<'_, f64> = if dropping { Some(&keep) } else { None };
            let run = |projected: &[f64]| {
                let (mut out, mut log_sums) = (vec![9.0; rows * set.width], vec![0.0; heads * rows]);
                forward(set, projected, keep, &mut out, &mut log_sums);
                (out, log_sums)
            };
            let (out, log_sums) = run(&projected);
            if !dropping {
                for (found, exact) in out.iter().zip(textbook(set, &projected)) {
                    prop_assert!((found - exact).abs() < 1e-12);
                }
            }
            let weights = numbers(out.len(), seed + 1);
            let mut gradient = vec![0.0; projected.len()];
            backward(set, &projected, keep, &log_sums, &weights, &mut gradient);
            let loss = |at: &[f64]| run(at).0.iter().zip(&weights).map(|(y, w)| y * w).sum::<f64>();
            prop_assert!(worst_difference(loss, &projected, &gradient) < 1e-6);
        }
    }

    #[test]
    fn rows_of_several_blocks_attend_to_all_rows() {
        let set = Set {
            rows: 2 * ROWS + 3,
            width: 6,
            heads: 2,
        };
        let projected = numbers(set.rows * 3 * set.width, 1);
        let (mut out, mut log_sums) = (vec![0.0; set.rows * 6], vec![0.0; set.rows * 2]);
        forward(set, &projected, None, &mut out, &mut log_sums);
        let expected = textbook(set, &projected);
        assert!(
            out.iter()
                .zip(expected)
                .all(|(found, exact)| (found - exact).abs() < 1e-12)
        );
        // Every other weight is dropped: the same by the place of each in the whole set.
        let keep =
            |_: usize, row: usize, column: usize| f64::from(u8::from((row + column).is_multiple_of(2)));
        let mut halved = vec![0.0; out.len()];
        forward(set, &projected, Some(&keep), &mut halved, &mut log_sums);
        let mut other = vec![0.0; out.len()];
        let rest = |head: usize, row: usize, column: usize| 1.0 - keep(head, row, column);
        forward(set, &projected, Some(&rest), &mut other, &mut log_sums);
        assert!((0..out.len()).all(|i| (halved[i] + other[i] - out[i]).abs() < 1e-12));
    }
}
