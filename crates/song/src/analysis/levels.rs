//! Trials sorted by whatever varies in a task: factors, drawn and derived quantities, durations.
//!
//! A quantity with at most twelve values has a level for each; of one with more, five bins of equally many trials are made.
//! Several quantities, `A,B`, have a level for every combination of theirs.

use std::collections::HashSet;

use neuropil_math::stats::{bins::equal_count_bins, summary::mean};
use serde::{Deserialize, Serialize};

use super::{AnalysisError, axis::distinct, error::listed};
use crate::behaviour::Behaviour;

/// Values that are levels of their own.
const MOST_LEVELS: usize = 12;
/// Bins of a quantity beside others that have many levels.
const FEW_BINS: usize = 3;
/// Combinations of several quantities that are levels.
const MOST_COMBINED: usize = 24;
/// Bins of a quantity with more values.
const BINS: usize = 5;
/// Trials without which a level is left out.
const FEWEST: usize = 5;
/// Quantities that are sorted by when nobody says which.
const MOST_FACTORS: usize = 6;

/// A level of a quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Its label or value; of a bin, the range.
    pub name: String,
    /// Its value, or its number if it is a label; of a bin, the mean.
    pub value: f64,
    /// Trials of this level.
    #[serde(skip)]
    pub trials: Vec<usize>,
}

/// Trials sorted by one quantity.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sorted {
    /// Its name.
    pub(crate) by: String,
    /// Its values are numbers.
    pub(crate) is_numeric: bool,
    /// Its levels, ascending or in the order of their labels.
    pub(crate) levels: Vec<Level>,
}

/// The given trials sorted by `by`, or by all that varies if nobody says.
///
/// # Errors
/// Nothing of that name, or nothing that varies.
pub(crate) fn sorted(
    behaviour: &Behaviour,
    by: Option<&str>,
    keep: impl Fn(usize) -> bool,
) -> Result<Vec<Sorted>, AnalysisError> {
    let trials = behaviour.trials_where(keep);
    if let Some(name) = by {
        let named = |name: &str, n_bins: usize| {
            one(behaviour, name, &trials, n_bins).ok_or_else(|| AnalysisError::NoSuch {
                what: "quantity that takes several values",
                asked: name.to_owned(),
                known: listed(names(behaviour).iter().map(String::as_str)),
            })
        };
        let names: Vec<&str> = parts(name).collect();
        let each = names.iter().map(|name| named(name, BINS));
        let mut each: Vec<Sorted> = each.collect::<Result<_, _>>()?;
        // Of several quantities the later ones are told less finely, if that makes their combinations few enough.
        for k in (1..each.len()).rev() {
            let combinations: usize = each.iter().map(|sorted| sorted.levels.len()).product();
            if combinations > MOST_COMBINED {
                each[k] = named(names[k], FEW_BINS)?;
            }
        }
        return Ok(vec![combined(each)?]);
    }
    let mut all: Vec<Sorted> = Vec::new();
    for name in names(behaviour) {
        let Some(found) = one(behaviour, &name, &trials, BINS) else {
            continue;
        };
        // Quantities that sort the trials alike would be shown twice.
        let known = all.iter().any(|other| {
            let groups = |sorted: &Sorted| {
                let mut groups: Vec<Vec<usize>> = sorted.levels.iter().map(|l| l.trials.clone()).collect();
                groups.sort();
                groups
            };
            groups(other) == groups(&found)
        });
        if !known && all.len() < MOST_FACTORS {
            all.push(found);
        }
    }
    if all.is_empty() {
        return Err(AnalysisError::NothingVaries);
    }
    Ok(all)
}

/// The names in `A,B`.
pub(crate) fn parts(by: &str) -> impl Iterator<Item = &str> {
    by.split(',').map(str::trim)
}

