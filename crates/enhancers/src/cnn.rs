//! Convolutional networks that predict open chromatin from sequence.

mod architecture;
pub mod attribute;
pub mod keras;
pub mod learner;
mod logit;
mod network;
pub mod schedule;
pub mod train;

pub use architecture::{Architecture, Convolution, Dense, Flatten};
pub use logit::{loss_of_logits, probability};
pub use network::{Dropout, Network, Pass};
