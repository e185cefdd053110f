//! Sequences in FASTA files, whole or by index.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::InputError;

/// Letters of nucleic acids (IUPAC).
const LETTERS: &[u8] = b"ACGTUNRYKMSWBDHVacgtunrykmswbdhv";

/// One sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// First word of the header.
    pub name: String,
    /// Letters as written.
    pub sequence: Vec<u8>,
}

/// Reads all sequences of a file, gzipped or not.
///
/// # Errors
/// As [`parse`], with the file named.
pub fn read(path: &Path) -> Result<Vec<Record>, InputError> {
    parse(&crate::text::read_to_string(path)?).map_err(|error| error.in_file(path))
}

/// Parses sequences.
///
/// # Errors
/// No header at the beginning, an empty sequence, a name that stands twice, a letter that is none of IUPAC's.
pub fn parse(text: &str) -> Result<Vec<Record>, InputError> {
    let mut records: Vec<Record> = Vec::new();
    let mut seen = HashMap::new();
    for (number, line) in crate::text::lines(text) {
        if let Some(header) = line.strip_prefix('>') {
            refuse_empty(records.last())?;
            let name = header.split_whitespace().next().unwrap_or_default().to_owned();
            if name.is_empty() {
                return Err(InputError::new("a sequence has no name").at_line(number));
            }
            if let Some(before) = seen.insert(name.clone(), number) {
                return Err(
                    InputError::new(format!("the name `{name}` stands on line {before} already"))
                        .at_line(number),
                );
            }
            records.push(Record {
                name,
                sequence: Vec::new(),
            });
        } else if let Some(record) = records.last_mut() {
            let line = line.trim_end();
            if let Some(at) = line.bytes().position(|byte| !LETTERS.contains(&byte)) {
                let letter = line[at..].chars().next().unwrap_or('?');
                return Err(InputError::new(format!(
                    "`{letter}` at position {} of `{}` is no nucleotide",
                    record.sequence.len() + at + 1,
                    record.name
                ))
                .at_line(number));
            }
            record.sequence.extend_from_slice(line.as_bytes());
        } else if !line.trim().is_empty() && !line.starts_with(';') {
            return Err(InputError::new("text before the first `>`").at_line(number));
        }
    }
    refuse_empty(records.last())?;
    if records.is_empty() {
        return Err(InputError::new("the file holds no sequences"));
    }
    Ok(records)
}

fn refuse_empty(record: Option<&Record>) -> Result<(), InputError> {
    match record {
        Some(record) if record.sequence.is_empty() => Err(InputError::new(format!(
            "the sequence `{}` is empty",
            record.name
        ))),
        _ => Ok(()),
    }
}

/// Name of the peak that a record of `bedtools getfasta` belongs to: without `::chr:start-end` and strand.
///
/// ```
/// use neuropil_enhancers::fasta::peak_name;
/// assert_eq!(peak_name("peak7_mo::chr1:100-600(+)"), "peak7_mo");
/// assert_eq!(peak_name("peak7_mo(-)"), "peak7_mo");
/// ```
pub fn peak_name(record: &str) -> &str {
    let name = record.split("::").next().unwrap_or(record);
    name.strip_suffix("(+)")
        .or_else(|| name.strip_suffix("(-)"))
        .or_else(|| name.strip_suffix("(.)"))
        .unwrap_or(name)
}

/// Where a sequence lies in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    length: u64,
    offset: u64,
    bases: u64,
    width: u64,
}

/// A genome, of which slices are read by index.
#[derive(Debug)]
pub struct Genome {
    path: PathBuf,
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
}

