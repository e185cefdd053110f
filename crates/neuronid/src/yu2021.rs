//! Every constant of Yu, Creamer, Randi, Sharma, Linderman & Leifer, eLife 10:e66410 (2021), and of the published
//! program, in one place.

/// Micrometres of one unit of the camera.
pub const CAMERA_UM: f64 = 0.42;
/// Camera units of one unit of the network: a head spans about one.
pub const NETWORK_CAMERA: f64 = 200.0;
/// Micrometres of one unit of the network.
pub const NETWORK_UM: f64 = CAMERA_UM * NETWORK_CAMERA;

/// Features of a neuron, d.
pub const WIDTH: usize = 128;
/// Layers of the encoder.
pub const LAYERS: usize = 6;
/// Heads of a layer.
pub const HEADS: usize = 8;
/// Units of the feed-forward part of a layer.
pub const HIDDEN: usize = 2048;
/// Rate of dropout.
pub const DROPOUT: f64 = 0.1;

/// Weight of the entropy of neurons without a partner.
pub const ENTROPY_WEIGHT: f64 = 0.1;
/// Learning rate of Adam.
pub const LEARNING_RATE: f64 = 2e-4;
/// Largest length of a gradient.
pub const MAX_NORM: f64 = 1.0;
/// Share of the batch in the running statistics of the embedding.
pub const MOMENTUM: f64 = 0.1;
/// Worms of a batch.
pub const BATCH: usize = 64;

/// Weight of colour beside the network's log-probability.
pub const COLOUR_WEIGHT: f64 = 60.0;
/// Shares of a colour below this count as this.
pub const COLOUR_FLOOR: f64 = 1e-5;
/// Copies of the outlier column when a recording is tracked, and when a figure of tracks is drawn.
pub const OUTLIER_COPIES: (usize, usize) = (5, 20);

/// Weight of the uniform component of coherent point drift.
pub const CPD_OUTLIERS: f64 = 0.1;
/// Stiffness λ of the nonrigid drift.
pub const CPD_LAMBDA: f64 = 4000.0;
/// Width β of the nonrigid drift, in units of the network.
pub const CPD_BETA: f64 = 0.25;
/// Iterations and variance at which the nonrigid drift ends.
pub const CPD_STOP: (usize, f64) = (150, 1e-5);
/// Iterations and variance at which the rigid drift ends.
pub const CPD_RIGID_STOP: (usize, f64) = (250, 1e-7);

/// Points of a body line.
pub const LINE_POINTS: usize = 100;
/// Length over which a body line is smoothed and its ends are straight, camera units.
pub const LINE_WINDOW: f64 = 20.0;
