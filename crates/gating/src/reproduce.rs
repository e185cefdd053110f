//! What the paper found, on data that come with neuropil and at sizes that take minutes: each part trains some conditions
//! with several seeds, and its claims compare them seed by seed.

mod cognitive;
mod images;

use crate::error::GatingError;
use crate::record::Record;
use crate::sequence::Experiment;
use neuropil_draw::{Color, Figure, Mark, Panel, Report, Section, Series};
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_math::stats::summary::mean_interval;
use neuropil_study::{Asked, Band, Claim, Found, Reproduced, Verdict, Watch, claims_table};
use rayon::prelude::*;
use serde::Serialize;

/// A part: its name, and how it is made. Nothing comes back when it was stopped.
struct Part {
    name: &'static str,
    make: fn(&Frame<'_>) -> Result<Option<Told>, Problem>,
}

const PARTS: [Part; 5] = [
    Part {
        name: "methods",
        make: images::methods,
    },
    Part {
        name: "fractions",
        make: images::fractions,
    },
    Part {
        name: "strengths",
        make: images::strengths,
    },
    Part {
        name: "cognitive",
        make: cognitive::targets,
    },
    Part {
        name: "reward",
        make: cognitive::reward,
    },
];

/// What every part is asked.
struct Frame<'a> {
    seeds: Vec<u64>,
    quick: bool,
    watch: &'a dyn Watch,
}

/// What a part found.
struct Told {
    claims: Vec<Claim>,
    sections: Vec<Section>,
    rows: Vec<Row>,
}

/// A condition that was trained with every seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Row {
    /// Condition.
    name: String,
    /// Mean accuracy over the tasks so far after each task, \[seed\]\[task\].
    mean: Vec<Vec<f64>>,
    /// Accuracy on every task after the last, \[seed\]\[task\].
    last: Vec<Vec<f64>>,
    /// Mean over tasks after the last, of every seed.
    averages: Vec<f64>,
    /// Their mean.
    average: f64,
    /// 95 % interval of that mean (Student's t).
    interval: (f64, f64),
    /// Mean accuracy on each task just after it was learnt.
    just_learnt: f64,
    /// Mean accuracy on the first task after the last.
    first: f64,
}

impl Row {
    fn of(name: String, grids: &[Vec<Vec<f64>>]) -> Self {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let over = |of: &dyn Fn(&Vec<Vec<f64>>) -> f64| mean(&grids.iter().map(of).collect::<Vec<_>>());
        let last: Vec<Vec<f64>> = grids.iter().filter_map(|grid| grid.last().cloned()).collect();
        let averages: Vec<f64> = last.iter().map(|row| mean(row)).collect();
        Self {
            name,
            mean: grids
                .iter()
                .map(|grid| grid.iter().map(|row| mean(row)).collect())
                .collect(),
            average: mean(&averages),
            interval: mean_interval(&averages, 0.95),
            just_learnt: over(&|grid| mean(&(0..grid.len()).map(|k| grid[k][k]).collect::<Vec<_>>())),
            first: over(&|grid| grid.last().map_or(f64::NAN, |row| row[0])),
            last,
            averages,
        }
    }

    fn sentence(&self) -> String {
        format!(
            "{}: {:.3} on average (95 % interval {:.3} to {:.3}), first task {:.3}, each just after it was learnt {:.3}",
            self.name, self.average, self.interval.0, self.interval.1, self.first, self.just_learnt
        )
    }
}

impl Frame<'_> {
    /// Trains a condition with every seed; nothing if it was stopped.
    fn row(
        &self,
        name: &str,
        of: &(dyn Fn(u64) -> Box<dyn Experiment> + Sync),
    ) -> Result<Option<Row>, Problem> {
        let one = |&seed: &u64| -> Result<Option<Vec<Vec<f64>>>, GatingError> {
            let experiment = of(seed);
            let mut sequence = experiment.begin()?;
            while !sequence.place().is_over() {
                sequence.step()?;
                if self.watch.stopped() {
                    return Ok(None);
                }
            }
            Ok(Some(Record::grid(&sequence.record())))
        };
        let grids: Result<Option<Vec<_>>, GatingError> = self.seeds.par_iter().map(one).collect();
        let row = grids?.map(|grids| Row::of(name.to_owned(), &grids));
        if let Some(row) = &row {
            self.watch.say(&row.sentence());
        }
        Ok(row)
    }
}

