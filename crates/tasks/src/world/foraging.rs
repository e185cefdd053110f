//! Dynamic foraging: two sides are baited at rates that change without notice, and a bait stays until it is taken.
//!
//! Sugrue, Corrado & Newsome, Science 304, 1782 (2004); Lau & Glimcher, J. Exp. Anal. Behav. 84, 555 (2005). Because
//! baits wait, the poorer side is worth a visit now and then: choices that match the rates of reward collect most.

use super::rounds::{Game, Session, actions, inputs};
use super::{Parameter, Rules, Tally, World, Wrong, described};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const SIDES: [&str; 2] = ["LEFT", "RIGHT"];

/// Parameters of dynamic foraging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Foraging {
    /// Rounds of a session.
    pub rounds: usize,
    /// Sum of the two sides' probabilities of being baited in a round.
    pub baits: f64,
    /// Ratios of the richer side's rate to the poorer one's; each block has one of them.
    pub ratios: Vec<f64>,
    /// Shortest block of rounds with the same rates.
    pub block_min: usize,
    /// Longest block.
    pub block_max: usize,
}

impl Default for Foraging {
    fn default() -> Self {
        Self {
            rounds: 60,
            baits: 0.4,
            ratios: vec![3.0, 8.0],
            block_min: 20,
            block_max: 30,
        }
    }
}

impl Rules for Foraging {
    fn inputs(&self) -> Vec<String> {
        inputs(&SIDES)
    }

    fn actions(&self) -> Vec<String> {
        actions(&SIDES)
    }

    fn n_steps(&self) -> usize {
        2 * self.rounds
    }

    fn measures(&self) -> &'static [&'static str] {
        &["answered", "rewarded", "richer", "harvested"]
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.rounds == 0 {
            return Err(Wrong::new("rounds", 0, "a whole number ≥ 1"));
        }
        Wrong::unless_probability("baits", self.baits)?;
        if self.ratios.is_empty() || !self.ratios.iter().all(|&ratio| ratio >= 1.0 && ratio.is_finite()) {
            let found = format!("{:?}", self.ratios);
            return Err(Wrong::new("ratios", found, "a list of numbers ≥ 1"));
        }
        if self.block_min == 0 {
            return Err(Wrong::new("block_min", 0, "a whole number ≥ 1"));
        }
        if self.block_max < self.block_min {
            let expected = format!("at least world.block_min, {}", self.block_min);
            return Err(Wrong::new("block_max", self.block_max, &expected));
        }
        Ok(())
    }

    fn open(&self) -> Box<dyn World> {
        let patch = Patch {
            rules: self.clone(),
            rates: [0.0; 2],
            baited: [false; 2],
            left_in_block: 0,
            richer: Tally::default(),
            harvested: Tally::default(),
        };
        Box::new(Session::new(patch, self.rounds, SIDES.len()))
    }

    fn parameters(&self) -> Vec<Parameter> {
        described(self)
    }
}

struct Patch {
    rules: Foraging,
    rates: [f64; 2],
    baited: [bool; 2],
    left_in_block: usize,
    richer: Tally,
    /// Baits taken among baits set.
    harvested: Tally,
}

impl Patch {
    /// Rates of a new block; the richer side changes, but for the first block.
    fn new_block(&mut self, stream: &mut ChaCha8Rng) {
        let r = &self.rules;
        let ratio = r.ratios[stream.random_range(0..r.ratios.len())];
        let left_is_richer = if self.rates == [0.0; 2] {
            stream.random::<bool>()
        } else {
            self.rates[0] < self.rates[1]
        };
        let rich = r.baits * ratio / (1.0 + ratio);
        let poor = r.baits / (1.0 + ratio);
        self.rates = if left_is_richer {
            [rich, poor]
        } else {
            [poor, rich]
        };
        self.left_in_block = stream.random_range(r.block_min..=r.block_max);
    }

    fn bait(&mut self, stream: &mut ChaCha8Rng) {
        for side in 0..2 {
            let draw: f64 = stream.random();
            if !self.baited[side] && draw < self.rates[side] {
                self.baited[side] = true;
                self.harvested.weight += 1.0;
            }
        }
    }
}

impl Game for Patch {
    fn begin(&mut self, stream: &mut ChaCha8Rng) {
        (self.rates, self.baited) = ([0.0; 2], [false; 2]);
        (self.richer, self.harvested) = (Tally::default(), Tally::default());
        self.new_block(stream);
        self.bait(stream);
    }

    fn choose(&mut self, option: Option<usize>, stream: &mut ChaCha8Rng) -> f64 {
        let mut reward = 0.0;
        if let Some(side) = option {
            self.richer.count(self.rates[side] > self.rates[1 - side]);
            if std::mem::take(&mut self.baited[side]) {
                self.harvested.sum += 1.0;
                reward = 1.0;
            }
        }
        self.left_in_block -= 1;
        if self.left_in_block == 0 {
            self.new_block(stream);
        }
        self.bait(stream);
        reward
    }

    fn measure(&self, measures: &mut [Tally]) {
        measures[0] += self.richer;
        measures[1] += self.harvested;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};

    #[test]
    fn baits_wait_until_they_are_taken() {
        let mut stream = Key::new(2).stream(Purpose::Test, 0);
        let rules = Foraging {
            baits: 1.0,
            ratios: vec![1.0],
            ..Foraging::default()
        };
        let mut patch = Patch {
            rules,
            rates: [0.0; 2],
            baited: [false; 2],
            left_in_block: 0,
            richer: Tally::default(),
            harvested: Tally::default(),
        };
        patch.begin(&mut stream);
        // Each side is baited with probability ½ a round: after ten rounds on the left a bait waits on the right.
        for _ in 0..10 {
            patch.choose(Some(0), &mut stream);
        }
        assert_eq!(patch.choose(Some(1), &mut stream), 1.0);
        assert!(patch.harvested.sum <= patch.harvested.weight);
    }

    #[test]
    fn the_richer_side_changes_from_block_to_block() {
        let mut stream = Key::new(2).stream(Purpose::Test, 0);
        let mut patch = Patch {
            rules: Foraging::default(),
            rates: [0.0; 2],
            baited: [false; 2],
            left_in_block: 0,
            richer: Tally::default(),
            harvested: Tally::default(),
        };
        patch.begin(&mut stream);
        for _ in 0..20 {
            let before = patch.rates;
            patch.new_block(&mut stream);
            assert_eq!(before[0] > before[1], patch.rates[0] < patch.rates[1]);
            assert!((patch.rates[0] + patch.rates[1] - 0.4).abs() < 1e-12);
        }
    }
}
