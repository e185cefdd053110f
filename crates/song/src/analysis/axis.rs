//! Which factors of a task span its stimulus axis, and which action is which end of it.
//!
//! | factors | stimulus | curves | positive choice |
//! |---|---|---|---|
//! | `direction`, `coherence` | direction × coherence (%) | one, or by `wager` | right |
//! | `direction_motion`, `coherence_motion`, `direction_color`, `coherence_color`, `context` | signed coherence (%) | motion and colour coherence in each context | right |
//! | `rate`, `modality` | rate (events/s) | by modality | high |
//! | `n_a`, `n_b`, `left_juice` | (n_b − n_a)/(n_b + n_a) | one | juice B |
//! | one numeric factor with both signs | its value | one | right, high, or the last action |

use neuropil_math::stats::{bins::equal_count_bins, summary::mean};

use super::{AnalysisError, Focus, error::listed};
use crate::behaviour::Behaviour;

/// Values of a quantity that are points of their own; of one with more, bins of equally many trials are made.
const MOST_POINTS: usize = 25;
/// Bins of a quantity with more values.
const BINS: usize = 15;

/// A stimulus axis with the curves that are drawn over it.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What is plotted on the x axis, with its unit.
    pub stimulus: String,
    /// The choice that counts as positive.
    pub positive: String,
    /// Curves over the axis, each with its own trials.
    pub curves: Vec<AxisCurve>,
    /// Whether each trial ended in the positive choice; none if in neither.
    pub chose_positive: Vec<Option<bool>>,
}

/// The trials of one curve.
#[derive(Clone, Debug)]
pub struct AxisCurve {
    /// Name in a legend; empty for the only curve.
    pub name: String,
    /// Trials.
    pub trials: Vec<usize>,
    /// Signed stimulus of each of `trials`; of many values, the mean of the bin.
    pub stimulus: Vec<f64>,
    /// The same without bins, where there are bins.
    pub unbinned: Option<Vec<f64>>,
}

/// The two answers that are compared: those in focus, or left and right, low and high, or the only two that there are.
///
/// The first action may be one of them: it stands for no answer.
///
/// # Errors
/// An answer that does not exist, or more than two without a word of which.
pub(super) fn answers_of(behaviour: &Behaviour, focus: &Focus) -> Result<[usize; 2], AnalysisError> {
    let named = |name: &str| -> Result<usize, AnalysisError> {
        let found = behaviour.answer_named(name);
        found.map_or_else(|| behaviour.required_action(&name.to_lowercase()), Ok)
    };
    if let Some((low, high)) = &focus.answers {
        return Ok([named(low)?, named(high)?]);
    }
    for (low, high) in [("left", "right"), ("low", "high")] {
        if let (Some(low), Some(high)) = (behaviour.action_named(low), behaviour.action_named(high)) {
            return Ok([low, high]);
        }
    }
    match behaviour.actions.len() {
        2 => Ok([0, 1]),
        3 => Ok([1, 2]),
        _ => Err(AnalysisError::WhichAnswers {
            found: listed(behaviour.actions.iter().map(String::as_str)),
        }),
    }
}

/// Whether each trial ended in the second of two answers; none if in neither. The first action stands for no answer.
fn chosen_of(behaviour: &Behaviour, [low, high]: [usize; 2]) -> Vec<Option<bool>> {
    let answer = |trial: usize| match behaviour.action[trial] {
        Some(action) if behaviour.chosen[trial] => Some(action),
        None => Some(0),
        Some(_) => None,
    };
    let choice = |trial: usize| match answer(trial) {
        Some(given) if given == high => Some(true),
        Some(given) if given == low => Some(false),
        _ => None,
    };
    (0..behaviour.n_trials()).map(choice).collect()
}

impl Axis {
    /// The axis in focus: a quantity that was asked for or that the task names, or what [`Axis::of`] finds.
    ///
    /// # Errors
    /// A quantity or answer that does not exist; as [`Axis::of`].
    pub fn in_focus(behaviour: &Behaviour, focus: &Focus) -> Result<Self, AnalysisError> {
        let named = focus.by.as_deref().or(focus.axis.as_deref());
        match named {
            Some(name) => Self::along(behaviour, name, focus),
            None => {
                let found = Self::of(behaviour)?;
                if focus.answers.is_none() {
                    return Ok(found);
                }
                let answers = answers_of(behaviour, focus)?;
                Ok(Self {
                    positive: behaviour.actions[answers[1]].clone(),
                    chose_positive: chosen_of(behaviour, answers),
                    ..found
                })
            }
        }
    }

