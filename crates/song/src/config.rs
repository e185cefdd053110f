//! Every setting of a run: unit, default, source.
//!
//! Defaults are those of Song, Yang & Wang (2017), Table 1, except where noted.

use crate::model::shapes;
use neuropil_lab::config::{Layers, Resolved};
use neuropil_lab::error::{Problem, nearest};
use neuropil_learn::rules::{FirstReturn, Teacher, ValueInput};
use neuropil_nn::cell::Cell;
use neuropil_nn::ties::can_be_tied;
use neuropil_tasks::task::Task;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use toml::Table;

/// Settings of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Task of the library, or a task file.
    pub task: String,
    /// Seed of every random draw.
    pub seed: u64,
    /// `default`, or `song2017`: the published settings to the letter, without restarts and lessons.
    pub preset: String,
    /// Time step in ms; the task's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dt_ms: Option<f64>,
    /// Time constant of the units, ms.
    pub tau_ms: f64,
    /// The acting network.
    pub policy: NetworkConfig,
    /// The predicting network.
    pub value: NetworkConfig,
    /// The training protocol.
    pub training: Training,
}

/// Settings of one network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// Kind of unit: `gated`, `leaky`, `lstm` (counts steps, whatever their length), or `linear` (value network only: a
    /// linear read-out of the policy).
    pub cell: Cell,
    /// Number of units.
    pub units: usize,
    /// Fraction of units that each unit hears; 1: all.
    pub connection_probability: f64,
    /// Spectral radius of each recurrent block at the start.
    pub spectral_radius: f64,
    /// Factor of the input weights at the start.
    pub input_scale: f64,
    /// Variance of the recurrent noise.
    pub noise_variance: f64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Read-out bias at the start; 0 (policy) or the reward of an abort (value) if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_bias: Option<f64>,
    /// Penalty on squared rates, per unit and step.
    pub l2_rates: f64,
    /// Parameter arrays that never move: `x0`, `w_in`, `b_in`, `w_gates`, `w_rec`, `w_out`, `b_out`.
    pub fixed: Vec<String>,
    /// Dale's law: this fraction of the units excites alone, the others inhibit alone; no law if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excitatory_fraction: Option<f64>,
    /// With Dale's law: units that inhibit are not read out.
    pub excitatory_readout: bool,
    /// Dale's law unit by unit, in place of a fraction: a file of N signs, +1 excites, −1 inhibits, 0 is free, as `.npz`
    /// (array `sign`) or `.csv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signs: Option<String>,
    /// Type of each unit: a file of N whole numbers, as `.npz` (array `type`) or `.csv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<String>,
    /// Arrays that are trained by type: recurrent and input weights keep their proportions and get one gain for each pair
    /// of types (input and type), values of units and read-out weights are the same for all units of a type.
    pub tied: Vec<String>,
    /// Penalty on squared differences between recurrent weights and their initial values, per existing weight.
    pub l2_initial: f64,
    /// Initial values by parameter array, used as they are: a file of numbers, from × to, as `.npz` (an array
    /// `initial.NAME`) or `.csv`. Recurrent weights of 0 do not exist, unless a mask says so.
    pub initial: BTreeMap<String, String>,
    /// Which weights exist, by parameter array (`w_in`, `w_gates`, `w_rec`, `w_out`): a file of zeros and ones, from ×
    /// to, as `.npz` (an array of that name) or `.csv`. A mask takes the place of a drawn one.
    pub masks: BTreeMap<String, String>,
    /// Part of the units that an input reaches, as fractions [from, to) of the population; all if not listed.
    pub input_targets: BTreeMap<String, [f64; 2]>,
}

