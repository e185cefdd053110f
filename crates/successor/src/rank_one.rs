//! Products with rank-one matrices of which most entries are too small to count.
//!
//! Activity that spreads from the present state falls off as γ to the distance: in a large world most of it lies
//! far below the last digit of what it is added to, and is left out.

use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;

/// What is smaller changes no digit of anything that a network computes.
pub(crate) const NEGLIGIBLE: f64 = 1e-26;
/// Entries that are looked at together.
const BLOCK: usize = 32;

/// The entries of a vector that count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coefficients {
    pub(crate) at: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

impl Coefficients {
    /// Keeps the entries above `least` in size.
    pub(crate) fn set(&mut self, x: impl Iterator<Item = f64>, least: f64) {
        self.at.clear();
        self.values.clear();
        for (i, x) in x.enumerate() {
            if x.abs() > least {
                self.at.push(i);
                self.values.push(x);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.at.iter().copied().zip(self.values.iter().copied())
    }
}

/// Stretches of a vector that hold an entry that counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stretches(Vec<(usize, usize)>);

impl Stretches {
    pub(crate) fn set(&mut self, x: &[f64], least: f64) {
        self.0.clear();
        for (block, values) in x.chunks(BLOCK).enumerate() {
            if values.iter().any(|x| x.abs() > least) {
                let (from, to) = (block * BLOCK, block * BLOCK + values.len());
                match self.0.last_mut() {
                    Some(last) if last.1 == from => last.1 = to,
                    _ => self.0.push((from, to)),
                }
            }
        }
    }
}

vectorised! {
    /// out ← out + Σ_i c_i m[i, :] over the rows of `m`, each `n` long.
    pub(crate) fn add_rows<F>[][](m: &[f64], n: usize, c: &Coefficients, out: &mut [f64]) {
        let mut four = c.at.chunks_exact(4).zip(c.values.chunks_exact(4));
        for (at, value) in &mut four {
            let row = |k: usize| &m[at[k] * n..at[k] * n + n];
            let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
            for i in 0..n {
                let mut sum = out[i];
                sum = f64::fma::<F>(value[0], r0[i], sum);
                sum = f64::fma::<F>(value[1], r1[i], sum);
                sum = f64::fma::<F>(value[2], r2[i], sum);
                out[i] = f64::fma::<F>(value[3], r3[i], sum);
            }
        }
        let rest = c.at.len() / 4 * 4;
        for (&at, &value) in c.at[rest..].iter().zip(&c.values[rest..]) {
            let row = &m[at * n..at * n + n];
            for (out, &x) in out.iter_mut().zip(row) {
                *out = f64::fma::<F>(value, x, *out);
            }
        }
    }
}

vectorised! {
    /// out_k ← Σ_j c_j m[k, j] for every row of `m`, each `n` long.
    pub(crate) fn dot_rows<F>[][](m: &[f64], n: usize, c: &Coefficients, dense: &[f64], out: &mut [f64]) {
        if c.at.len() * 4 < n {
            for (row, out) in m.chunks_exact(n).zip(out.iter_mut()) {
                let mut sum = 0.0;
                for (&at, &value) in c.at.iter().zip(&c.values) {
                    sum = f64::fma::<F>(value, row[at], sum);
                }
                *out = sum;
            }
        } else {
            for (row, out) in m.chunks_exact(n).zip(out.iter_mut()) {
                let mut sums = [0.0; 8];
                let (rows, tail) = row.as_chunks::<8>();
                let (xs, x_tail) = dense.as_chunks::<8>();
                for (row, x) in rows.iter().zip(xs) {
                    for lane in 0..8 {
                        sums[lane] = f64::fma::<F>(row[lane], x[lane], sums[lane]);
                    }
                }
                let mut sum = sums.iter().sum::<f64>();
                for (&a, &b) in tail.iter().zip(x_tail) {
                    sum = f64::fma::<F>(a, b, sum);
                }
                *out = sum;
            }
        }
    }
}

vectorised! {
    /// m[i, :] ← m[i, :] + c_i u over the stretches of `u` that count.
    pub(crate) fn add_outer<F>[][](m: &mut [f64], n: usize, c: &Coefficients, u: &[f64], stretches: &Stretches) {
        for (&at, &value) in c.at.iter().zip(&c.values) {
            let row = &mut m[at * n..at * n + n];
            for &(from, to) in &stretches.0 {
                for (x, &u) in row[from..to].iter_mut().zip(&u[from..to]) {
                    *x = f64::fma::<F>(value, u, *x);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparse_products_are_the_dense_ones() {
        for n in [1, 3, 7, 33, 70] {
            let m: Vec<f64> = (0..n * n)
                .map(|i| ((i * 37 % 101) as f64 - 50.0) / 10.0)
                .collect();
            let x: Vec<f64> = (0..n)
                .map(|i| if i % 9 == 0 { i as f64 + 1.0 } else { 0.0 })
                .collect();
            let mut c = Coefficients::default();
            c.set(x.iter().copied(), NEGLIGIBLE);
            let mut out = vec![0.0; n];
            add_rows(&m, n, &c, &mut out);
            for j in 0..n {
                let dense: f64 = (0..n).map(|i| x[i] * m[i * n + j]).sum();
                assert!((out[j] - dense).abs() < 1e-11);
            }
            dot_rows(&m, n, &c, &x, &mut out);
            for i in 0..n {
                let dense: f64 = (0..n).map(|j| x[j] * m[i * n + j]).sum();
                assert!((out[i] - dense).abs() < 1e-11);
            }
            let mut stretches = Stretches::default();
            stretches.set(&x, NEGLIGIBLE);
            let mut changed = m.clone();
            add_outer(&mut changed, n, &c, &x, &stretches);
            for i in 0..n * n {
                assert!((changed[i] - m[i] - x[i / n] * x[i % n]).abs() < 1e-11);
            }
        }
    }
}
