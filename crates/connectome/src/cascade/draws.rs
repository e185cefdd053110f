//! Draws for many runs at once, one bit a run: a function of (seed, run, edge), whoever asks and in whatever order.

use neuropil_math::rng::{GOLDEN, splitmix64};
use neuropil_math::simd::vectorised;

/// Words of 64 runs that are simulated together.
pub(super) const WORDS: usize = 4;
/// Runs that are simulated together.
pub(super) const GROUP: usize = 64 * WORDS;

/// 256 runs, one bit each.
pub(super) type Lanes = [u64; WORDS];

vectorised! {
    /// The runs in which each edge of neuron `pre` is kept.
    pub(super) fn draw<F>[][](block: Lanes, pre: u64, targets: &[u32], probabilities: &[f64], kept: &mut [Lanes]) {
        for ((&post, &probability), kept) in targets.iter().zip(probabilities).zip(kept) {
            *kept = bernoulli(probability, block, pre << 32 | u64::from(post));
        }
    }
}

/// One bit per run that is set with `probability`: U < probability, compared bit by bit from the top in all
/// runs at once, until every run is decided (about 9 words). SplitMix64 in counter mode, keyed by block and edge.
#[inline(always)]
fn bernoulli(probability: f64, block: Lanes, edge: u64) -> Lanes {
    if probability >= 1.0 {
        return [u64::MAX; WORDS];
    }
    // 2^64 as a double; the product is exact in its 53 bits.
    let mut threshold = (probability * 18_446_744_073_709_551_616.0) as u64;
    let mut key: Lanes = std::array::from_fn(|word| splitmix64(block[word] ^ splitmix64(edge)));
    let (mut kept, mut open) = ([0; WORDS], [u64::MAX; WORDS]);
    while threshold != 0 && open != [0; WORDS] {
        let bit = threshold >> 63 == 1;
        threshold <<= 1;
        for word in 0..WORDS {
            key[word] = key[word].wrapping_add(GOLDEN);
            let draw = splitmix64(key[word]);
            if bit {
                kept[word] |= open[word] & !draw;
                open[word] &= draw;
            } else {
                open[word] &= !draw;
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_set_as_often_as_they_should_be() {
        for (k, p) in [0.0, 1e-9, 0.05, 0.3, 0.5, 0.999, 1.0].into_iter().enumerate() {
            let draws = 20_000 * GROUP;
            let ones: u64 = (0..20_000u64)
                .flat_map(|e| bernoulli(p, [1, 2, 3, 4 + k as u64], e))
                .map(|w| u64::from(w.count_ones()))
                .sum();
            let sd = (draws as f64 * p * (1.0 - p)).sqrt();
            assert!(
                (ones as f64 - p * draws as f64).abs() <= 5.0 * sd + 1e-9,
                "{p}: {ones} of {draws}"
            );
        }
    }
}
