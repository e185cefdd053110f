//! Learning loops over any network and any task.

mod advantage;
pub mod batch;
pub mod carry;
mod constraints;
pub mod record;
pub mod rollout;
pub mod supervised;
pub mod train;
pub mod update;
pub mod validate;
