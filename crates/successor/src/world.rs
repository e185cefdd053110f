//! Worlds: Markov chains whose states have places.
//!
//! The walk and the true transition matrix come from the same rows, so that they cannot contradict one another.
//! State (x, y) of an arena is x · height + y; y grows upwards.

use crate::error::SuccessorError;
use crate::matrix::Matrix;
use neuropil_math::rng::{Key, Purpose};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

pub mod feeder;
pub mod file;
pub mod forager;
mod polygon;

/// How the states lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Shape {
    /// On a circle.
    Ring,
    /// On a grid, columns × rows.
    Grid {
        /// Bins along x.
        width: usize,
        /// Bins along y.
        height: usize,
    },
    /// Nowhere in particular.
    Graph,
}

/// A Markov chain whose states have places.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// What it is called.
    pub name: String,
    /// How the states lie.
    pub shape: Shape,
    /// Reward of each state; all 0 where none is set.
    pub rewards: Vec<f64>,
    /// For each state, where it leads and how likely; empty for a state that does not exist.
    pub(crate) rows: Vec<Vec<(usize, f64)>>,
    /// Where walks start; `None`: anywhere.
    pub(crate) start: Option<usize>,
}

/// Weights of the moves in an arena, uniform over those that are possible unless set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Staying.
    pub stay: f64,
    /// Towards smaller x.
    pub left: f64,
    /// Towards larger x.
    pub right: f64,
    /// Towards larger y.
    pub up: f64,
    /// Towards smaller y.
    pub down: f64,
    /// Each of the four diagonals.
    pub diagonal: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            stay: 1.0,
            left: 1.0,
            right: 1.0,
            up: 1.0,
            down: 1.0,
            diagonal: 0.0,
        }
    }
}

impl Policy {
    fn moves(self) -> [(isize, isize, f64); 9] {
        let d = self.diagonal;
        [
            (0, 0, self.stay),
            (1, 0, self.right),
            (-1, 0, self.left),
            (0, 1, self.up),
            (0, -1, self.down),
            (1, 1, d),
            (1, -1, d),
            (-1, 1, d),
            (-1, -1, d),
        ]
    }
}

/// A stretch of wall between two points, in bins from the lower left corner.
pub type Wall = [[f64; 2]; 2];

/// Plan of an arena.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArenaPlan {
    /// Bins along x and y.
    pub size: [usize; 2],
    /// Bins that cannot be entered.
    pub blocked: Vec<[usize; 2]>,
    /// Walls that cannot be crossed.
    pub walls: Vec<Wall>,
    /// How the animal moves.
    pub policy: Policy,
    /// Where walks start.
    pub start: Option<[usize; 2]>,
    /// Bins that are not left again once entered.
    pub absorbing: bool,
}

fn weights_checked(weights: &[(&str, f64)]) -> Result<(), SuccessorError> {
    for &(what, weight) in weights {
        if !(weight >= 0.0 && weight.is_finite()) {
            return Err(SuccessorError::setting(
                format!("the weight of `{what}`"),
                weight,
                "at least 0",
            ));
        }
    }
    if weights.iter().any(|(_, weight)| *weight > 0.0) {
        Ok(())
    } else {
        Err(SuccessorError::setting(
            "every weight of a move",
            0,
            "at least one above 0",
        ))
    }
}

fn normalized(mut row: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
    row.retain(|(_, weight)| *weight > 0.0);
    row.sort_by_key(|(to, _)| *to);
    row.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same {
            first.1 += later.1;
        }
        same
    });
    let sum: f64 = row.iter().map(|(_, weight)| weight).sum();
    row.iter_mut().for_each(|(_, weight)| *weight /= sum);
    row
}

impl World {
    /// A ring on which the animal goes left (−1), right (+1) or stays; walks start at state 0.
    ///
    /// # Errors
    /// Fewer than two states; weights that are negative or all 0.
    pub fn ring(n: usize, left: f64, right: f64, stay: f64) -> Result<Self, SuccessorError> {
        if n < 2 {
            return Err(SuccessorError::setting("the number of states", n, "at least 2"));
        }
        weights_checked(&[("left", left), ("right", right), ("stay", stay)])?;
        let row = |i| normalized(vec![((i + n - 1) % n, left), ((i + 1) % n, right), (i, stay)]);
        Ok(Self {
            name: "ring".to_owned(),
            shape: Shape::Ring,
            rewards: vec![0.0; n],
            rows: (0..n).map(row).collect(),
            start: Some(0),
        })
    }

    /// A square arena without walls, N × N bins, uniform over staying and the four neighbours.
    ///
    /// # Errors
    /// Fewer than two states.
    pub fn open(side: usize) -> Result<Self, SuccessorError> {
        Self::arena(&ArenaPlan {
            size: [side, side],
            ..ArenaPlan::default()
        })
    }

