//! Trial tables run in lockstep: the world of every task that is a table.

use crate::environment::Environment;
use crate::trial::{Row, Trial};
use neuropil_math::noise::NoiseLanes;
use neuropil_math::rng::{Key, Purpose};
use std::sync::Arc;

/// Up to `L` trials, one a lane.
#[derive(Debug)]
pub struct TrialBlock<'a, const L: usize> {
    trials: Vec<&'a Trial>,
    segment: [usize; L],
    /// Step at which the lane's row changes next.
    next: [usize; L],
    /// Mean and noise of each input now, \[input\]\[L\].
    mean: Vec<[f64; L]>,
    sd: Vec<[f64; L]>,
    noisy: &'a [usize],
    /// First event of each lane that is still to come.
    pulse: [usize; L],
    /// Epochs in which each action has counted once, \[lane\]\[action\] as bits.
    spent: Vec<Vec<u64>>,
    noise: NoiseLanes<L>,
    draws: Vec<f32>,
}

impl<'a, const L: usize> TrialBlock<'a, L> {
    /// The given trials; `ids` name their noise streams under `key`, `noisy` the inputs that ever have noise.
    ///
    /// # Panics
    /// With no trial, or more than `L`.
    pub fn new(trials: Vec<&'a Trial>, noisy: &'a [usize], key: Key, ids: &[u64]) -> Self {
        assert!(
            !trials.is_empty() && trials.len() <= L,
            "{} trials in {L} lanes",
            trials.len()
        );
        let n_inputs = trials[0].row_at(0).inputs.len();
        let mut block = Self {
            segment: [0; L],
            next: [usize::MAX; L],
            mean: vec![[0.0; L]; n_inputs],
            sd: vec![[0.0; L]; n_inputs],
            noisy,
            pulse: [0; L],
            spent: vec![vec![0; trials[0].row_at(0).outcomes.len()]; trials.len()],
            noise: NoiseLanes::new(key, Purpose::InputNoise, ids),
            draws: vec![0.0; noisy.len() * L],
            trials,
        };
        for lane in 0..block.trials.len() {
            block.enter(lane, 0);
        }
        block
    }

    fn enter(&mut self, lane: usize, segment: usize) {
        let trial = self.trials[lane];
        let row = &trial.segments[segment].row;
        for (mean, &input) in self.mean.iter_mut().zip(&row.inputs) {
            mean[lane] = input;
        }
        for (sd, &noise) in self.sd.iter_mut().zip(&row.noise_sd) {
            sd[lane] = noise;
        }
        self.segment[lane] = segment;
        self.next[lane] = trial
            .segments
            .get(segment + 1)
            .map_or(usize::MAX, |segment| segment.start);
    }

    fn row(&self, lane: usize) -> &Arc<Row> {
        &self.trials[lane].segments[self.segment[lane]].row
    }
}

impl<const L: usize> Environment for TrialBlock<'_, L> {
    fn observe(&mut self, t: usize, inputs: &mut [f64]) {
        for lane in 0..self.trials.len() {
            if t >= self.next[lane] {
                self.enter(lane, self.segment[lane] + 1);
            }
        }
        if self.trials.iter().all(|trial| t >= trial.n_steps) {
            inputs.fill(0.0); // beyond the last index nothing is shown: continuous mode looks a step ahead
            return;
        }
        let rows = inputs.as_chunks_mut::<L>().0;
        rows.copy_from_slice(&self.mean);
        for (lane, trial) in self.trials.iter().enumerate() {
            while let Some(pulse) = trial.pulses.get(self.pulse[lane]).filter(|pulse| pulse.step <= t) {
                if pulse.step == t {
                    rows[pulse.input][lane] += pulse.size;
                }
                self.pulse[lane] += 1;
            }
        }
        self.noise.fill_normal(1.0, &mut self.draws);
        for (&input, draws) in self.noisy.iter().zip(self.draws.as_chunks::<L>().0) {
            for l in 0..L {
                rows[input][l] += self.sd[input][l] * f64::from(draws[l]);
            }
        }
    }

    fn act(&mut self, _: usize, actions: &[usize], living: &[bool], rewards: &mut [f64], ended: &mut [bool]) {
        for lane in 0..self.trials.len() {
            if living[lane] {
                let outcome = self.row(lane).outcomes[actions[lane]];
                if let Some(epoch) = outcome.once_in {
                    let spent = &mut self.spent[lane][actions[lane]];
                    if *spent >> epoch & 1 == 1 {
                        (rewards[lane], ended[lane]) = (0.0, false);
                        continue;
                    }
                    *spent |= 1 << epoch;
                }
                rewards[lane] = outcome.reward;
                ended[lane] = outcome.ends;
            }
        }
    }
}
