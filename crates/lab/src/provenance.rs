//! Where, when and how a run was made.

use crate::atomic;
use crate::error::LabError;
use crate::hash::{seal, unseal};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Record of one run; times and machine live here and in no other file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of neuropil.
    pub version: String,
    /// Commit it was built from, if known.
    pub commit: Option<String>,
    /// Processor.
    pub cpu: String,
    /// Vector unit that the kernels ran on.
    pub vectors: String,
    /// Operating system and architecture.
    pub os: String,
    /// Threads.
    pub threads: usize,
    /// Seed.
    pub seed: u64,
    /// Command line.
    pub command: Vec<String>,
    /// Begin, RFC 3339, UTC.
    pub started: String,
    /// End, if it came to one.
    pub ended: Option<String>,
    /// The run came to its own end.
    pub finished: bool,
    /// Wall time spent, all sessions together, s.
    pub wall_seconds: f64,
}

/// Who begins a run or goes on with it: what no library can know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Version of neuropil.
    pub version: String,
    /// Commit it was built from, if known.
    pub commit: Option<String>,
    /// Vector unit that the kernels run on.
    pub vectors: String,
    /// Threads.
    pub threads: usize,
    /// Command line, or the call of another program.
    pub command: Vec<String>,
}

impl Provenance {
    /// The record of a run that begins now, or goes on after what `before` says.
    pub fn begin(origin: &Origin, seed: u64, before: Option<&Self>) -> Self {
        Self {
            version: origin.version.clone(),
            commit: origin.commit.clone(),
            cpu: cpu(),
            vectors: origin.vectors.clone(),
            os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            threads: origin.threads,
            seed,
            command: origin.command.clone(),
            started: before.map_or_else(now, |record| record.started.clone()),
            ended: None,
            finished: false,
            wall_seconds: before.map_or(0.0, |record| record.wall_seconds),
        }
    }

    /// The record of a run that ends now, after so many seconds more.
    pub fn end(mut self, seconds: f64, finished: bool) -> Self {
        self.wall_seconds += seconds;
        self.ended = Some(now());
        self.finished = finished;
        self
    }

    /// Reads the record.
    ///
    /// # Errors
    /// Missing or damaged.
    pub fn load(path: &Path) -> Result<Self, LabError> {
        let text = std::fs::read(path).map_err(LabError::io(path, "read"))?;
        let wrong = |what: String| LabError::content(path, what, "a provenance record");
        let mut record: serde_json::Map<String, Value> =
            serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        // Records of earlier versions have no checksum.
        if unseal(&mut record) == Some(false) {
            return Err(wrong("damaged: the checksum does not fit".to_owned()));
        }
        serde_json::from_value(record.into()).map_err(|error| wrong(error.to_string()))
    }

    /// Writes the record, atomically.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), LabError> {
        let record = serde_json::to_value(self).expect("a record is JSON");
        let Value::Object(mut record) = record else {
            unreachable!("a record is an object")
        };
        seal(&mut record);
        atomic::write(
            path,
            &serde_json::to_vec_pretty(&record).expect("a record is JSON"),
        )
    }
}

/// What was typed, whatever folder the program lies in.
pub fn command() -> String {
    let typed = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned());
    std::iter::once("neuropil".to_owned())
        .chain(typed)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Now, RFC 3339 in UTC, whole seconds.
pub fn now() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs());
    rfc3339(seconds)
}

fn rfc3339(seconds: u64) -> String {
    let (days, second) = ((seconds / 86_400) as i64, seconds % 86_400);
    // Days since 0000-03-01 in eras of 400 years: Howard Hinnant's civil-from-days.
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

/// Name of the processor, as the system tells it.
pub fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find(|line| line.starts_with("model name"));
    model
        .and_then(|line| line.split_once(": "))
        .map_or("unknown", |(_, name)| name)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_with_a_flipped_bit_is_refused_and_one_without_a_checksum_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provenance.json");
        let record = Provenance::begin(&Origin::default(), 3, None);
        record.save(&path).unwrap();
        assert_eq!(Provenance::load(&path).unwrap(), record);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            std::fs::write(&path, &flipped).unwrap();
            // Blanks between the words are no content.
            let blank = whole[at].is_ascii_whitespace() && flipped[at].is_ascii_whitespace();
            assert_eq!(Provenance::load(&path).is_err(), !blank, "byte {at}");
        }
        std::fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
        assert_eq!(Provenance::load(&path).unwrap(), record);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(rfc3339(1_798_761_599), "2026-12-31T23:59:59Z");
    }
}
