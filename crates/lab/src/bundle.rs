//! Several files that are written and read as one.
//!
//! Each new file first lies beside its place under a hidden name. Then the index, which holds the checksums of all, is
//! renamed into place: that is the moment at which they are there, all at once. Then each takes its name. A reader
//! takes what the index's checksums say, under either name; what fits under neither is an error.

use crate::error::LabError;
use crate::hash::Sum;
use crate::{atomic, atomic::read_if_there, sealed};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Checksums of the files of a bundle, by name.
pub type Sums = BTreeMap<String, Sum>;

/// Name that a new file has until the index speaks of it.
fn next(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!(".{name}.next"))
}

/// Lays new files beside their places; the index comes next.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn lay(folder: &Path, files: &[(&str, &[u8])]) -> Result<Sums, LabError> {
    let mut sums = Sums::new();
    for (name, bytes) in files {
        atomic::write(&next(folder, name), bytes)?;
        sums.insert((*name).to_owned(), Sum::of(bytes));
    }
    Ok(sums)
}

/// Gives the files that an index speaks of their names, where a kill came before.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn settle(folder: &Path, sums: &Sums) -> Result<(), LabError> {
    for (name, sum) in sums {
        let (waiting, place) = (next(folder, name), folder.join(name));
        if read_if_there(&waiting)?.is_some_and(|bytes| Sum::of(&bytes) == *sum) {
            fs::rename(&waiting, &place).map_err(LabError::io(&place, "write"))?;
        }
    }
    Ok(())
}

/// Removes files that no index ever spoke of.
pub(crate) fn remove_unspoken(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(b".") && name.ends_with(b".next") {
            let _ = fs::remove_file(entry.path()); // left behind, it does no harm
        }
    }
}

/// The file that an index speaks of.
///
/// # Errors
/// It is missing, cannot be read, or is not the one that was written with the index.
pub(crate) fn find(folder: &Path, name: &str, sum: Sum) -> Result<Vec<u8>, LabError> {
    let place = folder.join(name);
    let found = read_if_there(&place)?;
    let there = found.is_some();
    let fits = |bytes: &Vec<u8>| Sum::of(bytes) == sum;
    if let Some(bytes) = found.filter(fits) {
        return Ok(bytes);
    }
    if let Some(bytes) = read_if_there(&next(folder, name))?.filter(fits) {
        return Ok(bytes);
    }
    let what = if there {
        "damaged or of another moment: the checksum does not fit"
    } else {
        "missing"
    };
    Err(LabError::content(
        &place,
        what,
        "the file as it was written with its index",
    ))
}

/// Files that are being written as one.
///
/// ```
/// use neuropil_lab::{atomic, bundle};
/// let folder = tempfile::tempdir()?;
/// let mut new = bundle::Bundle::begin(folder.path(), "both.json")?;
/// atomic::write(&new.place("a.csv"), b"1")?;
/// atomic::write(&new.place("a.npz"), b"2")?;
/// assert!(!folder.path().join("a.csv").exists());
/// new.commit(&"how they were made")?;
/// let (paths, made) = bundle::paths(folder.path(), "both.json")?.expect("they are there");
/// assert_eq!((paths["a.npz"].clone(), made.as_str()), (folder.path().join("a.npz"), Some("how they were made")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Bundle {
    folder: PathBuf,
    index: String,
    names: Vec<String>,
}

impl Bundle {
    /// Begins to write files of a folder, in the place of those that its index speaks of.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn begin(folder: &Path, index: &str) -> Result<Self, LabError> {
        // What a killed writer left may be what the present index speaks of. One that cannot be read is replaced, and
        // nothing that it spoke of is left to lose.
        if let Ok(Some((sums, _))) = read_index(folder, index) {
            settle(folder, &sums)?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            index: index.to_owned(),
            names: Vec::new(),
        })
    }

    /// Where to write a file until all are there.
    pub fn place(&mut self, name: &str) -> PathBuf {
        self.names.push(name.to_owned());
        next(&self.folder, name)
    }

    /// All are there: they take their names. `made` says how they were made.
    ///
    /// # Errors
    /// The folder cannot be written; then what was there before is still there.
    pub fn commit(self, made: &impl Serialize) -> Result<(), LabError> {
        let sum = |name: String| {
            let path = next(&self.folder, &name);
            let bytes = fs::read(&path).map_err(LabError::io(&path, "read"))?;
            Ok((name, Sum::of(&bytes)))
        };
        let sums: Sums = self.names.into_iter().map(sum).collect::<Result<_, LabError>>()?;
        sealed::save(
            &self.folder.join(&self.index),
            &json!({ "files": sums, "made": made }),
        )?;
        settle(&self.folder, &sums)
    }
}

