//! Results as figures. No number is computed here.

use crate::analysis::accuracy_duration::AccuracyDuration;
use crate::analysis::chronometric::{Chronometric, FEW_TRIALS};
use crate::analysis::economic::ChoicePattern;
use crate::analysis::learning_curve::LearningCurve;
use crate::analysis::multisensory::CueCombination;
use crate::analysis::proportion::{DurationPoint, Proportion};
use crate::analysis::psychometric::{Curve, Psychometric};
use crate::analysis::romo::PairPerformance;
use crate::analysis::state_space::StateSpace;
use crate::analysis::unit_activity::{Trace, UnitActivity};
use crate::analysis::unit_values::{UnitValues, Variable};
use crate::analysis::value_trace::ValueTrace;
use crate::analysis::wager::Wager;
use crate::analysis::{Analysis, Finding, Needs};
use neuropil_draw::Figure;
use neuropil_draw::{Color, Mark, Panel, Series};
use neuropil_tasks::task::Task;
use neuropil_tasks::trial::Trial;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Where the data of a figure come from, for captions.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Name of the task.
    pub task: String,
    /// Seed of the run.
    pub seed: u64,
    /// Test trials in all.
    pub n_trials: usize,
    /// Trials with activity.
    pub n_recorded: usize,
    /// Fraction correct that the criterion asks for, if it asks for one.
    pub threshold: Option<f64>,
    /// Measures of a world that its criterion asks for, with the bound; empty for trial tables.
    pub measures: Vec<(String, f64)>,
}

/// The figure of a finding.
pub fn figure(analysis: &Analysis, finding: &Finding, origin: &Origin) -> Figure {
    let (title, panels, what) = match finding {
        Finding::LearningCurve(r) => learning_curve(r, origin),
        Finding::Psychometric(r) => psychometric(r),
        Finding::AccuracyDuration(r) => accuracy_duration(r),
        Finding::Chronometric(r) => chronometric(r),
        Finding::CueCombination(r) => cue_combination(r),
        Finding::PairPerformance(r) => pair_performance(r),
        Finding::Wager(r) => wager(r),
        Finding::ChoicePattern(r) => choice_pattern(r),
        Finding::UnitActivity(r) => unit_activity(r),
        Finding::ValueTrace(r) => value_trace(r),
        Finding::UnitValues(r) => unit_values(r),
        Finding::StateSpace(r) => state_space(r),
    };
    let source = format!("{}, seed {}", origin.task, origin.seed);
    let source = match analysis.needs {
        Needs::Learning => format!("{source}."),
        Needs::Behaviour => format!("{source}, {} test trials.", origin.n_trials),
        Needs::Activity => format!("{source}, {} recorded trials.", origin.n_recorded),
    };
    let columns = if panels.len() > 4 { 3 } else { panels.len().min(2) };
    Figure {
        name: analysis.name.to_owned(),
        title,
        caption: format!("{what} {source}"),
        columns,
        panels,
    }
}

type Drawn = (String, Vec<Panel>, String);

fn errors<'a>(proportions: impl Iterator<Item = &'a Proportion>) -> Vec<(f64, f64)> {
    proportions.map(|p| (p.interval.low, p.interval.high)).collect()
}

