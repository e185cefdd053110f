//! Results as figures. No number is computed here.

mod activity;
mod networks;

pub use networks::{fixed_points, probe};

use crate::analysis::accuracy_duration::AccuracyDuration;
use crate::analysis::chronometric::{Chronometric, FEW_TRIALS};
use crate::analysis::economic::ChoicePattern;
use crate::analysis::learning_curve::LearningCurve;
use crate::analysis::multisensory::CueCombination;
use crate::analysis::proportion::{DurationPoint, Proportion};
use crate::analysis::psychometric::{Curve, Psychometric};
use crate::analysis::romo::PairPerformance;
use crate::analysis::wager::Wager;
use crate::analysis::{Analysis, Finding, Needs};
use neuropil_draw::Figure;
use neuropil_draw::{Color, Mark, Panel, Series};
use neuropil_math::stats::fit::StandardErrors;
use neuropil_tasks::task::Task;
use neuropil_tasks::trial::Trial;

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
        Finding::UnitActivity(r) => activity::unit_activity(r),
        Finding::ValueTrace(r) => activity::value_trace(r),
        Finding::UnitValues(r) => activity::unit_values(r),
        Finding::StateSpace(r) => activity::state_space(r),
        Finding::DelayTuning(r) => activity::delay_tuning(r),
        Finding::DelayValue(r) => activity::delay_value(r),
        Finding::DecisionProbabilities(r) => activity::decision_probabilities(r),
        Finding::SingleTrial(r) => activity::single_trial(r),
        Finding::Weights(r) => networks::weights(r),
    };
    let source = format!("{}, seed {}", origin.task, origin.seed);
    let source = match analysis.needs {
        Needs::Learning | Needs::Networks => format!("{source}."),
        Needs::Behaviour => format!("{source}, {} test trials.", origin.n_trials),
        Needs::Activity => format!("{source}, {} recorded trials.", origin.n_recorded),
    };
    let columns = match finding {
        Finding::UnitActivity(r) => r
            .aligned
            .first()
            .map_or(1, |aligned| aligned.units.len().clamp(1, 4)),
        _ if panels.len() > 4 => 3,
        _ => panels.len().min(2),
    };
    Figure {
        name: analysis.name.to_owned(),
        title,
        caption: format!("{what} {source}"),
        columns,
        panels,
    }
}

/// Title, panels, caption.
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
    let (x, y): (Vec<f64>, Vec<f64>) = curve.likelihood_line.iter().map(|&(x, p)| (x, 100.0 * p)).unzip();
    let panel = if x.is_empty() {
        panel
    } else {
        panel.series(Series::line(x, y).color(color).mark(Mark::Dashed))
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
    let decided = r.curves.iter().enumerate().fold(
        Panel::new(r.stimulus.clone(), "Decided (%)").y_range(0.0, 100.0),
        |panel, (i, curve)| {
            let x: Vec<f64> = curve.points.iter().map(|point| point.stimulus).collect();
            let y: Vec<f64> = curve
                .points
                .iter()
                .map(|point| 100.0 * point.decided.value)
                .collect();
            panel.series(
                Series::line(x, y)
                    .mark(Mark::LineAndPoints)
                    .color(Color::cycle(i)),
            )
        },
    );
    let panels = panels.into_iter().chain([decided]).collect();
    let named = |curve: &Curve| {
        if curve.name.is_empty() {
            String::new()
        } else {
            format!("{}: ", curve.name)
        }
    };
    let fitted: Vec<String> = r
        .curves
        .iter()
        .filter_map(|curve| curve.least_squares.map(|fit| (curve, fit)))
        .map(|(curve, fit)| format!("{}threshold {:.2}, bias {:+.2}", named(curve), fit.sigma, fit.mu))
        .collect();
    let title = if fitted.is_empty() {
        "Psychometric function".to_owned()
    } else {
        fitted.join("; ")
    };
    let likely: Vec<String> = r
        .curves
        .iter()
        .filter_map(|curve| {
            let fit = curve.likelihood?;
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
        })
        .collect();
    let likely = if likely.is_empty() {
        String::new()
    } else {
        format!(" By likelihood (± 1.96 standard errors): {}.", likely.join("; "))
    };
    let what = format!(
        "Choices of {} among decided trials ({} of {}) against {}, and trials decided; bars: 95 % Wilson intervals; \
         lines: cumulative Gaussian, solid by least squares, dashed by binomial likelihood with lapses.{likely}",
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
