//! Sequences in FASTA files, whole or by index.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::InputError;

/// Letters of nucleic acids (IUPAC).
const LETTERS: &[u8] = b"ACGTUNRYKMSWBDHVacgtunrykmswbdhv";

/// Whether a byte is one of them: a genome has billions.
const IS_LETTER: [bool; 256] = {
    let mut is = [false; 256];
    let mut i = 0;
    while i < LETTERS.len() {
        is[LETTERS[i] as usize] = true;
        i += 1;
    }
    is
};

/// The first byte that is no letter.
fn stranger(line: &[u8]) -> Option<usize> {
    line.iter().position(|&byte| !IS_LETTER[byte as usize])
}

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

/// Parses sequences; lines that begin with `;` are comments.
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
        } else if line.starts_with(';') {
            // A comment, as the first writers of the format had them.
        } else if let Some(record) = records.last_mut() {
            let line = line.trim_end();
            if let Some(at) = stranger(line.as_bytes()) {
                let letter = line[at..].chars().next().unwrap_or('?');
                return Err(InputError::new(format!(
                    "`{letter}` at position {} of `{}` is no nucleotide",
                    record.sequence.len() + at + 1,
                    record.name
                ))
                .at_line(number));
            }
            record.sequence.extend_from_slice(line.as_bytes());
        } else if !line.trim().is_empty() {
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
    /// A compressed file, an index that cannot be read or made: names that stand twice, lines of different lengths, letters
    /// that are none of IUPAC's.
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
        let mut by_name = HashMap::new();
        for (i, entry) in entries.iter().enumerate() {
            if by_name.insert(entry.name.clone(), i).is_some() {
                return Err(
                    InputError::new(format!("the name `{}` stands twice in the index", entry.name))
                        .in_file(&index),
                );
            }
        }
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
        bytes.retain(|byte| !byte.is_ascii_whitespace());
        if bytes.len() as u64 != end - start || stranger(&bytes).is_some() {
            return Err(fault(format!(
                "{name}:{start}-{end} holds no sequence: the file does not fit its index"
            ))
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
    let mut seen: HashMap<String, usize> = HashMap::new();
    let (mut offset, mut number) = (0_u64, 0);
    let mut line = Vec::new();
    // A line shorter than the first may only be the last of its sequence; so may one before a blank line or a comment.
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
        let mark: &[u8] = if number == 1 { b"\xef\xbb\xbf" } else { b"" };
        let text = line.strip_prefix(mark).unwrap_or(&line).trim_ascii_end();
        let bases = text.len() as u64;
        if let Some(header) = text.strip_prefix(b">") {
            let name = String::from_utf8_lossy(header)
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned();
            if name.is_empty() {
                return Err(fault("a sequence has no name".into()).at_line(number));
            }
            if let Some(before) = seen.insert(name.clone(), number) {
                return Err(
                    fault(format!("the name `{name}` stands on line {before} already")).at_line(number),
                );
            }
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
        let passed_over = bases == 0 || text[0] == b';';
        let Some(entry) = entries.last_mut() else {
            if passed_over {
                continue;
            }
            return Err(fault("text before the first `>`".into()).at_line(number));
        };
        if passed_over {
            ended = true;
            if entry.length == 0 {
                (entry.offset, ended) = (offset, false);
            }
            continue;
        }
        if let Some(at) = stranger(text) {
            return Err(fault(format!(
                "`{}` at position {} of `{}` is no nucleotide",
                String::from_utf8_lossy(&text[at..])
                    .chars()
                    .next()
                    .unwrap_or_default(),
                entry.length as usize + at + 1,
                entry.name
            ))
            .at_line(number));
        }
        if entry.bases == 0 {
            entry.bases = bases;
            entry.width = read as u64;
        } else if ended || bases > entry.bases {
            return Err(fault(format!(
                "the lines of `{}` have different lengths or gaps between them, so it cannot be read in slices",
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

    fn genome(text: &str) -> Result<Genome, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("genome.fa");
        std::fs::write(&path, text).expect("a file");
        let genome = Genome::open(&path).map_err(|error| error.to_string())?;
        // Slices are read while the folder is there.
        for (name, from, to, letters) in [("a", 3, 6, "TAC"), ("b", 0, 2, "GG")] {
            assert_eq!(
                genome.slice(name, from, to).expect(text),
                letters.as_bytes(),
                "{text}"
            );
        }
        Ok(genome)
    }

    #[test]
    fn marks_comments_and_blank_lines_of_genomes_are_passed_over() {
        for text in [
            ">a\nACGT\nACG\n>b\nGG\n",
            "\u{feff}>a x\r\nACGT\r\nACG\r\n>b\r\nGG",
            ";comment\n\n>a\n;comment\n\nACGT\nACG\n;comment\n>b\nGG\n\n",
        ] {
            assert!(genome(text).is_ok(), "{text}");
        }
        let parsed = parse(";comment\n>a\n;comment\nACGT\n;comment\nACG\n").expect("a sequence");
        assert_eq!(parsed[0].sequence, b"ACGTACG");
    }

    #[test]
    fn faults_of_genomes_name_the_line() {
        let fault = |text: &str| genome(text).expect_err(text);
        assert!(
            fault(">a\nAC\n>b\nAC\n>a\nAC\n").contains("genome.fa, line 5: the name `a` stands on line 1")
        );
        assert!(
            fault(">a\nACGT\nAXG\n").contains("genome.fa, line 3: `X` at position 6 of `a` is no nucleotide")
        );
        assert!(
            fault(">a\nACGT\n;no\nACG\n").contains("line 4: the lines of `a` have different lengths or gaps")
        );
        assert!(fault(">\nACGT\n").contains("line 1: a sequence has no name"));
        assert!(fault("ACGT\n").contains("line 1: text before the first `>`"));
    }

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
