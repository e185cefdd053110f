//! Arrays on disk: one reader for every form, `.npz` for `numpy.load`, weights of any program.

pub mod hdf5;
mod mat;
mod npy;

pub use npy::half;

use crate::atomic;
use crate::error::LabError;
use crate::file;
use crate::mat::is_mat5;
use neuropil_math::arrays::{Arrays, Values};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap};
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The name of the array of a file that holds one without a name, as NumPy calls the first of an archive.
pub const UNNAMED: &str = "arr_0";

/// Reads every array of a file: NumPy's `.npz` and `.npy` (either order), safetensors, MATLAB's MAT-files of version 5 and
/// 7.3, HDF5; packed with gzip or not. The form is known by the content.
///
/// The array of an `.npy` file is called [`UNNAMED`]. A field of a MATLAB structure is `name.field`, of a structure array
/// `name(2).field`, a cell `name{2}`. In HDF5, a data set is named by its path, a member of a compound one
/// `path#member`, an attribute `path@attribute`.
///
/// # Errors
/// Missing, damaged, of another kind, or larger than [`crate::memory::limit`]: names the array.
///
/// ```no_run
/// let arrays = neuropil_lab::array::read("weights.npz".as_ref())?;
/// let (shape, values) = &arrays["w_rec"];
/// println!("{shape:?}, {}", values.kind());
/// # Ok::<(), neuropil_lab::error::LabError>(())
/// ```
pub fn read(path: &Path) -> Result<Arrays, LabError> {
    read_wanted(path, &|_| true)
}

/// The same without the data sets of an HDF5 file whose path is not `wanted`: videos beside a track take up no memory.
///
/// # Errors
/// As [`read`].
pub fn read_wanted(path: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Arrays, LabError> {
    let mut opened = std::fs::File::open(path).map_err(LabError::io(path, "read"))?;
    let mut first = Vec::new();
    let begun = (&mut opened).take(8).read_to_end(&mut first);
    begun.map_err(LabError::io(path, "read"))?;
    if first.starts_with(b"PK") {
        opened
            .seek(SeekFrom::Start(0))
            .map_err(LabError::io(path, "read"))?;
        return npy::archive(path, BufReader::new(opened));
    }
    drop(opened);
    let bytes = file::bytes(path)?;
    if bytes.starts_with(npy::MAGIC) {
        return Ok(Arrays::from([(
            UNNAMED.to_owned(),
            npy::parse(path, "", &bytes)?,
        )]));
    }
    if bytes.starts_with(b"PK") {
        return npy::archive(path, Cursor::new(bytes));
    }
    if is_mat5(&bytes) {
        return mat::parse(path, &bytes);
    }
    if hdf5::is_hdf5(&bytes) {
        return hdf5::parse(path, bytes, wanted);
    }
    safetensors_arrays(path, &bytes)
}

/// Settles the soft links of an HDF5 file for those who open its groups themselves: links to data sets lead there, all
/// others are taken out. The reader of the format fails on groups that hold one.
pub fn settle_links(bytes: &mut [u8]) {
    hdf5::settle_links(bytes);
}

fn safetensors_arrays(path: &Path, bytes: &[u8]) -> Result<Arrays, LabError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        LabError::content(
            path,
            format!("not a safetensors or npz file ({error})"),
            "one of the two",
        )
    })?;
    let mut arrays = Arrays::new();
    for (name, view) in file.tensors() {
        let data = view.data();
        let values = match view.dtype() {
            Dtype::F32 => Values::F32(words(data, f32::from_le_bytes)),
            Dtype::F64 => Values::F64(words(data, f64::from_le_bytes)),
            Dtype::F16 => Values::F32(words(data, |b| npy::half(u16::from_le_bytes(b)))),
            Dtype::BF16 => Values::F32(words(data, |b| {
                f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)
            })),
            Dtype::U8 | Dtype::BOOL => Values::U8(data.to_vec()),
            Dtype::I8 => Values::I64(words(data, |b| i8::from_le_bytes(b).into())),
            Dtype::I16 => Values::I64(words(data, |b| i16::from_le_bytes(b).into())),
            Dtype::U16 => Values::I64(words(data, |b| u16::from_le_bytes(b).into())),
            Dtype::I32 => Values::I64(words(data, |b| i32::from_le_bytes(b).into())),
            Dtype::U32 => Values::I64(words(data, |b| u32::from_le_bytes(b).into())),
            Dtype::I64 => Values::I64(words(data, i64::from_le_bytes)),
            Dtype::U64 => npy::large(words(data, u64::from_le_bytes)),
            other => {
                let found = format!("`{name}` of type {other:?}");
                return Err(LabError::content(path, found, "whole or floating-point numbers"));
            }
        };
        arrays.insert(name, (view.shape().to_vec(), values));
    }
    Ok(arrays)
}

