//! Confidence intervals of proportions.

use serde::{Deserialize, Serialize};

use super::normal;

/// An interval of confidence, in the unit of its estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Wilson's score interval of a proportion; `None` without trials.
///
/// - `confidence`: e.g. 0.95
///
/// Stays inside [0, 1] and has a width at 0 of n and n of n, unlike the interval from the standard error.
///
/// Wilson, J. Am. Stat. Assoc. 22, 209 (1927).
///
/// ```
/// let interval = neuropil_math::stats::interval::wilson(0, 10, 0.95).unwrap();
/// assert!(interval.low == 0.0 && (interval.high - 0.2775).abs() < 1e-4);
/// ```
pub fn wilson(successes: usize, trials: usize, confidence: f64) -> Option<Interval> {
    assert!(successes <= trials, "{successes} successes in {trials} trials");
    assert!(
        confidence > 0.0 && confidence < 1.0,
        "confidence is {confidence}, expected between 0 and 1"
    );
    if trials == 0 {
        return None;
    }
    let (n, p) = (trials as f64, successes as f64 / trials as f64);
    let z = normal::quantile(0.5 + 0.5 * confidence);
    let z2 = z * z;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    // At the ends the two terms cancel exactly on paper, not in floating point.
    let low = if successes == 0 { 0.0 } else { centre - half };
    let high = if successes == trials { 1.0 } else { centre + half };
    Some(Interval { low, high })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agrees_with_the_published_example() {
        // Newcombe, Stat. Med. 17, 857 (1998), table I: 81 of 263, 15 of 148, 1 of 29.
        for (k, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (1, 29, 0.0061, 0.1718),
        ] {
            let interval = wilson(k, n, 0.95).unwrap();
            assert!(
                (interval.low - low).abs() < 5e-5 && (interval.high - high).abs() < 5e-5,
                "{interval:?}"
            );
        }
    }

    #[test]
    fn no_trials_have_no_interval() {
        assert_eq!(wilson(0, 0, 0.95), None);
    }

    proptest! {
        #[test]
        fn contains_the_proportion_and_stays_in_the_unit_interval(n in 1_usize..2000, part in 0.0_f64..=1.0) {
            let k = (part * n as f64) as usize;
            let interval = wilson(k, n, 0.95).unwrap();
            let p = k as f64 / n as f64;
            prop_assert!(0.0 <= interval.low && interval.low <= p && p <= interval.high && interval.high <= 1.0);
            prop_assert!(interval.low < interval.high);
        }
    }
}
