//! Checkpoints: named arrays and a state, in one file that is whole or absent.
//!
//! Everything that a run needs to go on is in a single safetensors file, so that no kill can leave two files
//! that disagree. Its bytes depend on its content alone: no times, sorted names. One checksum covers all of them.

use crate::atomic;
use crate::bundle::Sums;
use crate::error::LabError;
use crate::events::Mark;
use crate::hash::Sum;
use neuropil_math::arrays::{Arrays, Values};
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Version of the format; version 1 is read as well, others are refused by name.
pub const FORMAT_VERSION: u32 = 2;

/// Named arrays, a JSON state, and the settings they belong to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Shape and values, row-major, by name.
    pub arrays: Arrays,
    /// Counters, history: whatever is not an array.
    pub state: Value,
    /// Resolved settings as TOML.
    pub config: String,
    /// What else belongs to the same moment of a run.
    pub(crate) moment: Option<Moment>,
}

/// What belongs to a checkpoint of a run beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// Checksums of the other files of `checkpoint/`.
    pub beside: Sums,
    /// Checksums of what the run was given beside its settings.
    pub given: Sums,
    /// Events so far.
    pub log: Mark,
}

impl Checkpoint {
    /// Arrays and a state; a run's [`Keeper`](crate::keeper::Keeper) adds its settings.
    pub fn new(arrays: Arrays, state: Value) -> Self {
        Self {
            arrays,
            state,
            ..Self::default()
        }
    }

    /// The array of a name, if it is of single precision: shape and values.
    pub fn singles(&self, name: &str) -> Option<(&[usize], &[f32])> {
        match self.arrays.get(name)? {
            (shape, Values::F32(values)) => Some((shape, values)),
            _ => None,
        }
    }

    /// The values of an array of single precision, if there are `n` of them.
    pub fn f32(&self, name: &str, n: usize) -> Option<&[f32]> {
        let (_, values) = self.singles(name)?;
        (values.len() == n).then_some(values)
    }

    /// The state as what it was before it was saved.
    ///
    /// # Errors
    /// It is something else; `path` is where it came from.
    pub fn state<T: DeserializeOwned>(&self, path: &Path) -> Result<T, LabError> {
        serde_json::from_value(self.state.clone()).map_err(|error| {
            LabError::content(
                path,
                format!("no state to go on from ({error})"),
                "that of these settings",
            )
        })
    }

