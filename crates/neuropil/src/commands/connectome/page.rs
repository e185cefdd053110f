//! Figures in a folder, and the page with all of them.

use super::long_run::LongRun;
use super::settings;
use crate::cli::Global;
use crate::cli::connectome::PageArgs;
use crate::process;
use crate::terminal::{self, out, print_json, say};
use neuropil_connectome::error::DataError;
use neuropil_connectome::figures::Drawn;
use neuropil_connectome::read;
use neuropil_connectome::report::{self, ReportSettings};
use neuropil_lab::error::Problem;
use neuropil_lab::provenance::Provenance;
use neuropil_lab::{atomic, provenance, table};
use neuropil_study::life;
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// Writes figures as SVG and PNG, and their numbers as CSV.
pub(super) fn draw(folder: &Path, drawn: &[Drawn]) -> Result<(), Problem> {
    draw_apart(folder, folder, drawn)
}

/// The same with pictures in one folder and numbers in another.
fn draw_apart(pictures: &Path, tables: &Path, drawn: &[Drawn]) -> Result<(), Problem> {
    super::files::create(pictures)?;
    super::files::create(tables)?;
    for (figure, numbers) in drawn {
        life::save_picture(pictures, figure)?;
        let table = tables.join(format!("{}.csv", figure.name));
        table::write_csv(&table, &numbers.headers, &numbers.rows)?;
    }
    Ok(())
}

/// Writes the page, and in the folders of every run all that is on it: `figures/` as SVG and PNG, `results/` with the
/// numbers of each figure and every answer as JSON, and `provenance.json`.
pub(super) fn run(args: &PageArgs, global: &Global) -> Result<u8, Problem> {
    let clock = Instant::now();
    let pool = process::thread_pool(args.threads)?;
    let record = Provenance::begin(&process::origin(), args.settings.seed, None);
    let settings = ReportSettings {
        cascades: settings(&args.settings),
        nulls: args.nulls,
        excisions: args.excisions,
        seeds: args.seeds,
        cutoff: args.cutoff,
    };
    let bar = terminal::counter("report", 16);
    let long = LongRun::new(Some(&args.out))?;
    let (connectome, parts, missing) = pool.install(|| -> Result<_, DataError> {
        let connectome = read::load(&args.data)?;
        let (parts, missing) = report::parts(&connectome, &settings, long.watch(), &mut |part| {
            bar.set_message(part.to_owned());
            bar.inc(1);
        })?;
        Ok((connectome, parts, missing))
    })?;
    bar.finish_and_clear();
    let warned = connectome.warnings.iter().chain(&missing);
    warned.for_each(|warning| say!("warning: {warning}"));
    let results = args.out.join("results");
    for (name, answer) in &parts {
        draw_apart(&args.out.join("figures"), &results, &answer.figures)?;
        let text = serde_json::to_vec(&answer.json).expect("answers are JSON");
        atomic::write(&results.join(format!("{name}.json")), &text)?;
    }
    let name = args.data.file_name().unwrap_or_default().to_string_lossy();
    let origin = [
        ("Version", format!("neuropil {}", env!("CARGO_PKG_VERSION"))),
        ("Command", provenance::command()),
        ("Seed", args.settings.seed.to_string()),
        ("Made", provenance::now()),
        (
            "Data",
            format!(
                "{}, FNV-1a {}",
                args.data.display(),
                read::fingerprint(&args.data)?
            ),
        ),
    ];
    let origin = origin.map(|(what, said)| (what.to_owned(), said)).to_vec();
    let page = report::page(&connectome, &name, &parts, &missing, origin);
    life::write_page(&args.out.join("report.html"), &page)?;
    let record = record.end(clock.elapsed().as_secs_f64(), true);
    record.save(&args.out.join("provenance.json"))?;
    long.finish();
    let figures = parts.iter().flat_map(|(_, answer)| &answer.figures);
    if global.json {
        let figures = figures.map(|(figure, _)| json!({"name": figure.name, "title": figure.title}));
        let figures: Vec<_> = figures.collect();
        print_json(&json!({"report": args.out.join("report.html"), "figures": figures, "missing": missing}))?;
        return Ok(0);
    }
    for (figure, _) in figures {
        out!("{:<20} {}", figure.name, figure.title);
    }
    out!("\n{}", args.out.join("report.html").display());
    Ok(0)
}
