//! What crossing edges carry: paths and loops before and after they are cut, against cuts at random.

use super::{Lateralised, Laterality};
use crate::paths::loops::loops;
use crate::paths::{UnitGraph, count_paths};
use crate::winding2023;
use neuropil_math::rng::{Key, Purpose};
use rand::seq::index::sample;
use rayon::prelude::*;
use serde::Serialize;

/// How edges are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ExcisionSettings {
    /// Longest path, edges (5).
    pub cutoff: usize,
    /// Longest loop, edges (3).
    pub longest_loop: usize,
    /// Random cuts (40).
    pub repeats: usize,
    /// Cut random contralateral edges instead of any.
    pub same_type: bool,
    /// Seed.
    pub seed: u64,
}

impl Default for ExcisionSettings {
    fn default() -> Self {
        Self {
            cutoff: winding2023::PATH_CUTOFF,
            longest_loop: 3,
            repeats: 40,
            same_type: false,
            seed: 1,
        }
    }
}

/// Paths from inputs to outputs and loops of a graph.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Traffic {
    /// Simple paths from the sources to the targets, by number of edges from 0.
    pub paths: Vec<u64>,
    /// Simple cycles by number of edges from 1, each counted once for every unit on it.
    pub loops: Vec<u64>,
}

fn traffic(graph: &UnitGraph, ends: (&[usize], &[usize]), settings: &ExcisionSettings) -> Traffic {
    let mut cycles = vec![0; settings.longest_loop];
    for own in loops(graph, settings.longest_loop) {
        own.all().iter().zip(&mut cycles).for_each(|(c, sum)| *sum += c);
    }
    Traffic {
        paths: count_paths(graph, ends.0, ends.1, settings.cutoff).by_length,
        loops: cycles,
    }
}

/// Traffic of the whole graph, after the excision, and after each random one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Excision {
    /// Laterality whose contralateral edges are cut.
    pub class: Laterality,
    /// Number of edges cut.
    pub edges: usize,
    /// Before.
    pub whole: Traffic,
    /// Without the contralateral edges of that class.
    pub cut: Traffic,
    /// Without as many random edges.
    pub random: Vec<Traffic>,
}

/// Cuts every contralateral edge of the units of one laterality.
///
/// Sources and targets keep their edges, in the excision and in the random ones; each random cut has its own stream.
pub fn excise(
    graph: &UnitGraph,
    lateral: &Lateralised,
    class: Laterality,
    (sources, targets): (&[usize], &[usize]),
    settings: &ExcisionSettings,
) -> Excision {
    let mut spared = vec![false; graph.n()];
    sources.iter().chain(targets).for_each(|&u| spared[u] = true);
    let of_class = |u: usize| lateral.class[graph.units[u][0]] == Some(class);
    let chosen = |u: usize, crosses: bool| crosses && !spared[u] && of_class(u);
    let every: Vec<(usize, u32, bool)> = (0..graph.n())
        .flat_map(|u| graph.out[u].iter().map(move |e| (u, e.0, e.1)))
        .collect();
    let edges = every.iter().filter(|e| chosen(e.0, e.2)).count();
    let pool: Vec<(usize, u32, bool)> = every
        .into_iter()
        .filter(|e| !spared[e.0] && (e.2 || !settings.same_type))
        .collect();
    let ends = (sources, targets);
    let random = (0..settings.repeats as u64).into_par_iter().map(|k| {
        let mut stream = Key::new(settings.seed).stream(Purpose::Rewire, k);
        let mut gone: Vec<(usize, u32, bool)> = sample(&mut stream, pool.len(), edges.min(pool.len()))
            .iter()
            .map(|at| pool[at])
            .collect();
        gone.sort_unstable();
        let left = graph.without(|u, v, crosses| gone.binary_search(&(u, v as u32, crosses)).is_ok());
        traffic(&left, ends, settings)
    });
    Excision {
        class,
        edges,
        whole: traffic(graph, ends, settings),
        cut: traffic(&graph.without(|u, _, crosses| chosen(u, crosses)), ends, settings),
        random: random.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Side;

    #[test]
    fn cutting_the_only_crossing_closes_its_path() {
        // 0 → 1 ⇒ 2 → 3 with a crossing at 1, and 1 → 4 → 2 on the way round; 4 → 1 is a loop.
        let graph = UnitGraph {
            units: (0..5).map(|i| vec![i]).collect(),
            out: vec![
                vec![(1, false)],
                vec![(2, true), (4, false)],
                vec![(3, false)],
                vec![],
                vec![(1, false), (2, false)],
            ],
        };
        let lateral = Lateralised {
            class: vec![Some(Laterality::Contralateral); 5],
            side: vec![Side::Left; 5],
            derived: false,
        };
        let settings = ExcisionSettings {
            repeats: 200,
            ..ExcisionSettings::default()
        };
        let found = excise(
            &graph,
            &lateral,
            Laterality::Contralateral,
            (&[0], &[3]),
            &settings,
        );
        assert_eq!((found.edges, found.random.len()), (1, 200));
        assert_eq!(found.whole.paths, [0, 0, 0, 1, 1, 0]);
        assert_eq!(found.cut.paths, [0, 0, 0, 0, 1, 0]);
        assert_eq!(
            (found.whole.loops.clone(), found.cut.loops),
            (vec![0, 2, 0], vec![0, 2, 0])
        );
        // Five edges may go; two of them carry the short path, and two the loop.
        let short = found.random.iter().filter(|t| t.paths[3] == 0).count() as f64 / 200.0;
        assert!((short - 0.4).abs() < 0.2, "{short}");
        let again = excise(
            &graph,
            &lateral,
            Laterality::Contralateral,
            (&[0], &[3]),
            &settings,
        );
        assert_eq!(again.random, found.random);
        assert_eq!(
            excise(&graph, &lateral, Laterality::Bilateral, (&[0], &[3]), &settings).edges,
            0
        );
    }
}
