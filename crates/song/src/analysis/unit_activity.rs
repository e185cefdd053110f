//! Selectivity of units, and average activity of some of them around any event.
//!
//! d′ of a unit pools the samples of all decided trials in the stimulus epoch: right against left (by the choice where
//! the stimulus has no single direction). Averages are aligned to the last step before an epoch acts, to the onset of
//! an offer or to the choice; they count only steps that were executed. Trials are grouped as [`super::groups`] says.
//!
//! Song, Yang & Wang 2017, figures 1–4.

use neuropil_math::stats::dprime::dprime;
use neuropil_math::stats::summary::variance;
use serde::{Deserialize, Serialize};

use super::{
    AnalysisError, Focus,
    activity::Activity,
    axis::Axis,
    error::listed,
    groups::{Group, Sorting, sortings},
};
use crate::behaviour::Behaviour;

/// Units whose average activity is reported when nobody names any.
const N_SHOWN: usize = 3;
/// Epochs in which a stimulus is shown, in the order of preference.
const STIMULUS_EPOCHS: [&str; 4] = ["stimulus", "f1", "offer-on", "offer"];
/// Another epoch that is worth aligning to: the appearance of the sure bet.
const SURE: &str = "sure";
/// The event of ending a trial with a choice.
pub const CHOICE: &str = "choice";

/// Selectivity of all units and traces of some.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitActivity {
    /// `policy` or `value`.
    pub network: String,
    /// What d′ separates: `direction` of the stimulus or `choice`.
    pub selected_by: String,
    /// All units, in order.
    pub selectivity: Vec<Selectivity>,
    /// Mean and standard deviation over all units and executed steps, by which the rates of tasks with two contexts
    /// are normalised, as in the paper.
    pub normalised_by: Option<(f64, f64)>,
    /// One for each event and way to sort the trials.
    pub aligned: Vec<AlignedUnits>,
}

/// Average activity around one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlignedUnits {
    /// Epoch whose onset is time 0, or `choice`.
    pub event: String,
    /// What the groups are; empty where there is one way to sort only.
    pub sorted_by: String,
    /// Time of the traces in ms from the event.
    pub times_ms: Vec<f64>,
    /// The units asked for, or the most selective ones, first the largest |d′|.
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
    /// Its d′; none for a unit that does not vary.
    pub dprime: Option<f64>,
    /// One trace for each group of trials.
    pub traces: Vec<Trace>,
}

/// Average of one group of trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Strength of the stimulus, context, modality or offer.
    pub group: String,
    /// Whether the trials ended in the positive choice (right, high, B, >).
    pub positive: bool,
    /// Number of trials.
    pub n_trials: usize,
    /// Mean at each time; none where no trial of the group was running.
    pub mean: Vec<Option<f64>>,
    /// Its standard error.
    #[serde(default)]
    pub sem: Vec<Option<f64>>,
    /// Trials that were running.
    #[serde(default)]
    pub n: Vec<usize>,
}

impl Trace {
    /// Time, mean and standard error where at least five trials, and a tenth of them, were running: the mean of a few stragglers
    /// wanders.
    pub fn of_many(&self, times_ms: &[f64]) -> Vec<(f64, f64, f64)> {
        let most = self.n.iter().copied().max().unwrap_or(0);
        let least = (most / 10).max(5).min(most);
        let point = |(k, &time): (usize, &f64)| {
            let n = self.n.get(k).copied().unwrap_or(usize::MAX);
            let sem = self.sem.get(k).copied().flatten().unwrap_or(0.0);
            Some((time, self.mean[k].filter(|_| n >= least)?, sem))
        };
        times_ms.iter().enumerate().filter_map(point).collect()
    }
}