/// Settings of the training protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// What the policy learns from: `reward`, or `targets` of the trial table (supervised; no value network).
    pub teacher: Teacher,
    /// Trials per update; the task's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials_per_update: Option<usize>,
    /// Trials per validation; the task's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_trials: Option<usize>,
    /// Updates at most.
    pub max_updates: u64,
    /// Updates between validations.
    pub check_every: u64,
    /// Stop when the mean reward of a validation reaches this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_reward: Option<f64>,
    /// Longest gradient.
    pub max_gradient_norm: f64,
    /// Weight of the first action: `immediate` (published: it is what makes learning start) or `return`.
    pub t0_return: FirstReturn,
    /// What the value network sees at step t: rates of step t − 1 (`lagged`), of step t (`concurrent`), or of t − 1
    /// in training and t in recordings, as the published code mixes them (`reference`).
    pub value_input: ValueInput,
    /// λ of the generalised advantage estimate, 0 to 1; 1: return minus prediction, as published.
    pub gae_lambda: f64,
    /// Give the advantages of a batch mean 0 and standard deviation 1.
    pub standardise_advantage: bool,
    /// Weight in the objective of the policy's entropy while a choice is possible; 0: none, as published.
    pub entropy_bonus: f64,
    /// Penalty on |recurrent weights|, both networks.
    pub l1_recurrent: f64,
    /// Penalty on squared recurrent weights, both networks.
    pub l2_recurrent: f64,
    /// Begin with the lessons of the task, if it has any.
    pub curriculum: bool,
    /// Every trial starts where the last one ended.
    pub continuous: bool,
    /// Draw new networks, from the next stream of the same seed, when the old ones cannot learn any more (ours).
    pub restart_when_trapped: bool,
    /// Updates without any decision, all of them fixated through, after which networks count as trapped.
    pub trapped_after: u64,
    /// Updates without a better validation after which networks are given up as well; 0: never.
    pub patience: u64,
    /// Restarts at most.
    pub max_restarts: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            task: "rdm".to_owned(),
            seed: 1,
            preset: "default".to_owned(),
            dt_ms: None,
            tau_ms: 100.0,
            policy: NetworkConfig {
                connection_probability: 0.1,
                ..NetworkConfig::default()
            },
            value: NetworkConfig::default(),
            training: Training::default(),
        }
    }
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            cell: Cell::Gated,
            units: 100,
            connection_probability: 1.0,
            spectral_radius: 2.0,
            input_scale: 1.0,
            noise_variance: 0.01,
            learning_rate: 0.004,
            output_bias: None,
            l2_rates: 0.0,
            fixed: Vec::new(),
            excitatory_fraction: None,
            excitatory_readout: false,
            signs: None,
            types: None,
            tied: Vec::new(),
            l2_initial: 0.0,
            initial: BTreeMap::new(),
            masks: BTreeMap::new(),
            input_targets: BTreeMap::new(),
        }
    }
}

impl Default for Training {
    fn default() -> Self {
        Self {
            teacher: Teacher::Reward,
            trials_per_update: None,
            validation_trials: None,
            max_updates: 100_000,
            check_every: 50,
            target_reward: None,
            max_gradient_norm: 1.0,
            t0_return: FirstReturn::Immediate,
            value_input: ValueInput::Lagged,
            gae_lambda: 1.0,
            standardise_advantage: false,
            entropy_bonus: 0.0,
            l1_recurrent: 0.0,
            l2_recurrent: 0.0,
            curriculum: true,
            continuous: false,
            restart_when_trapped: true,
            trapped_after: 200,
            patience: 0,
            max_restarts: 10,
        }
    }
}

/// The published settings to the letter: nothing of ours.
const SONG_2017: &str = "
training.restart_when_trapped = false
training.curriculum = false
training.entropy_bonus = 0.0
";

/// What the task itself changes in the settings, as a layer of its own.
fn task_layer(task: &Task) -> Table {
    let d = &task.definition;
    let tables = [
        ("policy", &d.policy),
        ("value", &d.value),
        ("training", &d.training),
    ];
    let mut layer: Table = tables
        .into_iter()
        .map(|(name, table)| (name.to_owned(), table.clone().into()))
        .collect();
    if let Some(tau_ms) = d.tau_ms {
        layer.insert("tau_ms".to_owned(), tau_ms.into());
    }
    layer
}

