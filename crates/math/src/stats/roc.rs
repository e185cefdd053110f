//! Receiver operating characteristic.

/// Area under the curve: P(`high` > `low`) + ½ P(`high` = `low`) for one value of each, by ranks.
///
/// ½ is chance, 1 is perfect separation; `None` when a sample is empty.
///
/// Bamber, J. Math. Psychol. 12, 387 (1975).
pub fn area_under_roc(low: &[f64], high: &[f64]) -> Option<f64> {
    if low.is_empty() || high.is_empty() {
        return None;
    }
    let mut values: Vec<(f64, bool)> = low
        .iter()
        .map(|&v| (v, false))
        .chain(high.iter().map(|&v| (v, true)))
        .collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut wins = 0.0;
    let mut below = 0_usize;
    for tied in values.chunk_by(|a, b| a.0 == b.0) {
        let highs = tied.iter().filter(|value| value.1).count();
        let lows = tied.len() - highs;
        wins += highs as f64 * (below as f64 + 0.5 * lows as f64);
        below += lows;
    }
    Some(wins / (low.len() as f64 * high.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_and_chance() {
        assert_eq!(area_under_roc(&[1.0, 2.0], &[3.0, 4.0]), Some(1.0));
        assert_eq!(area_under_roc(&[3.0, 4.0], &[1.0, 2.0]), Some(0.0));
        assert_eq!(area_under_roc(&[1.0, 1.0], &[1.0]), Some(0.5));
        assert_eq!(area_under_roc(&[], &[1.0]), None);
    }

    proptest! {
        #[test]
        fn equals_the_count_over_all_pairs(
            low in prop::collection::vec(0_i32..8, 1..20), high in prop::collection::vec(0_i32..8, 1..20),
        ) {
            let (low, high): (Vec<f64>, Vec<f64>) =
                (low.into_iter().map(f64::from).collect(), high.into_iter().map(f64::from).collect());
            let pairs: f64 = low
                .iter()
                .flat_map(|l| high.iter().map(move |h| if h > l { 1.0 } else if h == l { 0.5 } else { 0.0 }))
                .sum();
            let expected = pairs / (low.len() * high.len()) as f64;
            prop_assert!((area_under_roc(&low, &high).unwrap() - expected).abs() < 1e-12);
        }
    }
}
