//! How often neurons of animals that were never seen get their right name, by each matcher.

use crate::atlas::Atlas;
use crate::cpd::Stiffness;
use crate::decide::{Outliers, Reliability, Scores, reliability};
use crate::error::NeuronidError;
use crate::identify::{ColourMetric, Matcher, Options, Trained, Votes, count_votes, guided, identify};
use crate::train::Head;
use crate::worm::Worm;
use neuropil_math::stats::summary::mean_interval;
use rayon::prelude::*;
use serde::Serialize;

/// λ of the drift that names worms of other animals: the published 4000 is stiff.
pub const LAMBDA: f64 = 100.0;
/// Bins of the reliability curve.
const BINS: usize = 10;
/// Names within which the right one is looked for.
const TOP: usize = 5;

/// One animal, by one method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Animal {
    /// Its name.
    pub name: String,
    /// Neurons whose name any template has.
    pub scorable: usize,
    /// Of them, those with the right name in the assignment of names.
    pub hits: usize,
    /// Of them, those whose best name is right, whoever else has it.
    pub first: usize,
    /// Of them, those whose right name is among the five best.
    pub top: usize,
    /// Mean accuracy of the templates, each by itself.
    pub single: f64,
    /// Scorable neurons.
    #[serde(skip)]
    pub answers: Vec<Told>,
}

/// What was said of one scorable neuron.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Probability of each name.
    pub probabilities: Vec<f64>,
    /// The name that it was given; none if it was left over.
    pub decided: Option<usize>,
    /// The right one.
    pub truth: usize,
}

impl Animal {
    /// Share of the scorable neurons with the right name.
    pub fn accuracy(&self) -> f64 {
        self.hits as f64 / self.scorable as f64
    }
}

/// One method on all animals.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// Method.
    pub method: String,
    /// With colour.
    pub colour: bool,
    /// Animals, by name.
    pub animals: Vec<Animal>,
    /// Mean accuracy over animals.
    pub accuracy: f64,
    /// 95 % interval of that mean over animals (Student's t).
    pub interval: (f64, f64),
    /// Mean share whose best name is right.
    pub first: f64,
    /// Mean share whose right name is among the five best.
    pub top: f64,
    /// Mean accuracy of single templates.
    pub single: f64,
    /// Probabilities against truths.
    pub reliability: Reliability,
    /// The same after scaling by a temperature that was fitted on the other half of the animals.
    pub calibrated: Reliability,
    /// The two temperatures.
    pub temperatures: [f64; 2],
}

impl Scored {
    /// Of a method's animals, which are not none.
    pub fn of(method: &str, colour: bool, animals: Vec<Animal>) -> Self {
        let mean = |value: fn(&Animal) -> f64| animals.iter().map(value).sum::<f64>() / animals.len() as f64;
        let each: Vec<f64> = animals.iter().map(Animal::accuracy).collect();
        let (raw, calibrated, temperatures) = calibration(&animals);
        Self {
            method: method.to_owned(),
            colour,
            accuracy: mean(Animal::accuracy),
            interval: mean_interval(&each, 0.95),
            first: mean(|animal| animal.first as f64 / animal.scorable as f64),
            top: mean(|animal| animal.top as f64 / animal.scorable as f64),
            single: mean(|animal| animal.single),
            reliability: reliability(&raw, BINS),
            calibrated: reliability(&calibrated, BINS),
            temperatures,
            animals,
        }
    }

    /// Method and whether it sees colour.
    pub fn title(&self) -> String {
        if self.colour {
            format!("{} + colour", self.method)
        } else {
            self.method.clone()
        }
    }
}

/// By what animals are named.
#[derive(Clone, Debug)]
pub enum Method {
    /// Votes of templates.
    Votes(&'static str, Matcher),
    /// One template: the mean animal of the atlas.
    Mean(&'static str, Matcher),
    /// The statistical atlas.
    Atlas,
    /// The atlas, begun from what a network matched with its mean animal; both count.
    Together(Box<Trained>),
}

impl Method {
    /// Name for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Votes(name, _) | Self::Mean(name, _) => name,
            Self::Atlas => "statistical atlas",
            Self::Together(_) => "network and atlas",
        }
    }

