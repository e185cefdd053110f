//! Analyses of trained networks: one file each, from recorded trials to a plain result.
//!
//! An analysis looks for factors, epochs and actions by name, never for a task: a task of your own that has the
//! factors of a published one gets its analyses, see [`axis`]. What cannot be computed says what is missing.
//!
//! Song, Yang & Wang, eLife 6, e21492 (2017).

pub mod accuracy_duration;
pub mod action_course;
pub mod activity;
pub mod axis;
pub mod choices;
pub mod chronometric;
pub mod confusion;
pub mod course;
pub mod decision_probabilities;
pub mod decoding;
pub mod delay_tuning;
pub mod delay_value;
pub mod detection;
pub mod economic;
pub mod groups;
pub mod history;
pub mod kernel;
pub mod learning_curve;
pub mod levels;
pub mod multisensory;
pub mod outcomes;
pub mod peri_event;
pub mod population;
pub mod proportion;
pub mod psychometric;
pub mod response_times;
pub mod romo;
pub mod selectivity;
pub mod session_course;
pub mod single_trial;
pub mod state_space;
pub mod unit_activity;
pub mod unit_values;
pub mod value_course;
pub mod value_difference;
pub mod value_trace;
pub mod wager;
pub mod weights;

mod error;
#[cfg(test)]
pub(crate) mod synthetic;

use std::collections::BTreeMap;

use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_math::rng::Key;
use neuropil_tasks::registry::PUBLISHED;
use neuropil_tasks::task::Task;
use serde::{Deserialize, Serialize};

use crate::behaviour::Behaviour;
use activity::Recorded;
pub use error::AnalysisError;
use neuropil_learn::player::Player;
use neuropil_learn::train::Check;

/// Confidence of every interval that an analysis reports.
pub const CONFIDENCE: f64 = 0.95;

/// What was recorded, as far as it was.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// Test trials.
    pub behaviour: &'a Behaviour,
    /// Trials with the activity of both networks.
    pub recorded: Option<&'a Recorded>,
    /// Validations during training.
    pub learning: &'a [Check],
    /// Policy and value network.
    pub networks: Option<(&'a Player<f32>, &'a Player<f32>)>,
    /// What to look at.
    pub focus: &'a Focus,
    /// Names the streams of bootstraps.
    pub key: Key,
}

/// What an analysis of activity looks at, where the user decides; by default what the paper shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Focus {
    /// Units, by index; none: the most selective ones.
    pub units: Vec<usize>,
    /// Units of the value network instead of the policy's.
    pub value_network: bool,
    /// Event to align to: an epoch, or `choice`.
    pub align: Option<String>,
    /// Epoch that response times count from, where somebody asks.
    pub since: Option<String>,
    /// Window around the event in ms.
    pub window_ms: Option<(f64, f64)>,
    /// Number of a recorded trial.
    pub trial: Option<usize>,
    /// Quantity that trials are sorted by: a factor, a drawn or derived quantity, or `EPOCH_ms`; several with commas between.
    pub by: Option<String>,
    /// The two answers that are compared: at the low and at the high end of an axis.
    pub answers: Option<(String, String)>,
    /// The task's own axis of psychometric functions, where nobody asks for another quantity.
    pub axis: Option<String>,
    /// Unit of that axis.
    pub unit: Option<String>,
    /// The task's quantity that says whether there is a signal.
    pub signal: Option<String>,
    /// Columns whose combination is the condition of a trial: the factors with levels.
    pub conditions: Vec<String>,
    /// Quantities that are angles, with the degrees after which each repeats.
    pub periods_deg: BTreeMap<String, f64>,
}

