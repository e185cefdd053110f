//! Edge tables in Parquet and Feather (Arrow IPC) files, as FlyWire and neuPrint export them.

use super::edges;
use crate::data::{Connectome, TYPED_LAYERS};
use crate::error::DataError;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::FileReader;
use arrow_schema::{ArrowError, DataType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fmt::Write;
use std::fs::File;
use std::path::Path;

/// Reads the columns that an edge table has; all others are left alone.
pub(super) fn read(path: &Path) -> Result<Connectome, DataError> {
    let file = File::open(path).map_err(DataError::io(path, "read"))?;
    let damaged = |found: String| DataError::field(path, 0, "", found, "a columnar table");
    let parquet = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("parquet"));
    let batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>> = if parquet {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| damaged(e.to_string()))?;
        Box::new(builder.build().map_err(|e| damaged(e.to_string()))?)
    } else {
        Box::new(FileReader::try_new(file, None).map_err(|e| damaged(e.to_string()))?)
    };
    let mut text = String::new();
    let mut row = 1;
    for batch in batches {
        let batch = batch.map_err(|e| damaged(e.to_string()))?;
        let schema = batch.schema();
        let wanted: Vec<usize> = (0..batch.num_columns())
            .filter(|&k| is_edge_column(schema.field(k).name()))
            .collect();
        if text.is_empty() {
            let names: Vec<&str> = wanted.iter().map(|&k| schema.field(k).name().as_str()).collect();
            text.push_str(&names.join(","));
            text.push('\n');
        }
        for at in 0..batch.num_rows() {
            row += 1;
            for (k, &column) in wanted.iter().enumerate() {
                if k > 0 {
                    text.push(',');
                }
                cell(batch.column(column).as_ref(), at, &mut text).map_err(|found| {
                    DataError::field(
                        path,
                        row,
                        schema.field(column).name().as_str(),
                        found,
                        "a number or a text",
                    )
                })?;
            }
            text.push('\n');
        }
    }
    edges::parse(path, &text)
}

fn is_edge_column(name: &str) -> bool {
    let name = name.to_lowercase();
    let lists = [
        edges::PRE,
        edges::POST,
        edges::WEIGHT,
        edges::LAYER,
        &TYPED_LAYERS[..],
    ];
    lists.iter().any(|list| list.contains(&name.as_str()))
}

/// Appends a value as text. Floating-point numbers keep their decimal point, so that ids among them are refused.
fn cell(array: &dyn Array, at: usize, out: &mut String) -> Result<(), String> {
    if array.is_null(at) {
        return Ok(());
    }
    let written = match array.data_type() {
        DataType::Int8 => write!(out, "{}", array.as_primitive::<Int8Type>().value(at)),
        DataType::Int16 => write!(out, "{}", array.as_primitive::<Int16Type>().value(at)),
        DataType::Int32 => write!(out, "{}", array.as_primitive::<Int32Type>().value(at)),
        DataType::Int64 => write!(out, "{}", array.as_primitive::<Int64Type>().value(at)),
        DataType::UInt8 => write!(out, "{}", array.as_primitive::<UInt8Type>().value(at)),
        DataType::UInt16 => write!(out, "{}", array.as_primitive::<UInt16Type>().value(at)),
        DataType::UInt32 => write!(out, "{}", array.as_primitive::<UInt32Type>().value(at)),
        DataType::UInt64 => write!(out, "{}", array.as_primitive::<UInt64Type>().value(at)),
        DataType::Float32 => write!(out, "{:?}", array.as_primitive::<Float32Type>().value(at)),
        DataType::Float64 => write!(out, "{:?}", array.as_primitive::<Float64Type>().value(at)),
        DataType::Utf8 => write!(out, "{}", array.as_string::<i32>().value(at)),
        DataType::LargeUtf8 => write!(out, "{}", array.as_string::<i64>().value(at)),
        other => return Err(format!("a column of type {other}")),
    };
    written.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};
    use std::sync::Arc;

    fn table() -> RecordBatch {
        let column = |ids: [i64; 3]| Arc::new(Int64Array::from(ids.to_vec())) as ArrayRef;
        let (a, b) = (720_575_940_600_000_001, 720_575_940_600_000_002);
        RecordBatch::try_from_iter([
            ("pre_root_id", column([a, a, b])),
            ("post_root_id", column([b, b, a])),
            (
                "neuropil",
                Arc::new(StringArray::from(vec!["AL_L", "AL_R", "MB"])) as ArrayRef,
            ),
            ("syn_count", Arc::new(Int32Array::from(vec![3, 4, 5])) as ArrayRef),
        ])
        .unwrap()
    }

    fn write(path: &Path, batch: &RecordBatch) {
        let file = File::create(path).unwrap();
        if path.extension().is_some_and(|e| e == "parquet") {
            let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
            writer.write(batch).unwrap();
            writer.close().unwrap();
        } else {
            let mut writer = arrow_ipc::writer::FileWriter::try_new(file, &batch.schema()).unwrap();
            writer.write(batch).unwrap();
            writer.finish().unwrap();
        }
    }

    #[test]
    fn both_forms_keep_every_digit_and_sum_rows() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["connections.parquet", "connections.feather"] {
            let path = folder.path().join(name);
            write(&path, &table());
            let c = crate::read::load(&path).unwrap();
            assert_eq!(
                c.ids,
                [720_575_940_600_000_001, 720_575_940_600_000_002],
                "{name}"
            );
            assert_eq!(
                (c.layers["chem"].weight(0, 1), c.layers["chem"].weight(1, 0)),
                (7.0, 5.0)
            );
        }
    }

    #[test]
    fn floating_point_ids_and_other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.parquet");
        let ids = || Arc::new(Float64Array::from(vec![7.205e17, 2.0])) as ArrayRef;
        let weight = Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef;
        let batch =
            RecordBatch::try_from_iter([("pre", ids()), ("post", ids()), ("weight", weight)]).unwrap();
        write(&path, &batch);
        let message = crate::read::load(&path).unwrap_err().to_string();
        assert!(
            message.contains("e.parquet:2: pre: `7.205e17`, expected an integer id"),
            "{message}"
        );
        std::fs::write(&path, "not a table").unwrap();
        assert!(
            crate::read::load(&path)
                .unwrap_err()
                .to_string()
                .contains("expected a columnar table")
        );
    }
}
