//! The life of a run: its directory, settings, event log, checkpoints and provenance, from beginning to end.
//!
//! `checkpoint/last.safetensors` is the one truth of a run. It is renamed into place in one step and holds the
//! checksums of what belongs to the same moment: the best network, the readable state, what the run was given, and the
//! events so far. A kill therefore leaves one moment or the one before, never a mixture; and a file of another run, or
//! one that was changed, is noticed when it is read.

use crate::atomic;
use crate::bundle::{self, Sums};
use crate::checkpoint::{Checkpoint, Moment};
use crate::config::differences;
use crate::error::LabError;
use crate::events::{EventLog, Mark};
use crate::hash::Sum;
use crate::provenance::{Origin, Provenance};
use crate::run::{Holds, RunDirectory};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use std::time::Instant;

const LAST: &str = "last.safetensors";
const BEST: &str = "best.safetensors";
const STATE: &str = "state.json";

/// How a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// A new one; whatever is there is refused.
    New,
    /// Where the last checkpoint left off; a new one if there is none.
    Resume,
    /// A new one in the place of what is there.
    Anew,
}

/// What a run is made from.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// Resolved settings, the text of `config.toml`.
    pub settings: &'a str,
    /// Further files that it needs, by name: `task.toml`.
    pub files: &'a [(&'a str, Vec<u8>)],
    /// Settings as a table in which keys that an earlier version did not know have their defaults.
    pub complete: &'a dyn Fn(&str) -> Option<toml::Table>,
    /// Seed.
    pub seed: u64,
    /// Who begins it.
    pub origin: &'a Origin,
}

impl std::fmt::Debug for Given<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Given")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Given<'_> {
    fn table(&self, path: &Path, text: &str) -> Result<toml::Table, LabError> {
        (self.complete)(text).map_or_else(|| table(path, text), Ok)
    }

    fn sums(&self) -> Sums {
        let sums = self
            .files
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), Sum::of(bytes)));
        sums.collect()
    }
}

/// A run that is being written.
///
/// ```
/// use neuropil_lab::keeper::{Begin, Given, Keeper, best};
/// use neuropil_lab::{checkpoint::Checkpoint, provenance::Origin};
/// use serde_json::json;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("run");
/// let given = Given {
///     settings: "seed = 1\n",
///     files: &[],
///     complete: &|_| None,
///     seed: 1,
///     origin: &Origin::default(),
/// };
/// let mut keeper = Keeper::open(&path, Begin::New, &given)?;
/// keeper.log(&json!({ "event": "check", "update": 10 }))?;
/// let state = Checkpoint::new(Default::default(), json!({ "update": 10 }));
/// keeper.checked(state.clone(), Some(state))?;
/// keeper.end(&json!({ "event": "end", "update": 10 }), true)?;
/// assert_eq!(best(keeper.run())?.expect("one was kept").state["update"], 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Keeper {
    run: RunDirectory,
    record: Provenance,
    log: EventLog,
    last: Option<Checkpoint>,
    config: String,
    given: Sums,
    beside: Sums,
    clock: Instant,
}

