//! Two-dimensional convolution, stride 1, padded with zeros so that the picture keeps its size.
//!
//! ```text
//! y[r, c] = b + Σ over i, j < k of x[r + i − k/2, c + j − k/2] W[i, j]
//! ```
//! A row of kernels sees a window that slides along the padded picture by one column, so that each row of the kernel is
//! one product with a matrix whose rows overlap ([`crate::matmul`]): nothing is copied k² times.

use crate::matmul::{Matrix, add_product};
use crate::params::Layout;
use neuropil_math::real::Real;

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows of the picture.
    pub rows: usize,
    /// Columns of the picture.
    pub columns: usize,
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
    /// Rows and columns k of the kernel, odd.
    pub kernel: usize,
}

impl Shape {
    /// Layout of the parameters: `w` \[k\]\[k\]\[inputs\]\[outputs\], `b` \[outputs\].
    pub fn layout(self) -> Layout {
        let w = [self.kernel, self.kernel, self.inputs, self.outputs];
        Layout::new(&[("w", &w), ("b", &[self.outputs])])
    }

    fn half(self) -> usize {
        self.kernel / 2
    }

    /// Columns of the padded picture.
    fn width(self) -> usize {
        self.columns + 2 * self.half()
    }

    /// Pixels of the padded picture.
    fn padded(self) -> usize {
        (self.rows + 2 * self.half()) * self.width()
    }

    /// Pictures amid zeros, \[B\]\[rows + 2·half\]\[columns + 2·half\]\[channels\].
    fn pad<R: Real>(self, x: &[R], channels: usize) -> Vec<R> {
        let row = self.columns * channels;
        let images = x.len() / (self.rows * row);
        let mut padded = vec![R::ZERO; images * self.padded() * channels];
        for (place, from) in x.chunks_exact(row).enumerate() {
            let (image, r) = (place / self.rows, place % self.rows);
            let at = (image * self.padded() + (r + self.half()) * self.width() + self.half()) * channels;
            padded[at..at + row].copy_from_slice(from);
        }
        padded
    }

    /// Windows of row `i` of the kernel along padded pictures; one row per pixel of the padded picture from the first.
    fn windows<R>(self, padded: &[R], i: usize, channels: usize) -> Matrix<'_, R> {
        let from = i * self.width() * channels;
        let pixels = padded.len() / channels - (self.kernel - 1) * (self.width() + 1);
        Matrix {
            values: &padded[from..],
            rows: pixels,
            columns: self.kernel * channels,
            row_stride: channels,
            column_stride: 1,
        }
    }

    /// The result of a convolution in the geometry of the padded picture: pixel (r, c) at r · width + c.
    fn convolve<R: Real>(self, padded: &[R], inputs: usize, w: &[R], outputs: usize) -> Vec<R> {
        let pixels = self.windows(padded, 0, inputs).rows;
        let mut out = vec![R::ZERO; pixels * outputs];
        for (i, w) in w.chunks_exact(self.kernel * inputs * outputs).enumerate() {
            add_product(self.windows(padded, i, inputs), Matrix::new(w, outputs), &mut out);
        }
        out
    }

    /// Hands every row of the picture, in `wide`'s geometry of [`Shape::convolve`], to `each` with its place in the picture.
    fn rows_of(self, images: usize, channels: usize, mut each: impl FnMut(usize, usize)) {
        for image in 0..images {
            for r in 0..self.rows {
                let wide = (image * self.padded() + r * self.width()) * channels;
                each(wide, (image * self.rows + r) * self.columns * channels);
            }
        }
    }
}

/// `y` \[B\]\[rows\]\[columns\]\[outputs\] from `x` \[B\]\[rows\]\[columns\]\[inputs\], `w` \[k\]\[k\]\[inputs\]\[outputs\] and `b` \[outputs\].
pub fn forward<R: Real>(shape: Shape, x: &[R], w: &[R], b: &[R], y: &mut [R]) {
    let padded = shape.pad(x, shape.inputs);
    let wide = shape.convolve(&padded, shape.inputs, w, shape.outputs);
    let row = shape.columns * shape.outputs;
    let images = y.len() / (shape.rows * row);
    shape.rows_of(images, shape.outputs, |from, to| {
        let pixels = y[to..to + row].chunks_exact_mut(shape.outputs);
        for (y, sums) in pixels.zip(wide[from..from + row].chunks_exact(shape.outputs)) {
            for ((y, &sum), &b) in y.iter_mut().zip(sums).zip(b) {
                *y = sum + b;
            }
        }
    });
}

