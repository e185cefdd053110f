//! Arrays on disk: `.npz` for `numpy.load`, and weights of any program as `.npz` or `.safetensors`.

use crate::atomic;
use crate::error::LabError;
use ndarray::ArrayD;
use ndarray_npy::{NpzReader, NpzWriter, ReadableElement, WritableElement};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;
use std::path::Path;

/// A named array: shape and row-major values.
pub type Named<'a, T = f64> = (&'a str, Vec<usize>, Vec<T>);

/// Writes named arrays (shape and row-major values), atomically.
///
/// # Errors
/// The file cannot be written.
///
/// # Panics
/// When an array has not as many values as its shape says.
pub fn write_npz<T: WritableElement>(path: &Path, arrays: Vec<Named<T>>) -> Result<(), LabError> {
    let mut npz = NpzWriter::new_compressed(Cursor::new(Vec::new()));
    for (name, shape, values) in arrays {
        let array = ArrayD::from_shape_vec(shape, values).expect("as many values as the shape says");
        npz.add_array(name, &array).expect("memory does not fail");
    }
    let bytes = npz.finish().expect("memory does not fail").into_inner();
    atomic::write(path, &bytes)
}

/// Arrays of several number types for one `.npz` file.
pub struct Npz(NpzWriter<Cursor<Vec<u8>>>);

impl std::fmt::Debug for Npz {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Npz")
    }
}

impl Default for Npz {
    fn default() -> Self {
        Self(NpzWriter::new_compressed(Cursor::new(Vec::new())))
    }
}

impl Npz {
    /// Adds an array: shape and row-major values.
    ///
    /// # Panics
    /// When it has not as many values as its shape says.
    pub fn add<T: WritableElement>(&mut self, name: &str, shape: &[usize], values: Vec<T>) {
        let array = ArrayD::from_shape_vec(shape, values).expect("as many values as the shape says");
        self.0.add_array(name, &array).expect("memory does not fail");
    }

    /// Writes the file, atomically.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(self, path: &Path) -> Result<(), LabError> {
        let bytes = self.0.finish().expect("memory does not fail").into_inner();
        atomic::write(path, &bytes)
    }
}

/// Named arrays of single precision, whatever the file holds.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Reads the floating-point arrays of a `.safetensors` or `.npz` file of any program (32 or 64 bits).
///
/// # Errors
/// Missing, damaged, of another kind, or a value that is not finite: names the array.
pub fn read_tensors(path: &Path) -> Result<Tensors, LabError> {
    let bytes = std::fs::read(path).map_err(LabError::io(path, "read"))?;
    let tensors = if bytes.starts_with(b"PK") {
        npz_tensors(path, bytes)?
    } else {
        safetensors_tensors(path, &bytes)?
    };
    for (name, (_, values)) in &tensors {
        if let Some(found) = values.iter().find(|value| !value.is_finite()) {
            return Err(LabError::content(
                path,
                format!("{found} in `{name}`"),
                "finite numbers",
            ));
        }
    }
    Ok(tensors)
}

fn npz_tensors(path: &Path, bytes: Vec<u8>) -> Result<Tensors, LabError> {
    let damaged = |error: ndarray_npy::ReadNpzError| {
        LabError::content(
            path,
            error.to_string(),
            "arrays of 32- or 64-bit floating-point numbers",
        )
    };
    let mut npz = NpzReader::new(Cursor::new(bytes)).map_err(damaged)?;
    let mut tensors = Tensors::new();
    for name in npz.names().map_err(damaged)? {
        let single: Result<ArrayD<f32>, _> = npz.by_name(&name);
        let array = match single {
            Ok(array) => array,
            Err(_) => {
                let double: ArrayD<f64> = npz.by_name(&name).map_err(damaged)?;
                double.mapv(|value| value as f32)
            }
        };
        let name = name.trim_end_matches(".npy").to_owned();
        tensors.insert(name, (array.shape().to_vec(), array.iter().copied().collect()));
    }
    Ok(tensors)
}