impl Focus {
    /// Refuses an event or a quantity that the trials do not have, before any analysis is tried.
    ///
    /// # Errors
    /// What does not exist, with the nearest that does.
    pub(crate) fn check(&self, behaviour: &Behaviour) -> Result<(), Problem> {
        let refuse = |what: &str, things: &str, asked: &str, known: &[String]| {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            Problem::new(
                format!("no {what} `{asked}`"),
                did_you_mean(asked, things, &known),
            )
        };
        if let Some(by) = &self.by {
            let known = levels::names(behaviour);
            let strange = levels::parts(by).find(|name| known.iter().all(|known| known != name));
            if let Some(name) = strange {
                return Err(refuse("quantity", "quantities", name, &known));
            }
        }
        if let Some(align) = &self.align {
            let own = behaviour.onset_ms.keys().cloned();
            let known: Vec<String> = own
                .chain([unit_activity::CHOICE, course::TRIAL].map(str::to_owned))
                .collect();
            if !known.contains(align) {
                return Err(refuse("event", "events", align, &known));
            }
        }
        if let Some((low, high)) = &self.answers {
            let [low_at, high_at] = [low, high].map(|name| {
                let found = behaviour.answer_named(name);
                found.ok_or_else(|| refuse("action", "actions", name, &behaviour.actions))
            });
            if low_at? == high_at? {
                let message = format!("`--answers {low},{high}` compares an answer with itself");
                return Err(Problem::new(message, "name two actions"));
            }
        }
        if let Some((from, to)) = self.window_ms {
            let longest = behaviour.longest_ms();
            if from >= longest || to <= -longest {
                return Err(Problem::new(
                    format!(
                        "`--window {from},{to}` lies outside every trial: the longest takes {longest} ms"
                    ),
                    "the window is in ms around the event",
                ));
            }
        }
        Ok(())
    }

    /// Refuses units and trials that are not there; there are so many of each.
    pub(crate) fn check_numbers(&self, n_units: usize, n_recorded: usize) -> Result<(), Problem> {
        let beyond = |what: &str, asked: usize, n: usize| {
            let last = n.saturating_sub(1);
            Problem::new(
                format!("no {what} {asked}"),
                format!("there are {n}, 0 to {last}"),
            )
        };
        if let Some(unit) = self.units.iter().find(|&&unit| unit >= n_units) {
            return Err(beyond("unit", *unit, n_units));
        }
        match self.trial.filter(|&trial| n_recorded > 0 && trial >= n_recorded) {
            Some(trial) => Err(beyond("recorded trial", trial, n_recorded)),
            None => Ok(()),
        }
    }

    /// The units that are asked for, of `n_units` there are; where none is, those that are chosen.
    fn units_or(
        &self,
        n_units: usize,
        chosen: impl FnOnce() -> Vec<usize>,
    ) -> Result<Vec<usize>, AnalysisError> {
        if self.units.is_empty() {
            return Ok(chosen());
        }
        match self.units.iter().find(|&&unit| unit >= n_units) {
            None => Ok(self.units.clone()),
            Some(unit) => Err(AnalysisError::NoSuch {
                what: "unit",
                asked: unit.to_string(),
                known: format!("0 to {}", n_units - 1),
            }),
        }
    }

    /// What a task says of its analyses.
    pub fn of(task: &Task) -> Self {
        let own = &task.definition.analysis;
        Self {
            align: own.align.clone(),
            answers: own.answers.clone().map(|[low, high]| (low, high)),
            axis: own.axis.clone(),
            unit: own.unit.clone(),
            signal: own.signal.clone(),
            conditions: task.columns().map(|column| column.name.clone()).collect(),
            periods_deg: task.periods_deg(),
            ..Self::default()
        }
    }
}

impl Session<'_> {
    fn recorded(&self) -> Result<&Recorded, AnalysisError> {
        self.recorded.ok_or(AnalysisError::MissingActivity)
    }

    /// Rates of the network in focus.
    fn rates(&self) -> Result<&activity::Activity, AnalysisError> {
        let recorded = self.recorded()?;
        Ok(if self.focus.value_network {
            &recorded.value
        } else {
            &recorded.policy
        })
    }
}

/// A part of a [`Focus`] that users choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// What trials are sorted by.
    By,
    /// The event.
    Align,
    /// The window around it.
    Window,
    /// The units.
    Units,
    /// Which network's units.
    Network,
    /// The two answers.
    Answers,
    /// The trial.
    Trial,
}

impl Look {
    /// The option that chooses it.
    pub fn option(self) -> &'static str {
        match self {
            Self::By => "--by",
            Self::Align => "--align",
            Self::Window => "--window",
            Self::Units => "--units",
            Self::Network => "--value-network",
            Self::Answers => "--answers",
            Self::Trial => "--trial",
        }
    }
}

