//! Successor representations in a recurrent network.
//!
//! A recurrent network whose weights are the transpose of the one-step transition matrix settles, for a constant
//! input, on a row of the successor representation; its gain is the discount. A local rule learns the weights.
//!
//! Fang C, Aronov D, Abbott LF, Mackevicius EL (2023) Neural learning rules for generating flexible predictions and
//! computing the successor representation. eLife 12:e80680.
//!
//! ```
//! use neuropil_successor::network::{Input, RnnS, RnnSConfig};
//!
//! let mut network = RnnS::new(4, RnnSConfig::default())?;
//! for step in 0..400 {
//!     network.step(Input::State(step % 4))?;
//! }
//! let m = network.read_out(0.9)?; // a long horizon, without touching a synapse
//! assert!(m[(0, 1)] > m[(0, 2)] && m[(0, 2)] > m[(0, 3)]);
//! # Ok::<(), neuropil_successor::error::SuccessorError>(())
//! ```

pub mod analysis;
pub mod compare;
pub mod config;
pub mod dynamics;
pub mod error;
pub mod fang2023;
pub mod feature_rule;
pub mod features;
pub mod field_1d;
pub mod fields;
mod figures;
pub mod job;
pub mod kernel;
pub mod learner;
pub mod maps;
pub mod matrix;
pub mod network;
pub mod paper;
mod rank_one;
pub mod rate;
mod reproduce;
pub mod sparse;
pub mod sr;
pub mod td;
pub mod track;
pub mod walk;
pub mod world;
