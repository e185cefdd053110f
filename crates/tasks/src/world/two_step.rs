//! The two-step task: a first choice leads to one of two states, mostly to the same one, where a second choice pays.
//!
//! Daw, Gershman, Seymour, Dayan & Dolan, Neuron 69, 1204 (2011). Whoever plans with the transitions switches after a
//! reward that followed a rare transition; whoever repeats what paid stays. The four `stay_…` measures tell.
//!
//! ```text
//! fixation   FIXATION is on; last choices and reward are shown; choosing now aborts the round: −1
//! first      GO is on; LEFT leads to state A with probability `common`, RIGHT to B
//! second     STATE-A or STATE-B is on; LEFT and RIGHT pay with the probabilities of that state
//! ```
//!
//! Not to choose lets the round pass. Rewards are divided by the number of rounds.

use super::rounds::ABORT;
use super::{Answer, Parameter, Rules, Tally, World, Wrong, described};
use crate::round;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const STEPS_PER_ROUND: usize = 3;

/// How the probabilities of reward change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Each walks at random between `low` and `high`.
    Drift,
    /// All options of one state pay with `high`, all of the other with `low`; now and then the states change roles
    /// (Akam, Costa & Dayan, PLoS Comput. Biol. 11, e1004648 (2015)).
    Reversal,
}

/// Parameters of the two-step task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TwoStep {
    /// Rounds of a session.
    pub rounds: usize,
    /// Probability of the common transition.
    pub common: f64,
    /// How the probabilities of reward change: `drift` or `reversal`.
    pub change: Change,
    /// Lowest probability of reward.
    pub low: f64,
    /// Highest probability of reward.
    pub high: f64,
    /// Standard deviation of a step of the drift, per round.
    pub drift_sd: f64,
    /// Probability of a reversal, per round.
    pub reversal: f64,
}

impl Default for TwoStep {
    fn default() -> Self {
        Self {
            rounds: 50,
            common: 0.7,
            change: Change::Drift,
            low: 0.25,
            high: 0.75,
            drift_sd: 0.025,
            reversal: 0.025,
        }
    }
}

impl Rules for TwoStep {
    fn inputs(&self) -> Vec<String> {
        let names = [
            "FIXATION",
            "GO",
            "STATE-A",
            "STATE-B",
            "LAST-FIRST-LEFT",
            "LAST-FIRST-RIGHT",
            "LAST-STATE-A",
            "LAST-STATE-B",
            "LAST-SECOND-LEFT",
            "LAST-SECOND-RIGHT",
            "REWARD",
        ];
        names.map(str::to_owned).to_vec()
    }

    fn actions(&self) -> Vec<String> {
        ["FIXATE", "CHOOSE-LEFT", "CHOOSE-RIGHT"]
            .map(str::to_owned)
            .to_vec()
    }

    fn n_steps(&self) -> usize {
        STEPS_PER_ROUND * self.rounds
    }

    fn measures(&self) -> Vec<&str> {
        vec![
            "answered",
            "rewarded",
            "stay_common_rewarded",
            "stay_common_unrewarded",
            "stay_rare_rewarded",
            "stay_rare_unrewarded",
        ]
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.rounds == 0 {
            return Err(Wrong::new("rounds", 0, "a whole number ≥ 1"));
        }
        for (name, probability) in [
            ("common", self.common),
            ("low", self.low),
            ("high", self.high),
            ("reversal", self.reversal),
        ] {
            Wrong::unless_probability(name, probability)?;
        }
        if self.low >= self.high {
            let expected = format!("less than world.high, {}", self.high);
            return Err(Wrong::new("low", self.low, &expected));
        }
        if self.drift_sd >= 0.0 && self.drift_sd.is_finite() {
            Ok(())
        } else {
            Err(Wrong::new("drift_sd", self.drift_sd, "a number ≥ 0"))
        }
    }

    fn open(&self) -> Box<dyn World> {
        Box::new(Session {
            rules: self.clone(),
            pays: [[0.0; 2]; 2],
            done: 0,
            stage: Stage::Fixation,
            last: None,
            answered: 0.0,
            rewarded: 0.0,
            stays: [Tally::default(); 4],
            steps: 0,
            played: Vec::new(),
        })
    }

