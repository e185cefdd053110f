//! From what was asked for to a task and its settings.

use crate::config::Config;
use crate::dynamics::Dynamics;
use crate::resolve::resolve;
use crate::train::Taken;
use neuropil_lab::config::Resolved;
use neuropil_lab::error::Problem;
use neuropil_lab::run::RunDirectory;
use neuropil_learn::player::Player;
use neuropil_learn::train::State;
use neuropil_study::Given;
use neuropil_tasks::registry;
use neuropil_tasks::task::Task;
use std::path::Path;
use std::sync::Mutex;
use toml::Table;

/// A task with its settings, ready to run.
#[derive(Debug)]
pub struct Experiment {
    /// The task.
    pub task: Task,
    /// Its settings.
    pub config: Resolved<Config>,
    /// The text of the settings, as `config.toml` has it.
    pub(crate) text: String,
    /// TOML of a task that is not in the library, to be kept with the run.
    pub(crate) own_task: Option<String>,
    /// Networks drawn ahead of the run, to be used once.
    pub(crate) fresh: Mutex<Option<(State, Option<Taken>)>>,
}

/// Where an experiment is defined.
enum Source<'a> {
    /// A task of the library.
    Library,
    /// The text of a task file.
    TaskFile(&'a str),
    /// The text of a settings file.
    Settings(&'a str, Table),
}

impl Experiment {
    /// Finds an experiment: a task of the library, a task file, or settings that name one of them.
    ///
    /// # Errors
    /// An unknown name; a task or settings that are wrong, with the place.
    pub fn find(given: &Given<'_>) -> Result<Self, Problem> {
        let source = match given.text {
            None => Source::Library,
            Some(text) => match toml::from_str::<Table>(text) {
                Ok(table) if table.contains_key("task") => Source::Settings(text, table),
                _ => Source::TaskFile(text),
            },
        };
        let (task_name, task_text) = match &source {
            Source::Library => (given.name.to_owned(), None),
            Source::TaskFile(text) => (given.name.to_owned(), Some((*text).to_owned())),
            Source::Settings(_, table) => {
                let task = table["task"].as_str().unwrap_or_default().to_owned();
                let beside = Path::new(given.name)
                    .parent()
                    .unwrap_or(Path::new(""))
                    .join(&task);
                let own = registry::text(&task).is_none() && beside.is_file();
                let text = own.then(|| read(&beside)).transpose()?;
                (task, text)
            }
        };
        let dt_ms = time_step(given, &source);
        let (criterion, set): (Vec<&String>, Vec<&String>) = given
            .set
            .iter()
            .partition(|assignment| assignment.starts_with("criterion."));
        let set: Vec<String> = set.into_iter().cloned().collect();
        let given = &Given { set: &set, ..*given };
        let task_text = if criterion.is_empty() {
            task_text
        } else {
            Some(with_criterion(&task_name, task_text, &criterion)?)
        };
        let mut task = match &task_text {
            Some(text) => Task::parse(&task_name, text, dt_ms)?,
            None => registry::find(&task_name, dt_ms)?,
        };
        let config = resolve(&task, |layers| {
            if let Source::Settings(text, _) = &source {
                layers.add(given.name, text)?;
            }
            given.add_to(layers)?;
            let stored = if task_text.is_some() {
                "task.toml"
            } else {
                &task.definition.name
            };
            layers.add_table(
                "command line",
                Table::from_iter([("task".to_owned(), stored.into())]),
            );
            Ok(())
        })?;
        if !config.value.training.curriculum {
            task.lessons.clear();
        }
        Ok(Self {
            task,
            text: config.to_toml(),
            config,
            own_task: task_text,
            fresh: Mutex::new(None),
        })
    }

    /// The experiment of a run directory, optionally at another time step.
    ///
    /// # Errors
    /// Its settings cannot be read, or do not fit the time step.
    pub fn of_run(run: &RunDirectory, dt_ms: Option<f64>) -> Result<Self, Problem> {
        let path = run.file("config.toml");
        let text = read(&path)?;
        let options: Vec<(&str, Table)> = dt_ms.map(dt_option).into_iter().collect();
        Self::find(&Given {
            name: &path.display().to_string(),
            text: Some(&text),
            set: &[],
            options: &options,
        })
    }

    /// The policy's equations, one step at a time.
    ///
    /// # Errors
    /// Its units have none in continuous time.
    pub fn dynamics(&self, policy: &Player<f32>) -> Result<Dynamics, Problem> {
        let alpha = self.task.dt_ms / self.config().tau_ms;
        Dynamics::of(policy, alpha).ok_or_else(|| {
            Problem::new(
                "the policy has lstm units, which have no equations in continuous time, expected gated or leaky ones",
                "train with `--set policy.cell=gated`",
            )
        })
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config.value
    }
}

/// The text of a task with another criterion: assignments `criterion.NAME=NUMBER`, or `criterion.NAME.at_most=NUMBER`.
fn with_criterion(name: &str, text: Option<String>, given: &[&String]) -> Result<String, Problem> {
    let wrong = |assignment: &str| {
        let message = format!("--set {assignment}: expected criterion.NAME=NUMBER");
        Problem::new(message, "as in `--set criterion.correct=0.85`")
    };
    let known = registry::find(name, None).ok();
    let mut task: Table = match &text {
        Some(text) => {
            toml::from_str(text).map_err(|error: toml::de::Error| Problem::bare(error.message()))?
        }
        None => {
            let own = known.as_ref().map_or(name, |task| &task.definition.name);
            ["extends", "name"]
                .map(|key| (key.to_owned(), own.into()))
                .into_iter()
                .collect()
        }
    };
    let bounds = known.map(|task| task.definition.criterion.clone());
    let mut criterion = match task.remove("criterion") {
        Some(toml::Value::Table(table)) => table,
        _ => bounds.unwrap_or_default(),
    };
    for assignment in given {
        let (key, value) = assignment.split_once('=').ok_or_else(|| wrong(assignment))?;
        let value: f64 = value.trim().parse().map_err(|_| wrong(assignment))?;
        let mut parts = key.trim().split('.').skip(1);
        let (Some(quantity), bound, None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong(assignment));
        };
        let entry = criterion
            .entry(quantity.to_owned())
            .or_insert_with(|| Table::new().into());
        let entry = entry.as_table_mut().ok_or_else(|| wrong(assignment))?;
        let bound = bound.unwrap_or_else(|| {
            let kept = ["at_least", "above", "at_most"]
                .into_iter()
                .find(|bound| entry.contains_key(*bound));
            kept.unwrap_or("at_least")
        });
        entry.insert(bound.to_owned(), value.into());
    }
    task.insert("criterion".to_owned(), criterion.into());
    Ok(toml::to_string(&task).expect("a table is TOML"))
}

/// The option that replaces the time step.
pub fn dt_option(dt_ms: f64) -> (&'static str, Table) {
    ("--dt", Table::from_iter([("dt_ms".to_owned(), dt_ms.into())]))
}

/// The time step that was asked for; the last one holds.
fn time_step(given: &Given<'_>, source: &Source<'_>) -> Option<f64> {
    let number = |table: &Table| {
        let value = table.get("dt_ms")?;
        value
            .as_float()
            .or_else(|| value.as_integer().map(|ms| ms as f64))
    };
    let option = given.options.iter().rev().find_map(|(_, table)| number(table));
    let set = || {
        let mut tables = given
            .set
            .iter()
            .rev()
            .filter_map(|text| toml::from_str::<Table>(text).ok());
        tables.find_map(|table| number(&table))
    };
    option.or_else(set).or_else(|| match source {
        Source::Settings(_, table) => number(table),
        _ => None,
    })
}

fn read(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|error| {
        Problem::new(
            format!("{}: cannot read: {error}", path.display()),
            "give a TOML file",
        )
    })
}
