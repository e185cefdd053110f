//! Optimisers and what is done to gradients before them, one file each.
//!
//! All of them work on flat buffers, whatever network they belong to, and take the rate of every step from the caller.

mod adam;
pub mod clip;
mod sgd;

pub use adam::{Adam, AdamRule, Correction};
pub use clip::Step;
pub use sgd::{Momentum, Sgd};
