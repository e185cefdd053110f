//! Learning loops over any network and any task.

mod advantage;
pub mod batch;
mod block;
pub mod carry;
mod constraints;
pub mod player;
pub mod randomness;
pub mod record;
pub mod rollout;
pub mod rules;
mod seating;
pub mod supervised;
pub mod train;
pub mod update;
pub mod validate;
