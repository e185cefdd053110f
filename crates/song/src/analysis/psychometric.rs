//! Psychometric functions: choices against the signed stimulus.
//!
//! Song, Yang & Wang 2017, figures 1–2; fits as in [`neuropil_math::stats::fit`].

use neuropil_math::stats::{
    StatsError,
    fit::{self, CumulativeGaussian},
};
use serde::{Deserialize, Serialize};

use super::{
    AnalysisError,
    axis::{Axis, AxisCurve, distinct},
    proportion::Proportion,
};
use crate::behaviour::Behaviour;

/// Change of the probability over all stimuli below which a function is flat.
const FLAT: f64 = 0.1;
/// Points of a drawn curve.
const LINE_POINTS: usize = 201;

/// Choices against the stimulus, one curve for each context, modality or offer of a bet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Psychometric {
    /// What the stimulus axis is, with its unit.
    pub stimulus: String,
    /// The choice whose probability is given.
    pub choice: String,
    /// Test trials.
    pub n_trials: usize,
    /// Trials that ended in one of the two choices.
    pub n_decided: usize,
    /// The curves.
    pub curves: Vec<Curve>,
}

/// One psychometric curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Name in a legend; empty for the only curve.
    pub name: String,
    /// One point for each stimulus, ascending.
    pub points: Vec<Point>,
    /// Unweighted least-squares fit to the proportions.
    pub least_squares: Option<CumulativeGaussian>,
    /// Binomial maximum-likelihood fit with symmetric lapses.
    pub likelihood: Option<CumulativeGaussian>,
    /// Why there is no fit, where there is none.
    pub not_fitted: Option<String>,
    /// The least-squares curve as (stimulus, probability), for drawing.
    pub line: Vec<(f64, f64)>,
    /// The maximum-likelihood curve, likewise.
    pub likelihood_line: Vec<(f64, f64)>,
}

/// Choices at one stimulus.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Signed stimulus.
    pub stimulus: f64,
    /// Positive choices among the decided trials; none without decided trials.
    pub positive: Option<Proportion>,
    /// Decided trials among all.
    pub decided: Proportion,
}

impl Psychometric {
    /// Could any curve be fitted?
    pub fn is_fitted(&self) -> bool {
        self.curves.iter().any(Curve::is_fitted)
    }

    /// The curve called `name`.
    pub fn curve(&self, name: &str) -> Option<&Curve> {
        self.curves.iter().find(|curve| curve.name == name)
    }
}

/// Psychometric functions of the trials, over the axis that [`Axis::of`] finds.
///
/// # Errors
/// No stimulus axis, or no trial that ended in one of its choices. A fit that is impossible is not an error: the
/// curve says why.
pub fn psychometric(behaviour: &Behaviour) -> Result<Psychometric, AnalysisError> {
    along(behaviour, Axis::of(behaviour)?)
}

/// The psychometric function along an axis.
///
/// # Errors
/// No trial that ended in one of the axis's two answers.
pub fn along(behaviour: &Behaviour, axis: Axis) -> Result<Psychometric, AnalysisError> {
    let n_decided = axis.chose_positive.iter().flatten().count();
    if n_decided == 0 {
        return Err(behaviour.none_of_the_trials("ended in a choice"));
    }
    let curves = axis
        .curves
        .iter()
        .map(|curve| Curve::of(curve, &axis.chose_positive))
        .collect();
    Ok(Psychometric {
        stimulus: axis.stimulus,
        choice: axis.positive,
        n_trials: behaviour.n_trials(),
        n_decided,
        curves,
    })
}

impl Curve {
    /// Is there a fit, by least squares or by likelihood?
    pub fn is_fitted(&self) -> bool {
        self.least_squares.is_some() || self.likelihood.is_some()
    }

    /// Does the fit hardly change over the stimuli that were shown? Then threshold and bias say nothing.
    pub fn is_flat(&self) -> bool {
        let ends = self.line.first().zip(self.line.last());
        ends.is_some_and(|(first, last)| (last.1 - first.1).abs() < FLAT)
    }

    fn of(curve: &AxisCurve, chose_positive: &[Option<bool>]) -> Self {
        let points: Vec<Point> = distinct(curve.stimulus.iter().copied())
            .into_iter()
            .filter_map(|stimulus| {
                let here = curve
                    .trials
                    .iter()
                    .zip(&curve.stimulus)
                    .filter(|(_, s)| **s == stimulus);
                let here: Vec<usize> = here.map(|(&trial, _)| trial).collect();
                let decided: Vec<usize> = here
                    .iter()
                    .copied()
                    .filter(|&trial| chose_positive[trial].is_some())
                    .collect();
                Some(Point {
                    stimulus,
                    positive: Proportion::among(&decided, |trial| chose_positive[trial] == Some(true)),
                    decided: Proportion::of(decided.len(), here.len())?,
                })
            })
            .collect();
        let unbinned = curve.unbinned.as_ref().map(|stimulus| {
            let trials = curve.trials.iter().zip(stimulus);
            trials
                .filter_map(|(&trial, &stimulus)| Some((stimulus, chose_positive[trial]?)))
                .collect::<Vec<(f64, bool)>>()
        });
        Self::through(curve.name.clone(), points, unbinned)
    }