    /// An arena with walls.
    ///
    /// # Errors
    /// Fewer than two bins, a blocked bin or start outside, no way out of a bin, weights that cannot be meant.
    pub fn arena(plan: &ArenaPlan) -> Result<Self, SuccessorError> {
        let [width, height] = plan.size;
        if width.saturating_mul(height) < 2 || width.saturating_mul(height) > MOST_STATES {
            let found = format!("{width} x {height} bins");
            return Err(SuccessorError::setting(
                "the size of the arena",
                found,
                format!("2 to {MOST_STATES} bins"),
            ));
        }
        let p = plan.policy;
        let named = [
            ("stay", p.stay),
            ("left", p.left),
            ("right", p.right),
            ("up", p.up),
            ("down", p.down),
            ("diagonal", p.diagonal),
        ];
        weights_checked(&named)?;
        let mut free = vec![true; width * height];
        for &[x, y] in &plan.blocked {
            inside("the blocked bin", [x, y], plan.size)?;
            free[x * height + y] = false;
        }
        let n_free = free.iter().filter(|&&free| free).count();
        if n_free < 2 {
            return Err(SuccessorError::setting(
                "the number of bins that can be entered",
                n_free,
                "at least 2",
            ));
        }
        let mut rows = Vec::with_capacity(free.len());
        for state in 0..free.len() {
            rows.push(arena_row(plan, &free, state)?);
        }
        let start = match plan.start {
            None => None,
            Some(at) => {
                inside("the start", at, plan.size)?;
                let state = at[0] * height + at[1];
                if !free[state] {
                    return Err(SuccessorError::setting(
                        "the start",
                        format!("{at:?}, a blocked bin"),
                        "a free bin",
                    ));
                }
                Some(state)
            }
        };
        Ok(Self {
            name: "arena".to_owned(),
            shape: Shape::Grid { width, height },
            rewards: vec![0.0; rows.len()],
            rows,
            start,
        })
    }

    /// A graph from (from, to, weight); the weights of each state are divided by their sum.
    ///
    /// # Errors
    /// Fewer than two states, one out of range or without exit (unless `absorbing`), a negative weight.
    pub fn graph(n: usize, edges: &[(usize, usize, f64)], absorbing: bool) -> Result<Self, SuccessorError> {
        if !(2..=MOST_STATES).contains(&n) {
            return Err(SuccessorError::setting(
                "the number of states",
                n,
                format!("2 to {MOST_STATES}"),
            ));
        }
        let mut rows = vec![Vec::new(); n];
        for &(from, to, weight) in edges {
            if from >= n || to >= n {
                return Err(SuccessorError::setting(
                    "the edge",
                    format!("{from} → {to}"),
                    format!("states 0 to {}", n - 1),
                ));
            }
            weights_checked(&[("edge", weight)])?;
            rows[from].push((to, weight));
        }
        for (state, row) in rows.iter_mut().enumerate() {
            if row.is_empty() && absorbing {
                row.push((state, 1.0));
            }
            if row.is_empty() {
                return Err(no_exit(&format!("state {state}")));
            }
            *row = normalized(std::mem::take(row));
        }
        Ok(Self {
            name: "graph".to_owned(),
            shape: Shape::Graph,
            rewards: vec![0.0; n],
            rows,
            start: Some(0),
        })
    }

    /// Number of states, those that are blocked included.
    pub fn states(&self) -> usize {
        self.rows.len()
    }

    /// Whether a state exists.
    pub fn exists(&self, state: usize) -> bool {
        !self.rows[state].is_empty()
    }

    /// Where a state leads and how likely.
    pub fn exits(&self, state: usize) -> &[(usize, f64)] {
        &self.rows[state]
    }

    /// Where walks start; `None`: anywhere.
    pub fn start(&self) -> Option<usize> {
        self.start
    }

    /// The true transition matrix; rows of states that do not exist are 0.
    pub fn transitions(&self) -> Matrix {
        let mut t = Matrix::zeros(self.states(), self.states());
        for (from, row) in self.rows.iter().enumerate() {
            row.iter().for_each(|&(to, p)| t[(from, to)] += p);
        }
        t
    }

    /// States that exist but cannot be reached from the start, or from the first state that exists.
    pub fn unreachable(&self) -> Vec<usize> {
        let first = self
            .start
            .or_else(|| (0..self.states()).find(|&state| self.exists(state)));
        let mut seen = vec![false; self.states()];
        let mut open: Vec<usize> = first.into_iter().collect();
        while let Some(state) = open.pop() {
            if !std::mem::replace(&mut seen[state], true) {
                open.extend(self.rows[state].iter().map(|(to, _)| *to));
            }
        }
        (0..self.states())
            .filter(|&state| self.exists(state) && !seen[state])
            .collect()
    }

    /// A walk of `steps` samples; the animal moves once before the first.
    pub fn walk(&self, steps: usize, key: Key) -> Vec<usize> {
        self.walk_with(steps, &mut key.stream(Purpose::Environment, 0))
    }

