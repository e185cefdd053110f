//! Run directories: one folder holds everything of one run.

use crate::atomic;
use crate::error::LabError;
use crate::provenance::Provenance;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// What a run directory may hold. Beginning anew removes these and nothing else, in this order: a kill on the way
/// leaves what is recognised as part of a run, never old networks under new settings.
const CONTENT: [&str; 10] = [
    "report.html",
    SIDE,
    "figures",
    "results",
    "trials",
    "checkpoint",
    "log.jsonl",
    "provenance.json",
    "task.toml",
    "config.toml",
];

/// Folder of side experiments, each in a folder of its name.
const SIDE: &str = "side";

/// Folders of a run.
const FOLDERS: [&str; 4] = ["checkpoint", "trials", "results", "figures"];

/// A run directory: read by anyone, written by who holds its lock.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    /// Where new files go, if not into the run itself.
    beside: Option<Beside>,
    lock: Option<File>,
}

/// A folder beside a run. One that was made for what then came to nothing is not left behind.
#[derive(Debug)]
struct Beside {
    path: PathBuf,
    made: bool,
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.made {
            return;
        }
        // A folder that holds something is not removed.
        for folder in &FOLDERS[1..] {
            let _ = fs::remove_dir(self.path.join(folder));
        }
        let lock = self.path.join(".lock");
        let nothing_else =
            fs::read_dir(&self.path).is_ok_and(|entries| entries.flatten().all(|entry| entry.path() == lock));
        if nothing_else {
            let _ = fs::remove_file(&lock);
            let _ = fs::remove_dir(&self.path);
            if let Some(side) = self.path.parent().filter(|parent| parent.ends_with(SIDE)) {
                let _ = fs::remove_dir(side);
            }
        }
    }
}

/// What a folder holds of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Nothing of a run, or settings alone: nothing that could be lost.
    Nothing,
    /// A run.
    Run,
    /// Files of a run, but not its settings.
    Parts,
}

impl RunDirectory {
    /// A new run directory, locked.
    ///
    /// # Errors
    /// Another process uses the folder, it already holds a run, or it cannot be made.
    pub fn create(path: &Path) -> Result<Self, LabError> {
        if Self::holds(path)? != Holds::Nothing {
            // Who sees a run in use shall not be told to begin anew.
            if let Err(in_use @ LabError::Taken { .. }) = Self::locked(path) {
                return Err(in_use);
            }
        }
        Self::refuse_taken(path)?;
        fs::create_dir_all(path).map_err(LabError::io(path, "create"))?;
        let run = Self::locked(path)?;
        Self::refuse_taken(path)?; // another process may have been quicker
        run.cleared()
    }

    /// A new run directory in the place of whatever run is there, locked. Other files in the folder stay.
    ///
    /// # Errors
    /// Another process uses the folder, or it cannot be written.
    pub fn create_anew(path: &Path) -> Result<Self, LabError> {
        fs::create_dir_all(path).map_err(LabError::io(path, "create"))?;
        Self::locked(path)?.cleared()
    }

    /// The run in a folder, locked, to go on with; a new one if there is none.
    ///
    /// # Errors
    /// Another process uses the folder, or it holds parts of a run without its settings.
    pub fn resume(path: &Path) -> Result<Self, LabError> {
        match Self::holds(path)? {
            Holds::Nothing => Self::create(path),
            Holds::Run => Self::locked(path),
            Holds::Parts => Err(parts(path)),
        }
    }

    /// An existing run directory, locked.
    ///
    /// # Errors
    /// There is no such run, another process uses it, or it cannot be written.
    pub fn open(path: &Path) -> Result<Self, LabError> {
        Self::read(path)?;
        Self::locked(path)
    }

