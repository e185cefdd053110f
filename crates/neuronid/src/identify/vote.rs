//! One worm named by several templates.

use super::{Identified, Matcher, Options, identify};
use crate::assign::assign;
use crate::decide::Scores;
use crate::error::NeuronidError;
use crate::worm::{Point, Worm};
use neuropil_study::{Table, Tell};
use serde::Serialize;
use std::collections::BTreeMap;

/// A name that several templates were asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Voted {
    /// Row of the test worm.
    pub test: usize,
    /// Name; empty if no template gave one.
    pub name: String,
    /// Mean probability of the name over the templates that have it.
    pub probability: f64,
    /// Fraction of templates whose own decision was this name, of those that have it.
    pub agreement: f64,
    /// Position, µm.
    pub position_um: Point,
}

/// A worm named by several templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Votes {
    /// Templates asked.
    pub templates: usize,
    /// Test neurons, in the order of the file.
    pub neurons: Vec<Voted>,
    /// Names that any template has.
    pub names: Vec<String>,
    /// Mean probability \[neuron\]\[name\] over the templates that have the name.
    #[serde(skip)]
    pub probabilities: Vec<f64>,
    /// What has to be said of the worms, and of single templates by their number.
    pub warnings: Vec<String>,
}

impl Tell for Votes {
    fn sentences(&self) -> Vec<String> {
        let named: Vec<&Voted> = self
            .neurons
            .iter()
            .filter(|neuron| !neuron.name.is_empty())
            .collect();
        let agreement = named.iter().map(|neuron| neuron.agreement).sum::<f64>() / named.len().max(1) as f64;
        let mut sentences = vec![format!(
            "{} of {} neurons were named by {} templates; {:.0} % of those that have the name decided for it themselves",
            named.len(),
            self.neurons.len(),
            self.templates,
            100.0 * agreement
        )];
        sentences.extend(self.warnings.iter().map(|warning| format!("note: {warning}")));
        sentences
    }

    fn table(&self) -> Table {
        let rows = || self.neurons.iter();
        Table::new()
            .with("test_index", rows().map(|neuron| neuron.test).collect::<Vec<_>>())
            .with(
                "name",
                rows().map(|neuron| neuron.name.clone()).collect::<Vec<_>>(),
            )
            .with(
                "prob",
                rows().map(|neuron| neuron.probability).collect::<Vec<_>>(),
            )
            .with(
                "agreement",
                rows().map(|neuron| neuron.agreement).collect::<Vec<_>>(),
            )
            .with(
                "x_um",
                rows().map(|neuron| neuron.position_um[0]).collect::<Vec<_>>(),
            )
            .with(
                "y_um",
                rows().map(|neuron| neuron.position_um[1]).collect::<Vec<_>>(),
            )
            .with(
                "z_um",
                rows().map(|neuron| neuron.position_um[2]).collect::<Vec<_>>(),
            )
    }
}

/// One worm named by several templates: mean probabilities of each name, then one assignment of names to neurons.
///
/// # Errors
/// As [`identify`].
pub fn vote(
    templates: &[Worm],
    test: &Worm,
    matcher: &Matcher,
    options: &Options,
) -> Result<Votes, NeuronidError> {
    let found = templates.iter().map(|template| {
        let all = Options {
            top: template.points.len(),
            ..options.clone()
        };
        Ok((template, identify(template, test, matcher, &all)?))
    });
    count(test, &found.collect::<Result<Vec<_>, NeuronidError>>()?)
}

