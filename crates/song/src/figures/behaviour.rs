//! Figures of what the animal did.

use super::{Drawn, capitalised, quantity};
use crate::analysis::accuracy_duration::AccuracyDuration;
use crate::analysis::chronometric::{Chronometric, FEW_TRIALS};
use crate::analysis::economic::ChoicePattern;
use crate::analysis::multisensory::CueCombination;
use crate::analysis::proportion::{DurationPoint, Proportion};
use crate::analysis::psychometric::{Curve, Psychometric};
use crate::analysis::romo::PairPerformance;
use crate::analysis::wager::Wager;
use neuropil_draw::{Color, Mark, Panel, Series};
use neuropil_math::stats::fit::StandardErrors;

fn errors<'a>(proportions: impl Iterator<Item = &'a Proportion>) -> Vec<(f64, f64)> {
    proportions.map(|p| (p.interval.low, p.interval.high)).collect()
}

/// Points with intervals, and the fitted line.
fn curve(panel: Panel, curve: &Curve, color: Color) -> Panel {
    let points: Vec<_> = curve
        .points
        .iter()
        .filter_map(|p| p.positive.map(|q| (p.stimulus, q)))
        .collect();
    let x: Vec<f64> = points.iter().map(|(x, _)| *x).collect();
    let y: Vec<f64> = points.iter().map(|(_, p)| 100.0 * p.value).collect();
    let error = points
        .iter()
        .map(|(_, p)| (100.0 * p.interval.low, 100.0 * p.interval.high));
    let mut dots = Series::points(x, y).color(color).error(error.collect::<Vec<_>>());
    if !curve.is_fitted() {
        dots = dots.mark(Mark::LineAndPoints);
    }
    if !curve.name.is_empty() {
        dots = dots.label(curve.name.clone());
    }
    let (x, y): (Vec<f64>, Vec<f64>) = curve.line.iter().map(|&(x, p)| (x, 100.0 * p)).unzip();
    let panel = if x.is_empty() {
        panel
    } else {
        panel.series(Series::line(x, y).color(color))
    };
    let (x, y): (Vec<f64>, Vec<f64>) = curve.likelihood_line.iter().map(|&(x, p)| (x, 100.0 * p)).unzip();
    let panel = if x.is_empty() {
        panel
    } else {
        panel.series(Series::line(x, y).color(color).mark(Mark::Dashed))
    };
    panel.series(dots)
}

pub(super) fn psychometric(r: &Psychometric) -> Drawn {
    let mut panels = psychometric_panels(r);
    panels.push(decided(r));
    let not_fitted: Vec<String> = r
        .curves
        .iter()
        .filter_map(|curve| Some(format!("{}{}", named(curve), curve.not_fitted.as_ref()?)))
        .collect();
    let not_fitted = not_fitted.join("; ");
    let fitted: Vec<String> = r.curves.iter().filter_map(least_squares).collect();
    let title = if !r.is_fitted() {
        format!("no fit: {not_fitted}")
    } else if fitted.is_empty() {
        "Psychometric function".to_owned()
    } else {
        fitted.join("; ")
    };
    let likely: Vec<String> = r.curves.iter().filter_map(by_likelihood).collect();
    let likely = if likely.is_empty() {
        String::new()
    } else {
        format!(" By likelihood (± 1.96 standard errors): {}.", likely.join("; "))
    };
    let not_fitted = if not_fitted.is_empty() {
        String::new()
    } else {
        format!(" No fit: {not_fitted}.")
    };
    let what = format!(
        "Choices of {} among decided trials ({} of {}) against {}, and trials decided; bars: 95 % Wilson intervals; \
         lines: cumulative Gaussian, solid by least squares, dashed by binomial likelihood with lapses; straight from \
         point to point where there is no fit.{likely}{not_fitted}",
        r.choice, r.n_decided, r.n_trials, r.stimulus
    );
    (title, panels, what)
}

