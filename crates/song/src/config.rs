//! Every setting of a run: unit, default, source.
//!
//! Defaults are those of Song, Yang & Wang (2017), Table 1, except where noted.

use neuropil_learn::rules::{FirstReturn, Teacher, ValueInput};
use neuropil_nn::cell::Cell;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Task of the library, or a task file.
    pub task: String,
    /// Seed of every random draw.
    #[serde(with = "neuropil_lab::config::seed")]
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
    /// Run directory whose networks this one begins with, as far as shapes agree, instead of drawing new ones (`--from`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
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
            from: None,
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

/// Units of a part [from, to) of a population.
pub(crate) fn unit_range(from: f64, to: f64, units: usize) -> std::ops::Range<usize> {
    let at = |fraction: f64| (fraction * units as f64 + 1e-6).floor() as usize;
    at(from)..at(to)
}
