//! Every constant of Masse, Grant & Freedman, PNAS 115:E10467 (2018), its supporting information and its programs.

/// Fraction of the hidden units that a task may not use: permuted images, ImageNet-32 and the twenty cognitive tasks.
pub const GATED: f64 = 0.8;
/// The same for CIFAR-100.
pub const GATED_CIFAR: f64 = 0.75;
/// Value of half of the gates under partial gating; the others are 1.
pub const PARTIAL: f32 = 0.5;
/// Sub-networks of the split network.
pub const PARTS: usize = 5;
/// Hidden units of the network for permuted images.
pub const HIDDEN: [usize; 2] = [2000, 2000];
/// Hidden units of the split network with as many parameters in use.
pub const HIDDEN_SPLIT: [usize; 2] = [3665, 3665];
/// Probability that an input is kept in training (permuted images).
pub const INPUT_KEEP: f64 = 0.8;
/// Probability that a hidden unit is kept in training.
pub const HIDDEN_KEEP: f64 = 0.5;
/// Learning rate, images and supervised recurrent networks.
pub const RATE: f64 = 1e-3;
/// Learning rate, recurrent networks taught by reward.
pub const RATE_REWARD: f64 = 5e-4;
/// Decay of the first moment.
pub const BETA1: f64 = 0.9;
/// Decay of the second moment.
pub const BETA2: f64 = 0.999;
/// Added to the root of the second moment.
pub const EPSILON: f64 = 1e-8;
/// Largest length of one array's update.
pub const UPDATE_CLIP: f64 = 1.0;
/// Examples, or trials, of a batch.
pub const BATCH: usize = 256;
/// Batches of a permuted task.
pub const BATCHES: usize = 3906;
/// ξ of synaptic intelligence, images and reward.
pub const XI: f64 = 0.01;
/// ξ of synaptic intelligence, recurrent networks with a teacher.
pub const XI_RECURRENT: f64 = 0.001;
/// Strength c of synaptic intelligence beside gating (permuted images).
pub const STRENGTH_SI_GATED: f64 = 0.035;
/// Strength c of synaptic intelligence alone (permuted images; with a rule signal).
pub const STRENGTH_SI: f64 = 0.1;
/// Strength c of elastic weight consolidation beside gating.
pub const STRENGTH_EWC_GATED: f64 = 10.0;
/// Strength c of elastic weight consolidation alone.
pub const STRENGTH_EWC: f64 = 1000.0;
/// Strength c of the recurrent networks, with a teacher and by reward.
pub const STRENGTH_RECURRENT: [f64; 2] = [2.0, 0.1];
/// Examples from which the Fisher information is estimated.
pub const FISHER_SAMPLES: usize = 8192;
/// Added to a probability before its logarithm is taken, in the Fisher information.
pub const FISHER_FLOOR: f64 = 1e-6;

/// Channels of the four convolutions of the front end.
pub const FRONT_CHANNELS: [usize; 4] = [32, 32, 64, 64];
/// Rows and columns of their kernels.
pub const FRONT_KERNEL: usize = 3;

/// The twenty cognitive tasks.
pub mod cognitive {
    /// Length of a step, ms.
    pub const STEP_MS: usize = 20;
    /// Steps of every trial.
    pub const STEPS: usize = 100;
    /// Steps at the beginning that count for nothing.
    pub const DEAD: usize = 10;
    /// Units of a ring.
    pub const RING: usize = 32;
    /// Rings.
    pub const RINGS: usize = 2;
    /// Units of the fixation cue.
    pub const FIXATION: usize = 4;
    /// Height of tuning curves, of the fixation cue, of the rule signal.
    pub const HEIGHT: f64 = 4.0;
    /// Width of tuning curves: σ = π/8.
    pub const WIDTH: f64 = std::f64::consts::PI / 8.0;
    /// Directions to choose among.
    pub const DIRECTIONS: usize = 8;
    /// Delays and durations, steps.
    pub const DELAYS: [usize; 3] = [10, 20, 40];
    /// Coherences.
    pub const COHERENCES: [f64; 6] = [-0.4, -0.2, -0.1, 0.1, 0.2, 0.4];
    /// Mean strength of two stimuli: lower end and width of its range.
    pub const GAMMA: [f64; 2] = [0.8, 0.4];
    /// Units of the recurrent network.
    pub const UNITS: usize = 256;
    /// Initial weights are uniform on ± this.
    pub const INITIAL: f64 = 0.05;
    /// Batches of a task, with a teacher.
    pub const BATCHES: usize = 6000;
    /// Most batches of a task, by reward.
    pub const BATCHES_REWARD: usize = 50_000;
    /// Costs of values and of certainty, by reward.
    pub const VALUE_COST: f64 = 0.01;
    /// Weight of the entropy of the policy.
    pub const ENTROPY_COST: f64 = 0.001;
    /// Added to a probability before its logarithm is taken, by reward.
    pub const LOG_FLOOR: f64 = 1e-7;
    /// Batches over which the fraction of correct trials is averaged, and above which mean a task counts as learnt.
    pub const WINDOW: usize = 2000;
    /// See [`WINDOW`].
    pub const ENOUGH: f64 = 0.985;
    /// Time constant of the excitatory and inhibitory units, ms.
    pub const TAU_MS: f64 = 100.0;
    /// Fraction of the units that excite.
    pub const EXCITATORY: f64 = 0.8;
    /// Time constants of facilitating synapses, ms: recovery of release, of resources; depressing ones have them swapped.
    pub const SLOW_FAST_MS: [f64; 2] = [1500.0, 200.0];
    /// Release at rest of facilitating and of depressing synapses.
    pub const RELEASE: [f64; 2] = [0.15, 0.45];
    /// Rate of these units before the first step.
    pub const INITIAL_RATE: f64 = 0.1;
    /// Standard deviation of their noise at rest.
    pub const NOISE: f64 = 0.05;
    /// Shape of the gamma distribution of their initial weights; the scale is [`INITIAL`].
    pub const GAMMA_SHAPE: f64 = 0.25;
}
