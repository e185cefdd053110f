//! Fig. 3 and S3: which gains are stable, and what it costs.

use super::{Effort, in_order};
use crate::dynamics::Dynamics;
use crate::error::SuccessorError;
use crate::fang2023::{BASELINE_GAIN, RETRIEVAL_GAIN};
use crate::figures::matrix_panel;
use crate::network::{Input, RnnS, RnnSConfig};
use crate::sr;
use crate::world::World;
use neuropil_draw::{Color, Figure, Panel, Series};
use neuropil_math::stats::summary::quantile;
use neuropil_study::{Band, Claim, Found, Origin, Shown, Table, Tell};
use serde::{Deserialize, Serialize};

const STATES: usize = 25;

/// One network at one gain of learning.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network3 {
    /// Gain γ_B of learning.
    pub gain: f64,
    /// tanh instead of linear.
    pub tanh: bool,
    /// Largest real part of the eigenvalues of γ_B J; infinite when weights ran away.
    #[serde(deserialize_with = "infinite_if_null")]
    pub max_real: f64,
    /// Spectral radius of γ_B J; infinite when weights ran away.
    #[serde(deserialize_with = "infinite_if_null")]
    pub radius: f64,
    /// Mean absolute error of T̂.
    pub transition_error: f64,
}

/// JSON has no infinity: it is written as null.
fn infinite_if_null<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::INFINITY))
}

/// Fig. 3 and S3g.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure3 {
    /// Every walk at every gain, 1501 steps.
    pub networks: Vec<Network3>,
    /// (γ_B, γ_R, mean absolute error of M̂), linear networks, 3001 steps.
    pub grid: Vec<(f64, f64, f64)>,
    /// Activity, step × neuron: learning at γ = 0.4, retrieval at 0.9 from step 200 to 299.
    pub raster: Vec<Vec<f64>>,
    /// Number of walks per gain.
    pub n_walks: usize,
}

fn gains(quick: bool, tanh: bool) -> Vec<f64> {
    let step = if quick { 0.05 } else { 0.01 };
    let most = if tanh { 0.85 } else { 0.8 };
    let n = ((most - 0.05) / step + 0.5) as usize;
    (0..=n)
        .map(|k| ((0.05 + step * k as f64) * 100.0).round() / 100.0)
        .collect()
}

fn one(
    world: &World,
    gain: f64,
    tanh: bool,
    key: neuropil_math::rng::Key,
) -> Result<Network3, SuccessorError> {
    let dynamics = if tanh {
        Dynamics::TANH
    } else {
        Dynamics::SteadyState
    };
    let mut network = RnnS::new(
        STATES,
        RnnSConfig {
            gain,
            dynamics,
            tolerate_instability: true,
            ..RnnSConfig::default()
        },
    )?;
    let exploded = Network3 {
        gain,
        tanh,
        max_real: f64::INFINITY,
        radius: f64::INFINITY,
        transition_error: f64::INFINITY,
    };
    for state in world.walk(1501, key) {
        match network.step(Input::State(state)) {
            Ok(_) => {}
            Err(SuccessorError::NotFinite { .. } | SuccessorError::Singular { .. }) => return Ok(exploded),
            Err(other) => return Err(other),
        }
    }
    let Ok(spectrum) = network.transitions().spectrum(gain) else {
        return Ok(exploded);
    };
    let transition_error = network.transitions().mean_absolute_error(&world.transitions());
    Ok(Network3 {
        gain,
        tanh,
        max_real: spectrum.max_real,
        radius: spectrum.radius,
        transition_error,
    })
}

/// Computes Fig. 3a, e and S3g.
///
/// # Errors
/// None that these settings could meet.
pub fn figure_3(effort: Effort) -> Result<Figure3, SuccessorError> {
    let world = World::ring(STATES, 4.0, 1.0, 1.0)?;
    let n_walks = effort.walks(15, 5);
    let mut plan = Vec::new();
    for tanh in [false, true] {
        let walks = if tanh { n_walks.min(3) } else { n_walks };
        for gain in gains(effort.quick || tanh, tanh) {
            plan.extend((0..walks).map(|walk| (gain, tanh, walk)));
        }
    }
    let networks = in_order(plan.len(), |i| {
        let (gain, tanh, walk) = plan[i];
        one(&world, gain, tanh, effort.key(30, walk))
    })?;
    let truth = world.transitions();
    let pairs: Vec<(f64, usize)> = [0.3, 0.4, 0.5]
        .iter()
        .flat_map(|&gain| (0..n_walks).map(move |walk| (gain, walk)))
        .collect();
    let read = [0.3, 0.6, 0.9, 0.95];
    let errors = in_order(pairs.len(), |i| {
        let (gain, walk) = pairs[i];
        let mut network = RnnS::new(
            STATES,
            RnnSConfig {
                gain,
                ..RnnSConfig::default()
            },
        )?;
        for state in world.walk(3001, effort.key(31, walk)) {
            network.step(Input::State(state))?;
        }
        read.iter()
            .map(|&gain| {
                Ok(network
                    .read_out(gain)?
                    .mean_absolute_error(&sr::ideal(&truth, gain)?))
            })
            .collect::<Result<Vec<f64>, SuccessorError>>()
    })?;
    let mut grid = Vec::new();
    for baseline in [0.3, 0.4, 0.5] {
        for (k, &retrieval) in read.iter().enumerate() {
            let own: Vec<f64> = pairs
                .iter()
                .zip(&errors)
                .filter(|((gain, _), _)| *gain == baseline)
                .map(|(_, errors)| errors[k])
                .collect();
            grid.push((baseline, retrieval, own.iter().sum::<f64>() / own.len() as f64));
        }
    }
    Ok(Figure3 {
        networks,
        grid,
        raster: raster(effort)?,
        n_walks,
    })
}

