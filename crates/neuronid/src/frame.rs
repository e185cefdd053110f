//! Frames of worms: the body along x, the four proper turns that a cloud leaves open, and where names put it.
//!
//! A head is nearly symmetric: which end is the nose and on which side it lies does not follow from its shape alone. The
//! four turns by 180° keep handedness; mirror images are told apart by names ([`by_names`]) and never repaired unasked.

use crate::cpd::{rotation, square, transform};
use crate::worm::{Point, median};
use std::collections::HashMap;

/// Signs of the four proper turns by 180°: none, about z, about x, about y.
pub const TURNS: [Point; 4] = [
    [1.0, 1.0, 1.0],
    [-1.0, -1.0, 1.0],
    [1.0, -1.0, -1.0],
    [-1.0, 1.0, -1.0],
];

/// A cloud turned by 180°, or not.
pub fn turned(points: &[Point], turn: usize) -> Vec<Point> {
    let signs = TURNS[turn];
    points
        .iter()
        .map(|p| std::array::from_fn(|k| signs[k] * p[k]))
        .collect()
}

/// Rolls about the body that are tried where it is not known how a worm lies, over a full turn.
pub const ROLLS: usize = 6;

/// A cloud along x from both ends in each of the rolls; the four turns are among them.
pub fn rolled(points: &[Point]) -> Vec<Vec<Point>> {
    let roll = |k: usize| {
        let (sin, cos) = (std::f64::consts::TAU * k as f64 / ROLLS as f64).sin_cos();
        move |p: &Point| [p[0], cos * p[1] - sin * p[2], sin * p[1] + cos * p[2]]
    };
    [0, 1]
        .into_iter()
        .flat_map(|heading| (0..ROLLS).map(move |k| (heading, k)))
        .map(|(heading, k)| turned(points, heading).iter().map(roll(k)).collect())
        .collect()
}

/// A cloud about its median, turned in the plane so that its longest axis is x; which end is left is open.
///
/// ```
/// use neuropil_neuronid::frame::along_x;
/// let diagonal: Vec<[f64; 3]> = (0..9).map(|i| [f64::from(i), f64::from(i), f64::from(i % 2)]).collect();
/// let found = along_x(&diagonal);
/// assert!(found.iter().all(|p| p[1].abs() < 1e-9) && (found[8][0] - found[0][0]).abs() > 11.0);
/// ```
pub fn along_x(points: &[Point]) -> Vec<Point> {
    let n = points.len().max(1) as f64;
    let mean: Point = std::array::from_fn(|k| points.iter().map(|p| p[k]).sum::<f64>() / n);
    let moment = |i: usize, j: usize| {
        points
            .iter()
            .map(|p| (p[i] - mean[i]) * (p[j] - mean[j]))
            .sum::<f64>()
    };
    let angle = 0.5 * (2.0 * moment(0, 1)).atan2(moment(0, 0) - moment(1, 1));
    let (sin, cos) = angle.sin_cos();
    let straight: Vec<Point> = points
        .iter()
        .map(|p| [cos * p[0] + sin * p[1], cos * p[1] - sin * p[0], p[2]])
        .collect();
    let centre = median(&straight);
    straight
        .iter()
        .map(|p| std::array::from_fn(|k| p[k] - centre[k]))
        .collect()
}

/// Least number of shared names that place a cloud.
pub const ANCHORS: usize = 6;

/// Where names put a cloud.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The cloud in the frame of the named places; mirrored (z negated) if `mirrored`.
    pub points: Vec<Point>,
    /// Shared names.
    pub anchors: usize,
    /// Root mean square distance of the shared names, as it is and mirrored.
    pub residuals: [f64; 2],
    /// The mirror image fits better by a third or more.
    pub mirrored: bool,
}

