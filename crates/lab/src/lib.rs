//! The lab book: configuration, run directories, checkpoints, event log.
//!
//! ```
//! use neuropil_lab::config::Layers;
//!
//! let mut layers = Layers::new();
//! layers.set("training.check_every=20")?;
//! # Ok::<(), neuropil_lab::error::Problem>(())
//! ```

pub mod array;
pub mod atomic;
pub mod bundle;
pub mod checkpoint;
pub mod config;
pub mod error;
pub mod events;
pub mod file;
pub mod hash;
pub mod journal;
pub mod keeper;
pub mod mat;
pub mod memory;
pub mod nwb;
pub mod pickle;
pub mod provenance;
pub mod run;
pub mod sealed;
pub mod shards;
pub mod sweep;
pub mod table;