/// Learning at the gain of the baseline, with a hundred steps of retrieval in between.
fn raster(effort: Effort) -> Result<Vec<Vec<f64>>, SuccessorError> {
    let world = World::ring(20, 0.5, 2.0, 1.0)?;
    let mut network = RnnS::new(
        20,
        RnnSConfig {
            gain: BASELINE_GAIN,
            ..RnnSConfig::default()
        },
    )?;
    let walk = world.walk(500, effort.key(32, 0));
    let one = |(step, &state): (usize, &usize)| match step {
        200..300 => network.retrieve(Input::State(state), RETRIEVAL_GAIN),
        300 => {
            network.pause();
            network.step(Input::State(state)).map(<[f64]>::to_vec)
        }
        _ => network.step(Input::State(state)).map(<[f64]>::to_vec),
    };
    walk.iter().enumerate().map(one).collect()
}

impl Figure3 {
    fn at(&self, gain: f64, tanh: bool) -> Vec<Network3> {
        self.networks
            .iter()
            .copied()
            .filter(|network| network.tanh == tanh && (network.gain - gain).abs() < 1e-9)
            .collect()
    }

    fn median(values: impl Iterator<Item = f64>) -> f64 {
        let values: Vec<f64> = values.map(|value| value.min(1e9)).collect();
        quantile(&values, 0.5).unwrap_or(f64::NAN)
    }

    /// What the paper reports, beside what was found.
    pub fn claims(&self) -> Vec<Claim> {
        let mut claims = Vec::new();
        for (gain, tanh, error) in [
            (0.3, false, 0.0071),
            (0.4, false, 0.0086),
            (0.5, false, 0.0107),
            (0.5, true, 0.0083),
            (0.7, true, 0.0125),
            (0.8, true, 0.0164),
        ] {
            let found = self.at(gain, tanh);
            let kind = if tanh { "tanh" } else { "linear" };
            let most = found.iter().map(|network| network.radius).fold(0.0, f64::max);
            claims.push(Claim::new(
                "Fig. 3a",
                format!("largest γρ of any walk, {kind}, γ_B = {gain}"),
                "stable: below 1",
                Band::at_most(1.0),
                Found::one(most),
            ));
            let median = Self::median(found.iter().map(|network| network.transition_error));
            claims.push(Claim::new(
                "Fig. 3a",
                format!("median error of T, {kind}, γ_B = {gain}"),
                format!("{error} (measured independently)"),
                Band::around(error, 0.2 * error),
                Found::one(median).digits(4),
            ));
        }
        let unstable: Vec<(f64, bool)> = self
            .at(0.7, false)
            .iter()
            .map(|network| (network.radius.min(1e9), network.radius >= 1.0))
            .collect();
        let share = unstable.iter().filter(|(_, above)| *above).count() as f64 / unstable.len().max(1) as f64;
        claims.push(Claim::new(
            "Fig. 3a",
            "share of walks unstable, linear, γ_B = 0.7",
            "unstable from about 0.6 on",
            Band::at_least(0.5),
            Found::one(share).digits(2),
        ));
        for (baseline, retrieval, value) in [
            (0.3, 0.9, 0.026),
            (0.5, 0.9, 0.027),
            (0.4, 0.95, 0.0534),
            (0.4, 0.6, 0.0053),
        ] {
            let found = self
                .grid
                .iter()
                .find(|(b, r, _)| *b == baseline && *r == retrieval)
                .map(|(_, _, error)| *error);
            claims.push(Claim::new(
                "Fig. S3g",
                format!("error of M read out at γ_R = {retrieval}, learned at γ_B = {baseline}"),
                format!("{value} (measured independently)"),
                Band::around(value, 0.25 * value),
                found.map_or_else(Found::nothing, |error| Found::one(error).digits(4)),
            ));
        }
        claims
    }
}

