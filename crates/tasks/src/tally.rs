//! Weighted sums over sessions, from which means are made at the end.

use std::ops::AddAssign;

/// Sum of a measure and of its weights; their ratio is the measure's mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Weighted sum.
    pub sum: f64,
    /// Weight.
    pub weight: f64,
}

impl Tally {
    /// Counts one occasion, at which something was so or not.
    pub fn count(&mut self, so: bool) {
        self.sum += f64::from(u8::from(so));
        self.weight += 1.0;
    }

    /// The mean; 0 without any occasion.
    pub fn mean(self) -> f64 {
        if self.weight > 0.0 {
            self.sum / self.weight
        } else {
            0.0
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.weight += other.weight;
    }
}

/// Adds tallies entry by entry; no tallies at all count as zeros.
pub fn add_tallies(total: &mut Vec<Tally>, part: &[Tally]) {
    total.resize(total.len().max(part.len()), Tally::default());
    for (total, &part) in total.iter_mut().zip(part) {
        *total += part;
    }
}