/// Refuses an option that no analysis asked for by name has a use for; without names, those that have one for any of the options.
///
/// # Errors
/// The analysis and the option, and the analyses that have a use for it.
pub(crate) fn heeding(names: &[String], given: &[Look]) -> Result<Vec<String>, Problem> {
    let with = |look: Look| {
        ANALYSES
            .iter()
            .filter(move |analysis| analysis.looks_at.contains(&look))
    };
    let asked: Vec<&Analysis> = names.iter().filter_map(|name| named(name)).collect();
    let unheeded = |look: &&Look| asked.iter().all(|analysis| !analysis.looks_at.contains(look));
    if let (Some(first), Some(look)) = (asked.first(), given.iter().find(unheeded)) {
        let whom = match asked.len() {
            1 => format!("the analysis `{}`", first.name),
            _ => "any of these analyses".to_owned(),
        };
        let others: Vec<&str> = with(*look).map(|analysis| analysis.name).collect();
        return Err(Problem::new(
            format!("`{}` has no effect on {whom}", look.option()),
            format!("it has on {}", others.join(", ")),
        ));
    }
    if names.is_empty() && !given.is_empty() {
        let any = ANALYSES
            .iter()
            .filter(|analysis| given.iter().any(|look| analysis.looks_at.contains(look)));
        return Ok(any.map(|analysis| analysis.name.to_owned()).collect());
    }
    Ok(names.to_vec())
}

/// What an analysis needs to have been recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Test trials.
    Behaviour,
    /// Trials with activity.
    Activity,
    /// The history of training.
    Learning,
    /// The networks.
    Networks,
}

