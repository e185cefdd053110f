//! The table of an answer as a file: CSV, JSON or Parquet.

use crate::error::DataError;
use neuropil_lab::table::csv_text;
use serde_json::{Map, Number, Value};
use std::path::Path;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableForm {
    /// Comma-separated values.
    Csv,
    /// A list with an object for each row.
    Json,
    /// Apache Parquet, with the cargo feature `columnar`.
    Parquet,
}

impl TableForm {
    /// The form that the ending of a file's name stands for.
    ///
    /// # Errors
    /// Any other ending.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        match ending.to_str() {
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            Some("parquet") => Ok(Self::Parquet),
            _ => Err(DataError::field(
                path,
                0,
                "",
                format!("a name that ends in `{}`", ending.display()),
                "one that ends in .csv, .json or .parquet",
            )
            .hint("or say what to write with --format")),
        }
    }

    /// A table in this form. In JSON and Parquet, a column of numbers is one of numbers.
    ///
    /// # Errors
    /// Parquet in a build without it.
    pub fn bytes(self, headers: &[String], rows: &[Vec<String>]) -> Result<Vec<u8>, DataError> {
        match self {
            Self::Csv => Ok(csv_text(headers, rows).into_bytes()),
            Self::Json => Ok(json(headers, rows)),
            Self::Parquet => parquet(headers, rows),
        }
    }
}

/// A column of a table by what all its cells are; empty cells are missing.
enum Column {
    Integers(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<String>>),
}

fn column(rows: &[Vec<String>], k: usize) -> Column {
    fn all<T>(rows: &[Vec<String>], k: usize, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<Option<T>>> {
        let cells = rows.iter().map(|row| match row[k].as_str() {
            "" => Some(None),
            cell => parse(cell).map(Some),
        });
        cells.collect()
    }
    let number = |cell: &str| cell.parse().ok().filter(|x: &f64| x.is_finite());
    let integers = all(rows, k, |cell| cell.parse().ok()).map(Column::Integers);
    integers
        .or_else(|| all(rows, k, number).map(Column::Numbers))
        .unwrap_or_else(|| Column::Texts(rows.iter().map(|row| Some(row[k].clone())).collect()))
}

fn json(headers: &[String], rows: &[Vec<String>]) -> Vec<u8> {
    let columns: Vec<Vec<Value>> = (0..headers.len())
        .map(|k| match column(rows, k) {
            Column::Integers(cells) => cells.into_iter().map(Value::from).collect(),
            Column::Numbers(cells) => {
                let number =
                    |cell: Option<f64>| cell.and_then(Number::from_f64).map_or(Value::Null, Value::from);
                cells.into_iter().map(number).collect()
            }
            Column::Texts(cells) => cells.into_iter().map(Value::from).collect(),
        })
        .collect();
    let row = |i: usize| -> Map<String, Value> {
        let cells = headers.iter().zip(&columns);
        cells
            .map(|(name, column)| (name.clone(), column[i].clone()))
            .collect()
    };
    let table: Vec<_> = (0..rows.len()).map(row).collect();
    let mut text = serde_json::to_vec_pretty(&table).expect("tables are JSON");
    text.push(b'\n');
    text
}

#[cfg(feature = "columnar")]
fn parquet(headers: &[String], rows: &[Vec<String>]) -> Result<Vec<u8>, DataError> {
    use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
    use std::sync::Arc;
    let array = |k: usize| -> ArrayRef {
        match column(rows, k) {
            Column::Integers(cells) => Arc::new(Int64Array::from(cells)),
            Column::Numbers(cells) => Arc::new(Float64Array::from(cells)),
            Column::Texts(cells) => Arc::new(StringArray::from(cells)),
        }
    };
    let columns = headers.iter().enumerate().map(|(k, name)| (name, array(k), true));
    let write = || -> Result<Vec<u8>, parquet::errors::ParquetError> {
        let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
        let mut bytes = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None)?;
        writer.write(&batch)?;
        writer.close()?;
        Ok(bytes)
    };
    write().map_err(|error| DataError::inconsistent(format!("a table that Parquet cannot hold: {error}"), ""))
}

#[cfg(not(feature = "columnar"))]
fn parquet(_: &[String], _: &[Vec<String>]) -> Result<Vec<u8>, DataError> {
    Err(DataError::question(
        "this build does not write Parquet",
        "build with `--features columnar`, or write .csv or .json",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> (Vec<String>, Vec<Vec<String>>) {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        (
            row(["id", "mean", "class", "rank"]),
            vec![
                row(["720575940600000001", "0.5", "PN", "1"]),
                row(["2", "3", "", ""]),
            ],
        )
    }

    #[test]
    fn numbers_are_numbers_and_ids_keep_every_digit() {
        let (headers, rows) = table();
        let text = TableForm::Json.bytes(&headers, &rows).unwrap();
        let read: Value = serde_json::from_slice(&text).unwrap();
        let expected = serde_json::json!([
            {"id": 720_575_940_600_000_001_i64, "mean": 0.5, "class": "PN", "rank": 1},
            {"id": 2, "mean": 3.0, "class": "", "rank": null}
        ]);
        assert_eq!(read, expected);
        let csv = TableForm::Csv.bytes(&headers, &rows).unwrap();
        assert_eq!(csv, b"id,mean,class,rank\n720575940600000001,0.5,PN,1\n2,3,,\n");
    }

    #[cfg(feature = "columnar")]
    #[test]
    fn what_parquet_holds_is_read_back() {
        use arrow_array::cast::AsArray;
        use arrow_array::types::{Float64Type, Int64Type};
        let (headers, rows) = table();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        std::fs::write(&path, TableForm::Parquet.bytes(&headers, &rows).unwrap()).unwrap();
        let file = std::fs::File::open(&path).unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file);
        let batch = reader.unwrap().build().unwrap().next().unwrap().unwrap();
        let ids = batch.column(0).as_primitive::<Int64Type>();
        assert_eq!(ids.values(), &[720_575_940_600_000_001, 2]);
        assert_eq!(
            batch.column(1).as_primitive::<Float64Type>().values(),
            &[0.5, 3.0]
        );
        assert_eq!(batch.column(2).as_string::<i32>().value(0), "PN");
        assert_eq!(batch.column(3).null_count(), 1);
    }

    #[test]
    fn endings_say_the_form() {
        assert_eq!(TableForm::of("a.CSV".as_ref()).unwrap(), TableForm::Csv);
        assert_eq!(TableForm::of("a.parquet".as_ref()).unwrap(), TableForm::Parquet);
        let message = TableForm::of("a.xlsx".as_ref()).unwrap_err().to_string();
        assert!(message.contains("expected one that ends in .csv"), "{message}");
    }
}
