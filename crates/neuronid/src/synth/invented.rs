//! Heads that no worm has: as many neurons, in clusters about a tube, in pairs left and right.
//!
//! They stand in for animals where there are none: what is learnt on them is how clouds are matched, not an anatomy.

use crate::atlas::AtlasNeuron;
use crate::worm::Point;
use rand::RngExt;
use rand_distr::{Distribution, Normal};

/// Pairs of neurons, and neurons alone.
const PAIRS: usize = 75;
const ALONE: usize = 20;
/// Clusters along the body: share of the neurons, mean and standard deviation of the place, µm from the nose.
const CLUSTERS: [(f64, f64, f64); 5] = [
    (0.12, 18.0, 6.0),
    (0.38, 48.0, 9.0),
    (0.28, 66.0, 9.0),
    (0.12, 88.0, 10.0),
    (0.10, 115.0, 12.0),
];
/// Distance of neurons from the middle of the tube, µm.
const RADIUS: (f64, f64) = (6.0, 13.0);
/// Least distance of two mean places, µm.
const APART: f64 = 2.2;
/// Standard deviations of an animal's neuron about its mean place, along the body and across, µm.
const SPREAD: (f64, f64) = (3.0, 1.5);
/// Roll at which a worm on its side is seen, radians.
const LIES_AT: f64 = -std::f64::consts::FRAC_PI_3;

/// The atlas of an invented species.
pub fn head(rng: &mut impl rand::Rng) -> Vec<AtlasNeuron> {
    let mut places: Vec<Point> = Vec::new();
    let jitter = Normal::new(0.0, 0.7).expect("a standard deviation");
    let far = |places: &[Point], p: &Point| {
        places
            .iter()
            .all(|q| (0..3).map(|k| (p[k] - q[k]).powi(2)).sum::<f64>() > APART * APART)
    };
    while places.len() < 2 * PAIRS {
        let x = along(rng);
        let (angle, radius) = (
            rng.random_range(-1.45..1.45_f64),
            rng.random_range(RADIUS.0..RADIUS.1),
        );
        let left: Point = [x, radius * angle.cos(), radius * angle.sin()];
        let right: Point = [
            x + jitter.sample(rng),
            -left[1] + jitter.sample(rng),
            left[2] + jitter.sample(rng),
        ];
        if far(&places, &left) && far(&places, &right) {
            places.extend([left, right]);
        }
    }
    while places.len() < 2 * PAIRS + ALONE {
        let height = rng.random_range(-RADIUS.1..RADIUS.1);
        let alone = [along(rng), jitter.sample(rng), height];
        if far(&places, &alone) {
            places.push(alone);
        }
    }
    let (sin, cos) = LIES_AT.sin_cos();
    let neuron = |(k, p): (usize, &Point)| {
        let mut covariance = [[0.0; 6]; 6];
        for (axis, row) in covariance.iter_mut().enumerate() {
            let spread = if axis == 0 { SPREAD.0 } else { SPREAD.1 };
            row[axis] = spread * spread;
        }
        AtlasNeuron {
            name: format!("N{k}"),
            mean: [
                p[0],
                cos * p[1] - sin * p[2],
                sin * p[1] + cos * p[2],
                0.0,
                0.0,
                0.0,
            ],
            covariance,
        }
    };
    places.iter().enumerate().map(neuron).collect()
}

/// A place along the body.
fn along(rng: &mut impl rand::Rng) -> f64 {
    let mut draw: f64 = rng.random();
    for (share, mean, spread) in CLUSTERS {
        if draw < share {
            return Normal::new(mean, spread)
                .expect("a standard deviation")
                .sample(rng);
        }
        draw -= share;
    }
    let (_, mean, spread) = CLUSTERS[CLUSTERS.len() - 1];
    Normal::new(mean, spread)
        .expect("a standard deviation")
        .sample(rng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worm::Worm;
    use neuropil_math::rng::{Key, Purpose};

    #[test]
    fn an_invented_head_looks_like_one() {
        for index in 0..10 {
            let atlas = head(&mut Key::new(1).stream(Purpose::Test, index));
            let worm = Worm {
                points: atlas.iter().map(|n| [n.mean[0], n.mean[1], n.mean[2]]).collect(),
                names: vec![String::new(); atlas.len()],
                ..Worm::default()
            };
            let look = worm.look();
            // Heads of seven laboratories: radius of gyration 0.21 to 0.43, neighbours at 2.9 to 5.0 µm.
            assert!((0.2..0.45).contains(&look.radius), "{look:?}");
            assert!((2.2..5.0).contains(&look.neighbours_um), "{look:?}");
            assert!((0.1..0.5).contains(&look.flatness), "{look:?}");
        }
    }
}
