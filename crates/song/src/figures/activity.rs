//! Figures of activity: units, predictions, population state.

use super::{Drawn, capitalised};
use crate::analysis::decision_probabilities::DecisionProbabilities;
use crate::analysis::delay_tuning::DelayTuning;
use crate::analysis::delay_value::DelayValue;
use crate::analysis::single_trial::SingleTrial;
use crate::analysis::state_space::StateSpace;
use crate::analysis::unit_activity::{CHOICE, Trace, UnitActivity};
use crate::analysis::unit_values::{UnitValues, Variable};
use crate::analysis::value_trace::ValueTrace;
use neuropil_draw::{Bars, Color, Heat, Mark, Panel, Series};
use std::fmt::Write;

/// What solid and dashed lines are called.
type Sides = [&'static str; 2];
/// By what a trial ended in.
const BY_CHOICE: Sides = ["positive choice", "other choice"];
/// By what the stimulus says.
const BY_EVIDENCE: Sides = ["evidence for right", "evidence for left"];

/// What bands and tails are, and how many trials stand behind a trace.
fn counted<'a>(traces: impl Iterator<Item = &'a Trace>) -> String {
    let n: Vec<usize> = traces.map(|trace| trace.n_trials).collect();
    let (least, most) = (n.iter().min().unwrap_or(&0), n.iter().max().unwrap_or(&0));
    format!(
        " Bands: ± 1 standard error; {least} to {most} trials a line, which ends where fewer than five or a tenth of them run."
    )
}

/// Traces of groups of trials, a colour each, solid and dashed; with names for these also a legend.
fn traces(traces: &[Trace], times_ms: &[f64], legend: Option<Sides>, panel: Panel) -> Panel {
    let mut named: Vec<&str> = Vec::new();
    let panel = traces.iter().fold(panel, |panel, trace| {
        let points = trace.of_many(times_ms);
        let (x, y): (Vec<f64>, Vec<f64>) = points.iter().map(|(x, y, _)| (*x, *y)).unzip();
        let band: Vec<(f64, f64)> = points.iter().map(|(_, y, sem)| (y - sem, y + sem)).collect();
        let is_new = !named.contains(&trace.group.as_str());
        if is_new {
            named.push(&trace.group);
        }
        let color = named
            .iter()
            .position(|name| *name == trace.group)
            .expect("named above");
        let mark = if trace.positive { Mark::Line } else { Mark::Dashed };
        let series = Series::line(x, y).mark(mark).color(Color::cycle(color));
        let has_errors = trace.sem.iter().any(Option::is_some);
        let series = if has_errors { series.band(band) } else { series };
        // The solid line stands for its group in the legend, where there is one.
        let has_solid = traces
            .iter()
            .any(|other| other.positive && other.group == trace.group);
        if legend.is_some() && (trace.positive || !has_solid) {
            panel.series(series.label(trace.group.clone()))
        } else {
            panel.series(series)
        }
    });
    let has = |positive: bool| traces.iter().any(|trace| trace.positive == positive);
    match legend {
        Some([solid, dashed]) if has(true) && has(false) => {
            let line = |mark, name: &str| {
                let nothing = Series::line(Vec::new(), Vec::new());
                nothing.mark(mark).color(Color::Grey).label(name)
            };
            panel
                .series(line(Mark::Line, solid))
                .series(line(Mark::Dashed, dashed))
        }
        _ => panel,
    }
}

