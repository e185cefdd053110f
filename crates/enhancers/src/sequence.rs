//! Sequences as numbers, their reverse complements, and random sequences that keep what others have.

use std::collections::HashSet;

use rand::{Rng, RngExt};

use crate::error::InputError;

/// Number of a base: A, C, G, T are 0 to 3, every other letter of IUPAC 4.
pub const UNKNOWN: u8 = 4;

/// Numbers of the letters of a sequence, lower case like upper case.
///
/// # Errors
/// A letter that is none of IUPAC's, with its position counted from 1.
pub fn bases(sequence: &[u8]) -> Result<Vec<u8>, InputError> {
    let number = |(i, &letter): (usize, &u8)| match letter.to_ascii_uppercase() {
        b'A' => Ok(0),
        b'C' => Ok(1),
        b'G' => Ok(2),
        b'T' | b'U' => Ok(3),
        b'N' | b'R' | b'Y' | b'M' | b'K' | b'W' | b'S' | b'B' | b'D' | b'H' | b'V' => Ok(UNKNOWN),
        _ => Err(InputError::new(format!(
            "`{}` at position {} is no nucleotide",
            char::from(letter),
            i + 1
        ))),
    };
    sequence.iter().enumerate().map(number).collect()
}

/// One-hot code, shaped \[position\]\[A, C, G, T\]; unknown bases are four zeros.
///
/// # Errors
/// As [`bases`].
pub fn one_hot(sequence: &[u8]) -> Result<Vec<f32>, InputError> {
    let mut code = vec![0.0; sequence.len() * 4];
    for (i, base) in bases(sequence)?.into_iter().enumerate() {
        if base != UNKNOWN {
            code[i * 4 + base as usize] = 1.0;
        }
    }
    Ok(code)
}

/// The other strand, read in its direction.
pub fn reverse_complement(bases: &[u8]) -> Vec<u8> {
    bases
        .iter()
        .rev()
        .map(|&base| if base == UNKNOWN { base } else { 3 - base })
        .collect()
}

/// Letters of numbers.
pub fn letters(bases: &[u8]) -> String {
    bases
        .iter()
        .map(|&base| char::from(b"ACGTN"[base.min(UNKNOWN) as usize]))
        .collect()
}

/// Fraction of G and C among the known bases; NaN without any.
pub fn gc_content(bases: &[u8]) -> f64 {
    let known = bases.iter().filter(|&&base| base != UNKNOWN).count();
    bases.iter().filter(|&&base| base == 1 || base == 2).count() as f64 / known as f64
}

/// A random sequence with the same number of every pair of neighbours and the same first and last base: a random
/// walk over all pairs, each taken once (Altschul & Erickson 1985, Mol. Biol. Evol. 2, 526).
pub fn dinucleotide_shuffle(bases: &[u8], random: &mut impl Rng) -> Vec<u8> {
    const K: usize = 5;
    let (Some(&first), Some(&last)) = (bases.first(), bases.last()) else {
        return Vec::new();
    };
    let mut edges: [Vec<u8>; K] = Default::default();
    for pair in bases.windows(2) {
        edges[pair[0] as usize].push(pair[1]);
    }
    // The last edges out of every base must lead to the end: drawn anew until they do.
    loop {
        for (base, out) in edges.iter_mut().enumerate() {
            if base != last as usize && !out.is_empty() {
                let chosen = random.random_range(0..out.len());
                let end = out.len() - 1;
                out.swap(chosen, end);
            }
        }
        let leads_home = (0..K).filter(|&base| !edges[base].is_empty()).all(|mut base| {
            (0..K).any(|_| {
                if base == last as usize {
                    return true;
                }
                base = *edges[base].last().expect("a base on the way has edges") as usize;
                base == last as usize
            })
        });
        if leads_home {
            break;
        }
    }
    for (base, out) in edges.iter_mut().enumerate() {
        let free = if base == last as usize {
            out.len()
        } else {
            out.len().saturating_sub(1)
        };
        for i in (1..free).rev() {
            out.swap(i, random.random_range(0..=i));
        }
    }
    let mut next = [0; K];
    let mut walk = Vec::with_capacity(bases.len());
    walk.push(first);
    let mut here = first as usize;
    while next[here] < edges[here].len() {
        let to = edges[here][next[here]];
        next[here] += 1;
        walk.push(to);
        here = to as usize;
    }
    walk
}

