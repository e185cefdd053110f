//! Maps of a successor representation: eigenvectors, values, rollouts.

use crate::error::SuccessorError;
use crate::matrix::Matrix;
use crate::sr;
use faer::MatRef;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;

/// Eigenvectors of M with the largest real eigenvalues: (eigenvalue, one value per state), largest first.
///
/// In open arenas they are grid-like (Stachenfeld, Botvinick & Gershman, Nat. Neurosci. 20, 1643, 2017).
///
/// # Errors
/// Values that are not finite.
pub fn eigenvectors(m: &Matrix, most: usize) -> Result<Vec<(f64, Vec<f64>)>, SuccessorError> {
    let n = m.rows();
    let view = MatRef::from_row_major_slice(m.values(), n, n);
    let eigen = view.eigen().map_err(|_| SuccessorError::Singular { n })?;
    let (values, vectors) = (eigen.S(), eigen.U());
    let mut order: Vec<usize> = (0..n).filter(|&k| values[k].im.abs() < 1e-9).collect();
    order.sort_by(|&a, &b| values[b].re.total_cmp(&values[a].re));
    let vector = |k: usize| {
        let column: Vec<f64> = (0..n).map(|i| vectors[(i, k)].re).collect();
        let largest = column
            .iter()
            .copied()
            .fold(0.0_f64, |m, x| if x.abs() > m.abs() { x } else { m });
        let scale = if largest == 0.0 { 1.0 } else { largest };
        (values[k].re, column.iter().map(|x| x / scale).collect())
    };
    Ok(order.into_iter().take(most).map(vector).collect())
}

/// A rollout of a learned network: its outgoing synapses, normalised, as a Markov chain. Ends early at a neuron without
/// synapses.
pub fn rollout(transitions: &Matrix, from: usize, steps: usize, key: Key) -> Vec<usize> {
    let mut draws = key.stream(Purpose::Walk, from as u64);
    let mut states = vec![from];
    while states.len() <= steps {
        let row = transitions.row(states[states.len() - 1]);
        let sum: f64 = row.iter().filter(|w| **w > 0.0).sum();
        if !(sum > 0.0) {
            break;
        }
        let mut left = sum * draws.random::<f64>();
        let chosen = row.iter().position(|w| {
            left -= w.max(0.0);
            left < 0.0
        });
        match chosen {
            Some(next) => states.push(next),
            None => break,
        }
    }
    states
}

/// Mean log probability per step of a sequence under a transition matrix: −∞ for one that cannot be.
pub fn sequence_score(states: &[usize], truth: &Matrix) -> f64 {
    let steps = states.windows(2).map(|pair| truth[(pair[0], pair[1])].ln());
    steps.clone().sum::<f64>() / steps.count().max(1) as f64
}

/// Policy that goes, from each state, to the exit with the largest value; the state itself where nothing is larger.
pub fn greedy(values: &[f64], exits: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    let best = |state: usize| {
        let exits = exits(state);
        exits.into_iter().fold(
            state,
            |best, to| if values[to] > values[best] { to } else { best },
        )
    };
    (0..values.len()).map(best).collect()
}

/// Steps from every state to `goal` by [`greedy`]; `None` from where it comes to rest, or turns in circles, elsewhere.
pub fn uphill(values: &[f64], exits: impl Fn(usize) -> Vec<usize>, goal: usize) -> Vec<Option<usize>> {
    let policy = greedy(values, exits);
    let steps = |from: usize| {
        let mut at = from;
        for taken in 0..=policy.len() {
            if at == goal {
                return Some(taken);
            }
            if policy[at] == at {
                return None;
            }
            at = policy[at];
        }
        None
    };
    (0..policy.len()).map(steps).collect()
}

/// SR-Dyna: goes over remembered transitions again and learns M from them by temporal differences, so that a change of
/// the world is known everywhere without walking everywhere.
///
/// Russek, Momennejad, Botvinick, Gershman & Daw, PLoS Comput. Biol. 13, e1005768 (2017).
pub fn replay(m: &mut Matrix, memory: &[(usize, usize)], discount: f64, rate: f64, times: usize, key: Key) {
    let mut draws = key.stream(Purpose::Walk, u64::MAX);
    for _ in 0..times.min(if memory.is_empty() { 0 } else { usize::MAX }) {
        let (from, to) = memory[draws.random_range(0..memory.len())];
        for k in 0..m.columns() {
            let target = f64::from(u8::from(k == from)) + discount * m[(to, k)];
            let old = m[(from, k)];
            m[(from, k)] = old + rate * (target - old);
        }
    }
}

/// Credible bands of M from counts of transitions.
#[derive(Clone, Debug, PartialEq)]
pub struct Bands {
    /// Posterior mean.
    pub mean: Matrix,
    /// 2.5 % quantile of every entry.
    pub low: Matrix,
    /// 97.5 % quantile of every entry.
    pub high: Matrix,
}

