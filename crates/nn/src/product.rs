//! Weighted sums over presynaptic rows: `out += W·src`, `dsrc += Wᵀ·dz`, and the gradient of W.
//!
//! `src`, `dz`, `out` are blocks of `[row][lane]`: a lane is a trial, lanes are contiguous. A [`Product`] is
//! dense or, when its mask leaves few entries, sparse; both give the same sums.

mod dense;
mod sparse;

use crate::buffer::Buffer;
use neuropil_math::real::Real;
use rayon::prelude::*;
use sparse::Pattern;

/// Steps that the gradient of weights takes at a time: what they leave stays in the second-level cache.
pub const WINDOW: usize = 32;
const _: () = assert!(WINDOW.is_multiple_of(sparse::CHUNK));

/// A mask with a smaller fraction of entries than this runs on the sparse kernels.
///
/// Measured with `neuropil bench kernels`: one sparse entry costs about twice a dense one.
pub const SPARSE_BELOW: f64 = 0.5;

/// A weight matrix from `columns` presynaptic rows to `rows` postsynaptic ones.
///
/// Only the first `recurrent` columns send a gradient back; the others are inputs.
#[derive(Debug)]
pub struct Product<R> {
    rows: usize,
    columns: usize,
    recurrent: usize,
    /// May the entry (row, column) be other than 0? Row-major; `None`: all may.
    mask: Option<Vec<bool>>,
    form: Form<R>,
}

#[derive(Debug)]
enum Form<R> {
    Dense {
        forward: dense::Packed<R>,
        backward: dense::Packed<R>,
    },
    Sparse {
        forward: (Pattern, Buffer<R>),
        backward: (Pattern, Buffer<R>),
    },
}

/// Gradient of a [`Product`]'s weights while it is being added up, and the rows it is added up from.
#[derive(Debug)]
pub struct Gradient<R> {
    sum: Buffer<R>,
    /// Rows of the last [`WINDOW`] steps, in the order the kernel wants them.
    src: Buffer<R>,
}

impl<R: Real> Product<R> {
    /// A product of zeros; `mask(row, column)` says which entries exist.
    pub fn new(rows: usize, columns: usize, recurrent: usize, mask: impl Fn(usize, usize) -> bool) -> Self {
        let entries: Vec<Vec<u32>> = (0..rows)
            .map(|r| (0..columns).filter(|&c| mask(r, c)).map(|c| c as u32).collect())
            .collect();
        let present: usize = entries.iter().map(Vec::len).sum();
        let recurrent_present = entries
            .iter()
            .flatten()
            .filter(|&&column| (column as usize) < recurrent)
            .count();
        // Inputs are dense even where recurrent connections are not: what decides is the recurrent part.
        let sparse = (recurrent_present as f64) < SPARSE_BELOW * (rows * recurrent) as f64;
        let form = if sparse {
            let backward: Vec<Vec<u32>> = (0..recurrent)
                .map(|c| {
                    (0..rows)
                        .filter(|&r| entries[r].binary_search(&(c as u32)).is_ok())
                        .map(|r| r as u32)
                        .collect()
                })
                .collect();
            let (forward, backward) = (Pattern::new(columns, &entries), Pattern::new(rows, &backward));
            let weights = (Buffer::zeros(forward.slots()), Buffer::zeros(backward.slots()));
            Form::Sparse {
                forward: (forward, weights.0),
                backward: (backward, weights.1),
            }
        } else {
            Form::Dense {
                forward: dense::Packed::zeros(rows, columns),
                backward: dense::Packed::zeros(recurrent, rows),
            }
        };
        let mask = (present < rows * columns).then(|| {
            (0..rows * columns)
                .map(|i| mask(i / columns, i % columns))
                .collect()
        });
        Self {
            rows,
            columns,
            recurrent,
            mask,
            form,
        }
    }

    /// Takes new weights, `weight(row, column)`; entries that the mask leaves out count as 0.
    pub fn pack(&mut self, weight: impl Fn(usize, usize) -> R) {
        let (mask, columns) = (&self.mask, self.columns);
        let masked = |r: usize, c: usize| {
            if mask.as_ref().is_none_or(|mask| mask[r * columns + c]) {
                weight(r, c)
            } else {
                R::ZERO
            }
        };
        match &mut self.form {
            Form::Dense { forward, backward } => {
                forward.pack(masked);
                backward.pack(|c, r| masked(r, c));
            }
            Form::Sparse {
                forward: (pattern, weights),
                backward: (transposed, transposed_weights),
            } => {
                for (slot, r, c) in pattern.entries() {
                    weights[slot] = weight(r, c);
                }
                for (slot, c, r) in transposed.entries() {
                    transposed_weights[slot] = weight(r, c);
                }
            }
        }
    }

