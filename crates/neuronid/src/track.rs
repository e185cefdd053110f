//! One volume of a recording found in all others, each by itself: there is no model of time.

use crate::error::{NeuronidError, content};
use crate::identify::{Identified, Matcher, Options, Prepared};
use crate::read::Recording;
use crate::worm::Point;
use neuropil_draw::{Figure, Heat, Panel, Series};
use neuropil_study::{Origin, Shown, Table, Tell};
use rayon::prelude::*;
use serde::Serialize;
use std::path::Path;

/// Where one template neuron is in one volume.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Row of the volume; none if the neuron was not found.
    pub row: Option<usize>,
    /// Probability of the decision.
    pub probability: f64,
    /// Position, µm; none if the neuron was not found.
    pub position_um: Option<Point>,
}

/// One volume.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrackedVolume {
    /// Its number, as the file counts.
    pub volume: i64,
    /// Its neurons.
    pub neurons: usize,
    /// Template neurons in order.
    pub found: Vec<Found>,
}

/// A tracked recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tracked {
    /// By what.
    pub matcher: &'static str,
    /// Number of the reference volume.
    pub reference: i64,
    /// Names of its neurons; empty without one.
    pub names: Vec<String>,
    /// The other volumes, in order.
    pub volumes: Vec<TrackedVolume>,
    /// Numbers that the recording leaves out.
    pub missing: Vec<i64>,
}

/// Finds the neurons of the reference volume in all others; volumes are shared out to threads.
///
/// # Errors
/// No such volume; too few neurons for drift.
pub fn track(
    path: &Path,
    recording: &Recording,
    reference: i64,
    matcher: &Matcher,
    options: &Options,
) -> Result<Tracked, NeuronidError> {
    let template = recording
        .volumes
        .get(&reference)
        .filter(|worm| !worm.points.is_empty())
        .ok_or_else(|| {
            let range = match (
                recording.volumes.first_key_value(),
                recording.volumes.last_key_value(),
            ) {
                (Some((first, _)), Some((last, _))) => {
                    format!("a volume from {first} to {last}, as the file counts")
                }
                _ => "a recording with volumes".to_owned(),
            };
            content(path, format!("no volume {reference}"), range)
        })?;
    if let Some((_, cell)) = recording.absent.iter().find(|(volume, _)| *volume == reference) {
        return Err(content(
            path,
            format!("volume {reference}, cell {cell}: not found by the program that wrote the file"),
            "a reference volume in which every cell was found: another `--ref`",
        ));
    }
    let others: Vec<_> = recording
        .volumes
        .iter()
        .filter(|(number, _)| **number != reference)
        .collect();
    let prepared = Prepared::of(template, matcher);
    let one = |&(&volume, worm): &(&i64, &crate::worm::Worm)| -> Result<TrackedVolume, NeuronidError> {
        let n = template.points.len();
        let found = match prepared.identify(worm, options) {
            Ok(identified) => by_template(&identified, n),
            // A volume in which hardly a neuron was seen is no end of a recording.
            Err(NeuronidError::Points { .. }) => vec![NOWHERE; n],
            Err(error) => {
                return Err(content(
                    path,
                    format!("volume {volume}: {error}"),
                    "neurons to match",
                ));
            }
        };
        Ok(TrackedVolume {
            volume,
            neurons: worm.points.len(),
            found,
        })
    };
    Ok(Tracked {
        matcher: matcher.name(),
        reference,
        names: template.names.clone(),
        volumes: others.par_iter().map(one).collect::<Result<_, _>>()?,
        missing: recording.missing(),
    })
}

/// Of a template neuron that a volume does not have.
const NOWHERE: Found = Found {
    row: None,
    probability: 0.0,
    position_um: None,
};

fn by_template(identified: &Identified, n: usize) -> Vec<Found> {
    let mut found = vec![NOWHERE; n];
    for neuron in &identified.neurons {
        if let Some(template) = neuron.template {
            found[template] = Found {
                row: Some(neuron.test),
                probability: neuron.probability,
                position_um: Some(neuron.position_um),
            };
        }
    }
    found
}

impl Tell for Tracked {
    fn sentences(&self) -> Vec<String> {
        let n = self.names.len() * self.volumes.len();
        let found = self
            .volumes
            .iter()
            .flat_map(|volume| &volume.found)
            .filter(|found| found.row.is_some())
            .count();
        let mut sentences = vec![format!(
            "{found} of {n} places of {} neurons in {} volumes were found ({}, reference volume {}, as the file counts)",
            self.names.len(),
            self.volumes.len(),
            self.matcher,
            self.reference
        )];
        let doubtful: Vec<String> = self
            .doubtful(5)
            .iter()
            .map(|volume| format!("{} (mean probability {:.2})", volume.volume, volume.confidence()))
            .collect();
        if !doubtful.is_empty() {
            sentences.push(format!("most doubtful volumes: {}", doubtful.join(", ")));
        }
        let empty: Vec<String> = self
            .volumes
            .iter()
            .filter(|volume| volume.found.iter().all(|found| found.row.is_none()))
            .take(10)
            .map(|volume| format!("{} ({} neurons)", volume.volume, volume.neurons))
            .collect();
        if !empty.is_empty() {
            sentences.push(format!("nothing was found in volumes {}", empty.join(", ")));
        }
        if !self.missing.is_empty() {
            let numbers: Vec<String> = self.missing.iter().take(10).map(i64::to_string).collect();
            let more = if self.missing.len() > 10 { " …" } else { "" };
            sentences.push(format!(
                "not in the recording: volumes {}{more}",
                numbers.join(", ")
            ));
        }
        sentences
    }

