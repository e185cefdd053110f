//! Random streams, statistics and linear algebra for neuropil.

pub mod rng;