/// The row of a name.
fn named<'a>(rows: &'a [Row], name: &str) -> &'a Row {
    rows.iter()
        .find(|row| row.name == name)
        .expect("a condition of the part")
}

/// A claim that one condition ends above another, judged seed by seed.
fn above(rows: &[Row], better: &str, worse: &str, source: &'static str, what: &str) -> Claim {
    let pairs = named(rows, better)
        .averages
        .iter()
        .zip(&named(rows, worse).averages);
    let pairs = pairs.map(|(a, b)| (a - b, a > b));
    Claim::new(
        source,
        what,
        "better",
        Band::when("above 0, seed by seed"),
        Found::judged(pairs).digits(3),
    )
}

/// Mean accuracy over the tasks so far, a line for each condition.
fn curves(name: &str, rows: &[Row], caption: String) -> Figure {
    let n = rows.first().map_or(0, |row| row.mean[0].len());
    let x: Vec<f64> = (1..=n).map(|k| k as f64).collect();
    let panel = rows.iter().enumerate().fold(
        Panel::new("tasks learnt", "mean accuracy over tasks so far"),
        |panel, (i, row)| {
            let seeds = row.mean.len() as f64;
            let curve = (0..n).map(|k| row.mean.iter().map(|curve| curve[k]).sum::<f64>() / seeds);
            panel.series(
                Series::line(x.clone(), curve.collect::<Vec<f64>>())
                    .label(row.name.clone())
                    .color(Color::cycle(i))
                    // Colours come round after seven.
                    .mark(if i < 7 { Mark::Line } else { Mark::Dashed }),
            )
        },
    );
    let ends: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {:.2}", row.name, row.average))
        .collect();
    Figure {
        name: name.to_owned(),
        title: format!("After {n} tasks: {}", ends.join(", ")),
        caption,
        columns: 1,
        panels: vec![panel.y_range(0.0, 1.0)],
    }
}

fn section(title: &str, rows: &[Row], figure: Figure) -> Section {
    Section {
        title: title.to_owned(),
        text: rows
            .iter()
            .map(|row| row.sentence() + ".")
            .collect::<Vec<_>>()
            .join(" "),
        figure: Some(figure),
        ..Section::default()
    }
}

pub(crate) fn reproduce(asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem> {
    let known: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
    if let Some(part) = asked.parts.iter().find(|part| !known.contains(&part.as_str())) {
        return Err(Problem::new(
            format!("gating has nothing called `{part}` to reproduce"),
            did_you_mean(part, "parts", &known),
        ));
    }
    let (first, last) = asked.seeds.unwrap_or((1, if asked.quick { 2 } else { 5 }));
    let frame = Frame {
        seeds: (first..=last).collect(),
        quick: asked.quick,
        watch,
    };
    let wanted = PARTS
        .iter()
        .filter(|part| asked.parts.is_empty() || asked.parts.iter().any(|name| name == part.name));
    let (mut claims, mut sections, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for part in wanted {
        let Some(told) = (part.make)(&frame)? else {
            return Ok(Reproduced {
                interrupted: true,
                ..Reproduced::default()
            });
        };
        let json = serde_json::to_vec_pretty(&told.rows).expect("rows are JSON");
        files.push((format!("{}.json", part.name), json));
        claims.extend(told.claims);
        sections.extend(told.sections);
    }
    let held = claims.iter().all(|claim| claim.verdict() == Verdict::InBand);
    let table = Section {
        title: "Claims".to_owned(),
        table: Some(claims_table(&claims)),
        ..Section::default()
    };
    let seeds = frame.seeds.len();
    let page = Report {
        title: "Gating: the paper's comparisons at the size of minutes".to_owned(),
        lead: format!(
            "{seeds} seeds a condition. Networks and data are smaller than the paper's: what is compared is the order of the conditions, not their height."
        ),
        sections: std::iter::once(table).chain(sections).collect(),
        ..Report::default()
    };
    Ok(Reproduced {
        files,
        claims,
        page: Some(page),
        held,
        folder: Some(asked.folder("reproduction/gating")),
        ..Reproduced::default()
    })
}