    /// An existing run directory, to read from.
    ///
    /// # Errors
    /// The folder holds no run.
    pub fn read(path: &Path) -> Result<Self, LabError> {
        if path.join("config.toml").is_file() {
            return Ok(Self {
                path: path.to_owned(),
                beside: None,
                lock: None,
            });
        }
        let (state, hint) = (
            "is not a run directory",
            "a run directory holds `config.toml`; `neuropil train` makes one",
        );
        Err(LabError::Taken {
            path: path.to_owned(),
            state: state.into(),
            hint: hint.into(),
        })
    }

    /// An existing run that nothing is written into: what is made of it goes to another folder, which is locked, and
    /// is looked for there first.
    ///
    /// # Errors
    /// There is no such run, or the other folder cannot be written or is in use.
    pub fn beside(path: &Path, out: &Path) -> Result<Self, LabError> {
        let run = Self::read(path)?;
        let made = !out.exists();
        fs::create_dir_all(out).map_err(LabError::io(out, "create"))?;
        if Self::holds(out)? != Holds::Nothing && out.join("config.toml").exists() {
            return Err(LabError::Taken {
                path: out.to_owned(),
                state: "is itself a run".into(),
                hint: "give a folder of its own for what is made of this one".into(),
            });
        }
        let lock = Self::locked(out)?.lock;
        let beside = Beside {
            path: out.to_owned(),
            made,
        };
        for folder in &FOLDERS[1..] {
            let folder = out.join(folder);
            fs::create_dir_all(&folder).map_err(LabError::io(&folder, "create"))?;
        }
        Ok(Self {
            path: run.path,
            beside: Some(beside),
            lock,
        })
    }

    /// An existing run, with the folder of what was made beside it, to read from.
    ///
    /// # Errors
    /// There is no such run.
    pub fn beside_to_read(path: &Path, out: &Path) -> Result<Self, LabError> {
        Ok(Self {
            beside: Some(Beside {
                path: out.to_owned(),
                made: false,
            }),
            ..Self::read(path)?
        })
    }

    /// A run with a side experiment: what is made goes to `side/NAME` of the run, and is looked for there first.
    ///
    /// # Errors
    /// As [`RunDirectory::beside`].
    pub fn side(path: &Path, name: &str) -> Result<Self, LabError> {
        Self::beside(path, &path.join(SIDE).join(name))
    }

