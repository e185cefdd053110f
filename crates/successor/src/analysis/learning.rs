//! What was learned, how well and how fast; whether the network is stable.

use super::{CurvePoint, Material, against, successor_at, truth};
use crate::error::SuccessorError;
use crate::matrix::{Matrix, Spectrum};
use crate::sr;
use neuropil_draw::{Figure, Panel, Series};
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// What was learned.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Learning {
    /// Gain γ_B during learning.
    pub gain: f64,
    /// Gain γ_R at which maps are read out, or the discount.
    pub retrieval_gain: f64,
    /// Eigenvalues of γ_B J; `None` for feedforward learners.
    pub baseline: Option<Spectrum>,
    /// Eigenvalues of γ_R J.
    pub retrieval: Option<Spectrum>,
    /// States that errors are measured over: those of a world, those that were visited of a track.
    pub states: usize,
    /// Mean absolute error of T̂ against `against`.
    pub transition_error: Option<f64>,
    /// Mean absolute error of M̂ at γ_R.
    pub successor_error: Option<f64>,
    /// Total variation distance of the rows of T̂: mean and largest.
    pub total_variation: Option<(f64, f64)>,
    /// Temporal-difference loss over all observed transitions, at γ_R.
    pub td_loss: f64,
    /// Learning rate that was kept; `None` where rates adapt.
    pub rate: Option<f64>,
    /// What errors are measured against.
    pub against: &'static str,
    /// The learning curve.
    pub curve: Vec<CurvePoint>,
    /// Whether this is a recorded walk, at three steps a second.
    seconds_per_step: f64,
}

/// Measures what was learned.
///
/// # Errors
/// Values that are not finite.
pub fn learning(material: &Material) -> Result<Learning, SuccessorError> {
    let model = &material.config.model;
    let counts = sr::counts(material.walk.walks(), material.walk.n)?;
    let truth = truth(&material.walk, &counts);
    let recurrent = model.kind == crate::config::ModelKind::RnnS;
    let spectrum = |gain: f64| material.learned.weights.spectrum(gain);
    let m = successor_at(material, model.retrieval_gain).transpose()?;
    let counted = material.walk.counted();
    let of_counted = |matrix: &Matrix| matrix.restricted(&counted);
    let rate_hz = material
        .walk
        .recorded
        .as_ref()
        .map_or(crate::fang2023::STEPS_PER_SECOND, |(session, _)| session.rate_hz);
    Ok(Learning {
        gain: model.gain,
        retrieval_gain: model.retrieval_gain,
        baseline: recurrent.then(|| spectrum(model.gain)).transpose()?,
        retrieval: recurrent.then(|| spectrum(model.retrieval_gain)).transpose()?,
        transition_error: m
            .as_ref()
            .map(|_| of_counted(&material.learned.weights).mean_absolute_error(&of_counted(&truth))),
        total_variation: m
            .as_ref()
            .map(|_| sr::total_variation(&of_counted(&material.learned.weights), &of_counted(&truth))),
        successor_error: match m {
            Some(m) => {
                let ideal = sr::ideal(&truth, model.retrieval_gain)?;
                Some(of_counted(&m).mean_absolute_error(&of_counted(&ideal)))
            }
            None => None,
        },
        states: counted.len(),
        td_loss: material.learned.td_loss,
        rate: material.learned.rate,
        against: against(&material.walk),
        curve: material.curve.clone(),
        seconds_per_step: 1.0 / rate_hz,
    })
}

impl Tell for Learning {
    fn sentences(&self) -> Vec<String> {
        let mut said = Vec::new();
        if let (Some(t), Some(m), Some((mean, most))) =
            (self.transition_error, self.successor_error, self.total_variation)
        {
            said.push(format!(
                "T learned to a mean absolute error of {t:.5} against {}; M at γ = {} to {m:.5} ({} states)",
                self.against, self.retrieval_gain, self.states
            ));
            said.push(format!(
                "total variation distance of a row: {mean:.3} on average, {most:.3} at most"
            ));
        }
        if let (Some(baseline), Some(retrieval)) = (self.baseline, self.retrieval) {
            let word = |radius: f64| if radius < 1.0 { "stable" } else { "unstable" };
            said.push(format!(
                "γρ = {:.4} at the gain of learning {} ({}), {:.4} at the gain of retrieval {} ({}); largest real parts {:.4} and {:.4}",
                baseline.radius, self.gain, word(baseline.radius), retrieval.radius, self.retrieval_gain, word(retrieval.radius), baseline.max_real, retrieval.max_real
            ));
        }
        let rate = self
            .rate
            .map(|rate| format!(", learning rate {rate}"))
            .unwrap_or_default();
        said.push(format!("temporal-difference loss {:.5}{rate}", self.td_loss));
        said
    }

    fn table(&self) -> Table {
        Table::new()
            .with(
                "step",
                self.curve.iter().map(|point| point.step).collect::<Vec<_>>(),
            )
            .with(
                "row_sum",
                self.curve.iter().map(|point| point.row_sum).collect::<Vec<_>>(),
            )
            .with(
                "transition_error",
                self.curve
                    .iter()
                    .map(|point| point.transition_error)
                    .collect::<Vec<_>>(),
            )
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        if self.curve.is_empty() {
            return Vec::new();
        }
        let minutes: Vec<f64> = self
            .curve
            .iter()
            .map(|point| point.step as f64 * self.seconds_per_step / 60.0)
            .collect();
        let line = |y: Vec<f64>| Series::line(minutes.clone(), y);
        let sums = Panel::new("time (min)", "mean row sum of T̂")
            .series(line(self.curve.iter().map(|point| point.row_sum).collect()))
            .h_line(1.0);
        let errors = Panel::new("time (min)", "mean absolute error of T̂")
            .series(line(
                self.curve.iter().map(|point| point.transition_error).collect(),
            ))
            .y_log();
        vec![Shown {
            figure: Figure {
                name: "learning".to_owned(),
                title: "Sums of outgoing synapses and error of the transitions".to_owned(),
                caption: format!(
                    "Sum of each neuron's outgoing synapses, and the error against {}; {}, seed {}.",
                    self.against, origin.of, origin.seed
                ),
                columns: 2,
                panels: vec![sums, errors],
            },
            numbers: self.table(),
        }]
    }
}