/// Selectivity of all units, and traces of the most selective ones or of those in `focus`.
///
/// # Errors
/// Activity that does not fit the trials, a unit or event that does not exist, no stimulus epoch, or no trial that
/// ended in a choice.
pub fn unit_activity(
    behaviour: &Behaviour,
    activity: &Activity,
    focus: &Focus,
) -> Result<UnitActivity, AnalysisError> {
    activity.validate(behaviour)?;
    let epoch = stimulus_epoch(behaviour)?;
    let (selected_by, side) = sides(behaviour)?;
    if side.iter().all(Option::is_none) {
        return Err(behaviour.none_of_the_trials("ended in a choice"));
    }
    let selectivity = selectivity(behaviour, activity, epoch, &side)?;
    let shown = focus.units_or(activity.n_units, || most_selective(&selectivity))?;
    let sortings = sortings(behaviour)?;
    let normalised_by = (sortings.len() > 1).then(|| activity.mean_and_sd(behaviour));
    let mut aligned = Vec::new();
    for event in events(behaviour, epoch, focus, sortings.len() > 1) {
        let at_ms = event_ms(behaviour, &event)?;
        let offsets = offsets(
            focus.window_ms.unwrap_or_else(|| window(behaviour, &event)),
            activity,
        );
        for Sorting { by, groups } in &sortings {
            let units = shown.iter().map(|&unit| {
                let traces = groups.iter().map(|group| {
                    let mut trace = mean_trace(group, behaviour, activity, &at_ms, &offsets, unit);
                    if let Some((mean, sd)) = normalised_by {
                        trace
                            .mean
                            .iter_mut()
                            .flatten()
                            .for_each(|rate| *rate = (*rate - mean) / sd);
                    }
                    trace
                });
                UnitTraces {
                    unit,
                    dprime: selectivity[unit].dprime,
                    traces: traces.collect(),
                }
            });
            aligned.push(AlignedUnits {
                event: event.clone(),
                sorted_by: by.clone(),
                times_ms: times_ms(&offsets, activity),
                units: units.collect(),
            });
        }
    }
    Ok(UnitActivity {
        network: if focus.value_network { "value" } else { "policy" }.to_owned(),
        selected_by: selected_by.to_owned(),
        selectivity,
        normalised_by,
        aligned,
    })
}

fn most_selective(selectivity: &[Selectivity]) -> Vec<usize> {
    let known = selectivity.iter().enumerate();
    let mut order: Vec<(usize, f64)> = known.filter_map(|(unit, s)| Some((unit, s.dprime?))).collect();
    order.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    order.iter().take(N_SHOWN).map(|&(unit, _)| unit).collect()
}

/// The events to align to: the one asked for, or stimulus, sure bet and choice.
fn events(behaviour: &Behaviour, stimulus: &str, focus: &Focus, only_stimulus: bool) -> Vec<String> {
    if let Some(event) = &focus.align {
        return vec![event.clone()];
    }
    let mut events = vec![stimulus.to_owned()];
    if !only_stimulus {
        events.extend(behaviour.onset_ms.contains_key(SURE).then(|| SURE.to_owned()));
        events.push(CHOICE.to_owned());
    }
    events
}

/// Time of an event in each trial, in ms from its start; NaN where a trial lacks it.
///
/// An epoch counts from its last step before it acts, as the input of its first step acts on the next one; an offer
/// from its onset, as in the paper.
pub(super) fn event_ms(behaviour: &Behaviour, event: &str) -> Result<Vec<f64>, AnalysisError> {
    if event == CHOICE {
        return Ok(behaviour.choice_ms.clone());
    }
    let before = if event.starts_with("offer") {
        0.0
    } else {
        behaviour.dt_ms
    };
    let onset = behaviour.onset(event).map_err(|_| AnalysisError::NoSuch {
        what: "event",
        asked: event.to_owned(),
        known: listed(behaviour.onset_ms.keys().map(String::as_str).chain([CHOICE])),
    })?;
    Ok(onset.iter().map(|onset| onset - before).collect())
}

/// The window around an event that the paper shows, in ms.
pub(super) fn window(behaviour: &Behaviour, event: &str) -> (f64, f64) {
    let durations = behaviour.duration_ms.get(event).map_or(&[][..], Vec::as_slice);
    let longest = durations.iter().copied().fold(0.0, f64::max);
    let is_fixed = durations.iter().all(|&duration| duration == longest);
    match event {
        CHOICE => (-500.0, 0.0),
        "f1" => (-500.0, 4000.0),
        SURE => (-200.0, 700.0),
        _ if event.starts_with("offer") => (-500.0, 1000.0),
        _ if is_fixed => (-200.0, longest.clamp(400.0, 1000.0)),
        _ => (-200.0, 600.0),
    }
}

/// Recorded steps of a window, counted from the event.
pub(super) fn offsets((from, to): (f64, f64), activity: &Activity) -> Vec<i64> {
    let spacing = activity.spacing_ms();
    ((from / spacing).ceil() as i64..=(to / spacing).floor() as i64).collect()
}

