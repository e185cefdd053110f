//! How activity follows from input.
//!
//! τ ẋ = −x + γ J f(x) + φ (Fang et al. 2023, eq. 2). With steps of one time constant, x ← γ J f(x) + φ. A linear
//! network settles on x* = (I − γJ)⁻¹ φ = Mᵀφ (eq. 3), where M is the successor representation of T = Jᵀ at
//! discount γ. Networks are held as T throughout: row j holds the outgoing synapses of neuron j.

use crate::error::SuccessorError;
use crate::fang2023::{FEATURE_ACTIVITY_LIMIT, SETTLED};
use crate::matrix::Matrix;
use crate::rank_one::{Coefficients, NEGLIGIBLE, add_rows};
use crate::sr;
use serde::{Deserialize, Serialize};

/// f of the recurrent input J f(x).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[non_exhaustive]
pub enum Nonlinearity {
    /// x
    #[default]
    Linear,
    /// y tanh(x / x₀)
    Tanh {
        /// x₀
        input_scale: f64,
        /// y
        output_scale: f64,
    },
    /// x held within [low, low + |width|]
    Clamp {
        /// Lower end.
        low: f64,
        /// Distance of the upper end.
        width: f64,
    },
    /// 1 / (1 + exp(−(|gain| x + offset)))
    Logistic {
        /// Slope.
        gain: f64,
        /// Offset.
        offset: f64,
    },
}

impl Nonlinearity {
    /// tanh with both scales 1.
    pub const TANH: Self = Self::Tanh {
        input_scale: 1.0,
        output_scale: 1.0,
    };

    /// f(x)
    pub fn of(self, x: f64) -> f64 {
        match self {
            Self::Linear => x,
            Self::Tanh {
                input_scale,
                output_scale,
            } => output_scale * (x / input_scale).tanh(),
            Self::Clamp { low, width } => x.clamp(low, low + width.abs()),
            Self::Logistic { gain, offset } => 1.0 / (1.0 + (-(gain.abs() * x + offset)).exp()),
        }
    }
}

/// How activity is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[non_exhaustive]
pub enum Dynamics {
    /// The linear steady state (I − γJ)⁻¹ φ.
    #[default]
    SteadyState,
    /// A number of iterations from x = 0.
    Iterated {
        /// Iterations; `None`: until γᵏ falls below 10⁻⁵.
        steps: Option<usize>,
        /// f
        nonlinearity: Nonlinearity,
        /// Whether activity is held at or above 0, as rates are.
        rectified: bool,
        /// Input is given in this many first iterations; `None`: in all.
        input_steps: Option<usize>,
    },
}

impl Dynamics {
    /// The tanh network that settles.
    pub const TANH: Self = Self::Iterated {
        steps: None,
        nonlinearity: Nonlinearity::TANH,
        rectified: false,
        input_steps: None,
    };
    /// The feature network of Figs 4 to 6: tanh, rates not below 0.
    pub const FEATURES: Self = Self::Iterated {
        steps: None,
        nonlinearity: Nonlinearity::TANH,
        rectified: true,
        input_steps: None,
    };

    /// Linear with K iterations.
    pub fn truncated(steps: usize) -> Self {
        Self::Iterated {
            steps: Some(steps),
            nonlinearity: Nonlinearity::Linear,
            rectified: false,
            input_steps: None,
        }
    }

    /// What cannot be meant.
    ///
    /// # Errors
    /// No iterations at all, or a scale that is not positive.
    pub fn check(self) -> Result<(), SuccessorError> {
        let Self::Iterated {
            steps, nonlinearity, ..
        } = self
        else {
            return Ok(());
        };
        if steps == Some(0) {
            return Err(SuccessorError::setting(
                "the number of iterations K",
                0,
                "at least 1",
            ));
        }
        match nonlinearity {
            Nonlinearity::Tanh {
                input_scale: s,
                output_scale: y,
            } if !(s > 0.0 && y > 0.0) => Err(SuccessorError::setting(
                "the scale of tanh",
                format!("{s}, {y}"),
                "above 0",
            )),
            _ => Ok(()),
        }
    }
}

