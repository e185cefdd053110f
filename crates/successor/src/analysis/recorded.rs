//! Recorded neurons: rate maps, fields against circular shifts, information; and how far the model is from them.

use super::Material;
use crate::compare::{Divergence, GammaFit, Recorded, compare};
use crate::error::SuccessorError;
use crate::fields::{Edge, FieldSettings, FieldSummary, Smoother, detect_all, detect_of_states, summarise};
use crate::figures::{heat_panel, rows_of};
use crate::matrix::Matrix;
use crate::track::spikes::{RateMap, counted_frames, per_frame, rate_map};
use neuropil_draw::Figure;
use neuropil_math::rng::Key;
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// Units whose maps are drawn.
const DRAWN: usize = 12;

/// Recorded neurons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordedUnits {
    /// Numbers of the units.
    pub units: Vec<i64>,
    /// Spikes within the frames that count.
    pub spikes: Vec<f64>,
    /// Rate map of each.
    pub maps: Vec<RateMap>,
    /// z score of the information against circular shifts; `None` for silent units.
    pub information_z: Vec<Option<f64>>,
    /// Fields of all units.
    pub summary: FieldSummary,
    /// Share of the arena that was visited.
    pub coverage: f64,
    /// Frames that count, of all.
    pub frames: (usize, usize),
    /// Divergence of the model's fields from these; `None` without fields on one side.
    pub model: Option<Divergence>,
    #[serde(skip)]
    smoothed: Vec<Vec<Vec<f64>>>,
}

/// Maps of recorded units, on the track's own frames.
///
/// # Errors
/// No spikes, or too few frames for the shuffles.
pub fn recorded(material: &Material, key: Key) -> Result<RecordedUnits, SuccessorError> {
    let (Some((session, track)), Some(spikes)) = (&material.walk.recorded, &material.walk.spikes) else {
        return Err(SuccessorError::question(
            "no spikes were given",
            "`--spikes FILE`",
        ));
    };
    // What an animal did not visit is not known, and what lies beyond the walls lowers nothing.
    let settings = FieldSettings {
        edge: Edge::Renormalise,
        fill_unvisited: false,
        ..material.config.fields
    };
    let frames = counted_frames(track, &session.mapping, material.config.track.least_speed_cm_s);
    let bins: Vec<usize> = frames.iter().map(|(_, bin)| *bin).collect();
    let rate_hz = 1.0 / track.interval().unwrap_or(1.0);
    let counts: Vec<Vec<f64>> = spikes
        .units
        .values()
        .map(|times| {
            let all = per_frame(times, track);
            frames.iter().map(|(frame, _)| all[*frame] * rate_hz).collect()
        })
        .collect();
    let grid = &session.grid;
    let activity = Matrix::from_rows(&counts);
    let fields = detect_all(&bins, &activity, grid, &settings, key)?;
    let maps: Vec<RateMap> = spikes
        .units
        .values()
        .map(|times| rate_map(times, track, &frames, grid))
        .collect();
    let summary = summarise(&fields, grid);
    let smoother = Smoother::new(grid, &settings);
    let own = detect_of_states(
        &material.walk.states,
        &material.learned.activity,
        grid,
        &settings,
        key,
    )
    .map(|fields| summarise(&fields, grid));
    let model = match Recorded::measured(
        "recorded units",
        &summary.numbers,
        &summary.sizes,
        GammaFit::Location0,
    ) {
        Ok(data) => compare(&own?, &data, GammaFit::Location0),
        Err(_) => None,
    };
    Ok(RecordedUnits {
        units: spikes.units.keys().copied().collect(),
        spikes: counts
            .iter()
            .map(|counts| counts.iter().sum::<f64>() / rate_hz)
            .collect(),
        information_z: counts
            .iter()
            .enumerate()
            .map(|(k, counts)| crate::fields::information_z(&bins, counts, grid, &settings, key, k as u64))
            .collect(),
        coverage: maps.first().map_or(0.0, |map| map.coverage),
        frames: (frames.len(), track.frames()),
        smoothed: maps
            .iter()
            .take(DRAWN)
            .map(|map| rows_of(&smoother.smooth(&map.rates_hz), grid))
            .collect(),
        maps,
        summary,
        model,
    })
}

impl Tell for RecordedUnits {
    fn sentences(&self) -> Vec<String> {
        let s = &self.summary;
        let (count, all) = self.frames;
        let mut said = vec![format!(
            "{} units, {:.0} spikes in {count} of {all} frames; {:.0} % of the bins were visited; {:.2} fields per unit",
            self.units.len(),
            self.spikes.iter().sum::<f64>(),
            100.0 * self.coverage,
            s.per_neuron
        )];
        said.push(match &self.model {
            Some(d) => {
                let sizes = d.sizes_bits.map_or_else(
                    || d.note.clone().unwrap_or_default(),
                    |bits| format!("{bits:.3} bits"),
                );
                format!(
                    "divergence D(model‖recorded): numbers of fields {:.3} bits, sizes {sizes}",
                    d.numbers_bits
                )
            }
            None => "too few fields on one side to compare the model with".to_owned(),
        });
        said
    }

    fn table(&self) -> Table {
        let pick = |f: fn(&crate::fields::Information) -> f64| -> Vec<f64> {
            self.maps
                .iter()
                .map(|map| map.information.as_ref().map_or(f64::NAN, f))
                .collect()
        };
        Table::new()
            .with("unit", self.units.clone())
            .with("spikes", self.spikes.clone())
            .with("mean_rate_hz", pick(|info| info.mean_rate))
            .with("peak_rate_hz", pick(|info| info.peak_rate))
            .with("bits_per_spike", pick(|info| info.bits_per_spike))
            .with("bits_per_second", pick(|info| info.bits_per_second))
            .with("sparsity", pick(|info| info.sparsity))
            .with(
                "information_z",
                self.information_z
                    .iter()
                    .map(|z| z.unwrap_or(f64::NAN))
                    .collect::<Vec<_>>(),
            )
            .with("fields", self.summary.numbers.clone())
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let panels =
            self.units.iter().zip(&self.smoothed).map(|(unit, rows)| {
                heat_panel(rows.clone(), "rate (Hz)", false).note(format!("unit {unit}"))
            });
        vec![Shown {
            figure: Figure {
                name: "recorded-units".to_owned(),
                title: "Rate maps of recorded units".to_owned(),
                caption: format!(
                    "Spikes per second, smoothed; grey: never visited; {}, seed {}.",
                    origin.of, origin.seed
                ),
                columns: 4,
                panels: panels.collect(),
            },
            numbers: self.table(),
        }]
    }
}
