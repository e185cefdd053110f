//! Trial tables run in lockstep: the world of every task that is a table.

use crate::environment::Environment;
use crate::trial::{Row, Trial};
use neuropil_math::noise::NoiseLanes;
use neuropil_math::rng::{Key, Purpose};

/// Up to `L` trials, one a lane.
#[derive(Debug)]
pub struct TrialBlock<'a, const L: usize> {
    trials: Vec<&'a Trial>,
    /// Segment that is shown.
    segment: [usize; L],
    /// Segment that judges: a whole trial may be shown before anything is done in it.
    judging: [usize; L],
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
            judging: [0; L],
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

    /// What judges a lane's action at index `t`, which never goes back.
    fn judge(&mut self, lane: usize, t: usize) -> &'a Row {
        let segments = &self.trials[lane].segments;
        let judging = &mut self.judging[lane];
        while segments.get(*judging + 1).is_some_and(|next| next.start <= t) {
            *judging += 1;
        }
        &segments[*judging].row
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

    fn act(&mut self, t: usize, actions: &[usize], living: &[bool], rewards: &mut [f64], ended: &mut [bool]) {
        for lane in 0..self.trials.len() {
            if living[lane] {
                let outcome = self.judge(lane, t).outcomes[actions[lane]];
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    #[test]
    fn a_trial_that_is_shown_as_a_whole_is_judged_as_one_that_is_shown_step_by_step() {
        let task = registry::find("masse-go", None).unwrap();
        let key = Key::new(1);
        let trials: Vec<Trial> = (0..8)
            .map(|id| task.draw(&mut key.stream(Purpose::Condition, id)))
            .collect();
        let ids: Vec<u64> = (0..8).collect();
        let run = |shown_first: bool| {
            let mut block = TrialBlock::<8>::new(trials.iter().collect(), &task.noisy_inputs, key, &ids);
            let mut inputs = vec![0.0; task.n_inputs() * 8];
            if shown_first {
                (1..task.n_steps).for_each(|t| block.observe(t, &mut inputs));
            }
            let mut all = Vec::new();
            for t in 1..task.n_steps {
                if !shown_first {
                    block.observe(t, &mut inputs);
                }
                let (mut rewards, mut ended) = ([0.0; 8], [false; 8]);
                block.act(t, &[t % 2; 8], &[true; 8], &mut rewards, &mut ended);
                all.push((rewards, ended));
            }
            all
        };
        let step_by_step = run(false);
        assert_eq!(run(true), step_by_step);
        assert!(step_by_step[..9].iter().all(|(_, ended)| *ended == [false; 8]));
        assert_eq!(step_by_step.last().unwrap().1, [true; 8]);
    }
}
