//! Settings of a sequence of tasks: every key with its unit, its default and where the default is from.

use crate::data::Reading;
use crate::gates::Scheme;
use crate::importance::{Labels, Pairing};
use crate::masse2018;
use crate::optimiser::{Correction, Optimiser};
use crate::tasks::{Head, Kind};
use neuropil_lab::error::{Problem, did_you_mean};
use serde::{Deserialize, Serialize};

/// All settings of an experiment with a dense network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `gating/NAME`.
    pub experiment: String,
    /// Seed of every random draw.
    #[serde(with = "neuropil_lab::config::seed")]
    pub seed: u64,
    /// What keeps the network from forgetting, joined by `+`: see [`Method`].
    pub method: String,
    /// Data set: `digits`, a folder or a file.
    pub data: Source,
    /// The tasks.
    pub tasks: TaskSettings,
    /// The network.
    pub network: NetworkSettings,
    /// Gates.
    pub gates: GateSettings,
    /// What pulls weights to their old values.
    pub stabilise: StabiliseSettings,
    /// Steps of learning.
    pub training: TrainingSettings,
}

/// Where examples come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    /// `digits`, a folder or a file.
    pub path: String,
    /// What is to be assumed where files leave a choice.
    pub reading: Reading,
}

/// The sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskSettings {
    /// Permuted, rotated or split.
    pub kind: Kind,
    /// Number of tasks.
    pub n: usize,
    /// Classes of a split task.
    pub classes_per_task: usize,
    /// Outputs.
    pub head: Head,
    /// Draw the order of the classes; else that of their labels.
    pub shuffle_classes: bool,
}

/// The dense network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSettings {
    /// Units of each hidden layer.
    pub hidden: Vec<usize>,
    /// Probability that an input is kept in training.
    pub input_keep: f64,
    /// Probability that a hidden unit is kept in training.
    pub hidden_keep: f64,
}

/// Gates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateSettings {
    /// Fraction of the hidden units that a task may not use.
    pub gated: f64,
    /// Sub-networks of the split network.
    pub parts: usize,
    /// A table of gates made elsewhere: columns `task`, `layer` and one per unit.
    pub file: String,
    /// Train the whole network with masks in place of the network of the active units: the same result, slower.
    pub whole: bool,
}

/// Stabilisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StabiliseSettings {
    /// Strength c; below 0: the default of the method.
    pub strength: f64,
    /// ξ of synaptic intelligence.
    pub xi: f64,
    /// Whose labels the Fisher information is estimated with.
    pub labels: Labels,
    /// Examples of an estimate.
    pub samples: usize,
    /// Dropout during the estimate, as the paper's program has it.
    pub dropout: bool,
    /// What the importance of earlier tasks is multiplied by after each task: 1 keeps it, less forgets it ("online").
    pub decay: f64,
    /// Examples that replay keeps.
    pub memory: usize,
    /// Which change of reward is put beside which update.
    pub pairing: Pairing,
}

/// Steps of learning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingSettings {
    /// Batches of each task.
    pub batches: usize,
    /// Examples of a batch, drawn with replacement.
    pub batch: usize,
    /// Learning rate.
    pub rate: f64,
    /// Correction of the rate for moments that began at 0.
    pub correction: Correction,
    /// Largest length of one array's update; 0: none.
    pub update_clip: f64,
    /// Forget the moments after every task.
    pub reset_between_tasks: bool,
    /// Draw all weights anew before every task: what each task alone would come to.
    pub reset_weights: bool,
    /// Batches from one checkpoint to the next.
    pub checkpoint_every: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            experiment: "gating/permuted-digits".to_owned(),
            seed: 1,
            method: "xdg+si".to_owned(),
            data: Source::default(),
            tasks: TaskSettings::default(),
            network: NetworkSettings::default(),
            gates: GateSettings::default(),
            stabilise: StabiliseSettings::default(),
            training: TrainingSettings::default(),
        }
    }
}

impl Default for Source {
    fn default() -> Self {
        Self {
            path: "digits".to_owned(),
            reading: Reading::default(),
        }
    }
}

impl Default for TaskSettings {
    fn default() -> Self {
        Self {
            kind: Kind::Permuted,
            n: 30,
            classes_per_task: 2,
            head: Head::Single,
            shuffle_classes: false,
        }
    }
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self {
            hidden: vec![250, 250],
            input_keep: masse2018::INPUT_KEEP,
            hidden_keep: masse2018::HIDDEN_KEEP,
        }
    }
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            gated: masse2018::GATED,
            parts: masse2018::PARTS,
            file: String::new(),
            whole: false,
        }
    }
}

