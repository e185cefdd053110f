//! One learner of any kind, fed with states; saved and restored in the middle of a walk.

use crate::config::{ModelKind, ModelSettings};
use crate::dynamics::respond_all;
use crate::error::SuccessorError;
use crate::fang2023::FEATURE_RATES;
use crate::feature_rule::FeatureLearner;
use crate::features::FeatureKind;
use crate::matrix::Matrix;
use crate::network::{Input, RnnS, RnnSConfig};
use crate::sr;
use crate::td::{FeedForwardTd, TdConfig, td_loss};

/// What learns from a walk.
#[derive(Clone, Debug)]
pub enum Learner {
    /// The recurrent network with one-hot inputs.
    OneHot(Box<RnnS>),
    /// The recurrent network with features, one for each learning rate that is tried.
    Features(Vec<FeatureLearner>),
    /// Temporal differences, one for each learning rate that is tried.
    Td(Vec<FeedForwardTd>),
    /// Hebbian weights.
    Hebbian(Matrix),
    /// Nothing.
    Identity,
}

/// Learning rate of Hebbian weights.
const HEBBIAN_RATE: f64 = 1e-3;

/// What came of learning.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// T̂ = Jᵀ of recurrent networks, weights inputs × outputs of others.
    pub weights: Matrix,
    /// Activity in every state, states × neurons, at the gain of retrieval.
    pub activity: Matrix,
    /// The learning rate that was kept; `None` where rates adapt.
    pub rate: Option<f64>,
    /// Temporal-difference loss over the whole walk.
    pub td_loss: f64,
}

impl Learner {
    /// A learner for these features, states × features.
    ///
    /// # Errors
    /// Settings outside their ranges.
    pub fn new(model: &ModelSettings, features: &Matrix) -> Result<Self, SuccessorError> {
        let n = features.columns();
        let rates = match model.feature_rate {
            0.0 => FEATURE_RATES.to_vec(),
            rate => vec![rate],
        };
        Ok(match (model.kind, &model.features) {
            (ModelKind::RnnS, FeatureKind::OneHot) => {
                let RnnSConfig {
                    tolerate_instability, ..
                } = RnnSConfig::default();
                let config = RnnSConfig {
                    gain: model.gain,
                    dynamics: model.dynamics,
                    rate: model.rate,
                    tolerate_instability,
                };
                Self::OneHot(Box::new(RnnS::new(n, config)?))
            }
            (ModelKind::RnnS, _) => {
                let one = |rate: &f64| FeatureLearner::new(n, model.rule, *rate);
                Self::Features(rates.iter().map(one).collect::<Result<_, _>>()?)
            }
            (ModelKind::FfTd, _) => {
                let one = |&rate: &f64| {
                    FeedForwardTd::new(
                        n,
                        TdConfig {
                            discount: model.retrieval_gain,
                            rate,
                            trace: model.trace,
                        },
                    )
                };
                Self::Td(rates.iter().map(one).collect::<Result<_, _>>()?)
            }
            (ModelKind::Hebbian, _) => Self::Hebbian(Matrix::zeros(n, n)),
            (ModelKind::Identity, _) => Self::Identity,
        })
    }

    /// Learns from the next state.
    ///
    /// # Errors
    /// [`SuccessorError::Unstable`] with γρ; weights that ran away under every rate.
    pub fn step(&mut self, state: usize, features: &Matrix) -> Result<(), SuccessorError> {
        match self {
            Self::OneHot(network) => network.step(Input::State(state)).map(drop),
            Self::Features(learners) => {
                let row = features.row(state);
                let mut last = None;
                learners.retain_mut(|learner| learner.step(row).map_err(|error| last = Some(error)).is_ok());
                match (learners.is_empty(), last) {
                    (true, Some(error)) => Err(error),
                    _ => Ok(()),
                }
            }
            Self::Td(learners) => {
                learners
                    .iter_mut()
                    .for_each(|td| drop(td.step(features.row(state))));
                Ok(())
            }
            Self::Hebbian(weights) => {
                let row = features.row(state);
                for (i, x) in row.iter().enumerate().filter(|(_, x)| **x != 0.0) {
                    weights
                        .row_mut(i)
                        .iter_mut()
                        .zip(row)
                        .for_each(|(w, y)| *w += HEBBIAN_RATE * x * y);
                }
                Ok(())
            }
            Self::Identity => Ok(()),
        }
    }

    /// Nothing is learned across a break of the walk.
    pub fn pause(&mut self) {
        match self {
            Self::OneHot(network) => network.pause(),
            Self::Features(learners) => learners.iter_mut().for_each(FeatureLearner::pause),
            Self::Td(learners) => learners.iter_mut().for_each(FeedForwardTd::pause),
            Self::Hebbian(_) | Self::Identity => {}
        }
    }

    /// T̂ of a network that learns one-hot states.
    pub fn transitions(&self) -> Option<&Matrix> {
        match self {
            Self::OneHot(network) => Some(network.transitions()),
            _ => None,
        }
    }

    /// What came of it; of several learning rates the one with the least temporal-difference loss.
    ///
    /// - `counts`: observed transitions, states × states
    ///
    /// # Errors
    /// [`SuccessorError::Unstable`] at the gain of retrieval, with γρ.
    pub fn learned(
        &self,
        model: &ModelSettings,
        features: &Matrix,
        counts: &Matrix,
    ) -> Result<Learned, SuccessorError> {
        let gain = model.retrieval_gain;
        let of = |weights: &Matrix, activity: Matrix, rate: Option<f64>| Learned {
            td_loss: td_loss(features, &activity, counts, gain),
            weights: weights.clone(),
            activity,
            rate,
        };
        let best = |all: Vec<Learned>| {
            all.into_iter()
                .min_by(|a, b| a.td_loss.total_cmp(&b.td_loss))
                .expect("at least one rate")
        };
        Ok(match self {
            Self::OneHot(network) => of(network.transitions(), network.read_out(gain)?, None),
            Self::Features(learners) => {
                let one = |learner: &FeatureLearner| {
                    let activity = respond_all(learner.transitions(), features, gain, model.dynamics)?;
                    Ok(of(learner.transitions(), activity, Some(learner.rate())))
                };
                let all: Vec<Result<Learned, SuccessorError>> = learners.iter().map(one).collect();
                if all.iter().any(Result::is_ok) {
                    best(all.into_iter().flatten().collect())
                } else {
                    return all.into_iter().next().expect("at least one rate");
                }
            }
            Self::Td(learners) => best(
                learners
                    .iter()
                    .map(|td| of(td.weights(), features.times(td.weights()), Some(td.rate())))
                    .collect(),
            ),
            Self::Hebbian(weights) => of(weights, features.times(weights), Some(HEBBIAN_RATE)),
            Self::Identity => of(&Matrix::identity(features.columns()), features.clone(), None),
        })
    }
}

/// Learns from a whole walk.
///
/// # Errors
/// As [`Learner::step`] and [`Learner::learned`].
pub fn learn(
    model: &ModelSettings,
    features: &Matrix,
    walks: &[&[usize]],
) -> Result<Learned, SuccessorError> {
    let mut learner = Learner::new(model, features)?;
    for walk in walks {
        learner.pause();
        walk.iter().try_for_each(|&state| learner.step(state, features))?;
    }
    let counts = sr::counts(walks.iter().copied(), features.rows())?;
    learner.learned(model, features, &counts)
}
