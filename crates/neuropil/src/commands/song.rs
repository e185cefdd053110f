//! Verbs of the recurrent networks that learn from reward.

pub(crate) mod bench;
pub(crate) mod fixed_points;
pub(crate) mod import;
pub(crate) mod probe;
