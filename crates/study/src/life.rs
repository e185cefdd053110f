//! The life of a run, the same for every system: settings → training → trials → results and figures → page.

use crate::job::{Job, Watch};
use crate::summary::{Measure, Summary};
use crate::tell::{Analysed, Answer, Shown};
use neuropil_draw::{DrawError, Figure, Report, ReportTable, Section};
use neuropil_lab::atomic;
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::config::Layers;
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::{self, Begin, Given, Keeper};
use neuropil_lab::provenance::Origin;
use neuropil_lab::run::RunDirectory;
use neuropil_lab::table::{Table, write_csv};
use std::path::{Path, PathBuf};

/// How a job is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Its directory.
    pub out: &'a Path,
    /// New, resumed or anew.
    pub begin: Begin,
    /// Stop after this many updates, whatever the criterion.
    pub updates: Option<u64>,
    /// Only train: no trials, analyses, figures or page.
    pub only: bool,
    /// Who runs it, for the record.
    pub origin: &'a Origin,
}

/// Trains a job in its directory, then makes trials, analyses and the page, unless it was stopped or `only` trained.
///
/// # Errors
/// What cannot begin leaves no directory behind; what fails later leaves the last checkpoint.
pub fn run(job: &dyn Job, order: &Order<'_>, watch: &dyn Watch) -> Result<Summary, Problem> {
    let goes_on = order.begin == Begin::Resume && order.out.join("checkpoint/last.safetensors").exists();
    if !goes_on {
        job.prepare()?;
    }
    let files = job.files();
    let given = Given {
        settings: job.settings(),
        files: &files,
        complete: &|settings| job.complete(settings),
        seed: job.seed(),
        origin: order.origin,
    };
    let mut keeper = Keeper::open(order.out, order.begin, &given)?;
    let name = format!("{} seed {}", job.name(), job.seed());
    let mut summary = job.train(&mut keeper, order.updates, &mut watch.begin(&name))?;
    order.out.clone_into(&mut summary.run_dir);
    if !summary.interrupted && !order.only {
        let run = keeper.into_run();
        job.make_trials(&run)?;
        report(job, &run)?;
    }
    Ok(summary)
}

/// As [`run`], on so many threads of its own: for runs side by side.
///
/// # Errors
/// As [`run`]; threads that cannot be started.
pub fn run_on(
    threads: usize,
    job: &dyn Job,
    order: &Order<'_>,
    watch: &dyn Watch,
) -> Result<Summary, Problem> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| {
        Problem::new(
            format!("cannot start {threads} threads: {error}"),
            "try fewer `--threads`",
        )
    })?;
    pool.install(|| run(job, order, watch))
}

/// A page, and the analyses on it.
#[derive(Debug)]
pub struct Reported {
    /// Where the page is.
    pub page: PathBuf,
    /// What was analysed.
    pub analysed: Vec<Analysed>,
}

/// Makes analyses from the run directory and writes their results and figures.
///
/// # Errors
/// There is nothing to analyse; files cannot be written.
pub fn analyse(
    job: &dyn Job,
    run: &RunDirectory,
    names: &[String],
    options: &Layers,
) -> Result<Vec<Analysed>, Problem> {
    let analysed = job.analyse(run, names, options)?;
    save(run, &analysed)?;
    Ok(analysed)
}

/// Makes all analyses, and the page with them.
///
/// # Errors
/// As [`analyse`].
pub fn report(job: &dyn Job, run: &RunDirectory) -> Result<Reported, Problem> {
    let analysed = analyse(job, run, &[], &Layers::new())?;
    let path = run.place("report.html");
    write_page(&path, &job.page(run, &analysed)?)?;
    Ok(Reported { page: path, analysed })
}

/// The page of a run: a section an analysis (what is missing, of one that cannot be made), settings and provenance.
pub fn page(run: &RunDirectory, title: String, lead: &[String], analysed: &[Analysed]) -> Report {
    let read = |name: &str| std::fs::read_to_string(run.file(name)).unwrap_or_default();
    let section = |item: &Analysed| match &item.answer {
        Ok(answer) => Section {
            title: item.title.clone(),
            text: answer.sentences.join(" "),
            figure: answer.figures.first().map(|shown| shown.figure.clone()),
            table: None,
        },
        Err(problem) => Section {
            title: item.title.clone(),
            text: problem.sentence(),
            ..Section::default()
        },
    };
    Report {
        title,
        lead: lead.join(" "),
        sections: analysed.iter().map(section).collect(),
        details: vec![
            ("Settings".to_owned(), read("config.toml")),
            ("Provenance".to_owned(), read("provenance.json")),
        ],
        ..Report::default()
    }
}

/// A network of a run, and where it is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// It and all that is kept with it.
    pub checkpoint: Checkpoint,
    /// Its file.
    pub path: PathBuf,
    /// Whether it is the best of the checks; otherwise there was none yet, and it is the last one.
    pub best: bool,
}

