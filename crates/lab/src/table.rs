//! Tables: named columns, read from and written to every form that people keep them in.
//!
//! Read are values separated by commas, semicolons (with decimal commas), tabs or blanks, gzip or not, UTF-8 or UTF-16
//! with a mark, with quoted cells, comments before the header, pandas' nameless index and R's header that is one short;
//! Parquet and Feather with the cargo feature `columnar`. What is read stays text until it is asked for as numbers,
//! whole numbers or flags, so that no digit of an id and no zero of a label is lost. Written are CSV, JSON, Markdown and
//! Parquet.
//!
//! ```
//! use neuropil_lab::table::{Form, Table};
//!
//! let read = Table::parse("m.csv".as_ref(), "id,mass_g,name\n720575940600000001,2.5,a\n2,NA,\"b, c\"\n")?;
//! assert_eq!(read.integers("id")?, [720_575_940_600_000_001, 2]);
//! assert!(read.numbers("Mass (g)").is_err() && read.numbers("MASS_G")?[1].is_nan());
//! let made = Table::new().with("unit", vec![1_i64, 2]).with("rate_hz", vec![0.5, f64::NAN]);
//! assert_eq!(String::from_utf8_lossy(&made.bytes(Form::Csv)?), "unit,rate_hz\n1,0.5\n2,\n");
//! # Ok::<(), neuropil_lab::error::LabError>(())
//! ```

mod cell;
#[cfg(feature = "columnar")]
mod columnar;
mod forms;
mod records;

pub use cell::is_missing;
pub use forms::{Form, csv_text, write_csv};
pub use records::{Records, Separator};

use crate::error::{LabError, nearest};
use crate::file;
use crate::memory;
use cell::{Decimals, NoNumber};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The values of a column, one a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Words; empty where there is none.
    Text(Vec<String>),
    /// Numbers; NaN where there is none.
    Number(Vec<f64>),
    /// Whole numbers.
    Integer(Vec<i64>),
    /// Truths.
    Flag(Vec<bool>),
}

impl Column {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Number(values) => values.len(),
            Self::Integer(values) => values.len(),
            Self::Flag(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of a row, as CSV has it.
    pub fn cell(&self, row: usize) -> String {
        match self {
            Self::Text(values) => values[row].clone(),
            Self::Number(values) => cell::written(values[row]),
            Self::Integer(values) => values[row].to_string(),
            Self::Flag(values) => values[row].to_string(),
        }
    }

    /// Text as what all of it is: whole numbers, else numbers or missing ones, else words as they are.
    ///
    /// Numbers in a form that would not be written again (`007`, `1.50`) stay words.
    pub fn inferred(cells: Vec<String>) -> Self {
        if cells.is_empty() || cells.iter().all(String::is_empty) {
            return Self::Text(cells);
        }
        let integers = cells.iter().map(|text| {
            text.parse::<i64>()
                .ok()
                .filter(|value| value.to_string() == *text)
        });
        if let Some(values) = integers.collect() {
            return Self::Integer(values);
        }
        let number = |text: &String| match text.as_str() {
            "" => Some(f64::NAN),
            _ if text.trim_start_matches('-').starts_with('0') && !text.contains('.') && text.len() > 1 => {
                None
            }
            _ => text.parse().ok().filter(|value: &f64| value.is_finite()),
        };
        match cells.iter().map(number).collect() {
            // A whole number with a gap beside it must not lose digits.
            Some(values)
                if cells
                    .iter()
                    .all(|text| text.len() <= 15 || text.contains(['.', 'e'])) =>
            {
                Self::Number(values)
            }
            _ => Self::Text(cells),
        }
    }
}

impl From<Vec<String>> for Column {
    fn from(values: Vec<String>) -> Self {
        Self::Text(values)
    }
}

impl From<Vec<&str>> for Column {
    fn from(values: Vec<&str>) -> Self {
        Self::Text(values.into_iter().map(str::to_owned).collect())
    }
}

impl From<Vec<f64>> for Column {
    fn from(values: Vec<f64>) -> Self {
        Self::Number(values)
    }
}

impl From<Vec<i64>> for Column {
    fn from(values: Vec<i64>) -> Self {
        Self::Integer(values)
    }
}

impl From<Vec<usize>> for Column {
    fn from(values: Vec<usize>) -> Self {
        Self::Integer(values.into_iter().map(|value| value as i64).collect())
    }
}

impl From<Vec<bool>> for Column {
    fn from(values: Vec<bool>) -> Self {
        Self::Flag(values)
    }
}

/// Named columns of equal length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<(String, Column)>,
    /// Where it was read from, and the line of each row there.
    path: PathBuf,
    lines: Vec<usize>,
    header_line: usize,
    decimals: Decimals,
}

