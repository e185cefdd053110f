//! Figures of activity: units, predictions, population state.

use super::Drawn;
use crate::analysis::decision_probabilities::DecisionProbabilities;
use crate::analysis::delay_tuning::DelayTuning;
use crate::analysis::delay_value::DelayValue;
use crate::analysis::single_trial::SingleTrial;
use crate::analysis::state_space::StateSpace;
use crate::analysis::unit_activity::{CHOICE, Trace, UnitActivity};
use crate::analysis::unit_values::{UnitValues, Variable};
use crate::analysis::value_trace::ValueTrace;
use neuropil_draw::{Bars, Color, Mark, Panel, Series};
use std::fmt::Write;

/// Traces of groups of trials, a colour each; dashed lines are the negative choice.
fn traces(traces: &[Trace], times_ms: &[f64], legend: bool, panel: Panel) -> Panel {
    let mut named: Vec<&str> = Vec::new();
    traces.iter().fold(panel, |panel, trace| {
        let known = times_ms.iter().zip(&trace.mean);
        let (x, y): (Vec<f64>, Vec<f64>) = known.filter_map(|(&x, y)| Some((x, (*y)?))).unzip();
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
        // The solid line stands for its group in the legend, where there is one.
        let has_solid = traces
            .iter()
            .any(|other| other.positive && other.group == trace.group);
        if legend && (trace.positive || !has_solid) {
            panel.series(series.label(trace.group.clone()))
        } else {
            panel.series(series)
        }
    })
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
            let legend = i == 0 && sorted_before != Some(&aligned.sorted_by);
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
        traces(&aligned.traces, &aligned.times_ms, i == 0, panel)
    });
    let what = "Prediction of the value network, averaged by stimulus; solid: trials that ended in the positive choice \
                (right, high, B, >; wager: direction right), dashed: in the other.";
    (
        "The value network's prediction".to_owned(),
        panels.collect(),
        what.to_owned(),
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
    let panel = traces(&ordered, &r.times_ms, true, panel);
    let what = "Probability of right relative to left in the policy's output, averaged over trials still running, by motion \
                coherence; solid: evidence for right, dashed: for left.";
    (
        "Which way the policy leans before and after the go signal".to_owned(),
        vec![panel],
        what.to_owned(),
    )
}

pub(super) fn single_trial(r: &SingleTrial, counts_steps: bool) -> Drawn {
    let last = r.times_ms.last().copied().unwrap_or(0.0);
    let end = r.action.as_ref().map_or(last, |&(_, ms)| last.max(ms));
    let frame = |label: &str| {
        let time = if counts_steps { "Step" } else { "Time (ms)" };
        let mut panel = Panel::new(time, label).x_range(0.0, end.max(1.0));
        panel.v_lines.extend(r.action.as_ref().map(|&(_, ms)| ms));
        let shown = r.epochs.iter().filter(|(_, start, _)| *start < end);
        shown.fold(panel, |panel, (name, start, stop)| {
            panel.span(*start, stop.min(end), name.clone())
        })
    };
    let lines = |panel: Panel, named: &[(String, Vec<f64>)]| {
        named.iter().enumerate().fold(panel, |panel, (i, (name, y))| {
            let series = Series::line(r.times_ms.clone(), y.clone()).color(Color::cycle(i));
            panel.series(series.label(name.clone()))
        })
    };
    let inputs = lines(frame("Input"), &r.inputs);
    let mut probabilities = lines(frame("Action probability").y_range(0.0, 1.0), &r.probabilities);
    if let Some((name, ms)) = &r.action {
        let chosen = r.probabilities.iter().position(|(action, _)| action == name);
        let at_end = chosen.and_then(|i| Some((i, *r.probabilities[i].1.last()?)));
        if let Some((i, p)) = at_end {
            probabilities = probabilities.series(Series::points([*ms], [p]).color(Color::cycle(i)));
        }
    }
    let predicted = frame("Predicted reward").series(Series::line(r.times_ms.clone(), r.predicted.clone()));
    let condition: Vec<String> = r
        .condition
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    let ended = r
        .action
        .as_ref()
        .map_or("It was sat out".to_owned(), |(action, ms)| {
            if counts_steps {
                format!("It ended with {action} at step {ms:.0}")
            } else {
                format!("It ended with {action} at {ms:.0} ms")
            }
        });
    let verdict = match r.correct {
        Some(true) => ", correct",
        Some(false) => ", wrong",
        None => "",
    };
    let what = format!(
        "Inputs with their noise (a), action probabilities (b) and the value network's prediction (c) in recorded trial {} \
         ({}). {ended}{verdict}; reward {:+.2}. Vertical line: the action; dot: which one, at its last kept probability.",
        r.trial,
        condition.join(", "),
        r.reward
    );
    (
        format!("{ended}{verdict}"),
        vec![inputs, probabilities, predicted],
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
        .note(name(tuning.carries).to_owned());
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

fn capitalised(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}
