//! Damaged files: bytes of readable ones, changed by a seed. No reader may panic or ask for memory without bounds.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

#[path = "mutated.rs"]
mod mutated;

use mutated::mutated;
use neuropil_connectome::read::load;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What became of the mutations of one kind of file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    pub(crate) read: usize,
    pub(crate) refused: usize,
    pub(crate) panicked: usize,
}

/// Files of the corpus by their kind: single files by ending, folders as `folder`.
pub(crate) fn corpus() -> BTreeMap<String, Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/brought");
    let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder)
        .expect("the corpus")
        .filter_map(Result::ok)
    {
        let path = entry.path();
        let kind = match path.extension() {
            _ if path.is_dir() => "folder".to_owned(),
            Some(ending) if ending != "json" && ending != "txt" => ending.to_string_lossy().into_owned(),
            _ => continue,
        };
        files.entry(kind).or_default().push(path);
    }
    files.values_mut().for_each(|paths| paths.sort());
    files
}

/// Reads `n` mutations of the files of a kind, dealt in turn; returns what became of them.
pub(crate) fn totals(paths: &[PathBuf], n: u64, seed: u64, scratch: &Path) -> Totals {
    let mut totals = Totals::default();
    let originals: Vec<(PathBuf, Vec<(PathBuf, Vec<u8>)>)> =
        paths.iter().map(|path| (path.clone(), parts(path))).collect();
    for index in 0..n {
        let (path, parts) = &originals[index as usize % originals.len()];
        let place = scratch.join(path.file_name().unwrap_or_default());
        let victim = index as usize / originals.len() % parts.len();
        for (k, (part, bytes)) in parts.iter().enumerate() {
            let to = if path.is_dir() {
                std::fs::create_dir_all(&place).expect("a scratch folder");
                place.join(part)
            } else {
                place.clone()
            };
            let bytes = if k == victim {
                mutated(bytes, seed, index)
            } else {
                bytes.clone()
            };
            std::fs::write(to, bytes).expect("a scratch file");
        }
        match std::panic::catch_unwind(|| load(&place).is_ok()) {
            Ok(true) => totals.read += 1,
            Ok(false) => totals.refused += 1,
            Err(_) => {
                eprintln!("mutation {index} of {} (seed {seed}) panics", path.display());
                totals.panicked += 1;
            }
        }
    }
    totals
}

/// The file itself, or the files of a folder of tables.
fn parts(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let read = |path: &Path| std::fs::read(path).expect("a file of the corpus");
    if path.is_file() {
        return vec![(PathBuf::new(), read(path))];
    }
    let names = ["edges.csv", "neurons.csv", "pairs.csv"];
    let parts = names.iter().filter(|name| path.join(name).is_file());
    let parts: Vec<_> = parts
        .map(|name| (PathBuf::from(name), read(&path.join(name))))
        .collect();
    if parts.is_empty() {
        vec![(PathBuf::from("edges.csv"), Vec::new())]
    } else {
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_damaged_file_panics() {
        neuropil_lab::memory::set_limit(256 << 20);
        for (kind, paths) in corpus() {
            let scratch = tempfile::tempdir().unwrap();
            let found = totals(&paths, 600, 1, scratch.path());
            assert_eq!(found.panicked, 0, "{kind}");
            assert!(
                found.refused > 100 && found.read + found.refused == 600,
                "{kind}: {found:?}"
            );
        }
    }

    #[test]
    fn the_seed_decides() {
        let bytes: Vec<u8> = (0..200).collect();
        assert_eq!(mutated(&bytes, 1, 7), mutated(&bytes, 1, 7));
        assert_ne!(mutated(&bytes, 1, 7), mutated(&bytes, 2, 7));
    }
}
