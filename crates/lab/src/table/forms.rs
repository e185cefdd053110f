//! Forms that a table is written in.

use super::{Column, Table};
use crate::atomic;
use crate::error::LabError;
use serde_json::{Map, Value};
use std::fmt::Write;
use std::path::Path;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Comma-separated values.
    Csv,
    /// A list with an object for each row.
    Json,
    /// Apache Parquet, with the cargo feature `columnar`.
    Parquet,
    /// A table of Markdown.
    Markdown,
}

impl Form {
    /// The form that the ending of a file's name stands for.
    ///
    /// # Errors
    /// Any other ending.
    pub fn of(path: &Path) -> Result<Self, LabError> {
        match super::ending(path).as_str() {
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "parquet" => Ok(Self::Parquet),
            "md" => Ok(Self::Markdown),
            other => {
                let found = format!("a name that ends in `{other}`");
                let expected = "one that ends in .csv, .json, .parquet or .md";
                Err(LabError::place(path, 0, "", found, expected).hint("or say what to write with --format"))
            }
        }
    }
}

impl Table {
    /// The bytes of a file in this form. In JSON and Parquet, numbers are numbers and what is missing is null.
    ///
    /// # Errors
    /// Parquet in a build without it.
    pub fn bytes(&self, form: Form) -> Result<Vec<u8>, LabError> {
        match form {
            Form::Csv => Ok(self.csv().into_bytes()),
            Form::Json => Ok(self.json()),
            Form::Markdown => Ok(self.markdown().into_bytes()),
            #[cfg(feature = "columnar")]
            Form::Parquet => super::columnar::bytes(self),
            #[cfg(not(feature = "columnar"))]
            Form::Parquet => {
                let found = "a build that does not write Parquet";
                Err(
                    LabError::place(self.path(), 0, "", found, "one with the cargo feature `columnar`")
                        .hint("build with `--features columnar`, or write .csv or .json"),
                )
            }
        }
    }

    fn csv(&self) -> String {
        let mut text = String::new();
        push_record(&mut text, self.names());
        for row in 0..self.n_rows() {
            push_record(
                &mut text,
                self.columns().iter().map(|(_, column)| column.cell(row)),
            );
        }
        text
    }

    fn json(&self) -> Vec<u8> {
        let row = |row: usize| -> Map<String, Value> {
            let cells = self.columns().iter();
            cells
                .map(|(name, column)| (name.clone(), value(column, row)))
                .collect()
        };
        let rows: Vec<_> = (0..self.n_rows()).map(row).collect();
        let mut text = serde_json::to_vec_pretty(&rows).expect("tables are JSON");
        text.push(b'\n');
        text
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        let mut push = |cells: &mut dyn Iterator<Item = String>| {
            for cell in cells {
                let plain = cell.replace('|', "\\|").replace(['\n', '\r'], " ");
                write!(text, "| {plain} ").expect("memory does not fail");
            }
            text.push_str("|\n");
        };
        push(&mut self.names().map(str::to_owned));
        let rule = |column: &Column| {
            if matches!(column, Column::Text(_)) {
                "---"
            } else {
                "---:"
            }
        };
        push(&mut self.columns().iter().map(|(_, column)| rule(column).to_owned()));
        for row in 0..self.n_rows() {
            push(&mut self.columns().iter().map(|(_, column)| column.cell(row)));
        }
        text
    }
}

/// A cell as JSON; whole numbers without a decimal point.
fn value(column: &Column, row: usize) -> Value {
    match column {
        Column::Text(values) => values[row].clone().into(),
        Column::Integer(values) => values[row].into(),
        Column::Flag(values) => values[row].into(),
        Column::Number(values) => match super::cell::whole(values[row]) {
            Ok(whole) => whole.into(),
            Err(_) => serde_json::Number::from_f64(values[row]).map_or(Value::Null, Value::from),
        },
    }
}

/// Appends a record of CSV, quoted where it would not be read back otherwise.
fn push_record<S: AsRef<str>>(text: &mut String, cells: impl IntoIterator<Item = S>) {
    let start = text.len();
    for (k, cell) in cells.into_iter().enumerate() {
        if k > 0 {
            text.push(',');
        }
        let cell = cell.as_ref();
        let plain = |c: char| !matches!(c, ',' | ';' | '\t' | '"' | '\n' | '\r');
        let remark = k == 0 && cell.starts_with(['#', '%', '\u{feff}']);
        if cell.trim() == cell && cell.chars().all(plain) && !remark {
            text.push_str(cell);
        } else {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        }
    }
    // A row of nothing is a row all the same.
    if text[start..].bytes().all(|byte| byte == b',') {
        text.insert_str(start, "\"\"");
    }
    text.push('\n');
}

/// Writes rows of text, atomically.
///
/// # Errors
/// The file cannot be written.
pub fn write_csv(path: &Path, headers: &[String], rows: &[Vec<String>]) -> Result<(), LabError> {
    atomic::write(path, csv_text(headers, rows).as_bytes())
}

/// The text of a CSV file, quoted where necessary.
pub fn csv_text(headers: &[String], rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    push_record(&mut text, headers);
    rows.iter().for_each(|row| push_record(&mut text, row));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let rows = [
            row(["720575940600000001", "0.5", "PN|a", "1"]),
            row(["2", "3", "", ""]),
        ];
        Table::of_rows(&row(["id", "mean", "class", "rank"]), &rows)
    }

    #[test]
    fn numbers_are_numbers_and_ids_keep_every_digit() {
        let read: Value = serde_json::from_slice(&table().bytes(Form::Json).unwrap()).unwrap();
        let expected = serde_json::json!([
            {"id": 720_575_940_600_000_001_i64, "mean": 0.5, "class": "PN|a", "rank": 1},
            {"id": 2, "mean": 3, "class": "", "rank": null}
        ]);
        assert_eq!(read, expected);
        let csv = table().bytes(Form::Csv).unwrap();
        assert_eq!(csv, b"id,mean,class,rank\n720575940600000001,0.5,PN|a,1\n2,3,,\n");
        let markdown = String::from_utf8(table().bytes(Form::Markdown).unwrap()).unwrap();
        assert!(markdown.starts_with("| id | mean | class | rank |\n| ---: | ---: | --- | ---: |\n"));
        assert!(markdown.contains("| PN\\|a |"), "{markdown}");
    }

    #[test]
    fn endings_say_the_form() {
        assert_eq!(Form::of("a.CSV".as_ref()).unwrap(), Form::Csv);
        assert_eq!(Form::of("a.parquet".as_ref()).unwrap(), Form::Parquet);
        let message = Form::of("a.xlsx".as_ref()).unwrap_err().to_string();
        assert!(message.contains("expected one that ends in .csv"), "{message}");
    }
}
