//! Training: batches of semi-synthetic worms, the loss of Yu et al. (2021), Adam.

mod ground;
mod job;
mod learner;
mod settings;

pub use ground::{Batch, Ground, Head};
pub(crate) use job::{LEARNING, Training};
pub use learner::{Learner, Validation};
pub use settings::{DataSettings, NetworkSettings, Schedule, Settings, SynthSettings, TrainingSettings};
