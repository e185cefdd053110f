//! Learning loops over any network and any task.

pub mod actor_critic;
mod advantage;
mod arrays;
pub mod batch;
mod block;
pub mod carry;
mod constraints;
pub mod course;
pub mod learner;
pub mod player;
pub mod progress;
pub mod randomness;
pub mod record;
pub mod reinforce;
pub mod rollout;
pub mod rules;
mod seating;
pub mod supervised;
pub mod targets;
pub mod train;
pub mod unroll;
pub mod update;
pub mod validate;
