//! Settings of a sequence of tasks: every key with its unit, its default and where the default is from.

use crate::data::Reading;
use crate::gates::GateSettings;
use crate::importance::{Labels, Pairing};
use crate::masse2018;
use crate::method::{Method, Stabiliser};
use crate::optimiser::{Correction, Optimiser};
use crate::ranges::{Row, must, positive, probability, whole};
use crate::replay::Rule;
use crate::tasks::{Head, Kind};
use neuropil_lab::error::Problem;
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
    /// Further data sets of `gating/front`, learnt at the same time with outputs of their own.
    pub also: Vec<String>,
    /// Run of `gating/front` whose features are learnt in place of the pictures; empty: none.
    pub front: String,
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
    /// Which of them: `reservoir`, each with the same probability, or `by-class`, as many of every class as fit.
    pub keep: Rule,
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
            also: Vec::new(),
            front: String::new(),
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
            keep: Rule::Reservoir,
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

impl Settings {
    /// What the words of [`Settings::method`] come to.
    ///
    /// # Errors
    /// An unknown word, or two of one kind.
    pub fn method(&self) -> Result<Method, Problem> {
        Method::of(&self.method, &self.gates)
    }

    /// Strength c, by default that of the paper for this method; 0 where nothing gives weights importance.
    pub fn strength(&self, method: Method) -> f64 {
        let default = match (method.stabiliser, method.gates()) {
            (Stabiliser::None, _) => return 0.0,
            (Stabiliser::Si | Stabiliser::Mas, true) => masse2018::STRENGTH_SI_GATED,
            (Stabiliser::Si | Stabiliser::Mas, false) => masse2018::STRENGTH_SI,
            (Stabiliser::Ewc, true) => masse2018::STRENGTH_EWC_GATED,
            (Stabiliser::Ewc, false) => masse2018::STRENGTH_EWC,
        };
        self.stabilise.strength(default)
    }

    /// Everything that is out of its range, at once, with the key's name.
    pub fn problems(&self) -> Vec<(&'static str, Problem)> {
        let network = &self.network;
        let hidden = !network.hidden.is_empty() && network.hidden.iter().all(|n| (1..=1_000_000).contains(n));
        let layers = "one layer at least, each of 1 to 1000000 units";
        let weights: f64 = network
            .hidden
            .windows(2)
            .map(|pair| pair[0] as f64 * pair[1] as f64)
            .sum();
        let most = "layers with 500 million weights between them at most";
        let own = vec![
            whole("tasks.n", self.tasks.n, 1..=100_000),
            must("network.hidden", format!("{:?}", network.hidden), hidden, layers),
            must(
                "network.hidden",
                format!("{:?}", network.hidden),
                weights <= 5e8,
                most,
            ),
            probability("network.input_keep", network.input_keep),
            probability("network.hidden_keep", network.hidden_keep),
        ];
        let sections = [
            own,
            self.gates.rows(),
            self.stabilise.rows(),
            self.training.rows(),
            Method::rows(&self.method, &self.gates),
        ];
        sections.into_iter().flatten().flatten().collect()
    }
}

impl StabiliseSettings {
    /// Strength c: what is set, or the given default.
    pub(crate) fn strength(&self, default: f64) -> f64 {
        if self.strength >= 0.0 {
            self.strength
        } else {
            default
        }
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let c = self.strength;
        let strength = c == -1.0 || (0.0..1e12).contains(&c);
        vec![
            must(
                "stabilise.strength",
                c,
                strength,
                "0 or more (-1: the method's default)",
            ),
            positive("stabilise.xi", self.xi, 1e12),
            whole("stabilise.samples", self.samples, 1..=100_000_000),
            probability("stabilise.decay", self.decay),
            whole("stabilise.memory", self.memory, 0..=100_000_000),
        ]
    }
}

impl TrainingSettings {
    /// The optimiser.
    pub fn optimiser(&self) -> Optimiser {
        Optimiser {
            correction: self.correction,
            update_clip: (self.update_clip > 0.0).then_some(self.update_clip),
            ..Optimiser::adam(self.rate)
        }
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let clip = self.update_clip >= 0.0 && self.update_clip.is_finite();
        vec![
            whole("training.batches", self.batches, 1..=1_000_000_000),
            whole("training.batch", self.batch, 1..=1_000_000),
            positive("training.rate", self.rate, 1e3),
            must(
                "training.update_clip",
                self.update_clip,
                clip,
                "a length, or 0 for none",
            ),
            whole(
                "training.checkpoint_every",
                self.checkpoint_every,
                1..=1_000_000_000,
            ),
        ]
    }
}
