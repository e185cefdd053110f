//! The event log: one JSON object a line, with the time since its writer began.

use crate::error::LabError;
use crate::hash::{Sum, Summing};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The only field of a line that two runs of one seed may differ in: seconds since the writer began.
const TIME: &str = "at_seconds";

/// A place in a log, by what stands before it; times of events do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Lines.
    pub lines: u64,
    /// Checksum of their events, without times.
    pub sum: Sum,
}

impl Mark {
    /// The beginning.
    pub fn start() -> Self {
        Self {
            lines: 0,
            sum: Summing::default().sum(),
        }
    }
}

/// `log.jsonl` of a run, open for appending.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
    lines: u64,
    summing: Summing,
    /// First event behind the mark, until the next line takes its place.
    behind: Option<Value>,
    clock: Instant,
}

impl EventLog {
    /// Opens a log at a mark. Whatever lies behind it was written after the checkpoint that a run goes on from: the
    /// next line takes its place, so that none is lost or there twice.
    ///
    /// # Errors
    /// The file cannot be opened; or what lies before the mark is not what was written.
    pub fn open(path: &Path, mark: Mark) -> Result<Self, LabError> {
        Self::open_where(path, &mut |lines, sum, _| {
            if lines < mark.lines {
                return Ok(true);
            }
            if sum != mark.sum {
                return Err("lines that do not fit their checksum".to_owned());
            }
            Ok(false)
        })
    }

    /// Opens a log behind all lines before the first that `before` does not hold for: for runs of versions that kept
    /// no mark.
    ///
    /// # Errors
    /// The file cannot be opened, or a line before that place is damaged.
    pub fn open_behind(path: &Path, before: &mut dyn FnMut(&Value) -> bool) -> Result<Self, LabError> {
        Self::open_where(path, &mut |_, _, event| Ok(event.is_some_and(&mut *before)))
    }

    /// Takes lines as long as `take` says so; it is asked before each, with the lines so far, their checksum and the
    /// next event (none at the end, or if it is no whole line of JSON).
    fn open_where(
        path: &Path,
        take: &mut dyn FnMut(u64, Sum, Option<&Value>) -> Result<bool, String>,
    ) -> Result<Self, LabError> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(LabError::io(path, "open"))?;
        let (mut bytes, mut lines, mut summing) = (0, 0, Summing::default());
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        let damaged = |lines: u64, what: &str| {
            LabError::content(
                path,
                format!("damaged: {what}, line {}", lines + 1),
                "the events as they were written",
            )
        };
        let behind = loop {
            line.clear();
            reader
                .read_until(b'\n', &mut line)
                .map_err(LabError::io(path, "read"))?;
            let event = event_of(&line);
            match take(lines, summing.sum(), event.as_ref()) {
                Err(what) => return Err(damaged(lines, &what)),
                Ok(false) => break event,
                Ok(true) => match event {
                    Some(event) => {
                        summing.add(&told(&event));
                        lines += 1;
                        bytes += line.len() as u64;
                    }
                    None if line.is_empty() => return Err(damaged(lines, "cut short")),
                    None => return Err(damaged(lines, "not an event")),
                },
            }
        };
        file.seek(SeekFrom::Start(bytes))
            .map_err(LabError::io(path, "write"))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            lines,
            summing,
            behind,
            clock: Instant::now(),
        })
    }

    /// Appends one event, an object; the time is put behind its first field.
    ///
    /// # Errors
    /// The disk is full or gone.
    ///
    /// # Panics
    /// When the event is not written as an object.
    pub fn write(&mut self, event: &impl Serialize) -> Result<(), LabError> {
        let event = serde_json::to_value(event).expect("events are JSON");
        let told = told(&event);
        let Value::Object(mut fields) = event else {
            panic!("an event is an object, not {event}")
        };
        let seconds = self.clock.elapsed().as_secs_f64();
        fields.shift_insert(fields.len().min(1), TIME.to_owned(), seconds.into());
        let mut line = serde_json::to_vec(&fields).expect("a map is JSON");
        line.push(b'\n');
        self.cut().map_err(LabError::io(&self.path, "write"))?;
        self.file
            .write_all(&line)
            .map_err(LabError::io(&self.path, "write"))?;
        self.summing.add(&told);
        self.lines += 1;
        Ok(())
    }

    /// Appends the last event of a run, unless it stands behind the mark already.
    ///
    /// # Errors
    /// The disk is full or gone.
    pub fn close(&mut self, event: &impl Serialize) -> Result<(), LabError> {
        let told_anew = told(&serde_json::to_value(event).expect("events are JSON"));
        if self
            .behind
            .as_ref()
            .is_some_and(|behind| told(behind) == told_anew)
        {
            return Ok(());
        }
        self.write(event)?;
        self.sync()
    }

    /// The place behind the last line.
    pub fn mark(&self) -> Mark {
        Mark {
            lines: self.lines,
            sum: self.summing.sum(),
        }
    }

    /// Makes what was written last through a loss of power.
    ///
    /// # Errors
    /// The disk is gone.
    pub fn sync(&mut self) -> Result<(), LabError> {
        self.file.sync_data().map_err(LabError::io(&self.path, "write"))
    }

    /// Cuts off what lies behind the place of the next line.
    fn cut(&mut self) -> std::io::Result<()> {
        let at = self.file.stream_position()?;
        self.behind = None;
        if self.file.metadata()?.len() > at {
            self.file.set_len(at)?;
        }
        Ok(())
    }
}

