//! Clipping of whole gradients.

use neuropil_math::real::Real;

/// A gradient longer than this is as useless as one that is not finite.
const LARGEST_NORM: f64 = 1e10;

/// What became of one gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Length of the gradient before clipping.
    pub norm: f64,
    /// The gradient was not finite or far too long, and counted as 0.
    pub discarded: bool,
}

/// Euclidean length; NaN or infinite if a value is.
pub fn norm<R: Real>(values: &[R]) -> f64 {
    values.iter().map(|g| g.f64() * g.f64()).sum::<f64>().sqrt()
}

/// Shortens a gradient to the length `max_norm`; one that is not finite, or longer than 1e10, becomes 0.
///
/// ```
/// use neuropil_nn::optim::clip;
/// let mut gradient = [3.0_f32, 4.0];
/// let step = clip::to_norm(&mut gradient, 1.0);
/// assert_eq!((gradient, step.norm, step.discarded), ([0.6, 0.8], 5.0, false));
/// assert!(clip::to_norm(&mut [f32::NAN, 1.0], 1.0).discarded);
/// ```
pub fn to_norm<R: Real>(gradient: &mut [R], max_norm: f64) -> Step {
    let norm = norm(gradient);
    let discarded = !(norm <= LARGEST_NORM);
    if discarded {
        gradient.fill(R::ZERO); // NaN · 0 is NaN: replaced, not scaled
    } else if norm > max_norm {
        let scale = R::of(max_norm / norm);
        gradient.iter_mut().for_each(|g| *g *= scale);
    }
    Step { norm, discarded }
}
