//! Units that carry values: correlation of pre-choice activity with value and choice.
//!
//! With x = (n_B − n_A)/(n_B + n_A) and x₀ its value at the indifference point, a unit's mean rate before the
//! choice is correlated with the chosen value |x − x₀|, the offer value of A −max(0, x₀ − x), the offer value of
//! B max(0, x − x₀) and the choice (B +1, A −1). Its type is the regressor with the largest r² among those with
//! p < 0.05 and r² ≥ 0.05.
//!
//! Song, Yang & Wang 2017, figure 4; Padoa-Schioppa & Assad, Nature 441, 223 (2006).

use neuropil_math::stats::{
    correlation::{Correlation, pearson},
    summary::Summary,
};
use serde::{Deserialize, Serialize};

use super::{
    AnalysisError,
    activity::Activity,
    axis::Axis,
    economic::{ChoicePattern, choice_pattern},
    unit_activity::{CHOICE, event_ms},
};
use crate::behaviour::Behaviour;

/// Time before the choice over which rates are averaged, in ms.
const WINDOW_MS: f64 = 500.0;
const MAX_P: f64 = 0.05;
const MIN_R2: f64 = 0.05;

/// What a unit can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variable {
    /// Value of what was chosen.
    ChosenValue,
    /// Value of the offer of A.
    OfferValueA,
    /// Value of the offer of B.
    OfferValueB,
    /// Which juice was chosen.
    Choice,
}

impl Variable {
    /// All, in the order of the results.
    pub const ALL: [Self; 4] = [
        Self::ChosenValue,
        Self::OfferValueA,
        Self::OfferValueB,
        Self::Choice,
    ];

    fn at(self, relative: f64, chose_b: bool) -> f64 {
        match self {
            Self::ChosenValue => relative.abs(),
            Self::OfferValueA => -(-relative).max(0.0),
            Self::OfferValueB => relative.max(0.0),
            Self::Choice => {
                if chose_b {
                    1.0
                } else {
                    -1.0
                }
            }
        }
    }
}

/// Classification of all units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitValues {
    /// Trials behind the correlations.
    pub n_trials: usize,
    /// Amount of B worth one A.
    pub indifference: f64,
    /// Units of each type.
    pub counts: Vec<(Variable, usize)>,
    /// Units of any type.
    pub n_classified: usize,
    /// All units, in order.
    pub units: Vec<UnitValue>,
    /// Rates against the offers of the unit that carries each variable best, if any does.
    pub tuning: Vec<Tuning>,
}

/// Rate of one unit against the offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// Index of the unit.
    pub unit: usize,
    /// What it carries.
    pub carries: Variable,
    /// One curve for each part of the trial.
    pub curves: Vec<TuningCurve>,
}

/// Rate against the offers in one part of the trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TuningCurve {
    /// Which part: before and after the offer, late in the delay, before the choice.
    pub part: String,
    /// Mean rate of each trial with a choice, summarised by offer; in the order of [`Offers`].
    pub rates: Vec<Summary>,
    /// The offers.
    pub offers: Vec<Offers>,
}

/// Drops of each juice on offer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offers {
    /// Of B.
    pub n_b: f64,
    /// Of A.
    pub n_a: f64,
}

/// Correlations of one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitValue {
    /// With each of [`Variable::ALL`]; none where the rate or the variable does not vary.
    pub correlations: [Option<Correlation>; 4],
    /// What the unit carries, if anything.
    pub carries: Option<Variable>,
}

