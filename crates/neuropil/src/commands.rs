//! One file per verb.

pub(crate) mod analyse;
pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod connectome;
pub(crate) mod export;
pub(crate) mod fixed_points;
pub(crate) mod import;
pub(crate) mod job;
pub(crate) mod probe;
pub(crate) mod report;
pub(crate) mod reproduce;
pub(crate) mod seeds;
pub(crate) mod tasks;
pub(crate) mod test;
pub(crate) mod train;
