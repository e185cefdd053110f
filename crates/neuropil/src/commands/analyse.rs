//! `neuropil analyse RUN [NAME…]`: results and figures from test trials.

use crate::cli::AnalyseArgs;
use crate::experiment::{self, Experiment};
use crate::failure::CHECK_FAILED;
use neuropil_draw::Figure;
use neuropil_lab::atomic;
use neuropil_lab::error::Problem;
use neuropil_lab::run::RunDirectory;
use neuropil_lab::table::write_csv;
use neuropil_learn::train::Progress;
use neuropil_song::analysis::{ANALYSES, Finding, Focus, Needs, named};
use neuropil_song::behaviour::Behaviour;
use neuropil_song::report::{Analysed, analyse, data_rows};
use neuropil_song::train::load_progress;

/// Runs the command.
pub(crate) fn run(args: &AnalyseArgs) -> Result<u8, Problem> {
    if args.list {
        list();
        return Ok(0);
    }
    for name in &args.names {
        if named(name).is_none() {
            let known: Vec<&str> = ANALYSES.iter().map(|analysis| analysis.name).collect();
            let hint = neuropil_lab::error::nearest(name, known.iter().copied()).map_or_else(
                || format!("known: {}", known.join(", ")),
                |name| format!("did you mean `{name}`?"),
            );
            return Err(Problem::new(format!("unknown analysis `{name}`"), hint));
        }
    }
    let path = args.run.as_ref().expect("required by the parser");
    let run = RunDirectory::read(path)?;
    let experiment = experiment::of_run(&run, None)?;
    let focus = Focus {
        units: args.units.clone(),
        value_network: args.value_network,
        align: args.align.clone(),
        window_ms: args.window,
        trial: args.trial,
    };
    let analysed = make(&run, &experiment, &args.names, &focus)?.analysed;
    save(&run, &analysed)?;
    let mut document = serde_json::Map::new();
    let mut failed = false;
    for item in &analysed {
        match &item.finding {
            Ok(finding) => {
                document.insert(
                    item.analysis.name.to_owned(),
                    serde_json::to_value(finding).expect("results are JSON"),
                );
                let title = item
                    .figure
                    .as_ref()
                    .map(|figure| figure.title.clone())
                    .unwrap_or_default();
                eprintln!("{:<18} {title}", item.analysis.name);
                // A fit that is impossible fails the command only if nothing else was asked for.
                failed |= args.names.len() == 1
                    && matches!(finding, Finding::Psychometric(found) if !found.is_fitted());
            }
            Err(error) => {
                failed = true;
                eprintln!("{:<18} {error}", item.analysis.name);
            }
        }
    }
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&document).expect("results are JSON")
        );
    }
    Ok(if failed { CHECK_FAILED } else { 0 })
}

fn list() {
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(["analysis", "shows", "made for"]);
    for analysis in ANALYSES {
        table.add_row([
            analysis.name.to_owned(),
            analysis.title.to_owned(),
            analysis.tasks.join(", "),
        ]);
    }
    println!("{table}");
}

/// The test trials of a run, as saved.
fn behaviour(run: &RunDirectory, experiment: &Experiment) -> Result<Behaviour, Problem> {
    let (path, task) = (run.file("trials/test.csv"), &experiment.task);
    let hint = format!("`neuropil test {}` makes them", run.path().display());
    let text = std::fs::read_to_string(&path)
        .map_err(|_| Problem::new(format!("{}: no test trials", run.path().display()), hint.clone()))?;
    Behaviour::from_csv(&task.definition.name, task.dt_ms, &task.definition.actions, &text)
        .map_err(|error| Problem::new(format!("{}: {error}", path.display()), hint))
}

/// Analyses, and what of the run they were made from.
pub(crate) struct Made {
    pub analysed: Vec<Analysed>,
    pub behaviour: Behaviour,
    pub progress: Progress,
}

/// Makes analyses from the run directory alone.
pub(crate) fn make(
    run: &RunDirectory,
    experiment: &Experiment,
    names: &[String],
    focus: &Focus,
) -> Result<Made, Problem> {
    let behaviour = behaviour(run, experiment)?;
    let recorded = super::test::load_activity(run, &experiment.task)?;
    let unmet = names
        .iter()
        .filter_map(|name| named(name))
        .find(|a| a.needs == Needs::Activity);
    if let (Some(analysis), None) = (unmet, &recorded) {
        let path = run.path().display();
        let message = format!("{path}: no trials with activity, which `{}` needs", analysis.name);
        return Err(Problem::new(
            message,
            format!("`neuropil test {path} --kind activity` makes them"),
        ));
    }
    let progress = load_progress(run)?;
    let seed = experiment.config.value.seed;
    let (policy, value) = super::test::players(run, experiment)?;
    let analysed = analyse(
        &experiment.task,
        seed,
        &behaviour,
        recorded.as_ref(),
        &progress,
        Some((&policy, &value)),
        names,
        focus,
    );
    Ok(Made {
        analysed,
        behaviour,
        progress,
    })
}

/// Writes results and figures.
pub(crate) fn save(run: &RunDirectory, analysed: &[Analysed]) -> Result<(), Problem> {
    for item in analysed {
        let (Ok(finding), Some(figure)) = (&item.finding, &item.figure) else {
            continue;
        };
        let name = item.analysis.name;
        let json = serde_json::to_vec_pretty(finding).expect("results are JSON");
        atomic::write(&run.file(&format!("results/{name}.json")), &json)?;
        save_figure(run, name, figure)?;
    }
    Ok(())
}

/// Writes a figure as SVG and PNG, and what it shows as CSV.
pub(crate) fn save_figure(run: &RunDirectory, name: &str, figure: &Figure) -> Result<(), Problem> {
    let (headers, rows) = data_rows(figure);
    write_csv(&run.file(&format!("results/{name}.csv")), &headers, &rows)?;
    let drawn = |error: neuropil_draw::DrawError| {
        Problem::new(format!("figure {name}: {error}"), "report this as a bug")
    };
    let svg = figure.to_svg().map_err(drawn)?;
    atomic::write(&run.file(&format!("figures/{name}.svg")), svg.as_bytes())?;
    let png = figure.to_png().map_err(drawn)?;
    Ok(atomic::write(&run.file(&format!("figures/{name}.png")), &png)?)
}
