//! Features of states: what the network sees of a place.
//!
//! Sparse random features are blurred over the arena, so that near places look alike: the blur's σ sets how far
//! they are correlated, the initial probability p how dense they are (Fang et al. 2023, Figs 4 to 6).

use crate::error::SuccessorError;
use crate::fang2023::BLUR_TRUNCATE;
use crate::matrix::Matrix;
use crate::world::Shape;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What lies beyond the border of the arena for the blur.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Border {
    /// The arena mirrored: d c b a | a b c d | d c b a.
    #[default]
    Reflect,
    /// The other end, as on a ring.
    Wrap,
}

/// Kinds of features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[non_exhaustive]
pub enum FeatureKind {
    /// One feature per state.
    OneHot,
    /// Each state `copies` times.
    NHot {
        /// Features per state.
        copies: usize,
    },
    /// Entries drawn from values with probabilities, without structure.
    Linear {
        /// Values.
        values: Vec<f64>,
        /// Their probabilities.
        probabilities: Vec<f64>,
    },
    /// One-hot, blurred.
    CorrelatedSparse {
        /// σ of the blur, bins.
        sigma: f64,
    },
    /// Random, blurred, scaled to [0, 1] in every state: the features of the paper's figures.
    CorrelatedDistributed {
        /// σ of the blur, bins.
        sigma: f64,
        /// Probability that a feature is active in a state, before the blur.
        p: f64,
        /// Number of features; 0: as many as states.
        #[serde(default)]
        features: usize,
        /// Values that entries are rounded to; empty: none.
        #[serde(default)]
        quantised: Vec<f64>,
    },
}

/// Features of every state.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMap {
    /// φ(s): states × features.
    pub of_state: Matrix,
    /// What was said on the way.
    pub notes: Vec<String>,
}

impl FeatureMap {
    /// One feature per state.
    pub fn one_hot(states: usize) -> Self {
        Self {
            of_state: Matrix::identity(states),
            notes: Vec::new(),
        }
    }

    /// Draws features for the states of a world.
    ///
    /// # Errors
    /// Settings outside their ranges.
    pub fn draw(
        kind: &FeatureKind,
        shape: Shape,
        states: usize,
        border: Border,
        key: Key,
    ) -> Result<Self, SuccessorError> {
        let mut notes = Vec::new();
        let of_state = match kind {
            FeatureKind::OneHot => Matrix::identity(states),
            FeatureKind::NHot { copies } => {
                if *copies == 0 {
                    return Err(SuccessorError::setting("`copies`", 0, "at least 1"));
                }
                let row = |s: usize| (0..states * copies).map(|k| f64::from(k / copies == s)).collect();
                Matrix::from_rows(&(0..states).map(row).collect::<Vec<_>>())
            }
            FeatureKind::Linear {
                values,
                probabilities,
            } => linear(values, probabilities, states, key)?,
            FeatureKind::CorrelatedSparse { sigma } => {
                check_sigma(*sigma)?;
                scaled(blur(
                    &Matrix::identity(states),
                    shape,
                    *sigma,
                    BLUR_TRUNCATE,
                    border,
                ))
            }
            FeatureKind::CorrelatedDistributed {
                sigma,
                p,
                features,
                quantised,
            } => {
                check_sigma(*sigma)?;
                if !(0.0..=1.0).contains(p) {
                    return Err(SuccessorError::setting(
                        "the initial sparsity p",
                        p,
                        "between 0 and 1",
                    ));
                }
                let n = if *features == 0 { states } else { *features };
                let mut draws = key.stream(Purpose::InitPolicy, 1);
                let bernoulli = (0..states * n)
                    .map(|_| f64::from(u8::from(draws.random::<f64>() < *p)))
                    .collect();
                let bernoulli = Matrix::new(states, n, bernoulli);
                let (repaired, short) = repair(&bernoulli, *sigma, |unused, k| {
                    let mut unused = unused.to_vec();
                    (0..k.min(unused.len()))
                        .map(|_| unused.swap_remove(draws.random_range(0..unused.len())))
                        .collect()
                });
                if short > 0 {
                    notes.push(format!(
                        "{short} states share their only feature with another: too few features"
                    ));
                }
                let map = scaled(blur(&repaired, shape, *sigma, BLUR_TRUNCATE, border));
                if quantised.is_empty() {
                    map
                } else {
                    map.map(|x| nearest(x, quantised))
                }
            }
        };
        Ok(Self { of_state, notes })
    }