pub(super) fn unit_activity(r: &UnitActivity) -> Drawn {
    let mut panels = Vec::new();
    let mut sorted_before: Option<&str> = None;
    for aligned in &r.aligned {
        let event = if aligned.event == CHOICE {
            CHOICE.to_owned()
        } else {
            format!("{} onset", aligned.event)
        };
        for (i, unit) in aligned.units.iter().enumerate() {
            let rate = if r.normalised_by.is_some() {
                "Normalised rate"
            } else {
                "Rate"
            };
            let mut panel = Panel::new(
                format!("Time from {event} (ms)"),
                format!("{rate}, unit {}", unit.unit),
            )
            .v_line(0.0);
            if !aligned.sorted_by.is_empty() {
                panel = panel.note(format!("by {}", aligned.sorted_by));
            }
            let legend = (i == 0 && sorted_before != Some(&aligned.sorted_by)).then_some(BY_CHOICE);
            panels.push(traces(&unit.traces, &aligned.times_ms, legend, panel));
        }
        sorted_before = Some(&aligned.sorted_by);
    }
    let which = match r.aligned.first() {
        Some(aligned)
            if aligned
                .units
                .is_sorted_by(|a, b| a.dprime.map(f64::abs) >= b.dprime.map(f64::abs)) =>
        {
            format!(
                "those that tell the {} best apart (largest |d′|) first",
                r.selected_by
            )
        }
        _ => "those asked for".to_owned(),
    };
    let mut what = format!(
        "Mean rates of units of the {} network, {which}; solid: trials that ended in the positive choice (right, high, \
         B, >; wager: direction right), dashed: in the other.",
        r.network
    );
    what += &counted(
        r.aligned
            .iter()
            .flat_map(|aligned| aligned.units.iter().flat_map(|unit| &unit.traces)),
    );
    if r.normalised_by.is_some() {
        what.push_str(" Rates are in standard deviations from the mean over all units and steps.");
    }
    ("Single units around stimulus and choice".to_owned(), panels, what)
}

pub(super) fn value_trace(r: &ValueTrace) -> Drawn {
    let panels = r.aligned.iter().enumerate().map(|(i, aligned)| {
        let mut panel =
            Panel::new(format!("Time from {} (ms)", aligned.event), "Predicted reward").v_line(0.0);
        if !aligned.sorted_by.is_empty() {
            panel = panel.note(format!("by {}", aligned.sorted_by));
        }
        traces(
            &aligned.traces,
            &aligned.times_ms,
            (i == 0).then_some(BY_CHOICE),
            panel,
        )
    });
    let what = "Prediction of the value network, averaged by stimulus; solid: trials that ended in the positive choice \
                (right, high, B, >; wager: direction right), dashed: in the other."
        .to_owned()
        + &counted(r.aligned.iter().flat_map(|aligned| &aligned.traces));
    (
        "The value network's prediction".to_owned(),
        panels.collect(),
        what,
    )
}

pub(super) fn delay_tuning(r: &DelayTuning) -> Drawn {
    let mut panel = Panel::new(
        "First frequency (Hz)",
        "Mean rate in the last second of the delay",
    );
    for (unit, color) in r.extremes().into_iter().zip([Color::Blue, Color::Vermillion]) {
        let Some(unit) = unit else { continue };
        let known = r.frequencies.iter().zip(&r.units[unit].rates);
        let known: Vec<(f64, f64, f64)> = known
            .filter_map(|(&f1, rate)| Some((f1, rate.mean?, 1.96 * rate.sem.unwrap_or(0.0))))
            .collect();
        let error: Vec<(f64, f64)> = known
            .iter()
            .map(|(_, mean, half)| (mean - half, mean + half))
            .collect();
        let (x, y): (Vec<f64>, Vec<f64>) = known.iter().map(|(f1, mean, _)| (*f1, *mean)).unzip();
        let series = Series::line(x, y)
            .mark(Mark::LineAndPoints)
            .color(color)
            .error(error);
        panel = panel.series(series.label(format!("unit {unit}")));
    }
    let (edges, width) = (
        (0..=20).map(|i| f64::from(i) / 10.0 - 1.0).collect::<Vec<_>>(),
        0.1,
    );
    let mut heights = vec![0.0; 20];
    for r in r.units.iter().filter_map(|unit| unit.r) {
        heights[(((r + 1.0) / width) as usize).min(19)] += 1.0;
    }
    let bars = Bars {
        label: None,
        color: Color::Grey,
        edges,
        heights,
    };
    let histogram = Panel::new("Correlation of delay rate and f1", "Units")
        .x_range(-1.0, 1.0)
        .bars(bars);
    let title = format!(
        "{} units rise with f1 and {} fall in the delay, {} of them monotonically",
        r.n_positive, r.n_negative, r.n_monotonic
    );
    let what = format!(
        "Mean rates in the last second of the delay of the units with the most positive and most negative correlation with \
         f1 (a; bars: ± 1.96 standard errors), and correlations of all units that vary (b), over {} decided trials.",
        r.n_trials
    );
    (title, vec![panel, histogram], what)
}

