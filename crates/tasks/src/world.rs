//! Worlds that answer one animal, step by step: rules with parameters, and sessions played by them.
//!
//! A trial table fixes in advance what is seen; here it depends on what was done. A task file names the rules and
//! changes their parameters in `[world]`; [`Lockstep`] lets a block of sessions be played side by side.

mod bandit;
mod cartpole;
mod foraging;
mod pennies;
mod rounds;
mod two_step;

use crate::environment::Environment;
use crate::round::Round;
use crate::tally::Tally;
use neuropil_lab::error::nearest;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use toml::Table;

pub use bandit::Bandit;
pub use cartpole::CartPole;
pub use foraging::Foraging;
pub use pennies::Pennies;
pub use two_step::{Change, TwoStep};

/// What an action brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Reward.
    pub reward: f64,
    /// The session is over.
    pub ended: bool,
}

/// One session in a world. All its draws come from the stream that it is given, which belongs to the session.
///
/// ```
/// use neuropil_math::rng::{Key, Purpose};
/// use neuropil_tasks::world::{CartPole, Rules};
///
/// let mut world = CartPole::default().open();
/// let mut stream = Key::new(1).stream(Purpose::Environment, 0);
/// world.reset(&mut stream);
/// let answer = world.act(1, &mut stream);
/// let mut seen = [0.0; 4];
/// world.observe(&mut seen);
/// assert!(!answer.ended && seen[1] > 0.0); // pushed to the right: the cart moves to the right
/// ```
pub trait World: Send {
    /// Begins a new session.
    fn reset(&mut self, stream: &mut ChaCha8Rng);

    /// Writes what is to be seen now, one value per input of the rules.
    fn observe(&self, inputs: &mut [f64]);

    /// Takes an action.
    fn act(&mut self, action: usize, stream: &mut ChaCha8Rng) -> Answer;

    /// Adds what the session came to so far, one entry per measure of the rules.
    fn measure(&self, measures: &mut [Tally]);

    /// Trials of the session that are over; none where a world has no trials.
    fn rounds(&self) -> &[Round] {
        &[]
    }
}

/// A parameter of a world: name, value and meaning.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameter {
    /// Name in `[world]`.
    pub name: String,
    /// Value.
    pub value: serde_json::Value,
    /// What it is, with its unit.
    pub meaning: String,
}

/// What is wrong with a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Parameter.
    pub parameter: &'static str,
    /// What was found and expected.
    pub message: String,
}

impl Wrong {
    /// `parameter` is `found`, expected `expected`.
    fn new(parameter: &'static str, found: impl std::fmt::Display, expected: &str) -> Self {
        Self {
            parameter,
            message: format!("world.{parameter} is {found}, expected {expected}"),
        }
    }

    fn unless_probability(parameter: &'static str, value: f64) -> Result<(), Self> {
        if (0.0..=1.0).contains(&value) {
            Ok(())
        } else {
            Err(Self::new(parameter, value, "a probability from 0 to 1"))
        }
    }
}

/// Rules of a world, with their parameters.
pub trait Rules: Debug + Send + Sync {
    /// Names of what is seen, in order.
    fn inputs(&self) -> Vec<String>;
    /// Names of the actions, in order.
    fn actions(&self) -> Vec<String>;
    /// Steps of the longest session.
    fn n_steps(&self) -> usize;
    /// Names of what sessions are measured by, beside `reward` and `steps`.
    fn measures(&self) -> Vec<&str>;
    /// Are all parameters in range?
    ///
    /// # Errors
    /// The first that is not.
    fn check(&self) -> Result<(), Wrong>;
    /// A session, still to be reset.
    fn open(&self) -> Box<dyn World>;
    /// All parameters.
    fn parameters(&self) -> Vec<Parameter>;
}

/// Name and reader of every world.
type Reader = fn(Table) -> Result<Box<dyn Rules>, toml::de::Error>;
const WORLDS: &[(&str, Reader)] = &[
    ("cartpole", read::<CartPole>),
    ("bandit", read::<Bandit>),
    ("two-step", read::<TwoStep>),
    ("foraging", read::<Foraging>),
    ("matching-pennies", read::<Pennies>),
];

fn read<R: Rules + DeserializeOwned + 'static>(table: Table) -> Result<Box<dyn Rules>, toml::de::Error> {
    Ok(Box::new(table.try_into::<R>()?))
}

/// Why a `[world]` table cannot be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// No or an unknown `kind`: message and hint.
    Kind(String, Option<String>),
    /// An unknown parameter, or one of the wrong type.
    Parameter(toml::de::Error),
    /// A parameter out of range.
    Range(Wrong),
}

/// Rules from a `[world]` table.
pub(crate) fn rules(table: &Table) -> Result<Box<dyn Rules>, ReadError> {
    let known = || WORLDS.iter().map(|(name, _)| *name);
    let listed = || Some(format!("known: {}", known().collect::<Vec<_>>().join(", ")));
    let kind = table.get("kind").and_then(toml::Value::as_str).ok_or_else(|| {
        let message = "world.kind is missing, expected the name of a world in quotes";
        ReadError::Kind(message.to_owned(), listed())
    })?;
    let (_, read) = WORLDS.iter().find(|(name, _)| *name == kind).ok_or_else(|| {
        let hint = nearest(kind, known()).map(|name| format!("did you mean `{name}`?"));
        ReadError::Kind(format!("unknown world `{kind}`"), hint.or_else(listed))
    })?;
    let mut parameters = table.clone();
    parameters.remove("kind");
    let rules = read(parameters).map_err(ReadError::Parameter)?;
    rules.check().map_err(ReadError::Range)?;
    Ok(rules)
}

