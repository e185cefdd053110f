//! Keyed random streams.
//!
//! Nothing in neuropil owns a generator. Every draw comes from a stream that is named by a [`Key`]: the user's
//! seed, what the draw is for, which update and which trial. A stream therefore depends neither on the batch a
//! trial is in, nor on the number of threads, nor on what was drawn before; a run that is resumed needs no
//! saved generator.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a stream is for. Numbers are part of the file format: never change or reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Purpose {
    /// Initial parameters of the policy network.
    InitPolicy = 1,
    /// Initial parameters of the value network.
    InitValue = 2,
    /// Fixed connection masks of the policy network.
    MaskPolicy = 3,
    /// Fixed connection masks of the value network.
    MaskValue = 4,
    /// Conditions and epoch durations of trials.
    Condition = 5,
    /// Noise on the inputs.
    InputNoise = 6,
    /// Recurrent noise of the policy network.
    PolicyNoise = 7,
    /// Recurrent noise of the value network.
    ValueNoise = 8,
    /// Choice of an action from its probabilities.
    Action = 9,
    /// Draws of an interactive environment.
    Environment = 10,
    /// Bootstrap resampling.
    Bootstrap = 11,
    /// Permutation tests.
    Permutation = 12,
    /// Random draws in tests and benchmarks.
    Test = 13,
    /// Initial parameters of a network that is neither policy nor value.
    Init = 20,
    /// Its fixed connection masks.
    Mask = 21,
    /// Order of examples, division into sets, permutations of inputs.
    Shuffle = 22,
    /// Units that are left out of one forward pass.
    Dropout = 23,
    /// Deformations of an example.
    Augment = 24,
    /// Units that a task may use.
    Gate = 25,
    /// What differs between simulated animals.
    Animal = 26,
    /// Random walks on a graph.
    Walk = 40,
    /// Rewired null graphs.
    Rewire = 41,
    /// Random starts of clustering.
    Cluster = 42,
    /// Settings of a sweep that are drawn.
    Sweep = 70,
    /// Generated graphs.
    Generate = 43,
}

/// Which part of an experiment a stream belongs to; streams of different phases never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Phase {
    /// Training trials.
    Train = 0,
    /// Validation trials during training.
    Validate = 1,
    /// Test trials after training.
    Test = 2,
}

/// Name of a family of streams: seed, phase, attempt (networks drawn anew count up) and update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    seed: u64,
    phase: Phase,
    attempt: u64,
    update: u64,
    /// Parts of parts, mixed into one number; 0: the whole.
    part: u64,
}

impl Key {
    /// The key of a user's seed: training phase, first attempt, update 0.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            phase: Phase::Train,
            attempt: 0,
            update: 0,
            part: 0,
        }
    }

    /// The same key in another phase.
    pub fn phase(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    /// The same key for the `attempt`-th draw of the networks.
    pub fn attempt(self, attempt: u64) -> Self {
        Self { attempt, ..self }
    }

    /// The same key at parameter update `update`.
    pub fn at(self, update: u64) -> Self {
        Self { update, ..self }
    }

    /// The key of part `index` of what this key names: a task, an animal, a repetition, a layer. Parts have parts, in
    /// any depth, and share no stream with the whole or with one another.
    ///
    /// ```
    /// use neuropil_math::rng::Key;
    /// let animal = Key::new(1).part(7);
    /// assert_ne!(animal.part(0), animal.part(1));
    /// assert_ne!(animal.part(0), Key::new(1).part(0).part(7));
    /// ```
    pub fn part(self, index: u64) -> Self {
        Self {
            part: splitmix64(self.part ^ splitmix64(index ^ PARTS)),
            ..self
        }
    }

    /// The user's seed.
    pub fn seed(self) -> u64 {
        self.seed
    }

    fn words(self, purpose: Purpose, index: u64) -> [u64; 4] {
        [
            self.seed ^ self.part,
            purpose as u64 | (self.phase as u64) << 32,
            self.attempt << 48 | self.update,
            index,
        ]
    }

    /// General-purpose generator for everything but bulk noise.
    ///
    /// `index` is the trial, the unit, the resample: whatever the purpose counts.
    pub fn stream(self, purpose: Purpose, index: u64) -> ChaCha8Rng {
        let words = self.words(purpose, index);
        let mut seed = [0u8; 32];
        for (chunk, word) in seed.chunks_exact_mut(8).zip(words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        ChaCha8Rng::from_seed(seed)
    }

    /// 128 well-mixed bits that name the stream, to seed one lane of a bulk generator.
    ///
    /// Four rounds of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014) absorb the key word by word.
    pub fn lane_seed(self, purpose: Purpose, index: u64) -> [u32; 4] {
        let words = self.words(purpose, index);
        let mut state = 0x243F_6A88_85A3_08D3_u64; // fractional part of pi
        for word in words {
            state = splitmix64(state ^ splitmix64(word));
        }
        let (a, b) = (splitmix64(state), splitmix64(state.wrapping_add(GOLDEN)));
        [a as u32, (a >> 32) as u32, b as u32, (b >> 32) as u32]
    }
}

/// Fractional part of √2: keeps the first part from being the whole.
const PARTS: u64 = 0x6A09_E667_F3BC_C908;

/// What SplitMix64 adds to its state: 2⁶⁴ over the golden ratio, made odd.
pub const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The next output of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014) from its state: a well-mixed function of 64 bits, for
/// draws that are known by their place and not by their turn.
#[inline]
pub fn splitmix64(state: u64) -> u64 {
    let z = state.wrapping_add(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn every_part_of_the_key_names_another_stream() {
        let key = Key::new(1);
        let others = [
            key.stream(Purpose::Test, 0).next_u64(),
            Key::new(2).stream(Purpose::Test, 0).next_u64(),
            key.at(1).stream(Purpose::Test, 0).next_u64(),
            key.attempt(1).stream(Purpose::Test, 0).next_u64(),
            key.phase(Phase::Validate).stream(Purpose::Test, 0).next_u64(),
            key.part(0).stream(Purpose::Test, 0).next_u64(),
            key.part(1).stream(Purpose::Test, 0).next_u64(),
            key.part(0).part(0).stream(Purpose::Test, 0).next_u64(),
            key.part(0).part(1).stream(Purpose::Test, 0).next_u64(),
            key.part(1).part(0).stream(Purpose::Test, 0).next_u64(),
            key.stream(Purpose::Action, 0).next_u64(),
            key.stream(Purpose::Test, 1).next_u64(),
        ];
        for (i, a) in others.iter().enumerate() {
            assert!(
                others[i + 1..].iter().all(|b| a != b),
                "streams {i} meets another"
            );
        }
        assert_eq!(
            others[0],
            key.stream(Purpose::Test, 0).next_u64(),
            "a stream repeats itself"
        );
    }

    #[test]
    fn lane_seeds_differ_and_have_balanced_bits() {
        let mut ones = 0;
        let mut seen = std::collections::BTreeSet::new();
        for trial in 0..4096 {
            let seed = Key::new(1).lane_seed(Purpose::PolicyNoise, trial);
            ones += seed.iter().map(|word| word.count_ones()).sum::<u32>();
            assert!(seen.insert(seed));
        }
        let expected = 4096.0 * 64.0;
        let sd = (4096.0_f64 * 128.0 * 0.25).sqrt();
        assert!(
            (f64::from(ones) - expected).abs() < 5.0 * sd,
            "{ones} ones, expected {expected}"
        );
    }
}