pub(super) fn delay_value(r: &DelayValue) -> Drawn {
    let mut panel = Panel::new("Stimulus duration (ms)", "Predicted reward");
    for (i, c) in r.coherences.iter().enumerate() {
        for (points, mark) in [(&c.waived, Mark::LineAndPoints), (&c.not_offered, Mark::Dashed)] {
            let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
            let series = Series::line(x, y).mark(mark).color(Color::cycle(i));
            let first = mark == Mark::LineAndPoints;
            panel = panel.series(if first {
                series.label(format!("{} %", c.coherence))
            } else {
                series
            });
        }
    }
    let what = "Mean prediction of the value network in the 500 ms after the stimulus, in ten bins of equally many trials \
                by stimulus duration, by motion coherence; solid: sure bet offered later and waived, dashed: not offered.";
    (
        "Predicted reward by stimulus duration and coherence".to_owned(),
        vec![panel],
        what.to_owned(),
    )
}

pub(super) fn decision_probabilities(r: &DecisionProbabilities) -> Drawn {
    let panel = Panel::new(
        format!("Time from {} onset (ms)", r.epoch),
        "p(right) / (p(left) + p(right))",
    )
    .y_range(0.0, 1.0)
    .h_line(0.5)
    .v_line(0.0);
    // Coherences get their colours in ascending order, as in the other figures.
    let mut ordered = r.traces.clone();
    ordered.sort_by_key(|trace| !trace.positive);
    let panel = traces(&ordered, &r.times_ms, Some(BY_EVIDENCE), panel);
    let what = "Probability of right relative to left in the policy's output, averaged over trials still running, by motion \
                coherence; solid: evidence for right, dashed: for left."
        .to_owned()
        + &counted(r.traces.iter());
    (
        "Which way the policy leans before and after the go signal".to_owned(),
        vec![panel],
        what,
    )
}

/// Inputs or actions that are shown one line each; more inputs become an image.
const MOST_LINES: usize = 6;
/// Epochs that are named; of more, none is.
const MOST_EPOCHS: usize = 8;

/// The frame of a panel over the time of a trial: epochs shaded, answers as lines.
fn over_trial(r: &SingleTrial, label: &str, counts_steps: bool) -> Panel {
    let last = r.times_ms.last().copied().unwrap_or(0.0);
    let end = r.action.as_ref().map_or(last, |&(_, ms)| last.max(ms)) + r.dt_ms;
    let time = if counts_steps { "Step" } else { "Time (ms)" };
    let mut panel = Panel::new(time, label).x_range(0.0, end.max(1.0));
    panel
        .v_lines
        .extend(r.action.iter().chain(&r.answers).map(|&(_, ms)| ms));
    let shown = r.epochs.iter().filter(|(_, start, _)| *start < end);
    if shown.clone().count() > MOST_EPOCHS {
        return panel;
    }
    shown.fold(panel, |panel, (name, start, stop)| {
        panel.span(*start, stop.min(end), name.clone())
    })
}

