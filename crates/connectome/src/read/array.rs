//! NumPy arrays: `.npy`, `.npz`, and SciPy's sparse matrices in the latter.

use crate::data::{Connectome, Side};
use crate::error::DataError;
use crate::graph::Csr;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// A numeric array; integers above 2^53 are kept in `integers`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Values, row-major; empty for text.
    pub values: Vec<f64>,
    /// The same as integers, where the file holds integers.
    pub integers: Option<Vec<i64>>,
    /// Text, where the file holds text.
    pub texts: Vec<String>,
}

/// Every array of a `.npz` file by name.
///
/// # Errors
/// Not an archive, or an array of an unknown kind.
pub fn npz(path: &Path) -> Result<BTreeMap<String, Array>, DataError> {
    read_arrays(path)
}

fn read_arrays(path: &Path) -> Result<BTreeMap<String, Array>, DataError> {
    let file = std::fs::File::open(path).map_err(DataError::io(path, "read"))?;
    let damaged =
        |error: zip::result::ZipError| DataError::field(path, 0, "", error.to_string(), "a NumPy archive");
    let mut archive = zip::ZipArchive::new(file).map_err(damaged)?;
    let mut arrays = BTreeMap::new();
    for k in 0..archive.len() {
        let mut member = archive.by_index(k).map_err(damaged)?;
        let name = member.name().trim_end_matches(".npy").to_owned();
        let mut bytes = Vec::new();
        member
            .read_to_end(&mut bytes)
            .map_err(DataError::io(path, "unpack"))?;
        let array = parse(&bytes)
            .map_err(|found| DataError::field(path, 0, name.clone(), found, "an array of numbers"))?;
        arrays.insert(name, array);
    }
    Ok(arrays)
}

/// The header's value of a key, as text up to the next top-level comma.
fn entry<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let at = header.find(&format!("'{key}':"))? + key.len() + 3;
    Some(header[at..].trim_start())
}

/// Reads the `.npy` format, version 1 to 3 (NumPy Enhancement Proposal 1).
fn parse(bytes: &[u8]) -> Result<Array, String> {
    if bytes.len() < 12 || &bytes[..6] != b"\x93NUMPY" {
        return Err("no NumPy header".to_owned());
    }
    let (start, length) = match bytes[6] {
        1 => (10, u16::from_le_bytes([bytes[8], bytes[9]]) as usize),
        _ => (
            12,
            u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize,
        ),
    };
    let header = bytes.get(start..start + length).ok_or("a cut header")?;
    let header = String::from_utf8_lossy(header);
    let data = &bytes[start + length..];
    let kind = entry(&header, "descr")
        .and_then(|t| t.trim_start_matches('\'').split('\'').next())
        .ok_or("no type")?;
    if entry(&header, "fortran_order").is_some_and(|t| t.starts_with("True")) {
        return Err("column-major order".to_owned());
    }
    let shape = entry(&header, "shape")
        .and_then(|t| t.trim_start_matches('(').split(')').next())
        .ok_or("no shape")?;
    let shape: Vec<usize> = shape.split(',').filter_map(|f| f.trim().parse().ok()).collect();
    let n: usize = shape.iter().product();
    let (code, size) = kind.trim_start_matches(['<', '|', '=']).split_at(1);
    if kind.starts_with('>') {
        return Err("big-endian numbers".to_owned());
    }
    let size: usize = size.parse().map_err(|_| format!("type `{kind}`"))?;
    let width = if code == "U" { 4 * size } else { size };
    if width > 0 && data.len() < n * width {
        return Err(format!("{} bytes for {n} values", data.len()));
    }
    let mut array = Array {
        shape,
        ..Array::default()
    };
    let words = || data.chunks_exact(width.max(1)).take(n);
    let low = |word: &[u8]| {
        word.iter()
            .rev()
            .fold(0u64, |value, &byte| value << 8 | u64::from(byte))
    };
    match code {
        "f" if size == 8 => array.values = words().map(|w| f64::from_bits(low(w))).collect(),
        "f" if size == 4 => {
            array.values = words()
                .map(|w| f64::from(f32::from_bits(low(w) as u32)))
                .collect();
        }
        "i" | "u" | "b" => {
            let sign = |w: u64| {
                if code == "i" && size < 8 {
                    ((w << (64 - 8 * size)) as i64) >> (64 - 8 * size)
                } else {
                    w as i64
                }
            };
            let integers: Vec<i64> = words().map(|w| sign(low(w))).collect();
            array.values = integers.iter().map(|&v| v as f64).collect();
            array.integers = Some(integers);
        }
        "S" => {
            array.texts = words()
                .map(|w| String::from_utf8_lossy(w).trim_end_matches('\0').to_owned())
                .collect();
        }
        "U" => {
            let letter = |c: &[u8]| char::from_u32(low(c) as u32).filter(|&c| c != '\0');
            array.texts = words()
                .map(|w| w.chunks_exact(4).filter_map(letter).collect())
                .collect();
        }
        _ => return Err(format!("type `{kind}`")),
    }
    Ok(array)
}