    /// The classical ones.
    pub fn baselines() -> Vec<Self> {
        let drift = Matcher::Drift(Stiffness {
            lambda: LAMBDA,
            ..Stiffness::default()
        });
        vec![
            Self::Votes("closest points", Matcher::Icp),
            Self::Votes("rigid drift", Matcher::Rigid),
            Self::Votes("nonrigid drift", drift.clone()),
            Self::Mean("nonrigid drift, mean animal", drift),
            Self::Atlas,
        ]
    }

    /// The three ways to ask a network.
    pub fn network(trained: &Trained) -> Vec<Self> {
        let matcher = || Matcher::Network(Box::new(trained.clone()));
        vec![
            Self::Votes("network", matcher()),
            Self::Mean("network, mean animal", matcher()),
            Self::Together(Box::new(trained.clone())),
        ]
    }
}

/// Names animals by one method, with or without colour; those without a scorable neuron are left out.
///
/// # Errors
/// Too few neurons to register.
pub fn score(
    method: &Method,
    colour: bool,
    tests: &[&Head],
    templates: &[&Worm],
    atlas: &Atlas,
) -> Result<Scored, NeuronidError> {
    let one = |head: &&Head| -> Result<Option<Animal>, NeuronidError> {
        let (votes, single) = match method {
            Method::Votes(_, matcher) => by_templates(&head.worm, templates, matcher, colour)?,
            Method::Mean(_, matcher) => by_templates(&head.worm, &[&atlas.mean_worm()], matcher, colour)?,
            Method::Atlas => (by_atlas(&head.worm, atlas, None, colour)?, f64::NAN),
            Method::Together(trained) => (by_atlas(&head.worm, atlas, Some(trained), colour)?, f64::NAN),
        };
        Ok(animal(head, &votes, single))
    };
    let animals: Vec<Option<Animal>> = tests.par_iter().map(one).collect::<Result<_, _>>()?;
    Ok(Scored::of(
        method.name(),
        colour,
        animals.into_iter().flatten().collect(),
    ))
}

fn by_templates(
    test: &Worm,
    templates: &[&Worm],
    matcher: &Matcher,
    colour: bool,
) -> Result<(Votes, f64), NeuronidError> {
    let mut found = Vec::new();
    let mut singles = Vec::new();
    for &template in templates {
        let options = Options {
            top: template.points.len(),
            outliers: Outliers::None,
            colour: if colour {
                ColourMetric::Kl
            } else {
                ColourMetric::None
            },
            ..Options::of(matcher)
        };
        let identified = identify(template, test, matcher, &options)?;
        singles.extend(identified.against_names.map(|found| found.accuracy));
        found.push((template, identified));
    }
    let single = singles.iter().sum::<f64>() / singles.len() as f64;
    Ok((count_votes(test, &found)?, single))
}

/// Names by the atlas, and a network if there is one; nobody is without a counterpart.
fn by_atlas(
    test: &Worm,
    atlas: &Atlas,
    trained: Option<&Trained>,
    colour: bool,
) -> Result<Votes, NeuronidError> {
    let mean = atlas.mean_worm();
    let views = trained.map(|trained| (trained, trained.template_views(&mean)));
    let guide = views
        .as_ref()
        .map(|(trained, views)| (*trained, views.as_slice()));
    let values = guided::scores(atlas, guide, test, colour)?;
    let scores = Scores {
        values: &values,
        n_template: atlas.neurons.len(),
    };
    Votes::of_scores(test, &scores, mean.names)
}

