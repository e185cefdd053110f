//! Adjustment of p-values for many tests.

/// A way of adjusting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjustment {
    /// Benjamini & Hochberg 1995: false discovery rate.
    BenjaminiHochberg,
    /// Benjamini & Yekutieli 2001: the same under any dependence.
    BenjaminiYekutieli,
    /// Holm 1979: family-wise error.
    Holm,
    /// Bonferroni: family-wise error.
    Bonferroni,
}

/// Adjusted p-values in the order given; NaN stays NaN and does not count among the tests.
///
/// ```
/// use neuropil_math::stats::adjust::{Adjustment, adjust};
///
/// assert_eq!(adjust(&[0.01, 0.02, f64::NAN], Adjustment::Holm)[..2], [0.02, 0.02]);
/// ```
pub fn adjust(p: &[f64], how: Adjustment) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).filter(|&i| !p[i].is_nan()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let m = order.len() as f64;
    let mut adjusted = vec![f64::NAN; p.len()];
    let harmonic: f64 = if how == Adjustment::BenjaminiYekutieli {
        (1..=order.len()).map(|i| 1.0 / i as f64).sum()
    } else {
        1.0
    };
    match how {
        Adjustment::BenjaminiHochberg | Adjustment::BenjaminiYekutieli => {
            let mut least = 1.0_f64;
            for (rank, &i) in order.iter().enumerate().rev() {
                least = least.min(harmonic * m / (rank + 1) as f64 * p[i]);
                adjusted[i] = least;
            }
        }
        Adjustment::Holm => {
            let mut most = 0.0_f64;
            for (rank, &i) in order.iter().enumerate() {
                most = most.max((m - rank as f64) * p[i]).min(1.0);
                adjusted[i] = most;
            }
        }
        Adjustment::Bonferroni => order.iter().for_each(|&i| adjusted[i] = (m * p[i]).min(1.0)),
    }
    adjusted
}