impl Default for StabiliseSettings {
    fn default() -> Self {
        Self {
            strength: -1.0,
            xi: masse2018::XI,
            labels: Labels::Sampled,
            samples: masse2018::FISHER_SAMPLES,
            dropout: true,
            decay: 1.0,
            memory: 500,
            pairing: Pairing::Causal,
        }
    }
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            batches: 150,
            batch: 64,
            rate: masse2018::RATE,
            correction: Correction::Frozen,
            update_clip: masse2018::UPDATE_CLIP,
            reset_between_tasks: true,
            reset_weights: false,
            checkpoint_every: 500,
        }
    }
}

/// What gives weights their importance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stabiliser {
    /// Nothing.
    None,
    /// Synaptic intelligence.
    Si,
    /// Elastic weight consolidation.
    Ewc,
    /// Memory-aware synapses.
    Mas,
}

/// What keeps a network from forgetting: words joined by `+`.
///
/// One of `xdg`, `xdg-exact`, `partial`, `split`, `file`; one of `si`, `ewc`, `mas`; `rule`; `replay`. `none` stands alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Method {
    /// Gates; none if they are read from a file.
    pub scheme: Option<Scheme>,
    /// What gives weights their importance.
    pub stabiliser: Stabiliser,
    /// Is the task told by a rule signal?
    pub rule: bool,
    /// Are earlier examples replayed?
    pub replay: bool,
}

const WORDS: [&str; 11] = [
    "none",
    "xdg",
    "xdg-exact",
    "partial",
    "split",
    "file",
    "si",
    "ewc",
    "mas",
    "rule",
    "replay",
];

impl Method {
    /// Reads the words of a method.
    ///
    /// # Errors
    /// An unknown word, or two of one kind.
    ///
    /// ```
    /// use neuropil_gating::settings::{Method, Settings, Stabiliser};
    /// let method = Method::of(&Settings::default())?;
    /// assert_eq!((method.stabiliser, method.rule), (Stabiliser::Si, false));
    /// # Ok::<(), neuropil_lab::error::Problem>(())
    /// ```
    pub fn of(settings: &Settings) -> Result<Self, Problem> {
        let (mut scheme, mut stabiliser, mut rule, mut replay) = (None, None, false, false);
        let words: Vec<&str> = settings.method.split('+').map(str::trim).collect();
        let twice = |what: &str| {
            Problem::new(
                format!("`method` is `{}`: two {what}", settings.method),
                "one kind of gates and one of stabilisation",
            )
        };
        for word in &words {
            let gate = match *word {
                "xdg" => Some(Some(Scheme::Xdg(settings.gates.gated))),
                "xdg-exact" => Some(Some(Scheme::Exact(settings.gates.gated))),
                "partial" => Some(Some(Scheme::Partial)),
                "split" => Some(Some(Scheme::Split(settings.gates.parts))),
                "file" => Some(None),
                _ => None,
            };
            let weight = match *word {
                "si" => Some(Stabiliser::Si),
                "ewc" => Some(Stabiliser::Ewc),
                "mas" => Some(Stabiliser::Mas),
                _ => None,
            };
            match (gate, weight, *word) {
                (Some(gate), ..) => {
                    if scheme.replace(gate).is_some() {
                        return Err(twice("kinds of gates"));
                    }
                }
                (_, Some(weight), _) => {
                    if stabiliser.replace(weight).is_some() {
                        return Err(twice("kinds of stabilisation"));
                    }
                }
                (.., "rule") => rule = true,
                (.., "replay") => replay = true,
                (.., "none") if words.len() == 1 => {}
                (.., "none") => {
                    return Err(Problem::new(
                        format!(
                            "`method` is `{}`, expected `none` to stand alone",
                            settings.method
                        ),
                        "leave `none` out",
                    ));
                }
                _ => {
                    let message = format!("`method` has the unknown part `{word}`");
                    return Err(Problem::new(
                        message,
                        did_you_mean(word, "parts, joined by +", &WORDS),
                    ));
                }
            }
        }
        Ok(Self {
            scheme: scheme.unwrap_or(Some(Scheme::None)),
            stabiliser: stabiliser.unwrap_or(Stabiliser::None),
            rule,
            replay,
        })
    }

    /// Does a task use some of the units only?
    pub fn gates(self) -> bool {
        self.scheme != Some(Scheme::None)
    }
}

