//! Peaks as the callers write them: MACS, HMMRATAC, Genrich, IDR, ENCODE, Cell Ranger; plain BED.
//!
//! The number of columns tells the format; every line must have the same.

use std::path::Path;

use crate::error::InputError;

/// Format of a peak file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// BED of three to six or twelve columns: no summit.
    Bed,
    /// MACS broadPeak, nine columns: no summit.
    BroadPeak,
    /// narrowPeak, ten columns: the summit is an offset from the start.
    NarrowPeak,
    /// gappedPeak of HMMRATAC, fifteen columns: the open region is thick; column 10 counts blocks.
    GappedPeak,
    /// IDR of two replicates on narrowPeaks, twenty columns.
    Idr,
    /// IDR of two replicates on BED, fourteen columns: no summit.
    IdrBed,
    /// The table of MACS (`_peaks.xls`), whose positions count from 1.
    MacsTable,
}

/// One peak; positions count from 0, the end is not part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Peak {
    /// Chromosome.
    pub chrom: String,
    /// First base.
    pub start: u64,
    /// After the last base.
    pub end: u64,
    /// Name; `lineN` where the file gives none.
    pub name: String,
    /// Score.
    pub score: Option<f64>,
    /// Position of the summit.
    pub summit: Option<u64>,
    /// Line of the file, counted from 1.
    pub line: usize,
}

impl Peak {
    /// Where a window is centred: the summit, else the middle, half a base away from the start.
    pub fn centre(&self) -> u64 {
        self.summit
            .unwrap_or(self.start + (self.end - self.start).div_ceil(2))
    }
}

/// The peaks of a file.
#[derive(Clone, Debug)]
pub struct Peaks {
    /// Format.
    pub format: Format,
    /// Peaks, in the order of the file.
    pub peaks: Vec<Peak>,
    /// Remarks on how it was read.
    pub notes: Vec<String>,
}

/// The score in column 5 of IDR's output that stands for an irreproducible discovery rate.
///
/// ```
/// assert_eq!(neuropil_enhancers::peaks::idr_score(0.05), 540);
/// ```
pub fn idr_score(idr: f64) -> u64 {
    (-125.0 * idr.log2()).clamp(0.0, 1000.0) as u64
}

/// Reads a peak file, gzipped or not.
///
/// # Errors
/// As [`parse`], with the file named.
pub fn read(path: &Path) -> Result<Peaks, InputError> {
    parse(&crate::text::read_to_string(path)?).map_err(|error| error.in_file(path))
}

/// Parses the text of a peak file.
///
/// # Errors
/// A line with another number of columns than the first; positions that are not whole numbers; an interval that is
/// empty; a summit outside the peak; no peaks at all. Each names line and column.
pub fn parse(text: &str) -> Result<Peaks, InputError> {
    let mut found = Peaks {
        format: Format::Bed,
        peaks: Vec::new(),
        notes: Vec::new(),
    };
    let mut width = None;
    let mut table: Option<Vec<String>> = None;
    let mut tracks = 0;
    for (number, line) in crate::text::lines(text) {
        let first = line.split_whitespace().next().unwrap_or_default();
        if first.is_empty() || first.starts_with('#') {
            continue;
        }
        if first == "track" || first == "browser" {
            tracks += 1;
            continue;
        }
        let fields: Vec<&str> = if line.contains('\t') {
            line.split('\t').map(str::trim).collect()
        } else {
            line.split_whitespace().collect()
        };
        if table.is_none() && width.is_none() && fields.get(..3) == Some(&["chr", "start", "end"]) {
            table = Some(fields.iter().map(|field| (*field).to_owned()).collect());
            found.format = Format::MacsTable;
            width = Some(fields.len());
            continue;
        }
        let expected = *width.get_or_insert(fields.len());
        if fields.len() != expected {
            return Err(
                InputError::new(format!("{} columns, expected {expected} as before", fields.len()))
                    .at_line(number)
                    .hint("columns of two peaks may have been joined, or a name holds a tab"),
            );
        }
        let peak = match &table {
            Some(header) => macs_row(header, &fields),
            None => {
                found.format = format_of(fields.len()).map_err(|error| error.at_line(number))?;
                row(found.format, &fields)
            }
        };
        let mut peak = peak.map_err(|error| error.at_line(number))?;
        peak.line = number;
        if peak.name.is_empty() || peak.name == "." {
            peak.name = format!("line{number}");
        }
        found.peaks.push(peak);
    }
    if found.peaks.is_empty() {
        return Err(InputError::new("the file holds no peaks"));
    }
    found.remark(tracks);
    Ok(found)
}

