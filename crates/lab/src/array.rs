//! Arrays on disk as `.npz`, for `numpy.load`.

use crate::atomic;
use crate::error::LabError;
use ndarray::ArrayD;
use ndarray_npy::{NpzReader, NpzWriter, ReadableElement, WritableElement};
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

/// Number types that arrays of flags and counts come in.
pub trait Element: ReadableElement + Copy {
    /// The value as a real number.
    fn number(self) -> f64;
}

macro_rules! element {
    ($($type:ty),*) => {
        $(impl Element for $type {
            fn number(self) -> f64 {
                self as f64
            }
        })*
    };
}
element!(f64, f32, u8, i64);

impl Element for bool {
    fn number(self) -> f64 {
        f64::from(u8::from(self))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
