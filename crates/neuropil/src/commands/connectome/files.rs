//! Connectomes as tables in a folder.

use crate::cli::connectome::{ImportArgs, SimulateArgs};
use crate::terminal::{out, say};
use neuropil_connectome::data::Connectome;
use neuropil_connectome::read;
use neuropil_connectome::simulate::{SimulateSettings, simulate};
use neuropil_connectome::tables::tables;
use neuropil_lab::error::Problem;
use neuropil_lab::table::Form;
use serde_json::json;
use std::path::Path;

/// Makes a folder.
pub(super) fn create(folder: &Path) -> Result<(), Problem> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let message = format!("{}: cannot create the folder: {error}", folder.display());
        Problem::new(message, "name a folder that can be written")
    })
}

/// Writes edges.csv and neurons.csv; the number of rows of the first.
fn write(folder: &Path, connectome: &Connectome) -> Result<usize, Problem> {
    create(folder)?;
    let [edges, neurons] = tables(connectome);
    edges.write(&folder.join("edges.csv"), Form::Csv)?;
    neurons.write(&folder.join("neurons.csv"), Form::Csv)?;
    Ok(edges.n_rows())
}

/// Reads any form and writes tables.
pub(super) fn import(args: &ImportArgs) -> Result<u8, Problem> {
    let connectome = read::load(&args.data)?;
    let edges = write(&args.out, &connectome)?;
    connectome
        .warnings
        .iter()
        .for_each(|warning| say!("warning: {warning}"));
    let (n, pairs) = (connectome.n(), connectome.pairs.len());
    if args.json {
        let layers: Vec<&String> = connectome.layers.keys().collect();
        out!(
            "{}",
            json!({"out": args.out, "n_neurons": n, "n_pairs": pairs, "n_edges": edges, "layers": layers})
        );
    } else {
        out!(
            "{n} neurons, {pairs} pairs, {edges} edges: {}",
            args.out.display()
        );
    }
    Ok(0)
}

/// Writes a generated connectome.
pub(super) fn simulated(args: &SimulateArgs) -> Result<u8, Problem> {
    let connectome = simulate(&SimulateSettings {
        pairs: args.pairs,
        mean_degree: args.degree,
        seed: args.seed,
    });
    let edges = write(&args.out, &connectome)?;
    let (n, seed) = (connectome.n(), args.seed);
    if args.json {
        out!(
            "{}",
            json!({"out": args.out, "n_neurons": n, "n_edges": edges, "seed": seed})
        );
    } else {
        out!("{n} neurons, {edges} edges (seed {seed}): {}", args.out.display());
    }
    Ok(0)
}
