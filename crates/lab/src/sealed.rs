//! Small records as JSON files that notice when they were changed.

use crate::atomic;
use crate::error::LabError;
use crate::hash::{seal, unseal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::Path;

/// Writes a record, atomically; its last entry is a checksum of the others.
///
/// # Errors
/// The file cannot be written.
///
/// # Panics
/// When the record is not written as an object.
pub fn save(path: &Path, record: &impl Serialize) -> Result<(), LabError> {
    let record = serde_json::to_value(record).expect("a record is JSON");
    let Value::Object(mut record) = record else {
        panic!("a record is an object, not {record}")
    };
    seal(&mut record);
    let mut bytes = serde_json::to_vec_pretty(&record).expect("a map is JSON");
    bytes.push(b'\n');
    atomic::write(path, &bytes)
}

/// Reads a record; none if there is no such file.
///
/// # Errors
/// It cannot be read, was changed, or is something else.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, LabError> {
    let Some(bytes) = atomic::read_if_there(path)? else {
        return Ok(None);
    };
    let damaged = |what: String| LabError::content(path, what, "the record as written");
    let mut record: Map<String, Value> =
        serde_json::from_slice(&bytes).map_err(|error| damaged(format!("damaged: {error}")))?;
    if unseal(&mut record) != Some(true) {
        return Err(damaged("damaged: the checksum does not fit".to_owned()));
    }
    serde_json::from_value(record.into())
        .map(Some)
        .map_err(|error| damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_flipped_bit_of_a_record_is_noticed_or_a_blank() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        type Record = BTreeMap<String, f64>;
        assert_eq!(load::<Record>(&path).unwrap(), None);
        let record = Record::from([("a".to_owned(), 0.1), ("b".to_owned(), -2e-30)]);
        save(&path, &record).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                std::fs::write(&path, &flipped).unwrap();
                if let Ok(read) = load::<Record>(&path) {
                    assert_eq!(read, Some(record.clone()), "bit {bit} of byte {at}");
                }
            }
        }
    }
}
