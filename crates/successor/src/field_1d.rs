//! Fields on a track or ring: tuning curves, their peaks and how they move.

use crate::matrix::Matrix;
use serde::{Deserialize, Serialize};

/// Mean activity of each neuron in each state, neurons × states; NaN where a state was not visited.
///
/// - `activity`: one row per step, one column per neuron
///
/// # Panics
/// When there is not one row per step.
pub fn tuning(states: &[usize], activity: &Matrix, n_states: usize) -> Matrix {
    assert_eq!(states.len(), activity.rows(), "one row per step");
    let mut sums = Matrix::zeros(activity.columns(), n_states);
    let mut visits = vec![0.0; n_states];
    for (step, &state) in states.iter().enumerate() {
        visits[state] += 1.0;
        for (neuron, a) in activity.row(step).iter().enumerate() {
            sums[(neuron, state)] += a;
        }
    }
    for neuron in 0..sums.rows() {
        let pairs = sums.row_mut(neuron).iter_mut().zip(&visits);
        pairs.for_each(|(sum, n)| *sum = if *n > 0.0 { *sum / n } else { f64::NAN });
    }
    sums
}

fn peak(curve: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (i, x) in curve.enumerate() {
        if x > best.1 {
            best = (i, x);
        }
    }
    best.0
}

fn wrapped(shift: i64, n: i64) -> i64 {
    [shift, shift - n, shift + n]
        .into_iter()
        .min_by_key(|shift| shift.abs())
        .expect("three ways")
}

/// Shift of the place cells' peaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// One per location or neuron, bins, the shorter way round.
    pub shifts: Vec<i64>,
    /// Their mean, bins.
    pub mean: f64,
}

fn shift(shifts: Vec<i64>) -> Shift {
    let mean = shifts.iter().sum::<i64>() as f64 / shifts.len().max(1) as f64;
    Shift { shifts, mean }
}

/// Shift of the population: at each location, which of the neurons in the order of their early peaks is most active.
///
/// - `before`, `after`: neurons × states
///
/// Fang et al. 2023, Fig. 4d, where the sign is turned.
pub fn population_shift(before: &Matrix, after: &Matrix) -> Shift {
    let mut order: Vec<usize> = (0..before.rows()).collect();
    order.sort_by_key(|&neuron| peak(before.row(neuron).iter().copied()));
    let at = |curves: &Matrix, state: usize| peak(order.iter().map(|&neuron| curves[(neuron, state)])) as i64;
    let one = |state| wrapped(at(after, state) - at(before, state), before.rows() as i64);
    shift((0..before.columns()).map(one).collect())
}

/// Shift of each neuron's own peak.
pub fn neuron_shift(before: &Matrix, after: &Matrix) -> Shift {
    let at = |curves: &Matrix, neuron: usize| peak(curves.row(neuron).iter().copied()) as i64;
    let one = |neuron| wrapped(at(after, neuron) - at(before, neuron), before.columns() as i64);
    shift((0..before.rows()).map(one).collect())
}

/// Circular centre of mass of a tuning curve, bins; `None` without activity.
pub fn circular_centre(curve: &[f64]) -> Option<f64> {
    let n = curve.len() as f64;
    let (mut re, mut im) = (0.0, 0.0);
    for (i, r) in curve.iter().enumerate() {
        let angle = std::f64::consts::TAU * i as f64 / n;
        re += r * angle.cos();
        im += r * angle.sin();
    }
    let angle = im.atan2(re).rem_euclid(std::f64::consts::TAU);
    (curve.iter().sum::<f64>() > 0.0).then(|| angle * n / std::f64::consts::TAU)
}

/// Third standardised moment of a tuning curve around its circular centre: negative with a tail to the left.
pub fn skewness(curve: &[f64]) -> Option<f64> {
    let n = curve.len() as f64;
    let centre = circular_centre(curve)?;
    let sum: f64 = curve.iter().sum();
    let offset = |i: usize| (i as f64 - centre + n / 2.0).rem_euclid(n) - n / 2.0;
    let moment = |about: f64, power: i32| -> f64 {
        curve
            .iter()
            .enumerate()
            .map(|(i, r)| r / sum * (offset(i) - about).powi(power))
            .sum()
    };
    let mean = moment(0.0, 1);
    let sd = moment(mean, 2).sqrt();
    (sd > 0.0).then(|| moment(mean, 3) / sd.powi(3))
}

/// Width of the stretch around the peak that stays above half of it, bins.
pub fn half_width(curve: &[f64]) -> usize {
    let n = curve.len();
    let top = peak(curve.iter().copied());
    let above = |i: usize| curve[i] >= curve[top] / 2.0;
    let right = (1..n).take_while(|d| above((top + d) % n)).count();
    let left = (1..n).take_while(|d| above((top + n - d) % n)).count();
    (1 + left + right).min(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_go_the_shorter_way_round() {
        assert_eq!((wrapped(9, 10), wrapped(-9, 10), wrapped(3, 10)), (-1, 1, 3));
        let before = Matrix::identity(5);
        let mut after = Matrix::zeros(5, 5);
        (0..5).for_each(|i| after[(i, (i + 4) % 5)] = 1.0);
        assert_eq!(neuron_shift(&before, &after).mean, -1.0);
        assert_eq!(population_shift(&before, &after).mean, 1.0);
        assert_eq!(half_width(&[0.0, 0.5, 1.0, 0.6, 0.1]), 3);
        assert_eq!(circular_centre(&[0.0; 4]), None);
        assert_eq!(
            tuning(
                &[0, 1, 0],
                &Matrix::from_rows(&[vec![1.0], vec![2.0], vec![3.0]]),
                3
            )
            .row(0)[..2],
            [2.0, 2.0]
        );
    }
}
