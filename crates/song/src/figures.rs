//! Results as figures. No number is computed here.

mod activity;
mod behaviour;
mod courses;
mod general;
mod networks;
mod sessions;

pub use networks::{fixed_points, probe};

use crate::analysis::learning_curve::LearningCurve;
use crate::analysis::{Analysis, Finding, Needs};
use neuropil_draw::Figure;
use neuropil_draw::{Color, Heat, Panel, Series};
use neuropil_tasks::task::Task;
use neuropil_tasks::trial::Trial;

/// Where the data of a figure come from, for captions.
#[derive(Clone, Debug, Default)]
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
    /// Measures that are no fractions of trials which the criterion asks for, with the bound.
    pub measures: Vec<(String, f64)>,
    /// Is it trained on sessions rather than on trials?
    pub sessions: bool,
    /// Can trials be right or wrong?
    pub judged: bool,
    /// Does time count in steps of a world rather than in ms?
    pub counts_steps: bool,
    /// Conditions other than those of training under which test trials and recorded trials were made; empty for none.
    pub under: [String; 2],
}

/// The figure of a finding.
pub fn figure(analysis: &Analysis, finding: &Finding, origin: &Origin) -> Figure {
    let (title, panels, what) = match finding {
        Finding::LearningCurve(r) => learning_curve(r, origin),
        Finding::Psychometric(r) => behaviour::psychometric(r),
        Finding::AccuracyDuration(r) => behaviour::accuracy_duration(r),
        Finding::Choices(r) => general::choices(r),
        Finding::Confusion(r) => general::confusion(r),
        Finding::ResponseTimes(r) => general::response_times(r),
        Finding::History(r) => sessions::history(r),
        Finding::Detection(r) => sessions::detection(r),
        Finding::SessionCourse(r) => sessions::session_course(r),
        Finding::ValueDifference(r) => sessions::value_difference(r),
        Finding::Outcomes(r) => sessions::outcomes(r, origin.counts_steps),
        Finding::ValueCourse(r) => courses::value_course(r),
        Finding::Kernel(r) => courses::kernel(r),
        Finding::PeriEvent(r) => courses::peri_event(r),
        Finding::Population(r) => courses::population(r),
        Finding::ActionCourse(r) => courses::action_course(r),
        Finding::Selectivity(r) => general::selectivity(r),
        Finding::Decoding(r) => general::decoding(r),
        Finding::Chronometric(r) => behaviour::chronometric(r),
        Finding::CueCombination(r) => behaviour::cue_combination(r),
        Finding::PairPerformance(r) => behaviour::pair_performance(r),
        Finding::Wager(r) => behaviour::wager(r),
        Finding::ChoicePattern(r) => behaviour::choice_pattern(r),
        Finding::UnitActivity(r) => activity::unit_activity(r),
        Finding::ValueTrace(r) => activity::value_trace(r),
        Finding::UnitValues(r) => activity::unit_values(r),
        Finding::StateSpace(r) => activity::state_space(r),
        Finding::DelayTuning(r) => activity::delay_tuning(r),
        Finding::DelayValue(r) => activity::delay_value(r),
        Finding::DecisionProbabilities(r) => activity::decision_probabilities(r),
        Finding::SingleTrial(r) => activity::single_trial(r, origin.counts_steps),
        Finding::Weights(r) => networks::weights(r),
    };
    // Units, single trials and axes of one network say nothing about those of another.
    let individual = matches!(
        finding,
        Finding::PeriEvent(_)
            | Finding::Population(_)
            | Finding::UnitActivity(_)
            | Finding::StateSpace(_)
            | Finding::DelayTuning(_)
            | Finding::SingleTrial(_)
    );
    let panels: Vec<Panel> = panels
        .into_iter()
        .map(|panel| if individual { panel.individual() } else { panel })
        .collect();
    let source = format!("{}, seed {}", origin.task, origin.seed);
    let source = match analysis.needs {
        Needs::Learning | Needs::Networks => format!("{source}."),
        Needs::Behaviour => format!(
            "{source}, {} test trials{}.",
            origin.n_trials,
            made_under(&origin.under[0])
        ),
        Needs::Activity => format!(
            "{source}, {} recorded trials{}.",
            origin.n_recorded,
            made_under(&origin.under[1])
        ),
    };
    let columns = match finding {
        Finding::UnitActivity(r) => r
            .aligned
            .first()
            .map_or(1, |aligned| aligned.units.len().clamp(1, 4)),
        Finding::PeriEvent(r) => r.events.first().map_or(1, |event| event.units.len().clamp(1, 4)),
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

/// The word with its first letter as a capital.
pub(crate) fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// A quantity as an axis says it: `tone_on_ms` is Tone on (ms).
pub(crate) fn quantity(name: &str) -> String {
    let words = |name: &str| capitalised(&name.replace('_', " "));
    match name.strip_suffix("_ms") {
        Some(stem) => format!("{} (ms)", words(stem)),
        None => words(name),
    }
}

/// Conditions of the trials as a caption says them.
fn made_under(conditions: &str) -> String {
    if conditions.is_empty() {
        String::new()
    } else {
        format!(" under: {conditions}")
    }
}

/// Title, panels, caption.
type Drawn = (String, Vec<Panel>, String);

fn learning_curve(r: &LearningCurve, origin: &Origin) -> Drawn {
    let thousands: Vec<f64> = r.n_trials.iter().map(|&n| n as f64 / 1000.0).collect();
    let (trained, per) = if origin.sessions {
        ("Training sessions (thousands)", "session")
    } else {
        ("Training trials (thousands)", "trial")
    };
    let reward = Panel::new(trained, format!("Mean reward per {per}"))
        .series(Series::line(thousands.clone(), r.mean_reward.clone()))
        .h_line(0.0);
    let trials = r.n_trials.last().copied().unwrap_or(0);
    if origin.sessions || !origin.judged {
        let mut panels = vec![reward];
        for (name, bound) in &origin.measures {
            let values = r.quantities.get(name).cloned().unwrap_or_default();
            let panel = Panel::new(trained, format!("{name} (mean over {per}s)"))
                .series(Series::line(thousands.clone(), values))
                .h_line(*bound);
            panels.push(panel);
        }
        let panels = panels.into_iter().map(|panel| with_lessons(panel, r)).collect();
        let what = format!(
            "Mean reward, and what the criterion asks for, in {} validation {per}s each; horizontal line: the \
             criterion.",
            r.validation_trials
        );
        return (format!("{trials} training {per}s"), panels, what);
    }
    let percent = |fraction: f64| 100.0 * fraction;
    let (x, y): (Vec<f64>, Vec<f64>) = thousands
        .iter()
        .zip(&r.fraction_correct)
        .filter_map(|(&x, correct)| correct.map(|correct| (x, percent(correct))))
        .unzip();
    let decided: Vec<f64> = r.fraction_decided.iter().map(|&f| percent(f)).collect();
    let mut accuracy = Panel::new(trained, "Trials (%)")
        .y_range(0.0, 100.0)
        .series(
            Series::line(thousands.clone(), decided)
                .label("decided")
                .color(Color::Grey),
        )
        .series(Series::line(x, y).label("correct"));
    if let Some(threshold) = origin.threshold {
        accuracy = accuracy.h_line(percent(threshold));
    }
    let own = origin
        .measures
        .iter()
        .filter(|(name, _)| r.quantities.contains_key(name) && name != "reward");
    let own = own.map(|(name, bound)| {
        let values: Vec<f64> = r.quantities[name].iter().map(|&value| percent(value)).collect();
        Panel::new(trained, format!("{name} (%)"))
            .y_range(0.0, 100.0)
            .series(Series::line(thousands.clone(), values))
            .h_line(percent(*bound))
    });
    let mut panels: Vec<Panel> = [reward, accuracy]
        .into_iter()
        .chain(own)
        .map(|panel| with_lessons(panel, r))
        .collect();
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

/// Shades the lessons of a curriculum.
fn with_lessons(panel: Panel, r: &LearningCurve) -> Panel {
    r.lessons.iter().fold(panel, |panel, lesson| {
        let (from, to) = (lesson.from as f64 / 1000.0, lesson.to as f64 / 1000.0);
        panel.span(from, to, format!("lesson {}", lesson.number))
    })
}

/// Inputs that are shown one line each; more become an image.
const MOST_LINES: usize = 7;

/// One trial as the network sees it: mean of every input against time, events included, epochs shaded.
pub fn trial(task: &Task, trial: &Trial, seed: u64) -> Figure {
    let names = &task.definition.inputs;
    let shown: Vec<Vec<f64>> = (0..trial.n_steps).map(|k| trial.inputs_at(k)).collect();
    let tmax_ms = task.definition.tmax_ms;
    let mut panel = if names.len() > MOST_LINES {
        let heat = Heat {
            values: (0..names.len())
                .map(|i| shown.iter().map(|inputs| inputs[i]).collect())
                .collect(),
            x: (0.0, tmax_ms),
            y: (0.5, names.len() as f64 + 0.5),
            signed: false,
            limits: None,
            label: "Input (mean)".to_owned(),
        };
        Panel::new("Time (ms)", "Input (number)")
            .x_range(0.0, tmax_ms)
            .heat(heat)
    } else {
        let highest = shown.iter().flatten().copied().fold(1.0, f64::max);
        let lowest = shown.iter().flatten().copied().fold(0.0, f64::min);
        let panel = Panel::new("Time (ms)", "Input (mean)")
            .x_range(0.0, tmax_ms)
            .y_range(lowest - 0.05, highest + 0.3);
        names.iter().enumerate().fold(panel, |panel, (i, name)| {
            let (x, y) = steps_of(shown.iter().map(|inputs| inputs[i]), task.dt_ms);
            panel.series(Series::line(x, y).color(Color::cycle(i)).label(name.clone()))
        })
    };
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

/// A course as it is, constant within each step: corners (ms, value) where it changes.
fn steps_of(values: impl Iterator<Item = f64>, dt_ms: f64) -> (Vec<f64>, Vec<f64>) {
    let (mut x, mut y): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut end = 0.0;
    for (k, value) in values.enumerate() {
        let t = k as f64 * dt_ms;
        if y.last() != Some(&value) {
            if let Some(&before) = y.last() {
                x.push(t);
                y.push(before);
            }
            x.push(t);
            y.push(value);
        }
        end = t;
    }
    if let Some(&last) = y.last() {
        x.push(end);
        y.push(last);
    }
    (x, y)
}
