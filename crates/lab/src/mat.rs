//! MATLAB files of version 5 to 7: numbers, text and structures.
//!
//! Files of version 7.3 are HDF5 behind a block of 512 bytes and are not read here. The format: MathWorks,
//! *MAT-File Level 5*. Every length is checked against what is there, so that a file cut short is an error.

use crate::error::LabError;
use flate2::read::ZlibDecoder;
use std::io::Read;
use std::path::Path;

/// Bytes that one compressed variable may unpack to.
const MOST_BYTES: u64 = 2 << 30;
/// Structures within structures.
const DEEPEST: usize = 32;

/// A variable, or a field of a structure.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Name; empty for elements of an array of structures.
    pub name: String,
    /// Size along each dimension.
    pub shape: Vec<usize>,
    /// What it holds.
    pub content: Content,
}

/// What a variable holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Numbers or flags, in the order of the file: the first index runs fastest.
    Numbers(Vec<f64>),
    /// Characters.
    Text(String),
    /// The fields of every element of a structure array.
    Structure(Vec<Vec<Variable>>),
    /// Cells.
    Cells(Vec<Variable>),
    /// Something that is not read: its MATLAB class.
    Other(&'static str),
}

impl Variable {
    /// The size as MATLAB shows it: `120x1 double`.
    pub fn describe(&self) -> String {
        let kind = match &self.content {
            Content::Numbers(_) => "numbers",
            Content::Text(_) => "text",
            Content::Structure(_) => "struct",
            Content::Cells(_) => "cell",
            Content::Other(kind) => kind,
        };
        let size: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        format!("{} ({} {kind})", self.name, size.join("x"))
    }
}

/// Whether bytes begin as a MATLAB file of version 5 to 7 does.
pub fn is_mat5(bytes: &[u8]) -> bool {
    bytes.len() >= 128 && matches!(&bytes[126..128], b"IM" | b"MI") && !bytes.starts_with(b"MATLAB 7.3")
}

/// Reads all variables.
///
/// # Errors
/// Missing, of another kind, or damaged: says where.
pub fn read_mat(path: &Path) -> Result<Vec<Variable>, LabError> {
    let bytes = std::fs::read(path).map_err(LabError::io(path, "read"))?;
    parse_mat(&bytes).map_err(|found| LabError::content(path, found, "a MATLAB file of version 5 to 7"))
}

/// Variables of a MATLAB file in memory.
///
/// # Errors
/// What is wrong, in words.
pub fn parse_mat(bytes: &[u8]) -> Result<Vec<Variable>, String> {
    if !is_mat5(bytes) {
        return Err("no header of a MATLAB file of version 5 to 7".to_owned());
    }
    let big = &bytes[126..128] == b"MI";
    let mut cursor = Cursor {
        bytes: &bytes[128..],
        big,
    };
    let mut variables = Vec::new();
    while !cursor.bytes.is_empty() {
        let (kind, data) = cursor
            .element()
            .map_err(|problem| format!("variable {}: {problem}", variables.len() + 1))?;
        let unpacked;
        let matrix = match kind {
            COMPRESSED => {
                let mut out = Vec::new();
                let read = ZlibDecoder::new(data).take(MOST_BYTES).read_to_end(&mut out);
                read.map_err(|error| format!("variable {} does not unpack ({error})", variables.len() + 1))?;
                unpacked = out;
                let mut inner = Cursor {
                    bytes: &unpacked,
                    big,
                };
                let (kind, data) = inner.element()?;
                (kind == MATRIX).then_some(data)
            }
            MATRIX => Some(data),
            _ => None,
        };
        if let Some(data) = matrix {
            variables.push(variable(data, big, 0)?);
        }
    }
    Ok(variables)
}

const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

struct Cursor<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl<'a> Cursor<'a> {
    fn word(&self, at: usize) -> Result<u32, String> {
        let four: [u8; 4] = self
            .bytes
            .get(at..at + 4)
            .and_then(|b| b.try_into().ok())
            .ok_or("cut short")?;
        Ok(if self.big {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        })
    }

