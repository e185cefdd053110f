//! `neuropil compare RUN…`: several runs in one page.

use super::experiment::of_run;
use crate::cli::{CompareArgs, Global};
use crate::process::thread_pool;
use crate::terminal::{out, print_json, say, table};
use neuropil::registry;
use neuropil_draw::Report;
use neuropil_lab::config::Layers;
use neuropil_lab::error::Problem;
use neuropil_lab::run::RunDirectory;
use neuropil_study::compare::{Compared, figures, page};
use neuropil_study::{Shown, Table, life};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Runs the command.
pub(crate) fn run(args: &CompareArgs, global: &Global) -> Result<u8, Problem> {
    let pool = thread_pool(global.threads)?;
    let runs = pool.install(|| {
        let compared = args.runs.iter().map(|path| compared(path, &args.analyses));
        compared.collect::<Result<Vec<Compared>, Problem>>()
    })?;
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    let out = global
        .out
        .clone()
        .unwrap_or_else(|| beside(&args.runs[0], &names));
    let report = page(&names.join(", "), &runs);
    let folder = |name: &str| -> Result<PathBuf, Problem> {
        let folder = out.join(name);
        let made = std::fs::create_dir_all(&folder);
        made.map_err(|error| Problem::new(format!("{}: {error}", folder.display()), "give another `--out`"))?;
        Ok(folder)
    };
    let (pictures, numbers) = (folder("figures")?, folder("results")?);
    for (_, figure) in figures(&runs) {
        let shown = Shown {
            numbers: numbers_of(&figure),
            figure,
        };
        life::save_figure(&pictures, &numbers, &shown)?;
    }
    let path = out.join("report.html");
    life::write_page(&path, &report)?;
    if global.json {
        print_json(&json!({ "report": path, "runs": names, "figures": report.sections.len() - 1 }))?;
    } else {
        print(&report);
        out!("{}", path.display());
    }
    Ok(0)
}

/// What is compared of one run: its facts, and the figures of the analyses.
fn compared(path: &Path, analyses: &[String]) -> Result<Compared, Problem> {
    let run = RunDirectory::read(path)?;
    registry::refuse_unknown_analyses(&run, analyses)?;
    let job = of_run(&run)?;
    let analysed = job.analyse(&run, analyses, &Layers::new())?;
    let facts = job.page(&run, &[])?.facts;
    let mut figures = Vec::new();
    for item in analysed {
        match item.answer {
            Ok(answer) => figures.extend(
                answer
                    .figures
                    .into_iter()
                    .map(|shown| (shown.figure.name.clone(), item.title.clone(), shown.figure)),
            ),
            Err(problem) => say!("{}: {}: {}", path.display(), item.name, problem.message),
        }
    }
    let name = path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    Ok(Compared {
        name,
        experiment: job.name().to_owned(),
        settings: but_the_seed(job.settings()),
        facts,
        figures,
    })
}

/// Settings without their seed and without the remarks on where they come from.
fn but_the_seed(settings: &str) -> String {
    match toml::from_str::<toml::Table>(settings) {
        Ok(mut table) => {
            table.remove("seed");
            table.to_string()
        }
        Err(_) => settings.to_owned(),
    }
}

/// Where a comparison goes when nobody says: beside the first run, under the names of all, so that another one does not take its
/// place.
fn beside(first: &Path, names: &[&str]) -> PathBuf {
    const NAMED: usize = 3;
    let mut name = names[..names.len().min(NAMED)].join("-");
    if names.len() > NAMED {
        name += &format!("-and-{}-more", names.len() - NAMED);
    }
    first.with_file_name(format!("{name}-compared"))
}

fn numbers_of(figure: &neuropil_draw::Figure) -> Table {
    let (headers, rows) = neuropil_song::report::data_rows(figure);
    Table::of_rows(&headers, &rows)
}

fn print(report: &Report) {
    if let Some(facts) = report.sections.first().and_then(|section| section.table.as_ref()) {
        let mut rows = table(facts.headers.iter().map(String::as_str));
        facts.rows.iter().for_each(|row| {
            rows.add_row(row);
        });
        say!("{rows}");
    }
}
