//! Which trials are averaged together: the conditions by which the paper sorts activity.
//!
//! | factors | trials | groups | positive |
//! |---|---|---|---|
//! | `direction_motion`, `direction_color`, `context` | correct | four ways: choice; motion and colour coherence in their contexts; context | right |
//! | `rate`, `modality` | correct | modality | high |
//! | `order`, `high`, `low` | correct | first frequency | – |
//! | `direction`, `coherence`, `wager` | coherence above 0 | bet not offered, waived, taken | direction right |
//! | `n_a`, `n_b`, `left_juice` | with a choice | chosen juice | chosen side right |
//! | `direction`, `coherence`, or one signed factor | with a choice | strength of the stimulus | right, or as [`Axis`] has it |
//!
//! Song, Yang & Wang 2017, figures 1–4.

use super::AnalysisError;
use super::axis::{Axis, distinct};
use crate::behaviour::Behaviour;

/// One way to sort the trials.
#[derive(Clone, Debug)]
pub struct Sorting {
    /// What they are sorted by; empty where there is one way only.
    pub by: String,
    /// The groups.
    pub groups: Vec<Group>,
}

/// Trials that are averaged together.
#[derive(Clone, Debug)]
pub struct Group {
    /// Strength of the stimulus, context, modality or offer; two groups of one name differ in `positive`.
    pub name: String,
    /// Whether the trials ended in the positive choice (or, in wager tasks, had the positive direction).
    pub positive: bool,
    /// Members.
    pub trials: Vec<usize>,
}

/// All ways to sort the trials, the paper's first.
///
/// # Errors
/// No factors that can be sorted by, or no trial that qualifies.
pub fn sortings(behaviour: &Behaviour) -> Result<Vec<Sorting>, AnalysisError> {
    let has = |factor: &str| behaviour.numbers.contains_key(factor) || behaviour.labels.contains_key(factor);
    let found = if has("direction_motion") && has("context") {
        two_modalities(behaviour)?
    } else if has("rate") && has("modality") {
        let modality = behaviour.label("modality")?;
        let right = chose(behaviour, "high")?;
        let names = ["visual", "auditory", "both"];
        let kind =
            |trial: usize| is_correct(behaviour, trial).then_some((modality[trial].as_str(), right[trial]?));
        vec![sorted("", behaviour, &names, &|trial| kind_of(trial, &kind))]
    } else if has("order") && has("high") && has("low") {
        vec![frequencies(behaviour)?]
    } else if has("wager") && has("coherence") {
        vec![bets(behaviour)?]
    } else if has("n_a") && has("n_b") {
        vec![juices(behaviour)?]
    } else {
        vec![strengths(behaviour)?]
    };
    if found.iter().all(|sorting| sorting.groups.is_empty()) {
        return Err(behaviour.none_of_the_trials("ended in a choice"));
    }
    Ok(found)
}

fn kind_of<'a>(trial: usize, kind: &dyn Fn(usize) -> Option<(&'a str, bool)>) -> Option<(String, bool)> {
    kind(trial).map(|(name, positive)| (name.to_owned(), positive))
}

fn is_correct(behaviour: &Behaviour, trial: usize) -> bool {
    behaviour.correct[trial] == Some(true)
}

/// Whether each trial ended in the choice of `action`; none without a choice.
fn chose(behaviour: &Behaviour, action: &str) -> Result<Vec<Option<bool>>, AnalysisError> {
    let wanted = behaviour.required_action(action)?;
    let choice = |trial: usize| behaviour.action[trial].filter(|_| behaviour.chosen[trial]);
    Ok((0..behaviour.n_trials())
        .map(|trial| choice(trial).map(|action| action == wanted))
        .collect())
}

/// Groups in the order of `names`, the negative before the positive one; empty ones are left out.
fn sorted<S: AsRef<str>>(
    by: &str,
    behaviour: &Behaviour,
    names: &[S],
    kind: &dyn Fn(usize) -> Option<(String, bool)>,
) -> Sorting {
    let kinds: Vec<Option<(String, bool)>> = (0..behaviour.n_trials()).map(kind).collect();
    let mut groups = Vec::new();
    for name in names {
        for positive in [false, true] {
            let member = |trial: usize| {
                kinds[trial]
                    .as_ref()
                    .is_some_and(|(n, p)| n == name.as_ref() && *p == positive)
            };
            let trials = behaviour.trials_where(member);
            if !trials.is_empty() {
                groups.push(Group {
                    name: name.as_ref().to_owned(),
                    positive,
                    trials,
                });
            }
        }
    }
    Sorting {
        by: by.to_owned(),
        groups,
    }
}

fn percent(value: f64) -> String {
    format!("{} %", value.abs())
}

fn levels(values: &[f64], name: impl Fn(f64) -> String) -> Vec<String> {
    distinct(values.iter().map(|value| value.abs()))
        .into_iter()
        .map(name)
        .collect()
}

fn two_modalities(behaviour: &Behaviour) -> Result<Vec<Sorting>, AnalysisError> {
    let right = chose(behaviour, "right")?;
    let context = behaviour.label("context")?;
    let choice = |trial: usize| right[trial].filter(|_| is_correct(behaviour, trial));
    let mut found = vec![sorted("choice", behaviour, &["both contexts"], &|trial| {
        Some(("both contexts".to_owned(), choice(trial)?))
    })];
    for (modality, name) in [("motion", "motion"), ("color", "colour")] {
        let coherence = behaviour.number(&format!("coherence_{modality}"))?;
        found.push(sorted(
            &format!("{name} in the {name} context"),
            behaviour,
            &levels(coherence, percent),
            &|trial| {
                let here = context[trial] == modality;
                here.then_some((percent(coherence[trial]), choice(trial)?))
            },
        ));
    }
    found.push(sorted("context", behaviour, &["motion", "color"], &|trial| {
        Some((context[trial].clone(), choice(trial)?))
    }));
    Ok(found)
}