/// One sorting by all combinations of levels, the last quantity's fastest.
fn combined(each: Vec<Sorted>) -> Result<Sorted, AnalysisError> {
    let mut each = each.into_iter();
    let first = each.next().expect("at least one name");
    each.try_fold(first, |outer, inner| {
        let within: Vec<HashSet<usize>> = inner
            .levels
            .iter()
            .map(|level| level.trials.iter().copied().collect())
            .collect();
        let pairs = outer.levels.iter().flat_map(|a| {
            inner
                .levels
                .iter()
                .zip(&within)
                .map(move |(b, within)| (a, b, within))
        });
        let levels: Vec<Level> = pairs
            .map(|(a, b, within)| Level {
                name: format!("{}, {}", a.name, b.name),
                value: 0.0,
                trials: a
                    .trials
                    .iter()
                    .copied()
                    .filter(|trial| within.contains(trial))
                    .collect(),
            })
            .filter(|level| level.trials.len() >= FEWEST)
            .enumerate()
            .map(|(i, level)| Level {
                value: i as f64,
                ..level
            })
            .collect();
        let by = format!("{}, {}", outer.by, inner.by);
        if !(2..=MOST_COMBINED).contains(&levels.len()) {
            return Err(AnalysisError::Combinations {
                found: levels.len(),
                of: by,
                fewest: FEWEST,
                most: MOST_COMBINED,
            });
        }
        Ok(Sorted {
            by,
            is_numeric: false,
            levels,
        })
    })
}

/// Everything that trials can be sorted by: labels, numbers, durations of epochs (`EPOCH_ms`).
pub(crate) fn names(behaviour: &Behaviour) -> Vec<String> {
    let own = behaviour.labels.keys().chain(behaviour.numbers.keys()).cloned();
    let durations = behaviour.duration_ms.keys().map(|epoch| format!("{epoch}_ms"));
    own.chain(durations).collect()
}

fn one(behaviour: &Behaviour, name: &str, trials: &[usize], n_bins: usize) -> Option<Sorted> {
    if let Some(labels) = behaviour.labels.get(name) {
        let mut known: Vec<&String> = trials.iter().map(|&trial| &labels[trial]).collect();
        known.sort();
        known.dedup();
        let level = |(i, label): (usize, &&String)| Level {
            name: (*label).clone(),
            value: i as f64,
            trials: trials
                .iter()
                .copied()
                .filter(|&trial| labels[trial] == **label)
                .collect(),
        };
        return several(name, false, known.iter().enumerate().map(level).collect());
    }
    let values = match name
        .strip_suffix("_ms")
        .and_then(|epoch| behaviour.duration_ms.get(epoch))
    {
        Some(durations) => durations,
        None => behaviour.numbers.get(name)?,
    };
    let trials: Vec<usize> = trials
        .iter()
        .copied()
        .filter(|&trial| values[trial].is_finite())
        .collect();
    let known = distinct(trials.iter().map(|&trial| values[trial]));
    if known.len() <= MOST_LEVELS {
        let level = |&value: &f64| Level {
            name: value.to_string(),
            value,
            trials: trials
                .iter()
                .copied()
                .filter(|&trial| values[trial] == value)
                .collect(),
        };
        return several(name, true, known.iter().map(level).collect());
    }
    let given: Vec<f64> = trials.iter().map(|&trial| values[trial]).collect();
    let bins = equal_count_bins(&given, n_bins).ok()?;
    let level = |bin: &Vec<usize>| {
        let of_bin: Vec<f64> = bin.iter().map(|&row| given[row]).collect();
        Level {
            name: format!("{} to {}", short(of_bin[0]), short(of_bin[of_bin.len() - 1])),
            value: mean(&of_bin),
            trials: bin.iter().map(|&row| trials[row]).collect(),
        }
    };
    several(name, true, bins.iter().map(level).collect())
}

/// A number with at most three decimals.
fn short(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0 + 0.0
}

/// The levels with enough trials, if there are two.
fn several(name: &str, is_numeric: bool, levels: Vec<Level>) -> Option<Sorted> {
    let levels: Vec<Level> = levels
        .into_iter()
        .filter(|level| level.trials.len() >= FEWEST)
        .collect();
    (2..=MOST_LEVELS).contains(&levels.len()).then(|| Sorted {
        by: name.to_owned(),
        is_numeric,
        levels,
    })
}