    /// Type and bytes of the next element; small ones share the eight bytes of their tag.
    fn element(&mut self) -> Result<(u32, &'a [u8]), String> {
        let first = self.word(0)?;
        if first >> 16 != 0 {
            let (kind, n) = (first & 0xffff, (first >> 16) as usize);
            let data = self
                .bytes
                .get(4..4 + n)
                .filter(|_| n <= 4)
                .ok_or("a small element is too long")?;
            self.bytes = self.bytes.get(8..).unwrap_or_default();
            return Ok((kind, data));
        }
        let n = self.word(4)? as usize;
        let rest = &self.bytes[8..];
        let data = rest
            .get(..n)
            .ok_or_else(|| format!("{} bytes where {n} should be: the file was cut short", rest.len()))?;
        let padded = if first == COMPRESSED { n } else { n.div_ceil(8) * 8 };
        self.bytes = rest.get(padded..).unwrap_or_default();
        Ok((first, data))
    }
}

fn numbers(kind: u32, data: &[u8], big: bool) -> Result<Vec<f64>, String> {
    macro_rules! read {
        ($type:ty) => {{
            let size = std::mem::size_of::<$type>();
            let one = |bytes: &[u8]| {
                let bytes = bytes.try_into().expect("as many bytes as the type has");
                let value = if big {
                    <$type>::from_be_bytes(bytes)
                } else {
                    <$type>::from_le_bytes(bytes)
                };
                value as f64
            };
            Ok(data.chunks_exact(size).map(one).collect())
        }};
    }
    match kind {
        1 => read!(i8),
        2 | 16 => read!(u8),
        3 => read!(i16),
        4 | 17 => read!(u16),
        5 => read!(i32),
        6 | 18 => read!(u32),
        7 => read!(f32),
        9 => read!(f64),
        12 => read!(i64),
        13 => read!(u64),
        other => Err(format!("an element of unknown type {other}")),
    }
}

fn variable(data: &[u8], big: bool, depth: usize) -> Result<Variable, String> {
    if depth > DEEPEST {
        return Err("structures are nested too deeply".to_owned());
    }
    let mut cursor = Cursor { bytes: data, big };
    if data.is_empty() {
        return Ok(Variable {
            name: String::new(),
            shape: vec![0, 0],
            content: Content::Numbers(Vec::new()),
        });
    }
    let (_, flags) = cursor.element()?;
    let class = Cursor { bytes: flags, big }.word(0)? & 0xff;
    let (kind, dimensions) = cursor.element()?;
    let size = |n: &f64| (*n >= 0.0).then_some(*n as usize);
    let shape: Option<Vec<usize>> = numbers(kind, dimensions, big)?.iter().map(size).collect();
    let shape = shape.ok_or("an impossible size")?;
    let (_, name) = cursor.element()?;
    let name = String::from_utf8_lossy(name).trim_end_matches('\0').to_owned();
    let count = shape
        .iter()
        .try_fold(1_usize, |all, n| all.checked_mul(*n))
        .ok_or("an impossible size")?;
    let content = match class {
        1 => Content::Cells(parts(&mut cursor, count, data.len(), depth)?),
        2 => structure(&mut cursor, count, data.len(), depth)?,
        4 => {
            let (kind, text) = cursor.element()?;
            Content::Text(characters(kind, text, big)?)
        }
        6..=15 => {
            let (kind, values) = cursor.element()?;
            let values = numbers(kind, values, big)?;
            if values.len() != count {
                return Err(format!(
                    "`{name}` holds {} numbers, its size says {count}",
                    values.len()
                ));
            }
            Content::Numbers(values)
        }
        3 => Content::Other("object"),
        5 => Content::Other("sparse matrix"),
        _ => Content::Other("class that is not read"),
    };
    Ok(Variable { name, shape, content })
}

fn characters(kind: u32, data: &[u8], big: bool) -> Result<String, String> {
    if kind == 16 || kind == 1 || kind == 2 {
        return Ok(String::from_utf8_lossy(data).into_owned());
    }
    let units: Vec<u16> = numbers(kind, data, big)?
        .iter()
        .map(|unit| *unit as u16)
        .collect();
    Ok(String::from_utf16_lossy(&units))
}

