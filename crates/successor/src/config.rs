//! Settings of an experiment: where the walk comes from, what learns, how fields are found.

use crate::dynamics::Dynamics;
use crate::error::SuccessorError;
use crate::fang2023 as paper;
use crate::feature_rule::FeatureRule;
use crate::features::FeatureKind;
use crate::fields::FieldSettings;
use crate::rate::Rate;
use crate::sr;
use crate::track::TrackOptions;
use crate::track::pipeline::Pipeline;
use crate::track::spikes::SpikeOptions;
use neuropil_study::{Library, Shipped};
use serde::{Deserialize, Serialize};

/// What learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// The recurrent network.
    #[default]
    RnnS,
    /// Feedforward temporal differences.
    FfTd,
    /// Hebbian weights.
    Hebbian,
    /// Nothing: the features themselves.
    Identity,
}

/// How the animal moves about a world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mover {
    /// By the moves of the world.
    #[default]
    Grid,
    /// In flights with lengths of a gamma law; square arenas only.
    Levy,
    /// Smoothly, with stops; square arenas only.
    OrnsteinUhlenbeck,
}

/// What learns, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelSettings {
    /// What learns.
    pub kind: ModelKind,
    /// Gain γ during learning.
    pub gain: f64,
    /// Gain at which maps are read out; the discount of feedforward networks.
    pub retrieval_gain: f64,
    /// How activity is computed.
    pub dynamics: Dynamics,
    /// Learning rate of the recurrent network with one-hot inputs.
    pub rate: Rate,
    /// Rule of the recurrent network with features.
    pub rule: FeatureRule,
    /// What the network sees of a state.
    pub features: FeatureKind,
    /// Learning rate with features, and of feedforward networks; 0: the best of four by the temporal-difference loss.
    pub feature_rate: f64,
    /// λ of the eligibility trace of feedforward networks.
    pub trace: f64,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            kind: ModelKind::RnnS,
            gain: paper::BASELINE_GAIN,
            retrieval_gain: paper::RETRIEVAL_GAIN,
            dynamics: Dynamics::SteadyState,
            rate: Rate::default(),
            rule: FeatureRule::Decorrelative,
            features: FeatureKind::OneHot,
            feature_rate: 0.0,
            trace: 0.0,
        }
    }
}

/// A recorded track, and neurons recorded with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrackSettings {
    /// File; empty: the walk is drawn in the world.
    pub file: String,
    /// Spikes: a table or a folder of Phy; empty: none.
    pub spikes: String,
    /// Frames in which the animal was slower count neither for spikes nor for time, cm/s.
    pub least_speed_cm_s: f64,
    /// What the file does not say.
    pub read: TrackOptions,
    /// From positions to states.
    pub pipeline: Pipeline,
    /// What the spike file does not say.
    pub spike: SpikeOptions,
}

/// Settings of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `successor/NAME`
    pub experiment: String,
    /// Seed of every random draw.
    pub seed: u64,
    /// World: one that comes along, or a TOML file.
    pub world: String,
    /// Samples of the walk.
    pub steps: usize,
    /// How the animal moves.
    pub mover: Mover,
    /// What learns.
    pub model: ModelSettings,
    /// How maps are made and fields found.
    pub fields: FieldSettings,
    /// A recorded track instead of a walk.
    pub track: TrackSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            experiment: "successor/arena".to_owned(),
            seed: 1,
            world: "open".to_owned(),
            steps: paper::GRID_STEPS,
            mover: Mover::Grid,
            model: ModelSettings::default(),
            fields: FieldSettings::default(),
            track: TrackSettings::default(),
        }
    }
}

/// Experiments that come along.
pub const EXPERIMENTS: Library = Library {
    system: "successor",
    experiments: &[
        Shipped {
            name: "ring",
            title: "transitions on a ring of 25 states, one-hot (Fang 2023, Fig. 2)",
            settings: "experiment = 'successor/ring'\nworld = 'ring'\nsteps = 3001\n",
        },
        Shipped {
            name: "arena",
            title: "a random walk in an open arena, one-hot",
            settings: "experiment = 'successor/arena'\nworld = 'open'\nsteps = 20000\n",
        },
        Shipped {
            name: "features",
            title: "blurred features in an open arena, decorrelative rule (Figs 5 and 6)",
            settings: "experiment = 'successor/features'\nworld = 'open'\n[model]\ngain = 0.6\nretrieval_gain = 0.6\n\
         features = { kind = 'correlated-distributed', sigma = 1.75, p = 0.033 }\n\
         dynamics = { kind = 'iterated', nonlinearity = { kind = 'tanh', input_scale = 1.0, output_scale = 1.0 }, rectified = true }\n",
        },
        Shipped {
            name: "ff-td",
            title: "the same features, feedforward temporal differences (Figs 5 and 6)",
            settings: "experiment = 'successor/ff-td'\nworld = 'open'\n[model]\nkind = 'ff-td'\nretrieval_gain = 0.6\n\
         features = { kind = 'correlated-distributed', sigma = 1.75, p = 0.033 }\n",
        },
        Shipped {
            name: "track",
            title: "a recorded track: `--set track.file=track.csv`, or `neuropil successor run track.csv`",
            settings: "experiment = 'successor/track'\n",
        },
    ],
    plain_kinds: &["model"],
};

impl Config {
    /// What cannot be meant, each with its key.
    pub fn problems(&self) -> Vec<(&'static str, SuccessorError)> {
        let mut found = Vec::new();
        let mut check = |key: &'static str, result: Result<(), SuccessorError>| {
            found.extend(result.err().map(|e| (key, e)));
        };
        check(
            "model.retrieval_gain",
            sr::check_discount(self.model.retrieval_gain),
        );
        check("model.gain", sr::check_discount(self.model.gain));
        check("model.dynamics", self.model.dynamics.check());
        check("model.rate", self.model.rate.check());
        let rate = self.model.feature_rate;
        check("model.feature_rate", within(rate, 0.0, 1.0, "the feature rate"));
        check("model.trace", within(self.model.trace, 0.0, 1.0, "λ"));
        check(
            "track.least_speed_cm_s",
            within(self.track.least_speed_cm_s, 0.0, 1e6, "the least speed"),
        );
        if self.steps < 2 || self.steps > 100_000_000 {
            check(
                "steps",
                Err(SuccessorError::setting("`steps`", self.steps, "2 to 100000000")),
            );
        }
        if self.experiment == "successor/track" && self.track.file.is_empty() {
            let missing = SuccessorError::setting("`track.file`", "empty", "the file of a track");
            check("track.file", Err(missing));
        }
        found
    }
}

fn within(value: f64, low: f64, high: f64, what: &str) -> Result<(), SuccessorError> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(SuccessorError::setting(what, value, format!("{low} to {high}")))
    }
}
