//! Motifs in MEME and JASPAR format.

use std::path::Path;

use crate::error::InputError;

/// A motif: probabilities of A, C, G and T at every position.
#[derive(Clone, Debug, PartialEq)]
pub struct Motif {
    /// Identifier.
    pub id: String,
    /// Name; empty where there is none.
    pub name: String,
    /// Probabilities, position by position.
    pub rows: Vec<[f64; 4]>,
    /// Number of sites the motif was made of.
    pub n_sites: f64,
}

impl Motif {
    /// The likeliest letter of every position; letters that share the largest probability stand in brackets.
    pub fn consensus(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let most = row.iter().fold(0.0_f64, |a, &b| a.max(b));
            let letters: String = "ACGT"
                .chars()
                .zip(row)
                .filter(|(_, p)| most - **p < 0.01)
                .map(|(letter, _)| letter)
                .collect();
            text.push_str(&if letters.len() == 1 {
                letters
            } else {
                format!("[{letters}]")
            });
        }
        text
    }

    /// Largest log-likelihood ratio (natural logarithm, against even background) of the motif at any place of either
    /// strand, and where it is; windows with unknown bases are passed over. `bases`: 0 to 3, 4 for unknown.
    pub fn best(&self, bases: &[u8]) -> Option<(f64, usize, bool)> {
        let width = self.rows.len();
        let mut best: Option<(f64, usize, bool)> = None;
        for (at, window) in bases.windows(width).enumerate() {
            if window.iter().any(|&base| base > 3) {
                continue;
            }
            let score = |position: usize, base: u8| (self.rows[position][base as usize].max(1e-3) * 4.0).ln();
            let forward: f64 = window.iter().enumerate().map(|(i, &base)| score(i, base)).sum();
            let reverse: f64 = window
                .iter()
                .rev()
                .enumerate()
                .map(|(i, &base)| score(i, 3 - base))
                .sum();
            for (value, strand) in [(forward, true), (reverse, false)] {
                if best.is_none_or(|(most, _, _)| value > most) {
                    best = Some((value, at, strand));
                }
            }
        }
        best
    }
}

/// Reads motifs.
///
/// # Errors
/// As [`parse`], with the file named.
pub fn read(path: &Path) -> Result<(Vec<Motif>, Vec<String>), InputError> {
    parse(&crate::text::read_to_string(path)?).map_err(|error| error.in_file(path))
}

/// Parses motifs of either format, with remarks on what was passed over.
///
/// # Errors
/// Rows that are no probabilities, a matrix of another width than stated, no motif at all.
pub fn parse(text: &str) -> Result<(Vec<Motif>, Vec<String>), InputError> {
    let jaspar = crate::text::lines(text)
        .find(|(_, line)| !line.trim().is_empty())
        .is_some_and(|(_, line)| line.starts_with('>'));
    let (motifs, notes) = if jaspar {
        parse_jaspar(text)?
    } else {
        parse_meme(text)?
    };
    if motifs.is_empty() {
        return Err(InputError::new(
            "the file holds no motif, expected MEME or JASPAR format",
        ));
    }
    Ok((motifs, notes))
}

/// Value after `key` in a line such as `letter-probability matrix: alength= 4 w= 6`.
fn value_of(line: &str, key: &str) -> Option<f64> {
    line.split_once(key)?.1.split_whitespace().next()?.parse().ok()
}

fn parse_meme(text: &str) -> Result<(Vec<Motif>, Vec<String>), InputError> {
    let (mut motifs, mut notes) = (Vec::new(), Vec::new());
    let mut current: Option<(String, String)> = None;
    let mut matrix: Option<Matrix> = None;
    let lines: Vec<(usize, &str)> = crate::text::lines(text).collect();
    for &(number, line) in lines.iter().chain(&[(lines.len() + 1, "")]) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(open) = &mut matrix {
            let numbers: Option<Vec<f64>> = words.iter().map(|word| word.parse().ok()).collect();
            match numbers {
                Some(row) if !row.is_empty() => {
                    open.rows
                        .push(probabilities(&row).map_err(|error| error.at_line(number))?);
                    if open.width != Some(open.rows.len()) {
                        continue;
                    }
                }
                // A blank line before the first row is no end.
                _ if words.is_empty() && open.rows.is_empty() && number <= lines.len() => continue,
                _ => {}
            }
            let done = matrix.take().expect("it is open");
            motifs.push(
                done.finish(current.take())
                    .map_err(|error| error.at_line(number))?,
            );
            if !matches!(words.first(), Some(&"MOTIF")) {
                continue;
            }
        }
        match words.as_slice() {
            ["MOTIF", rest @ ..] => {
                skipped(current.take(), &mut notes);
                let id = (*rest.first().unwrap_or(&"")).to_owned();
                current = Some((id, rest.get(1..).unwrap_or_default().join(" ")));
            }
            ["letter-probability", "matrix:", ..] => {
                if value_of(line, "alength=").is_some_and(|letters| letters != 4.0) {
                    return Err(
                        InputError::new("the alphabet of the motif has not four letters").at_line(number)
                    );
                }
                if current.is_none() {
                    return Err(InputError::new("a matrix without its MOTIF line").at_line(number));
                }
                matrix = Some(Matrix {
                    width: value_of(line, "w=").map(|width| width as usize),
                    n_sites: value_of(line, "nsites=").unwrap_or(20.0),
                    rows: Vec::new(),
                });
            }
            _ => {}
        }
    }
    skipped(current, &mut notes);
    Ok((motifs, notes))
}

fn skipped(motif: Option<(String, String)>, notes: &mut Vec<String>) {
    if let Some((id, _)) = motif {
        notes.push(format!("motif `{id}` has no matrix and was passed over"));
    }
}

