//! Matching pennies against an opponent that looks for patterns: the animal wins when both choose the same side.
//!
//! Barraclough, Conroy & Lee, Nat. Neurosci. 7, 404 (2004), algorithms 1 and 2. The opponent keeps, for every
//! sequence of the last 0 to `depth` choices (algorithm 2: also of choices with their rewards), how often the animal
//! chose right after it. Of the frequencies that differ from ½ in a two-sided binomial test it takes the one that
//! differs most, p, and chooses right with probability 1 − p; without any, with probability ½. Nobody can win more
//! than half of the rounds against it for long, and whoever can be predicted wins less.

use super::rounds::{Game, Session, actions, inputs};
use super::{Parameter, Rules, Tally, World, Wrong, described};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const SIDES: [&str; 2] = ["LEFT", "RIGHT"];
const DEEPEST: usize = 6;

/// Parameters of matching pennies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pennies {
    /// Rounds of a session.
    pub rounds: usize,
    /// Longest sequence of past choices that the opponent looks at, 0 to 6.
    pub depth: usize,
    /// Does the opponent look at rewards, too (algorithm 2), or at choices alone (algorithm 1)?
    pub sees_rewards: bool,
    /// Significance level of its binomial tests.
    pub significance: f64,
}

impl Default for Pennies {
    fn default() -> Self {
        Self {
            rounds: 60,
            depth: 4,
            sees_rewards: true,
            significance: 0.05,
        }
    }
}

impl Rules for Pennies {
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
        vec!["answered", "rewarded", "predicted"]
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.rounds == 0 {
            return Err(Wrong::new("rounds", 0, "a whole number ≥ 1"));
        }
        if self.depth > DEEPEST {
            return Err(Wrong::new("depth", self.depth, "a whole number from 0 to 6"));
        }
        Wrong::unless_probability("significance", self.significance)
    }

    fn open(&self) -> Box<dyn World> {
        let opponent = Opponent {
            rules: self.clone(),
            critical: Arc::new(critical_counts(self.rounds, self.significance)),
            choices: vec![[0; 2]; (1 << (self.depth + 1)) - 1],
            with_rewards: vec![[0; 2]; ((1 << (2 * (self.depth + 1))) - 1) / 3],
            past: 0,
            past_with_rewards: 0,
            n: 0,
            predicted: Tally::default(),
        };
        Box::new(Session::new(opponent, self.rounds, SIDES.len()))
    }

    fn parameters(&self) -> Vec<Parameter> {
        described(self)
    }
}

/// For each n, the smallest count of the rarer side that is still compatible with ½ at the given level.
fn critical_counts(largest: usize, significance: f64) -> Vec<usize> {
    let critical = |n: usize| {
        let (mut probability, mut tail, mut count) = (0.5_f64.powi(n as i32), 0.0, 0);
        loop {
            tail += probability;
            if 2.0 * tail >= significance || count >= n {
                return count;
            }
            probability *= (n - count) as f64 / (count + 1) as f64;
            count += 1;
        }
    };
    (0..=largest).map(critical).collect()
}

struct Opponent {
    rules: Pennies,
    critical: Arc<Vec<usize>>,
    /// Choices of left and right after each sequence; sequences of length k begin at 2^k − 1.
    choices: Vec<[u32; 2]>,
    /// The same for choices with rewards; sequences of length k begin at (4^k − 1)/3.
    with_rewards: Vec<[u32; 2]>,
    past: usize,
    past_with_rewards: usize,
    n: usize,
    /// Rounds in which the opponent had found a pattern.
    predicted: Tally,
}

impl Opponent {
    /// Places of the sequences that end now: choices alone, then choices with rewards.
    fn places(&self) -> (Vec<usize>, Vec<usize>) {
        let lengths = 0..=self.rules.depth.min(self.n);
        let choices = lengths.clone().map(|k| (1 << k) - 1 + self.past % (1 << k));
        let mut with_rewards = Vec::new();
        if self.rules.sees_rewards {
            let place = |k: usize| ((1 << (2 * k)) - 1) / 3 + self.past_with_rewards % (1 << (2 * k));
            with_rewards.extend(lengths.skip(1).map(place));
        }
        (choices.collect(), with_rewards)
    }