impl Tell for Figure3 {
    fn sentences(&self) -> Vec<String> {
        let first = |tanh: bool| {
            let gains: Vec<f64> = self
                .networks
                .iter()
                .filter(|network| network.tanh == tanh && network.radius >= 1.0)
                .map(|network| network.gain)
                .collect();
            gains.into_iter().fold(f64::INFINITY, f64::min)
        };
        let word = |gain: f64| {
            if gain.is_finite() {
                format!("γ_B = {gain}")
            } else {
                "no gain tried".to_owned()
            }
        };
        vec![
            format!(
                "first gain at which a walk is unstable: linear {}, tanh {}",
                word(first(false)),
                word(first(true))
            ),
            format!(
                "{} walks of 1501 steps per gain (linear), ring of {STATES} states, weights left 4, right 1, stay 1",
                self.n_walks
            ),
        ]
    }

    fn table(&self) -> Table {
        let n = &self.networks;
        Table::new()
            .with("gain", n.iter().map(|x| x.gain).collect::<Vec<_>>())
            .with("tanh", n.iter().map(|x| x.tanh).collect::<Vec<_>>())
            .with("max_real", n.iter().map(|x| x.max_real).collect::<Vec<_>>())
            .with("radius", n.iter().map(|x| x.radius).collect::<Vec<_>>())
            .with(
                "transition_error",
                n.iter().map(|x| x.transition_error).collect::<Vec<_>>(),
            )
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let mut real = Panel::new("gain of learning γ_B", "max Re λ(γ_B J)")
            .h_line(1.0)
            .y_range(0.0, 2.0);
        let mut error = Panel::new("gain of learning γ_B", "mean absolute error of T̂").y_log();
        for (tanh, label, color) in [(false, "linear", Color::Blue), (true, "tanh", Color::Vermillion)] {
            let own: Vec<&Network3> = self
                .networks
                .iter()
                .filter(|network| network.tanh == tanh)
                .collect();
            let finite: Vec<&&Network3> = own
                .iter()
                .filter(|network| network.max_real.is_finite())
                .collect();
            real = real.series(
                Series::points(
                    finite.iter().map(|n| n.gain).collect::<Vec<_>>(),
                    finite
                        .iter()
                        .map(|n| n.max_real.clamp(0.0, 2.0))
                        .collect::<Vec<_>>(),
                )
                .label(label)
                .color(color),
            );
            let fine: Vec<&&Network3> = own
                .iter()
                .filter(|network| network.transition_error.is_finite())
                .collect();
            error = error.series(
                Series::points(
                    fine.iter().map(|n| n.gain).collect::<Vec<_>>(),
                    fine.iter().map(|n| n.transition_error).collect::<Vec<_>>(),
                )
                .color(color),
            );
        }
        let columns: Vec<Vec<f64>> = (0..self.raster.first().map_or(0, Vec::len))
            .map(|k| self.raster.iter().map(|row| row[k]).collect())
            .collect();
        let steps = self.raster.len() as f64;
        let raster = matrix_panel(columns, "step", "neuron", "activity", false);
        let raster = Panel {
            heat: raster.heat.map(|heat| neuropil_draw::Heat {
                x: (0.0, steps),
                ..heat
            }),
            ..raster
        }
        .v_line(200.0)
        .v_line(300.0);
        vec![
            Shown {
                figure: Figure {
                    name: "figure-3a".to_owned(),
                    title: "Eigenvalues and errors against the gain of learning".to_owned(),
                    caption: format!(
                        "One point per walk; real parts above 2 are drawn at 2; seed {}.",
                        origin.seed
                    ),
                    columns: 2,
                    panels: vec![real, error],
                },
                numbers: self.table(),
            },
            Shown {
                figure: Figure {
                    name: "figure-3e".to_owned(),
                    title: "The same synapses at two gains".to_owned(),
                    caption: format!(
                        "Activity while learning at γ = 0.4 and, between the lines, in retrieval at γ = 0.9; seed {}.",
                        origin.seed
                    ),
                    columns: 1,
                    panels: vec![raster.size(560.0, 260.0)],
                },
                numbers: Table::new()
                    .with("baseline_gain", self.grid.iter().map(|x| x.0).collect::<Vec<_>>())
                    .with(
                        "retrieval_gain",
                        self.grid.iter().map(|x| x.1).collect::<Vec<_>>(),
                    )
                    .with(
                        "successor_error",
                        self.grid.iter().map(|x| x.2).collect::<Vec<_>>(),
                    ),
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_that_ran_away_are_read_back_as_such() {
        let network = Network3 {
            gain: 0.9,
            tanh: false,
            max_real: f64::INFINITY,
            radius: f64::INFINITY,
            transition_error: 0.1 + 0.2,
        };
        let kept = serde_json::to_string(&network).unwrap();
        assert_eq!(serde_json::from_str::<Network3>(&kept).unwrap(), network);
    }
}
