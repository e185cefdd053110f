//! Products of matrices in batch-major layout: what dense layers, convolutions and attention are made of.
//!
//! The loops are those of Goto & van de Geijn, ACM Trans. Math. Softw. 34:12 (2008): panels of both matrices are
//! packed so that the innermost loop reads memory in order and keeps a tile of the result in registers. Matrices are
//! given by strides, so that a transposed one, a block of columns, or the overlapping windows of a convolution cost no
//! copy. Blocks of the result are shared out to the threads of the current pool; every sum runs in one order whatever
//! the number of threads.

use crate::buffer::{Buffer, lend};
use neuropil_math::real::Real;
use neuropil_math::simd::{Fused, Level, level, vectorised};
use rayon::prelude::*;
use std::ops::Range;

/// Terms of the sums that are packed at a time.
const DEPTH: usize = 256;
/// Rows of the result that one thread takes at a time.
const ROWS: usize = 64;
/// Columns of the result that are packed at a time.
const COLUMNS: usize = 1024;
/// Products smaller than this stay on the thread that asks for them.
const ALONE: usize = 1 << 16;

/// A matrix to be read: element (i, j) is `values[i * row_stride + j * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, R> {
    /// Where the elements are.
    pub values: &'a [R],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Distance from one row to the next; less than `columns` where rows overlap.
    pub row_stride: usize,
    /// Distance from one column to the next.
    pub column_stride: usize,
}

