//! Permulations of continuous traits (Saputra et al. 2021, Mol. Biol. Evol. 38, 3004).
//!
//! A trait evolves along the tree; the species with the k-th smallest simulated value gets the k-th smallest observed
//! one. Values belong to species throughout: the permuted trait of a species meets the prediction of the same species.

use neuropil_math::simd::vectorised;

use super::permuted::{Evolution, LANES, key_of, ordered};
use super::tally::Tally;
use crate::tree::{NONE, Tree};

type Lane = [f64; LANES];

/// One join of the walk: what the child adds to its parent.
#[derive(Clone, Copy, Debug)]
struct Join {
    child: usize,
    parent: usize,
    /// Weight of the child in the parent's estimate.
    share: f64,
    /// Weight of the contrast's square.
    weight: f64,
    /// Contrast of the predictions times the weight.
    x: f64,
}

/// The regression of one region with everything done that does not depend on the trait.
pub(super) struct Prepared<'a> {
    tree: &'a Tree,
    joins: Vec<Join>,
    xx: f64,
    sorted: Vec<f64>,
    observed: f64,
    order: Vec<u64>,
    y: Vec<Lane>,
    key: neuropil_math::rng::Key,
}

impl<'a> Prepared<'a> {
    /// `x` and `y` are in the order of the tips of `tree`, which holds the region's species alone.
    pub(super) fn new(tree: &'a Tree, x: &[f64], y: &[f64], seed: u64, region: &str) -> Self {
        let n = tree.n_nodes();
        let mut p = vec![0.0_f64; n];
        let mut at = vec![0.0; n];
        let mut joins = Vec::with_capacity(n);
        let mut xx = 0.0;
        for v in 0..n {
            let (parent, tip) = (tree.parents()[v], tree.tip_of()[v]);
            if parent == NONE {
                break;
            }
            let child = if tip == NONE {
                p[v] / (1.0 + tree.lengths()[v] * p[v])
            } else {
                at[v] = x[tip];
                1.0 / tree.lengths()[v].max(1e-200)
            };
            let sum = p[parent] + child;
            let share = child / sum;
            let weight = p[parent] * share;
            let dx = at[v] - at[parent];
            joins.push(Join {
                child: v,
                parent,
                share,
                weight,
                x: weight * dx,
            });
            xx += weight * dx * dx;
            at[parent] += share * dx;
            p[parent] = sum;
        }
        let mut sorted = y.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut prepared = Self {
            tree,
            joins,
            xx,
            sorted,
            observed: 0.0,
            order: vec![0; tree.n_tips()],
            y: vec![[0.0; LANES]; n],
            key: key_of(seed, region),
        };
        for (tip, &node) in tree.tips().iter().enumerate() {
            prepared.y[node] = [y[tip]; LANES];
        }
        prepared.observed = prepared.statistics()[0];
        prepared
    }

    /// Signed statistic of every lane's trait, slope² over residual: it grows with |t|, and has the slope's sign.
    fn statistics(&mut self) -> Lane {
        let (mut xy, mut yy) = ([0.0; LANES], [0.0; LANES]);
        for v in 0..self.y.len() {
            if self.tree.tip_of()[v] == NONE {
                self.y[v] = [0.0; LANES];
            }
        }
        walk(&self.joins, &mut self.y, &mut xy, &mut yy);
        std::array::from_fn(|l| {
            let explained = xy[l] * xy[l] / self.xx;
            let residual = (yy[l] - explained).max(0.0);
            xy[l].signum() * explained / residual.max(f64::MIN_POSITIVE)
        })
    }

    /// Permulations from number `tally.drawn` on, until `target` of them count.
    pub(super) fn run(&mut self, tally: &mut Tally, target: u64, conditional: bool) {
        let mut evolution = Evolution::new(self.tree, self.key);
        // Equal but for rounding counts as equal.
        let threshold = self.observed.abs() * (1.0 - 1e-11);
        while tally.counting < target {
            let first = tally.drawn;
            (0..LANES).for_each(|l| evolution.seat(l, first + l as u64));
            evolution.draw();
            for l in 0..LANES {
                for (tip, (key, values)) in self.order.iter_mut().zip(&evolution.values).enumerate() {
                    *key = u64::from(ordered(values[l])) << 32 | tip as u64;
                }
                self.order.sort_unstable();
                for (rank, key) in self.order.iter().enumerate() {
                    let tip = (key & 0xffff_ffff) as usize;
                    self.y[self.tree.tips()[tip]][l] = self.sorted[rank];
                }
            }
            for statistic in self.statistics() {
                if tally.counting == target {
                    break;
                }
                tally.drawn += 1;
                let same = statistic * self.observed > 0.0;
                if same || !conditional {
                    tally.counting += 1;
                    tally.exceeding += u64::from(same && statistic.abs() >= threshold);
                }
            }
        }
    }
}

vectorised! {
    fn walk<F>[][](joins: &[Join], y: &mut [Lane], xy: &mut Lane, yy: &mut Lane) {
        for join in joins {
            let child = y[join.child];
            let parent = &mut y[join.parent];
            for l in 0..LANES {
                let dy = child[l] - parent[l];
                parent[l] += join.share * dy;
                xy[l] += join.x * dy;
                yy[l] += join.weight * dy * dy;
            }
        }
    }
}