/// Resolves settings for a task: defaults ← task ← preset ← the given layers.
///
/// # Errors
/// Unknown keys, values of the wrong type or out of range, with the place that sets them.
pub fn resolve(
    task: &Task,
    given: impl Fn(&mut Layers) -> Result<(), Box<Problem>>,
) -> Result<Resolved<Config>, Box<Problem>> {
    let mut layers = Layers::new();
    layers.add_table(&format!("task {}", task.definition.name), task_layer(task));
    given(&mut layers)?;
    let first: Resolved<Config> = layers.resolve()?;
    let mut layers = Layers::new();
    layers.add_table(&format!("task {}", task.definition.name), task_layer(task));
    match first.value.preset.as_str() {
        "default" => {}
        "song2017" => layers.add("preset song2017", SONG_2017)?,
        other => {
            let hint = Some("known presets: default, song2017".to_owned());
            return Err(first
                .layers()
                .problem_at("preset", format!("unknown preset `{other}`"), hint));
        }
    }
    given(&mut layers)?;
    let resolved: Resolved<Config> = layers.resolve()?;
    check(&resolved, task)?;
    Ok(resolved)
}

/// Ranges, and names that must exist.
fn check(resolved: &Resolved<Config>, task: &Task) -> Result<(), Box<Problem>> {
    let (config, layers) = (&resolved.value, resolved.layers());
    let fail = |key: &str, found: String, expected: &str| {
        let message = format!("{key} is {found}, expected {expected}");
        Err(layers.problem_at(key, message, default_of(key)))
    };
    let positive = |x: f64| x > 0.0 && x.is_finite();
    if !positive(config.tau_ms) {
        return fail("tau_ms", config.tau_ms.to_string(), "a time constant > 0 ms");
    }
    if task.dt_ms > config.tau_ms {
        return fail(
            "tau_ms",
            config.tau_ms.to_string(),
            &format!("at least the time step, {} ms", task.dt_ms),
        );
    }
    for (name, net) in [("policy", &config.policy), ("value", &config.value)] {
        let key = |field: &str| format!("{name}.{field}");
        let p0 = net.connection_probability;
        if net.units == 0 {
            return fail(&key("units"), "0".into(), "a whole number ≥ 1");
        }
        if !(p0 > 0.0 && p0 <= 1.0) {
            return fail(
                &key("connection_probability"),
                p0.to_string(),
                "a fraction in (0, 1]",
            );
        }
        if (p0 * net.units as f64).floor() < 1.0 {
            let at = key("connection_probability");
            let (units, least) = (net.units, 1.0 / net.units as f64);
            let message =
                format!("{at} is {p0}, which leaves no partner for {units} units, expected at least {least}");
            let hint = format!("raise it, or {}", key("units"));
            return Err(layers.problem_at(&at, message, Some(hint)));
        }
        if !positive(net.learning_rate) {
            return fail(
                &key("learning_rate"),
                net.learning_rate.to_string(),
                "a number > 0",
            );
        }
        if !(net.noise_variance >= 0.0 && net.noise_variance.is_finite()) {
            return fail(
                &key("noise_variance"),
                net.noise_variance.to_string(),
                "a variance ≥ 0",
            );
        }
        if !positive(net.spectral_radius) {
            return fail(
                &key("spectral_radius"),
                net.spectral_radius.to_string(),
                "a number > 0",
            );
        }
        if name == "policy" && net.cell == Cell::Linear {
            return fail("policy.cell", "linear".into(), "gated, leaky or lstm");
        }
        for (input, &[from, to]) in &net.input_targets {
            let at = key(&format!("input_targets.{input}"));
            if !task.definition.inputs.contains(input) {
                let known = task.definition.inputs.join(", ");
                return Err(layers.problem_at(
                    &at,
                    format!("{at}: the task has no input `{input}`"),
                    Some(format!("inputs: {known}")),
                ));
            }
            if !(0.0 <= from && from < to && to <= 1.0) || unit_range(from, to, net.units).is_empty() {
                return fail(
                    &at,
                    format!("[{from}, {to}]"),
                    &format!(
                        "fractions 0 ≤ from < to ≤ 1 that hold at least one of {} units",
                        net.units
                    ),
                );
            }
        }
    }
    check_arrays(config, task, layers)?;
    let training = &config.training;
    if !(0.0..=1.0).contains(&training.gae_lambda) {
        return fail(
            "training.gae_lambda",
            training.gae_lambda.to_string(),
            "a number from 0 to 1",
        );
    }
    for (field, value) in [
        ("entropy_bonus", training.entropy_bonus),
        ("l1_recurrent", training.l1_recurrent),
        ("l2_recurrent", training.l2_recurrent),
    ] {
        if !(value >= 0.0 && value.is_finite()) {
            return fail(&format!("training.{field}"), value.to_string(), "a number ≥ 0");
        }
    }
    for (field, value) in [
        ("check_every", Some(training.check_every as usize)),
        ("trials_per_update", training.trials_per_update),
    ] {
        if value == Some(0) {
            return fail(&format!("training.{field}"), "0".into(), "a whole number ≥ 1");
        }
    }
    if !positive(training.max_gradient_norm) {
        return fail(
            "training.max_gradient_norm",
            training.max_gradient_norm.to_string(),
            "a number > 0",
        );
    }
    if training.teacher == Teacher::Targets {
        let key = "training.teacher";
        let refuse = |why: &str| {
            let message = format!("{key} is targets, but {why}");
            Err(layers.problem_at(key, message, Some("learn from reward".to_owned())))
        };
        if task.world.is_some() {
            return refuse("a world that answers has no targets");
        }
        if training.continuous {
            return refuse("continuous mode is for learning from reward");
        }
    }
    Ok(())
}

