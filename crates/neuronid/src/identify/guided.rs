//! Scores by a statistical atlas, alone or from where a network put the worm.

use super::trained::{Trained, View};
use crate::atlas::Atlas;
use crate::atlas::matcher::Rules;
use crate::decide::{Outliers, Scores};
use crate::error::NeuronidError;
use crate::worm::Worm;

/// Half the distance squared, in standard deviations, beyond which a neuron lies from its own mean once in a hundred: of
/// three coordinates, and of three and three colours. What is farther from a neuron than that has likelier no counterpart.
const REACH: [f64; 2] = [11.345 / 2.0, 16.812 / 2.0];

/// Scores \[neurons\]\[atlas neurons + 1\] of a worm: minus its costs, from the best of many headings and rolls. With a
/// network and its views of the mean animal, the atlas' rounds start from the neurons that the network matched, and its
/// log-probabilities are added.
///
/// # Errors
/// Too few neurons; a covariance that is not positive definite; positions that are no numbers.
pub(crate) fn scores(
    atlas: &Atlas,
    guide: Option<(&Trained, &[View])>,
    test: &Worm,
    colours: bool,
) -> Result<Vec<f64>, NeuronidError> {
    let n = atlas.neurons.len();
    let rules = Rules {
        colours,
        ..Rules::default()
    };
    let (log_p, started) = match guide {
        Some((trained, views)) => {
            let log_p = trained.log_p(views, &trained.views(test))?;
            let started = atlas.match_from(test, &pairs(&log_p, n)?, &rules)?;
            (log_p, started)
        }
        None => (vec![0.0; test.points.len() * (n + 1)], None),
    };
    let matched = match started {
        Some(matched) => matched,
        None => atlas.match_worm(test, &rules)?,
    };
    let reach = REACH[usize::from(colours && atlas.coloured() && test.colours.is_some())];
    let rows = log_p.chunks_exact(n + 1).zip(matched.costs.chunks_exact(n));
    Ok(rows
        .flat_map(|(log_p, costs)| {
            let costs = costs.iter().copied().chain([reach]);
            log_p.iter().zip(costs).map(|(log_p, cost)| log_p - cost)
        })
        .collect())
}

/// Who is whom by the network alone.
fn pairs(log_p: &[f64], n_template: usize) -> Result<Vec<(usize, usize)>, NeuronidError> {
    let scores = Scores {
        values: log_p,
        n_template,
    };
    let decided = scores.decide(Outliers::Auto)?.into_iter().enumerate();
    Ok(decided
        .filter_map(|(row, decision)| Some((row, decision.template?)))
        .collect())
}
