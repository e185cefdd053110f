//! Individuals of a statistical atlas.

use super::Body;
use crate::atlas::AtlasNeuron;
use crate::error::NeuronidError;
use crate::worm::Point;
use crate::yu2021::CAMERA_UM;
use faer::Mat;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

/// How individuals differ from the mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variation {
    /// Share of the neurons that an individual has: smallest and largest.
    pub present: (f64, f64),
    /// Standard deviation of a shift that neighbours have in common, µm.
    pub common: f64,
    /// Distance over which they have it in common, µm.
    pub reach: f64,
}

impl Default for Variation {
    /// 60 to 100 % of the neurons; neighbours within 40 µm move together by 2 µm.
    fn default() -> Self {
        Self {
            present: (0.6, 1.0),
            common: 2.0,
            reach: 40.0,
        }
    }
}

/// A drawn factor of each covariance of an atlas, from which individuals follow.
#[derive(Clone, Debug)]
pub struct Population {
    means: Vec<Point>,
    factors: Vec<[[f64; 3]; 3]>,
    variation: Variation,
}

/// Waves of the shift that neighbours have in common.
const WAVES: usize = 12;

impl Population {
    /// Of an atlas, in µm.
    ///
    /// # Errors
    /// A covariance of positions that is not positive definite: names the neuron.
    pub fn of(atlas: &[AtlasNeuron], variation: Variation) -> Result<Self, NeuronidError> {
        let factor = |neuron: &AtlasNeuron| -> Result<[[f64; 3]; 3], NeuronidError> {
            let covariance = Mat::from_fn(3, 3, |i, j| neuron.covariance[i][j]);
            let factor = covariance
                .llt(faer::Side::Lower)
                .map_err(|_| crate::atlas::not_definite(&neuron.name))?;
            let l = factor.L();
            Ok(std::array::from_fn(|i| {
                std::array::from_fn(|j| if j <= i { l[(i, j)] } else { 0.0 })
            }))
        };
        Ok(Self {
            means: atlas
                .iter()
                .map(|neuron| [neuron.mean[0], neuron.mean[1], neuron.mean[2]])
                .collect(),
            factors: atlas.iter().map(factor).collect::<Result<_, _>>()?,
            variation,
        })
    }

    /// Draws an individual; labels are the places of its neurons in the atlas.
    pub fn draw(&self, rng: &mut impl rand::Rng) -> Body {
        let share = rng.random_range(self.variation.present.0..=self.variation.present.1);
        let field = Field::draw(&self.variation, rng);
        let (mut points, mut labels) = (Vec::new(), Vec::new());
        for (label, (mean, factor)) in self.means.iter().zip(&self.factors).enumerate() {
            let there = rng.random::<f64>() < share;
            let own: Point = std::array::from_fn(|_| StandardNormal.sample(rng));
            if !there {
                continue;
            }
            let common = field.at(mean);
            points.push(std::array::from_fn(|i| {
                let spread: f64 = (0..3).map(|j| factor[i][j] * own[j]).sum();
                (mean[i] + spread + common[i]) / CAMERA_UM
            }));
            labels.push(label as i64);
        }
        Body {
            points,
            labels,
            line: None,
        }
    }
}

/// A smooth random field with Gaussian correlation, as a sum of cosines (Rahimi & Recht, NIPS 2007).
struct Field {
    waves: Vec<(Point, f64, Point)>,
}

impl Field {
    fn draw(variation: &Variation, rng: &mut impl rand::Rng) -> Self {
        let size = variation.common * (2.0 / WAVES as f64).sqrt();
        let wave = |_| {
            let direction: Point = std::array::from_fn(|_| {
                let draw: f64 = StandardNormal.sample(rng);
                draw / variation.reach
            });
            let phase = rng.random_range(0.0..std::f64::consts::TAU);
            let amount: Point = std::array::from_fn(|_| {
                let draw: f64 = StandardNormal.sample(rng);
                size * draw
            });
            (direction, phase, amount)
        };
        Self {
            waves: (0..WAVES).map(wave).collect(),
        }
    }

    fn at(&self, p: &Point) -> Point {
        let mut sum = [0.0; 3];
        for (direction, phase, amount) in &self.waves {
            let angle: f64 = direction.iter().zip(p).map(|(d, p)| d * p).sum::<f64>() + phase;
            for k in 0..3 {
                sum[k] += amount[k] * angle.cos();
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};

    fn atlas() -> Vec<AtlasNeuron> {
        let mut covariance = [[0.0; 6]; 6];
        for (k, row) in covariance.iter_mut().enumerate() {
            row[k] = 4.0;
        }
        (covariance[0][1], covariance[1][0]) = (1.5, 1.5);
        (0..2)
            .map(|i| AtlasNeuron {
                name: format!("N{i}"),
                mean: [f64::from(i) * 8.0, 3.0, -1.0, 0.0, 0.0, 0.0],
                covariance,
            })
            .collect()
    }

    #[test]
    fn individuals_have_the_mean_and_the_covariance_of_the_atlas_and_neighbours_move_together() {
        let variation = Variation {
            present: (0.8, 0.8),
            ..Variation::default()
        };
        let population = Population::of(&atlas(), variation).unwrap();
        let n = 20_000;
        let draws: Vec<Body> = (0..n)
            .map(|index| population.draw(&mut Key::new(5).stream(Purpose::Test, index)))
            .collect();
        let of = |body: &Body, label: i64| -> Option<Point> {
            let place = body.labels.iter().position(|l| *l == label)?;
            Some(body.points[place].map(|x| x * CAMERA_UM))
        };
        let first: Vec<Point> = draws.iter().filter_map(|body| of(body, 0)).collect();
        assert!((first.len() as f64 / n as f64 - 0.8).abs() < 0.02);
        let mean = |k: usize| first.iter().map(|p| p[k]).sum::<f64>() / first.len() as f64;
        assert!(mean(0).abs() < 0.1 && (mean(1) - 3.0).abs() < 0.1 && (mean(2) + 1.0).abs() < 0.1);
        let covariance = |i: usize, j: usize| {
            first
                .iter()
                .map(|p| (p[i] - mean(i)) * (p[j] - mean(j)))
                .sum::<f64>()
                / first.len() as f64
        };
        // Own variance 4 and common variance 4.
        assert!((covariance(0, 0) - 8.0).abs() < 0.6, "{}", covariance(0, 0));
        assert!((covariance(0, 1) - 1.5).abs() < 0.4, "{}", covariance(0, 1));
        let pairs: Vec<(Point, Point)> = draws
            .iter()
            .filter_map(|b| Some((of(b, 0)?, of(b, 1)?)))
            .collect();
        let shared = pairs
            .iter()
            .map(|(a, b)| (a[2] + 1.0) * (b[2] + 1.0))
            .sum::<f64>()
            / pairs.len() as f64;
        // Correlation exp(−8²/(2·40²)) of the common part.
        assert!((shared - 4.0 * 0.98).abs() < 0.5, "{shared}");
    }
}