/// Share of the variance of `values` (one per trial; NaN counts as none) that lies between the levels, η².
pub(crate) fn eta_squared(levels: &[Vec<usize>], values: &[f64]) -> f64 {
    let of = |trials: &[usize]| -> Vec<f64> {
        let values = trials.iter().map(|&trial| values[trial]);
        values.filter(|value| value.is_finite()).collect()
    };
    let groups: Vec<Vec<f64>> = levels.iter().map(|trials| of(trials)).collect();
    let all: Vec<f64> = groups.concat();
    let centre = mean(&all);
    let total: f64 = all.iter().map(|value| (value - centre).powi(2)).sum();
    let between: f64 = groups
        .iter()
        .filter(|group| !group.is_empty())
        .map(|group| group.len() as f64 * (mean(group) - centre).powi(2))
        .sum();
    // Rates are kept in single precision: what varies less than that does not vary.
    let rounding = all.len() as f64 * (1e-6 * centre.abs() + 1e-9).powi(2);
    if total > rounding { between / total } else { 0.0 }
}

/// [`eta_squared`] without what chance alone would explain, (k − 1)/(n − 1) of the variance for k levels of n trials; never below 0.
pub(crate) fn explained(levels: &[Vec<usize>], values: &[f64]) -> f64 {
    let n = levels
        .concat()
        .iter()
        .filter(|&&trial| values[trial].is_finite())
        .count() as f64;
    let free = n - levels.len() as f64;
    if free < 1.0 {
        return 0.0;
    }
    (1.0 - (1.0 - eta_squared(levels, values)) * (n - 1.0) / free).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn few_values_are_levels_and_many_are_bins() {
        let behaviour = synthetic::rdm(500, 1);
        let all = sorted(&behaviour, None, |_| true).unwrap();
        let names: Vec<&str> = all.iter().map(|sorted| sorted.by.as_str()).collect();
        assert_eq!(names, ["coherence", "direction", "stimulus_ms"]);
        assert_eq!(all.iter().map(|s| s.levels.len()).collect::<Vec<_>>(), [5, 2, 5]);
        let counted: usize = all[2].levels.iter().map(|level| level.trials.len()).sum();
        assert_eq!(counted, 500);
        let words = sorted(&behaviour, Some("colour"), |_| true)
            .unwrap_err()
            .to_string();
        assert!(
            words.contains("no quantity that takes several values `colour`"),
            "{words}"
        );
    }

    #[test]
    fn several_quantities_have_levels_for_their_combinations() {
        let behaviour = synthetic::rdm(500, 1);
        let of = |by| sorted(&behaviour, Some(by), |_| true).map(|mut one| one.remove(0));
        let both = of("direction, coherence").unwrap();
        assert_eq!(
            (both.by.as_str(), both.levels.len()),
            ("direction, coherence", 10)
        );
        let (direction, coherence) = (&behaviour.numbers["direction"], &behaviour.numbers["coherence"]);
        let counted: usize = both.levels.iter().map(|level| level.trials.len()).sum();
        assert_eq!(counted, 500);
        for level in &both.levels {
            let same = |&trial: &usize| level.name == format!("{}, {}", direction[trial], coherence[trial]);
            assert!(level.trials.iter().all(same), "{}", level.name);
        }
        let binned = of("coherence, stimulus_ms").unwrap();
        assert_eq!(binned.levels.len(), 15, "five coherences, three durations");
        let words = of("direction,coherence,stimulus_ms").unwrap_err().to_string();
        assert!(
            words.contains("combinations of at least 5 trials, expected 2 to 24"),
            "{words}"
        );
    }

    #[test]
    fn the_share_of_variance_between_levels_is_known_at_both_ends() {
        let levels = [vec![0, 1], vec![2, 3]];
        assert_eq!(eta_squared(&levels, &[1.0, 1.0, 2.0, 2.0]), 1.0);
        assert_eq!(eta_squared(&levels, &[1.0, 2.0, 2.0, 1.0]), 0.0);
        assert_eq!(eta_squared(&levels, &[1.0; 4]), 0.0);
        // What single precision leaves of a constant is no variance.
        assert_eq!(eta_squared(&levels, &[0.3, 0.3, 0.300_000_01, 0.300_000_01]), 0.0);
        assert_eq!(explained(&levels, &[1.0, 1.0, 2.0, 2.0]), 1.0);
        assert_eq!(explained(&levels, &[1.0, 2.0, 1.5, 2.0]), 0.0);
    }
}
