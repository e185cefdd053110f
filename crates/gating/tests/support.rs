//! Where reference numbers and users' inputs are, and how they are read.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::keeper::Begin;
use neuropil_lab::provenance::Origin;
use neuropil_study::life::{self, Order};
use neuropil_study::{Job, Unwatched};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The folder of reference numbers: `$NEUROPIL_GOLDEN/gating`, or beside the repository; the crate's own copies else.
pub(crate) fn golden_folder() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden");
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/gating");
    let given = std::env::var_os("NEUROPIL_GOLDEN").map(|path| Path::new(&path).join("gating"));
    [given, Some(beside)]
        .into_iter()
        .flatten()
        .find(|path| path.is_dir())
        .unwrap_or(own)
}

/// A file of reference numbers, or none, said, when it is not there.
pub(crate) fn golden(name: &str) -> Option<Value> {
    let path = golden_folder().join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not here", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The folder of users' inputs, or none, said, when it is not there.
#[allow(dead_code)]
pub(crate) fn faults() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/faults/gating");
    if !path.is_dir() {
        eprintln!("skipped: {} is not here", path.display());
        return None;
    }
    Some(path)
}

/// All numbers of nested lists, row-major.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        Value::Number(number) => vec![number.as_f64().expect("a number")],
        Value::Bool(flag) => vec![f64::from(u8::from(*flag))],
        other => panic!("{other} where numbers should be"),
    }
}

/// All whole numbers of nested lists.
pub(crate) fn wholes(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|number| number as usize).collect()
}

/// Fails where two lists differ by more than `relative` of the larger value, and by more than `absolute`.
pub(crate) fn near(what: &str, found: &[f64], expected: &[f64], relative: f64, absolute: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let bound = absolute + relative * found.abs().max(expected.abs());
        assert!(
            (found - expected).abs() <= bound,
            "{what} [{i}]: {found}, expected {expected}"
        );
    }
}

/// Trains in a folder, in pieces that end after so many updates, the last one at the end; the last checkpoint.
pub(crate) fn train(job: &dyn Job, out: &Path, pieces: &[u64]) -> Checkpoint {
    let pieces = pieces.iter().map(|&updates| Some(updates)).chain([None]);
    for (number, updates) in pieces.enumerate() {
        let order = Order {
            out,
            begin: if number == 0 { Begin::New } else { Begin::Resume },
            updates,
            only: true,
            origin: &Origin::default(),
        };
        life::run(job, &order, &Unwatched).unwrap();
    }
    Checkpoint::load(&out.join("checkpoint/last.safetensors")).unwrap()
}
