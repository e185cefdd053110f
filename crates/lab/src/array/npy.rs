//! The `.npy` format of NumPy, versions 1 to 3 (NumPy Enhancement Proposal 1), and archives of such arrays.

use crate::error::LabError;
use crate::file;
use crate::memory;
use neuropil_math::arrays::{Array, Arrays, Values};
use std::io::{Read, Seek};
use std::path::Path;

/// First bytes of the format.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// What a header says.
#[derive(Debug, PartialEq)]
struct Header {
    /// Type of an element: byte order, kind, bytes (of text: characters).
    big_endian: bool,
    kind: char,
    size: usize,
    column_major: bool,
    shape: Vec<usize>,
}

/// Why bytes are no array: what was found, what was expected.
type Wrong = (String, &'static str);

const NUMBERS: &str = "an array of numbers or text";

/// An array of a file or archive; `field` names it in messages.
pub(super) fn parse(path: &Path, field: &str, bytes: &[u8]) -> Result<Array, LabError> {
    let refuse = |(found, expected): Wrong| LabError::place(path, 0, field, found, expected);
    let (header, data) = split(bytes).map_err(refuse)?;
    let header = parse_header(header).map_err(|wrong| {
        let hint = hint(&wrong.0);
        refuse(wrong).hint(hint)
    })?;
    let width = header.width();
    let n = length(&header.shape).ok_or_else(|| {
        let found = format!("shape {:?}, which is beyond all memory", header.shape);
        LabError::place(path, 0, field, found, "a shape that fits its values")
    })?;
    if n.checked_mul(width) != Some(data.len()) {
        let found = format!("{} bytes of data for shape {:?}", data.len(), header.shape);
        let expected = format!("{n} values of {width} bytes");
        return Err(LabError::place(path, 0, field, found, expected));
    }
    memory::claim(path, &format!("{n} values of `{field}`"), n, header.memory())?;
    let values = header.values(data);
    let values = if header.column_major && header.shape.len() > 1 {
        row_major_values(&header.shape, values)
    } else {
        values
    };
    Ok((header.shape, values))
}

fn hint(found: &str) -> &'static str {
    if found.contains('O') {
        "such arrays hold Python objects: save numbers, or text as `numpy.array(names, dtype=str)`"
    } else if found.contains("complex") {
        "save the real part, the imaginary part or the modulus"
    } else {
        ""
    }
}

/// The text of the header, and the data.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), Wrong> {
    let cut = || ("a cut header".to_owned(), NUMBERS);
    if !bytes.starts_with(MAGIC) {
        return Err(("no NumPy header".to_owned(), NUMBERS));
    }
    let (start, length) = match (bytes.get(6), bytes.get(8..12)) {
        (Some(1), Some(size)) => (10, usize::from(u16::from_le_bytes([size[0], size[1]]))),
        (Some(2 | 3), Some(size)) => (
            12,
            u32::from_le_bytes([size[0], size[1], size[2], size[3]]) as usize,
        ),
        (Some(version), Some(_)) => return Err((format!("version {version} of the format"), "1, 2 or 3")),
        _ => return Err(cut()),
    };
    let end = start + length;
    if bytes.len() < end {
        return Err(cut());
    }
    Ok((&bytes[start..end], &bytes[end..]))
}

/// The literal of a Python dictionary with the keys `descr`, `fortran_order` and `shape`.
fn parse_header(text: &[u8]) -> Result<Header, Wrong> {
    let text = String::from_utf8_lossy(text);
    let shown = || file::shown(text.trim()).into_owned();
    let bad = |what: &str| (format!("{what} in the header `{}`", shown()), "a NumPy header");
    let descr = entry(&text, "descr").ok_or_else(|| bad("no `descr`"))?;
    if descr.starts_with('[') {
        return Err(("a structured type".to_owned(), "an array of one type"));
    }
    let descr = quoted(descr).ok_or_else(|| bad("no type"))?;
    let column_major = match entry(&text, "fortran_order") {
        Some(word) if word.starts_with("True") => true,
        Some(word) if word.starts_with("False") => false,
        _ => return Err(bad("no `fortran_order`")),
    };
    let shape = entry(&text, "shape")
        .and_then(|word| word.strip_prefix('(')?.split_once(')'))
        .and_then(|(inside, _)| {
            let axes = inside.trim().trim_end_matches(',').split(',').map(str::trim);
            axes.filter(|axis| !inside.trim().is_empty() || !axis.is_empty())
                .map(|axis| axis.trim_end_matches('L').parse().ok())
                .collect::<Option<Vec<usize>>>()
        })
        .ok_or_else(|| bad("no shape"))?;
    let (big_endian, kind, size) = parse_type(descr)?;
    Ok(Header {
        big_endian,
        kind,
        size,
        column_major,
        shape,
    })
}

