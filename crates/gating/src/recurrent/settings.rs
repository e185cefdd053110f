//! Settings of a sequence of tasks for one recurrent network: every key with its unit, its default and where it is from.

use crate::gates::GateSettings;
use crate::masse2018::{self, cognitive};
use crate::method::{Method, Stabiliser};
use crate::ranges::{must, whole};
use crate::settings::{StabiliseSettings, TrainingSettings};
use neuropil_lab::error::Problem;
use neuropil_nn::cell::Cell;
use neuropil_tasks::registry;
use serde::{Deserialize, Serialize};

/// All settings of an experiment with a recurrent network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecurrentSettings {
    /// `gating/NAME`.
    pub experiment: String,
    /// Seed of every random draw.
    #[serde(with = "neuropil_lab::config::seed")]
    pub seed: u64,
    /// What keeps the network from forgetting, joined by `+`: see [`Method`].
    pub method: String,
    /// Who teaches: `targets`, what to do at every step, or `reward`.
    pub teacher: Teacher,
    /// The tasks.
    pub tasks: SequenceSettings,
    /// The network.
    pub network: UnitSettings,
    /// Gates.
    pub gates: GateSettings,
    /// What pulls weights to their old values.
    pub stabilise: StabiliseSettings,
    /// Steps of learning.
    pub training: TrainingSettings,
    /// Learning from reward.
    pub reward: RewardSettings,
}

/// Who teaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Teacher {
    /// What is to be done at every step is told: cross-entropy.
    #[default]
    Targets,
    /// Actions are drawn and rewarded: actor and critic.
    Reward,
}

/// The sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SequenceSettings {
    /// Tasks in the order in which they are learnt: names of the library, or files that end with `.toml`.
    pub names: Vec<String>,
    /// `same`: all tasks have the same inputs and actions; `by-name`: the network has every input and action that any of
    /// them has, and those of one name are one.
    pub channels: Channels,
    /// Trials of each test.
    pub test_trials: usize,
}

/// How the inputs and actions of different tasks meet in one network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channels {
    /// They are the same.
    #[default]
    Same,
    /// Those of one name are one; actions that a task does not have are not open to it.
    ByName,
}

/// Kind of unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Long short-term memory.
    #[default]
    Lstm,
    /// Excitatory and inhibitory rate units whose synapses depress and facilitate.
    EiStp,
}

impl Unit {
    pub(crate) fn cell(self) -> Cell {
        match self {
            Self::Lstm => Cell::Lstm,
            Self::EiStp => Cell::EiStp,
        }
    }
}

/// The recurrent network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnitSettings {
    /// Kind of unit: `lstm` or `ei-stp`.
    pub cell: Unit,
    /// Units.
    pub units: usize,
}

/// Learning from reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RewardSettings {
    /// Discount of the next step's value.
    pub discount: f64,
    /// Weight of the value's squared error.
    pub value_cost: f64,
    /// Weight of the entropy of the policy.
    pub entropy_cost: f64,
    /// A task ends before all its batches are made when the mean fraction of correct trials over this many batches is above
    /// `enough`; 0: never.
    pub window: usize,
    /// See `window`.
    pub enough: f64,
}

impl Default for RecurrentSettings {
    fn default() -> Self {
        Self {
            experiment: "gating/cognitive".to_owned(),
            seed: 1,
            method: "xdg+si".to_owned(),
            teacher: Teacher::Targets,
            tasks: SequenceSettings::default(),
            network: UnitSettings::default(),
            gates: GateSettings::default(),
            stabilise: StabiliseSettings {
                xi: masse2018::XI_RECURRENT,
                samples: 512,
                ..StabiliseSettings::default()
            },
            training: TrainingSettings {
                batches: cognitive::BATCHES,
                batch: masse2018::BATCH,
                ..TrainingSettings::default()
            },
            reward: RewardSettings::default(),
        }
    }
}

impl Default for SequenceSettings {
    fn default() -> Self {
        Self {
            names: registry::MASSE.map(str::to_owned).to_vec(),
            channels: Channels::Same,
            test_trials: 10 * masse2018::BATCH,
        }
    }
}

impl Default for UnitSettings {
    fn default() -> Self {
        Self {
            cell: Unit::Lstm,
            units: cognitive::UNITS,
        }
    }
}

impl Default for RewardSettings {
    fn default() -> Self {
        Self {
            discount: 0.0,
            value_cost: cognitive::VALUE_COST,
            entropy_cost: cognitive::ENTROPY_COST,
            window: cognitive::WINDOW,
            enough: cognitive::ENOUGH,
        }
    }
}

impl RecurrentSettings {
    /// What the words of `method` come to.
    ///
    /// # Errors
    /// An unknown word, two of one kind, or one that recurrent networks do not have.
    pub fn method(&self) -> Result<Method, Problem> {
        let method = Method::of(&self.method, &self.gates)?;
        let dense = match method.stabiliser {
            Stabiliser::Mas => Some("mas"),
            Stabiliser::Ewc if self.teacher == Teacher::Reward => Some("ewc"),
            _ => method.replay.then_some("replay"),
        };
        match dense {
            Some(word) => Err(Problem::new(
                format!("`method` asks for `{word}`, which this network and teacher do not have"),
                "with a teacher: `si` or `ewc`; by reward: `si`",
            )),
            None => Ok(method),
        }
    }

    /// Strength c, by default that of the paper for this teacher; 0 where nothing gives weights importance.
    pub fn strength(&self, method: Method) -> f64 {
        let [taught, rewarded] = masse2018::STRENGTH_RECURRENT;
        let default = match (method.stabiliser, self.teacher) {
            (Stabiliser::None, _) => return 0.0,
            (Stabiliser::Ewc, _) => masse2018::STRENGTH_EWC,
            (_, Teacher::Targets) => taught,
            (_, Teacher::Reward) => rewarded,
        };
        self.stabilise.strength(default)
    }

    /// Everything that is out of its range, at once, with the key's name.
    pub fn problems(&self) -> Vec<(&'static str, Problem)> {
        let (tasks, reward) = (&self.tasks, &self.reward);
        let cost = |key, value: f64| must(key, value, (0.0..1e6).contains(&value), "a number, 0 or more");
        let discount = (0.0..=1.0).contains(&reward.discount);
        let own = vec![
            must(
                "tasks.names",
                "empty",
                !tasks.names.is_empty(),
                "one task at least",
            ),
            whole("tasks.test_trials", tasks.test_trials, 1..=10_000_000),
            whole("network.units", self.network.units, 2..=100_000),
            must(
                "reward.discount",
                reward.discount,
                discount,
                "a number from 0 to 1",
            ),
            cost("reward.value_cost", reward.value_cost),
            cost("reward.entropy_cost", reward.entropy_cost),
            whole("reward.window", reward.window, 0..=1_000_000),
            must(
                "reward.enough",
                reward.enough,
                reward.enough > 0.0,
                "a fraction above 0",
            ),
        ];
        let words = Method::rows(&self.method, &self.gates);
        let fits = words.iter().all(Option::is_none);
        let own_words = self.method().err().filter(|_| fits);
        let sections = [
            own,
            self.gates.rows(),
            self.stabilise.rows(),
            self.training.rows(),
            words,
            vec![own_words.map(|problem| ("method", problem))],
        ];
        sections.into_iter().flatten().flatten().collect()
    }
}
