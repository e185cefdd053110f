//! Settings of a training: every key with its unit, its default and where the default is from.

use crate::network::{Encoder, Shape};
use crate::synth::{Bend, Recipe, Room};
use crate::yu2021;
use neuropil_lab::error::Problem;
use serde::{Deserialize, Serialize};

/// All settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `neuronid/NAME`.
    pub experiment: String,
    /// Seed of every random draw.
    #[serde(with = "neuropil_lab::config::seed")]
    pub seed: u64,
    /// Worms that training worms are made of.
    pub data: DataSettings,
    /// How they are made.
    pub synth: SynthSettings,
    /// The network.
    pub network: NetworkSettings,
    /// Steps of learning.
    pub training: TrainingSettings,
}

/// Worms that training worms are made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// A table with a column `worm`, or a folder of worms; empty: heads are invented.
    pub path: String,
    /// Parts that the worms are dealt out to, in the order of their names; 1: all are trained on.
    pub folds: usize,
    /// The part that is left out, from 1.
    pub fold: usize,
}

/// How training worms are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SynthSettings {
    /// Turn every worm so that its body lies along x, nose to the same side; else by any angle, as published.
    pub along_x: bool,
    /// Largest roll about the body to either side, degrees.
    pub roll_degrees: f64,
    /// Angle by which a random line turns over 150 µm (root mean square), degrees.
    pub bend_degrees: f64,
    /// Standard deviation of the jitter of each coordinate, µm.
    pub jitter_um: f64,
    /// Smallest and largest share of points that are removed and added.
    pub missing: [f64; 2],
    /// Shares of batches: one worm in the postures of others; different worms, by names; individuals of their atlas;
    /// different worms with the mean animal.
    pub shares: [f64; 4],
}

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSettings {
    /// Features of a neuron.
    pub width: usize,
    /// Layers of the encoder.
    pub layers: usize,
    /// Heads of a layer.
    pub heads: usize,
    /// Units of the feed-forward part.
    pub hidden: usize,
    /// Both worms together (`joint`), or each alone (`separate`): faster in recordings, less often right.
    pub encoder: Encoder,
    /// Rate of dropout.
    pub dropout: f64,
    /// Begin with scores of √d in place of d: the last normalisation's gain is d^(−1/4).
    pub soft_start: bool,
}

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Halved, from the best network on, after some checks without improvement, as published.
    Halving,
    /// Falls to 0 with the cosine of the share of updates made.
    Cosine,
}

/// Steps of learning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingSettings {
    /// Worms of a batch, the template among them.
    pub batch: usize,
    /// Updates.
    pub updates: u64,
    /// Learning rate.
    pub rate: f64,
    /// Updates over which the rate grows to it.
    pub warm_up: u64,
    /// How it changes then.
    pub schedule: Schedule,
    /// Largest length of a gradient.
    pub max_norm: f64,
    /// Weight of the entropy of neurons without a known partner.
    pub entropy_weight: f64,
    /// A neuron whose partner the template lacks is taught to have none; only where all labels are known.
    pub missing_as_outlier: bool,
    /// Updates between two checks.
    pub check_every: u64,
    /// Pairs of worms of a check.
    pub check_pairs: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            experiment: "neuronid/small".to_owned(),
            seed: 1,
            data: DataSettings::default(),
            synth: SynthSettings::default(),
            network: NetworkSettings::default(),
            training: TrainingSettings::default(),
        }
    }
}

impl Default for DataSettings {
    fn default() -> Self {
        Self {
            path: String::new(),
            folds: 1,
            fold: 1,
        }
    }
}

