//! Fixed and slow points of a trained network under constant input.
//!
//! The flow is τ dx/dt = g(x, u). From each start the Levenberg–Marquardt method minimises the speed q = ½|g|²
//! (Sussillo & Barak, Neural Comput. 25, 626, 2013); ends with q < 1e-12 are fixed points. Of the other ends those are
//! slow points where |g| is at most a hundredth of its median along the mean courses of recorded trials. The
//! eigenvalues of the Jacobian ∂g/∂x say whether the network returns to a point (all real parts below 0) and how fast
//! (τ/|Re|).

use neuropil_math::linalg::{
    LinalgError, PrincipalComponents, damped_least_squares, eigenvalues, principal_components,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::analysis::activity::Recorded;
use crate::analysis::course::{Event, TRIAL, rates_after, sorting, together};
use crate::analysis::groups::{Group, Sorting, sortings};
use crate::analysis::levels::{Level, eta_squared};
use crate::analysis::{AnalysisError, Focus};
use crate::dynamics::{Dynamics, rates};

/// Speed below which a point is fixed.
const FIXED: f64 = 1e-12;
/// Part of the typical |g| of trajectories up to which a point that is not fixed counts as slow: in the 20 τ or so of a
/// trial the network leaves it by a fifth of the way that it usually goes in τ.
const SLOW: f64 = 0.01;
const MAX_STEPS: usize = 300;
/// Two ends closer than this times √N are one point.
const SAME: f64 = 1e-2;
/// Components of the state space that are kept.
const N_COMPONENTS: usize = 3;

/// What a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Fixed, and the network returns to it.
    Stable,
    /// Fixed, and some directions lead away.
    Unstable,
    /// A local minimum of the speed that is not 0.
    Slow,
}

/// One point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// What it is.
    pub kind: Kind,
    /// q = ½|g|².
    pub speed: f64,
    /// Starts that ended here.
    pub n_starts: usize,
    /// State of each unit.
    pub state: Vec<f64>,
    /// Eigenvalues (real, imaginary) of the Jacobian of the flow, largest real part first; in units of 1/τ.
    pub eigenvalues: Vec<(f64, f64)>,
    /// Directions that lead away.
    pub n_unstable: usize,
    /// Probability of each action here.
    pub probabilities: Vec<f64>,
    /// Place in the state space of [`FixedPoints::components`].
    pub place: Vec<f64>,
    /// Group of trials whose mean course comes nearest; empty without any.
    #[serde(default)]
    pub near: String,
}

/// A mean course of activity in the state space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Which trials.
    pub group: String,
    /// Whether they ended in the positive choice.
    pub positive: bool,
    /// Place on the components at each recorded step of the window.
    pub places: Vec<Vec<f64>>,
}

/// Fixed and slow points, and the state space they lie in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixedPoints {
    /// Epoch whose mean inputs were held; those of `--input` are others.
    #[serde(default)]
    pub during: String,
    /// The constant input: name and value.
    pub inputs: Vec<(String, f64)>,
    /// Names of the actions.
    pub actions: Vec<String>,
    /// Time constant τ in ms.
    pub tau_ms: f64,
    /// Recorded trials from which starts and courses are.
    pub n_recorded: usize,
    /// Number of starts.
    pub n_starts: usize,
    /// Starts whose end was neither fixed nor slow.
    pub n_lost: usize,
    /// Median speed q along the mean courses, in the space of the components; 0 without any: then no point is slow.
    pub typical_speed: f64,
    /// The points, slowest last.
    pub points: Vec<Point>,
    /// Principal components of the rates visited in the recorded trials.
    pub components: PrincipalComponents,
    /// Mean courses of groups of recorded trials.
    pub courses: Vec<Course>,
}

