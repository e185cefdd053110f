//! The body line of a worm: straightening by it, and bending back.

use crate::worm::Point;
use crate::yu2021::{LINE_POINTS, LINE_WINDOW};

type Flat = [f64; 2];

/// A body line in the plane, from head to tail; lengths in camera units.
#[derive(Clone, Debug, PartialEq)]
pub struct BodyLine {
    points: Vec<Flat>,
    /// Arc length at each point.
    lengths: Vec<f64>,
    head: Flat,
    tail: Flat,
}

fn minus(a: Flat, b: Flat) -> Flat {
    [a[0] - b[0], a[1] - b[1]]
}

fn along(a: Flat, t: f64, d: Flat) -> Flat {
    [a[0] + t * d[0], a[1] + t * d[1]]
}

fn dot(a: Flat, b: Flat) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

fn cross(a: Flat, b: Flat) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}

/// The published program's v/(|v| + 1e-6).
fn unit(v: Flat) -> Flat {
    let length = dot(v, v).sqrt() + 1e-6;
    [v[0] / length, v[1] / length]
}

fn arc_lengths(points: &[Flat]) -> Vec<f64> {
    let mut lengths = vec![0.0];
    for pair in points.windows(2) {
        let step = minus(pair[1], pair[0]);
        lengths.push(lengths[lengths.len() - 1] + dot(step, step).sqrt());
    }
    lengths
}

/// Gaussian of standard deviation `sigma` samples, cut at four of them; the ends go on as they are.
fn smooth(y: &[f64], sigma: f64) -> Vec<f64> {
    let radius = (4.0 * sigma + 0.5) as isize;
    let mut kernel: Vec<f64> = (-radius..=radius)
        .map(|i| (-0.5 * (i as f64 / sigma).powi(2)).exp())
        .collect();
    let sum: f64 = kernel.iter().sum();
    kernel.iter_mut().for_each(|k| *k /= sum);
    let at = |i: isize| y[i.clamp(0, y.len() as isize - 1) as usize];
    let one = |i: isize| {
        kernel
            .iter()
            .enumerate()
            .map(|(k, w)| w * at(i + k as isize - radius))
            .sum()
    };
    (0..y.len() as isize).map(one).collect()
}

/// One coordinate of the line: its ends are lengthened straight on, then it is smoothed.
fn smooth_coordinate(y: &[f64], window: usize) -> Vec<f64> {
    let n = y.len();
    let more = (2 * window).min(n / 3);
    let head = (y[more] - y[0]) / (more as f64 + 1e-3);
    let tail = (y[n - 1] - y[n - 1 - more]) / (more as f64 + 1e-3);
    let before = (1..=more).rev().map(|i| y[0] - i as f64 * head);
    let after = (1..=more).map(|i| y[n - 1] + i as f64 * tail);
    let longer: Vec<f64> = before.chain(y.iter().copied()).chain(after).collect();
    smooth(&longer, window as f64)[more..more + n].to_vec()
}

impl BodyLine {
    /// From a centreline, head to tail: spread evenly over [`LINE_POINTS`], smoothed.
    ///
    /// # Panics
    /// Fewer than two points, or a centreline without length.
    pub fn of_centreline(centreline: &[Flat]) -> Self {
        let lengths = arc_lengths(centreline);
        let total = lengths[lengths.len() - 1];
        assert!(centreline.len() > 1 && total > 0.0, "a centreline of some length");
        let step = total / (LINE_POINTS - 1) as f64;
        let even = |k: usize| {
            let x = (k as f64 / (LINE_POINTS - 1) as f64 * total).min(total);
            let i = lengths.partition_point(|&l| l <= x).clamp(1, lengths.len() - 1) - 1;
            let part = (x - lengths[i]) / (lengths[i + 1] - lengths[i]);
            along(centreline[i], part, minus(centreline[i + 1], centreline[i]))
        };
        let even: Vec<Flat> = (0..LINE_POINTS).map(even).collect();
        // The published program adds 1 to every window but the smallest.
        let window = ((LINE_WINDOW / step) as usize).clamp(3, LINE_POINTS / 3);
        let window = if window / 2 == 0 { window } else { window + 1 };
        let column = |k: usize| smooth_coordinate(&even.iter().map(|p| p[k]).collect::<Vec<_>>(), window);
        Self::of_points(
            column(0)
                .into_iter()
                .zip(column(1))
                .map(|(x, y)| [x, y])
                .collect(),
        )
    }

