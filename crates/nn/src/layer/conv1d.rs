//! Convolution along one axis, y_p = b + Σ_k x_{p·stride + k} W_k, without padding.
//!
//! Positions are rows and channels lie side by side, so that a window is one stretch of memory and the convolution one
//! product, whose left operand is the input seen through overlapping rows: nothing is copied. The gradient of the input
//! is the same product with the gradient of the output, zeros before, between and behind it, and the weights turned
//! round.
//!
//! ```text
//! δW_k = Σ_p x_{p·stride + k}ᵀ δy_p        δx_q = Σ_k δy_{(q − k)/stride} W_kᵀ        δb = Σ_p δy_p
//! ```

mod few;

use crate::matmul::{Matrix, add_product};
use crate::params::Layout;
use neuropil_math::real::Real;
use std::ops::Range;

/// Width and stride of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Positions that one output sees.
    pub width: usize,
    /// Positions between neighbouring outputs.
    pub stride: usize,
}

impl Window {
    /// Outputs that fit into `positions`.
    ///
    /// ```
    /// use neuropil_nn::layer::conv1d::Window;
    /// assert_eq!(Window { width: 7, stride: 1 }.outputs(500), 494);
    /// assert_eq!(Window { width: 7, stride: 4 }.outputs(500), 124);
    /// ```
    pub fn outputs(self, positions: usize) -> usize {
        if positions < self.width {
            0
        } else {
            (positions - self.width) / self.stride + 1
        }
    }

    /// Outputs that see any of the positions `changed`, of `outputs` in all.
    ///
    /// ```
    /// use neuropil_nn::layer::conv1d::Window;
    /// assert_eq!(Window { width: 7, stride: 1 }.touched(100..101, 494), 94..101);
    /// assert_eq!(Window { width: 7, stride: 4 }.touched(0..1, 124), 0..1);
    /// ```
    pub fn touched(self, changed: Range<usize>, outputs: usize) -> Range<usize> {
        if changed.is_empty() {
            return 0..0;
        }
        let end = changed.end.div_ceil(self.stride).min(outputs);
        let begin = (changed.start + 1)
            .saturating_sub(self.width)
            .div_ceil(self.stride);
        begin.min(end)..end
    }

    /// The input of one example as overlapping rows: \[outputs\]\[width · channels\].
    fn view<R>(self, x: &[R], channels: usize) -> Matrix<'_, R> {
        Matrix {
            values: x,
            rows: self.outputs(x.len() / channels),
            columns: self.width * channels,
            row_stride: self.stride * channels,
            column_stride: 1,
        }
    }
}

/// Layout of the parameters: `w` \[width\]\[inputs\]\[outputs\], `b` \[outputs\].
pub fn layout(window: Window, n_inputs: usize, n_outputs: usize) -> Layout {
    Layout::new(&[("w", &[window.width, n_inputs, n_outputs]), ("b", &[n_outputs])])
}

/// `y` \[position\]\[outputs\] of one example from `x` \[position\]\[inputs\], `w` \[width\]\[inputs\]\[outputs\] and
/// `b` \[outputs\].
pub fn forward<R: Real>(window: Window, x: &[R], w: &[R], b: &[R], y: &mut [R]) {
    let channels = w.len() / window.width / b.len();
    for y in y.chunks_exact_mut(b.len()) {
        y.copy_from_slice(b);
    }
    add_product(window.view(x, channels), Matrix::new(w, b.len()), y);
}

/// Adds to `dx` \[position\]\[inputs\], `dw` \[width\]\[inputs\]\[outputs\] and `db` \[outputs\] of one example; `x` and
/// `w` as in [`forward`], `dy` \[position\]\[outputs\].
///
/// Where few entries of `dy` are other than 0, as behind a maximum over windows, only those are gone through.
pub fn backward<R: Real>(
    window: Window,
    x: &[R],
    w: &[R],
    dy: &[R],
    dx: Option<&mut [R]>,
    dw: &mut [R],
    db: &mut [R],
) {
    let outputs = db.len();
    let channels = w.len() / window.width / outputs;
    for row in dy.chunks_exact(outputs) {
        for (db, &d) in db.iter_mut().zip(row) {
            *db += d;
        }
    }
    if let Some(entries) = few::entries(dy, outputs) {
        return few::backward(window, x, w, &entries, dx, dw);
    }
    add_product(
        window.view(x, channels).transposed(),
        Matrix::new(dy, outputs),
        dw,
    );
    if let Some(dx) = dx {
        backward_input(window, w, outputs, dy, dx);
    }
}