/// Where the files of a bundle lie, each checked, and how they were made; none if there is no index.
///
/// # Errors
/// One of them is missing, damaged, or of another moment than the index.
pub fn paths(folder: &Path, index: &str) -> Result<Option<(BTreeMap<String, PathBuf>, Value)>, LabError> {
    let Some((sums, made)) = read_index(folder, index)? else {
        return Ok(None);
    };
    let path = |(name, sum): (String, Sum)| {
        find(folder, &name, sum)?;
        let place = folder.join(&name);
        let there = read_if_there(&place)?.is_some_and(|bytes| Sum::of(&bytes) == sum);
        let path = if there { place } else { next(folder, &name) };
        Ok((name, path))
    };
    let paths = sums.into_iter().map(path).collect::<Result<_, LabError>>()?;
    Ok(Some((paths, made)))
}

/// Writes files, and `index` (`NAME.json` in the same folder) with their checksums and how they were made.
///
/// # Errors
/// The folder cannot be written; then what was there before is still there.
pub fn write(
    folder: &Path,
    index: &str,
    made: &impl Serialize,
    files: &[(&str, &[u8])],
) -> Result<(), LabError> {
    Bundle::begin(folder, index)?;
    let sums = lay(folder, files)?;
    sealed::save(&folder.join(index), &json!({ "files": sums, "made": made }))?;
    settle(folder, &sums)
}

/// Files of a bundle by name, and how they were made; none if there is no index.
///
/// # Errors
/// One of them is missing, damaged, or of another moment than the index.
pub fn read(folder: &Path, index: &str) -> Result<Option<(BTreeMap<String, Vec<u8>>, Value)>, LabError> {
    let Some((sums, made)) = read_index(folder, index)? else {
        return Ok(None);
    };
    let files = sums.into_iter().map(|(name, sum)| {
        let bytes = find(folder, &name, sum)?;
        Ok((name, bytes))
    });
    Ok(Some((files.collect::<Result<_, LabError>>()?, made)))
}

/// What an index says.
#[derive(Deserialize)]
struct Index {
    files: Sums,
    made: Value,
}

fn read_index(folder: &Path, index: &str) -> Result<Option<(Sums, Value)>, LabError> {
    let index = sealed::load::<Index>(&folder.join(index))?;
    Ok(index.map(|index| (index.files, index.made)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(folder: &Path) -> Option<(String, String)> {
        let (files, _) = read(folder, "both.json").ok()??;
        let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
        Some((text("a"), text("b")))
    }

    /// Every state that a kill can leave between the writes of two files is the old pair or the new one.
    #[test]
    fn a_kill_between_any_two_steps_leaves_the_old_pair_or_the_new() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let pair = |n: u8| [format!("a{n}"), format!("b{n}")];
        let begin = |n: u8| {
            let [a, b] = pair(n);
            write(
                folder,
                "both.json",
                &json!({ "n": n }),
                &[("a", a.as_bytes()), ("b", b.as_bytes())],
            )
            .unwrap();
        };
        let is = |n: u8| {
            let [a, b] = pair(n);
            assert_eq!(both(folder), Some((a, b)));
        };
        begin(1);
        is(1);
        atomic::write(&next(folder, "a"), b"a2").unwrap();
        is(1);
        atomic::write(&next(folder, "b"), b"b2").unwrap();
        is(1);
        let sums = Sums::from([("a".to_owned(), Sum::of(b"a2")), ("b".to_owned(), Sum::of(b"b2"))]);
        sealed::save(
            &folder.join("both.json"),
            &json!({ "files": sums, "made": { "n": 2 } }),
        )
        .unwrap();
        is(2);
        fs::rename(next(folder, "a"), folder.join("a")).unwrap();
        is(2);
        // And writing goes on from there, whatever it finds.
        begin(3);
        is(3);
        let names = fs::read_dir(folder).unwrap().count();
        assert_eq!(names, 3, "nothing hidden is left");
    }

    #[test]
    fn a_file_of_another_moment_or_with_a_flipped_bit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "both.json", &json!({}), &[("a", b"a"), ("b", b"b")]).unwrap();
        fs::write(folder.join("b"), b"c").unwrap();
        let words = read(folder, "both.json").unwrap_err().to_string();
        assert!(words.contains("b: damaged or of another moment"), "{words}");
        fs::remove_file(folder.join("b")).unwrap();
        let words = read(folder, "both.json").unwrap_err().to_string();
        assert!(words.contains("b: missing"), "{words}");
        let index = fs::read(folder.join("both.json")).unwrap();
        for at in 0..index.len() {
            let mut flipped = index.clone();
            flipped[at] ^= 1;
            fs::write(folder.join("both.json"), flipped).unwrap();
            assert!(read(folder, "both.json").is_err(), "bit 0 of byte {at}"); // of a blank as well: `!` or 0x0B
        }
        assert!(read(folder, "none.json").unwrap().is_none());
    }
}