/// Draws T from the Dirichlet posterior of observed counts, with `prior` added to each exit that was ever seen, and
/// tells how far M may be from its mean. States never left keep M = I.
///
/// # Errors
/// A prior or discount that cannot be; fewer than 40 draws.
pub fn credible(
    counts: &Matrix,
    prior: f64,
    discount: f64,
    draws: usize,
    key: Key,
) -> Result<Bands, SuccessorError> {
    use rand_distr::{Distribution, Gamma};
    sr::check_discount(discount)?;
    if !(prior > 0.0 && prior.is_finite()) || draws < 40 {
        return Err(SuccessorError::setting(
            "prior and draws",
            format!("{prior}, {draws}"),
            "above 0, at least 40",
        ));
    }
    let n = counts.rows();
    let sample = |index: usize| -> Result<Matrix, SuccessorError> {
        let mut stream = key.stream(Purpose::Bootstrap, index as u64);
        let mut t = Matrix::zeros(n, n);
        for i in 0..n {
            for j in 0..n {
                if counts[(i, j)] > 0.0 {
                    let law = Gamma::new(counts[(i, j)] + prior, 1.0).expect("positive parameters");
                    t[(i, j)] = law.sample(&mut stream);
                }
            }
            let sum: f64 = t.row(i).iter().sum();
            if sum > 0.0 {
                t.row_mut(i).iter_mut().for_each(|p| *p /= sum);
            }
        }
        sr::ideal(&t, discount)
    };
    let samples: Vec<Matrix> = (0..draws).map(sample).collect::<Result<_, _>>()?;
    let mut bands = Bands {
        mean: Matrix::zeros(n, n),
        low: Matrix::zeros(n, n),
        high: Matrix::zeros(n, n),
    };
    for k in 0..n * n {
        let mut values: Vec<f64> = samples.iter().map(|m| m.values()[k]).collect();
        values.sort_by(f64::total_cmp);
        let at = |p: f64| {
            neuropil_math::stats::summary::quantile_of_sorted(&values, p).expect("at least one draw")
        };
        bands.mean.values_mut()[k] = values.iter().sum::<f64>() / draws as f64;
        bands.low.values_mut()[k] = at(0.025);
        bands.high.values_mut()[k] = at(0.975);
    }
    Ok(bands)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    #[test]
    fn eigenvectors_solve_and_rollouts_obey() {
        let t = World::open(4).unwrap().transitions();
        let m = sr::ideal(&t, 0.9).unwrap();
        for (value, vector) in eigenvectors(&m, 5).unwrap() {
            let image = m.apply(&vector);
            assert!(
                image
                    .iter()
                    .zip(&vector)
                    .all(|(a, b)| (a - value * b).abs() < 1e-8)
            );
        }
        let walk = rollout(&t, 3, 50, Key::new(1));
        assert_eq!(walk.len(), 51);
        assert!(sequence_score(&walk, &t) > -(5.0_f64.ln()) - 1e-9);
        assert_eq!(sequence_score(&[0, 15], &t), f64::NEG_INFINITY);
        assert_eq!(rollout(&Matrix::zeros(3, 3), 1, 9, Key::new(1)), [1]);
    }

    #[test]
    fn replay_learns_a_detour_that_was_never_walked_to_the_end() {
        // 0 → 1 → 2 was known; then 1 is found to lead to 3
        let mut m = Matrix::identity(4);
        let memory = [(0, 1), (1, 3)];
        replay(&mut m, &memory, 0.9, 0.2, 4000, Key::new(1));
        assert!((m[(0, 3)] - 0.81).abs() < 1e-6 && m[(0, 2)].abs() < 1e-12);
        let values = sr::value(&m, &[0.0, 0.0, 0.0, 1.0]);
        assert_eq!(
            greedy(&values, |s| [vec![1], vec![2, 3], vec![], vec![]][s].clone())[1],
            3
        );
        let steps = uphill(&values, |s| [vec![1], vec![2, 3], vec![], vec![]][s].clone(), 3);
        assert_eq!(steps, [Some(2), Some(1), None, Some(0)]);
    }

    #[test]
    fn bands_hold_the_truth_and_narrow() {
        let world = World::ring(5, 3.0, 1.0, 1.0).unwrap();
        let truth = sr::ideal(&world.transitions(), 0.8).unwrap();
        let width = |steps| {
            let walk = world.walk(steps, Key::new(2));
            let counts = sr::counts([&walk[..]], 5).unwrap();
            let bands = credible(&counts, 0.5, 0.8, 200, Key::new(3)).unwrap();
            let inside = (0..25)
                .filter(|&k| (bands.low.values()[k]..=bands.high.values()[k]).contains(&truth.values()[k]))
                .count();
            assert!(inside >= 20, "{inside} of 25 after {steps}");
            bands.high.mean_absolute_error(&bands.low)
        };
        assert!(width(4000) < 0.5 * width(400));
    }
}
