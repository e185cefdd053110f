//! Dense matrices, stored row by row.

use crate::error::SuccessorError;
use faer::linalg::solvers::Solve;
use faer::{Mat, MatRef};
use neuropil_math::linalg;
use serde::{Deserialize, Serialize};
use std::ops::{Index, IndexMut};

/// A dense matrix; element (i, j) is `m[(i, j)]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

/// Where the eigenvalues of a matrix lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spectrum {
    /// Largest modulus: below 1 the map x ← Ax settles.
    pub radius: f64,
    /// Largest real part: below 1 the flow ẋ = −x + Ax settles.
    pub max_real: f64,
}

impl Matrix {
    /// All zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            values: vec![0.0; rows * columns],
        }
    }

    /// Ones on the diagonal.
    pub fn identity(n: usize) -> Self {
        let mut eye = Self::zeros(n, n);
        (0..n).for_each(|i| eye[(i, i)] = 1.0);
        eye
    }

    /// From row-major values.
    ///
    /// # Panics
    /// When there are not `rows` × `columns` values.
    pub fn new(rows: usize, columns: usize, values: Vec<f64>) -> Self {
        assert_eq!(values.len(), rows * columns, "{rows} × {columns} values");
        Self {
            rows,
            columns,
            values,
        }
    }

    /// From rows of equal length.
    ///
    /// # Panics
    /// When the rows differ in length.
    pub fn from_rows(rows: &[Vec<f64>]) -> Self {
        Self::new(rows.len(), rows.first().map_or(0, Vec::len), rows.concat())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.columns..(i + 1) * self.columns]
    }

    /// Row `i`, to be changed.
    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.values[i * self.columns..(i + 1) * self.columns]
    }

    /// Column `j`.
    pub fn column(&self, j: usize) -> Vec<f64> {
        (0..self.rows).map(|i| self[(i, j)]).collect()
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All values, to be changed.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// The rows as lists.
    pub fn to_rows(&self) -> Vec<Vec<f64>> {
        (0..self.rows).map(|i| self.row(i).to_vec()).collect()
    }

    /// The rows and columns of some indices.
    ///
    /// # Panics
    /// When an index is outside.
    pub fn restricted(&self, keep: &[usize]) -> Self {
        let values = keep.iter().flat_map(|&i| keep.iter().map(move |&j| self[(i, j)]));
        Self::new(keep.len(), keep.len(), values.collect())
    }

    /// Rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        let mut out = Self::zeros(self.columns, self.rows);
        for i in 0..self.rows {
            for (j, &value) in self.row(i).iter().enumerate() {
                out.values[j * self.rows + i] = value;
            }
        }
        out
    }

    /// The matrix with every entry changed by `f`.
    pub fn map(&self, mut f: impl FnMut(f64) -> f64) -> Self {
        Self {
            values: self.values.iter().map(|&value| f(value)).collect(),
            ..*self
        }
    }

    /// The matrix times a number.
    pub fn scaled(&self, factor: f64) -> Self {
        self.map(|value| factor * value)
    }

    fn view(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.values, self.rows, self.columns)
    }

    fn from_faer(m: &Mat<f64>) -> Self {
        let mut out = Self::zeros(m.nrows(), m.ncols());
        for j in 0..m.ncols() {
            for i in 0..m.nrows() {
                out.values[i * m.ncols() + j] = m[(i, j)];
            }
        }
        out
    }

    /// Matrix product.
    ///
    /// # Panics
    /// When the shapes do not fit.
    pub fn times(&self, other: &Self) -> Self {
        assert_eq!(self.columns, other.rows, "inner sizes of a product");
        Self::from_faer(&(self.view() * other.view()))
    }

    /// Matrix times vector.
    ///
    /// # Panics
    /// When the vector is not as long as a row.
    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        assert_eq!(x.len(), self.columns, "length of a vector");
        let dot = |row: &[f64]| row.iter().zip(x).map(|(a, b)| a * b).sum();
        (0..self.rows).map(|i| dot(self.row(i))).collect()
    }

    /// Row vector times matrix.
    ///
    /// # Panics
    /// When the vector is not as long as a column.
    pub fn apply_left(&self, x: &[f64]) -> Vec<f64> {
        assert_eq!(x.len(), self.rows, "length of a vector");
        let mut out = vec![0.0; self.columns];
        for (i, &x) in x.iter().enumerate().filter(|(_, x)| **x != 0.0) {
            out.iter_mut().zip(self.row(i)).for_each(|(out, a)| *out += x * a);
        }
        out
    }

    /// I − factor · A.
    ///
    /// # Panics
    /// When the matrix is not square.
    pub fn identity_minus(&self, factor: f64) -> Self {
        assert_eq!(self.rows, self.columns, "a square matrix");
        let mut out = self.scaled(-factor);
        (0..self.rows).for_each(|i| out[(i, i)] += 1.0);
        out
    }

    /// The inverse, by LU decomposition with partial pivoting.
    ///
    /// # Errors
    /// [`SuccessorError::Singular`].
    pub fn inverse(&self) -> Result<Self, SuccessorError> {
        self.solve(&Self::identity(self.rows))
    }

    /// X of A X = B, by LU decomposition with partial pivoting.
    ///
    /// # Errors
    /// [`SuccessorError::Singular`].
    pub fn solve(&self, b: &Self) -> Result<Self, SuccessorError> {
        assert_eq!(self.rows, self.columns, "a square matrix");
        if self.rows == 0 {
            return Ok(b.clone());
        }
        let solution = Self::from_faer(&self.view().partial_piv_lu().solve(b.view()));
        if solution.values.iter().all(|value| value.is_finite()) {
            Ok(solution)
        } else {
            Err(SuccessorError::Singular { n: self.rows })
        }
    }

    /// Spectral radius and largest real part of the eigenvalues of `gain` · A.
    ///
    /// # Errors
    /// An entry that is not finite.
    pub fn spectrum(&self, gain: f64) -> Result<Spectrum, SuccessorError> {
        let values = linalg::eigenvalues(&self.values, self.rows)?;
        let radius = values.iter().map(|(re, im)| re.hypot(*im)).fold(0.0, f64::max);
        let max_real = values.iter().map(|(re, _)| *re).fold(f64::NEG_INFINITY, f64::max);
        Ok(Spectrum {
            radius: gain * radius,
            max_real: if values.is_empty() { 0.0 } else { gain * max_real },
        })
    }

    /// Largest sum of the moduli of a row: an upper bound of the spectral radius.
    pub fn row_norm(&self) -> f64 {
        let sum = |i| self.row(i).iter().map(|value| value.abs()).sum();
        (0..self.rows).map(sum).fold(0.0, f64::max)
    }

    /// Sum of each row.
    pub fn row_sums(&self) -> Vec<f64> {
        (0..self.rows).map(|i| self.row(i).iter().sum()).collect()
    }

    /// Mean over all entries of |a − b|.
    ///
    /// # Panics
    /// When the shapes differ.
    pub fn mean_absolute_error(&self, other: &Self) -> f64 {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns), "shapes");
        let sum: f64 = self
            .values
            .iter()
            .zip(&other.values)
            .map(|(a, b)| (a - b).abs())
            .sum();
        sum / self.values.len() as f64
    }
}

