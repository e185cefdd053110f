//! HDF5, and what is kept in it: Keras weights, NWB, pandas, SLEAP, MATLAB's version 7.3.
//!
//! Every data set of numbers or text is an array under its path (`tracks/positions`), a member of a compound one under
//! `path#member`, an attribute of a group or data set under `path@attribute`, the path of a group that a soft link leads to
//! under `path@link`. In a file of MATLAB, arrays are turned to
//! MATLAB's own axes and letters become text; what references point at stands under `name(1).field` or `name{1}`.

mod links;

use super::npy;
use crate::error::LabError;
use crate::file;
use crate::memory;
use hdf5_pure::{AttrValue, Dataset, Datatype, DatatypeByteOrder, File, Group, Object};
use neuropil_math::arrays::{Array, Arrays, Values};
use std::collections::HashMap;
use std::path::Path;

/// Groups within one another.
const DEEPEST: usize = 24;

/// Whether bytes begin such a file, after the block that MATLAB writes before it, or not.
pub(super) fn is_hdf5(bytes: &[u8]) -> bool {
    begin(bytes).is_some()
}

fn begin(bytes: &[u8]) -> Option<usize> {
    const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
    let begins = |at: &usize| bytes.get(*at..).is_some_and(|rest| rest.starts_with(SIGNATURE));
    [0, 512, 1024, 2048].into_iter().find(begins)
}

pub(super) fn settle_links(bytes: &mut [u8]) {
    if let Some(start) = begin(bytes) {
        links::settle(bytes, start);
    }
}

/// Shape of a data set, once it is clear that as many values of eight bytes may be asked for.
///
/// # Errors
/// A size above [`memory::limit`], or one that cannot be read: names the data set.
pub fn announced(path: &Path, name: &str, dataset: &Dataset) -> Result<Vec<usize>, LabError> {
    let shape = dataset.shape().map_err(|error| {
        let field = file::shown(name).into_owned();
        LabError::place(path, 0, field, error.to_string(), "an array that can be read")
    })?;
    let shape: Vec<usize> = shape
        .iter()
        .map(|&n| usize::try_from(n).unwrap_or(usize::MAX))
        .collect();
    let n = shape.iter().fold(1, |n: usize, &of| n.saturating_mul(of));
    // Of an array with an axis of length 0 the others may say anything.
    let longest = shape.iter().copied().max().unwrap_or(0);
    memory::claim(
        path,
        &format!("values of `{}`", file::shown(name)),
        n.max(longest),
        8,
    )?;
    Ok(shape)
}

/// Shape and values of a data set of numbers, once it is clear that they may be asked for.
///
/// # Errors
/// As [`announced`]; no numbers, or not as many as the shape says.
pub fn numbers(path: &Path, name: &str, dataset: &Dataset) -> Result<(Vec<usize>, Vec<f64>), LabError> {
    let shape = announced(path, name, dataset)?;
    let wrong = |found: String| {
        LabError::place(
            path,
            0,
            file::shown(name).into_owned(),
            found,
            "an array of numbers",
        )
    };
    let values = dataset.read_f64().map_err(|error| wrong(error.to_string()))?;
    if values.len() != shape.iter().product::<usize>() {
        return Err(wrong(format!("{} values of a shape {shape:?}", values.len())));
    }
    Ok((shape, values))
}

/// The data sets of a file that are wanted, and all attributes.
pub(super) fn parse(
    path: &Path,
    mut bytes: Vec<u8>,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Arrays, LabError> {
    let matlab = bytes.starts_with(b"MATLAB 7.3");
    let start = begin(&bytes).unwrap_or(0);
    let linked = links::settle(&mut bytes, start);
    let damaged = |error: hdf5_pure::Error| LabError::place(path, 0, "", error.to_string(), "an HDF5 file");
    let file = File::from_bytes(bytes).map_err(damaged)?;
    let told = linked
        .into_iter()
        .map(|(at, group)| (format!("{at}@link"), (Vec::new(), Values::Text(vec![group]))));
    let mut reader = Reader {
        path,
        matlab,
        wanted,
        arrays: told.collect(),
        total: 0,
    };
    reader.group(&file.root(), "", 0)?;
    Ok(reader.arrays)
}

struct Reader<'a> {
    path: &'a Path,
    matlab: bool,
    wanted: &'a dyn Fn(&str) -> bool,
    arrays: Arrays,
    /// Bytes of all values so far.
    total: usize,
}

