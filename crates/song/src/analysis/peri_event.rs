//! Average activity of any unit around any event, sorted by anything that varies.
//!
//! Without a wish, the four units are shown whose rate after the event depends most on the quantity that tells most.

use serde::{Deserialize, Serialize};

use super::activity::Activity;
use super::course::{Course, course, events, rates_after, sorting};
use super::levels::{Sorted, eta_squared};
use super::{AnalysisError, Focus};
use crate::behaviour::Behaviour;

/// Units that are shown when nobody names any.
const N_SHOWN: usize = 4;

/// Average activity around events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeriEvent {
    /// `policy` or `value`.
    pub network: String,
    /// What trials are sorted by; empty if by nothing.
    pub by: String,
    /// Its values are numbers.
    pub is_numeric: bool,
    /// One entry an event.
    pub events: Vec<AroundEvent>,
}

/// Average activity around one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AroundEvent {
    /// An epoch, whose onset is time 0, `choice` or `trial`.
    pub event: String,
    /// One entry a unit.
    pub units: Vec<AroundUnit>,
}

/// Average activity of one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AroundUnit {
    /// Unit, from 0.
    pub unit: usize,
    /// Share of the variance of its mean rate after the first event that the quantity explains.
    pub eta_squared: f64,
    /// One course a level.
    pub courses: Vec<Course>,
}

/// Averages units around the events in focus.
///
/// # Errors
/// No activity, no event with enough trials, a unit or quantity that does not exist.
pub fn peri_event(
    behaviour: &Behaviour,
    activity: &Activity,
    focus: &Focus,
) -> Result<PeriEvent, AnalysisError> {
    activity.validate(behaviour)?;
    let events = events(behaviour, focus)?;
    let rates = rates_after(behaviour, activity, &events[0]);
    let explained = |sorted: &Sorted| -> Vec<f64> {
        let levels: Vec<Vec<usize>> = sorted.levels.iter().map(|level| level.trials.clone()).collect();
        rates.iter().map(|rates| eta_squared(&levels, rates)).collect()
    };
    let sorted = sorting(behaviour, focus, |sorted| explained(sorted).iter().sum())?;
    let eta = explained(&sorted);
    let shown = focus.units_or(activity.n_units, || {
        let spread = |unit: usize| {
            let known: Vec<f64> = rates[unit]
                .iter()
                .copied()
                .filter(|rate| rate.is_finite())
                .collect();
            neuropil_math::stats::summary::variance(&known, 0)
        };
        // Where nothing varies, those that differ most from trial to trial.
        let key = |unit: usize| {
            if sorted.by.is_empty() {
                spread(unit)
            } else {
                eta[unit]
            }
        };
        let mut units: Vec<usize> = (0..activity.n_units).collect();
        units.sort_by(|&a, &b| key(b).total_cmp(&key(a)).then(a.cmp(&b)));
        units.truncate(N_SHOWN);
        units
    })?;
    let around = events.iter().map(|event| AroundEvent {
        event: event.name.clone(),
        units: shown
            .iter()
            .map(|&unit| AroundUnit {
                unit,
                eta_squared: eta[unit],
                courses: sorted
                    .levels
                    .iter()
                    .map(|level| {
                        let rate = |time: usize, trial: usize| activity.rate(time, trial, unit);
                        course(level, behaviour, activity, event, rate)
                    })
                    .collect(),
            })
            .collect(),
    });
    Ok(PeriEvent {
        network: if focus.value_network { "value" } else { "policy" }.to_owned(),
        events: around.collect(),
        by: sorted.by,
        is_numeric: sorted.is_numeric,
    })
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn the_unit_that_codes_is_shown_first_and_its_courses_part_after_the_onset() {
        let (behaviour, activity) = synthetic::coded(200, 1);
        let focus = Focus {
            align: Some("stimulus".to_owned()),
            by: Some("coherence".to_owned()),
            ..Focus::default()
        };
        let found = peri_event(&behaviour, &activity, &focus).unwrap();
        let unit = &found.events[0].units[0];
        // The first five units code; after short stimuli their means are diluted by what follows.
        assert!(
            found.by == "coherence" && unit.unit < 5,
            "{} {}",
            found.by,
            unit.unit
        );
        assert!(unit.eta_squared > 0.3, "{}", unit.eta_squared);
        let at = |course: &Course, ms: f64| {
            let i = course.times_ms.iter().position(|&t| t >= ms).unwrap();
            (course.mean[i], course.sem[i])
        };
        let (low, high) = (&unit.courses[0], unit.courses.last().unwrap());
        let ((a, _), (b, _)) = (at(low, -100.0), at(high, -100.0));
        let ((c, s), (d, _)) = (at(low, 100.0), at(high, 100.0));
        assert!(
            (a - b).abs() < 0.3 * (d - c).abs() && (d - c) > 5.0 * s,
            "{a} {b} {c} {d}"
        );
        let missing = Focus {
            units: vec![99],
            ..Focus::default()
        };
        let words = peri_event(&behaviour, &activity, &missing)
            .unwrap_err()
            .to_string();
        assert!(words.contains("no unit `99`"), "{words}");
    }
}
