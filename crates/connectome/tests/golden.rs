//! Reference numbers on small graphs, the larval brain and C. elegans.
//!
//! Reads `$NEUROPIL_GOLDEN/connectome`, else the shared golden folder beside the checkout, else the crate's own
//! copies of the small computed ones. Tests on published data, which never enter the repository, say so and pass
//! where the data are absent.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod celegans;
mod files;
mod larva;
mod synthetic;
