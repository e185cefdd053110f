//! Naming the neurons of a worm by another that somebody named.

use crate::colour::{closeness, kl};
use crate::cpd::square;
use crate::decide::{Accuracy, Decision, Outliers, Scores, accuracy};
use crate::error::NeuronidError;
use crate::frame::{TURNS, along_x, turned};
use crate::names::partner;
use crate::worm::{Point, Worm};
use crate::yu2021::COLOUR_WEIGHT;
use serde::{Deserialize, Serialize};

mod drift;
pub(crate) mod guided;
mod matcher;
mod tell;
mod trained;
mod vote;

pub use matcher::Matcher;
pub use trained::{Frame, Trained, View};
pub(crate) use vote::count as count_votes;
pub use vote::{Voted, Votes, vote};

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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Options {
    /// How many test neurons may have no counterpart.
    pub outliers: Outliers,
    /// How colours are compared, if both worms have them.
    pub colour: ColourMetric,
    /// Weight of colour beside log-probability.
    pub colour_weight: f64,
    /// Candidates that are listed for each neuron.
    pub top: usize,
    /// Neurons that somebody is sure of.
    pub pins: Vec<Pin>,
}

/// A test neuron whose name is settled: everything else is solved around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pin {
    /// Row of the test worm.
    pub test: usize,
    /// Its name, which the template has.
    pub name: String,
}

impl Options {
    /// What fits a matcher: colour as published beside the network, weight 5 beside drift.
    pub fn of(matcher: &Matcher) -> Self {
        Self {
            outliers: Outliers::Auto,
            colour: ColourMetric::Kl,
            colour_weight: match matcher {
                Matcher::Network(_) => COLOUR_WEIGHT,
                _ => DRIFT_COLOUR_WEIGHT,
            },
            top: 5,
            pins: Vec::new(),
        }
    }
}

/// Weight of colour beside drift; the best of 1, 5 and 60 on the published example pair.
const DRIFT_COLOUR_WEIGHT: f64 = 5.0;
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
    /// Both clouds laid along x for a drawing, µm.
    #[serde(skip)]
    pub laid: Laid,
    /// Right answers, where the test worm has names that the template has as well.
    pub against_names: Option<Accuracy>,
    /// What had to be said about the files and the match.
    pub warnings: Vec<String>,
}

/// Template and test worm, each about its median with the body along x; the test turned by 180° where that brings matched
/// neurons together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Laid {
    /// Template neurons.
    pub template: Vec<Point>,
    /// Test neurons.
    pub test: Vec<Point>,
}

impl Laid {
    fn of(template: &Worm, test: &Worm, decisions: &[Decision]) -> Self {
        let (template, test) = (along_x(&template.points), along_x(&test.points));
        let apart = |turn: usize| -> f64 {
            let views = turned(&test, turn);
            let pairs = decisions
                .iter()
                .zip(&views)
                .filter_map(|(d, p)| Some((template[d.template?], p)));
            pairs.map(|(a, b)| square(&a, b)).sum()
        };
        let turn = (0..TURNS.len()).min_by(|a, b| apart(*a).total_cmp(&apart(*b)));
        Self {
            test: turned(&test, turn.unwrap_or(0)),
            template,
        }
    }
}

/// A template that many worms are matched with, and what does not change between them.
#[derive(Debug)]
pub struct Prepared<'a> {
    template: &'a Worm,
    matcher: &'a Matcher,
    views: Vec<View>,
    warnings: Vec<String>,
}

impl<'a> Prepared<'a> {
    /// Of a template.
    pub fn of(template: &'a Worm, matcher: &'a Matcher) -> Self {
        let told = template.warnings().into_iter().map(|w| format!("template: {w}"));
        Self {
            template,
            matcher,
            views: matcher
                .network()
                .map_or_else(Vec::new, |trained| trained.template_views(template)),
            warnings: told.chain(matcher.doubts(template)).collect(),
        }
    }

    /// Names the neurons of a test worm.
    ///
    /// # Errors
    /// Too few neurons for drift; positions that are no numbers; a pin that fits nothing.
    pub fn identify(&self, test: &Worm, options: &Options) -> Result<Identified, NeuronidError> {
        let (template, mut warnings) = (self.template, self.warnings.clone());
        warnings.extend(test.warnings().into_iter().map(|w| format!("test: {w}")));
        let mut values = self
            .matcher
            .scores((template, &self.views), test, options, &mut warnings)?;
        pin(&mut values, template, test, &options.pins)?;
        identified(template, test, (self.matcher, options), &values, warnings)
    }
}

/// Names the neurons of one test worm.
///
/// # Errors
/// As [`Prepared::identify`].
pub fn identify(
    template: &Worm,
    test: &Worm,
    matcher: &Matcher,
    options: &Options,
) -> Result<Identified, NeuronidError> {
    Prepared::of(template, matcher).identify(test, options)
}

