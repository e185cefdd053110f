//! What else was made of a run, for its page: fixed points, probes, side experiments.

use super::origin;
use crate::experiment::Experiment;
use crate::figures;
use crate::fixed_points::FixedPoints;
use crate::probe::Told;
use crate::trials::made_under;
use neuropil_draw::{Figure, ReportTable, Section};
use neuropil_lab::error::Problem;
use neuropil_lab::run::RunDirectory;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Sections of everything that lies beside the analyses.
///
/// # Errors
/// A result that cannot be read.
pub(super) fn sections(experiment: &Experiment, run: &RunDirectory) -> Result<Vec<Section>, Problem> {
    let mut sections = Vec::new();
    for (name, found) in results::<FixedPoints>(run, "fixed-points")? {
        let origin = figures::Origin {
            task: experiment.task.definition.name.clone(),
            seed: origin(experiment, 0, 0).seed,
            n_recorded: found.n_recorded,
            ..figures::Origin::default()
        };
        let figure = figures::fixed_points(&found, &origin);
        sections.push(section(titled("Fixed points", &name), figure));
    }
    for (name, found) in results::<Told>(run, "probe")? {
        let origin = figures::Origin {
            task: found.task.clone(),
            seed: found.seed,
            n_trials: found.n_trials,
            ..figures::Origin::default()
        };
        let title = titled("Probe", &name);
        match (&found.intact.psychometric, &found.probed.psychometric) {
            (Some(before), Some(after)) => {
                sections.push(section(
                    title,
                    figures::probe(before, after, &found.what, &origin),
                ));
            }
            _ => sections.push(Section {
                title,
                text: found.sentence(),
                figure: None,
                table: None,
            }),
        }
    }
    sections.extend(sides(run)?);
    Ok(sections)
}

fn titled(what: &str, name: &str) -> String {
    if name.is_empty() || name == "last" {
        what.to_owned()
    } else {
        format!("{what}: {name}")
    }
}

fn section(title: String, figure: Figure) -> Section {
    Section {
        title: format!("{title}: {}", figure.title),
        text: String::new(),
        table: Some(crate::report::data_table(&figure)),
        figure: Some(Figure {
            title: String::new(),
            ..figure
        }),
    }
}

/// Results `KIND.json` and `KIND-NAME.json` of the run, by name.
fn results<T: DeserializeOwned>(run: &RunDirectory, kind: &str) -> Result<Vec<(String, T)>, Problem> {
    let folder = run.place("results");
    let mut found = Vec::new();
    for name in files(&folder)? {
        let Some(rest) = name
            .strip_suffix(".json")
            .and_then(|stem| stem.strip_prefix(kind))
        else {
            continue;
        };
        let Some(name) = rest.strip_prefix('-').or(rest.is_empty().then_some("")) else {
            continue;
        };
        let path = folder.join(format!("{kind}{rest}.json"));
        let text =
            std::fs::read(&path).map_err(|error| Problem::bare(format!("{}: {error}", path.display())))?;
        // What an earlier version wrote in another form stays a file, and has no section.
        found.extend(
            serde_json::from_slice(&text)
                .ok()
                .map(|result| (name.to_owned(), result)),
        );
    }
    Ok(found)
}

/// Names of the files of a folder, sorted; none where there is no folder.
fn files(folder: &Path) -> Result<Vec<String>, Problem> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Problem::bare(format!("{}: {error}", folder.display()))),
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

/// A table of the side experiments: what trials were made under, and which results there are.
fn sides(run: &RunDirectory) -> Result<Option<Section>, Problem> {
    let mut rows = Vec::new();
    for name in run.sides()? {
        let folder = run.path().join("side").join(&name);
        let side = RunDirectory::beside_to_read(run.path(), &folder)?;
        let mut under: Vec<String> = Vec::new();
        for (recorded, kind) in [(false, "test"), (true, "activity")] {
            if folder.join("trials").join(format!("{kind}.json")).exists() {
                under.push(made_under(&side, recorded)?);
            }
        }
        under.dedup();
        let results = files(&folder.join("results"))?;
        let results = results.iter().filter_map(|name| name.strip_suffix(".json"));
        rows.push(vec![
            name.clone(),
            under
                .into_iter()
                .filter(|words| !words.is_empty())
                .collect::<Vec<_>>()
                .join("; "),
            results.collect::<Vec<_>>().join(", "),
            format!("side/{name}"),
        ]);
    }
    Ok((!rows.is_empty()).then(|| Section {
        title: "Side experiments".to_owned(),
        text: "Tests and analyses with options of their own; `neuropil report RUN --name NAME` makes the page of one.".to_owned(),
        figure: None,
        table: Some(ReportTable {
            headers: ["name", "trials made under", "results", "folder"].map(str::to_owned).to_vec(),
            rows,
            csv_name: None,
        }),
    }))
}
