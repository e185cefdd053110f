//! The dense layer y = x W + b.
//!
//! ```text
//! δx = δy Wᵀ        δW = xᵀ δy        δb = Σ over examples of δy
//! ```

use crate::matmul::{Matrix, add_product};
use crate::params::Layout;
use neuropil_math::real::Real;

/// Layout of the parameters: `w` \[inputs\]\[outputs\], `b` \[outputs\].
pub fn layout(n_inputs: usize, n_outputs: usize) -> Layout {
    Layout::new(&[("w", &[n_inputs, n_outputs]), ("b", &[n_outputs])])
}

/// `y` \[B\]\[outputs\] from `x` \[B\]\[inputs\], `w` \[inputs\]\[outputs\] and `b` \[outputs\].
///
/// ```
/// use neuropil_nn::layer::dense;
/// let mut y = [0.0_f32; 2];
/// dense::forward(&[1.0, 2.0], &[3.0, 4.0, 5.0, 6.0], &[0.5, -0.5], &mut y);
/// assert_eq!(y, [13.5, 15.5]);
/// ```
pub fn forward<R: Real>(x: &[R], w: &[R], b: &[R], y: &mut [R]) {
    for y in y.chunks_exact_mut(b.len()) {
        y.copy_from_slice(b);
    }
    let w = Matrix::new(w, b.len());
    add_product(Matrix::new(x, w.rows), w, y);
}

/// Adds to `dx` \[B\]\[inputs\], `dw` \[inputs\]\[outputs\] and `db` \[outputs\]; `x` and `w` as in [`forward`], `dy`
/// \[B\]\[outputs\].
pub fn backward<R: Real>(x: &[R], w: &[R], dy: &[R], dx: Option<&mut [R]>, dw: &mut [R], db: &mut [R]) {
    let w = Matrix::new(w, db.len());
    let (x, d) = (Matrix::new(x, w.rows), Matrix::new(dy, db.len()));
    for row in dy.chunks_exact(db.len()) {
        for (db, &d) in db.iter_mut().zip(row) {
            *db += d;
        }
    }
    add_product(x.transposed(), d, dw);
    if let Some(dx) = dx {
        backward_input(w.values, d.columns, dy, dx);
    }
}

/// Adds the gradient of the input alone to `dx` \[B\]\[inputs\]; `w` and `dy` as in [`backward`].
pub fn backward_input<R: Real>(w: &[R], outputs: usize, dy: &[R], dx: &mut [R]) {
    add_product(Matrix::new(dy, outputs), Matrix::new(w, outputs).transposed(), dx);
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

    fn naive(x: &[f64], w: &[f64], b: &[f64]) -> Vec<f64> {
        let (outputs, inputs) = (b.len(), w.len() / b.len());
        let of = |x: &[f64], o: usize| b[o] + (0..inputs).map(|i| x[i] * w[i * outputs + o]).sum::<f64>();
        x.chunks_exact(inputs)
            .flat_map(|x| (0..outputs).map(|o| of(x, o)).collect::<Vec<_>>())
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn agrees_with_the_textbook_and_with_differences(
            batch in 1_usize..9, inputs in 1_usize..12, outputs in 1_usize..12, seed in 0_u64..99,
        ) {
            let (x, weights) = (numbers(batch * inputs, seed), numbers(batch * outputs, seed + 1000));
            let layout = layout(inputs, outputs);
            let params = numbers(layout.len(), seed + 2000);
            let run = |x: &[f64], params: &[f64]| {
                let mut y = vec![7.0; batch * outputs];
                forward(x, layout.view(params, "w"), layout.view(params, "b"), &mut y);
                y
            };
            let y = run(&x, &params);
            let expected = naive(&x, layout.view(&params, "w"), layout.view(&params, "b"));
            prop_assert!(y.iter().zip(expected).all(|(y, e)| (y - e).abs() < 1e-13));

            let (mut dx, mut flat) = (vec![0.5; x.len()], vec![0.5; params.len()]);
            let (dw, db) = flat.split_at_mut(inputs * outputs);
            backward(&x, layout.view(&params, "w"), &weights, Some(&mut dx), dw, db);
            for gradient in [&mut dx, &mut flat] {
                gradient.iter_mut().for_each(|g| *g -= 0.5); // it was added
            }
            let loss = |y: &[f64]| y.iter().zip(&weights).map(|(y, w)| y * w).sum::<f64>();
            prop_assert!(worst_difference(|p| loss(&run(&x, p)), &params, &flat) < 1e-7);
            prop_assert!(worst_difference(|x| loss(&run(x, &params)), &x, &dx) < 1e-7);
        }
    }
}
