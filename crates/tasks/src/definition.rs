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
    /// The last step is one like any other: what is shown and taught goes on, answers count, and `rewards.terminal` is what
    /// waiting earns. Without it the last step only ends the trial, whatever is done.
    #[serde(default)]
    pub answers_at_end: bool,
    /// Names of the input channels. A name with braces, `CUE-{place}`, stands for one channel per level of the factor
    /// (or of the list in `[for]`) of that name; the name of a ring stands for its units.
    pub inputs: Vec<String>,
    /// Names of the actions, with braces as in `inputs`; the first one is to go on waiting.
    pub actions: Vec<String>,
    /// Trials per update of the networks.
    #[serde(default = "trials_per_update")]
    pub trials_per_update: usize,
    /// Trials per validation.
    #[serde(default = "validation_trials")]
    pub validation_trials: usize,
    /// Lists for names with braces, `letter = ["A", "B"]`: whatever has `{letter}` in its name is there once for each, with
    /// `{letter}` replaced in its expressions. The levels of factors need not be listed again.
    #[serde(default, rename = "for")]
    #[schemars(with = "std::collections::BTreeMap<String, Vec<serde_json::Value>>")]
    pub loops: Table,
    /// Rings of inputs tuned to an angle; shown by `angle` in `[show]`.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, RingDefinition>")]
    pub rings: Table,
    /// What varies from trial to trial, each independently: equally likely levels `coherence = [0, 6.4]`, labels
    /// `context = ["motion", "color"]`, columns drawn together `offer = { n_a = [1, 2], n_b = [3, 1] }`.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub factors: Table,
    /// Quantities computed from factors, as expressions, each from those above it; `"f(x)" = "…"` defines a function.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, NumberOrText>")]
    pub derived: Table,
    /// Makes the trials parts of sessions, in which the network goes on from one to the next and expressions know `trial`,
    /// `block`, `block_trial` (from 1), `last_action`, `last_reward`, `last_correct`, `last_chosen` and `before(NAME, n)`.
    #[serde(default)]
    pub session: Option<SessionDefinition>,
    /// Parts of the trial, in order; each begins where the one before it ends, unless it says otherwise.
    #[schemars(with = "std::collections::BTreeMap<String, EpochDefinition>")]
    pub epochs: Table,
    /// What an input channel shows, and when: one entry or a list of them. A channel that is not listed is 0.
    #[schemars(with = "std::collections::BTreeMap<String, OneOrMore<ShowDefinition>>")]
    pub show: Table,
    /// Random events within epochs, by the name under which their number is known to answers and analyses.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, EventDefinition>")]
    pub events: Table,
    /// What an action earns, and when: one entry or a list of them. `rewards.otherwise` says what any other action but
    /// the first does.
    #[schemars(with = "std::collections::BTreeMap<String, OneOrMore<AnswerDefinition>>")]
    pub answers: Table,
    /// What a teacher would have the outputs be, for networks whose outputs are values: one output a line, in order. Without
    /// it a teacher names actions.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, OneOrMore<TargetDefinition>>")]
    pub targets: Table,
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
    /// What analyses look at, where the names of factors do not tell.
    #[serde(default)]
    pub analysis: AnalysisDefinition,
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

/// What analyses of a task look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnalysisDefinition {
    /// Quantity along which choices change, the x axis of a psychometric function: a factor, a drawn or derived quantity,
    /// a number of events, or `EPOCH_ms`.
    pub axis: Option<String>,
    /// Its unit, for labels.
    pub unit: Option<String>,
    /// The answers at its low and at its high end; the first action stands for no answer.
    pub answers: Option<[String; 2]>,
    /// Quantity of two levels that says whether there is a signal to be answered.
    pub signal: Option<String>,
    /// Event that averages of activity are aligned to: an epoch, or `choice`.
    pub align: Option<String>,
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
    /// How much its steps count for a teacher, a number or an expression; 1 if absent.
    pub weight: Option<NumberOrText>,
}

/// A session: trials one after another.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionDefinition {
    /// Trials of a session.
    pub trials: usize,
    /// Trials of a block, a number or a law; a factor with `per = "block"` then takes another level.
    pub block: Option<Duration>,
}

/// A ring of inputs with preferred angles all around, each tuned as baseline + height · exp(κ (cos Δ − 1)), or with a `width`
/// σ as baseline + height · exp(−Δ²/2σ²), Δ the angle between.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RingDefinition {
    /// Number of units; unit i (from 0) prefers i · period / units.
    pub units: usize,
    /// Concentration κ of the tuning; 2 if neither it nor a width is given.
    pub concentration: Option<f64>,
    /// Standard deviation σ of a Gaussian tuning instead, degrees.
    pub width: Option<f64>,
    /// Activity at the preferred angle above the baseline.
    #[serde(default = "ring_height")]
    pub height: f64,
    /// Activity far away from it.
    #[serde(default)]
    pub baseline: f64,
    /// Angle in degrees after which the tuning repeats: 360, or 180 for orientations.
    #[serde(default = "ring_period")]
    pub period: f64,
}

fn ring_height() -> f64 {
    1.0
}

fn ring_period() -> f64 {
    360.0
}

fn trials_per_update() -> usize {
    20
}

fn validation_trials() -> usize {
    1000
}

/// One entry, or a list of them.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum OneOrMore<T> {
    /// One.
    One(T),
    /// A list.
    More(Vec<T>),
}

