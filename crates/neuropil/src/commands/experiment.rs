//! From what was typed to a job.

use crate::cli::SettingArgs;
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
        let path = Path::new(name);
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
            name: name.to_owned(),
            text: is_file.then(|| read(path)).transpose()?,
            set: settings.set.clone(),
            options,
        })
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

/// The job of a run directory.
pub(crate) fn of_run(run: &RunDirectory) -> Result<Box<dyn Job>, Problem> {
    registry::of_run(run).map_err(failure::last)
}

/// A run to make something of: in its own folder, or beside it in another.
pub(crate) fn open_run(path: &Path, out: Option<&Path>) -> Result<RunDirectory, Problem> {
    Ok(match out {
        Some(out) => RunDirectory::beside(path, out)?,
        None => RunDirectory::open(path)?,
    })
}

/// A run to look at, also while it is being trained; what is made of it goes to its own folder or to another.
pub(crate) fn read_run(path: &Path, out: Option<&Path>) -> Result<RunDirectory, Problem> {
    Ok(match out {
        Some(out) => RunDirectory::beside(path, out)?,
        None => RunDirectory::read(path)?,
    })
}

/// Where the run of a job goes when nobody says: a name from a file leads nowhere else.
pub(crate) fn default_out(folder: &Path, job: &dyn Job) -> PathBuf {
    let plain = |c: char| {
        if c.is_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    let name: String = job.name().chars().map(plain).collect();
    let name = name.trim_start_matches(['.', '-']);
    folder.join(format!("{name}-s{}", job.seed()))
}

fn read(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|error| {
        Problem::new(
            format!("{}: cannot read: {error}", path.display()),
            "give a TOML file",
        )
    })
}
