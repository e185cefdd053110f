//! A memory of earlier examples: the baseline that methods without one are compared with.
//!
//! Two rules of what is kept. *Reservoir* (Vitter, ACM Trans. Math. Softw. 11:37, 1985): every example of the stream is
//! kept with the same probability. *By class*: as many of every class as fit, what a rare class leaves goes to the others.

use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Every example with the same probability.
    #[default]
    Reservoir,
    /// As many of every class as fit.
    ByClass,
}

/// One kept example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Task it came with.
    pub task: usize,
    /// Its number in that task's training examples.
    pub example: usize,
    /// Its class.
    pub class: usize,
}

/// The memory: which examples are kept, and how many were seen.
///
/// ```
/// use neuropil_gating::replay::{Kept, Memory, Rule};
/// use neuropil_math::rng::Key;
/// let mut memory = Memory::new(4, Rule::Reservoir);
/// for example in 0..100 {
///     memory.offer(Kept { task: 0, example, class: example % 2 }, Key::new(1));
/// }
/// assert_eq!((memory.kept().len(), memory.seen()), (4, 100));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    room: usize,
    rule: Rule,
    seen: u64,
    seen_of: BTreeMap<usize, u64>,
    kept: Vec<Kept>,
}

impl Memory {
    /// An empty memory for `room` examples.
    pub fn new(room: usize, rule: Rule) -> Self {
        Self {
            room,
            rule,
            seen: 0,
            seen_of: BTreeMap::new(),
            kept: Vec::new(),
        }
    }

    /// Examples that are kept.
    pub fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// Examples that were offered.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// How many are kept of each class.
    pub fn per_class(&self) -> BTreeMap<usize, usize> {
        let mut counts = BTreeMap::new();
        self.kept
            .iter()
            .for_each(|kept| *counts.entry(kept.class).or_insert(0) += 1);
        counts
    }

    /// Offers the next example of the stream. The draw depends on the key and on how many were seen.
    pub fn offer(&mut self, example: Kept, key: Key) {
        let mut rng = key.stream(Purpose::Shuffle, 1 << 40 | self.seen);
        self.seen += 1;
        let seen_of = self.seen_of.entry(example.class).or_insert(0);
        *seen_of += 1;
        let seen_of = *seen_of;
        if self.room == 0 {
            return;
        }
        if self.kept.len() < self.room {
            self.kept.push(example);
            return;
        }
        match self.rule {
            Rule::Reservoir => {
                let place = rng.random_range(0..self.seen) as usize;
                if place < self.room {
                    self.kept[place] = example;
                }
            }
            Rule::ByClass => {
                let counts = self.per_class();
                let own = counts.get(&example.class).copied().unwrap_or(0);
                let largest = counts.values().copied().max().unwrap_or(0);
                // A class below the largest takes a place of it; a class among the largest, one of its own, as a
                // reservoir of that class would.
                let from = if own < largest {
                    let among: Vec<usize> = counts
                        .iter()
                        .filter(|&(_, &n)| n == largest)
                        .map(|(&class, _)| class)
                        .collect();
                    Some(among[rng.random_range(0..among.len())])
                } else {
                    (rng.random_range(0..seen_of) < own as u64).then_some(example.class)
                };
                let Some(from) = from else { return };
                // A class that would fall below the newcomer's after the exchange gives nothing.
                if from != example.class && largest <= own + 1 {
                    if rng.random_range(0..seen_of) < own as u64 {
                        self.exchange(example.class, example, &mut rng);
                    }
                    return;
                }
                self.exchange(from, example, &mut rng);
            }
        }
    }

    fn exchange(&mut self, class: usize, example: Kept, rng: &mut impl rand::Rng) {
        let places: Vec<usize> = (0..self.kept.len())
            .filter(|&i| self.kept[i].class == class)
            .collect();
        if !places.is_empty() {
            self.kept[places[rng.random_range(0..places.len())]] = example;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservoir_keeps_every_example_equally_often() {
        let mut counts = [0.0_f64; 33];
        for seed in 0..4000 {
            let mut memory = Memory::new(12, Rule::Reservoir);
            for example in 0..33 {
                memory.offer(
                    Kept {
                        task: 0,
                        example,
                        class: 0,
                    },
                    Key::new(seed),
                );
            }
            memory.kept().iter().for_each(|kept| counts[kept.example] += 1.0);
        }
        let p = 12.0 / 33.0;
        let sd = (4000.0_f64 * p * (1.0 - p)).sqrt();
        assert!(
            counts.iter().all(|count| (count - 4000.0 * p).abs() < 4.5 * sd),
            "{counts:?}"
        );
    }
}
