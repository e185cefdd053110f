//! Compressed rows of a sparse matrix, square or not.

use std::ops::Range;

/// Row `i` has the entries `range(i)` of `columns` and `values`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rows {
    /// Where each row begins, and the end of the last one.
    pub(crate) offsets: Vec<u32>,
    /// Column of each entry.
    pub(crate) columns: Vec<u32>,
    /// Value of each entry.
    pub(crate) values: Vec<f64>,
}

impl Rows {
    /// Number of rows.
    pub(crate) fn n(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Positions of the entries of row `i`.
    pub(crate) fn range(&self, i: usize) -> Range<usize> {
        self.offsets[i] as usize..self.offsets[i + 1] as usize
    }

    /// (column, value) of the entries of row `i`.
    pub(crate) fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let columns = self.columns[self.range(i)].iter();
        columns
            .zip(&self.values[self.range(i)])
            .map(|(&j, &w)| (j as usize, w))
    }

    /// The columns as rows; in each, entries are in the order of the old rows.
    pub(crate) fn transposed(&self, n_columns: usize) -> Self {
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
}