fn safetensors_tensors(path: &Path, bytes: &[u8]) -> Result<Tensors, LabError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        LabError::content(
            path,
            format!("not a safetensors or npz file ({error})"),
            "one of the two",
        )
    })?;
    let mut tensors = Tensors::new();
    for (name, view) in file.tensors() {
        let values = match view.dtype() {
            Dtype::F32 => view
                .data()
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect(),
            Dtype::F64 => view
                .data()
                .as_chunks::<8>()
                .0
                .iter()
                .map(|b| f64::from_le_bytes(*b) as f32)
                .collect(),
            other => {
                let found = format!("`{name}` of type {other:?}");
                return Err(LabError::content(path, found, "F32 or F64"));
            }
        };
        tensors.insert(name, (view.shape().to_vec(), values));
    }
    Ok(tensors)
}

/// Writes arrays as safetensors, in the order of their names, with text beside them; atomically.
///
/// # Errors
/// The file cannot be written.
///
/// # Panics
/// When an array has not as many values as its shape says.
pub fn write_safetensors(path: &Path, tensors: &Tensors, metadata: &str) -> Result<(), LabError> {
    let raw: BTreeMap<&String, Vec<u8>> = tensors
        .iter()
        .map(|(name, (_, values))| (name, values.iter().flat_map(|x| x.to_le_bytes()).collect()))
        .collect();
    let views = tensors.iter().map(|(name, (shape, _))| {
        let view = TensorView::new(Dtype::F32, shape.clone(), &raw[name]);
        (name.clone(), view.expect("as many values as the shape says"))
    });
    // One entry: the library writes several in no fixed order.
    let metadata = HashMap::from([("neuropil".to_owned(), metadata.to_owned())]);
    let bytes = safetensors::serialize(views, Some(metadata)).expect("names and shapes are valid");
    atomic::write(path, &bytes)
}

/// Shape and row-major values of a named array.
pub type Loaded<T = f64> = (String, Vec<usize>, Vec<T>);

/// Reads all arrays of a file.
///
/// # Errors
/// Missing, damaged, or of another number type.
pub fn read_npz<T: ReadableElement + Copy>(path: &Path) -> Result<Vec<Loaded<T>>, LabError> {
    let file = std::fs::File::open(path).map_err(LabError::io(path, "read"))?;
    let damaged = |error: ndarray_npy::ReadNpzError| {
        LabError::content(
            path,
            error.to_string(),
            format!("arrays of {}", std::any::type_name::<T>()),
        )
    };
    let mut npz = NpzReader::new(file).map_err(damaged)?;
    let names = npz.names().map_err(damaged)?;
    let mut arrays = Vec::new();
    for name in names {
        let array: ArrayD<T> = npz.by_name(&name).map_err(damaged)?;
        let name = name.trim_end_matches(".npy").to_owned();
        arrays.push((name, array.shape().to_vec(), array.iter().copied().collect()));
    }
    Ok(arrays)
}

/// Shape and row-major values of one array of an `.npz` file, as real numbers: flags count as 0 and 1, whole and real
/// numbers of any width as what they are.
///
/// # Errors
/// Missing, damaged, without an array of that name (names those there are), or one that does not hold numbers.
pub fn read_numbers(path: &Path, name: &str) -> Result<(Vec<usize>, Vec<f64>), LabError> {
    let bytes = std::fs::read(path).map_err(LabError::io(path, "read"))?;
    let wrong = |found: String| LabError::content(path, found, format!("an array `{name}` of numbers"));
    let damaged = |_| wrong("not an archive of arrays".to_owned());
    let mut npz = NpzReader::new(Cursor::new(bytes)).map_err(damaged)?;
    let names = npz.names().map_err(damaged)?;
    let plain = |name: &str| name.trim_end_matches(".npy").to_owned();
    let Some(entry) = names.iter().find(|entry| plain(entry) == name) else {
        let known: Vec<String> = names.iter().map(|name| format!("`{}`", plain(name))).collect();
        return Err(wrong(format!("no array `{name}`, only {}", known.join(", "))));
    };
    let readers = [
        numbers::<f64>,
        numbers::<f32>,
        numbers::<bool>,
        numbers::<u8>,
        numbers::<i8>,
        numbers::<u16>,
        numbers::<i16>,
        numbers::<u32>,
        numbers::<i32>,
        numbers::<u64>,
        numbers::<i64>,
    ];
    let found = readers.iter().find_map(|read| read(&mut npz, entry));
    found.ok_or_else(|| wrong(format!("array `{name}` does not hold numbers")))
}

