//! Orthologs from lifted fragments: the rule of HALPER (Zhang et al. 2020, Bioinformatics 36, 4339).

use std::collections::{HashMap, HashSet};

use crate::error::InputError;
use crate::peaks::{self, position};

/// An interval of a BED file with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Chromosome.
    pub chrom: String,
    /// First base, counted from 0.
    pub start: u64,
    /// After the last base.
    pub end: u64,
    /// Name.
    pub name: String,
}

/// Intervals with a name: neither blank lines, nor comments, nor those of a browser.
fn rows(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    crate::text::lines(text).filter_map(|(number, line)| {
        let first = line.split_whitespace().next()?;
        let passed_over = first.starts_with('#') || first == "track" || first == "browser";
        (!passed_over).then(|| (number, line.split('\t').collect()))
    })
}

/// Parses the first four columns of a BED file; every line must have as many columns as the first.
///
/// # Errors
/// Fewer than four columns, another number of columns than before or those of two intervals, empty intervals, with the
/// line.
pub fn parse_named(text: &str) -> Result<Vec<Named>, InputError> {
    parse(text, usize::MAX)
}

/// Parses what halLiftover made of `query`: it writes as many columns as it reads.
///
/// # Errors
/// As [`parse_named`]; a line with more columns than the query has.
pub fn parse_lifted(text: &str, query: &str) -> Result<Vec<Named>, InputError> {
    let columns = rows(query).map(|(_, fields)| fields.len()).max();
    parse(text, columns.unwrap_or(usize::MAX))
}

fn parse(text: &str, most: usize) -> Result<Vec<Named>, InputError> {
    let mut found = Vec::new();
    let mut width = None;
    for (number, fields) in rows(text) {
        if fields.len() > most {
            return Err(
                InputError::new(format!("{} columns, the query has {most}", fields.len()))
                    .at_line(number)
                    .hint("halLiftover writes as many columns as it reads: those of two intervals may have been joined"),
            );
        }
        peaks::refuse_joined(&fields).map_err(|error| error.at_line(number))?;
        let expected = *width.get_or_insert(fields.len());
        if fields.len() < 4 || fields.len() != expected {
            return Err(
                InputError::new(format!("{} columns, expected {}", fields.len(), expected.max(4)))
                    .at_line(number)
                    .hint("columns of two intervals may have been joined"),
            );
        }
        let parse = || Ok((position(fields[1], "start")?, position(fields[2], "end")?));
        let (start, end) = parse().map_err(|error: InputError| error.at_line(number))?;
        if start >= end {
            return Err(InputError::new(format!("the interval {start}-{end} is empty")).at_line(number));
        }
        found.push(Named {
            chrom: fields[0].to_owned(),
            start,
            end,
            name: fields[3].trim().to_owned(),
        });
    }
    Ok(found)
}

/// What an ortholog must satisfy. Lengths in bases take precedence over fractions of the query's length.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// Longest ortholog.
    pub max_len: Option<u64>,
    /// Shortest ortholog.
    pub min_len: Option<u64>,
    /// Longest ortholog as a fraction of the query.
    pub max_frac: Option<f64>,
    /// Shortest ortholog as a fraction of the query.
    pub min_frac: Option<f64>,
    /// Bases that the summit must keep from either end.
    pub protect_dist: u64,
    /// Takes the first place of a summit that maps to many.
    pub keep_one: bool,
    /// What the chromosome must begin with.
    pub prefix: Option<String>,
}

impl Default for Rule {
    /// `-max_frac 2 -min_len 50 -protect_dist 5`, as for motor cortex and liver.
    fn default() -> Self {
        Self {
            max_len: None,
            min_len: Some(50),
            max_frac: Some(2.0),
            min_frac: None,
            protect_dist: 5,
            keep_one: false,
            prefix: None,
        }
    }
}

