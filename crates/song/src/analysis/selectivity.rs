//! Which units tell which quantities apart: η² of their mean rate in an epoch, with permutation tests.

use neuropil_math::rng::{Key, Purpose};
use neuropil_math::stats::summary::Summary;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::AnalysisError;
use super::activity::Activity;
use super::levels::{Level, Sorted, eta_squared, explained, sorted};
use crate::behaviour::Behaviour;

/// Permutations of a test.
const PERMUTATIONS: usize = 200;
/// Probability below which a unit counts as selective.
pub const SIGNIFICANCE: f64 = 0.01;
/// Units whose tuning is shown.
const SHOWN: usize = 4;
/// Fewest trials of an epoch in which activity is looked at.
const FEWEST: usize = 20;

/// Selectivity of units for the quantities of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selectivity {
    /// Epoch in which rates were averaged: the one asked for, or that with the strongest selectivity.
    pub epoch: String,
    /// Trials that have it.
    pub n_trials: usize,
    /// One entry for each quantity.
    pub quantities: Vec<QuantitySelectivity>,
}

/// Selectivity of all units for one quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantitySelectivity {
    /// The quantity.
    pub by: String,
    /// Its values are numbers.
    pub is_numeric: bool,
    /// Share of each unit's variance that the quantity explains, η².
    pub eta_squared: Vec<f64>,
    /// Share of permutations of the trials that explain as much, of each unit (never below 1/201).
    pub p: Vec<f64>,
    /// Units with p below 0.01.
    pub n_selective: usize,
    /// Levels of the quantity.
    pub levels: Vec<Level>,
    /// The most selective units.
    pub tuning: Vec<Tuning>,
}

/// Mean rate of a unit at each level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// Unit, from 0.
    pub unit: usize,
    /// Mean rate and its standard error at each level.
    pub rates: Vec<Summary>,
}

/// Tests every unit for `by`, or for all that varies, in the epoch `during` or in the most telling one.
///
/// # Errors
/// No activity, no epoch with enough trials, or nothing that varies.
pub fn selectivity(
    behaviour: &Behaviour,
    activity: &Activity,
    by: Option<&str>,
    during: Option<&str>,
    key: Key,
) -> Result<Selectivity, AnalysisError> {
    activity.validate(behaviour)?;
    let epochs: Vec<&String> = match during {
        Some(name) => {
            behaviour.onset(name)?;
            behaviour
                .onset_ms
                .keys()
                .filter(|epoch| epoch.as_str() == name)
                .collect()
        }
        None => behaviour.onset_ms.keys().collect(),
    };
    let quantities = sorted(behaviour, by, |_| true)?;
    let mut best: Option<(f64, &String, Vec<Vec<f64>>)> = None;
    for epoch in epochs {
        let rates = mean_rates(behaviour, activity, epoch);
        let n = rates
            .first()
            .map_or(0, |rates| rates.iter().filter(|rate| rate.is_finite()).count());
        if n < FEWEST {
            continue;
        }
        let total = quantities.iter().map(|sorted| {
            let levels: Vec<Vec<usize>> = sorted.levels.iter().map(|level| level.trials.clone()).collect();
            rates.iter().map(|rates| explained(&levels, rates)).sum::<f64>()
        });
        let total: f64 = total.sum();
        if best.as_ref().is_none_or(|(most, ..)| total > *most) {
            best = Some((total, epoch, rates));
        }
    }
    let (_, epoch, rates) = best.ok_or(AnalysisError::Needs {
        what: "an epoch with at least 20 recorded trials",
        hint: "record more: `neuropil test RUN --kind activity --trials-per-condition 20`",
    })?;
    let test = |(i, sorted): (usize, &Sorted)| quantity(sorted, &rates, key, i as u64);
    Ok(Selectivity {
        epoch: epoch.clone(),
        n_trials: rates[0].iter().filter(|rate| rate.is_finite()).count(),
        quantities: quantities.iter().enumerate().map(test).collect(),
    })
}