    /// Sparsity: median over states of the mean feature value.
    pub fn sparsity(&self) -> f64 {
        let n = self.of_state.columns() as f64;
        let means: Vec<f64> = self.of_state.row_sums().iter().map(|sum| sum / n).collect();
        neuropil_math::stats::summary::quantile(&means, 0.5).unwrap_or(f64::NAN)
    }

    /// Spatial correlation: φ(s) · φ(centre) of every state.
    pub fn correlation_with(&self, centre: usize) -> Vec<f64> {
        self.of_state.apply(self.of_state.row(centre))
    }
}

fn check_sigma(sigma: f64) -> Result<(), SuccessorError> {
    if (0.0..=1e4).contains(&sigma) {
        Ok(())
    } else {
        Err(SuccessorError::setting("σ of the blur", sigma, "at least 0 bins"))
    }
}

fn linear(values: &[f64], probabilities: &[f64], states: usize, key: Key) -> Result<Matrix, SuccessorError> {
    let sum: f64 = probabilities.iter().sum();
    let fine = values.len() == probabilities.len() && probabilities.iter().all(|p| *p >= 0.0) && sum > 0.0;
    if !fine || values.iter().any(|value| !value.is_finite()) {
        let found = format!("{} values with probabilities {probabilities:?}", values.len());
        return Err(SuccessorError::setting(
            "linear features",
            found,
            "one probability per value, not all 0",
        ));
    }
    let mut draws = key.stream(Purpose::InitPolicy, 1);
    let draw = |_| {
        let mut left = draws.random::<f64>() * sum;
        let chosen = probabilities.iter().position(|p| {
            left -= p;
            left < 0.0
        });
        values[chosen.unwrap_or(values.len() - 1)]
    };
    Ok(Matrix::new(
        states,
        states,
        (0..states * states).map(draw).collect(),
    ))
}

fn nearest(x: f64, values: &[f64]) -> f64 {
    let far = |value: &f64| (value - x).abs();
    *values
        .iter()
        .min_by(|a, b| far(a).total_cmp(&far(b)))
        .expect("at least one value")
}

/// Features that tell states apart: where there is no blur, rows that repeat an earlier one are emptied; empty rows
/// get one feature whose one-hot row is not in use, chosen by `take(unused, how many)`.
///
/// Returns the rows and how many of them had to share a feature.
pub fn repair(
    bernoulli: &Matrix,
    sigma: f64,
    mut take: impl FnMut(&[usize], usize) -> Vec<usize>,
) -> (Matrix, usize) {
    let mut rows = bernoulli.clone();
    let bits = |row: &[f64]| -> Vec<u64> { row.iter().map(|x| x.to_bits()).collect() };
    if sigma == 0.0 {
        let mut seen = BTreeSet::new();
        for i in 0..rows.rows() {
            if !seen.insert(bits(rows.row(i))) {
                rows.row_mut(i).fill(0.0);
            }
        }
    }
    let empty: Vec<usize> = (0..rows.rows())
        .filter(|&i| rows.row(i).iter().all(|x| *x == 0.0))
        .collect();
    if empty.is_empty() || rows.columns() == 0 {
        return (rows, 0);
    }
    let mut used = vec![false; rows.columns()];
    for i in 0..rows.rows() {
        let mut active = rows.row(i).iter().enumerate().filter(|(_, x)| **x != 0.0);
        if let (Some((k, one)), None) = (active.next(), active.next()) {
            used[k] |= *one == 1.0;
        }
    }
    let unused: Vec<usize> = (0..used.len()).filter(|&k| !used[k]).collect();
    let chosen = take(&unused, empty.len());
    let short = empty.len().saturating_sub(chosen.len());
    for (index, &i) in empty.iter().enumerate() {
        let k = chosen.get(index).copied().unwrap_or(index % rows.columns());
        rows[(i, k)] = 1.0;
    }
    (rows, short)
}

/// Every state's features: the least subtracted, divided by the largest; rows of zeros stay.
pub fn scaled(mut map: Matrix) -> Matrix {
    for i in 0..map.rows() {
        let row = map.row_mut(i);
        let least = row.iter().copied().fold(f64::INFINITY, f64::min);
        row.iter_mut().for_each(|x| *x -= least);
        let most = row.iter().copied().fold(0.0, f64::max);
        if most > 0.0 {
            row.iter_mut().for_each(|x| *x /= most);
        }
    }
    map
}