fn words<const N: usize, T>(data: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks::<N>().0.iter().map(|&word| read(word)).collect()
}

/// Named arrays of single precision, whatever the file holds.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Reads a file of which every array holds finite floating-point numbers, in single precision.
///
/// # Errors
/// As [`read`], or an array of another kind, or a value that is not finite: names the array.
pub fn read_tensors(path: &Path) -> Result<Tensors, LabError> {
    let mut tensors = Tensors::new();
    for (name, (shape, values)) in read(path)? {
        let kind = values.kind();
        let values = match values {
            Values::F32(values) => values,
            Values::F64(values) => values.into_iter().map(|value| value as f32).collect(),
            _ => {
                let found = format!("`{}` of {kind}", file::shown(&name));
                return Err(LabError::content(
                    path,
                    found,
                    "32- or 64-bit floating-point numbers",
                ));
            }
        };
        if let Some(found) = values.iter().find(|value| !value.is_finite()) {
            return Err(LabError::content(
                path,
                format!("{found} in `{name}`"),
                "finite numbers",
            ));
        }
        tensors.insert(name, (shape, values));
    }
    Ok(tensors)
}

/// Shape and row-major values of one array of a file, as real numbers: flags count as 0 and 1, whole and real
/// numbers of any width as what they are.
///
/// # Errors
/// Missing, damaged, without an array of that name (names those there are), or one that does not hold numbers.
pub fn read_numbers(path: &Path, name: &str) -> Result<(Vec<usize>, Vec<f64>), LabError> {
    let wrong = |found: String| LabError::content(path, found, format!("an array `{name}` of numbers"));
    let mut arrays = read(path).map_err(|error| match error {
        LabError::Content { .. } => wrong("not an archive of arrays".to_owned()),
        other => other,
    })?;
    let Some((shape, values)) = arrays.remove(name) else {
        let known: Vec<String> = arrays
            .keys()
            .map(|name| format!("`{}`", file::shown(name)))
            .collect();
        return Err(wrong(format!("no array `{name}`, only {}", known.join(", "))));
    };
    let values = values.numbers();
    Ok((
        shape,
        values.ok_or_else(|| wrong(format!("array `{name}` does not hold numbers")))?,
    ))
}

/// A type of array elements that NumPy knows.
pub trait Element: Copy {
    /// NumPy's name of the type.
    const DESCR: &'static str;

    /// Appends the value's bytes, least first.
    fn push(self, bytes: &mut Vec<u8>);
}

macro_rules! element {
    ($($type:ty: $descr:literal),*) => {
        $(impl Element for $type {
            const DESCR: &'static str = $descr;

            fn push(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        })*
    };
}
element!(f32: "<f4", f64: "<f8", i8: "|i1", u8: "|u1", i16: "<i2", u16: "<u2", i32: "<i4", u32: "<u4", i64: "<i8", u64: "<u8");

impl Element for bool {
    const DESCR: &'static str = "|b1";

    fn push(self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self));
    }
}

/// Arrays of several types for one compressed `.npz` file, in the order in which they are added.
pub struct Npz(zip::ZipWriter<Cursor<Vec<u8>>>);

impl std::fmt::Debug for Npz {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Npz")
    }
}

impl Default for Npz {
    fn default() -> Self {
        Self(zip::ZipWriter::new(Cursor::new(Vec::new())))
    }
}

impl Npz {
    /// Adds an array: shape and row-major values.
    ///
    /// # Panics
    /// When it has not as many values as its shape says, or a name that is there already.
    pub fn add<T: Element>(&mut self, name: &str, shape: &[usize], values: Vec<T>) {
        assert_eq!(
            npy::length(shape),
            Some(values.len()),
            "as many values as the shape says"
        );
        let mut data = Vec::with_capacity(values.len() * size_of::<T>());
        values.into_iter().for_each(|value| value.push(&mut data));
        self.add_bytes(name, T::DESCR, shape, &data);
    }