/// Parameters of a struct of rules, with its doc comments as meanings.
fn described<R: Serialize + JsonSchema>(rules: &R) -> Vec<Parameter> {
    let schema = schemars::schema_for!(R);
    let values = serde_json::to_value(rules).expect("parameters are JSON");
    let fields = values.as_object().expect("parameters have names");
    let meaning = |name: &str| {
        let text = schema.as_value()["properties"][name]["description"].as_str();
        text.unwrap_or_default().replace('\n', " ")
    };
    fields
        .iter()
        .map(|(name, value)| Parameter {
            name: name.clone(),
            value: value.clone(),
            meaning: meaning(name),
        })
        .collect()
}

/// One step of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What was seen; nothing before the first action.
    pub seen: Option<Vec<f64>>,
    /// What was done.
    pub action: usize,
    /// What came of it.
    pub answer: Answer,
}

/// The first `n_steps` steps of a session of random actions, or fewer if it ends before.
pub fn wander(rules: &dyn Rules, stream: &mut ChaCha8Rng, n_steps: usize) -> Vec<Step> {
    let (mut world, n_actions, n_inputs) = (rules.open(), rules.actions().len(), rules.inputs().len());
    world.reset(stream);
    let mut steps: Vec<Step> = Vec::new();
    while steps.len() < n_steps && steps.last().is_none_or(|step| !step.answer.ended) {
        let seen = (!steps.is_empty()).then(|| {
            let mut seen = vec![0.0; n_inputs];
            world.observe(&mut seen);
            seen
        });
        let action = stream.random_range(0..n_actions);
        let answer = world.act(action, stream);
        steps.push(Step { seen, action, answer });
    }
    steps
}

/// Up to `L` sessions by the same rules, one a lane.
pub struct Lockstep<const L: usize> {
    sessions: Vec<(Box<dyn World>, ChaCha8Rng)>,
    n_measures: usize,
    seen: Vec<f64>,
}

impl<const L: usize> Lockstep<L> {
    /// Sessions begun anew; `ids` name their streams under `key`.
    ///
    /// # Panics
    /// With more sessions than lanes.
    pub fn new(rules: &dyn Rules, key: Key, ids: &[u64]) -> Self {
        assert!(ids.len() <= L, "{} sessions in {L} lanes", ids.len());
        let begin = |&id: &u64| {
            let (mut world, mut stream) = (rules.open(), key.stream(Purpose::Environment, id));
            world.reset(&mut stream);
            (world, stream)
        };
        Self {
            sessions: ids.iter().map(begin).collect(),
            n_measures: rules.measures().len(),
            seen: vec![0.0; rules.inputs().len()],
        }
    }
}

impl<const L: usize> Environment for Lockstep<L> {
    fn observe(&mut self, _: usize, inputs: &mut [f64]) {
        let rows = inputs.as_chunks_mut::<L>().0;
        for (lane, (world, _)) in self.sessions.iter().enumerate() {
            world.observe(&mut self.seen);
            for (row, &seen) in rows.iter_mut().zip(&self.seen) {
                row[lane] = seen;
            }
        }
    }

    fn act(&mut self, _: usize, actions: &[usize], living: &[bool], rewards: &mut [f64], ended: &mut [bool]) {
        for (lane, (world, stream)) in self.sessions.iter_mut().enumerate() {
            if living[lane] {
                let answer = world.act(actions[lane], stream);
                rewards[lane] = answer.reward;
                ended[lane] = answer.ended;
            }
        }
    }

    fn rounds(&self) -> Vec<Vec<Round>> {
        self.sessions
            .iter()
            .map(|(world, _)| world.rounds().to_vec())
            .collect()
    }

    fn tallies(&self) -> Vec<Tally> {
        let mut tallies = vec![Tally::default(); self.n_measures];
        for (world, _) in &self.sessions {
            world.measure(&mut tallies);
        }
        tallies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_depends_on_its_stream_and_not_on_its_lane() {
        let rules = CartPole::default();
        let key = Key::new(3);
        let run = |ids: &[u64], lane: usize| {
            let mut block = Lockstep::<8>::new(&rules, key, ids);
            let (mut inputs, mut rewards, mut ended) = (vec![0.0; 32], [0.0; 8], [false; 8]);
            let mut seen = Vec::new();
            for t in 0..9 {
                if t > 0 {
                    block.observe(t, &mut inputs);
                    seen.extend((0..4).map(|i| inputs[i * 8 + lane].to_bits()));
                }
                block.act(t, &[t % 2; 8], &[true; 8], &mut rewards, &mut ended);
            }
            seen
        };
        assert_eq!(run(&[4, 5, 6], 2), run(&[6], 0));
        assert_ne!(run(&[4, 5, 6], 1), run(&[6], 0));
    }

    #[test]
    fn every_parameter_has_a_value_and_a_meaning() {
        for (name, _) in WORLDS {
            let table = Table::from_iter([("kind".to_owned(), (*name).into())]);
            let rules = rules(&table).expect("defaults are in range");
            for parameter in rules.parameters() {
                assert!(!parameter.meaning.is_empty(), "{name}.{}", parameter.name);
            }
        }
    }
}