fn animal(head: &Head, votes: &Votes, single: f64) -> Option<Animal> {
    let mut found = Animal {
        name: head.name.clone(),
        scorable: 0,
        hits: 0,
        first: 0,
        top: 0,
        single,
        answers: Vec::new(),
    };
    let columns = votes.names.len();
    for neuron in &votes.neurons {
        let truth = &head.worm.names[neuron.test];
        let Some(column) = votes
            .names
            .iter()
            .position(|name| name == truth && !name.is_empty())
        else {
            continue;
        };
        let row = &votes.probabilities[neuron.test * columns..][..columns];
        let better = row.iter().filter(|p| **p > row[column]).count();
        found.scorable += 1;
        found.hits += usize::from(neuron.name == *truth);
        found.first += usize::from(better == 0);
        found.top += usize::from(better < TOP);
        found.answers.push(Told {
            probabilities: row.to_vec(),
            decided: votes.names.iter().position(|name| *name == neuron.name),
            truth: column,
        });
    }
    (found.scorable > 0).then_some(found)
}

/// Decisions with their probabilities, as they are and at temperatures that were fitted on the other half of the animals.
fn calibration(animals: &[Animal]) -> (Vec<(f64, bool)>, Vec<(f64, bool)>, [f64; 2]) {
    let half = |odd: usize| -> Vec<&Told> {
        let chosen = animals.iter().skip(odd).step_by(2);
        chosen.flat_map(|animal| &animal.answers).collect()
    };
    let halves = [half(0), half(1)];
    let temperatures = [temperature(&halves[1]), temperature(&halves[0])];
    let decided = |told: &Told, temperature: f64| {
        let column = told.decided?;
        Some((
            tempered(&told.probabilities, temperature)[column],
            column == told.truth,
        ))
    };
    let all = |of: [f64; 2]| -> Vec<(f64, bool)> {
        let pairs = halves.iter().zip(of);
        pairs
            .flat_map(|(half, t)| half.iter().filter_map(move |told| decided(told, t)))
            .collect()
    };
    (all([1.0; 2]), all(temperatures), temperatures)
}

/// Least probability that a scaled one is made of.
const FLOOR: f64 = 1e-9;

/// p^(1/T), normalised.
fn tempered(probabilities: &[f64], temperature: f64) -> Vec<f64> {
    let raised: Vec<f64> = probabilities
        .iter()
        .map(|p| p.max(FLOOR).powf(1.0 / temperature))
        .collect();
    let sum: f64 = raised.iter().sum();
    raised.into_iter().map(|p| p / sum).collect()
}

/// The temperature at which right names are likeliest (Guo et al., ICML 2017), from 1/8 to 8.
fn temperature(told: &[&Told]) -> f64 {
    let loss = |log_t: f64| -> f64 {
        let of = |told: &&Told| -tempered(&told.probabilities, log_t.exp2())[told.truth].ln();
        told.iter().map(of).sum()
    };
    let steps = (-24..=24).map(|step| f64::from(step) / 8.0);
    let best = steps.min_by(|a, b| loss(*a).total_cmp(&loss(*b)));
    best.unwrap_or(0.0).exp2()
}

/// The heads with most names among those that are trained on, at most `n`.
pub fn best_named(heads: &[Head], n: usize) -> Vec<&Worm> {
    let named = |head: &&Head| head.worm.names.iter().filter(|name| !name.is_empty()).count();
    let mut trained: Vec<&Head> = heads.iter().filter(|head| head.trained).collect();
    trained.sort_by_key(|head| std::cmp::Reverse(named(head)));
    trained.into_iter().take(n).map(|head| &head.worm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overconfident_answers_are_cooled_down() {
        // Four names; the first gets 0.97 and is right in 7 of 10 cases.
        let told: Vec<Told> = (0..200)
            .map(|i| Told {
                probabilities: vec![0.97, 0.01, 0.01, 0.01],
                decided: Some(0),
                truth: if i % 10 < 7 { 0 } else { 1 + i % 3 },
            })
            .collect();
        let t = temperature(&told.iter().collect::<Vec<_>>());
        let p = tempered(&told[0].probabilities, t)[0];
        assert!(t > 1.5 && (p - 0.7).abs() < 0.05, "{t} {p}");
    }
}