impl Settings {
    /// Strength c, by default that of the paper for this method.
    pub fn strength(&self, method: Method) -> f64 {
        if self.stabilise.strength >= 0.0 {
            return self.stabilise.strength;
        }
        match (method.stabiliser, method.gates()) {
            (Stabiliser::None, _) => 0.0,
            (Stabiliser::Si | Stabiliser::Mas, true) => masse2018::STRENGTH_SI_GATED,
            (Stabiliser::Si | Stabiliser::Mas, false) => masse2018::STRENGTH_SI,
            (Stabiliser::Ewc, true) => masse2018::STRENGTH_EWC_GATED,
            (Stabiliser::Ewc, false) => masse2018::STRENGTH_EWC,
        }
    }

    /// The optimiser.
    pub fn optimiser(&self) -> Optimiser {
        Optimiser {
            correction: self.training.correction,
            update_clip: (self.training.update_clip > 0.0).then_some(self.training.update_clip),
            ..Optimiser::adam(self.training.rate)
        }
    }

    /// Everything that is out of its range, at once, with the key's name.
    pub fn problems(&self) -> Vec<(&'static str, Problem)> {
        let mut found = Vec::new();
        let mut must = |holds: bool, key: &'static str, value: String, expected: &str| {
            if !holds {
                found.push((
                    key,
                    Problem::bare(format!("`{key}` is {value}, expected {expected}")),
                ));
            }
        };
        let probability = |p: f64| p > 0.0 && p <= 1.0;
        let (network, stabilise, training) = (&self.network, &self.stabilise, &self.training);
        must(
            self.tasks.n > 0 && self.tasks.n <= 100_000,
            "tasks.n",
            self.tasks.n.to_string(),
            "from 1 to 100000",
        );
        must(
            !network.hidden.is_empty() && network.hidden.iter().all(|&n| (1..=1_000_000).contains(&n)),
            "network.hidden",
            format!("{:?}", network.hidden),
            "one layer at least, each of 1 to 1000000 units",
        );
        must(
            probability(network.input_keep),
            "network.input_keep",
            network.input_keep.to_string(),
            "a probability above 0, up to 1",
        );
        must(
            probability(network.hidden_keep),
            "network.hidden_keep",
            network.hidden_keep.to_string(),
            "a probability above 0, up to 1",
        );
        must(
            (0.0..1.0).contains(&self.gates.gated),
            "gates.gated",
            self.gates.gated.to_string(),
            "a fraction from 0 up to, but not including, 1",
        );
        must(
            self.gates.parts > 0,
            "gates.parts",
            self.gates.parts.to_string(),
            "1 or more",
        );
        must(
            stabilise.strength == -1.0 || (stabilise.strength >= 0.0 && stabilise.strength < 1e12),
            "stabilise.strength",
            stabilise.strength.to_string(),
            "0 or more (-1: the method's default)",
        );
        must(
            stabilise.xi > 0.0 && stabilise.xi < 1e12,
            "stabilise.xi",
            stabilise.xi.to_string(),
            "a number above 0",
        );
        must(
            (1..=100_000_000).contains(&stabilise.samples),
            "stabilise.samples",
            stabilise.samples.to_string(),
            "from 1 to 100000000",
        );
        must(
            stabilise.decay > 0.0 && stabilise.decay <= 1.0,
            "stabilise.decay",
            stabilise.decay.to_string(),
            "a number above 0, up to 1",
        );
        must(
            stabilise.memory <= 100_000_000,
            "stabilise.memory",
            stabilise.memory.to_string(),
            "at most 100000000",
        );
        must(
            (1..=1_000_000_000).contains(&training.batches),
            "training.batches",
            training.batches.to_string(),
            "from 1 to 1000000000",
        );
        must(
            (1..=1_000_000).contains(&training.batch),
            "training.batch",
            training.batch.to_string(),
            "from 1 to 1000000",
        );
        must(
            training.rate > 0.0 && training.rate <= 1e3,
            "training.rate",
            training.rate.to_string(),
            "a number above 0",
        );
        must(
            training.update_clip >= 0.0 && training.update_clip.is_finite(),
            "training.update_clip",
            training.update_clip.to_string(),
            "a length, or 0 for none",
        );
        must(
            training.checkpoint_every > 0,
            "training.checkpoint_every",
            training.checkpoint_every.to_string(),
            "1 or more",
        );
        if let Err(problem) = Method::of(self) {
            found.push(("method", problem));
        }
        if self.method.split('+').any(|word| word.trim() == "file") && self.gates.file.is_empty() {
            found.push((
                "gates.file",
                Problem::new(
                    "`method` asks for gates from a file, but `gates.file` is empty",
                    "`--set gates.file=gates.csv`",
                ),
            ));
        }
        found
    }
}
