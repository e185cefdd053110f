//! Naming the neurons of a worm by another that somebody named.

use crate::colour::{closeness, kl};
use crate::cpd::{Planar, Stiffness, Stop, nonrigid, planar, squared_distances};
use crate::decide::{Accuracy, Outliers, Scores, accuracy};
use crate::error::NeuronidError;
use crate::network::Network;
use crate::worm::{Point, Worm};
use crate::yu2021::COLOUR_WEIGHT;
use neuropil_draw::{Color, Figure, Panel, Series};
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// By what neurons are matched.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// A trained network.
    Network(Box<Network<f32>>),
    /// Rigid drift in the plane from several headings, then nonrigid drift.
    Drift(Stiffness),
}

impl Matcher {
    /// Name for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Network(_) => "network",
            Self::Drift(_) => "coherent point drift",
        }
    }
}

/// How colours are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColourMetric {
    /// Not at all.
    None,
    /// By the divergence of their shares.
    Kl,
    /// By tanh(1/distance).
    Tanh,
}

/// How a worm is named.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Options {
    /// How many test neurons may have no counterpart.
    pub outliers: Outliers,
    /// How colours are compared, if both worms have them.
    pub colour: ColourMetric,
    /// Weight of colour beside log-probability.
    pub colour_weight: f64,
    /// Candidates that are listed for each neuron.
    pub top: usize,
}

impl Options {
    /// What fits a matcher: colour as published beside the network, weight 5 beside drift.
    pub fn of(matcher: &Matcher) -> Self {
        Self {
            outliers: Outliers::Auto,
            colour: ColourMetric::Kl,
            colour_weight: match matcher {
                Matcher::Network(_) => COLOUR_WEIGHT,
                Matcher::Drift(_) => DRIFT_COLOUR_WEIGHT,
            },
            top: 5,
        }
    }
}

/// Weight of colour beside drift; the best of 1, 5 and 60 on the published example pair.
const DRIFT_COLOUR_WEIGHT: f64 = 5.0;
/// Spread of a registered neuron about its counterpart, units of the network.
const DRIFT_SPREAD: f64 = 0.05;
/// Distance in spreads from which "no counterpart" is likelier than a neuron.
const DRIFT_REACH: f64 = 3.0;
/// Headings that drift begins from.
const HEADINGS: usize = 8;

/// One test neuron.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Named {
    /// Row of the test worm.
    pub test: usize,
    /// Row of the template; none without a counterpart.
    pub template: Option<usize>,
    /// Name of the template neuron; empty if it has none or there is no counterpart.
    pub name: String,
    /// Name that the file has, by people.
    pub given: String,
    /// Probability of the decision.
    pub probability: f64,
    /// Score of the decision.
    pub log_p: f64,
    /// Score of the decision minus that of the best other column.
    pub margin: f64,
    /// Best candidates: name, or `#row` of an unnamed template neuron, and probability among template neurons.
    pub candidates: Vec<(String, f64)>,
    /// Position, µm.
    pub position_um: Point,
}

/// A named worm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Identified {
    /// By what.
    pub matcher: &'static str,
    /// How.
    pub options: Options,
    /// Neurons of the template, and those of them with a name.
    pub template_neurons: (usize, usize),
    /// Test neurons, in the order of the file.
    pub neurons: Vec<Named>,
    /// Total score of the decisions.
    pub total: f64,
    /// Right answers, where the test worm has names that the template has as well.
    pub against_names: Option<Accuracy>,
    /// What had to be said about the files and the match.
    pub warnings: Vec<String>,
}

