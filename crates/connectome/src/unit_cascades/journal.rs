//! What is finished of the cascades of all units, in a file: JSON, a line for the question and one for each unit.

use super::Reach;
use crate::cascade::Settings;
use crate::error::DataError;
use crate::graph::Csr;
use neuropil_lab::events::EventLog;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader};
use std::path::Path;

/// What was asked, of which wiring.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Question {
    neuropil: String,
    settings: Settings,
    hops: Vec<usize>,
    n_units: usize,
    wiring: String,
}

/// The question of these cascades.
pub(super) fn question(
    graph: &Csr,
    units: &[Vec<usize>],
    stop: &[bool],
    hops: &[usize],
    settings: &Settings,
) -> Question {
    let mut digest = Digest::new();
    for (i, j, w) in graph.edges() {
        digest.add((i as u64) << 32 | j as u64);
        digest.add(w.to_bits());
    }
    for unit in units {
        digest.add(unit.len() as u64);
        unit.iter().for_each(|&i| digest.add(i as u64));
    }
    stop.iter().for_each(|&stop| digest.add(u64::from(stop)));
    Question {
        neuropil: env!("CARGO_PKG_VERSION").to_owned(),
        settings: settings.clone(),
        hops: hops.to_vec(),
        n_units: units.len(),
        wiring: format!("{:016x}", digest.0),
    }
}

/// FNV-1a over words of 64 bits.
struct Digest(u64);

impl Digest {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, word: u64) {
        for byte in word.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// A journal that is open for more units.
#[derive(Debug)]
pub(super) struct Journal {
    log: EventLog,
}

impl Journal {
    /// Opens the journal of a question, and gives the units that it holds. One of another question is begun anew; a
    /// last line that was cut short is dropped.
    ///
    /// # Errors
    /// The file cannot be read or written, or it is something else.
    pub(super) fn open(path: &Path, question: &Question) -> Result<(Self, Vec<Reach>), DataError> {
        let mut kept = Vec::new();
        let mut bytes = 0;
        if path.exists() {
            let mut file = BufReader::new(std::fs::File::open(path).map_err(DataError::io(path, "open"))?);
            let mut line = String::new();
            let mut next = |line: &mut String| {
                line.clear();
                file.read_line(line).map_err(DataError::io(path, "read"))
            };
            let length = next(&mut line)?;
            match serde_json::from_str::<Question>(&line) {
                Ok(asked) if asked == *question && line.ends_with('\n') => {
                    bytes = length;
                    loop {
                        let length = next(&mut line)?;
                        let Some(reach) = line.strip_suffix('\n').and_then(|l| serde_json::from_str(l).ok())
                        else {
                            break;
                        };
                        kept.push(reach);
                        bytes += length;
                    }
                }
                Err(_) if line.ends_with('\n') => {
                    return Err(DataError::field(
                        path,
                        1,
                        "",
                        "no journal of cascades",
                        "a journal that neuropil wrote, or no such file",
                    )
                    .hint("choose another folder, or remove the file"));
                }
                _ => {}
            }
        }
        let mut log = EventLog::open(path, bytes as u64)?;
        if bytes == 0 {
            log.write(question)?;
        }
        Ok((Self { log }, kept))
    }

    /// Appends units.
    ///
    /// # Errors
    /// The disk is full or gone.
    pub(super) fn keep(&mut self, units: &[Reach]) -> Result<(), DataError> {
        for unit in units {
            self.log.write(unit)?;
        }
        Ok(())
    }
}
