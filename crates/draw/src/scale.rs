//! From data to pixels: the range of an axis, its ticks and their names.

use crate::panel::Axis;

/// Maps an axis range to pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) range: (f64, f64),
    pub(crate) log: bool,
    /// Pixels of the two ends.
    pub(crate) pixels: (f64, f64),
}

impl Scale {
    /// Pixel of a value; NaN where a logarithmic axis has no place for it.
    pub(crate) fn map(&self, value: f64) -> f64 {
        let of = |v: f64| if self.log { v.log10() } else { v };
        let (low, high) = (of(self.range.0), of(self.range.1));
        let part = (of(value) - low) / (high - low);
        self.pixels.0 + part * (self.pixels.1 - self.pixels.0)
    }

    /// Whether the value lies on the axis, ends included.
    pub(crate) fn contains(&self, value: f64) -> bool {
        let (low, high) = ordered(self.range);
        let slack = 1e-9 * (high - low);
        value >= low - slack && value <= high + slack
    }
}

/// Whether rounding leaves no room for ticks between two values.
fn same(low: f64, high: f64) -> bool {
    (high - low).abs() <= 1e-12 * low.abs().max(high.abs()).max(1e-280)
}

/// Whether an axis can have this range.
pub(crate) fn usable((low, high): (f64, f64), log: bool) -> bool {
    (high - low).is_finite() && !same(low, high) && (!log || (low > 0.0 && high > 0.0))
}

/// A range with the smaller end first.
pub(crate) fn ordered((a, b): (f64, f64)) -> (f64, f64) {
    if a <= b { (a, b) } else { (b, a) }
}

/// Range around data values with a margin of `pad` of their extent on either side.
pub(crate) fn around(values: impl IntoIterator<Item = f64>, log: bool, pad: f64) -> (f64, f64) {
    let mut low = f64::INFINITY;
    let mut high = f64::NEG_INFINITY;
    for v in values {
        if v.is_finite() && (!log || v > 0.0) {
            low = low.min(v);
            high = high.max(v);
        }
    }
    if low > high {
        return if log { (1.0, 10.0) } else { (0.0, 1.0) };
    }
    if log {
        let margin = if same(low, high) {
            0.5
        } else {
            pad * (high / low).log10()
        };
        return (low / 10f64.powf(margin), high * 10f64.powf(margin));
    }
    if same(low, high) {
        let margin = if low.abs() < 1e-280 { 1.0 } else { 0.1 * low.abs() };
        return (low - margin, high + margin);
    }
    let margin = pad * (high - low);
    (low - margin, high + margin)
}

/// Ticks of an axis: (value, name); minor ticks have an empty name.
pub(crate) fn ticks(axis: &Axis, range: (f64, f64), most: usize) -> Vec<(f64, String)> {
    let (low, high) = ordered(range);
    if !usable(range, axis.log) {
        return Vec::new();
    }
    if let Some(given) = &axis.ticks {
        let inside = Scale {
            range,
            log: false,
            pixels: (0.0, 1.0),
        };
        return given
            .iter()
            .filter(|(at, _)| inside.contains(*at))
            .cloned()
            .collect();
    }
    if axis.log {
        let at = logarithmic(low, high, most);
        // A narrow range has no two round powers in it, and is nearly straight.
        if at.iter().filter(|(_, name)| !name.is_empty()).count() > 1 {
            return at;
        }
    }
    let at = linear(low, high, most);
    let names = names(&at);
    at.into_iter().zip(names).collect()
}

/// Multiples of 1, 2 or 5 times a power of ten, at most `most` of them.
pub(crate) fn linear(low: f64, high: f64, most: usize) -> Vec<f64> {
    let most = most.max(2);
    let mut decade = 10f64.powf(((high - low) / most as f64).log10().floor());
    loop {
        for factor in [1.0, 2.0, 5.0] {
            let step = factor * decade;
            let first = (low / step - 1e-6).ceil();
            let last = (high / step + 1e-6).floor();
            if last - first + 1.0 <= most as f64 {
                let n = (last - first + 1.0).max(0.0) as usize;
                // Adding 0.0 turns a negative zero into zero.
                return (0..n).map(|i| (first + i as f64) * step + 0.0).collect();
            }
        }
        decade *= 10.0;
    }
}

fn logarithmic(low: f64, high: f64, most: usize) -> Vec<(f64, String)> {
    let first = low.log10().floor() as i32;
    let last = high.log10().ceil() as i32;
    let decades = high.log10() - low.log10();
    let every = ((decades / most as f64).ceil() as i32).max(1);
    let named: &[i32] = match decades {
        d if d < 1.0 => &[1, 2, 3, 5, 7],
        d if d < 2.0 => &[1, 2, 5],
        _ => &[1],
    };
    let mut out = Vec::new();
    for exponent in first..=last {
        for digit in 1..10 {
            let value = f64::from(digit) * 10f64.powi(exponent);
            if value < low * (1.0 - 1e-9) || value > high * (1.0 + 1e-9) {
                continue;
            }
            if named.contains(&digit) && exponent.rem_euclid(every) == 0 {
                out.push((value, power_name(digit, exponent)));
            } else if every == 1 {
                out.push((value, String::new()));
            }
        }
    }
    out
}

