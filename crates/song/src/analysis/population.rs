//! Population activity: principal components of average courses, and regression axes of what varies.
//!
//! The averages r_l(t) of each level l around an event are the points whose principal components are taken. A regression
//! axis of a quantity z is the direction β in which rates change with it: at each moment rates of trials are regressed on
//! all quantities together, r_u = β₀ + Σ β_z z; the β of the moment at which ‖β‖ is largest is kept, and the axes are made
//! orthogonal in the order in which they are given. An angle enters by its cosine and its sine: as a number it would jump
//! where the circle closes.
//!
//! Mante, Sussillo, Shenoy & Newsome, Nature 503, 78 (2013), supplement.

use neuropil_math::linalg::{least_squares, principal_components, thin_qr};
use serde::{Deserialize, Serialize};

use super::activity::Activity;
use super::course::{Event, IN_SESSIONS, course, events, rates_after, sorting};
use super::levels::{Level, Sorted, eta_squared, sorted};
use super::{AnalysisError, Focus};
use crate::behaviour::Behaviour;

/// Components whose share of the variance is reported.
const N_SHARES: usize = 10;
/// Components that courses are projected on.
const N_SHOWN: usize = 3;
/// Quantities that get a regression axis when nobody says which.
const MOST_AXES: usize = 3;
/// Fewest trials of a moment at which rates are regressed.
const FEWEST: usize = 20;

/// Population activity around an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Population {
    /// An epoch, whose onset is time 0, `choice` or `trial`.
    pub event: String,
    /// What trials are sorted by; empty if by nothing.
    pub by: String,
    /// Its values are numbers.
    pub is_numeric: bool,
    /// Moments after the event at which every level has enough trials, ms.
    pub times_ms: Vec<f64>,
    /// Share of the variance of the averages along each principal component.
    pub shares: Vec<f64>,
    /// One trajectory a level.
    pub trajectories: Vec<Trajectory>,
    /// Regression axes.
    pub axes: Vec<RegressionAxis>,
}

/// The average of one level on the principal components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trajectory {
    /// The level.
    pub level: Level,
    /// Its trials that have the event.
    pub n_trials: usize,
    /// Place at each moment on the first three components.
    pub places: Vec<Vec<f64>>,
}

/// The direction in which rates change with a quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegressionAxis {
    /// The quantity; of an angle, its cosine or sine.
    pub of: String,
    /// Moment from which it is, ms after the event.
    pub at_ms: f64,
    /// Unit vector, one entry a unit.
    pub direction: Vec<f64>,
    /// Average of each level of the quantity along it, at each moment.
    pub courses: Vec<Trajectory>,
}

/// Places the averages around the first event in focus.
///
/// # Errors
/// No activity, no event with enough trials, or a quantity that does not exist.
pub fn population(
    behaviour: &Behaviour,
    activity: &Activity,
    focus: &Focus,
) -> Result<Population, AnalysisError> {
    activity.validate(behaviour)?;
    let event = events(behaviour, focus)?.swap_remove(0);
    let rates = rates_after(behaviour, activity, &event);
    let tells = |sorted: &Sorted| -> f64 {
        let levels: Vec<Vec<usize>> = sorted.levels.iter().map(|level| level.trials.clone()).collect();
        rates.iter().map(|rates| eta_squared(&levels, rates)).sum()
    };
    let sorted = sorting(behaviour, focus, tells)?;
    let averages = Averages::of(&sorted, behaviour, activity, &event)?;
    let (n_times, n_units) = (averages.times_ms.len(), activity.n_units);
    let points: Vec<f64> = averages.rates.concat();
    let n_rows = n_times * sorted.levels.len();
    let components = principal_components(&points, n_rows, n_units, N_SHARES)?;
    let total = components.total_variance.max(f64::MIN_POSITIVE);
    let place = |rates: &[f64]| {
        let mut place = components.project(rates);
        place.truncate(N_SHOWN);
        place
    };
    let trajectories = sorted.levels.iter().enumerate().map(|(l, level)| Trajectory {
        level: level.clone(),
        n_trials: averages.n_trials[l],
        places: averages.rates[l].chunks_exact(n_units).map(place).collect(),
    });
    Ok(Population {
        times_ms: averages.times_ms.clone(),
        shares: components.variances.iter().map(|v| v / total).collect(),
        trajectories: trajectories.collect(),
        axes: axes(behaviour, activity, focus, &event)?,
        event: event.name,
        by: sorted.by,
        is_numeric: sorted.is_numeric,
    })
}

