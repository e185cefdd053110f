//! Values of a reward, and of one that moved: the same synapses, weighted anew.

use super::{Material, as_rows, busiest, one_hot, truth};
use crate::error::SuccessorError;
use crate::figures::{heat_panel, state_panel};
use crate::maps::uphill;
use crate::matrix::Matrix;
use crate::sr;
use neuropil_draw::{Color, Figure, Series};
use neuropil_math::stats::summary::mean;
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;
use std::collections::VecDeque;

/// One reward and what M makes of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Goal {
    /// Where the reward is, or is largest.
    pub state: usize,
    /// V = M r.
    pub values: Vec<f64>,
    /// Share of the states with a way to the goal from which going uphill in V arrives.
    pub arrives: f64,
    /// Steps to the goal, mean over those: the fewest possible, uphill in V, and by the walk's own transitions.
    pub fewest: f64,
    /// Uphill in V.
    pub uphill: f64,
    /// By the walk's own transitions, where that can be expected to arrive.
    pub walked: Option<f64>,
    #[serde(skip)]
    map: Vec<Vec<f64>>,
}

/// Values of two rewards by one M.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Values {
    /// Discount.
    pub gain: f64,
    /// Whether the first reward is the world's own; else it is where the walk has farthest to go.
    pub given: bool,
    /// The reward, and the one that moved to the state farthest from it.
    pub goals: Vec<Goal>,
    #[serde(skip)]
    height: Option<usize>,
}

/// Weighs M with a reward, moves the reward, and goes uphill.
///
/// # Errors
/// A learner that holds no transitions of states; a gain at which the network is unstable.
pub fn values(material: &Material) -> Result<Values, SuccessorError> {
    let gain = material.config.model.retrieval_gain;
    let m = sr::ideal(one_hot(material)?, gain)?;
    let counts = sr::counts(material.walk.walks(), material.walk.n)?;
    let t = truth(&material.walk, &counts);
    let own = material.walk.world.as_ref().map(|world| world.rewards.clone());
    let own = own.filter(|rewards| rewards.iter().any(|r| *r != 0.0));
    let given = own.is_some();
    let n = material.walk.n;
    let at = |state: usize| -> Vec<f64> { (0..n).map(|i| f64::from(u8::from(i == state))).collect() };
    let rewards = own.unwrap_or_else(|| at(farthest(&t, busiest(&material.walk))));
    let best = (0..n).fold(0, |best, i| if rewards[i] > rewards[best] { i } else { best });
    let moved = farthest(&t, best);
    Ok(Values {
        gain,
        given,
        goals: vec![
            goal(&m, &t, &rewards, best, material),
            goal(&m, &t, &at(moved), moved, material),
        ],
        height: material.walk.grid.as_ref().map(|grid| grid.height),
    })
}

fn exits(t: &Matrix, state: usize) -> Vec<usize> {
    (0..t.columns()).filter(|&to| t[(state, to)] > 0.0).collect()
}

/// Fewest steps from `from` to every state.
fn hops(n: usize, from: usize, next: impl Fn(usize) -> Vec<usize>) -> Vec<Option<usize>> {
    let mut steps = vec![None; n];
    steps[from] = Some(0);
    let mut waiting = VecDeque::from([(from, 0)]);
    while let Some((state, taken)) = waiting.pop_front() {
        for to in next(state) {
            if steps[to].is_none() {
                steps[to] = Some(taken + 1);
                waiting.push_back((to, taken + 1));
            }
        }
    }
    steps
}

fn farthest(t: &Matrix, from: usize) -> usize {
    let steps = hops(t.rows(), from, |state| exits(t, state));
    (0..t.rows()).fold(from, |best, i| if steps[i] > steps[best] { i } else { best })
}

