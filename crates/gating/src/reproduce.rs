//! What the paper found, on the digits that come with neuropil: methods over many permuted tasks, several seeds each.

use crate::course::{Course, draw};
use crate::data::Dataset;
use crate::settings::Settings;
use neuropil_draw::{Color, Figure, Panel, Report, Section, Series};
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_math::stats::summary::mean_interval;
use neuropil_study::{Asked, Band, Claim, Flow, Found, Reproduced, Watch, claims_table};
use rayon::prelude::*;
use serde::Serialize;

/// Methods with their strengths c: those of small reference experiments on digits, not yet the best of a scan.
const METHODS: [(&str, f64); 6] = [
    ("none", 0.0),
    ("si", 0.5),
    ("ewc", 20.0),
    ("xdg", 0.0),
    ("xdg+si", 0.5),
    ("xdg+ewc", 20.0),
];

/// Accuracies of one method over seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    /// Method.
    pub method: String,
    /// Strength c.
    pub strength: f64,
    /// Mean accuracy over the tasks so far after each task: \[seed\]\[task\].
    pub mean: Vec<Vec<f64>>,
    /// Mean over all tasks after the last, of every seed.
    pub last: Vec<f64>,
    /// Its mean over seeds.
    pub average: f64,
    /// 95 % interval of that mean (Student's t).
    pub interval: (f64, f64),
}

fn learn(data: &Dataset, settings: &Settings, step: &dyn Fn() -> Flow) -> Result<Option<Vec<f64>>, Problem> {
    let (tasks, gates) = draw(settings, data)?;
    let mut course = Course::new(settings, data, &tasks, &gates)?;
    while !course.is_over() {
        course.step()?;
        if step() == Flow::Stop {
            return Ok(None);
        }
    }
    let learnt = course.progress().learnt.iter();
    Ok(Some(
        learnt
            .map(|task| task.accuracies.iter().sum::<f64>() / task.accuracies.len() as f64)
            .collect(),
    ))
}

pub(crate) fn reproduce(asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem> {
    if let Some(part) = asked.parts.iter().find(|part| part.as_str() != "methods") {
        return Err(Problem::new(
            format!("gating has nothing called `{part}` to reproduce"),
            did_you_mean(part, "parts", &["methods"]),
        ));
    }
    let data = Dataset::open("digits", &Default::default())?;
    let (first, last) = asked.seeds.unwrap_or((1, if asked.quick { 2 } else { 5 }));
    let seeds: Vec<u64> = (first..=last).collect();
    let mut rows = Vec::new();
    for (method, strength) in METHODS {
        let results: Vec<Result<Option<Vec<f64>>, Problem>> = seeds
            .par_iter()
            .map(|&seed| {
                let mut settings = Settings {
                    seed,
                    method: method.to_owned(),
                    ..Settings::default()
                };
                settings.stabilise.strength = strength;
                settings.stabilise.samples = 2048;
                if asked.quick {
                    settings.tasks.n = 20;
                }
                let stopped = || {
                    if watch.stopped() {
                        Flow::Stop
                    } else {
                        Flow::Continue
                    }
                };
                learn(&data, &settings, &stopped)
            })
            .collect();
        let mean = results.into_iter().collect::<Result<Option<Vec<_>>, _>>()?;
        let Some(mean) = mean else {
            return Ok(Reproduced {
                interrupted: true,
                ..Reproduced::default()
            });
        };
        let last: Vec<f64> = mean.iter().filter_map(|curve| curve.last().copied()).collect();
        let average = last.iter().sum::<f64>() / last.len() as f64;
        let interval = mean_interval(&last, 0.95);
        watch.say(&format!(
            "{method} (c = {strength}): {:.1} % over all tasks",
            100.0 * average
        ));
        rows.push(Row {
            method: method.to_owned(),
            strength,
            mean,
            last,
            average,
            interval,
        });
    }
    Ok(told(&rows))
}

/// Claims of the paper about the order of methods, and its figure 2 on these tasks.
fn told(rows: &[Row]) -> Reproduced {
    let of = |method: &str| {
        rows.iter()
            .find(|row| row.method == method)
            .expect("a method of the list")
    };
    let above = |better: &str, worse: &str, what: &str| {
        let pairs = of(better)
            .last
            .iter()
            .zip(&of(worse).last)
            .map(|(a, b)| (a - b, a > b));
        Claim::new(
            "Fig. 2",
            what,
            "better",
            Band::when("above 0, seed by seed"),
            Found::judged(pairs).digits(3),
        )
    };
    let claims = vec![
        above(
            "si",
            "none",
            "synaptic intelligence against nothing, mean accuracy over all tasks",
        ),
        above("xdg", "none", "gating against nothing"),
        above(
            "xdg+si",
            "si",
            "gating with synaptic intelligence against synaptic intelligence",
        ),
        above(
            "xdg+si",
            "xdg",
            "gating with synaptic intelligence against gating",
        ),
        above(
            "xdg+ewc",
            "ewc",
            "gating with weight consolidation against weight consolidation",
        ),
        above(
            "xdg+ewc",
            "xdg",
            "gating with weight consolidation against gating",
        ),
    ];
    let n = rows.first().map_or(0, |row| row.mean[0].len());
    let x: Vec<f64> = (1..=n).map(|k| k as f64).collect();
    let panel = rows.iter().enumerate().fold(
        Panel::new("tasks learnt", "mean accuracy over tasks so far"),
        |panel, (i, row)| {
            let curve: Vec<f64> = (0..n)
                .map(|k| row.mean.iter().map(|curve| curve[k]).sum::<f64>() / row.mean.len() as f64)
                .collect();
            panel.series(
                Series::line(x.clone(), curve)
                    .label(row.method.clone())
                    .color(Color::cycle(i)),
            )
        },
    );
    let seeds = rows.first().map_or(0, |row| row.mean.len());
    let figure = Figure {
        name: "methods".to_owned(),
        title: format!(
            "After {n} tasks: {}",
            rows.iter()
                .map(|row| format!("{} {:.2}", row.method, row.average))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        caption: format!(
            "Permuted 8 × 8 digits, 64-250-250-10; means over {seeds} seeds. The paper's network has 2000 units a layer and 784 inputs."
        ),
        columns: 1,
        panels: vec![panel.y_range(0.0, 1.0)],
    };
    let line = |row: &Row| {
        format!(
            "{} (c = {}): {:.3}, 95 % interval {:.3} to {:.3}",
            row.method, row.strength, row.average, row.interval.0, row.interval.1
        )
    };
    let page = Report {
        title: "Gating: the paper's comparison of methods on permuted digits".to_owned(),
        lead: rows.iter().map(line).collect::<Vec<_>>().join(". "),
        sections: vec![
            Section {
                title: "Claims".to_owned(),
                table: Some(claims_table(&claims)),
                ..Section::default()
            },
            Section {
                title: "Mean accuracy over the tasks so far".to_owned(),
                figure: Some(figure),
                ..Section::default()
            },
        ],
        ..Report::default()
    };
    let held = claims
        .iter()
        .all(|claim| claim.verdict() == neuropil_study::Verdict::InBand);
    Reproduced {
        files: vec![(
            "methods.json".to_owned(),
            serde_json::to_vec_pretty(rows).expect("rows are JSON"),
        )],
        claims,
        page: Some(page),
        held,
        folder: Some("reproduction/gating".into()),
        ..Reproduced::default()
    }
}