impl Keeper {
    /// Opens a run: its lock first, then what is there is checked against what is given, then it is written.
    ///
    /// # Errors
    /// The folder is in use, taken or not writable; a file of the run cannot be read; the run was made with other
    /// settings than it is resumed with.
    pub fn open(path: &Path, begin: Begin, given: &Given<'_>) -> Result<Self, LabError> {
        let run = match begin {
            Begin::New => RunDirectory::create(path)?,
            Begin::Anew => RunDirectory::create_anew(path)?,
            Begin::Resume => RunDirectory::resume(path)?,
        };
        let provenance = run.file("provenance.json");
        let (mut last, mut before) = (None, None);
        if RunDirectory::holds(path)? == Holds::Run {
            last = self::last(&run)?;
            refuse_changed(&run, given)?;
            if provenance
                .try_exists()
                .map_err(LabError::io(&provenance, "read"))?
            {
                before = Some(Provenance::load(&provenance)?);
            }
        }
        let log_path = run.file("log.jsonl");
        let mut beside = Sums::new();
        let log = match &last {
            Some(Checkpoint {
                moment: Some(moment), ..
            }) => {
                let folder = run.path().join("checkpoint");
                bundle::settle(&folder, &moment.beside)?;
                for (name, sum) in &moment.beside {
                    bundle::find(&folder, name, *sum)?;
                }
                bundle::remove_unspoken(&folder);
                beside = moment.beside.clone();
                EventLog::open(&log_path, moment.log)?
            }
            Some(last) => EventLog::open_behind(&log_path, &mut events_before(&last.state))?,
            None => EventLog::open(&log_path, Mark::start())?,
        };
        if last.is_none() {
            for (name, bytes) in given.files {
                atomic::write(&run.file(name), bytes)?;
            }
            atomic::write(&run.file("config.toml"), given.settings.as_bytes())?;
        }
        let record = Provenance::begin(given.origin, given.seed, before.as_ref());
        record.save(&provenance)?;
        // Without the comments on where values come from: a checkpoint depends on the settings alone.
        let config = toml::to_string(&settings_of(&run)?).expect("a table is TOML");
        Ok(Self {
            run,
            record,
            log,
            last,
            config,
            given: given.sums(),
            beside,
            clock: Instant::now(),
        })
    }

    /// The run's directory.
    pub fn run(&self) -> &RunDirectory {
        &self.run
    }

    /// Where the run's last checkpoint lies, for messages about it.
    pub fn last_path(&self) -> std::path::PathBuf {
        self.run.checkpoint("last")
    }

    /// What to go on from; `None` for a run that begins. It is given away once.
    pub fn take_last(&mut self) -> Option<Checkpoint> {
        self.last.take()
    }

    /// Does the run hold a best network?
    pub fn has_best(&self) -> bool {
        self.beside.contains_key(BEST)
    }

    /// Appends an event to the log: an object with a field `event`, to which the time is added.
    ///
    /// # Errors
    /// The disk is full or gone.
    pub fn log(&mut self, event: &impl Serialize) -> Result<(), LabError> {
        self.log.write(event)
    }

    /// Keeps a moment: the state to go on from, the best network if it is a new one, and the events so far.
    ///
    /// # Errors
    /// A number of the state is not finite, or the disk is full or gone: the moment before is still whole.
    pub fn checked(&mut self, mut last: Checkpoint, best: Option<Checkpoint>) -> Result<(), LabError> {
        let folder = self.run.path().join("checkpoint");
        last.refuse_nulls(&folder.join(LAST))?;
        self.log.sync()?;
        let readable = serde_json::to_vec_pretty(&last.state).expect("a state is JSON");
        let best = best.map(|mut best| {
            best.config.clone_from(&self.config);
            best.to_bytes()
        });
        let mut files: Vec<(&str, &[u8])> = vec![(STATE, &readable)];
        files.extend(best.as_deref().map(|best| (BEST, best)));
        let new = bundle::lay(&folder, &files)?;
        let mut beside = self.beside.clone();
        beside.extend(new);
        last.config.clone_from(&self.config);
        last.moment = Some(Moment {
            beside: beside.clone(),
            given: self.given.clone(),
            log: self.log.mark(),
        });
        // Everything is on the disk but the names.
        atomic::sync_folder(&folder).map_err(LabError::io(&folder, "write"))?;
        atomic::write(&folder.join(LAST), &last.to_bytes())?;
        bundle::settle(&folder, &beside)?;
        atomic::sync_folder(&folder).map_err(LabError::io(&folder, "write"))?;
        self.beside = beside;
        Ok(())
    }