fn goal(m: &Matrix, t: &Matrix, rewards: &[f64], state: usize, material: &Material) -> Goal {
    let n = t.rows();
    let values = sr::value(m, rewards);
    let back = t.transposed();
    let fewest = hops(n, state, |at| exits(&back, at));
    let uphill = uphill(&values, |at| exits(t, at), state);
    let leading: Vec<usize> = (0..n).filter(|&i| i != state && fewest[i].is_some()).collect();
    let arriving: Vec<usize> = leading.iter().copied().filter(|&i| uphill[i].is_some()).collect();
    let over = |steps: &dyn Fn(usize) -> f64| mean(&arriving.iter().map(|&i| steps(i)).collect::<Vec<_>>());
    let walked = expected_steps(t, state, &fewest);
    Goal {
        state,
        arrives: arriving.len() as f64 / leading.len().max(1) as f64,
        fewest: over(&|i| fewest[i].unwrap_or_default() as f64),
        uphill: over(&|i| uphill[i].unwrap_or_default() as f64),
        walked: walked.map(|steps| over(&|i| steps[i])),
        map: as_rows(&values, material),
        values,
    }
}

/// Expected steps to the goal by the transitions themselves: h = 1 + T h without the goal.
fn expected_steps(t: &Matrix, goal: usize, leads: &[Option<usize>]) -> Option<Vec<f64>> {
    let n = t.rows();
    let (mut rest, mut ones) = (Matrix::zeros(n, n), Matrix::zeros(n, 1));
    for i in (0..n).filter(|&i| i != goal && leads[i].is_some()) {
        ones[(i, 0)] = 1.0;
        for j in (0..n).filter(|&j| j != goal) {
            rest[(i, j)] = t[(i, j)];
        }
    }
    let steps = rest.identity_minus(1.0).solve(&ones).ok()?;
    let steps = steps.column(0);
    steps.iter().all(|h| h.is_finite() && *h >= 0.0).then_some(steps)
}

impl Tell for Values {
    fn sentences(&self) -> Vec<String> {
        let names = [
            if self.given {
                "the world's reward"
            } else {
                "a reward far from where the walk is most"
            },
            "the reward moved as far as the walk leads from there",
        ];
        self.goals
            .iter()
            .zip(names)
            .map(|(goal, name)| {
                let walked = goal
                    .walked
                    .map(|steps| format!(", {steps:.1} by the walk's own transitions"))
                    .unwrap_or_default();
                format!(
                    "{name} (state {}): going uphill in V arrives from {:.1} % of the states, in {:.2} steps where the fewest are {:.2}{walked}",
                    goal.state,
                    100.0 * goal.arrives,
                    goal.uphill,
                    goal.fewest
                )
            })
            .collect()
    }

    fn table(&self) -> Table {
        let n = self.goals[0].values.len();
        self.goals.iter().zip(["value", "value_moved"]).fold(
            Table::new().with("state", (0..n).collect::<Vec<usize>>()),
            |table, (goal, name)| table.with(name, goal.values.clone()),
        )
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let panel = |goal: &Goal| match self.height {
            Some(height) => heat_panel(goal.map.clone(), "value", false).series(
                Series::points(
                    [(goal.state / height) as f64 + 0.5],
                    [(goal.state % height) as f64 + 0.5],
                )
                .color(Color::Vermillion),
            ),
            None => state_panel(&goal.values, "value").v_line(goal.state as f64),
        };
        vec![Shown {
            figure: Figure {
                name: "values".to_owned(),
                title: "Values of a reward, before and after it moved".to_owned(),
                caption: format!(
                    "V = M r at γ = {} from the same synapses for both rewards; the mark is where the reward is; {}, seed {}.",
                    self.gain, origin.of, origin.seed
                ),
                columns: 2,
                panels: self.goals.iter().map(panel).collect(),
            },
            numbers: self.table(),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    #[test]
    fn steps_to_a_goal_on_a_line() {
        let t = World::graph(3, &[(0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0), (2, 1, 1.0)], false)
            .expect("a line")
            .transitions();
        assert_eq!(farthest(&t, 0), 2);
        let fewest = hops(3, 2, |at| exits(&t.transposed(), at));
        assert_eq!(fewest, [Some(2), Some(1), Some(0)]);
        // From the end 4, from the middle 3: h0 = 1 + h1, h1 = 1 + h0 / 2.
        let steps = expected_steps(&t, 2, &fewest).expect("it arrives");
        assert!(
            (steps[0] - 4.0).abs() < 1e-12 && (steps[1] - 3.0).abs() < 1e-12,
            "{steps:?}"
        );
    }
}
