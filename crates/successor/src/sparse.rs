//! Large worlds: transitions as counts, and single rows of M without the matrix.
//!
//! With one-hot inputs and gain 0 the network of [`crate::network`] counts what follows what; with few exits per state
//! 10⁴ to 10⁵ states fit in memory. A row of M solves (I − γTᵀ) x = e, here by GMRES (Saad & Schultz, SIAM J. Sci.
//! Stat. Comput. 7, 856, 1986), restarted.

use crate::error::SuccessorError;
use crate::sr::check_discount;
use neuropil_math::sparse::Rows;
use std::collections::BTreeMap;

/// Vectors of a Krylov space before it is begun anew.
const RESTART: usize = 40;
/// Spaces at most.
const MOST_RESTARTS: usize = 200;

/// Learned transitions of a large world.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseTransitions {
    rows: Vec<BTreeMap<usize, f64>>,
    sums: Vec<f64>,
    forgetting: f64,
}

impl SparseTransitions {
    /// Nothing learned about `n` states. Counts fade by `forgetting` with every visit of their state; 1: never.
    ///
    /// # Errors
    /// No states, or a factor outside (0, 1].
    pub fn new(n: usize, forgetting: f64) -> Result<Self, SuccessorError> {
        if n == 0 || !(forgetting > 0.0 && forgetting <= 1.0) {
            return Err(SuccessorError::setting(
                "states and forgetting",
                format!("{n}, {forgetting}"),
                "at least 1, above 0 to 1",
            ));
        }
        Ok(Self {
            rows: vec![BTreeMap::new(); n],
            sums: vec![0.0; n],
            forgetting,
        })
    }

    /// Learns one transition.
    ///
    /// # Panics
    /// For a state that is not there.
    pub fn see(&mut self, from: usize, to: usize) {
        if self.forgetting < 1.0 {
            self.rows[from]
                .values_mut()
                .for_each(|count| *count *= self.forgetting);
            self.sums[from] *= self.forgetting;
        }
        *self.rows[from].entry(to).or_default() += 1.0;
        self.sums[from] += 1.0;
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.rows.len()
    }

    /// P(to | from); 0 for a state never left.
    pub fn probability(&self, from: usize, to: usize) -> f64 {
        match self.sums[from] {
            sum if sum > 0.0 => self.rows[from].get(&to).map_or(0.0, |count| count / sum),
            _ => 0.0,
        }
    }

    /// Row `from` of M: discounted visits of every state to come.
    ///
    /// # Errors
    /// A discount outside [0, 1), a state that is not there, or no convergence to 10⁻¹⁰.
    pub fn successor_row(&self, from: usize, discount: f64) -> Result<Vec<f64>, SuccessorError> {
        check_discount(discount)?;
        let n = self.states();
        if from >= n {
            return Err(SuccessorError::setting(
                "the state",
                from,
                format!("one of 0 to {}", n - 1),
            ));
        }
        let system = self.system(discount);
        let (mut x, mut image) = (vec![0.0; n], vec![0.0; n]);
        for _ in 0..MOST_RESTARTS {
            system.times(&x, &mut image);
            let mut residual: Vec<f64> = image.iter().map(|a| -a).collect();
            residual[from] += 1.0;
            if norm(&residual) < 1e-10 {
                return Ok(x);
            }
            improve(&system, &mut x, &residual);
        }
        Err(SuccessorError::NotSettled {
            iterations: RESTART * MOST_RESTARTS,
            radius: discount,
        })
    }

    /// I − γTᵀ
    fn system(&self, discount: f64) -> Rows {
        let row = |from: usize| {
            let scale = -discount / self.sums[from].max(f64::MIN_POSITIVE);
            let counts = self.rows[from]
                .iter()
                .map(move |(&to, count)| (to, scale * count));
            std::iter::once((from, 1.0)).chain(counts)
        };
        Rows::from_rows((0..self.states()).map(row)).transposed(self.states())
    }
}

/// The best correction of `x` within one Krylov space.
fn improve(system: &Rows, x: &mut [f64], residual: &[f64]) {
    let beta = norm(residual);
    let mut basis = vec![residual.iter().map(|r| r / beta).collect::<Vec<f64>>()];
    let mut hessenberg: Vec<Vec<f64>> = Vec::new();
    let mut turned: Vec<(f64, f64)> = Vec::new();
    let mut g = vec![beta];
    for k in 0..RESTART {
        let mut w = vec![0.0; x.len()];
        system.times(&basis[k], &mut w);
        let mut column = Vec::with_capacity(k + 2);
        for v in &basis {
            let h: f64 = v.iter().zip(&w).map(|(a, b)| a * b).sum();
            w.iter_mut().zip(v).for_each(|(w, v)| *w -= h * v);
            column.push(h);
        }
        let length = norm(&w);
        column.push(length);
        for (i, &(c, s)) in turned.iter().enumerate() {
            let (a, b) = (column[i], column[i + 1]);
            (column[i], column[i + 1]) = (c * a + s * b, c * b - s * a);
        }
        let hypotenuse = column[k].hypot(column[k + 1]);
        let (c, s) = (column[k] / hypotenuse, column[k + 1] / hypotenuse);
        column[k] = hypotenuse;
        turned.push((c, s));
        g.push(-s * g[k]);
        g[k] *= c;
        hessenberg.push(column);
        if length < 1e-14 || g[k + 1].abs() < 1e-11 {
            break;
        }
        basis.push(w.iter().map(|w| w / length).collect());
    }
    let m = hessenberg.len();
    let mut y = vec![0.0; m];
    for i in (0..m).rev() {
        let known: f64 = (i + 1..m).map(|j| hessenberg[j][i] * y[j]).sum();
        y[i] = (g[i] - known) / hessenberg[i][i];
    }
    for (y, v) in y.iter().zip(&basis) {
        x.iter_mut().zip(v).for_each(|(x, v)| *x += y * v);
    }
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sr;
    use crate::world::World;
    use neuropil_math::rng::Key;

    #[test]
    fn a_row_is_that_of_the_dense_matrix() {
        let world = World::open(9).unwrap();
        let walk = world.walk(5000, Key::new(1));
        let mut sparse = SparseTransitions::new(81, 1.0).unwrap();
        walk.windows(2).for_each(|pair| sparse.see(pair[0], pair[1]));
        let mut dense = sr::counts([&walk[..]], 81).unwrap();
        for i in 0..81 {
            let sum: f64 = dense.row(i).iter().sum();
            dense.row_mut(i).iter_mut().for_each(|p| *p /= sum.max(1.0));
        }
        let m = sr::ideal(&dense, 0.95).unwrap();
        let row = sparse.successor_row(walk[0], 0.95).unwrap();
        assert!(row.iter().zip(m.row(walk[0])).all(|(a, b)| (a - b).abs() < 1e-8));
        assert!(sparse.successor_row(81, 0.5).is_err() && sparse.successor_row(0, 1.0).is_err());
    }

    #[test]
    fn forgetting_follows_a_world_that_changes() {
        let mut sparse = SparseTransitions::new(3, 0.9).unwrap();
        (0..50).for_each(|_| sparse.see(0, 1));
        (0..20).for_each(|_| sparse.see(0, 2));
        assert!(sparse.probability(0, 2) > 0.85);
        assert_eq!(sparse.probability(1, 0), 0.0);
    }
}
