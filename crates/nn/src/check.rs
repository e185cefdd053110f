//! Gradients against differences of the loss.

/// Step of a central difference.
const STEP: f64 = 1e-6;
/// Gradients whose largest entry is smaller than this are compared as they are, not relative to it.
const SMALLEST: f64 = 1e-2;

/// Largest distance between a gradient and central differences of `loss` at `params`, relative to the gradient's largest
/// entry.
///
/// A rectifier's kink between two points spoils a difference, so that each is taken with two steps and the better one
/// counts.
///
/// ```
/// use neuropil_nn::check::worst_difference;
/// let loss = |x: &[f64]| x[0] * x[0] + 3.0 * x[1];
/// assert!(worst_difference(loss, &[2.0, 1.0], &[4.0, 3.0]) < 1e-8);
/// assert!(worst_difference(loss, &[2.0, 1.0], &[4.0, -3.0]) > 1.0);
/// ```
pub fn worst_difference(loss: impl Fn(&[f64]) -> f64, params: &[f64], gradient: &[f64]) -> f64 {
    worst_difference_among(loss, params, gradient, 0..params.len())
}

/// The same for some of the parameters: all of a large network would take too long.
pub fn worst_difference_among(
    loss: impl Fn(&[f64]) -> f64,
    params: &[f64],
    gradient: &[f64],
    places: impl IntoIterator<Item = usize>,
) -> f64 {
    assert_eq!(params.len(), gradient.len(), "one gradient per parameter");
    let largest = gradient.iter().fold(SMALLEST, |m, g| m.max(g.abs()));
    let mut moved = params.to_vec();
    let mut worst = 0.0_f64;
    for i in places {
        let mut distance = |step: f64| {
            moved[i] = params[i] + step;
            let up = loss(&moved);
            moved[i] = params[i] - step;
            let down = loss(&moved);
            moved[i] = params[i];
            ((up - down) / (2.0 * step) - gradient[i]).abs()
        };
        let (wide, narrow) = (distance(STEP), distance(STEP / 10.0));
        // A NaN must not pass for a small distance.
        let distance = if wide.is_nan() || narrow.is_nan() {
            f64::INFINITY
        } else {
            wide.min(narrow)
        };
        worst = worst.max(distance);
    }
    worst / largest
}