    pub(crate) fn walk_with(&self, steps: usize, draws: &mut impl Rng) -> Vec<usize> {
        let mut state = self.start.unwrap_or_else(|| {
            let free: Vec<usize> = (0..self.states()).filter(|&state| self.exists(state)).collect();
            free[draws.random_range(0..free.len())]
        });
        let mut states = Vec::with_capacity(steps);
        for _ in 0..steps {
            let row = &self.rows[state];
            let mut left = draws.random::<f64>();
            let chosen = row.iter().find(|(_, p)| {
                left -= p;
                left < 0.0
            });
            state = chosen.unwrap_or(&row[row.len() - 1]).0;
            states.push(state);
        }
        states
    }
}

/// States that a world may have.
pub const MOST_STATES: usize = 1_000_000;

fn inside(what: &str, at: [usize; 2], size: [usize; 2]) -> Result<(), SuccessorError> {
    if at[0] < size[0] && at[1] < size[1] {
        Ok(())
    } else {
        let expected = format!("within {} x {} bins", size[0], size[1]);
        Err(SuccessorError::setting(what, format!("{at:?}"), expected))
    }
}

fn no_exit(what: &str) -> SuccessorError {
    SuccessorError::Setting {
        what: what.to_owned(),
        found: "without exit".to_owned(),
        expected: "at least one move".to_owned(),
        hint: "set `absorbing = true` if walks end there".to_owned(),
    }
}

fn arena_row(plan: &ArenaPlan, free: &[bool], state: usize) -> Result<Vec<(usize, f64)>, SuccessorError> {
    let [width, height] = plan.size;
    if !free[state] {
        return Ok(Vec::new());
    }
    let (x, y) = (state / height, state % height);
    let mut row = Vec::new();
    for (dx, dy, weight) in plan.policy.moves() {
        let (to_x, to_y) = (x as isize + dx, y as isize + dy);
        let inside = (0..width as isize).contains(&to_x) && (0..height as isize).contains(&to_y);
        if weight == 0.0 || !inside {
            continue;
        }
        let to = to_x as usize * height + to_y as usize;
        let centre = |x: isize, y: isize| [x as f64 + 0.5, y as f64 + 0.5];
        let step = [centre(x as isize, y as isize), centre(to_x, to_y)];
        if free[to] && !plan.walls.iter().any(|wall| polygon::cross(step, *wall)) {
            row.push((to, weight));
        }
    }
    match (row.is_empty(), plan.absorbing) {
        (true, false) => Err(no_exit(&format!("bin [{x}, {y}]"))),
        (true, true) => Ok(vec![(state, 1.0)]),
        (false, _) => Ok(normalized(row)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn walks_obey_the_matrix_and_rows_are_distributions(
            width in 1..6_usize, height in 2..6_usize, seed in 0..50_u64, diagonal in 0.0..2.0_f64,
            wall in (0..6_usize, 0..6_usize, 0..6_usize),
        ) {
            let (a, b, c) = wall;
            let plan = ArenaPlan {
                size: [width, height],
                policy: Policy { diagonal, ..Policy::default() },
                walls: vec![[[a as f64, b as f64], [a as f64, c as f64]]],
                ..ArenaPlan::default()
            };
            let world = World::arena(&plan).unwrap();
            let t = world.transitions();
            crate::sr::check_transitions(&t).unwrap();
            let states = world.walk(200, Key::new(seed));
            prop_assert!(states.windows(2).all(|pair| t[(pair[0], pair[1])] > 0.0));
        }
    }

    #[test]
    fn the_walk_has_the_frequencies_of_the_matrix() {
        let world = World::ring(5, 4.0, 1.0, 2.0).unwrap();
        let states = world.walk(70_001, Key::new(3));
        let counts = crate::sr::counts([&states[..]], 5).unwrap();
        for i in 0..5 {
            let n: f64 = counts.row(i).iter().sum();
            for (to, p) in [((i + 4) % 5, 4.0 / 7.0), ((i + 1) % 5, 1.0 / 7.0), (i, 2.0 / 7.0)] {
                let sd = (p * (1.0 - p) / n).sqrt();
                assert!((counts[(i, to)] / n - p).abs() < 5.0 * sd, "from {i} to {to}");
            }
        }
    }

    #[test]
    fn what_cannot_be_walked_is_refused_and_what_cannot_be_reached_is_named() {
        assert!(World::ring(1, 1.0, 1.0, 1.0).is_err());
        assert!(World::ring(4, 0.0, 0.0, 0.0).is_err());
        assert!(World::ring(4, -1.0, 2.0, 0.0).is_err());
        let message = World::graph(2, &[(0, 1, 1.0)], false).unwrap_err().to_string();
        assert!(message.starts_with("state 1 is without exit"), "{message}");
        let walled = ArenaPlan {
            size: [4, 2],
            walls: vec![[[2.0, 0.0], [2.0, 2.0]]],
            ..ArenaPlan::default()
        };
        assert_eq!(World::arena(&walled).unwrap().unreachable(), [4, 5, 6, 7]);
    }
}
