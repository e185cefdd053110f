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

/// Largest roll about the body axis of a semi-synthetic worm to either side, radians: ±81°.
pub const SYNTH_ROLL: f64 = 0.45 * std::f64::consts::PI;
/// Largest entry of the shears of a semi-synthetic worm.
pub const SYNTH_SHEAR: f64 = 0.1;
/// Largest change of scale of an axis.
pub const SYNTH_SCALE: f64 = 0.05;
/// Smallest and largest share of points that are removed, and of which points are added.
pub const SYNTH_SHARE: (f64, f64) = (0.05, 0.25);
/// Bound of the number of points that are added.
pub const SYNTH_ADDED: f64 = 20.0;
/// Box in which points are added, straightened frame, camera units: lower and upper corner.
pub const SYNTH_BOX: ([f64; 3], [f64; 3]) = ([-50.0, -60.0, -60.0], [250.0, 60.0, 60.0]);
/// Distance in x and y that an added point keeps from every neuron, camera units.
pub const SYNTH_APART: f64 = 5.0;
/// Halvings of the learning rate, the last of which ends the training, and checks without improvement before each.
pub const HALVINGS: (u64, u64) = (10, 5);
/// Updates between two checks.
pub const CHECK_EVERY: u64 = 500;