/// The rotation and shift that bring named neurons to named places (Kabsch 1976), proper; and for the mirror image. With
/// fewer than [`ANCHORS`] shared names there is none.
pub fn by_names(points: &[Point], names: &[String], places: &HashMap<String, Point>) -> Option<Placed> {
    let pairs: Vec<(usize, Point)> = names
        .iter()
        .enumerate()
        .filter_map(|(row, name)| Some((row, *places.get(name)?)))
        .collect();
    if pairs.len() < ANCHORS {
        return None;
    }
    let mirror: Vec<Point> = points.iter().map(|p| [p[0], p[1], -p[2]]).collect();
    let proper = rigid_fit(points, &pairs);
    let other = rigid_fit(&mirror, &pairs);
    let mirrored = other.1 < proper.1 / 1.5;
    Some(Placed {
        anchors: pairs.len(),
        residuals: [proper.1, other.1],
        mirrored,
        points: if mirrored { other.0 } else { proper.0 },
    })
}

/// The cloud after the best proper rotation and shift, and the root mean square of what is left.
pub(crate) fn rigid_fit(points: &[Point], pairs: &[(usize, Point)]) -> (Vec<Point>, f64) {
    let n = pairs.len() as f64;
    let from: Point = std::array::from_fn(|k| pairs.iter().map(|(row, _)| points[*row][k]).sum::<f64>() / n);
    let to: Point = std::array::from_fn(|k| pairs.iter().map(|(_, p)| p[k]).sum::<f64>() / n);
    let mut cross = [[0.0; 3]; 3];
    for (row, place) in pairs {
        for (i, line) in cross.iter_mut().enumerate() {
            for (j, sum) in line.iter_mut().enumerate() {
                *sum += (place[i] - to[i]) * (points[*row][j] - from[j]);
            }
        }
    }
    let (turn, _) = rotation(&cross, 3);
    let back = transform(&turn, &[0.0; 3], &from);
    let shift: Point = std::array::from_fn(|k| to[k] - back[k]);
    let moved: Vec<Point> = points.iter().map(|p| transform(&turn, &shift, p)).collect();
    let left: f64 = pairs.iter().map(|(row, place)| square(&moved[*row], place)).sum();
    (moved, (left / n).sqrt())
}

/// Which of the four turns of a cloud along x is nearest to where names put it.
pub fn turn_toward(points: &[Point], placed: &[Point]) -> usize {
    let centre = median(placed);
    let gap = |turn: usize| -> f64 {
        let pairs = turned(points, turn);
        let centred = placed.iter().map(|p| std::array::from_fn(|k| p[k] - centre[k]));
        pairs.iter().zip(centred).map(|(a, b)| square(a, &b)).sum()
    };
    (0..TURNS.len())
        .min_by(|a, b| gap(*a).total_cmp(&gap(*b)))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud() -> (Vec<Point>, Vec<String>, HashMap<String, Point>) {
        let points: Vec<Point> = (0..12)
            .map(|i| {
                let i = f64::from(i);
                [i * 5.0, 8.0 * (i * 1.9).sin(), 6.0 * (i * 1.1).cos() + i * 0.3]
            })
            .collect();
        let names: Vec<String> = (0..12).map(|i| format!("N{i}")).collect();
        let places = names.iter().cloned().zip(points.iter().copied()).collect();
        (points, names, places)
    }

    #[test]
    fn names_place_a_turned_cloud_and_tell_a_mirror_image() {
        let (points, names, places) = cloud();
        let (sin, cos) = 1.1_f64.sin_cos();
        let moved: Vec<Point> = points
            .iter()
            .map(|p| [cos * p[0] - sin * p[2] + 4.0, p[1] - 2.0, sin * p[0] + cos * p[2]])
            .collect();
        let placed = by_names(&moved, &names, &places).unwrap();
        assert!(!placed.mirrored && placed.residuals[0] < 1e-9);
        assert!(
            placed
                .points
                .iter()
                .zip(&points)
                .all(|(a, b)| square(a, b) < 1e-18)
        );
        let mirror: Vec<Point> = moved.iter().map(|p| [p[0], -p[1], p[2]]).collect();
        let placed = by_names(&mirror, &names, &places).unwrap();
        assert!(placed.mirrored && placed.residuals[1] < 1e-9);
        assert!(by_names(&moved[..5], &names[..5], &places).is_none());
    }

    #[test]
    fn turns_are_proper_and_are_found_again() {
        let (points, ..) = cloud();
        let straight = along_x(&points);
        for turn in 0..4 {
            assert_eq!(TURNS[turn].iter().product::<f64>(), 1.0);
            assert_eq!(turn_toward(&turned(&straight, turn), &straight), turn);
        }
    }
}