/// Iterations until γᵏ falls below 10⁻⁵: ⌊ln 10⁻⁵ / ln γ⌋, at least 1.
///
/// ```
/// assert_eq!(neuropil_successor::dynamics::steps_for(0.8), 51);
/// ```
pub fn steps_for(gain: f64) -> usize {
    match gain {
        g if g <= 0.0 => 1,
        g if g >= 1.0 => usize::MAX,
        g => ((SETTLED.ln() / g.ln()) as usize).max(1),
    }
}

/// Activity for one input.
///
/// - `t`: N × N, Jᵀ
/// - `input`: φ, N
///
/// # Errors
/// [`SuccessorError::Unstable`] for the steady state of a network without one; settings that cannot be meant.
pub fn respond(t: &Matrix, input: &[f64], gain: f64, dynamics: Dynamics) -> Result<Vec<f64>, SuccessorError> {
    dynamics.check()?;
    if dynamics == Dynamics::SteadyState {
        sr::check_stable(t, gain)?;
        let b = Matrix::new(input.len(), 1, input.to_vec());
        return Ok(t.transposed().identity_minus(gain).solve(&b)?.values().to_vec());
    }
    Ok(iterate(t, input, gain, dynamics))
}

/// Activity after the iterations of `dynamics`; dynamics and network are known to be sound.
pub(crate) fn iterate(t: &Matrix, input: &[f64], gain: f64, dynamics: Dynamics) -> Vec<f64> {
    let Dynamics::Iterated {
        steps,
        nonlinearity,
        rectified,
        input_steps,
    } = dynamics
    else {
        unreachable!("the steady state is solved for")
    };
    let n = input.len();
    let mut x = vec![0.0; n];
    let (mut drive, mut coefficients) = (vec![0.0; n], Coefficients::default());
    for k in 0..steps.unwrap_or_else(|| steps_for(gain)) {
        coefficients.set(x.iter().map(|&x| gain * nonlinearity.of(x)), NEGLIGIBLE);
        drive.fill(0.0);
        add_rows(t.values(), n, &coefficients, &mut drive);
        let on = input_steps.is_none_or(|last| k < last);
        for ((x, &drive), &input) in x.iter_mut().zip(&drive).zip(input) {
            *x = drive + if on { input } else { 0.0 };
            if rectified {
                *x = x.clamp(0.0, FEATURE_ACTIVITY_LIMIT);
            }
        }
    }
    x
}

/// Activity for many inputs at once.
///
/// - `inputs`: inputs × N
///
/// Returns activities, inputs × N.
///
/// # Errors
/// As [`respond`].
pub fn respond_all(
    t: &Matrix,
    inputs: &Matrix,
    gain: f64,
    dynamics: Dynamics,
) -> Result<Matrix, SuccessorError> {
    dynamics.check()?;
    let Dynamics::Iterated {
        steps,
        nonlinearity,
        rectified,
        input_steps,
    } = dynamics
    else {
        sr::check_stable(t, gain)?;
        let solved = t.transposed().identity_minus(gain).solve(&inputs.transposed())?;
        return Ok(solved.transposed());
    };
    let mut x = Matrix::zeros(inputs.rows(), inputs.columns());
    for k in 0..steps.unwrap_or_else(|| steps_for(gain)) {
        let on = input_steps.is_none_or(|last| k < last);
        let drive = if k == 0 {
            x.clone()
        } else {
            x.map(|x| gain * nonlinearity.of(x)).times(t)
        };
        let pairs = x.values_mut().iter_mut().zip(drive.values()).zip(inputs.values());
        for ((x, &drive), &input) in pairs {
            *x = drive + if on { input } else { 0.0 };
            if rectified {
                *x = x.clamp(0.0, FEATURE_ACTIVITY_LIMIT);
            }
        }
        let settled_at_zero = k == 0 && nonlinearity.of(0.0) != 0.0;
        if settled_at_zero {
            let rest = Matrix::new(1, t.rows(), vec![gain * nonlinearity.of(0.0); t.rows()]).times(t);
            for i in 0..x.rows() {
                x.row_mut(i)
                    .iter_mut()
                    .zip(rest.values())
                    .for_each(|(x, rest)| *x += rest);
            }
        }
    }
    Ok(x)
}