impl Peaks {
    fn remark(&mut self, tracks: usize) {
        if tracks > 0 {
            self.notes.push(format!("{tracks} track lines were passed over"));
        }
        match self.format {
            Format::GappedPeak => self.notes.push("gappedPeak: windows are centred on the open (thick) region; column 10 counts blocks and is no summit".into()),
            Format::MacsTable => self.notes.push("table of MACS: positions count from 1 and were converted".into()),
            Format::BroadPeak | Format::IdrBed => self.notes.push("the format has no summits: windows are centred on the middle".into()),
            Format::Idr => self.notes.push("IDR of two replicates: columns 11 and 12 are -log10 of the IDR; an IDR of 0.05 is a score of 540".into()),
            Format::Bed | Format::NarrowPeak => {}
        }
        if matches!(self.format, Format::Bed) && self.peaks.iter().all(|peak| peak.end - peak.start == 1) {
            self.peaks
                .iter_mut()
                .for_each(|peak| peak.summit = Some(peak.start));
            self.notes.push(
                "every interval is one base: these are summits, not peaks; their lengths say nothing".into(),
            );
        }
        let scores: Vec<f64> = self.peaks.iter().filter_map(|peak| peak.score).collect();
        if self.format != Format::Bed && scores.len() > 1 && scores.iter().all(|score| *score == 0.0) {
            self.notes
                .push("all scores are 0: the peaks cannot be ranked by score".into());
        }
    }
}

fn format_of(columns: usize) -> Result<Format, InputError> {
    Ok(match columns {
        3..=6 | 12 => Format::Bed,
        9 => Format::BroadPeak,
        10 => Format::NarrowPeak,
        14 => Format::IdrBed,
        15 => Format::GappedPeak,
        20 => Format::Idr,
        _ => {
            return Err(
                InputError::new(format!("{columns} columns are no known peak format")).hint(
                    "3 to 6 or 12 columns are BED, 9 broadPeak, 10 narrowPeak, 14 or 20 IDR, 15 gappedPeak",
                ),
            );
        }
    })
}

/// A position: digits and nothing else.
pub(crate) fn position(field: &str, name: &str) -> Result<u64, InputError> {
    field.parse::<u64>().map_err(|_| {
        let error =
            InputError::new(format!("`{field}` is no position, expected a whole number")).in_field(name);
        if field.to_lowercase().contains('e') && field.parse::<f64>().is_ok() {
            error.hint("scientific notation: in R, set options(scipen = 999) before write.table")
        } else {
            error
        }
    })
}

fn interval(start: &str, end: &str) -> Result<(u64, u64), InputError> {
    let (start, end) = (position(start, "start")?, position(end, "end")?);
    if start >= end {
        return Err(InputError::new(format!("the interval {start}-{end} is empty")).in_field("end"));
    }
    Ok((start, end))
}

