//! Learning loops over any network and any task.

pub mod batch;
pub mod record;
pub mod rollout;
mod seating;
pub mod train;
pub mod update;
pub mod validate;
