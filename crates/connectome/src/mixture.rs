//! Gaussian mixtures with one or two components, chosen by the Bayesian information criterion.
//!
//! Points carry weights, so that neurons at the same place (both members of a pair) count as often as there are
//! and always share a component.

pub(crate) mod blocks;

use blocks::{Blocks, LANES, Lane, add_means, add_scatter, lanes, squares};
use serde::Serialize;

/// EM iterations of a start.
const ITERATIONS: usize = 100;
/// Change of the mean log-likelihood below which EM stops.
const TOLERANCE: f64 = 1e-3;

/// Points in `d` dimensions with weights.
#[derive(Clone, Debug, Default)]
pub struct Points {
    /// Dimensions.
    pub d: usize,
    /// Coordinates, n × d, row-major.
    pub x: Vec<f64>,
    /// How often each point counts.
    pub weight: Vec<f64>,
}

impl Points {
    /// Number of points.
    pub fn n(&self) -> usize {
        self.weight.len()
    }

    /// Coordinates of a point.
    pub fn at(&self, i: usize) -> &[f64] {
        &self.x[i * self.d..(i + 1) * self.d]
    }

    /// Sum of the weights.
    pub fn total(&self) -> f64 {
        self.weight.iter().sum()
    }

    /// The points of some indices.
    pub fn subset(&self, indices: &[usize]) -> Self {
        Self {
            d: self.d,
            x: indices.iter().flat_map(|&i| self.at(i).to_vec()).collect(),
            weight: indices.iter().map(|&i| self.weight[i]).collect(),
        }
    }
}

/// Shape of the covariances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Covariance {
    /// Each component its own matrix.
    Full,
    /// One matrix for all.
    Tied,
    /// Each component its own diagonal.
    Diag,
    /// Each component one variance.
    Spherical,
}

impl Covariance {
    /// Do all components lack correlations?
    fn is_diagonal(self) -> bool {
        matches!(self, Covariance::Diag | Covariance::Spherical)
    }
}

/// Every shape.
pub const COVARIANCES: [Covariance; 4] = [
    Covariance::Full,
    Covariance::Tied,
    Covariance::Diag,
    Covariance::Spherical,
];

/// A fitted mixture.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Component of each point.
    pub labels: Vec<usize>,
    /// −2 log-likelihood + parameters × ln n.
    pub bic: f64,
    /// Shape.
    pub covariance: Covariance,
    /// What was added to the diagonals.
    pub regularisation: f64,
}

/// One component: mean, inverse W of the lower Cholesky factor of its covariance, log determinant half, log weight.
struct Component {
    mean: Vec<f64>,
    whitening: Vec<f64>,
    half_log_det: f64,
    log_weight: f64,
}

/// Fits a mixture with `k` components, one or two, from hard labels; the regularisation grows from 0 over 1e-6, 1e-5, …
/// to 1 while a covariance is singular or a component keeps at most one neuron. `None` when that never helps.
pub fn fit(points: &Points, start: &[usize], k: usize, covariance: Covariance) -> Option<Fit> {
    assert!(k == 1 || k == 2, "{k} components, expected one or two");
    let blocks = Blocks::of(points);
    let mut regularisation = 0.0;
    loop {
        if let Some(found) = attempt(points, &blocks, start, k, covariance, regularisation) {
            return Some(found);
        }
        regularisation = if regularisation == 0.0 {
            1e-6
        } else {
            regularisation * 10.0
        };
        if regularisation > 1.0 {
            return None;
        }
    }
}

