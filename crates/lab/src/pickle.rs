//! Python's pickles, read as data: no code is run, no class is made.
//!
//! A pickle is a program for a stack machine (`pickletools` of CPython documents it). Here only the instructions that
//! build numbers, text, bytes, lists, tuples, sets, dictionaries and NumPy arrays are obeyed, of protocols 0 to 5. The
//! only names that may be called are those by which NumPy rebuilds an array; any other is refused by its name.

mod array;
mod machine;

pub use array::NumpyArray;

use crate::error::LabError;
use std::path::Path;

/// What a pickle holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Number(f64),
    /// Text; a Python 2 string, if it is UTF-8.
    Text(String),
    /// Bytes; a Python 2 string that is no UTF-8.
    Bytes(Vec<u8>),
    /// A list, tuple or set.
    List(Vec<Value>),
    /// A dictionary, in order.
    Map(Vec<(Value, Value)>),
    /// A NumPy array.
    Array(NumpyArray),
    /// A name that the reader allowed, not called: `torch.FloatStorage`.
    Name(String),
    /// A call of a name that the reader allowed, kept as data and not made.
    Call {
        /// What would be called: `torch._utils._rebuild_tensor_v2`.
        name: String,
        /// With what.
        arguments: Vec<Value>,
    },
    /// A reference to something outside of the pickle.
    Persistent(Box<Value>),
}

impl Value {
    /// The entry of a dictionary under a key, whether the key is text or bytes.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let Value::Map(entries) = self else { return None };
        let found = entries
            .iter()
            .find(|(name, _)| name.text().as_deref() == Some(key));
        found.map(|(_, value)| value)
    }

    /// Keys of a dictionary that are text.
    pub fn keys(&self) -> Vec<String> {
        match self {
            Value::Map(entries) => entries.iter().filter_map(|(key, _)| key.text()).collect(),
            _ => Vec::new(),
        }
    }

    /// Text, from text or bytes.
    pub fn text(&self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text.clone()),
            Value::Bytes(bytes) => std::str::from_utf8(bytes).ok().map(str::to_owned),
            _ => None,
        }
    }

    /// Numbers of a list or an array, row-major.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        match self {
            Value::Array(array) => Some(array.numbers()),
            Value::List(values) => values.iter().map(Value::number).collect(),
            _ => None,
        }
    }

    /// A number, of whatever kind.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Integer(value) => Some(*value as f64),
            Value::Number(value) => Some(*value),
            Value::Flag(value) => Some(f64::from(u8::from(*value))),
            Value::Array(array) if array.shape.is_empty() => array.numbers().first().copied(),
            _ => None,
        }
    }
}

/// Reads a pickle; `path` is named in errors.
///
/// # Errors
/// Bytes that are no pickle, that end early, or that ask for anything but data: the name that they would call.
///
/// ```
/// use neuropil_lab::pickle::{Value, read};
/// let value = read("a.pkl".as_ref(), b"\x80\x02}q\x00X\x01\x00\x00\x00kq\x01K\x07s.")?;
/// assert_eq!(value.get("k"), Some(&Value::Integer(7)));
/// let refused = read("b.pkl".as_ref(), b"cos\nsystem\n(S'true'\ntR.").unwrap_err();
/// assert!(refused.to_string().contains("`os.system`"));
/// # Ok::<(), neuropil_lab::error::LabError>(())
/// ```
pub fn read(path: &Path, bytes: &[u8]) -> Result<Value, LabError> {
    Ok(read_allowing(path, bytes, &[])?.0)
}

