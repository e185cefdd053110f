//! Psychophysical kernel: how much an input weighs in a choice, moment by moment.
//!
//! Within each condition of the task inputs differ from trial to trial by noise and by chance events. The kernel is the
//! mean input before choices of one answer minus that before choices of the other within a condition, over conditions by
//! their precision, in bins from the onset of an epoch on: positive where more of the input led to the first. Conditions
//! in which all choices are the same say nothing; to compare choices across conditions would dilute it, since most of
//! what tells choices apart there is the condition.
//!
//! Ahumada, Perception 25, 18 (1996); Neri & Heeger, Nat. Neurosci. 5, 812 (2002).

use neuropil_math::stats::summary::variance;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::activity::Recorded;
use super::axis::answers_of;
use super::course::Event;
use super::{AnalysisError, Focus};
use crate::behaviour::Behaviour;

/// Width of a bin, ms, at least; of whole recorded steps.
const BIN_MS: f64 = 100.0;
/// Fewest trials of each answer in a bin.
const FEWEST: usize = 10;
/// Inputs that are shown: those that weigh most.
const MOST_INPUTS: usize = 6;

/// Weight of inputs over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kernel {
    /// Epoch whose onset is time 0.
    pub event: String,
    /// The answer against which the other is compared, and that one.
    pub answers: [String; 2],
    /// Width of a bin, ms.
    pub bin_ms: f64,
    /// One kernel an input.
    pub inputs: Vec<InputKernel>,
}

/// Weight of one input over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputKernel {
    /// The input.
    pub input: String,
    /// Middle of each bin, ms after the onset.
    pub times_ms: Vec<f64>,
    /// Mean before the second answer minus mean before the first, within conditions.
    pub difference: Vec<f64>,
    /// Its standard error.
    pub sem: Vec<f64>,
    /// Trials in each bin, of conditions with both answers.
    pub n: Vec<usize>,
    /// Mean over the first and the second half of the bins (a middle one is in neither); none of a single bin.
    #[serde(default)]
    pub halves: Option<[Weight; 2]>,
}

/// A mean difference with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// Mean over the bins.
    pub difference: f64,
    /// Its standard error; the bins of a trial count as independent.
    pub sem: f64,
}

impl Weight {
    /// Of some bins.
    fn over(differences: &[f64], sems: &[f64]) -> Self {
        let n = differences.len() as f64;
        Self {
            difference: differences.iter().sum::<f64>() / n,
            sem: sems.iter().map(|sem| sem * sem).sum::<f64>().sqrt() / n,
        }
    }
}