/// Choices with their fits: all curves in one panel, or those of two contexts in two.
fn psychometric_panels(r: &Psychometric) -> Vec<Panel> {
    let panel = |curves: &[Curve]| {
        let empty =
            Panel::new(capitalised(&r.stimulus), format!("Choices of {} (%)", r.choice)).y_range(0.0, 100.0);
        let numbered = curves.iter().enumerate();
        numbered.fold(empty, |panel, (i, c)| curve(panel, c, Color::cycle(i)))
    };
    // Curves in two contexts go to two panels: "motion in motion context" and the like would hide one another.
    let mut panels: Vec<Panel> = if r.curves.len() > 3 {
        r.curves.chunks(2).map(panel).collect()
    } else {
        vec![panel(&r.curves)]
    };
    let both = |curve: &Curve| !curve.line.is_empty() && !curve.likelihood_line.is_empty();
    if r.curves.iter().any(both) {
        let line = |mark, name: &str| {
            Series::line(Vec::new(), Vec::new())
                .mark(mark)
                .color(Color::Grey)
                .label(name)
        };
        let first = panels.remove(0);
        let first = first
            .series(line(Mark::Line, "least squares"))
            .series(line(Mark::Dashed, "likelihood"));
        panels.insert(0, first);
    }
    panels
}

fn decided(r: &Psychometric) -> Panel {
    let empty = Panel::new(capitalised(&r.stimulus), "Decided (%)").y_range(0.0, 100.0);
    r.curves.iter().enumerate().fold(empty, |panel, (i, curve)| {
        let points = curve.points.iter();
        let (x, y): (Vec<f64>, Vec<f64>) = points
            .map(|point| (point.stimulus, 100.0 * point.decided.value))
            .unzip();
        panel.series(
            Series::line(x, y)
                .mark(Mark::LineAndPoints)
                .color(Color::cycle(i)),
        )
    })
}

/// The name of a curve before what is said of it.
fn named(curve: &Curve) -> String {
    if curve.name.is_empty() {
        String::new()
    } else {
        format!("{}: ", curve.name)
    }
}

fn least_squares(curve: &Curve) -> Option<String> {
    let fit = curve.least_squares?;
    if curve.is_flat() {
        return Some(format!("{}flat", named(curve)));
    }
    Some(format!(
        "{}threshold {:.2}, bias {:+.2}",
        named(curve),
        fit.sigma,
        fit.mu
    ))
}

fn by_likelihood(curve: &Curve) -> Option<String> {
    let fit = curve.likelihood.filter(|_| !curve.is_flat())?;
    let half = |error: fn(&StandardErrors) -> f64| {
        fit.standard_errors
            .map_or(String::new(), |errors| format!(" ± {:.2}", 1.96 * error(&errors)))
    };
    Some(format!(
        "{}threshold {:.2}{}, bias {:+.2}{}, lapses {:.1} %",
        named(curve),
        fit.sigma,
        half(|errors| errors.sigma),
        fit.mu,
        half(|errors| errors.mu),
        100.0 * fit.lapse
    ))
}

fn against_duration(points: &[DurationPoint]) -> (Vec<f64>, Vec<f64>, Vec<(f64, f64)>) {
    let x = points.iter().map(|p| p.duration_ms).collect();
    let y = points.iter().map(|p| 100.0 * p.proportion.value).collect();
    let error = errors(points.iter().map(|p| &p.proportion));
    (
        x,
        y,
        error
            .into_iter()
            .map(|(low, high)| (100.0 * low, 100.0 * high))
            .collect(),
    )
}

pub(super) fn accuracy_duration(r: &AccuracyDuration) -> Drawn {
    let mut panel = Panel::new("Stimulus duration (ms)", "Correct (%)")
        .y_range(40.0, 100.0)
        .h_line(50.0);
    for (i, curve) in r.curves.iter().enumerate() {
        let (x, y, error) = against_duration(&curve.points);
        let series = Series::line(x, y)
            .mark(Mark::LineAndPoints)
            .color(Color::cycle(i))
            .error(error);
        panel = panel.series(series.label(format!("{} %", curve.coherence)));
    }
    let what = "Fraction correct in ten bins of equally many trials by stimulus duration, for each motion coherence \
                but 0, at which no answer is right; bars: 95 % Wilson intervals.";
    (
        "Accuracy by stimulus duration and coherence".to_owned(),
        vec![panel],
        what.to_owned(),
    )
}

