//! Where the draws of an update come from.

use crate::rollout::{Draws, Keyed};
use neuropil_math::noise::NoiseLanes;
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};

/// Where the draws of an update come from.
pub trait Randomness<R, const L: usize>: Sync {
    /// Noise and action draws of the policy for the given trials.
    fn policy(&self, trials: &[u64]) -> Box<dyn Draws<R, L> + '_>;
    /// Noise of the value network.
    fn value(&self) -> Box<dyn SeatedNoise<R> + Send + '_>;
}

/// Noise of lanes in which trials follow one another.
pub trait SeatedNoise<R> {
    /// From now on `lane` draws for `trial`, from the trial's first step.
    fn seat(&mut self, lane: usize, trial: u64);
    /// Fills \[unit\]\[L\] with the noise of every lane's next step.
    fn fill(&mut self, noise: &mut [R]);
}

/// Draws from the streams of each trial under `key`.
#[derive(Clone, Copy, Debug)]
pub struct KeyedRandomness {
    /// Names the streams.
    pub key: Key,
    /// Standard deviation of the policy's recurrent noise.
    pub policy_noise_sd: f64,
    /// Standard deviation of the value network's recurrent noise.
    pub value_noise_sd: f64,
}

impl<R: Real, const L: usize> Randomness<R, L> for KeyedRandomness {
    fn policy(&self, trials: &[u64]) -> Box<dyn Draws<R, L> + '_> {
        Box::new(Keyed::<L>::new(self.key, trials, self.policy_noise_sd))
    }

    fn value(&self) -> Box<dyn SeatedNoise<R> + Send + '_> {
        Box::new(KeyedValueNoise::<L> {
            key: self.key,
            lanes: NoiseLanes::new(self.key, Purpose::ValueNoise, &[]),
            sd: self.value_noise_sd,
        })
    }
}

struct KeyedValueNoise<const L: usize> {
    key: Key,
    lanes: NoiseLanes<L>,
    sd: f64,
}

impl<R: Real, const L: usize> SeatedNoise<R> for KeyedValueNoise<L> {
    fn seat(&mut self, lane: usize, trial: u64) {
        self.lanes.seat(lane, self.key, Purpose::ValueNoise, trial);
    }

    fn fill(&mut self, noise: &mut [R]) {
        self.lanes.fill_normal(self.sd, noise);
    }
}