    /// Closes the run: its last event, when it ended, and whether it came to its own end. Returns the wall time spent
    /// on it, all sessions together, in s.
    ///
    /// # Errors
    /// The disk is full or gone.
    pub fn end(&mut self, event: &impl Serialize, finished: bool) -> Result<f64, LabError> {
        self.log.close(event)?;
        let seconds = self.clock.elapsed().as_secs_f64();
        let record = self.record.clone().end(seconds, finished);
        record.save(&self.run.file("provenance.json"))?;
        Ok(record.wall_seconds)
    }

    /// The directory, still locked, for what is made of the run after its end.
    pub fn into_run(self) -> RunDirectory {
        self.run
    }
}

/// The last checkpoint of a run: where training goes on, with its history. It is checked against the settings and files
/// that stand beside it. `None` before the first.
///
/// # Errors
/// It cannot be read, is damaged, or the run's settings or files are not those that it was made with; there is none
/// although the run has kept a network.
pub fn last(run: &RunDirectory) -> Result<Option<Checkpoint>, LabError> {
    let path = run.checkpoint("last");
    let Some(bytes) = atomic::read_if_there(&path)? else {
        let best = run.checkpoint("best");
        if best.try_exists().map_err(LabError::io(&best, "read"))? {
            let belongs = "the checkpoint that belongs to `best.safetensors`";
            return Err(LabError::content(&path, "missing", belongs));
        }
        return Ok(None);
    };
    let last = Checkpoint::from_bytes(&path, &bytes)?;
    let Some(moment) = &last.moment else {
        return Ok(Some(last));
    };
    let changed = differences(&table(&path, &last.config)?, &settings_of(run)?);
    if !changed.is_empty() {
        let what = format!("not the settings of the checkpoint: {}", changed.join("; "));
        let config = run.path().join("config.toml");
        return Err(LabError::content(
            &config,
            what,
            "those that the run was made with",
        ));
    }
    for (name, sum) in &moment.given {
        bundle::find(run.path(), name, *sum)?;
    }
    Ok(Some(last))
}

/// The table in the run's `config.toml`.
fn settings_of(run: &RunDirectory) -> Result<toml::Table, LabError> {
    let path = run.path().join("config.toml");
    let text = std::fs::read_to_string(&path).map_err(LabError::io(&path, "read"))?;
    table(&path, &text)
}

fn table(path: &Path, text: &str) -> Result<toml::Table, LabError> {
    toml::from_str(text)
        .map_err(|error: toml::de::Error| LabError::content(path, error.message(), "settings as TOML"))
}

/// The best network of a run, of the same moment as [`last`]. `None` before the first.
///
/// # Errors
/// It cannot be read, is damaged, or is not one of the run.
pub fn best(run: &RunDirectory) -> Result<Option<Checkpoint>, LabError> {
    let path = run.checkpoint("best");
    let moment = last(run)?.map(|last| last.moment);
    let bytes = match moment {
        None => None,
        Some(None) => atomic::read_if_there(&path)?,
        Some(Some(moment)) => match moment.beside.get(BEST) {
            Some(sum) => Some(bundle::find(&run.path().join("checkpoint"), BEST, *sum)?),
            None => None,
        },
    };
    bytes
        .map(|bytes| Checkpoint::from_bytes(&path, &bytes))
        .transpose()
}

/// The events that a checkpoint of version 1 has behind it: those up to its update, one check for each of its history.
fn events_before(state: &Value) -> impl FnMut(&Value) -> bool {
    let update = state["progress"]["update"].as_u64().unwrap_or(0);
    let n_checks = state["progress"]["history"].as_array().map_or(0, Vec::len);
    let mut checks = 0;
    move |event| {
        checks += usize::from(event["event"] == "check");
        let known = event["update"].as_u64().is_some_and(|at| at <= update);
        event["event"] != "end" && known && checks <= n_checks
    }
}

