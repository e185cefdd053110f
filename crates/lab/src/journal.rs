//! What is finished of a long computation, in one file: a line for the question, then one for each piece, in order.
//!
//! Each piece is a pure function of the question and its number, so a computation that was killed goes on behind the
//! last whole line. Every line holds its number and a checksum over itself and all lines before it: a line that is
//! missing, moved or changed is noticed.

use crate::error::LabError;
use crate::hash::{Sum, Summing};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A journal that is open for more pieces.
///
/// ```
/// use neuropil_lab::journal::Journal;
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("squares.partial");
/// let (mut journal, done) = Journal::open::<_, u64>(&path, &"squares")?;
/// assert!(done.is_empty());
/// journal.keep(&[0_u64, 1, 4])?;
/// drop(journal);
/// let (_, done) = Journal::open::<_, u64>(&path, &"squares")?;
/// assert_eq!(done, [0, 1, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    n: u64,
    summing: Summing,
}

#[derive(Serialize, Deserialize)]
struct Question {
    journal_of: Value,
}

#[derive(Serialize, Deserialize)]
struct Line {
    n: u64,
    sum: Sum,
    piece: Value,
}

impl Journal {
    /// Opens the journal of a question, and gives the pieces that it holds. One of another question is begun anew; a
    /// last line that was cut short is dropped.
    ///
    /// # Errors
    /// The file is in use, cannot be read or written, is damaged, or is something else.
    pub fn open<Q: Serialize, T: DeserializeOwned>(
        path: &Path,
        question: &Q,
    ) -> Result<(Self, Vec<T>), LabError> {
        let question = serde_json::to_value(question).expect("a question is JSON");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(LabError::io(path, "open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LabError::Taken {
                    path: path.to_owned(),
                    state: "is in use by another process".into(),
                    hint: "wait for it, or give another folder".into(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(LabError::io(path, "lock")(error)),
        }
        let mut journal = Self {
            path: path.to_owned(),
            file,
            n: 0,
            summing: Summing::default(),
        };
        let pieces = journal.read(&question)?;
        Ok((journal, pieces))
    }

    /// Reads what belongs to the question, and leaves the file ready for the next piece.
    fn read<T: DeserializeOwned>(&mut self, question: &Value) -> Result<Vec<T>, LabError> {
        let (mut pieces, mut bytes) = (Vec::new(), 0);
        let mut reader = BufReader::new(&self.file);
        let mut line = Vec::new();
        let read = |reader: &mut BufReader<&File>, line: &mut Vec<u8>| {
            line.clear();
            reader
                .read_until(b'\n', line)
                .map_err(LabError::io(&self.path, "read"))
        };
        read(&mut reader, &mut line)?;
        if line.ends_with(b"\n") {
            let asked: Result<Value, _> = serde_json::from_slice(&line);
            match asked {
                Ok(Value::Object(mut asked)) => {
                    if asked.remove("journal_of").as_ref() == Some(question) {
                        bytes = line.len() as u64;
                        self.summing.add(&line);
                    }
                }
                _ => {
                    return Err(LabError::content(
                        &self.path,
                        "not a journal of unfinished work",
                        "one that neuropil wrote, or no such file",
                    ));
                }
            }
        }
        while bytes > 0 {
            read(&mut reader, &mut line)?;
            if !line.ends_with(b"\n") {
                break;
            }
            let n = pieces.len() as u64;
            let damaged = |what: &str| {
                let what = format!("damaged: {what}, line {}", n + 2);
                LabError::content(
                    &self.path,
                    what,
                    "the lines as written; remove the file to begin anew",
                )
            };
            let Line {
                n: number,
                sum,
                piece,
            } = serde_json::from_slice(&line).map_err(|_| damaged("not a piece of this work"))?;
            self.summing.add_number(n);
            self.summing.add(&bytes_of(&piece));
            if number != n || sum != self.summing.sum() {
                return Err(damaged("a line is missing or was changed"));
            }
            pieces.push(serde_json::from_value(piece).map_err(|_| damaged("not a piece of this work"))?);
            bytes += line.len() as u64;
        }
        let write = || LabError::io(&self.path, "write");
        self.n = pieces.len() as u64;
        self.file.set_len(bytes).map_err(write())?;
        self.file.seek(SeekFrom::End(0)).map_err(write())?;
        if bytes == 0 {
            let first = Question {
                journal_of: question.clone(),
            };
            let mut line = serde_json::to_vec(&first).expect("a question is JSON");
            line.push(b'\n');
            self.file.write_all(&line).map_err(write())?;
            self.summing.add(&line);
        }
        Ok(pieces)
    }

    /// Appends the next pieces.
    ///
    /// # Errors
    /// The disk is full or gone.
    pub fn keep(&mut self, pieces: &[impl Serialize]) -> Result<(), LabError> {
        let mut bytes = Vec::new();
        for piece in pieces {
            let piece = serde_json::to_value(piece).expect("a piece is JSON");
            self.summing.add_number(self.n);
            self.summing.add(&bytes_of(&piece));
            let line = Line {
                n: self.n,
                sum: self.summing.sum(),
                piece,
            };
            serde_json::to_writer(&mut bytes, &line).expect("memory does not fail");
            bytes.push(b'\n');
            self.n += 1;
        }
        self.file
            .write_all(&bytes)
            .map_err(LabError::io(&self.path, "write"))
    }
}

fn bytes_of(piece: &Value) -> Vec<u8> {
    serde_json::to_vec(piece).expect("a value is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(path: &Path) -> Vec<u8> {
        let (mut journal, none) = Journal::open::<_, String>(path, &"a").unwrap();
        assert!(none.is_empty());
        journal.keep(&["zero", "one"]).unwrap();
        journal.keep(&["two"]).unwrap();
        std::fs::read(path).unwrap()
    }

    fn read(path: &Path) -> Result<Vec<String>, LabError> {
        Journal::open(path, &"a").map(|(_, pieces)| pieces)
    }

    #[test]
    fn a_journal_cut_anywhere_holds_its_whole_lines_and_goes_on_behind_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.partial");
        let bytes = whole(&path);
        for length in 0..=bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let (mut journal, pieces) = Journal::open::<_, String>(&path, &"a").unwrap();
            let lines = bytes[..length].iter().filter(|&&byte| byte == b'\n').count();
            assert_eq!(pieces.len(), lines.saturating_sub(1), "{length} bytes");
            journal.keep(&["zero", "one", "two"][pieces.len()..]).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "{length} bytes");
        }
    }

    #[test]
    fn a_line_that_is_missing_moved_or_changed_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.partial");
        let text = String::from_utf8(whole(&path)).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for order in [
            &[0, 2, 3][..],
            &[0, 1, 3],
            &[0, 1, 1, 2, 3],
            &[0, 2, 1, 3],
            &[0, 3],
        ] {
            let mixed: String = order.iter().map(|&i| lines[i]).collect();
            std::fs::write(&path, mixed).unwrap();
            let words = read(&path).unwrap_err().to_string();
            assert!(
                words.contains("a line is missing or was changed, line"),
                "{words}"
            );
        }
        for at in lines[0].len()..text.len() {
            for bit in 0..8 {
                let mut flipped = text.clone().into_bytes();
                flipped[at] ^= 1 << bit;
                std::fs::write(&path, flipped).unwrap();
                // A broken end of the last line is a line that was cut short.
                let pieces = read(&path).unwrap_or_default();
                assert!(
                    pieces.is_empty() || pieces == ["zero", "one"],
                    "bit {bit} of byte {at}"
                );
            }
        }
    }

    #[test]
    fn another_question_begins_anew_and_another_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.partial");
        whole(&path);
        assert_eq!(Journal::open::<_, String>(&path, &"b").unwrap().1.len(), 0);
        let (held, _) = Journal::open::<_, String>(&path, &"b").unwrap();
        let words = read(&path).unwrap_err().to_string();
        assert!(words.contains("in use"), "{words}");
        drop(held);
        std::fs::write(&path, "something else\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("not a journal"));
        assert_eq!(std::fs::read(&path).unwrap(), b"something else\n");
    }
}
