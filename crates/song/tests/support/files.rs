//! Reference files.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// Folder of the reference files.
pub(crate) fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os("NEUROPIL_GOLDEN").map(|folder| PathBuf::from(folder).join("song"));
    let shared = here.join("../../../shared/golden/song");
    given
        .or_else(|| shared.is_dir().then_some(shared))
        .unwrap_or_else(|| here.join("tests/data"))
}

/// Every JSON file whose name starts with `prefix`; none at all is a failure.
pub(crate) fn files(prefix: &str) -> Vec<(String, Value)> {
    let folder = folder();
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<(String, Value)> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| name.starts_with(prefix) && name.ends_with(".json"))
        .map(|(name, path)| {
            (
                name,
                serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap(),
            )
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(
        !files.is_empty(),
        "no reference file {prefix}*.json in {}",
        folder.display()
    );
    files
}

/// All numbers of a nested array, row-major; null is NaN.
pub(crate) fn numbers(json: &Value) -> Vec<f64> {
    match json {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        Value::Null => vec![f64::NAN],
        number => vec![
            number
                .as_f64()
                .unwrap_or_else(|| panic!("{number} is not a number")),
        ],
    }
}
