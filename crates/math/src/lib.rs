//! Random streams, statistics and linear algebra for neuropil.

pub mod arrays;
pub mod exponential;
pub mod linalg;
pub mod linkage;
pub mod noise;
pub mod procrustes;
pub mod real;
pub mod rng;
pub mod simd;
pub mod sparse;
pub mod stats;
pub mod svd;
