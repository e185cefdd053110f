//! Is the left side wired like the right? Tests of density and of connection between groups.
//!
//! Pedigo et al., eLife 12, e83739 (2023).

use crate::data::Side;
use crate::error::DataError;
use crate::graph::Csr;
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
    let mut p: Vec<f64> = blocks.iter().map(|b| b.2.p).collect();
    p.sort_by(f64::total_cmp);
    let n = p.len();
    let holm = p
        .iter()
        .enumerate()
        .take_while(|(k, p)| **p * ((n - k) as f64) < 0.05);
    let smallest = p.first().copied().unwrap_or(1.0);
    GroupTest {
        p: -((n as f64) * (-smallest).ln_1p()).exp_m1(),
        significant: holm.count(),
        blocks,
    }
}

/// Two-sided exact test of two proportions: the summed probability of all tables with the same margins that are at
/// most as probable as this one, when the odds of the left are `ratio` times those of the right.
///
/// Fisher's exact test for ratio 1, else with the noncentral hypergeometric law.
///
/// ```
/// use neuropil_connectome::symmetry::fisher;
/// // The lady tasting tea: 3 of 4 against 1 of 4.
/// assert!((fisher((3, 4), (1, 4), 1.0) - 34.0 / 70.0).abs() < 1e-12);
/// ```
pub fn fisher((a, n): (u64, u64), (b, m): (u64, u64), ratio: f64) -> f64 {
    let k = a + b;
    let (low, high) = (k.saturating_sub(m), k.min(n));
    if low >= high || !(ratio > 0.0) {
        return 1.0;
    }
    // Relative weights outwards from the mode: w(x + 1) / w(x) = (n − x)(k − x) ratio / ((x + 1)(m − k + x + 1)).
    let up = |x: u64| (n - x) as f64 * (k - x) as f64 * ratio / ((x + 1) as f64 * ((m + x + 1) - k) as f64);
    let mut mode = low;
    let (mut left, mut right) = (low, high);
    while left < right {
        mode = u64::midpoint(left, right);
        if up(mode) >= 1.0 {
            left = mode + 1;
        } else {
            right = mode;
        }
        mode = left;
    }
    let mut weights = std::collections::VecDeque::from([1.0]);
    let (mut first, mut last) = (mode, mode);
    let mut w = 1.0;
    while last < high && (w > 1e-18 || last < a) {
        w *= up(last);
        last += 1;
        weights.push_back(w);
    }
    w = 1.0;
    while first > low && (w > 1e-18 || first > a) {
        w /= up(first - 1);
        first -= 1;
        weights.push_front(w);
    }
    let own = weights[(a - first) as usize] * (1.0 + 1e-9);
    let total: f64 = weights.iter().sum();
    let extreme: f64 = weights.iter().filter(|w| **w <= own).sum();
    (extreme / total).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nulls::{Null, draw};
    use crate::simulate::random_graph;

    #[test]
    fn exact_p_values_of_known_tables() {
        // R: fisher.test(matrix(c(3,1,1,3),2)) 0.4857; matrix(c(1,9,11,3),2) 0.002759.
        assert!((fisher((3, 4), (1, 4), 1.0) - 0.485_714_285_7).abs() < 1e-9);
        assert!((fisher((1, 10), (11, 14), 1.0) - 0.002_759_456_2).abs() < 1e-9);
        assert_eq!(
            (fisher((0, 5), (0, 7), 1.0), fisher((5, 5), (7, 7), 1.0)),
            (1.0, 1.0)
        );
        // With odds 9 times as high on the left, 9 of 10 against 1 of 2 are expected.
        assert!(fisher((90, 100), (50, 100), 9.0) > 0.9);
        assert!(fisher((90, 100), (50, 100), 1.0) < 1e-8);
    }

    #[test]
    fn all_tables_sum_to_one() {
        for ratio in [0.3, 1.0, 4.0_f64] {
            let (n, m, k) = (12, 9, 7);
            let choose = |n: u64, k: u64| (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>();
            let w = |x: u64| choose(n, x) * choose(m, k - x) * ratio.powi(x as i32);
            let total: f64 = (0..=k).map(w).sum();
            for a in 0..=k {
                let exact: f64 = (0..=k).map(w).filter(|v| *v <= w(a) * (1.0 + 1e-9)).sum();
                assert!(
                    (fisher((a, n), (k - a, m), ratio) - exact / total).abs() < 1e-12,
                    "{a}, {ratio}"
                );
            }
        }
    }

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