    /// The axis of any numeric quantity, with the two answers in focus.
    fn along(behaviour: &Behaviour, name: &str, focus: &Focus) -> Result<Self, AnalysisError> {
        let durations = name
            .strip_suffix("_ms")
            .and_then(|epoch| behaviour.duration_ms.get(epoch));
        let values = durations.or_else(|| behaviour.numbers.get(name)).ok_or_else(|| {
            let own = behaviour.numbers.keys().cloned();
            let epochs = behaviour.duration_ms.keys().map(|epoch| format!("{epoch}_ms"));
            let known: Vec<String> = own.chain(epochs).collect();
            AnalysisError::NoSuch {
                what: "quantity whose values are numbers",
                asked: name.to_owned(),
                known: listed(known.iter().map(String::as_str)),
            }
        })?;
        let answers = answers_of(behaviour, focus)?;
        let unit = focus
            .unit
            .as_deref()
            .filter(|_| focus.axis.as_deref() == Some(name));
        let unit = unit.or(durations.map(|_| "ms"));
        let trials: Vec<usize> = behaviour.trials_where(|trial| values[trial].is_finite());
        let own: Vec<f64> = trials.iter().map(|&trial| values[trial]).collect();
        let stimulus = few(&own);
        let curve = AxisCurve {
            name: String::new(),
            unbinned: (stimulus != own).then_some(own),
            stimulus,
            trials,
        };
        Ok(Self {
            stimulus: unit.map_or_else(|| name.to_owned(), |unit| format!("{name} ({unit})")),
            positive: behaviour.actions[answers[1]].clone(),
            curves: vec![curve],
            chose_positive: chosen_of(behaviour, answers),
        })
    }

    /// Finds the stimulus axis of the trials.
    ///
    /// # Errors
    /// No factors that span one, or no actions at its ends.
    pub fn of(behaviour: &Behaviour) -> Result<Self, AnalysisError> {
        let has =
            |factor: &str| behaviour.numbers.contains_key(factor) || behaviour.labels.contains_key(factor);
        if has("direction_motion") && has("context") {
            Self::two_modalities(behaviour)
        } else if has("rate") && has("modality") {
            Self::rates(behaviour)
        } else if has("n_a") && has("n_b") {
            Self::offers(behaviour)
        } else if has("direction") && has("coherence") {
            Self::coherence(behaviour)
        } else {
            Self::signed_factor(behaviour)
        }
    }

    fn coherence(behaviour: &Behaviour) -> Result<Self, AnalysisError> {
        let signed = signed_coherence(behaviour, "direction", "coherence")?;
        let curves = match behaviour.labels.get("wager") {
            Some(wager) => by_label(behaviour, wager, &signed, |offered| match offered {
                "yes" => "sure bet waived".to_owned(),
                "no" => "sure bet not offered".to_owned(),
                other => format!("wager {other}"),
            }),
            None => vec![AxisCurve::of_all(behaviour, "", &signed)],
        };
        Self::between(behaviour, "signed coherence (%)", "left", "right", curves)
    }

    fn two_modalities(behaviour: &Behaviour) -> Result<Self, AnalysisError> {
        let context = behaviour.label("context")?;
        let mut curves = Vec::new();
        for modality in ["motion", "color"] {
            let (direction, coherence) = (format!("direction_{modality}"), format!("coherence_{modality}"));
            let signed = signed_coherence(behaviour, &direction, &coherence)?;
            curves.extend(by_label(behaviour, context, &signed, |context| {
                format!("{context} context, {modality} coherence")
            }));
        }
        curves.sort_by_key(|curve| !curve.name.starts_with("motion"));
        Self::between(behaviour, "signed coherence (%)", "left", "right", curves)
    }

    fn rates(behaviour: &Behaviour) -> Result<Self, AnalysisError> {
        let rate = behaviour.number("rate")?.to_vec();
        let mut curves = by_label(behaviour, behaviour.label("modality")?, &rate, str::to_owned);
        let order = ["visual", "auditory"];
        curves.sort_by_key(|curve| {
            order
                .iter()
                .position(|name| *name == curve.name)
                .unwrap_or(order.len())
        });
        Self::between(behaviour, "rate (events/s)", "low", "high", curves)
    }

    fn offers(behaviour: &Behaviour) -> Result<Self, AnalysisError> {
        let (n_a, n_b) = (behaviour.number("n_a")?, behaviour.number("n_b")?);
        let left_juice = behaviour.label("left_juice")?;
        let (left, right) = (
            behaviour.required_action("left")?,
            behaviour.required_action("right")?,
        );
        let difference: Vec<f64> = n_a.iter().zip(n_b).map(|(a, b)| (b - a) / (b + a)).collect();
        let curves = vec![AxisCurve::of_all(behaviour, "", &difference)];
        let chose_positive = (0..behaviour.n_trials()).map(|trial| {
            let b_is_left = left_juice[trial] == "B";
            match behaviour.action[trial] {
                Some(action) if behaviour.chosen[trial] && action == left => Some(b_is_left),
                Some(action) if behaviour.chosen[trial] && action == right => Some(!b_is_left),
                _ => None,
            }
        });
        let chose_positive = chose_positive.collect();
        let stimulus = "offer (nB \u{2212} nA)/(nB + nA)".to_owned();
        Ok(Self {
            stimulus,
            positive: "B".to_owned(),
            curves,
            chose_positive,
        })
    }

