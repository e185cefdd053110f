//! Sparse matrices in compressed rows, square or not.

use rayon::prelude::*;
use std::ops::Range;

/// Products of fewer entries than this stay on one thread.
const ENTRIES_PER_TASK: usize = 30_000;

/// A sparse matrix: row `i` has the entries `range(i)` of `columns` and `values`.
///
/// ```
/// use neuropil_math::sparse::Rows;
///
/// // 2 0 1
/// // 0 3 0
/// let matrix = Rows::from_rows([vec![(0, 2.0), (2, 1.0)], vec![(1, 3.0)]]);
/// let mut product = [0.0; 2];
/// matrix.times(&[1.0, 10.0, 100.0], &mut product);
/// assert_eq!(product, [102.0, 30.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Where each row begins, and the end of the last one.
    pub offsets: Vec<u32>,
    /// Column of each entry.
    pub columns: Vec<u32>,
    /// Value of each entry.
    pub values: Vec<f64>,
}

impl Default for Rows {
    /// No rows.
    fn default() -> Self {
        Self {
            offsets: vec![0],
            columns: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl Rows {
    /// The matrix whose rows have these (column, value) entries.
    pub fn from_rows<R: IntoIterator<Item = (usize, f64)>>(rows: impl IntoIterator<Item = R>) -> Self {
        let mut matrix = Self::default();
        for row in rows {
            for (column, value) in row {
                matrix.columns.push(column as u32);
                matrix.values.push(value);
            }
            matrix.offsets.push(matrix.columns.len() as u32);
        }
        matrix
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Positions of the entries of row `i`.
    pub fn range(&self, i: usize) -> Range<usize> {
        self.offsets[i] as usize..self.offsets[i + 1] as usize
    }

    /// (column, value) of the entries of row `i`.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let columns = self.columns[self.range(i)].iter();
        columns
            .zip(&self.values[self.range(i)])
            .map(|(&j, &w)| (j as usize, w))
    }

    /// The columns as rows; in each, entries are in the order of the old rows.
    pub fn transposed(&self, n_columns: usize) -> Self {
        let mut offsets = vec![0u32; n_columns + 1];
        for &j in &self.columns {
            offsets[j as usize + 1] += 1;
        }
        for j in 0..n_columns {
            offsets[j + 1] += offsets[j];
        }
        let mut next = offsets.clone();
        let mut columns = vec![0; self.columns.len()];
        let mut values = vec![0.0; self.values.len()];
        for i in 0..self.n() {
            for (j, w) in self.row(i) {
                let at = next[j] as usize;
                next[j] += 1;
                columns[at] = i as u32;
                values[at] = w;
            }
        }
        Self {
            offsets,
            columns,
            values,
        }
    }

    /// `out` ← the matrix × `x`; the same bits whatever the number of threads.
    ///
    /// # Panics
    /// When `x` is shorter than a column's number says, or `out` longer than there are rows.
    pub fn times(&self, x: &[f64], out: &mut [f64]) {
        let rows_per_task = ENTRIES_PER_TASK * out.len() / self.values.len().max(1);
        let product = |i: usize| -> f64 {
            let (columns, values) = (&self.columns[self.range(i)], &self.values[self.range(i)]);
            // Four sums at a time: one would wait for itself.
            let (columns, last_columns) = columns.as_chunks::<4>();
            let (values, last_values) = values.as_chunks::<4>();
            let mut sums = [0.0; 4];
            for (columns, values) in columns.iter().zip(values) {
                for l in 0..4 {
                    sums[l] += values[l] * x[columns[l] as usize];
                }
            }
            let rest = last_columns.iter().zip(last_values);
            let rest: f64 = rest.map(|(&j, w)| w * x[j as usize]).sum();
            sums.iter().sum::<f64>() + rest
        };
        out.par_iter_mut()
            .enumerate()
            .with_min_len(rows_per_task.max(1))
            .for_each(|(i, out)| *out = product(i));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> (Rows, usize) {
        let entry = |i: usize, j: usize| ((i * 31 + j * 17) % 7) as f64 - 3.0;
        let row = |i: usize| {
            (0..23)
                .filter(move |j| (i * j + j) % 3 != 1)
                .map(move |j| (j, entry(i, j)))
        };
        (Rows::from_rows((0..11).map(row)), 23)
    }

    #[test]
    fn transposing_twice_gives_the_matrix_back() {
        let (rows, n) = matrix();
        let turned = rows.transposed(n);
        assert_eq!((rows.n(), turned.n()), (11, 23));
        assert_eq!(turned.transposed(11), rows);
        assert!(
            turned
                .row(5)
                .all(|(i, w)| rows.row(i).any(|entry| entry == (5, w)))
        );
    }

    #[test]
    fn products_are_sums_over_rows() {
        let (rows, n) = matrix();
        let x: Vec<f64> = (0..n).map(|j| (j as f64).sin()).collect();
        let mut out = vec![f64::NAN; 11];
        rows.times(&x, &mut out);
        for (i, out) in out.iter().enumerate() {
            let right: f64 = rows.row(i).map(|(j, w)| w * x[j]).sum();
            assert!((out - right).abs() < 1e-12, "{i}: {out} {right}");
        }
        assert_eq!(Rows::default().n(), 0);
    }
}