impl<'a, R> Matrix<'a, R> {
    /// A row-major matrix of the given number of columns.
    ///
    /// # Panics
    /// When `values` is not a whole number of rows.
    pub fn new(values: &'a [R], columns: usize) -> Self {
        assert!(
            columns > 0 && values.len().is_multiple_of(columns),
            "whole rows of {columns}"
        );
        Self {
            values,
            rows: values.len() / columns,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// The transposed matrix.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    fn must_fit(&self) {
        if self.rows > 0 && self.columns > 0 {
            let last = (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride;
            assert!(last < self.values.len(), "a matrix reaches beyond its values");
        }
    }
}

/// `c` \[m\]\[n\] += `a` \[m\]\[k\] · `b` \[k\]\[n\].
///
/// ```
/// use neuropil_nn::matmul::{Matrix, add_product};
/// let (a, b) = ([1.0_f32, 2.0, 3.0, 4.0], [1.0_f32, 0.0, 10.0, 1.0]);
/// let mut c = [0.5; 4];
/// add_product(Matrix::new(&a, 2), Matrix::new(&b, 2).transposed(), &mut c);
/// assert_eq!(c, [1.5, 12.5, 3.5, 34.5]);
/// ```
///
/// # Panics
/// When the sizes do not fit.
pub fn add_product<R: Real>(a: Matrix<R>, b: Matrix<R>, c: &mut [R]) {
    assert_eq!(
        a.columns, b.rows,
        "columns of the left matrix, rows of the right one"
    );
    assert_eq!(c.len(), a.rows * b.columns, "room for the product");
    a.must_fit();
    b.must_fit();
    let n = b.columns;
    if c.is_empty() {
        return;
    }
    by_tile!(R, n, blocks(a, b, c, n));
}

/// Calls a function of the rows and columns that a tile of the result has on this machine.
macro_rules! by_tile {
    ($real:ident, $n:expr, $function:ident($($argument:expr),*)) => {
        match (level(), size_of::<$real>()) {
            (Level::Avx512, 4) if $n <= 16 => $function::<$real, 8, 16>($($argument),*),
            (Level::Avx512, 4) => $function::<$real, 8, 32>($($argument),*),
            (Level::Avx512, _) | (_, 4) => $function::<$real, 4, 16>($($argument),*),
            _ => $function::<$real, 4, 8>($($argument),*),
        }
    };
}
use by_tile;

/// What of the right matrix is packed at a time.
struct Piece {
    columns: Range<usize>,
    terms: Range<usize>,
}

impl Piece {
    /// All pieces of a matrix of `terms` rows.
    fn all(columns: usize, terms: usize) -> impl Iterator<Item = Self> {
        (0..columns).step_by(COLUMNS).flat_map(move |column| {
            (0..terms).step_by(DEPTH).map(move |term| Self {
                columns: column..columns.min(column + COLUMNS),
                terms: term..terms.min(term + DEPTH),
            })
        })
    }

    /// Values of its panels of `n` columns.
    fn room(&self, n: usize) -> usize {
        self.columns.len().next_multiple_of(n) * self.terms.len()
    }

    fn pack<R: Real, const N: usize>(&self, b: Matrix<R>, alone: bool, right: &mut [R]) {
        let pack = |(panel, values): (usize, &mut [R])| {
            let column = self.columns.start + panel * N;
            pack_panel::<R, N>(b.transposed(), column, self.terms.start, values);
        };
        let size = N * self.terms.len();
        if alone {
            right.chunks_exact_mut(size).enumerate().for_each(pack);
        } else {
            let panels = right.par_chunks_exact_mut(size).enumerate();
            panels.with_min_len(4).for_each(pack);
        }
    }

    /// Rows `c` of the result, the first of which is `first`, += rows of `a` times this piece in its panels; the first terms
    /// of a sum that begins at a bias take the place of what was there.
    fn multiply<R: Real, const M: usize, const N: usize>(
        &self,
        a: Matrix<R>,
        first: usize,
        right: &[R],
        bias: Option<&[R]>,
        n: usize,
        c: &mut [R],
    ) {
        let (rows, terms) = (c.len() / n, self.terms.len());
        let bias = bias.filter(|_| self.terms.start == 0);
        lend(rows.next_multiple_of(M) * terms, |left| {
            for (panel, values) in left.chunks_exact_mut(M * terms).enumerate() {
                pack_panel::<R, M>(a, first + panel * M, self.terms.start, values);
            }
            multiply_block::<R, M, N>(left, right, terms, n, self.columns.clone(), bias, c);
        });
    }
}

fn blocks<R: Real, const M: usize, const N: usize>(a: Matrix<R>, b: Matrix<R>, c: &mut [R], n: usize) {
    let alone = a.rows * a.columns * n < ALONE;
    let room = n.min(COLUMNS).next_multiple_of(N) * a.columns.min(DEPTH);
    lend(room, |packed| {
        for piece in Piece::all(n, a.columns) {
            let right = &mut packed[..piece.room(N)];
            piece.pack::<R, N>(b, alone, right);
            let right = &*right;
            let work = |(block, c): (usize, &mut [R])| {
                piece.multiply::<R, M, N>(a, block * ROWS, right, None, n, c);
            };
            if alone {
                c.chunks_mut(ROWS * n).enumerate().for_each(work);
            } else {
                c.par_chunks_mut(ROWS * n).enumerate().for_each(work);
            }
        }
    });
}

/// The right matrix of many products, packed once.
///
/// Products with it stay on the thread that asks for them: for callers that share out rows themselves.
///
/// ```
/// use neuropil_nn::matmul::{Matrix, Packed};
/// let doubled = Packed::new(Matrix::new(&[2.0_f32, 0.0, 0.0, 2.0], 2));
/// let mut c = [0.0; 2];
/// doubled.product(Matrix::new(&[3.0, 4.0], 2), &[0.5, 0.0], &mut c);
/// assert_eq!(c, [6.5, 8.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Packed<R: Real> {
    panels: Buffer<R>,
    rows: usize,
    columns: usize,
}

impl<R: Real> Packed<R> {
    /// Packs a matrix.
    ///
    /// # Panics
    /// When it reaches beyond its values.
    pub fn new(b: Matrix<R>) -> Self {
        b.must_fit();
        by_tile!(R, b.columns, pack(b))
    }