struct Matrix {
    width: Option<usize>,
    n_sites: f64,
    rows: Vec<[f64; 4]>,
}

impl Matrix {
    fn finish(self, motif: Option<(String, String)>) -> Result<Motif, InputError> {
        let (id, name) = motif.expect("a matrix follows its motif");
        if let Some(width) = self.width
            && width != self.rows.len()
        {
            return Err(InputError::new(format!(
                "the matrix of `{id}` has {} rows, expected {width}",
                self.rows.len()
            )));
        }
        if self.rows.is_empty() {
            return Err(InputError::new(format!("the matrix of `{id}` has no rows")));
        }
        Ok(Motif {
            id,
            name,
            rows: self.rows,
            n_sites: self.n_sites,
        })
    }
}

/// Four probabilities, brought to a sum of 1 where rounding left it within 1 %.
fn probabilities(row: &[f64]) -> Result<[f64; 4], InputError> {
    let row: [f64; 4] = row
        .try_into()
        .map_err(|_| InputError::new(format!("{} numbers in a row of a motif, expected 4", row.len())))?;
    let sum: f64 = row.iter().sum();
    if row.iter().any(|p| !(0.0..=1.0).contains(p)) || (sum - 1.0).abs() > 0.01 {
        return Err(InputError::new(format!(
            "{row:?} are no probabilities: their sum is {sum}"
        )));
    }
    Ok(row.map(|p| p / sum))
}

/// `>ID NAME` and four rows of counts, with or without `A [ … ]` round them.
fn parse_jaspar(text: &str) -> Result<(Vec<Motif>, Vec<String>), InputError> {
    let mut motifs = Vec::new();
    let mut header: Option<(String, String)> = None;
    let mut counts: Vec<Vec<f64>> = Vec::new();
    for (number, line) in crate::text::lines(text) {
        if let Some(rest) = line.strip_prefix('>') {
            let (id, name) = rest
                .trim()
                .split_once(char::is_whitespace)
                .unwrap_or((rest.trim(), ""));
            header = Some((id.to_owned(), name.trim().to_owned()));
            counts.clear();
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        let numbers = line
            .trim()
            .trim_start_matches(|c: char| c.is_alphabetic())
            .replace(['[', ']'], " ");
        let row: Result<Vec<f64>, _> = numbers.split_whitespace().map(str::parse).collect();
        counts.push(row.map_err(|_| InputError::new("expected counts of one letter").at_line(number))?);
        if counts.len() < 4 {
            continue;
        }
        let Some((id, name)) = header.take() else {
            return Err(InputError::new("more than four rows in one motif").at_line(number));
        };
        let width = counts[0].len();
        if width == 0 || counts.iter().any(|row| row.len() != width) {
            return Err(
                InputError::new(format!("the four rows of `{id}` have different lengths")).at_line(number),
            );
        }
        let rows: Vec<[f64; 4]> = (0..width)
            .map(|i| std::array::from_fn(|base| counts[base][i]))
            .collect();
        let n_sites = rows[0].iter().sum();
        let rows = rows.into_iter().map(|row| {
            let sum: f64 = row.iter().sum();
            if sum > 0.0 && row.iter().all(|count| *count >= 0.0) {
                Ok(row.map(|count| count / sum))
            } else {
                Err(InputError::new(format!("a position of `{id}` has no counts")).at_line(number))
            }
        });
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        motifs.push(Motif {
            id,
            name,
            rows,
            n_sites,
        });
    }
    Ok((motifs, Vec::new()))
}

/// Motifs in minimal MEME format.
pub fn to_meme(motifs: &[Motif]) -> String {
    use std::fmt::Write as _;
    let mut text = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n".to_owned();
    for motif in motifs {
        let _ = write!(
            text,
            "\nMOTIF {} {}\nletter-probability matrix: alength= 4 w= {} nsites= {}\n",
            motif.id,
            motif.name,
            motif.rows.len(),
            motif.n_sites
        );
        for row in &motif.rows {
            let _ = writeln!(text, "{:.6} {:.6} {:.6} {:.6}", row[0], row[1], row[2], row[3]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jaspar_of_both_forms_and_a_round_trip() {
        let framed = ">MA1 N\nA [ 9 0 1 ]\nC [ 1 0 1 ]\nG [ 0 10 1 ]\nT [ 0 0 7 ]\n";
        let bare = ">MA1\tN\n9 0 1\n1 0 1\n0 10 1\n0 0 7\n";
        let (a, _) = parse(framed).expect("a motif");
        assert_eq!(a, parse(bare).expect("a motif").0);
        assert_eq!((a[0].consensus().as_str(), a[0].n_sites), ("AGT", 10.0));
        let (again, _) = parse(&to_meme(&a)).expect("a motif");
        assert_eq!(again[0].consensus(), "AGT");
        // AGT forwards at 2; its reverse complement is ACT.
        assert_eq!(
            a[0].best(&[3, 3, 0, 2, 3, 4]).map(|(_, at, strand)| (at, strand)),
            Some((2, true))
        );
        assert_eq!(
            a[0].best(&[0, 1, 3, 3]).map(|(_, at, strand)| (at, strand)),
            Some((0, false))
        );
    }

    #[test]
    fn faults_name_the_line() {
        let fault = |text: &str| parse(text).expect_err(text).to_string();
        assert!(
            fault("MEME version 4\nMOTIF a\nletter-probability matrix: w= 2\n0.5 0.5 0 0\n\n")
                .contains("has 1 rows, expected 2")
        );
        assert!(
            fault("MEME version 4\nMOTIF a\nletter-probability matrix: w= 1\n0.5 0.1 0 0\n")
                .contains("line 4")
        );
        assert!(fault("x\n").contains("no motif"));
    }
}
