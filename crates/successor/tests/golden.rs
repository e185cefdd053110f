//! Reference numbers of an independent implementation.
//!
//! Reads `$NEUROPIL_GOLDEN/successor`, else the shared golden folder beside the checkout, else the crate's own copies.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

pub(crate) mod files;
mod learning;
mod measures;
mod reproduction;
mod tracks;
