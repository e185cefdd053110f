//! Text with separators, record by record.

use super::cell::{self, Decimals};
use crate::error::LabError;
use crate::file;
use std::borrow::Cow;
use std::path::Path;

/// What stands between two cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// One character: a comma, a semicolon or a tab.
    Byte(u8),
    /// Any number of blanks and tabs.
    Blanks,
}

/// Candidates, in the order in which they are tried.
const SEPARATORS: [Separator; 4] = [
    Separator::Byte(b'\t'),
    Separator::Byte(b';'),
    Separator::Byte(b','),
    Separator::Blanks,
];
/// Records that the separator is chosen by.
const SAMPLE: usize = 20;

/// The records of a text, one after the other, without copying what needs no change.
///
/// Cells are trimmed unless they are quoted; a quoted cell holds separators, line ends and, doubled, quotes (RFC 4180).
/// Blank lines, and lines that begin with `#` or `%` before the first record, are passed over; so are later lines that
/// begin with `#` and have another number of cells, or a blank after it.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    path: &'a Path,
    text: &'a str,
    /// Byte that is read next, and its line.
    at: usize,
    line: usize,
    separator: Separator,
    /// Cells of the first record.
    width: Option<usize>,
}

impl<'a> Records<'a> {
    /// The records of a text; the separator is the first of tab, semicolon, comma and blanks that splits the first
    /// records into equally many cells, or the one that a line `sep=;` names.
    pub fn new(path: &'a Path, text: &'a str) -> Self {
        let mut records = Self {
            path,
            text,
            at: 0,
            line: 1,
            separator: Separator::Byte(b','),
            width: None,
        };
        records.pass_comments();
        if let Some(named) = records.named_separator() {
            records.separator = named;
            return records;
        }
        let mut best = (0, records.separator);
        for candidate in SEPARATORS {
            let sample = Self {
                separator: candidate,
                ..records.clone()
            };
            let widths = sample.widths();
            let first = widths.first().copied().unwrap_or(0);
            let rest = widths.get(1).copied().unwrap_or(first);
            // A header that is one short belongs to rows that begin with their names.
            let even =
                (rest == first || rest == first + 1) && widths.iter().skip(1).all(|&width| width == rest);
            if even && first > 1 {
                records.separator = candidate;
                return records;
            }
            if first > best.0 && candidate != Separator::Blanks {
                best = (first, candidate);
            }
        }
        records.separator = best.1;
        records
    }

    /// The same with a separator that is known.
    pub fn separated_by(mut self, separator: Separator) -> Self {
        self.separator = separator;
        self
    }

    /// Whether the next record begins with a quote.
    pub(super) fn next_is_quoted(&self) -> bool {
        self.text[self.at..].trim_start().starts_with('"')
    }

    /// What separates the cells.
    pub fn separator(&self) -> Separator {
        self.separator
    }

    /// A cell as a number, with a decimal comma where the separator leaves it; NaN where it is missing.
    ///
    /// # Errors
    /// A cell that is no number, at this line and field.
    pub fn number(&self, line: usize, field: &str, cell: &str) -> Result<f64, LabError> {
        cell::number(cell, Decimals::beside(self.separator)).map_err(|why| {
            let found = match cell {
                "" => "nothing".to_owned(),
                cell => format!("`{}`", file::shown(cell)),
            };
            LabError::place(self.path, line, field, found, "a number").hint(why.hint())
        })
    }

    /// Reads the next record into `cells`; returns the line that it begins in, or `None` at the end.
    ///
    /// # Errors
    /// A quote that is never closed, or text after one that is.
    pub fn next_into(&mut self, cells: &mut Vec<Cow<'a, str>>) -> Result<Option<usize>, LabError> {
        while self.at < self.text.len() {
            let (start, line) = (self.at, self.line);
            let quoted = self.record(cells)?;
            if !quoted && cells.iter().all(|cell| cell.is_empty()) {
                continue;
            }
            let width = *self.width.get_or_insert(cells.len());
            if self.text.as_bytes()[start] == b'#' {
                let next = self.text.as_bytes().get(start + 1);
                if cells.len() != width || matches!(next, Some(b'#' | b' ' | b'\t')) {
                    continue;
                }
            }
            return Ok(Some(line));
        }
        Ok(None)
    }

