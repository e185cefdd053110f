//! Place fields of the model's neurons, and how far they are from recorded ones.

use super::{Material, one_hot};
use crate::compare::{Divergence, GammaFit, Recorded, compare, number_distribution};
use crate::error::SuccessorError;
use crate::fang2023::STEPS_PER_SECOND;
use crate::fields::{FieldSummary, Fields, Information, detect_of_states, information, occupancy, summarise};
use crate::figures::{field_number_panel, field_size_panel, heat_panel, rows_of};
use neuropil_draw::Figure;
use neuropil_math::rng::Key;
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// Neurons whose maps are drawn.
const DRAWN: usize = 8;

/// Place fields of the model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Places {
    /// Gain at which activity was read out.
    pub gain: f64,
    /// Circular shifts per neuron.
    pub shuffles: usize,
    /// Fields of all neurons.
    pub summary: FieldSummary,
    /// Numbers of these neurons.
    pub neurons: Vec<usize>,
    /// Spatial information of each of them; `None` for silent ones.
    pub information: Vec<Option<Information>>,
    /// Divergence from titmice; `None` without any field.
    pub titmice: Option<Divergence>,
    /// Samples per second, which the rates of information go by.
    pub rate_hz: f64,
    #[serde(skip)]
    examples: Vec<(usize, Vec<Vec<f64>>)>,
}

/// Finds the fields of the model's neurons at the gain of retrieval.
///
/// # Errors
/// No map of places; too short a walk for its shuffles.
pub fn places(material: &Material, key: Key) -> Result<Places, SuccessorError> {
    let grid = material
        .walk
        .grid
        .as_ref()
        .ok_or_else(|| SuccessorError::question("this world has no map", "an arena or a track has"))?;
    let settings = &material.config.fields;
    let fields = detect_of_states(
        &material.walk.states,
        &material.learned.activity,
        grid,
        settings,
        key,
    )?;
    let frames = occupancy(&material.walk.states, grid.bins());
    // A neuron that stands for a state which is none, or was never visited, is no neuron without a field.
    let counted = match one_hot(material) {
        Ok(_) => material.walk.counted(),
        Err(_) => (0..fields.len()).collect(),
    };
    let of_counted: Vec<Fields> = counted.iter().map(|&k| fields[k].clone()).collect();
    let summary = summarise(&of_counted, grid);
    let mut busy: Vec<usize> = (0..fields.len())
        .filter(|&k| !fields[k].fields.is_empty())
        .collect();
    let stride = (busy.len() / DRAWN).max(1);
    busy = busy.into_iter().step_by(stride).take(DRAWN).collect();
    Ok(Places {
        gain: material.config.model.retrieval_gain,
        shuffles: settings.shuffles,
        information: of_counted
            .iter()
            .map(|fields| information(&frames, &fields.raw))
            .collect(),
        neurons: counted,
        titmice: compare(&summary, &Recorded::titmice(), GammaFit::Location0),
        summary,
        rate_hz: material
            .walk
            .recorded
            .as_ref()
            .map_or(STEPS_PER_SECOND, |(session, _)| session.rate_hz),
        examples: busy
            .into_iter()
            .map(|k| (k, rows_of(&fields[k].map, grid)))
            .collect(),
    })
}

impl Tell for Places {
    fn sentences(&self) -> Vec<String> {
        let s = &self.summary;
        let size = s.mean_size.map_or("none".to_owned(), |size| {
            format!("{:.1} % of the arena", 100.0 * size)
        });
        let mut said = vec![format!(
            "{} neurons at γ = {}: {:.2} fields each, mean size {size}; {:.0} % have one field, {:.0} % none ({} circular shifts)",
            s.numbers.len(),
            self.gain,
            s.per_neuron,
            100.0 * s.one_field,
            100.0 * s.no_field,
            self.shuffles
        )];
        said.push(match &self.titmice {
            None => "no field at all: the divergence from the fields of titmice is infinite".to_owned(),
            Some(d) => {
                let sizes = d.sizes_bits.map_or_else(|| d.note.clone().unwrap_or_default(), |bits| format!("{bits:.3} bits"));
                format!("divergence D(model‖titmice): numbers of fields {:.3} bits, sizes {sizes} (gamma law with location 0)", d.numbers_bits)
            }
        });
        said
    }

    fn table(&self) -> Table {
        let pick = |f: fn(&Information) -> f64| -> Vec<f64> {
            self.information
                .iter()
                .map(|info| info.as_ref().map_or(f64::NAN, f))
                .collect()
        };
        Table::new()
            .with("neuron", self.neurons.clone())
            .with("fields", self.summary.numbers.clone())
            .with("bits_per_spike", pick(|info| info.bits_per_spike))
            .with("sparsity", pick(|info| info.sparsity))
            .with("selectivity", pick(|info| info.selectivity))
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let mut shown = Vec::new();
        if !self.examples.is_empty() {
            let panels = self
                .examples
                .iter()
                .map(|(k, rows)| heat_panel(rows.clone(), "activity", false).note(format!("neuron {k}")));
            shown.push(Shown {
                figure: Figure {
                    name: "place-fields".to_owned(),
                    title: "Smoothed maps of neurons with fields".to_owned(),
                    caption: format!(
                        "Activity at γ = {}, smoothed; every so many neurons that have a field; {}, seed {}.",
                        self.gain, origin.of, origin.seed
                    ),
                    columns: 4,
                    panels: panels.collect(),
                },
                numbers: self.table(),
            });
        }
        if let Some(p) = number_distribution(&self.summary.numbers) {
            let data = Recorded::titmice();
            let law = self.titmice.as_ref().and_then(|d| d.sizes);
            shown.push(Shown {
                figure: Figure {
                    name: "field-statistics".to_owned(),
                    title: "Numbers and sizes of fields beside those of titmice".to_owned(),
                    caption: format!(
                        "Model at γ = {} ({} fields) and {}; {}, seed {}.",
                        self.gain,
                        self.summary.sizes.len(),
                        data.name,
                        origin.of,
                        origin.seed
                    ),
                    columns: 2,
                    panels: vec![
                        field_number_panel(&p, ("titmice", &data.numbers)),
                        field_size_panel(&self.summary.sizes, law, ("titmice", data.sizes)),
                    ],
                },
                numbers: Table::new()
                    .with("fields", vec![1_usize, 2, 3, 4, 5])
                    .with("model", p.to_vec())
                    .with("titmice", data.numbers.to_vec()),
            });
        }
        shown
    }
}
