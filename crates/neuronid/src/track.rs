//! One volume of a recording found in all others, each by itself: there is no model of time.

use crate::error::{NeuronidError, content};
use crate::identify::{Identified, Matcher, Options, Prepared};
use crate::read::Recording;
use neuropil_study::{Table, Tell};
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
        let identified = prepared.identify(worm, options)?;
        Ok(TrackedVolume {
            volume,
            neurons: worm.points.len(),
            found: by_template(&identified, template.points.len()),
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

fn by_template(identified: &Identified, n: usize) -> Vec<Found> {
    let nowhere = Found {
        row: None,
        probability: 0.0,
    };
    let mut found = vec![nowhere; n];
    for neuron in &identified.neurons {
        if let Some(template) = neuron.template {
            found[template] = Found {
                row: Some(neuron.test),
                probability: neuron.probability,
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
        let rows = || {
            self.volumes
                .iter()
                .flat_map(|volume| volume.found.iter().enumerate().map(move |f| (volume, f)))
        };
        Table::new()
            .with(
                "volume",
                rows().map(|(volume, _)| volume.volume).collect::<Vec<_>>(),
            )
            .with(
                "template_index",
                rows().map(|(_, (template, _))| template).collect::<Vec<_>>(),
            )
            .with(
                "name",
                rows()
                    .map(|(_, (template, _))| self.names[template].clone())
                    .collect::<Vec<_>>(),
            )
            .with(
                "test_index",
                rows()
                    .map(|(_, (_, found))| found.row.map_or(-1, |row| row as i64))
                    .collect::<Vec<_>>(),
            )
            .with(
                "prob",
                rows()
                    .map(|(_, (_, found))| found.probability)
                    .collect::<Vec<_>>(),
            )
    }
}
