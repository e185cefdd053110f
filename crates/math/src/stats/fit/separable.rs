//! Data whose best fit is a step: σ → 0 fits ever better and no threshold exists.

use super::super::StatsError;

/// Refuses proportions that a step function describes exactly, with at most one condition in between.
pub(super) fn refuse_separable(x: &[f64], proportion: &[f64]) -> Result<(), StatsError> {
    let at = |wanted: fn(f64) -> bool| -> Vec<f64> {
        x.iter()
            .zip(proportion)
            .filter(|(_, p)| wanted(**p))
            .map(|(x, _)| *x)
            .collect()
    };
    let (none, all, some) = (at(|p| p == 0.0), at(|p| p == 1.0), at(|p| p > 0.0 && p < 1.0));
    if some.len() > 1 {
        return Ok(());
    }
    if none.is_empty() || all.is_empty() {
        // With one condition in between, a step beside it still fits exactly if it stands at an end.
        let rest = if none.is_empty() { &all } else { &none };
        let at_an_end = some.iter().all(|s| *s < lowest(rest) || *s > highest(rest));
        let reason = "choices are the same at every stimulus but at most one".to_owned();
        return if at_an_end {
            Err(StatsError::NotIdentifiable { reason })
        } else {
            Ok(())
        };
    }
    for (below, above) in [(&none, &all), (&all, &none)] {
        let (low, high) = (highest(below), lowest(above));
        if low < high && some.iter().all(|s| low < *s && *s < high) {
            return Err(switch(low, high));
        }
    }
    Ok(())
}

/// Refuses a fitted curve on which fewer than two stimuli lie off the two plateaus.
pub(super) fn refuse_steep(x: &[f64], phi: impl Fn(f64) -> f64) -> Result<(), StatsError> {
    let mut sorted = x.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    let on_the_slope = |x: &&f64| (1e-4..=1.0 - 1e-4).contains(&phi(**x));
    if sorted.iter().filter(on_the_slope).count() > 1 {
        return Ok(());
    }
    let high_at_the_end = phi(highest(&sorted)) > 0.5;
    let after = sorted
        .iter()
        .position(|&x| (phi(x) > 0.5) == high_at_the_end)
        .unwrap_or(0);
    Err(switch(sorted[after.saturating_sub(1)], sorted[after]))
}

fn switch(low: f64, high: f64) -> StatsError {
    let reason = format!("choices switch between {low} and {high}, with too few stimuli in between");
    StatsError::NotIdentifiable { reason }
}

fn lowest(x: &[f64]) -> f64 {
    x.iter().copied().fold(f64::INFINITY, f64::min)
}

fn highest(x: &[f64]) -> f64 {
    x.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_of_either_kind_is_enough_for_a_fit() {
        let x = [1.0, 2.0, 3.0, 4.0];
        assert!(refuse_separable(&x, &[0.0, 0.2, 0.9, 1.0]).is_ok());
        assert!(refuse_separable(&x, &[0.0, 1.0, 0.0, 1.0]).is_ok());
        assert!(
            refuse_separable(&x, &[0.4, 0.0, 1.0, 1.0]).is_ok(),
            "in between lies outside the step"
        );
        assert!(
            refuse_separable(&x, &[1.0, 0.4, 1.0, 1.0]).is_ok(),
            "flat with a dip"
        );
    }

    #[test]
    fn a_step_at_either_end_is_refused() {
        let x = [1.0, 2.0, 3.0, 4.0];
        assert!(refuse_separable(&x, &[0.4, 1.0, 1.0, 1.0]).is_err());
        assert!(refuse_separable(&x, &[0.0, 0.0, 0.0, 0.4]).is_err());
    }
}