    /// The file's bytes.
    ///
    /// # Panics
    /// When an array has not as many values as its shape says, or is one of texts: those belong into the state.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let raw: BTreeMap<&String, (Dtype, Vec<u8>)> = self
            .arrays
            .iter()
            .map(|(name, (_, values))| (name, bytes_of(values)))
            .collect();
        let views = self.arrays.iter().map(|(name, (shape, _))| {
            let (kind, bytes) = &raw[name];
            let view = TensorView::new(*kind, shape.clone(), bytes);
            (name.clone(), view.expect("as many values as the shape says"))
        });
        // One entry: the library writes several in no fixed order.
        let mut neuropil = json!({
            "format_version": FORMAT_VERSION,
            "checksum": "0".repeat(Sum::DIGITS),
            "state": self.state,
            "config": self.config,
        });
        if let Some(moment) = &self.moment {
            neuropil["moment"] = serde_json::to_value(moment).expect("checksums are JSON");
        }
        let metadata = HashMap::from([("neuropil".to_owned(), neuropil.to_string())]);
        let mut bytes = safetensors::serialize(views, Some(metadata)).expect("names and shapes are valid");
        let place = checksum_place(&bytes).expect("it was just written");
        let sum = Sum::of(&bytes).to_string();
        bytes[place].copy_from_slice(sum.as_bytes());
        bytes
    }

    /// Writes the file, atomically.
    ///
    /// # Errors
    /// A number of the state is not finite; the file cannot be written. An older one stays as it was.
    pub fn save(&self, path: &Path) -> Result<(), LabError> {
        self.refuse_nulls(path)?;
        atomic::write(path, &self.to_bytes())
    }

    /// JSON has no word for numbers that are not finite: they would become nothing, and the file could not be read
    /// again. What may be absent is left out of a state instead.
    pub(crate) fn refuse_nulls(&self, path: &Path) -> Result<(), LabError> {
        let Some(place) = null_in(&self.state, "state") else {
            return Ok(());
        };
        Err(LabError::content(
            path,
            format!("`{place}` is not a number; nothing was saved"),
            "a finite number",
        ))
    }

    /// Reads a file that says that neuropil wrote it; nothing if it is another's, or cannot be read.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
    pub fn load_own(path: &Path) -> Result<Option<Self>, LabError> {
        let Ok(bytes) = std::fs::read(path) else {
            return Ok(None);
        };
        let header = SafeTensors::read_metadata(&bytes);
        let names = header
            .as_ref()
            .ok()
            .and_then(|(_, header)| header.metadata().as_ref());
        if names.is_none_or(|names| !names.contains_key("neuropil")) {
            return Ok(None);
        }
        Self::from_bytes(path, &bytes).map(Some)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Missing, cut short, damaged, or of another version: says which.
    pub fn load(path: &Path) -> Result<Self, LabError> {
        let bytes = std::fs::read(path).map_err(LabError::io(path, "read"))?;
        Self::from_bytes(path, &bytes)
    }

    pub(crate) fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, LabError> {
        let metadata = whole(path, bytes)?;
        let foreign = |what: String| LabError::content(path, what, "a neuropil checkpoint");
        let own = metadata
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get("neuropil"));
        let own: Value = own
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let version = match own["format_version"].as_u64() {
            Some(version @ (1 | 2)) => version,
            Some(version) => {
                return Err(LabError::content(
                    path,
                    format!("a checkpoint of format version {version}"),
                    format!("version {FORMAT_VERSION}: use the neuropil that wrote it"),
                ));
            }
            None => return Err(foreign("a safetensors file of another program".into())),
        };
        let tensors =
            SafeTensors::deserialize(bytes).map_err(|error| foreign(format!("damaged ({error})")))?;
        let written = own["checksum"].as_str().unwrap_or_default();
        let fits = match version {
            1 => written == version_1::sum(&tensors),
            _ => sum_of(bytes).is_some_and(|sum| written == sum),
        };
        let damaged =
            || LabError::content(path, "damaged: the checksum does not fit", "the bytes as written");
        if !fits {
            return Err(damaged());
        }
        let moment = match own.get("moment") {
            Some(moment) => Some(serde_json::from_value(moment.clone()).map_err(|_| damaged())?),
            None => None,
        };
        let mut checkpoint = Self {
            arrays: Arrays::new(),
            state: own["state"].clone(),
            config: own["config"].as_str().unwrap_or_default().to_owned(),
            moment,
        };
        for (name, view) in tensors.tensors() {
            let values =
                values_of(&view).ok_or_else(|| foreign(format!("`{name}` is {:?}", view.dtype())))?;
            checkpoint.arrays.insert(name, (view.shape().to_vec(), values));
        }
        Ok(checkpoint)
    }
}

/// The header of a file that is as long as it says.
fn whole(path: &Path, bytes: &[u8]) -> Result<Metadata, LabError> {
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
    Ok(metadata)
}

/// Where the digits of the checksum stand. Texts within the state are escaped twice, so that none can look like it.
fn checksum_place(bytes: &[u8]) -> Option<std::ops::Range<usize>> {
    let before = br#"\"checksum\":\""#;
    let header = u64::from_le_bytes(*bytes.first_chunk::<8>()?);
    let header = bytes.get(..usize::try_from(header).ok()?.checked_add(8)?)?;
    let from = header.windows(before.len()).position(|at| at == before)? + before.len();
    (from + Sum::DIGITS <= header.len()).then_some(from..from + Sum::DIGITS)
}

/// Checksum of all bytes, its own digits taken for zeros.
fn sum_of(bytes: &[u8]) -> Option<String> {
    let place = checksum_place(bytes)?;
    let mut blank = bytes.to_vec();
    blank[place].fill(b'0');
    Some(Sum::of(&blank).to_string())
}

fn bytes_of(values: &Values) -> (Dtype, Vec<u8>) {
    match values {
        Values::F32(values) => (Dtype::F32, values.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Values::F64(values) => (Dtype::F64, values.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Values::I64(values) => (Dtype::I64, values.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Values::U8(values) => (Dtype::U8, values.clone()),
        Values::Text(_) => panic!("texts belong into the state of a checkpoint"),
    }
}

fn values_of(view: &TensorView<'_>) -> Option<Values> {
    let bytes = view.data();
    Some(match view.dtype() {
        Dtype::F32 => Values::F32(
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect(),
        ),
        Dtype::F64 => Values::F64(
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| f64::from_le_bytes(*b))
                .collect(),
        ),
        Dtype::I64 => Values::I64(
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| i64::from_le_bytes(*b))
                .collect(),
        ),
        Dtype::U8 => Values::U8(bytes.to_vec()),
        _ => return None,
    })
}

/// The first place of a value that holds nothing.
fn null_in(value: &Value, name: &str) -> Option<String> {
    match value {
        Value::Null if name != "state" => Some(name.to_owned()),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(i, item)| null_in(item, &format!("{name}[{i}]"))),
        Value::Object(fields) => fields
            .iter()
            .find_map(|(key, field)| null_in(field, &format!("{name}.{key}"))),
        _ => None,
    }
}