    /// A line as it is.
    ///
    /// # Panics
    /// Fewer than two points.
    pub fn of_points(points: Vec<Flat>) -> Self {
        let lengths = arc_lengths(&points);
        assert!(points.len() > 1, "a line of at least two points");
        let mut line = Self {
            points,
            lengths,
            head: [0.0; 2],
            tail: [0.0; 2],
        };
        let length = line.length();
        line.head = unit(minus(line.at(LINE_WINDOW), line.at(0.0)));
        line.tail = unit(minus(line.at(length), line.at(length - LINE_WINDOW)));
        line
    }

    /// Arc length.
    pub fn length(&self) -> f64 {
        self.lengths[self.lengths.len() - 1]
    }

    /// The points.
    pub fn points(&self) -> &[Flat] {
        &self.points
    }

    /// The point at an arc length.
    fn at(&self, x: f64) -> Flat {
        let x = x.clamp(0.0, self.length());
        let i = self
            .lengths
            .partition_point(|&l| l <= x)
            .clamp(1, self.points.len() - 1)
            - 1;
        let part = (x - self.lengths[i]) / (self.lengths[i + 1] - self.lengths[i]);
        along(self.points[i], part, minus(self.points[i + 1], self.points[i]))
    }

    /// Direction at an arc length: a difference over one unit, forward in the first half, backward in the second.
    fn direction(&self, x: f64) -> Flat {
        let length = self.length();
        if x <= 0.0 {
            unit(self.head)
        } else if x <= length / 2.0 {
            unit(minus(self.at(x + 1.0), self.at(x)))
        } else if x <= length {
            unit(minus(self.at(x), self.at(x - 1.0)))
        } else {
            unit(self.tail)
        }
    }

    /// Arc length of the nearest point of the line, and the distance to it.
    fn nearest(&self, q: Flat) -> (f64, f64) {
        let mut best = (0.0, f64::INFINITY);
        for (i, pair) in self.points.windows(2).enumerate() {
            let d = minus(pair[1], pair[0]);
            let t = (dot(minus(q, pair[0]), d) / dot(d, d)).clamp(0.0, 1.0);
            let gap = minus(q, along(pair[0], t, d));
            if dot(gap, gap) < best.1 {
                best = (
                    self.lengths[i] + t * (self.lengths[i + 1] - self.lengths[i]),
                    dot(gap, gap),
                );
            }
        }
        (best.0, best.1.sqrt())
    }

    /// (x, y, z) → (arc length, distance to the left of the line, z).
    pub fn straighten(&self, p: &Point) -> Point {
        let q = [p[0], p[1]];
        let (x, distance) = self.nearest(q);
        let (s, n) = if x <= 0.0 {
            let v = minus(q, self.points[0]);
            (dot(self.head, v), cross(self.head, v))
        } else if x < self.length() {
            let side = cross(self.direction(x), minus(q, self.at(x)));
            (
                x,
                if side == 0.0 {
                    0.0
                } else {
                    side.signum() * distance
                },
            )
        } else {
            let v = minus(q, self.at(self.length()));
            (dot(self.tail, v) + self.length(), cross(self.tail, v))
        };
        [s, n, p[2]]
    }

    /// The inverse of [`BodyLine::straighten`], exact near the line: points beyond its centre of curvature fold.
    pub fn bend(&self, p: &Point) -> Point {
        let [s, n, z] = *p;
        let length = self.length();
        let (base, direction) = if s < 0.0 {
            (along(self.points[0], s, self.head), self.head)
        } else if s < length {
            (self.at(s), self.direction(s))
        } else {
            (along(self.at(length), s - length, self.tail), self.tail)
        };
        let [x, y] = along(base, n, [-direction[1], direction[0]]);
        [x, y, z]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_a_gentle_line_bending_undoes_straightening() {
        let centreline: Vec<Flat> = (0..60)
            .map(|i| [f64::from(i) * 6.0, 40.0 * (f64::from(i) / 20.0).sin()])
            .collect();
        let line = BodyLine::of_centreline(&centreline);
        for i in 0..50 {
            let p = [f64::from(i) * 7.0, f64::from(i % 11) - 5.0, f64::from(i % 3)];
            let back = line.straighten(&line.bend(&p));
            assert!((0..3).all(|k| (back[k] - p[k]).abs() < 0.3), "{p:?} {back:?}");
        }
    }
}
