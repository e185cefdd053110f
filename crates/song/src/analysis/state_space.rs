//! Targeted dimensionality reduction: population activity on axes of choice, motion, colour and context.
//!
//! 1. z-score each unit over trials and times;
//! 2. regress, for each unit and time, on choice, motion, colour, context, a constant and the six products;
//! 3. for each of the four variables take the coefficients over units at the time where their norm is largest;
//! 4. make the four vectors orthogonal, in this order, by QR.
//!
//! Mante, Sussillo, Shenoy & Newsome, Nature 503, 78 (2013); Song, Yang & Wang 2017, figure 2, supplement.

mod projection;

use neuropil_math::{
    linalg::{least_squares, thin_qr},
    stats::summary::{mean, variance},
};
use serde::{Deserialize, Serialize};

pub use projection::{StateSpace, Trajectory, TrajectoryPanel, state_space};

use super::AnalysisError;

/// Regressors of the unit model, in order.
pub const REGRESSORS: [&str; 11] = [
    "choice",
    "motion",
    "colour",
    "context",
    "constant",
    "choice*motion",
    "choice*colour",
    "choice*context",
    "motion*colour",
    "motion*context",
    "colour*context",
];

/// The variables that get an axis: the first four regressors.
pub const N_AXES: usize = 4;

/// Task variables of one trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variables {
    /// Right +1, left −1.
    pub choice: f64,
    /// Signed motion coherence in percent.
    pub motion: f64,
    /// Signed colour coherence in percent.
    pub colour: f64,
    /// Motion context +1, colour context −1.
    pub context: f64,
}

impl Variables {
    /// Regressors for a unit that prefers right (+1) or left (−1).
    fn regressors(&self, preferred: f64, max_coherence: f64) -> [f64; 11] {
        let a = preferred * self.choice;
        let b = preferred * self.motion / max_coherence;
        let c = preferred * self.colour / max_coherence;
        let k = self.context;
        [a, b, c, k, 1.0, a * b, a * c, a * k, b * c, b * k, c * k]
    }
}

/// Regression coefficients and orthogonal axes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetedReduction {
    /// Number of times.
    pub n_times: usize,
    /// Number of units.
    pub n_units: usize,
    /// Coefficients in z-scored units, regressor × time × unit.
    pub coefficients: Vec<f64>,
    /// For each of the four axes the time index at which its coefficients are largest.
    pub time_of_max: [usize; N_AXES],
    /// Orthonormal axes of choice, motion, colour and context, unit × 4.
    pub axes: Vec<f64>,
    /// Mean of each unit over trials and times.
    pub mean: Vec<f64>,
    /// Standard deviation of each unit over trials and times.
    pub sd: Vec<f64>,
    /// Smallest rank of the design; below 11 some regressors are collinear, and their coefficients are shared.
    pub rank: usize,
}

impl TargetedReduction {
    /// Coefficients of `regressor` at `time`, one per unit.
    pub fn coefficients_at(&self, regressor: usize, time: usize) -> &[f64] {
        let first = (regressor * self.n_times + time) * self.n_units;
        &self.coefficients[first..first + self.n_units]
    }

    /// Projection of z-scored population activity on one of the four axes.
    pub fn project(&self, z: &[f64], axis: usize) -> f64 {
        z.iter()
            .enumerate()
            .map(|(unit, z)| z * self.axes[unit * N_AXES + axis])
            .sum()
    }
}

/// Targeted dimensionality reduction of population activity.
///
/// - `rates`: time × trial × unit; every unit must vary
/// - `trials`: task variables of each trial
/// - `preferred`: +1 or −1 for each unit
/// - `max_coherence`: coherence in percent that counts as 1
///
/// # Errors
/// Fewer units than axes, or a decomposition that fails.
pub fn targeted_reduction(
    rates: &[f64],
    trials: &[Variables],
    preferred: &[f64],
    max_coherence: f64,
) -> Result<TargetedReduction, AnalysisError> {
    let (n_trials, n_units) = (trials.len(), preferred.len());
    if n_units < N_AXES {
        return Err(AnalysisError::ActivityShape {
            what: "active units",
            found: n_units,
            expected: N_AXES,
        });
    }
    let n_times = rates.len() / (n_trials * n_units);
    assert_eq!(
        rates.len(),
        n_times * n_trials * n_units,
        "rates are time x trial x unit"
    );
    let of_unit = |unit: usize| -> Vec<f64> { rates.iter().skip(unit).step_by(n_units).copied().collect() };
    let mut coefficients = vec![0.0; REGRESSORS.len() * n_times * n_units];
    let (mut means, mut sds) = (Vec::new(), Vec::new());
    let mut rank = REGRESSORS.len();
    for unit in 0..n_units {
        let rate = of_unit(unit);
        let (centre, sd) = (mean(&rate), variance(&rate, 0).sqrt());
        let design: Vec<f64> = trials
            .iter()
            .flat_map(|trial| trial.regressors(preferred[unit], max_coherence))
            .collect();
        // One right-hand side for each time.
        let mut targets = vec![0.0; n_trials * n_times];
        for (i, rate) in rate.iter().enumerate() {
            targets[i % n_trials * n_times + i / n_trials] = (rate - centre) / sd;
        }
        let fit = least_squares(&design, n_trials, REGRESSORS.len(), &targets, n_times)?;
        rank = rank.min(fit.rank);
        for (i, coefficient) in fit.coefficients.iter().enumerate() {
            coefficients[i * n_units + unit] = *coefficient;
        }
        means.push(centre);
        sds.push(sd);
    }
    let mut reduction = TargetedReduction {
        n_times,
        n_units,
        coefficients,
        time_of_max: [0; N_AXES],
        axes: Vec::new(),
        mean: means,
        sd: sds,
        rank,
    };
    reduction.find_axes()?;
    Ok(reduction)
}

