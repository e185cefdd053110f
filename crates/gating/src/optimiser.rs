//! One step of learning on flat arrays: penalty, Adam, and the path of each weight, in one go over memory.
//!
//! ```text
//! G = ∂L/∂θ + 2c Ω ∘ (θ − θ̃)                      m ← β₁ m + (1 − β₁) G      v ← β₂ v + (1 − β₂) G²
//! Δ = −lr · m/(√v + ε),  ‖Δ‖ of each array ≤ clip     θ ← θ + Δ                ω ← ω − Δ ∘ ∂L/∂θ
//! ```
//! ω is that of synaptic intelligence (Zenke, Poole & Ganguli, ICML 2017): the applied update times the gradient of the
//! task's loss alone. The programs of Masse et al. (2018) depart from Adam (Kingma & Ba, ICLR 2015) in three ways, which
//! are [`Optimiser::masse2018`]: the correction of the rate is that of the first step for ever, the update of each array is
//! clipped to length 1, and the moments are forgotten after every task.

use crate::masse2018;
use crate::network::Tensor;
use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Correction of the rate for moments that began at 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Correction {
    /// √(1 − β₂ᵗ)/(1 − β₁ᵗ) at step t since the moments were 0.
    #[default]
    Standard,
    /// Its value at t = 1, whatever t is.
    Frozen,
}

/// What a step is made with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimiser {
    /// Learning rate.
    pub rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to √v.
    pub epsilon: f64,
    /// Correction of the rate.
    pub correction: Correction,
    /// Largest length of one array's update.
    pub update_clip: Option<f64>,
}

impl Optimiser {
    /// Adam as it was published.
    pub fn adam(rate: f64) -> Self {
        Self {
            rate,
            beta1: masse2018::BETA1,
            beta2: masse2018::BETA2,
            epsilon: masse2018::EPSILON,
            correction: Correction::Standard,
            update_clip: None,
        }
    }

    /// Adam as the paper's programs run it.
    pub fn masse2018(rate: f64) -> Self {
        Self {
            correction: Correction::Frozen,
            update_clip: Some(masse2018::UPDATE_CLIP),
            ..Self::adam(rate)
        }
    }

    /// The rate at step `t` ≥ 1.
    fn corrected(&self, t: u64) -> f64 {
        let t = match self.correction {
            Correction::Standard => t.min(1 << 30) as i32,
            Correction::Frozen => 1,
        };
        self.rate * (1.0 - self.beta2.powi(t)).sqrt() / (1.0 - self.beta1.powi(t))
    }
}

/// Parameters and all that is kept per parameter.
///
/// ```
/// use neuropil_gating::{network::Network, optimiser::{Learner, Optimiser}};
/// let tensors = Network::new(&[1, 1], 0).tensors();
/// let mut learner = Learner::new(vec![1.0_f64, 0.0]);
/// learner.step(&tensors, &[0.5, 0.0], &Optimiser::masse2018(0.01), 0.0);
/// assert!((learner.theta[0] - 0.99).abs() < 1e-6);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Learner<R> {
    /// Parameters θ.
    pub theta: Vec<R>,
    /// Their values θ̃ at the end of the task before.
    pub anchor: Vec<R>,
    /// Importance Ω of all tasks before.
    pub importance: Vec<R>,
    /// ω of the task at hand.
    pub path: Vec<R>,
    /// First moments.
    pub first: Vec<R>,
    /// Second moments.
    pub second: Vec<R>,
    /// The last applied update Δ.
    pub delta: Vec<R>,
    /// Steps since the moments were 0.
    pub steps: u64,
}

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stepped {
    /// c Σ Ω (θ − θ̃)² before it.
    pub penalty: f64,
    /// Arrays whose update was clipped.
    pub clipped: usize,
}

struct Constants<R> {
    rate: R,
    b1: R,
    b2: R,
    rest1: R,
    rest2: R,
    epsilon: R,
    twice_c: R,
}

/// Parameters that are taken at a time; sums are added in the order of these pieces, whoever made them.
const PIECE: usize = 1 << 13;
/// Arrays smaller than this stay on the calling thread.
const ALONE: usize = 1 << 15;
const LANES: usize = 16;

vectorised! {
    /// Moments and the update before clipping; `sums` takes Σ Δ² and Σ Ω (θ − θ̃)².
    fn propose<F>[R: Real][R](
        theta: &[R], anchor: &[R], importance: &[R], gradient: &[R], first: &mut [R], second: &mut [R], delta: &mut [R],
        k: &Constants<R>, sums: &mut [f64; 2],
    ) {
        let mut lanes = [[R::ZERO; LANES]; 2];
        let n = theta.len();
        let (anchor, importance, gradient) = (&anchor[..n], &importance[..n], &gradient[..n]);
        let (first, second, delta) = (&mut first[..n], &mut second[..n], &mut delta[..n]);
        // A macro, since a function would not be compiled for the vectors of this one.
        macro_rules! weight {
            ($i:expr, $lane:expr) => {
                let (i, lane) = ($i, $lane);
                let pull = theta[i] - anchor[i];
                let held = importance[i] * pull;
                let g = R::fma::<F>(k.twice_c, held, gradient[i]);
                first[i] = k.b1 * first[i] + k.rest1 * g;
                second[i] = k.b2 * second[i] + k.rest2 * g * g;
                delta[i] = -k.rate * first[i] / (second[i].sqrt() + k.epsilon);
                lanes[0][lane] = R::fma::<F>(delta[i], delta[i], lanes[0][lane]);
                lanes[1][lane] = R::fma::<F>(held, pull, lanes[1][lane]);
            };
        }
        let whole = n - n % LANES;
        for at in (0..whole).step_by(LANES) {
            for lane in 0..LANES {
                weight!(at + lane, lane);
            }
        }
        for i in whole..n {
            weight!(i, i - whole);
        }
        for (sum, lanes) in sums.iter_mut().zip(lanes) {
            *sum = lanes.iter().map(|lane| lane.f64()).sum();
        }
    }
}

