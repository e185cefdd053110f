//! From peaks to windows of one width: names of chromosomes translated, exclusions made, every peak accounted for.

use crate::aliases::Aliases;
use crate::error::InputError;
use crate::fasta::Genome;
use crate::genes::Annotation;
use crate::kaplow2023::PROMOTER_DISTANCE;
use crate::peaks::{Peak, Peaks};
use crate::windows::{Dropped, Exclusions, Intervals, Sizes, Window, beyond_end, check_shared, windows};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;

/// What peaks are compared with.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// Lengths of the chromosomes.
    pub sizes: &'a Sizes,
    /// Other names of the chromosomes.
    pub aliases: &'a Aliases,
    /// Genes, with the file that they come from: peaks near a transcription start or in an exon are left out.
    pub genes: Option<(&'a Path, &'a Annotation)>,
    /// Regions to leave out, with their file.
    pub blacklist: Option<(&'a Path, &'a Peaks)>,
    /// Longest peak.
    pub longest: u64,
    /// Width of the windows.
    pub width: u64,
}

/// What became of the peaks.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Peaks there were.
    pub total: usize,
    /// Windows of those that were kept.
    pub windows: Vec<Window>,
    /// The others.
    pub dropped: Vec<Dropped>,
}

/// Makes windows of peaks; `note` is told what is worth knowing on the way.
///
/// # Errors
/// Peaks that share no chromosome with the lengths, the genes or the regions to leave out.
pub fn prepare(
    found: Peaks,
    around: &Surroundings<'_>,
    note: &mut dyn FnMut(&str),
) -> Result<Prepared, InputError> {
    let known = around.sizes.names();
    let translate = |chrom: &str| around.aliases.translate(chrom, &known).to_owned();
    let mut peaks = found.peaks;
    for peak in &mut peaks {
        peak.chrom = translate(&peak.chrom);
    }
    found.notes.iter().for_each(|said| note(said));
    note(&shared(&peaks, &known, "the lengths")?);
    let beyond = beyond_end(&peaks, around.sizes);
    if beyond > 0 {
        note(&format!(
            "{beyond} peaks reach beyond the end of their chromosome"
        ));
    }
    let mut exclusions = Exclusions {
        longest: around.longest,
        promoter_distance: PROMOTER_DISTANCE,
        placed_only: true,
        ..Exclusions::default()
    };
    if let Some((path, annotation)) = around.genes {
        annotation.notes.iter().for_each(|said| note(said));
        let starts = annotation.genes.iter().chain(&annotation.transcripts);
        let starts = starts.map(|tss| (translate(&tss.chrom), tss.position, tss.position + 1));
        exclusions.promoters = Intervals::new(starts);
        let exons = annotation.exons.iter();
        let exons = exons.map(|(chrom, start, end)| (translate(chrom), *start, *end));
        exclusions.exons = Intervals::new(exons);
        let chromosomes = exclusions.promoters.chromosomes();
        note(&shared(&peaks, &chromosomes, "the annotation").map_err(|error| error.in_file(path))?);
    }
    if let Some((path, regions)) = around.blacklist {
        let regions = regions.peaks.iter();
        let regions = regions.map(|peak| (translate(&peak.chrom), peak.start, peak.end));
        exclusions.blacklist = Intervals::new(regions);
        let chromosomes = exclusions.blacklist.chromosomes();
        note(&shared(&peaks, &chromosomes, "the exclusion list").map_err(|error| error.in_file(path))?);
    }
    let total = peaks.len();
    let (kept, mut dropped) = exclusions.apply(peaks);
    let (windows, left_out) = windows(&kept, around.sizes, around.width);
    dropped.extend(left_out);
    Ok(Prepared {
        total,
        windows,
        dropped,
    })
}

/// How many chromosomes of the peaks are known elsewhere, in words.
fn shared(peaks: &[Peak], known: &HashSet<&str>, other: &str) -> Result<String, InputError> {
    let chromosomes = || peaks.iter().map(|peak| peak.chrom.as_str());
    let shared = check_shared(chromosomes(), "the peaks", known, other)?;
    let of = chromosomes().collect::<HashSet<_>>().len();
    Ok(format!(
        "{shared} of {of} chromosomes of the peaks are in {other}"
    ))
}

impl Prepared {
    /// The windows as BED.
    pub fn bed(&self) -> String {
        let mut text = String::new();
        for window in &self.windows {
            let (start, end) = (window.start, window.end);
            let _ = writeln!(text, "{}\t{start}\t{end}\t{}", window.chrom, window.name);
        }
        text
    }

    /// The sequences of the windows as FASTA.
    ///
    /// # Errors
    /// A window that the genome does not hold.
    pub fn fasta(&self, genome: &Genome) -> Result<String, InputError> {
        let mut text = String::new();
        for window in &self.windows {
            let Window {
                name,
                chrom,
                start,
                end,
            } = window;
            let sequence = genome.slice(chrom, *start, *end)?;
            let letters = String::from_utf8_lossy(&sequence);
            let _ = writeln!(text, ">{name}::{chrom}:{start}-{end}\n{letters}");
        }
        Ok(text)
    }

    /// Name, line and reason of every peak that was left out, tab-separated.
    pub fn dropped_table(&self) -> String {
        let mut text = "name\tline\treason\n".to_owned();
        for drop in &self.dropped {
            let _ = writeln!(text, "{}\t{}\t{}", drop.name, drop.line, drop.reason);
        }
        text
    }

    /// Peaks left out for each reason.
    pub fn reasons(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for drop in &self.dropped {
            *counts.entry(drop.reason).or_insert(0) += 1;
        }
        counts
    }
}
