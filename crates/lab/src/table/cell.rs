//! What the text of a cell means.

use super::Separator;

/// Forms of a value that is missing, in lower case.
const MISSING: [&str; 13] = [
    "", "na", "nan", "none", "null", "-", "n/a", "#n/a", "<na>", "nil", ".", "--", "–",
];

/// Whether a cell says that there is no value: empty, `NA`, `NaN`, `None`, `null`, `-` and their like.
///
/// ```
/// use neuropil_lab::table::is_missing;
///
/// assert!(["", "NaN", "NA", "None", "-"].into_iter().all(is_missing));
/// assert!(!is_missing("0"));
/// ```
pub fn is_missing(cell: &str) -> bool {
    let cell = cell.trim();
    cell.len() <= 4 && MISSING.iter().any(|form| cell.eq_ignore_ascii_case(form))
}

/// How a cell that should be a number is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoNumber {
    /// Text, or a number of another form.
    Text,
    /// `1,234` where a comma may separate thousands as well as decimals.
    Comma,
    /// A whole number of more digits than a double keeps, in floating-point form.
    Rounded,
    /// A whole number beyond 64 bits with sign.
    Large,
    /// A number with a fraction.
    Fraction,
}

impl NoNumber {
    /// What to do about it.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Text | Self::Fraction => "",
            Self::Comma => "a comma before three digits may separate thousands: write `1234` or `1.234`",
            Self::Rounded => {
                "whole numbers beyond 2^53 lose digits as floating-point numbers: export the column as integer or text"
            }
            Self::Large => "the largest is 9223372036854775807 (2^63 − 1): write such ids as text, `id-…`",
        }
    }
}

/// How decimals are written where a table has this separator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Decimals {
    /// `1.5`.
    #[default]
    Point,
    /// `1.5` and `1,5`.
    Either,
    /// `1.5`, and `1,5` unless three digits follow the comma.
    PointOrShortComma,
}

impl Decimals {
    /// How they are written beside this separator.
    pub(super) fn beside(separator: Separator) -> Self {
        match separator {
            Separator::Byte(b';') => Self::Either,
            Separator::Byte(b'\t') => Self::PointOrShortComma,
            _ => Self::Point,
        }
    }
}

/// A number; a missing one is NaN.
pub(super) fn number(cell: &str, decimals: Decimals) -> Result<f64, NoNumber> {
    let cell = cell.trim();
    if let Ok(value) = cell.parse::<f64>() {
        // What parses as NaN is missing whatever its sign.
        return Ok(value);
    }
    if is_missing(cell) {
        return Ok(f64::NAN);
    }
    let Some((whole, rest)) = cell.split_once(',').filter(|_| decimals != Decimals::Point) else {
        return Err(NoNumber::Text);
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if decimals == Decimals::PointOrShortComma && digits == 3 && rest.len() == 3 {
        return Err(NoNumber::Comma);
    }
    if whole.contains('.') || rest.contains([',', '.']) {
        return Err(NoNumber::Text);
    }
    format!("{whole}.{rest}").parse().map_err(|_| NoNumber::Text)
}

/// A whole number; `2.0` is one; a missing one is `None`.
pub(super) fn integer(cell: &str, decimals: Decimals) -> Result<Option<i64>, NoNumber> {
    let cell = cell.trim();
    if let Ok(value) = cell.parse::<i64>() {
        return Ok(Some(value));
    }
    if is_missing(cell) {
        return Ok(None);
    }
    let digits = cell.trim_start_matches(['-', '+']);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NoNumber::Large);
    }
    let value = number(cell, decimals)?;
    whole(value).map(Some)
}

/// A floating-point number as a whole one.
pub(super) fn whole(value: f64) -> Result<i64, NoNumber> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    if !value.is_finite() {
        Err(NoNumber::Text)
    } else if value.fract() != 0.0 {
        Err(NoNumber::Fraction)
    } else if value.abs() >= EXACT {
        Err(NoNumber::Rounded)
    } else {
        Ok(value as i64)
    }
}

/// A truth.
pub(super) fn flag(cell: &str) -> Option<bool> {
    match cell.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "t" | "yes" | "y" | "1.0" => Some(true),
        "0" | "false" | "f" | "no" | "n" | "0.0" => Some(false),
        _ => None,
    }
}

/// The shortest text that reads back as the same number; empty for NaN.
pub(super) fn written(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        String::new()
    } else if size == 0.0 || (1e-5..1e16).contains(&size) || size.is_infinite() {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_either_decimal_mark() {
        assert_eq!(number(" 1.5 ", Decimals::Point), Ok(1.5));
        assert_eq!(number("1,5", Decimals::Point), Err(NoNumber::Text));
        assert_eq!(number("-1,5e3", Decimals::Either), Ok(-1500.0));
        assert_eq!(number("0,125", Decimals::Either), Ok(0.125));
        assert_eq!(number("1.234,5", Decimals::Either), Err(NoNumber::Text));
        assert_eq!(number("1,25", Decimals::PointOrShortComma), Ok(1.25));
        assert_eq!(number("1,234", Decimals::PointOrShortComma), Err(NoNumber::Comma));
        assert!(number("NA", Decimals::Point).unwrap().is_nan());
        assert_eq!(number("x", Decimals::Either), Err(NoNumber::Text));
    }

    #[test]
    fn whole_numbers_keep_every_digit_or_are_refused() {
        let read = |cell| integer(cell, Decimals::Point);
        assert_eq!(read("720575940600000001"), Ok(Some(720_575_940_600_000_001)));
        assert_eq!(read("2.0"), Ok(Some(2)));
        assert_eq!(read("NaN"), Ok(None));
        assert_eq!(read("2.5"), Err(NoNumber::Fraction));
        assert_eq!(read("7.2e17"), Err(NoNumber::Rounded));
        assert_eq!(read("18446744073709551615"), Err(NoNumber::Large));
        assert_eq!(read("inf"), Err(NoNumber::Text));
    }

    #[test]
    fn numbers_are_written_as_they_read_back() {
        for (value, text) in [
            (0.1, "0.1"),
            (3.0, "3"),
            (1e300, "1e300"),
            (-2.5e-9, "-2.5e-9"),
            (f64::NAN, ""),
        ] {
            assert_eq!(written(value), text);
        }
    }
}