impl Default for SynthSettings {
    fn default() -> Self {
        Self {
            along_x: true,
            roll_degrees: 30.0,
            bend_degrees: 40.0,
            jitter_um: 0.5,
            missing: [yu2021::SYNTH_SHARE.0, yu2021::SYNTH_SHARE.1],
            shares: [0.1, 0.4, 0.1, 0.4],
        }
    }
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self {
            width: 64,
            layers: 3,
            heads: 4,
            hidden: 128,
            encoder: Encoder::Joint,
            dropout: 0.0,
            soft_start: true,
        }
    }
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            batch: 8,
            updates: 4000,
            rate: 2e-3,
            warm_up: 200,
            schedule: Schedule::Cosine,
            max_norm: yu2021::MAX_NORM,
            entropy_weight: yu2021::ENTROPY_WEIGHT,
            missing_as_outlier: true,
            check_every: yu2021::CHECK_EVERY / 2,
            check_pairs: 16,
        }
    }
}

impl NetworkSettings {
    /// Sizes.
    pub fn shape(&self) -> Shape {
        Shape {
            width: self.width,
            layers: self.layers,
            heads: self.heads,
            hidden: self.hidden,
            encoder: self.encoder,
        }
    }
}

impl SynthSettings {
    /// How worms are made; bodies with a line of their own are bent along it.
    pub fn recipe(&self, own_line: bool) -> Recipe {
        Recipe {
            roll: self.roll_degrees.to_radians(),
            bend: if own_line {
                Bend::Own
            } else {
                Bend::Random(self.bend_degrees.to_radians())
            },
            room: if own_line { Room::Published } else { Room::Own },
            share: (self.missing[0], self.missing[1]),
            turn: !self.along_x,
            jitter: self.jitter_um / yu2021::CAMERA_UM,
        }
    }
}

impl Settings {
    /// Everything that is wrong, with the key.
    pub fn problems(&self) -> Vec<(&'static str, Problem)> {
        let mut wrong: Vec<(&'static str, Problem)> = Vec::new();
        let mut check = |key: &'static str, right: bool, found: String, expected: &str| {
            if !right {
                wrong.push((
                    key,
                    Problem::bare(format!("{key} is {found}, expected {expected}")),
                ));
            }
        };
        let (network, training, synth) = (&self.network, &self.training, &self.synth);
        check(
            "network.heads",
            network.width.is_multiple_of(network.heads.max(1)),
            network.heads.to_string(),
            &format!("a number that divides network.width, {}", network.width),
        );
        for (key, value) in [
            ("network.width", network.width),
            ("network.heads", network.heads),
            ("network.layers", network.layers),
            ("network.hidden", network.hidden),
        ] {
            check(key, (1..=65_536).contains(&value), value.to_string(), "1 or more");
        }
        check(
            "network.dropout",
            (0.0..1.0).contains(&network.dropout),
            network.dropout.to_string(),
            "at least 0 and below 1",
        );
        check(
            "training.batch",
            training.batch >= 2,
            training.batch.to_string(),
            "2 or more",
        );
        check(
            "training.updates",
            training.updates > 0,
            training.updates.to_string(),
            "1 or more",
        );
        check(
            "training.check_every",
            training.check_every > 0,
            training.check_every.to_string(),
            "1 or more",
        );
        let finite = |x: f64| x > 0.0 && x.is_finite();
        check(
            "training.rate",
            finite(training.rate),
            training.rate.to_string(),
            "above 0",
        );
        check(
            "training.max_norm",
            finite(training.max_norm),
            training.max_norm.to_string(),
            "above 0",
        );
        let [least, most] = synth.missing;
        check(
            "synth.missing",
            0.0 <= least && least <= most && most < 1.0,
            format!("{:?}", synth.missing),
            "two shares from 0 to below 1, the smaller first",
        );
        let shares = &synth.shares;
        check(
            "synth.shares",
            shares.iter().all(|share| *share >= 0.0) && finite(shares.iter().sum()),
            format!("{shares:?}"),
            "four shares of at least 0, not all 0",
        );
        check(
            "synth.jitter_um",
            (0.0..1000.0).contains(&synth.jitter_um),
            synth.jitter_um.to_string(),
            "at least 0",
        );
        check(
            "data.fold",
            (1..=self.data.folds).contains(&self.data.fold),
            format!("{} of {} folds", self.data.fold, self.data.folds),
            "from 1 to data.folds",
        );
        wrong
    }
}
