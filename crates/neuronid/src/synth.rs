//! Semi-synthetic worms: what the network is trained on (Yu et al. 2021).
//!
//! ```text
//! body of a worm, straightened ─► another posture ─► roll, shear ─► points added and removed ─► bent ─► turned, scaled,
//! sheared in the plane ─► jitter ─► centred
//! ```
//! The body is a real one, straightened by its line and drifted onto another worm's ([`posture`]), or an individual of a
//! statistical atlas ([`individuals`]). Every worm made of one body keeps its labels, so that the right answer is known.
//! Lengths are camera units; rows are multiplied by matrices from the right, as published.

use crate::line::BodyLine;
use crate::loss::OUTLIER;
use crate::worm::{Point, Side, median};
use crate::yu2021::{
    NETWORK_CAMERA, SYNTH_ADDED, SYNTH_APART, SYNTH_BOX, SYNTH_ROLL, SYNTH_SCALE, SYNTH_SHARE, SYNTH_SHEAR,
};
use rand::RngExt;
use rand_distr::{Distribution, Normal};
use std::f64::consts::TAU;

pub mod individuals;
pub mod invented;
pub mod posture;
pub mod table;

/// A worm that others are made of: straight, body along x, z about 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// Neurons, camera units.
    pub points: Vec<Point>,
    /// Their labels: identities from 0, or [`crate::loss::UNLABELLED`].
    pub labels: Vec<i64>,
    /// The line along which they are bent back; none if the body was straight already.
    pub line: Option<BodyLine>,
}

impl Body {
    /// A worm with its centreline, head to tail, in camera units: straightened, z about its median, turned by 180° about
    /// the body if it lies on its left. Labels are the places of the points.
    pub fn of_centreline(points: &[Point], centreline: &[[f64; 2]], side: Side) -> Self {
        let line = BodyLine::of_centreline(centreline);
        let mut straight: Vec<Point> = points.iter().map(|p| line.straighten(p)).collect();
        let z = median(&straight)[2];
        for p in &mut straight {
            p[2] -= z;
            if side == Side::Left {
                (p[1], p[2]) = (-p[1], -p[2]);
            }
        }
        Self {
            labels: (0..points.len() as i64).collect(),
            points: straight,
            line: Some(line),
        }
    }
}

/// Along which line worms are bent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bend {
    /// None: worms stay straight, and no labelled neuron is removed, as in the published mode for straight worms.
    Straight,
    /// None, but neurons are removed: for bodies that were never straightened.
    AsItIs,
    /// The body's own.
    Own,
    /// A random one, which turns by about this many radians (root mean square) over 150 µm.
    Random(f64),
}

/// Where points are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// The published box.
    Published,
    /// The extent of the body.
    Own,
}

/// How worms are made of bodies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// Largest roll about the body to either side, radians.
    pub roll: f64,
    /// Line along which they are bent.
    pub bend: Bend,
    /// Where points are added.
    pub room: Room,
    /// Smallest and largest share of points that are removed and added.
    pub share: (f64, f64),
    /// Turn by any angle in the plane.
    pub turn: bool,
    /// Standard deviation of the jitter of each coordinate, camera units.
    pub jitter: f64,
}

impl Recipe {
    /// The published recipe.
    pub const YU2021: Self = Self {
        roll: SYNTH_ROLL,
        bend: Bend::Own,
        room: Room::Published,
        share: SYNTH_SHARE,
        turn: true,
        jitter: 0.0,
    };
}

/// What was drawn for one worm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Amounts {
    /// Roll, radians.
    pub roll: f64,
    /// Share of points removed.
    pub share: f64,
    /// Points that were to be added, and that were.
    pub added: (usize, usize),
    /// Turn in the plane, radians.
    pub turn: f64,
    /// Determinant of turn, scales and shear in the plane.
    pub determinant: f64,
}

/// A worm that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Positions as the network takes them.
    pub points: Vec<Point>,
    /// Labels of the body, and [`OUTLIER`] for what was added.
    pub labels: Vec<i64>,
    /// Place along the body of each, camera units.
    pub along: Vec<f64>,
    /// What was drawn.
    pub amounts: Amounts,
}

type Matrix = [[f64; 3]; 3];

