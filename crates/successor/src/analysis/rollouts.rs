//! Sequences that the learned network plays by itself, against what the animal could have done.

use super::{Material, busiest, one_hot, truth};
use crate::error::SuccessorError;
use crate::maps::rollout;
use crate::matrix::Matrix;
use crate::sr;
use crate::td::shuffled;
use neuropil_draw::{Color, Figure, Panel, Series};
use neuropil_math::rng::Key;
use neuropil_math::stats::summary::mean;
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// Sequences.
const SEQUENCES: usize = 40;
/// Steps of each.
const STEPS: usize = 30;

/// How well a sequence follows the transitions that it is measured against.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Share of the steps that are possible at all.
    pub possible: f64,
    /// Mean log probability of the possible ones; NaN where there is none.
    pub log_probability: f64,
}

/// Rollouts of the learned network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rollouts {
    /// State that all of them begin in: the one visited most.
    pub from: usize,
    /// The sequences.
    pub sequences: Vec<Vec<usize>>,
    /// Their scores.
    pub played: Vec<Score>,
    /// Scores of as many pieces of the walk, of the same length.
    pub walked: Vec<Score>,
    /// Scores of rollouts of the same synapses in another order.
    pub shuffled: Vec<Score>,
    /// What steps are measured against.
    pub against: &'static str,
    #[serde(skip)]
    height: Option<usize>,
}

/// Plays sequences: the outgoing synapses of each neuron, normalised, as a Markov chain.
///
/// # Errors
/// A learner that holds no transitions of states.
pub fn rollouts(material: &Material, key: Key) -> Result<Rollouts, SuccessorError> {
    let weights = one_hot(material)?;
    let counts = sr::counts(material.walk.walks(), material.walk.n)?;
    let truth = truth(&material.walk, &counts);
    let from = busiest(&material.walk);
    let play = |weights: &Matrix, part: u64| -> Vec<Vec<usize>> {
        (0..SEQUENCES)
            .map(|k| rollout(weights, from, STEPS, key.part(part).at(k as u64)))
            .collect()
    };
    let sequences = play(weights, 0);
    let states = &material.walk.states;
    let apart = states.len().saturating_sub(STEPS + 1) / SEQUENCES;
    let walked = (0..SEQUENCES).filter_map(|k| states.get(k * apart..=k * apart + STEPS));
    Ok(Rollouts {
        from,
        played: sequences.iter().map(|s| score(s, &truth)).collect(),
        walked: walked.map(|s| score(s, &truth)).collect(),
        shuffled: play(&shuffled(weights, key), 1)
            .iter()
            .map(|s| score(s, &truth))
            .collect(),
        sequences,
        against: super::against(&material.walk),
        height: material.walk.grid.as_ref().map(|grid| grid.height),
    })
}

fn score(states: &[usize], truth: &Matrix) -> Score {
    let steps: Vec<f64> = states.windows(2).map(|pair| truth[(pair[0], pair[1])]).collect();
    let logs: Vec<f64> = steps.iter().filter(|p| **p > 0.0).map(|p| p.ln()).collect();
    Score {
        possible: logs.len() as f64 / steps.len().max(1) as f64,
        log_probability: if logs.is_empty() { f64::NAN } else { mean(&logs) },
    }
}

impl Rollouts {
    fn groups(&self) -> [(&'static str, &[Score]); 3] {
        [
            ("network", &self.played),
            ("walk", &self.walked),
            ("synapses shuffled", &self.shuffled),
        ]
    }
}

impl Tell for Rollouts {
    fn sentences(&self) -> Vec<String> {
        self.groups()
            .iter()
            .filter(|(_, scores)| !scores.is_empty())
            .map(|(name, scores)| {
                let logs: Vec<f64> = scores
                    .iter()
                    .map(|score| score.log_probability)
                    .filter(|log| log.is_finite())
                    .collect();
                let possible = mean(&scores.iter().map(|score| score.possible).collect::<Vec<_>>());
                let log = if logs.is_empty() {
                    "none".to_owned()
                } else {
                    format!("{:.3}", mean(&logs))
                };
                format!(
                    "{name}: {:.1} % of the steps are possible by {}; mean log probability of these {log}",
                    100.0 * possible,
                    self.against
                )
            })
            .collect()
    }

    fn table(&self) -> Table {
        let rows = || {
            self.groups()
                .into_iter()
                .flat_map(|(name, scores)| scores.iter().map(move |s| (name, s)))
        };
        Table::new()
            .with("sequence", rows().map(|(name, _)| name).collect::<Vec<_>>())
            .with(
                "possible",
                rows().map(|(_, score)| score.possible).collect::<Vec<_>>(),
            )
            .with(
                "log_probability",
                rows().map(|(_, score)| score.log_probability).collect::<Vec<_>>(),
            )
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let path = |states: &Vec<usize>| match self.height {
            Some(height) => (
                states.iter().map(|s| (s / height) as f64 + 0.5).collect(),
                states.iter().map(|s| (s % height) as f64 + 0.5).collect(),
            ),
            None => (
                (0..states.len()).map(|t| t as f64).collect::<Vec<f64>>(),
                states.iter().map(|&s| s as f64).collect::<Vec<f64>>(),
            ),
        };
        let (x, y) = if self.height.is_some() {
            ("x (bins)", "y (bins)")
        } else {
            ("step", "state")
        };
        let mut paths = Panel::new(x, y).note(format!("4 of {SEQUENCES} sequences"));
        for (k, states) in self.sequences.iter().take(4).enumerate() {
            let (xs, ys) = path(states);
            paths = paths.series(Series::line(xs, ys).color(Color::cycle(k)));
        }
        let mut scores = Panel::new("", "share of possible steps")
            .x_ticks(
                self.groups()
                    .iter()
                    .enumerate()
                    .map(|(k, (name, _))| (k as f64, (*name).to_owned()))
                    .collect::<Vec<_>>(),
            )
            .x_range(-0.6, 2.6)
            .y_range(-0.05, 1.05);
        for (k, (_, group)) in self.groups().into_iter().enumerate() {
            let shares: Vec<f64> = group.iter().map(|score| score.possible).collect();
            let n = shares.len().max(2) as f64;
            let at = (0..shares.len()).map(|i| k as f64 + 0.5 * (i as f64 / (n - 1.0) - 0.5));
            scores = scores.series(Series::points(at.collect::<Vec<f64>>(), shares).color(Color::cycle(k)));
        }
        vec![Shown {
            figure: Figure {
                name: "rollouts".to_owned(),
                title: "Sequences played from the synapses".to_owned(),
                caption: format!(
                    "Outgoing synapses, normalised, as a Markov chain from state {}, {STEPS} steps each; scores against {}; {}, seed {}.",
                    self.from, self.against, origin.of, origin.seed
                ),
                columns: 2,
                panels: vec![paths, scores],
            },
            numbers: self.table(),
        }]
    }
}
