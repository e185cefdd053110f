//! The folder of a sweep: `sweep.jsonl` with one line a run, `runs/0001` and so on with a run directory each.
//!
//! Any number of processes may work in it at once. A run is kept from being done twice by the lock of its directory; a
//! finished one has a `result.json`, and is never done again.

use super::Run;
use crate::error::{LabError, Problem};
use crate::hash::Sum;
use crate::{bundle, sealed};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const INDEX: &str = "sweep.json";
const RUNS: &str = "sweep.jsonl";
const RESULT: &str = "result.json";
const FAILURE: &str = "failure.json";

/// A run of a sweep as its folder keeps it: all that the run depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// Number, from 1.
    pub run: usize,
    /// Number of its combination of settings, from 1.
    pub cell: usize,
    /// Seed.
    pub seed: u64,
    /// Settings that differ between cells.
    pub varied: Map<String, Value>,
    /// Complete settings, as `config.toml` holds them.
    pub settings: String,
}

impl Planned {
    /// A run with its complete settings.
    pub fn new(run: &Run, settings: String) -> Self {
        let varied = run.varied.iter().map(|(key, value)| {
            let value = serde_json::to_value(value).expect("settings are JSON");
            (key.clone(), value)
        });
        Self {
            run: run.number,
            cell: run.cell,
            seed: run.seed,
            varied: varied.collect(),
            settings,
        }
    }

    /// What a result must be a result of.
    pub fn sum(&self) -> Sum {
        Sum::of(&serde_json::to_vec(self).expect("a plan is JSON"))
    }
}

/// What all runs of a sweep share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Common {
    /// What was swept, by the name that was given.
    pub experiment: String,
    /// Updates of every run, whatever the criterion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updates: Option<u64>,
    /// Number of runs.
    pub runs: usize,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// Checksum of the plan that it is a result of.
    pub of: Sum,
    /// What it came to, by name: numbers, texts and truths.
    pub measures: Map<String, Value>,
    /// What its validations came to, by name, in their order.
    pub curves: BTreeMap<String, Vec<f64>>,
    /// Wall time spent on it, s.
    pub wall_seconds: f64,
}

#[derive(Serialize, Deserialize)]
struct Failed {
    message: String,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It has its result.
    Done,
    /// A process works on it.
    Running,
    /// It ended with this message.
    Failed(String),
    /// It was begun and stopped or killed; it goes on from its last checkpoint.
    Stopped,
    /// It was not begun.
    Missing,
}