impl Reader<'_> {
    fn damaged(&self, field: &str, error: impl std::fmt::Display) -> LabError {
        let field = file::shown(field).into_owned();
        LabError::place(
            self.path,
            0,
            field,
            error.to_string(),
            "an array that can be read",
        )
    }

    fn claim(&mut self, field: &str, n: usize, each: usize) -> Result<(), LabError> {
        self.total = self.total.saturating_add(n.saturating_mul(each));
        memory::claim(
            self.path,
            &format!("arrays up to `{}`", file::shown(field)),
            self.total,
            1,
        )
    }

    fn group(&mut self, group: &Group, at: &str, depth: usize) -> Result<(), LabError> {
        if depth > DEEPEST {
            return Err(self.damaged(at, "groups in groups without an end"));
        }
        self.attributes(at, group.attrs());
        let inside = |name: &str| {
            if at.is_empty() {
                name.to_owned()
            } else {
                format!("{at}/{name}")
            }
        };
        for name in group.datasets().map_err(|error| self.damaged(at, error))? {
            let place = if self.matlab {
                inside(&name).replace('/', ".")
            } else {
                inside(&name)
            };
            match group.dataset(&name) {
                Ok(dataset) => self.dataset(&dataset, &place, depth)?,
                Err(error) => return Err(self.damaged(&place, error)),
            }
        }
        for name in group.groups().map_err(|error| self.damaged(at, error))? {
            // References lead here; the names inside mean nothing.
            if self.matlab && name.starts_with('#') {
                continue;
            }
            let inner = group
                .group(&name)
                .map_err(|error| self.damaged(&inside(&name), error))?;
            self.group(&inner, &inside(&name), depth + 1)?;
        }
        Ok(())
    }

    /// Attributes that are numbers or text; others are left out.
    fn attributes(&mut self, at: &str, found: Result<HashMap<String, AttrValue>, hdf5_pure::Error>) {
        for (name, value) in found.unwrap_or_default() {
            if let Some(array) = attribute(&value) {
                self.arrays.insert(format!("{at}@{name}"), array);
            }
        }
    }

    fn dataset(&mut self, dataset: &Dataset, at: &str, depth: usize) -> Result<(), LabError> {
        if !(self.wanted)(at) {
            return Ok(());
        }
        let (Ok(shape), Ok(datatype)) = (dataset.shape(), dataset.datatype()) else {
            // A type that HDF5 has and nobody here asks for.
            return Ok(());
        };
        let shape: Vec<usize> = shape.into_iter().map(|axis| axis as usize).collect();
        let n = npy::length(&shape).ok_or_else(|| self.damaged(at, format!("shape {shape:?}")))?;
        self.claim(at, n, datatype.type_size().max(8) as usize)?;
        let attributes = dataset.attrs();
        let class = attributes
            .as_ref()
            .ok()
            .and_then(|all| all.get("MATLAB_class")?.as_str().map(str::to_owned));
        let empty = attributes
            .as_ref()
            .is_ok_and(|all| all.contains_key("MATLAB_empty"));
        self.attributes(at, attributes);
        match &datatype {
            Datatype::VariableLength { is_string: true, .. } | Datatype::String { .. } => {
                let texts = dataset.read_string().map_err(|error| self.damaged(at, error))?;
                let shape = if texts.is_empty() && shape.is_empty() {
                    vec![0]
                } else {
                    shape
                };
                self.insert(at, shape, Values::Text(texts))
            }
            Datatype::Reference { .. } if self.matlab && !empty => {
                self.references(dataset, &shape, at, class, depth)
            }
            Datatype::Compound { members, size } => {
                let raw = dataset.read_raw().map_err(|error| self.damaged(at, error))?;
                for member in members {
                    let (from, size) = (member.byte_offset as usize, *size as usize);
                    let name = format!("{at}#{}", member.name);
                    self.part(&name, &shape, &member.datatype, &raw, from, size)?;
                }
                Ok(())
            }
            Datatype::FixedPoint { .. }
            | Datatype::FloatingPoint { .. }
            | Datatype::Enumeration { .. }
            | Datatype::Array { .. } => {
                let raw = if empty {
                    Vec::new()
                } else {
                    dataset.read_raw().map_err(|error| self.damaged(at, error))?
                };
                // MATLAB's own mark, or a data set without a space.
                let empty = empty || raw.is_empty() && shape.is_empty();
                let shape = if empty { vec![0; shape.len().max(1)] } else { shape };
                if class.as_deref() == Some("char") {
                    return self.letters(at, &shape, &datatype, &raw);
                }
                self.part(at, &shape, &datatype, &raw, 0, datatype.type_size() as usize)
            }
            _ => Ok(()),
        }
    }

    /// Values of a plain type that lie `size` bytes apart from byte `from` on.
    fn part(
        &mut self,
        at: &str,
        shape: &[usize],
        datatype: &Datatype,
        raw: &[u8],
        from: usize,
        size: usize,
    ) -> Result<(), LabError> {
        let (base, inner): (&Datatype, Vec<usize>) = match datatype {
            Datatype::Array {
                base_type,
                dimensions,
            } => (
                base_type.as_ref(),
                dimensions.iter().map(|&axis| axis as usize).collect(),
            ),
            plain => (plain, Vec::new()),
        };
        let width = datatype.type_size() as usize;
        let (Some(n), true) = (npy::length(shape), from.saturating_add(width) <= size) else {
            return Err(self.damaged(at, "a member outside of its row"));
        };
        if raw.len() != n.saturating_mul(size) {
            return Err(self.damaged(at, format!("{} bytes for shape {shape:?}", raw.len())));
        }
        let bytes: Vec<u8> = if width == size {
            raw.to_vec()
        } else {
            raw.chunks_exact(size)
                .flat_map(|row| &row[from..from + width])
                .copied()
                .collect()
        };
        let Some(values) = values(base, &bytes) else {
            return Ok(());
        };
        let shape = shape.iter().copied().chain(inner).collect();
        self.insert(at, shape, values)
    }

    fn insert(&mut self, at: &str, shape: Vec<usize>, values: Values) -> Result<(), LabError> {
        if npy::length(&shape) != Some(values.len()) {
            return Err(self.damaged(at, format!("{} values for shape {shape:?}", values.len())));
        }
        let (shape, values) = if self.matlab && shape.len() > 1 {
            // Its columns are the rows here: read as column-major over the axes in MATLAB's order.
            let turned: Vec<usize> = shape.into_iter().rev().collect();
            let values = npy::row_major_values(&turned, values);
            (turned, values)
        } else {
            (shape, values)
        };
        if self.arrays.insert(at.to_owned(), (shape, values)).is_some() {
            return Err(self.damaged(at, "two arrays of one name"));
        }
        Ok(())
    }

    /// Text of MATLAB: codes of letters, a column a row.
    fn letters(
        &mut self,
        at: &str,
        shape: &[usize],
        datatype: &Datatype,
        raw: &[u8],
    ) -> Result<(), LabError> {
        let codes = values(datatype, raw)
            .and_then(|values| values.integers())
            .unwrap_or_default();
        let rows = shape.last().copied().unwrap_or(1).max(1);
        let text = |row: usize| -> String {
            let units: Vec<u16> = codes
                .iter()
                .skip(row)
                .step_by(rows)
                .map(|&code| code as u16)
                .collect();
            String::from_utf16_lossy(&units).trim_end().to_owned()
        };
        let n = if codes.is_empty() { 1 } else { rows };
        self.arrays
            .insert(at.to_owned(), (vec![n], Values::Text((0..n).map(text).collect())));
        Ok(())
    }

    /// What the references of a cell array or of a field of a structure array point at.
    fn references(
        &mut self,
        dataset: &Dataset,
        shape: &[usize],
        at: &str,
        class: Option<String>,
        depth: usize,
    ) -> Result<(), LabError> {
        if depth > DEEPEST {
            return Err(self.damaged(at, "references without an end"));
        }
        let objects = dataset.dereference().map_err(|error| self.damaged(at, error))?;
        // MATLAB counts along its own columns, which is the order in the file.
        debug_assert!(npy::length(shape).is_some());
        for (k, object) in objects.into_iter().enumerate() {
            let place = match (class.as_deref(), at.rsplit_once('.')) {
                (Some("cell"), _) | (_, None) => format!("{at}{{{}}}", k + 1),
                (_, Some((whole, field))) => format!("{whole}({}).{field}", k + 1),
            };
            match object {
                Object::Dataset(inner) => self.dataset(&inner, &place, depth + 1)?,
                Object::Group(inner) => self.group(&inner, &place, depth + 1)?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn attribute(value: &AttrValue) -> Option<Array> {
    let one = |values: Values| Some((Vec::new(), values));
    if let Some(text) = value.as_str() {
        return one(Values::Text(vec![text.to_owned()]));
    }
    if let Some(texts) = value.as_strings() {
        return Some((vec![texts.len()], Values::Text(texts.to_vec())));
    }
    if let Some(number) = value.as_i64() {
        return one(Values::I64(vec![number]));
    }
    if let Some(number) = value.as_f64() {
        return one(Values::F64(vec![number]));
    }
    match value {
        AttrValue::F64Array(values) => Some((vec![values.len()], Values::F64(values.clone()))),
        AttrValue::F32Array(values) => Some((vec![values.len()], Values::F32(values.clone()))),
        AttrValue::I64Array(values) => Some((vec![values.len()], Values::I64(values.clone()))),
        AttrValue::I32Array(values) => Some((vec![values.len()], values.clone().into())),
        AttrValue::U8Array(values) => Some((vec![values.len()], Values::U8(values.clone()))),
        AttrValue::U32Array(values) => Some((vec![values.len()], values.clone().into())),
        AttrValue::U64Array(values) => Some((vec![values.len()], npy::large(values.clone()))),
        _ => None,
    }
}

/// Bytes of a plain type; `None` for another.
fn values(datatype: &Datatype, bytes: &[u8]) -> Option<Values> {
    let big = |order: &DatatypeByteOrder| matches!(order, DatatypeByteOrder::BigEndian);
    match datatype {
        Datatype::FloatingPoint { size, byte_order, .. } => match size {
            2 => Some(Values::F32(npy::words(bytes, big(byte_order), |b| {
                npy::half(u16::from_le_bytes(b))
            }))),
            4 => Some(Values::F32(npy::words(
                bytes,
                big(byte_order),
                f32::from_le_bytes,
            ))),
            8 => Some(Values::F64(npy::words(
                bytes,
                big(byte_order),
                f64::from_le_bytes,
            ))),
            _ => None,
        },
        Datatype::FixedPoint {
            size,
            byte_order,
            layout,
        } => {
            let big = big(byte_order);
            Some(match (size, layout.signed) {
                (1, false) => Values::U8(bytes.to_vec()),
                (1, true) => npy::words(bytes, big, i8::from_le_bytes).into(),
                (2, false) => npy::words(bytes, big, u16::from_le_bytes).into(),
                (2, true) => npy::words(bytes, big, i16::from_le_bytes).into(),
                (4, false) => npy::words(bytes, big, u32::from_le_bytes).into(),
                (4, true) => npy::words(bytes, big, i32::from_le_bytes).into(),
                (8, false) => npy::large(npy::words(bytes, big, u64::from_le_bytes)),
                (8, true) => npy::words(bytes, big, i64::from_le_bytes).into(),
                _ => return None,
            })
        }
        Datatype::Enumeration { base_type, .. } => values(base_type, bytes),
        Datatype::String { size, .. } => {
            let text = |word: &[u8]| {
                let text = String::from_utf8_lossy(word);
                text.split('\0').next().unwrap_or_default().trim_end().to_owned()
            };
            Some(Values::Text(
                bytes.chunks_exact((*size).max(1) as usize).map(text).collect(),
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdf5_pure::FileBuilder;

    #[test]
    fn data_sets_and_attributes_stand_under_their_paths() {
        let mut builder = FileBuilder::new();
        let mut group = builder.create_group("tracks");
        group
            .create_dataset("x")
            .with_f64_data(&[1.0, 2.0, 3.0, 4.0])
            .with_shape(&[2, 2])
            .set_attr("unit", AttrValue::String("cm".into()));
        group.create_dataset("names").with_vlen_strings(&["nose", "tail"]);
        builder.add_group(group.finish());
        builder.create_dataset("n").with_i32_data(&[-3]).with_shape(&[1]);
        let bytes = builder.finish().unwrap();
        let read = parse(Path::new("a.h5"), bytes.clone(), &|_| true).unwrap();
        assert_eq!(
            read["tracks/x"],
            (vec![2, 2], Values::F64(vec![1.0, 2.0, 3.0, 4.0]))
        );
        assert_eq!(read["tracks/x@unit"].1, Values::Text(vec!["cm".to_owned()]));
        assert_eq!(
            read["tracks/names"].1,
            Values::Text(vec!["nose".to_owned(), "tail".to_owned()])
        );
        assert_eq!(read["n"].1, Values::I64(vec![-3]));
        let some = parse(Path::new("a.h5"), bytes, &|at| at != "tracks/x").unwrap();
        assert!(!some.contains_key("tracks/x") && some.contains_key("n"));
    }

    /// Written by h5py in its oldest form: a group `a` with `x` = [1, 2, 3], `b/same` a soft link to `/a/x`, `b/chain`
    /// to `/b/same`, `b/plane` to `/a`, `b/gone` to nothing, `b/own` = [4].
    const LINKS: &[u8] = include_bytes!("../../tests/data/soft-links.h5");

    #[test]
    fn soft_links_lead_to_data_sets_and_are_told_of_groups() {
        let read = parse(Path::new("links.h5"), LINKS.to_vec(), &|_| true).unwrap();
        let keys: Vec<&str> = read.keys().map(String::as_str).collect();
        assert_eq!(keys, ["a/x", "b/chain", "b/own", "b/plane@link", "b/same"]);
        assert_eq!(read["b/same"], read["a/x"]);
        assert_eq!(read["b/chain"], read["a/x"]);
        assert_eq!(read["b/plane@link"].1, Values::Text(vec!["a".to_owned()]));
    }

    #[test]
    fn no_byte_of_a_file_with_soft_links_brings_the_reader_down() {
        for at in 0..LINKS.len() {
            for flip in [0xff, 0x01] {
                let mut bytes = LINKS.to_vec();
                bytes[at] ^= flip;
                let _ = parse(Path::new("links.h5"), bytes, &|_| true);
            }
        }
    }

    #[test]
    fn damage_is_refused() {
        let mut builder = FileBuilder::new();
        builder
            .create_dataset("x")
            .with_f64_data(&[1.0; 100])
            .with_shape(&[100]);
        let bytes = builder.finish().unwrap();
        let cut = parse(Path::new("a.h5"), bytes[..bytes.len() / 2].to_vec(), &|_| true);
        assert!(cut.is_err());
    }
}