impl Index<(usize, usize)> for Matrix {
    type Output = f64;
    fn index(&self, (i, j): (usize, usize)) -> &f64 {
        &self.values[i * self.columns + j]
    }
}

impl IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut f64 {
        &mut self.values[i * self.columns + j]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_and_multiplies() {
        let a = Matrix::from_rows(&[vec![2.0, 1.0], vec![1.0, 3.0]]);
        let inverse = a.inverse().unwrap();
        assert!(a.times(&inverse).mean_absolute_error(&Matrix::identity(2)) < 1e-15);
        assert_eq!(a.apply(&[1.0, 2.0]), [4.0, 7.0]);
        assert_eq!(a.apply_left(&[1.0, 0.0]), [2.0, 1.0]);
        let singular = Matrix::from_rows(&[vec![1.0, 1.0], vec![1.0, 1.0]]);
        assert!(matches!(
            singular.inverse(),
            Err(SuccessorError::Singular { n: 2 })
        ));
    }

    #[test]
    fn a_rotation_has_a_radius_but_no_real_part() {
        let spectrum = Matrix::from_rows(&[vec![0.0, -1.0], vec![1.0, 0.0]])
            .spectrum(1.2)
            .unwrap();
        assert!((spectrum.radius - 1.2).abs() < 1e-12 && spectrum.max_real.abs() < 1e-12);
    }
}
