//! From a run's test trials to findings, figures and the report page.

use crate::analysis::activity::Recorded;
use crate::analysis::{ANALYSES, Analysis, AnalysisError, Finding, Focus, Session};
use crate::behaviour::Behaviour;
use crate::figures::{Origin, capitalised, figure};
use neuropil_draw::{Axis, Figure, Heat, Panel, Report, ReportTable, Section};
use neuropil_learn::player::Player;
use neuropil_learn::train::Progress;
use neuropil_math::rng::{Key, Phase};
use neuropil_math::stats::summary::mean;
use neuropil_study::{Shown, Table};
use neuropil_tasks::performance::Performance;
use neuropil_tasks::task::Task;

/// One analysis of a run: its result and figure, or why there is none.
pub struct Analysed {
    /// Which analysis.
    pub analysis: &'static Analysis,
    /// Result.
    pub finding: Result<Finding, AnalysisError>,
    /// Its figure.
    pub figure: Option<Figure>,
}

/// Makes the named analyses, or all that fit the trials.
///
/// Without names, an analysis that needs factors or actions which the task lacks is left out.
pub fn analyse(
    task: &Task,
    seed: u64,
    behaviour: &Behaviour,
    recorded: Option<&Recorded>,
    progress: &Progress,
    networks: Option<(&Player<f32>, &Player<f32>)>,
    names: &[String],
    focus: &Focus,
    under: [String; 2],
) -> Vec<Analysed> {
    let key = Key::new(seed).phase(Phase::Test);
    let session = Session {
        behaviour,
        recorded,
        learning: &progress.history,
        networks,
        focus,
        key,
    };
    let correct = task.quantities.iter().find(|q| q.name == "correct");
    let origin = Origin {
        task: task.definition.name.clone(),
        seed,
        n_trials: behaviour.n_trials(),
        n_recorded: recorded.map_or(0, |recorded| recorded.behaviour.n_trials()),
        threshold: correct.and_then(|q| q.at_least),
        measures: task
            .quantities
            .iter()
            .filter(|q| task.world.is_some() || !q.is_fraction() || q.is_own())
            .filter_map(|q| Some((q.name.clone(), q.at_least.or(q.above).or(q.at_most)?)))
            .collect(),
        sessions: task.world.is_some(),
        judged: task.judges(),
        counts_steps: task.world.is_some() && task.sessions().is_none(),
        under,
    };
    let wanted = ANALYSES
        .iter()
        .filter(|a| names.is_empty() || names.iter().any(|name| name == a.name));
    wanted
        .map(|analysis| {
            let finding = (analysis.compute)(&session);
            let drawn = finding
                .as_ref()
                .ok()
                .map(|finding| figure(analysis, finding, &origin));
            Analysed {
                analysis,
                finding,
                figure: drawn,
            }
        })
        .filter(|analysed| !names.is_empty() || analysed.finding.is_ok())
        .collect()
}

/// Longest heading; what is longer is said below it.
const LONGEST_HEADING: usize = 100;

/// The heading of an analysis and of what it shows, without saying the same twice, and what is too long for it.
fn heading(analysis: &str, figure: &str) -> (String, String) {
    let begin =
        |text: &str| -> Vec<String> { text.split_whitespace().take(2).map(str::to_lowercase).collect() };
    let begins_alike = begin(analysis) == begin(figure)
        || begin(analysis).first() == begin(figure).first() && begin(figure).len() > 1;
    let both = if figure.is_empty() {
        analysis.to_owned()
    } else if begins_alike {
        capitalised(figure)
    } else {
        format!("{analysis}: {figure}")
    };
    if both.chars().count() > LONGEST_HEADING {
        (analysis.to_owned(), capitalised(figure) + ".")
    } else {
        (both, String::new())
    }
}

/// The page of a run. `details` are folded away at its end: summary and text.
pub fn page(
    task: &Task,
    seed: u64,
    behaviour: &Behaviour,
    progress: &Progress,
    analysed: &[neuropil_study::Analysed],
    details: Vec<(String, String)>,
) -> Report {
    let last = progress
        .history
        .last()
        .map(|check| check.performance.clone())
        .unwrap_or_default();
    let d = &task.definition;
    let mut sections: Vec<Section> = analysed
        .iter()
        .filter_map(|analysed| {
            let figure = &analysed.answer.as_ref().ok()?.figures.first()?.figure;
            let (title, text) = heading(&analysed.title, &figure.title);
            Some(Section {
                title,
                text,
                table: Some(data_table(figure)),
                figure: Some(Figure {
                    title: String::new(),
                    ..figure.clone()
                }),
            })
        })
        .collect();
    sections.push(Section {
        title: "The task".to_owned(),
        text: d.description.trim().to_owned(),
        figure: None,
        table: None,
    });
    Report {
        title: format!("{} · seed {seed}", d.name),
        lead: lead(task, seed, behaviour, progress, &last),
        facts: facts(task, behaviour, progress, &last),
        sections,
        details,
    }
}

fn percent(part: usize, whole: usize) -> String {
    format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64)
}

fn verdict(task: &Task, last: &Performance) -> &'static str {
    if last.meets(task) { "met" } else { "not met" }
}

