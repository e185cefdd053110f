//! From what was typed to a task and its settings.

use crate::cli::SettingArgs;
use neuropil_lab::config::Resolved;
use neuropil_lab::error::Problem;
use neuropil_lab::run::RunDirectory;
use neuropil_song::config::Config;
use neuropil_song::resolve::resolve;
use neuropil_tasks::registry;
use neuropil_tasks::task::Task;
use std::path::Path;

/// A task with its settings, ready to run.
pub(crate) struct Experiment {
    /// The task.
    pub task: Task,
    /// Its settings.
    pub config: Resolved<Config>,
    /// TOML of a task that is not in the library, to be kept with the run.
    pub own_task: Option<String>,
}

/// Where an experiment is defined.
enum Source {
    /// A task of the library.
    Library,
    /// A task file and its text.
    TaskFile(String),
    /// A settings file: its text, and the text of the task file it names, if any.
    Settings(String),
}

fn read(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|error| {
        Problem::new(
            format!("{}: cannot read: {error}", path.display()),
            "give a TOML file",
        )
    })
}

/// Finds the experiment named on the command line, with `--set` and the like on top.
pub(crate) fn find(name: &str, seed: Option<u64>, settings: &SettingArgs) -> Result<Experiment, Problem> {
    let path = Path::new(name);
    let source = if registry::text(name).is_none() && path.is_file() {
        let text = read(path)?;
        let table: Result<toml::Table, _> = toml::from_str(&text);
        if table.is_ok_and(|table| table.contains_key("task")) {
            Source::Settings(text)
        } else {
            Source::TaskFile(text)
        }
    } else {
        Source::Library
    };
    let (task_name, task_text, settings_text) = match &source {
        Source::Library => (name.to_owned(), None, None),
        Source::TaskFile(text) => (name.to_owned(), Some(text.clone()), None),
        Source::Settings(text) => {
            let table: toml::Table = toml::from_str(text).expect("parsed above");
            let task = table["task"].as_str().unwrap_or_default().to_owned();
            let beside = path.parent().unwrap_or(Path::new("")).join(&task);
            let own = if registry::text(&task).is_none() && beside.is_file() {
                Some(read(&beside)?)
            } else {
                None
            };
            (task, own, Some(text.clone()))
        }
    };
    let dt_ms = settings.dt.or_else(|| {
        let table: Option<toml::Table> = settings_text.as_ref().and_then(|text| toml::from_str(text).ok());
        table.and_then(|table| table.get("dt_ms").and_then(toml::Value::as_float))
    });
    let mut task = match &task_text {
        Some(text) => Task::parse(&task_name, text, dt_ms)?,
        None => registry::find(&task_name, dt_ms)?,
    };
    let config = resolve(&task, |layers| {
        if let Some(text) = &settings_text {
            layers.add(name, text)?;
        }
        for assignment in &settings.set {
            layers.set(assignment)?;
        }
        if let Some(dt) = dt_ms {
            layers.add_table("--dt", toml::Table::from_iter([("dt_ms".to_owned(), dt.into())]));
        }
        if let Some(seed) = seed {
            layers.add_table(
                "--seed",
                toml::Table::from_iter([("seed".to_owned(), (seed as i64).into())]),
            );
        }
        let stored = if task_text.is_some() {
            "task.toml"
        } else {
            &task.definition.name
        };
        layers.add_table(
            "command line",
            toml::Table::from_iter([("task".to_owned(), stored.into())]),
        );
        Ok(())
    })?;
    if !config.value.training.curriculum {
        task.lessons.clear();
    }
    Ok(Experiment {
        task,
        config,
        own_task: task_text,
    })
}

/// The experiment of a run directory, optionally at another time step.
pub(crate) fn of_run(run: &RunDirectory, dt: Option<f64>) -> Result<Experiment, Problem> {
    let config = run.file("config.toml");
    let settings = SettingArgs { dt, set: Vec::new() };
    find(&config.display().to_string(), None, &settings)
}
