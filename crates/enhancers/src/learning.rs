//! Networks that learn which sequences are open, as experiments: kept, resumed, tested, told on a page.

mod job;
mod settings;
mod tested;

pub(crate) use job::Training;
pub use settings::{DataSettings, NetworkSettings, Settings};
pub(crate) use tested::{DISCRIMINATION, LEARNING};
