//! Numbers that were computed independently. Files of `$NEUROPIL_GOLDEN/neuronid`, or of `../shared/golden/neuronid`
//! beside the repository; what is not there is skipped, and said.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod classical;
mod files;
mod network;
mod synth;
