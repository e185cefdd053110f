//! What the paper found, on data that come with neuropil and at sizes that take minutes to hours: each part trains some
//! conditions with several seeds, and its claims compare them seed by seed.
//!
//! Every network is a run of its own in the folder of results: finished ones are taken as they are, unfinished ones go on.

mod cognitive;
mod images;

use crate::experiments;
use crate::job::Learning;
use neuropil_draw::{Color, Figure, Mark, Panel, Report, Section, Series};
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_lab::keeper::Begin;
use neuropil_lab::run::RunDirectory;
use neuropil_lab::shards::{on_threads, side_by_side};
use neuropil_math::stats::summary::mean_interval;
use neuropil_study::life::{self, Order};
use neuropil_study::{
    Asked, Band, Claim, Flow, Found, Given, Job, News, Reproduced, Verdict, Watch, claims_table,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::PathBuf;

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

/// Settings in which the conditions of a part, and the networks of a condition, differ.
const COMPARED: [&str; 6] = [
    "experiment",
    "gates.gated",
    "method",
    "seed",
    "stabilise.strength",
    "teacher",
];

/// What every part is asked.
struct Frame<'a> {
    asked: &'a Asked<'a>,
    seeds: Vec<u64>,
    /// Where the networks and the page are kept.
    folder: PathBuf,
    watch: &'a dyn Watch,
}

/// Leaves out what a network says of itself: all of a part would say the same.
struct Hushed<'a>(&'a dyn Watch);

impl Watch for Hushed<'_> {
    fn begin<'b>(&'b self, name: &str) -> Box<dyn FnMut(&News<'_>) -> Flow + 'b> {
        let mut told = self.0.begin(name);
        Box::new(move |news| match news {
            News::Said(_) => Flow::Continue,
            news => told(news),
        })
    }

    fn stopped(&self) -> bool {
        self.0.stopped()
    }
}

/// What a part found.
struct Told {
    claims: Vec<Claim>,
    sections: Vec<Section>,
    rows: Vec<Row>,
}

/// Accuracy after each task on all tasks so far, \[task\]\[task\].
type Grid = Vec<Vec<f64>>;

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
    fn of(name: String, grids: &[Grid]) -> Self {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let over = |of: &dyn Fn(&Grid) -> f64| mean(&grids.iter().map(of).collect::<Vec<_>>());
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
    fn quick(&self) -> bool {
        self.asked.quick
    }

    /// A network with these settings, and over them what was asked to be different.
    fn network(&self, settings: &impl Serialize) -> Result<Learning, Problem> {
        let given = Given {
            name: "reproduce gating",
            text: Some(&toml::to_string(settings).expect("settings are TOML")),
            set: self.asked.set,
            options: &[],
        };
        experiments::open(&given).map_err(|problems| problems.into_iter().next().expect("a problem"))
    }

    /// Settings, and over them what was asked to be different.
    fn resolved<T: Serialize + DeserializeOwned>(&self, settings: &T) -> Result<T, Problem> {
        let job = self.network(settings)?;
        Ok(toml::from_str(job.settings()).expect("settings that were opened"))
    }

    /// A row for each condition of a part: its name, and its settings for a seed. Nothing if it was stopped.
    fn rows<C, T: Serialize>(
        &self,
        part: &str,
        conditions: impl IntoIterator<Item = C>,
        name: impl Fn(&C) -> String,
        settings: impl Fn(&C, u64) -> T + Sync,
    ) -> Result<Option<Vec<Row>>, Problem>
    where
        C: Sync,
    {
        let mut rows = Vec::new();
        for condition in conditions {
            let Some(row) = self.row(part, &name(&condition), &|seed| settings(&condition, seed))? else {
                return Ok(None);
            };
            rows.push(row);
        }
        Ok(Some(rows))
    }

    /// Trains a condition with every seed, side by side on single threads; nothing if it was stopped.
    fn row<T: Serialize>(
        &self,
        part: &str,
        condition: &str,
        settings: &(dyn Fn(u64) -> T + Sync),
    ) -> Result<Option<Row>, Problem> {
        let (workers, threads) = side_by_side(rayon::current_num_threads(), self.seeds.len());
        let one = |&seed: &u64| -> Result<Option<Grid>, Problem> {
            let job = self.network(&settings(seed))?;
            let name = format!("{part}-{}-s{seed}", condition.replace(", c = ", "-c"));
            let order = Order {
                out: &self.folder.join("networks").join(name),
                begin: Begin::Resume,
                updates: None,
                only: true,
                origin: self.asked.origin,
            };
            let summary = life::run_on(threads, &job, &order, &Hushed(self.watch))?;
            if summary.interrupted {
                return Ok(None);
            }
            job.grid(&RunDirectory::open(order.out)?).map(Some)
        };
        let trained = on_threads(&self.seeds, workers, &|| self.watch.stopped(), &one);
        let trained: Result<Vec<Option<Grid>>, Problem> = trained.into_iter().flatten().collect();
        let grids: Vec<Grid> = trained?.into_iter().flatten().collect();
        if grids.len() < self.seeds.len() {
            return Ok(None);
        }
        let row = Row::of(condition.to_owned(), &grids);
        self.watch.say(&row.sentence());
        Ok(Some(row))
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
    let key = |set: &String| set.split('=').next().unwrap_or_default().trim().to_owned();
    if let Some(key) = asked
        .set
        .iter()
        .map(key)
        .find(|key| COMPARED.contains(&key.as_str()))
    {
        let message = format!("`{key}` is what is compared here: each condition has its own");
        return Err(Problem::new(
            message,
            "leave it out; `--seeds A..B` says how many networks each has",
        ));
    }
    let (first, last) = asked.seeds.unwrap_or((1, if asked.quick { 2 } else { 5 }));
    let frame = Frame {
        asked,
        seeds: (first..=last).collect(),
        folder: asked.folder(if asked.quick {
            "runs/gating-quick"
        } else {
            "runs/gating"
        }),
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
        folder: Some(frame.folder),
        ..Reproduced::default()
    })
}
