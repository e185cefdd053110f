//! Windows around summits, and which peaks are left out and why.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::error::InputError;
use crate::peaks::{Peak, position};

/// Lengths of chromosomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes(HashMap<String, u64>);

impl Sizes {
    /// Reads a table of two columns, or the index (`.fai`) of a FASTA file.
    ///
    /// # Errors
    /// Lengths that are not whole numbers, names that stand twice.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        let text = crate::text::read_to_string(path)?;
        let parse = || {
            let mut sizes = HashMap::new();
            for (number, line) in crate::text::lines(&text)
                .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
            {
                let mut fields = line.split_whitespace();
                let (Some(name), Some(length)) = (fields.next(), fields.next()) else {
                    return Err(InputError::new("expected a chromosome and its length").at_line(number));
                };
                let length = position(length, "length").map_err(|error| error.at_line(number))?;
                if sizes.insert(name.to_owned(), length).is_some() {
                    return Err(InputError::new(format!("`{name}` stands twice")).at_line(number));
                }
            }
            Ok(sizes)
        };
        parse().map(Self).map_err(|error: InputError| error.in_file(path))
    }

    /// From names and lengths.
    pub fn new(sizes: impl IntoIterator<Item = (String, u64)>) -> Self {
        Self(sizes.into_iter().collect())
    }

    /// Length of a chromosome.
    pub fn get(&self, chrom: &str) -> Option<u64> {
        self.0.get(chrom).copied()
    }

    /// Names of the chromosomes.
    pub fn names(&self) -> HashSet<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// A window of fixed width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Name of its peak.
    pub name: String,
    /// Chromosome.
    pub chrom: String,
    /// First base, counted from 0.
    pub start: u64,
    /// After the last base.
    pub end: u64,
}

/// A region that is left out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Dropped {
    /// Its name.
    pub name: String,
    /// Line of the file it came from, where it came from one.
    pub line: usize,
    /// Why.
    pub reason: &'static str,
}

/// Why a window is no good: in the order of the original scripts.
pub fn refuse(start: i64, end: u64, size: Option<u64>) -> Option<&'static str> {
    if start < 0 {
        return Some("start below 0");
    }
    match size {
        None => Some("unknown chromosome"),
        Some(size) if end > size => Some("end beyond chromosome"),
        Some(_) => None,
    }
}

/// Start of the window of `width` bases around `centre`; an odd one has its extra base upstream.
pub fn window_start(centre: u64, width: u64) -> i64 {
    centre as i64 - (width / 2) as i64 - i64::from(width % 2 == 1)
}

/// Windows of `width` bases around the summits of peaks; of windows that are the same the first is kept.
pub fn windows(peaks: &[Peak], sizes: &Sizes, width: u64) -> (Vec<Window>, Vec<Dropped>) {
    let mut seen = HashSet::new();
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for peak in peaks {
        let start = window_start(peak.centre(), width);
        let end = (start + width as i64).max(0) as u64;
        let mut reason = refuse(start, end, sizes.get(&peak.chrom));
        if reason.is_none() && !seen.insert((peak.chrom.clone(), start)) {
            reason = Some("duplicate window");
        }
        match reason {
            Some(reason) => dropped.push(Dropped {
                name: peak.name.clone(),
                line: peak.line,
                reason,
            }),
            None => kept.push(Window {
                name: peak.name.clone(),
                chrom: peak.chrom.clone(),
                start: start as u64,
                end,
            }),
        }
    }
    (kept, dropped)
}

/// Peaks that reach beyond the end of their chromosome.
pub fn beyond_end(peaks: &[Peak], sizes: &Sizes) -> usize {
    peaks
        .iter()
        .filter(|peak| sizes.get(&peak.chrom).is_some_and(|size| peak.end > size))
        .count()
}

/// Fails when two sets of chromosome names have none in common: any filter by position would pass everything.
///
/// # Errors
/// No name in common; the message shows three of each.
pub fn check_shared<'a>(
    ours: impl IntoIterator<Item = &'a str>,
    what: &str,
    theirs: &HashSet<&str>,
    other: &str,
) -> Result<usize, InputError> {
    let ours: HashSet<&str> = ours.into_iter().collect();
    let shared = ours.iter().filter(|name| theirs.contains(*name)).count();
    if shared > 0 || ours.is_empty() || theirs.is_empty() {
        return Ok(shared);
    }
    let some = |names: &HashSet<&str>| {
        let mut names: Vec<&str> = names.iter().copied().collect();
        names.sort_unstable();
        names.truncate(3);
        names.join(", ")
    };
    Err(InputError::new(format!(
        "{what} and {other} have no chromosome in common: {} against {}",
        some(&ours),
        some(theirs)
    ))
    .hint("give a table of names with --aliases (UCSC chromAlias, NCBI assembly report or two columns)"))
}