/// For every foreground sequence `ratio` background sequences of the same G/C content to 1 %, none twice; the numbers
/// of those chosen, and how many could not be found.
pub fn match_gc(
    foreground: &[Vec<u8>],
    background: &[Vec<u8>],
    ratio: usize,
    random: &mut impl Rng,
) -> (Vec<usize>, usize) {
    let bin = |bases: &[u8]| (gc_content(bases) * 100.0).round() as i64;
    let mut bins: std::collections::BTreeMap<i64, Vec<usize>> = std::collections::BTreeMap::new();
    for (i, bases) in background.iter().enumerate() {
        bins.entry(bin(bases)).or_default().push(i);
    }
    let mut chosen = HashSet::new();
    let mut order = Vec::new();
    let mut missing = 0;
    for bases in foreground {
        for _ in 0..ratio {
            match bins
                .get_mut(&bin(bases))
                .filter(|candidates| !candidates.is_empty())
            {
                Some(candidates) => {
                    let i = candidates.swap_remove(random.random_range(0..candidates.len()));
                    chosen.insert(i);
                    order.push(i);
                }
                None => missing += 1,
            }
        }
    }
    (order, missing)
}

/// Part of a data set that a sequence belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// Training.
    Train,
    /// Validation.
    Validate,
    /// Test.
    Test,
}

/// Split of a mouse chromosome, by its whole name: chr1 and chr2 test, chr8 and chr9 validation; Y is left out.
pub fn split_of(chrom: &str) -> Option<Split> {
    use crate::kaplow2023::{TEST_CHROMOSOMES, VALIDATION_CHROMOSOMES};
    if TEST_CHROMOSOMES.contains(&chrom) {
        return Some(Split::Test);
    }
    if VALIDATION_CHROMOSOMES.contains(&chrom) {
        return Some(Split::Validate);
    }
    let number = chrom.strip_prefix("chr")?;
    (number == "X" || number.parse::<u8>().is_ok_and(|n| (3..=19).contains(&n))).then_some(Split::Train)
}

#[cfg(test)]
mod tests {
    use neuropil_math::rng::{Key, Purpose};

    use super::*;

    #[test]
    fn chromosomes_are_matched_by_their_whole_name() {
        let splits: Vec<Option<Split>> = [
            "chr1", "chr11", "chr10", "chr18", "chr8", "chrX", "chrY", "chrUn_1", "1",
        ]
        .map(split_of)
        .to_vec();
        use Split::{Test, Train, Validate};
        assert_eq!(
            splits,
            [
                Some(Test),
                Some(Train),
                Some(Train),
                Some(Train),
                Some(Validate),
                Some(Train),
                None,
                None,
                None
            ]
        );
    }

    #[test]
    fn shuffles_keep_pairs_and_ends_and_reach_every_walk() {
        let pairs = |bases: &[u8]| {
            let mut pairs: Vec<[u8; 2]> = bases.windows(2).map(|pair| [pair[0], pair[1]]).collect();
            pairs.sort_unstable();
            pairs
        };
        let mut random = Key::new(5).stream(Purpose::Test, 0);
        let long: Vec<u8> = (0..500).map(|_| random.random_range(0..4)).collect();
        let shuffled = dinucleotide_shuffle(&long, &mut random);
        assert_eq!(pairs(&shuffled), pairs(&long));
        assert_eq!((shuffled[0], shuffled[499]), (long[0], long[499]));
        let moved = shuffled.iter().zip(&long).filter(|(a, b)| a != b).count();
        assert!(moved > 300, "{moved}");
        // A A C A G A: the walks from A to A over these pairs, each equally likely.
        let mut seen: std::collections::BTreeMap<Vec<u8>, usize> = std::collections::BTreeMap::new();
        for _ in 0..6000 {
            *seen
                .entry(dinucleotide_shuffle(&[0, 0, 1, 0, 2, 0], &mut random))
                .or_default() += 1;
        }
        assert_eq!(seen.len(), 6);
        assert!(
            seen.values().all(|&count| (850..1150).contains(&count)),
            "{seen:?}"
        );
    }

    #[test]
    fn background_is_matched_without_repeats() {
        let mut random = Key::new(6).stream(Purpose::Test, 0);
        let with_gc = |n: usize| -> Vec<u8> { (0..100).map(|i| u8::from(i < n)).collect() };
        let background: Vec<Vec<u8>> = (0..100).map(with_gc).collect();
        let (chosen, missing) = match_gc(
            &[with_gc(40), with_gc(40), with_gc(70)],
            &background,
            1,
            &mut random,
        );
        assert_eq!((chosen, missing), (vec![40, 70], 1));
    }

    #[test]
    fn the_other_strand() {
        assert_eq!(
            letters(&reverse_complement(&bases(b"AcgtNr").expect("letters"))),
            "NNACGT"
        );
        assert!(
            bases(b"AXC")
                .expect_err("no letter")
                .to_string()
                .contains("`X` at position 2")
        );
    }
}
