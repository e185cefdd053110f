//! Sequences that a sequence is held against.

use neuropil_math::rng::{Key, Purpose};

use crate::sequence::{UNKNOWN, dinucleotide_shuffle};

/// `n` shuffles of a sequence that keep the number of every pair of neighbours; unknown bases stay where they are, and
/// what lies between them is shuffled by itself. They follow from the seed and the sequence alone.
pub fn references(bases: &[u8], n: usize, seed: u64) -> Vec<Vec<u8>> {
    // Sixteen bases of 0 to 4 as one number.
    let number = |chunk: &[u8]| chunk.iter().fold(1, |sum, &base| sum * 5 + u64::from(base));
    let key = bases
        .chunks(16)
        .fold(Key::new(seed), |key, chunk| key.part(number(chunk)));
    (0..n as u64)
        .map(|i| {
            let mut random = key.stream(Purpose::Shuffle, i);
            let mut shuffled = bases.to_vec();
            for run in shuffled.chunk_by_mut(|a, b| (*a == UNKNOWN) == (*b == UNKNOWN)) {
                if run[0] != UNKNOWN {
                    let moved = dinucleotide_shuffle(run, &mut random);
                    run.copy_from_slice(&moved);
                }
            }
            shuffled
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(bases: &[u8]) -> Vec<[u8; 2]> {
        let mut pairs: Vec<[u8; 2]> = bases.windows(2).map(|pair| [pair[0], pair[1]]).collect();
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn references_keep_pairs_and_unknown_bases_and_differ() {
        let mut bases: Vec<u8> = (0..120_u32).map(|i| (i * i % 7 % 4) as u8).collect();
        bases[40..43].fill(UNKNOWN);
        let found = references(&bases, 5, 1);
        for reference in &found {
            assert_eq!(pairs(reference), pairs(&bases));
            assert_eq!(reference[40..43], [UNKNOWN; 3]);
        }
        assert!((1..5).all(|i| found[i] != found[0]));
        assert_eq!(found[..2], references(&bases, 2, 1));
        assert_ne!(found[0], references(&bases, 1, 2)[0]);
    }
}
