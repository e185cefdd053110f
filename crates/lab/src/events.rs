//! The event log: one JSON object a line.

use crate::error::LabError;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// `log.jsonl` of a run, open for appending.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
}

impl EventLog {
    /// Opens a log; whatever lies behind the first `keep_bytes` is cut off, so that a resumed run does not
    /// repeat lines.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path, keep_bytes: u64) -> Result<Self, LabError> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(LabError::io(path, "open"))?;
        let length = file.metadata().map_err(LabError::io(path, "read"))?.len();
        file.set_len(keep_bytes.min(length))
            .map_err(LabError::io(path, "write"))?;
        file.seek(SeekFrom::End(0)).map_err(LabError::io(path, "write"))?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Appends one event.
    ///
    /// # Errors
    /// The disk is full or gone.
    pub fn write(&mut self, event: &impl Serialize) -> Result<(), LabError> {
        let mut line = serde_json::to_vec(event).expect("events are JSON");
        line.push(b'\n');
        self.file
            .write_all(&line)
            .map_err(LabError::io(&self.path, "write"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reopened_log_goes_on_where_it_was_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut log = EventLog::open(&path, 0).unwrap();
        log.write(&1).unwrap();
        let kept = std::fs::metadata(&path).unwrap().len();
        log.write(&2).unwrap();
        EventLog::open(&path, kept).unwrap().write(&3).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n3\n");
    }
}
