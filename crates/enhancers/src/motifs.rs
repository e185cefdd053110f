//! Motifs in MEME, JASPAR and HOMER format.

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

/// Parses motifs of any of the formats, with remarks on what was passed over.
///
/// # Errors
/// Rows that are no probabilities, a matrix of another width than stated, an alphabet that is not A, C, G, T, no motif at all.
pub fn parse(text: &str) -> Result<(Vec<Motif>, Vec<String>), InputError> {
    let first = crate::text::lines(text).find(|(_, line)| !line.trim().is_empty());
    let (motifs, notes) = match first.and_then(|(_, line)| line.strip_prefix('>')) {
        Some(header) if is_homer(header) => (parse_homer(text)?, Vec::new()),
        Some(_) => (parse_jaspar(text)?, Vec::new()),
        None => parse_meme(text)?,
    };
    if motifs.is_empty() {
        return Err(InputError::new(
            "the file holds no motif, expected MEME, JASPAR or HOMER format",
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
    let mut order = [0, 1, 2, 3];
    let lines: Vec<(usize, &str)> = crate::text::lines(text).collect();
    for &(number, line) in lines.iter().chain(&[(lines.len() + 1, "")]) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(open) = &mut matrix {
            let numbers: Option<Vec<f64>> = words.iter().map(|word| word.parse().ok()).collect();
            match numbers {
                Some(row) if !row.is_empty() => {
                    let row = probabilities(&row).map_err(|error| error.at_line(number))?;
                    open.rows.push(order.map(|column| row[column]));
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
            ["ALPHABET=", letters] => {
                order = columns_of(letters).ok_or_else(|| {
                    InputError::new(format!("the alphabet `{letters}`, expected ACGT in any order"))
                        .at_line(number)
                })?;
            }
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

/// Columns of A, C, G and T (U) in an alphabet of these four letters.
fn columns_of(letters: &str) -> Option<[usize; 4]> {
    let letters = letters.to_uppercase().replace('U', "T");
    let columns = ['A', 'C', 'G', 'T'].map(|letter| letters.find(letter));
    let [Some(a), Some(c), Some(g), Some(t)] = columns else {
        return None;
    };
    (letters.len() == 4).then_some([a, c, g, t])
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

/// `>ID NAME` and four rows of counts; with `A [ … ]` round them they may stand in any order.
fn parse_jaspar(text: &str) -> Result<Vec<Motif>, InputError> {
    let mut motifs = Vec::new();
    let mut header: Option<(String, String)> = None;
    let mut counts: Vec<Vec<f64>> = Vec::new();
    let mut letters = String::new();
    for (number, line) in crate::text::lines(text) {
        if let Some(rest) = line.strip_prefix('>') {
            let (id, name) = rest
                .trim()
                .split_once(char::is_whitespace)
                .unwrap_or((rest.trim(), ""));
            header = Some((id.to_owned(), name.trim().to_owned()));
            counts.clear();
            letters.clear();
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        let numbers = line.trim().trim_start_matches(|c: char| c.is_alphabetic());
        letters.push_str(&line.trim()[..line.trim().len() - numbers.len()]);
        let numbers = numbers.replace(['[', ']'], " ");
        let row: Result<Vec<f64>, _> = numbers.split_whitespace().map(str::parse).collect();
        counts.push(row.map_err(|_| InputError::new("expected counts of one letter").at_line(number))?);
        if counts.len() < 4 {
            continue;
        }
        let Some((id, name)) = header.take() else {
            return Err(InputError::new("more than four rows in one motif").at_line(number));
        };
        let order = if letters.is_empty() {
            Some([0, 1, 2, 3])
        } else {
            columns_of(&letters)
        };
        let order = order.ok_or_else(|| {
            InputError::new(format!(
                "the rows of `{id}` are named {letters}, expected A, C, G and T"
            ))
            .at_line(number)
        })?;
        let width = counts[0].len();
        if width == 0 || counts.iter().any(|row| row.len() != width) {
            return Err(
                InputError::new(format!("the four rows of `{id}` have different lengths")).at_line(number),
            );
        }
        let rows: Vec<[f64; 4]> = (0..width).map(|i| order.map(|row| counts[row][i])).collect();
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
    Ok(motifs)
}

/// HOMER's headers are separated by tabs and have the log-odds threshold third.
fn is_homer(header: &str) -> bool {
    let fields: Vec<&str> = header.split('\t').collect();
    fields
        .get(2)
        .is_some_and(|field| field.trim().parse::<f64>().is_ok())
}

/// `>CONSENSUS NAME THRESHOLD …`, separated by tabs, and a row of four probabilities for every position.
fn parse_homer(text: &str) -> Result<Vec<Motif>, InputError> {
    let mut motifs: Vec<Motif> = Vec::new();
    for (number, line) in crate::text::lines(text).filter(|(_, line)| !line.trim().is_empty()) {
        if let Some(header) = line.strip_prefix('>') {
            let mut fields = header.split('\t');
            let id = fields.next().unwrap_or_default().trim().to_owned();
            let name = fields.next().unwrap_or_default().trim().to_owned();
            let (rows, n_sites) = (Vec::new(), 20.0);
            motifs.push(Motif {
                id,
                name,
                rows,
                n_sites,
            });
            continue;
        }
        let row: Result<Vec<f64>, _> = line.split_whitespace().map(str::parse).collect();
        let row = row.map_err(|_| InputError::new("expected four probabilities").at_line(number))?;
        let row = probabilities(&row).map_err(|error| error.at_line(number))?;
        motifs
            .last_mut()
            .expect("the first line is a header")
            .rows
            .push(row);
    }
    match motifs.iter().find(|motif| motif.rows.is_empty()) {
        Some(motif) => Err(InputError::new(format!(
            "the matrix of `{}` has no rows",
            motif.id
        ))),
        None => Ok(motifs),
    }
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
    fn rows_and_columns_go_by_their_letters() {
        let consensus = |text: &str| parse(text).expect(text).0[0].consensus();
        assert_eq!(
            consensus(">MA1 N\nT [ 0 2 20 ]\nC [ 1 14 0 ]\nG [ 1 2 0 ]\nA [ 18 2 0 ]\n"),
            "ACT"
        );
        let meme =
            "MEME version 5\nALPHABET= TGCA\nMOTIF a\nletter-probability matrix: w= 1\n0.1 0.1 0.1 0.7\n";
        assert_eq!(consensus(meme), "A");
        let homer = ">ACT\tsome factor\t6.5\t-100\t0\n0.9\t0.05\t0.03\t0.02\n0.1\t0.7\t0.1\t0.1\n0\t0\t0\t1\n0.97\t0.01\t0.01\t0.01\n";
        assert_eq!(consensus(homer), "ACTA");
        for (text, expected) in [
            (meme.replace("TGCA", "ACDE"), "line 2: the alphabet `ACDE`"),
            (">a\nA 1\nA 1\nG 1\nT 1\n".to_owned(), "are named AAGT"),
        ] {
            let error = parse(&text).expect_err(&text).to_string();
            assert!(error.contains(expected), "{error}");
        }
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