vectorised! {
    /// Applies the update, `scale` times what was proposed, and adds to the path.
    fn apply<F>[R: Real][R](scale: R, gradient: &[R], theta: &mut [R], path: &mut [R], delta: &mut [R]) {
        let n = theta.len();
        let (gradient, path, delta) = (&gradient[..n], &mut path[..n], &mut delta[..n]);
        for i in 0..n {
            delta[i] *= scale;
            theta[i] += delta[i];
            path[i] = R::fma::<F>(-delta[i], gradient[i], path[i]);
        }
    }
}

impl<R: Real> Learner<R> {
    /// Parameters before their first task.
    pub fn new(theta: Vec<R>) -> Self {
        let zeros = || vec![R::ZERO; theta.len()];
        Self {
            anchor: theta.clone(),
            importance: zeros(),
            path: zeros(),
            first: zeros(),
            second: zeros(),
            delta: zeros(),
            steps: 0,
            theta,
        }
    }

    /// One step along `gradient`, that of the task's loss; `strength` is c.
    pub fn step(
        &mut self,
        tensors: &[Tensor],
        gradient: &[R],
        optimiser: &Optimiser,
        strength: f64,
    ) -> Stepped {
        self.steps += 1;
        let constants = Constants {
            rate: R::of(optimiser.corrected(self.steps)),
            b1: R::of(optimiser.beta1),
            b2: R::of(optimiser.beta2),
            rest1: R::of(1.0 - optimiser.beta1),
            rest2: R::of(1.0 - optimiser.beta2),
            epsilon: R::of(optimiser.epsilon),
            twice_c: R::of(2.0 * strength),
        };
        let mut stepped = Stepped::default();
        for tensor in tensors {
            let [squares, held] = self.propose(tensor, gradient, &constants);
            stepped.penalty += strength * held;
            let norm = squares.sqrt();
            let scale = match optimiser.update_clip {
                Some(clip) if norm > clip => {
                    stepped.clipped += 1;
                    clip / norm
                }
                _ => 1.0,
            };
            self.apply(tensor, gradient, R::of(scale));
        }
        stepped
    }

    fn propose(&mut self, tensor: &Tensor, gradient: &[R], constants: &Constants<R>) -> [f64; 2] {
        let range = || tensor.range.clone();
        let read = self.theta[range()]
            .par_chunks(PIECE)
            .zip(self.anchor[range()].par_chunks(PIECE));
        let read = read
            .zip(self.importance[range()].par_chunks(PIECE))
            .zip(gradient[range()].par_chunks(PIECE));
        let write = self.first[range()]
            .par_chunks_mut(PIECE)
            .zip(self.second[range()].par_chunks_mut(PIECE));
        let write = write.zip(self.delta[range()].par_chunks_mut(PIECE));
        let pieces = read
            .zip(write)
            .with_min_len(if tensor.range.len() < ALONE { ALONE } else { 1 });
        let sums: Vec<[f64; 2]> = pieces
            .map(
                |((((theta, anchor), importance), gradient), ((first, second), delta))| {
                    let mut sums = [0.0; 2];
                    propose(
                        theta, anchor, importance, gradient, first, second, delta, constants, &mut sums,
                    );
                    sums
                },
            )
            .collect();
        sums.iter()
            .fold([0.0; 2], |sum, piece| [sum[0] + piece[0], sum[1] + piece[1]])
    }

    fn apply(&mut self, tensor: &Tensor, gradient: &[R], scale: R) {
        let range = || tensor.range.clone();
        let write = self.theta[range()]
            .par_chunks_mut(PIECE)
            .zip(self.path[range()].par_chunks_mut(PIECE));
        let pieces = write
            .zip(self.delta[range()].par_chunks_mut(PIECE))
            .zip(gradient[range()].par_chunks(PIECE));
        let pieces = pieces.with_min_len(if tensor.range.len() < ALONE { ALONE } else { 1 });
        pieces.for_each(|(((theta, path), delta), gradient)| apply(scale, gradient, theta, path, delta));
    }

    /// Ends a task: what was added to the importance is kept, θ̃ ← θ, and the path, and if so asked the moments, begin anew.
    pub fn close(&mut self, added: &[R], forget_moments: bool) {
        self.importance
            .iter_mut()
            .zip(added)
            .for_each(|(importance, &added)| *importance += added);
        self.anchor.copy_from_slice(&self.theta);
        self.path.fill(R::ZERO);
        self.delta.fill(R::ZERO);
        if forget_moments {
            self.first.fill(R::ZERO);
            self.second.fill(R::ZERO);
            self.steps = 0;
        }
    }
}