fn attempt(
    points: &Points,
    blocks: &Blocks,
    start: &[usize],
    k: usize,
    covariance: Covariance,
    reg: f64,
) -> Option<Fit> {
    let n = points.n();
    let total = points.total();
    // Shares of the components in every point.
    let mut shares: Vec<Vec<Lane>> = (0..k)
        .map(|c| {
            let own: Vec<f64> = start.iter().map(|&s| f64::from(u8::from(s == c))).collect();
            lanes(&own, 0.0)
        })
        .collect();
    let mut components = maximise(blocks, &shares, total, covariance, reg)?;
    let mut last = f64::NEG_INFINITY;
    let mut likelihood = 0.0;
    for _ in 0..ITERATIONS {
        likelihood = expect(blocks, &components, covariance, &mut shares);
        if !likelihood.is_finite() {
            return None;
        }
        if k == 1 || (likelihood - last).abs() / total < TOLERANCE {
            break;
        }
        last = likelihood;
        components = maximise(blocks, &shares, total, covariance, reg)?;
    }
    let share = |c: usize, i: usize| shares[c][i / LANES][i % LANES];
    let labels: Vec<usize> = (0..n)
        .map(|i| usize::from(k == 2 && share(1, i) > share(0, i)))
        .collect();
    for c in 0..k {
        let size: f64 = (0..n).filter(|&i| labels[i] == c).map(|i| points.weight[i]).sum();
        if size <= 1.0 {
            return None;
        }
    }
    let (d, kf) = (points.d as f64, k as f64);
    let shape = match covariance {
        Covariance::Full => kf * d * (d + 1.0) / 2.0,
        Covariance::Tied => d * (d + 1.0) / 2.0,
        Covariance::Diag => kf * d,
        Covariance::Spherical => kf,
    };
    let parameters = shape + kf * d + kf - 1.0;
    Some(Fit {
        labels,
        bic: parameters * total.ln() - 2.0 * likelihood,
        covariance,
        regularisation: reg,
    })
}

/// Shares of the components in every point; returns the log-likelihood.
fn expect(
    blocks: &Blocks,
    components: &[Component],
    covariance: Covariance,
    shares: &mut [Vec<Lane>],
) -> f64 {
    let constant = 0.5 * blocks.d as f64 * (2.0 * std::f64::consts::PI).ln();
    for (component, share) in components.iter().zip(shares.iter_mut()) {
        let Component { mean, whitening, .. } = component;
        squares(blocks, mean, whitening, covariance.is_diagonal(), share);
        let offset = component.log_weight - constant - component.half_log_det;
        for square in share.as_flattened_mut() {
            *square = offset - 0.5 * *square;
        }
    }
    let weights = blocks.weight.as_flattened();
    if let [one] = shares {
        let logs = one.as_flattened_mut();
        let sum = weights.iter().zip(logs.iter()).map(|(w, log)| w * log).sum();
        logs.fill(1.0);
        return sum;
    }
    let [first, second] = shares else {
        unreachable!("one or two components")
    };
    let logs = first.as_flattened_mut().iter_mut().zip(second.as_flattened_mut());
    let mut sum = 0.0;
    for (&weight, (a, b)) in weights.iter().zip(logs) {
        let away = (*a - *b).abs();
        // Beyond that the smaller term is lost beside the larger one.
        let ratio = if away < 40.0 { (-away).exp() } else { 0.0 };
        sum += weight * (a.max(*b) + ratio.ln_1p());
        let (most, least) = (1.0 / (1.0 + ratio), ratio / (1.0 + ratio));
        (*a, *b) = if a > b { (most, least) } else { (least, most) };
    }
    sum
}

/// Weighted means and covariances; `None` when one is singular.
fn maximise(
    blocks: &Blocks,
    shares: &[Vec<Lane>],
    total: f64,
    covariance: Covariance,
    reg: f64,
) -> Option<Vec<Component>> {
    let d = blocks.d;
    let sum = |lane: &Lane| lane.iter().sum::<f64>();
    let (mut sizes, mut means, mut scatter) = (Vec::new(), Vec::new(), Vec::new());
    let mut weights = vec![[0.0; LANES]; blocks.weight.len()];
    for share in shares {
        let both = blocks.weight.as_flattened().iter().zip(share.as_flattened());
        let own = weights.as_flattened_mut().iter_mut();
        own.zip(both)
            .for_each(|(own, (weight, share))| *own = weight * share);
        let size = 10.0 * f64::EPSILON + weights.iter().map(sum).sum::<f64>();
        let mut first = vec![[0.0; LANES]; d];
        add_means(blocks, &weights, &mut first);
        let mean: Vec<f64> = first.iter().map(|lane| sum(lane) / size).collect();
        let mut second = vec![[0.0; LANES]; d * d];
        add_scatter(blocks, &weights, &mean, covariance.is_diagonal(), &mut second);
        sizes.push(size);
        means.push(mean);
        scatter.push(second.iter().map(sum).collect::<Vec<f64>>());
    }
    if covariance == Covariance::Tied {
        let mut all = vec![0.0; d * d];
        scatter
            .iter()
            .for_each(|s| all.iter_mut().zip(s).for_each(|(t, v)| *t += v));
        let part = |size: &f64| all.iter().map(|v| v * size / total).collect();
        scatter = sizes.iter().map(part).collect();
    }
    let shapes = sizes.into_iter().zip(means).zip(scatter);
    shapes
        .map(|((size, mean), scatter)| {
            let mut matrix: Vec<f64> = scatter.iter().map(|v| v / size).collect();
            if covariance == Covariance::Spherical {
                let mean = (0..d).map(|a| matrix[a * d + a]).sum::<f64>() / d as f64;
                (0..d).for_each(|a| matrix[a * d + a] = mean);
            }
            (0..d).for_each(|a| matrix[a * d + a] += reg);
            let half_log_det = cholesky(&mut matrix, d)?;
            Some(Component {
                mean,
                whitening: inverse(&matrix, d),
                half_log_det,
                log_weight: (size / total).ln(),
            })
        })
        .collect()
}