impl Genome {
    /// Opens a FASTA file with its index beside it (`.fai`); without one the file is read once to make it.
    ///
    /// # Errors
    /// A compressed file, an index that cannot be read or made.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let mut start = [0; 2];
        let mut file = File::open(path)
            .map_err(|error| InputError::new(format!("cannot read: {error}")).in_file(path))?;
        if file.read(&mut start).unwrap_or(0) == 2 && start == [0x1f, 0x8b] {
            return Err(InputError::new("a compressed genome cannot be read in slices")
                .in_file(path)
                .hint("unpack it with gunzip"));
        }
        let mut index = path.as_os_str().to_owned();
        index.push(".fai");
        let index = PathBuf::from(index);
        let entries = if index.exists() {
            read_index(&index)?
        } else {
            build_index(path)?
        };
        let by_name = entries
            .iter()
            .enumerate()
            .map(|(i, entry)| (entry.name.clone(), i))
            .collect();
        Ok(Self {
            path: path.to_owned(),
            entries,
            by_name,
        })
    }

    /// The index in the form of samtools.
    pub fn index_text(&self) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            let _ = writeln!(
                text,
                "{}\t{}\t{}\t{}\t{}",
                entry.name, entry.length, entry.offset, entry.bases, entry.width
            );
        }
        text
    }

    /// Names and lengths.
    pub fn sizes(&self) -> crate::windows::Sizes {
        crate::windows::Sizes::new(
            self.entries
                .iter()
                .map(|entry| (entry.name.clone(), entry.length)),
        )
    }

    /// Letters `start..end` of a sequence, as written.
    ///
    /// # Errors
    /// An unknown sequence, an interval beyond its end, a file that does not fit its index.
    pub fn slice(&self, name: &str, start: u64, end: u64) -> Result<Vec<u8>, InputError> {
        let fault = |message: String| InputError::new(message).in_file(&self.path);
        let Some(&i) = self.by_name.get(name) else {
            return Err(fault(format!("no sequence `{name}`")));
        };
        let entry = &self.entries[i];
        if start >= end || end > entry.length {
            return Err(fault(format!(
                "{name}:{start}-{end} lies outside a sequence of {} bases",
                entry.length
            )));
        }
        let at = |base: u64| entry.offset + base / entry.bases * entry.width + base % entry.bases;
        let mut file = File::open(&self.path).map_err(|error| fault(format!("cannot read: {error}")))?;
        file.seek(SeekFrom::Start(at(start)))
            .map_err(|error| fault(format!("cannot read: {error}")))?;
        let mut bytes = vec![0; (at(end - 1) + 1 - at(start)) as usize];
        file.read_exact(&mut bytes)
            .map_err(|error| fault(format!("cannot read: {error}")))?;
        bytes.retain(|byte| *byte != b'\n' && *byte != b'\r');
        if bytes.len() as u64 != end - start || bytes.iter().any(|byte| !LETTERS.contains(byte)) {
            return Err(fault("the file does not fit its index".into())
                .hint("remove the .fai file, it will be made anew"));
        }
        Ok(bytes)
    }
}

fn read_index(path: &Path) -> Result<Vec<Entry>, InputError> {
    let text = crate::text::read_to_string(path)?;
    let mut entries = Vec::new();
    for (number, line) in crate::text::lines(&text).filter(|(_, line)| !line.is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let numbers: Vec<u64> = fields
            .iter()
            .skip(1)
            .filter_map(|field| field.parse().ok())
            .collect();
        let (5, &[length, offset, bases, width]) = (fields.len(), numbers.as_slice()) else {
            return Err(
                InputError::new("expected name, length, offset, bases and width of a line")
                    .at_line(number)
                    .in_file(path),
            );
        };
        if bases == 0 || width < bases {
            return Err(
                InputError::new(format!("{bases} bases on a line of {width} bytes"))
                    .at_line(number)
                    .in_file(path),
            );
        }
        entries.push(Entry {
            name: fields[0].to_owned(),
            length,
            offset,
            bases,
            width,
        });
    }
    Ok(entries)
}

fn build_index(path: &Path) -> Result<Vec<Entry>, InputError> {
    let fault = |message: String| InputError::new(message).in_file(path);
    let mut reader = BufReader::with_capacity(
        1 << 20,
        File::open(path).map_err(|error| fault(format!("cannot read: {error}")))?,
    );
    let mut entries: Vec<Entry> = Vec::new();
    let (mut offset, mut number) = (0_u64, 0);
    let mut line = Vec::new();
    // A line shorter than the first may only be the last of its sequence.
    let mut ended = false;
    loop {
        line.clear();
        let read = reader
            .read_until(b'\n', &mut line)
            .map_err(|error| fault(format!("cannot read: {error}")))?;
        if read == 0 {
            break;
        }
        number += 1;
        offset += read as u64;
        let bases = line
            .iter()
            .rposition(|byte| *byte != b'\n' && *byte != b'\r')
            .map_or(0, |last| last + 1) as u64;
        if line[0] == b'>' {
            let name = String::from_utf8_lossy(&line[1..])
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned();
            entries.push(Entry {
                name,
                length: 0,
                offset,
                bases: 0,
                width: 0,
            });
            ended = false;
            continue;
        }
        let Some(entry) = entries.last_mut() else {
            return Err(fault("text before the first `>`".into()).at_line(number));
        };
        if bases == 0 {
            ended = true;
            continue;
        }
        if entry.bases == 0 {
            entry.bases = bases;
            entry.width = read as u64;
        } else if ended || bases > entry.bases {
            return Err(fault(format!(
                "the lines of `{}` have different lengths, so it cannot be read in slices",
                entry.name
            ))
            .at_line(number));
        }
        ended = bases < entry.bases;
        entry.length += bases;
    }
    if entries.is_empty() {
        return Err(fault("the file holds no sequences".into()));
    }
    if let Some(empty) = entries.iter().find(|entry| entry.length == 0) {
        return Err(fault(format!("the sequence `{}` is empty", empty.name)));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_the_line() {
        let fault = |text: &str| parse(text).expect_err(text).to_string();
        assert!(fault(">a\nACX\n").contains("line 2: `X` at position 3 of `a` is no nucleotide"));
        assert!(
            fault(">a\n>b\nA\n").contains("`a` is empty")
                && fault(">a\nA\n>a\nC\n").contains("line 3: the name `a` stands on line 1")
        );
        assert!(fault("ACGT\n").contains("before the first") && fault("").contains("no sequences"));
    }
}