/// A duration in ms: a number, an expression or a law. Draws are multiples of the time step.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Duration {
    /// Always the same, or computed from factors and derived quantities.
    Given(NumberOrText),
    /// Drawn anew in every trial.
    Drawn(Drawn),
}

impl<'de> Deserialize<'de> for Duration {
    /// By the kind of value, so that a misspelt key of a law is named.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Float(ms) => Ok(Self::Given(NumberOrText::Number(ms))),
            Value::Integer(ms) => Ok(Self::Given(NumberOrText::Number(ms as f64))),
            Value::String(expression) => Ok(Self::Given(NumberOrText::Text(expression))),
            Value::Table(drawn) => drawn
                .try_into()
                .map(Self::Drawn)
                .map_err(|error: toml::de::Error| D::Error::custom(error.message())),
            other => Err(D::Error::custom(format!(
                "a duration is {other}, expected a number of ms, an expression in quotes or a law"
            ))),
        }
    }
}

/// A law: `fixed` + one of an exponential of mean `exponential`, a normal of `[mean, sd]`, a uniform in `[low, high)`, or one
/// of a list. Exponential and normal are truncated to [`min`, `max`). Everything may be an expression.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Drawn {
    /// Part that is always there.
    pub fixed: Option<NumberOrText>,
    /// Mean before truncation.
    pub exponential: Option<NumberOrText>,
    /// Mean and standard deviation before truncation.
    pub normal: Option<[NumberOrText; 2]>,
    /// Bounds of a uniform draw.
    pub uniform: Option<[NumberOrText; 2]>,
    /// Values that are equally likely.
    pub one_of: Option<Vec<NumberOrText>>,
    /// Smallest draw.
    pub min: Option<NumberOrText>,
    /// Draws stay below.
    pub max: Option<NumberOrText>,
}

/// What one input channel, or ring of channels, shows.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowDefinition {
    /// Epochs in which it shows something.
    pub during: Option<Vec<String>>,
    /// Or: all times but these epochs.
    pub except: Option<Vec<String>>,
    /// Mean, a number or an expression; also of `t_ms`, the time since the trial began, and `epoch_ms`, since the epoch did.
    pub mean: Option<NumberOrText>,
    /// On a ring: the angle in degrees, a number or an expression; several entries of one epoch add up.
    pub angle: Option<NumberOrText>,
    /// On a ring: what the tuning curves are multiplied by; 1 if absent.
    pub strength: Option<NumberOrText>,
    /// Variance σ² of the noise: every step gets a normal draw of standard deviation √(2·100 ms·σ²/Δt).
    #[serde(default)]
    pub noise: f64,
    /// Condition under which the channel shows anything.
    pub when: Option<String>,
}

/// A train of events on one input: Poisson by `rate`, in bins by `probability` and `bin_ms`, or at `times_ms`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventDefinition {
    /// Input that they are added to.
    pub input: String,
    /// Epochs in which they happen.
    pub during: Vec<String>,
    /// Events per second, on average.
    pub rate: Option<NumberOrText>,
    /// Time after an event without another one, ms; 0 if absent. The rate stays what it is.
    pub refractory_ms: Option<NumberOrText>,
    /// Probability of an event at the beginning of each bin.
    pub probability: Option<NumberOrText>,
    /// Length of a bin, ms.
    pub bin_ms: Option<NumberOrText>,
    /// Times after the epoch began, ms; those beyond its end do not happen.
    pub times_ms: Option<Vec<NumberOrText>>,
    /// What an event adds to the input; 1 if absent.
    pub size: Option<NumberOrText>,
    /// How long, ms; the file's `dt_ms` if absent. At a longer time step an event is smaller in proportion.
    pub lasts_ms: Option<f64>,
    /// Condition under which there are any.
    pub when: Option<String>,
}

/// A number, or an expression in quotes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a number, or an expression in quotes")]
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
    /// Condition under which it is one.
    pub when: Option<String>,
    /// Condition under which the answer is correct; without it the answer is neither correct nor wrong.
    pub correct: Option<String>,
    /// Reward, a number or an expression (also of `t_ms` and `epoch_ms`); if absent, `rewards.correct` or `rewards.wrong`.
    pub reward: Option<NumberOrText>,
    /// Does it end the trial? If not, it counts once in each epoch: to go on pressing changes nothing until the next one.
    #[serde(default = "yes")]
    pub ends: bool,
}

fn yes() -> bool {
    true
}

/// What a teacher would have one output, or a ring of outputs, be. An output that is not listed in an epoch is 0.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetDefinition {
    /// Epochs in which it is something else than 0.
    pub during: Option<Vec<String>>,
    /// Or: all times but these epochs.
    pub except: Option<Vec<String>>,
    /// Value, a number or an expression.
    pub value: Option<NumberOrText>,
    /// On a ring: the angle in degrees, a number or an expression.
    pub angle: Option<NumberOrText>,
    /// Condition under which it is.
    pub when: Option<String>,
}

/// Rewards of a task.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RewardDefinition {
    /// Of an action where it is no answer; ends the trial.
    pub abort: f64,
    /// What an action does where it is no answer, instead of `abort`.
    pub otherwise: Option<Otherwise>,
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
            otherwise: None,
            correct: 1.0,
            wrong: 0.0,
            terminal: None,
            tau_ms: None,
        }
    }
}

/// What an action does where it is no answer.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Otherwise {
    /// Reward of every step in which it is taken.
    #[serde(default)]
    pub reward: f64,
    /// Does it end the trial?
    pub ends: bool,
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
