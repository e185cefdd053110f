//! Beyond the paper: a wall appears, and a transition is revalued.
//!
//! The recurrent network holds one-step transitions, so that a change learned in one place counts at once wherever a
//! horizon is read out; a map of M learned by temporal differences must be walked, or replayed, to know it (Russek et
//! al., PLoS Comput. Biol. 13, e1005768, 2017; Momennejad et al., Nat. Hum. Behav. 1, 680, 2017). How fast the network
//! follows is set by the forgetting λ of its activity counts.

use super::{Effort, in_order, interval};
use crate::error::SuccessorError;
use crate::fang2023::{BASELINE_GAIN, COUNT_START, LEAST_RATE, RETRIEVAL_GAIN};
use crate::maps::{replay, uphill};
use crate::matrix::Matrix;
use crate::network::{Input, RnnS, RnnSConfig};
use crate::rate::{Count, Rate};
use crate::sr;
use crate::world::{ArenaPlan, World};
use neuropil_draw::{Color, Figure, Panel, Series};
use neuropil_math::rng::Key;
use neuropil_study::{Band, Claim, Found, Origin, Shown, Table, Tell};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Bins along each side of the arena.
const SIDE: usize = 8;
/// Steps before the wall appears, and after.
const STEPS: usize = 8000;
/// Steps between two measurements.
const EVERY: usize = 250;
/// Forgetting factors of the recurrent network.
const FORGETTING: [f64; 3] = [1.0, 0.9999, 0.999];
/// Learning rate of temporal differences.
const TD_RATE: f64 = 0.1;
/// Transitions that are replayed after each step, and how many of the latest are remembered.
const REPLAYS: usize = 10;
const MEMORY: usize = 1000;
/// Times that each transition of the revaluation task is experienced.
const EXPERIENCES: usize = 100;
/// Replayed transitions after it.
const REPLAYED: usize = 5000;

/// One learner over time, mean over walks and half of its 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Follower {
    /// Which learner.
    pub name: String,
    /// Mean absolute error of M at the gain of retrieval, against the world as it is then.
    pub error: Vec<(f64, f64)>,
    /// Share of the states from which going uphill in V arrives at a goal behind the wall.
    pub arrives: Vec<(f64, f64)>,
    /// Steps after the wall appeared until the error of M is back within a tenth of what it was, where it comes back.
    pub recovery: Vec<Option<usize>>,
}

/// Preference of one learner for the first of two starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preference {
    /// Which learner.
    pub name: String,
    /// V(first) − V(second) before and after the transitions behind them changed places.
    pub before: f64,
    /// After.
    pub after: f64,
}

/// Worlds that change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Steps at which was measured; the wall appears after [`Change::wall`].
    pub steps: Vec<usize>,
    /// Step after which the wall is there.
    pub wall: usize,
    /// Learners.
    pub followers: Vec<Follower>,
    /// The revaluation task.
    pub preferences: Vec<Preference>,
}

/// What one walk gives a learner: error and share of arrivals at each measurement.
type Course = Vec<(f64, f64)>;

/// Computes both changes.
///
/// # Errors
/// None that these settings could meet.
pub fn change(effort: Effort) -> Result<Change, SuccessorError> {
    let open = arena(&[])?;
    let walled = arena(&[[[4.0, 0.0], [4.0, 7.0]]])?;
    let walks = effort.walks(10, 3);
    let courses = in_order(walks, |index| {
        let key = effort.key(80, index);
        let mut states = open.walk(STEPS, key);
        states.extend(walled.walk(STEPS, key.part(1)));
        let mut found: Vec<Course> = Vec::new();
        for forgetting in FORGETTING {
            found.push(recurrent(&states, forgetting, [&open, &walled])?);
        }
        found.push(differences(&states, 0, [&open, &walled], key)?);
        found.push(differences(&states, REPLAYS, [&open, &walled], key)?);
        Ok(found)
    })?;
    let names = FORGETTING
        .iter()
        .map(|forgetting| format!("RNN-S, λ = {forgetting}"))
        .chain(["TD".to_owned(), format!("TD, {REPLAYS} replays a step")]);
    let followers = names
        .enumerate()
        .map(|(k, name)| {
            let of = |pick: fn(&(f64, f64)) -> f64| -> Vec<(f64, f64)> {
                (0..2 * STEPS / EVERY)
                    .map(|m| interval(&courses.iter().map(|found| pick(&found[k][m])).collect::<Vec<_>>()))
                    .collect()
            };
            Follower {
                name,
                error: of(|at| at.0),
                arrives: of(|at| at.1),
                recovery: courses.iter().map(|found| recovery(&found[k])).collect(),
            }
        })
        .collect();
    Ok(Change {
        steps: (1..=2 * STEPS / EVERY).map(|k| k * EVERY).collect(),
        wall: STEPS,
        followers,
        preferences: revaluation(effort.key(81, 0))?,
    })
}