    /// Whether [`Product::project`] adds the input columns ahead of the recurrent ones (dense), or
    /// [`Product::recur`] takes them along (sparse: so few that going over the rows twice would cost more).
    pub fn projects(&self) -> bool {
        matches!(self.form, Form::Dense { .. })
    }

    /// `out` \[rows\]\[L\] += W · `inputs` \[columns − recurrent\]\[L\], over the input columns, if they are added
    /// ahead.
    pub fn project<const L: usize>(&self, inputs: &[R], out: &mut [R]) {
        if let Form::Dense { forward, .. } = &self.form {
            forward.multiply_add::<L>(self.recurrent..self.columns, inputs, out);
        }
    }

    /// `out` \[rows\]\[L\] += W · `src` \[columns\]\[L\], over the columns that [`Product::project`] leaves.
    pub fn recur<const L: usize>(&self, src: &[R], out: &mut [R]) {
        match &self.form {
            Form::Dense { forward, .. } => forward.multiply_add::<L>(0..self.recurrent, src, out),
            Form::Sparse {
                forward: (pattern, weights),
                ..
            } => pattern.multiply_add::<R, L>(weights, src, out),
        }
    }

    /// `dsrc` \[recurrent\]\[L\] += Wᵀ · `dz` \[rows\]\[L\].
    pub fn backward<const L: usize>(&self, dz: &[R], dsrc: &mut [R]) {
        match &self.form {
            Form::Dense { backward, .. } => backward.multiply_add::<L>(0..self.rows, dz, dsrc),
            Form::Sparse {
                backward: (pattern, weights),
                ..
            } => pattern.multiply_add::<R, L>(weights, dz, dsrc),
        }
    }

    /// Padded number of columns of a dense gradient.
    fn padded(&self) -> usize {
        self.columns.next_multiple_of(dense::TILE)
    }

    /// A gradient of zeros for blocks of `L` lanes.
    pub fn gradient<const L: usize>(&self) -> Gradient<R> {
        match &self.form {
            Form::Dense { .. } => Gradient {
                sum: Buffer::zeros(self.rows * self.padded()),
                src: Buffer::zeros(WINDOW * L * self.padded()),
            },
            Form::Sparse {
                forward: (pattern, _),
                ..
            } => Gradient {
                sum: Buffer::zeros(pattern.slots() * L),
                src: Buffer::zeros(WINDOW * self.columns * L),
            },
        }
    }