/// Sorted intervals of every chromosome, for questions of distance.
#[derive(Clone, Debug, Default)]
pub struct Intervals {
    /// Start, and largest end up to here, sorted by start.
    by_chrom: HashMap<String, Vec<(u64, u64, u64)>>,
}

impl Intervals {
    /// From chromosome, start and end.
    pub fn new(intervals: impl IntoIterator<Item = (String, u64, u64)>) -> Self {
        let mut by_chrom: HashMap<String, Vec<(u64, u64, u64)>> = HashMap::new();
        for (chrom, start, end) in intervals {
            by_chrom.entry(chrom).or_default().push((start, end, end));
        }
        for intervals in by_chrom.values_mut() {
            intervals.sort_unstable();
            let mut most = 0;
            for (_, end, up_to_here) in intervals.iter_mut() {
                most = most.max(*end);
                *up_to_here = most;
            }
        }
        Self { by_chrom }
    }

    /// Names of the chromosomes.
    pub fn chromosomes(&self) -> HashSet<&str> {
        self.by_chrom.keys().map(String::as_str).collect()
    }

    /// Whether an interval comes within `distance` bases of `start..end`; distance 0 asks for overlap.
    pub fn near(&self, chrom: &str, start: u64, end: u64, distance: u64) -> bool {
        let Some(intervals) = self.by_chrom.get(chrom) else {
            return false;
        };
        let (from, to) = (start.saturating_sub(distance), end + distance);
        let after = intervals.partition_point(|&(start, _, _)| start < to);
        after > 0 && intervals[after - 1].2 > from
    }
}

/// What candidate enhancers must not be.
#[derive(Clone, Debug, Default)]
pub struct Exclusions {
    /// Transcription start sites of protein-coding genes.
    pub promoters: Intervals,
    /// Protein-coding exons.
    pub exons: Intervals,
    /// Regions of the exclusion list (ENCODE blacklist).
    pub blacklist: Intervals,
    /// Longest peak.
    pub longest: u64,
    /// Distance that promoters must keep.
    pub promoter_distance: u64,
    /// Whether unplaced and random contigs are left out.
    pub placed_only: bool,
}

impl Exclusions {
    /// Peaks that may be enhancers, and those that are left out and why.
    pub fn apply(&self, peaks: Vec<Peak>) -> (Vec<Peak>, Vec<Dropped>) {
        let (mut kept, mut dropped) = (Vec::new(), Vec::new());
        for peak in peaks {
            match self.reason(&peak) {
                Some(reason) => dropped.push(Dropped {
                    name: peak.name,
                    line: peak.line,
                    reason,
                }),
                None => kept.push(peak),
            }
        }
        (kept, dropped)
    }

    fn reason(&self, peak: &Peak) -> Option<&'static str> {
        let near =
            |intervals: &Intervals, distance| intervals.near(&peak.chrom, peak.start, peak.end, distance);
        if self.longest > 0 && peak.length() > self.longest {
            Some("longer than the limit")
        } else if near(&self.promoters, self.promoter_distance) {
            Some("near a transcription start site")
        } else if near(&self.exons, 0) {
            Some("overlaps a protein-coding exon")
        } else if near(&self.blacklist, crate::kaplow2023::EXCLUSION_DISTANCE) {
            Some("near a region of the exclusion list")
        } else if self.placed_only && (peak.chrom.starts_with("chrUn") || peak.chrom.contains("random")) {
            Some("on an unplaced contig")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_of_half_open_intervals() {
        let tss = Intervals::new([
            ("chr1".to_owned(), 30_000, 30_001),
            ("chr1".to_owned(), 100, 90_000),
        ]);
        assert!(
            tss.near("chr1", 95_000, 95_500, 20_000),
            "the long interval before is seen"
        );
        assert!(!tss.near("chr1", 110_000, 110_500, 20_000));
        assert!(tss.near("chr1", 109_999, 110_500, 20_000) && !tss.near("chr2", 0, 1, 5));
        let one = Intervals::new([("c".to_owned(), 500, 600)]);
        assert!(one.near("c", 599, 700, 0) && !one.near("c", 600, 700, 0) && !one.near("c", 400, 500, 0));
    }

    #[test]
    fn odd_windows_have_their_extra_base_upstream() {
        assert_eq!(window_start(1000, 500), 750);
        assert_eq!(window_start(1000, 501), 749);
    }
}