/// The arena, with walls in bins from the lower left corner.
fn arena(walls: &[[[f64; 2]; 2]]) -> Result<World, SuccessorError> {
    World::arena(&ArenaPlan {
        size: [SIDE, SIDE],
        walls: walls.to_vec(),
        start: Some([0, 0]),
        ..ArenaPlan::default()
    })
}

/// The goal: the lower corner behind the wall.
const GOAL: usize = (SIDE - 1) * SIDE;

fn measured(m: &Matrix, world: &World) -> Result<(f64, f64), SuccessorError> {
    let truth = sr::ideal(&world.transitions(), RETRIEVAL_GAIN)?;
    let values = m.column(GOAL);
    let exits = |state: usize| world.exits(state).iter().map(|(to, _)| *to).collect();
    let arrived = uphill(&values, exits, GOAL);
    let share = arrived.iter().filter(|steps| steps.is_some()).count() as f64 / arrived.len() as f64;
    Ok((m.mean_absolute_error(&truth), share))
}

fn recurrent(states: &[usize], forgetting: f64, worlds: [&World; 2]) -> Result<Course, SuccessorError> {
    let rate = Rate::Adaptive {
        forgetting,
        least: LEAST_RATE,
        start: COUNT_START,
        count: Count::Presynaptic,
    };
    let config = RnnSConfig {
        gain: BASELINE_GAIN,
        rate,
        ..RnnSConfig::default()
    };
    let mut network = RnnS::new(SIDE * SIDE, config)?;
    let mut course = Vec::new();
    for (t, &state) in states.iter().enumerate() {
        if t == STEPS {
            network.pause();
        }
        network.step(Input::State(state))?;
        if (t + 1) % EVERY == 0 {
            course.push(measured(
                &network.read_out(RETRIEVAL_GAIN)?,
                worlds[usize::from(t >= STEPS)],
            )?);
        }
    }
    Ok(course)
}

fn differences(
    states: &[usize],
    replays: usize,
    worlds: [&World; 2],
    key: Key,
) -> Result<Course, SuccessorError> {
    let mut m = Matrix::identity(SIDE * SIDE);
    let mut memory: VecDeque<(usize, usize)> = VecDeque::new();
    let mut course = Vec::new();
    for (t, pair) in states.windows(2).enumerate() {
        if t + 1 != STEPS {
            let seen = (pair[0], pair[1]);
            replay(&mut m, &[seen], RETRIEVAL_GAIN, TD_RATE, 1, key);
            memory.push_back(seen);
            if memory.len() > MEMORY {
                memory.pop_front();
            }
            if replays > 0 {
                let key = key.part(2).at(t as u64);
                replay(
                    &mut m,
                    memory.make_contiguous(),
                    RETRIEVAL_GAIN,
                    TD_RATE,
                    replays,
                    key,
                );
            }
        }
        if (t + 1) % EVERY == 0 {
            course.push(measured(&m, worlds[usize::from(t >= STEPS)])?);
        }
    }
    course.push(measured(&m, worlds[1])?);
    course.truncate(2 * STEPS / EVERY);
    Ok(course)
}

fn recovery(course: &[(f64, f64)]) -> Option<usize> {
    let wall = STEPS / EVERY;
    let before = course[wall - 1].0;
    let at = course[wall..]
        .iter()
        .position(|(error, _)| *error <= 1.1 * before)?;
    Some((at + 1) * EVERY)
}