/// An array of an archive as real numbers, if its elements are of type `T`.
fn numbers<T: ReadableElement + Number>(
    npz: &mut NpzReader<Cursor<Vec<u8>>>,
    entry: &str,
) -> Option<(Vec<usize>, Vec<f64>)> {
    let array: ArrayD<T> = npz.by_name(entry).ok()?;
    Some((array.shape().to_vec(), array.iter().map(Number::number).collect()))
}

/// A type of array elements.
trait Number {
    /// The value as a real number.
    fn number(&self) -> f64;
}

macro_rules! number {
    ($($type:ty),*) => {
        $(impl Number for $type {
            fn number(&self) -> f64 {
                *self as f64
            }
        })*
    };
}
number!(f64, f32, u8, i8, u16, i16, u32, i32, u64, i64);

impl Number for bool {
    fn number(&self) -> f64 {
        f64::from(u8::from(*self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_type_are_read_as_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let mut npz = Npz::default();
        npz.add("flags", &[2], vec![true, false]);
        npz.add("small", &[2, 1], vec![3_i8, -2]);
        npz.add("long", &[2], vec![7_i64, -8]);
        npz.add("count", &[1], vec![65_000_u16]);
        npz.add("real", &[1], vec![0.5_f32]);
        npz.add("double", &[1], vec![0.1_f64]);
        npz.write(&path).unwrap();
        for (name, shape, values) in [
            ("flags", vec![2], vec![1.0, 0.0]),
            ("small", vec![2, 1], vec![3.0, -2.0]),
            ("long", vec![2], vec![7.0, -8.0]),
            ("count", vec![1], vec![65_000.0]),
            ("real", vec![1], vec![0.5]),
            ("double", vec![1], vec![0.1]),
        ] {
            assert_eq!(read_numbers(&path, name).unwrap(), (shape, values), "{name}");
        }
        let message = read_numbers(&path, "none").unwrap_err().to_string();
        assert!(
            message.contains("no array `none`, only `flags`, `small`, `long`"),
            "{message}"
        );
        std::fs::write(&path, "no archive").unwrap();
        let message = read_numbers(&path, "flags").unwrap_err().to_string();
        assert!(message.contains("not an archive of arrays"), "{message}");
    }

    #[test]
    fn arrays_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let values = vec![1.0, f64::NAN, -3.5, 4.0, 5.0, 6.0];
        write_npz(
            &path,
            vec![("x", vec![2, 3], values.clone()), ("y", vec![1], vec![7.0])],
        )
        .unwrap();
        let back = read_npz::<f64>(&path).unwrap();
        assert_eq!((&back[0].0[..], &back[0].1[..]), ("x", &[2, 3][..]));
        assert!(
            back[0]
                .2
                .iter()
                .zip(&values)
                .all(|(a, b)| a.to_bits() == b.to_bits())
        );
        assert_eq!(back[1].2, [7.0]);
    }

    #[test]
    fn weights_of_other_programs_are_read_from_either_kind_of_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.npz");
        let mut npz = Npz::default();
        npz.add("w", &[2, 2], vec![1.0_f64, 2.0, 3.0, 4.5]);
        npz.add("b", &[1], vec![0.25_f32]);
        npz.write(&path).unwrap();
        let read = read_tensors(&path).unwrap();
        assert_eq!(read["w"], (vec![2, 2], vec![1.0, 2.0, 3.0, 4.5]));
        assert_eq!(read["b"].1, [0.25]);
        let other = folder.path().join("w.safetensors");
        write_safetensors(&other, &read, "{}").unwrap();
        assert_eq!(read_tensors(&other).unwrap(), read);
        let bad = folder.path().join("bad.npz");
        write_npz(&bad, vec![("x", vec![1], vec![f64::NAN])]).unwrap();
        let words = read_tensors(&bad).unwrap_err().to_string();
        assert!(
            words.ends_with("bad.npz: NaN in `x`, expected finite numbers"),
            "{words}"
        );
        std::fs::write(&bad, "weights").unwrap();
        assert!(
            read_tensors(&bad)
                .unwrap_err()
                .to_string()
                .contains("not a safetensors or npz file")
        );
    }
}