    /// Adds an array of texts.
    ///
    /// # Panics
    /// As [`Npz::add`].
    pub fn add_texts(&mut self, name: &str, shape: &[usize], texts: &[String]) {
        assert_eq!(
            npy::length(shape),
            Some(texts.len()),
            "as many texts as the shape says"
        );
        let longest = texts
            .iter()
            .map(|text| text.chars().count())
            .max()
            .unwrap_or(0)
            .max(1);
        let mut data = Vec::with_capacity(texts.len() * 4 * longest);
        for text in texts {
            let end = data.len() + 4 * longest;
            text.chars().for_each(|letter| u32::from(letter).push(&mut data));
            data.resize(end, 0);
        }
        self.add_bytes(name, &format!("<U{longest}"), shape, &data);
    }

    fn add_bytes(&mut self, name: &str, descr: &str, shape: &[usize], data: &[u8]) {
        let axes: String = shape.iter().map(|axis| format!("{axis}, ")).collect();
        let axes = if shape.len() == 1 {
            axes.trim_end()
        } else {
            axes.trim_end_matches(", ")
        };
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({axes}), }}");
        // The data begin at a multiple of 64 bytes.
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut start = npy::MAGIC.to_vec();
        start.extend([1, 0]);
        start.extend((header.len() as u16).to_le_bytes());
        start.extend(header.as_bytes());
        let options = zip::write::SimpleFileOptions::default()
            .large_file(data.len() > u32::MAX as usize / 2)
            .last_modified_time(zip::DateTime::default());
        self.0
            .start_file(format!("{name}.npy"), options)
            .expect("every name once");
        self.0.write_all(&start).expect("memory does not fail");
        self.0.write_all(data).expect("memory does not fail");
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

/// A named array: shape and row-major values.
pub type Named<'a, T = f64> = (&'a str, Vec<usize>, Vec<T>);

/// Writes named arrays of one type (shape and row-major values) as `.npz`, atomically.
///
/// # Errors
/// The file cannot be written.
///
/// # Panics
/// When an array has not as many values as its shape says.
pub fn write_npz<T: Element>(path: &Path, arrays: Vec<Named<T>>) -> Result<(), LabError> {
    let mut npz = Npz::default();
    for (name, shape, values) in arrays {
        npz.add(name, &shape, values);
    }
    npz.write(path)
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
            message.contains("no array `none`, only `count`, `double`, `flags`, `long`"),
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
        let back = read(&path).unwrap();
        let (shape, Values::F64(x)) = &back["x"] else {
            panic!("64-bit numbers")
        };
        assert_eq!(shape, &[2, 3]);
        assert!(x.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert_eq!(back["y"].1, Values::F64(vec![7.0]));
        assert_eq!(std::fs::read(&path).unwrap()[..2], *b"PK");
    }

    #[test]
    fn arrays_are_known_by_their_content_and_text_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.dat");
        std::fs::write(&path, npy::tests::npy("'|u1'", "True", "(2, 2)", &[1, 2, 3, 4])).unwrap();
        assert_eq!(
            read(&path).unwrap()[UNNAMED],
            (vec![2, 2], Values::U8(vec![1, 3, 2, 4]))
        );
        let mut npz = Npz::default();
        let names = ["AVAL".to_owned(), "µ".to_owned(), String::new()];
        npz.add_texts("names", &[3], &names);
        npz.write(&path).unwrap();
        assert_eq!(read(&path).unwrap()["names"].1, Values::Text(names.to_vec()));
    }

    #[test]
    fn two_arrays_of_one_name_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        write_npz(&path, vec![("x", vec![1], vec![1.0]), ("y", vec![1], vec![2.0])]).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        while let Some(at) = bytes.windows(5).position(|word| word == b"y.npy") {
            bytes[at] = b'x';
        }
        std::fs::write(&path, bytes).unwrap();
        let words = read(&path).unwrap_err().to_string();
        assert!(
            words.contains("two arrays of one name, expected every name once"),
            "{words}"
        );
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