/// Names the neurons of a test worm.
///
/// # Errors
/// Too few neurons for drift; positions that are no numbers.
pub fn identify(
    template: &Worm,
    test: &Worm,
    matcher: &Matcher,
    options: &Options,
) -> Result<Identified, NeuronidError> {
    let mut warnings: Vec<String> = template
        .warnings()
        .into_iter()
        .map(|w| format!("template: {w}"))
        .collect();
    warnings.extend(test.warnings().into_iter().map(|w| format!("test: {w}")));
    let n_template = template.points.len();
    let alike = alike(template, test, options, &mut warnings);
    let values = match matcher {
        Matcher::Network(network) => {
            let log_p = network.match_one(&template.normalised(), &test.normalised());
            with_colour(log_p, &alike, options.colour_weight, n_template)
        }
        Matcher::Drift(stiffness) => drift(template, test, *stiffness, &alike, options.colour_weight)?,
    };
    let scores = Scores {
        values: &values,
        n_template,
    };
    let decisions = scores.decide(options.outliers)?;
    let name_of = |column: usize| match template.names[column].as_str() {
        "" => format!("#{column}"),
        name => name.to_owned(),
    };
    let named = |(row, decision): (usize, &crate::decide::Decision)| Named {
        test: row,
        template: decision.template,
        name: decision
            .template
            .map(|column| template.names[column].clone())
            .unwrap_or_default(),
        given: test.names[row].clone(),
        probability: decision.probability,
        log_p: decision.log_p,
        margin: decision.margin,
        candidates: scores
            .top(row, options.top)
            .into_iter()
            .map(|(column, p)| (name_of(column), p))
            .collect(),
        position_um: test.points[row],
    };
    let truth = test.truth(template);
    let labelled = test.names.iter().filter(|name| !name.is_empty()).count();
    Ok(Identified {
        matcher: matcher.name(),
        options: *options,
        template_neurons: (
            n_template,
            template.names.iter().filter(|name| !name.is_empty()).count(),
        ),
        neurons: decisions.iter().enumerate().map(named).collect(),
        total: decisions.iter().map(|d| d.log_p).filter(|p| p.is_finite()).sum(),
        against_names: (!truth.is_empty()).then(|| accuracy(&decisions, &truth, labelled, 0.0)),
        warnings,
    })
}

/// How alike the colours are \[test\]\[template\]; zeros where colour is not used.
fn alike(template: &Worm, test: &Worm, options: &Options, warnings: &mut Vec<String>) -> Vec<f64> {
    let none = vec![0.0; template.points.len() * test.points.len()];
    match (&template.colours, &test.colours, options.colour) {
        (_, _, ColourMetric::None) | (None, None, _) => none,
        (Some(_), None, _) | (None, Some(_), _) => {
            warnings.push("only one of the worms has colours: positions alone are used".to_owned());
            none
        }
        (Some(a), Some(b), ColourMetric::Tanh) => closeness(b, a),
        (Some(a), Some(b), ColourMetric::Kl) => {
            let negative = crate::colour::negative(a).max(crate::colour::negative(b));
            if negative * 10 > 3 * a.len().min(b.len()) {
                warnings.push(
                    "colours are not used: too many are negative for shares (`--colour tanh` compares z-scores)".to_owned(),
                );
                return none;
            }
            kl(b, a)
        }
    }
}

/// Adds weighted colour to all columns but the last.
fn with_colour(mut scores: Vec<f64>, alike: &[f64], weight: f64, n_template: usize) -> Vec<f64> {
    for (row, alike) in scores
        .chunks_exact_mut(n_template + 1)
        .zip(alike.chunks_exact(n_template.max(1)))
    {
        row.iter_mut()
            .zip(alike)
            .for_each(|(score, alike)| *score += weight * alike);
    }
    scores
}

/// Scores by drift: −d²/2s² plus colour; "no counterpart" counts as a neuron [`DRIFT_REACH`] spreads away.
fn drift(
    template: &Worm,
    test: &Worm,
    stiffness: Stiffness,
    alike: &[f64],
    weight: f64,
) -> Result<Vec<f64>, NeuronidError> {
    let (fixed, moving) = (template.normalised(), test.normalised());
    let n = fixed.len();
    let mut best: Option<(f64, Vec<f64>)> = None;
    for heading in 0..HEADINGS {
        let (sin, cos) = (std::f64::consts::TAU * heading as f64 / HEADINGS as f64).sin_cos();
        let turned: Vec<Point> = moving
            .iter()
            .map(|p| [cos * p[0] - sin * p[1], sin * p[0] + cos * p[1], p[2]])
            .collect();
        let rigid = planar(&fixed, &turned, Planar::Full, Stop::default())?;
        let soft = nonrigid(&fixed, &rigid.moved, stiffness, Stop::nonrigid())?;
        let near: Vec<f64> = squared_distances(&soft.moved, &fixed)
            .iter()
            .zip(alike)
            .map(|(d, c)| weight * c - d / (2.0 * DRIFT_SPREAD * DRIFT_SPREAD))
            .collect();
        let scores: Vec<f64> = near
            .chunks_exact(n)
            .flat_map(|row| row.iter().copied().chain([-DRIFT_REACH * DRIFT_REACH / 2.0]))
            .collect();
        let decided = Scores {
            values: &scores,
            n_template: n,
        }
        .decide(Outliers::Auto)?;
        let total = decided.iter().map(|d| d.log_p).sum();
        if best.as_ref().is_none_or(|(most, _)| total > *most) {
            best = Some((total, scores));
        }
    }
    Ok(best.map(|(_, scores)| scores).unwrap_or_default())
}

