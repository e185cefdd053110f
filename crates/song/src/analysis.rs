//! Analyses of trained networks: one file each, from recorded trials to a plain result.
//!
//! An analysis looks for factors, epochs and actions by name, never for a task: a task of your own that has the
//! factors of a published one gets its analyses, see [`axis`]. What cannot be computed says what is missing.
//!
//! Song, Yang & Wang, eLife 6, e21492 (2017).

pub mod accuracy_duration;
pub mod activity;
pub mod axis;
pub mod chronometric;
pub mod economic;
pub mod learning_curve;
pub mod multisensory;
pub mod proportion;
pub mod psychometric;
pub mod romo;
pub mod single_trial;
pub mod state_space;
pub mod unit_activity;
pub mod unit_values;
pub mod wager;

mod error;

use neuropil_math::rng::Key;
use serde::{Deserialize, Serialize};

use crate::behaviour::Behaviour;
use activity::Activity;
pub use error::AnalysisError;
use learning_curve::History;

/// Confidence of every interval that an analysis reports.
pub const CONFIDENCE: f64 = 0.95;

/// What was recorded, as far as it was.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// Test trials.
    pub behaviour: &'a Behaviour,
    /// Firing rates in these trials.
    pub activity: Option<&'a Activity>,
    /// Training of this network and of its realisations with other seeds.
    pub learning: &'a [History],
    /// Names the streams of bootstraps.
    pub key: Key,
}

impl<'a> Session<'a> {
    fn activity(&self) -> Result<&'a Activity, AnalysisError> {
        self.activity.ok_or(AnalysisError::MissingActivity)
    }
}

/// What an analysis needs to have been recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Test trials.
    Behaviour,
    /// Test trials with firing rates.
    Activity,
    /// The history of training.
    Learning,
}

/// The result of an analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "analysis", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each variant is the result struct that it holds")]
pub enum Finding {
    LearningCurve(learning_curve::LearningCurve),
    Psychometric(psychometric::Psychometric),
    AccuracyDuration(accuracy_duration::AccuracyDuration),
    Chronometric(chronometric::Chronometric),
    CueCombination(multisensory::CueCombination),
    PairPerformance(romo::PairPerformance),
    Wager(wager::Wager),
    ChoicePattern(economic::ChoicePattern),
    UnitActivity(unit_activity::UnitActivity),
    UnitValues(unit_values::UnitValues),
    StateSpace(state_space::StateSpace),
}

/// An analysis that can be asked for by name.
#[derive(Clone, Copy, Debug)]
pub struct Analysis {
    /// Name in commands and file names.
    pub name: &'static str,
    /// Heading of its section in a report.
    pub title: &'static str,
    /// Published tasks that it was made for.
    pub tasks: &'static [&'static str],
    /// What must have been recorded.
    pub needs: Needs,
    /// Computes it.
    pub compute: fn(&Session<'_>) -> Result<Finding, AnalysisError>,
}

/// Every analysis, in the order of a report.
pub const ANALYSES: &[Analysis] = &[
    Analysis {
        name: "learning-curve",
        title: "Learning",
        tasks: &["rdm", "rdm-rt", "mante", "multisensory", "romo", "wager", "economic"],
        needs: Needs::Learning,
        compute: |session| Ok(Finding::LearningCurve(learning_curve::learning_curve(session.learning)?)),
    },
    Analysis {
        name: "psychometric",
        title: "Psychometric function",
        tasks: &["rdm", "rdm-rt", "mante", "multisensory", "wager", "economic"],
        needs: Needs::Behaviour,
        compute: |session| Ok(Finding::Psychometric(psychometric::psychometric(session.behaviour)?)),
    },
    Analysis {
        name: "accuracy-duration",
        title: "Accuracy against stimulus duration",
        tasks: &["rdm", "wager"],
        needs: Needs::Behaviour,
        compute: |session| {
            Ok(Finding::AccuracyDuration(accuracy_duration::accuracy_duration(session.behaviour)?))
        },
    },
    Analysis {
        name: "chronometric",
        title: "Reaction times",
        tasks: &["rdm-rt"],
        needs: Needs::Behaviour,
        compute: |session| Ok(Finding::Chronometric(chronometric::chronometric(session.behaviour)?)),
    },
    Analysis {
        name: "cue-combination",
        title: "Optimality of cue combination",
        tasks: &["multisensory"],
        needs: Needs::Behaviour,
        compute: |session| Ok(Finding::CueCombination(multisensory::cue_combination(session.behaviour)?)),
    },
    Analysis {
        name: "pair-performance",
        title: "Performance by stimulus pair",
        tasks: &["romo"],
        needs: Needs::Behaviour,
        compute: |session| Ok(Finding::PairPerformance(romo::pair_performance(session.behaviour)?)),
    },
    Analysis {
        name: "wager",
        title: "Post-decision wagering",
        tasks: &["wager"],
        needs: Needs::Behaviour,
        compute: |session| Ok(Finding::Wager(wager::wager(session.behaviour, session.key)?)),
    },
    Analysis {
        name: "choice-pattern",
        title: "Choice pattern and indifference point",
        tasks: &["economic"],
        needs: Needs::Behaviour,
        compute: |session| Ok(Finding::ChoicePattern(economic::choice_pattern(session.behaviour)?)),
    },
    Analysis {
        name: "unit-activity",
        title: "Activity of selective units",
        tasks: &["rdm", "rdm-rt", "mante", "multisensory", "wager", "economic"],
        needs: Needs::Activity,
        compute: |session| {
            let activity = session.activity()?;
            Ok(Finding::UnitActivity(unit_activity::unit_activity(session.behaviour, activity)?))
        },
    },
    Analysis {
        name: "unit-values",
        title: "Units that carry value and choice",
        tasks: &["economic"],
        needs: Needs::Activity,
        compute: |session| {
            let activity = session.activity()?;
            Ok(Finding::UnitValues(unit_values::unit_values(session.behaviour, activity)?))
        },
    },
    Analysis {
        name: "state-space",
        title: "State space of choice and evidence",
        tasks: &["mante"],
        needs: Needs::Activity,
        compute: |session| {
            let activity = session.activity()?;
            Ok(Finding::StateSpace(state_space::state_space(session.behaviour, activity)?))
        },
    },
];

/// The analysis called `name`.
pub fn named(name: &str) -> Option<&'static Analysis> {
    ANALYSES.iter().find(|analysis| analysis.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_session_gets_reasons_and_never_a_panic() {
        let behaviour = Behaviour::default();
        let activity = Activity::default();
        for activity in [None, Some(&activity)] {
            let session = Session { behaviour: &behaviour, activity, learning: &[], key: Key::new(1) };
            for analysis in ANALYSES {
                let words = (analysis.compute)(&session).unwrap_err().to_string();
                assert!(words.starts_with("cannot be computed: "), "{}: {words}", analysis.name);
            }
        }
    }

    #[test]
    fn names_are_found_and_differ() {
        for analysis in ANALYSES {
            assert_eq!(named(analysis.name).map(|found| found.title), Some(analysis.title));
        }
        assert!(named("psychometrics").is_none());
    }
}
