//! Run directories: one folder holds everything of one run.

use crate::error::LabError;
use crate::provenance::Provenance;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// What a run directory may hold; `--force` removes these and nothing else.
const CONTENT: [&str; 9] = [
    "config.toml",
    "task.toml",
    "provenance.json",
    "log.jsonl",
    "checkpoint",
    "trials",
    "results",
    "figures",
    "report.html",
];

/// A run directory, locked while it is being written.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    _lock: Option<File>,
}

impl RunDirectory {
    /// A new run directory, locked.
    ///
    /// # Errors
    /// The folder already holds a run, or cannot be made.
    pub fn create(path: &Path) -> Result<Self, LabError> {
        if path.join("config.toml").exists() {
            let finished = Self {
                path: path.to_owned(),
                _lock: None,
            }
            .is_finished();
            let (state, hint) = if finished {
                (
                    "exists and is finished",
                    "use `--out` for another place, or `--force` to begin anew",
                )
            } else {
                (
                    "holds an unfinished run",
                    "use `--resume` to go on, `--out` for another place, `--force` to begin anew",
                )
            };
            return Err(LabError::Taken {
                path: path.to_owned(),
                state: state.into(),
                hint: hint.into(),
            });
        }
        for folder in ["checkpoint", "trials", "results", "figures"] {
            let folder = path.join(folder);
            fs::create_dir_all(&folder).map_err(LabError::io(&folder, "create"))?;
        }
        Self::open(path)
    }

    /// An existing run directory, locked.
    ///
    /// # Errors
    /// There is no such folder, or another process uses it.
    pub fn open(path: &Path) -> Result<Self, LabError> {
        let lock_path = path.join(".lock");
        let lock = File::create(&lock_path).map_err(LabError::io(&lock_path, "create"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: Some(lock),
            }),
            Err(TryLockError::WouldBlock) => Err(LabError::Taken {
                path: path.to_owned(),
                state: "is in use by another process".into(),
                hint: "wait for it, or give another `--out`".into(),
            }),
            Err(TryLockError::Error(error)) => Err(LabError::io(&lock_path, "lock")(error)),
        }
    }

    /// An existing run directory, to read from.
    ///
    /// # Errors
    /// The folder holds no run.
    pub fn read(path: &Path) -> Result<Self, LabError> {
        if path.join("config.toml").is_file() {
            return Ok(Self {
                path: path.to_owned(),
                _lock: None,
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

    /// Removes the run in a folder, and nothing else that may be there.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn clear(path: &Path) -> Result<(), LabError> {
        for name in CONTENT {
            let path = path.join(name);
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
        Ok(())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of the run, by its path within the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// `checkpoint/NAME.safetensors`.
    pub fn checkpoint(&self, name: &str) -> PathBuf {
        self.path.join("checkpoint").join(format!("{name}.safetensors"))
    }

    /// Has the run come to its end?
    pub fn is_finished(&self) -> bool {
        Provenance::load(&self.file("provenance.json")).is_ok_and(|provenance| provenance.finished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_in_use_or_already_there_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rdm");
        let run = RunDirectory::create(&path).unwrap();
        assert!(
            RunDirectory::open(&path)
                .unwrap_err()
                .to_string()
                .contains("in use")
        );
        crate::atomic::write(&run.file("config.toml"), b"").unwrap();
        drop(run);
        assert!(
            RunDirectory::create(&path)
                .unwrap_err()
                .to_string()
                .contains("--resume")
        );
        fs::write(path.join("notes.txt"), "mine").unwrap();
        RunDirectory::clear(&path).unwrap();
        assert!(path.join("notes.txt").exists() && !path.join("config.toml").exists());
        assert!(
            RunDirectory::read(&path)
                .unwrap_err()
                .to_string()
                .contains("not a run directory")
        );
    }
}