fn learning_curve(r: &LearningCurve, origin: &Origin) -> Drawn {
    let thousands: Vec<f64> = r.n_trials.iter().map(|&n| n as f64 / 1000.0).collect();
    let reward = Panel::new("Training trials (thousands)", "Mean reward per trial")
        .series(Series::line(thousands.clone(), r.mean_reward.clone()))
        .h_line(0.0);
    let trials = r.n_trials.last().copied().unwrap_or(0);
    if !origin.measures.is_empty() {
        let mut panels = vec![reward];
        for (name, bound) in &origin.measures {
            let values = r.quantities.get(name).cloned().unwrap_or_default();
            let panel = Panel::new("Training trials (thousands)", format!("Mean {name} per session"))
                .series(Series::line(thousands.clone(), values))
                .h_line(*bound);
            panels.push(panel);
        }
        let what = format!(
            "Mean reward, and what the criterion asks for, in {} validation sessions each; horizontal line: the \
             criterion.",
            r.validation_trials
        );
        return (format!("{trials} training sessions"), panels, what);
    }
    let percent = |fraction: f64| 100.0 * fraction;
    let (x, y): (Vec<f64>, Vec<f64>) = thousands
        .iter()
        .zip(&r.fraction_correct)
        .filter_map(|(&x, correct)| correct.map(|correct| (x, percent(correct))))
        .unzip();
    let decided: Vec<f64> = r.fraction_decided.iter().map(|&f| percent(f)).collect();
    let mut accuracy = Panel::new("Training trials (thousands)", "Trials (%)")
        .y_range(0.0, 100.0)
        .series(
            Series::line(thousands, decided)
                .label("decided")
                .color(Color::Grey),
        )
        .series(Series::line(x, y).label("correct"));
    if let Some(threshold) = origin.threshold {
        accuracy = accuracy.h_line(percent(threshold));
    }
    let mut panels = vec![reward, accuracy];
    for panel in &mut panels {
        panel
            .v_lines
            .extend(r.restarts.iter().map(|&n| n as f64 / 1000.0));
    }
    let mut what = format!(
        "Mean reward (a), and trials decided and correct (b), in {} validation trials each; horizontal line in b: \
         the criterion. Accuracy is shown where the mean reward is above 0.",
        r.validation_trials
    );
    if !r.restarts.is_empty() {
        what.push_str(" Vertical lines: new networks were drawn.");
    }
    (format!("{trials} training trials"), panels, what)
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
    if !curve.name.is_empty() {
        dots = dots.label(curve.name.clone());
    }
    let (x, y): (Vec<f64>, Vec<f64>) = curve.line.iter().map(|&(x, p)| (x, 100.0 * p)).unzip();
    let panel = if x.is_empty() {
        panel
    } else {
        panel.series(Series::line(x, y).color(color))
    };
    panel.series(dots)
}