/// Fixed and slow points under the constant input `u`, from `n_starts` states that recorded trials went through.
///
/// # Errors
/// No recorded activity, or a decomposition that fails.
pub fn fixed_points(
    dynamics: &Dynamics,
    recorded: &Recorded,
    u: &[f64],
    n_starts: usize,
    tau_ms: f64,
) -> Result<FixedPoints, AnalysisError> {
    let (behaviour, activity) = (&recorded.behaviour, &recorded.policy);
    activity.validate(behaviour)?;
    let mut visited = Vec::new();
    for trial in 0..activity.n_trials {
        for time in activity.steps(behaviour, trial, 0.0, f64::INFINITY) {
            visited.push((time, trial));
        }
    }
    let row = |&(time, trial): &(usize, usize)| -> Vec<f64> {
        (0..activity.n_units)
            .map(|unit| activity.rate(time, trial, unit))
            .collect()
    };
    let points: Vec<f64> = visited.iter().flat_map(row).collect();
    let components = principal_components(&points, visited.len(), activity.n_units, N_COMPONENTS)?;
    // Starts are spread evenly over all visited states; a rate of 0 stands for any state below 0.
    let starts: Vec<Vec<f64>> = (0..n_starts)
        .map(|i| row(&visited[(i * visited.len() + visited.len() / 2) / n_starts]))
        .collect();
    let courses = courses(recorded, &components);
    let step_ms = activity
        .times_ms
        .get(1)
        .map_or(0.0, |next| next - activity.times_ms[0]);
    let typical_speed = typical_speed(&courses, step_ms / tau_ms);
    let (found, n_lost) = from_starts(dynamics, u, &starts, SLOW * SLOW * typical_speed)?;
    let points = found.into_iter().map(|(state, speed, n_starts)| {
        let mut values = eigenvalues(&dynamics.jacobian(&state, u), state.len())?;
        values.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
        let n_unstable = values.iter().filter(|(re, _)| *re > 0.0).count();
        let kind = match (speed < FIXED, n_unstable) {
            (true, 0) => Kind::Stable,
            (true, _) => Kind::Unstable,
            (false, _) => Kind::Slow,
        };
        let rates = rates(&state);
        let place = components.project(&rates);
        Ok(Point {
            kind,
            speed,
            n_starts,
            eigenvalues: values,
            n_unstable,
            probabilities: dynamics.probabilities(&rates),
            near: nearest_course(&place, &courses),
            place,
            state,
        })
    });
    let mut points: Vec<Point> = points.collect::<Result<_, LinalgError>>()?;
    points.sort_by(|a, b| {
        a.speed
            .max(FIXED)
            .total_cmp(&b.speed.max(FIXED))
            .then(b.n_starts.cmp(&a.n_starts))
    });
    let names = recorded.input_names.iter().cloned();
    Ok(FixedPoints {
        during: String::new(),
        inputs: names.zip(u.iter().copied()).collect(),
        actions: behaviour.actions.clone(),
        tau_ms,
        n_recorded: behaviour.n_trials(),
        n_starts,
        n_lost,
        typical_speed,
        points,
        components,
        courses,
    })
}

/// Group of the mean course that passes nearest to a place; of two with one name, the one of the positive choice is marked.
fn nearest_course(place: &[f64], courses: &[Course]) -> String {
    let square = |at: &Vec<f64>| at.iter().zip(place).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    let distance = |course: &Course| course.places.iter().map(square).fold(f64::INFINITY, f64::min);
    let nearest = courses.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.map_or_else(String::new, |course| {
        let alike = courses.iter().filter(|other| other.group == course.group).count();
        match (alike, course.positive) {
            (1, _) => course.group.clone(),
            (_, true) => format!("{}, positive", course.group),
            (_, false) => format!("{}, negative", course.group),
        }
    })
}

/// Median of q = ½|τ dr/dt|² along courses whose places are `step` time constants apart; 0 without any.
fn typical_speed(courses: &[Course], step: f64) -> f64 {
    let along = |course: &Course| -> Vec<f64> {
        let pairs = course.places.windows(2);
        let moved = pairs.map(|pair| {
            pair[0]
                .iter()
                .zip(&pair[1])
                .map(|(a, b)| (b - a) / step)
                .collect::<Vec<_>>()
        });
        moved.map(|velocity| speed(&velocity)).collect()
    };
    let mut speeds: Vec<f64> = courses.iter().flat_map(along).collect();
    speeds.sort_by(f64::total_cmp);
    speeds.get(speeds.len() / 2).copied().unwrap_or(0.0)
}

