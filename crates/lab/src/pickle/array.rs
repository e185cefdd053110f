//! NumPy arrays as pickles hold them.

use crate::array::half;

/// A NumPy array: shape, type and bytes, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct NumpyArray {
    /// Sizes of the axes; empty for a single number.
    pub shape: Vec<usize>,
    /// `b`, `u`, `i` or `f`, and the bytes of one value: `u1`, `f4`.
    kind: (char, usize),
    /// Values, little-endian, row-major.
    bytes: Vec<u8>,
}

/// Type of the values of an array while it is put together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dtype {
    pub name: String,
    pub big_endian: bool,
}

impl NumpyArray {
    pub(super) fn new(
        shape: Vec<usize>,
        dtype: &Dtype,
        fortran: bool,
        mut bytes: Vec<u8>,
    ) -> Result<Self, String> {
        let name = dtype.name.as_str();
        let (letter, size) = name.split_at(name.len().min(1));
        let kind = match (letter, size.parse::<usize>()) {
            ("b" | "u" | "i", Ok(size @ (1 | 2 | 4 | 8))) | ("f", Ok(size @ (2 | 4 | 8))) => {
                (letter.chars().next().unwrap_or('u'), size)
            }
            _ => return Err(format!("an array of type `{name}`, which is not numbers")),
        };
        let n = shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size));
        if n.and_then(|n| n.checked_mul(kind.1)) != Some(bytes.len()) {
            let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
            let sizes = sizes.join(" × ");
            return Err(format!(
                "an array of {sizes} values of type `{name}` in {} bytes",
                bytes.len()
            ));
        }
        if dtype.big_endian && kind.1 > 1 {
            bytes.chunks_exact_mut(kind.1).for_each(<[u8]>::reverse);
        }
        if fortran && shape.len() > 1 {
            bytes = row_major(&shape, kind.1, &bytes);
        }
        Ok(Self { shape, kind, bytes })
    }

    /// Whether the values are truths.
    pub fn is_truths(&self) -> bool {
        self.kind == ('b', 1)
    }

    /// The values as they are stored, if they are single bytes.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        (self.kind.1 == 1 && self.kind.0 != 'i').then_some(&self.bytes)
    }

    /// Words of eight bytes that the array takes up.
    pub(super) fn words(&self) -> usize {
        self.bytes.len() / 8
    }

    /// All values in double precision, row-major.
    pub fn numbers(&self) -> Vec<f64> {
        fn words<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f64) -> Vec<f64> {
            bytes.as_chunks::<N>().0.iter().map(|&word| value(word)).collect()
        }
        let bytes = &self.bytes;
        match self.kind {
            ('f', 2) => words(bytes, |b| f64::from(half(u16::from_le_bytes(b)))),
            ('f', 4) => words(bytes, |b| f64::from(f32::from_le_bytes(b))),
            ('f', _) => words(bytes, f64::from_le_bytes),
            ('i', 1) => words(bytes, |b| f64::from(i8::from_le_bytes(b))),
            ('i', 2) => words(bytes, |b| f64::from(i16::from_le_bytes(b))),
            ('i', 4) => words(bytes, |b| f64::from(i32::from_le_bytes(b))),
            ('i', _) => words(bytes, |b| i64::from_le_bytes(b) as f64),
            (_, 1) => words(bytes, |[b]| f64::from(b)),
            (_, 2) => words(bytes, |b| f64::from(u16::from_le_bytes(b))),
            (_, 4) => words(bytes, |b| f64::from(u32::from_le_bytes(b))),
            _ => words(bytes, |b| u64::from_le_bytes(b) as f64),
        }
    }
}

/// Values in column-major order, put in row-major order.
fn row_major(shape: &[usize], size: usize, bytes: &[u8]) -> Vec<u8> {
    let mut strides = vec![size; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = vec![0_usize; shape.len()];
    for _ in 0..bytes.len() / size {
        let from: usize = index.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
        out.extend_from_slice(&bytes[from..from + size]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}