    /// Fits `points`; the likelihood is that of `unbinned` choices where the points are means of bins, in which the function would
    /// be too shallow.
    fn through(name: String, points: Vec<Point>, unbinned: Option<Vec<(f64, bool)>>) -> Self {
        let decided = points
            .iter()
            .filter_map(|point| Some((point.stimulus, point.positive?)));
        let (x, proportions): (Vec<f64>, Vec<Proportion>) = decided.unzip();
        let values: Vec<f64> = proportions.iter().map(|p| p.value).collect();
        let counts: Vec<usize> = proportions.iter().map(|p| p.count).collect();
        let totals: Vec<usize> = proportions.iter().map(|p| p.n).collect();
        let least_squares = fit::least_squares(&x, &values);
        let likelihood = match unbinned {
            None => fit::likelihood_with_lapse(&x, &counts, &totals),
            Some(mut choices) => {
                choices.sort_by(|a, b| a.0.total_cmp(&b.0));
                let (mut x, mut counts, mut totals) = (Vec::new(), Vec::new(), Vec::new());
                for same in choices.chunk_by(|a, b| a.0 == b.0) {
                    x.push(same[0].0);
                    counts.push(same.iter().filter(|choice| choice.1).count());
                    totals.push(same.len());
                }
                fit::likelihood_with_lapse(&x, &counts, &totals)
            }
        };
        let not_fitted = least_squares
            .as_ref()
            .err()
            .or(likelihood.as_ref().err())
            .map(StatsError::to_string);
        let least_squares = least_squares.ok();
        let likelihood = likelihood.ok();
        let drawn = |fit: Option<CumulativeGaussian>| fit.map_or(Vec::new(), |fit| line(&fit, &x));
        Self {
            name,
            points,
            least_squares,
            likelihood,
            not_fitted,
            line: drawn(least_squares),
            likelihood_line: drawn(likelihood),
        }
    }
}