/// Counts the votes of templates, each with all its candidates.
pub(crate) fn count(test: &Worm, found: &[(&Worm, Identified)]) -> Result<Votes, NeuronidError> {
    let m = test.points.len();
    let mut ballots: BTreeMap<&str, Ballot> = BTreeMap::new();
    for (template, identified) in found {
        for name in template.names.iter().filter(|name| !name.is_empty()) {
            let ballot = ballots.entry(name).or_insert_with(|| Ballot::of(m));
            ballot.templates += 1.0;
            for neuron in &identified.neurons {
                let candidate = neuron.candidates.iter().find(|(candidate, _)| candidate == name);
                ballot.probabilities[neuron.test] += candidate.map_or(0.0, |(_, p)| *p);
                ballot.votes[neuron.test] += f64::from(u8::from(neuron.name == *name));
            }
        }
    }
    let ballots: Vec<(&str, Ballot)> = ballots.into_iter().collect();
    let mean = |row: usize, (_, ballot): &(&str, Ballot)| ballot.probabilities[row] / ballot.templates;
    let probabilities: Vec<f64> = (0..m)
        .flat_map(|row| ballots.iter().map(move |ballot| mean(row, ballot)))
        .collect();
    let names = ballots.iter().map(|(name, _)| (*name).to_owned()).collect();
    let agreement = |row: usize, column: usize| {
        let (_, ballot) = &ballots[column];
        ballot.votes[row] / ballot.templates
    };
    let votes = Votes::decided(test, found.len(), names, probabilities, agreement)?;
    Ok(Votes {
        warnings: warnings(found),
        ..votes
    })
}

/// What was said for each template, the test's own once.
fn warnings(found: &[(&Worm, Identified)]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (number, (_, identified)) in (1..).zip(found) {
        for said in &identified.warnings {
            let told = match said.strip_prefix("template: ") {
                None if said.starts_with("test: ") => said.clone(),
                rest => format!("template {number}: {}", rest.unwrap_or(said)),
            };
            if !all.contains(&told) {
                all.push(told);
            }
        }
    }
    all
}

impl Votes {
    /// One assignment of names to neurons by mean probabilities \[neuron\]\[name\].
    fn decided(
        test: &Worm,
        templates: usize,
        names: Vec<String>,
        probabilities: Vec<f64>,
        agreement: impl Fn(usize, usize) -> f64,
    ) -> Result<Self, NeuronidError> {
        let columns = names.len();
        let cost: Vec<f64> = probabilities
            .iter()
            .map(|p| -p.max(PROBABILITY_FLOOR).ln())
            .collect();
        let given: BTreeMap<usize, usize> = match columns {
            0 => BTreeMap::new(),
            _ => assign(&cost, columns)?.into_iter().collect(),
        };
        let one = |row: usize| {
            let column = given.get(&row).copied();
            Voted {
                test: row,
                name: column.map_or(String::new(), |column| names[column].clone()),
                probability: column.map_or(0.0, |column| probabilities[row * columns + column]),
                agreement: column.map_or(0.0, |column| agreement(row, column)),
                position_um: test.points[row],
            }
        };
        Ok(Self {
            templates,
            neurons: (0..test.points.len()).map(one).collect(),
            names,
            probabilities,
            warnings: Vec::new(),
        })
    }

    /// The decisions of one set of scores, each column a name.
    pub(crate) fn of_scores(
        test: &Worm,
        scores: &Scores<'_>,
        names: Vec<String>,
    ) -> Result<Self, NeuronidError> {
        let mut probabilities = Vec::new();
        for row in 0..scores.n_test() {
            let mut shares = vec![0.0; names.len()];
            for (column, p) in scores.top(row, names.len()) {
                shares[column] = p;
            }
            probabilities.extend(shares);
        }
        Self::decided(test, 1, names, probabilities, |_, _| 1.0)
    }
}

/// What the templates that have a name say of each test neuron.
struct Ballot {
    templates: f64,
    probabilities: Vec<f64>,
    votes: Vec<f64>,
}

impl Ballot {
    fn of(neurons: usize) -> Self {
        Self {
            templates: 0.0,
            probabilities: vec![0.0; neurons],
            votes: vec![0.0; neurons],
        }
    }
}

/// Least mean probability of a name, so that its logarithm is finite.
const PROBABILITY_FLOOR: f64 = 1e-12;
