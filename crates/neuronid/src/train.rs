//! Training: batches of semi-synthetic worms, the loss of Yu et al. (2021), Adam.

mod ground;
mod job;
mod learner;
mod settings;
mod system;

pub use ground::{Batch, Ground, Head};
pub use learner::{Learner, Validation};
pub use settings::{DataSettings, NetworkSettings, Schedule, Settings, SynthSettings, TrainingSettings};
pub use system::Neuronid;