/// Classifies the units by their mean rate in the 500 ms before the choice, over trials that offered both juices.
///
/// # Errors
/// Activity or factors are missing, there is no indifference point, or no trial qualifies.
pub fn unit_values(behaviour: &Behaviour, activity: &Activity) -> Result<UnitValues, AnalysisError> {
    let pattern = choice_pattern(behaviour)?;
    activity.validate(behaviour)?;
    let (fit, indifference) =
        pattern
            .fit
            .zip(pattern.indifference_point)
            .ok_or_else(|| AnalysisError::NoFit {
                what: "the indifference point".to_owned(),
                reason: "no offer is worth as much as the other".to_owned(),
            })?;
    let axis = Axis::of(behaviour)?;
    let (n_a, n_b) = (behaviour.number("n_a")?, behaviour.number("n_b")?);
    let window = |trial: usize| {
        let end = behaviour.choice_ms[trial];
        activity.steps(behaviour, trial, end - WINDOW_MS, end)
    };
    let trials = behaviour.trials_where(|trial| {
        let offered_both = n_a[trial] > 0.0 && n_b[trial] > 0.0;
        offered_both && axis.chose_positive[trial].is_some() && !window(trial).is_empty()
    });
    if trials.is_empty() {
        return Err(behaviour.none_of_the_trials("offered both juices and ended in a choice"));
    }
    let mean_rate = |trial: usize, unit: usize| {
        let steps = window(trial);
        let n = steps.len() as f64;
        steps.map(|time| activity.rate(time, trial, unit)).sum::<f64>() / n
    };
    let rates: Vec<f64> = trials
        .iter()
        .flat_map(|&trial| (0..activity.n_units).map(move |unit| (trial, unit)))
        .map(|(trial, unit)| mean_rate(trial, unit))
        .collect();
    let x: Vec<f64> = trials
        .iter()
        .map(|&t| (n_b[t] - n_a[t]) / (n_b[t] + n_a[t]))
        .collect();
    let chose_b: Vec<bool> = trials
        .iter()
        .map(|&trial| axis.chose_positive[trial] == Some(true))
        .collect();
    let units = classify_units(&rates, activity.n_units, &x, &chose_b, fit.mu);
    let count = |variable| units.iter().filter(|unit| unit.carries == Some(variable)).count();
    Ok(UnitValues {
        n_trials: trials.len(),
        indifference,
        counts: Variable::ALL.map(|variable| (variable, count(variable))).to_vec(),
        n_classified: units.iter().filter(|unit| unit.carries.is_some()).count(),
        tuning: tuning(behaviour, activity, &units, &pattern)?,
        units,
    })
}

/// Parts of a trial: name, event, and window around it in ms.
const PARTS: [(&str, &str, (f64, f64)); 4] = [
    ("before the offer", "offer-on", (-500.0, 0.0)),
    ("after the offer", "offer-on", (0.0, 500.0)),
    ("late delay", "offer-on", (500.0, 1000.0)),
    ("before the choice", CHOICE, (-500.0, 0.0)),
];

/// Rates against the offers of the best unit of each kind.
fn tuning(
    behaviour: &Behaviour,
    activity: &Activity,
    units: &[UnitValue],
    pattern: &ChoicePattern,
) -> Result<Vec<Tuning>, AnalysisError> {
    let (n_a, n_b) = (behaviour.number("n_a")?, behaviour.number("n_b")?);
    let offers: Vec<Offers> = pattern
        .offers
        .iter()
        .map(|offer| Offers {
            n_b: offer.n_b,
            n_a: offer.n_a,
        })
        .collect();
    let mut found = Vec::new();
    for (i, variable) in Variable::ALL.into_iter().enumerate() {
        let explained =
            |unit: &UnitValue| unit.correlations[i].map_or(0.0, |correlation| correlation.r.powi(2));
        let carrying = units
            .iter()
            .enumerate()
            .filter(|(_, unit)| unit.carries == Some(variable));
        let Some((unit, _)) = carrying.max_by(|a, b| explained(a.1).total_cmp(&explained(b.1))) else {
            continue;
        };
        let curves = PARTS.into_iter().map(|(part, event, (from, to))| {
            let at_ms = event_ms(behaviour, event)?;
            let mean_rate = |trial: usize| {
                let steps = activity.steps(behaviour, trial, at_ms[trial] + from, at_ms[trial] + to);
                let n = steps.len() as f64;
                (n > 0.0).then(|| steps.map(|time| activity.rate(time, trial, unit)).sum::<f64>() / n)
            };
            let rates = offers.iter().map(|offer| {
                let here = |trial: usize| {
                    behaviour.chosen[trial] && (n_b[trial], n_a[trial]) == (offer.n_b, offer.n_a)
                };
                let trials = behaviour.trials_where(here);
                Summary::of(&trials.into_iter().filter_map(mean_rate).collect::<Vec<_>>())
            });
            Ok(TuningCurve {
                part: part.to_owned(),
                rates: rates.collect(),
                offers: offers.clone(),
            })
        });
        found.push(Tuning {
            unit,
            carries: variable,
            curves: curves.collect::<Result<_, AnalysisError>>()?,
        });
    }
    Ok(found)
}

