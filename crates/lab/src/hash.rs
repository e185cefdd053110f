//! One checksum over everything that is read back: XXH3 with 128 bits.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// A checksum; written as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sum(u128);

impl Sum {
    /// Digits of a written checksum.
    pub const DIGITS: usize = 32;

    /// The checksum of bytes.
    ///
    /// ```
    /// use neuropil_lab::hash::Sum;
    /// assert_ne!(Sum::of(b"one"), Sum::of(b"two"));
    /// assert_eq!(Sum::of(b"one").to_string().parse(), Ok(Sum::of(b"one")));
    /// ```
    pub fn of(bytes: &[u8]) -> Self {
        Self(twox_hash::XxHash3_128::oneshot(bytes))
    }

    /// Its 128 bits.
    pub fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A text that is no checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no checksum of 32 hexadecimal digits")]
pub struct NoSum;

impl FromStr for Sum {
    type Err = NoSum;

    fn from_str(text: &str) -> Result<Self, NoSum> {
        let digits = text.len() == Self::DIGITS && text.bytes().all(|b| b"0123456789abcdef".contains(&b));
        if !digits {
            return Err(NoSum);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| NoSum)
    }
}

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A checksum of what comes piece by piece.
#[derive(Clone)]
pub struct Summing(twox_hash::XxHash3_128);

impl fmt::Debug for Summing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Summing({})", self.sum())
    }
}

impl Default for Summing {
    fn default() -> Self {
        Self(twox_hash::XxHash3_128::new())
    }
}

impl Summing {
    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// Adds a number.
    pub fn add_number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    /// The checksum of what was added so far.
    pub fn sum(&self) -> Sum {
        Sum(self.0.finish_128())
    }
}

/// Gives a JSON object the checksum of all its other entries, as its last one.
pub fn seal(object: &mut serde_json::Map<String, Value>) {
    object.shift_remove("checksum");
    let sum = Sum::of(&serde_json::to_vec(object).expect("a map is JSON"));
    object.insert("checksum".to_owned(), sum.to_string().into());
}

/// Takes the checksum out of a JSON object: does it fit the other entries? `None` when there is no checksum.
pub fn unseal(object: &mut serde_json::Map<String, Value>) -> Option<bool> {
    let written = object.shift_remove("checksum")?;
    let sum = Sum::of(&serde_json::to_vec(object).expect("a map is JSON"));
    Some(written.as_str() == Some(&sum.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_to_the_sum_of_the_whole() {
        let mut summing = Summing::default();
        summing.add(b"one ");
        summing.add(b"two");
        assert_eq!(summing.sum(), Sum::of(b"one two"));
        // The value that the algorithm's own specification gives for nothing at all.
        assert_eq!(Sum::of(b"").to_string(), "99aa06d3014798d86001c324468d497f");
    }

    #[test]
    fn a_sealed_object_notices_every_change() {
        let mut object = serde_json::Map::new();
        object.insert("a".into(), 1.5.into());
        assert_eq!(unseal(&mut object.clone()), None);
        seal(&mut object);
        assert_eq!(unseal(&mut object.clone()), Some(true));
        object["a"] = 1.25.into();
        assert_eq!(unseal(&mut object.clone()), Some(false));
        object["a"] = 1.5.into();
        object["checksum"] = "0".into();
        assert_eq!(unseal(&mut object), Some(false));
    }
}
