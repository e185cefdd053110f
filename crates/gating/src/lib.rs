//! Learning many tasks in a row: Masse, Grant & Freedman, *Alleviating catastrophic forgetting using context-dependent
//! gating and synaptic stabilization*, PNAS 115:E10467 (2018).
//!
//! A network learns tasks one after another and never sees an earlier one again. Two things keep it from forgetting: gates
//! that give every task a random fifth of the units ([`gates`]), and a pull of weights that mattered to their old values
//! ([`importance`], [`optimiser`]).

pub mod analysis;
pub mod behaviour;
pub mod course;
pub mod curve;
pub mod data;
pub mod error;
mod experiments;
pub mod front;
pub mod gates;
mod images;
pub mod importance;
pub mod inference;
mod job;
pub mod masse2018;
pub mod method;
pub mod metrics;
pub mod network;
pub mod optimiser;
mod ranges;
pub mod record;
pub mod recurrent;
pub mod replay;
mod reproduce;
mod sequence;
pub mod settings;
pub mod system;
pub mod tasks;