/// What a setting is when nobody says, as a hint.
fn default_of(key: &str) -> Option<String> {
    let mut value = toml::Value::try_from(Config::default()).ok()?;
    for part in key.split('.') {
        value = value.get(part)?.clone();
    }
    Some(format!("left out, it is {value}"))
}

/// Settings that name parameter arrays, and Dale's law.
fn check_arrays(config: &Config, task: &Task, layers: &Layers) -> Result<(), Box<Problem>> {
    let (policy, value) = shapes(config, task);
    for (name, net, shape) in [
        ("policy", &config.policy, policy),
        ("value", &config.value, value),
    ] {
        let layout = shape.layout();
        let all: Vec<&str> = layout.entries().iter().map(|entry| entry.name).collect();
        let maskable: Vec<&str> = all
            .iter()
            .copied()
            .filter(|array| array.starts_with("w_"))
            .collect();
        let fixed = net.fixed.iter().map(|array| ("fixed".to_owned(), array, &all));
        let masks = net
            .masks
            .keys()
            .map(|array| (format!("masks.{array}"), array, &maskable));
        let initial = net
            .initial
            .keys()
            .map(|array| (format!("initial.{array}"), array, &all));
        let tieable: Vec<&str> = all.iter().copied().filter(|array| can_be_tied(array)).collect();
        let tied = net.tied.iter().map(|array| ("tied".to_owned(), array, &tieable));
        for (field, array, known) in fixed.chain(masks).chain(initial).chain(tied) {
            if !known.contains(&array.as_str()) {
                let key = format!("{name}.{field}");
                let kind = toml::Value::try_from(net.cell).expect("a kind of unit has a name");
                let kind = kind.as_str().unwrap_or_default();
                let message = if all.contains(&array.as_str()) {
                    format!("{key}: array `{array}` cannot be named here")
                } else {
                    format!("{key}: a network of {kind} units has no array `{array}`")
                };
                let hint = nearest(array, known.iter().copied()).map_or_else(
                    || format!("arrays: {}", known.join(", ")),
                    |name| format!("did you mean `{name}`?"),
                );
                return Err(layers.problem_at(&key, message, Some(hint)));
            }
        }
        check_wiring(name, net, layers)?;
        let Some(fraction) = net.excitatory_fraction else {
            continue;
        };
        let key = format!("{name}.excitatory_fraction");
        let partners = (net.connection_probability * net.units as f64).floor() as usize;
        let excitatory = (fraction * net.units as f64).round() as usize;
        let found = |expected: String| {
            let message = format!("{key} is {fraction}, expected {expected}");
            Err(layers.problem_at(&key, message, None))
        };
        if !(fraction > 0.0 && fraction < 1.0) || excitatory == 0 || excitatory == net.units {
            return found(format!(
                "a fraction in (0, 1) that leaves at least one of {} units of each kind",
                net.units
            ));
        }
        if partners < 2 {
            return found(format!(
                "none: with {partners} partner a unit cannot hear both kinds; raise {name}.connection_probability"
            ));
        }
        if net.cell == Cell::Linear {
            return found("none: a linear read-out has no recurrent weights".to_owned());
        }
        if net.cell == Cell::Lstm {
            return found(
                "none: rates of lstm units have both signs, so the sign of a weight does not make a unit excitatory or \
                 inhibitory"
                    .to_owned(),
            );
        }
    }
    Ok(())
}