/// What follows a key and its colon.
fn entry<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let after = ['\'', '"'].into_iter().find_map(|quote| {
        let name = format!("{quote}{key}{quote}");
        Some(&header[header.find(&name)? + name.len()..])
    })?;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote).map(|(inside, _)| inside)
}

/// Byte order, kind and size of `<f8`, `|b1`, `<U12` and their like.
fn parse_type(descr: &str) -> Result<(bool, char, usize), Wrong> {
    let unknown = || (format!("type `{}`", file::shown(descr)), NUMBERS);
    let mut rest = descr.chars();
    let first = rest.next().ok_or_else(unknown)?;
    let (order, kind) = if matches!(first, '<' | '>' | '|' | '=') {
        (first, rest.next().ok_or_else(unknown)?)
    } else {
        ('=', first)
    };
    let digits = rest.as_str();
    let size: usize = if digits.is_empty() && kind == 'O' {
        8
    } else {
        digits.parse().map_err(|_| unknown())?
    };
    match (kind, size) {
        ('f', 2 | 4 | 8) | ('i' | 'u', 1 | 2 | 4 | 8) | ('b', 1) | ('S' | 'a', _) => {}
        ('U', size) if size <= usize::MAX / 4 => {}
        ('c', _) => return Err((format!("complex numbers, type `{descr}`"), NUMBERS)),
        _ => return Err(unknown()),
    }
    Ok((order == '>', kind, size))
}

/// Number of values of a shape, if it can be counted.
pub(super) fn length(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1usize, |n, &axis| n.checked_mul(axis))
}

impl Header {
    /// Bytes of a value in the file.
    fn width(&self) -> usize {
        if self.kind == 'U' {
            4 * self.size
        } else {
            self.size
        }
    }

    /// Bytes of a value in memory.
    fn memory(&self) -> usize {
        match self.kind {
            'S' | 'a' | 'U' => size_of::<String>() + self.size,
            _ => size_of::<f64>(),
        }
    }

    /// Values in the order of the file; `data` has as many bytes as the shape says.
    fn values(&self, data: &[u8]) -> Values {
        let big = self.big_endian;
        match (self.kind, self.size) {
            ('f', 2) => Values::F32(words(data, big, |b| half(u16::from_le_bytes(b)))),
            ('f', 4) => Values::F32(words(data, big, f32::from_le_bytes)),
            ('f', _) => Values::F64(words(data, big, f64::from_le_bytes)),
            ('b', _) => Values::U8(data.iter().map(|&byte| u8::from(byte != 0)).collect()),
            ('u', 1) => Values::U8(data.to_vec()),
            ('u', 2) => Values::I64(words(data, big, |b| u16::from_le_bytes(b).into())),
            ('u', 4) => Values::I64(words(data, big, |b| u32::from_le_bytes(b).into())),
            ('u', _) => large(words(data, big, u64::from_le_bytes)),
            ('i', 1) => Values::I64(words(data, big, |b| i8::from_le_bytes(b).into())),
            ('i', 2) => Values::I64(words(data, big, |b| i16::from_le_bytes(b).into())),
            ('i', 4) => Values::I64(words(data, big, |b| i32::from_le_bytes(b).into())),
            ('i', _) => Values::I64(words(data, big, i64::from_le_bytes)),
            _ => Values::Text(self.texts(data)),
        }
    }

    fn texts(&self, data: &[u8]) -> Vec<String> {
        let width = self.width();
        if width == 0 {
            return vec![String::new(); length(&self.shape).unwrap_or(0)];
        }
        let big = self.big_endian;
        let letters = |word: &[u8]| -> String {
            let codes = words(word, big, u32::from_le_bytes);
            let text: String = codes
                .into_iter()
                .map(|code| char::from_u32(code).unwrap_or('\u{fffd}'))
                .collect();
            text.trim_end_matches('\0').to_owned()
        };
        let bytes = |word: &[u8]| String::from_utf8_lossy(word).trim_end_matches('\0').to_owned();
        let items = data.chunks_exact(width);
        if self.kind == 'U' {
            items.map(letters).collect()
        } else {
            items.map(bytes).collect()
        }
    }
}