    fn parameters(&self) -> Vec<Parameter> {
        described(self)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Fixation,
    First,
    /// First choice and the state it led to.
    Second(usize, usize),
}

/// A round that was played to its end.
#[derive(Clone, Copy)]
struct Round {
    first: usize,
    state: usize,
    second: usize,
    rewarded: bool,
}

struct Session {
    rules: TwoStep,
    /// Probability of reward, \[state\]\[option\].
    pays: [[f64; 2]; 2],
    done: usize,
    stage: Stage,
    last: Option<Round>,
    answered: f64,
    rewarded: f64,
    /// Repeated first choices: common rewarded, common unrewarded, rare rewarded, rare unrewarded.
    stays: [Tally; 4],
    /// Steps of the round so far, and rounds that are over.
    steps: usize,
    played: Vec<round::Round>,
}

impl Session {
    fn change(&mut self, stream: &mut ChaCha8Rng) {
        let r = &self.rules;
        match r.change {
            Change::Drift => {
                for p in self.pays.as_flattened_mut() {
                    let step: f64 = StandardNormal.sample(stream);
                    *p = reflected(*p + r.drift_sd * step, r.low, r.high);
                }
            }
            Change::Reversal => {
                let draw: f64 = stream.random();
                if draw < r.reversal {
                    self.pays.swap(0, 1);
                }
            }
        }
    }

    /// The round is over; `played` is nothing if it was let pass.
    fn next_round(&mut self, played: Option<Round>, stream: &mut ChaCha8Rng) -> Answer {
        let reward = f64::from(u8::from(played.is_some_and(|round| round.rewarded)));
        self.answered += f64::from(u8::from(played.is_some()));
        self.rewarded += reward;
        self.last = played;
        self.done += 1;
        // What is looked at over rounds is the first choice; the second one belongs to the state.
        let answer = played.map(|round| (1, round.first + 1));
        let paid = reward / self.rules.rounds as f64;
        let round = round::Round::of_world(self.done, self.steps, answer, paid);
        self.played.push(round);
        self.steps = 0;
        self.stage = Stage::Fixation;
        self.change(stream);
        Answer {
            reward: reward / self.rules.rounds as f64,
            ended: self.done == self.rules.rounds,
        }
    }
}

/// A value outside [low, high] comes back in from the bound.
fn reflected(x: f64, low: f64, high: f64) -> f64 {
    let inside = if x > high { 2.0 * high - x } else { x };
    (if inside < low { 2.0 * low - inside } else { inside }).clamp(low, high)
}

impl World for Session {
    fn reset(&mut self, stream: &mut ChaCha8Rng) {
        let r = &self.rules;
        self.pays = match r.change {
            Change::Drift => [[(); 2]; 2].map(|state| state.map(|()| stream.random_range(r.low..r.high))),
            Change::Reversal if stream.random::<bool>() => [[r.high; 2], [r.low; 2]],
            Change::Reversal => [[r.low; 2], [r.high; 2]],
        };
        (self.done, self.stage, self.last) = (0, Stage::Fixation, None);
        (self.answered, self.rewarded, self.stays) = (0.0, 0.0, [Tally::default(); 4]);
        self.steps = 0;
        self.played.clear();
    }

    fn observe(&self, inputs: &mut [f64]) {
        inputs.fill(0.0);
        match self.stage {
            Stage::Fixation => {
                inputs[0] = 1.0;
                if let Some(last) = self.last {
                    inputs[4 + last.first] = 1.0;
                    inputs[6 + last.state] = 1.0;
                    inputs[8 + last.second] = 1.0;
                    inputs[10] = f64::from(u8::from(last.rewarded));
                }
            }
            Stage::First => inputs[1] = 1.0,
            Stage::Second(_, state) => inputs[2 + state] = 1.0,
        }
    }

