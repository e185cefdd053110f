//! Detection: answers to signals (hits) and without (false alarms), and what they say of sensitivity and bias.
//!
//! d′ = z(H) − z(F), c = −(z(H) + z(F))/2, with half a trial added to each count, which keeps both finite
//! (Hautus, Behav. Res. Methods 27, 46, 1995). Green & Swets, Signal Detection Theory and Psychophysics (1966).

use neuropil_math::stats::normal::quantile;
use serde::{Deserialize, Serialize};

use super::levels::{Level, sorted};
use super::{AnalysisError, Focus, proportion::Proportion};
use crate::behaviour::Behaviour;

/// Names by which a signal is known.
const SIGNALS: [&str; 4] = ["target", "signal", "go", "match"];
/// Trials of each kind that a place in the session needs.
const FEWEST: usize = 10;

/// Hits and false alarms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// The quantity that says whether there is a signal.
    pub signal: String,
    /// Its level that counts as one.
    pub present: String,
    /// All trials at whose place in a session there can be a signal.
    pub all: Sensitivity,
    /// Trials at places without a signal in any session, which are left out: not to answer there takes no detection.
    #[serde(default)]
    pub left_out: usize,
    /// By place in the session, or by the quantity in focus; empty where there is neither.
    pub by: String,
    /// One entry a level.
    pub levels: Vec<(Level, Sensitivity)>,
}

/// Hits, false alarms, sensitivity and criterion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// Answers among trials with a signal.
    pub hits: Proportion,
    /// Answers among trials without.
    pub false_alarms: Proportion,
    /// d′.
    pub dprime: f64,
    /// Criterion c: above 0, answers are rare.
    pub criterion: f64,
}

/// Compares trials with and without a signal: `[analysis] signal` of the task, or a quantity called `target`, `signal`, `go`
/// or `match`, of two levels.
///
/// # Errors
/// No such quantity, several actions that could be the answer, or no trials of a kind.
pub fn detection(behaviour: &Behaviour, focus: &Focus) -> Result<Detection, AnalysisError> {
    let needs = AnalysisError::Needs {
        what: "one answer, and a quantity of two levels that says whether there is a signal",
        hint: "name it `target`, or write `[analysis] signal = \"…\"` in the task",
    };
    if behaviour.actions.len() != 2 {
        return Err(needs);
    }
    let known = |name: &&str| behaviour.numbers.contains_key(*name) || behaviour.labels.contains_key(*name);
    let Some(signal) = focus
        .signal
        .as_deref()
        .or_else(|| SIGNALS.into_iter().find(known))
    else {
        return Err(needs);
    };
    let found = sorted(behaviour, Some(signal), |_| true)?.swap_remove(0);
    let [absent, present] = &found.levels[..] else {
        return Err(needs);
    };
    // Of labels, the one called like the signal is it: `go` of go and nogo.
    let swapped =
        !found.is_numeric && present.name.len() > absent.name.len() && present.name.contains(&absent.name);
    let (absent, present) = if swapped {
        (present, absent)
    } else {
        (absent, present)
    };
    let of = |keep: &dyn Fn(usize) -> bool| -> Option<Sensitivity> {
        let rate = |level: &Level| {
            let trials: Vec<usize> = level
                .trials
                .iter()
                .copied()
                .filter(|&trial| keep(trial))
                .collect();
            Proportion::among(&trials, |trial| behaviour.chosen[trial])
        };
        Some(sensitivity(rate(present)?, rate(absent)?))
    };
    let places = behaviour.numbers.get("trial");
    let place_of = |trial: usize| places.map_or(0, |places| places[trial].to_bits());
    let possible: std::collections::BTreeSet<u64> =
        present.trials.iter().map(|&trial| place_of(trial)).collect();
    let all = of(&|trial| possible.contains(&place_of(trial)))
        .ok_or_else(|| behaviour.none_of_the_trials("had a signal, or none had no signal"))?;
    let left_out = absent.trials.len() - all.false_alarms.n;
    let place = behaviour.numbers.contains_key("trial").then_some("trial");
    let by = focus.by.as_deref().filter(|by| *by != signal).or(place);
    let mut levels = Vec::new();
    if let Some(by) = by {
        let sorted = sorted(behaviour, Some(by), |_| true)?.swap_remove(0);
        for level in sorted.levels {
            let here: std::collections::BTreeSet<usize> = level.trials.iter().copied().collect();
            let found = of(&|trial| here.contains(&trial));
            let enough = |s: &Sensitivity| s.hits.n.min(s.false_alarms.n) >= FEWEST;
            levels.extend(found.filter(enough).map(|found| (level, found)));
        }
    }
    Ok(Detection {
        signal: signal.to_owned(),
        present: present.name.clone(),
        all,
        left_out,
        by: by.unwrap_or_default().to_owned(),
        levels,
    })
}

fn sensitivity(hits: Proportion, false_alarms: Proportion) -> Sensitivity {
    let z = |p: &Proportion| quantile((p.count as f64 + 0.5) / (p.n as f64 + 1.0));
    let (h, f) = (z(&hits), z(&false_alarms));
    Sensitivity {
        hits,
        false_alarms,
        dprime: h - f,
        criterion: -0.5 * (h + f),
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn places_without_a_signal_do_not_count_as_false_alarms_avoided() {
        let mut behaviour = synthetic::detector(4_000, 2);
        let n = behaviour.n_trials();
        let whole = detection(&behaviour, &Focus::default()).unwrap();
        // Every trial without a signal once more, at places at which there never is one, and without an answer.
        let absent: Vec<usize> = (0..n)
            .filter(|&trial| behaviour.numbers["target"][trial] == 0.0)
            .collect();
        let mut place: Vec<f64> = (0..n).map(|trial| 3.0 + (trial % 7) as f64).collect();
        for &trial in absent.iter().step_by(2) {
            place[trial] = 1.0;
            behaviour.chosen[trial] = false;
        }
        behaviour.numbers.insert("trial".to_owned(), place);
        let found = detection(&behaviour, &Focus::default()).unwrap();
        assert_eq!(found.left_out, absent.len().div_ceil(2));
        assert_eq!(found.all.hits, whole.all.hits);
        assert!(
            (found.all.dprime - whole.all.dprime).abs() < 0.15,
            "{:?} {:?}",
            found.all,
            whole.all
        );
    }

    #[test]
    fn an_observer_of_known_sensitivity_is_found() {
        let found = detection(&synthetic::detector(20_000, 1), &Focus::default()).unwrap();
        assert_eq!((found.signal.as_str(), found.present.as_str()), ("target", "1"));
        assert!(
            (found.all.dprime - synthetic::DPRIME).abs() < 0.08,
            "{:?}",
            found.all
        );
        assert!(
            (found.all.criterion - synthetic::CRITERION).abs() < 0.04,
            "{:?}",
            found.all
        );
        let words = detection(&synthetic::rdm(100, 1), &Focus::default())
            .unwrap_err()
            .to_string();
        assert!(words.contains("needs one answer"), "{words}");
    }
}
