//! Gaussian mixtures with one or two components, chosen by the Bayesian information criterion.
//!
//! Points carry weights, so that neurons at the same place (both members of a pair) count as often as there are
//! and always share a component.

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

/// One component: mean, lower Cholesky factor of its covariance, log determinant half, log weight.
struct Component {
    mean: Vec<f64>,
    factor: Vec<f64>,
    half_log_det: f64,
    log_weight: f64,
}

/// Fits a mixture with `k` components from hard labels; the regularisation grows from 0 over 1e-6, 1e-5, … to 1 while
/// a covariance is singular or a component keeps at most one neuron. `None` when that never helps.
pub fn fit(points: &Points, start: &[usize], k: usize, covariance: Covariance) -> Option<Fit> {
    let mut regularisation = 0.0;
    loop {
        if let Some(found) = attempt(points, start, k, covariance, regularisation) {
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

fn attempt(points: &Points, start: &[usize], k: usize, covariance: Covariance, reg: f64) -> Option<Fit> {
    let n = points.n();
    let total = points.total();
    let mut share: Vec<f64> = (0..n * k)
        .map(|e| f64::from(u8::from(start[e / k] == e % k)))
        .collect();
    let mut components = maximise(points, &share, k, covariance, reg)?;
    let mut last = f64::NEG_INFINITY;
    let mut likelihood = 0.0;
    let mut scratch = vec![0.0; points.d];
    for _ in 0..ITERATIONS {
        likelihood = expect(points, &components, &mut share, &mut scratch);
        if !likelihood.is_finite() {
            return None;
        }
        if k == 1 || (likelihood - last).abs() / total < TOLERANCE {
            break;
        }
        last = likelihood;
        components = maximise(points, &share, k, covariance, reg)?;
    }
    let labels: Vec<usize> = (0..n)
        .map(|i| {
            (1..k).fold(0, |best, c| {
                if share[i * k + c] > share[i * k + best] {
                    c
                } else {
                    best
                }
            })
        })
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
fn expect(points: &Points, components: &[Component], share: &mut [f64], scratch: &mut [f64]) -> f64 {
    let (d, k) = (points.d, components.len());
    let constant = 0.5 * d as f64 * (2.0 * std::f64::consts::PI).ln();
    let mut sum = 0.0;
    for i in 0..points.n() {
        let x = points.at(i);
        let row = &mut share[i * k..(i + 1) * k];
        for (c, component) in components.iter().enumerate() {
            let mut square = 0.0;
            for a in 0..d {
                let mut value = x[a] - component.mean[a];
                let factor = &component.factor[a * d..a * d + a];
                for (f, s) in factor.iter().zip(scratch.iter()) {
                    value -= f * s;
                }
                value /= component.factor[a * d + a];
                scratch[a] = value;
                square += value * value;
            }
            row[c] = component.log_weight - constant - component.half_log_det - 0.5 * square;
        }
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let norm: f64 = row.iter().map(|l| (l - most).exp()).sum::<f64>().ln() + most;
        row.iter_mut().for_each(|l| *l = (*l - norm).exp());
        sum += points.weight[i] * norm;
    }
    sum
}

/// Weighted means and covariances; `None` when one is singular.
fn maximise(
    points: &Points,
    share: &[f64],
    k: usize,
    covariance: Covariance,
    reg: f64,
) -> Option<Vec<Component>> {
    let (n, d) = (points.n(), points.d);
    let total = points.total();
    let mut sizes = vec![10.0 * f64::EPSILON; k];
    let mut means = vec![vec![0.0; d]; k];
    for i in 0..n {
        for c in 0..k {
            let w = points.weight[i] * share[i * k + c];
            sizes[c] += w;
            points
                .at(i)
                .iter()
                .zip(&mut means[c])
                .for_each(|(x, m)| *m += w * x);
        }
    }
    for c in 0..k {
        means[c].iter_mut().for_each(|m| *m /= sizes[c]);
    }
    let mut scatter = vec![vec![0.0; d * d]; k];
    let diagonal_only = matches!(covariance, Covariance::Diag | Covariance::Spherical);
    let mut centred = vec![0.0; d];
    for i in 0..n {
        for c in 0..k {
            let w = points.weight[i] * share[i * k + c];
            if w == 0.0 {
                continue;
            }
            centred
                .iter_mut()
                .zip(points.at(i))
                .zip(&means[c])
                .for_each(|((z, x), m)| *z = x - m);
            for a in 0..d {
                let wa = w * centred[a];
                if diagonal_only {
                    scatter[c][a * d + a] += wa * centred[a];
                    continue;
                }
                let row = &mut scatter[c][a * d..=a * d + a];
                row.iter_mut().zip(&centred).for_each(|(s, z)| *s += wa * z);
            }
        }
    }
    if covariance == Covariance::Tied {
        let mut sum = vec![0.0; d * d];
        scatter
            .iter()
            .for_each(|s| sum.iter_mut().zip(s).for_each(|(t, v)| *t += v));
        let parts: Vec<Vec<f64>> = sizes
            .iter()
            .map(|size| sum.iter().map(|v| v * size / total).collect())
            .collect();
        scatter = parts;
    }
    (0..k)
        .map(|c| {
            let mut matrix: Vec<f64> = scatter[c].iter().map(|v| v / sizes[c]).collect();
            if covariance == Covariance::Spherical {
                let mean = (0..d).map(|a| matrix[a * d + a]).sum::<f64>() / d as f64;
                (0..d).for_each(|a| matrix[a * d + a] = mean);
            }
            (0..d).for_each(|a| matrix[a * d + a] += reg);
            let half_log_det = cholesky(&mut matrix, d)?;
            Some(Component {
                mean: means[c].clone(),
                factor: matrix,
                half_log_det,
                log_weight: (sizes[c] / total).ln(),
            })
        })
        .collect()
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
