//! Seeds in settings: any of 2⁶⁴, although whole numbers of TOML end at 2⁶³ − 1. Larger ones stand as text.
//!
//! ```
//! #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
//! struct Settings {
//!     #[serde(with = "neuropil_lab::config::seed")]
//!     seed: u64,
//! }
//! for seed in [0, 1, u64::MAX] {
//!     let text = toml::to_string(&Settings { seed })?;
//!     assert_eq!(toml::from_str::<Settings>(&text)?, Settings { seed });
//! }
//! assert!(toml::from_str::<Settings>("seed = -1").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serialize, Serializer};
use std::fmt;

/// Writes a seed.
///
/// # Errors
/// Those of the writer.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub fn serialize<S: Serializer>(seed: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    match i64::try_from(*seed) {
        Ok(seed) => seed.serialize(serializer),
        Err(_) => seed.to_string().serialize(serializer),
    }
}

/// Reads a seed.
///
/// # Errors
/// Anything but a whole number from 0 to 2⁶⁴ − 1, as a number or as text.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    deserializer.deserialize_any(SeedVisitor)
}

/// A seed as a value of TOML.
pub fn value(seed: u64) -> toml::Value {
    match i64::try_from(seed) {
        Ok(seed) => seed.into(),
        Err(_) => seed.to_string().into(),
    }
}

struct SeedVisitor;

impl Visitor<'_> for SeedVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from 0 to {}", u64::MAX)
    }

    fn visit_u64<E: Error>(self, seed: u64) -> Result<u64, E> {
        Ok(seed)
    }

    fn visit_i64<E: Error>(self, seed: i64) -> Result<u64, E> {
        u64::try_from(seed).map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(seed), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        text.parse()
            .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

/// A seed that may be left out.
pub mod optional {
    use super::SeedVisitor;
    use serde::{Deserializer, Serializer};

    /// Writes a seed, if there is one.
    ///
    /// # Errors
    /// Those of the writer.
    #[allow(clippy::ref_option, reason = "serde calls it so")]
    pub fn serialize<S: Serializer>(seed: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match seed {
            Some(seed) => super::serialize(seed, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a seed that is there.
    ///
    /// # Errors
    /// As [`super::deserialize`].
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        deserializer.deserialize_any(SeedVisitor).map(Some)
    }
}