/// M̂ as the network shows it: row i is the response to a one-hot input at i.
///
/// # Errors
/// As [`respond`].
pub fn read_out(t: &Matrix, gain: f64, dynamics: Dynamics) -> Result<Matrix, SuccessorError> {
    match dynamics {
        Dynamics::SteadyState => sr::ideal(t, gain),
        _ => respond_all(t, &Matrix::identity(t.rows()), gain, dynamics),
    }
}

/// A network that was iterated until nothing changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// Activity.
    pub activity: Vec<f64>,
    /// Iterations it took.
    pub iterations: usize,
}

/// Iterates x ← γ J f(x) + φ until ‖Δx‖∞ ≤ `tolerance` · max(1, ‖x‖∞).
///
/// # Errors
/// [`SuccessorError::Unstable`] for a linear network with γρ ≥ 1; [`SuccessorError::NotSettled`] with the spectral radius.
pub fn settle(
    t: &Matrix,
    input: &[f64],
    gain: f64,
    nonlinearity: Nonlinearity,
    tolerance: f64,
    most: usize,
) -> Result<Settled, SuccessorError> {
    if nonlinearity == Nonlinearity::Linear {
        sr::check_stable(t, gain)?;
    }
    let mut x = vec![0.0; input.len()];
    for iterations in 1..=most {
        let f: Vec<f64> = x.iter().map(|&x| gain * nonlinearity.of(x)).collect();
        let mut next = t.apply_left(&f);
        next.iter_mut().zip(input).for_each(|(x, input)| *x += input);
        let change = next
            .iter()
            .zip(&x)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        let size = next.iter().map(|x| x.abs()).fold(1.0, f64::max);
        if change <= tolerance * size {
            return Ok(Settled {
                activity: next,
                iterations,
            });
        }
        x = next;
    }
    Err(SuccessorError::NotSettled {
        iterations: most,
        radius: t.spectrum(gain)?.radius,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> Matrix {
        Matrix::from_rows(&[
            vec![0.0, 0.75, 0.25],
            vec![0.25, 0.0, 0.75],
            vec![0.75, 0.25, 0.0],
        ])
    }

    #[test]
    fn iterations_approach_the_steady_state_and_one_is_the_input() {
        let t = ring();
        let input = [1.0, 0.0, 0.0];
        let settled = respond(&t, &input, 0.6, Dynamics::SteadyState).unwrap();
        let many = respond(&t, &input, 0.6, Dynamics::truncated(80)).unwrap();
        assert!(
            settled
                .iter()
                .zip(&many)
                .all(|(a, b)| (a - b).abs() < 1e-15 * 80.0)
        );
        assert_eq!(respond(&t, &input, 0.6, Dynamics::truncated(1)).unwrap(), input);
        assert!(respond(&t, &input, 0.6, Dynamics::truncated(0)).is_err());
    }

    #[test]
    fn batches_are_the_single_responses() {
        let t = ring();
        for dynamics in [
            Dynamics::SteadyState,
            Dynamics::TANH,
            Dynamics::FEATURES,
            Dynamics::Iterated {
                steps: Some(5),
                nonlinearity: Nonlinearity::Logistic {
                    gain: 2.0,
                    offset: -1.0,
                },
                rectified: false,
                input_steps: Some(2),
            },
        ] {
            let all = read_out(&t, 0.7, dynamics).unwrap();
            for i in 0..3 {
                let mut input = [0.0; 3];
                input[i] = 1.0;
                let one = respond(&t, &input, 0.7, dynamics).unwrap();
                assert!(
                    all.row(i).iter().zip(&one).all(|(a, b)| (a - b).abs() < 1e-14),
                    "{dynamics:?}"
                );
            }
        }
    }

    #[test]
    fn a_network_without_a_steady_state_is_refused() {
        let t = ring().scaled(2.0);
        let refused = respond(&t, &[1.0, 0.0, 0.0], 0.6, Dynamics::SteadyState);
        assert!(
            matches!(refused, Err(SuccessorError::Unstable { radius, .. }) if (radius - 1.2).abs() < 1e-9)
        );
        let turning = Matrix::from_rows(&[vec![0.0, -9.0], vec![9.0, 0.0]]);
        let refused = settle(&turning, &[1.0, 0.0], 1.0, Nonlinearity::TANH, 1e-12, 100);
        assert!(matches!(
            refused,
            Err(SuccessorError::NotSettled { iterations: 100, .. })
        ));
    }
}
