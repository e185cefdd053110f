//! What batches are drawn from: heads that somebody named, worms with centrelines, or heads that are invented.

use super::settings::Settings;
use crate::atlas::Atlas;
use crate::error::NeuronidError;
use crate::frame::{along_x, by_names, turned};
use crate::loss::UNLABELLED;
use crate::read::{Told, read_many};
use crate::synth::individuals::{Population, Variation};
use crate::synth::{Body, Made, invented, make};
use crate::worm::{Point, Worm};
use crate::yu2021::CAMERA_UM;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::Path;

/// Animals of an atlas in which a name stands before it belongs to it.
const LEAST: usize = 3;
/// Postures of others that each worm is brought into.
const POSTURES: usize = 4;

/// A named head.
#[derive(Clone, Debug)]
pub struct Head {
    /// Name of the animal.
    pub name: String,
    /// As it was read.
    pub worm: Worm,
    /// It is trained on; otherwise it is left out.
    pub trained: bool,
}

/// What batches are drawn from.
#[derive(Debug)]
pub struct Ground {
    /// All heads, by name; none if heads are invented.
    pub heads: Vec<Head>,
    /// The atlas of the heads that are trained on.
    pub atlas: Option<Atlas>,
    /// What had to be said about the files.
    pub said: Vec<String>,
    /// Heads that are trained on, labelled by name.
    named: Vec<Body>,
    /// Each in the postures of others, labelled by place.
    postures: Vec<Vec<Body>>,
    population: Option<Population>,
    /// The mean animal of the atlas; none if heads are invented.
    mean: Vec<Body>,
}

/// Worms of a batch, the template first, and their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Positions as the network takes them.
    pub worms: Vec<Vec<Point>>,
    /// Labels of each.
    pub labels: Vec<Vec<i64>>,
    /// Labels are known for all neurons: one whose label the template lacks has no counterpart.
    pub complete: bool,
}

impl Ground {
    /// Reads the worms of the settings and makes what does not change between batches.
    ///
    /// # Errors
    /// Files that cannot be read; heads that share no names.
    pub fn open(settings: &Settings) -> Result<Self, NeuronidError> {
        if settings.data.path.is_empty() {
            return Ok(Self {
                heads: Vec::new(),
                atlas: None,
                said: Vec::new(),
                named: Vec::new(),
                postures: Vec::new(),
                population: None,
                mean: Vec::new(),
            });
        }
        let (worms, said) = read_many(Path::new(&settings.data.path), &Told::default())?;
        let (folds, fold) = (settings.data.folds, settings.data.fold);
        let heads = worms.into_iter().enumerate().map(|(i, (name, worm))| Head {
            name,
            worm,
            trained: folds == 1 || i % folds + 1 != fold,
        });
        Self::of_heads(heads.collect(), said, settings)
    }

    fn of_heads(
        mut heads: Vec<Head>,
        mut said: Vec<String>,
        settings: &Settings,
    ) -> Result<Self, NeuronidError> {
        let trained: Vec<&Worm> = heads
            .iter()
            .filter(|head| head.trained)
            .map(|head| &head.worm)
            .collect();
        let atlas = Atlas::of_worms(&trained, LEAST.min(trained.len()))?;
        let places = atlas.places();
        let labels: HashMap<&str, i64> = atlas
            .neurons
            .iter()
            .enumerate()
            .map(|(label, neuron)| (neuron.name.as_str(), label as i64))
            .collect();
        for head in &mut heads {
            let placed = by_names(&head.worm.points, &head.worm.names, &places);
            if let Some(placed) = placed.filter(|placed| placed.mirrored) {
                head.worm.mirror();
                said.push(format!(
                    "{}: by its names a mirror image of the others ({:.1} against {:.1} µm): mirrored",
                    head.name, placed.residuals[1], placed.residuals[0]
                ));
            }
        }
        let mut named = Vec::new();
        for head in heads.iter().filter(|head| head.trained) {
            let Some(placed) = by_names(&head.worm.points, &head.worm.names, &places) else {
                said.push(format!(
                    "{}: fewer than {} names of the others: not trained on",
                    head.name,
                    crate::frame::ANCHORS
                ));
                continue;
            };
            let label = |name: &String| labels.get(name.as_str()).copied().unwrap_or(UNLABELLED);
            named.push(Body {
                points: placed.points.iter().map(|p| p.map(|x| x / CAMERA_UM)).collect(),
                labels: head.worm.names.iter().map(label).collect(),
                line: None,
            });
        }
        let postures = postures(&named, settings)?;
        Ok(Self {
            population: Some(Population::of(&atlas.neurons, Variation::default())?),
            mean: vec![Body {
                points: atlas
                    .mean_worm()
                    .points
                    .iter()
                    .map(|p| p.map(|x| x / CAMERA_UM))
                    .collect(),
                labels: (0..atlas.neurons.len() as i64).collect(),
                line: None,
            }],
            heads,
            atlas: Some(atlas),
            said,
            named,
            postures,
        })
    }