    fn signed_factor(behaviour: &Behaviour) -> Result<Self, AnalysisError> {
        let is_signed = |values: &[f64]| values.iter().any(|v| *v < 0.0) && values.iter().any(|v| *v > 0.0);
        let mut signed = behaviour.numbers.iter().filter(|(_, values)| is_signed(values));
        let (Some((factor, values)), None) = (signed.next(), signed.next()) else {
            return Err(AnalysisError::MissingStimulus {
                found: listed(behaviour.factors()),
            });
        };
        let curves = vec![AxisCurve::of_all(behaviour, "", values)];
        for (negative, positive) in [("left", "right"), ("low", "high")] {
            if behaviour.action_named(negative).is_some() && behaviour.action_named(positive).is_some() {
                return Self::between(behaviour, factor, negative, positive, curves);
            }
        }
        // Without such names the last two actions are the ends.
        let [.., negative, positive] = behaviour.actions.as_slice() else {
            let found = listed(behaviour.actions.iter().map(String::as_str));
            return Err(AnalysisError::MissingAction {
                action: "right".to_owned(),
                found,
            });
        };
        Self::between(
            behaviour,
            factor,
            &negative.to_lowercase(),
            &positive.to_lowercase(),
            curves,
        )
    }

    fn between(
        behaviour: &Behaviour,
        stimulus: &str,
        negative: &str,
        positive: &str,
        curves: Vec<AxisCurve>,
    ) -> Result<Self, AnalysisError> {
        let (down, up) = (
            behaviour.required_action(negative)?,
            behaviour.required_action(positive)?,
        );
        let choice = |trial: usize| match behaviour.action[trial] {
            Some(action) if behaviour.chosen[trial] && action == up => Some(true),
            Some(action) if behaviour.chosen[trial] && action == down => Some(false),
            _ => None,
        };
        let chose_positive = (0..behaviour.n_trials()).map(choice).collect();
        Ok(Self {
            stimulus: stimulus.to_owned(),
            positive: positive.to_owned(),
            curves,
            chose_positive,
        })
    }
}

impl AxisCurve {
    fn of_all(behaviour: &Behaviour, name: &str, stimulus: &[f64]) -> Self {
        let trials = (0..behaviour.n_trials()).collect();
        Self {
            name: name.to_owned(),
            trials,
            stimulus: stimulus.to_vec(),
            unbinned: None,
        }
    }
}

/// One curve for each value of a categorical factor, in alphabetical order.
fn by_label(
    behaviour: &Behaviour,
    labels: &[String],
    stimulus: &[f64],
    name: impl Fn(&str) -> String,
) -> Vec<AxisCurve> {
    let mut values: Vec<&String> = labels.iter().collect();
    values.sort();
    values.dedup();
    let curve = |value: &&String| {
        let trials = behaviour.trials_where(|trial| labels[trial] == **value);
        let stimulus = trials.iter().map(|&trial| stimulus[trial]).collect();
        AxisCurve {
            name: name(value),
            trials,
            stimulus,
            unbinned: None,
        }
    };
    values.iter().map(curve).collect()
}

/// The values, or, if they are many, the means of bins of equally many.
fn few(values: &[f64]) -> Vec<f64> {
    if distinct(values.iter().copied()).len() <= MOST_POINTS {
        return values.iter().map(|value| value + 0.0).collect();
    }
    let Ok(bins) = equal_count_bins(values, BINS) else {
        return values.to_vec();
    };
    let mut binned = values.to_vec();
    for bin in bins {
        let of_bin: Vec<f64> = bin.iter().map(|&i| values[i]).collect();
        bin.iter().for_each(|&i| binned[i] = mean(&of_bin));
    }
    binned
}

/// direction × coherence; both zeros are one.
pub(super) fn signed_coherence(
    behaviour: &Behaviour,
    direction: &str,
    coherence: &str,
) -> Result<Vec<f64>, AnalysisError> {
    let pairs = behaviour
        .number(direction)?
        .iter()
        .zip(behaviour.number(coherence)?);
    Ok(pairs
        .map(|(direction, coherence)| direction.signum() * coherence + 0.0)
        .collect())
}

/// Distinct values, ascending, without NaN; the two zeros count as one.
pub(super) fn distinct(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = values
        .into_iter()
        .filter(|v| !v.is_nan())
        .map(|v| v + 0.0)
        .collect();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    sorted
}