/// All events of a log, in order.
///
/// # Errors
/// The file cannot be read, or a line is no event.
pub fn events(path: &Path) -> Result<Vec<Value>, LabError> {
    let bytes = std::fs::read(path).map_err(LabError::io(path, "read"))?;
    let lines = bytes.split_inclusive(|&byte| byte == b'\n').enumerate();
    let event = |(i, line): (usize, &[u8])| {
        let wrong = || LabError::content(path, format!("damaged: not an event, line {}", i + 1), "events");
        event_of(line).ok_or_else(wrong)
    };
    lines.map(event).collect()
}

/// The event of a whole line, an object.
fn event_of(line: &[u8]) -> Option<Value> {
    let line = line.strip_suffix(b"\n")?;
    let event: Map<String, Value> = serde_json::from_slice(line).ok()?;
    Some(Value::Object(event))
}

/// An event's bytes without its time.
fn told(event: &Value) -> Vec<u8> {
    let mut event = event.clone();
    if let Some(fields) = event.as_object_mut() {
        fields.shift_remove(TIME);
    }
    let mut bytes = serde_json::to_vec(&event).expect("a value is JSON");
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lines(path: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        let parse = |line: &str| {
            let mut event: Value = serde_json::from_str(line).unwrap();
            assert!(event.as_object_mut().unwrap().remove(TIME).unwrap().is_f64());
            event["n"].clone()
        };
        text.lines().map(parse).collect()
    }

    #[test]
    fn a_reopened_log_goes_on_where_it_was_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut log = EventLog::open(&path, Mark::start()).unwrap();
        log.write(&json!({ "n": 1 })).unwrap();
        let mark = log.mark();
        log.write(&json!({ "n": 2 })).unwrap();
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"n\": 3")
            .unwrap();
        let mut again = EventLog::open(&path, mark).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap().lines().count(),
            3,
            "opening changes nothing"
        );
        again.write(&json!({ "n": 4 })).unwrap();
        assert_eq!(lines(&path), [1, 4]);
        assert_eq!(again.mark().lines, 2);
    }

    #[test]
    fn the_last_event_stands_there_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut log = EventLog::open(&path, Mark::start()).unwrap();
        log.write(&json!({ "n": 1 })).unwrap();
        let mark = log.mark();
        log.close(&json!({ "n": 9 })).unwrap();
        EventLog::open(&path, mark)
            .unwrap()
            .close(&json!({ "n": 9 }))
            .unwrap();
        assert_eq!(lines(&path), [1, 9]);
        EventLog::open(&path, mark)
            .unwrap()
            .close(&json!({ "n": 8 }))
            .unwrap();
        assert_eq!(lines(&path), [1, 8]);
    }

    #[test]
    fn one_bad_byte_before_the_mark_is_refused_and_nothing_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut log = EventLog::open(&path, Mark::start()).unwrap();
        for n in 0..3 {
            log.write(&json!({ "event": "check", "n": n })).unwrap();
        }
        let mark = log.mark();
        let whole = std::fs::read(&path).unwrap();
        let (mut refused, mut times) = (0, 0);
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                std::fs::write(&path, &bytes).unwrap();
                match EventLog::open(&path, mark) {
                    Err(_) => refused += 1,
                    Ok(_) => times += 1,
                }
                assert_eq!(std::fs::read(&path).unwrap(), bytes, "it is left as found");
            }
        }
        assert!(
            refused > 3 * times,
            "only digits of times may change: {refused} refused, {times} not"
        );
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let words = EventLog::open(&path, mark).unwrap_err().to_string();
        assert!(words.contains("line 3"), "{words}");
        std::fs::write(&path, "").unwrap();
        let words = EventLog::open(&path, mark).unwrap_err().to_string();
        assert!(words.contains("cut short, line 1"), "{words}");
    }
}