/// Mean rate of each unit in each trial's epoch, \[unit\]\[trial\]; NaN where the trial lacks it.
fn mean_rates(behaviour: &Behaviour, activity: &Activity, epoch: &str) -> Vec<Vec<f64>> {
    let (onset, duration) = (&behaviour.onset_ms[epoch], &behaviour.duration_ms[epoch]);
    let mut rates = vec![vec![f64::NAN; activity.n_trials]; activity.n_units];
    for trial in 0..activity.n_trials {
        if !onset[trial].is_finite() {
            continue;
        }
        let steps = activity.steps(behaviour, trial, onset[trial], onset[trial] + duration[trial]);
        let n = steps.len() as f64;
        for (unit, rates) in rates.iter_mut().enumerate().filter(|_| n > 0.0) {
            rates[trial] = steps
                .clone()
                .map(|time| activity.rate(time, trial, unit))
                .sum::<f64>()
                / n;
        }
    }
    rates
}

fn quantity(sorted: &Sorted, rates: &[Vec<f64>], key: Key, number: u64) -> QuantitySelectivity {
    let levels: Vec<Vec<usize>> = sorted.levels.iter().map(|level| level.trials.clone()).collect();
    let found: Vec<f64> = rates.iter().map(|rates| eta_squared(&levels, rates)).collect();
    let mut as_much = vec![1_usize; rates.len()];
    let mut stream = key.stream(Purpose::Permutation, number);
    let mut order: Vec<usize> = levels.concat();
    for _ in 0..PERMUTATIONS {
        order.shuffle(&mut stream);
        let mut rest = &order[..];
        let shuffled: Vec<Vec<usize>> = levels
            .iter()
            .map(|level| {
                let (these, others) = rest.split_at(level.len());
                rest = others;
                these.to_vec()
            })
            .collect();
        for ((count, rates), found) in as_much.iter_mut().zip(rates).zip(&found) {
            *count += usize::from(eta_squared(&shuffled, rates) >= *found);
        }
    }
    let p: Vec<f64> = as_much
        .iter()
        .map(|&n| n as f64 / (PERMUTATIONS + 1) as f64)
        .collect();
    let mut units: Vec<usize> = (0..rates.len()).collect();
    units.sort_by(|&a, &b| found[b].total_cmp(&found[a]).then(a.cmp(&b)));
    let tuning = |&unit: &usize| Tuning {
        unit,
        rates: levels
            .iter()
            .map(|trials| {
                let rates = trials.iter().map(|&trial| rates[unit][trial]);
                Summary::of(&rates.filter(|rate| rate.is_finite()).collect::<Vec<_>>())
            })
            .collect(),
    };
    QuantitySelectivity {
        by: sorted.by.clone(),
        is_numeric: sorted.is_numeric,
        n_selective: p.iter().filter(|&&p| p < SIGNIFICANCE).count(),
        tuning: units.iter().take(SHOWN).map(tuning).collect(),
        levels: sorted.levels.clone(),
        eta_squared: found,
        p,
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn the_unit_that_carries_a_quantity_is_found_and_the_others_are_not() {
        let (behaviour, activity) = synthetic::coded(200, 1);
        let found = selectivity(&behaviour, &activity, Some("coherence"), None, Key::new(1)).unwrap();
        let one = &found.quantities[0];
        assert_eq!((found.epoch.as_str(), one.tuning[0].unit), ("stimulus", 0));
        assert!(
            one.eta_squared[0] > 0.9 && one.p[0] < 0.01,
            "{:?}",
            one.eta_squared
        );
        assert!((5..=6).contains(&one.n_selective), "{:?}", one.p);
        let rates: Vec<f64> = one.tuning[0].rates.iter().map(|r| r.mean.unwrap()).collect();
        assert!(rates.windows(2).all(|pair| pair[0] < pair[1]), "{rates:?}");
    }
}