/// The inputs as they were at each step: lines of steps, or an image where they are many.
fn inputs(r: &SingleTrial, counts_steps: bool) -> Panel {
    if r.inputs.len() > MOST_LINES {
        let first = r.input_times_ms.first().copied().unwrap_or(0.0);
        let last = r.input_times_ms.last().copied().unwrap_or(0.0) + r.dt_ms;
        let ticks = r
            .inputs
            .iter()
            .enumerate()
            .filter(|(i, _)| i % r.inputs.len().div_ceil(8) == 0);
        let ticks: Vec<(f64, String)> = ticks.map(|(i, (name, _))| (i as f64, name.clone())).collect();
        let heat = Heat {
            values: r.inputs.iter().map(|(_, course)| course.clone()).collect(),
            x: (first, last),
            y: (-0.5, r.inputs.len() as f64 - 0.5),
            signed: false,
            limits: None,
            label: "Input".to_owned(),
        };
        let panel = over_trial(r, "", counts_steps).heat(heat).y_ticks(ticks);
        return Panel {
            spans: Vec::new(),
            ..panel
        };
    }
    r.inputs
        .iter()
        .enumerate()
        .fold(over_trial(r, "Input", counts_steps), |panel, (i, (name, y))| {
            let (mut corners, mut heights) = (Vec::new(), Vec::new());
            for (&t, &y) in r.input_times_ms.iter().zip(y) {
                corners.extend([t, t + r.dt_ms]);
                heights.extend([y, y]);
            }
            panel.series(
                Series::line(corners, heights)
                    .color(Color::cycle(i))
                    .label(name.clone()),
            )
        })
}

pub(super) fn single_trial(r: &SingleTrial, counts_steps: bool) -> Drawn {
    let frame = |label: &str| over_trial(r, label, counts_steps);
    let probabilities = r.probabilities.iter().enumerate().fold(
        frame("Probability per step").y_range(0.0, 1.0),
        |panel, (i, (name, y))| {
            let mark = if i < 7 { Mark::Line } else { Mark::Dashed };
            let series = Series::line(r.times_ms.clone(), y.clone())
                .color(Color::cycle(i))
                .mark(mark);
            panel.series(series.label(name.clone()))
        },
    );
    let predicted = frame("Predicted reward").series(Series::line(r.times_ms.clone(), r.predicted.clone()));
    let unit = if counts_steps { "" } else { " ms" };
    let condition: Vec<String> = r
        .condition
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    let verdict = match r.correct {
        Some(true) => ", correct",
        Some(false) => ", wrong",
        None => "",
    };
    let ended = match (&r.action, r.n_trials) {
        (_, n) if n > 1 => format!("{} answers in {n} trials of a session", r.answers.len()),
        (Some((action, ms)), _) => {
            let at = if counts_steps { "step" } else { "at" };
            format!("It ended with {action} {at} {ms:.0}{unit}{verdict}").replace("step", "at step")
        }
        (None, _) => format!("It was sat out{verdict}"),
    };
    let which = if r.n_trials > 1 {
        format!("from recorded trial {} on", r.trial)
    } else {
        format!("in recorded trial {} ({})", r.trial, condition.join(", "))
    };
    let what = format!(
        "Inputs with their noise at every step (a), the probability with which the policy takes each action in a step (b) and \
         the value network's prediction (c) {which}. {ended}; reward {:+.2}. Vertical lines: answers.",
        r.reward
    );
    (
        ended,
        vec![inputs(r, counts_steps), probabilities, predicted],
        what,
    )
}