/// SciPy's CSR, CSC or COO, or a dense square matrix; ids from an array `ids` if there is one.
pub(super) fn connectome(path: &Path) -> Result<Connectome, DataError> {
    let wrong =
        |field: &str, found: String, expected: &str| DataError::field(path, 0, field, found, expected);
    let mut arrays = if path.extension().is_some_and(|ending| ending == "npy") {
        let bytes = std::fs::read(path).map_err(DataError::io(path, "read"))?;
        let array = parse(&bytes).map_err(|found| wrong("", found, "an array of numbers"))?;
        BTreeMap::from([("dense".to_owned(), array)])
    } else {
        read_arrays(path)?
    };
    let ids = arrays.remove("ids").and_then(|a| a.integers);
    let shape = arrays.get("shape").map(|a| a.values.clone());
    let (n, edges) = if let (Some(shape), Some(data)) = (shape, arrays.get("data")) {
        let n = shape[0] as usize;
        if shape.len() != 2 || shape[0] != shape[1] {
            return Err(wrong("shape", format!("{shape:?}"), "a square matrix"));
        }
        let column = |name: &str| {
            arrays
                .get(name)
                .and_then(|a| a.integers.clone())
                .ok_or_else(|| wrong(name, "nothing".to_owned(), "an array of integers"))
        };
        let format = arrays
            .get("format")
            .and_then(|a| a.texts.first().cloned())
            .unwrap_or("csr".to_owned());
        let (rows, columns) = if format == "coo" {
            (column("row")?, column("col")?)
        } else {
            let pointer = column("indptr")?;
            let major = (0..n).flat_map(|i| {
                let length = (pointer[i + 1] - pointer[i]).max(0) as usize;
                std::iter::repeat_n(i as i64, length)
            });
            let (major, minor): (Vec<i64>, _) = (major.collect(), column("indices")?);
            if format == "csc" {
                (minor, major)
            } else {
                (major, minor)
            }
        };
        let inside = |k: &i64| (0..n as i64).contains(k);
        if rows.len() != data.values.len()
            || columns.len() != rows.len()
            || !rows.iter().chain(&columns).all(inside)
        {
            return Err(wrong(
                "indices",
                "places outside the matrix".to_owned(),
                "one place per value",
            ));
        }
        let edges = rows
            .iter()
            .zip(&columns)
            .zip(&data.values)
            .map(|((&i, &j), &w)| (i as u32, j as u32, w));
        (n, edges.collect::<Vec<_>>())
    } else {
        let dense = arrays
            .into_values()
            .find(|a| a.shape.len() == 2 && a.shape[0] == a.shape[1]);
        let dense = dense.ok_or_else(|| {
            wrong(
                "",
                "no square matrix".to_owned(),
                "SciPy sparse rows or a dense square matrix",
            )
        })?;
        let n = dense.shape[0];
        let nonzero = (0..n * n).filter(|&k| dense.values[k] != 0.0);
        (
            n,
            nonzero
                .map(|k| ((k / n) as u32, (k % n) as u32, dense.values[k]))
                .collect(),
        )
    };
    if let Some(&(i, j, w)) = edges.iter().find(|e: &&(u32, u32, f64)| !e.2.is_finite()) {
        return Err(wrong("data", format!("{w} at ({i}, {j})"), "finite numbers"));
    }
    let ids = match ids {
        Some(ids) if ids.len() == n => ids,
        Some(ids) => return Err(wrong("ids", format!("{} ids", ids.len()), "one per row")),
        None => (0..n as i64).collect(),
    };
    let layers = BTreeMap::from([("chem".to_owned(), Csr::from_edges(n, edges))]);
    Ok(Connectome {
        ids,
        layers,
        sides: vec![Side::Centre; n],
        ..Connectome::default()
    })
}
