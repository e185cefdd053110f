//! Ranges of settings: each row of a table says what a key may be, and all that are broken are told at once.

use neuropil_lab::error::Problem;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// A setting that is out of its range, if it is.
pub(crate) type Row = Option<(&'static str, Problem)>;

/// A setting that must hold.
pub(crate) fn must(key: &'static str, value: impl Display, holds: bool, expected: &str) -> Row {
    (!holds).then(|| {
        let message = format!("`{key}` is {value}, expected {expected}");
        (key, Problem::bare(message))
    })
}

/// A whole number of a range.
pub(crate) fn whole(key: &'static str, value: usize, range: RangeInclusive<usize>) -> Row {
    let expected = format!("from {} to {}", range.start(), range.end());
    must(key, value, range.contains(&value), &expected)
}

/// A number above 0, below a bound that no sensible one reaches.
pub(crate) fn positive(key: &'static str, value: f64, below: f64) -> Row {
    must(key, value, value > 0.0 && value < below, "a number above 0")
}

/// A probability above 0.
pub(crate) fn probability(key: &'static str, value: f64) -> Row {
    let holds = value > 0.0 && value <= 1.0;
    must(key, value, holds, "a number above 0, up to 1")
}
