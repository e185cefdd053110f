//! Named arrays: what is trained, saved, loaded and handed between programs.

use std::collections::BTreeMap;

/// The values of an array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
    /// Bytes, and truths as 0 and 1.
    U8(Vec<u8>),
    /// Whole numbers.
    I64(Vec<i64>),
    /// Text.
    Text(Vec<String>),
}

/// Shape and values of an array.
pub type Array = (Vec<usize>, Values);

/// Arrays by name.
///
/// ```
/// use neuropil_math::arrays::{Arrays, Values};
///
/// let arrays = Arrays::from([("w_rec".to_owned(), (vec![2, 2], vec![0.0_f32, 1.0, 1.0, 0.0].into()))]);
/// assert_eq!(arrays["w_rec"].1.numbers().unwrap()[1], 1.0);
/// ```
pub type Arrays = BTreeMap<String, Array>;

impl Values {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All values in double precision; `None` for text.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        Some(match self {
            Self::F32(values) => values.iter().map(|&value| f64::from(value)).collect(),
            Self::F64(values) => values.clone(),
            Self::U8(values) => values.iter().map(|&value| f64::from(value)).collect(),
            Self::I64(values) => values.iter().map(|&value| value as f64).collect(),
            Self::Text(_) => return None,
        })
    }

    /// All values in single precision; `None` for text.
    pub fn singles(&self) -> Option<Vec<f32>> {
        Some(match self {
            Self::F32(values) => values.clone(),
            Self::F64(values) => values.iter().map(|&value| value as f32).collect(),
            Self::U8(values) => values.iter().map(|&value| f32::from(value)).collect(),
            Self::I64(values) => values.iter().map(|&value| value as f32).collect(),
            Self::Text(_) => return None,
        })
    }

    /// All values as whole numbers; `None` for text and for values with a fraction or beyond 2^53.
    pub fn integers(&self) -> Option<Vec<i64>> {
        let whole = |value: f64| {
            let exact = value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0;
            exact.then_some(value as i64)
        };
        match self {
            Self::F32(values) => values.iter().map(|&value| whole(f64::from(value))).collect(),
            Self::F64(values) => values.iter().map(|&value| whole(value)).collect(),
            Self::U8(values) => Some(values.iter().map(|&value| i64::from(value)).collect()),
            Self::I64(values) => Some(values.clone()),
            Self::Text(_) => None,
        }
    }

    /// What the values are, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::F32(_) => "32-bit numbers",
            Self::F64(_) => "64-bit numbers",
            Self::U8(_) => "bytes",
            Self::I64(_) => "whole numbers",
            Self::Text(_) => "text",
        }
    }
}

macro_rules! holds {
    ($($own:ty => $variant:ident $(via $wide:ty)?),* $(,)?) => {
        $(impl From<Vec<$own>> for Values {
            fn from(values: Vec<$own>) -> Self {
                holds!(@ $variant values $($wide)?)
            }
        })*
    };
    (@ $variant:ident $values:ident) => { Self::$variant($values) };
    (@ $variant:ident $values:ident $wide:ty) => { Self::$variant($values.into_iter().map(<$wide>::from).collect()) };
}
holds! {
    f32 => F32,
    f64 => F64,
    u8 => U8,
    bool => U8 via u8,
    i64 => I64,
    i8 => I64 via i64,
    i16 => I64 via i64,
    u16 => I64 via i64,
    i32 => I64 via i64,
    u32 => I64 via i64,
    String => Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_turn_into_what_they_can_be() {
        assert_eq!(Values::from(vec![true, false]), Values::U8(vec![1, 0]));
        assert_eq!(Values::from(vec![-3_i16]).integers(), Some(vec![-3]));
        assert_eq!(Values::from(vec![2.0_f32]).integers(), Some(vec![2]));
        assert_eq!(Values::from(vec![2.5]).integers(), None);
        assert_eq!(Values::from(vec![1e17]).integers(), None);
        assert_eq!(Values::from(vec!["a".to_owned()]).numbers(), None);
        assert_eq!(
            Values::from(vec![0.1_f32]).numbers().unwrap(),
            [f64::from(0.1_f32)]
        );
    }
}