    /// Probability that the animal goes right, as far as the opponent can tell; none without a pattern.
    fn prediction(&self) -> Option<f64> {
        let (choices, with_rewards) = self.places();
        let counts = choices.iter().map(|&place| self.choices[place]);
        let counts = counts.chain(with_rewards.iter().map(|&place| self.with_rewards[place]));
        let significant = counts.filter(|[left, right]| {
            let (rarer, n) = ((*left).min(*right) as usize, (left + right) as usize);
            rarer < self.critical[n]
        });
        significant
            .map(|[left, right]| f64::from(right) / f64::from(left + right))
            .max_by(|a, b| (a - 0.5).abs().total_cmp(&(b - 0.5).abs()))
    }

    fn remember(&mut self, choice: usize, won: bool) {
        let (choices, with_rewards) = self.places();
        for place in choices {
            self.choices[place][choice] += 1;
        }
        for place in with_rewards {
            self.with_rewards[place][choice] += 1;
        }
        self.past = (self.past << 1 | choice) % (1 << DEEPEST);
        self.past_with_rewards =
            (self.past_with_rewards << 2 | choice << 1 | usize::from(won)) % (1 << (2 * DEEPEST));
        self.n += 1;
    }
}

impl Game for Opponent {
    fn begin(&mut self, _: &mut ChaCha8Rng) {
        self.choices.fill([0; 2]);
        self.with_rewards.fill([0; 2]);
        (self.past, self.past_with_rewards, self.n) = (0, 0, 0);
        self.predicted = Tally::default();
    }

    fn choose(&mut self, option: Option<usize>, stream: &mut ChaCha8Rng) -> f64 {
        let draw: f64 = stream.random();
        let Some(choice) = option else { return 0.0 };
        let prediction = self.prediction();
        self.predicted.count(prediction.is_some());
        let goes_right = draw < 1.0 - prediction.unwrap_or(0.5);
        let won = choice == usize::from(goes_right);
        self.remember(choice, won);
        f64::from(u8::from(won))
    }

    fn measure(&self, measures: &mut [Tally]) {
        measures[0] += self.predicted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};

    #[test]
    fn critical_counts_are_those_of_the_binomial_test() {
        let critical = critical_counts(20, 0.05);
        // Two-sided, n = 5: 0 of 5 has p = 0.0625; n = 6: 0 of 6 has p = 0.031; n = 20: 5 has p = 0.041, 6 has 0.115.
        assert_eq!((critical[5], critical[6], critical[20]), (0, 1, 6));
    }

    /// Mean reward of a strategy over many sessions.
    fn mean_reward(rules: &Pennies, mut strategy: impl FnMut(usize, &mut ChaCha8Rng) -> usize) -> f64 {
        const SESSIONS: u64 = 200;
        let mut earned = 0.0;
        for session in 0..SESSIONS {
            let mut stream = Key::new(5).stream(Purpose::Test, session);
            let mut world = rules.open();
            world.reset(&mut stream);
            for round in 0..rules.rounds {
                world.act(0, &mut stream);
                let side = strategy(round, &mut stream);
                earned += world.act(1 + side, &mut stream).reward;
            }
        }
        earned / SESSIONS as f64
    }

    #[test]
    fn patterns_lose_and_chance_breaks_even() {
        let rules = Pennies {
            rounds: 100,
            ..Pennies::default()
        };
        assert!(mean_reward(&rules, |_, _| 1) < 0.1, "always right");
        assert!(mean_reward(&rules, |round, _| round % 2) < 0.25, "alternation");
        let chance = mean_reward(&rules, |_, stream| usize::from(stream.random::<bool>()));
        let sd = (0.25_f64 / 20_000.0).sqrt();
        assert!((chance - 0.5).abs() < 5.0 * sd, "{chance}");
    }

    #[test]
    fn winning_and_staying_is_seen_only_by_who_sees_rewards() {
        let play = |sees_rewards: bool| {
            let rules = Pennies {
                rounds: 200,
                sees_rewards,
                ..Pennies::default()
            };
            let mut earned = 0.0;
            for session in 0..100 {
                let mut stream = Key::new(7).stream(Purpose::Test, session);
                let mut world = rules.open();
                world.reset(&mut stream);
                let mut side = 0;
                for _ in 0..rules.rounds {
                    world.act(0, &mut stream);
                    let reward = world.act(1 + side, &mut stream).reward;
                    earned += reward;
                    side = if reward > 0.0 { side } else { 1 - side };
                }
            }
            earned / 100.0
        };
        assert!(
            play(true) < play(false) - 0.05,
            "{} and {}",
            play(true),
            play(false)
        );
    }
}