fn line(fit: &CumulativeGaussian, x: &[f64]) -> Vec<(f64, f64)> {
    let (low, high) = (x[0], x[x.len() - 1]);
    let at = |i: usize| low + (high - low) * i as f64 / (LINE_POINTS - 1) as f64;
    (0..LINE_POINTS)
        .map(|i| (at(i), fit.probability(at(i))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn coherence_zero_pools_both_directions_and_the_fit_finds_the_observer() {
        let behaviour = synthetic::rdm(20_000, 1);
        let result = psychometric(&behaviour).unwrap();
        let curve = result.curve("").unwrap();
        let stimuli: Vec<f64> = curve.points.iter().map(|point| point.stimulus).collect();
        assert_eq!(stimuli, [-51.2, -25.6, -12.8, -6.4, 0.0, 6.4, 12.8, 25.6, 51.2]);
        assert!((3500..4500).contains(&curve.points[4].decided.n));
        let fit = curve.likelihood.unwrap();
        let errors = fit.standard_errors.unwrap();
        assert!(
            (fit.sigma - synthetic::RDM_SIGMA).abs() < 5.0 * errors.sigma,
            "{fit:?}"
        );
        assert!(fit.mu.abs() < 5.0 * errors.mu, "{fit:?}");
        assert!(curve.line.len() == 201 && curve.line[200].0 == 51.2);
    }

    #[test]
    fn contexts_bend_the_relevant_curves_only() {
        let result = psychometric(&synthetic::mante(20_000, 1)).unwrap();
        let names: Vec<&str> = result.curves.iter().map(|curve| curve.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "motion context, motion coherence",
                "motion context, color coherence",
                "color context, motion coherence",
                "color context, color coherence",
            ]
        );
        let slope = |name: &str| result.curve(name).unwrap().least_squares.unwrap().slope.abs();
        for context in ["motion", "color"] {
            let other = if context == "motion" { "color" } else { "motion" };
            let relevant = slope(&format!("{context} context, {context} coherence"));
            let irrelevant = slope(&format!("{context} context, {other} coherence"));
            assert!(relevant > 5.0 * irrelevant, "{context}: {relevant} {irrelevant}");
        }
    }

    #[test]
    fn bins_that_are_drawn_do_not_make_the_likelihood_shallower() {
        // Stimuli that all differ: bins of equally many span a third of the observer's σ.
        let n = 6000;
        let stimulus: Vec<f64> = (0..n).map(|k| 12.0 * (k as f64 + 0.5) / n as f64 - 6.0).collect();
        let chose: Vec<bool> = stimulus
            .iter()
            .enumerate()
            .map(|(k, s)| neuropil_math::stats::normal::cdf(s / 2.0) > (k * 7919 % n) as f64 / n as f64)
            .collect();
        let points = stimulus
            .chunks(n / 4)
            .zip(chose.chunks(n / 4))
            .map(|(s, c)| Point {
                stimulus: s.iter().sum::<f64>() / s.len() as f64,
                positive: Proportion::among(&(0..c.len()).collect::<Vec<_>>(), |k| c[k]),
                decided: Proportion::of(1, 1).unwrap(),
            })
            .collect::<Vec<_>>();
        let raw = stimulus.iter().copied().zip(chose.iter().copied()).collect();
        let of_bins = Curve::through(String::new(), points.clone(), None)
            .likelihood
            .unwrap();
        let of_trials = Curve::through(String::new(), points, Some(raw))
            .likelihood
            .unwrap();
        assert!((of_trials.sigma - 2.0).abs() < 0.1, "{of_trials:?}");
        assert!(of_bins.sigma > 1.05 * of_trials.sigma, "{of_bins:?}");
    }

    #[test]
    fn a_perfect_observer_has_points_but_no_threshold() {
        let mut behaviour = synthetic::rdm(2000, 1);
        for trial in 0..behaviour.n_trials() {
            behaviour.action[trial] = Some(if behaviour.numbers["direction"][trial] < 0.0 {
                1
            } else {
                2
            });
            behaviour.chosen[trial] = true;
        }
        let result = psychometric(&behaviour).unwrap();
        let curve = &result.curves[0];
        assert!(curve.points.iter().all(|point| point.positive.is_some()));
        assert_eq!(
            (curve.least_squares, curve.likelihood, curve.line.len()),
            (None, None, 0)
        );
        let why = curve.not_fitted.as_ref().unwrap();
        assert!(why.contains("switch between -6.4 and 6.4"));
        assert!(!result.is_fitted());
        let analysis = crate::analysis::named("psychometric").unwrap();
        let origin = crate::figures::Origin {
            task: "rdm".to_owned(),
            seed: 1,
            n_trials: 2000,
            n_recorded: 0,
            threshold: None,
            ..crate::figures::Origin::default()
        };
        let finding = crate::analysis::Finding::Psychometric(result.clone());
        let figure = crate::figures::figure(analysis, &finding, &origin);
        assert!(figure.title.starts_with("no fit: "), "{}", figure.title);
        assert!(
            figure.caption.contains(&format!("No fit: {why}.")),
            "{}",
            figure.caption
        );
        let [dots] = &figure.panels[0].series[..] else {
            panic!("points alone, found {:?}", figure.panels[0].series)
        };
        assert_eq!(
            dots.mark,
            neuropil_draw::Mark::LineAndPoints,
            "lines join the points"
        );
    }

    #[test]
    fn one_condition_and_no_decisions_say_so() {
        let mut behaviour = synthetic::rdm(500, 1);
        behaviour.numbers.insert("coherence".into(), vec![12.8; 500]);
        behaviour.numbers.insert("direction".into(), vec![1.0; 500]);
        let result = psychometric(&behaviour).unwrap();
        assert_eq!(result.curves[0].points.len(), 1);
        assert!(
            result.curves[0]
                .not_fitted
                .as_ref()
                .unwrap()
                .contains("found 1 distinct stimuli")
        );
        behaviour.chosen = vec![false; 500];
        let error = psychometric(&behaviour).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot be computed: none of 500 trials ended in a choice"
        );
    }

    #[test]
    fn a_task_of_ones_own_needs_one_signed_factor() {
        let mut behaviour = synthetic::rdm(5000, 1);
        let direction = behaviour.numbers.remove("direction").unwrap();
        let coherence = behaviour.numbers.remove("coherence").unwrap();
        let contrast: Vec<f64> = direction.iter().zip(&coherence).map(|(d, c)| d * c).collect();
        behaviour.numbers.insert("contrast".into(), contrast);
        behaviour.actions = ["wait", "lick-a", "lick-b"].map(str::to_owned).to_vec();
        let result = psychometric(&behaviour).unwrap();
        assert_eq!(
            (result.stimulus.as_str(), result.choice.as_str()),
            ("contrast", "lick-b")
        );
        assert!(result.curves[0].least_squares.unwrap().slope > 0.0);
        behaviour.numbers.insert("tilt".into(), direction);
        let words = psychometric(&behaviour).unwrap_err().to_string();
        assert!(words.contains("found `contrast`, `tilt`"), "{words}");
    }

    #[test]
    fn economic_choices_count_juice_b_on_either_side() {
        let result = psychometric(&synthetic::economic(18_000, 1)).unwrap();
        let points = &result.curves[0].points;
        assert_eq!(points.len(), 9);
        assert!(points[0].positive.unwrap().value < 0.01 && points[8].positive.unwrap().value > 0.99);
    }
}
