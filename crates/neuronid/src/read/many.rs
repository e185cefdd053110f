//! Many worms at once: a table with a column `worm`, or a folder of files.

use super::{Told, read};
use crate::error::{NeuronidError, content};
use crate::worm::Worm;
use std::path::Path;

/// Worms by name, sorted, and what had to be said about the files: a folder gives one worm a file, by the file's name;
/// a table its worms, by its column `worm`. Names that name no neuron are left out.
///
/// # Errors
/// As [`read`]; no worm at all.
pub fn read_many(path: &Path, told: &Told) -> Result<(Vec<(String, Worm)>, Vec<String>), NeuronidError> {
    let (mut worms, mut said) = (Vec::new(), Vec::new());
    let files = if path.is_dir() {
        let unreadable = |error: std::io::Error| content(path, error.to_string(), "a folder of worms");
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            if file.is_file() && file.extension().is_some() {
                files.push(file);
            }
        }
        files.sort();
        files
    } else {
        vec![path.to_owned()]
    };
    for file in files {
        let recording = read(&file, told)?;
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        said.extend(
            recording
                .said
                .iter()
                .map(|line| format!("{}: {line}", file.display())),
        );
        let alone = recording.volumes.len() == 1;
        for (number, worm) in recording.volumes {
            let title = match recording.titles.get(&number) {
                Some(title) => title.clone(),
                None if alone => name.clone(),
                None => format!("{name} {number}"),
            };
            worms.push((title, worm.known()));
        }
    }
    if worms.is_empty() {
        return Err(content(
            path,
            "no worm",
            "a table with a column `worm`, or a folder of worms",
        ));
    }
    worms.sort_by(|a, b| a.0.cmp(&b.0));
    Ok((worms, said))
}