pub(super) fn chronometric(r: &Chronometric) -> Drawn {
    // Coherence has no place for 0 on its logarithmic axis.
    let is_coherence = r.by == "coherence";
    let shown: Vec<_> = r
        .levels
        .iter()
        .filter(|c| !is_coherence || c.value > 0.0)
        .collect();
    let ticks: Vec<(f64, String)> = shown.iter().map(|c| (c.value, c.value.to_string())).collect();
    let mut panel = if is_coherence {
        Panel::new("Motion coherence (%)", "Reaction time (ms)")
            .x_log()
            .x_ticks(ticks)
    } else {
        Panel::new(quantity(&r.by), format!("Time from {} (ms)", r.since))
    };
    let kinds = [
        ("correct", Mark::LineAndPoints, Color::Blue),
        ("error", Mark::OpenPoints, Color::Vermillion),
    ];
    for (name, mark, color) in kinds.into_iter().take(if r.judged { 2 } else { 1 }) {
        let (mut x, mut y, mut error) = (Vec::new(), Vec::new(), Vec::new());
        for c in &shown {
            let summary = if name == "correct" { c.correct } else { c.error };
            let (Some(mean), true) = (summary.mean, summary.n > FEW_TRIALS) else {
                continue;
            };
            let half = 1.96 * summary.sem.unwrap_or(0.0);
            x.push(c.value);
            y.push(mean);
            error.push((mean - half, mean + half));
        }
        let label = if r.judged { name } else { "choices" };
        panel = panel.series(
            Series::line(x, y)
                .mark(mark)
                .color(color)
                .error(error)
                .label(label),
        );
    }
    let ms = |mean: Option<f64>| mean.map_or("–".to_owned(), |mean| format!("{mean:.0} ms"));
    let title = if r.judged {
        let (correct, error) = (ms(r.correct.mean), ms(r.error.mean));
        format!("correct {correct}, error {error} on average")
    } else {
        format!("{} on average", ms(r.correct.mean))
    };
    let left_out = if is_coherence {
        "coherence 0 left out; "
    } else {
        ""
    };
    let what = format!(
        "Time from {} onset to choice; {left_out}points with more than {FEW_TRIALS} trials; bars: mean ± 1.96 standard \
         errors.",
        r.since
    );
    (title, vec![panel], what)
}

pub(super) fn cue_combination(r: &CueCombination) -> Drawn {
    let names = ["visual", "auditory", "both", "optimum"];
    let values = [r.visual.powi(-2), r.auditory.powi(-2), r.reached, r.optimum];
    let ticks: Vec<(f64, String)> = names
        .iter()
        .enumerate()
        .map(|(i, name)| (i as f64, (*name).to_owned()))
        .collect();
    let x: Vec<f64> = (0..4).map(f64::from).collect();
    let panel = Panel::new("Cue", "1/σ² (s²/events²)")
        .x_ticks(ticks)
        .x_range(-0.5, 3.5)
        .y_range(0.0, 1.2 * values.iter().copied().fold(0.0, f64::max))
        .series(Series::points(x, values.to_vec()));
    let title = format!(
        "Both cues reach {:.3} of an optimum of {:.3}",
        r.reached, r.optimum
    );
    let what = format!(
        "Precision of the choice with one cue and with both, and the sum that independent cues could reach; \
         σ {:.2} visual, {:.2} auditory, {:.2} both (events/s).",
        r.visual, r.auditory, r.both
    );
    (title, vec![panel], what)
}

