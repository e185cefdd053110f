//! Learning loops over any network and any task.

pub mod rollout;
pub mod update;
