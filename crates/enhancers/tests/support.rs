//! Where reference numbers and users' inputs are.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::PathBuf;

use serde_json::Value;

/// The folder of reference numbers: `$NEUROPIL_GOLDEN/enhancers`, else beside the repository; `None`, with a word,
/// where there is none.
pub(crate) fn golden() -> Option<PathBuf> {
    folder("golden", std::env::var_os("NEUROPIL_GOLDEN").map(PathBuf::from))
}

/// The folder of users' inputs: `$NEUROPIL_FAULTS/enhancers`, else beside the repository.
pub(crate) fn faults() -> Option<PathBuf> {
    folder("faults", std::env::var_os("NEUROPIL_FAULTS").map(PathBuf::from))
}

fn folder(kind: &str, given: Option<PathBuf>) -> Option<PathBuf> {
    let root = given.unwrap_or_else(|| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared")
            .join(kind)
    });
    let folder = root.join("enhancers");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no folder {}", folder.display());
    None
}

pub(crate) fn json(path: PathBuf) -> Value {
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A number, or a vector of numbers, as a vector.
pub(crate) fn vector(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values
            .iter()
            .map(|value| value.as_f64().unwrap_or(f64::NAN))
            .collect(),
        value => vec![value.as_f64().unwrap_or(f64::NAN)],
    }
}

/// A matrix as one vector, row by row.
pub(crate) fn flat(value: &Value) -> Vec<f64> {
    value.as_array().expect("rows").iter().flat_map(vector).collect()
}

pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("`{key}` is no text in {value}"))
}

#[track_caller]
pub(crate) fn close(found: f64, expected: f64, relative: f64, what: &str) {
    let scale = expected.abs().max(1e-300);
    assert!(
        found == expected || (found - expected).abs() <= relative * scale || (found - expected).abs() < 1e-13,
        "{what}: found {found}, expected {expected}, relative difference {:e}",
        (found - expected).abs() / scale
    );
}