pub(super) fn pair_performance(r: &PairPerformance) -> Drawn {
    let ticks: Vec<(f64, String)> = r
        .pairs
        .iter()
        .enumerate()
        .map(|(i, p)| (i as f64, format!("{}/{}", p.f1, p.f2)))
        .collect();
    let x: Vec<f64> = (0..r.pairs.len()).map(|i| i as f64).collect();
    let y: Vec<f64> = r.pairs.iter().map(|p| 100.0 * p.correct.value).collect();
    let error = errors(r.pairs.iter().map(|p| &p.correct));
    let error: Vec<_> = error
        .into_iter()
        .map(|(low, high)| (100.0 * low, 100.0 * high))
        .collect();
    let panel = Panel::new("f1/f2 (Hz)", "Correct (%)")
        .x_ticks(ticks)
        .x_range(-0.5, r.pairs.len() as f64 - 0.5)
        .y_range(40.0, 100.0)
        .h_line(50.0)
        .series(Series::points(x, y).error(error));
    let what = "Fraction correct for each pair of frequencies in each order; bars: 95 % Wilson intervals.";
    ("Performance by pair".to_owned(), vec![panel], what.to_owned())
}

pub(super) fn wager(r: &Wager) -> Drawn {
    let mut sure = Panel::new("Stimulus duration (ms)", "Sure bet taken (%)").y_range(0.0, 100.0);
    let mut correct = Panel::new("Stimulus duration (ms)", "Correct (%)")
        .y_range(40.0, 100.0)
        .h_line(50.0);
    for (i, c) in r.coherences.iter().enumerate() {
        let color = Color::cycle(i);
        let (x, y, error) = against_duration(&c.sure);
        let label = format!("{} %", c.coherence);
        let series = Series::line(x, y)
            .mark(Mark::LineAndPoints)
            .color(color)
            .error(error)
            .label(label.clone());
        sure = sure.series(series);
        let (x, y, _) = against_duration(&c.waived);
        correct = correct.series(
            Series::line(x, y)
                .mark(Mark::LineAndPoints)
                .color(color)
                .label(label),
        );
        let (x, y, _) = against_duration(&c.not_offered);
        correct = correct.series(Series::line(x, y).mark(Mark::Dashed).color(color));
    }
    let interval = r.interval.map_or(String::new(), |i| {
        format!(" (95 % [{:+.1}, {:+.1}])", 100.0 * i.low, 100.0 * i.high)
    });
    let title = format!(
        "Waiving the bet goes with {:+.1} points of accuracy{interval}",
        100.0 * r.waived_minus_not_offered
    );
    let what = format!(
        "Sure bets taken in {} wager trials (a) and fraction correct (b) where the bet was waived (solid) or not \
         offered (dashed), by motion coherence, in ten bins of equally many trials by stimulus duration; bars: 95 % \
         Wilson intervals; the interval of the difference is a bootstrap.",
        r.n_wager
    );
    (title, vec![sure, correct], what)
}

pub(super) fn choice_pattern(r: &ChoicePattern) -> Drawn {
    let ticks: Vec<(f64, String)> = r
        .offers
        .iter()
        .enumerate()
        .map(|(i, o)| (i as f64, format!("{}:{}", o.n_b, o.n_a)))
        .collect();
    let x: Vec<f64> = (0..r.offers.len()).map(|i| i as f64).collect();
    let y: Vec<f64> = r.offers.iter().map(|o| 100.0 * o.chose_b.value).collect();
    let error = errors(r.offers.iter().map(|o| &o.chose_b));
    let error: Vec<_> = error
        .into_iter()
        .map(|(low, high)| (100.0 * low, 100.0 * high))
        .collect();
    let panel = Panel::new("Offer (drops of B : drops of A)", "Choices of B (%)")
        .x_ticks(ticks)
        .x_range(-0.5, r.offers.len() as f64 - 0.5)
        .y_range(0.0, 100.0)
        .h_line(50.0)
        .series(Series::line(x, y).mark(Mark::LineAndPoints).error(error));
    let title = r.indifference_point.map_or("Choice pattern".to_owned(), |ip| {
        format!("1 A is worth {ip:.2} B")
    });
    let what = "Choices of juice B for each offer, over both sides; bars: 95 % Wilson intervals. The indifference \
                point is that of a cumulative Gaussian over (n_B − n_A)/(n_B + n_A).";
    (title, vec![panel], what.to_owned())
}