/// Two starts 0 and 3 lead over 1 and 4 to 2, worth 10, and 5, worth 1; then 1 leads to 5 and 4 to 2, and only that
/// last part is experienced.
fn revaluation(key: Key) -> Result<Vec<Preference>, SuccessorError> {
    const REWARDS: [f64; 6] = [0.0, 0.0, 10.0, 0.0, 0.0, 1.0];
    let first: [&[usize]; 2] = [&[0, 1, 2], &[3, 4, 5]];
    let second: [&[usize]; 2] = [&[1, 5], &[4, 2]];
    let preference = |m: &Matrix| {
        let values = sr::value(m, &REWARDS);
        values[0] - values[3]
    };
    let config = RnnSConfig {
        gain: BASELINE_GAIN,
        rate: Rate::Static { rate: TD_RATE },
        ..RnnSConfig::default()
    };
    let mut network = RnnS::new(6, config)?;
    let mut m = Matrix::identity(6);
    let mut experience = |runs: &[&[usize]]| -> Result<(f64, f64), SuccessorError> {
        for _ in 0..EXPERIENCES {
            for run in runs {
                network.pause();
                for &state in *run {
                    network.step(Input::State(state))?;
                }
                for pair in run.windows(2) {
                    replay(&mut m, &[(pair[0], pair[1])], RETRIEVAL_GAIN, TD_RATE, 1, key);
                }
            }
        }
        Ok((preference(&network.read_out(RETRIEVAL_GAIN)?), preference(&m)))
    };
    let before = experience(&first)?;
    let after = experience(&second)?;
    let latest = [(0, 1), (3, 4), (1, 5), (4, 2)];
    replay(&mut m, &latest, RETRIEVAL_GAIN, TD_RATE, REPLAYED, key.part(1));
    let row = |name: &str, before: f64, after: f64| Preference {
        name: name.to_owned(),
        before,
        after,
    };
    Ok(vec![
        row("RNN-S", before.0, after.0),
        row("TD", before.1, after.1),
        row("TD, then replay", before.1, preference(&m)),
    ])
}

impl Change {
    fn recovered(&self, k: usize) -> (f64, f64) {
        let of = &self.followers[k].recovery;
        let back: Vec<f64> = of.iter().map(|steps| steps.unwrap_or(STEPS) as f64).collect();
        interval(&back)
    }

    /// What is expected beyond the paper, beside what was found.
    pub fn claims(&self) -> Vec<Claim> {
        let end = self.steps.len() - 1;
        let after = |name: &str| {
            let of = self.preferences.iter().find(|p| p.name == name);
            of.expect("a learner of the revaluation task").after
        };
        vec![
            Claim::new(
                "beyond",
                "recovery after a wall, λ = 0.999 against λ = 1",
                "forgetting follows faster",
                Band::between(0.0, 0.9),
                Found::one(self.recovered(FORGETTING.len() - 1).0 / self.recovered(0).0),
            ),
            Claim::new(
                "beyond",
                "share of states that find the way round the wall, RNN-S with λ = 0.999",
                "all",
                Band::at_least(0.95),
                Found::one(self.followers[FORGETTING.len() - 1].arrives[end].0),
            ),
            Claim::new(
                "beyond",
                "revaluation, RNN-S: V(first) − V(second)",
                "negative: the change counts at once",
                Band::between(-100.0, -1.0),
                Found::one(after("RNN-S")),
            ),
            Claim::new(
                "beyond",
                "revaluation, TD without replay",
                "positive: the starts were not walked again",
                Band::between(1.0, 100.0),
                Found::one(after("TD")),
            ),
            Claim::new(
                "beyond",
                "revaluation, TD with replay",
                "negative",
                Band::between(-100.0, -1.0),
                Found::one(after("TD, then replay")),
            ),
        ]
    }
}