    /// One record, blank or not; whether any of its cells was quoted.
    fn record(&mut self, cells: &mut Vec<Cow<'a, str>>) -> Result<bool, LabError> {
        cells.clear();
        let mut any_quoted = false;
        loop {
            self.pass_blanks();
            if self.peek() == Some(b'"') {
                any_quoted = true;
                cells.push(self.quoted()?);
            } else {
                cells.push(Cow::Borrowed(self.plain()));
            }
            match self.peek() {
                Some(b'\n' | b'\r') | None => {
                    self.pass_line_end();
                    break;
                }
                // The separator; of several blanks, the first: the others are passed over above.
                Some(_) => self.at += 1,
            }
            if self.separator == Separator::Blanks {
                self.pass_blanks();
                if matches!(self.peek(), Some(b'\n' | b'\r') | None) {
                    self.pass_line_end();
                    break;
                }
            }
        }
        Ok(any_quoted)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn pass_blanks(&mut self) {
        let tab_separates = self.separator == Separator::Byte(b'\t');
        while let Some(b' ' | b'\t') = self.peek() {
            if tab_separates && self.peek() == Some(b'\t') {
                break;
            }
            self.at += 1;
        }
    }

    /// A line end of any system.
    fn pass_line_end(&mut self) {
        let bytes = self.text.as_bytes();
        self.at += match (bytes.get(self.at), bytes.get(self.at + 1)) {
            (Some(b'\r'), Some(b'\n')) => 2,
            (Some(_), _) => 1,
            (None, _) => 0,
        };
        self.line += 1;
    }

    /// The cell up to the next separator or line end.
    fn plain(&mut self) -> &'a str {
        let rest = &self.text.as_bytes()[self.at..];
        let ends = |byte: u8| match self.separator {
            Separator::Byte(own) => byte == own || byte == b'\n' || byte == b'\r',
            Separator::Blanks => matches!(byte, b' ' | b'\t' | b'\n' | b'\r'),
        };
        let length = rest.iter().position(|&byte| ends(byte)).unwrap_or(rest.len());
        let cell = &self.text[self.at..self.at + length];
        self.at += length;
        cell.trim_end()
    }

    /// The cell between quotes, from the opening one on.
    fn quoted(&mut self) -> Result<Cow<'a, str>, LabError> {
        let (bytes, opened) = (self.text.as_bytes(), self.line);
        self.at += 1;
        let mut from = self.at;
        let mut cell = Cow::Borrowed("");
        loop {
            let Some(&byte) = bytes.get(self.at) else {
                let never = "a quote that is never closed";
                return Err(LabError::place(self.path, opened, "", never, "a closing `\"`"));
            };
            if byte == b'"' {
                cell = joined(cell, &self.text[from..self.at]);
                self.at += 1;
                if bytes.get(self.at) != Some(&b'"') {
                    break;
                }
                from = self.at;
            } else if byte == b'\n' || (byte == b'\r' && bytes.get(self.at + 1) != Some(&b'\n')) {
                self.line += 1;
            }
            self.at += 1;
        }
        let touches = self
            .peek()
            .is_some_and(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        self.pass_blanks();
        let ends = match self.separator {
            Separator::Byte(own) => self
                .peek()
                .is_none_or(|byte| byte == own || byte == b'\n' || byte == b'\r'),
            Separator::Blanks => !touches,
        };
        if ends {
            if self.separator == Separator::Blanks
                && bytes.get(self.at.wrapping_sub(1)).is_some_and(|b| *b != b'"')
            {
                self.at -= 1; // the blank that separates
            }
            return Ok(cell);
        }
        let found = "text after a closing quote";
        Err(LabError::place(self.path, self.line, "", found, "a separator")
            .hint("a quote inside a quoted cell is written twice"))
    }

    fn pass_comments(&mut self) {
        while let Some(line) = self.text[self.at..].lines().next() {
            let start = line.trim_start();
            if self.at >= self.text.len() || !(start.is_empty() || start.starts_with(['#', '%'])) {
                break;
            }
            self.at += line.len();
            self.pass_line_end();
        }
    }

