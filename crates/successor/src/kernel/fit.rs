//! Which kernels learn transitions: a search over their scales for every pair of time constants.
//!
//! For each cell (τ₊, τ₋, sign of A₋) CMA-ES (Hansen & Ostermeier, Evol. Comput. 9, 159, 2001) looks for the five
//! scales A₊, A₋, α_s, α, c with the least mean squared difference of Jᵀ from the transition frequencies of random
//! walks on rings; the walks are the same for all candidates of a generation.

use super::{KernelConfig, KernelNetwork, StdpKernel};
use crate::error::SuccessorError;
use crate::fang2023 as paper;
use crate::matrix::Matrix;
use crate::sr;
use crate::world::World;
use fcmaes_core::cmaes::{Cmaes, CmaesParams};
use fcmaes_core::fitness::Fitness;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Loss of a candidate whose network ran away.
const LOST: f64 = 1e6;

/// How hard to look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Generations of one search.
    pub generations: usize,
    /// Searches started anew at most, until the loss is small.
    pub restarts: usize,
    /// Walks that a loss is averaged over.
    pub walks: usize,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            generations: paper::KERNEL_GENERATIONS,
            restarts: paper::KERNEL_RESTARTS,
            walks: paper::KERNEL_WALKS,
        }
    }
}

/// The best kernel of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedKernel {
    /// Kernel and scales.
    pub config: KernelConfig,
    /// Mean over the last generations of the best candidate's mean squared error of T̂, best search.
    pub loss: f64,
    /// Searches made.
    pub searches: usize,
}

/// A pair of time constants and the sign of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// τ₊, steps.
    pub tau_positive: f64,
    /// τ₋, steps.
    pub tau_negative: f64,
    /// Whether a postsynaptic neuron that comes first depresses the synapse.
    pub depression: bool,
}

/// The cells of Fig. 2j: 17 τ₊ × (12 τ₋ with depression, 5 with potentiation).
pub fn grid() -> Vec<Cell> {
    let range = |(from, to, step): (f64, f64, f64)| {
        let n = ((to - from) / step).round() as usize;
        (0..=n).map(move |i| from + step * i as f64)
    };
    let mut cells = Vec::new();
    for tau_positive in range(paper::TAU_POSITIVE) {
        for depression in [true, false] {
            for tau_negative in range(paper::TAU_NEGATIVE) {
                if depression || tau_negative <= paper::TAU_NEGATIVE_POTENTIATING + 1e-9 {
                    cells.push(Cell {
                        tau_positive,
                        tau_negative,
                        depression,
                    });
                }
            }
        }
    }
    cells
}

/// Walk and the transition frequencies it shows.
struct Lesson {
    states: Vec<usize>,
    n: usize,
    target: Matrix,
}

fn lesson(key: Key, index: u64) -> Result<Lesson, SuccessorError> {
    let mut draws = key.stream(Purpose::Environment, index);
    let steps = paper::KERNEL_STEPS[draws.random_range(0..4)];
    let [left, right, stay] = paper::KERNEL_BIASES[draws.random_range(0..4)];
    let n = paper::KERNEL_STATES[draws.random_range(0..4)];
    let world = World::ring(n, left, right, stay)?;
    let states = world.walk_with(steps, &mut draws);
    let target = sr::empirical(&states, n)?;
    Ok(Lesson { states, n, target })
}

fn loss(config: KernelConfig, lessons: &[Lesson]) -> f64 {
    let one = |lesson: &Lesson| -> Result<f64, SuccessorError> {
        let mut network = KernelNetwork::new(lesson.n, config)?;
        let mut input = vec![0.0; lesson.n];
        for &state in &lesson.states {
            input.fill(0.0);
            input[state] = 1.0;
            network.step(&input)?;
        }
        let pairs = network.transitions().values().iter().zip(lesson.target.values());
        Ok(pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>() / (lesson.n * lesson.n) as f64)
    };
    let sum: f64 = lessons
        .iter()
        .map(|lesson| one(lesson).unwrap_or(LOST).min(LOST))
        .sum();
    sum / lessons.len() as f64
}

