//! Is the left side wired like the right? Tests of density and of connection between groups.
//!
//! Pedigo et al., eLife 12, e83739 (2023).

use crate::data::Side;
use crate::error::DataError;
use crate::graph::Csr;
use neuropil_math::stats::adjust::{Adjustment, adjust};
use neuropil_math::stats::fisher::fisher;
use serde::Serialize;

/// Edges among possible edges of both sides, and the probability of such a difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TwoSided {
    /// Edges and possible edges on the left.
    pub left: (u64, u64),
    /// The same on the right.
    pub right: (u64, u64),
    /// Two-sided p-value.
    pub p: f64,
}

impl TwoSided {
    /// Edges per possible edge: left, right.
    pub fn densities(&self) -> (f64, f64) {
        let density = |(edges, possible): (u64, u64)| edges as f64 / possible.max(1) as f64;
        (density(self.left), density(self.right))
    }
}

/// Groups that are compared with one another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupTest {
    /// Group that sends, group that receives, and the comparison of the two sides.
    pub blocks: Vec<(String, String, TwoSided)>,
    /// Tippett's combination of all p-values: 1 − (1 − smallest)^blocks.
    pub p: f64,
    /// Blocks below 0.05 after Holm's correction.
    pub significant: usize,
}

/// The three tests.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Symmetry {
    /// Neurons: left, right.
    pub neurons: (usize, usize),
    /// Densities of the two sides, Fisher's exact test.
    pub density: TwoSided,
    /// Connection probabilities from group to group.
    pub groups: GroupTest,
    /// The same after the densities are allowed to differ by their common odds ratio.
    pub adjusted: GroupTest,
}

/// Tests whether the graph among the left neurons has the densities of that among the right neurons, self-edges left
/// out; `group` names the group of every neuron, neurons without a name are in no group.
///
/// A block without an edge on either side has p = 1.
///
/// # Errors
/// Fewer than two neurons on a side.
pub fn symmetry(graph: &Csr, sides: &[Side], group: &[String]) -> Result<Symmetry, DataError> {
    let of = |side: Side| -> Vec<usize> { (0..graph.n()).filter(|&i| sides[i] == side).collect() };
    let (left, right) = (of(Side::Left), of(Side::Right));
    if left.len() < 2 || right.len() < 2 {
        return Err(DataError::question(
            format!(
                "{} left and {} right neurons, expected two of each side or more",
                left.len(),
                right.len()
            ),
            "the column `hemisphere` of the neuron table tells the sides: L and R",
        ));
    }
    let mut names: Vec<&str> = group
        .iter()
        .map(String::as_str)
        .filter(|g| !g.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    let k = names.len();
    let place: Vec<usize> = group
        .iter()
        .map(|g| names.binary_search(&g.as_str()).unwrap_or(usize::MAX))
        .collect();
    let count = |members: &[usize]| {
        let inside: Vec<bool> = {
            let mut flags = vec![false; graph.n()];
            members.iter().for_each(|&i| flags[i] = true);
            flags
        };
        let (mut edges, mut sizes, mut total) = (vec![0u64; k * k], vec![0u64; k], 0u64);
        members
            .iter()
            .filter(|&&i| place[i] < k)
            .for_each(|&i| sizes[place[i]] += 1);
        for &i in members {
            for (j, _) in graph.row(i).filter(|e| inside[e.0] && e.0 != i) {
                total += 1;
                if place[i] < k && place[j] < k {
                    edges[place[i] * k + place[j]] += 1;
                }
            }
        }
        (edges, sizes, total)
    };
    let ((edges_l, sizes_l, all_l), (edges_r, sizes_r, all_r)) = (count(&left), count(&right));
    let cells = |n: usize| (n * (n - 1)) as u64;
    let (l, r) = ((all_l, cells(left.len())), (all_r, cells(right.len())));
    let density = TwoSided {
        left: l,
        right: r,
        p: fisher(l, r, 1.0),
    };
    let odds = |(edges, cells): (u64, u64)| edges as f64 / (cells - edges).max(1) as f64;
    let ratio = if all_l > 0 && all_r > 0 {
        odds(l) / odds(r)
    } else {
        1.0
    };
    let test = |ratio: f64| {
        let mut blocks = Vec::new();
        for from in 0..k {
            for to in 0..k {
                let cells =
                    |sizes: &[u64]| sizes[from] * sizes[to] - if from == to { sizes[from] } else { 0 };
                let l = (edges_l[from * k + to], cells(&sizes_l));
                let r = (edges_r[from * k + to], cells(&sizes_r));
                let p = fisher(l, r, ratio);
                blocks.push((
                    names[from].to_owned(),
                    names[to].to_owned(),
                    TwoSided { left: l, right: r, p },
                ));
            }
        }
        combine(blocks)
    };
    Ok(Symmetry {
        neurons: (left.len(), right.len()),
        density,
        groups: test(1.0),
        adjusted: test(ratio),
    })
}

fn combine(blocks: Vec<(String, String, TwoSided)>) -> GroupTest {
    let p: Vec<f64> = blocks.iter().map(|b| b.2.p).collect();
    let smallest = p.iter().copied().fold(1.0, f64::min);
    let holm = adjust(&p, Adjustment::Holm);
    GroupTest {
        p: -((p.len() as f64) * (-smallest).ln_1p()).exp_m1(),
        significant: holm.iter().filter(|p| **p < 0.05).count(),
        blocks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nulls::{Null, draw};
    use crate::simulate::random_graph;

    #[test]
    fn equal_sides_pass_and_a_denser_side_fails_until_it_is_adjusted() {
        let side: Vec<Side> = (0..240)
            .map(|i| if i < 120 { Side::Left } else { Side::Right })
            .collect();
        let group: Vec<String> = (0..240).map(|i| format!("g{}", i % 3)).collect();
        let one = random_graph(120, 900, 5).without_loops();
        let mirrored = |right: &Csr| {
            let (l, r) = (one.edges(), right.edges());
            let l = l.map(|(i, j, _)| (i as u32, j as u32, 1.0));
            let r = r.map(|(i, j, _)| (i as u32 + 120, j as u32 + 120, 1.0));
            Csr::from_edges(240, l.chain(r).collect())
        };
        let same = symmetry(&mirrored(&one), &side, &group).unwrap();
        assert_eq!(
            (same.density.p, same.groups.p, same.groups.significant),
            (1.0, 1.0, 0)
        );
        let denser = draw(&random_graph(120, 2200, 5), Null::Er, &[0; 120], 1, 0)
            .unwrap()
            .graph;
        let sparse = draw(&one, Null::Er, &[0; 120], 1, 0).unwrap().graph;
        let both = Csr::from_edges(
            240,
            sparse
                .edges()
                .map(|(i, j, _)| (i as u32, j as u32, 1.0))
                .chain(
                    denser
                        .edges()
                        .map(|(i, j, _)| (i as u32 + 120, j as u32 + 120, 1.0)),
                )
                .collect(),
        );
        let unlike = symmetry(&both, &side, &group).unwrap();
        assert!(unlike.density.p < 1e-10 && unlike.groups.p < 1e-3, "{unlike:?}");
        assert!(unlike.adjusted.p > 0.01, "{}", unlike.adjusted.p);
    }
}