/// Ends of the descents that are fixed, or of a speed up to `slow`, each with its speed and number of starts; and how
/// many were neither.
///
/// # Errors
/// A state that is not finite.
pub fn from_starts(
    dynamics: &Dynamics,
    u: &[f64],
    starts: &[Vec<f64>],
    slow: f64,
) -> Result<(Vec<(Vec<f64>, f64, usize)>, usize), LinalgError> {
    let ends: Vec<(Vec<f64>, f64)> = starts
        .par_iter()
        .map(|start| descend(dynamics, u, start))
        .collect::<Result<_, _>>()?;
    let radius = SAME * (dynamics.n_units() as f64).sqrt();
    let mut found: Vec<(Vec<f64>, f64, usize)> = Vec::new();
    let mut n_lost = 0;
    for (state, speed) in ends {
        if speed > slow.max(FIXED) {
            n_lost += 1;
            continue;
        }
        let distance = |other: &[f64]| {
            state
                .iter()
                .zip(other)
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        match found.iter_mut().find(|(other, _, _)| distance(other) < radius) {
            Some((other, slowest, n)) => {
                *n += 1;
                if speed < *slowest {
                    (*other, *slowest) = (state, speed);
                }
            }
            None => found.push((state, speed, 1)),
        }
    }
    Ok((found, n_lost))
}

/// q = ½|g|².
fn speed(flow: &[f64]) -> f64 {
    0.5 * flow.iter().map(|g| g * g).sum::<f64>()
}

/// Levenberg–Marquardt from `start`: where it ends, and the speed there.
fn descend(dynamics: &Dynamics, u: &[f64], start: &[f64]) -> Result<(Vec<f64>, f64), LinalgError> {
    let n = start.len();
    let mut x = start.to_vec();
    let mut flow = dynamics.flow(&x, u);
    let (mut q, mut damping) = (speed(&flow), 1e-2);
    for _ in 0..MAX_STEPS {
        if q < 1e-24 || damping > 1e9 {
            break;
        }
        let downhill: Vec<f64> = flow.iter().map(|g| -g).collect();
        let step = damped_least_squares(&dynamics.jacobian(&x, u), n, n, &downhill, damping)?;
        let next: Vec<f64> = x.iter().zip(&step).map(|(x, step)| x + step).collect();
        let next_flow = dynamics.flow(&next, u);
        let next_q = speed(&next_flow);
        if next_q < q {
            (x, flow, q) = (next, next_flow, next_q);
            damping = (damping * 0.3).max(1e-12);
        } else {
            damping *= 4.0;
        }
    }
    Ok((x, q))
}

/// Mean courses from the start of the trials: by the last of the ways in which the paper sorts them, else by what tells
/// their activity most apart, else all together.
fn courses(recorded: &Recorded, components: &PrincipalComponents) -> Vec<Course> {
    let (behaviour, activity) = (&recorded.behaviour, &recorded.policy);
    let of_paper = sortings(behaviour).ok().and_then(|mut found| found.pop());
    let groups = of_paper.map_or_else(|| by_any(recorded), |Sorting { groups, .. }| groups);
    let course = |group: &Group| {
        // As long as at least half of the trials run: the mean of a few stragglers wanders.
        let running = |time: usize| -> Vec<usize> {
            let trials = group.trials.iter().copied();
            trials
                .filter(|&trial| activity.times_ms[time] < behaviour.n_steps[trial] as f64 * behaviour.dt_ms)
                .collect()
        };
        let times = 0..activity.times_ms.len();
        let places = times
            .map(running)
            .take_while(|trials| 2 * trials.len() >= group.trials.len())
            .enumerate();
        let places = places.map(|(time, trials)| {
            let mean = |unit: usize| {
                trials
                    .iter()
                    .map(|&trial| activity.rate(time, trial, unit))
                    .sum::<f64>()
                    / trials.len() as f64
            };
            components.project(&(0..activity.n_units).map(mean).collect::<Vec<_>>())
        });
        Course {
            group: group.name.clone(),
            positive: group.positive,
            places: places.collect(),
        }
    };
    groups.iter().map(course).collect()
}

/// Groups of trials by the quantity that tells their mean rates most apart.
fn by_any(recorded: &Recorded) -> Vec<Group> {
    let (behaviour, activity) = (&recorded.behaviour, &recorded.policy);
    let found = Event::named(behaviour, TRIAL).and_then(|trial| {
        let rates = rates_after(behaviour, activity, &trial);
        sorting(behaviour, &Focus::default(), |sorted| {
            let levels: Vec<Vec<usize>> = sorted.levels.iter().map(|level| level.trials.clone()).collect();
            rates.iter().map(|rates| eta_squared(&levels, rates)).sum()
        })
    });
    let sorted = found.unwrap_or_else(|_| together((0..behaviour.n_trials()).collect()));
    let name = |level: &str| {
        if sorted.by.is_empty() {
            level.to_owned()
        } else {
            format!("{} {level}", sorted.by)
        }
    };
    let group = |level: &Level| Group {
        name: name(&level.name),
        positive: true,
        trials: level.trials.clone(),
    };
    sorted.levels.iter().map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamics::tests::policy;
    use neuropil_learn::player::Player;
    use neuropil_math::rng::{Key, Purpose};
    use rand::RngExt;

    /// A task without a direction has courses all the same, and so a speed to compare slow points with.
    #[test]
    fn courses_are_sorted_by_whatever_varies() {
        let (mut behaviour, policy) = crate::analysis::synthetic::coded(200, 1);
        behaviour.numbers.remove("direction");
        let tone = behaviour.numbers.remove("coherence").unwrap();
        behaviour.numbers.insert("tone".into(), tone);
        let rates: Vec<f64> = policy.rates.iter().map(|&rate| f64::from(rate)).collect();
        let components = principal_components(&rates, 60 * 200, 10, N_COMPONENTS).unwrap();
        let recorded = Recorded {
            behaviour,
            policy,
            ..Recorded::default()
        };
        let courses = courses(&recorded, &components);
        let groups: Vec<&str> = courses.iter().map(|course| course.group.as_str()).collect();
        assert_eq!(
            groups,
            ["tone 0", "tone 6.4", "tone 12.8", "tone 25.6", "tone 51.2"]
        );
        assert!(typical_speed(&courses, 0.25) > 0.0);
    }

    /// Two leaky units that inhibit each other: a winner-take-all with three fixed points.
    ///
    /// y = (1.5 − 2 r₂, 1.5 − 2 r₁): with one silent the other rests at 1.5, and both at 0.5 balance.
    fn competition() -> Player<f64> {
        let mut player = policy(&[
            "policy.units=2",
            "policy.cell=\"leaky\"",
            "policy.connection_probability=1",
        ]);
        let layout = player.network.layout().clone();
        let mut params = vec![0.0; layout.len()];
        layout
            .view_mut(&mut params, "w_rec")
            .copy_from_slice(&[0.0, -2.0, -2.0, 0.0]);
        layout.view_mut(&mut params, "b_in").copy_from_slice(&[1.5, 1.5]);
        layout
            .view_mut(&mut params, "w_out")
            .copy_from_slice(&[0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        player.set_params(&params);
        player
    }

    #[test]
    fn a_winner_take_all_has_two_stable_points_and_a_saddle() {
        let dynamics = Dynamics::of(&competition(), 0.1).unwrap();
        let mut stream = Key::new(1).stream(Purpose::Test, 0);
        let starts: Vec<Vec<f64>> = (0..40)
            .map(|_| (0..2).map(|_| 4.0 * stream.random::<f64>() - 2.0).collect())
            .collect();
        let (found, n_lost) = from_starts(&dynamics, &[0.0; 3], &starts, 0.0).unwrap();
        assert_eq!((found.len(), n_lost), (3, 0), "{found:?}");
        assert_eq!(found.iter().map(|(_, _, n)| n).sum::<usize>(), 40);
        for expected in [[1.5, -1.5], [-1.5, 1.5], [0.5, 0.5]] {
            let here = found
                .iter()
                .find(|(x, _, _)| x.iter().zip(expected).all(|(x, e)| (x - e).abs() < 1e-6));
            let (state, speed, _) = here.unwrap_or_else(|| panic!("{expected:?} is not in {found:?}"));
            assert!(*speed < FIXED);
            let mut values = eigenvalues(&dynamics.jacobian(state, &[0.0; 3]), 2).unwrap();
            values.sort_by(|a, b| b.0.total_cmp(&a.0));
            // Apart the units only leak; in balance the difference grows at rate 2 − 1.
            let expected = if expected[0] == 0.5 {
                [1.0, -3.0]
            } else {
                [-1.0, -1.0]
            };
            assert!((values[0].0 - expected[0]).abs() < 1e-6 && (values[1].0 - expected[1]).abs() < 1e-6);
        }
    }

    /// One leaky unit that excites itself with weight 1 and bias `drift`: g = `drift` at x ≥ 0, `drift` − x below.
    fn drifting(drift: f64) -> Dynamics {
        let mut player = policy(&[
            "policy.units=1",
            "policy.cell=\"leaky\"",
            "policy.connection_probability=1",
        ]);
        let layout = player.network.layout().clone();
        let mut params = vec![0.0; layout.len()];
        layout.view_mut(&mut params, "w_rec").fill(1.0);
        layout.view_mut(&mut params, "b_in").fill(drift);
        player.set_params(&params);
        Dynamics::of(&player, 0.1).unwrap()
    }

    #[test]
    fn a_point_is_told_by_the_course_that_comes_nearest() {
        let course = |group: &str, positive, x: f64| Course {
            group: group.to_owned(),
            positive,
            places: vec![vec![0.0, 0.0], vec![x, 1.0]],
        };
        let courses = [course("angle 0", true, 1.0), course("angle 90", true, -1.0)];
        assert_eq!(nearest_course(&[-0.9, 1.0], &courses), "angle 90");
        let both = [course("5 %", true, 1.0), course("5 %", false, -1.0)];
        assert_eq!(nearest_course(&[-0.9, 1.0], &both), "5 %, negative");
        assert_eq!(nearest_course(&[0.0, 0.0], &[]), "");
    }

    #[test]
    fn points_are_slow_beside_the_speed_of_the_courses() {
        // Places two apart every half time constant: |τ dr/dt| = 4, whichever way.
        let course = |places: [[f64; 2]; 3]| Course {
            group: String::new(),
            positive: true,
            places: places.iter().map(|place| place.to_vec()).collect(),
        };
        let courses = [
            course([[0.0, 0.0], [2.0, 0.0], [2.0, -2.0]]),
            course([[1.0, 1.0], [1.0, 3.0], [1.0, 5.0]]),
        ];
        let typical = typical_speed(&courses, 0.5);
        assert!((typical - 8.0).abs() < 1e-12);
        assert_eq!(typical_speed(&[], 0.5), 0.0);
        // A descent of this unit ends at |g| = drift: slow is 0.04 and less.
        for (drift, is_slow) in [(0.03, true), (0.05, false)] {
            let slow = SLOW * SLOW * typical;
            let (found, n_lost) =
                from_starts(&drifting(drift), &[0.0; 3], &vec![vec![-1.0]; 5], slow).unwrap();
            assert_eq!((found.len(), n_lost), if is_slow { (1, 0) } else { (0, 5) });
        }
    }

    #[test]
    fn a_gated_network_comes_to_rest_where_the_search_says() {
        let player = policy(&["policy.units=30"]);
        let dynamics = Dynamics::of(&player, 0.1).unwrap();
        let mut stream = Key::new(2).stream(Purpose::Test, 0);
        let starts: Vec<Vec<f64>> = (0..20)
            .map(|_| (0..30).map(|_| stream.random::<f64>()).collect())
            .collect();
        let u = [1.0, 0.5, 0.5];
        let (found, _) = from_starts(&dynamics, &u, &starts, 1e-2).unwrap();
        assert!(!found.is_empty());
        for (state, speed, _) in found.iter().filter(|(_, speed, _)| *speed < FIXED) {
            let mut x = state.clone();
            let heard = rates(&x);
            dynamics.step(&mut x, &heard, &u, &[0.0; 30]);
            let moved = x
                .iter()
                .zip(state)
                .fold(0.0_f64, |most, (a, b)| most.max((a - b).abs()));
            assert!(moved < 1e-6, "moved by {moved} at speed {speed}");
        }
    }
}