/// The same in ms.
pub(super) fn times_ms(offsets: &[i64], activity: &Activity) -> Vec<f64> {
    let spacing = activity.spacing_ms();
    offsets.iter().map(|&offset| offset as f64 * spacing).collect()
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
    let at = |&offset: &i64| -> Vec<f64> {
        let samples = group.trials.iter().filter_map(|&trial| {
            let time = activity
                .step_at(at_ms[trial])?
                .checked_add_signed(offset as isize)?;
            let runs = time < activity.times_ms.len() && activity.executed(behaviour, time, trial);
            runs.then(|| activity.rate(time, trial, unit))
        });
        samples.collect()
    };
    let mut trace = Trace {
        group: group.name.clone(),
        positive: group.positive,
        n_trials: group.trials.len(),
        mean: Vec::new(),
        sem: Vec::new(),
        n: Vec::new(),
    };
    for rates in offsets.iter().map(at) {
        let n = rates.len();
        trace
            .mean
            .push((n > 0).then(|| rates.iter().sum::<f64>() / n as f64));
        trace
            .sem
            .push((n > 1).then(|| (variance(&rates, 1) / n as f64).sqrt()));
        trace.n.push(n);
    }
    trace
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
fn sides(behaviour: &Behaviour) -> Result<(&'static str, Vec<Option<bool>>), AnalysisError> {
    if let Some(direction) = behaviour.numbers.get("direction") {
        let decided = direction.iter().zip(&behaviour.chosen);
        let side = decided.map(|(direction, chosen)| chosen.then_some(*direction > 0.0));
        return Ok(("direction", side.collect()));
    }
    let side = if behaviour.labels.contains_key("order") {
        let greater = behaviour.required_action("greater")?;
        let choice = |trial: usize| behaviour.action[trial].filter(|_| behaviour.chosen[trial]);
        (0..behaviour.n_trials())
            .map(|trial| choice(trial).map(|action| action == greater))
            .collect()
    } else {
        Axis::of(behaviour)?.chose_positive
    };
    Ok((CHOICE, side))
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
        let result = unit_activity(&behaviour, &ramps(&behaviour), &Focus::default()).unwrap();
        let preferred: Vec<i8> = result.selectivity.iter().map(|s| s.preferred).collect();
        assert_eq!(preferred, [1, -1, -1]);
        assert_eq!(result.selectivity[2].dprime, None);
        let events: Vec<&str> = result
            .aligned
            .iter()
            .map(|aligned| aligned.event.as_str())
            .collect();
        assert_eq!(events, ["stimulus", "choice"]);
        let stimulus = &result.aligned[0];
        assert!(stimulus.units.len() == 2 && result.selected_by == "direction");
        let zero = stimulus.times_ms.iter().position(|&t| t == 0.0).unwrap();
        let later = stimulus.times_ms.iter().position(|&t| t == 200.0).unwrap();
        let trace = |strength: &str| {
            let of_unit = stimulus.units.iter().find(|unit| unit.unit == 0).unwrap();
            let mut traces = of_unit.traces.iter();
            traces
                .find(|trace| trace.group == strength && trace.positive)
                .unwrap()
        };
        assert_eq!(trace("51.2 %").mean[zero], Some(50.0));
        assert!(trace("51.2 %").mean[later].unwrap() > trace("12.8 %").mean[later].unwrap());
        let choice = &result.aligned[1];
        assert_eq!(choice.times_ms.last(), Some(&0.0));
    }

    #[test]
    fn units_and_events_can_be_asked_for() {
        let behaviour = synthetic::rdm(400, 1);
        let focus = Focus {
            units: vec![2, 1],
            align: Some("decision".to_owned()),
            window_ms: Some((-100.0, 50.0)),
            ..Focus::default()
        };
        let result = unit_activity(&behaviour, &ramps(&behaviour), &focus).unwrap();
        let aligned = &result.aligned[0];
        assert!(result.aligned.len() == 1 && aligned.event == "decision");
        assert_eq!(
            aligned.units.iter().map(|unit| unit.unit).collect::<Vec<_>>(),
            [2, 1]
        );
        assert_eq!((aligned.times_ms[0], aligned.times_ms.len()), (-100.0, 16));
        let wrong = |focus: Focus| {
            unit_activity(&behaviour, &ramps(&behaviour), &focus)
                .unwrap_err()
                .to_string()
        };
        let unit = wrong(Focus {
            units: vec![3],
            ..Focus::default()
        });
        assert_eq!(unit, "cannot be computed: there is no unit `3`, only 0 to 2");
        let event = wrong(Focus {
            align: Some("reward".to_owned()),
            ..Focus::default()
        });
        assert_eq!(
            event,
            "cannot be computed: there is no event `reward`, only `decision`, `stimulus`, `choice`"
        );
    }

    #[test]
    fn steps_after_the_end_of_a_trial_are_blank() {
        let mut behaviour = synthetic::rdm(400, 1);
        behaviour.n_steps = vec![80; 400];
        let result = unit_activity(&behaviour, &ramps(&behaviour), &Focus::default()).unwrap();
        let stimulus = &result.aligned[0];
        let mean = &stimulus.units[0].traces[0].mean;
        // The last executed step is at 790 ms, 50 ms after the aligned step at 740 ms.
        let last = stimulus.times_ms.iter().position(|&t| t == 50.0).unwrap();
        assert!(mean[last].is_some() && mean[last + 1].is_none());
    }
}
