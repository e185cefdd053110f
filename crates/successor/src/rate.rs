//! Learning rates of the recurrent network.

use crate::error::SuccessorError;
use crate::fang2023::{COUNT_FORGETTING, COUNT_START, LEAST_RATE};
use serde::{Deserialize, Serialize};

/// Which activity the count of a neuron adds up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// That of the present step, as the figures of the paper were made.
    #[default]
    Reference,
    /// That of the step before, which is the one that learns: an exact running mean for one-hot activity.
    Presynaptic,
}

/// Learning rate η of each neuron's outgoing synapses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[non_exhaustive]
pub enum Rate {
    /// η_j = 1/n_j within [least, 1], where n_j ← x_j + λ n_j counts the activity of neuron j.
    Adaptive {
        /// Forgetting factor λ.
        forgetting: f64,
        /// Smallest rate.
        least: f64,
        /// n_j before anything was seen.
        start: f64,
        /// Which activity is counted.
        count: Count,
    },
    /// One rate for all.
    Static {
        /// η
        rate: f64,
    },
}

impl Default for Rate {
    fn default() -> Self {
        Self::Adaptive {
            forgetting: COUNT_FORGETTING,
            least: LEAST_RATE,
            start: COUNT_START,
            count: Count::Reference,
        }
    }
}

impl Rate {
    /// What cannot be meant.
    ///
    /// # Errors
    /// A rate or a forgetting factor outside [0, 1], a negative start.
    pub fn check(self) -> Result<(), SuccessorError> {
        let within = |what: &str, value: f64| {
            if (0.0..=1.0).contains(&value) {
                Ok(())
            } else {
                Err(SuccessorError::setting(what, value, "between 0 and 1"))
            }
        };
        match self {
            Self::Static { rate } => within("the learning rate η", rate),
            Self::Adaptive {
                forgetting,
                least,
                start,
                ..
            } => {
                within("the forgetting factor λ", forgetting)?;
                within("the smallest learning rate", least)?;
                if start >= 0.0 && start.is_finite() {
                    Ok(())
                } else {
                    Err(SuccessorError::setting("the first count", start, "at least 0"))
                }
            }
        }
    }

    /// Counts before the first step.
    pub(crate) fn start(self) -> f64 {
        match self {
            Self::Adaptive { start, .. } => start,
            Self::Static { .. } => COUNT_START,
        }
    }

    /// n ← scale · x + λ n
    pub(crate) fn count(self, counts: &mut [f64], present: &[f64], before: &[f64], scale: f64) {
        let (forgetting, x) = match self {
            Self::Adaptive {
                forgetting,
                count: Count::Reference,
                ..
            } => (forgetting, present),
            Self::Adaptive {
                forgetting,
                count: Count::Presynaptic,
                ..
            } => (forgetting, before),
            Self::Static { .. } => (COUNT_FORGETTING, present),
        };
        counts
            .iter_mut()
            .zip(x)
            .for_each(|(n, x)| *n = scale * x + forgetting * *n);
    }

    /// η of a neuron with this count.
    pub(crate) fn of(self, count: f64) -> f64 {
        match self {
            Self::Static { rate } => rate,
            Self::Adaptive { least, .. } => match 1.0 / count {
                rate if rate.is_finite() => rate.clamp(0.0, 1.0).max(least),
                _ => 1.0,
            },
        }
    }
}