/// Adds to `dx`, `dw` and `db`; `x` and `w` as in [`forward`], `dy` \[B\]\[rows\]\[columns\]\[outputs\].
pub fn backward<R: Real>(
    shape: Shape,
    x: &[R],
    w: &[R],
    dy: &[R],
    dx: Option<&mut [R]>,
    dw: &mut [R],
    db: &mut [R],
) {
    let (inputs, outputs, k) = (shape.inputs, shape.outputs, shape.kernel);
    for pixel in dy.chunks_exact(outputs) {
        for (db, &d) in db.iter_mut().zip(pixel) {
            *db += d;
        }
    }
    let images = dy.len() / (shape.rows * shape.columns * outputs);
    let padded = shape.pad(x, inputs);
    // δy where `convolve` leaves y, zeros where it leaves sums across the edge.
    let mut wide = vec![R::ZERO; shape.windows(&padded, 0, inputs).rows * outputs];
    let row = shape.columns * outputs;
    shape.rows_of(images, outputs, |to, from| {
        wide[to..to + row].copy_from_slice(&dy[from..from + row]);
    });
    for (i, dw) in dw.chunks_exact_mut(k * inputs * outputs).enumerate() {
        add_product(
            shape.windows(&padded, i, inputs).transposed(),
            Matrix::new(&wide, outputs),
            dw,
        );
    }
    let Some(dx) = dx else { return };
    // δx is the convolution of δy with the kernel turned by half a turn, from outputs to inputs.
    let mut turned = vec![R::ZERO; w.len()];
    for (place, &weight) in w.iter().enumerate() {
        let (o, i, tap) = (
            place % outputs,
            place / outputs % inputs,
            place / (outputs * inputs),
        );
        turned[((k * k - 1 - tap) * outputs + o) * inputs + i] = weight;
    }
    let sums = shape.convolve(&shape.pad(dy, outputs), outputs, &turned, inputs);
    let row = shape.columns * inputs;
    shape.rows_of(images, inputs, |from, to| {
        for (dx, &d) in dx[to..to + row].iter_mut().zip(&sums[from..from + row]) {
            *dx += d;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::worst_difference;
    use neuropil_math::rng::{Key, Purpose};
    use rand::RngExt;

    fn numbers(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = Key::new(seed).stream(Purpose::Test, 0);
        (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    fn naive(s: Shape, images: usize, x: &[f64], w: &[f64], b: &[f64]) -> Vec<f64> {
        let half = (s.kernel / 2) as isize;
        let mut y = Vec::new();
        for place in 0..images * s.rows * s.columns * s.outputs {
            let (o, c, r) = (
                place % s.outputs,
                place / s.outputs % s.columns,
                place / (s.outputs * s.columns) % s.rows,
            );
            let image = place / (s.outputs * s.columns * s.rows);
            let mut sum = b[o];
            for (i, j) in (0..s.kernel).flat_map(|i| (0..s.kernel).map(move |j| (i, j))) {
                let (row, column) = ((r + i) as isize - half, (c + j) as isize - half);
                if row < 0 || column < 0 || row >= s.rows as isize || column >= s.columns as isize {
                    continue;
                }
                for channel in 0..s.inputs {
                    let pixel = (image * s.rows + row as usize) * s.columns + column as usize;
                    let weight = w[((i * s.kernel + j) * s.inputs + channel) * s.outputs + o];
                    sum += x[pixel * s.inputs + channel] * weight;
                }
            }
            y.push(sum);
        }
        y
    }

    #[test]
    fn agrees_with_the_textbook_and_with_differences() {
        for (rows, columns, inputs, outputs, kernel) in [(4, 6, 3, 2, 3), (5, 3, 1, 4, 1), (6, 5, 2, 3, 5)] {
            let shape = Shape {
                rows,
                columns,
                inputs,
                outputs,
                kernel,
            };
            let (x, d) = (
                numbers(2 * rows * columns * inputs, 1),
                numbers(2 * rows * columns * outputs, 2),
            );
            let params = numbers(shape.layout().len(), 3);
            let run = |x: &[f64], params: &[f64]| {
                let (w, b) = params.split_at(params.len() - outputs);
                let mut y = vec![5.0; d.len()];
                forward(shape, x, w, b, &mut y);
                y
            };
            let (w, b) = params.split_at(params.len() - outputs);
            let expected = naive(shape, 2, &x, w, b);
            assert!(
                run(&x, &params)
                    .iter()
                    .zip(expected)
                    .all(|(y, e)| (y - e).abs() < 1e-13)
            );
            let (mut dx, mut flat) = (vec![0.5; x.len()], vec![0.5; params.len()]);
            let (dw, db) = flat.split_at_mut(params.len() - outputs);
            backward(shape, &x, w, &d, Some(&mut dx), dw, db);
            for gradient in [&mut dx, &mut flat] {
                gradient.iter_mut().for_each(|g| *g -= 0.5);
            }
            let loss = |y: &[f64]| y.iter().zip(&d).map(|(y, w)| y * w).sum::<f64>();
            assert!(worst_difference(|p| loss(&run(&x, p)), &params, &flat) < 1e-7);
            assert!(worst_difference(|x| loss(&run(x, &params)), &x, &dx) < 1e-7);
        }
    }
}