pub(super) fn words<const N: usize, T>(data: &[u8], big_endian: bool, read: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (words, _) = data.as_chunks::<N>();
    if big_endian {
        let turned = |word: &[u8; N]| {
            let mut word = *word;
            word.reverse();
            read(word)
        };
        words.iter().map(turned).collect()
    } else {
        words.iter().map(|&word| read(word)).collect()
    }
}

/// Whole numbers without sign: as text when one of them is beyond 64 bits with sign, so that no digit is lost.
pub(super) fn large(values: Vec<u64>) -> Values {
    let signed: Option<Vec<i64>> = values.iter().map(|&value| value.try_into().ok()).collect();
    signed.map_or_else(
        || Values::Text(values.iter().map(u64::to_string).collect()),
        Values::I64,
    )
}

/// A number of half precision (IEEE 754), which 32 bits hold exactly.
///
/// ```
/// use neuropil_lab::array::half;
/// assert_eq!([half(0x3c00), half(0xc000), half(0x0001)], [1.0, -2.0, 5.9604645e-8]);
/// ```
pub fn half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (bits >> 15, (bits >> 10) & 31, f32::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(i32::from(exponent) - 15),
    };
    if sign == 1 { -size } else { size }
}

/// Column-major values in row-major order.
pub(super) fn row_major<T: Clone>(shape: &[usize], values: &[T]) -> Vec<T> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for &axis in shape {
        strides.push(stride);
        stride *= axis;
    }
    let mut place = vec![0usize; shape.len()];
    let mut at = 0;
    let mut turned = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        turned.push(values[at].clone());
        for axis in (0..shape.len()).rev() {
            place[axis] += 1;
            at += strides[axis];
            if place[axis] < shape[axis] {
                break;
            }
            at -= strides[axis] * shape[axis];
            place[axis] = 0;
        }
    }
    turned
}

pub(super) fn row_major_values(shape: &[usize], values: Values) -> Values {
    match values {
        Values::F32(values) => Values::F32(row_major(shape, &values)),
        Values::F64(values) => Values::F64(row_major(shape, &values)),
        Values::U8(values) => Values::U8(row_major(shape, &values)),
        Values::I64(values) => Values::I64(row_major(shape, &values)),
        Values::Text(values) => Values::Text(row_major(shape, &values)),
    }
}

