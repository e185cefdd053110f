//! Reference files.

use neuropil_connectome::data::Connectome;
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Folder of the reference files.
pub(crate) fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os("NEUROPIL_GOLDEN").map(|folder| PathBuf::from(folder).join("connectome"));
    let shared = here.join("../../../shared/golden/connectome");
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

/// A path, or `None` with a message when published data are absent.
pub(crate) fn published(name: &str) -> Option<PathBuf> {
    let path = folder().join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!(
        "skipped: {} is absent (published data are not part of the repository)",
        path.display()
    );
    None
}

/// The larval brain, loaded once.
pub(crate) fn larva() -> Option<&'static Connectome> {
    static LARVA: OnceLock<Option<Connectome>> = OnceLock::new();
    LARVA
        .get_or_init(|| Some(neuropil_connectome::read::load(&published("winding2023")?).unwrap()))
        .as_ref()
}

/// Rows of a packed table, header first.
pub(crate) fn table(path: &Path) -> Vec<Vec<String>> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    text.lines()
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

/// A number.
pub(crate) fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is not a number"))
}

/// All numbers of a nested array.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        Value::Null => vec![f64::NEG_INFINITY],
        other => vec![number(other)],
    }
}

/// Indices.
pub(crate) fn indices(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|x| x as usize).collect()
}

/// Equal within an absolute tolerance.
pub(crate) fn close(what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found}, expected {expected} ± {tolerance}"
    );
}
