//! An atlas of one's own, from worms that somebody named.

use super::{Atlas, AtlasNeuron};
use crate::error::NeuronidError;
use crate::frame::{Placed, along_x, by_names};
use crate::worm::{Point, Worm};
use neuropil_study::Table;
use std::collections::{BTreeMap, HashMap};

/// Rounds in which worms are placed on the mean of all.
const ROUNDS: usize = 5;
/// Added to the variance of each coordinate: ½ µm squared.
const FLOOR: f64 = 0.25;

impl Atlas {
    /// Means and covariances of positions and colours over worms, each neuron in at least `least` of them. Worms are
    /// placed by rotation and shift on the mean of all (generalised Procrustes analysis, Gower 1975), those that are mirror
    /// images of the first mirrored. The frame is that of the worm with most names: body along x.
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
        let coloured = self.neurons.iter().any(|neuron| neuron.mean[3..] != [0.0; 3]);
        Worm {
            points: features(0),
            names: self.neurons.iter().map(|neuron| neuron.name.clone()).collect(),
            colours: coloured.then(|| features(3)),
            ..Worm::default()
        }
    }

    /// The mean animal as a table: a template like any other.
    pub fn table(&self) -> Table {
        let column = |k: usize| {
            self.neurons
                .iter()
                .map(|neuron| neuron.mean[k])
                .collect::<Vec<f64>>()
        };
        let spread = |neuron: &AtlasNeuron| (0..3).map(|k| neuron.covariance[k][k]).sum::<f64>().sqrt();
        let names: Vec<String> = self.neurons.iter().map(|neuron| neuron.name.clone()).collect();
        let table = Table::new()
            .with("name", names)
            .with("x_um", column(0))
            .with("y_um", column(1))
            .with("z_um", column(2))
            .with("spread_um", self.neurons.iter().map(spread).collect::<Vec<f64>>());
        if self.mean_worm().colours.is_none() {
            return table;
        }
        table
            .with("r", column(3))
            .with("g", column(4))
            .with("b", column(5))
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
    let mut features: BTreeMap<String, Vec<[f64; 6]>> = BTreeMap::new();
    for (worm, placed) in worms.iter().zip(placed) {
        let Some(placed) = placed else { continue };
        for (row, name) in worm.names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let [x, y, z] = placed.points[row];
            let [r, g, b] = worm.colours.as_ref().map_or([0.0; 3], |colours| colours[row]);
            features.entry(name.clone()).or_default().push([x, y, z, r, g, b]);
        }
    }
    features
        .into_iter()
        .filter(|(_, rows)| rows.len() >= least.max(2))
        .map(|(name, rows)| {
            let n = rows.len() as f64;
            let mean: [f64; 6] = std::array::from_fn(|k| rows.iter().map(|row| row[k]).sum::<f64>() / n);
            let covariance = std::array::from_fn(|i| {
                std::array::from_fn(|j| {
                    // Positions and colours are measured by different means: no covariance between them.
                    let together = (i < 3) == (j < 3);
                    let sum: f64 = rows
                        .iter()
                        .map(|row| (row[i] - mean[i]) * (row[j] - mean[j]))
                        .sum();
                    let floor = if i == j { FLOOR } else { 0.0 };
                    if together { sum / (n - 1.0) + floor } else { 0.0 }
                })
            });
            AtlasNeuron {
                name,
                mean,
                covariance,
            }
        })
        .collect()
}
