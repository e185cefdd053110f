//! Learning rates and momenta over the iterations of a training.

/// How the rate of a cycle shrinks from cycle to cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cycle {
    /// Not at all.
    Triangular,
    /// To a half.
    Triangular2,
}

/// A schedule.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Schedule {
    /// One rate.
    Constant {
        /// The rate.
        rate: f64,
    },
    /// Multiplied by `decay` every epoch, smoothly.
    Exponential {
        /// Rate at the beginning.
        rate: f64,
        /// Factor of an epoch.
        decay: f64,
    },
    /// Up and down in triangles (Smith 2017), momentum the other way round.
    Cyclic {
        /// Lowest rate.
        low: f64,
        /// Highest rate.
        high: f64,
        /// Cycles in the whole training.
        cycles: f64,
        /// How the cycles shrink.
        shape: Cycle,
    },
    /// The retina models': one triangle, then a second one below the lowest rate.
    Retina {
        /// Rate at the ends of the first triangle.
        low: f64,
        /// Rate at its tip.
        high: f64,
    },
}

/// Highest and lowest momentum of cyclic schedules.
const MOMENTUM: (f64, f64) = (0.99, 0.875);

/// Position in a cycle: its number from 1, and the height of the triangle from 0 to 1.
fn triangle(iteration: f64, half: f64) -> (f64, f64) {
    let cycle = (1.0 + iteration / (2.0 * half)).floor();
    let x = (iteration / half - 2.0 * cycle + 1.0).abs();
    (cycle, (1.0 - x).max(0.0))
}

impl Schedule {
    /// Rate, and momentum where the schedule sets it, at `iteration` of `total`, `per_epoch` of them in an epoch.
    pub fn at(&self, iteration: u64, per_epoch: u64, total: u64) -> (f64, Option<f64>) {
        let i = iteration as f64;
        match *self {
            Self::Constant { rate } => (rate, None),
            Self::Exponential { rate, decay } => (rate * decay.powf(i / per_epoch as f64), None),
            Self::Cyclic {
                low,
                high,
                cycles,
                shape,
            } => {
                let (cycle, height) = triangle(i, total as f64 / cycles / 2.0);
                let scale = match shape {
                    Cycle::Triangular => 1.0,
                    Cycle::Triangular2 => 0.5_f64.powf(cycle - 1.0),
                };
                (
                    low + (high - low) * height * scale,
                    Some(MOMENTUM.0 - (MOMENTUM.0 - MOMENTUM.1) * height * scale),
                )
            }
            Self::Retina { low, high } => {
                let (cycle, height) = triangle(i, total as f64 / 2.5);
                if cycle >= 2.0 {
                    (low - (low - low / 100.0) * height, Some(MOMENTUM.0))
                } else {
                    (
                        low + (high - low) * height,
                        Some(MOMENTUM.0 - (MOMENTUM.0 - MOMENTUM.1) * height),
                    )
                }
            }
        }
    }
}
