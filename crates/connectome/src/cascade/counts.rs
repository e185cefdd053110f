//! What a cascade leaves: in how many runs every neuron was active at every hop, and what is read off it.

use neuropil_math::stats::interval::{Interval, wilson};
use serde::Serialize;

/// Counts of a set of runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cascade {
    /// Runs.
    pub runs: usize,
    /// Last hop.
    pub max_hops: usize,
    /// Sources, ascending.
    pub sources: Vec<usize>,
    /// Runs in which neuron i was active at hop h: neurons × (max_hops + 1), row-major.
    #[serde(skip)]
    pub hits: Vec<u32>,
}

impl Cascade {
    /// Runs in which neuron `i` was active at hop `hop`.
    pub fn hits(&self, i: usize, hop: usize) -> u32 {
        self.hits[i * (self.max_hops + 1) + hop]
    }

    /// Runs in which neuron `i` was active at one of the hops 1..=`hops`; a neuron is active at most once.
    pub fn reached(&self, i: usize, hops: usize) -> u32 {
        let row = i * (self.max_hops + 1);
        self.hits[row + 1..=row + hops.min(self.max_hops)].iter().sum()
    }

    /// Mean number of active neurons at each hop.
    pub fn mean_active(&self) -> Vec<f64> {
        let levels = self.max_hops + 1;
        let mut sums = vec![0u64; levels];
        for row in self.hits.chunks_exact(levels) {
            row.iter()
                .zip(&mut sums)
                .for_each(|(&h, sum)| *sum += u64::from(h));
        }
        sums.iter().map(|&s| s as f64 / self.runs as f64).collect()
    }

    /// 95 % Wilson interval of the probability that neuron `i` is reached within `hops`.
    pub fn interval(&self, i: usize, hops: usize) -> Option<Interval> {
        wilson(self.reached(i, hops) as usize, self.runs, 0.95)
    }

    /// Mean over the members of each unit of the fraction of runs that reach them within `hops`.
    pub fn unit_fractions(&self, units: &[Vec<usize>], hops: usize) -> Vec<f64> {
        let of = |unit: &Vec<usize>| {
            let sum: u64 = unit.iter().map(|&i| u64::from(self.reached(i, hops))).sum();
            sum as f64 / (unit.len() * self.runs) as f64
        };
        units.iter().map(of).collect()
    }

    /// Neurons downstream: members of units that are reached in at least `fraction` of the runs within `hops`.
    pub fn downstream(&self, units: &[Vec<usize>], fraction: f64, hops: usize) -> Vec<usize> {
        let fractions = self.unit_fractions(units, hops);
        let chosen = units.iter().zip(fractions).filter(|(_, f)| *f >= fraction);
        let mut members: Vec<usize> = chosen.flat_map(|(unit, _)| unit.iter().copied()).collect();
        members.sort_unstable();
        members
    }

    /// Median hop at which neuron `i` is active, hop 0 left out; `None` when it never is.
    pub fn median_hop(&self, i: usize) -> Option<f64> {
        let total = self.reached(i, self.max_hops);
        let at = |rank: u32| {
            let mut sum = 0;
            (1..=self.max_hops).find(|&h| {
                sum += self.hits(i, h);
                sum > rank
            })
        };
        let (low, high) = (at(total.checked_sub(1)? / 2)?, at(total / 2)?);
        Some((low + high) as f64 / 2.0)
    }
}
