//! Random streams, statistics and linear algebra for neuropil.

pub mod arrays;
pub mod exponential;
pub mod linalg;
pub mod noise;
pub mod real;
pub mod rng;
pub mod simd;
pub mod stats;
