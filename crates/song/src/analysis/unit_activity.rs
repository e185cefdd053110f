//! Selectivity of units, and average activity of the most selective ones.
//!
//! d′ of a unit pools the samples of all decided trials in the stimulus epoch: right against left. Averages are
//! aligned to the last step before the stimulus acts and count only steps that were executed.
//!
//! Song, Yang & Wang 2017, figures 1–3.

use neuropil_math::stats::dprime::dprime;
use serde::{Deserialize, Serialize};

use super::{
    AnalysisError,
    activity::Activity,
    axis::{Axis, AxisCurve, distinct},
    error::listed,
};
use crate::behaviour::Behaviour;

/// Units whose average activity is reported.
const N_SHOWN: usize = 6;
/// Window of the averages around the onset of the stimulus, in ms.
const WINDOW_MS: (f64, f64) = (-200.0, 600.0);
/// Epochs in which a stimulus is shown, in the order of preference.
const STIMULUS_EPOCHS: [&str; 4] = ["stimulus", "f1", "offer-on", "offer"];

/// Selectivity of all units and traces of some.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitActivity {
    /// What d′ separates: `direction` of the stimulus or `choice`.
    pub selected_by: String,
    /// Epoch whose onset is time 0.
    pub aligned_to: String,
    /// All units, in order.
    pub selectivity: Vec<Selectivity>,
    /// Time of the traces in ms from the onset.
    pub times_ms: Vec<f64>,
    /// The most selective units, first the largest |d′|.
    pub units: Vec<UnitTraces>,
}

/// How well a unit tells right from left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selectivity {
    /// d′, positive when the unit fires more for right; none for a unit that does not vary.
    pub dprime: Option<f64>,
    /// Preferred direction: +1 right, −1 left; 0 and no d′ count as left.
    pub preferred: i8,
}

impl Selectivity {
    fn of(dprime: Option<f64>) -> Self {
        Self {
            dprime,
            preferred: if dprime.is_some_and(|d| d > 0.0) { 1 } else { -1 },
        }
    }
}

/// Average activity of a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitTraces {
    /// Index of the unit.
    pub unit: usize,
    /// Its d′.
    pub dprime: f64,
    /// One trace for each group of trials.
    pub traces: Vec<Trace>,
}

/// Average rate of one group of trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Context, modality or offer; empty where there is one curve only.
    pub curve: String,
    /// Strength of the stimulus where it is signed, such as coherence in percent.
    pub strength: Option<f64>,
    /// Whether the trials ended in the positive choice.
    pub positive: bool,
    /// Number of trials.
    pub n_trials: usize,
    /// Mean rate at each time; none where no trial of the group was running.
    pub mean: Vec<Option<f64>>,
}

/// Trials that are averaged together.
pub(super) struct Group {
    curve: String,
    strength: Option<f64>,
    positive: bool,
    trials: Vec<usize>,
}

/// Selectivity of all units and traces of the most selective ones.
///
/// # Errors
/// Activity that does not fit the trials, no stimulus axis or epoch, or no trial that ended in a choice.
pub fn unit_activity(behaviour: &Behaviour, activity: &Activity) -> Result<UnitActivity, AnalysisError> {
    activity.validate(behaviour)?;
    let axis = Axis::of(behaviour)?;
    let epoch = stimulus_epoch(behaviour)?;
    let (selected_by, side) = sides(behaviour, &axis);
    if side.iter().all(Option::is_none) {
        return Err(behaviour.none_of_the_trials("ended in a choice"));
    }
    let selectivity = selectivity(behaviour, activity, epoch, &side)?;
    let mut order: Vec<(usize, f64)> = selectivity
        .iter()
        .enumerate()
        .filter_map(|(unit, s)| Some((unit, s.dprime?)))
        .collect();
    order.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    order.truncate(N_SHOWN);

    let groups = groups(&axis);
    let spacing = activity.spacing_ms();
    let offsets: Vec<i64> =
        ((WINDOW_MS.0 / spacing).ceil() as i64..=(WINDOW_MS.1 / spacing).floor() as i64).collect();
    let onsets = last_steps_before(behaviour, epoch)?;
    let traces = |&(unit, dprime): &(usize, f64)| UnitTraces {
        unit,
        dprime,
        traces: groups
            .iter()
            .map(|group| mean_trace(group, behaviour, activity, &onsets, &offsets, unit))
            .collect(),
    };
    let units = order.iter().map(traces).collect();
    Ok(UnitActivity {
        selected_by: selected_by.to_owned(),
        aligned_to: epoch.to_owned(),
        selectivity,
        times_ms: offsets.iter().map(|&offset| offset as f64 * spacing).collect(),
        units,
    })
}