/// The result of an analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "analysis", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each variant is the result struct that it holds")]
pub enum Finding {
    LearningCurve(learning_curve::LearningCurve),
    Psychometric(psychometric::Psychometric),
    AccuracyDuration(accuracy_duration::AccuracyDuration),
    Choices(choices::Choices),
    Confusion(confusion::Confusion),
    ResponseTimes(response_times::ResponseTimes),
    History(history::History),
    Detection(detection::Detection),
    SessionCourse(session_course::SessionCourse),
    ValueDifference(value_difference::ValueDifference),
    Outcomes(outcomes::Outcomes),
    ValueCourse(value_course::ValueCourse),
    Kernel(kernel::Kernel),
    PeriEvent(peri_event::PeriEvent),
    Population(population::Population),
    ActionCourse(action_course::ActionCourse),
    Selectivity(selectivity::Selectivity),
    Decoding(decoding::Decoding),
    Chronometric(chronometric::Chronometric),
    CueCombination(multisensory::CueCombination),
    PairPerformance(romo::PairPerformance),
    Wager(wager::Wager),
    ChoicePattern(economic::ChoicePattern),
    UnitActivity(unit_activity::UnitActivity),
    ValueTrace(value_trace::ValueTrace),
    UnitValues(unit_values::UnitValues),
    StateSpace(state_space::StateSpace),
    DelayTuning(delay_tuning::DelayTuning),
    DelayValue(delay_value::DelayValue),
    DecisionProbabilities(decision_probabilities::DecisionProbabilities),
    SingleTrial(single_trial::SingleTrial),
    Weights(weights::Weights),
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
    /// What of a [`Focus`] it looks at; the rest is without effect on it.
    pub looks_at: &'static [Look],
    /// What must have been recorded.
    pub needs: Needs,
    /// Computes it.
    pub compute: fn(&Session<'_>) -> Result<Finding, AnalysisError>,
}

/// Every analysis, in the order of a report.
pub const ANALYSES: &[Analysis] = &[
    Analysis {
        name: "learning-curve",
        looks_at: &[],
        title: "Learning",
        tasks: &PUBLISHED,
        needs: Needs::Learning,
        compute: |session| {
            Ok(Finding::LearningCurve(learning_curve::learning_curve(
                session.learning,
            )?))
        },
    },
    Analysis {
        name: "psychometric",
        looks_at: &[Look::By, Look::Answers],
        title: "Psychometric function",
        tasks: &["rdm", "rdm-rt", "mante", "multisensory", "wager", "economic"],
        needs: Needs::Behaviour,
        compute: |session| {
            let axis = axis::Axis::in_focus(session.behaviour, session.focus)?;
            let found = psychometric::along(session.behaviour, axis)?;
            Ok(Finding::Psychometric(found))
        },
    },
    Analysis {
        name: "accuracy-duration",
        looks_at: &[],
        title: "Accuracy against stimulus duration",
        tasks: &["rdm", "wager"],
        needs: Needs::Behaviour,
        compute: |session| {
            Ok(Finding::AccuracyDuration(accuracy_duration::accuracy_duration(
                session.behaviour,
            )?))
        },
    },
    Analysis {
        name: "chronometric",
        looks_at: &[Look::By],
        title: "Reaction times",
        tasks: &["rdm-rt"],
        needs: Needs::Behaviour,
        compute: |session| {
            let found = chronometric::chronometric(session.behaviour, session.focus)?;
            Ok(Finding::Chronometric(found))
        },
    },
    Analysis {
        name: "cue-combination",
        looks_at: &[],
        title: "Optimality of cue combination",
        tasks: &["multisensory"],
        needs: Needs::Behaviour,
        compute: |session| {
            Ok(Finding::CueCombination(multisensory::cue_combination(
                session.behaviour,
            )?))
        },
    },
    Analysis {
        name: "pair-performance",
        looks_at: &[],
        title: "Performance by stimulus pair",
        tasks: &["romo"],
        needs: Needs::Behaviour,
        compute: |session| {
            Ok(Finding::PairPerformance(romo::pair_performance(
                session.behaviour,
            )?))
        },
    },
    Analysis {
        name: "wager",
        looks_at: &[],
        title: "Post-decision wagering",
        tasks: &["wager"],
        needs: Needs::Behaviour,
        compute: |session| Ok(Finding::Wager(wager::wager(session.behaviour, session.key)?)),
    },
    Analysis {
        name: "choice-pattern",
        looks_at: &[],
        title: "Choice pattern and indifference point",
        tasks: &["economic"],
        needs: Needs::Behaviour,
        compute: |session| {
            Ok(Finding::ChoicePattern(economic::choice_pattern(
                session.behaviour,
            )?))
        },
    },
    Analysis {
        name: "outcomes",
        looks_at: &[],
        title: "How trials end",
        tasks: &[],
        needs: Needs::Behaviour,
        compute: |session| Ok(Finding::Outcomes(outcomes::outcomes(session.behaviour)?)),
    },
    Analysis {
        name: "choices",
        looks_at: &[Look::By],
        title: "Choices by what varies",
        tasks: &[],
        needs: Needs::Behaviour,
        compute: |session| {
            let by = session.focus.by.as_deref();
            Ok(Finding::Choices(choices::choices(session.behaviour, by)?))
        },
    },
    Analysis {
        name: "confusion",
        looks_at: &[Look::By],
        title: "What was answered with what",
        tasks: &[],
        needs: Needs::Behaviour,
        compute: |session| {
            let by = session.focus.by.as_deref();
            Ok(Finding::Confusion(confusion::confusion(session.behaviour, by)?))
        },
    },
    Analysis {
        name: "response-times",
        looks_at: &[Look::By, Look::Align],
        title: "When choices were made",
        tasks: &[],
        needs: Needs::Behaviour,
        compute: |session| {
            let by = session.focus.by.as_deref();
            let since = session.focus.since.as_deref();
            let found = response_times::response_times(session.behaviour, by, since)?;
            Ok(Finding::ResponseTimes(found))
        },
    },
    Analysis {
        name: "history",
        looks_at: &[],
        title: "What choices owe to the trials before",
        tasks: &[],
        needs: Needs::Behaviour,
        compute: |session| Ok(Finding::History(history::history(session.behaviour)?)),
    },
    Analysis {
        name: "detection",
        looks_at: &[Look::By],
        title: "Hits and false alarms",
        tasks: &[],
        needs: Needs::Behaviour,
        compute: |session| {
            let found = detection::detection(session.behaviour, session.focus)?;
            Ok(Finding::Detection(found))
        },
    },
    Analysis {
        name: "session-course",
        looks_at: &[],
        title: "Learning within a session",
        tasks: &[],
        needs: Needs::Behaviour,
        compute: |session| {
            let found = session_course::session_course(session.behaviour)?;
            Ok(Finding::SessionCourse(found))
        },
    },
    Analysis {
        name: "value-difference",
        looks_at: &[Look::Answers],
        title: "Choices by the difference of values",
        tasks: &[],
        needs: Needs::Behaviour,
        compute: |session| {
            let found = value_difference::value_difference(session.behaviour, session.focus)?;
            Ok(Finding::ValueDifference(found))
        },
    },
    Analysis {
        name: "kernel",
        looks_at: &[Look::Align, Look::Answers],
        title: "When inputs weigh in the choice",
        tasks: &[],
        needs: Needs::Activity,
        compute: |session| {
            let found = kernel::kernel(session.recorded()?, session.focus)?;
            Ok(Finding::Kernel(found))
        },
    },
    Analysis {
        name: "unit-activity",
        looks_at: &[Look::Units, Look::Align, Look::Window, Look::Network],
        title: "Activity of single units",
        tasks: &PUBLISHED,
        needs: Needs::Activity,
        compute: |session| {
            let behaviour = &session.recorded()?.behaviour;
            let found = unit_activity::unit_activity(behaviour, session.rates()?, session.focus)?;
            Ok(Finding::UnitActivity(found))
        },
    },
    Analysis {
        name: "value-trace",
        looks_at: &[],
        title: "Predicted reward",
        tasks: &PUBLISHED,
        needs: Needs::Activity,
        compute: |session| {
            Ok(Finding::ValueTrace(value_trace::value_trace(
                session.recorded()?,
            )?))
        },
    },
    Analysis {
        name: "value-course",
        looks_at: &[Look::By, Look::Align, Look::Window],
        title: "Predicted reward around events",
        tasks: &[],
        needs: Needs::Activity,
        compute: |session| {
            let found = value_course::value_course(session.recorded()?, session.focus)?;
            Ok(Finding::ValueCourse(found))
        },
    },
    Analysis {
        name: "unit-values",
        looks_at: &[],
        title: "Units that carry values",
        tasks: &["economic"],
        needs: Needs::Activity,
        compute: |session| {
            let recorded = session.recorded()?;
            let found = unit_values::unit_values(&recorded.behaviour, &recorded.value)?;
            Ok(Finding::UnitValues(found))
        },
    },
    Analysis {
        name: "state-space",
        looks_at: &[],
        title: "Population activity in state space",
        tasks: &["mante"],
        needs: Needs::Activity,
        compute: |session| {
            let recorded = session.recorded()?;
            let found = state_space::state_space(&recorded.behaviour, &recorded.policy)?;
            Ok(Finding::StateSpace(found))
        },
    },
    Analysis {
        name: "delay-tuning",
        looks_at: &[Look::Network],
        title: "Activity in the delay",
        tasks: &["romo"],
        needs: Needs::Activity,
        compute: |session| {
            let found = delay_tuning::delay_tuning(&session.recorded()?.behaviour, session.rates()?)?;
            Ok(Finding::DelayTuning(found))
        },
    },
    Analysis {
        name: "delay-value",
        looks_at: &[],
        title: "Predicted reward after the stimulus",
        tasks: &["wager"],
        needs: Needs::Activity,
        compute: |session| {
            Ok(Finding::DelayValue(delay_value::delay_value(
                session.recorded()?,
            )?))
        },
    },
    Analysis {
        name: "decision-probabilities",
        looks_at: &[],
        title: "Which way the policy leans",
        tasks: &["rdm", "rdm-rt", "wager"],
        needs: Needs::Activity,
        compute: |session| {
            let found = decision_probabilities::decision_probabilities(session.recorded()?)?;
            Ok(Finding::DecisionProbabilities(found))
        },
    },
    Analysis {
        name: "selectivity",
        looks_at: &[Look::By, Look::Align, Look::Network],
        title: "What units tell apart",
        tasks: &[],
        needs: Needs::Activity,
        compute: |session| {
            let (focus, behaviour) = (session.focus, &session.recorded()?.behaviour);
            let (by, align) = (focus.by.as_deref(), focus.align.as_deref());
            let found = selectivity::selectivity(behaviour, session.rates()?, by, align, session.key)?;
            Ok(Finding::Selectivity(found))
        },
    },
    Analysis {
        name: "decoding",
        looks_at: &[Look::By, Look::Align, Look::Network],
        title: "What can be read from the activity",
        tasks: &[],
        needs: Needs::Activity,
        compute: |session| {
            let (focus, behaviour) = (session.focus, &session.recorded()?.behaviour);
            let (by, align) = (focus.by.as_deref(), focus.align.as_deref());
            let found = decoding::decoding(behaviour, session.rates()?, by, align, session.key)?;
            Ok(Finding::Decoding(found))
        },
    },
    Analysis {
        name: "peri-event",
        looks_at: &[Look::By, Look::Align, Look::Window, Look::Units, Look::Network],
        title: "Activity around events",
        tasks: &[],
        needs: Needs::Activity,
        compute: |session| {
            let behaviour = &session.recorded()?.behaviour;
            let found = peri_event::peri_event(behaviour, session.rates()?, session.focus)?;
            Ok(Finding::PeriEvent(found))
        },
    },
    Analysis {
        name: "population",
        looks_at: &[Look::By, Look::Align, Look::Window, Look::Network],
        title: "Population activity",
        tasks: &[],
        needs: Needs::Activity,
        compute: |session| {
            let behaviour = &session.recorded()?.behaviour;
            let found = population::population(behaviour, session.rates()?, session.focus)?;
            Ok(Finding::Population(found))
        },
    },
    Analysis {
        name: "action-course",
        looks_at: &[Look::By, Look::Align, Look::Window],
        title: "What the policy is about to do",
        tasks: &[],
        needs: Needs::Activity,
        compute: |session| {
            let found = action_course::action_course(session.recorded()?, session.focus)?;
            Ok(Finding::ActionCourse(found))
        },
    },
    Analysis {
        name: "single-trial",
        looks_at: &[Look::Trial],
        title: "A single trial",
        tasks: &PUBLISHED,
        needs: Needs::Activity,
        compute: |session| {
            let found = single_trial::single_trial(session.recorded()?, session.focus.trial)?;
            Ok(Finding::SingleTrial(found))
        },
    },
    Analysis {
        name: "weights",
        looks_at: &[],
        title: "Recurrent weights",
        tasks: &PUBLISHED,
        needs: Needs::Networks,
        compute: |session| {
            let (policy, value) = session.networks.ok_or(AnalysisError::MissingNetworks)?;
            Ok(Finding::Weights(weights::weights(policy, value)?))
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
        let session = Session {
            behaviour: &behaviour,
            recorded: Some(&Recorded::default()),
            learning: &[],
            networks: None,
            focus: &Focus::default(),
            key: Key::new(1),
        };
        for analysis in ANALYSES {
            let words = (analysis.compute)(&session).unwrap_err().to_string();
            assert!(
                words.starts_with("cannot be computed: "),
                "{}: {words}",
                analysis.name
            );
        }
    }

    #[test]
    fn an_option_without_effect_is_refused_and_chooses_analyses() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<String>>();
        let error = heeding(&names(&["choices"]), &[Look::By, Look::Align]).unwrap_err();
        assert_eq!(error.message, "`--align` has no effect on the analysis `choices`");
        assert!(error.hint.unwrap().contains("peri-event"));
        assert_eq!(heeding(&names(&["choices"]), &[Look::By]).unwrap(), ["choices"]);
        assert_eq!(heeding(&[], &[Look::Trial]).unwrap(), ["single-trial"]);
        assert!(heeding(&[], &[]).unwrap().is_empty());
    }

    #[test]
    fn names_are_found_and_differ() {
        for analysis in ANALYSES {
            assert_eq!(
                named(analysis.name).map(|found| found.title),
                Some(analysis.title)
            );
        }
        assert!(named("psychometrics").is_none());
    }
}
