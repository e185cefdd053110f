//! The `neuropil` command and the systems behind it, under one name.
//!
//! ```
//! use neuropil::registry;
//!
//! let job = registry::open(&neuropil::study::Given {
//!     name: "rdm",
//!     text: None,
//!     set: &["policy.units=50".to_owned()],
//!     options: &[],
//! });
//! assert_eq!(job.expect("a task of the library").name(), "rdm");
//! ```

pub mod registry;

pub use neuropil_connectome as connectome;
pub use neuropil_draw as draw;
pub use neuropil_gating as gating;
pub use neuropil_lab as lab;
pub use neuropil_math as math;
pub use neuropil_song as song;
pub use neuropil_study as study;
pub use neuropil_successor as successor;
pub use neuropil_tasks as tasks;