fn frequencies(behaviour: &Behaviour) -> Result<Sorting, AnalysisError> {
    let first = first_frequency(behaviour)?;
    let name = |hz: f64| format!("f1 {hz} Hz");
    Ok(sorted("", behaviour, &levels(&first, name), &|trial| {
        is_correct(behaviour, trial).then(|| (name(first[trial]), true))
    }))
}

/// First frequency of each trial, in Hz.
pub(super) fn first_frequency(behaviour: &Behaviour) -> Result<Vec<f64>, AnalysisError> {
    let (order, high, low) = (
        behaviour.label("order")?,
        behaviour.number("high")?,
        behaviour.number("low")?,
    );
    let first = |trial: usize| {
        if order[trial] == "greater" {
            high[trial]
        } else {
            low[trial]
        }
    };
    Ok((0..behaviour.n_trials()).map(first).collect())
}

fn bets(behaviour: &Behaviour) -> Result<Sorting, AnalysisError> {
    let (offered, coherence) = (behaviour.label("wager")?, behaviour.number("coherence")?);
    let direction = behaviour.number("direction")?;
    let sure = chose(behaviour, "sure")?;
    let names = ["bet not offered", "bet waived", "bet taken"];
    Ok(sorted("", behaviour, &names, &|trial| {
        let name = match (offered[trial].as_str(), sure[trial]?) {
            ("yes", true) => "bet taken",
            ("yes", false) => "bet waived",
            _ => "bet not offered",
        };
        (coherence[trial] != 0.0).then(|| (name.to_owned(), direction[trial] > 0.0))
    }))
}

fn juices(behaviour: &Behaviour) -> Result<Sorting, AnalysisError> {
    let chose_b = Axis::of(behaviour)?.chose_positive;
    let right = chose(behaviour, "right")?;
    Ok(sorted("", behaviour, &["chose A", "chose B"], &|trial| {
        let name = if chose_b[trial]? { "chose B" } else { "chose A" };
        Some((name.to_owned(), right[trial]?))
    }))
}

/// By the magnitude of the stimulus where it comes in both signs; otherwise one group for each curve.
fn strengths(behaviour: &Behaviour) -> Result<Sorting, AnalysisError> {
    let axis = Axis::of(behaviour)?;
    let unit = if axis.stimulus.contains('%') { " %" } else { "" };
    let mut names: Vec<String> = Vec::new();
    let mut kind: Vec<Option<(String, bool)>> = vec![None; behaviour.n_trials()];
    for curve in &axis.curves {
        let values = distinct(curve.stimulus.iter().copied());
        let signed = values.iter().all(|value| values.contains(&(0.0 - value)));
        let name = |stimulus: f64| {
            let strength = if signed {
                format!("{}{unit}", stimulus.abs())
            } else {
                String::new()
            };
            [curve.name.clone(), strength].join(" ").trim().to_owned()
        };
        for stimulus in distinct(values.iter().map(|value| value.abs())) {
            if !names.contains(&name(stimulus)) {
                names.push(name(stimulus));
            }
        }
        for (&trial, &stimulus) in curve.trials.iter().zip(&curve.stimulus) {
            kind[trial] = axis.chose_positive[trial].map(|positive| (name(stimulus), positive));
        }
    }
    Ok(sorted("", behaviour, &names, &|trial| kind[trial].clone()))
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    fn names(sorting: &Sorting) -> Vec<(&str, bool)> {
        sorting
            .groups
            .iter()
            .map(|g| (g.name.as_str(), g.positive))
            .collect()
    }

    #[test]
    fn every_published_task_is_sorted_as_in_the_paper() {
        let rdm = sortings(&synthetic::rdm(500, 1)).unwrap();
        assert_eq!(names(&rdm[0])[..2], [("0 %", false), ("0 %", true)]);
        assert_eq!(rdm[0].groups.len(), 10);
        let romo = sortings(&synthetic::romo(500, 1)).unwrap();
        assert_eq!(romo[0].groups.len(), 7);
        assert_eq!(names(&romo[0])[0], ("f1 10 Hz", true));
        let mante = sortings(&synthetic::mante(2000, 1)).unwrap();
        let by: Vec<&str> = mante.iter().map(|sorting| sorting.by.as_str()).collect();
        assert_eq!(
            by,
            [
                "choice",
                "motion in the motion context",
                "colour in the colour context",
                "context"
            ]
        );
        assert_eq!(mante[1].groups.len(), 6);
        let wager = synthetic::wager(2000, 1);
        let bets = &sortings(&wager).unwrap()[0];
        assert_eq!(bets.groups.len(), 6);
        for group in &bets.groups {
            assert!(
                group
                    .trials
                    .iter()
                    .all(|&trial| wager.numbers["coherence"][trial] > 0.0)
            );
        }
        assert_eq!(sortings(&synthetic::economic(900, 1)).unwrap()[0].groups.len(), 4);
        assert_eq!(
            sortings(&synthetic::multisensory(900, 1)).unwrap()[0]
                .groups
                .len(),
            6
        );
    }

    #[test]
    fn only_correct_trials_enter_where_the_paper_says_so() {
        let behaviour = synthetic::romo(500, 1);
        for group in &sortings(&behaviour).unwrap()[0].groups {
            assert!(
                group
                    .trials
                    .iter()
                    .all(|&trial| behaviour.correct[trial] == Some(true))
            );
        }
    }
}