/// Checkpoints of versions before 0.2: a checksum of the values alone.
mod version_1 {
    use super::SafeTensors;
    use std::collections::BTreeMap;

    pub(super) fn sum(tensors: &SafeTensors<'_>) -> String {
        let sums: BTreeMap<String, u64> = tensors
            .tensors()
            .into_iter()
            .map(|(name, view)| (name, fnv(view.data())))
            .collect();
        let content = sums
            .values()
            .fold(fnv(&[]), |sum, part| sum.rotate_left(1) ^ part);
        format!("{content:016x}")
    }

    /// FNV-1a, 64 bits.
    fn fnv(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Checkpoint {
        Checkpoint {
            arrays: Arrays::from([
                (
                    "policy.mask.w_rec".to_owned(),
                    (
                        vec![2, 3],
                        vec![1.0_f32, -2.5, 0.0, 3.0, f32::MIN_POSITIVE, 1e30].into(),
                    ),
                ),
                ("order".to_owned(), (vec![2], vec![3_i64, -1].into())),
                ("exact".to_owned(), (vec![1], vec![0.1_f64].into())),
                ("flags".to_owned(), (vec![3], vec![0_u8, 1, 1].into())),
            ]),
            state: json!({ "update": 50, "best": 0.123_456_789_012_345_67 }),
            config: "seed = 1\nnote = \"\\\"checksum\\\":\\\"0\"\n".to_owned(),
            moment: None,
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
    fn every_flipped_bit_is_noticed_names_shapes_state_and_settings_included() {
        let bytes = example().to_bytes();
        let path = Path::new("last.safetensors");
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert!(
                    Checkpoint::from_bytes(path, &flipped).is_err(),
                    "bit {bit} of byte {at}"
                );
            }
        }
    }

    #[test]
    fn damage_and_other_versions_are_told_apart() {
        let path = Path::new("last.safetensors");
        let mut bytes = example().to_bytes();
        *bytes.last_mut().unwrap() ^= 1;
        let damaged = Checkpoint::from_bytes(path, &bytes).unwrap_err().to_string();
        assert!(damaged.contains("checksum"), "{damaged}");
        let bytes = example().to_bytes();
        let at = bytes
            .windows(17)
            .position(|w| w == br#"format_version\":"#)
            .unwrap()
            + 17;
        let mut other = bytes;
        other[at] = b'9';
        let other = Checkpoint::from_bytes(path, &other).unwrap_err().to_string();
        assert!(other.contains("format version 9, expected version 2"), "{other}");
    }

    #[test]
    fn numbers_that_are_not_finite_are_never_saved_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.safetensors");
        example().save(&path).unwrap();
        let mut broken = example();
        broken.state = json!({ "history": [{ "norm": 1.0 }, { "norm": f64::NAN }] });
        let words = broken.save(&path).unwrap_err().to_string();
        assert!(
            words.contains("`state.history[1].norm` is not a number"),
            "{words}"
        );
        assert_eq!(Checkpoint::load(&path).unwrap(), example(), "the older one stays");
    }

    #[test]
    fn checkpoints_of_version_1_are_still_read() {
        // As the first version wrote it: arrays a (2 values) and b (1), their checksum alone.
        let raw: Vec<u8> = [1.0_f32, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let views = [(
            "a".to_owned(),
            TensorView::new(Dtype::F32, vec![2], &raw).unwrap(),
        )];
        let metadata = |sum: &str| {
            let own = json!({ "format_version": 1, "checksum": sum, "state": { "n": 1 }, "config": "" });
            Some(HashMap::from([("neuropil".to_owned(), own.to_string())]))
        };
        let path = Path::new("a.safetensors");
        let blank = safetensors::serialize(views.clone(), metadata("")).unwrap();
        assert!(Checkpoint::from_bytes(path, &blank).is_err());
        let sum = version_1::sum(&SafeTensors::deserialize(&blank).unwrap());
        let bytes = safetensors::serialize(views, metadata(&sum)).unwrap();
        let read = Checkpoint::from_bytes(path, &bytes).unwrap();
        assert_eq!(read.f32("a", 2), Some(&[1.0, 2.0][..]));
        assert_eq!(read.f32("a", 3), None);
    }
}