impl TargetedReduction {
    fn find_axes(&mut self) -> Result<(), AnalysisError> {
        let norm = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>();
        for axis in 0..N_AXES {
            // The first of equal maxima, as everywhere.
            let later = |best: usize, time: usize| {
                let is_larger =
                    norm(self.coefficients_at(axis, time)) > norm(self.coefficients_at(axis, best));
                if is_larger { time } else { best }
            };
            self.time_of_max[axis] = (0..self.n_times).fold(0, later);
        }
        let columns: Vec<&[f64]> = (0..N_AXES)
            .map(|axis| self.coefficients_at(axis, self.time_of_max[axis]))
            .collect();
        let vectors: Vec<f64> = (0..self.n_units * N_AXES)
            .map(|i| columns[i % N_AXES][i / N_AXES])
            .collect();
        let axes = thin_qr(&vectors, self.n_units, N_AXES)?.q;
        self.axes = axes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};
    use rand::RngExt;

    /// Units that are exact sums of the variables, plus a little noise.
    fn population(collinear: bool) -> (Vec<f64>, Vec<Variables>) {
        let mut stream = Key::new(1).stream(Purpose::Test, 0);
        let mut sign = || if stream.random::<bool>() { 1.0 } else { -1.0 };
        let trials: Vec<Variables> = (0..80)
            .map(|_| {
                let (motion, colour, context) = (20.0 * sign(), 50.0 * sign(), sign());
                let choice = if collinear { motion / 20.0 } else { sign() };
                Variables {
                    choice,
                    motion,
                    colour,
                    context,
                }
            })
            .collect();
        let mut rates = Vec::new();
        for time in 1..=3 {
            for trial in &trials {
                let t = f64::from(time);
                let values = [
                    trial.choice,
                    trial.motion / 50.0,
                    trial.colour / 50.0,
                    trial.context,
                    0.0,
                ];
                rates.extend(values.map(|v| 5.0 + t * v + 0.1 * sign()));
            }
        }
        (rates, trials)
    }

    #[test]
    fn each_axis_finds_the_unit_that_carries_its_variable() {
        let (rates, trials) = population(false);
        let reduction = targeted_reduction(&rates, &trials, &[1.0; 5], 50.0).unwrap();
        assert_eq!((reduction.rank, reduction.time_of_max), (11, [2; 4]));
        for axis in 0..N_AXES {
            assert!(
                reduction.axes[axis * N_AXES + axis] > 0.99,
                "{:?}",
                reduction.axes
            );
        }
        assert_eq!(
            reduction.project(&[1.0, 0.0, 0.0, 0.0, 0.0], 0),
            reduction.axes[0]
        );
    }

    #[test]
    fn collinear_variables_lower_the_rank() {
        let (rates, trials) = population(true);
        let reduction = targeted_reduction(&rates, &trials, &[1.0; 5], 50.0).unwrap();
        assert!(reduction.rank < 11, "{}", reduction.rank);
        assert!(reduction.axes.iter().all(|a| a.is_finite()));
    }

    #[test]
    fn too_few_units_are_an_error() {
        let (rates, trials) = population(false);
        let three: Vec<f64> = rates.chunks(5).flat_map(|units| units[..3].to_vec()).collect();
        let words = targeted_reduction(&three, &trials, &[1.0; 3], 50.0)
            .unwrap_err()
            .to_string();
        assert_eq!(
            words,
            "cannot be computed: the recorded activity has 3 active units, expected 4"
        );
    }
}