impl Identified {
    /// Named neurons with the smallest margin first: where to look.
    pub fn doubtful(&self, n: usize) -> Vec<&Named> {
        let mut neurons: Vec<&Named> = self
            .neurons
            .iter()
            .filter(|neuron| !neuron.name.is_empty())
            .collect();
        neurons.sort_by(|a, b| a.margin.total_cmp(&b.margin));
        neurons.truncate(n);
        neurons
    }
}

impl Tell for Identified {
    fn sentences(&self) -> Vec<String> {
        let matched = self
            .neurons
            .iter()
            .filter(|neuron| neuron.template.is_some())
            .count();
        let named = self
            .neurons
            .iter()
            .filter(|neuron| !neuron.name.is_empty())
            .count();
        let mut sentences = vec![format!(
            "{matched} of {} neurons have a counterpart among the template's {}, {named} of them a name ({})",
            self.neurons.len(),
            self.template_neurons.0,
            self.matcher
        )];
        if let Some(found) = &self.against_names {
            sentences.push(format!(
                "{} of {} names that both files have agree ({:.1} %)",
                found.hits,
                found.scorable,
                100.0 * found.accuracy
            ));
        }
        let doubtful: Vec<String> = self
            .doubtful(5)
            .iter()
            .map(|neuron| format!("row {} ({})", neuron.test + 1, neuron.name))
            .collect();
        if !doubtful.is_empty() {
            sentences.push(format!("most doubtful: {}", doubtful.join(", ")));
        }
        sentences.extend(self.warnings.iter().map(|warning| format!("note: {warning}")));
        sentences
    }

    fn table(&self) -> Table {
        let column = |value: &dyn Fn(&Named) -> f64| self.neurons.iter().map(value).collect::<Vec<f64>>();
        let candidates = |neuron: &Named| {
            let shown = neuron.candidates.iter().map(|(name, p)| format!("{name} {p:.2}"));
            shown.collect::<Vec<_>>().join(", ")
        };
        Table::new()
            .with(
                "test_index",
                self.neurons.iter().map(|neuron| neuron.test).collect::<Vec<_>>(),
            )
            .with(
                "template_index",
                self.neurons
                    .iter()
                    .map(|neuron| neuron.template.map_or(-1, |t| t as i64))
                    .collect::<Vec<_>>(),
            )
            .with(
                "name",
                self.neurons
                    .iter()
                    .map(|neuron| neuron.name.clone())
                    .collect::<Vec<_>>(),
            )
            .with(
                "given_name",
                self.neurons
                    .iter()
                    .map(|neuron| neuron.given.clone())
                    .collect::<Vec<_>>(),
            )
            .with("prob", column(&|neuron| neuron.probability))
            .with("logp", column(&|neuron| neuron.log_p))
            .with("margin", column(&|neuron| neuron.margin))
            .with(
                "is_outlier",
                self.neurons
                    .iter()
                    .map(|neuron| neuron.template.is_none())
                    .collect::<Vec<_>>(),
            )
            .with("x_um", column(&|neuron| neuron.position_um[0]))
            .with("y_um", column(&|neuron| neuron.position_um[1]))
            .with("z_um", column(&|neuron| neuron.position_um[2]))
            .with(
                "candidates",
                self.neurons.iter().map(candidates).collect::<Vec<_>>(),
            )
    }