/// Computes the kernels of all inputs that vary within a condition, in the epoch in focus or the one where they vary most.
///
/// # Errors
/// Nothing recorded, no two answers to compare, no input that varies within a condition, or too few trials.
pub fn kernel(recorded: &Recorded, focus: &Focus) -> Result<Kernel, AnalysisError> {
    let behaviour = &recorded.behaviour;
    recorded.shown.validate(behaviour)?;
    let [low, high] = answers_of(behaviour, focus)?;
    let side = |trial: usize| match behaviour.action[trial] {
        Some(action) if behaviour.chosen[trial] && action == high => Some(true),
        Some(action) if behaviour.chosen[trial] && action == low => Some(false),
        _ => None,
    };
    let sides: Vec<Option<bool>> = (0..behaviour.n_trials()).map(side).collect();
    let epochs: Vec<&str> = match &focus.align {
        Some(name) => vec![name],
        None => behaviour.onset_ms.keys().map(String::as_str).collect(),
    };
    let spacing = recorded.shown.spacing_ms();
    let bin_ms = (BIN_MS / spacing).ceil().max(1.0) * spacing;
    let conditions = conditions(behaviour, &focus.conditions);
    let mut best: Option<(f64, &str, Vec<InputKernel>)> = None;
    for epoch in epochs {
        let event = Event::named(behaviour, epoch)?;
        let mut spread = 0.0;
        let mut found: Vec<(f64, InputKernel)> = Vec::new();
        for (i, name) in recorded.input_names.iter().enumerate() {
            let binned = binned(recorded, i, &event, bin_ms);
            let residuals: Vec<Vec<Option<f64>>> = binned
                .iter()
                .map(|bin| without_condition(bin, &conditions))
                .collect();
            let varies: f64 = residuals.iter().map(|bin| spread_of(bin)).sum();
            if varies > 0.0 {
                spread += varies;
                let kernel = compared(name, &binned, &sides, &conditions, bin_ms);
                let most = kernel.difference.iter().map(|d| d.abs()).fold(0.0, f64::max);
                found.extend((!kernel.n.is_empty()).then_some((most, kernel)));
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let kernels: Vec<InputKernel> = found.into_iter().take(MOST_INPUTS).map(|(_, k)| k).collect();
        if !kernels.is_empty() && best.as_ref().is_none_or(|(most, ..)| spread > *most) {
            best = Some((spread, epoch, kernels));
        }
    }
    let (_, event, inputs) = best.ok_or(AnalysisError::Needs {
        what: "an input with noise or random events, and ten recorded trials of each answer",
        hint: "give an input `noise`, or record more: `neuropil test RUN --kind activity --trials-per-condition 100`",
    })?;
    Ok(Kernel {
        event: event.to_owned(),
        answers: [low, high].map(|action| behaviour.actions[action].clone()),
        bin_ms,
        inputs,
    })
}

/// Number of the condition of each trial: of its combination of the named columns.
fn conditions(behaviour: &Behaviour, columns: &[String]) -> Vec<usize> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    (0..behaviour.n_trials())
        .map(|trial| {
            let key: Vec<String> = columns
                .iter()
                .filter_map(|name| {
                    let label = behaviour.labels.get(name).map(|labels| labels[trial].clone());
                    label.or_else(|| Some(behaviour.numbers.get(name)?[trial].to_string()))
                })
                .collect();
            let next = known.len();
            *known.entry(key.join("\u{1f}")).or_insert(next)
        })
        .collect()
}

/// Mean of an input in each bin of an event's window that a trial's epoch fills, \[bin\]\[trial\].
fn binned(recorded: &Recorded, input: usize, event: &Event, bin_ms: f64) -> Vec<Vec<Option<f64>>> {
    let (behaviour, inputs) = (&recorded.behaviour, &recorded.shown);
    let durations = &behaviour.duration_ms[&event.name];
    let longest = durations.iter().copied().fold(0.0, f64::max);
    let n_bins = (longest / bin_ms).floor() as usize;
    (0..n_bins)
        .map(|bin| {
            let (from, to) = (bin as f64 * bin_ms, (bin + 1) as f64 * bin_ms);
            (0..behaviour.n_trials())
                .map(|trial| {
                    let onset = event.at_ms[trial];
                    if !onset.is_finite() || durations[trial] < to {
                        return None;
                    }
                    let steps = inputs.steps(behaviour, trial, onset + from, onset + to);
                    let n = steps.len();
                    let sum: f64 = steps.map(|time| inputs.rate(time, trial, input)).sum();
                    (n > 0).then(|| sum / n as f64)
                })
                .collect()
        })
        .collect()
}

/// Values minus the mean of their condition; conditions of a single trial say nothing.
fn without_condition(values: &[Option<f64>], conditions: &[usize]) -> Vec<Option<f64>> {
    let n_conditions = conditions.iter().max().map_or(0, |most| most + 1);
    let (mut sums, mut counts) = (vec![0.0; n_conditions], vec![0_usize; n_conditions]);
    for (value, &condition) in values.iter().zip(conditions) {
        if let Some(value) = value {
            sums[condition] += value;
            counts[condition] += 1;
        }
    }
    let rest = values.iter().zip(conditions).map(|(value, &condition)| {
        let value = value.filter(|_| counts[condition] > 1)?;
        Some(value - sums[condition] / counts[condition] as f64)
    });
    rest.collect()
}

/// Standard deviation of what is known, without what rounding leaves.
fn spread_of(values: &[Option<f64>]) -> f64 {
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    let sd = if known.len() > 1 {
        variance(&known, 0).sqrt()
    } else {
        0.0
    };
    if sd > 1e-6 { sd } else { 0.0 }
}

/// Difference of means between the two sides within conditions, in each bin that has enough of both.
fn compared(
    input: &str,
    bins: &[Vec<Option<f64>>],
    sides: &[Option<bool>],
    conditions: &[usize],
    bin_ms: f64,
) -> InputKernel {
    let mut kernel = InputKernel {
        input: input.to_owned(),
        times_ms: Vec::new(),
        difference: Vec::new(),
        sem: Vec::new(),
        n: Vec::new(),
        halves: None,
    };
    for (bin, values) in bins.iter().enumerate() {
        let Some(found) = within_conditions(values, sides, conditions) else {
            continue;
        };
        kernel.times_ms.push((bin as f64 + 0.5) * bin_ms);
        kernel.difference.push(found.difference);
        kernel.sem.push(found.sem);
        kernel.n.push(found.n);
    }
    let (half, n) = (kernel.n.len() / 2, kernel.n.len());
    kernel.halves = (half > 0).then(|| {
        [0..half, n - half..n].map(|bins| Weight::over(&kernel.difference[bins.clone()], &kernel.sem[bins]))
    });
    kernel
}

/// What the sides differ by within conditions.
struct Within {
    difference: f64,
    sem: f64,
    n: usize,
}

/// Least squares of a value on the side with a mean of its own for each condition: Σ x̃ỹ / Σ ỹ², where x̃ and ỹ are the value
/// and the side less their means of the condition.
fn within_conditions(values: &[Option<f64>], sides: &[Option<bool>], conditions: &[usize]) -> Option<Within> {
    let known = values.iter().zip(sides).zip(conditions);
    let mut of_condition: BTreeMap<usize, Vec<(f64, bool)>> = BTreeMap::new();
    for ((value, side), &condition) in known {
        if let (Some(value), Some(side)) = (value, side) {
            of_condition.entry(condition).or_default().push((*value, *side));
        }
    }
    let both = |trials: &&Vec<(f64, bool)>| {
        trials.iter().any(|trial| trial.1) && trials.iter().any(|trial| !trial.1)
    };
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    let (mut n_high, mut n_low, mut n_conditions) = (0, 0, 0);
    for trials in of_condition.values().filter(both) {
        let n = trials.len() as f64;
        let high = trials.iter().filter(|trial| trial.1).count();
        let (x, y) = (
            trials.iter().map(|trial| trial.0).sum::<f64>() / n,
            high as f64 / n,
        );
        for &(value, side) in trials {
            let (dx, dy) = (value - x, f64::from(u8::from(side)) - y);
            xx += dx * dx;
            xy += dx * dy;
            yy += dy * dy;
        }
        n_high += high;
        n_low += trials.len() - high;
        n_conditions += 1;
    }
    let n = n_high + n_low;
    if n_high.min(n_low) < FEWEST || n <= n_conditions + 1 {
        return None;
    }
    let difference = xy / yy;
    let rest = (xx - difference * xy).max(0.0) / (n - n_conditions - 1) as f64;
    Some(Within {
        difference,
        sem: (rest / yy).sqrt(),
        n,
    })
}

#[cfg(test)]
mod tests {
    use super::super::activity::Activity;
    use super::super::synthetic;
    use super::*;
    use neuropil_math::rng::{Key, Purpose};
    use rand::RngExt;

    /// Two conditions in which nine of ten choices are the same: the weight is that within each of them.
    #[test]
    fn conditions_that_decide_most_choices_do_not_dilute_the_weight() {
        let n = 4000;
        let condition: Vec<usize> = (0..n).map(|trial| trial % 2).collect();
        // The fewer choices of a condition come with one unit more of the input.
        let rare = |trial: usize| (trial / 2).is_multiple_of(10);
        let side = |trial: usize| Some((condition[trial] == 1) != rare(trial));
        let value = |trial: usize| {
            let jitter = if (trial / 20).is_multiple_of(2) { 0.5 } else { -0.5 };
            let high = f64::from(u8::from(side(trial) == Some(true)));
            Some(3.0 * condition[trial] as f64 + high + jitter)
        };
        let (values, sides) = (
            (0..n).map(value).collect::<Vec<_>>(),
            (0..n).map(side).collect::<Vec<_>>(),
        );
        let found = within_conditions(&values, &sides, &condition).unwrap();
        assert!(
            (found.difference - 1.0).abs() < 3.0 * found.sem && found.sem < 0.05,
            "{} ± {}",
            found.difference,
            found.sem
        );
        assert_eq!(found.n, n);
        let alike: Vec<Option<bool>> = condition.iter().map(|&c| Some(c == 1)).collect();
        assert!(within_conditions(&values, &alike, &condition).is_none());
    }

    /// An animal that hears only the first half of what comes: noise of two bins decides, the rest does not.
    #[test]
    fn what_is_heard_weighs_and_what_is_not_does_not() {
        let n = 2000;
        let mut behaviour = synthetic::rdm(n, 1);
        behaviour.onset_ms.insert("stimulus".into(), vec![100.0; n]);
        behaviour.duration_ms.insert("stimulus".into(), vec![400.0; n]);
        behaviour.n_steps = vec![80; n];
        let mut stream = Key::new(4).stream(Purpose::Test, 0);
        let times_ms: Vec<f64> = (0..40).map(|k| f64::from(k) * 20.0).collect();
        let mut inputs = vec![0.0_f32; 40 * n * 2];
        for trial in 0..n {
            let mut heard = 0.0;
            for time in 0..40 {
                let noise: f32 = stream.random_range(-1.0..1.0);
                inputs[(time * n + trial) * 2] = noise;
                inputs[(time * n + trial) * 2 + 1] = 1.0;
                if (100.0..300.0).contains(&times_ms[time]) {
                    heard += noise;
                }
            }
            behaviour.action[trial] = Some(if heard > 0.0 { 2 } else { 1 });
            behaviour.chosen[trial] = true;
        }
        let activity = Activity {
            times_ms,
            n_trials: n,
            n_units: 2,
            rates: inputs,
        };
        let recorded = Recorded {
            input_names: vec!["NOISE".into(), "ON".into()],
            shown: activity,
            behaviour,
            ..Recorded::default()
        };
        let focus = Focus {
            align: Some("stimulus".into()),
            conditions: vec!["coherence".into(), "direction".into()],
            ..Focus::default()
        };
        let found = kernel(&recorded, &focus).unwrap();
        assert_eq!(found.inputs.len(), 1, "a constant input has no kernel");
        let kernel = &found.inputs[0];
        assert_eq!(kernel.times_ms, [50.0, 150.0, 250.0, 350.0]);
        let [early, late] = kernel.halves.unwrap();
        assert!(early.difference > 12.0 * early.sem && late.difference.abs() < 3.0 * late.sem);
        assert_eq!(
            early.difference,
            f64::midpoint(kernel.difference[0], kernel.difference[1])
        );
        assert!(
            kernel.difference[..2]
                .iter()
                .zip(&kernel.sem)
                .all(|(d, s)| *d > 8.0 * s),
            "{kernel:?}"
        );
        assert!(
            kernel.difference[2..]
                .iter()
                .zip(&kernel.sem[2..])
                .all(|(d, s)| d.abs() < 4.0 * s),
            "{kernel:?}"
        );
    }
}
