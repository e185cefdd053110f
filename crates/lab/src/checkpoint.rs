//! Checkpoints: named arrays and a state, in one file that is whole or absent.
//!
//! Everything that a run needs to go on is in a single safetensors file, so that no kill can leave two files
//! that disagree. Its bytes depend on its content alone: no times, sorted names.

use crate::atomic;
use crate::error::LabError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Version of the format; other versions are refused by name.
pub const FORMAT_VERSION: u32 = 1;

/// Named `f32` arrays, a JSON state, and the settings they belong to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Shape and values, row-major, by name.
    pub arrays: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    /// Counters, history: whatever is not an array.
    pub state: Value,
    /// Resolved settings as TOML.
    pub config: String,
}

impl Checkpoint {
    /// The file's bytes.
    fn to_bytes(&self) -> Vec<u8> {
        let raw: BTreeMap<&String, Vec<u8>> = self
            .arrays
            .iter()
            .map(|(name, (_, values))| (name, values.iter().flat_map(|x| x.to_le_bytes()).collect()))
            .collect();
        let views = self.arrays.iter().map(|(name, (shape, _))| {
            let view = TensorView::new(Dtype::F32, shape.clone(), &raw[name]);
            (name.clone(), view.expect("as many values as the shape says"))
        });
        // One entry: the library writes several in no fixed order.
        let content = raw
            .values()
            .fold(crc(&[]), |sum, bytes| sum.rotate_left(1) ^ crc(bytes));
        let neuropil = serde_json::json!({
            "format_version": FORMAT_VERSION,
            "checksum": format!("{content:016x}"),
            "state": self.state,
            "config": self.config,
        });
        let metadata = HashMap::from([("neuropil".to_owned(), neuropil.to_string())]);
        safetensors::serialize(views, Some(metadata)).expect("names and shapes are valid")
    }

    /// Writes the file, atomically.
    ///
    /// # Errors
    /// The file cannot be written; an older one stays as it was.
    pub fn save(&self, path: &Path) -> Result<(), LabError> {
        atomic::write(path, &self.to_bytes())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Missing, cut short, damaged, or of another version: says which.
    pub fn load(path: &Path) -> Result<Self, LabError> {
        let bytes = std::fs::read(path).map_err(LabError::io(path, "read"))?;
        Self::from_bytes(path, &bytes)
    }

    fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, LabError> {
        let length = bytes.len();
        let foreign = |what: String| LabError::content(path, what, "a neuropil checkpoint");
        let Some(header) = bytes.first_chunk::<8>().map(|head| u64::from_le_bytes(*head)) else {
            return Err(foreign(format!("cut short after {length} bytes")));
        };
        let (size, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| match error {
            safetensors::SafeTensorError::InvalidHeaderLength
            | safetensors::SafeTensorError::MetadataIncompleteBuffer
                if header < 100_000_000 =>
            {
                foreign(format!("cut short after {length} bytes"))
            }
            error => foreign(format!("damaged or of another kind ({error})")),
        })?;
        let expected = 8 + size + metadata.data_len();
        if length != expected {
            let what = format!("cut short: {length} bytes");
            return Err(LabError::content(path, what, format!("{expected} bytes")));
        }
        let own = metadata
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get("neuropil"));
        let own: Value = own
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        match own["format_version"].as_u64() {
            Some(version) if version == u64::from(FORMAT_VERSION) => {}
            Some(version) => {
                return Err(LabError::content(
                    path,
                    format!("a checkpoint of format version {version}"),
                    format!("version {FORMAT_VERSION}: use the neuropil that wrote it"),
                ));
            }
            None => return Err(foreign("a safetensors file of another program".into())),
        }
        let tensors =
            SafeTensors::deserialize(bytes).map_err(|error| foreign(format!("damaged ({error})")))?;
        let mut checkpoint = Self {
            state: own["state"].clone(),
            config: own["config"].as_str().unwrap_or_default().to_owned(),
            ..Self::default()
        };
        let mut sums = BTreeMap::new();
        for (name, view) in tensors.tensors() {
            let (values, _) = view.data().as_chunks::<4>();
            let values = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            sums.insert(name.clone(), crc(view.data()));
            checkpoint.arrays.insert(name, (view.shape().to_vec(), values));
        }
        let content = sums
            .values()
            .fold(crc(&[]), |sum, part| sum.rotate_left(1) ^ part);
        if own["checksum"].as_str() != Some(&format!("{content:016x}")) {
            return Err(LabError::content(
                path,
                "damaged: the checksum does not fit",
                "the bytes as written",
            ));
        }
        Ok(checkpoint)
    }
}

/// FNV-1a, 64 bits.
fn crc(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Checkpoint {
        Checkpoint {
            arrays: BTreeMap::from([
                (
                    "policy.w_rec".to_owned(),
                    (vec![2, 3], vec![1.0, -2.5, 0.0, 3.0, f32::MIN_POSITIVE, 1e30]),
                ),
                ("value.x0".to_owned(), (vec![2], vec![0.5, 0.5])),
            ]),
            state: serde_json::json!({ "update": 50, "best": 0.123_456_789_012_345_67 }),
            config: "seed = 1\n".to_owned(),
        }
    }

    #[test]
    fn what_is_saved_is_loaded_and_bytes_repeat() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.safetensors");
        example().save(&path).unwrap();
        assert_eq!(Checkpoint::load(&path).unwrap(), example());
        assert_eq!(std::fs::read(&path).unwrap(), example().to_bytes());
    }

    #[test]
    fn a_file_cut_anywhere_says_so() {
        let bytes = example().to_bytes();
        let path = Path::new("last.safetensors");
        for length in 0..bytes.len() {
            let error = Checkpoint::from_bytes(path, &bytes[..length])
                .expect_err("cut")
                .to_string();
            assert!(
                error.starts_with("last.safetensors: cut short"),
                "{length}: {error}"
            );
        }
    }

    #[test]
    fn damage_and_other_versions_are_told_apart() {
        let path = Path::new("last.safetensors");
        let mut bytes = example().to_bytes();
        *bytes.last_mut().unwrap() ^= 1;
        let damaged = Checkpoint::from_bytes(path, &bytes).unwrap_err().to_string();
        assert!(damaged.contains("checksum"), "{damaged}");
        let text = String::from_utf8_lossy(&example().to_bytes()).into_owned();
        assert!(text.contains(r#"format_version\":1"#));
        let bytes = example().to_bytes();
        let at = bytes
            .windows(17)
            .position(|w| w == br#"format_version\":"#)
            .unwrap()
            + 17;
        let mut other = bytes;
        other[at] = b'9';
        let other = Checkpoint::from_bytes(path, &other).unwrap_err().to_string();
        assert!(other.contains("format version 9, expected version 1"), "{other}");
    }
}