fn power_name(digit: i32, exponent: i32) -> String {
    if (-3..=4).contains(&exponent) {
        let decimals = (-exponent).max(0) as usize;
        return number(f64::from(digit) * 10f64.powi(exponent), decimals);
    }
    if digit == 1 {
        format!("10{}", superscript(exponent))
    } else {
        format!("{digit}×10{}", superscript(exponent))
    }
}

/// Names of equally spaced ticks, all with the same number of decimals.
pub(crate) fn names(at: &[f64]) -> Vec<String> {
    let largest = at.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let step = match at {
        [a, b, ..] => (b - a).abs(),
        _ => largest,
    };
    if largest == 0.0 || step == 0.0 {
        return at.iter().map(|v| number(*v, 0)).collect();
    }
    let exponent = largest.log10().floor() as i32;
    if (-4..6).contains(&exponent) {
        let decimals = decimals_of(step);
        return at.iter().map(|v| number(*v, decimals)).collect();
    }
    let unit = 10f64.powi(exponent);
    let decimals = decimals_of(step / unit);
    at.iter()
        .map(|v| match *v {
            0.0 => "0".to_owned(),
            v => format!("{}×10{}", number(v / unit, decimals), superscript(exponent)),
        })
        .collect()
}

/// Decimals that a multiple of `step` needs, at most 9.
fn decimals_of(step: f64) -> usize {
    (0..9)
        .find(|d| {
            let scaled = step * 10f64.powi(*d);
            scaled > 0.5 && (scaled - scaled.round()).abs() < 1e-6 * scaled
        })
        .unwrap_or(9) as usize
}

/// A number with a real minus sign, and thin spaces from 10 000 on.
fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::new();
    if value < 0.0 && text.chars().any(|c| c.is_ascii_digit() && c != '0') {
        out.push('\u{2212}');
    }
    for (i, c) in whole.chars().enumerate() {
        if whole.len() > 4 && i > 0 && (whole.len() - i) % 3 == 0 {
            out.push('\u{2009}');
        }
        out.push(c);
    }
    out + rest
}

fn superscript(exponent: i32) -> String {
    exponent
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            c => char::from_u32('⁰' as u32 + (c as u32 - '0' as u32)).unwrap_or(c),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick_names(axis: &Axis, range: (f64, f64)) -> Vec<String> {
        ticks(axis, range, 6)
            .into_iter()
            .map(|(_, name)| name)
            .filter(|name| !name.is_empty())
            .collect()
    }

    #[test]
    fn ticks_are_round_and_use_the_minus_sign() {
        let axis = Axis::default();
        assert_eq!(
            tick_names(&axis, (-1.0, 1.0)),
            ["−1.0", "−0.5", "0.0", "0.5", "1.0"]
        );
        assert_eq!(
            tick_names(&axis, (0.0, 51.2)),
            ["0", "10", "20", "30", "40", "50"]
        );
        assert_eq!(
            tick_names(&axis, (0.0, 40000.0)),
            [
                "0",
                "10\u{2009}000",
                "20\u{2009}000",
                "30\u{2009}000",
                "40\u{2009}000"
            ]
        );
    }

    #[test]
    fn very_large_and_small_ticks_are_powers_of_ten() {
        let axis = Axis::default();
        assert_eq!(
            tick_names(&axis, (0.0, 2e7)),
            ["0", "0.5×10⁷", "1.0×10⁷", "1.5×10⁷", "2.0×10⁷"]
        );
        assert_eq!(
            tick_names(&axis, (0.0, 3e-6)).last().map(String::as_str),
            Some("3×10⁻⁶")
        );
    }

    #[test]
    fn logarithmic_ticks_name_the_decades() {
        let axis = Axis {
            log: true,
            ..Axis::default()
        };
        assert_eq!(
            tick_names(&axis, (0.01, 1000.0)),
            ["0.01", "0.1", "1", "10", "100", "1000"]
        );
        assert_eq!(tick_names(&axis, (2.0, 60.0)), ["2", "5", "10", "20", "50"]);
        assert_eq!(
            tick_names(&axis, (0.11, 0.16)),
            ["0.11", "0.12", "0.13", "0.14", "0.15", "0.16"]
        );
    }

    #[test]
    fn a_reversed_range_maps_the_larger_value_first() {
        let scale = Scale {
            range: (10.0, 0.0),
            log: false,
            pixels: (0.0, 100.0),
        };
        assert_eq!(scale.map(10.0), 0.0);
        assert_eq!(scale.map(2.5), 75.0);
    }

    #[test]
    fn a_single_value_still_gives_a_range() {
        for value in [0.0, 3.0, -3.0, 1e-310] {
            let (low, high) = around([value], false, 0.04);
            assert!(low < value && value < high);
        }
        assert_eq!(around([f64::NAN], false, 0.04), (0.0, 1.0));
    }
}
