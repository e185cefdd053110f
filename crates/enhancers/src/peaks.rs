//! Peaks as the callers write them: MACS, HMMRATAC, Genrich, IDR, ENCODE, Cell Ranger; plain BED.
//!
//! The number of columns tells the format; every line must have the same.

use std::collections::HashSet;
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
    /// IDR of two replicates on broadPeaks, seventeen columns: no summit.
    IdrBroad,
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
    /// The open region in it, first base and after the last, where the format tells it.
    pub open: Option<(u64, u64)>,
    /// Line of the file, counted from 1.
    pub line: usize,
}

impl Peak {
    /// Bases of the open region, else of the peak.
    pub fn length(&self) -> u64 {
        let (start, end) = self.open.unwrap_or((self.start, self.end));
        end - start
    }

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
/// A line with another number of columns than the first, or with those of two intervals; positions that are not whole
/// numbers; an interval that is empty; a summit outside the peak; no peaks at all. Each names line and column.
pub fn parse(text: &str) -> Result<Peaks, InputError> {
    let mut found = Peaks {
        format: Format::Bed,
        peaks: Vec::new(),
        notes: Vec::new(),
    };
    let mut width = None;
    let mut table: Option<Vec<String>> = None;
    let (mut tracks, mut closed) = (0, 0);
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
                if found.format == Format::GappedPeak && fields[6] == fields[7] {
                    closed += 1;
                    continue;
                }
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
    if closed > 0 {
        found.notes.push(format!(
            "{closed} lines of gappedPeak have no open (thick) region and were left out"
        ));
    }
    if found.peaks.is_empty() {
        let all = found
            .notes
            .pop()
            .map_or_else(String::new, |note| format!(": {note}"));
        return Err(InputError::new(format!("the file holds no peaks{all}")));
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
            Format::GappedPeak => self.notes.push("gappedPeak: windows are centred on the open (thick) region, whose length is the peak's; column 10 counts blocks and is no summit".into()),
            Format::MacsTable => self.notes.push("table of MACS: positions count from 1 and were converted".into()),
            Format::BroadPeak | Format::IdrBed | Format::IdrBroad => self.notes.push("the format has no summits: windows are centred on the middle".into()),
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
        let mut seen = HashSet::new();
        let again: Vec<&str> = self
            .peaks
            .iter()
            .map(|peak| peak.name.as_str())
            .filter(|name| !seen.insert(*name))
            .collect();
        if let Some(first) = again.first() {
            self.notes.push(format!(
                "{} peaks have the name of another (the first: `{first}`)",
                again.len()
            ));
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
        17 => Format::IdrBroad,
        20 => Format::Idr,
        _ => {
            return Err(
                InputError::new(format!("{columns} columns are no known peak format")).hint(
                    "3 to 6 or 12 columns are BED, 9 broadPeak, 10 narrowPeak, 14, 17 or 20 IDR, 15 gappedPeak",
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

/// Refuses the columns of two intervals on one line: the second half begins with another chromosome, start and end.
pub(crate) fn refuse_joined(fields: &[&str]) -> Result<(), InputError> {
    let half = fields.len() / 2;
    let Some(&[chrom, start, end]) = fields
        .get(half..half + 3)
        .filter(|_| half > 2 && fields.len().is_multiple_of(2))
    else {
        return Ok(());
    };
    let named = chrom.parse::<f64>().is_err() && !["", "+", "-", ".", "*"].contains(&chrom);
    match (start.parse::<u64>(), end.parse::<u64>()) {
        (Ok(from), Ok(to)) if named && from < to => Err(InputError::new(format!(
            "columns {} to {} are another interval, {chrom}:{start}-{end}",
            half + 1,
            half + 3
        ))
        .hint("the columns of two lines may have been joined")),
        _ => Ok(()),
    }
}

/// What IDR adds to the columns of a peak is all numbers: the rate twice, then start, end and signal of either replicate.
fn refuse_other_than_idr(fields: &[&str], from: usize) -> Result<(), InputError> {
    match (from..fields.len()).find(|&i| fields[i].parse::<f64>().is_err()) {
        Some(i) => Err(InputError::new(format!(
            "`{}` in column {}, expected a number: {} columns are those of IDR on two replicates",
            fields[i],
            i + 1,
            fields.len()
        ))
        .hint("the columns of two lines may have been joined")),
        None => Ok(()),
    }
}

fn row(format: Format, fields: &[&str]) -> Result<Peak, InputError> {
    refuse_joined(fields)?;
    match format {
        Format::Idr => refuse_other_than_idr(fields, 10)?,
        Format::IdrBroad => refuse_other_than_idr(fields, 9)?,
        Format::IdrBed => refuse_other_than_idr(fields, 6)?,
        _ => {}
    }
    let (start, end) = interval(fields[1], fields[2])?;
    let mut peak = Peak {
        chrom: fields[0].to_owned(),
        start,
        end,
        name: fields.get(3).copied().unwrap_or_default().to_owned(),
        score: fields.get(4).and_then(|field| field.parse().ok()),
        summit: None,
        open: None,
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
            peak.open = Some((from, to));
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
        open: None,
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
    fn columns_of_two_lines_are_refused_on_the_first_line_too() {
        let narrow = |chrom: &str, start: u64, name: &str| {
            format!(
                "{chrom}\t{start}\t{}\t{name}\t100\t.\t4.1\t8\t5\t120",
                start + 600
            )
        };
        let fault = |text: String| parse(&text).expect_err(&text).to_string();
        let joined = format!("{}\t{}\n", narrow("chr1", 5000, "a"), narrow("chr2", 41_000, "b"));
        assert!(fault(joined).contains("line 1: columns 11 to 13 are another interval, chr2:41000-41600"));
        // Chromosomes may be numbers; a strand never is.
        let joined = format!("{}\t{}\n", narrow("1", 5000, "a"), narrow("2", 41_000, "b"));
        assert!(fault(joined).contains("line 1: `b` in column 14, expected a number"));
        assert!(fault("chr1\t1\t5\tchr2\t7\t9\n".into()).contains("columns 4 to 6 are another interval"));
        assert!(parse("chr1\t1\t5\tp\t7\t-\n").is_ok());
    }

    #[test]
    fn idr_of_broad_peaks() {
        let found =
            parse("chr1\t5000\t5601\t.\t1000\t.\t12\t-1\t-1\t5.0\t4.5\t5000\t5600\t12\t5001\t5601\t11\n")
                .expect("peaks");
        let peak = &found.peaks[0];
        assert_eq!(
            (found.format, peak.summit, peak.centre(), peak.score),
            (Format::IdrBroad, None, 5301, Some(1000.0))
        );
        let error =
            parse("chr1\t5000\t5601\t.\t1000\t.\t12\t-1\t-1\t5.0\tx\t5000\t5600\t12\t5001\t5601\t11\n");
        assert!(
            error
                .expect_err("refused")
                .to_string()
                .contains("`x` in column 11")
        );
    }

    #[test]
    fn lines_of_gapped_peaks_without_an_open_region_are_left_out_and_counted() {
        let open =
            "chr1\t16390\t18220\tPeak_1\t.\t.\t16640\t17101\t255,0,0\t3\t1,460,1\t0,250,1829\t3.0\t-1\t-1\n";
        let closed = "chr1\t100\t900\tHighCoveragePeak_0\t.\t.\t0\t0\t255,0,0\t1\t1\t0\t-1\t-1\t-1\n";
        let found = parse(&format!(
            "{closed}{open}{}",
            closed.replace("\t0\t0\t", "\t100\t100\t")
        ))
        .expect("peaks");
        let peak = &found.peaks[0];
        assert_eq!(
            (found.peaks.len(), peak.line, peak.length(), peak.end - peak.start),
            (1, 2, 461, 1830)
        );
        assert!(found.notes[0].contains("2 lines of gappedPeak have no open (thick) region"));
        let error = parse(closed).expect_err("nothing is left").to_string();
        assert!(
            error.contains("no peaks: 1 lines of gappedPeak have no open"),
            "{error}"
        );
    }

    #[test]
    fn peaks_of_the_same_name_are_said() {
        let found = parse("chr1\t1\t5\ta\nchr1\t7\t9\tb\nchr1\t7\t9\ta\n").expect("peaks");
        assert_eq!(found.notes, ["1 peaks have the name of another (the first: `a`)"]);
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
