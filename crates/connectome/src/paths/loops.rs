//! Loops: simple cycles through a unit.

use super::UnitGraph;
use rayon::prelude::*;
use serde::Serialize;

/// Simple cycles through one unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Loops {
    /// Cycles of 1, 2, … edges that come back to the same side: an even number of contralateral edges.
    pub own: Vec<u64>,
    /// Cycles that come back to the partner: an odd number.
    pub pair: Vec<u64>,
}

impl Loops {
    /// Cycles of each length, both kinds together.
    pub fn all(&self) -> Vec<u64> {
        self.own.iter().zip(&self.pair).map(|(a, b)| a + b).collect()
    }
}

/// The simple cycles of at most `longest` edges through every unit; a self-edge is a cycle of length 1.
pub fn loops(graph: &UnitGraph, longest: usize) -> Vec<Loops> {
    (0..graph.n())
        .into_par_iter()
        .map(|u| through(graph, u, longest))
        .collect()
}

fn through(graph: &UnitGraph, unit: usize, longest: usize) -> Loops {
    let mut found = Loops {
        own: vec![0; longest],
        pair: vec![0; longest],
    };
    let mut visited = vec![unit as u32];
    descend(graph, unit, unit, false, longest, &mut visited, &mut found);
    found
}

fn descend(
    graph: &UnitGraph,
    unit: usize,
    at: usize,
    odd: bool,
    longest: usize,
    visited: &mut Vec<u32>,
    found: &mut Loops,
) {
    let length = visited.len();
    for &(to, crosses) in &graph.out[at] {
        let odd = odd != crosses;
        if to as usize == unit {
            let counts = if odd { &mut found.pair } else { &mut found.own };
            counts[length - 1] += 1;
        } else if length < longest && !visited.contains(&to) {
            visited.push(to);
            descend(graph, unit, to as usize, odd, longest, visited, found);
            visited.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossing_twice_comes_home_and_once_to_the_partner() {
        let graph = UnitGraph {
            units: vec![vec![0, 1], vec![2, 3]],
            out: vec![vec![(0, true), (1, true)], vec![(0, false), (0, true)]],
        };
        let found = loops(&graph, 3);
        assert_eq!(
            (&found[0].own[..], &found[0].pair[..]),
            (&[0, 1, 0][..], &[1, 1, 0][..])
        );
        assert_eq!(found[1].all(), [0, 2, 0]);
    }
}