/// All arrays of an archive.
pub(super) fn archive<R: Read + Seek>(path: &Path, mut reader: R) -> Result<Arrays, LabError> {
    let announced = file::zip_entries(&mut reader);
    let damaged =
        |error: zip::result::ZipError| LabError::place(path, 0, "", error.to_string(), "a NumPy archive");
    let mut archive = zip::ZipArchive::new(reader).map_err(damaged)?;
    if announced.is_some_and(|n| n != archive.len()) {
        return Err(LabError::place(
            path,
            0,
            "",
            "two arrays of one name",
            "every name once",
        ));
    }
    let mut arrays = Arrays::new();
    let mut total = 0u64;
    for k in 0..archive.len() {
        let member = archive.by_index(k).map_err(damaged)?;
        let full = member.name().to_owned();
        let bytes = file::whole(path, member, "unpack")?;
        total += bytes.len() as u64;
        if total > memory::limit() {
            return Err(memory::over(
                path,
                &format!("arrays of more than {}", memory::text(memory::limit() as f64)),
            ));
        }
        let name = full.strip_suffix(".npy").unwrap_or(&full).to_owned();
        let array = parse(path, &file::shown(&name), &bytes)?;
        if arrays.insert(name.clone(), array).is_some() {
            let found = format!("two arrays named `{}`", file::shown(&name));
            return Err(LabError::place(path, 0, "", found, "every name once"));
        }
    }
    Ok(arrays)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::array) fn npy(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let mut bytes = [MAGIC, &[1, 0]].concat();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn read(descr: &str, order: &str, shape: &str, data: &[u8]) -> Result<Array, String> {
        let bytes = npy(descr, order, shape, data);
        parse(Path::new("a.npy"), "x", &bytes).map_err(|error| error.to_string())
    }

    #[test]
    fn every_plain_type_is_read_in_both_byte_orders() {
        for (descr, data, expected) in [
            ("'<f8'", &1.5f64.to_le_bytes()[..], Values::F64(vec![1.5])),
            ("'>f8'", &1.5f64.to_be_bytes()[..], Values::F64(vec![1.5])),
            ("'<f4'", &0.5f32.to_le_bytes()[..], Values::F32(vec![0.5])),
            ("'<f2'", &[0x00, 0x3e][..], Values::F32(vec![1.5])),
            ("'|b1'", &[1][..], Values::U8(vec![1])),
            ("'|i1'", &[0xff][..], Values::I64(vec![-1])),
            ("'>u2'", &[1, 2][..], Values::I64(vec![258])),
            ("'<i8'", &(-7i64).to_le_bytes()[..], Values::I64(vec![-7])),
            (
                "'<u8'",
                &u64::MAX.to_le_bytes()[..],
                Values::Text(vec![u64::MAX.to_string()]),
            ),
            ("'|S3'", b"ab\0", Values::Text(vec!["ab".to_owned()])),
            (
                "'<U2'",
                &[0xb5, 0, 0, 0, 0, 0, 0, 0][..],
                Values::Text(vec!["µ".to_owned()]),
            ),
        ] {
            assert_eq!(
                read(descr, "False", "(1,)", data),
                Ok((vec![1], expected)),
                "{descr}"
            );
        }
        assert_eq!(
            read("'<i8'", "False", "()", &[0; 8]),
            Ok((vec![], Values::I64(vec![0])))
        );
        assert_eq!(
            read("'<i8'", "False", "(0, 5)", &[]),
            Ok((vec![0, 5], Values::I64(vec![])))
        );
        assert_eq!(
            [half(0x0001), half(0xc000), half(0x7bff)],
            [2f32.powi(-24), -2.0, 65504.0]
        );
    }

    #[test]
    fn column_major_arrays_of_any_dimension_are_turned() {
        let data: Vec<u8> = (0..24).collect();
        let (shape, values) = read("'|u1'", "True", "(2, 3, 4)", &data).unwrap();
        assert_eq!(shape, [2, 3, 4]);
        let Values::U8(values) = values else {
            panic!("bytes")
        };
        for (i, j, k) in [(0, 0, 0), (1, 2, 3), (0, 2, 1), (1, 0, 2)] {
            assert_eq!(usize::from(values[(i * 3 + j) * 4 + k]), i + 2 * (j + 3 * k));
        }
    }

    #[test]
    fn headers_that_lie_are_refused_before_anything_is_allocated() {
        for (descr, shape, message) in [
            (
                "'<f8'",
                "(3,)",
                "8 bytes of data for shape [3], expected 3 values of 8 bytes",
            ),
            ("'<f8'", "(4611686018427387904, 4)", "which is beyond all memory"),
            (
                "'<f8'",
                "(2305843009213693952,)",
                "expected 2305843009213693952 values of 8 bytes",
            ),
            ("'|S0'", "(4000000000000,)", "8 bytes of data for shape"),
            ("'<i9'", "(1,)", "type `<i9`"),
            ("'<c16'", "(1,)", "complex numbers"),
            ("'|O'", "(1,)", "hint: such arrays hold Python objects"),
            ("'<'", "(1,)", "type `<`"),
            ("''", "(1,)", "type ``"),
            ("'é'", "(1,)", "type `é`"),
            ("[('a', '<f8')]", "(1,)", "a structured type"),
            ("'<U4611686018427387904'", "(1,)", "type `<U4611686018427387904`"),
            ("'<f8'", "(x,)", "no shape"),
            ("'<f8'", "(-1,)", "no shape"),
        ] {
            let found = read(descr, "False", shape, &[0; 8]).unwrap_err();
            assert!(found.contains(message), "{descr} {shape}: {found}");
        }
        assert!(
            read("'<f8'", "Maybe", "(1,)", &[0; 8])
                .unwrap_err()
                .contains("no `fortran_order`")
        );
        let empty = read("'|S0'", "False", "(4000000000000,)", &[]).unwrap_err();
        assert!(empty.contains("expected at most 4 GB"), "{empty}");
        let words = |bytes: &[u8]| parse(Path::new("a.npy"), "", bytes).unwrap_err().to_string();
        assert_eq!(
            words(b"PK"),
            "a.npy: no NumPy header, expected an array of numbers or text"
        );
        assert!(words(b"\x93NUMPY\x01\0\xff\xff{").contains("a cut header"));
        assert!(words(b"\x93NUMPY\x09\0\0\0\0\0").contains("version 9 of the format"));
    }
}