    /// Adds Σ `dz`·`src`ᵀ over the steps of a window to the gradient, on all threads of the pool.
    ///
    /// - `dz`: \[WINDOW\]\[rows\]\[L\]; steps beyond `live.len()` must be 0
    /// - `recurrent`: \[WINDOW\]\[recurrent\]\[L\], the first rows of `src`
    /// - `inputs(step)`: \[columns − recurrent\]\[L\], its other rows
    /// - `live`: per step, how many leading lanes have `dz` other than 0
    pub fn accumulate<'a, const L: usize>(
        &self,
        gradient: &mut Gradient<R>,
        dz: &[R],
        recurrent: &[R],
        inputs: impl Fn(usize) -> &'a [R] + Sync,
        live: &[usize],
    ) where
        R: 'a,
    {
        let Gradient { sum, src } = gradient;
        let (split, padded) = (self.recurrent * L, self.padded());
        match &self.form {
            Form::Dense { .. } => {
                let steps = src
                    .par_chunks_mut(L * padded)
                    .zip(recurrent.par_chunks(split.max(1)));
                steps
                    .take(live.len())
                    .enumerate()
                    .for_each(|(step, (src, rows))| {
                        dense::transpose::<R, L>(rows, 0, padded, src);
                        dense::transpose::<R, L>(inputs(step), self.recurrent, padded, src);
                    });
                let (src, rows) = (&src[..], self.rows);
                sum.par_chunks_mut(dense::SHARE * padded)
                    .enumerate()
                    .for_each(|(share, sum)| {
                        dense::accumulate::<R, L>(dz, rows, share * dense::SHARE, src, padded, live, sum);
                    });
            }
            Form::Sparse {
                forward: (pattern, _),
                ..
            } => {
                let width = self.columns * L;
                for (step, src) in src.chunks_exact_mut(width).take(live.len()).enumerate() {
                    let (rows, others) = src.split_at_mut(split);
                    rows.copy_from_slice(&recurrent[step * split..][..split]);
                    others.copy_from_slice(inputs(step));
                }
                pattern.accumulate::<R, L>(dz, src, live.len(), sum);
            }
        }
    }

    /// Hands every entry of the gradient to `add(row, column, value)` and clears it.
    pub fn collect<const L: usize>(&self, gradient: &mut Gradient<R>, mut add: impl FnMut(usize, usize, R)) {
        match &self.form {
            Form::Dense { .. } => {
                for (r, row) in gradient.sum.chunks_exact(self.padded()).enumerate() {
                    for (c, &value) in row[..self.columns].iter().enumerate() {
                        if self.mask.as_ref().is_none_or(|mask| mask[r * self.columns + c]) {
                            add(r, c, value);
                        }
                    }
                }
            }
            Form::Sparse {
                forward: (pattern, _),
                ..
            } => {
                for (slot, r, c) in pattern.entries() {
                    add(r, c, gradient.sum[slot * L..][..L].iter().copied().sum());
                }
            }
        }
        gradient.sum.fill(R::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};
    use proptest::prelude::*;
    use rand::RngExt;

    const LANES: usize = 8;

    struct Case {
        rows: usize,
        columns: usize,
        recurrent: usize,
        weights: Vec<f64>,
        mask: Vec<bool>,
        src: Vec<f64>,
        dz: Vec<f64>,
        steps: usize,
    }

    fn case(rows: usize, columns: usize, recurrent: usize, density: f64, steps: usize, seed: u64) -> Case {
        let mut rng = Key::new(seed).stream(Purpose::Test, 0);
        let mut numbers = |n: usize| -> Vec<f64> { (0..n).map(|_| rng.random_range(-1.0..1.0)).collect() };
        let (weights, src) = (numbers(rows * columns), numbers(WINDOW * columns * LANES));
        let mut dz = numbers(WINDOW * rows * LANES);
        dz[steps * rows * LANES..].fill(0.0);
        let chance = numbers(rows * columns);
        let mask = chance.iter().map(|&p| f64::midpoint(p, 1.0) <= density).collect();
        Case {
            rows,
            columns,
            recurrent,
            weights,
            mask,
            src,
            dz,
            steps,
        }
    }

    fn weight(case: &Case, r: usize, c: usize) -> f64 {
        if case.mask[r * case.columns + c] {
            case.weights[r * case.columns + c]
        } else {
            0.0
        }
    }

    fn check(case: &Case) {
        let mut product = Product::<f64>::new(case.rows, case.columns, case.recurrent, |r, c| {
            case.mask[r * case.columns + c]
        });
        product.pack(|r, c| case.weights[r * case.columns + c]);

        let mut out = vec![0.25; case.rows * LANES];
        product.project::<LANES>(&case.src[case.recurrent * LANES..case.columns * LANES], &mut out);
        product.recur::<LANES>(&case.src[..case.columns * LANES], &mut out);
        let mut dsrc = vec![-0.5; case.recurrent * LANES];
        product.backward::<LANES>(&case.dz, &mut dsrc);
        for l in 0..LANES {
            for r in 0..case.rows {
                let exact: f64 = (0..case.columns)
                    .map(|c| weight(case, r, c) * case.src[c * LANES + l])
                    .sum();
                assert!((out[r * LANES + l] - 0.25 - exact).abs() < 1e-12);
            }
            for c in 0..case.recurrent {
                let exact: f64 = (0..case.rows)
                    .map(|r| weight(case, r, c) * case.dz[r * LANES + l])
                    .sum();
                assert!((dsrc[c * LANES + l] + 0.5 - exact).abs() < 1e-12);
            }
        }

        let mut gradient = product.gradient::<LANES>();
        let rows = |step: usize, from: usize, to: usize| {
            &case.src[(step * case.columns + from) * LANES..(step * case.columns + to) * LANES]
        };
        let recurrent: Vec<f64> = (0..WINDOW)
            .flat_map(|step| rows(step, 0, case.recurrent).to_vec())
            .collect();
        product.accumulate::<LANES>(
            &mut gradient,
            &case.dz,
            &recurrent,
            |step| rows(step, case.recurrent, case.columns),
            &vec![LANES; case.steps],
        );
        let mut found = vec![0.0; case.rows * case.columns];
        product.collect::<LANES>(&mut gradient, |r, c, value| found[r * case.columns + c] += value);
        for r in 0..case.rows {
            for c in 0..case.columns {
                let mut exact = 0.0;
                for t in 0..case.steps {
                    for l in 0..LANES {
                        exact += case.dz[(t * case.rows + r) * LANES + l]
                            * case.src[(t * case.columns + c) * LANES + l];
                    }
                }
                let exact = if case.mask[r * case.columns + c] {
                    exact
                } else {
                    0.0
                };
                assert!((found[r * case.columns + c] - exact).abs() < 1e-11);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn dense_and_sparse_products_match_the_textbook_sums(
            rows in 1_usize..37, columns in 1_usize..41, part in 0.0_f64..=1.0, density in 0.0_f64..=1.3,
            steps in 1_usize..=WINDOW, seed in 0_u64..1000,
        ) {
            let recurrent = ((columns as f64 * part) as usize).max(1);
            check(&case(rows, columns, recurrent, density, steps, seed));
        }
    }
}