    /// `sep=;` in the first line, as spreadsheets write and understand it.
    fn named_separator(&mut self) -> Option<Separator> {
        let line = self.text[self.at..].lines().next()?;
        let named = line.trim_matches('"').strip_prefix("sep=")?;
        let &[byte @ (b',' | b';' | b'\t')] = named.as_bytes() else {
            return None;
        };
        self.at += line.len();
        self.pass_line_end();
        Some(Separator::Byte(byte))
    }

    /// Numbers of cells of the first records.
    fn widths(mut self) -> Vec<usize> {
        let mut cells = Vec::new();
        let mut widths = Vec::new();
        while widths.len() < SAMPLE {
            match self.next_into(&mut cells) {
                Ok(Some(_)) => widths.push(cells.len()),
                Ok(None) => break,
                Err(_) => return Vec::new(),
            }
        }
        widths
    }
}

fn joined<'a>(cell: Cow<'a, str>, part: &'a str) -> Cow<'a, str> {
    if cell.is_empty() {
        Cow::Borrowed(part)
    } else {
        cell + part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<(usize, Vec<String>)>, String> {
        let path = Path::new("t.csv");
        let mut records = Records::new(path, text);
        let (mut cells, mut rows) = (Vec::new(), Vec::new());
        while let Some(line) = records.next_into(&mut cells).map_err(|error| error.to_string())? {
            rows.push((line, cells.iter().map(|cell| cell.clone().into_owned()).collect()));
        }
        Ok(rows)
    }

    fn rows(text: &str) -> Vec<Vec<String>> {
        all(text).unwrap().into_iter().map(|(_, row)| row).collect()
    }

    #[test]
    fn text_that_touches_a_closing_quote_is_refused_whatever_separates() {
        for text in ["\"a\"\u{e9} \"b\"\n1 2\n", "\"a\"x b\n1 2\n", "\"a\"x,b\n1,2\n"] {
            let words = all(text).unwrap_err();
            assert!(words.contains("text after a closing quote"), "{text}: {words}");
        }
        assert_eq!(rows("\"a\" \"b c\"\n1 2\n"), [["a", "b c"], ["1", "2"]]);
    }

    #[test]
    fn separators_are_what_splits_rows_evenly() {
        for text in [
            "a,b\n1,2\n",
            "a;b\n1;2\n",
            "a\tb\n1\t2\n",
            "a b\n1  2\n",
            "a   b\n 1\t2 \n",
            "sep=;\na;b\n1;2",
            "# made by hand\n% twice\n\na, b\n1 ,2\n\n",
            "\"a\",\"b\"\r\n\"1\",2\r\n",
            "a,b\r1,2\r",
        ] {
            assert_eq!(rows(text), [["a", "b"], ["1", "2"]], "{text:?}");
        }
        assert_eq!(rows("x;y\n1,5;2,5\n")[1], ["1,5", "2,5"]);
        assert_eq!(rows("id,name\n1,PR;left\n2,\"a, b\"\n")[2], ["2", "a, b"]);
        assert_eq!(rows("id\n5\n")[1], ["5"]);
    }

    #[test]
    fn quotes_hold_separators_line_ends_and_quotes() {
        assert_eq!(rows("a,b\n\"x\"\"y\",\"1\n2\"\n3,4\n")[1], ["x\"y", "1\n2"]);
        assert_eq!(rows("a,b\n\" x \", y \n")[1], [" x ", "y"]);
        assert_eq!(rows("\"a b\" \"c\"\n1 2\n")[0], ["a b", "c"]);
        let lines: Vec<usize> = all("a,b\n\"1\n\n\",2\n3,4\n")
            .unwrap()
            .iter()
            .map(|row| row.0)
            .collect();
        assert_eq!(lines, [1, 2, 5]);
        assert_eq!(
            all("a,b\n\"1,2\n3,4\n").unwrap_err(),
            "t.csv:2: a quote that is never closed, expected a closing `\"`"
        );
        let words = all("a,b\n\"1\"x,2\n").unwrap_err();
        assert!(
            words.starts_with("t.csv:2: text after a closing quote, expected a separator"),
            "{words}"
        );
    }

    #[test]
    fn lines_that_begin_with_a_hash_are_rows_when_they_look_like_rows() {
        let text = "colour,n\n#ff0000,1\n# a remark, or so\n#another remark\n#00ff00,2\n";
        assert_eq!(rows(text)[1..], [["#ff0000", "1"], ["#00ff00", "2"]]);
    }
}
