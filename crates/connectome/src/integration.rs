//! Which senses reach which neurons, and which neurons are recurrent (Winding et al. 2023, Figs 3, 5 and 6).

use crate::cascade::{Cascade, Settings, cascades, output_stops};
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

/// Recurrence of units: what is both downstream and upstream of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recurrence {
    /// Hops.
    pub hops: usize,
    /// Units considered (inputs left out where the table tells), as lists of neurons.
    #[serde(skip)]
    pub units: Vec<Vec<usize>>,
    /// Units downstream of each.
    pub downstream: Vec<usize>,
    /// Share of the downstream units that lead back; 0 without any.
    pub fraction: Vec<f64>,
    /// Share of the neurons that are recurrent: pairs weigh 2.
    pub recurrent_neurons: f64,
    /// Ordered pairs of units whose share of runs is within 2 standard errors of 50 %.
    pub uncertain: usize,
    /// Class → (neurons, mean fraction, share recurrent).
    pub by_class: BTreeMap<String, (usize, f64, f64)>,
    /// Output class → mean share of the units downstream of an output unit that lead back to it: feedback; the rest
    /// is efference copy.
    pub feedback: BTreeMap<String, f64>,
}

/// Cascades from every unit; two units are recurrent when each is downstream of the other within `hops`.
///
/// Outputs stop a cascade unless they are its source's own kind. One `Recurrence` per entry of `hops`.
///
/// # Errors
/// As [`cascades`].
pub fn recurrence(
    connectome: &Connectome,
    layer: &str,
    hops: &[usize],
    settings: &Settings,
) -> Result<Vec<Recurrence>, DataError> {
    let units = connectome.units();
    let stop = output_stops(connectome);
    let none = vec![false; connectome.n()];
    let graph = connectome.layer(layer)?;
    let stops = |k: usize| {
        if stop[units[k][0]] {
            none.clone()
        } else {
            stop.clone()
        }
    };
    let decide = |_: usize, cascade: &Cascade| -> Vec<(Vec<u32>, usize)> {
        let of = |&h: &usize| {
            let fractions = cascade.unit_fractions(&units, h);
            let reached = (0..units.len() as u32)
                .filter(|&u| fractions[u as usize] >= 0.5)
                .collect();
            let close = |(u, f): (usize, &f64)| {
                (f - 0.5).abs() < 2.0 * (0.25 / (cascade.runs * units[u].len()) as f64).sqrt()
            };
            (
                reached,
                fractions.iter().enumerate().filter(|e| close(*e)).count(),
            )
        };
        hops.iter().map(of).collect()
    };
    let reached = cascades(&graph, &units, stops, settings, decide)?;
    let brain = brain_units(connectome, &units);
    Ok((0..hops.len())
        .map(|h| summarise(connectome, &units, &brain, hops[h], h, &reached))
        .collect())
}

/// Units of the brain proper: columns `brain_neurons` or `accessory_neurons` where present, else all but inputs.
fn brain_units(connectome: &Connectome, units: &[Vec<usize>]) -> Vec<bool> {
    let table = &connectome.neurons;
    let flag = |name: &str, i: usize| table.column(name).is_some_and(|c| c[i] == "1");
    let io = connectome.texts("io");
    let inside = |i: usize| match table.column("brain_neurons") {
        Some(_) => flag("brain_neurons", i) || flag("accessory_neurons", i),
        None => io[i] != "input",
    };
    units.iter().map(|unit| inside(unit[0])).collect()
}

fn summarise(
    connectome: &Connectome,
    units: &[Vec<usize>],
    brain: &[bool],
    hops: usize,
    h: usize,
    reached: &[Vec<(Vec<u32>, usize)>],
) -> Recurrence {
    let kept: Vec<usize> = (0..units.len()).filter(|&u| brain[u]).collect();
    let leads = |u: usize, v: usize| reached[u][h].0.binary_search(&(v as u32)).is_ok();
    let (mut downstream, mut fraction) = (Vec::new(), Vec::new());
    for &u in &kept {
        let targets: Vec<usize> = reached[u][h]
            .0
            .iter()
            .map(|&v| v as usize)
            .filter(|&v| brain[v])
            .collect();
        let back = targets.iter().filter(|&&v| leads(v, u)).count();
        downstream.push(targets.len());
        fraction.push(if targets.is_empty() {
            0.0
        } else {
            back as f64 / targets.len() as f64
        });
    }
    let (class, io) = (connectome.texts("celltype"), connectome.texts("io"));
    let (mut all, mut recurrent) = (0.0, 0.0);
    let mut sums: BTreeMap<String, (usize, f64, f64)> = BTreeMap::new();
    let mut copies: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (k, &u) in kept.iter().enumerate() {
        let size = units[u].len();
        all += size as f64;
        recurrent += size as f64 * f64::from(u8::from(fraction[k] > 0.0));
        for &i in units[u].iter().filter(|&&i| !class[i].is_empty()) {
            let sum = sums.entry(class[i].clone()).or_default();
            sum.0 += 1;
            sum.1 += fraction[k];
            sum.2 += f64::from(u8::from(fraction[k] > 0.0));
        }
        let first = units[u][0];
        if io[first] == "output" && downstream[k] > 0 {
            copies.entry(class[first].clone()).or_default().push(fraction[k]);
        }
    }
    Recurrence {
        hops,
        units: kept.iter().map(|&u| units[u].clone()).collect(),
        downstream,
        fraction,
        recurrent_neurons: if all > 0.0 { recurrent / all } else { 0.0 },
        uncertain: kept.iter().map(|&u| reached[u][h].1).sum(),
        by_class: sums
            .into_iter()
            .map(|(c, (n, f, r))| (c, (n, f / n as f64, r / n as f64)))
            .collect(),
        feedback: copies
            .into_iter()
            .map(|(c, values)| (c, values.iter().sum::<f64>() / values.len() as f64))
            .collect(),
    }
}
