//! Another posture for a body: that of a second worm, or one drawn at random.

use super::Body;
use crate::cpd::{Stiffness, Stop, nonrigid};
use crate::error::NeuronidError;
use crate::line::BodyLine;
use crate::worm::{Point, median};
use crate::yu2021::{CAMERA_UM, NETWORK_CAMERA};
use rand::RngExt;
use std::f64::consts::TAU;

impl Body {
    /// This body's neurons in the shape and posture of another: nonrigid drift onto its straight points, both normalised
    /// by the other's median; the line is the other's.
    ///
    /// # Errors
    /// Fewer than three neurons.
    pub fn in_posture_of(&self, other: &Body) -> Result<Body, NeuronidError> {
        let centre = median(&other.points);
        let normal = |points: &[Point]| -> Vec<Point> {
            let one = |p: &Point| std::array::from_fn(|k| (p[k] - centre[k]) / NETWORK_CAMERA);
            points.iter().map(one).collect()
        };
        let drifted = nonrigid(
            &normal(&other.points),
            &normal(&self.points),
            Stiffness::default(),
            Stop::nonrigid(),
        )?;
        let back = |p: &Point| std::array::from_fn(|k| p[k] * NETWORK_CAMERA + centre[k]);
        Ok(Body {
            points: drifted.moved.iter().map(back).collect(),
            labels: self.labels.clone(),
            line: other.line.clone(),
        })
    }
}

/// Length over which a random line turns by its root mean square, camera units: 150 µm.
const TURNED_OVER: f64 = 150.0 / CAMERA_UM;
/// Waves of the curvature of a random line.
const WAVES: usize = 3;
/// Length of a step along a random line, camera units.
const STEP: f64 = 2.0;

/// A line of some length whose curvature is a sum of three waves; it turns by `turn` radians (root mean square over
/// lines) along 150 µm.
pub fn random_line(length: f64, turn: f64, rng: &mut impl rand::Rng) -> BodyLine {
    // A constant curvature κ turns by κ L; each of the waves has an equal share of the variance.
    let size = turn / TURNED_OVER * (2.0 / WAVES as f64).sqrt();
    let waves: Vec<(f64, f64)> = (0..WAVES)
        .map(|_| {
            (
                size * rng.random_range(-1.0..1.0) * 3.0_f64.sqrt(),
                rng.random_range(0.0..TAU),
            )
        })
        .collect();
    let curvature = |s: f64| -> f64 {
        let wave = |(k, (size, phase)): (usize, &(f64, f64))| {
            size * (TAU * (k as f64 + 0.5) * s / (2.0 * TURNED_OVER) + phase).cos()
        };
        waves.iter().enumerate().map(wave).sum()
    };
    let steps = (length / STEP).ceil() as usize + 1;
    let mut points = vec![[0.0, 0.0]];
    let mut heading = 0.0_f64;
    for step in 0..steps {
        let last = points[points.len() - 1];
        points.push([last[0] + STEP * heading.cos(), last[1] + STEP * heading.sin()]);
        heading += STEP * curvature(step as f64 * STEP);
    }
    BodyLine::of_points(points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};

    #[test]
    fn random_lines_turn_as_much_as_asked() {
        let turns: Vec<f64> = (0..2000)
            .map(|index| {
                let line = random_line(TURNED_OVER, 1.0, &mut Key::new(4).stream(Purpose::Test, index));
                let p = line.points();
                let last = p.len() - 1;
                let angle = |a: [f64; 2], b: [f64; 2]| (b[1] - a[1]).atan2(b[0] - a[0]);
                angle(p[last - 1], p[last]) - angle(p[0], p[1])
            })
            .collect();
        let rms = (turns.iter().map(|t| t * t).sum::<f64>() / turns.len() as f64).sqrt();
        // Waves shorter than the line turn back: the bound is that of a constant curvature.
        assert!((0.4..1.05).contains(&rms), "{rms}");
        let mean = turns.iter().sum::<f64>() / turns.len() as f64;
        assert!(mean.abs() < 0.1, "{mean}");
    }

    #[test]
    fn a_body_takes_the_place_of_another() {
        let points: Vec<Point> = (0..40)
            .map(|i| {
                [
                    f64::from(i) * 5.0,
                    20.0 * (f64::from(i) * 1.3).sin(),
                    15.0 * (f64::from(i) * 2.1).cos(),
                ]
            })
            .collect();
        let body = |points: Vec<Point>| Body {
            labels: (0..points.len() as i64).collect(),
            points,
            line: None,
        };
        let other = body(
            points
                .iter()
                .map(|p| [p[0] + 6.0, p[1] * 1.1, p[2] - 4.0])
                .collect(),
        );
        let moved = body(points.clone()).in_posture_of(&other).unwrap();
        let gap = |a: &[Point]| -> f64 {
            let square = |(a, b): (&Point, &Point)| (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>();
            (a.iter().zip(&other.points).map(square).sum::<f64>() / 40.0).sqrt()
        };
        assert!(gap(&moved.points) < 0.3 * gap(&points), "{}", gap(&moved.points));
    }
}