fn times(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

/// p M, p a row.
fn apply(p: &Point, m: &Matrix) -> Point {
    std::array::from_fn(|j| (0..3).map(|i| p[i] * m[i][j]).sum())
}

fn determinant(m: &Matrix) -> f64 {
    let minor = |j: usize, k: usize| m[1][j] * m[2][k] - m[1][k] * m[2][j];
    m[0][0] * minor(1, 2) - m[0][1] * minor(0, 2) + m[0][2] * minor(0, 1)
}

fn about(rng: &mut impl rand::Rng, most: f64) -> f64 {
    (2.0 * rng.random::<f64>() - 1.0) * most
}

/// Makes one worm of a body.
///
/// ```
/// use neuropil_math::rng::{Key, Purpose};
/// use neuropil_neuronid::synth::{Bend, Body, Recipe, make};
///
/// let points: Vec<[f64; 3]> = (0..60).map(|i| [f64::from(i) * 4.0, f64::from(i % 7) * 9.0 - 27.0, f64::from(i % 5) * 8.0]).collect();
/// let body = Body { labels: (0..60).collect(), points, line: None };
/// let recipe = Recipe { bend: Bend::Random(1.0), ..Recipe::YU2021 };
/// let worm = make(&body, &recipe, &mut Key::new(1).stream(Purpose::Augment, 0));
/// assert!(worm.labels.iter().filter(|label| **label >= 0).count() > 30);
/// ```
pub fn make(body: &Body, recipe: &Recipe, rng: &mut impl rand::Rng) -> Made {
    let mut amounts = Amounts {
        roll: about(rng, recipe.roll),
        ..Amounts::default()
    };
    let cross = across(amounts.roll, about(rng, SYNTH_SHEAR), about(rng, SYNTH_SHEAR));
    let mut points: Vec<Point> = body.points.iter().map(|p| apply(p, &cross)).collect();
    let mut labels = body.labels.clone();
    amounts.share = rng.random_range(recipe.share.0..=recipe.share.1);
    add(&mut points, &mut labels, recipe.room, &mut amounts, rng);
    let mut kept = Vec::new();
    for row in 0..points.len() {
        let draw: f64 = rng.random();
        if draw > amounts.share || (recipe.bend == Bend::Straight && labels[row] != OUTLIER) {
            kept.push(row);
        }
    }
    let along: Vec<f64> = kept.iter().map(|&row| points[row][0]).collect();
    let labels: Vec<i64> = kept.iter().map(|&row| labels[row]).collect();
    let points: Vec<Point> = kept.iter().map(|&row| points[row]).collect();
    let points = bend(points, body, recipe.bend, rng);
    let plane = in_plane(recipe, &mut amounts, rng);
    let jitter = Normal::new(0.0, recipe.jitter).expect("a standard deviation of at least 0");
    let mut points: Vec<Point> = points.iter().map(|p| apply(p, &plane)).collect();
    if recipe.jitter > 0.0 {
        points.iter_mut().flatten().for_each(|x| *x += jitter.sample(rng));
    }
    let centre = median(&points);
    for p in &mut points {
        *p = std::array::from_fn(|k| (p[k] - centre[k]) / NETWORK_CAMERA);
    }
    Made {
        points,
        labels,
        along,
        amounts,
    }
}

/// Roll about the body and shear in its cross-section.
fn across(roll: f64, a: f64, b: f64) -> Matrix {
    let (sin, cos) = roll.sin_cos();
    times(
        &[[1.0, 0.0, 0.0], [0.0, cos, sin], [0.0, -sin, cos]],
        &[[1.0, 0.0, 0.0], [0.0, 1.0, a], [0.0, b, 1.0]],
    )
}

/// Adds points that are no neurons; those too near to a neuron, seen from above, are not.
fn add(
    points: &mut Vec<Point>,
    labels: &mut Vec<i64>,
    room: Room,
    amounts: &mut Amounts,
    rng: &mut impl rand::Rng,
) {
    let n = points.len();
    let limit = (n as f64 * amounts.share).min(SYNTH_ADDED) as usize;
    let proposed = rng.random_range(0..limit.max(1)).max(1);
    let (low, high) = match room {
        Room::Published => SYNTH_BOX,
        Room::Own => extent(points),
    };
    let mut found = Vec::new();
    for _ in 0..proposed {
        let candidate: Point = std::array::from_fn(|k| low[k] + rng.random::<f64>() * (high[k] - low[k]));
        let apart = |p: &Point| (p[0] - candidate[0]).hypot(p[1] - candidate[1]) > SYNTH_APART;
        if points[..n].iter().all(apart) {
            found.push(candidate);
        }
    }
    amounts.added = (proposed, found.len());
    labels.extend(found.iter().map(|_| OUTLIER));
    points.append(&mut found);
}

fn extent(points: &[Point]) -> (Point, Point) {
    let over =
        |k: usize, first: f64, pick: fn(f64, f64) -> f64| points.iter().map(|p| p[k]).fold(first, pick);
    (
        std::array::from_fn(|k| over(k, f64::INFINITY, f64::min)),
        std::array::from_fn(|k| over(k, f64::NEG_INFINITY, f64::max)),
    )
}

fn bend(points: Vec<Point>, body: &Body, how: Bend, rng: &mut impl rand::Rng) -> Vec<Point> {
    match (how, &body.line) {
        (Bend::Own, Some(line)) => points.iter().map(|p| line.bend(p)).collect(),
        (Bend::Random(turn), _) => {
            let (low, high) = extent(&points);
            let margin = SYNTH_APART * 4.0;
            let line = posture::random_line(high[0] - low[0] + 2.0 * margin, turn, rng);
            let place = |p: &Point| line.bend(&[p[0] - low[0] + margin, p[1], p[2]]);
            points.iter().map(place).collect()
        }
        _ => points,
    }
}

/// Turn, scales and shear in the plane of the image.
fn in_plane(recipe: &Recipe, amounts: &mut Amounts, rng: &mut impl rand::Rng) -> Matrix {
    if recipe.turn && recipe.bend != Bend::Straight {
        amounts.turn = rng.random_range(0.0..TAU);
    }
    let (sin, cos) = amounts.turn.sin_cos();
    let scale: Point = std::array::from_fn(|_| 1.0 + about(rng, SYNTH_SCALE));
    let (c, d) = (about(rng, SYNTH_SHEAR), about(rng, SYNTH_SHEAR));
    let turned = times(
        &[[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]],
        &[[scale[0], 0.0, 0.0], [0.0, scale[1], 0.0], [0.0, 0.0, scale[2]]],
    );
    let matrix = times(&turned, &[[1.0, c, 0.0], [d, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    amounts.determinant = determinant(&matrix);
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};

    fn body() -> Body {
        let points: Vec<Point> = (0..80)
            .map(|i| {
                let i = f64::from(i);
                [i * 2.5, 25.0 * (i * 1.7).sin(), 20.0 * (i * 2.9).cos()]
            })
            .collect();
        Body {
            labels: (0..80).collect(),
            points,
            line: None,
        }
    }

    #[test]
    fn a_made_worm_is_centred_and_keeps_labels_apart_from_what_was_added() {
        let recipe = Recipe {
            bend: Bend::Random(1.5),
            room: Room::Own,
            jitter: 1.0,
            ..Recipe::YU2021
        };
        for index in 0..50 {
            let made = make(&body(), &recipe, &mut Key::new(3).stream(Purpose::Test, index));
            assert!(median(&made.points).iter().all(|x| x.abs() < 1e-12));
            let outliers = made.labels.iter().filter(|label| **label == OUTLIER).count();
            assert!(outliers <= made.amounts.added.1);
            let mut named: Vec<i64> = made.labels.iter().copied().filter(|label| *label >= 0).collect();
            let n = named.len();
            named.dedup();
            assert_eq!(n, named.len());
        }
    }

    #[test]
    fn without_roll_shear_or_jitter_what_is_straight_is_only_scaled() {
        let recipe = Recipe {
            roll: 0.0,
            bend: Bend::Straight,
            turn: false,
            share: (0.0, 0.0),
            ..Recipe::YU2021
        };
        let made = make(&body(), &recipe, &mut Key::new(3).stream(Purpose::Test, 0));
        assert_eq!(made.labels.iter().filter(|label| **label >= 0).count(), 80);
        assert_eq!(made.amounts.turn, 0.0);
        assert!((made.amounts.determinant - 1.0).abs() < 0.2);
    }

    #[test]
    fn turns_keep_handedness() {
        for index in 0..200 {
            let made = make(
                &body(),
                &Recipe {
                    bend: Bend::AsItIs,
                    ..Recipe::YU2021
                },
                &mut Key::new(9).stream(Purpose::Test, index),
            );
            assert!(made.amounts.determinant > 0.7, "{}", made.amounts.determinant);
        }
    }
}
