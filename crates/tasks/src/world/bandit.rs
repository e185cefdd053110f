//! The bandit: one arm pays more often than the others; which one has to be found out in every session.
//!
//! Robbins, Bull. Amer. Math. Soc. 58, 527 (1952); learnt by recurrent networks in Wang et al., Nat. Neurosci. 21, 860
//! (2018).

use super::rounds::{Game, Session, actions, inputs};
use super::{Parameter, Rules, Tally, World, Wrong, described};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const ARMS: [&str; 8] = ["A", "B", "C", "D", "E", "F", "G", "H"];

/// Parameters of the bandit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bandit {
    /// Number of arms, 2 to 8.
    pub arms: usize,
    /// Rounds of a session.
    pub rounds: usize,
    /// Probability that the best arm pays.
    pub best_pays: f64,
    /// Probability that any other arm pays.
    pub others_pay: f64,
}

impl Default for Bandit {
    fn default() -> Self {
        Self {
            arms: 2,
            rounds: 30,
            best_pays: 0.8,
            others_pay: 0.2,
        }
    }
}

impl Rules for Bandit {
    fn inputs(&self) -> Vec<String> {
        inputs(&ARMS[..self.arms])
    }

    fn actions(&self) -> Vec<String> {
        actions(&ARMS[..self.arms])
    }

    fn n_steps(&self) -> usize {
        2 * self.rounds
    }

    fn measures(&self) -> Vec<&str> {
        vec!["answered", "rewarded", "best"]
    }

    fn check(&self) -> Result<(), Wrong> {
        if !(2..=ARMS.len()).contains(&self.arms) {
            return Err(Wrong::new("arms", self.arms, "a whole number from 2 to 8"));
        }
        if self.rounds == 0 {
            return Err(Wrong::new("rounds", 0, "a whole number ≥ 1"));
        }
        Wrong::unless_probability("best_pays", self.best_pays)?;
        Wrong::unless_probability("others_pay", self.others_pay)?;
        if self.others_pay >= self.best_pays {
            let expected = format!("less than world.best_pays, {}", self.best_pays);
            return Err(Wrong::new("others_pay", self.others_pay, &expected));
        }
        Ok(())
    }

    fn open(&self) -> Box<dyn World> {
        let arms = Arms {
            rules: self.clone(),
            best: 0,
            chosen_best: Tally::default(),
        };
        Box::new(Session::new(arms, self.rounds, self.arms))
    }

    fn parameters(&self) -> Vec<Parameter> {
        described(self)
    }
}

struct Arms {
    rules: Bandit,
    best: usize,
    chosen_best: Tally,
}

impl Game for Arms {
    fn begin(&mut self, stream: &mut ChaCha8Rng) {
        self.best = stream.random_range(0..self.rules.arms);
        self.chosen_best = Tally::default();
    }

    fn choose(&mut self, option: Option<usize>, stream: &mut ChaCha8Rng) -> f64 {
        let draw: f64 = stream.random();
        let Some(arm) = option else { return 0.0 };
        self.chosen_best.count(arm == self.best);
        let pays = if arm == self.best {
            self.rules.best_pays
        } else {
            self.rules.others_pay
        };
        f64::from(u8::from(draw < pays))
    }

    fn measure(&self, measures: &mut [Tally]) {
        measures[0] += self.chosen_best;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};

    #[test]
    fn arms_pay_as_often_as_they_should() {
        let mut stream = Key::new(2).stream(Purpose::Test, 0);
        let mut arms = Arms {
            rules: Bandit::default(),
            best: 0,
            chosen_best: Tally::default(),
        };
        let (mut best_first, mut paid) = (0, [0.0; 2]);
        const SESSIONS: usize = 20_000;
        for _ in 0..SESSIONS {
            arms.begin(&mut stream);
            best_first += usize::from(arms.best == 0);
            let best = arms.best;
            paid[0] += arms.choose(Some(best), &mut stream);
            paid[1] += arms.choose(Some(1 - best), &mut stream);
        }
        let n = SESSIONS as f64;
        assert!((best_first as f64 / n - 0.5).abs() < 5.0 * (0.25 / n).sqrt());
        assert!((paid[0] / n - 0.8).abs() < 5.0 * (0.16 / n).sqrt());
        assert!((paid[1] / n - 0.2).abs() < 5.0 * (0.16 / n).sqrt());
    }
}
