//! The constants of the paper, and of the code that made its figures, in one place.
//!
//! Fang C, Aronov D, Abbott LF, Mackevicius EL (2023) Neural learning rules for generating flexible predictions and
//! computing the successor representation. eLife 12:e80680, doi 10.7554/eLife.80680.

/// Steps of a walk per second.
pub const STEPS_PER_SECOND: f64 = 3.0;
/// Side of one spatial bin, cm.
pub const BIN_CM: f64 = 5.0;
/// Side of the birds' arena, cm.
pub const BOX_CM: f64 = 70.0;
/// Gain during learning.
pub const BASELINE_GAIN: f64 = 0.4;
/// Gain at which a long horizon is read out.
pub const RETRIEVAL_GAIN: f64 = 0.9;

/// Forgetting factor λ of the activity counts.
pub const COUNT_FORGETTING: f64 = 0.99999;
/// Activity count before anything was seen.
pub const COUNT_START: f64 = 1e-4;
/// Smallest adaptive learning rate.
pub const LEAST_RATE: f64 = 1e-3;
/// Activity that plasticity sees is held within ± this.
pub const ACTIVITY_CLAMP: f64 = 10.0;
/// Activity in the feature network stops here instead of overflowing.
pub const FEATURE_ACTIVITY_LIMIT: f64 = 1e30;
/// The iterated networks go on until γᵏ falls below this.
pub const SETTLED: f64 = 1e-5;
/// Added to the row sums of transition counts before they divide.
pub const COUNT_EPSILON: f64 = 1e-5;

/// Past activities that the traces of a plasticity kernel look back on.
pub const KERNEL_HISTORY: usize = 20;
/// Time constants of potentiation in the fit of kernels: from, to, step (time steps).
pub const TAU_POSITIVE: (f64, f64, f64) = (0.2, 3.4, 0.2);
/// Time constants of the other side of the kernel: from, to, step (time steps).
pub const TAU_NEGATIVE: (f64, f64, f64) = (0.2, 2.4, 0.2);
/// Kernels potentiating on both sides are fitted up to this time constant of the second side.
pub const TAU_NEGATIVE_POTENTIATING: f64 = 1.0;
/// Generations of one search for a kernel.
pub const KERNEL_GENERATIONS: usize = 401;
/// Searches started anew at most.
pub const KERNEL_RESTARTS: usize = 20;
/// A search ends below this loss.
pub const KERNEL_LOSS: f64 = 1e-5;
/// Walks that the loss of a kernel is averaged over.
pub const KERNEL_WALKS: usize = 5;
/// First step size of the search.
pub const KERNEL_SIGMA: f64 = 0.3;
/// The loss of a cell is the mean over this many last generations.
pub const KERNEL_RUNNING: usize = 50;
/// Lengths of the walks that kernels are fitted to, steps.
pub const KERNEL_STEPS: [usize; 4] = [3, 10, 20, 30];
/// Weights (left, right, stay) of the walks that kernels are fitted to.
pub const KERNEL_BIASES: [[f64; 3]; 4] = [[1.0, 1.0, 1.0], [7.0, 1.0, 1.0], [1.0, 1.0, 5.0], [1.0, 7.0, 0.0]];
/// Numbers of states of the rings that kernels are fitted to.
pub const KERNEL_STATES: [usize; 4] = [5, 10, 15, 25];

/// Learning rates tried for each feature network; the one with the least temporal-difference loss is kept.
pub const FEATURE_RATES: [f64; 4] = [5e-3, 1e-3, 5e-4, 1e-4];
/// Kernel radius of the blur, in units of its σ.
pub const BLUR_TRUNCATE: f64 = 1.0;
/// Steps of a walk in the parameter grids of Figs 5 and 6.
pub const GRID_STEPS: usize = 5001;
/// Bins per side of the arena of Figs 5 and 6.
pub const ARENA_SIDE: usize = 14;
/// Blur σ in bins and the largest initial sparsity p of the parameter grid; the smallest is [`GRID_LEAST_P`].
pub const GRID: [(f64, f64); 13] = [
    (0.0, 0.2),
    (0.25, 0.19),
    (0.5, 0.15),
    (1.0, 0.1),
    (1.25, 0.09),
    (1.5, 0.05),
    (1.75, 0.045),
    (2.0, 0.04),
    (2.25, 0.037),
    (2.5, 0.03),
    (2.75, 0.025),
    (3.0, 0.023),
    (3.25, 0.021),
];
/// Divergences of the parameter grid count up to this many bits.
pub const MOST_BITS: f64 = 10.0;
/// Smallest initial sparsity of the grid.
pub const GRID_LEAST_P: f64 = 0.001;
/// Sparsities per blur.
pub const GRID_POINTS: usize = 20;

/// Share of an arena that the smoothing window of rate maps covers.
pub const SMOOTHING_RATIO: f64 = 0.12;
/// Smallest place field, as a share of the arena (Henriksen et al., Neuron 68, 127, 2010).
pub const LEAST_FIELD: f64 = 0.00716;
/// Circular shifts of the activity.
pub const SHUFFLES: usize = 40;
/// Share of the shuffles that a bin of a field must exceed.
pub const SHUFFLE_LEVEL: f64 = 0.99;

/// Place cells of titmice with 1, 2, 3, 4, and 5 or more fields (Payne, Lynch & Aronov, Science 373, 343, 2021).
pub const BIRD_FIELD_NUMBERS: [f64; 5] = [0.5917, 0.2664, 0.1003, 0.0381, 0.0035];
/// Shape of the gamma law of the birds' field sizes (share of the arena), location 0.
pub const BIRD_SIZE_SHAPE: f64 = 1.12048;
/// Scale of the same law.
pub const BIRD_SIZE_SCALE: f64 = 0.067_097;
/// Added to the probabilities of field numbers in comparisons of halves of the data.
pub const SPLIT_EPSILON: f64 = 1e-5;
/// Backward shift of place fields on a track, cm (Mehta, Quirk & Wilson, Neuron 25, 707, 2000).
pub const MEHTA_SHIFT_CM: f64 = 5.5;

/// A stop of at least this many samples in one bin is one sample.
pub const LONGEST_STOP: usize = 15;
/// Bins with fewer samples than this count as unexplored.
pub const LEAST_SAMPLES: usize = 3;
/// Share of the bins that may be unexplored: 30 of 196.
pub const UNEXPLORED: f64 = 30.0 / 196.0;
