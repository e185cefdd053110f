//! A trained network, and worms as it sees them.

use crate::decide::{Outliers, Scores};
use crate::error::NeuronidError;
use crate::frame::{along_x, by_names, rolled, turn_toward, turned};
use crate::network::{Encoder, Ready};
use crate::worm::{Point, Worm};
use crate::yu2021::NETWORK_UM;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How worms are turned before a network sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frame {
    /// Not at all, as published: the network was trained on any heading.
    #[default]
    AsItLies,
    /// Body along x; of the headings and rolls that this leaves open, the one of largest total score.
    AlongX,
}

/// A trained network, and how worms are given to it.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The network.
    pub network: Ready<f32>,
    /// How worms are turned.
    pub frame: Frame,
    /// Where neurons that it was trained on are, µm: a template with some of their names is turned by them.
    pub places: HashMap<String, Point>,
}

/// A template as a network sees it.
#[derive(Clone, Debug)]
pub struct View {
    points: Vec<Point>,
    /// Encoded once, by networks that see each worm alone.
    encoded: Option<Vec<f32>>,
}

impl Trained {
    /// A template as the network sees it: turned by its names if enough of them are known, else as [`Trained::views`].
    pub fn template_views(&self, worm: &Worm) -> Vec<View> {
        let points = self.template_points(worm);
        let encoded = |points: &Vec<Point>| match self.network.shape().encoder {
            Encoder::Joint => None,
            Encoder::Separate => Some(self.network.encode(points)),
        };
        points
            .into_iter()
            .map(|points| View {
                encoded: encoded(&points),
                points,
            })
            .collect()
    }

    fn template_points(&self, worm: &Worm) -> Vec<Vec<Point>> {
        match by_names(&worm.points, &worm.names, &self.places) {
            Some(placed) if self.frame == Frame::AlongX && !placed.mirrored => {
                let scaled: Vec<Point> = placed.points.iter().map(|p| p.map(|x| x / NETWORK_UM)).collect();
                let straight = along_x(&scaled);
                vec![turned(&straight, turn_toward(&straight, &scaled))]
            }
            _ => self.views(worm),
        }
    }

    /// A worm as the network may see it: one view, or one a heading and roll that its shape leaves open.
    pub fn views(&self, worm: &Worm) -> Vec<Vec<Point>> {
        let normal = worm.normalised();
        match self.frame {
            Frame::AsItLies => vec![normal],
            Frame::AlongX => rolled(&along_x(&normal)),
        }
    }

    /// log P \[test\]\[template + 1\] of the pair of views in which most neurons are matched with certainty.
    ///
    /// # Errors
    /// Scores that are no numbers.
    pub fn log_p(&self, templates: &[View], tests: &[Vec<Point>]) -> Result<Vec<f64>, NeuronidError> {
        let slices: Vec<&[Point]> = tests.iter().map(Vec::as_slice).collect();
        let mut best: Option<(f64, Vec<f64>)> = None;
        for template in templates {
            let all = match &template.encoded {
                None => self.network.match_many(&template.points, &slices),
                Some(encoded) => slices
                    .iter()
                    .map(|test| self.network.match_encoded(encoded, test))
                    .collect(),
            };
            for log_p in all {
                if templates.len() * tests.len() == 1 {
                    return Ok(log_p);
                }
                let sure = sure(&log_p, template.points.len())?;
                if best.as_ref().is_none_or(|(most, _)| sure > *most) {
                    best = Some((sure, log_p));
                }
            }
        }
        Ok(best.map(|(_, log_p)| log_p).unwrap_or_default())
    }
}

/// Matches that are expected to be right: the sum of their probabilities. Neurons without a counterpart do not count, or a
/// view in which nothing is recognised, and that for certain, would be the best.
fn sure(log_p: &[f64], n_template: usize) -> Result<f64, NeuronidError> {
    let scores = Scores {
        values: log_p,
        n_template,
    };
    let decided = scores.decide(Outliers::Auto)?;
    let matched = decided.iter().filter(|decision| decision.template.is_some());
    Ok(matched.map(|decision| decision.probability).sum())
}
