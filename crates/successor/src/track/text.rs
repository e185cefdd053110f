//! What a file is, from its first bytes, and text of any encoding.

use super::{Found, TrackOptions, delimited, hdf5, labelled, matlab, problem, records};
use crate::error::SuccessorError;
use neuropil_lab::mat::is_mat5;
use std::io::Cursor;
use std::path::Path;

/// The bytes of a file, unpacked if it is a gzip file.
pub(crate) fn bytes_of(path: &Path) -> Result<Vec<u8>, SuccessorError> {
    Ok(neuropil_lab::file::bytes(path)?)
}

/// Reads a file of any form.
pub(crate) fn read_any(path: &Path, options: &TrackOptions) -> Result<Found, SuccessorError> {
    let bytes = bytes_of(path)?;
    if bytes.is_empty() {
        return Err(problem(path, "an empty file", "a track", ""));
    }
    if is_hdf5(&bytes) {
        return hdf5::read(path, bytes, options);
    }
    if bytes.starts_with(b"MATLAB 7.3") {
        return Err(problem(
            path,
            "a MATLAB v7.3 file without its HDF5 part",
            "a whole file",
            "save it anew with `save -v7`",
        ));
    }
    if is_mat5(&bytes) {
        return matlab::read_v5(path, &bytes, options);
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return if bytes
            .windows(9)
            .any(|part| part == b"workbook." || part == b"[Content_")
        {
            sheet(path, bytes, options)
        } else {
            matlab::read_npz(path, bytes, options)
        };
    }
    if bytes.starts_with(b"######## Neuralynx") {
        return records::read_neuralynx(path, &bytes);
    }
    if bytes.starts_with(b"<Start settings>") {
        return records::read_trodes(path, &bytes, options);
    }
    if bytes.starts_with(b"\x93NUMPY") {
        return matlab::read_npy(path, options);
    }
    let text = decoded(path, &bytes)?;
    from_rows(path, delimited::Rows::of(path, &text)?, options)
}

/// HDF5 files begin with their signature, or have it behind a block of 512, 1024, … bytes.
fn is_hdf5(bytes: &[u8]) -> bool {
    let at = |offset: usize| bytes.get(offset..offset + 8) == Some(b"\x89HDF\r\n\x1a\n");
    at(0) || (9..16).any(|power| at(1 << power))
}

/// The text of a file: UTF-8, UTF-16 with its mark, or Latin-1.
pub(crate) fn decoded(path: &Path, bytes: &[u8]) -> Result<String, SuccessorError> {
    let utf16 = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| read(*pair)).collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
        },
    };
    match text.contains('\0') {
        true => Err(problem(
            path,
            "bytes that are no text",
            "a track as text, HDF5, MATLAB, NumPy or a recorder's file",
            "",
        )),
        false if text.contains('\r') => Ok(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Ok(text),
    }
}

/// Tables as they are written by trackers, by people and by programs.
pub(crate) fn from_rows(
    path: &Path,
    rows: delimited::Rows,
    options: &TrackOptions,
) -> Result<Found, SuccessorError> {
    if labelled::is_deeplabcut(&rows) {
        return labelled::read_deeplabcut(path, &rows, options);
    }
    if labelled::is_sleap(&rows) {
        return labelled::read_sleap(path, &rows, options);
    }
    if labelled::is_ethovision(&rows) {
        return labelled::read_ethovision(path, &rows, options);
    }
    delimited::read(path, rows, options)
}

/// The first sheet of a workbook, or the one that is asked for as series.
fn sheet(path: &Path, bytes: Vec<u8>, options: &TrackOptions) -> Result<Found, SuccessorError> {
    use calamine::{Data, Reader};
    let damaged = |error: String| problem(path, format!("does not open ({error})"), "a workbook", "");
    let mut book = calamine::open_workbook_auto_from_rs(Cursor::new(bytes))
        .map_err(|error| damaged(error.to_string()))?;
    let names = book.sheet_names();
    let chosen = super::choose(path, "sheet", "--series", options.series.as_deref(), &names)?;
    let range = book
        .worksheet_range(&names[chosen])
        .map_err(|error| damaged(error.to_string()))?;
    let cell = |data: &Data| match data {
        Data::Empty | Data::Error(_) => String::new(),
        Data::Float(value) => value.to_string(),
        other => other.to_string(),
    };
    let first = range.start().map_or(1, |(row, _)| row as usize + 1);
    let rows = range
        .rows()
        .enumerate()
        .map(|(i, row)| (first + i, row.iter().map(cell).collect()))
        .collect();
    from_rows(
        path,
        delimited::Rows {
            rows,
            decimal_comma: false,
        },
        options,
    )
}
