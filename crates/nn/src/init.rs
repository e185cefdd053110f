//! Laws that initial weights are drawn from, and masks with a fixed number of inputs.
//!
//! Every function overwrites `weights` from a stream of the caller's; fans are the numbers of inputs and outputs of one
//! unit (of a convolution: times the length of its kernel).

use rand::RngExt;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Uniform between −`size` and `size`.
pub fn uniform(weights: &mut [f64], size: f64, stream: &mut ChaCha8Rng) {
    weights.fill_with(|| size * (2.0 * stream.random::<f64>() - 1.0));
}

/// Uniform between ±1/√fan-in.
pub fn fan_in_uniform(weights: &mut [f64], fan_in: usize, stream: &mut ChaCha8Rng) {
    uniform(weights, (fan_in as f64).sqrt().recip(), stream);
}

/// Uniform with variance 2/(fan-in + fan-out); Glorot & Bengio, AISTATS 2010.
pub fn glorot_uniform(weights: &mut [f64], fan_in: usize, fan_out: usize, stream: &mut ChaCha8Rng) {
    uniform(weights, (6.0 / (fan_in + fan_out) as f64).sqrt(), stream);
}

/// Normal with variance 2/(fan-in + fan-out), cut off at two standard deviations; Glorot & Bengio, AISTATS 2010.
pub fn glorot_normal(weights: &mut [f64], fan_in: usize, fan_out: usize, stream: &mut ChaCha8Rng) {
    cut_normal(weights, (2.0 / (fan_in + fan_out) as f64).sqrt(), stream);
}

/// Normal with variance 2/fan-in, cut off at two standard deviations; He, Zhang, Ren & Sun, ICCV 2015.
pub fn he_normal(weights: &mut [f64], fan_in: usize, stream: &mut ChaCha8Rng) {
    cut_normal(weights, (2.0 / fan_in as f64).sqrt(), stream);
}

/// Standard deviation of a standard normal variable that is drawn again beyond ±2.
const CUT_SD: f64 = 0.879_625_661_034_239_8;

/// Normal with standard deviation `sd`, drawn again beyond two standard deviations of the uncut law.
fn cut_normal(weights: &mut [f64], sd: f64, stream: &mut ChaCha8Rng) {
    weights.fill_with(|| {
        loop {
            let z: f64 = StandardNormal.sample(stream);
            if z.abs() <= 2.0 {
                return sd / CUT_SD * z;
            }
        }
    });
}

/// Which of `n_from` units each of `n_to` units hears, \[from\]\[to\]: exactly `k` of them, drawn without replacement.
///
/// ```
/// use neuropil_math::rng::{Key, Purpose};
/// let mask = neuropil_nn::init::in_degree(10, 4, 3, &mut Key::new(1).stream(Purpose::Mask, 0));
/// assert!((0..4).all(|to| (0..10).filter(|from| mask[from * 4 + to]).count() == 3));
/// ```
pub fn in_degree(n_from: usize, n_to: usize, k: usize, stream: &mut ChaCha8Rng) -> Vec<bool> {
    let mut exists = vec![false; n_from * n_to];
    for to in 0..n_to {
        for from in index::sample(stream, n_from, k) {
            exists[from * n_to + to] = true;
        }
    }
    exists
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};

    #[test]
    fn laws_have_their_moments_and_bounds() {
        let n = 40_000;
        let draw = |law: &dyn Fn(&mut [f64], &mut ChaCha8Rng)| {
            let mut weights = vec![0.0; n];
            law(&mut weights, &mut Key::new(5).stream(Purpose::Test, 0));
            let mean = weights.iter().sum::<f64>() / n as f64;
            let variance = weights.iter().map(|w| w * w).sum::<f64>() / n as f64;
            let largest = weights.iter().fold(0.0_f64, |m, w| m.max(w.abs()));
            (mean, variance, largest)
        };
        let cases: [(&dyn Fn(&mut [f64], &mut ChaCha8Rng), f64, f64); 4] = [
            (&|w, s| fan_in_uniform(w, 25, s), 0.04 / 3.0, 0.2),
            (&|w, s| glorot_uniform(w, 10, 14, s), 2.0 / 24.0, 0.5),
            (
                &|w, s| glorot_normal(w, 10, 14, s),
                2.0 / 24.0,
                2.0 * (2.0_f64 / 24.0).sqrt() / CUT_SD,
            ),
            (&|w, s| he_normal(w, 50, s), 0.04, 0.4 / CUT_SD),
        ];
        for (law, expected, bound) in cases {
            let (mean, variance, largest) = draw(law);
            assert!(mean.abs() < 5.0 * (expected / n as f64).sqrt(), "mean {mean}");
            assert!(
                (variance / expected - 1.0).abs() < 0.04,
                "{variance}, not {expected}"
            );
            assert!(largest <= bound && largest > 0.97 * bound, "{largest} of {bound}");
        }
    }
}