impl Table {
    /// A table without columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// The table with one more column.
    ///
    /// # Panics
    /// A name that is there already, or a column of another length.
    pub fn with(mut self, name: impl Into<String>, column: impl Into<Column>) -> Self {
        let (name, column) = (name.into(), column.into());
        assert!(
            self.columns.iter().all(|(own, _)| *own != name),
            "one column `{name}`"
        );
        if let Some((first, other)) = self.columns.first() {
            assert_eq!(
                column.len(),
                other.len(),
                "as many rows in `{name}` as in `{first}`"
            );
        }
        self.columns.push((name, column));
        self
    }

    /// A table of texts, each column as what all its cells are ([`Column::inferred`]).
    ///
    /// # Panics
    /// Headers that repeat, or rows that have not one cell a header.
    pub fn of_rows(headers: &[String], rows: &[Vec<String>]) -> Self {
        assert!(
            rows.iter().all(|row| row.len() == headers.len()),
            "a cell a header in every row"
        );
        let columns = headers.iter().enumerate();
        columns.fold(Self::new(), |table, (k, name)| {
            table.with(
                name,
                Column::inferred(rows.iter().map(|row| row[k].clone()).collect()),
            )
        })
    }

    /// Reads a file in any form.
    ///
    /// # Errors
    /// Names file, line and column: text that is none, rows of unequal length, columns of one name, a size above
    /// [`memory::limit`].
    pub fn read(path: &Path) -> Result<Self, LabError> {
        match ending(path).as_str() {
            #[cfg(feature = "columnar")]
            "parquet" | "feather" | "arrow" => columnar::read(path),
            #[cfg(not(feature = "columnar"))]
            "parquet" | "feather" | "arrow" => Err(without_columnar(path)),
            _ => Self::parse(path, &file::text(path)?),
        }
    }