    /// Draws a batch of `n` worms; the key names it.
    pub fn batch(&self, settings: &Settings, n: usize, key: Key) -> Batch {
        let mut rng = key.stream(Purpose::Shuffle, 0);
        let shares = &settings.synth.shares;
        let draw = rng.random::<f64>() * shares.iter().sum::<f64>();
        let (complete, bodies) = match &self.population {
            None => {
                let atlas = invented::head(&mut rng);
                let population = Population::of(&atlas, Variation::default()).expect("invented covariances");
                (true, individuals(&population, n, key))
            }
            Some(_) if draw < shares[0] => {
                let one = &self.postures[rng.random_range(0..self.postures.len())];
                (
                    true,
                    (0..n)
                        .map(|_| one[rng.random_range(0..one.len())].clone())
                        .collect(),
                )
            }
            Some(_) if draw < shares[0] + shares[1] => {
                let pick = |_| self.named[rng.random_range(0..self.named.len())].clone();
                (false, (0..n).map(pick).collect())
            }
            Some(population) if draw < shares[0] + shares[1] + shares[2] => {
                (true, individuals(population, n, key))
            }
            Some(_) => {
                let mut bodies = self.mean.clone();
                bodies.extend((1..n).map(|_| self.named[rng.random_range(0..self.named.len())].clone()));
                (false, bodies)
            }
        };
        let recipe = settings.synth.recipe(false);
        let mut batch = Batch {
            worms: Vec::new(),
            labels: Vec::new(),
            complete,
        };
        for (index, body) in bodies.iter().enumerate() {
            let made = make(body, &recipe, &mut key.stream(Purpose::Augment, index as u64));
            batch.worms.push(if settings.synth.along_x {
                ahead(&made)
            } else {
                made.points
            });
            batch.labels.push(made.labels);
        }
        batch
    }
}

fn individuals(population: &Population, n: usize, key: Key) -> Vec<Body> {
    let one = |index: usize| population.draw(&mut key.stream(Purpose::Generate, index as u64));
    (0..n).map(one).collect()
}

/// Each head in the postures of some others, and as it is; labels are places.
fn postures(named: &[Body], settings: &Settings) -> Result<Vec<Vec<Body>>, NeuronidError> {
    if settings.synth.shares[0] == 0.0 {
        return Ok(Vec::new());
    }
    let one = |(source, body): (usize, &Body)| {
        let own = Body {
            labels: (0..body.points.len() as i64).collect(),
            ..body.clone()
        };
        let mut rng = Key::new(settings.seed).stream(Purpose::Animal, source as u64);
        let mut all = vec![own.clone()];
        for _ in 0..POSTURES {
            all.push(own.in_posture_of(&named[rng.random_range(0..named.len())])?);
        }
        Ok(all)
    };
    named.par_iter().enumerate().map(one).collect()
}

/// A made worm along x, nose to the side on which the body begins.
fn ahead(made: &Made) -> Vec<Point> {
    let straight = along_x(&made.points);
    let n = made.along.len() as f64;
    let mean = made.along.iter().sum::<f64>() / n;
    let together: f64 = straight
        .iter()
        .zip(&made.along)
        .map(|(p, s)| p[0] * (s - mean))
        .sum();
    turned(&straight, usize::from(together < 0.0))
}