/// Leaves each pinned neuron its template neuron alone, and that to it alone.
fn pin(values: &mut [f64], template: &Worm, test: &Worm, pins: &[Pin]) -> Result<(), NeuronidError> {
    let width = template.points.len() + 1;
    for (number, pin) in pins.iter().enumerate() {
        let wrong = |message: String, hint: &str| NeuronidError::Worm {
            message,
            hint: hint.to_owned(),
        };
        if pin.test >= test.points.len() {
            let found = format!(
                "pin of row {}: the worm has {} rows",
                pin.test + 1,
                test.points.len()
            );
            return Err(wrong(found, "rows count from 1"));
        }
        for other in &pins[..number] {
            let (row, before) = (pin.test + 1, other.test + 1);
            let found = match (row == before, pin.name == other.name) {
                (true, false) => format!("row {row} is pinned to `{}` and to `{}`", other.name, pin.name),
                (false, true) => format!("`{}` is pinned to rows {before} and {row}", pin.name),
                _ => continue,
            };
            return Err(wrong(found, "one row a name, and one name a row"));
        }
        let Some(column) = template.names.iter().position(|name| *name == pin.name) else {
            let found = format!("pin of row {}: the template has no `{}`", pin.test + 1, pin.name);
            return Err(wrong(found, "pin a row to a name that the template has"));
        };
        for (place, value) in values.iter_mut().enumerate() {
            if (place / width == pin.test) != (place % width == column) {
                *value = f64::NEG_INFINITY;
            }
        }
    }
    Ok(())
}

fn identified(
    template: &Worm,
    test: &Worm,
    (matcher, options): (&Matcher, &Options),
    values: &[f64],
    mut warnings: Vec<String>,
) -> Result<Identified, NeuronidError> {
    let n_template = template.points.len();
    let scores = Scores { values, n_template };
    let decisions = scores.decide(options.outliers)?;
    let name_of = |column: usize| match template.names[column].as_str() {
        "" => format!("#{column}"),
        name => name.to_owned(),
    };
    let named = |(row, decision): (usize, &Decision)| Named {
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
    let neurons: Vec<Named> = decisions.iter().enumerate().map(named).collect();
    warnings.extend(mirrored(&neurons));
    Ok(Identified {
        matcher: matcher.name(),
        options: options.clone(),
        template_neurons: (
            n_template,
            template.names.iter().filter(|name| !name.is_empty()).count(),
        ),
        neurons,
        laid: Laid::of(template, test, &decisions),
        total: decisions.iter().map(|d| d.log_p).filter(|p| p.is_finite()).sum(),
        against_names: (!truth.is_empty()).then(|| accuracy(&decisions, &truth, labelled, 0.0)),
        warnings,
    })
}

/// Says where given names come out as those of the same neurons on the other side: one of the worms is a mirror image.
fn mirrored(neurons: &[Named]) -> Option<String> {
    let given = neurons
        .iter()
        .filter(|neuron| !neuron.given.is_empty() && !neuron.name.is_empty());
    let (mut right, mut turned) = (0, 0);
    for neuron in given {
        right += usize::from(neuron.given == neuron.name);
        turned += usize::from(partner(&neuron.given).is_some_and(|other| other == neuron.name));
    }
    (turned >= 5 && turned > 2 * right).then(|| {
        format!("{turned} given names come out as those of the other side, {right} as they are: one of the worms looks mirrored (`--mirror-test`, `--mirror-template`)")
    })
}

/// Whether colours count: somebody wants them, and both have them.
fn coloured(template: &Worm, test: &Worm, options: &Options, warnings: &mut Vec<String>) -> bool {
    let having = [&template.colours, &test.colours].map(Option::is_some);
    if options.colour == ColourMetric::None || having == [false; 2] {
        return false;
    }
    if having != [true; 2] {
        warnings.push("only one of the worms has colours: positions alone are used".to_owned());
    }
    having == [true; 2]
}

/// How alike the colours are \[test\]\[template\]; zeros where colour is not used.
fn alike(template: &Worm, test: &Worm, options: &Options, warnings: &mut Vec<String>) -> Vec<f64> {
    let none = vec![0.0; template.points.len() * test.points.len()];
    if !coloured(template, test, options, warnings) {
        return none;
    }
    let (Some(a), Some(b)) = (&template.colours, &test.colours) else {
        return none;
    };
    if options.colour == ColourMetric::Tanh {
        return closeness(b, a);
    }
    let negative = crate::colour::negative(a).max(crate::colour::negative(b));
    if negative * 10 > 3 * a.len().min(b.len()) {
        warnings.push(
            "colours are not used: too many are negative for shares (`--colour tanh` compares z-scores)"
                .to_owned(),
        );
        return none;
    }
    kl(b, a)
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