/// Time in ms of each trial's last step before an epoch acts: the input of its first step acts on the next one.
pub(super) fn last_steps_before(behaviour: &Behaviour, epoch: &str) -> Result<Vec<f64>, AnalysisError> {
    Ok(behaviour
        .onset(epoch)?
        .iter()
        .map(|onset| onset - behaviour.dt_ms)
        .collect())
}

/// Mean rate of `unit` over a group's trials at recorded steps `offsets` from the event at `at_ms` of each trial.
pub(super) fn mean_trace(
    group: &Group,
    behaviour: &Behaviour,
    activity: &Activity,
    at_ms: &[f64],
    offsets: &[i64],
    unit: usize,
) -> Trace {
    let at = |&offset: &i64| {
        let samples = group.trials.iter().filter_map(|&trial| {
            let time = activity
                .step_at(at_ms[trial])?
                .checked_add_signed(offset as isize)?;
            let runs = time < activity.times_ms.len() && activity.executed(behaviour, time, trial);
            runs.then(|| activity.rate(time, trial, unit))
        });
        let (sum, n) = samples.fold((0.0, 0_usize), |(sum, n), rate| (sum + rate, n + 1));
        (n > 0).then(|| sum / n as f64)
    };
    Trace {
        curve: group.curve.clone(),
        strength: group.strength,
        positive: group.positive,
        n_trials: group.trials.len(),
        mean: offsets.iter().map(at).collect(),
    }
}

/// d′ of every unit over the steps of `epoch` of all trials that have a side.
pub(super) fn selectivity(
    behaviour: &Behaviour,
    activity: &Activity,
    epoch: &str,
    side: &[Option<bool>],
) -> Result<Vec<Selectivity>, AnalysisError> {
    let (onset, duration) = (behaviour.onset(epoch)?, behaviour.duration(epoch)?);
    let samples = |wanted: bool| -> Vec<(usize, usize)> {
        let trials = behaviour.trials_where(|trial| side[trial] == Some(wanted));
        let steps =
            |trial: usize| activity.steps(behaviour, trial, onset[trial], onset[trial] + duration[trial]);
        trials
            .iter()
            .flat_map(|&trial| steps(trial).map(move |time| (time, trial)))
            .collect()
    };
    let rate = |(time, trial), unit| activity.rate(time, trial, unit);
    Ok(selectivity_of(
        &samples(false),
        &samples(true),
        activity.n_units,
        rate,
    ))
}

/// d′ of every unit between two sets of samples (time, trial).
pub fn selectivity_of(
    left: &[(usize, usize)],
    right: &[(usize, usize)],
    n_units: usize,
    rate: impl Fn((usize, usize), usize) -> f64,
) -> Vec<Selectivity> {
    let of_unit = |samples: &[(usize, usize)], unit| -> Vec<f64> {
        samples.iter().map(|&sample| rate(sample, unit)).collect()
    };
    let units = 0..n_units;
    units
        .map(|unit| Selectivity::of(dprime(&of_unit(left, unit), &of_unit(right, unit))))
        .collect()
}

/// The first epoch in which a stimulus is shown.
pub(super) fn stimulus_epoch(behaviour: &Behaviour) -> Result<&'static str, AnalysisError> {
    let known = STIMULUS_EPOCHS
        .into_iter()
        .find(|epoch| behaviour.onset_ms.contains_key(*epoch));
    known.ok_or_else(|| AnalysisError::MissingEpoch {
        epoch: STIMULUS_EPOCHS[0].to_owned(),
        found: listed(behaviour.onset_ms.keys().map(String::as_str)),
    })
}