/// Average rates of each level at the moments that all levels have.
struct Averages {
    times_ms: Vec<f64>,
    n_trials: Vec<usize>,
    /// Of each level, \[moment\]\[unit\].
    rates: Vec<Vec<f64>>,
}

impl Averages {
    fn of(
        sorted: &Sorted,
        behaviour: &Behaviour,
        activity: &Activity,
        event: &Event,
    ) -> Result<Self, AnalysisError> {
        let of_unit = |level: &Level, unit: usize| {
            let rate = |time: usize, trial: usize| activity.rate(time, trial, unit);
            course(level, behaviour, activity, event, rate)
        };
        let first: Vec<_> = sorted.levels.iter().map(|level| of_unit(level, 0)).collect();
        let in_all = |ms: &&f64| first.iter().all(|course| course.times_ms.contains(ms));
        let times_ms: Vec<f64> = first[0].times_ms.iter().filter(in_all).copied().collect();
        if times_ms.len() < 2 {
            return Err(AnalysisError::Needs {
                what: "two moments at which every level has five running trials",
                hint: "record more: `neuropil test RUN --kind activity --trials-per-condition 20`",
            });
        }
        let mut rates = vec![vec![0.0; times_ms.len() * activity.n_units]; sorted.levels.len()];
        for (level, rates) in sorted.levels.iter().zip(&mut rates) {
            for unit in 0..activity.n_units {
                let course = of_unit(level, unit);
                let known = course.times_ms.iter().zip(&course.mean);
                let kept = known.filter(|(ms, _)| times_ms.contains(ms));
                for (t, (_, mean)) in kept.enumerate() {
                    rates[t * activity.n_units + unit] = *mean;
                }
            }
        }
        Ok(Self {
            times_ms,
            n_trials: first.iter().map(|course| course.n_trials).collect(),
            rates,
        })
    }
}

