//! A statistical atlas: where each neuron is found, and in which colour, over many animals.

use crate::error::NeuronidError;
use faer::Mat;
use faer::linalg::solvers::Solve;

mod build;
pub mod matcher;
mod table;

/// An atlas: neurons in one frame, body along x.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Atlas {
    /// Its neurons.
    pub neurons: Vec<AtlasNeuron>,
}

impl Atlas {
    /// Whether its neurons have colours.
    pub fn coloured(&self) -> bool {
        self.neurons.iter().any(|neuron| neuron.mean[3..] != [0.0; 3])
    }

    /// Makes it the atlas of mirror images: z negated.
    pub fn mirror(&mut self) {
        for neuron in &mut self.neurons {
            neuron.mean[2] = -neuron.mean[2];
            for k in [0, 1] {
                neuron.covariance[2][k] = -neuron.covariance[2][k];
                neuron.covariance[k][2] = -neuron.covariance[k][2];
            }
        }
    }
}

/// One neuron of an atlas: mean and covariance of position (µm) and colour.
#[derive(Clone, Debug, PartialEq)]
pub struct AtlasNeuron {
    /// Name.
    pub name: String,
    /// Mean x, y, z (µm), r, g, b.
    pub mean: [f64; 6],
    /// Covariance of the same.
    pub covariance: [[f64; 6]; 6],
}

pub(crate) fn not_definite(name: &str) -> NeuronidError {
    NeuronidError::Worm {
        message: format!("the covariance of `{name}` is not positive definite"),
        hint: "an atlas needs the neuron in more animals than it has coordinates".to_owned(),
    }
}

/// Added to the diagonal of covariances.
const RIDGE: f64 = 1e-5;

/// ½ (f − μ)ᵀ (Σ + 1e-5 I)⁻¹ (f − μ) \[features' rows\]\[atlas neurons\] over the first `dimensions` coordinates: 3 for
/// positions, 6 with colour. With `log_determinant` ½ ln |Σ| is added: the negative log-likelihood but for a constant.
///
/// # Errors
/// A covariance that is not positive definite: names the neuron.
pub fn costs(
    atlas: &[AtlasNeuron],
    features: &[[f64; 6]],
    dimensions: usize,
    log_determinant: bool,
) -> Result<Vec<f64>, NeuronidError> {
    Ok(Metric::of(atlas, dimensions)?.costs(features, log_determinant))
}

/// Means and inverse covariances of an atlas.
struct Metric {
    dimensions: usize,
    neurons: Vec<([f64; 6], [[f64; 6]; 6], f64)>,
}

impl Metric {
    /// Over the first coordinates.
    fn of(atlas: &[AtlasNeuron], dimensions: usize) -> Result<Self, NeuronidError> {
        let one = |neuron: &AtlasNeuron| {
            let covariance = Mat::from_fn(dimensions, dimensions, |i, j| {
                neuron.covariance[i][j] + if i == j { RIDGE } else { 0.0 }
            });
            let factor = covariance
                .llt(faer::Side::Lower)
                .map_err(|_| not_definite(&neuron.name))?;
            let inverse = factor.solve(Mat::<f64>::identity(dimensions, dimensions));
            let mut all = [[0.0; 6]; 6];
            for (i, row) in all.iter_mut().enumerate().take(dimensions) {
                for (j, value) in row.iter_mut().enumerate().take(dimensions) {
                    *value = inverse[(i, j)];
                }
            }
            let half_log: f64 = (0..dimensions).map(|i| factor.L()[(i, i)].ln()).sum();
            Ok((neuron.mean, all, half_log))
        };
        Ok(Self {
            dimensions,
            neurons: atlas.iter().map(one).collect::<Result<_, NeuronidError>>()?,
        })
    }

    fn costs(&self, features: &[[f64; 6]], log_determinant: bool) -> Vec<f64> {
        let mut costs = Vec::with_capacity(features.len() * self.neurons.len());
        for feature in features {
            for (mean, inverse, half_log) in &self.neurons {
                let gap: [f64; 6] = std::array::from_fn(|i| feature[i] - mean[i]);
                let mut square = 0.0;
                for i in 0..self.dimensions {
                    for j in 0..self.dimensions {
                        square += gap[i] * inverse[i][j] * gap[j];
                    }
                }
                costs.push(square / 2.0 + if log_determinant { *half_log } else { 0.0 });
            }
        }
        costs
    }
}