/// Gaussian blur over the places of the states, with a kernel of radius ⌊truncate · σ + ½⌋.
///
/// - `map`: states × features
pub fn blur(map: &Matrix, shape: Shape, sigma: f64, truncate: f64, border: Border) -> Matrix {
    let kernel = gaussian(sigma, truncate);
    if kernel.len() == 1 {
        return map.clone();
    }
    match shape {
        Shape::Graph => map.clone(),
        Shape::Ring => blur_axis(map, &kernel, map.rows(), 1, border),
        Shape::Grid { width, height } => {
            let along_x = blur_axis(map, &kernel, width, height, border);
            blur_axis(&along_x, &kernel, height, 1, border)
        }
    }
}

fn gaussian(sigma: f64, truncate: f64) -> Vec<f64> {
    let radius = (truncate * sigma + 0.5) as i64;
    let weight = |k: i64| {
        if sigma > 0.0 {
            (-0.5 * (k as f64 / sigma).powi(2)).exp()
        } else {
            1.0
        }
    };
    let kernel: Vec<f64> = (-radius..=radius).map(weight).collect();
    let sum: f64 = kernel.iter().sum();
    kernel.iter().map(|w| w / sum).collect()
}

/// States that differ by `stride` are neighbours along the axis, `length` of them.
fn blur_axis(map: &Matrix, kernel: &[f64], length: usize, stride: usize, border: Border) -> Matrix {
    let radius = (kernel.len() / 2) as i64;
    let mut out = Matrix::zeros(map.rows(), map.columns());
    for state in 0..map.rows() {
        let place = (state / stride) % length;
        let first = state - place * stride;
        let target = out.row_mut(state);
        for (k, weight) in (-radius..=radius).zip(kernel) {
            let from = folded(place as i64 + k, length as i64, border) as usize;
            target
                .iter_mut()
                .zip(map.row(first + from * stride))
                .for_each(|(out, x)| *out += weight * x);
        }
    }
    out
}

fn folded(at: i64, length: i64, border: Border) -> i64 {
    match border {
        Border::Wrap => at.rem_euclid(length),
        Border::Reflect => {
            let at = at.rem_euclid(2 * length);
            if at < length { at } else { 2 * length - 1 - at }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_of_every_kind_have_their_shape() {
        let shape = Shape::Grid { width: 4, height: 3 };
        let draw = |kind| FeatureMap::draw(&kind, shape, 12, Border::Reflect, Key::new(1)).unwrap();
        assert_eq!(draw(FeatureKind::NHot { copies: 2 }).of_state.columns(), 24);
        let linear = draw(FeatureKind::Linear {
            values: vec![0.0, 2.0],
            probabilities: vec![0.5, 0.5],
        });
        assert!(linear.of_state.values().iter().all(|x| *x == 0.0 || *x == 2.0));
        let kind = FeatureKind::CorrelatedDistributed {
            sigma: 1.0,
            p: 0.1,
            features: 20,
            quantised: vec![0.0, 1.0],
        };
        let map = draw(kind.clone()).of_state;
        assert_eq!((map.rows(), map.columns()), (12, 20));
        assert!(map.values().iter().all(|x| *x == 0.0 || *x == 1.0));
        assert_eq!(draw(kind.clone()), draw(kind), "features follow from the key");
        let few = FeatureKind::CorrelatedDistributed {
            sigma: 0.0,
            p: 0.0,
            features: 3,
            quantised: vec![],
        };
        assert_eq!(
            draw(few).notes,
            ["9 states share their only feature with another: too few features"]
        );
        let negative = FeatureKind::CorrelatedSparse { sigma: -1.0 };
        assert!(FeatureMap::draw(&negative, shape, 12, Border::Reflect, Key::new(1)).is_err());
    }

    #[test]
    fn a_blur_wider_than_the_arena_is_folded_back() {
        let map = Matrix::identity(3);
        let wide = blur(&map, Shape::Ring, 40.0, 1.0, Border::Reflect);
        assert!(wide.row_sums().iter().all(|sum| (sum - 1.0).abs() < 1e-12));
    }
}