    /// Names of the side experiments, sorted.
    ///
    /// # Errors
    /// Their folder cannot be read.
    pub fn sides(&self) -> Result<Vec<String>, LabError> {
        let folder = self.path.join(SIDE);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(LabError::io(&folder, "read")(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(LabError::io(&folder, "read"))?;
            names.extend(
                entry
                    .file_name()
                    .into_string()
                    .ok()
                    .filter(|_| entry.path().is_dir()),
            );
        }
        names.sort();
        Ok(names)
    }

    /// Locks a folder and removes what killed writers left in it.
    fn locked(path: &Path) -> Result<Self, LabError> {
        let lock_path = path.join(".lock");
        let lock = File::create(&lock_path).map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                LabError::Taken {
                    path: path.to_owned(),
                    state: format!("cannot be written ({error})"),
                    hint: "give another folder with `--out`".into(),
                }
            }
            _ => LabError::io(&lock_path, "create")(error),
        })?;
        // Who asks how far a sweep is holds a lock for an instant.
        let mut tries = 0;
        while tries < 5 && matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
            std::thread::sleep(std::time::Duration::from_millis(10));
            tries += 1;
        }
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LabError::Taken {
                    path: path.to_owned(),
                    state: "is in use by another process".into(),
                    hint: "wait for it, or give another `--out`".into(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(LabError::io(&lock_path, "lock")(error)),
        }
        atomic::remove_abandoned(path, None);
        for folder in FOLDERS {
            atomic::remove_abandoned(&path.join(folder), None);
        }
        Ok(Self {
            path: path.to_owned(),
            beside: None,
            lock: Some(lock),
        })
    }

    /// Without the run that was there; the folders of a new one.
    fn cleared(self) -> Result<Self, LabError> {
        for name in CONTENT {
            let path = self.path.join(name);
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            match removed {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(LabError::io(&path, "remove")(error));
                }
                _ => {}
            }
        }
        for folder in FOLDERS {
            let folder = self.path.join(folder);
            fs::create_dir_all(&folder).map_err(LabError::io(&folder, "create"))?;
        }
        Ok(self)
    }

    fn refuse_taken(path: &Path) -> Result<(), LabError> {
        let (state, hint) = match Self::holds(path)? {
            Holds::Nothing => return Ok(()),
            Holds::Parts => return Err(parts(path)),
            Holds::Run if Self::read(path)?.is_finished() => (
                "exists and is finished",
                "use `--out` for another place, or `--force` to begin anew",
            ),
            Holds::Run => (
                "holds an unfinished run",
                "use `--resume` to go on, `--out` for another place, `--force` to begin anew",
            ),
        };
        Err(LabError::Taken {
            path: path.to_owned(),
            state: state.into(),
            hint: hint.into(),
        })
    }

    /// What of a run is in a folder.
    pub(crate) fn holds(path: &Path) -> Result<Holds, LabError> {
        let mut kept = false;
        for folder in FOLDERS {
            let folder = path.join(folder);
            match fs::read_dir(&folder) {
                Ok(entries) => {
                    for entry in entries {
                        let entry = entry.map_err(LabError::io(&folder, "read"))?;
                        kept |= !entry.file_name().as_encoded_bytes().starts_with(b".");
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(LabError::io(&folder, "read")(error)),
            }
        }
        let exists = |name: &str| {
            let path = path.join(name);
            path.try_exists().map_err(LabError::io(&path, "read"))
        };
        kept |= exists("report.html")?;
        Ok(match (kept, exists("config.toml")?) {
            (false, _) => Holds::Nothing,
            (true, true) => Holds::Run,
            (true, false) => Holds::Parts,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of the run to read, by its path within the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        let beside = self.beside.as_ref().map(|beside| beside.path.join(name));
        beside
            .filter(|beside| beside.exists())
            .unwrap_or_else(|| self.path.join(name))
    }

    /// Where a file that is made of the run goes, by its path within the folder.
    pub fn place(&self, name: &str) -> PathBuf {
        self.beside
            .as_ref()
            .map_or(&self.path, |beside| &beside.path)
            .join(name)
    }

    /// The folder of the run that new files of a kind (`trials`, …) go to and are looked for first.
    pub fn folder_with(&self, folder: &str, index: &str) -> PathBuf {
        let beside = self.beside.as_ref().map(|beside| beside.path.join(folder));
        beside
            .filter(|beside| beside.join(index).exists())
            .unwrap_or_else(|| self.path.join(folder))
    }

    /// May files be written into [`Self::place`]?
    pub fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// `checkpoint/NAME.safetensors`.
    pub fn checkpoint(&self, name: &str) -> PathBuf {
        self.path.join("checkpoint").join(format!("{name}.safetensors"))
    }

    /// Has the run come to its end?
    pub fn is_finished(&self) -> bool {
        Provenance::load(&self.path.join("provenance.json")).is_ok_and(|provenance| provenance.finished)
    }
}

fn parts(path: &Path) -> LabError {
    LabError::Taken {
        path: path.to_owned(),
        state: "holds files of a run, but not its `config.toml`".into(),
        hint: "use `--out` for another place, or `--force` to remove them and begin anew".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a run that has kept something.
    fn kept(path: &Path) -> RunDirectory {
        let run = RunDirectory::create(path).unwrap();
        atomic::write(&run.file("config.toml"), b"").unwrap();
        atomic::write(&run.checkpoint("last"), b"kept").unwrap();
        run
    }

    fn words(result: Result<RunDirectory, LabError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn a_run_in_use_or_already_there_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rdm");
        let run = kept(&path);
        for refused in [
            RunDirectory::open(&path),
            RunDirectory::create(&path),
            RunDirectory::create_anew(&path),
            RunDirectory::resume(&path),
        ] {
            let words = words(refused);
            assert!(words.contains("in use") && !words.contains("--force"), "{words}");
        }
        assert!(
            run.checkpoint("last").exists(),
            "a run in use is not touched by --force"
        );
        drop(run);
        assert!(words(RunDirectory::create(&path)).contains("--resume"));
        fs::write(path.join("notes.txt"), "mine").unwrap();
        RunDirectory::create_anew(&path).unwrap();
        assert!(path.join("notes.txt").exists() && !path.join("config.toml").exists());
        assert!(words(RunDirectory::read(&path)).contains("not a run directory"));
    }

    /// Removed settings, or `--force` killed between any two of the files that it removes.
    #[test]
    fn what_is_left_of_a_run_is_never_taken_for_the_beginning_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rdm");
        drop(kept(&path));
        fs::write(path.join("report.html"), "").unwrap();
        for (i, name) in CONTENT.iter().enumerate() {
            // Here the one that begins anew is killed.
            if i > 0 && path.join("checkpoint/last.safetensors").exists() {
                assert!(
                    words(RunDirectory::create(&path)).contains("unfinished"),
                    "before {name}"
                );
            }
            let gone = path.join(name);
            let _ = fs::remove_dir_all(&gone).or_else(|_| fs::remove_file(&gone));
        }
        drop(kept(&path));
        fs::remove_file(path.join("config.toml")).unwrap();
        for refused in [RunDirectory::create(&path), RunDirectory::resume(&path)] {
            let words = words(refused);
            assert!(words.contains("not its `config.toml`"), "{words}");
        }
        assert!(path.join("checkpoint/last.safetensors").exists());
        RunDirectory::create_anew(&path).unwrap();
    }

    #[test]
    fn a_run_that_has_kept_nothing_yet_is_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rdm");
        let run = RunDirectory::create(&path).unwrap();
        atomic::write(&run.file("config.toml"), b"").unwrap();
        drop(run);
        assert!(RunDirectory::create(&path).is_ok());
    }

    #[test]
    fn a_folder_beside_a_run_that_nothing_came_into_is_not_left_behind() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("run");
        let run = RunDirectory::create(&path).unwrap();
        fs::write(run.file("config.toml"), "").unwrap();
        drop(RunDirectory::side(&path, "nothing").unwrap());
        assert!(!path.join(SIDE).exists());
        let some = RunDirectory::side(&path, "some").unwrap();
        fs::write(some.place("results/a.csv"), "a").unwrap();
        drop(some);
        assert_eq!(run.sides().unwrap(), ["some"]);
        // Nor is one removed that was there before.
        let own = temp.path().join("own");
        fs::create_dir(&own).unwrap();
        drop(RunDirectory::beside(&path, &own).unwrap());
        assert!(own.exists());
    }

    #[test]
    fn what_is_made_beside_a_run_is_found_and_leaves_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, out) = (folder.path().join("rdm"), folder.path().join("out"));
        drop(kept(&path));
        fs::remove_file(path.join(".lock")).unwrap();
        let run = RunDirectory::beside(&path, &out).unwrap();
        assert_eq!(run.file("results/a.json"), path.join("results/a.json"));
        atomic::write(&run.place("results/a.json"), b"{}").unwrap();
        assert_eq!(run.file("results/a.json"), out.join("results/a.json"));
        assert!(!path.join(".lock").exists() && !path.join("results/a.json").exists());
        assert!(words(RunDirectory::beside(&path, &out)).contains("in use"));
        drop(run);
        assert!(words(RunDirectory::beside(&path, &path)).contains("itself a run"));
        for name in ["slow", "fast"] {
            let side = RunDirectory::side(&path, name).unwrap();
            atomic::write(&side.place("results/a.json"), name.as_bytes()).unwrap();
        }
        let run = RunDirectory::read(&path).unwrap();
        assert_eq!(run.sides().unwrap(), ["fast", "slow"]);
        assert!(
            !run.file("results/a.json").exists(),
            "a side experiment leaves the run as it is"
        );
    }
}