fn config(cell: Cell, x: &[f64]) -> KernelConfig {
    let sign = if cell.depression { -1.0 } else { 1.0 };
    let kernel = StdpKernel {
        a_positive: x[0].abs(),
        tau_positive: cell.tau_positive,
        a_negative: sign * x[1].abs(),
        tau_negative: cell.tau_negative,
    };
    KernelConfig {
        alpha_self: x[2],
        alpha_other: x[3],
        count_scale: x[4],
        ..KernelConfig::of(kernel)
    }
}

/// Fits the scales of one cell.
///
/// # Errors
/// A time constant that is not positive, a search without generations.
pub fn fit(cell: Cell, search: Search, key: Key) -> Result<FittedKernel, SuccessorError> {
    KernelNetwork::new(1, config(cell, &[1.0; 5]))?;
    if search.generations == 0 || search.restarts == 0 || search.walks == 0 {
        return Err(SuccessorError::setting(
            "generations, restarts or walks",
            0,
            "at least 1",
        ));
    }
    let mut best: Option<FittedKernel> = None;
    for attempt in 0..search.restarts {
        let found = one_search(cell, search, key.attempt(attempt as u64))?;
        let better = best.as_ref().is_none_or(|best| found.0 < best.loss);
        if better {
            best = Some(FittedKernel {
                config: found.1,
                loss: found.0,
                searches: 0,
            });
        }
        let best = best.as_mut().expect("one was made");
        best.searches = attempt + 1;
        if best.loss < paper::KERNEL_LOSS {
            break;
        }
    }
    Ok(best.expect("at least one search"))
}

fn one_search(cell: Cell, search: Search, key: Key) -> Result<(f64, KernelConfig), SuccessorError> {
    let mut draws = key.stream(Purpose::InitPolicy, 0);
    let normal = |draws: &mut _| -> f64 {
        let z: f64 = StandardNormal.sample(draws);
        z.abs()
    };
    let start = [
        draws.random(),
        draws.random(),
        normal(&mut draws),
        normal(&mut draws),
        1.0,
    ];
    let parameters = CmaesParams {
        popsize: 8,
        max_evaluations: u64::MAX,
        stop_fitness: f64::NEG_INFINITY,
        seed: draws.random::<u64>() >> 1,
        ..CmaesParams::default()
    };
    let space = Fitness::new(5, 1, Vec::new(), Vec::new());
    let mut strategy = Cmaes::new(space, &start, &[paper::KERNEL_SIGMA; 5], &parameters);
    let (mut losses, mut last) = (Vec::new(), start.to_vec());
    for generation in 0..search.generations {
        let here = key.at(generation as u64);
        let lessons: Vec<Lesson> = (0..search.walks as u64)
            .map(|walk| lesson(here, walk))
            .collect::<Result<_, _>>()?;
        let candidates = strategy.ask();
        let values: Vec<f64> = candidates
            .iter()
            .map(|x| loss(config(cell, x), &lessons))
            .collect();
        let winner = (0..values.len())
            .min_by(|&a, &b| values[a].total_cmp(&values[b]))
            .expect("a population");
        losses.push(values[winner]);
        last.clone_from(&candidates[winner]);
        if strategy.tell(&values) != 0 {
            break;
        }
    }
    let tail = &losses[losses.len().saturating_sub(paper::KERNEL_RUNNING)..];
    Ok((tail.iter().sum::<f64>() / tail.len() as f64, config(cell, &last)))
}

/// Fits many cells, in parallel; each depends on its own key alone.
///
/// # Errors
/// As [`fit`].
pub fn fit_all(cells: &[Cell], search: Search, key: Key) -> Result<Vec<FittedKernel>, SuccessorError> {
    let one = |(index, cell): (usize, &Cell)| fit(*cell, search, Key::new(key.seed() ^ (index as u64) << 32));
    cells.par_iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_has_the_cells_of_the_paper() {
        let cells = grid();
        assert_eq!(cells.len(), 289);
        assert_eq!(cells.iter().filter(|cell| cell.depression).count(), 17 * 12);
    }
}
