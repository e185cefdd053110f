//! Reward-based training of recurrent networks (Song, Yang & Wang, eLife 6:e21492, 2017).
//!
//! A *policy* network of continuous-time gated units acts; a *value* network of the same kind reads its rates and
//! predicts the reward still to come, as the baseline of REINFORCE. (The paper calls them decision and value
//! network.) This crate joins tasks, networks and learning to runs, and analyses what was learnt.
//!
//! ```
//! use neuropil_song::resolve::resolve;
//!
//! let task = neuropil_tasks::registry::find("rdm", None)?;
//! let settings = resolve(&task, |layers| layers.set("policy.units=50"))?;
//! assert_eq!(settings.value.policy.connection_probability, 0.1);
//! # Ok::<(), neuropil_lab::error::Problem>(())
//! ```

pub mod analysis;
pub mod array_file;
pub mod behaviour;
pub mod bench;
pub mod config;
pub mod dynamics;
pub mod exchange;
pub mod experiment;
pub mod export;
pub mod figures;
pub mod fixed_points;
pub mod init;
pub mod job;
pub mod masks;
pub mod model;
pub mod probe;
mod ranges;
pub mod report;
pub mod reproduce;
pub mod resolve;
pub mod settings;
pub mod system;
pub mod testing;
pub mod train;
pub mod trials;
pub mod wiring;