pub(super) fn unit_values(r: &UnitValues) -> Drawn {
    let name = |variable| match variable {
        Variable::ChosenValue => "chosen value",
        Variable::OfferValueA => "offer A",
        Variable::OfferValueB => "offer B",
        Variable::Choice => "choice",
    };
    let ticks = r
        .counts
        .iter()
        .enumerate()
        .map(|(i, (variable, _))| (i as f64, name(*variable).to_owned()));
    let x: Vec<f64> = (0..r.counts.len()).map(|i| i as f64).collect();
    let y: Vec<f64> = r.counts.iter().map(|(_, n)| *n as f64).collect();
    let counts = Panel::new("Variable", "Units")
        .x_ticks(ticks.collect::<Vec<_>>())
        .x_range(-0.5, r.counts.len() as f64 - 0.5)
        .y_range(0.0, 1.15 * y.iter().copied().fold(1.0, f64::max))
        .series(Series::points(x, y));
    let mut panels = vec![counts];
    for (i, tuning) in r.tuning.iter().enumerate() {
        let mut panel = Panel::new(
            "Offer (drops of B : drops of A)",
            format!("Rate of unit {}", tuning.unit),
        )
        .note(name(tuning.carries).to_owned())
        .individual();
        for (c, curve) in tuning.curves.iter().enumerate() {
            let ticks = curve.offers.iter().enumerate();
            let ticks: Vec<_> = ticks
                .map(|(i, o)| (i as f64, format!("{}:{}", o.n_b, o.n_a)))
                .collect();
            panel = panel.x_range(-0.5, ticks.len() as f64 - 0.5).x_ticks(ticks);
            let known = curve
                .rates
                .iter()
                .enumerate()
                .filter_map(|(i, rate)| Some((i as f64, rate.mean?)));
            // Forced offers stand at both ends and are not joined to the rest.
            let last = curve.offers.len() as f64 - 1.0;
            let (forced, free): (Vec<_>, Vec<_>) = known.partition(|(x, _)| *x == 0.0 || *x == last);
            let (x, y): (Vec<f64>, Vec<f64>) = free.into_iter().unzip();
            let line = Series::line(x, y)
                .mark(Mark::LineAndPoints)
                .color(Color::cycle(c));
            panel = panel.series(if i == 0 {
                line.label(curve.part.clone())
            } else {
                line
            });
            let (x, y): (Vec<f64>, Vec<f64>) = forced.into_iter().unzip();
            panel = panel.series(Series::points(x, y).color(Color::cycle(c)));
        }
        panels.push(panel);
    }
    let what = format!(
        "Units of the value network by the variable that explains most of their mean rate in the 500 ms before the \
         choice (p < 0.05 and r² ≥ 0.05), over {} trials that offered both juices; 1 A is worth {:.2} B. Then mean rates \
         of the best unit of each kind against the offers, in four parts of the trial; forced offers at both ends.",
        r.n_trials, r.indifference
    );
    let title = format!(
        "{} of {} units carry a value or the choice",
        r.n_classified,
        r.units.len()
    );
    (title, panels, what)
}

pub(super) fn state_space(r: &StateSpace) -> Drawn {
    let panels = r
        .panels
        .iter()
        .enumerate()
        .map(|(i, p)| {
            let strongest = p
                .trajectories
                .iter()
                .map(|t| t.coherence.abs())
                .fold(0.0, f64::max);
            let x = format!("Choice ({} context)", p.context);
            let panel = Panel::new(x, format!("{}, by {}", capitalised(&p.axis), p.sorted_by));
            p.trajectories.iter().fold(panel, |panel, t| {
                let color = match t.coherence.abs() / strongest {
                    0.8.. => Color::Black,
                    0.2..0.8 => Color::Blue,
                    _ => Color::Sky,
                };
                let mark = if t.coherence > 0.0 {
                    Mark::Line
                } else {
                    Mark::Dashed
                };
                let series = Series::line(t.choice.clone(), t.evidence.clone())
                    .mark(mark)
                    .color(color);
                let sign = if t.coherence < 0.0 { "−" } else { "+" };
                let name = format!("{sign}{} %", t.coherence.abs());
                panel.series(if i == 0 { series.label(name) } else { series })
            })
        })
        .collect();
    let mut what = format!(
        "Mean activity of correct trials from stimulus onset to 800 ms, every 50 ms, on orthogonal axes of choice and \
         evidence found by targeted dimensionality reduction over {} active units and {} decided trials; solid: \
         evidence for right, dashed: for left.",
        r.active_units.len(),
        r.n_trials
    );
    if r.reduction.rank < 11 {
        let _ = write!(
            what,
            " The regressors have rank {} of 11: coefficients are shared.",
            r.reduction.rank
        );
    }
    ("Choice and evidence in both contexts".to_owned(), panels, what)
}