fn row(format: Format, fields: &[&str]) -> Result<Peak, InputError> {
    let (start, end) = interval(fields[1], fields[2])?;
    let mut peak = Peak {
        chrom: fields[0].to_owned(),
        start,
        end,
        name: fields.get(3).copied().unwrap_or_default().to_owned(),
        score: fields.get(4).and_then(|field| field.parse().ok()),
        summit: None,
        line: 0,
    };
    if peak.chrom.is_empty() {
        return Err(InputError::new("the chromosome is empty").in_field("chrom"));
    }
    match format {
        Format::NarrowPeak | Format::Idr => {
            let offset: i64 = fields[9].parse().map_err(|_| {
                InputError::new(format!("`{}` is no offset of a summit", fields[9])).in_field("summit")
            })?;
            if offset < -1 || offset >= (end - start) as i64 {
                return Err(InputError::new(format!(
                    "the summit lies {offset} bases from the start of a peak of {}",
                    end - start
                ))
                .in_field("summit"));
            }
            peak.summit = (offset >= 0).then(|| start + offset as u64);
        }
        Format::GappedPeak => {
            let (from, to) = interval(fields[6], fields[7])?;
            if from < start || to > end {
                return Err(InputError::new(format!(
                    "the open region {from}-{to} reaches beyond the peak {start}-{end}"
                ))
                .in_field("thickStart"));
            }
            peak.summit = Some(from + (to - from).div_ceil(2));
        }
        _ => {}
    }
    Ok(peak)
}

fn macs_row(header: &[String], fields: &[&str]) -> Result<Peak, InputError> {
    let at = |name: &str| {
        header
            .iter()
            .position(|column| column == name)
            .and_then(|i| fields.get(i).copied())
    };
    let from_one = |field: &str, name: &str| {
        let value = position(field, name)?;
        value
            .checked_sub(1)
            .ok_or_else(|| InputError::new("position 0 in a table that counts from 1").in_field(name))
    };
    let (start, end) = (from_one(fields[1], "start")?, position(fields[2], "end")?);
    if start >= end {
        return Err(InputError::new(format!("the interval {}-{end} is empty", start + 1)).in_field("end"));
    }
    let summit = at("abs_summit")
        .map(|field| from_one(field, "abs_summit"))
        .transpose()?;
    if summit.is_some_and(|summit| summit < start || summit >= end) {
        return Err(InputError::new("the summit lies outside the peak").in_field("abs_summit"));
    }
    Ok(Peak {
        chrom: fields[0].to_owned(),
        start,
        end,
        name: at("name").unwrap_or_default().to_owned(),
        score: at("-log10(qvalue)")
            .and_then(|field| field.parse::<f64>().ok())
            .map(|q| 10.0 * q),
        summit,
        line: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_line_and_column() {
        let fault = |text: &str| parse(text).expect_err(text).to_string();
        assert!(fault("chr1\t10\t5\tp\n").contains("line 1, `end`: the interval 10-5 is empty"));
        assert!(fault("chr1\t1\t5\tp\nchr1\t1\n").contains("line 2: 2 columns, expected 4"));
        assert!(fault("chr1\tx\t5\n").contains("`x` is no position"));
        assert!(fault("chr1\t-1\t5\n").contains("`-1` is no position"));
        assert!(fault("chr1\t1.86e+08\t2e8\n").contains("scipen"));
        assert!(
            fault("chr1\t1\t5\tp\t0\t.\t1\t1\t1\t4\n")
                .contains("`summit`: the summit lies 4 bases from the start of a peak of 4")
        );
        assert!(fault("chr1\t1\t5\tp\t0\t.\t1\n").contains("7 columns are no known peak format"));
        assert!(fault("# only\n").contains("no peaks"));
    }

    #[test]
    fn summits_of_macs_and_peaks_of_cell_ranger() {
        let summits = parse("chr1\t99\t100\tp_1\t4.7\nchr1\t200\t201\tp_2\t3\n").expect("summits");
        assert_eq!(summits.peaks[0].centre(), 99);
        assert!(summits.notes[0].contains("summits, not peaks"));
        let cells =
            parse("# id=x\n# primary_contig=chr1\n# primary_contig=chr2\nchr1\t100\t201\n").expect("peaks");
        assert_eq!(
            (cells.peaks[0].name.as_str(), cells.peaks[0].centre()),
            ("line4", 151)
        );
    }
}
