//! Whole-brain wiring analysis (Winding et al., Science 379, eadd9330, 2023).
//!
//! From synapse-resolution wiring — neurons, directed edges with synapse counts, compartment-resolved layers,
//! homologous pairs, annotations — to edge statistics, orderings, hubs, signal cascades, recurrence and cell types.
//!
//! ```no_run
//! use neuropil_connectome::{cascade, read, select};
//!
//! let brain = read::load("supplement_s1.zip".as_ref())?;
//! let sources = select::select(&brain, "annotations~olfactory")?;
//! let stop = cascade::output_stops(&brain);
//! let reached = cascade::cascade(&brain.layer("ad")?, &sources, &stop, &cascade::Settings::default())?;
//! println!("{} neurons downstream", reached.downstream(&brain.units(), 0.5, 8).len());
//! # Ok::<(), neuropil_connectome::error::DataError>(())
//! ```

pub mod answer;
pub mod bilateral;
pub mod cascade;
pub mod data;
pub mod direction;
pub mod error;
pub mod export;
pub mod figures;
pub mod flow;
pub mod graph;
pub mod hemispheres;
pub mod hubs;
pub mod influence;
pub mod integration;
pub mod layers;
pub mod mixture;
pub mod motifs;
pub mod nulls;
pub mod paths;
pub mod read;
pub mod recurrence;
pub mod report;
pub mod reproduce;
pub mod select;
pub mod simulate;
pub mod spectral;
pub mod starts;
pub mod stats;
pub mod symmetry;
pub mod tables;
pub mod threshold;
pub mod types;
pub mod unit_cascades;
pub mod winding2023;