fn psychometric(r: &Psychometric) -> Drawn {
    let empty = || Panel::new(r.stimulus.clone(), format!("Choices of {} (%)", r.choice)).y_range(0.0, 100.0);
    // Curves in two contexts go to two panels: "motion in motion context" and the like would hide one another.
    let panels: Vec<Panel> = if r.curves.len() > 3 {
        r.curves
            .chunks(2)
            .map(|pair| {
                pair.iter()
                    .enumerate()
                    .fold(empty(), |panel, (i, c)| curve(panel, c, Color::cycle(i)))
            })
            .collect()
    } else {
        vec![
            r.curves
                .iter()
                .enumerate()
                .fold(empty(), |panel, (i, c)| curve(panel, c, Color::cycle(i))),
        ]
    };
    let fitted: Vec<String> = r
        .curves
        .iter()
        .filter_map(|curve| curve.least_squares.map(|fit| (curve, fit)))
        .map(|(curve, fit)| {
            let name = if curve.name.is_empty() {
                String::new()
            } else {
                format!("{}: ", curve.name)
            };
            format!("{name}threshold {:.2}, bias {:+.2}", fit.sigma, fit.mu)
        })
        .collect();
    let title = if fitted.is_empty() {
        "Psychometric function".to_owned()
    } else {
        fitted.join("; ")
    };
    let what = format!(
        "Choices of {} among decided trials ({} of {}) against {}; bars: 95 % Wilson intervals; lines: cumulative \
         Gaussian, least squares.",
        r.choice, r.n_decided, r.n_trials, r.stimulus
    );
    (title, panels, what)
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

fn accuracy_duration(r: &AccuracyDuration) -> Drawn {
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
    let what = "Fraction correct in ten bins of equally many trials by stimulus duration, for each motion coherence; \
                bars: 95 % Wilson intervals.";
    (
        "Accuracy grows with duration and coherence".to_owned(),
        vec![panel],
        what.to_owned(),
    )
}

fn chronometric(r: &Chronometric) -> Drawn {
    let shown: Vec<_> = r.coherences.iter().filter(|c| c.coherence > 0.0).collect();
    let ticks: Vec<(f64, String)> = shown
        .iter()
        .map(|c| (c.coherence, c.coherence.to_string()))
        .collect();
    let mut panel = Panel::new("Motion coherence (%)", "Reaction time (ms)")
        .x_log()
        .x_ticks(ticks);
    for (name, mark, color) in [
        ("correct", Mark::LineAndPoints, Color::Blue),
        ("error", Mark::OpenPoints, Color::Vermillion),
    ] {
        let (mut x, mut y, mut error) = (Vec::new(), Vec::new(), Vec::new());
        for c in &shown {
            let summary = if name == "correct" { c.correct } else { c.error };
            let (Some(mean), true) = (summary.mean, summary.n > FEW_TRIALS) else {
                continue;
            };
            let half = 1.96 * summary.sem.unwrap_or(0.0);
            x.push(c.coherence);
            y.push(mean);
            error.push((mean - half, mean + half));
        }
        panel = panel.series(
            Series::line(x, y)
                .mark(mark)
                .color(color)
                .error(error)
                .label(name),
        );
    }
    let ms = |mean: Option<f64>| mean.map_or("–".to_owned(), |mean| format!("{mean:.0} ms"));
    let title = format!(
        "Mean reaction time: correct {}, error {}",
        ms(r.correct.mean),
        ms(r.error.mean)
    );
    let what = format!(
        "Time from stimulus onset to choice; coherence 0 left out; points with more than {FEW_TRIALS} trials; bars: \
         mean ± 1.96 standard errors."
    );
    (title, vec![panel], what)
}

fn cue_combination(r: &CueCombination) -> Drawn {
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

fn pair_performance(r: &PairPerformance) -> Drawn {
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

fn wager(r: &Wager) -> Drawn {
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

/// Groups of trials that can be told apart in one panel.
const MOST_GROUPS: usize = 6;

/// Traces of groups of trials, a colour each; dashed lines are the negative choice. Of more than [`MOST_GROUPS`]
/// groups only those with the strongest stimulus of their kind are shown.
fn traces(traces: &[Trace], times_ms: &[f64], legend: bool, panel: Panel) -> Panel {
    let group = |trace: &Trace| (trace.curve.clone(), trace.strength.map(f64::to_bits));
    let all: BTreeSet<_> = traces.iter().map(group).collect();
    let strongest = |trace: &Trace| {
        let alike = traces.iter().filter(|other| other.curve == trace.curve);
        alike
            .filter_map(|other| other.strength)
            .all(|strength| trace.strength >= Some(strength))
    };
    let shown: Vec<&Trace> = traces
        .iter()
        .filter(|trace| all.len() <= MOST_GROUPS || strongest(trace))
        .collect();
    let mut named: Vec<_> = Vec::new();
    shown.iter().fold(panel, |panel, trace| {
        let (x, y): (Vec<f64>, Vec<f64>) = times_ms
            .iter()
            .zip(&trace.mean)
            .filter_map(|(&x, y)| Some((x, (*y)?)))
            .unzip();
        let known = named.iter().position(|name| *name == group(trace));
        let number = known.unwrap_or_else(|| {
            named.push(group(trace));
            named.len() - 1
        });
        let mark = if trace.positive { Mark::Line } else { Mark::Dashed };
        let series = Series::line(x, y).mark(mark).color(Color::cycle(number));
        let alone = !shown
            .iter()
            .any(|other| other.positive && group(other) == group(trace));
        if legend && (trace.positive || alone) {
            let strength = trace.strength.map(|strength| format!("{strength} %"));
            let name = [trace.curve.clone(), strength.unwrap_or_default()].join(" ");
            panel.series(series.label(name.trim().to_owned()))
        } else {
            panel.series(series)
        }
    })
}

fn unit_activity(r: &UnitActivity) -> Drawn {
    let panels: Vec<Panel> = r
        .units
        .iter()
        .enumerate()
        .map(|(i, unit)| {
            let axis = format!("Rate of unit {}", unit.unit);
            let panel = Panel::new(format!("Time from {} onset (ms)", r.aligned_to), axis).v_line(0.0);
            traces(&unit.traces, &r.times_ms, i == 0, panel)
        })
        .collect();
    let what = format!(
        "Mean rates of the units of the policy network that tell the {} best apart (largest |d′|), by stimulus (the strongest of \
         each kind, where there are many kinds); solid: trials that ended in the positive choice (right, high, B, >), dashed: in the other.",
        r.selected_by
    );
    ("The most selective units".to_owned(), panels, what)
}

fn value_trace(r: &ValueTrace) -> Drawn {
    let panels = r
        .aligned
        .iter()
        .enumerate()
        .map(|(i, aligned)| {
            let panel =
                Panel::new(format!("Time from {} (ms)", aligned.event), "Predicted reward").v_line(0.0);
            traces(&aligned.traces, &aligned.times_ms, i == 0, panel)
        })
        .collect();
    let what = "Prediction of the value network, averaged by stimulus; solid: trials that ended in the positive choice \
                (right, high, B, >), dashed: in the other.";
    (
        "The value network's prediction".to_owned(),
        panels,
        what.to_owned(),
    )
}

fn unit_values(r: &UnitValues) -> Drawn {
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
    let panel = Panel::new("Variable", "Units")
        .x_ticks(ticks.collect::<Vec<_>>())
        .x_range(-0.5, r.counts.len() as f64 - 0.5)
        .y_range(0.0, 1.15 * y.iter().copied().fold(1.0, f64::max))
        .series(Series::points(x, y));
    let what = format!(
        "Units of the value network by the variable that explains most of their mean rate in the 500 ms before the \
         choice (p < 0.05 and r² ≥ 0.05), over {} trials that offered both juices; 1 A is worth {:.2} B.",
        r.n_trials, r.indifference
    );
    let title = format!(
        "{} of {} units carry a value or the choice",
        r.n_classified,
        r.units.len()
    );
    (title, vec![panel], what)
}

fn state_space(r: &StateSpace) -> Drawn {
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

fn choice_pattern(r: &ChoicePattern) -> Drawn {
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

/// One trial as the network sees it: mean of every input against time, epochs shaded.
pub fn trial(task: &Task, trial: &Trial, seed: u64) -> Figure {
    let mut panel = Panel::new("Time (ms)", "Input (mean)")
        .x_range(0.0, task.definition.tmax_ms)
        .y_range(-0.05, 1.3);
    for (i, name) in task.definition.inputs.iter().enumerate() {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for (s, segment) in trial.segments.iter().enumerate() {
            let end = trial
                .segments
                .get(s + 1)
                .map_or(trial.n_steps - 1, |next| next.start);
            let level = segment.row.inputs[i];
            x.extend([segment.start as f64 * task.dt_ms, end as f64 * task.dt_ms]);
            y.extend([level, level]);
        }
        panel = panel.series(Series::line(x, y).color(Color::cycle(i)).label(name.clone()));
    }
    for (epoch, steps) in task.epochs.iter().zip(&trial.epochs) {
        if let Some((start, end)) = steps {
            let (start, end) = (
                *start as f64 * task.dt_ms,
                (*end as f64 * task.dt_ms).min(task.definition.tmax_ms),
            );
            panel = panel.span(start, end, epoch.name.clone());
        }
    }
    Figure {
        name: "trial".to_owned(),
        title: format!("One trial of {}", task.definition.name),
        caption: format!(
            "Means of the inputs in one trial of {} (seed {seed}); noise left out.",
            task.definition.name
        ),
        columns: 1,
        panels: vec![panel],
    }
}