/// What was trained, how long, and what came of it.
fn lead(task: &Task, seed: u64, behaviour: &Behaviour, progress: &Progress, last: &Performance) -> String {
    let d = &task.definition;
    let (n, decided, correct) = counts(behaviour);
    let tested = if task.world.is_some() {
        let (sessions, earned) = behaviour.sessions().unwrap_or((n, mean(&behaviour.reward)));
        format!("In {sessions} test sessions it earned {earned:+.3} each.")
    } else if !task.judges() {
        let answered = behaviour.chosen.iter().filter(|chosen| **chosen).count();
        let earned = mean(&behaviour.reward);
        format!(
            "In {n} test trials it answered in {} and earned {earned:+.3} each.",
            percent(answered, n)
        )
    } else {
        format!(
            "In {n} test trials it decided {} and was correct in {} of these.",
            percent(decided, n),
            percent(correct, decided)
        )
    };
    let title = if d.title.is_empty() {
        String::new()
    } else {
        format!("{}. ", d.title)
    };
    format!(
        "{title}A recurrent network trained by reward on {} (seed {seed}): criterion {} after {} {} \
         ({} updates{}). {tested}",
        d.name,
        verdict(task, last),
        progress.n_trials,
        task.unit(),
        progress.update,
        match progress.attempt {
            0 => String::new(),
            1 => ", 1 restart".to_owned(),
            n => format!(", {n} restarts"),
        },
    )
}

/// The key numbers.
fn facts(
    task: &Task,
    behaviour: &Behaviour,
    progress: &Progress,
    last: &Performance,
) -> Vec<(String, String)> {
    let (n, decided, correct) = counts(behaviour);
    let per = if task.world.is_some() { "session" } else { "trial" };
    let sessions = behaviour.sessions();
    let earned = sessions.map_or_else(|| mean(&behaviour.reward), |(_, earned)| earned);
    let mut facts = vec![
        ("criterion".to_owned(), verdict(task, last).to_owned()),
        (format!("training {}", task.unit()), progress.n_trials.to_string()),
        (format!("reward per {per}"), format!("{earned:+.3}")),
    ];
    if task.world.is_some() {
        let measured = last.quantities.iter().filter(|(name, _)| *name != "reward");
        facts.extend(measured.map(|(name, value)| (format!("{name} (validation)"), format!("{value:.3}"))));
    } else if task.judges() {
        facts.push(("decided (test)".to_owned(), percent(decided, n)));
        facts.push(("correct (test)".to_owned(), percent(correct, decided)));
    }
    facts
}

fn counts(behaviour: &Behaviour) -> (usize, usize, usize) {
    let decided = behaviour.correct.iter().flatten().count();
    let correct = behaviour
        .correct
        .iter()
        .flatten()
        .filter(|&&correct| correct)
        .count();
    (behaviour.n_trials(), decided, correct)
}

/// Headers and rows of what a figure shows.
pub fn data_rows(figure: &Figure) -> (Vec<String>, Vec<Vec<String>>) {
    let headers = ["panel", "series", "x", "y", "low", "high"]
        .map(str::to_owned)
        .to_vec();
    let mut rows = Vec::new();
    for panel in &figure.panels {
        let what = format!("{} against {}", panel.y.label, panel.x.label);
        if let Some(heat) = &panel.heat {
            rows.extend(heat_rows(panel, heat));
        }
        for bars in &panel.bars {
            for (edges, height) in bars.edges.windows(2).zip(&bars.heights) {
                rows.push(vec![
                    what.clone(),
                    bars.label.clone().unwrap_or_default(),
                    format!("{:.4}", f64::midpoint(edges[0], edges[1])),
                    format!("{height}"),
                    String::new(),
                    String::new(),
                ]);
            }
        }
        for (s, series) in panel.series.iter().enumerate() {
            let name = series.label.clone().unwrap_or_else(|| format!("{}", s + 1));
            for i in 0..series.x.len() {
                let bounds = series
                    .error
                    .as_ref()
                    .or(series.band.as_ref())
                    .map(|bounds| bounds[i]);
                let bound = |pick: fn((f64, f64)) -> f64| {
                    bounds.map(|b| format!("{:.4}", pick(b))).unwrap_or_default()
                };
                rows.push(vec![
                    what.clone(),
                    name.clone(),
                    format!("{}", series.x[i]),
                    format!("{:.4}", series.y[i]),
                    bound(|b| b.0),
                    bound(|b| b.1),
                ]);
            }
        }
    }
    (headers, rows)
}

/// A cell a row: its row's name as the series, its column and its value.
fn heat_rows<'a>(panel: &'a Panel, heat: &'a Heat) -> impl Iterator<Item = Vec<String>> + 'a {
    let place = |axis: &Axis, (low, high): (f64, f64), i: usize, n: usize| {
        let middle = low + (i as f64 + 0.5) * (high - low) / n as f64;
        let mut ticks = axis.ticks.iter().flatten();
        let named = ticks.find(|(at, _)| (at - middle).abs() < 1e-9 * (high - low).abs());
        named.map_or_else(|| format!("{middle:.4}"), |(_, name)| name.clone())
    };
    let what = format!("{} by {} and {}", heat.label, panel.y.label, panel.x.label);
    heat.values.iter().enumerate().flat_map(move |(i, row)| {
        let what = what.clone();
        row.iter().enumerate().map(move |(j, value)| {
            vec![
                what.clone(),
                place(&panel.y, heat.y, i, heat.values.len()),
                place(&panel.x, heat.x, j, row.len()),
                format!("{value:.4}"),
                String::new(),
                String::new(),
            ]
        })
    })
}

/// A figure under the name of its files, with the numbers that it shows.
pub fn shown_as(name: &str, figure: Figure) -> Shown {
    let (headers, rows) = data_rows(&figure);
    Shown {
        figure: Figure {
            name: name.to_owned(),
            ..figure
        },
        numbers: Table::of_rows(&headers, &rows),
    }
}

pub(crate) fn data_table(figure: &Figure) -> ReportTable {
    let (headers, rows) = data_rows(figure);
    ReportTable {
        headers,
        rows,
        csv_name: Some(format!("{}.csv", figure.name)),
    }
}