/// Settings that go together or not at all.
fn check_wiring(name: &str, net: &NetworkConfig, layers: &Layers) -> Result<(), Box<Problem>> {
    let fail = |field: &str, message: String, hint: Option<&str>| {
        let key = format!("{name}.{field}");
        Err(layers.problem_at(&key, format!("{key} {message}"), hint.map(str::to_owned)))
    };
    if !(net.l2_initial >= 0.0 && net.l2_initial.is_finite()) {
        return fail(
            "l2_initial",
            format!("is {}, expected a number ≥ 0", net.l2_initial),
            None,
        );
    }
    for (field, given) in [("signs", net.signs.is_some()), ("types", net.types.is_some())] {
        if given && net.cell == Cell::Linear {
            return fail(
                field,
                "is given, but a linear read-out has no units of its own".into(),
                None,
            );
        }
    }
    if net.signs.is_some() && net.excitatory_fraction.is_some() {
        let hint = Some("leave one of them out");
        return fail(
            "signs",
            format!("and {name}.excitatory_fraction are two ways to say the same"),
            hint,
        );
    }
    if !net.tied.is_empty() && net.types.is_none() {
        let hint = format!("name a file with {name}.types");
        return fail(
            "tied",
            "is given, but not which unit is of which type".into(),
            Some(&hint),
        );
    }
    if net.types.is_some() && net.tied.is_empty() {
        let hint = format!("{name}.tied = [\"w_rec\"] trains one gain for each pair of types");
        return fail(
            "types",
            "is given, but no array is trained by type".into(),
            Some(&hint),
        );
    }
    Ok(())
}

/// Units of a part [from, to) of a population.
pub(crate) fn unit_range(from: f64, to: f64, units: usize) -> std::ops::Range<usize> {
    let at = |fraction: f64| (fraction * units as f64 + 1e-6).floor() as usize;
    at(from)..at(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preset_of_the_paper_drops_what_is_ours_and_gives_way_to_the_user() {
        let task = neuropil_tasks::registry::find("wager", None).unwrap();
        let training = |given: &[&str]| {
            let set = |layers: &mut Layers| given.iter().try_for_each(|assignment| layers.set(assignment));
            resolve(&task, set).unwrap().value.training
        };
        let ours = training(&[]);
        assert!(ours.curriculum && ours.restart_when_trapped && ours.patience == 2000);
        assert!(ours.entropy_bonus > 0.0);
        let published = training(&["preset=song2017"]);
        assert!(!published.curriculum && !published.restart_when_trapped && published.entropy_bonus == 0.0);
        assert!(training(&["preset=song2017", "training.curriculum=true"]).curriculum);
    }
}