    /// Reads text with separators; the first record is the header. `path` names the text in messages.
    ///
    /// # Errors
    /// As [`Table::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, LabError> {
        Self::collect(path, Records::new(path, text), true)
    }

    /// Reads text without a header: the columns are named `1`, `2`, ….
    ///
    /// # Errors
    /// As [`Table::read`].
    pub fn parse_bare(path: &Path, text: &str) -> Result<Self, LabError> {
        Self::collect(path, Records::new(path, text), false)
    }

    fn collect(path: &Path, mut records: Records<'_>, header: bool) -> Result<Self, LabError> {
        let mut cells = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut first_line = 1;
        if header {
            let Some(line) = records.next_into(&mut cells)? else {
                return Err(LabError::place(path, 0, "", "nothing", "a table"));
            };
            first_line = line;
            names = cells.iter().map(|cell| cell.clone().into_owned()).collect();
        }
        let mut columns: Vec<Vec<String>> = vec![Vec::new(); names.len()];
        let mut lines = Vec::new();
        let (quoted, mut named_rows) = (records.next_is_quoted(), false);
        while let Some(line) = records.next_into(&mut cells)? {
            if lines.is_empty() {
                if !header {
                    names = (1..=cells.len()).map(|k| k.to_string()).collect();
                    columns = vec![Vec::new(); names.len()];
                    first_line = line;
                } else if cells.len() == names.len() + 1 && !cells[cells.len() - 1].is_empty() {
                    // R's write.table: rows begin with their names, which have no header.
                    names.insert(0, String::new());
                    columns.push(Vec::new());
                    named_rows = true;
                }
            }
            if cells.len() == names.len() + 1 && cells.last().is_some_and(|cell| cell.is_empty()) {
                cells.pop(); // a separator at the end of a row begins no cell
            }
            if cells.len() != names.len() {
                return Err(of_another_width(path, line, cells.len(), names.len(), first_line));
            }
            if lines.len() % 65_536 == 0 {
                let size = lines.len().saturating_mul(names.len());
                memory::claim(path, "its cells", size, 2 * size_of::<String>())?;
            }
            lines.push(line);
            for (column, cell) in columns.iter_mut().zip(cells.drain(..)) {
                column.push(cell.into_owned());
            }
        }
        if named_rows && !are_names_of_rows(&columns[0], quoted) {
            let n = names.len();
            return Err(of_another_width(path, lines[0], n, n - 1, first_line));
        }
        let decimals = Decimals::beside(records.separator());
        let columns = name_columns(path, first_line, names, columns)?;
        Ok(Self {
            columns,
            path: path.to_owned(),
            lines,
            header_line: first_line,
            decimals,
        })
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// Names and columns, in order.
    pub fn columns(&self) -> &[(String, Column)] {
        &self.columns
    }

    /// Names of the columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// All rows as text.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let row = |row| self.columns.iter().map(|(_, column)| column.cell(row)).collect();
        (0..self.n_rows()).map(row).collect()
    }

    /// The file it was read from; empty for a table that was made.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The line of a row in the file; 0 for a table that was made.
    pub fn line(&self, row: usize) -> usize {
        self.lines.get(row).copied().unwrap_or(0)
    }

    /// The first of some names that a column has, compared without case and with blank, `-`, `.` and `_` alike.
    pub fn find(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .find_map(|name| self.names().find(|own| is_same_name(own, name)))
    }

    /// The same, of a column that must be there.
    ///
    /// # Errors
    /// None of them: lists the columns that there are.
    pub fn require(&self, names: &[&str]) -> Result<&str, LabError> {
        self.find(names).ok_or_else(|| {
            let own: Vec<&str> = self.names().collect();
            let near = names.iter().find_map(|name| nearest(name, own.iter().copied()));
            let found = format!("columns `{}`", own.join("`, `"));
            let expected = format!("a column `{}`", names.join("` or `"));
            let error = LabError::place(&self.path, self.header_line, "header", found, expected);
            match near {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            }
        })
    }

    /// A column by name.
    ///
    /// # Errors
    /// No such column.
    pub fn column(&self, name: &str) -> Result<&Column, LabError> {
        let own = self.require(&[name])?;
        let found = self.columns.iter().find(|(name, _)| name == own);
        Ok(found.map(|(_, column)| column).expect("a name that was found"))
    }

    /// A column as text, as it stands in the file.
    ///
    /// # Errors
    /// No such column.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, LabError> {
        Ok(match self.column(name)? {
            Column::Text(values) => values.clone(),
            other => (0..other.len()).map(|row| other.cell(row)).collect(),
        })
    }

    /// A column as text, `None` where a value is missing ([`is_missing`]).
    ///
    /// # Errors
    /// No such column.
    pub fn known_texts(&self, name: &str) -> Result<Vec<Option<String>>, LabError> {
        let texts = self.texts(name)?.into_iter();
        Ok(texts
            .map(|text| Some(text).filter(|text| !is_missing(text)))
            .collect())
    }

    /// A column as numbers, NaN where one is missing.
    ///
    /// # Errors
    /// No such column, or the first cell that is no number.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>, LabError> {
        match self.column(name)? {
            Column::Number(values) => Ok(values.clone()),
            Column::Integer(values) => Ok(values.iter().map(|&value| value as f64).collect()),
            Column::Flag(values) => Ok(values.iter().map(|&value| f64::from(u8::from(value))).collect()),
            Column::Text(values) => {
                let read = |(row, text): (usize, &String)| {
                    cell::number(text, self.decimals)
                        .map_err(|why| self.no_number(name, row, why, "a number"))
                };
                values.iter().enumerate().map(read).collect()
            }
        }
    }

    /// A column as finite numbers, none of them missing.
    ///
    /// # Errors
    /// As [`Table::numbers`], or the first that is missing or infinite.
    pub fn finite(&self, name: &str) -> Result<Vec<f64>, LabError> {
        let values = self.numbers(name)?;
        match values.iter().position(|value| !value.is_finite()) {
            Some(row) => Err(self.wrong(name, row, "a finite number")),
            None => Ok(values),
        }
    }

    /// A column as whole numbers, none of them missing; `2.0` is 2.
    ///
    /// # Errors
    /// As [`Table::optional_integers`], or the first that is missing.
    pub fn integers(&self, name: &str) -> Result<Vec<i64>, LabError> {
        let values = self.optional_integers(name)?;
        let known =
            |(row, value): (usize, Option<i64>)| value.ok_or_else(|| self.wrong(name, row, "a whole number"));
        values.into_iter().enumerate().map(known).collect()
    }

    /// A column as whole numbers, `None` where one is missing.
    ///
    /// # Errors
    /// No such column, or the first cell that is no whole number or would lose digits.
    pub fn optional_integers(&self, name: &str) -> Result<Vec<Option<i64>>, LabError> {
        let refuse = |row, why| self.no_number(name, row, why, "a whole number");
        match self.column(name)? {
            Column::Integer(values) => Ok(values.iter().copied().map(Some).collect()),
            Column::Flag(values) => Ok(values.iter().map(|&value| Some(i64::from(value))).collect()),
            Column::Number(values) => {
                let read = |(row, &value): (usize, &f64)| {
                    if value.is_nan() {
                        return Ok(None);
                    }
                    cell::whole(value).map(Some).map_err(|why| refuse(row, why))
                };
                values.iter().enumerate().map(read).collect()
            }
            Column::Text(values) => {
                let read = |(row, text): (usize, &String)| {
                    cell::integer(text, self.decimals).map_err(|why| refuse(row, why))
                };
                values.iter().enumerate().map(read).collect()
            }
        }
    }

    /// A column as truths, `None` where one is missing: `true`, `false`, `yes`, `no`, `T`, `F`, 1, 0 in any case.
    ///
    /// # Errors
    /// No such column, or the first cell that is neither.
    pub fn flags(&self, name: &str) -> Result<Vec<Option<bool>>, LabError> {
        if let Column::Flag(values) = self.column(name)? {
            return Ok(values.iter().copied().map(Some).collect());
        }
        let read = |(row, text): (usize, &String)| match cell::flag(text) {
            None if !is_missing(text) => Err(self.wrong(name, row, "true or false")),
            flag => Ok(flag),
        };
        self.texts(name)?.iter().enumerate().map(read).collect()
    }

    /// The error that a cell is not what it should be; the cell is quoted.
    pub fn wrong(&self, name: &str, row: usize, expected: impl Into<Box<str>>) -> LabError {
        let own = self.find(&[name]).unwrap_or(name);
        let text = self.column(name).map_or(String::new(), |column| column.cell(row));
        let found = match text.as_str() {
            "" => "nothing".to_owned(),
            text => format!("`{}`", file::shown(text)),
        };
        let field = if own.is_empty() { "column 1" } else { own };
        LabError::place(&self.path, self.line(row), field, found, expected)
    }

    fn no_number(&self, name: &str, row: usize, why: NoNumber, expected: &'static str) -> LabError {
        self.wrong(name, row, expected).hint(why.hint())
    }

    /// Writes the table, atomically.
    ///
    /// # Errors
    /// The file cannot be written, or Parquet in a build without it.
    pub fn write(&self, path: &Path, form: Form) -> Result<(), LabError> {
        crate::atomic::write(path, &self.bytes(form)?)
    }
}

