//! What noise in the synapses does to stability and to M.

use super::{Material, one_hot};
use crate::error::SuccessorError;
use crate::paper::interval;
use crate::sr;
use neuropil_draw::{Figure, Panel, Series};
use neuropil_math::rng::{Key, Purpose};
use neuropil_study::{Origin, Shown, Table, Tell};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use serde::Serialize;

/// Standard deviations of the noise, in units of the mean synapse.
const LEVELS: [f64; 6] = [0.0, 0.05, 0.1, 0.2, 0.4, 0.8];
/// Draws of the noise at each level.
const DRAWS: usize = 10;
/// Eigenvalues are needed for every draw.
pub(super) const MOST_STATES: usize = 400;

/// Noise in the synapses against stability at the gain of retrieval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Robustness {
    /// Gain.
    pub gain: f64,
    /// Standard deviation of the noise on every synapse there is, in units of the mean synapse.
    pub levels: Vec<f64>,
    /// γρ: mean over draws and half of its 95 % interval.
    pub radius: Vec<(f64, f64)>,
    /// Share of the draws that stay stable.
    pub stable: Vec<f64>,
    /// Mean absolute change of M over the stable draws, with its interval; NaN where none is.
    pub change: Vec<(f64, f64)>,
}

/// Adds noise to the synapses, many times over.
///
/// # Errors
/// A learner that holds no transitions of states, or more than 400 states; a gain at which the network is unstable.
pub fn robustness(material: &Material, key: Key) -> Result<Robustness, SuccessorError> {
    let weights = one_hot(material)?;
    let (n, gain) = (weights.rows(), material.config.model.retrieval_gain);
    if n > MOST_STATES {
        return Err(SuccessorError::question(
            format!(
                "noise in the synapses of {n} neurons takes {} eigenvalue problems",
                LEVELS.len() * DRAWS
            ),
            format!("it is drawn for up to {MOST_STATES} states: larger bins"),
        ));
    }
    let quiet = sr::ideal(weights, gain)?;
    let there = weights.values().iter().filter(|w| **w != 0.0).count().max(1);
    let size = weights.values().iter().map(|w| w.abs()).sum::<f64>() / there as f64;
    let one = |index: usize| -> Result<(f64, f64), SuccessorError> {
        let mut draws = key.stream(Purpose::Test, index as u64);
        let sd = LEVELS[index / DRAWS] * size;
        let mut noisy = weights.clone();
        for w in noisy.values_mut().iter_mut().filter(|w| **w != 0.0) {
            let z: f64 = StandardNormal.sample(&mut draws);
            *w += sd * z;
        }
        let radius = noisy.spectrum(gain)?.radius;
        let change = if radius < 1.0 {
            sr::ideal(&noisy, gain).map_or(f64::NAN, |m| m.mean_absolute_error(&quiet))
        } else {
            f64::NAN
        };
        Ok((radius, change))
    };
    let found: Vec<(f64, f64)> = (0..LEVELS.len() * DRAWS)
        .into_par_iter()
        .map(one)
        .collect::<Result<_, _>>()?;
    let mut out = Robustness {
        gain,
        levels: LEVELS.to_vec(),
        radius: Vec::new(),
        stable: Vec::new(),
        change: Vec::new(),
    };
    for draws in found.chunks(DRAWS) {
        let radii: Vec<f64> = draws.iter().map(|draw| draw.0).collect();
        let changes: Vec<f64> = draws
            .iter()
            .map(|draw| draw.1)
            .filter(|c| c.is_finite())
            .collect();
        out.radius.push(interval(&radii));
        out.stable
            .push(radii.iter().filter(|r| **r < 1.0).count() as f64 / DRAWS as f64);
        out.change.push(if changes.is_empty() {
            (f64::NAN, f64::NAN)
        } else {
            interval(&changes)
        });
    }
    Ok(out)
}

impl Tell for Robustness {
    fn sentences(&self) -> Vec<String> {
        let first = self.stable.iter().position(|share| *share < 1.0);
        let last = self.levels.len() - 1;
        vec![match first {
            None => format!(
                "at γ = {} the network stays stable in every draw up to noise of {} mean synapses (γρ = {:.3} ± {:.3} there)",
                self.gain, self.levels[last], self.radius[last].0, self.radius[last].1
            ),
            Some(k) => format!(
                "at γ = {} some draws are unstable from noise of {} mean synapses on ({:.0} % stable, γρ = {:.3} ± {:.3})",
                self.gain,
                self.levels[k],
                100.0 * self.stable[k],
                self.radius[k].0,
                self.radius[k].1
            ),
        }]
    }

    fn table(&self) -> Table {
        let first = |pairs: &[(f64, f64)]| pairs.iter().map(|pair| pair.0).collect::<Vec<_>>();
        let second = |pairs: &[(f64, f64)]| pairs.iter().map(|pair| pair.1).collect::<Vec<_>>();
        Table::new()
            .with("noise", self.levels.clone())
            .with("gamma_rho", first(&self.radius))
            .with("gamma_rho_ci95", second(&self.radius))
            .with("stable", self.stable.clone())
            .with("change_of_m", first(&self.change))
            .with("change_of_m_ci95", second(&self.change))
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let line = |pairs: &[(f64, f64)]| {
            let known: Vec<usize> = (0..pairs.len()).filter(|&k| pairs[k].0.is_finite()).collect();
            Series::line(
                known.iter().map(|&k| self.levels[k]).collect::<Vec<f64>>(),
                known.iter().map(|&k| pairs[k].0).collect::<Vec<f64>>(),
            )
            .band(
                known
                    .iter()
                    .map(|&k| (pairs[k].0 - pairs[k].1, pairs[k].0 + pairs[k].1))
                    .collect::<Vec<_>>(),
            )
        };
        let noise = "noise, in mean synapses";
        vec![Shown {
            figure: Figure {
                name: "robustness".to_owned(),
                title: "Noise in the synapses".to_owned(),
                caption: format!(
                    "Normal noise on every synapse that is there, {DRAWS} draws a level, mean and 95 % interval, at γ = {}; {}, seed {}.",
                    self.gain, origin.of, origin.seed
                ),
                columns: 2,
                panels: vec![
                    Panel::new(noise, "γρ").series(line(&self.radius)).h_line(1.0),
                    Panel::new(noise, "mean absolute change of M").series(line(&self.change)),
                ],
            },
            numbers: self.table(),
        }]
    }
}
