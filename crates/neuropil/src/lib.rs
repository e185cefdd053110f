//! The `neuropil` command and the systems behind it, under one name.

pub use neuropil_connectome as connectome;
pub use neuropil_draw as draw;
pub use neuropil_lab as lab;
pub use neuropil_math as math;
pub use neuropil_song as song;
pub use neuropil_tasks as tasks;