/// Reads the first pickle of `bytes`, and where it ends. Names in `allowed` (`module.name`), calls of them and references
/// to the outside are kept as data; nothing is called.
///
/// # Errors
/// As [`read`].
pub fn read_allowing(path: &Path, bytes: &[u8], allowed: &[&str]) -> Result<(Value, usize), LabError> {
    machine::run(bytes, allowed)
        .map_err(|found| LabError::content(path, found, "a pickle of plain data and NumPy arrays"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Value, String> {
        machine::run(bytes, &[]).map(|(value, _)| value)
    }

    #[test]
    fn plain_data_of_every_protocol() {
        // pickle.dumps({'a': [1, -2, 2.5, None, True], 'b': (b'x', 'y')}, protocol) by CPython 3
        let zero = b"(dp0\nVa\np1\n(lp2\nI1\naI-2\naF2.5\naNaI01\nasVb\np3\n(S'x'\nVy\ntp4\ns.";
        let two = b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01J\xfe\xff\xff\xffG@\x04\x00\x00\x00\x00\x00\x00N\x88eX\x01\x00\x00\x00bq\x03U\x01xX\x01\x00\x00\x00y\x86u.";
        let four = b"\x80\x04\x95\x2f\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01J\xfe\xff\xff\xffG@\x04\x00\x00\x00\x00\x00\x00N\x88e\x8c\x01b\x94C\x01x\x8c\x01y\x94\x86u.";
        for bytes in [&zero[..], &two[..], &four[..]] {
            let value = parse(bytes).unwrap();
            let Some(Value::List(list)) = value.get("a") else {
                panic!("{value:?}")
            };
            assert_eq!(
                list[..3].iter().map(|v| v.number().unwrap()).collect::<Vec<_>>(),
                [1.0, -2.0, 2.5]
            );
            assert_eq!(list[3..], [Value::None, Value::Flag(true)]);
            let Some(Value::List(pair)) = value.get("b") else {
                panic!("{value:?}")
            };
            assert_eq!(
                (pair[0].text().unwrap(), pair[1].text().unwrap()),
                ("x".to_owned(), "y".to_owned())
            );
        }
    }

    #[test]
    fn arrays_in_either_order_and_byte_order() {
        // numpy.core.multiarray._reconstruct(ndarray, (0,), b'b') with state (1, shape, dtype, fortran, data)
        let build = |name: &str, dtype: &str, order: u8, fortran: u8, data: &[u8]| {
            let mut bytes = b"\x80\x02c".to_vec();
            bytes.extend(format!("{name}\n_reconstruct\ncnumpy\nndarray\n").bytes());
            bytes.extend(b"K\x00\x85U\x01b\x87R(K\x01K\x02K\x02\x86cnumpy\ndtype\n");
            bytes.extend([b'U', dtype.len() as u8]);
            bytes.extend(dtype.bytes());
            bytes.extend(b"K\x00K\x01\x87R(K\x03U\x01");
            bytes.push(order);
            bytes.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb");
            bytes.push(fortran);
            bytes.extend([b'U', data.len() as u8]);
            bytes.extend(data);
            bytes.extend(b"tb.");
            bytes
        };
        for name in ["numpy.core.multiarray", "numpy._core.multiarray"] {
            let Value::Array(array) = parse(&build(name, "u1", b'|', 0x89, &[1, 2, 3, 4])).unwrap() else {
                panic!()
            };
            assert_eq!(
                (array.shape.clone(), array.numbers()),
                (vec![2, 2], vec![1.0, 2.0, 3.0, 4.0])
            );
            let Value::Array(array) = parse(&build(name, "u1", b'|', 0x88, &[1, 2, 3, 4])).unwrap() else {
                panic!()
            };
            assert_eq!(array.numbers(), [1.0, 3.0, 2.0, 4.0]);
            let Value::Array(array) =
                parse(&build(name, "i2", b'>', 0x89, &[0, 1, 0, 2, 1, 0, 255, 255])).unwrap()
            else {
                panic!()
            };
            assert_eq!(array.numbers(), [1.0, 2.0, 256.0, -1.0]);
        }
        let short = parse(&build("numpy.core.multiarray", "u1", b'|', 0x89, &[1, 2, 3])).unwrap_err();
        assert!(short.contains("2 × 2") && short.contains("3 bytes"), "{short}");
        let object = parse(&build("numpy.core.multiarray", "O8", b'|', 0x89, &[1, 2, 3, 4])).unwrap_err();
        assert!(object.contains("`O8`"), "{object}");
    }

    #[test]
    fn what_would_run_code_or_fill_the_memory_is_refused_by_its_name() {
        for (bytes, found) in [
            (&b"cos\nsystem\n(S'true'\ntR."[..], "`os.system`"),
            (
                b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
                "`builtins.eval`",
            ),
            (b"PK\x03\x04\x14\x00\x00\x00", "zip archive"),
            (b"\x80\x02]q\x00", "ends before"),
            (b"\x80\x02U\xff", "ends before"),
            (b"\x80\x02B\xff\xff\xff\xff1.", "ends before"),
            (b"\x80\x02Q.", "persistent"),
            (b"\x80\x02h\x05.", "never stored"),
            (b"<!DOCTYPE html>", "HTML"),
            (b"version https://git-lfs.github.com/spec/v1\n", "Git-LFS"),
            (b"", "empty"),
            (b"\x80\x02.", "nothing on its stack"),
        ] {
            let error = parse(bytes).unwrap_err();
            assert!(error.contains(found), "{error}");
        }
        // Lists that hold one another ten at a time: 10^9 entries out of a hundred bytes.
        let mut bomb = b"\x80\x02]q\x00K\x01a".to_vec();
        for level in 1..10_u8 {
            bomb.extend([b']', b'q', level, b'(']);
            bomb.extend([b'h', level - 1].repeat(10));
            bomb.push(b'e');
        }
        bomb.push(b'.');
        assert!(parse(&bomb).unwrap_err().contains("more than"));
        assert!(parse(b"\x80\x02]q\x00h\x00a.").unwrap_err().contains("deep"));
    }
}