/// A run goes on with what it was begun with, or not at all.
fn refuse_changed(run: &RunDirectory, given: &Given<'_>) -> Result<(), LabError> {
    let refuse = |what: String| LabError::Taken {
        path: run.path().to_owned(),
        state: format!("is resumed with {what}"),
        hint: "resume with the run's own settings, or begin another run with `--out`".to_owned(),
    };
    let path = run.file("config.toml");
    let old = std::fs::read_to_string(&path).map_err(LabError::io(&path, "read"))?;
    let changed = differences(&given.table(&path, &old)?, &given.table(&path, given.settings)?);
    if !changed.is_empty() {
        return Err(refuse(format!("other settings: {}", changed.join("; "))));
    }
    for (name, bytes) in given.files {
        if atomic::read_if_there(&run.file(name))?.is_some_and(|old| old != *bytes) {
            return Err(refuse(format!("another `{name}`")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs;

    const SETTINGS: &str = "seed = 1 # comment\nrate = 0.5\n";

    fn open(path: &Path, begin: Begin) -> Result<Keeper, LabError> {
        open_with(path, begin, SETTINGS, "a task")
    }

    fn open_with(path: &Path, begin: Begin, settings: &str, task: &str) -> Result<Keeper, LabError> {
        let files = [("task.toml", task.as_bytes().to_vec())];
        let given = Given {
            settings,
            files: &files,
            complete: &|_| None,
            seed: 1,
            origin: &Origin::default(),
        };
        Keeper::open(path, begin, &given)
    }

    fn state(update: u64) -> Checkpoint {
        Checkpoint {
            state: json!({ "update": update }),
            ..Checkpoint::default()
        }
    }

    fn check(keeper: &mut Keeper, update: u64, best: bool) {
        keeper
            .log(&json!({ "event": "check", "update": update }))
            .unwrap();
        keeper
            .checked(state(update), best.then(|| state(update)))
            .unwrap();
    }

    fn updates(path: &Path) -> (u64, u64) {
        let run = RunDirectory::read(path).unwrap();
        let of = |checkpoint: Option<Checkpoint>| checkpoint.unwrap().state["update"].as_u64().unwrap();
        (of(last(&run).unwrap()), of(best(&run).unwrap()))
    }

    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
    }

    fn snapshot(path: &Path) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for folder in ["checkpoint", "."] {
            for entry in fs::read_dir(path.join(folder)).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                if entry.path().is_file()
                    && ![".lock", "provenance.json", "log.jsonl"].contains(&name.as_str())
                {
                    files.push((name, fs::read(entry.path()).unwrap()));
                }
            }
        }
        files.sort();
        files
    }

    #[test]
    fn a_moment_is_kept_whole_and_gone_on_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let mut keeper = open(&path, Begin::New).unwrap();
        assert!(keeper.take_last().is_none() && !keeper.has_best());
        check(&mut keeper, 10, true);
        check(&mut keeper, 20, false);
        assert_eq!(updates(&path), (20, 10));
        keeper.log(&json!({ "event": "check", "update": 30 })).unwrap();
        drop(keeper);
        let mut keeper = open(&path, Begin::Resume).unwrap();
        assert_eq!(keeper.take_last().unwrap().state["update"], 20);
        assert!(keeper.has_best());
        check(&mut keeper, 30, true);
        keeper
            .end(&json!({ "event": "end", "update": 30 }), true)
            .unwrap();
        assert_eq!(updates(&path), (30, 30));
        let log = fs::read_to_string(path.join("log.jsonl")).unwrap();
        let seen: Vec<&str> = log.lines().map(|line| line.rsplit(':').next().unwrap()).collect();
        assert_eq!(seen, ["10}", "20}", "30}", "30}"]);
        assert!(keeper.into_run().is_finished());
    }

    /// Files of one checkpoint mixed with those of the next, in every combination: what is read is one of the two
    /// moments or an error, never a mixture.
    #[test]
    fn no_mixture_of_two_moments_is_ever_read() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mixed) = (folder.path().join("run"), folder.path().join("mixed"));
        let mut keeper = open(&path, Begin::New).unwrap();
        check(&mut keeper, 10, true);
        let old = snapshot(&path.join("checkpoint/.."));
        check(&mut keeper, 20, true);
        drop(keeper);
        let names = [LAST, BEST, STATE];
        for choice in 0..8 {
            let _ = fs::remove_dir_all(&mixed);
            copy(&path, &mixed);
            for (i, name) in names.iter().enumerate() {
                if choice >> i & 1 == 1 {
                    let (_, bytes) = old.iter().find(|(old, _)| old == name).unwrap();
                    fs::write(mixed.join("checkpoint").join(name), bytes).unwrap();
                }
            }
            let run = RunDirectory::read(&mixed).unwrap();
            let same = (choice & 1) == (choice >> 1 & 1);
            assert_eq!(best(&run).is_ok(), same, "choice {choice:03b}");
            assert_eq!(
                open(&mixed, Begin::Resume).is_ok(),
                [0, 7].contains(&choice),
                "choice {choice:03b}"
            );
        }
    }

    #[test]
    fn a_run_goes_on_with_what_it_was_made_with_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        check(&mut open(&path, Begin::New).unwrap(), 10, true);
        let before = snapshot(&path);
        let words = |result: Result<Keeper, LabError>| result.unwrap_err().to_string();
        let found = words(open_with(
            &path,
            Begin::Resume,
            "seed = 2\nrate = 0.5\n",
            "a task",
        ));
        assert!(found.contains("other settings: seed: 1 → 2"), "{found}");
        let found = words(open_with(&path, Begin::Resume, SETTINGS, "another task"));
        assert!(found.contains("another `task.toml`"), "{found}");
        assert!(words(open(&path, Begin::New)).contains("unfinished"));
        assert_eq!(snapshot(&path), before, "nothing was touched");
        // Comments are no settings; a setting or file that was changed in the folder is noticed by all readers.
        fs::write(path.join("config.toml"), "seed = 1\nrate = 0.5 # mine\n").unwrap();
        assert_eq!(updates(&path), (10, 10));
        for (name, text) in [
            ("config.toml", "seed = 1\nrate = 0.25\n"),
            ("task.toml", "b task"),
        ] {
            let whole = fs::read(path.join(name)).unwrap();
            fs::write(path.join(name), text).unwrap();
            let run = RunDirectory::read(&path).unwrap();
            assert!(last(&run).is_err() && best(&run).is_err(), "{name}");
            assert!(open(&path, Begin::Resume).is_err(), "{name}");
            fs::write(path.join(name), whole).unwrap();
        }
        let mut keeper = open_with(&path, Begin::Anew, "seed = 2\n", "another task").unwrap();
        assert!(
            keeper.take_last().is_none(),
            "a run begun anew knows nothing of the old one"
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_never_a_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        check(&mut open(&path, Begin::New).unwrap(), 10, true);
        for name in [
            "checkpoint/last.safetensors",
            "checkpoint/best.safetensors",
            "log.jsonl",
            "provenance.json",
        ] {
            let file = path.join(name);
            let whole = fs::read(&file).unwrap();
            for bytes in [&whole[..0], &whole[..whole.len() / 2], &b"\xff\xfe"[..]] {
                fs::write(&file, bytes).unwrap();
                assert!(open(&path, Begin::Resume).is_err(), "{name}");
                assert_eq!(fs::read(&file).unwrap(), bytes, "{name} is left as found");
            }
            fs::write(&file, whole).unwrap();
        }
        fs::remove_file(path.join("checkpoint/last.safetensors")).unwrap();
        assert!(
            open(&path, Begin::Resume).is_err(),
            "a best network without its checkpoint"
        );
    }

    #[test]
    fn a_state_that_could_not_be_read_again_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let mut keeper = open(&path, Begin::New).unwrap();
        check(&mut keeper, 10, true);
        let mut broken = state(20);
        broken.state["norm"] = json!(f64::INFINITY);
        let words = keeper.checked(broken, None).unwrap_err().to_string();
        assert!(words.contains("`state.norm` is not a number"), "{words}");
        assert_eq!(updates(&path), (10, 10));
    }
}