impl Tell for Change {
    fn sentences(&self) -> Vec<String> {
        let mut said: Vec<String> = self
            .followers
            .iter()
            .enumerate()
            .map(|(k, follower)| {
                let back = follower.recovery.iter().flatten().count();
                let (steps, half) = self.recovered(k);
                let end = self.steps.len() - 1;
                format!(
                    "{}: the error of M is back within a tenth in {back} of {} walks, after {steps:.0} ± {half:.0} steps ({STEPS} counted where it is not); in the end {:.0} % of the states find the goal",
                    follower.name,
                    follower.recovery.len(),
                    100.0 * follower.arrives[end].0
                )
            })
            .collect();
        said.extend(self.preferences.iter().map(|p| {
            format!(
                "revaluation, {}: V(first start) − V(second start) = {:.2} before, {:.2} after",
                p.name, p.before, p.after
            )
        }));
        said
    }

    fn table(&self) -> Table {
        let table = Table::new().with("step", self.steps.clone());
        self.followers.iter().fold(table, |table, follower| {
            let values = |pairs: &[(f64, f64)]| pairs.iter().map(|pair| pair.0).collect::<Vec<f64>>();
            table
                .with(format!("error, {}", follower.name), values(&follower.error))
                .with(format!("arrives, {}", follower.name), values(&follower.arrives))
        })
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let steps: Vec<f64> = self.steps.iter().map(|&step| step as f64).collect();
        let lines = |panel: Panel, pick: fn(&Follower) -> &Vec<(f64, f64)>, most: f64, named: bool| {
            self.followers
                .iter()
                .enumerate()
                .fold(panel, |panel, (k, follower)| {
                    let pairs = pick(follower);
                    let line = Series::line(steps.clone(), pairs.iter().map(|p| p.0).collect::<Vec<f64>>())
                        .band(
                            pairs
                                .iter()
                                .map(|p| ((p.0 - p.1).max(0.0), (p.0 + p.1).min(most)))
                                .collect::<Vec<_>>(),
                        )
                        .color(Color::cycle(k));
                    panel.series(if named {
                        line.label(follower.name.clone())
                    } else {
                        line
                    })
                })
        };
        let wall = self.wall as f64;
        let error = Panel::new("step", "mean absolute error of M")
            .y_log()
            .v_line(wall)
            .size(430.0, 320.0);
        let arrives = Panel::new("step", "share of states that find the goal")
            .y_range(0.0, 1.05)
            .v_line(wall)
            .size(330.0, 320.0);
        let ticks: Vec<(f64, String)> = self
            .preferences
            .iter()
            .enumerate()
            .map(|(k, p)| (k as f64, p.name.clone()))
            .collect();
        // Side by side: without replay nothing changes, and one would lie on the other.
        let at = |shift: f64| -> Vec<f64> { (0..self.preferences.len()).map(|k| k as f64 + shift).collect() };
        let pick = |pick: fn(&Preference) -> f64| self.preferences.iter().map(pick).collect::<Vec<f64>>();
        let revalued = Panel::new("", "V(first start) − V(second start)")
            .h_line(0.0)
            .x_ticks(ticks)
            .x_range(-0.5, self.preferences.len() as f64 - 0.5)
            .series(Series::points(at(-0.1), pick(|p| p.before)).label("before"))
            .series(
                Series::points(at(0.1), pick(|p| p.after))
                    .label("after")
                    .color(Color::Vermillion),
            )
            .size(330.0, 320.0);
        vec![Shown {
            figure: Figure {
                name: "change".to_owned(),
                title: "A wall appears; transitions are revalued".to_owned(),
                caption: format!(
                    "Left and middle: an arena of {SIDE} × {SIDE} bins in which a wall with one gap appears (line); mean and 95 % interval over {} walks, M at γ = {RETRIEVAL_GAIN}. Right: two starts whose outcomes change places, experienced behind them only. Seed {}.",
                    self.followers[0].recovery.len(),
                    origin.seed
                ),
                columns: 3,
                panels: vec![
                    lines(error, |f| &f.error, f64::INFINITY, true),
                    lines(arrives, |f| &f.arrives, 1.0, false),
                    revalued,
                ],
            },
            numbers: self.table(),
        }]
    }
}
