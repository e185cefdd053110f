//! Exact test of two proportions.
//!
//! Fisher, Statistical Methods for Research Workers (1934); with odds that differ, the noncentral hypergeometric law.

/// Two-sided exact test of two proportions: the summed probability of all tables with the same margins that are at
/// most as probable as this one, when the odds of the left are `ratio` times those of the right.
///
/// Fisher's exact test for ratio 1, else with the noncentral hypergeometric law.
///
/// ```
/// use neuropil_math::stats::fisher::fisher;
/// // The lady tasting tea: 3 of 4 against 1 of 4.
/// assert!((fisher((3, 4), (1, 4), 1.0) - 34.0 / 70.0).abs() < 1e-12);
/// ```
pub fn fisher((a, n): (u64, u64), (b, m): (u64, u64), ratio: f64) -> f64 {
    let k = a + b;
    let (low, high) = (k.saturating_sub(m), k.min(n));
    if low >= high || !(ratio > 0.0) {
        return 1.0;
    }
    // Relative weights outwards from the mode: w(x + 1) / w(x) = (n − x)(k − x) ratio / ((x + 1)(m − k + x + 1)).
    let up = |x: u64| (n - x) as f64 * (k - x) as f64 * ratio / ((x + 1) as f64 * ((m + x + 1) - k) as f64);
    let mut mode = low;
    let (mut left, mut right) = (low, high);
    while left < right {
        mode = u64::midpoint(left, right);
        if up(mode) >= 1.0 {
            left = mode + 1;
        } else {
            right = mode;
        }
        mode = left;
    }
    let mut weights = std::collections::VecDeque::from([1.0]);
    let (mut first, mut last) = (mode, mode);
    let mut w = 1.0;
    while last < high && (w > 1e-18 || last < a) {
        w *= up(last);
        last += 1;
        weights.push_back(w);
    }
    w = 1.0;
    while first > low && (w > 1e-18 || first > a) {
        w /= up(first - 1);
        first -= 1;
        weights.push_front(w);
    }
    let own = weights[(a - first) as usize] * (1.0 + 1e-9);
    let total: f64 = weights.iter().sum();
    let extreme: f64 = weights.iter().filter(|w| **w <= own).sum();
    (extreme / total).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_p_values_of_known_tables() {
        // R: fisher.test(matrix(c(3,1,1,3),2)) 0.4857; matrix(c(1,9,11,3),2) 0.002759.
        assert!((fisher((3, 4), (1, 4), 1.0) - 0.485_714_285_7).abs() < 1e-9);
        assert!((fisher((1, 10), (11, 14), 1.0) - 0.002_759_456_2).abs() < 1e-9);
        assert_eq!(
            (fisher((0, 5), (0, 7), 1.0), fisher((5, 5), (7, 7), 1.0)),
            (1.0, 1.0)
        );
        // With odds 9 times as high on the left, 9 of 10 against 1 of 2 are expected.
        assert!(fisher((90, 100), (50, 100), 9.0) > 0.9);
        assert!(fisher((90, 100), (50, 100), 1.0) < 1e-8);
    }

    #[test]
    fn all_tables_sum_to_one() {
        for ratio in [0.3, 1.0, 4.0_f64] {
            let (n, m, k) = (12, 9, 7);
            let choose = |n: u64, k: u64| (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>();
            let w = |x: u64| choose(n, x) * choose(m, k - x) * ratio.powi(x as i32);
            let total: f64 = (0..=k).map(w).sum();
            for a in 0..=k {
                let exact: f64 = (0..=k).map(w).filter(|v| *v <= w(a) * (1.0 + 1e-9)).sum();
                assert!(
                    (fisher((a, n), (k - a, m), ratio) - exact / total).abs() < 1e-12,
                    "{a}, {ratio}"
                );
            }
        }
    }
}
