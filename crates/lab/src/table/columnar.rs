//! Parquet and Feather (Arrow IPC), as `FlyWire` and neuPrint export them.

use super::{Column, Table};
use crate::error::LabError;
use crate::memory;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_ipc::reader::FileReader;
use arrow_schema::{ArrowError, DataType};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Values of a column while batches are joined.
enum Joined {
    Integer(Vec<Option<i64>>),
    Number(Vec<f64>),
    Flag(Vec<Option<bool>>),
    Text(Vec<String>),
}

pub(super) fn read(path: &Path) -> Result<Table, LabError> {
    let damaged = |found: String| LabError::place(path, 0, "", found, "a columnar table");
    let mut names: Vec<String> = Vec::new();
    let mut columns: Vec<Option<Joined>> = Vec::new();
    let mut n_rows = 0;
    for batch in batches(path)? {
        let batch = batch.map_err(|error| damaged(error.to_string()))?;
        let schema = batch.schema();
        if names.is_empty() {
            names = schema.fields().iter().map(|field| field.name().clone()).collect();
            columns = names.iter().map(|_| None).collect();
        }
        n_rows += batch.num_rows();
        memory::claim(
            path,
            "its cells",
            n_rows.saturating_mul(names.len()),
            size_of::<f64>(),
        )?;
        for (joined, array) in columns.iter_mut().zip(batch.columns()) {
            append(joined, array.as_ref());
        }
    }
    let mut table = Table {
        path: path.to_owned(),
        ..Table::default()
    };
    for (name, joined) in names.into_iter().zip(columns) {
        // Lists, structures and times are left out: nothing here asks for them.
        let Some(column) = joined.map(finished) else {
            continue;
        };
        if table.names().any(|own| own == name) {
            let found = format!("the column `{name}` twice");
            return Err(LabError::place(path, 0, "header", found, "every name once"));
        }
        table = table.with(
            if name == "__index_level_0__" {
                String::new()
            } else {
                name
            },
            column,
        );
    }
    Ok(table)
}

fn batches(path: &Path) -> Result<Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>, LabError> {
    let file = File::open(path).map_err(LabError::io(path, "read"))?;
    let damaged = |found: String| LabError::place(path, 0, "", found, "a columnar table");
    if super::ending(path) == "parquet" {
        let builder =
            ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| damaged(error.to_string()))?;
        Ok(Box::new(
            builder.build().map_err(|error| damaged(error.to_string()))?,
        ))
    } else {
        Ok(Box::new(
            FileReader::try_new(file, None).map_err(|error| damaged(error.to_string()))?,
        ))
    }
}

/// Appends an array; one of another kind than those before turns the column into text.
fn append(joined: &mut Option<Joined>, array: &dyn Array) {
    let Some(more) = values(array) else { return };
    *joined = Some(match (joined.take(), more) {
        (None, more) => more,
        (Some(Joined::Integer(mut own)), Joined::Integer(more)) => {
            own.extend(more);
            Joined::Integer(own)
        }
        (Some(Joined::Number(mut own)), Joined::Number(more)) => {
            own.extend(more);
            Joined::Number(own)
        }
        (Some(Joined::Flag(mut own)), Joined::Flag(more)) => {
            own.extend(more);
            Joined::Flag(own)
        }
        (Some(own), more) => {
            let mut own = texts(own);
            own.extend(texts(more));
            Joined::Text(own)
        }
    });
}

fn texts(joined: Joined) -> Vec<String> {
    match joined {
        Joined::Text(values) => values,
        Joined::Integer(values) => values
            .into_iter()
            .map(|v| v.map_or(String::new(), |v| v.to_string()))
            .collect(),
        Joined::Flag(values) => values
            .into_iter()
            .map(|v| v.map_or(String::new(), |v| v.to_string()))
            .collect(),
        Joined::Number(values) => values.into_iter().map(super::cell::written).collect(),
    }
}

/// A column of the joined values: whole numbers with gaps are numbers where no digit is lost, else text.
fn finished(joined: Joined) -> Column {
    const EXACT: u64 = 1 << 53;
    match joined {
        Joined::Text(values) => Column::Text(values),
        Joined::Number(values) => Column::Number(values),
        Joined::Flag(values) => match values.iter().copied().collect() {
            Some(flags) => Column::Flag(flags),
            None => Column::Text(texts(Joined::Flag(values))),
        },
        Joined::Integer(values) => match values.iter().copied().collect() {
            Some(integers) => Column::Integer(integers),
            None if values.iter().flatten().all(|value| value.unsigned_abs() <= EXACT) => Column::Number(
                values
                    .into_iter()
                    .map(|value| value.map_or(f64::NAN, |v| v as f64))
                    .collect(),
            ),
            None => Column::Text(texts(Joined::Integer(values))),
        },
    }
}

fn integers<T: ArrowPrimitiveType>(array: &dyn Array) -> Joined
where
    T::Native: TryInto<i64> + ToString,
{
    let array = array.as_primitive::<T>();
    let values: Option<Vec<Option<i64>>> = array
        .iter()
        .map(|value| value.map_or(Some(None), |value| value.try_into().ok().map(Some)))
        .collect();
    let texts = || {
        array
            .iter()
            .map(|value| value.map_or(String::new(), |value| value.to_string()))
            .collect()
    };
    values.map_or_else(|| Joined::Text(texts()), Joined::Integer)
}

fn numbers<T: ArrowPrimitiveType>(array: &dyn Array) -> Joined
where
    T::Native: Into<f64>,
{
    let array = array.as_primitive::<T>();
    Joined::Number(
        array
            .iter()
            .map(|value| value.map_or(f64::NAN, Into::into))
            .collect(),
    )
}