/// A cell as a whole number, `None` where it is missing; `2.0` is 2.
///
/// # Errors
/// What to do about a cell that is none, or that would lose digits.
pub fn whole_number(cell: &str) -> Result<Option<i64>, &'static str> {
    cell::integer(cell, Decimals::Point).map_err(NoNumber::hint)
}

/// The ending of a name, in lower case, without `.gz`.
fn ending(path: &Path) -> String {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    plain
        .rsplit_once('.')
        .map_or(String::new(), |(_, ending)| ending.to_owned())
}

/// Whether two names of columns are one.
fn is_same_name(own: &str, name: &str) -> bool {
    let plain = |byte: u8| match byte {
        b' ' | b'-' | b'.' => b'_',
        other => other.to_ascii_lowercase(),
    };
    own.len() == name.len() && own.bytes().zip(name.bytes()).all(|(a, b)| plain(a) == plain(b))
}

/// A record with another number of cells than the header.
fn of_another_width(path: &Path, line: usize, found: usize, expected: usize, header: usize) -> LabError {
    let fields = if found == 1 { "field" } else { "fields" };
    LabError::place(
        path,
        line,
        "",
        format!("{found} {fields}"),
        format!("{expected} as in line {header}"),
    )
}

/// Whether cells are the names that R gives to rows: words, or whole numbers that count from 1 or stand in quotes.
fn are_names_of_rows(cells: &[String], quoted: bool) -> bool {
    let numbers: Vec<f64> = cells.iter().filter_map(|cell| cell.parse().ok()).collect();
    let counted = numbers
        .iter()
        .enumerate()
        .all(|(k, number)| *number == (k + 1) as f64);
    let whole = numbers.iter().all(|number| number.fract() == 0.0);
    let unique: BTreeSet<&String> = cells.iter().collect();
    unique.len() == cells.len() && whole && (numbers.len() < cells.len() || quoted || counted)
}

