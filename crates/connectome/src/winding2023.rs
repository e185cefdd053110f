//! The constants of Winding et al. 2023, which are the defaults.

/// Probability that one synapse transmits.
pub const P: f64 = 0.05;
/// Last hop of a cascade.
pub const MAX_HOPS: usize = 8;
/// Runs of a cascade.
pub const RUNS: usize = 1000;
/// Hops within which a sense reaches a neuron.
pub const INTEGRATION_HOPS: usize = 8;
/// Hops within which units are recurrent.
pub const RECURRENCE_HOPS: usize = 5;
/// Hops of feedforward and feedback signal between groups.
pub const DIRECTION_HOPS: usize = 2;
/// Runs of feedforward and feedback signal between groups.
pub const DIRECTION_RUNS: usize = 100;
/// Fraction of the input of a neuron's compartment that makes an edge strong.
pub const INPUT_FRACTION: f64 = 0.01;
/// Partners from which a neuron is a hub.
pub const HUB_DEGREE: f64 = 20.0;
/// Layers from the senses.
pub const LAYERS: usize = 4;
/// Longest path that is counted, edges.
pub const PATH_CUTOFF: usize = 5;
/// Dimensions of the embedding that are clustered.
pub const DIMENSIONS: usize = 10;
/// Clusters of fewer neurons are not split.
pub const MIN_SPLIT: usize = 32;
/// Deepest level of the clusters.
pub const LEVELS: usize = 8;
