//! How a task was learnt: loss and success, batch by batch.

use serde::{Deserialize, Serialize};

/// Batches of which one point is the mean.
pub const EVERY: u64 = 100;

/// Means over the batches up to one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Batches of the task that were made.
    pub batch: u64,
    /// Mean loss, without the penalty.
    pub loss: f64,
    /// Mean fraction that was right in training: of examples, of steps with an answer, or of rewarded trials.
    pub right: f64,
}

/// The points of a task so far, and the sums of the next one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    points: Vec<Point>,
    made: u64,
    since: u64,
    loss: f64,
    right: f64,
}

impl Curve {
    /// One more batch.
    pub fn add(&mut self, loss: f64, right: f64) {
        self.made += 1;
        self.since += 1;
        self.loss += loss;
        self.right += right;
        if self.since == EVERY {
            self.close_point();
        }
    }

    /// The points, with a last one of fewer batches if some are left over; the next task begins with none.
    pub fn take(&mut self) -> Vec<Point> {
        if self.since > 0 {
            self.close_point();
        }
        std::mem::take(self).points
    }

    fn close_point(&mut self) {
        let n = self.since as f64;
        self.points.push(Point {
            batch: self.made,
            loss: self.loss / n,
            right: self.right / n,
        });
        (self.since, self.loss, self.right) = (0, 0.0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_means_of_a_hundred_batches_and_the_last_of_the_rest() {
        let mut curve = Curve::default();
        (0..250).for_each(|batch| curve.add(f64::from(batch), 1.0));
        let point = |batch, loss| Point {
            batch,
            loss,
            right: 1.0,
        };
        assert_eq!(
            curve.take(),
            [point(100, 49.5), point(200, 149.5), point(250, 224.5)]
        );
        assert_eq!(curve, Curve::default());
    }
}
