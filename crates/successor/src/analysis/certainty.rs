//! How far M may be from what was counted: credible bands from the transitions seen.

use super::{Material, as_rows, busiest, one_hot};
use crate::error::SuccessorError;
use crate::figures::heat_panel;
use crate::maps::credible;
use crate::sr;
use neuropil_draw::{Figure, Panel, Series};
use neuropil_math::rng::Key;
use neuropil_math::stats::summary::mean;
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// Added to every exit that was ever seen (Jeffreys' prior).
const PRIOR: f64 = 0.5;
/// Draws from the posterior.
const DRAWS: usize = 200;
/// Draws hold a matrix each.
pub(super) const MOST_STATES: usize = 300;

/// Credible bands of M.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Certainty {
    /// Discount.
    pub gain: f64,
    /// The state whose row is shown: the one visited most.
    pub from: usize,
    /// Row of M of the network.
    pub learned: Vec<f64>,
    /// 2.5 % quantile of the posterior of that row.
    pub low: Vec<f64>,
    /// 97.5 % quantile.
    pub high: Vec<f64>,
    /// Departures from every state.
    pub departures: Vec<f64>,
    /// Mean width of the band over each state's row.
    pub width: Vec<f64>,
    /// Share of the entries of M of states that were left at which the network lies within the band.
    pub inside: f64,
    #[serde(skip)]
    map: Vec<Vec<f64>>,
}

/// Draws T from its Dirichlet posterior and looks how far M spreads.
///
/// # Errors
/// A learner that holds no transitions of states, or more than 300 states.
pub fn certainty(material: &Material, key: Key) -> Result<Certainty, SuccessorError> {
    let weights = one_hot(material)?;
    let (n, gain) = (material.walk.n, material.config.model.retrieval_gain);
    if n > MOST_STATES {
        return Err(SuccessorError::question(
            format!("credible bands of M for {n} states take {DRAWS} matrices of {n} x {n}"),
            format!("they are drawn for up to {MOST_STATES} states: larger bins"),
        ));
    }
    let counts = sr::counts(material.walk.walks(), n)?;
    let bands = credible(&counts, PRIOR, gain, DRAWS, key)?;
    let learned = sr::ideal(weights, gain)?;
    let departures = counts.row_sums();
    let left: Vec<usize> = (0..n).filter(|&i| departures[i] > 0.0).collect();
    let inside = left
        .iter()
        .flat_map(|&i| (0..n).map(move |j| (i, j)))
        .filter(|&at| (bands.low[at] - 1e-12..=bands.high[at] + 1e-12).contains(&learned[at]))
        .count();
    let width: Vec<f64> = (0..n)
        .map(|i| {
            if departures[i] > 0.0 {
                mean(
                    &(0..n)
                        .map(|j| bands.high[(i, j)] - bands.low[(i, j)])
                        .collect::<Vec<_>>(),
                )
            } else {
                f64::NAN
            }
        })
        .collect();
    let from = busiest(&material.walk);
    Ok(Certainty {
        gain,
        from,
        learned: learned.row(from).to_vec(),
        low: bands.low.row(from).to_vec(),
        high: bands.high.row(from).to_vec(),
        inside: inside as f64 / (left.len() * n).max(1) as f64,
        map: as_rows(&width, material),
        departures,
        width,
    })
}

impl Tell for Certainty {
    fn sentences(&self) -> Vec<String> {
        let known: Vec<f64> = self.width.iter().copied().filter(|w| w.is_finite()).collect();
        vec![
            format!(
                "95 % credible bands of M at γ = {} from {:.0} transitions: on average {:.4} wide, {:.4} for the state known least",
                self.gain,
                self.departures.iter().sum::<f64>(),
                mean(&known),
                known.iter().copied().fold(0.0, f64::max)
            ),
            format!(
                "the network's M lies within the bands at {:.1} % of the entries",
                100.0 * self.inside
            ),
        ]
    }

    fn table(&self) -> Table {
        Table::new()
            .with("state", (0..self.width.len()).collect::<Vec<usize>>())
            .with("departures", self.departures.clone())
            .with("mean_width", self.width.clone())
            .with("m_network", self.learned.clone())
            .with("m_low", self.low.clone())
            .with("m_high", self.high.clone())
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let first = if self.map.len() == 1 {
            let states: Vec<f64> = (0..self.learned.len()).map(|s| s as f64).collect();
            let bands: Vec<(f64, f64)> = self.low.iter().copied().zip(self.high.iter().copied()).collect();
            Panel::new("state", format!("M from state {}", self.from))
                .series(Series::line(states, self.learned.clone()).band(bands))
        } else {
            heat_panel(self.map.clone(), "mean width of the band", false)
        };
        let seen: Vec<usize> = (0..self.width.len()).filter(|&i| self.width[i] > 0.0).collect();
        // Of a walk that left every state one way there is nothing to be uncertain of.
        let widths = Panel::new("departures from the state", "width of the band of its row")
            .x_log()
            .y_log()
            .series(Series::points(
                seen.iter().map(|&i| self.departures[i]).collect::<Vec<f64>>(),
                seen.iter().map(|&i| self.width[i]).collect::<Vec<f64>>(),
            ));
        vec![Shown {
            figure: Figure {
                name: "certainty".to_owned(),
                title: "Credible bands of M".to_owned(),
                caption: format!(
                    "95 % bands of M at γ = {} by {DRAWS} draws of the transitions from their Dirichlet posterior (½ added to every exit seen); {}, seed {}.",
                    self.gain, origin.of, origin.seed
                ),
                columns: 2,
                panels: if seen.is_empty() {
                    vec![first]
                } else {
                    vec![first, widths]
                },
            },
            numbers: self.table(),
        }]
    }
}
