//! The TOML form of a task, as written.

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::{Table, Value};

/// A task as its TOML file defines it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Name, lower case.
    pub name: String,
    /// One line.
    #[serde(default)]
    pub title: String,
    /// What the animal sees and does, in a few sentences.
    #[serde(default)]
    pub description: String,
    /// Other names that find the task.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Task of the library that this one changes: whatever is not given here is taken from there.
    #[serde(default)]
    pub extends: Option<String>,
    /// World that answers, `{ kind = "cartpole", …parameters }`. It decides time step, longest trial, inputs and
    /// actions; factors, epochs, show and answers belong to trial tables and have no place beside it.
    #[serde(default)]
    #[schemars(with = "Option<std::collections::BTreeMap<String, serde_json::Value>>")]
    pub world: Option<Table>,
    /// Time constant of the units in ms, if the task asks for one of its own.
    #[serde(default)]
    pub tau_ms: Option<f64>,
    /// Time step in ms.
    pub dt_ms: f64,
    /// Longest trial in ms: its last step ends the trial.
    pub tmax_ms: f64,
    /// Names of the input channels.
    pub inputs: Vec<String>,
    /// Names of the actions; the first one is to go on fixating.
    pub actions: Vec<String>,
    /// Trials per update of the networks.
    pub trials_per_update: usize,
    /// Trials per validation.
    pub validation_trials: usize,
    /// What varies from trial to trial, each uniformly and independently: `coherence = [0, 6.4]`, labels
    /// `context = ["motion", "color"]`, or columns drawn together `offer = { n_a = [1, 2], n_b = [3, 1] }`.
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub factors: Table,
    /// Quantities computed from factors, as expressions, each from those above it.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, String>")]
    pub derived: Table,
    /// Parts of the trial, in order; each begins where the one before it ends, unless it says otherwise.
    #[schemars(with = "std::collections::BTreeMap<String, EpochDefinition>")]
    pub epochs: Table,
    /// What an input channel shows, and when. A channel that is not listed is 0.
    #[schemars(with = "std::collections::BTreeMap<String, ShowDefinition>")]
    pub show: Table,
    /// What an action earns, and when. Any other action but the first aborts the trial.
    #[schemars(with = "std::collections::BTreeMap<String, AnswerDefinition>")]
    pub answers: Table,
    /// Rewards.
    #[serde(default)]
    pub rewards: RewardDefinition,
    /// When the task counts as learnt: all must hold. `decided` and `correct` are known quantities of trial tables,
    /// `reward`, `steps` and its own measures those of a world.
    #[schemars(with = "std::collections::BTreeMap<String, CriterionDefinition>")]
    pub criterion: Table,
    /// Lessons before the task itself: each a table of changes to the task with a `criterion` of its own, which ends
    /// the lesson. Time step, inputs, actions and settings stay the same.
    #[serde(default)]
    #[schemars(with = "Vec<std::collections::BTreeMap<String, serde_json::Value>>")]
    pub curriculum: Vec<Table>,
    /// Changes to the policy network's settings.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub policy: Table,
    /// Changes to the value network's settings.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub value: Table,
    /// Changes to the training settings.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub training: Table,
}

/// One epoch.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EpochDefinition {
    /// Epoch after whose end this one begins; the one written above it if absent.
    pub after: Option<String>,
    /// Time between that end and the beginning of this epoch.
    pub wait_ms: Option<Duration>,
    /// How long it lasts; until `tmax_ms` if absent.
    pub duration_ms: Option<Duration>,
    /// Condition without which the epoch is left out of the trial.
    pub when: Option<String>,
}

/// A duration in ms: a number, an expression or a distribution. Draws and results of expressions are floored to a
/// multiple of the time step.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Duration {
    /// Always the same.
    Fixed(f64),
    /// Computed from factors and derived quantities.
    Computed(String),
    /// Drawn anew in every trial.
    Drawn(Drawn),
}

impl<'de> Deserialize<'de> for Duration {
    /// By the kind of value, so that a misspelt key of a distribution is named.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Float(ms) => Ok(Self::Fixed(ms)),
            Value::Integer(ms) => Ok(Self::Fixed(ms as f64)),
            Value::String(expression) => Ok(Self::Computed(expression)),
            Value::Table(drawn) => drawn
                .try_into()
                .map(Self::Drawn)
                .map_err(|error: toml::de::Error| D::Error::custom(error.message())),
            other => Err(D::Error::custom(format!(
                "a duration is {other}, expected a number of ms, an expression in quotes or a distribution"
            ))),
        }
    }
}

/// `fixed` + an exponential of mean `exponential` truncated to [`min`, `max`), or uniform in [low, high).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drawn {
    /// Part that is always there.
    #[serde(default)]
    pub fixed: f64,
    /// Mean before truncation.
    pub exponential: Option<f64>,
    /// Smallest draw.
    pub min: Option<f64>,
    /// Draws stay below.
    pub max: Option<f64>,
    /// Bounds of a uniform draw.
    pub uniform: Option<[f64; 2]>,
}

/// What one input channel shows.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowDefinition {
    /// Epochs in which it shows something.
    pub during: Option<Vec<String>>,
    /// Or: all times but these epochs.
    pub except: Option<Vec<String>>,
    /// Mean, a number or an expression.
    pub mean: NumberOrText,
    /// Variance σ² of the noise: every step gets a normal draw of standard deviation √(2·100 ms·σ²/Δt).
    #[serde(default)]
    pub noise: f64,
    /// Condition under which the channel shows anything.
    pub when: Option<String>,
}

/// A number, or an expression in quotes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NumberOrText {
    /// Constant.
    Number(f64),
    /// Expression.
    Text(String),
}

/// What one action earns.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerDefinition {
    /// Epochs in which the action is an answer.
    pub during: Vec<String>,
    /// Condition under which it is one; it aborts the trial otherwise.
    pub when: Option<String>,
    /// Condition under which the answer is correct; without it the answer is neither correct nor wrong.
    pub correct: Option<String>,
    /// Reward; if absent, `rewards.correct` or `rewards.wrong`.
    pub reward: Option<NumberOrText>,
}

/// Rewards of a task.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RewardDefinition {
    /// Of an action where it is no answer; ends the trial.
    pub abort: f64,
    /// Of a correct answer.
    pub correct: f64,
    /// Of a wrong answer.
    pub wrong: f64,
    /// Of a trial that reaches its last step, a number or an expression; `abort` if absent.
    pub terminal: Option<NumberOrText>,
    /// Time constant of discounting in ms; none if absent.
    pub tau_ms: Option<f64>,
}

impl Default for RewardDefinition {
    fn default() -> Self {
        Self {
            abort: -1.0,
            correct: 1.0,
            wrong: 0.0,
            terminal: None,
            tau_ms: None,
        }
    }
}

/// Bounds of one quantity of the validation trials.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CriterionDefinition {
    /// Condition of the trials that are counted. Known beside factors and labels: `decided`, `chosen`, `correct`
    /// (1 or 0) and `action`, to compare with action names (`-` written `_`).
    pub of: Option<String>,
    /// Condition of the trials that they are a fraction of; all if absent.
    pub over: Option<String>,
    /// The fraction must be this or more.
    pub at_least: Option<f64>,
    /// The fraction must be more than this.
    pub above: Option<f64>,
    /// The fraction must be this or less.
    pub at_most: Option<f64>,
}