    fn figures(&self, _: &Origin) -> Vec<Shown> {
        let mut confidence: Vec<f64> = self
            .neurons
            .iter()
            .filter(|neuron| neuron.template.is_some())
            .map(|neuron| neuron.probability)
            .collect();
        confidence.sort_by(|a, b| b.total_cmp(a));
        let rank: Vec<f64> = (1..=confidence.len()).map(|rank| rank as f64).collect();
        let side = |name: &str, y: usize, unit: &str| {
            let of = |matched: bool| -> (Vec<f64>, Vec<f64>) {
                let chosen = self
                    .neurons
                    .iter()
                    .filter(|neuron| neuron.template.is_some() == matched);
                chosen
                    .map(|neuron| (neuron.position_um[0], neuron.position_um[y]))
                    .unzip()
            };
            let (matched, others) = (of(true), of(false));
            Panel::new("x (µm)", format!("{name} ({unit})"))
                .series(
                    Series::points(matched.0, matched.1)
                        .label("matched")
                        .color(Color::Blue),
                )
                .series(
                    Series::points(others.0, others.1)
                        .label("no counterpart")
                        .color(Color::Grey),
                )
        };
        let figure = Figure {
            name: "identified".to_owned(),
            title: format!("{} of {} neurons have a counterpart", confidence.len(), self.neurons.len()),
            caption: "Positions of the test worm from above and from the side; probabilities of the decisions, sorted.".to_owned(),
            columns: 3,
            panels: vec![
                side("y", 1, "µm"),
                side("z", 2, "µm"),
                Panel::new("neuron, by confidence", "probability")
                    .series(Series::line(rank.clone(), confidence.clone()))
                    .y_range(0.0, 1.0),
            ],
        };
        let numbers = Table::new().with("rank", rank).with("prob", confidence);
        vec![Shown { figure, numbers }]
    }
}

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
}

/// A worm named by several templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Votes {
    /// Templates asked.
    pub templates: usize,
    /// Test neurons, in the order of the file.
    pub neurons: Vec<Voted>,
}

impl Tell for Votes {
    fn sentences(&self) -> Vec<String> {
        let named: Vec<&Voted> = self
            .neurons
            .iter()
            .filter(|neuron| !neuron.name.is_empty())
            .collect();
        let agreement = named.iter().map(|neuron| neuron.agreement).sum::<f64>() / named.len().max(1) as f64;
        vec![format!(
            "{} of {} neurons were named by {} templates; {:.0} % of those that have the name decided for it themselves",
            named.len(),
            self.neurons.len(),
            self.templates,
            100.0 * agreement
        )]
    }

    fn table(&self) -> Table {
        Table::new()
            .with(
                "test_index",
                self.neurons.iter().map(|neuron| neuron.test).collect::<Vec<_>>(),
            )
            .with(
                "name",
                self.neurons
                    .iter()
                    .map(|neuron| neuron.name.clone())
                    .collect::<Vec<_>>(),
            )
            .with(
                "prob",
                self.neurons
                    .iter()
                    .map(|neuron| neuron.probability)
                    .collect::<Vec<_>>(),
            )
            .with(
                "agreement",
                self.neurons
                    .iter()
                    .map(|neuron| neuron.agreement)
                    .collect::<Vec<_>>(),
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
    let mut names: BTreeMap<String, (f64, Vec<f64>, Vec<f64>)> = BTreeMap::new();
    let m = test.points.len();
    for template in templates {
        let all = Options {
            top: template.points.len(),
            ..*options
        };
        let found = identify(template, test, matcher, &all)?;
        for name in template.names.iter().filter(|name| !name.is_empty()) {
            let entry = names
                .entry(name.clone())
                .or_insert_with(|| (0.0, vec![0.0; m], vec![0.0; m]));
            entry.0 += 1.0;
            for neuron in &found.neurons {
                let p = neuron
                    .candidates
                    .iter()
                    .find(|(candidate, _)| candidate == name)
                    .map_or(0.0, |(_, p)| *p);
                entry.1[neuron.test] += p;
                entry.2[neuron.test] += f64::from(u8::from(neuron.name == *name));
            }
        }
    }
    let listed: Vec<(&String, &(f64, Vec<f64>, Vec<f64>))> = names.iter().collect();
    let templates = templates.len();
    if listed.is_empty() {
        return Ok(Votes {
            templates,
            neurons: Vec::new(),
        });
    }
    let cost: Vec<f64> = (0..m)
        .flat_map(|row| {
            listed
                .iter()
                .map(move |(_, (n, sums, _))| -(sums[row] / n).max(PROBABILITY_FLOOR).ln())
        })
        .collect();
    let given: BTreeMap<usize, usize> = crate::assign::assign(&cost, listed.len())?.into_iter().collect();
    let one = |row: usize| match given.get(&row) {
        Some(&column) => {
            let (name, (n, sums, votes)) = listed[column];
            Voted {
                test: row,
                name: name.clone(),
                probability: sums[row] / n,
                agreement: votes[row] / n,
            }
        }
        None => Voted {
            test: row,
            name: String::new(),
            probability: 0.0,
            agreement: 0.0,
        },
    };
    let neurons = (0..m).map(one).collect();
    Ok(Votes { templates, neurons })
}

/// Least mean probability of a name, so that its logarithm is finite.
const PROBABILITY_FLOOR: f64 = 1e-12;
