//! `neuropil connectome export-rnn`: a part of a connectome as the wiring of a network, and matched random ones.

use super::null;
use crate::cli::connectome::{CellKind, ExportArgs, Start, Unit};
use crate::terminal::out;
use neuropil_connectome::data::Connectome;
use neuropil_connectome::error::DataError;
use neuropil_connectome::export::{
    Control, EngineCell, ExportSettings, Grouping, Magnitude, Named, deal, wiring,
};
use neuropil_connectome::graph::largest_component;
use neuropil_connectome::integration::modalities;
use neuropil_connectome::{read, select};
use neuropil_lab::error::Problem;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Runs the command.
pub(super) fn run(args: &ExportArgs) -> Result<u8, Problem> {
    let connectome = read::load(&args.data)?;
    let neurons = chosen(&connectome, args)?;
    let settings = settings(&connectome, &neurons, args)?;
    let mut written: Vec<(PathBuf, usize, usize)> = Vec::new();
    let cell = match args.cell {
        CellKind::Gated => EngineCell::Gated,
        CellKind::Leaky => EngineCell::Leaky,
    };
    let controls = args.control.map_or(0, |_| args.controls as u64);
    for index in 0..=controls {
        let control = args.control.filter(|_| index > 0).map(|kept| Control {
            null: null(kept),
            seed: args.seed,
            index: index - 1,
        });
        let net = wiring(&connectome, &neurons, &settings, control)?;
        let path = match control {
            None => args.out.clone(),
            Some(control) => {
                let stem = args.out.file_stem().unwrap_or_default().to_string_lossy();
                args.out
                    .with_file_name(format!("{stem}-{}-{index}.npz", control.null.name()))
            }
        };
        net.save(&path, cell, provenance(args, control)?)?;
        written.push((path, net.n(), net.n_edges()));
    }
    if args.json {
        let files: Vec<Value> = written
            .iter()
            .map(|(path, n, edges)| json!({"file": path, "n_units": n, "n_connections": edges}))
            .collect();
        out!(
            "{}",
            json!({"files": files, "channels": names(&settings.inputs), "actions": names(&settings.outputs)})
        );
    } else {
        for (path, n, edges) in written {
            out!("{n} units, {edges} connections: {}", path.display());
        }
    }
    Ok(0)
}

fn names(sets: &[Named]) -> Vec<&str> {
    sets.iter().map(|(name, _)| name.as_str()).collect()
}

/// Where a wiring comes from.
fn provenance(args: &ExportArgs, control: Option<Control>) -> Result<Value, Problem> {
    let hash = read::fingerprint(&args.data)?;
    Ok(json!({
        "data": args.data.file_name().map(|name| name.to_string_lossy()), "fnv1a": hash, "select": args.select,
        "strongest": args.strongest, "hops": args.hops, "layer": args.layer, "least_synapses": args.least,
        "radius": args.radius, "signs": args.signs, "seed": args.seed,
        "control": control.map(|c| json!({"null": c.null, "seed": c.seed, "draw": c.index})),
    }))
}

fn chosen(c: &Connectome, args: &ExportArgs) -> Result<Vec<usize>, DataError> {
    let graph = c.signed_layer(&args.layer)?;
    let mut neurons = match &args.select {
        Some(query) => select::select_or_file(c, query)?,
        None if args.strongest => largest_component(&graph.strong_components()),
        None => {
            return Err(DataError::question(
                "no selection of neurons",
                "name them with --select, as `celltype=KC or celltype=MBON`, or take --strongest",
            ));
        }
    };
    if args.hops > 0 {
        let reached = graph.hops(&neurons);
        neurons = (0..c.n())
            .filter(|&i| reached[i].is_some_and(|h| h as usize <= args.hops))
            .collect();
    }
    Ok(neurons)
}

fn settings(c: &Connectome, neurons: &[usize], args: &ExportArgs) -> Result<ExportSettings, DataError> {
    let mut inputs = parsed(c, &args.input, "input")?;
    for (k, text) in args.deal.iter().enumerate() {
        let (names, query) = split(text, "deal")?;
        let names: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
        let inside: Vec<usize> = select::select(c, query)?
            .into_iter()
            .filter(|i| neurons.contains(i))
            .collect();
        inputs.extend(deal(&inside, &names, args.seed.wrapping_add(k as u64)));
    }
    let inside = |members: &[usize]| members.iter().any(|i| neurons.contains(i));
    if inputs.is_empty() {
        inputs = modalities(c).into_iter().filter(|(_, m)| inside(m)).collect();
    }
    let mut outputs = parsed(c, &args.output, "output")?;
    if outputs.is_empty() {
        let (io, class) = (c.texts("io"), c.texts("celltype"));
        let mut classes: std::collections::BTreeMap<String, Vec<usize>> = std::collections::BTreeMap::new();
        for &i in neurons.iter().filter(|&&i| io[i] == "output") {
            classes.entry(class[i].clone()).or_default().push(i);
        }
        outputs = classes.into_iter().collect();
    }
    Ok(ExportSettings {
        layer: args.layer.clone(),
        grouping: match args.unit {
            Unit::Neuron => Grouping::Neuron,
            Unit::Pair => Grouping::Pair,
            Unit::Class => Grouping::Class,
        },
        magnitude: match args.weights {
            Start::Synapses => Magnitude::Synapses,
            Start::Fraction => Magnitude::Fraction,
            Start::Log => Magnitude::Log,
        },
        least_synapses: args.least,
        radius: args.radius,
        signs: args.signs.clone(),
        inputs,
        outputs,
    })
}

fn split<'a>(text: &'a str, flag: &str) -> Result<(&'a str, &'a str), DataError> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| {
            DataError::question(
                format!("--{flag} is `{text}`, expected NAME=QUERY"),
                "as `approach=celltype=MBON`",
            )
        })
}

fn parsed(c: &Connectome, texts: &[String], flag: &str) -> Result<Vec<Named>, DataError> {
    let of = |text: &String| {
        let (name, query) = split(text, flag)?;
        Ok((name.to_owned(), select::select(c, query)?))
    };
    texts.iter().map(of).collect()
}