/// The inverse of a lower triangular matrix, d × d.
fn inverse(lower: &[f64], d: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; d * d];
    for column in 0..d {
        for row in column..d {
            let known: f64 = (column..row)
                .map(|k| lower[row * d + k] * inverse[k * d + column])
                .sum();
            let unit = f64::from(u8::from(row == column));
            inverse[row * d + column] = (unit - known) / lower[row * d + row];
        }
    }
    inverse
}

/// Replaces the lower triangle by its Cholesky factor; returns half the log determinant.
fn cholesky(a: &mut [f64], d: usize) -> Option<f64> {
    let mut half_log_det = 0.0;
    for j in 0..d {
        for i in j..d {
            let dot: f64 = (0..j).map(|k| a[i * d + k] * a[j * d + k]).sum();
            let value = a[i * d + j] - dot;
            if i == j {
                // A pivot of rounding size is a singular matrix, not a narrow one.
                if !(value > 1e-13 * a[j * d + j].abs()) {
                    return None;
                }
                a[j * d + j] = value.sqrt();
                half_log_det += a[j * d + j].ln();
            } else {
                a[i * d + j] = value / a[j * d + j];
            }
        }
    }
    Some(half_log_det)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_lumps() -> Points {
        let x = (0..40).flat_map(|i| {
            [
                f64::from(i % 2) * 9.0 + f64::from(i * 7 % 11) * 0.1,
                f64::from(i * 5 % 13) * 0.1,
            ]
        });
        Points {
            d: 2,
            x: x.collect(),
            weight: vec![1.0; 40],
        }
    }

    #[test]
    fn two_lumps_are_two_components() {
        let points = two_lumps();
        let start: Vec<usize> = (0..40).map(|i| usize::from(points.at(i)[0] > 5.0)).collect();
        for covariance in COVARIANCES {
            let one = fit(&points, &[0; 40], 1, covariance).unwrap();
            let two = fit(&points, &start, 2, covariance).unwrap();
            assert!(two.bic < one.bic && two.labels == start, "{covariance:?}");
        }
    }

    #[test]
    fn a_weight_of_two_is_the_point_twice() {
        let points = two_lumps();
        let twice = Points {
            d: 2,
            x: [points.x.clone(), points.x.clone()].concat(),
            weight: vec![1.0; 80],
        };
        let heavy = Points {
            weight: vec![2.0; 40],
            ..points
        };
        let a = fit(&twice, &[0; 80], 1, Covariance::Full).unwrap();
        let b = fit(&heavy, &[0; 40], 1, Covariance::Full).unwrap();
        assert!((a.bic - b.bic).abs() < 1e-9 * a.bic.abs());
    }

    #[test]
    fn identical_points_are_regularised() {
        let points = Points {
            d: 2,
            x: vec![1.0; 20],
            weight: vec![1.0; 10],
        };
        assert!(
            fit(&points, &[0; 10], 1, Covariance::Full)
                .unwrap()
                .regularisation
                > 0.0
        );
    }
}
