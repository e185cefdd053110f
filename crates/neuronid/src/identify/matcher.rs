//! By what neurons are matched.

use super::drift::{self, By};
use super::trained::{Trained, View};
use super::{Options, alike, coloured, guided};
use crate::atlas::Atlas;
use crate::cpd::Stiffness;
use crate::error::NeuronidError;
use crate::frame::by_names;
use crate::worm::Worm;

/// By what neurons are matched.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// A trained network.
    Network(Box<Trained>),
    /// Rigid drift in the plane from several headings and rolls, then nonrigid drift.
    Drift(Stiffness),
    /// Rigid drift alone.
    Rigid,
    /// Iterative closest points.
    Icp,
    /// A statistical atlas, whose mean animal is the template; with a network that says how a worm lies in it, both count.
    Atlas(Box<Atlas>, Option<Box<Trained>>),
}

impl Matcher {
    /// Name for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Network(_) => "network",
            Self::Drift(_) => "coherent point drift",
            Self::Rigid => "rigid drift",
            Self::Icp => "closest points",
            Self::Atlas(_, None) => "statistical atlas",
            Self::Atlas(_, Some(_)) => "network and atlas",
        }
    }

    /// The network, if there is one.
    pub(super) fn network(&self) -> Option<&Trained> {
        match self {
            Self::Network(trained) | Self::Atlas(_, Some(trained)) => Some(trained),
            _ => None,
        }
    }

    /// What is doubtful about a template, by the names that a network knows.
    pub(super) fn doubts(&self, template: &Worm) -> Option<String> {
        let trained = self.network()?;
        let placed = by_names(&template.points, &template.names, &trained.places)?;
        placed.mirrored.then(|| {
            format!(
                "the template looks like a mirror image of the worms that the network was trained on ({} names lie {:.1} µm \
                 from theirs, {:.1} µm if it is mirrored): `--mirror-template` mirrors it",
                placed.anchors, placed.residuals[0], placed.residuals[1]
            )
        })
    }

    /// Scores \[test\]\[template + 1\], with colour as wanted; what has to be said about colours is added to `warnings`.
    pub(super) fn scores(
        &self,
        (template, views): (&Worm, &[View]),
        test: &Worm,
        options: &Options,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<f64>, NeuronidError> {
        let by = match self {
            Self::Atlas(atlas, trained) => {
                let guide = trained.as_deref().map(|trained| (trained, views));
                return guided::scores(atlas, guide, test, coloured(template, test, options, warnings));
            }
            Self::Network(trained) => {
                let log_p = trained.log_p(views, &trained.views(test))?;
                let alike = alike(template, test, options, warnings);
                return Ok(with_colour(
                    log_p,
                    &alike,
                    options.colour_weight,
                    template.points.len(),
                ));
            }
            Self::Drift(stiffness) => By::Nonrigid(*stiffness),
            Self::Rigid => By::Rigid,
            Self::Icp => By::Icp,
        };
        let alike = alike(template, test, options, warnings);
        drift::scores(template, test, by, &alike, options.colour_weight)
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
