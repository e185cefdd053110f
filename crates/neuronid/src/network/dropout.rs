//! Which values are dropped while training: a pure function of a key and a place, so that the backward pass, another
//! number of threads and a resumed run drop the same.

use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};

/// Dropout of one update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    rate: f64,
    seed: u64,
}

impl Dropout {
    /// Drops values at `rate`, which is at least 0 and below 1; `None` at rate 0.
    pub fn new(rate: f64, key: Key) -> Option<Self> {
        let [a, b, ..] = key.lane_seed(Purpose::Dropout, 0);
        let seed = u64::from(a) << 32 | u64::from(b);
        (rate > 0.0).then_some(Self { rate, seed })
    }

    /// What the value at a place of a site is multiplied by: 0, or 1/(1 − rate).
    pub fn factor<R: Real>(self, site: u64, place: u64) -> R {
        if unit(self.seed ^ site << 48 ^ place) < self.rate {
            R::ZERO
        } else {
            R::of(1.0 / (1.0 - self.rate))
        }
    }

    /// Drops values of an array in place, in the forward pass and of gradients in the backward pass.
    pub(super) fn apply<R: Real>(dropout: Option<Self>, site: u64, values: &mut [R]) {
        if let Some(dropout) = dropout {
            for (place, value) in values.iter_mut().enumerate() {
                *value *= dropout.factor(site, place as u64);
            }
        }
    }
}

/// A number in [0, 1) from 64 bits, by the mixer of `SplitMix64` (Steele, Lea & Flood 2014).
fn unit(bits: u64) -> f64 {
    let mut z = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ z >> 31) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_dropped_as_the_rate_says_and_the_mean_stays() {
        let dropout = Dropout::new(0.25, Key::new(3)).unwrap();
        let factors: Vec<f64> = (0..40_000).map(|place| dropout.factor(2, place)).collect();
        let dropped = factors.iter().filter(|&&factor| factor == 0.0).count();
        // Four standard deviations of a binomial count.
        assert!(dropped.abs_diff(10_000) < 350, "{dropped}");
        assert!((factors.iter().sum::<f64>() / 40_000.0 - 1.0).abs() < 0.02);
        assert!(Dropout::new(0.0, Key::new(3)).is_none());
    }
}
