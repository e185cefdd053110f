//! Dynamic foraging: two sides are baited at rates that change without notice, and a bait stays until it is taken.
//!
//! Sugrue, Corrado & Newsome, Science 304, 1782 (2004); Lau & Glimcher, J. Exp. Anal. Behav. 84, 555 (2005). Because
//! baits wait, the poorer side is worth a visit now and then. Because a change of side costs unpaid rounds (the changeover
//! delay), visits have to be few: without it, who alternates blindly earns as much as who knows the rates. Animals match:
//! the fraction of choices of a side is about the fraction of the income from it.

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
    /// Changeover delay: choices that pay nothing after a change of side; baits wait.
    pub changeover: usize,
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
            changeover: 1,
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

    fn measures(&self) -> Vec<&str> {
        vec!["answered", "rewarded", "richer", "income_richer"]
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
        let patch = Patch::new(self.clone());
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
    /// The side chosen last, and the choices since that change nothing.
    visit: Option<(usize, usize)>,
    /// Choices of the richer side.
    richer: Tally,
    /// Rewards from the richer side, of all rewards.
    income_richer: Tally,
}

impl Patch {
    fn new(rules: Foraging) -> Self {
        Self {
            rules,
            rates: [0.0; 2],
            baited: [false; 2],
            left_in_block: 0,
            visit: None,
            richer: Tally::default(),
            income_richer: Tally::default(),
        }
    }

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
            self.baited[side] |= draw < self.rates[side];
        }
    }
}

impl Game for Patch {
    fn begin(&mut self, stream: &mut ChaCha8Rng) {
        *self = Self::new(self.rules.clone());
        self.new_block(stream);
        self.bait(stream);
    }

    fn choose(&mut self, option: Option<usize>, stream: &mut ChaCha8Rng) -> f64 {
        let mut reward = 0.0;
        if let Some(side) = option {
            let richer = self.rates[side] > self.rates[1 - side];
            self.richer.count(richer);
            let stayed = match self.visit {
                None => self.rules.changeover, // nothing was left for it
                Some((before, stayed)) if before == side => stayed + 1,
                Some(_) => 0,
            };
            self.visit = Some((side, stayed));
            if stayed >= self.rules.changeover && std::mem::take(&mut self.baited[side]) {
                self.income_richer.count(richer);
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
        measures[1] += self.income_richer;
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
            changeover: 2,
            ..Foraging::default()
        };
        let mut patch = Patch::new(rules);
        patch.begin(&mut stream);
        // Each side is baited with probability ½ a round: after ten rounds on the left a bait waits on the right, and is
        // paid once the changeover delay is over; a round that is let pass changes nothing.
        for _ in 0..10 {
            patch.choose(Some(0), &mut stream);
        }
        let choices = [Some(1), None, Some(1), Some(1)];
        let paid = choices.map(|choice| patch.choose(choice, &mut stream));
        assert_eq!(paid, [0.0, 0.0, 0.0, 1.0]);
    }

    /// Rewards per round of a way to choose: the richer side and the round are known to it.
    fn earned(way: impl Fn(usize, usize) -> usize) -> f64 {
        let mut stream = Key::new(5).stream(Purpose::Test, 0);
        let mut patch = Patch::new(Foraging::default());
        let (sessions, rounds) = (200, patch.rules.rounds);
        let mut sum = 0.0;
        for _ in 0..sessions {
            patch.begin(&mut stream);
            for round in 0..rounds {
                let richer = usize::from(patch.rates[1] > patch.rates[0]);
                sum += patch.choose(Some(way(round, richer)), &mut stream);
            }
        }
        sum / (sessions * rounds) as f64
    }

    #[test]
    fn to_know_the_richer_side_pays() {
        let alternating = earned(|round, _| (round / 2) % 2);
        let knowing = earned(|round, richer| if round % 14 < 2 { 1 - richer } else { richer });
        assert!((0.24..0.28).contains(&alternating), "{alternating}");
        assert!(knowing > alternating + 0.04, "{knowing}");
    }

    #[test]
    fn the_richer_side_changes_from_block_to_block() {
        let mut stream = Key::new(2).stream(Purpose::Test, 0);
        let mut patch = Patch::new(Foraging::default());
        patch.begin(&mut stream);
        for _ in 0..20 {
            let before = patch.rates;
            patch.new_block(&mut stream);
            assert_eq!(before[0] > before[1], patch.rates[0] < patch.rates[1]);
            assert!((patch.rates[0] + patch.rates[1] - 0.4).abs() < 1e-12);
        }
    }
}