/// Adds the gradient of the input alone to `dx` \[position\]\[inputs\]; `w` and `dy` as in [`backward`], `outputs` of one
/// position.
pub fn backward_input<R: Real>(window: Window, w: &[R], outputs: usize, dy: &[R], dx: &mut [R]) {
    let channels = w.len() / window.width / outputs;
    // dy spread out by the stride, width − 1 rows of zeros before and enough behind.
    let positions = dx.len() / channels;
    let before = window.width - 1;
    let mut spread = vec![R::ZERO; (positions + before) * outputs];
    for (p, row) in dy.chunks_exact(outputs).enumerate() {
        let at = (before + p * window.stride) * outputs;
        spread[at..at + outputs].copy_from_slice(row);
    }
    // The weights turned round: [width − 1 − k][outputs][inputs].
    let mut turned = vec![R::ZERO; w.len()];
    for (k, tap) in w.chunks_exact(channels * outputs).enumerate() {
        let out = &mut turned[(before - k) * channels * outputs..][..channels * outputs];
        for (i, row) in tap.chunks_exact(outputs).enumerate() {
            for (o, &value) in row.iter().enumerate() {
                out[o * channels + i] = value;
            }
        }
    }
    let every = Window { stride: 1, ..window };
    add_product(every.view(&spread, outputs), Matrix::new(&turned, channels), dx);
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

    fn naive(window: Window, x: &[f64], w: &[f64], b: &[f64]) -> Vec<f64> {
        let outputs = b.len();
        let inputs = w.len() / window.width / outputs;
        let mut y = Vec::new();
        for p in 0..window.outputs(x.len() / inputs) {
            for o in 0..outputs {
                let mut sum = b[o];
                for k in 0..window.width {
                    for i in 0..inputs {
                        sum += x[(p * window.stride + k) * inputs + i] * w[(k * inputs + i) * outputs + o];
                    }
                }
                y.push(sum);
            }
        }
        y
    }

    proptest! {
        #[test]
        fn outputs_are_touched_by_the_positions_they_see(
            width in 1_usize..6, stride in 1_usize..8, more in 0_usize..20, at in 0_usize..20, length in 1_usize..4,
        ) {
            let window = Window { width, stride };
            let positions = width + more;
            let changed = at.min(positions - 1)..(at + length).min(positions);
            prop_assume!(!changed.is_empty());
            let outputs = window.outputs(positions);
            let sees = |p: &usize| p * stride < changed.end && p * stride + width > changed.start;
            let expected: Vec<usize> = (0..outputs).filter(sees).collect();
            prop_assert_eq!(window.touched(changed, outputs).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn few_gradients_are_gone_through_one_by_one_to_the_same_sums() {
        let window = Window { width: 5, stride: 2 };
        let (inputs, outputs, positions) = (6, 21, 83);
        let x = numbers(positions * inputs, 1);
        let w = numbers(window.width * inputs * outputs, 2);
        let mut dy = vec![0.0; window.outputs(positions) * outputs];
        for i in (0..dy.len()).step_by(37) {
            dy[i] = numbers(dy.len(), 3)[i];
        }
        assert!(few::entries(&dy, outputs).is_some());
        let run = |dy: &[f64]| {
            let (mut dx, mut dw, mut db) = (vec![0.5; x.len()], vec![0.5; w.len()], vec![0.0; outputs]);
            backward(window, &x, &w, dy, Some(&mut dx), &mut dw, &mut db);
            [dx, dw, db].concat()
        };
        // Of a dense gradient and of the same without the few the sums are made by products.
        let others = numbers(dy.len(), 4);
        let all: Vec<f64> = others.iter().zip(&dy).map(|(o, d)| o + d).collect();
        let (found, whole, rest) = (run(&dy), run(&all), run(&others));
        let offsets = run(&vec![0.0; dy.len()]);
        for i in 0..found.len() {
            assert!(
                (found[i] - offsets[i] - (whole[i] - rest[i])).abs() < 1e-12,
                "{i}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn agrees_with_the_textbook_and_with_differences(
            width in 1_usize..6, stride in 1_usize..4, inputs in 1_usize..5, outputs in 1_usize..6, more in 0_usize..9, seed in 0_u64..99,
        ) {
            let window = Window { width, stride };
            let x = numbers((width + more) * inputs, seed);
            let layout = layout(window, inputs, outputs);
            let params = numbers(layout.len(), seed + 2000);
            let run = |x: &[f64], params: &[f64]| {
                let mut y = vec![7.0; window.outputs(width + more) * outputs];
                forward(window, x, layout.view(params, "w"), layout.view(params, "b"), &mut y);
                y
            };
            let y = run(&x, &params);
            let expected = naive(window, &x, layout.view(&params, "w"), layout.view(&params, "b"));
            prop_assert!(y.len() == expected.len() && y.iter().zip(expected).all(|(y, e)| (y - e).abs() < 1e-13));

            let weights = numbers(y.len(), seed + 1000);
            let (mut dx, mut flat) = (vec![0.5; x.len()], vec![0.5; params.len()]);
            let (dw, db) = flat.split_at_mut(width * inputs * outputs);
            backward(window, &x, layout.view(&params, "w"), &weights, Some(&mut dx), dw, db);
            for gradient in [&mut dx, &mut flat] {
                gradient.iter_mut().for_each(|g| *g -= 0.5); // it was added
            }
            let loss = |y: &[f64]| y.iter().zip(&weights).map(|(y, w)| y * w).sum::<f64>();
            prop_assert!(worst_difference(|p| loss(&run(&x, p)), &params, &flat) < 1e-7);
            prop_assert!(worst_difference(|x| loss(&run(x, &params)), &x, &dx) < 1e-7);
        }
    }
}
