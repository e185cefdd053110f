//! Inverted dropout: each unit is kept with probability p and then counts 1/p (Srivastava et al., JMLR 15:1929, 2014).
//!
//! Whether unit u of example b is kept depends on the key, b and u alone: a network of which only some units are
//! computed draws the same masks as the whole one.

use neuropil_math::real::Real;
use neuropil_math::rng::{GOLDEN, Key, Purpose, splitmix64};

/// Multipliers \[example\]\[unit\], 0 or 1/`keep`, of the layer `layer`.
///
/// `units` are the numbers of the units in the whole layer, in any order.
///
/// ```
/// use neuropil_math::rng::Key;
/// use neuropil_nn::layer::dropout;
/// let key = Key::new(1).at(7);
/// let (mut all, mut some) = ([0.0_f32; 8], [0.0_f32; 4]);
/// dropout::draw(key, 0, 0.5, &[0, 1, 2, 3], &mut all);
/// dropout::draw(key, 0, 0.5, &[1, 3], &mut some);
/// assert_eq!(some, [all[1], all[3], all[5], all[7]]);
/// ```
///
/// # Panics
/// When `keep` is outside (0, 1].
pub fn draw<R: Real>(key: Key, layer: u64, keep: f64, units: &[u32], out: &mut [R]) {
    assert!(
        keep > 0.0 && keep <= 1.0,
        "keep is {keep}, expected a probability above 0"
    );
    if keep == 1.0 {
        out.fill(R::ONE);
        return;
    }
    let [a, b, ..] = key.lane_seed(Purpose::Dropout, layer);
    let seed = u64::from(a) | u64::from(b) << 32;
    // 2^32 values of which `keep` of them keep: exact for ½, to 2e-10 for others.
    let threshold = (keep * 4_294_967_296.0).round() as u64;
    let kept = R::of(1.0 / keep);
    for (example, row) in out.chunks_exact_mut(units.len().max(1)).enumerate() {
        let base = seed ^ splitmix64(example as u64);
        for (value, &unit) in row.iter_mut().zip(units) {
            let draw = splitmix64(base.wrapping_add(u64::from(unit).wrapping_mul(GOLDEN))) >> 32;
            *value = if draw < threshold { kept } else { R::ZERO };
        }
    }
}

/// Dropout of one update whose values are known by their place: a pure function of key and place, so that the backward
/// pass, another number of threads and a resumed run drop the same.
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
        if unit(self.seed ^ (site << 48) ^ place) < self.rate {
            R::ZERO
        } else {
            R::of(1.0 / (1.0 - self.rate))
        }
    }

    /// Drops values of an array in place, in the forward pass and of gradients in the backward pass; `first` is the place of
    /// the first of them.
    pub fn apply<R: Real>(dropout: Option<Self>, site: u64, first: usize, values: &mut [R]) {
        if let Some(dropout) = dropout {
            for (place, value) in (first as u64..).zip(values) {
                *value *= dropout.factor(site, place);
            }
        }
    }
}

/// A number in [0, 1) from 64 bits.
fn unit(bits: u64) -> f64 {
    (splitmix64(bits) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_kept_as_often_as_asked_and_independently() {
        let units: Vec<u32> = (0..400).collect();
        for (keep, seed) in [(0.5, 1), (0.8, 2), (0.05, 3)] {
            let mut draws = vec![0.0_f64; 400 * 256];
            draw(Key::new(seed), 1, keep, &units, &mut draws);
            let n = draws.len() as f64;
            let kept = draws.iter().filter(|&&d| d > 0.0).count() as f64;
            assert!(
                (kept - n * keep).abs() < 4.0 * (n * keep * (1.0 - keep)).sqrt(),
                "{kept} of {n}"
            );
            assert!(draws.iter().all(|&d| d == 0.0 || (d - 1.0 / keep).abs() < 1e-12));
            // Neighbouring units, and neighbouring examples, agree as often as independent ones do.
            let agree = |step: usize| {
                (0..draws.len() - step)
                    .filter(|&i| (draws[i] > 0.0) == (draws[i + step] > 0.0))
                    .count() as f64
            };
            let expected = keep * keep + (1.0 - keep) * (1.0 - keep);
            for step in [1, 2, 400, 401] {
                let m = n - step as f64;
                assert!((agree(step) - m * expected).abs() < 5.0 * (m * expected * (1.0 - expected)).sqrt());
            }
        }
    }

    #[test]
    fn layers_and_updates_have_draws_of_their_own() {
        let units: Vec<u32> = (0..64).collect();
        let masks: Vec<Vec<f32>> = [(0, 0), (0, 1), (1, 0)]
            .iter()
            .map(|&(update, layer)| {
                let mut out = vec![0.0; 64 * 4];
                draw(Key::new(5).at(update), layer, 0.5, &units, &mut out);
                out
            })
            .collect();
        assert!(masks[0] != masks[1] && masks[0] != masks[2]);
    }

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
