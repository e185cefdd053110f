//! Seating trials of known lengths in lanes.
//!
//! A block of lanes runs as long as its longest lane. Trials may follow one another in a lane, each from its own
//! start, so that a few short ones fill up the lanes of a block instead of opening another.

/// Where a trial sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Block.
    pub(crate) block: usize,
    /// Lane of the block.
    pub(crate) lane: usize,
    /// Steps of the trials before it in the lane.
    pub(crate) start: usize,
}

/// Longest lane, in steps, where no trial takes more than `n_steps`.
///
/// A block is run by one thread at a time: longer lanes would do less work, but keep other threads waiting.
pub(crate) fn capacity(n_steps: usize) -> usize {
    n_steps + n_steps / 4
}

/// Seats trials with the given lengths, longest first, in blocks of `n_lanes`.
///
/// Of all numbers of blocks, takes the one with the least steps over all blocks; for a given number, each trial
/// goes to the shortest lane so far (Graham, SIAM J. Appl. Math. 17, 416 (1969)). Longer lanes come first.
pub(crate) fn seat(lengths: &[usize], n_lanes: usize) -> Vec<Place> {
    debug_assert!(lengths.is_sorted_by(|a, b| a >= b));
    let most = lengths.len().div_ceil(n_lanes);
    let allowed = capacity(lengths.first().copied().unwrap_or(0));
    let candidates = (1..=most).rev().map(|n_blocks| fill(lengths, n_lanes, n_blocks));
    let fitting = candidates
        .enumerate()
        .filter(|(i, (_, cost, longest))| *i == 0 || (*longest <= allowed && *cost > 0));
    fitting
        .min_by_key(|(_, (_, cost, _))| *cost)
        .map_or_else(Vec::new, |(_, (places, ..))| places)
}

/// Places, steps over all blocks, and longest lane with `n_blocks` blocks.
fn fill(lengths: &[usize], n_lanes: usize, n_blocks: usize) -> (Vec<Place>, usize, usize) {
    let mut totals = vec![0; n_lanes * n_blocks];
    let mut seats: Vec<(usize, usize)> = Vec::with_capacity(lengths.len());
    for length in lengths {
        let lane = (0..totals.len()).min_by_key(|&lane| totals[lane]).unwrap_or(0);
        seats.push((lane, totals[lane]));
        totals[lane] += length;
    }
    let mut order: Vec<usize> = (0..totals.len()).collect();
    order.sort_by_key(|&lane| std::cmp::Reverse(totals[lane]));
    let mut rank = vec![0; totals.len()];
    for (place, &lane) in order.iter().enumerate() {
        rank[lane] = place;
    }
    let places = seats.into_iter().map(|(lane, start)| Place {
        block: rank[lane] / n_lanes,
        lane: rank[lane] % n_lanes,
        start,
    });
    let cost = order.iter().step_by(n_lanes).map(|&lane| totals[lane]).sum();
    (places.collect(), cost, totals[order[0]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_trials_fill_up_a_block_instead_of_opening_another() {
        let places = seat(&[100, 90, 80, 30, 20, 10], 4);
        assert!(places.iter().all(|place| place.block == 0));
        assert_eq!(
            places[4],
            Place {
                block: 0,
                lane: 3,
                start: 30
            }
        );
        assert_eq!(
            places[5],
            Place {
                block: 0,
                lane: 3,
                start: 50
            }
        );
    }

    #[test]
    fn trials_of_one_length_are_not_queued() {
        assert!(seat(&[50; 10], 8).iter().all(|place| place.start == 0));
    }

    proptest! {
        #[test]
        fn every_trial_has_its_own_steps_and_no_lane_is_too_long(
            mut lengths in prop::collection::vec(1_usize..60, 1..40), n_lanes in 1_usize..9,
        ) {
            lengths.sort_by_key(|&n| std::cmp::Reverse(n));
            let places = seat(&lengths, n_lanes);
            prop_assert_eq!(places.len(), lengths.len());
            let mut taken = std::collections::HashSet::new();
            for (place, &n) in places.iter().zip(&lengths) {
                prop_assert!(place.lane < n_lanes && place.block < lengths.len().div_ceil(n_lanes));
                prop_assert!(place.start + n <= capacity(lengths[0]));
                for t in place.start..place.start + n {
                    prop_assert!(taken.insert((place.block, place.lane, t)));
                }
            }
            // Within a block, lanes go from long to short; so do blocks.
            let mut totals = vec![0; lengths.len().div_ceil(n_lanes) * n_lanes];
            for (place, &n) in places.iter().zip(&lengths) {
                totals[place.block * n_lanes + place.lane] += n;
            }
            prop_assert!(totals.is_sorted_by(|a, b| a >= b));
        }
    }
}