/// Regression axes of the quantity in focus, or of the first few that vary.
fn axes(
    behaviour: &Behaviour,
    activity: &Activity,
    focus: &Focus,
    event: &Event,
) -> Result<Vec<RegressionAxis>, AnalysisError> {
    let asked = focus.by.as_deref();
    let usable = |s: &Sorted| {
        let orders = s.is_numeric || s.levels.len() == 2;
        orders && (asked.is_some() || !(s.by.ends_with("_ms") || IN_SESSIONS.contains(&s.by.as_str())))
    };
    let quantities: Vec<Sorted> = match sorted(behaviour, asked, |trial| event.at_ms[trial].is_finite()) {
        Err(AnalysisError::NothingVaries) => Vec::new(),
        other => other?.into_iter().filter(usable).take(MOST_AXES).collect(),
    };
    if quantities.is_empty() {
        return Ok(Vec::new());
    }
    let regressors: Vec<Regressor<'_>> = quantities
        .iter()
        .flat_map(|quantity| Regressor::of(quantity, focus))
        .collect();
    // Standardised values of every regressor, for the trials that have a level of each.
    let mut values = vec![vec![f64::NAN; regressors.len()]; behaviour.n_trials()];
    for (q, regressor) in regressors.iter().enumerate() {
        for level in &regressor.quantity.levels {
            let value = regressor.value(level.value);
            level.trials.iter().for_each(|&trial| values[trial][q] = value);
        }
    }
    let trials: Vec<usize> = (0..behaviour.n_trials())
        .filter(|&trial| values[trial].iter().all(|z| z.is_finite()))
        .collect();
    standardise(&mut values, &trials, regressors.len());
    let mut strongest: Vec<Option<(f64, f64, Vec<f64>)>> = vec![None; regressors.len()];
    for offset in super::unit_activity::offsets(event.window_ms, activity) {
        let ms = offset as f64 * activity.spacing_ms();
        if let Some(betas) = regressed(behaviour, activity, event, offset, &values, &trials)? {
            for (strongest, beta) in strongest.iter_mut().zip(betas) {
                let norm = beta.iter().map(|b| b * b).sum::<f64>().sqrt();
                if strongest.as_ref().is_none_or(|(most, ..)| norm > *most) {
                    *strongest = Some((norm, ms, beta));
                }
            }
        }
    }
    let kept: Vec<(&Regressor<'_>, f64, Vec<f64>)> = regressors
        .iter()
        .zip(strongest)
        .filter_map(|(regressor, found)| found.map(|(_, ms, beta)| (regressor, ms, beta)))
        .filter(|(_, _, beta)| beta.iter().any(|b| *b != 0.0))
        .collect();
    let directions = orthogonal(
        &kept.iter().map(|(_, _, beta)| &beta[..]).collect::<Vec<_>>(),
        activity.n_units,
    )?;
    let axis = |((regressor, at_ms, _), direction): ((&Regressor<'_>, f64, Vec<f64>), Vec<f64>)| {
        let along = |time: usize, trial: usize| -> f64 {
            let rates = direction.iter().enumerate();
            rates.map(|(unit, d)| d * activity.rate(time, trial, unit)).sum()
        };
        let courses = regressor.quantity.levels.iter().map(|level| {
            let found = course(level, behaviour, activity, event, along);
            Trajectory {
                level: level.clone(),
                n_trials: found.n_trials,
                places: found
                    .times_ms
                    .iter()
                    .zip(&found.mean)
                    .map(|(&t, &y)| vec![t, y])
                    .collect(),
            }
        });
        RegressionAxis {
            of: regressor.name.clone(),
            at_ms,
            courses: courses.collect(),
            direction: direction.clone(),
        }
    };
    Ok(kept.into_iter().zip(directions).map(axis).collect())
}

/// A column of the regression.
struct Regressor<'a> {
    name: String,
    quantity: &'a Sorted,
    /// Of an angle: after how many degrees it repeats, and the function that is taken of it.
    circular: Option<(f64, fn(f64) -> f64)>,
}

impl<'a> Regressor<'a> {
    /// One column of a quantity, two of an angle.
    fn of(quantity: &'a Sorted, focus: &Focus) -> Vec<Self> {
        let functions: [(&str, fn(f64) -> f64); 2] = [("cos", f64::cos), ("sin", f64::sin)];
        match focus.periods_deg.get(&quantity.by) {
            Some(&period) => {
                let one = |(name, function)| Self {
                    name: format!("{name}({})", quantity.by),
                    quantity,
                    circular: Some((period, function)),
                };
                functions.map(one).into()
            }
            None => vec![Self {
                name: quantity.by.clone(),
                quantity,
                circular: None,
            }],
        }
    }

    fn value(&self, x: f64) -> f64 {
        match self.circular {
            Some((period, function)) => function(std::f64::consts::TAU * x / period),
            None => x,
        }
    }
}

/// Gives each column mean 0 and standard deviation 1 over `trials`.
fn standardise(values: &mut [Vec<f64>], trials: &[usize], n_columns: usize) {
    let n = trials.len().max(1) as f64;
    for q in 0..n_columns {
        let mean = trials.iter().map(|&trial| values[trial][q]).sum::<f64>() / n;
        let squares = trials.iter().map(|&trial| (values[trial][q] - mean).powi(2));
        let sd = (squares.sum::<f64>() / n).sqrt().max(f64::MIN_POSITIVE.sqrt());
        trials
            .iter()
            .for_each(|&trial| values[trial][q] = (values[trial][q] - mean) / sd);
    }
}

/// β of each quantity, \[quantity\]\[unit\], at one moment; none with too few running trials.
fn regressed(
    behaviour: &Behaviour,
    activity: &Activity,
    event: &Event,
    offset: i64,
    values: &[Vec<f64>],
    trials: &[usize],
) -> Result<Option<Vec<Vec<f64>>>, AnalysisError> {
    let (mut design, mut targets, mut n) = (Vec::new(), Vec::new(), 0);
    for &trial in trials {
        let zero = activity.step_at(event.at_ms[trial]);
        let time = zero.and_then(|zero| zero.checked_add_signed(offset as isize));
        let Some(time) =
            time.filter(|&time| time < activity.times_ms.len() && activity.executed(behaviour, time, trial))
        else {
            continue;
        };
        design.push(1.0);
        design.extend_from_slice(&values[trial]);
        targets.extend((0..activity.n_units).map(|unit| activity.rate(time, trial, unit)));
        n += 1;
    }
    let columns = values[0].len() + 1;
    if n < FEWEST.max(2 * columns) {
        return Ok(None);
    }
    let found = least_squares(&design, n, columns, &targets, activity.n_units)?.coefficients;
    Ok(Some(
        found
            .chunks_exact(activity.n_units)
            .skip(1)
            .map(<[f64]>::to_vec)
            .collect(),
    ))
}

/// Unit vectors that span what the given ones do, each orthogonal to those before it.
fn orthogonal(vectors: &[&[f64]], n: usize) -> Result<Vec<Vec<f64>>, AnalysisError> {
    let k = vectors.len();
    let mut columns = vec![0.0; n * k];
    for (j, vector) in vectors.iter().enumerate() {
        vector
            .iter()
            .enumerate()
            .for_each(|(i, value)| columns[i * k + j] = *value);
    }
    let q = thin_qr(&columns, n, k)?.q;
    Ok((0..k).map(|j| (0..n).map(|i| q[i * k + j]).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn the_axis_of_a_quantity_points_to_the_units_that_carry_it() {
        let (behaviour, activity) = synthetic::coded(300, 3);
        let focus = Focus {
            align: Some("stimulus".to_owned()),
            by: Some("coherence".to_owned()),
            ..Focus::default()
        };
        let found = population(&behaviour, &activity, &focus).unwrap();
        assert!(
            (found.shares.iter().sum::<f64>() - 1.0).abs() < 0.2 && found.shares[0] > 0.5,
            "{:?}",
            found.shares
        );
        let axis = &found.axes[0];
        let norm: f64 = axis.direction.iter().map(|d| d * d).sum();
        assert!((norm - 1.0).abs() < 1e-9);
        let strongest = axis.direction.iter().map(|d| d.abs()).fold(0.0, f64::max);
        assert!(axis.direction[0].abs() > 0.3 * strongest, "{:?}", axis.direction);
        // Along it the levels stand in order.
        let late: Vec<f64> = axis
            .courses
            .iter()
            .map(|c| c.places.iter().find(|place| place[0] >= 100.0).unwrap()[1])
            .collect();
        let rises = late.windows(2).all(|pair| pair[0] < pair[1]);
        let falls = late.windows(2).all(|pair| pair[0] > pair[1]);
        assert!(rises || falls, "{late:?}");
    }

    #[test]
    fn an_angle_has_an_axis_of_its_cosine_and_one_of_its_sine() {
        let (mut behaviour, mut activity) = synthetic::coded(320, 5);
        let angles: Vec<f64> = (0..320).map(|trial| f64::from(trial % 8) * 45.0).collect();
        let units = activity.n_units;
        for (i, rates) in activity.rates.chunks_exact_mut(units).enumerate() {
            let (sin, cos) = angles[i % 320].to_radians().sin_cos();
            rates[..2].copy_from_slice(&[cos as f32, sin as f32]);
        }
        behaviour.numbers.insert("angle".to_owned(), angles);
        let focus = Focus {
            align: Some("stimulus".to_owned()),
            by: Some("angle".to_owned()),
            periods_deg: [("angle".to_owned(), 360.0)].into(),
            ..Focus::default()
        };
        let found = population(&behaviour, &activity, &focus).unwrap().axes;
        let names: Vec<&str> = found.iter().map(|axis| axis.of.as_str()).collect();
        assert_eq!(names, ["cos(angle)", "sin(angle)"]);
        for (unit, axis) in found.iter().enumerate() {
            assert!(axis.direction[unit].abs() > 0.9, "{:?}", axis.direction);
        }
    }

    #[test]
    fn axes_are_orthogonal_in_their_order() {
        let found = orthogonal(&[&[2.0, 0.0, 0.0], &[1.0, 1.0, 0.0]], 3).unwrap();
        assert!(
            (found[0][0] - 1.0).abs() < 1e-12 && (found[1][1] - 1.0).abs() < 1e-12,
            "{found:?}"
        );
        assert!(found[1][0].abs() < 1e-12);
    }
}
