//! Tables as CSV.

use crate::atomic;
use crate::error::LabError;
use std::path::Path;

/// Writes a table, atomically; one text per cell.
///
/// # Errors
/// The file cannot be written.
pub fn write_csv(path: &Path, headers: &[String], rows: &[Vec<String>]) -> Result<(), LabError> {
    atomic::write(path, csv_text(headers, rows).as_bytes())
}

/// The text of a CSV file, quoted where necessary.
pub fn csv_text(headers: &[String], rows: &[Vec<String>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in std::iter::once(headers).chain(rows.iter().map(Vec::as_slice)) {
        writer.write_record(row).expect("every row has a cell per header");
    }
    String::from_utf8(writer.into_inner().expect("memory does not fail")).expect("cells are UTF-8")
}
