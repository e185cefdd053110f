//! Which senses reach which neurons (Winding et al. 2023, Fig. 3).

use crate::cascade::{Settings, cascades, output_stops};
use crate::data::Connectome;
use crate::error::DataError;
use crate::simulate::MODALITIES;
use serde::Serialize;
use std::collections::BTreeMap;

/// Sensory modalities: names and input neurons.
///
/// The twelve of the paper where the annotations name them; otherwise every annotation of an input neuron.
pub fn modalities(connectome: &Connectome) -> Vec<(String, Vec<usize>)> {
    let (io, notes) = (connectome.texts("io"), connectome.texts("annotations"));
    let has = |i: usize, name: &str| notes[i].split(';').any(|part| part.trim() == name);
    let inputs: Vec<usize> = (0..connectome.n()).filter(|&i| io[i] == "input").collect();
    let members = |name: &str| {
        inputs
            .iter()
            .copied()
            .filter(|&i| has(i, name))
            .collect::<Vec<_>>()
    };
    let named = |names: Vec<String>| -> Vec<(String, Vec<usize>)> {
        let all = names.into_iter().map(|name| (members(&name), name));
        all.filter(|(members, _)| !members.is_empty())
            .map(|(members, name)| (name, members))
            .collect()
    };
    let known = named(MODALITIES.map(str::to_owned).to_vec());
    if !known.is_empty() {
        return known;
    }
    let mut names: Vec<String> = inputs
        .iter()
        .flat_map(|&i| notes[i].split(';').map(|part| part.trim().to_owned()))
        .filter(|name| !name.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    named(names)
}

/// What the senses reach.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Integration {
    /// Modalities.
    pub modalities: Vec<String>,
    /// Hops counted.
    pub hops: usize,
    /// Bits of the modalities that reach each neuron (bit k = modality k); inputs have 0.
    #[serde(skip)]
    pub reached_by: Vec<u32>,
    /// Median hop of the modality that comes first, per neuron; NaN where none arrives.
    #[serde(skip)]
    pub depth: Vec<f64>,
    /// Neurons reached by at least one modality.
    pub reached: usize,
    /// Reached by exactly one: labelled line.
    pub labelled_line: usize,
    /// Reached by at least two.
    pub multimodal: usize,
    /// Reached by all.
    pub by_all: usize,
    /// Units whose share of runs lies within 2 standard errors of the 50 % that decides, for some modality.
    pub uncertain_units: usize,
    /// Output class: (one modality, several, all, members).
    pub outputs: BTreeMap<String, (usize, usize, usize, usize)>,
    /// Modality → output class → hits per hop / (members × runs).
    pub heat: Vec<BTreeMap<String, Vec<f64>>>,
}

/// Cascades from each modality, stopped at the outputs; a unit counts as reached when its members are active within
/// `hops` in at least half of the runs.
///
/// # Errors
/// No modalities, or settings that cannot run.
pub fn integration(
    connectome: &Connectome,
    layer: &str,
    hops: usize,
    settings: &Settings,
) -> Result<Integration, DataError> {
    let (names, sets): (Vec<String>, Vec<Vec<usize>>) = modalities(connectome).into_iter().unzip();
    if names.is_empty() {
        return Err(DataError::question(
            "no sensory modalities in this connectome",
            "the neuron table needs `io` = `input` and `annotations` that name modalities",
        ));
    }
    let stop = output_stops(connectome);
    let drawn = cascades(
        &connectome.layer(layer)?,
        &sets,
        |_| stop.clone(),
        settings,
        |_, c| c.clone(),
    )?;
    let units = connectome.units();
    let (io, class) = (connectome.texts("io"), connectome.texts("celltype"));
    let n = connectome.n();
    let (mut reached_by, mut depth, mut uncertain) =
        (vec![0u32; n], vec![f64::NAN; n], vec![false; units.len()]);
    for (k, cascade) in drawn.iter().enumerate() {
        for (u, fraction) in cascade.unit_fractions(&units, hops).into_iter().enumerate() {
            let trials = (cascade.runs * units[u].len()) as f64;
            uncertain[u] |= (fraction - 0.5).abs() < 2.0 * (0.25 / trials).sqrt();
            if fraction >= 0.5 {
                for &i in units[u].iter().filter(|&&i| io[i] != "input") {
                    reached_by[i] |= 1 << k;
                    if let Some(hop) = cascade.median_hop(i) {
                        depth[i] = depth[i].min(hop);
                    }
                }
            }
        }
    }
    let count = |test: &dyn Fn(u32) -> bool| reached_by.iter().filter(|&&set| test(set.count_ones())).count();
    let all = names.len() as u32;
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for i in (0..n).filter(|&i| io[i] == "output" && !class[i].is_empty()) {
        groups.entry(class[i].clone()).or_default().push(i);
    }
    let outputs = groups.iter().map(|(name, members)| {
        let of = |test: &dyn Fn(u32) -> bool| {
            members
                .iter()
                .filter(|&&i| test(reached_by[i].count_ones()))
                .count()
        };
        (
            name.clone(),
            (of(&|k| k == 1), of(&|k| k > 1), of(&|k| k == all), members.len()),
        )
    });
    let heat = drawn.iter().map(|cascade| {
        let row = |members: &Vec<usize>| -> Vec<f64> {
            let hits = |h: usize| {
                members
                    .iter()
                    .map(|&i| f64::from(cascade.hits(i, h)))
                    .sum::<f64>()
            };
            let norm = (members.len() * cascade.runs) as f64;
            (0..=cascade.max_hops).map(|h| hits(h) / norm).collect()
        };
        groups
            .iter()
            .map(|(name, members)| (name.clone(), row(members)))
            .collect()
    });
    Ok(Integration {
        hops,
        reached: count(&|k| k > 0),
        labelled_line: count(&|k| k == 1),
        multimodal: count(&|k| k > 1),
        by_all: count(&|k| k == all),
        uncertain_units: uncertain.iter().filter(|u| **u).count(),
        outputs: outputs.collect(),
        heat: heat.collect(),
        modalities: names,
        reached_by,
        depth,
    })
}
