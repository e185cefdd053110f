//! Recurrent networks that learn tasks in a row, taught by targets or by reward.
//!
//! A unit whose gate is 0 has rate 0, is heard by nobody and moves nothing: the network of the other units ([`among`]) is
//! the same network, and what a task trains.

mod experiment;
mod ground;
mod initial;
mod judges;
mod pupil;
mod settings;

pub(crate) use experiment::Recurrent;
pub use settings::{
    Channels, RecurrentSettings, RewardSettings, SequenceSettings, Teacher, Unit, UnitSettings,
};

use neuropil_nn::network::Shape;
use neuropil_nn::params::Gathered;

/// Trials of a block.
const LANES: usize = 16;

/// Shape and parameters of the network of some units.
///
/// Arrays of all units, inputs and outputs are known by their names; those of states and gates hold several blocks of units.
pub fn among(shape: Shape, active: &[usize]) -> (Shape, Gathered) {
    let n = shape.n_units;
    let blocks = move |size: usize| -> Option<Vec<usize>> {
        Some(
            (0..size / n)
                .flat_map(|block| active.iter().map(move |&unit| block * n + unit))
                .collect(),
        )
    };
    let gathered = shape.layout().gathered(|entry, axis| match (&*entry.name, axis) {
        ("w_in" | "w_gates" | "w_rec" | "synapse", 1) | ("x0" | "b_in" | "b_rec", 0) => {
            blocks(entry.shape[axis])
        }
        ("w_gates" | "w_rec" | "w_out", 0) => blocks(entry.shape[axis]),
        _ => None,
    });
    (
        Shape {
            n_units: active.len(),
            ..shape
        },
        gathered,
    )
}
