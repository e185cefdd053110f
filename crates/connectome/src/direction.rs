//! Feedforward and feedback signal between groups of neurons (Winding et al. 2023, Fig. 5).

use crate::cascade::{Cascade, Settings, cascades};
use crate::error::DataError;
use crate::graph::Csr;
use serde::Serialize;

/// Visits between groups in an order, and how much of them runs forwards.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Direction {
    /// Visits to group j (columns) per member and run of the cascade from group i (rows), hops 0 ..= `hops`.
    pub visits: Vec<Vec<f64>>,
    /// Sent to later groups, to earlier groups, per group.
    pub sent: Vec<(f64, f64)>,
    /// Received from earlier groups, from later groups, per group.
    pub received: Vec<(f64, f64)>,
    /// Share of what a group sends that runs forwards; `None` when it sends nothing.
    pub forward_share: Vec<Option<f64>>,
    /// Hops counted.
    pub hops: usize,
}

impl Direction {
    /// Share of all signal between groups that runs forwards.
    pub fn forward(&self) -> f64 {
        let (forward, back) = self
            .sent
            .iter()
            .fold((0.0, 0.0), |sum, s| (sum.0 + s.0, sum.1 + s.1));
        forward / (forward + back)
    }
}

/// Cascades from every group, in the order given, without stops.
///
/// The paper counts hops 0 to 2 of cascades of 3 hops and 100 runs, from clusters in the order of their walk-sort.
///
/// # Errors
/// An empty group, or settings that cannot run.
pub fn direction(
    graph: &Csr,
    groups: &[Vec<usize>],
    hops: usize,
    settings: &Settings,
) -> Result<Direction, DataError> {
    let none = vec![false; graph.n()];
    let row = |_: usize, cascade: &Cascade| -> Vec<f64> {
        let of = |members: &Vec<usize>| {
            let visits = members
                .iter()
                .flat_map(|&i| (0..=hops.min(cascade.max_hops)).map(move |h| (i, h)));
            let sum: f64 = visits.map(|(i, h)| f64::from(cascade.hits(i, h))).sum();
            sum / (members.len() * cascade.runs) as f64
        };
        groups.iter().map(of).collect()
    };
    let visits = cascades(graph, groups, |_| none.clone(), settings, row)?;
    let n = groups.len();
    let sum = |at: &dyn Fn(usize) -> f64, from: usize, to: usize| (from..to).map(at).fold(0.0, |a, b| a + b);
    let sent: Vec<(f64, f64)> = (0..n)
        .map(|i| (sum(&|j| visits[i][j], i + 1, n), sum(&|j| visits[i][j], 0, i)))
        .collect();
    let received = (0..n)
        .map(|j| (sum(&|i| visits[i][j], 0, j), sum(&|i| visits[i][j], j + 1, n)))
        .collect();
    let share = |s: &(f64, f64)| (s.0 + s.1 > 0.0).then(|| s.0 / (s.0 + s.1));
    Ok(Direction {
        forward_share: sent.iter().map(share).collect(),
        visits,
        sent,
        received,
        hops,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certain_edges_forwards_and_back() {
        // Groups {0, 1}, {2}, {3}: forwards to 2 and 3, back from 3 to 2.
        let graph = Csr::from_edges(4, vec![(0, 2, 1e6), (2, 3, 1e6), (3, 2, 1e6)]);
        let settings = Settings {
            runs: 10,
            max_hops: 3,
            ..Settings::default()
        };
        let groups = [vec![0, 1], vec![2], vec![3]];
        let found = direction(&graph, &groups, 2, &settings).unwrap();
        assert_eq!(found.visits[0], [1.0, 1.0, 1.0]);
        assert_eq!(found.sent, [(2.0, 0.0), (1.0, 0.0), (0.0, 1.0)]);
        assert_eq!(found.received, [(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)]);
        assert_eq!(found.forward_share, [Some(1.0), Some(1.0), Some(0.0)]);
        assert_eq!(found.forward(), 0.75);
        let lone = direction(&Csr::from_edges(1, vec![]), &[vec![0]], 2, &settings).unwrap();
        assert_eq!(lone.forward_share, [None]);
    }
}