/// Classifies units from their pre-choice rates.
///
/// - `rates`: trial × unit
/// - `x`: (n_B − n_A)/(n_B + n_A) of each trial
/// - `indifference_x`: x at the indifference point
pub fn classify_units(
    rates: &[f64],
    n_units: usize,
    x: &[f64],
    chose_b: &[bool],
    indifference_x: f64,
) -> Vec<UnitValue> {
    assert_eq!(
        rates.len(),
        x.len() * n_units,
        "rates of {} trials and {n_units} units",
        x.len()
    );
    assert_eq!(x.len(), chose_b.len(), "one choice for each trial");
    let regressors = Variable::ALL.map(|variable| -> Vec<f64> {
        x.iter()
            .zip(chose_b)
            .map(|(x, &b)| variable.at(x - indifference_x, b))
            .collect()
    });
    (0..n_units)
        .map(|unit| {
            let rate: Vec<f64> = rates.iter().skip(unit).step_by(n_units).copied().collect();
            let correlations = regressors
                .each_ref()
                .map(|regressor| pearson(regressor, &rate).ok());
            UnitValue {
                correlations,
                carries: strongest(&correlations),
            }
        })
        .collect()
}

fn strongest(correlations: &[Option<Correlation>; 4]) -> Option<Variable> {
    let mut best: Option<(Variable, f64)> = None;
    for (variable, correlation) in Variable::ALL.into_iter().zip(correlations) {
        if let Some(Correlation { r, p, .. }) = *correlation {
            let explained = r * r;
            if p < MAX_P && explained >= MIN_R2 && best.is_none_or(|(_, most)| explained > most) {
                best = Some((variable, explained));
            }
        }
    }
    best.map(|(variable, _)| variable)
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn units_are_found_that_carry_choice_and_silent_ones_carry_nothing() {
        let behaviour = synthetic::economic(900, 1);
        let axis = Axis::of(&behaviour).unwrap();
        let times_ms: Vec<f64> = (0..351).map(|k| f64::from(k) * 10.0).collect();
        let chose = |trial: usize| f32::from(axis.chose_positive[trial] == Some(true));
        let rates = times_ms
            .iter()
            .flat_map(|_| (0..900).flat_map(|trial| [1.0 + chose(trial), 3.0]))
            .collect();
        let activity = Activity {
            times_ms,
            n_trials: 900,
            n_units: 2,
            rates,
        };
        let result = unit_values(&behaviour, &activity).unwrap();
        assert_eq!(result.units[0].carries, Some(Variable::Choice));
        assert_eq!(
            (result.units[1].carries, result.units[1].correlations),
            (None, [None; 4])
        );
        assert_eq!(result.n_classified, 1);
        assert_eq!((result.tuning.len(), result.tuning[0].unit), (1, 0));
        let before_choice = &result.tuning[0].curves[3];
        assert_eq!(
            (before_choice.offers[0].n_b, before_choice.offers[8].n_a),
            (0.0, 0.0)
        );
        assert!(before_choice.rates[0].mean.unwrap() < 1.1 && before_choice.rates[8].mean.unwrap() > 1.9);
        assert!(result.n_trials < 900, "forced offers are left out");
    }
}
