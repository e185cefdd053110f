//! Animals that forage without a grid: positions in cm, binned afterwards.

use crate::error::SuccessorError;
use crate::fang2023::{BOX_CM, STEPS_PER_SECOND};
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use rand_distr::{Distribution, Gamma, StandardNormal};
use serde::{Deserialize, Serialize};

/// Reflects a coordinate once at each border.
fn reflected(x: f64, side: f64) -> f64 {
    let x = if x < 0.0 { -x } else { x };
    if x > side { 2.0 * side - x } else { x }
}

/// Flights of Fang et al. 2023: direction uniform, length gamma (shape 2, scale 1) and at most the side of the arena.
///
/// Returns `steps` positions within [0, side]², from its centre on.
///
/// # Errors
/// A side that is not positive.
pub fn levy_flight(steps: usize, side: f64, key: Key) -> Result<Vec<[f64; 2]>, SuccessorError> {
    if !(side > 0.0 && side.is_finite()) {
        return Err(SuccessorError::setting("the side of the arena", side, "above 0"));
    }
    let mut draws = key.stream(Purpose::Environment, 2);
    let length = Gamma::new(2.0, 1.0).expect("a gamma law");
    let mut at = [side / 2.0; 2];
    let flight = |_| {
        let angle = std::f64::consts::TAU * draws.random::<f64>();
        let length: f64 = length.sample(&mut draws);
        let length = length.min(side);
        at = [
            reflected(at[0] + length * angle.cos(), side),
            reflected(at[1] + length * angle.sin(), side),
        ];
        at
    };
    Ok((0..steps).map(flight).collect())
}

/// A forager whose velocity is an Ornstein–Uhlenbeck process and who stops now and then.
///
/// The defaults move about as a small bird or a rat does; they are ours, fitted to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Forager {
    /// Side of the square arena, cm.
    pub side_cm: f64,
    /// Root mean square of each component of the velocity, cm/s.
    pub speed_cm_s: f64,
    /// Time over which the velocity forgets itself, s.
    pub persistence_s: f64,
    /// Mean time between stops, s.
    pub between_stops_s: f64,
    /// Mean length of a stop, s.
    pub stop_s: f64,
    /// Samples per second.
    pub rate_hz: f64,
}

impl Default for Forager {
    fn default() -> Self {
        Self {
            side_cm: BOX_CM,
            speed_cm_s: 11.0,
            persistence_s: 1.0,
            between_stops_s: 12.0,
            stop_s: 2.0,
            rate_hz: STEPS_PER_SECOND,
        }
    }
}

impl Forager {
    /// `steps` positions, cm, within [0, side]².
    ///
    /// # Errors
    /// A setting that is not positive.
    pub fn walk(&self, steps: usize, key: Key) -> Result<Vec<[f64; 2]>, SuccessorError> {
        let settings = [
            self.side_cm,
            self.persistence_s,
            self.between_stops_s,
            self.stop_s,
            self.rate_hz,
        ];
        if settings.iter().any(|value| !(*value > 0.0 && value.is_finite())) || !(self.speed_cm_s >= 0.0) {
            return Err(SuccessorError::setting(
                "a setting of the forager",
                format!("{self:?}"),
                "all above 0",
            ));
        }
        let mut draws = key.stream(Purpose::Environment, 3);
        let inner = 10_usize;
        let dt = 1.0 / (self.rate_hz * inner as f64);
        let keep = (-dt / self.persistence_s).exp();
        let kick = self.speed_cm_s * (1.0 - keep * keep).sqrt();
        let mut at = [
            self.side_cm * draws.random::<f64>(),
            self.side_cm * draws.random::<f64>(),
        ];
        let (mut velocity, mut stopped) = ([0.0_f64; 2], false);
        let mut positions = Vec::with_capacity(steps);
        while positions.len() < steps {
            for _ in 0..inner {
                let mean = if stopped {
                    self.stop_s
                } else {
                    self.between_stops_s
                };
                if draws.random::<f64>() < dt / mean {
                    stopped = !stopped;
                }
                for axis in 0..2 {
                    let noise: f64 = StandardNormal.sample(&mut draws);
                    velocity[axis] = keep * velocity[axis] + kick * noise;
                    if !stopped {
                        let next = at[axis] + velocity[axis] * dt;
                        if !(0.0..=self.side_cm).contains(&next) {
                            velocity[axis] = -velocity[axis];
                        }
                        at[axis] = reflected(next, self.side_cm);
                    }
                }
            }
            positions.push(at);
        }
        Ok(positions)
    }
}

/// State of a position: bins of equal size with edges fixed by the arena.
pub fn bin(at: [f64; 2], side: f64, bins: usize) -> usize {
    let index = |x: f64| ((x / side * bins as f64) as usize).min(bins - 1);
    index(at[0]) * bins + index(at[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foragers_stay_inside_and_go_everywhere() {
        let key = Key::new(1);
        let forager = Forager::default();
        for walk in [
            levy_flight(20_000, 14.0, key).unwrap(),
            forager.walk(20_000, key).unwrap(),
        ] {
            let side = if walk.iter().flatten().any(|x| *x > 14.0) {
                70.0
            } else {
                14.0
            };
            assert!(walk.iter().flatten().all(|x| (0.0..=side).contains(x)));
            let mut seen = [false; 196];
            walk.iter().for_each(|at| seen[bin(*at, side, 14)] = true);
            assert!(seen.iter().all(|seen| *seen));
        }
        let steps = forager.walk(5000, key).unwrap();
        let step = |pair: &[[f64; 2]]| (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]) * 3.0;
        let speed = steps.windows(2).map(step).sum::<f64>() / 4999.0;
        assert!((8.0..16.0).contains(&speed), "{speed} cm/s");
    }
}
