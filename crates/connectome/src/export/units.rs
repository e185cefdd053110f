//! What becomes a unit, with which sign, and which channel it hears.

use super::{Grouping, Named};
use crate::data::Connectome;
use crate::error::DataError;
use neuropil_math::rng::{Key, Purpose};
use rand::seq::SliceRandom;
use std::collections::{BTreeMap, BTreeSet};

/// Signs of neurons from a column: numbers, `excitatory`/`inhibitory` (or their beginnings of three letters), or a
/// transmitter: acetylcholine excites, GABA and glutamate inhibit (as in the fly's central brain); anything else is
/// free, 0.
///
/// # Errors
/// No such column.
pub fn signs(connectome: &Connectome, column: &str) -> Result<Vec<i8>, DataError> {
    let Some(values) = connectome.neurons.column(column) else {
        let known: Vec<&str> = connectome
            .neurons
            .columns
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        return Err(DataError::question(
            format!("no column `{column}` with signs in the neuron table"),
            format!("it has {}", known.join(", ")),
        ));
    };
    let sign = |text: &String| {
        let text = text.trim().to_ascii_lowercase();
        if let Ok(number) = text.parse::<f64>() {
            return if number > 0.0 {
                1
            } else if number < 0.0 {
                -1
            } else {
                0
            };
        }
        match text.as_str() {
            "ach" | "acetylcholine" | "cholinergic" => 1,
            "gaba" | "gabaergic" | "glut" | "glutamate" | "glutamatergic" => -1,
            other if other.starts_with("exc") => 1,
            other if other.starts_with("inh") => -1,
            _ => 0,
        }
    };
    Ok(values.iter().map(sign).collect())
}

/// Deals the neurons of a set to several channels at random, as equally as possible.
pub fn deal(neurons: &[usize], names: &[String], seed: u64) -> Vec<Named> {
    let mut shuffled = neurons.to_vec();
    shuffled.shuffle(&mut Key::new(seed).stream(Purpose::Generate, u64::MAX));
    let share = |k: usize| {
        let mut own: Vec<usize> = shuffled.iter().copied().skip(k).step_by(names.len()).collect();
        own.sort_unstable();
        own
    };
    names
        .iter()
        .enumerate()
        .map(|(k, name)| (name.clone(), share(k)))
        .collect()
}

/// Units: their names and neurons.
pub(super) fn grouped(
    c: &Connectome,
    neurons: &[usize],
    grouping: Grouping,
    classes: &[String],
) -> Vec<(String, Vec<usize>)> {
    match grouping {
        Grouping::Neuron => neurons.iter().map(|&i| (c.id_text(i), vec![i])).collect(),
        Grouping::Pair => {
            let inside: BTreeSet<usize> = neurons.iter().copied().collect();
            let own = c.units().into_iter().filter_map(|unit| {
                let members: Vec<usize> = unit.into_iter().filter(|i| inside.contains(i)).collect();
                let names: Vec<String> = members.iter().map(|&i| c.id_text(i)).collect();
                (!members.is_empty()).then(|| (names.join("+"), members))
            });
            own.collect()
        }
        Grouping::Class => {
            let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for &i in neurons {
                let name = if classes[i].is_empty() {
                    "none"
                } else {
                    &classes[i]
                };
                groups.entry(name).or_default().push(i);
            }
            groups
                .into_iter()
                .map(|(name, members)| (name.to_owned(), members))
                .collect()
        }
    }
}

pub(super) fn unit_signs(
    c: &Connectome,
    units: &[(String, Vec<usize>)],
    column: Option<&str>,
) -> Result<Vec<i8>, DataError> {
    let Some(column) = column else {
        return Ok(vec![0; units.len()]);
    };
    let own = signs(c, column)?;
    let of = |members: &Vec<usize>| {
        let mut known = members.iter().map(|&i| own[i]).filter(|s| *s != 0);
        let first = known.next().unwrap_or(0);
        if known.all(|s| s == first) { first } else { 0 }
    };
    Ok(units.iter().map(|u| of(&u.1)).collect())
}
