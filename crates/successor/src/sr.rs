//! The successor representation of a Markov chain.
//!
//! M = Σ_{t≥0} γᵗ Tᵗ = (I − γT)⁻¹ (Fang et al. 2023, eq. 1): `m[(i, j)]` is the discounted number of visits to state
//! j that a walk from i has before it, the present one counted as 1.
//!
//! Dayan, Neural Comput. 5, 613 (1993).

use crate::error::SuccessorError;
use crate::fang2023::COUNT_EPSILON;
use crate::matrix::Matrix;

/// How far the sum of a row of probabilities may be from 1.
const ROW_TOLERANCE: f64 = 1e-6;

/// Whether a discount lies in [0, 1).
///
/// # Errors
/// It does not.
pub fn check_discount(discount: f64) -> Result<(), SuccessorError> {
    if (0.0..1.0).contains(&discount) {
        Ok(())
    } else {
        Err(SuccessorError::setting(
            "the discount γ",
            discount,
            "at least 0 and below 1",
        ))
    }
}

/// Whether the rows of `t` are probabilities.
///
/// # Errors
/// Names the first row that is none.
pub fn check_transitions(t: &Matrix) -> Result<(), SuccessorError> {
    for (row, sum) in t.row_sums().into_iter().enumerate() {
        if t.row(row).iter().any(|p| *p < 0.0) || !((sum - 1.0).abs() <= ROW_TOLERANCE) {
            return Err(SuccessorError::NotADistribution { row, sum });
        }
    }
    Ok(())
}

/// Whether the linear dynamics at gain γ settle: γρ(T) < 1.
///
/// The largest row sum bounds ρ, so that eigenvalues are only computed where it does not decide.
///
/// # Errors
/// [`SuccessorError::Unstable`] with γρ.
pub fn check_stable(t: &Matrix, gain: f64) -> Result<(), SuccessorError> {
    if gain * t.row_norm() < 1.0 {
        return Ok(());
    }
    let radius = t.spectrum(gain)?.radius;
    if radius < 1.0 - 1e-12 {
        Ok(())
    } else {
        Err(SuccessorError::Unstable { radius, gain })
    }
}

/// M = (I − γT)⁻¹.
///
/// - `t`: N × N, `t[(i, j)]` = P(next is j | now i); rows need not sum to 1
/// - `discount`: γ
///
/// # Errors
/// [`SuccessorError::Unstable`] when γρ(T) ≥ 1: the sum over time has no limit.
///
/// Fang et al. 2023, eq. 1.
///
/// ```
/// use neuropil_successor::{matrix::Matrix, sr};
/// let there_and_back = Matrix::from_rows(&[vec![0.0, 1.0], vec![1.0, 0.0]]);
/// let m = sr::ideal(&there_and_back, 0.5)?;
/// assert!((m[(0, 0)] - 4.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), neuropil_successor::error::SuccessorError>(())
/// ```
pub fn ideal(t: &Matrix, discount: f64) -> Result<Matrix, SuccessorError> {
    check_stable(t, discount)?;
    t.identity_minus(discount).inverse()
}

/// M_K = Σ_{t<K} γᵗ Tᵗ: what K steps of the recurrent network reach.
pub fn truncated(t: &Matrix, discount: f64, terms: usize) -> Matrix {
    let n = t.rows();
    let mut sum = Matrix::zeros(n, n);
    let mut power = Matrix::identity(n);
    for _ in 0..terms {
        sum.values_mut()
            .iter_mut()
            .zip(power.values())
            .for_each(|(sum, p)| *sum += p);
        power = power.times(t).scaled(discount);
    }
    sum
}

/// V = M r: the discounted reward to come from every state.
///
/// # Panics
/// When there is not one reward per state.
pub fn value(m: &Matrix, reward: &[f64]) -> Vec<f64> {
    m.apply(reward)
}

/// Counts of transitions, N × N.
///
/// # Errors
/// A state that is not below `n`: names the step.
pub fn counts<'a>(pieces: impl IntoIterator<Item = &'a [usize]>, n: usize) -> Result<Matrix, SuccessorError> {
    let mut counts = Matrix::zeros(n, n);
    for piece in pieces {
        if let Some((step, state)) = piece.iter().enumerate().find(|(_, state)| **state >= n) {
            let what = format!("the state at step {step}");
            return Err(SuccessorError::setting(
                what,
                state,
                format!("one of 0 to {}", n - 1),
            ));
        }
        for pair in piece.windows(2) {
            counts[(pair[0], pair[1])] += 1.0;
        }
    }
    Ok(counts)
}

/// Observed transition frequencies: counts / (row sum + 10⁻⁵), rows of states never left are zero.
///
/// # Errors
/// As [`counts`].
pub fn empirical(states: &[usize], n: usize) -> Result<Matrix, SuccessorError> {
    let mut t = counts([states], n)?;
    for i in 0..n {
        let sum: f64 = t.row(i).iter().sum::<f64>() + COUNT_EPSILON;
        t.row_mut(i).iter_mut().for_each(|value| *value /= sum);
    }
    Ok(t)
}

/// Total variation distance of the rows: ½ Σ|p − q|, (mean over rows, largest).
pub fn total_variation(p: &Matrix, q: &Matrix) -> (f64, f64) {
    let row = |i| {
        0.5 * p
            .row(i)
            .iter()
            .zip(q.row(i))
            .map(|(a, b)| (a - b).abs())
            .sum::<f64>()
    };
    let distances: Vec<f64> = (0..p.rows()).map(row).collect();
    let mean = distances.iter().sum::<f64>() / distances.len().max(1) as f64;
    (mean, distances.into_iter().fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chain(weights: &[f64], n: usize) -> Matrix {
        let mut t = Matrix::new(n, n, weights[..n * n].to_vec());
        for i in 0..n {
            let sum: f64 = t.row(i).iter().sum();
            t.row_mut(i).iter_mut().for_each(|p| *p /= sum);
        }
        t
    }

    proptest! {
        #[test]
        fn rows_sum_to_the_horizon_and_bellman_holds(
            weights in proptest::collection::vec(0.01..1.0_f64, 36), n in 1..7_usize, gamma in 0.0..0.97_f64,
        ) {
            let t = chain(&weights, n);
            let m = ideal(&t, gamma).unwrap();
            for sum in m.row_sums() {
                prop_assert!((sum - 1.0 / (1.0 - gamma)).abs() < 1e-9 / (1.0 - gamma));
            }
            let mut bellman = t.times(&m).scaled(gamma);
            (0..n).for_each(|i| bellman[(i, i)] += 1.0);
            prop_assert!(bellman.mean_absolute_error(&m) < 1e-11);
            prop_assert!((0..n).all(|i| m[(i, i)] >= 1.0 - 1e-12));
            prop_assert!(truncated(&t, gamma, 2000).mean_absolute_error(&m) < 1e-9);
        }
    }

    #[test]
    fn a_discount_of_one_is_refused_with_the_radius() {
        let t = Matrix::identity(3);
        let message = ideal(&t, 1.0).unwrap_err().to_string();
        assert!(
            message.starts_with("unstable: γρ = 1.0000 at gain γ = 1"),
            "{message}"
        );
        assert!(
            check_discount(1.0).is_err()
                && check_discount(-0.1).is_err()
                && check_discount(f64::NAN).is_err()
        );
        let message = check_transitions(&Matrix::from_rows(&[vec![1.0, 0.0], vec![0.6, 0.3]]))
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("row 1 of the transition matrix sums to 0.8999"),
            "{message}"
        );
    }
}