/// An ortholog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ortholog {
    /// Chromosome.
    pub chrom: String,
    /// First base, counted from 0.
    pub start: u64,
    /// After the last base.
    pub end: u64,
    /// Position of the summit.
    pub summit: u64,
    /// Name of the peak.
    pub name: String,
    /// Length of the peak; limits that are fractions are of one base more.
    pub query_length: u64,
}

impl Ortholog {
    /// Its length by HALPER's count, which is one too many.
    pub fn length(&self) -> u64 {
        self.end - self.start + 1
    }

    /// Line of HALPER's output: nine columns.
    pub fn to_line(&self) -> String {
        format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            self.chrom,
            self.start,
            self.end,
            self.summit,
            self.name,
            self.length(),
            self.query_length,
            self.summit - self.start,
            self.end - self.summit
        )
    }

    /// Line in narrowPeak format, the summit's offset in column 10.
    pub fn to_narrow_peak(&self) -> String {
        format!(
            "{}\t{}\t{}\t{}\t-1\t.\t-1\t-1\t-1\t{}",
            self.chrom,
            self.start,
            self.end,
            self.name,
            self.summit - self.start
        )
    }
}

/// A peak without an ortholog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Name of the peak.
    pub name: String,
    /// Why.
    pub reason: &'static str,
    /// The ortholog that was refused, where there was one.
    pub ortholog: Option<Ortholog>,
}

/// Assembles the orthologs of `queries` from lifted fragments and summits, both in any order.
///
/// # Errors
/// No queries; a name that stands twice among them; no fragment with the name of one.
pub fn assemble(
    queries: &[Named],
    fragments: &[Named],
    summits: &[Named],
    rule: &Rule,
) -> Result<(Vec<Ortholog>, Vec<Rejected>), InputError> {
    let group = |intervals: &[Named]| {
        let mut by_name: HashMap<String, Vec<Named>> = HashMap::new();
        for interval in intervals {
            by_name
                .entry(interval.name.clone())
                .or_default()
                .push(interval.clone());
        }
        by_name
    };
    refuse_strangers(queries, fragments)?;
    let (fragments, summits) = (group(fragments), group(summits));
    let mut seen = HashSet::new();
    let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
    for query in queries {
        if !seen.insert(query.name.as_str()) {
            return Err(
                InputError::new(format!("the name `{}` stands twice among the peaks", query.name))
                    .hint("lifted fragments are joined by name"),
            );
        }
        let none = Vec::new();
        match one(
            query,
            fragments.get(&query.name).unwrap_or(&none),
            summits.get(&query.name).unwrap_or(&none),
            rule,
        ) {
            Ok(ortholog) => accepted.push(ortholog),
            Err((reason, ortholog)) => rejected.push(Rejected {
                name: query.name.clone(),
                reason,
                ortholog,
            }),
        }
    }
    Ok((accepted, rejected))
}

/// Without one name in common nothing could be found, whatever the rule.
fn refuse_strangers(queries: &[Named], fragments: &[Named]) -> Result<(), InputError> {
    if queries.is_empty() {
        return Err(InputError::new("there are no peaks to look for orthologs of"));
    }
    let known: HashSet<&str> = fragments.iter().map(|fragment| fragment.name.as_str()).collect();
    if queries.iter().any(|query| known.contains(query.name.as_str())) {
        return Ok(());
    }
    let some = |named: &[Named]| {
        let mut names: Vec<String> = named.iter().map(|one| format!("`{}`", one.name)).collect();
        names.dedup();
        names.truncate(3);
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    };
    Err(InputError::new(format!(
        "no fragment has the name of a peak: peaks {}, fragments {}",
        some(queries),
        some(fragments)
    ))
    .hint("fragments are joined by the name in column 4, which halLiftover keeps"))
}

