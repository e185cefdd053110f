//! What a run shows: the walk, the learning, maps of the successor representation, place fields, recorded neurons.
//!
//! Each analysis is a result with named fields that tells itself; its figure computes nothing.

use crate::config::Config;
use crate::error::SuccessorError;
use crate::features::FeatureMap;
use crate::learner::{Learned, Learner};
use crate::matrix::Matrix;
use crate::sr;
use crate::walk::Walk;
use neuropil_lab::error::Problem;
use neuropil_math::rng::Key;
use neuropil_study::{Analysed, Answer, Origin};
use serde::{Deserialize, Serialize};

mod certainty;
mod course;
mod horizon;
mod learning;
mod places;
mod recorded;
mod robustness;
mod rollouts;
mod values;

pub use certainty::{Certainty, certainty};
pub use course::{Course, course};
pub use horizon::{Horizons, horizons};
pub use learning::{Learning, learning};
pub use places::{Places, places};
pub use recorded::{RecordedUnits, recorded};
pub use robustness::{Robustness, robustness};
pub use rollouts::{Rollouts, Score, rollouts};
pub use values::{Goal, Values, values};

/// The analyses: name and heading.
pub const ANALYSES: [(&str, &str); 9] = [
    ("course", "The walk"),
    ("learning", "What was learned"),
    ("horizons", "The successor representation at several horizons"),
    ("values", "Values of a reward, and of one that moved"),
    ("rollouts", "Sequences that the network plays"),
    ("certainty", "How certain M is"),
    ("robustness", "Noise in the synapses"),
    ("places", "Place fields of the model"),
    ("recorded", "Recorded neurons"),
];

/// What the analyses of a run work from.
#[derive(Clone, Debug)]
pub struct Material {
    /// Settings.
    pub config: Config,
    /// The walk.
    pub walk: Walk,
    /// What the network saw.
    pub features: FeatureMap,
    /// What came of learning.
    pub learned: Learned,
    /// The learning curve.
    pub curve: Vec<CurvePoint>,
}

/// A moment of learning.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Step.
    pub step: usize,
    /// Mean over states of the sum of a row of T̂, 1 when normalised.
    pub row_sum: f64,
    /// Mean absolute error of T̂.
    pub transition_error: f64,
}

/// What T̂ is measured against: the world's transitions, or those observed in all of a recorded walk.
pub fn truth(walk: &Walk, counts: &Matrix) -> Matrix {
    match &walk.world {
        Some(world) => world.transitions(),
        None => {
            let mut t = counts.clone();
            for i in 0..t.rows() {
                let sum: f64 = t.row(i).iter().sum();
                if sum > 0.0 {
                    t.row_mut(i).iter_mut().for_each(|p| *p /= sum);
                }
            }
            t
        }
    }
}

/// A point of the learning curve over the states that count; `None` for learners without transitions of states.
pub fn curve_point(step: usize, learner: &Learner, truth: &Matrix, counted: &[usize]) -> Option<CurvePoint> {
    let t = learner.transitions()?.restricted(counted);
    let sums = t.row_sums();
    Some(CurvePoint {
        step,
        row_sum: sums.iter().sum::<f64>() / sums.len() as f64,
        transition_error: t.mean_absolute_error(&truth.restricted(counted)),
    })
}

/// Makes the named analyses, or all that fit.
pub fn all(material: &Material, names: &[String], origin: &Origin) -> Vec<Analysed> {
    let key = Key::new(material.config.seed);
    let wanted = |name: &str| names.is_empty() || names.iter().any(|known| known == name);
    let fits = |name: &str| match name {
        "places" => material.walk.grid.is_some(),
        "recorded" => material.walk.spikes.is_some(),
        "values" | "rollouts" => one_hot(material).is_ok(),
        "certainty" => one_hot(material).is_ok() && material.walk.n <= certainty::MOST_STATES,
        "robustness" => one_hot(material).is_ok() && material.walk.n <= robustness::MOST_STATES,
        _ => true,
    };
    let make = |name: &str| -> Result<Answer, SuccessorError> {
        Ok(match name {
            "course" => Answer::of(&course(material)?, origin),
            "learning" => Answer::of(&learning(material)?, origin),
            "horizons" => Answer::of(&horizons(material)?, origin),
            "values" => Answer::of(&values(material)?, origin),
            "rollouts" => Answer::of(&rollouts(material, key)?, origin),
            "certainty" => Answer::of(&certainty(material, key)?, origin),
            "robustness" => Answer::of(&robustness(material, key)?, origin),
            "places" => Answer::of(&places(material, key)?, origin),
            _ => Answer::of(&recorded(material, key)?, origin),
        })
    };
    ANALYSES
        .iter()
        .filter(|(name, _)| wanted(name) && (fits(name) || !names.is_empty()))
        .map(|(name, title)| Analysed {
            name: (*name).to_owned(),
            title: (*title).to_owned(),
            answer: make(name).map_err(Problem::from),
            sound: true,
        })
        .collect()
}

/// Values of states as rows of a map, the lowest row first; bins that do not exist are empty.
pub(crate) fn as_rows(values: &[f64], material: &Material) -> Vec<Vec<f64>> {
    match &material.walk.grid {
        Some(grid) => crate::figures::rows_of(values, grid),
        None => vec![values.to_vec()],
    }
}

/// The state that the walk was in most often.
pub(crate) fn busiest(walk: &Walk) -> usize {
    let mut visits = vec![0_usize; walk.n];
    walk.states.iter().for_each(|&state| visits[state] += 1);
    (0..walk.n).fold(
        0,
        |best, state| if visits[state] > visits[best] { state } else { best },
    )
}

/// T̂ of a network that holds transitions of states.
fn one_hot(material: &Material) -> Result<&Matrix, SuccessorError> {
    let model = &material.config.model;
    let holds = model.kind == crate::config::ModelKind::RnnS
        && model.features == crate::features::FeatureKind::OneHot;
    if holds {
        Ok(&material.learned.weights)
    } else {
        Err(SuccessorError::question(
            "this learner holds no transitions between states",
            "features `one-hot` and model `rnn-s` do",
        ))
    }
}

/// What T̂ is measured against, in words.
fn against(walk: &Walk) -> &'static str {
    if walk.world.is_some() {
        "the world's transitions"
    } else {
        "the transitions observed in all of the walk"
    }
}

/// M at a gain from what was learned; `None` where the learner holds no transitions of states.
pub(crate) fn successor_at(material: &Material, gain: f64) -> Option<Result<Matrix, SuccessorError>> {
    one_hot(material).ok().map(|weights| sr::ideal(weights, gain))
}