    /// Rows of the matrix: terms of the sums.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// `c` \[m\]\[n\] = `bias` \[n\] + `a` \[m\]\[k\] times this matrix, to the bits of [`add_product`] to rows of the bias.
    ///
    /// # Panics
    /// When the sizes do not fit.
    pub fn product(&self, a: Matrix<R>, bias: &[R], c: &mut [R]) {
        assert!(
            a.columns == self.rows && self.rows > 0,
            "columns of the left matrix, rows of the right one"
        );
        assert_eq!(c.len(), a.rows * self.columns, "room for the product");
        assert_eq!(bias.len(), self.columns, "a bias for each column");
        a.must_fit();
        if !c.is_empty() {
            by_tile!(R, self.columns, multiply_packed(a, self, bias, c));
        }
    }
}

fn pack<R: Real, const M: usize, const N: usize>(b: Matrix<R>) -> Packed<R> {
    let alone = b.rows * b.columns < ALONE;
    let room = Piece::all(b.columns, b.rows).map(|piece| piece.room(N)).sum();
    let mut panels = Buffer::zeros(room);
    let mut rest = &mut *panels;
    for piece in Piece::all(b.columns, b.rows) {
        let right;
        (right, rest) = rest.split_at_mut(piece.room(N));
        piece.pack::<R, N>(b, alone, right);
    }
    Packed {
        panels,
        rows: b.rows,
        columns: b.columns,
    }
}

fn multiply_packed<R: Real, const M: usize, const N: usize>(
    a: Matrix<R>,
    b: &Packed<R>,
    bias: &[R],
    c: &mut [R],
) {
    let mut rest = &*b.panels;
    for piece in Piece::all(b.columns, b.rows) {
        let right;
        (right, rest) = rest.split_at(piece.room(N));
        for (block, c) in c.chunks_mut(ROWS * b.columns).enumerate() {
            piece.multiply::<R, M, N>(a, block * ROWS, right, Some(bias), b.columns, c);
        }
    }
}

/// `W` rows of a matrix from `first` on, zeros below its last one: \[term\]\[W\].
fn pack_panel<R: Real, const W: usize>(matrix: Matrix<R>, first: usize, term: usize, panel: &mut [R]) {
    let rows = W.min(matrix.rows - first);
    let from = &matrix.values[first * matrix.row_stride + term * matrix.column_stride..];
    if rows == W && matrix.row_stride == 1 {
        gather_panel::<R, W>(from, matrix.column_stride, panel);
    } else if rows == W && matrix.column_stride == 1 {
        turn_panel::<R, W>(from, matrix.row_stride, panel);
    } else {
        for (t, out) in panel.chunks_exact_mut(W).enumerate() {
            for (i, out) in out[..rows].iter_mut().enumerate() {
                *out = from[i * matrix.row_stride + t * matrix.column_stride];
            }
            out[rows..].fill(R::ZERO);
        }
    }
}

vectorised! {
    /// A panel whose rows lie side by side, `stride` values from one term to the next.
    fn gather_panel<F>[R: Real, const W: usize][R, W](from: &[R], stride: usize, panel: &mut [R]) {
        for (t, out) in panel.as_chunks_mut::<W>().0.iter_mut().enumerate() {
            *out = *from[t * stride..].first_chunk().expect("a whole panel");
        }
    }
}

/// Terms that are turned at a time.
const TURNED: usize = 16;

vectorised! {
    /// A panel whose terms lie side by side, `stride` values from one row to the next.
    fn turn_panel<F>[R: Real, const W: usize][R, W](from: &[R], stride: usize, panel: &mut [R]) {
        let panel = panel.as_chunks_mut::<W>().0;
        let terms = panel.len();
        let (blocks, rest) = panel.as_chunks_mut::<TURNED>();
        let rows: [&[R]; W] = std::array::from_fn(|i| &from[i * stride..][..terms]);
        for (b, out) in blocks.iter_mut().enumerate() {
            let block: [[R; TURNED]; W] = std::array::from_fn(|i| *rows[i][b * TURNED..].first_chunk().expect("a whole block"));
            for t in 0..TURNED {
                for i in 0..W {
                    out[t][i] = block[i][t];
                }
            }
        }
        let done = blocks.len() * TURNED;
        for (t, out) in rest.iter_mut().enumerate() {
            for i in 0..W {
                out[i] = rows[i][done + t];
            }
        }
    }
}

/// One tile of the result, before what is there already: Σ over terms of `left` \[term\]\[M\] times `right` \[term\]\[N\].
#[inline(always)]
fn tile<F: Fused, R: Real, const M: usize, const N: usize>(left: &[[R; M]], right: &[[R; N]]) -> [[R; N]; M] {
    let mut sum = [[R::ZERO; N]; M];
    for (a, b) in left.iter().zip(right) {
        // Rows innermost: with columns there, the compiler puts rows side by side in a vector, gathers and scatters them, and
        // takes forty times as long.
        for j in 0..N {
            for i in 0..M {
                sum[i][j] = R::fma::<F>(a[i], b[j], sum[i][j]);
            }
        }
    }
    sum
}

vectorised! {
    /// Rows of `c` \[rows\]\[n\] += the product of `left` and packed panels, in some columns; = it and the bias, if there is one.
    fn multiply_block<F>[R: Real, const M: usize, const N: usize][R, M, N](
        left: &[R], right: &[R], terms: usize, n: usize, columns: Range<usize>, bias: Option<&[R]>, c: &mut [R],
    ) {
        for (panel, right) in right.chunks_exact(N * terms).enumerate() {
            let right = right.as_chunks::<N>().0;
            let from = columns.start + panel * N;
            let to = columns.end.min(from + N);
            for (c, left) in c.chunks_mut(M * n).zip(left.chunks_exact(M * terms)) {
                let sum = tile::<F, R, M, N>(left.as_chunks().0, right);
                for (row, sum) in c.chunks_exact_mut(n).zip(&sum) {
                    let row = &mut row[from..to];
                    let before = bias.map(|bias| &bias[from..to]);
                    if let (Some(row), Some(before)) = (row.first_chunk_mut::<N>(), before.map(|before| before.first_chunk::<N>())) {
                        let before = before.expect("as many as in the row");
                        for j in 0..N {
                            row[j] = before[j] + sum[j];
                        }
                    } else if let Some(row) = row.first_chunk_mut::<N>() {
                        for j in 0..N {
                            row[j] += sum[j];
                        }
                    } else {
                        if let Some(before) = before {
                            row.copy_from_slice(before);
                        }
                        for (c, &sum) in row.iter_mut().zip(sum) {
                            *c += sum;
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};
    use proptest::prelude::*;
    use rand::RngExt;

    fn numbers(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = Key::new(seed).stream(Purpose::Test, 0);
        (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    fn naive(a: Matrix<f64>, b: Matrix<f64>) -> Vec<f64> {
        let at = |m: Matrix<f64>, i: usize, j: usize| m.values[i * m.row_stride + j * m.column_stride];
        let entry = |i: usize, j: usize| (0..a.columns).map(|k| at(a, i, k) * at(b, k, j)).sum::<f64>();
        (0..a.rows)
            .flat_map(|i| (0..b.columns).map(move |j| (i, j)))
            .map(|(i, j)| entry(i, j))
            .collect()
    }

    fn agrees(a: Matrix<f64>, b: Matrix<f64>) {
        let mut c = vec![0.25; a.rows * b.columns];
        add_product(a, b, &mut c);
        for (found, expected) in c.iter().zip(naive(a, b)) {
            assert!(
                (found - 0.25 - expected).abs() < 1e-11,
                "{found}, not {expected} and a quarter"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn products_are_the_textbook_sums(m in 1_usize..150, k in 1_usize..300, n in 1_usize..80, t in 0_u8..4, seed in 0_u64..99) {
            let (a, b) = (numbers(m * k, seed), numbers(k * n, seed + 100));
            let a = if t & 1 == 0 { Matrix::new(&a, k) } else { Matrix::new(&a, m).transposed() };
            let b = if t & 2 == 0 { Matrix::new(&b, n) } else { Matrix::new(&b, k).transposed() };
            agrees(a, b);
            let bias = numbers(n, seed + 200);
            let (mut at_once, mut packed) = (bias.repeat(m), vec![7.0; m * n]);
            add_product(a, b, &mut at_once);
            Packed::new(b).product(a, &bias, &mut packed);
            prop_assert!(at_once == packed);
        }
    }

    #[test]
    fn overlapping_rows_are_the_windows_of_a_convolution() {
        let (signal, kernel) = (numbers(40 * 3, 1), numbers(7 * 3 * 5, 2));
        let windows = Matrix {
            rows: 34,
            columns: 7 * 3,
            row_stride: 3,
            ..Matrix::new(&signal, 3)
        };
        agrees(windows, Matrix::new(&kernel, 5));
    }

    #[test]
    fn wide_results_are_packed_in_turns_and_threads_change_no_bit() {
        let (a, b) = (numbers(70 * 20, 3), numbers(20 * 2100, 4));
        let (a, b) = (Matrix::new(&a, 20), Matrix::new(&b, 2100));
        agrees(a, b);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let mut c = vec![0.0; 70 * 2100];
            pool.install(|| add_product(a, b, &mut c));
            c
        };
        assert!(with(1) == with(3));
        let mut c = vec![7.0; 70 * 2100];
        Packed::new(b).product(a, &vec![0.0; 2100], &mut c);
        assert!(with(1) == c);
    }

    #[test]
    #[should_panic(expected = "beyond its values")]
    fn a_matrix_must_lie_within_its_values() {
        let values = [0.0_f32; 4];
        let a = Matrix {
            rows: 3,
            ..Matrix::new(&values, 2)
        };
        add_product(a, Matrix::new(&values, 2), &mut [0.0; 6]);
    }
}