    fn table(&self) -> Table {
        let mut rows: Vec<(i64, usize, &Found)> = Vec::new();
        for volume in &self.volumes {
            let found = volume.found.iter().enumerate();
            rows.extend(found.map(|(template, found)| (volume.volume, template, found)));
        }
        let axis = |k: usize| {
            let of = |(_, _, found): &(i64, usize, &Found)| found.position_um.map_or(f64::NAN, |p| p[k]);
            rows.iter().map(of).collect::<Vec<f64>>()
        };
        let row = |found: &Found| found.row.map_or(-1, |row| row as i64);
        Table::new()
            .with(
                "volume",
                rows.iter().map(|(volume, ..)| *volume).collect::<Vec<_>>(),
            )
            .with(
                "template_index",
                rows.iter().map(|(_, template, _)| *template).collect::<Vec<_>>(),
            )
            .with(
                "name",
                rows.iter()
                    .map(|(_, template, _)| self.names[*template].clone())
                    .collect::<Vec<_>>(),
            )
            .with(
                "test_index",
                rows.iter().map(|(_, _, found)| row(found)).collect::<Vec<_>>(),
            )
            .with(
                "prob",
                rows.iter()
                    .map(|(_, _, found)| found.probability)
                    .collect::<Vec<_>>(),
            )
            .with("x_um", axis(0))
            .with("y_um", axis(1))
            .with("z_um", axis(2))
    }

    fn figures(&self, _: &Origin) -> Vec<Shown> {
        let n = self.names.len();
        let cell = |volume: &TrackedVolume, neuron: usize| match volume.found[neuron] {
            Found { row: None, .. } => f64::NAN,
            found => found.probability,
        };
        let columns: Vec<f64> = self.volumes.iter().map(|volume| volume.volume as f64).collect();
        let (first, last) = (
            columns.first().copied().unwrap_or(0.0),
            columns.last().copied().unwrap_or(0.0),
        );
        let of = |neuron| {
            self.volumes
                .iter()
                .map(|volume| cell(volume, neuron))
                .collect::<Vec<f64>>()
        };
        let raster = Heat {
            values: (0..n).map(of).collect(),
            x: (0.0, columns.len() as f64),
            y: (0.0, n as f64),
            signed: false,
            limits: None,
            label: "probability".to_owned(),
        };
        let numbered: Vec<f64> = (0..columns.len()).map(|k| k as f64 + 0.5).collect();
        let every = columns.len().div_ceil(8).max(1);
        let ticks: Vec<(f64, String)> = numbered
            .iter()
            .zip(&columns)
            .step_by(every)
            .map(|(at, volume)| (*at, volume.to_string()))
            .collect();
        let figure = Figure {
            name: "tracks".to_owned(),
            title: self.sentences().into_iter().next().unwrap_or_default(),
            caption: format!(
                "Template neurons (rows, as in the file) in volumes {first} to {last}; grey: not found. Below: share of the template \
                 found, and mean probability of what was found."
            ),
            columns: 1,
            panels: vec![
                Panel::new("volume", "template neuron")
                    .heat(raster)
                    .x_ticks(ticks.clone())
                    .size(720.0, 420.0),
                Panel::new("volume", "share, probability")
                    .series(Series::line(numbered.clone(), self.each(TrackedVolume::share)).label("found"))
                    .series(
                        Series::line(numbered, self.each(TrackedVolume::confidence))
                            .label("mean probability")
                            .color(neuropil_draw::Color::Orange),
                    )
                    .x_ticks(ticks)
                    .y_range(0.0, 1.0)
                    .size(720.0, 200.0),
            ],
        };
        let numbers = Table::new()
            .with("volume", columns)
            .with("found", self.each(TrackedVolume::share))
            .with("mean_prob", self.each(TrackedVolume::confidence));
        vec![Shown { figure, numbers }]
    }
}

impl TrackedVolume {
    /// Share of the template that was found.
    pub fn share(&self) -> f64 {
        self.found.iter().filter(|found| found.row.is_some()).count() as f64 / self.found.len().max(1) as f64
    }

    /// Mean probability of what was found; 0 if nothing was.
    pub fn confidence(&self) -> f64 {
        let found: Vec<f64> = self
            .found
            .iter()
            .filter(|found| found.row.is_some())
            .map(|found| found.probability)
            .collect();
        found.iter().sum::<f64>() / found.len().max(1) as f64
    }
}

impl Tracked {
    fn each(&self, value: fn(&TrackedVolume) -> f64) -> Vec<f64> {
        self.volumes.iter().map(value).collect()
    }

    /// Volumes of the least mean probability first: where to look.
    pub fn doubtful(&self, n: usize) -> Vec<&TrackedVolume> {
        let mut volumes: Vec<&TrackedVolume> = self.volumes.iter().collect();
        volumes.sort_by(|a, b| a.confidence().total_cmp(&b.confidence()));
        volumes.truncate(n);
        volumes
    }
}
