//! From what was typed to a job.

use crate::cli::{SettingArgs, TrainArgs};
use crate::failure;
use neuropil::registry;
use neuropil_lab::config::seed;
use neuropil_lab::error::Problem;
use neuropil_lab::run::RunDirectory;
use neuropil_study::{Given, Job};
use std::path::{Path, PathBuf};
use toml::Table;

/// What was typed, with the text of the file if it names one.
pub(crate) struct Typed {
    name: String,
    text: Option<String>,
    set: Vec<String>,
    options: Vec<(&'static str, Table)>,
}

impl Typed {
    /// An experiment by name or file, with `--set` and the like on top.
    pub(crate) fn new(name: &str, number: Option<u64>, settings: &SettingArgs) -> Result<Self, Problem> {
        let folder = Path::new(name);
        let config = folder.join("config.toml");
        let path = if config.is_file() { &config } else { folder };
        let is_file = path.is_file()
            && !registry::experiments()
                .iter()
                .any(|known| known.name == name || known.also.iter().any(|also| also == name));
        let mut options = Vec::new();
        if let Some(dt_ms) = settings.dt {
            options.push(neuropil_song::experiment::dt_option(dt_ms));
        }
        if let Some(number) = number {
            options.push((
                "--seed",
                Table::from_iter([("seed".to_owned(), seed::value(number))]),
            ));
        }
        Ok(Self {
            name: path.display().to_string(),
            text: is_file.then(|| read(path)).transpose()?,
            set: settings.set.clone(),
            options,
        })
    }

    /// Begins with the networks of a run, as far as the system can.
    pub(crate) fn beginning_with(mut self, run: &Path) -> Self {
        let from = Table::from_iter([("from".to_owned(), run.display().to_string().into())]);
        let training = Table::from_iter([("training".to_owned(), from.into())]);
        self.options.push(("--from", training));
        self
    }

    /// For a system to open.
    pub(crate) fn given(&self) -> Given<'_> {
        Given {
            name: &self.name,
            text: self.text.as_deref(),
            set: &self.set,
            options: &self.options,
        }
    }

    /// The job of whatever system it is.
    pub(crate) fn open(&self) -> Result<Box<dyn Job>, Problem> {
        registry::open(&self.given()).map_err(failure::last)
    }
}

/// The job of what `train` was typed with. A run in the place of a task is begun with, or gone on with where it lies.
pub(super) fn of_train(
    args: &TrainArgs,
    seed: Option<u64>,
    out: Option<&Path>,
) -> Result<Box<dyn Job>, Problem> {
    let typed = Typed::new(&args.task, seed, &args.settings)?;
    let lies = |run: &Path| args.resume && out.is_none_or(|out| out == run);
    match args.from.as_deref().or(further(args).filter(|run| !lies(run))) {
        Some(run) => typed.beginning_with(run).open(),
        None => typed.open(),
    }
}

/// The run directory that stands in the place of a task.
pub(super) fn further(args: &TrainArgs) -> Option<&Path> {
    let run = Path::new(&args.task);
    run.join("config.toml").is_file().then_some(run)
}

/// The job of a run directory.
pub(crate) fn of_run(run: &RunDirectory) -> Result<Box<dyn Job>, Problem> {
    registry::of_run(run).map_err(failure::last)
}

/// A run to make something of: in its own folder, in a folder of its side experiment, or in another.
pub(crate) fn open_run(path: &Path, out: Option<&Path>, name: Option<&str>) -> Result<RunDirectory, Problem> {
    if let Some(run) = elsewhere(path, out, name)? {
        return Ok(run);
    }
    Ok(RunDirectory::open(path)?)
}

/// The run with another place for what is made of it, if one was named.
fn elsewhere(path: &Path, out: Option<&Path>, name: Option<&str>) -> Result<Option<RunDirectory>, Problem> {
    Ok(match (out, name) {
        (Some(_), Some(_)) => {
            return Err(Problem::new(
                "--name and --out: both say where it goes",
                "leave one of them out",
            ));
        }
        (Some(out), None) => Some(RunDirectory::beside(path, out)?),
        (None, Some(name)) => Some(RunDirectory::side(path, name)?),
        (None, None) => None,
    })
}

/// A run to look at, also while it is being trained; what is made of it goes to its own folder or to another.
pub(crate) fn read_run(path: &Path, out: Option<&Path>, name: Option<&str>) -> Result<RunDirectory, Problem> {
    if let Some(run) = elsewhere(path, out, name)? {
        return Ok(run);
    }
    Ok(RunDirectory::read(path)?)
}

/// Where the run of a job goes when nobody says: a name from a file leads nowhere else.
pub(crate) fn default_out(folder: &Path, job: &dyn Job) -> PathBuf {
    folder.join(format!("{}-s{}", plain(job.name()), job.seed()))
}

/// A text as the name of a file or folder.
pub(crate) fn plain(text: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let name: String = text.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    name.trim_start_matches(['.', '-']).to_owned()
}

fn read(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|error| {
        Problem::new(
            format!("{}: cannot read: {error}", path.display()),
            "give a TOML file",
        )
    })
}