fn one(
    query: &Named,
    fragments: &[Named],
    summits: &[Named],
    rule: &Rule,
) -> Result<Ortholog, (&'static str, Option<Ortholog>)> {
    if fragments.is_empty() {
        return Err(("no-fragment", None));
    }
    let summit = match summits {
        [] => return Err(("summit-unmapped", None)),
        [summit] => summit,
        [summit, ..] if rule.keep_one => summit,
        _ => return Err(("summit-multiple", None)),
    };
    let mut here: Vec<&Named> = fragments
        .iter()
        .filter(|fragment| fragment.chrom == summit.chrom)
        .collect();
    here.sort_by_key(|fragment| (fragment.start, fragment.end));
    let position = summit.start + (summit.end - summit.start) / 2;
    // Gaps between neighbouring fragments count as covered.
    let (Some(start), Some(end)) = (
        here.first().map(|fragment| fragment.start),
        here.iter().map(|fragment| fragment.end).max(),
    ) else {
        return Err(("summit-outside", None));
    };
    if position < start || position >= end {
        return Err(("summit-outside", None));
    }
    let query_length = query.end - query.start;
    let ortholog = Ortholog {
        chrom: summit.chrom.clone(),
        start,
        end,
        summit: position,
        name: query.name.clone(),
        query_length,
    };
    let length = ortholog.length();
    let most = rule.max_len.or_else(|| {
        rule.max_frac
            .map(|frac| (frac * (query_length + 1) as f64) as u64)
    });
    let least = rule.min_len.or_else(|| {
        rule.min_frac
            .map(|frac| (frac * (query_length + 1) as f64) as u64)
    });
    let reason = if rule
        .prefix
        .as_ref()
        .is_some_and(|prefix| !ortholog.chrom.starts_with(prefix))
    {
        "chromosome-prefix"
    } else if least.is_some_and(|least| length < least) {
        "too-short"
    } else if most.is_some_and(|most| length > most) {
        "too-long"
    } else if position - start < rule.protect_dist || end - position < rule.protect_dist {
        "summit-near-edge"
    } else {
        return Ok(ortholog);
    };
    Err((reason, Some(ortholog)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "chr1\t1000\t1500\tp1\nchr1\t3000\t3400\tp2\n";
    const FRAGMENTS: &str = "s1\t2200\t2350\tp1\ns1\t2000\t2150\tp1\n";

    fn found(fragments: &str) -> Result<usize, String> {
        let of = |text: &str| parse_named(text).expect(text);
        assemble(
            &of(QUERY),
            &of(fragments),
            &of("s1\t2240\t2241\tp1\n"),
            &Rule::default(),
        )
        .map(|(accepted, _)| accepted.len())
        .map_err(|error| error.to_string())
    }

    #[test]
    fn lines_with_columns_of_two_intervals_are_refused() {
        assert_eq!(parse_lifted(FRAGMENTS, QUERY).expect("fragments").len(), 2);
        let fault = |text: &str, query: &str| parse_lifted(text, query).expect_err(text).to_string();
        let more = "s1\t2200\t2350\tp1\t0\n";
        assert!(fault(more, QUERY).contains("line 1: 5 columns, the query has 4"));
        let joined = "s1\t2200\t2350\tp1\ts1\t2000\t2150\tp1\n";
        assert!(fault(joined, "").contains("line 1: columns 5 to 7 are another interval, s1:2000-2150"));
        assert!(fault(&format!("{FRAGMENTS}{joined}"), QUERY).contains("line 3: 8 columns, the query has 4"));
        // A chromosome may be called as lines of a browser begin.
        assert_eq!(
            parse_named("track1\t1\t5\tp\ntrack name=x\n").expect("one").len(),
            1
        );
    }

    #[test]
    fn without_a_name_in_common_nothing_is_looked_for() {
        assert_eq!(found(FRAGMENTS), Ok(1));
        let error = found(&FRAGMENTS.replace('p', "x")).expect_err("refused");
        assert!(
            error.contains("no fragment has the name of a peak: peaks `p1`, `p2`, fragments `x1`"),
            "{error}"
        );
        assert!(found("").expect_err("refused").contains("fragments none"));
        let error = assemble(&[], &[], &[], &Rule::default())
            .expect_err("refused")
            .to_string();
        assert!(error.contains("no peaks"), "{error}");
    }
}