/// The best network of a run; of one that ended before its first check, the last one.
///
/// # Errors
/// There is neither; it cannot be read.
pub fn best(run: &RunDirectory) -> Result<Kept, Problem> {
    let kept = |checkpoint, name: &str| Kept {
        checkpoint,
        path: run.checkpoint(name),
        best: name == "best",
    };
    if let Some(checkpoint) = keeper::best(run)? {
        return Ok(kept(checkpoint, "best"));
    }
    let last = keeper::last(run)?.map(|checkpoint| kept(checkpoint, "last"));
    last.ok_or_else(|| {
        Problem::new(
            format!("{}: nothing was learnt yet", run.path().display()),
            "`neuropil train --resume` goes on",
        )
    })
}

/// How a training came to its end.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Line of the log.
    pub event: serde_json::Value,
    /// Updates made.
    pub updates: u64,
    /// Trials or examples seen, and what they are in the plural.
    pub trials: u64,
    /// As in [`Summary::unit`].
    pub unit: &'static str,
    /// Everything was learnt that the settings ask for.
    pub complete: bool,
    /// It was asked to stop before that.
    pub interrupted: bool,
    /// What was measured last; all of it is the criterion.
    pub measures: Vec<Measure>,
}

/// Ends a training that draws its network once, in the log and as a summary.
///
/// # Errors
/// The log cannot be written.
pub fn ended(job: &dyn Job, keeper: &mut Keeper, end: Ended) -> Result<Summary, Problem> {
    Ok(Summary {
        task: job.name().to_owned(),
        seed: job.seed(),
        criterion_met: end.complete,
        updates: end.updates,
        trials: end.trials,
        unit: end.unit,
        restarts: 0,
        criterion: end
            .measures
            .iter()
            .map(|measure| (measure.name.clone(), measure.value))
            .collect(),
        measures: end.measures,
        wall_seconds: keeper.end(&end.event, end.complete)?,
        run_dir: keeper.run().path().to_owned(),
        interrupted: end.interrupted,
    })
}

/// Keeps what a test came to as `results/test.json`.
///
/// # Errors
/// The file cannot be written.
pub fn keep_test(run: &RunDirectory, answer: Answer) -> Result<Answer, Problem> {
    let path = run.place("results/test.json");
    let json = serde_json::to_vec_pretty(&answer.json).expect("a value is JSON");
    atomic::write(&path, &json)?;
    Ok(answer.saved_in(vec![path]))
}

/// Writes a page.
///
/// # Errors
/// A figure that cannot be drawn; a file that cannot be written.
pub fn write_page(path: &Path, page: &Report) -> Result<(), Problem> {
    let html = page.to_html().map_err(|error| broken(&error))?;
    Ok(atomic::write(path, html.as_bytes())?)
}

/// `results/NAME.json` of each analysis, and of each figure `figures/NAME.svg`, `.png` and `results/NAME.csv`.
fn save(run: &RunDirectory, analysed: &[Analysed]) -> Result<(), Problem> {
    for item in analysed {
        let Ok(answer) = &item.answer else {
            continue;
        };
        let json = serde_json::to_vec_pretty(&answer.json).expect("a value is JSON");
        atomic::write(&run.place(&format!("results/{}.json", item.name)), &json)?;
        for shown in &answer.figures {
            save_figure(&run.place("figures"), &run.place("results"), shown)?;
        }
    }
    Ok(())
}

/// Writes a figure as SVG and PNG into one folder, and its numbers as CSV into another.
///
/// # Errors
/// It cannot be drawn; a file cannot be written.
pub fn save_figure(figures: &Path, numbers: &Path, shown: &Shown) -> Result<(), Problem> {
    let headers: Vec<String> = shown.numbers.names().map(str::to_owned).collect();
    let path = numbers.join(format!("{}.csv", shown.figure.name));
    write_csv(&path, &headers, &shown.numbers.rows())?;
    save_picture(figures, &shown.figure)
}

/// Writes a figure as SVG and PNG into a folder.
///
/// # Errors
/// It cannot be drawn; a file cannot be written.
pub fn save_picture(folder: &Path, figure: &Figure) -> Result<(), Problem> {
    let name = &figure.name;
    let svg = figure.to_svg().map_err(|error| broken(&error))?;
    atomic::write(&folder.join(format!("{name}.svg")), svg.as_bytes())?;
    let png = figure.to_png().map_err(|error| broken(&error))?;
    Ok(atomic::write(&folder.join(format!("{name}.png")), &png)?)
}

/// A figure or page that cannot be drawn is ours to mend.
pub fn broken(error: &DrawError) -> Problem {
    Problem::new(error.to_string(), "report this as a bug")
}

/// A table as a page shows it, with a link to a file of this name.
pub fn page_table(table: &Table, csv_name: Option<String>) -> ReportTable {
    ReportTable {
        headers: table.names().map(str::to_owned).collect(),
        rows: table.rows(),
        csv_name,
    }
}
