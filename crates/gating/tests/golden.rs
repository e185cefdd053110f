//! Reference numbers, computed elsewhere, in double and in single precision.

mod cognitive;
mod experiment;
mod layers;
mod recurrent;
mod rules;

use neuropil_math::real::Real;

/// Numbers in the precision of the test.
pub(crate) fn real<R: Real>(values: &[f64]) -> Vec<R> {
    values.iter().map(|&value| R::of(value)).collect()
}

/// Numbers in double precision.
pub(crate) fn double<R: Real>(values: &[R]) -> Vec<f64> {
    values.iter().map(|value| value.f64()).collect()
}

/// Relative and absolute tolerance: that of double precision, or what single precision allows.
pub(crate) fn tolerance<R: Real>(relative: f64, absolute: f64) -> (f64, f64) {
    if size_of::<R>() == 8 {
        (relative, absolute)
    } else {
        (1e-4, 2e-6)
    }
}