/// What an array holds, if it is of a plain kind.
fn values(array: &dyn Array) -> Option<Joined> {
    let texts = |values: &mut dyn Iterator<Item = Option<&str>>| {
        Joined::Text(values.map(|value| value.unwrap_or_default().to_owned()).collect())
    };
    Some(match array.data_type() {
        DataType::Int8 => integers::<Int8Type>(array),
        DataType::Int16 => integers::<Int16Type>(array),
        DataType::Int32 => integers::<Int32Type>(array),
        DataType::Int64 => integers::<Int64Type>(array),
        DataType::UInt8 => integers::<UInt8Type>(array),
        DataType::UInt16 => integers::<UInt16Type>(array),
        DataType::UInt32 => integers::<UInt32Type>(array),
        DataType::UInt64 => integers::<UInt64Type>(array),
        DataType::Float32 => numbers::<Float32Type>(array),
        DataType::Float64 => numbers::<Float64Type>(array),
        DataType::Boolean => Joined::Flag(array.as_boolean().iter().collect()),
        DataType::Utf8 => texts(&mut array.as_string::<i32>().iter()),
        DataType::LargeUtf8 => texts(&mut array.as_string::<i64>().iter()),
        DataType::Utf8View => texts(&mut array.as_string_view().iter()),
        DataType::Dictionary(_, _) => categories(array)?,
        _ => return None,
    })
}

/// A column of categories, as text.
fn categories(array: &dyn Array) -> Option<Joined> {
    let dictionary = array.as_any_dictionary_opt()?;
    if dictionary.values().is_empty() {
        return Some(Joined::Text(vec![String::new(); array.len()]));
    }
    let names = match values(dictionary.values().as_ref())? {
        Joined::Text(names) => names,
        other => self::texts(other),
    };
    let keys = dictionary.normalized_keys().into_iter().enumerate();
    let name = |(row, key): (usize, usize)| {
        if array.is_null(row) {
            String::new()
        } else {
            names[key].clone()
        }
    };
    Some(Joined::Text(keys.map(name).collect()))
}

/// A table as the bytes of a Parquet file.
pub(super) fn bytes(table: &Table) -> Result<Vec<u8>, LabError> {
    let array = |column: &Column| -> ArrayRef {
        match column {
            Column::Text(values) => Arc::new(StringArray::from_iter_values(values)),
            Column::Integer(values) => Arc::new(Int64Array::from(values.clone())),
            Column::Flag(values) => Arc::new(BooleanArray::from(values.clone())),
            Column::Number(values) => {
                let known = values
                    .iter()
                    .map(|&value| Some(value).filter(|value| !value.is_nan()));
                Arc::new(known.collect::<Float64Array>())
            }
        }
    };
    let columns = table
        .columns()
        .iter()
        .map(|(name, column)| (name, array(column), true));
    let write = || -> Result<Vec<u8>, parquet::errors::ParquetError> {
        let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None)?;
        writer.write(&batch)?;
        writer.close()?;
        Ok(bytes)
    };
    write().map_err(|error| {
        LabError::place(
            table.path(),
            0,
            "",
            error.to_string(),
            "a table that Parquet can hold",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Form;
    use arrow_array::{DictionaryArray, Int32Array, UInt64Array};

    #[test]
    fn what_parquet_holds_is_read_back_with_its_kinds() {
        let table = Table::new()
            .with("id", vec![720_575_940_600_000_001_i64, 2])
            .with("mean", vec![0.5, f64::NAN])
            .with("class", vec!["PN", ""])
            .with("known", vec![true, false]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        table.write(&path, Form::Parquet).unwrap();
        let back = Table::read(&path).unwrap();
        assert_eq!(back.integers("id").unwrap(), [720_575_940_600_000_001, 2]);
        assert!(back.numbers("mean").unwrap()[1].is_nan());
        assert_eq!(back.texts("class").unwrap(), ["PN", ""]);
        assert_eq!(back.column("known").unwrap(), &Column::Flag(vec![true, false]));
        std::fs::write(&path, "not a table").unwrap();
        assert!(
            Table::read(&path)
                .unwrap_err()
                .to_string()
                .contains("expected a columnar table")
        );
    }

    #[test]
    fn feather_with_categories_gaps_and_large_ids_loses_nothing() {
        let batch = RecordBatch::try_from_iter([
            (
                "type",
                Arc::new(
                    ["a", "b", "a"]
                        .into_iter()
                        .collect::<DictionaryArray<Int32Type>>(),
                ) as ArrayRef,
            ),
            (
                "n",
                Arc::new(Int32Array::from(vec![Some(1), None, Some(3)])) as ArrayRef,
            ),
            (
                "id",
                Arc::new(UInt64Array::from(vec![1, u64::MAX, 2])) as ArrayRef,
            ),
        ])
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.feather");
        let mut writer =
            arrow_ipc::writer::FileWriter::try_new(File::create(&path).unwrap(), &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        let table = Table::read(&path).unwrap();
        assert_eq!(table.texts("type").unwrap(), ["a", "b", "a"]);
        assert_eq!(table.optional_integers("n").unwrap(), [Some(1), None, Some(3)]);
        assert_eq!(table.texts("id").unwrap()[1], u64::MAX.to_string());
        let message = table.integers("id").unwrap_err().to_string();
        assert!(
            message.contains("the largest is 9223372036854775807"),
            "{message}"
        );
    }
}