    fn act(&mut self, action: usize, stream: &mut ChaCha8Rng) -> Answer {
        let going_on = Answer {
            reward: 0.0,
            ended: false,
        };
        self.steps += 1;
        match (self.stage, action.checked_sub(1)) {
            (Stage::Fixation, None) => {
                self.stage = Stage::First;
                going_on
            }
            (Stage::Fixation, Some(_)) => {
                let lost = self.next_round(None, stream);
                let reward = ABORT / self.rules.rounds as f64;
                if let Some(round) = self.played.last_mut() {
                    round.reward = reward;
                }
                Answer { reward, ..lost }
            }
            (Stage::First, Some(first)) => {
                let draw: f64 = stream.random();
                let state = if draw < self.rules.common {
                    first
                } else {
                    1 - first
                };
                if let Some(last) = self.last {
                    let kind = 2 * usize::from(last.state != last.first) + usize::from(!last.rewarded);
                    self.stays[kind].count(first == last.first);
                }
                self.stage = Stage::Second(first, state);
                going_on
            }
            (Stage::Second(first, state), Some(second)) => {
                let draw: f64 = stream.random();
                let played = Round {
                    first,
                    state,
                    second,
                    rewarded: draw < self.pays[state][second],
                };
                self.next_round(Some(played), stream)
            }
            (Stage::First | Stage::Second(..), None) => self.next_round(None, stream),
        }
    }

    fn rounds(&self) -> &[round::Round] {
        &self.played
    }

    fn measure(&self, measures: &mut [Tally]) {
        measures[0] += Tally {
            sum: self.answered,
            weight: self.rules.rounds as f64,
        };
        measures[1] += Tally {
            sum: self.rewarded,
            weight: self.answered,
        };
        for (measure, &stay) in measures[2..].iter_mut().zip(&self.stays) {
            *measure += stay;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};

    /// Plays many sessions; `first` chooses from what was seen at fixation. Returns all measures.
    fn play(rules: &TwoStep, first: impl Fn(&[f64]) -> usize) -> Vec<f64> {
        let mut measures = vec![Tally::default(); 6];
        for session in 0..400 {
            let mut stream = Key::new(5).stream(Purpose::Test, session);
            let mut world = rules.open();
            world.reset(&mut stream);
            let mut seen = [0.0; 11];
            for _ in 0..rules.rounds {
                world.observe(&mut seen);
                world.act(0, &mut stream);
                world.act(1 + first(&seen), &mut stream);
                world.observe(&mut seen);
                assert_eq!(seen[2] + seen[3], 1.0, "one state is reached");
                world.act(1, &mut stream);
            }
            world.measure(&mut measures);
        }
        measures.into_iter().map(Tally::mean).collect()
    }

    #[test]
    fn the_stay_measures_tell_a_planner_from_a_repeater() {
        let rules = TwoStep {
            change: Change::Reversal,
            low: 0.2,
            high: 0.8,
            ..TwoStep::default()
        };
        // Repeats the first choice after a reward, changes it otherwise.
        let repeater = play(&rules, |seen| {
            let last = usize::from(seen[5] == 1.0);
            if seen[10] == 1.0 { last } else { 1 - last }
        });
        assert_eq!(repeater[2..], [1.0, 0.0, 1.0, 0.0]);
        // Aims at the state that paid, or away from the one that did not.
        let planner = play(&rules, |seen| {
            let state = usize::from(seen[7] == 1.0);
            if seen[10] == 1.0 { state } else { 1 - state }
        });
        assert_eq!(planner[2..], [1.0, 0.0, 0.0, 1.0]);
        assert!(planner[1] > repeater[1] + 0.03, "{planner:?} {repeater:?}");
        assert_eq!(planner[0], 1.0);
    }

    #[test]
    fn probabilities_stay_within_their_bounds() {
        let mut stream = Key::new(1).stream(Purpose::Test, 0);
        let rules = TwoStep {
            drift_sd: 0.3,
            ..TwoStep::default()
        };
        assert_eq!(reflected(0.8, 0.25, 0.75), 0.7);
        assert_eq!(reflected(0.2, 0.25, 0.75), 0.3);
        let mut session = Session {
            rules,
            pays: [[0.5; 2]; 2],
            done: 0,
            stage: Stage::Fixation,
            last: None,
            answered: 0.0,
            rewarded: 0.0,
            stays: [Tally::default(); 4],
            steps: 0,
            played: Vec::new(),
        };
        for _ in 0..1000 {
            session.change(&mut stream);
            assert!(
                session
                    .pays
                    .as_flattened()
                    .iter()
                    .all(|p| (0.25..=0.75).contains(p))
            );
        }
    }
}
