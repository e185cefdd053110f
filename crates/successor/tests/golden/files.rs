//! Where reference numbers are and how they are read.

use neuropil_successor::matrix::Matrix;
use serde_json::Value;
use std::path::{Path, PathBuf};

pub(crate) fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os("NEUROPIL_GOLDEN").map(|folder| PathBuf::from(folder).join("successor"));
    let shared = here.join("../../../shared/golden/successor");
    given
        .or_else(|| shared.is_dir().then_some(shared))
        .unwrap_or_else(|| here.join("tests/data"))
}

/// A reference that must exist.
pub(crate) fn json(name: &str) -> Value {
    let path = folder().join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&bytes).unwrap()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        Value::Bool(flag) => vec![f64::from(u8::from(*flag))],
        other => vec![other.as_f64().unwrap_or(f64::NAN)],
    }
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

pub(crate) fn states(value: &Value) -> Vec<usize> {
    numbers(value).iter().map(|state| *state as usize).collect()
}

pub(crate) fn matrix(value: &Value) -> Matrix {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(numbers).collect();
    Matrix::from_rows(&rows)
}

#[track_caller]
pub(crate) fn close(what: &str, ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}: number of values");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        let same = a.is_nan() && b.is_nan() || (a - b).abs() <= tolerance;
        assert!(same, "{what}: value {i} is {a}, expected {b}");
    }
}
