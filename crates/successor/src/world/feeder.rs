//! Rings with feeders: walks that linger, and events at places (Fang et al. 2023, Fig. 7b).

use super::{Shape, World, normalized};
use crate::error::SuccessorError;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use serde::{Deserialize, Serialize};

impl World {
    /// A ring whose walk is drawn to one place.
    ///
    /// Within `reach` states of `centre` moves are equally likely; from the two states at the edge of that stretch the
    /// animal leaves with probability 1 − r, stays with r/2, turns back with r/2, where r = scale / (scale + 1).
    ///
    /// # Errors
    /// As [`World::ring`]; a centre or reach that does not fit, a negative scale.
    pub fn attractor_ring(
        n: usize,
        weights: [f64; 3],
        centre: usize,
        reach: usize,
        scale: f64,
    ) -> Result<Self, SuccessorError> {
        let [left, right, stay] = weights;
        let mut world = Self::ring(n, left, right, stay)?;
        if centre >= n || 2 * reach + 1 > n || !(scale >= 0.0 && scale.is_finite()) {
            let found = format!("centre {centre}, reach {reach}, scale {scale}");
            return Err(SuccessorError::setting(
                "the attractor",
                found,
                format!("to fit on {n} states"),
            ));
        }
        let r = scale / (scale + 1.0);
        for offset in 0..=2 * reach {
            let state = (centre + n + offset - reach) % n;
            let (before, after) = ((state + n - 1) % n, (state + 1) % n);
            let outward = match offset {
                0 => Some((before, after)),
                last if last == 2 * reach => Some((after, before)),
                _ => None,
            };
            world.rows[state] = normalized(match outward {
                Some((out, back)) => vec![(out, 1.0 - r), (state, r / 2.0), (back, r / 2.0)],
                None => vec![(before, 1.0), (state, 1.0), (after, 1.0)],
            });
        }
        world.name = "attractor-ring".to_owned();
        Ok(world)
    }
}

/// Feeders and caches on a ring: every place has a second state for what happens there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeederRing {
    /// Places on the ring; state `places + p` is an event at place p.
    pub places: usize,
    /// Weights of going left, going right and staying.
    pub weights: [f64; 3],
    /// Places of the feeder.
    pub feeder: Vec<usize>,
    /// Places where food may be cached, each once.
    pub caches: Vec<usize>,
    /// Samples that an event lasts.
    pub visit: usize,
    /// Chance of caching at a place that holds nothing yet.
    pub cache_probability: f64,
}

impl FeederRing {
    /// The ring of Fig. 7b: 240 places, feeder at 120 to 134, no caches.
    pub fn paper() -> Self {
        Self {
            places: 240,
            weights: [4.0, 1.0, 1.0],
            feeder: (120..=134).collect(),
            caches: Vec::new(),
            visit: 1,
            cache_probability: 0.1,
        }
    }

    /// Number of states: places and events.
    pub fn states(&self) -> usize {
        2 * self.places
    }

    /// A walk with the feeder on. On entering a feeder the next `visit` samples are the event there.
    ///
    /// # Errors
    /// A place that is not on the ring; weights that cannot be meant.
    pub fn walk(&self, steps: usize, key: Key) -> Result<Vec<usize>, SuccessorError> {
        let [left, right, stay] = self.weights;
        let ring = World::ring(self.places, left, right, stay)?;
        if let Some(bad) = self
            .feeder
            .iter()
            .chain(&self.caches)
            .find(|place| **place >= self.places)
        {
            return Err(SuccessorError::setting(
                "a feeder or cache",
                bad,
                format!("a place below {}", self.places),
            ));
        }
        let mut draws = key.stream(Purpose::Environment, 1);
        let places = ring.walk(steps, key);
        let (mut states, mut before) = (Vec::with_capacity(steps), usize::MAX);
        let mut cached = vec![false; self.places];
        for place in places {
            states.push(place);
            let entered = place != before;
            before = place;
            let fed = entered && self.feeder.contains(&place);
            let stores = self.caches.contains(&place)
                && !cached[place]
                && draws.random::<f64>() < self.cache_probability;
            if fed || stores {
                cached[place] |= stores;
                states.extend(std::iter::repeat_n(self.places + place, self.visit));
            }
            if states.len() >= steps {
                break;
            }
        }
        states.truncate(steps);
        Ok(states)
    }
}

impl Shape {
    /// Bins along x and y of a grid.
    pub fn grid(self) -> Option<(usize, usize)> {
        match self {
            Self::Grid { width, height } => Some((width, height)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attractor_holds_the_animal() {
        let world = World::attractor_ring(16, [1.0, 1.0, 1.0], 8, 2, 3.0).unwrap();
        let t = world.transitions();
        assert_eq!((t[(6, 5)], t[(6, 6)], t[(6, 7)]), (0.25, 0.375, 0.375));
        assert_eq!((t[(10, 11)], t[(10, 9)]), (0.25, 0.375));
        let inside = world
            .walk(20_000, Key::new(1))
            .iter()
            .filter(|s| (6..=10).contains(*s))
            .count();
        assert!(inside > 20_000 * 5 / 16, "{inside}");
    }

    #[test]
    fn events_follow_entries_into_the_feeder() {
        let ring = FeederRing::paper();
        let states = ring.walk(15_000, Key::new(2)).unwrap();
        assert_eq!(states.len(), 15_000);
        for pair in states.windows(2).filter(|pair| pair[1] >= 240) {
            assert_eq!(pair[0] + 240, pair[1]);
            assert!(ring.feeder.contains(&pair[0]));
        }
        assert!(states.iter().any(|state| *state >= 240));
    }
}