/// Names and cells; nameless columns without content are left out, and one that comes first is pandas' index.
fn name_columns(
    path: &Path,
    line: usize,
    names: Vec<String>,
    cells: Vec<Vec<String>>,
) -> Result<Vec<(String, Column)>, LabError> {
    let mut seen = BTreeSet::new();
    let mut columns = Vec::with_capacity(names.len());
    for (k, (mut name, cells)) in names.into_iter().zip(cells).enumerate() {
        if k == 0 && name == "Unnamed: 0" {
            name.clear();
        }
        if name.is_empty() && k > 0 {
            if cells.iter().all(String::is_empty) {
                continue;
            }
            let field = format!("column {}", k + 1);
            return Err(LabError::place(
                path,
                line,
                field,
                "no name",
                "a name for every column",
            ));
        }
        if !seen.insert(name.clone()) {
            let found = format!("the column `{}` twice", file::shown(&name));
            return Err(LabError::place(path, line, "header", found, "every name once"));
        }
        columns.push((name, Column::Text(cells)));
    }
    Ok(columns)
}

#[cfg(not(feature = "columnar"))]
fn without_columnar(path: &Path) -> LabError {
    LabError::place(path, 0, "", "a columnar table", "a form that this build reads")
        .hint("build with `--features columnar` to read Parquet and Feather, or export the table as CSV")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Table, LabError> {
        Table::parse(Path::new("t.csv"), text)
    }

    fn words<T: std::fmt::Debug>(result: Result<T, LabError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn tables_of_pandas_r_and_german_spreadsheets_are_read() {
        let pandas = parse(",id,weight\n0,7,2.0\n1,8,NaN\n").unwrap();
        assert_eq!(pandas.names().collect::<Vec<_>>(), ["", "id", "weight"]);
        assert_eq!(pandas.optional_integers("weight").unwrap(), [Some(2), None]);
        assert_eq!(parse("Unnamed: 0,a\n0,7\n").unwrap().names().next(), Some(""));
        let r = parse("\"mass\" \"n\"\n\"Mus_musculus\" 20.5 3\n\"Homo_sapiens\" NA 4\n").unwrap();
        assert_eq!(r.texts("").unwrap(), ["Mus_musculus", "Homo_sapiens"]);
        assert!(r.numbers("mass").unwrap()[1].is_nan());
        // A header that is one short without names of rows below it is a mistake; a separator at the end of rows begins no cell.
        for (text, columns) in [
            ("x,y\n1,0.5,3\n2,0.6,4\n", Some(3)),
            ("x,y\n\"7\",0.5,3\n\"9\",0.6,4\n", Some(3)),
            ("x,y\n0.5,3,\n0.6,4,\n", Some(2)),
            ("x,y\n1000,0.5,3\n1001,0.6,4\n", None),
            ("x,y\n77.2,0.5,3\n42.6,0.6,4\n", None),
            ("x,y\na,0.5,3\na,0.6,4\n", None),
        ] {
            match columns {
                Some(n) => assert_eq!(parse(text).unwrap().columns().len(), n, "{text}"),
                None => assert_eq!(
                    words(parse(text)),
                    "t.csv:2: 3 fields, expected 2 as in line 1",
                    "{text}"
                ),
            }
        }
        let german = parse("Masse;Wert;;\r\n1,5;0,125;;\r\n-;3;;\r\n").unwrap();
        assert_eq!(german.numbers("wert").unwrap(), [0.125, 3.0]);
        assert!(german.numbers("Masse").unwrap()[1].is_nan());
        assert_eq!(
            german.columns().len(),
            2,
            "nameless columns without content are none"
        );
    }

    #[test]
    fn names_are_compared_without_case_and_marks() {
        let table = parse("Neuron 1,somaSide\n1,L\n").unwrap();
        assert_eq!(table.find(&["pre", "neuron_1"]), Some("Neuron 1"));
        assert_eq!(table.texts("SOMASIDE").unwrap(), ["L"]);
        assert_eq!(
            words(table.require(&["weight", "n"])),
            "t.csv:1: header: columns `Neuron 1`, `somaSide`, expected a column `weight` or `n`"
        );
        assert!(words(table.numbers("somaSid")).ends_with("hint: did you mean `somaSide`?"));
    }

    #[test]
    fn mistakes_name_file_line_and_field() {
        assert_eq!(
            words(parse("a,b\n1,2\n3\n")),
            "t.csv:3: 1 field, expected 2 as in line 1"
        );
        assert_eq!(
            words(parse("a,a\n1,2\n")),
            "t.csv:1: header: the column `a` twice, expected every name once"
        );
        assert_eq!(
            words(parse("a,\n1,2\n")),
            "t.csv:1: column 2: no name, expected a name for every column"
        );
        assert_eq!(words(parse("")), "t.csv: nothing, expected a table");
        let table = parse("x,n,big\n1,2.5,7.2e17\noops,,18446744073709551615\n").unwrap();
        assert_eq!(words(table.numbers("x")), "t.csv:3: x: `oops`, expected a number");
        assert_eq!(
            words(table.finite("n")),
            "t.csv:3: n: nothing, expected a finite number"
        );
        assert_eq!(
            words(table.integers("n")),
            "t.csv:2: n: `2.5`, expected a whole number"
        );
        assert!(words(table.integers("big")).contains("export the column as integer or text"));
        let large = parse("id\n18446744073709551615\n").unwrap();
        assert!(words(large.integers("id")).contains("the largest is 9223372036854775807"));
        let thousands = parse("a\tb\n1,234\t5\n").unwrap();
        assert!(words(thousands.numbers("a")).contains("may separate thousands"));
        assert_eq!(
            words(parse("f\nmaybe\n").unwrap().flags("f")),
            "t.csv:2: f: `maybe`, expected true or false"
        );
    }

    #[test]
    fn without_a_header_columns_are_numbered() {
        let table = Table::parse_bare(Path::new("t.txt"), "1 2\n3 4\n").unwrap();
        assert_eq!(table.integers("2").unwrap(), [2, 4]);
        assert_eq!(table.line(1), 2);
    }

    #[test]
    fn text_becomes_what_all_of_it_is() {
        let column = |cells: &[&str]| Column::inferred(cells.iter().map(|&cell| cell.to_owned()).collect());
        assert_eq!(
            column(&["720575940600000001", "2"]),
            Column::Integer(vec![720_575_940_600_000_001, 2])
        );
        assert!(matches!(column(&["0.5", ""]), Column::Number(values) if values[1].is_nan()));
        assert!(matches!(column(&["3", ""]), Column::Number(_)));
        assert!(
            matches!(column(&["720575940600000001", ""]), Column::Text(_)),
            "no digit is lost"
        );
        assert!(matches!(column(&["007", "1"]), Column::Text(_)));
        assert!(matches!(column(&["inf", "1"]), Column::Text(_)));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[ab\",;\t\n\r#% .0-9-]{0,60}") {
            if let Ok(table) = parse(&text) {
                for (name, _) in table.columns() {
                    let _ = (table.numbers(name), table.integers(name), table.flags(name));
                }
            }
        }

        #[test]
        fn what_is_written_is_read(
            rows in prop::collection::vec(("[ -~µ\n\r\t\"#%]{0,6}", any::<i64>(), any::<f64>(), any::<bool>()), 1..20),
        ) {
            let table = Table::new()
                .with("#name, or so", rows.iter().map(|row| row.0.clone()).collect::<Vec<_>>())
                .with("id", rows.iter().map(|row| row.1).collect::<Vec<_>>())
                .with("x", rows.iter().map(|row| row.2).collect::<Vec<_>>())
                .with("flag", rows.iter().map(|row| row.3).collect::<Vec<_>>());
            let text = String::from_utf8(table.bytes(Form::Csv).unwrap()).unwrap();
            let back = parse(&text).unwrap();
            prop_assert_eq!(back.texts("#name, or so").unwrap(), rows.iter().map(|row| row.0.clone()).collect::<Vec<_>>());
            prop_assert_eq!(back.integers("id").unwrap(), rows.iter().map(|row| row.1).collect::<Vec<_>>());
            let numbers: Vec<u64> = back.numbers("x").unwrap().iter().map(|x| x.to_bits()).collect();
            let expected = rows.iter().map(|row| if row.2.is_nan() { f64::NAN } else { row.2 }.to_bits());
            prop_assert_eq!(numbers, expected.collect::<Vec<_>>());
            let flags = back.flags("flag").unwrap();
            prop_assert_eq!(flags, rows.iter().map(|row| Some(row.3)).collect::<Vec<_>>());
        }
    }
}
