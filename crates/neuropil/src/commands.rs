//! One file per verb.

pub mod analyse;
pub mod bench;
pub mod completions;
pub mod report;
pub mod reproduce;
pub mod seeds;
pub mod tasks;
pub mod test;
pub mod train;