/// Right or left of each decided trial: by the stimulus where it has one direction, by the choice otherwise.
fn sides(behaviour: &Behaviour, axis: &Axis) -> (&'static str, Vec<Option<bool>>) {
    match behaviour.numbers.get("direction") {
        Some(direction) => {
            let decided = axis.chose_positive.iter().zip(direction);
            (
                "direction",
                decided
                    .map(|(choice, direction)| choice.map(|_| *direction > 0.0))
                    .collect(),
            )
        }
        None => ("choice", axis.chose_positive.clone()),
    }
}

pub(super) fn groups(axis: &Axis) -> Vec<Group> {
    let mut groups = Vec::new();
    for curve in &axis.curves {
        for strength in strengths(curve) {
            for positive in [false, true] {
                let member = |(trial, stimulus): (&usize, &f64)| {
                    let here = strength.is_none_or(|strength| stimulus.abs() == strength);
                    (here && axis.chose_positive[*trial] == Some(positive)).then_some(*trial)
                };
                let trials: Vec<usize> = curve
                    .trials
                    .iter()
                    .zip(&curve.stimulus)
                    .filter_map(member)
                    .collect();
                if !trials.is_empty() {
                    groups.push(Group {
                        curve: curve.name.clone(),
                        strength,
                        positive,
                        trials,
                    });
                }
            }
        }
    }
    groups
}

/// Magnitudes of a stimulus that comes in both signs; otherwise none, and its trials are one group.
fn strengths(curve: &AxisCurve) -> Vec<Option<f64>> {
    let values = distinct(curve.stimulus.iter().copied());
    if values.iter().all(|value| values.contains(&(0.0 - value))) {
        distinct(values.iter().map(|value| value.abs()))
            .into_iter()
            .map(Some)
            .collect()
    } else {
        vec![None]
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    /// Unit 0 ramps with signed coherence, unit 1 is its mirror image, unit 2 is silent.
    fn ramps(behaviour: &Behaviour) -> Activity {
        let times_ms: Vec<f64> = (0..276).map(|k| f64::from(k) * 10.0).collect();
        let mut rates = Vec::new();
        for time in &times_ms {
            for trial in 0..behaviour.n_trials() {
                let signed = behaviour.numbers["direction"][trial] * behaviour.numbers["coherence"][trial];
                let ramp = (time - behaviour.onset_ms["stimulus"][trial]).clamp(0.0, 300.0) / 300.0;
                rates.extend([50.0 + signed * ramp, 50.0 - signed * ramp, 0.0].map(|rate| rate as f32));
            }
        }
        Activity {
            times_ms,
            n_trials: behaviour.n_trials(),
            n_units: 3,
            rates,
        }
    }

    #[test]
    fn preferred_directions_and_ordered_ramps() {
        let behaviour = synthetic::rdm(400, 1);
        let result = unit_activity(&behaviour, &ramps(&behaviour)).unwrap();
        let preferred: Vec<i8> = result.selectivity.iter().map(|s| s.preferred).collect();
        assert_eq!(preferred, [1, -1, -1]);
        assert_eq!(result.selectivity[2].dprime, None);
        assert!(result.units.len() == 2 && result.selected_by == "direction");
        let zero = result.times_ms.iter().position(|&t| t == 0.0).unwrap();
        let later = result.times_ms.iter().position(|&t| t == 200.0).unwrap();
        let trace = |strength: f64| {
            let of_unit = result.units.iter().find(|unit| unit.unit == 0).unwrap();
            of_unit
                .traces
                .iter()
                .find(|trace| trace.strength == Some(strength) && trace.positive)
                .unwrap()
        };
        assert_eq!(trace(51.2).mean[zero], Some(50.0));
        assert!(trace(51.2).mean[later].unwrap() > trace(12.8).mean[later].unwrap());
    }

    #[test]
    fn steps_after_the_end_of_a_trial_are_blank() {
        let mut behaviour = synthetic::rdm(400, 1);
        behaviour.n_steps = vec![80; 400];
        let result = unit_activity(&behaviour, &ramps(&behaviour)).unwrap();
        let mean = &result.units[0].traces[0].mean;
        // The last executed step is at 790 ms, 50 ms after the aligned step at 740 ms.
        let last = result.times_ms.iter().position(|&t| t == 50.0).unwrap();
        assert!(mean[last].is_some() && mean[last + 1].is_none());
    }
}
