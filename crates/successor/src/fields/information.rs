//! Spatial information of rate maps.

use super::{FieldSettings, Grid, occupancy, random_shifts, shifted_map};
use neuropil_math::rng::Key;
use neuropil_math::stats::summary::{mean, variance};
use serde::{Deserialize, Serialize};

/// z score of the spatial information against circular shifts; `None` for a silent neuron.
pub fn information_z(
    bins: &[usize],
    activity: &[f64],
    grid: &Grid,
    settings: &FieldSettings,
    key: Key,
    neuron: u64,
) -> Option<f64> {
    let frames = occupancy(bins, grid.bins());
    let bits = |shift| {
        information(&frames, &shifted_map(bins, activity, shift, &frames)).map(|info| info.bits_per_spike)
    };
    let own = bits(0)?;
    let shuffled: Vec<f64> = random_shifts(bins.len(), settings, key, neuron)
        .into_iter()
        .filter_map(bits)
        .collect();
    let sd = variance(&shuffled, 1).sqrt();
    (sd > 0.0).then(|| (own - mean(&shuffled)) / sd)
}

/// Spatial information of a rate map.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Information {
    /// Σ p λ log₂(λ/λ̄) / λ̄
    pub bits_per_spike: f64,
    /// Σ p λ log₂(λ/λ̄)
    pub bits_per_second: f64,
    /// λ̄ = Σ p λ
    pub mean_rate: f64,
    /// Largest rate.
    pub peak_rate: f64,
    /// (Σ p λ)² / Σ p λ² (Treves & Rolls, Hippocampus 4, 374, 1994).
    pub sparsity: f64,
    /// Largest rate over λ̄.
    pub selectivity: f64,
}

/// Spatial information over the bins that were visited; `None` without activity.
///
/// - `occupancy`: time or frames per bin, in any unit
/// - `rates`: one per bin; NaN where unknown
///
/// Skaggs, McNaughton, Gothard & Markus, NIPS 5, 1030 (1993).
pub fn information(occupancy: &[f64], rates: &[f64]) -> Option<Information> {
    let known = || {
        occupancy
            .iter()
            .zip(rates)
            .filter(|(time, rate)| **time > 0.0 && rate.is_finite())
    };
    let total: f64 = known().map(|(time, _)| time).sum();
    let mean_rate = known().map(|(time, rate)| time / total * rate).sum::<f64>();
    if !(mean_rate > 0.0) {
        return None;
    }
    let bits = |(time, rate): (&f64, &f64)| time / total * rate * (rate / mean_rate).log2();
    let bits_per_second = known().filter(|(_, rate)| **rate > 0.0).map(bits).sum::<f64>();
    let squares: f64 = known().map(|(time, rate)| time / total * rate * rate).sum();
    let peak_rate = known().map(|(_, rate)| *rate).fold(0.0, f64::max);
    Some(Information {
        bits_per_spike: bits_per_second / mean_rate,
        bits_per_second,
        mean_rate,
        peak_rate,
        sparsity: mean_rate * mean_rate / squares,
        selectivity: peak_rate / mean_rate,
    })
}