fn parts(cursor: &mut Cursor, count: usize, bytes: usize, depth: usize) -> Result<Vec<Variable>, String> {
    if count > bytes {
        return Err(format!("{count} cells in {bytes} bytes"));
    }
    (0..count)
        .map(|_| {
            let (_, data) = cursor.element()?;
            variable(data, cursor.big, depth + 1)
        })
        .collect()
}

fn structure(cursor: &mut Cursor, count: usize, bytes: usize, depth: usize) -> Result<Content, String> {
    let (kind, length) = cursor.element()?;
    let length = numbers(kind, length, cursor.big)?
        .first()
        .map_or(0, |n| *n as usize);
    let (_, names) = cursor.element()?;
    if length == 0 && !names.is_empty() {
        return Err("a structure without names".to_owned());
    }
    let name = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes)
            .split('\0')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let names: Vec<String> = names.chunks(length.max(1)).map(name).collect();
    if count.saturating_mul(names.len()) > bytes {
        return Err(format!(
            "{count} structures of {} fields in {bytes} bytes",
            names.len()
        ));
    }
    let mut elements = Vec::new();
    for _ in 0..count {
        let mut fields = parts(cursor, names.len(), bytes, depth)?;
        fields
            .iter_mut()
            .zip(&names)
            .for_each(|(field, name)| field.name.clone_from(name));
        elements.push(fields);
    }
    Ok(Content::Structure(elements))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use std::io::Write;

    fn element(kind: u32, data: &[u8]) -> Vec<u8> {
        let mut out = [kind.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
        out.extend_from_slice(data);
        out.resize(out.len().div_ceil(8) * 8, 0);
        out
    }

    fn matrix(name: &str, shape: [u32; 2], class: u32, values: &[u8], kind: u32) -> Vec<u8> {
        let dimensions: Vec<u8> = shape.iter().flat_map(|n| n.to_le_bytes()).collect();
        let flags: Vec<u8> = [class, 0].iter().flat_map(|n| n.to_le_bytes()).collect();
        let parts = [
            element(6, &flags),
            element(5, &dimensions),
            element(1, name.as_bytes()),
            element(kind, values),
        ];
        element(MATRIX, &parts.concat())
    }

    fn file(variables: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![b' '; 124];
        bytes.extend_from_slice(&[0, 1]);
        bytes.extend_from_slice(b"IM");
        bytes.extend(variables.concat());
        bytes
    }

    #[test]
    fn plain_and_compressed_variables_are_read_and_a_cut_is_noticed() {
        let values: Vec<u8> = [1.5_f64, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let plain = matrix("x", [1, 2], 6, &values, 9);
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&matrix("y", [2, 1], 6, &[3, 4], 2)).unwrap();
        let packed = encoder.finish().unwrap();
        let mut compressed = [COMPRESSED.to_le_bytes(), (packed.len() as u32).to_le_bytes()].concat();
        compressed.extend_from_slice(&packed);
        let bytes = file(&[compressed, plain]);
        let read = parse_mat(&bytes).unwrap();
        assert_eq!(read[0].content, Content::Numbers(vec![3.0, 4.0]));
        assert_eq!((read[1].name.as_str(), &read[1].shape[..]), ("x", &[1, 2][..]));
        assert_eq!(read[1].describe(), "x (1x2 numbers)");
        for cut in 129..bytes.len() - 8 {
            assert!(
                parse_mat(&bytes[..cut]).is_err() || parse_mat(&bytes[..cut]).unwrap().len() < 2,
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        let lie = matrix("x", [u32::MAX, u32::MAX], 1, &[], 9);
        assert!(parse_mat(&file(&[lie])).is_err());
        let short = matrix("x", [3, 1], 6, &[1, 2], 2);
        assert_eq!(
            parse_mat(&file(&[short])).unwrap_err(),
            "`x` holds 2 numbers, its size says 3"
        );
        assert!(parse_mat(b"MATLAB").is_err());
    }
}
