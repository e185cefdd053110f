//! An atlas of one's own, from worms that somebody named.

use super::{Atlas, AtlasNeuron};
use crate::error::NeuronidError;
use crate::frame::{Placed, along_x, by_names};
use crate::worm::{Point, Worm};
use std::collections::{BTreeMap, HashMap};

/// Rounds in which worms are placed on the mean of all.
const ROUNDS: usize = 5;
/// Added to the variance of each coordinate: ½ µm squared.
const FLOOR: f64 = 0.25;

impl Atlas {
    /// Means and covariances of positions and colours over worms, each neuron in at least `least` of them. Worms are
    /// placed by rotation and shift on the mean of all (generalised Procrustes analysis, Gower 1975), those that are mirror
    /// images of the first mirrored. The frame is that of the worm with most names: body along x. The atlas has colours if
    /// every neuron of it was seen in colour in two animals.
    ///
    /// # Errors
    /// No worm shares names with the others.
    pub fn of_worms(worms: &[&Worm], least: usize) -> Result<Self, NeuronidError> {
        let named = |worm: &Worm| worm.names.iter().filter(|name| !name.is_empty()).count();
        let first = (0..worms.len()).max_by_key(|&w| (named(worms[w]), usize::MAX - w));
        let Some(first) = first.filter(|&first| named(worms[first]) > 0) else {
            return Err(NeuronidError::Worm {
                message: "no worm has names".to_owned(),
                hint: "an atlas is made of worms that somebody named".to_owned(),
            });
        };
        let start = along_x(&worms[first].points);
        let mut places: HashMap<String, Point> = named_points(worms[first], &start).collect();
        let mut placed: Vec<Option<Placed>> = Vec::new();
        for _ in 0..ROUNDS {
            placed = worms
                .iter()
                .map(|worm| by_names(&worm.points, &worm.names, &places))
                .collect();
            places = means(worms, &placed);
        }
        let neurons = neurons(worms, &placed, least);
        if neurons.is_empty() {
            return Err(NeuronidError::Worm {
                message: format!("no name stands in {least} of {} worms", worms.len()),
                hint: "an atlas needs each neuron in several animals".to_owned(),
            });
        }
        Ok(Self { neurons })
    }

    /// The mean animal: every neuron at its mean place in its mean colour.
    pub fn mean_worm(&self) -> Worm {
        let features = |first: usize| {
            let of = move |neuron: &AtlasNeuron| std::array::from_fn(|k| neuron.mean[first + k]);
            self.neurons.iter().map(of).collect::<Vec<Point>>()
        };
        Worm {
            points: features(0),
            names: self.neurons.iter().map(|neuron| neuron.name.clone()).collect(),
            colours: self.coloured().then(|| features(3)),
            ..Worm::default()
        }
    }

    /// Mean positions by name, µm.
    pub fn places(&self) -> HashMap<String, Point> {
        let place = |neuron: &AtlasNeuron| {
            let [x, y, z, ..] = neuron.mean;
            (neuron.name.clone(), [x, y, z])
        };
        self.neurons.iter().map(place).collect()
    }
}

fn named_points<'a>(worm: &'a Worm, points: &'a [Point]) -> impl Iterator<Item = (String, Point)> + 'a {
    let named = worm.names.iter().zip(points).filter(|(name, _)| !name.is_empty());
    named.map(|(name, point)| (name.clone(), *point))
}

fn means(worms: &[&Worm], placed: &[Option<Placed>]) -> HashMap<String, Point> {
    let mut sums: BTreeMap<String, (f64, Point)> = BTreeMap::new();
    for (worm, placed) in worms.iter().zip(placed) {
        let Some(placed) = placed else { continue };
        for (name, point) in named_points(worm, &placed.points) {
            let sum = sums.entry(name).or_insert((0.0, [0.0; 3]));
            sum.0 += 1.0;
            sum.1.iter_mut().zip(point).for_each(|(sum, x)| *sum += x);
        }
    }
    sums.into_iter()
        .map(|(name, (n, sum))| (name, sum.map(|x| x / n)))
        .collect()
}

fn neurons(worms: &[&Worm], placed: &[Option<Placed>], least: usize) -> Vec<AtlasNeuron> {
    let mut seen: BTreeMap<&str, Seen> = BTreeMap::new();
    for (worm, placed) in worms.iter().zip(placed) {
        let Some(placed) = placed else { continue };
        for (row, name) in worm.names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let seen = seen.entry(name).or_default();
            seen.points.push(placed.points[row]);
            seen.colours
                .extend(worm.colours.as_ref().map(|colours| colours[row]));
        }
    }
    seen.retain(|_, seen| seen.points.len() >= least.max(2));
    let coloured = seen.values().all(|seen| seen.colours.len() >= 2);
    seen.into_iter()
        .map(|(name, seen)| {
            let place = moments(&seen.points);
            let colour = if coloured {
                moments(&seen.colours)
            } else {
                ([0.0; 3], [[0.0; 3]; 3])
            };
            // Positions and colours are measured by different means: no covariance between them.
            let covariance = std::array::from_fn(|i| {
                std::array::from_fn(|j| match (i < 3, j < 3) {
                    (true, true) => place.1[i][j],
                    (false, false) => colour.1[i - 3][j - 3],
                    _ => 0.0,
                })
            });
            AtlasNeuron {
                name: name.to_owned(),
                mean: std::array::from_fn(|k| if k < 3 { place.0[k] } else { colour.0[k - 3] }),
                covariance,
            }
        })
        .collect()
}

/// Where and in which colours a neuron was seen.
#[derive(Default)]
struct Seen {
    points: Vec<Point>,
    colours: Vec<[f64; 3]>,
}

/// Mean and covariance, with [`FLOOR`] on its diagonal.
fn moments(rows: &[[f64; 3]]) -> ([f64; 3], [[f64; 3]; 3]) {
    let n = rows.len() as f64;
    let mean: [f64; 3] = std::array::from_fn(|k| rows.iter().map(|row| row[k]).sum::<f64>() / n);
    let covariance = std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let sum: f64 = rows
                .iter()
                .map(|row| (row[i] - mean[i]) * (row[j] - mean[j]))
                .sum();
            sum / (n - 1.0) + if i == j { FLOOR } else { 0.0 }
        })
    });
    (mean, covariance)
}
