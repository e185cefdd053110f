//! Continuous mode: trials that begin where the one before them ended.
//!
//! A trial that ends at index t leaves the state that one further step, with the input and noise of index t + 1,
//! takes it to. Trials then form chains. In training there is one chain, from update to update. Outside training,
//! trials are dealt to [`CHAINS`] chains that begin at x0, so that they can run side by side: what a trial gets
//! depends on its number alone.

use crate::rollout::{Draws, Rollout, step_input};
use crate::update::Workspace;
use neuropil_math::real::Real;
use neuropil_nn::network::Network;
use neuropil_tasks::environment::Environment;
use std::ops::Range;

/// Chains outside training.
pub const CHAINS: u64 = 32;

/// Blocks of trials that are run one after another, each from the states that the one before it left.
pub type Chain = Vec<Vec<u64>>;

/// Chains of `n_trials` trials in blocks of up to `lanes`; without `continuous` every block is a chain of its own.
pub(crate) fn chains(n_trials: usize, lanes: usize, continuous: bool) -> Vec<Chain> {
    let n = n_trials as u64;
    let block = |range: Range<u64>| range.start.min(n)..range.end.min(n);
    let lanes = lanes as u64;
    if !continuous {
        let starts = (0..n).step_by(lanes as usize);
        return starts
            .map(|from| vec![block(from..from + lanes).collect()])
            .collect();
    }
    let groups = (0..CHAINS.min(n)).step_by(lanes as usize);
    groups
        .map(|from| {
            let rounds = (from..n).step_by(CHAINS as usize);
            rounds
                .map(|from| block(from..from + lanes.min(CHAINS)).collect())
                .collect()
        })
        .collect()
}

/// Takes the step beyond the end of every lane's trial; returns the states there, \[state\]\[L\].
pub(crate) fn states_beyond<R: Real, const L: usize>(
    policy: &Network<R>,
    world: &mut dyn Environment,
    draws: &mut dyn Draws<R, L>,
    rollout: &mut Rollout<R, L>,
) -> Vec<R> {
    let t = rollout.n_steps();
    step_input(policy, world, draws, t, rollout);
    at_each_end(|t| rollout.history.state(t), &rollout.lengths)
}

/// State of each lane at its own index `ends[lane]`, \[state\]\[L\].
pub(crate) fn at_each_end<'a, R: Real, const L: usize>(
    state: impl Fn(usize) -> &'a [R],
    ends: &[usize; L],
) -> Vec<R> {
    let mut states = state(0).to_vec();
    for (lane, &t) in ends.iter().enumerate() {
        for (kept, at_end) in states
            .as_chunks_mut::<L>()
            .0
            .iter_mut()
            .zip(state(t).as_chunks::<L>().0)
        {
            kept[lane] = at_end[lane];
        }
    }
    states
}

/// Lane 0 of states \[state\]\[L\]: in training a chain has one trial at a time.
fn first_lane<R: Real, const L: usize>(states: &[R]) -> Vec<R> {
    states.as_chunks::<L>().0.iter().map(|lanes| lanes[0]).collect()
}

/// The same state in every lane, \[state\]\[L\].
fn in_every_lane<R: Real, const L: usize>(state: &[R]) -> Vec<R> {
    state.iter().flat_map(|&x| [x; L]).collect()
}

impl<R: Real, const L: usize> Workspace<R, L> {
    /// States that the next trial starts from, policy and value network; none before the first.
    pub fn carried(&self) -> Option<[Vec<R>; 2]> {
        let (policy, value) = (self.carried_policy.as_ref()?, self.carried_value.as_ref()?);
        Some([first_lane::<R, L>(policy), first_lane::<R, L>(value)])
    }

    /// Lets the next trial start from the given states.
    pub fn set_carried(&mut self, states: Option<&[Vec<R>; 2]>) {
        self.carried_policy = states.map(|[policy, _]| in_every_lane::<R, L>(policy));
        self.carried_value = states.map(|[_, value]| in_every_lane::<R, L>(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trial_is_in_one_place_and_follows_the_one_a_round_before() {
        for (n, lanes) in [(0, 16), (1, 8), (31, 16), (100, 16), (100, 8), (64, 32)] {
            let chains = chains(n, lanes, true);
            let mut all: Vec<u64> = chains.iter().flatten().flatten().copied().collect();
            all.sort_unstable();
            assert_eq!(all, (0..n as u64).collect::<Vec<_>>());
            for pair in chains.iter().flat_map(|chain| chain.windows(2)) {
                for (before, after) in pair[0].iter().zip(&pair[1]) {
                    assert_eq!(before + CHAINS, *after);
                }
            }
        }
        let alone = super::chains(20, 8, false);
        assert_eq!(alone.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(alone[2], [(16..20).collect::<Vec<u64>>()]);
    }
}