/// The folder of a sweep.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    common: Common,
    runs: Vec<Planned>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Folder {
    /// Does a folder hold a sweep?
    pub fn is_one(path: &Path) -> bool {
        path.join(INDEX).is_file()
    }

    /// The folder of a sweep: a new one, or the one that is there if it is of the same runs. `files` go with every run.
    ///
    /// # Errors
    /// The folder holds another sweep, or cannot be written.
    pub fn create(
        path: &Path,
        common: Common,
        runs: Vec<Planned>,
        files: &[(&str, Vec<u8>)],
    ) -> Result<Self, LabError> {
        if Self::is_one(path) {
            let there = Self::open(path)?;
            let files: BTreeMap<String, Vec<u8>> = files
                .iter()
                .map(|(name, bytes)| ((*name).to_owned(), bytes.clone()))
                .collect();
            if there.common == common && there.runs == runs && there.files == files {
                return Ok(there);
            }
            return Err(LabError::Taken {
                path: path.to_owned(),
                state: "holds another sweep".into(),
                hint: "give another folder with `--out`".into(),
            });
        }
        fs::create_dir_all(path.join("runs")).map_err(LabError::io(path, "create"))?;
        let mut lines = Vec::new();
        for run in &runs {
            serde_json::to_writer(&mut lines, run).expect("memory does not fail");
            lines.push(b'\n');
        }
        let mut all: Vec<(&str, &[u8])> = vec![(RUNS, &lines)];
        all.extend(files.iter().map(|(name, bytes)| (*name, bytes.as_slice())));
        bundle::write(path, INDEX, &common, &all)?;
        Self::open(path)
    }

    /// A sweep that is there.
    ///
    /// # Errors
    /// The folder holds none, or its files were changed.
    pub fn open(path: &Path) -> Result<Self, LabError> {
        let Some((mut files, common)) = bundle::read(path, INDEX)? else {
            return Err(LabError::Taken {
                path: path.to_owned(),
                state: "is not the folder of a sweep".into(),
                hint: format!("one holds `{INDEX}`; `neuropil sweep EXPERIMENT --out FOLDER` makes it"),
            });
        };
        let wrong = |what: String| LabError::content(&path.join(RUNS), what, "the runs of a sweep");
        let lines = files.remove(RUNS).unwrap_or_default();
        let lines = lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let runs = lines.map(|line| serde_json::from_slice(line).map_err(|error| wrong(error.to_string())));
        Ok(Self {
            path: path.to_owned(),
            common: serde_json::from_value(common).map_err(|error| wrong(error.to_string()))?,
            runs: runs.collect::<Result<_, _>>()?,
            files,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What all runs share.
    pub fn common(&self) -> &Common {
        &self.common
    }

    /// The runs, in order.
    pub fn runs(&self) -> &[Planned] {
        &self.runs
    }

    /// Files that go with every run, by name.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// The run directory of a run.
    pub fn place(&self, run: &Planned) -> PathBuf {
        let width = self.runs.len().to_string().len().max(4);
        self.path.join("runs").join(format!("{:0width$}", run.run))
    }

    /// The result of a run, if it has one.
    ///
    /// # Errors
    /// It cannot be read, was changed, or is one of other settings.
    pub fn result(&self, run: &Planned) -> Result<Option<Finished>, LabError> {
        let path = self.place(run).join(RESULT);
        let result: Option<Finished> = sealed::load(&path)?;
        match result {
            Some(result) if result.of != run.sum() => Err(LabError::content(
                &path,
                "the result of other settings",
                format!("that of run {} of `{RUNS}`", run.run),
            )),
            result => Ok(result),
        }
    }

    /// Keeps the result of a run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(&self, run: &Planned, finished: &Finished) -> Result<(), LabError> {
        sealed::save(&self.place(run).join(RESULT), finished)?;
        self.forget_failure(run)
    }

    /// Keeps why a run failed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn fail(&self, run: &Planned, problem: &Problem) -> Result<(), LabError> {
        let place = self.place(run);
        fs::create_dir_all(&place).map_err(LabError::io(&place, "create"))?;
        let message = problem.to_string();
        sealed::save(&place.join(FAILURE), &Failed { message })
    }

    /// Forgets that a run failed: it is tried again.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn forget_failure(&self, run: &Planned) -> Result<(), LabError> {
        let path = self.place(run).join(FAILURE);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(LabError::io(&path, "remove")(error)),
            _ => Ok(()),
        }
    }

    /// How far a run is.
    ///
    /// # Errors
    /// A file of it cannot be read.
    pub fn state(&self, run: &Planned) -> Result<State, LabError> {
        let place = self.place(run);
        if self.result(run)?.is_some() {
            return Ok(State::Done);
        }
        // A shared lock is refused while a process writes the run, and gone at once.
        if File::open(place.join(".lock")).is_ok_and(|lock| lock.try_lock_shared().is_err()) {
            return Ok(State::Running);
        }
        if let Some(Failed { message }) = sealed::load(&place.join(FAILURE))? {
            return Ok(State::Failed(message));
        }
        let begun = place.join("config.toml");
        let begun = begun.try_exists().map_err(LabError::io(&begun, "read"))?;
        Ok(if begun { State::Stopped } else { State::Missing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunDirectory;
    use crate::sweep::Sweep;
    use serde_json::json;

    fn planned(grid: &str) -> Vec<Planned> {
        let text = format!("experiment = 'rdm'\nseeds = '1..2'\n[grid]\na = {grid}");
        let runs = Sweep::parse("sweep.toml", &text).unwrap().runs(1).unwrap();
        runs.iter()
            .map(|run| Planned::new(run, format!("seed = {}\n", run.seed)))
            .collect()
    }

    fn create(path: &Path, grid: &str) -> Result<Folder, LabError> {
        let runs = planned(grid);
        let common = Common {
            experiment: "rdm".into(),
            updates: None,
            runs: runs.len(),
        };
        Folder::create(path, common, runs, &[("task.toml", b"task".to_vec())])
    }

    fn finished(run: &Planned) -> Finished {
        Finished {
            of: run.sum(),
            measures: Map::from_iter([("reward".to_owned(), json!(0.5))]),
            curves: BTreeMap::new(),
            wall_seconds: 1.0,
        }
    }

    #[test]
    fn a_run_goes_through_its_states() {
        let folder = tempfile::tempdir().unwrap();
        let sweep = create(&folder.path().join("s"), "[1, 2]").unwrap();
        let run = &sweep.runs()[2];
        assert_eq!((run.cell, &run.varied["a"]), (2, &json!(2)));
        assert!(sweep.place(run).ends_with("runs/0003"));
        let is = |state: State| assert_eq!(sweep.state(run).unwrap(), state);
        is(State::Missing);
        let directory = RunDirectory::create(&sweep.place(run)).unwrap();
        is(State::Running);
        fs::write(directory.file("config.toml"), "").unwrap();
        drop(directory);
        is(State::Stopped);
        sweep.fail(run, &Problem::bare("it diverged")).unwrap();
        is(State::Failed("it diverged".into()));
        sweep.finish(run, &finished(run)).unwrap();
        is(State::Done);
        assert_eq!(sweep.state(&sweep.runs()[1]).unwrap(), State::Missing);
    }

    #[test]
    fn the_same_sweep_goes_on_and_another_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let sweep = create(&path, "[1, 2]").unwrap();
        let run = &sweep.runs()[0];
        fs::create_dir_all(sweep.place(run)).unwrap();
        sweep.finish(run, &finished(run)).unwrap();
        let again = create(&path, "[1, 2]").unwrap();
        assert_eq!(again.state(run).unwrap(), State::Done);
        assert_eq!(again.files()["task.toml"], b"task");
        let words = create(&path, "[1, 3]").unwrap_err().to_string();
        assert!(words.contains("another sweep"), "{words}");
        let words = Folder::open(folder.path()).unwrap_err().to_string();
        assert!(words.contains("not the folder of a sweep"), "{words}");
    }

    #[test]
    fn a_plan_or_a_result_that_was_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let sweep = create(&path, "[1, 2]").unwrap();
        let (one, two) = (&sweep.runs()[0], &sweep.runs()[1]);
        fs::create_dir_all(sweep.place(one)).unwrap();
        sweep.finish(one, &finished(one)).unwrap();
        fs::create_dir_all(sweep.place(two)).unwrap();
        fs::copy(sweep.place(one).join(RESULT), sweep.place(two).join(RESULT)).unwrap();
        let words = sweep.result(two).unwrap_err().to_string();
        assert!(words.contains("the result of other settings"), "{words}");
        let lines = fs::read_to_string(path.join(RUNS)).unwrap();
        fs::write(path.join(RUNS), lines.replace("\"seed\":2", "\"seed\":3")).unwrap();
        assert!(Folder::open(&path).is_err());
    }
}
