//! A statistical atlas: where each neuron is found, and in which colour, over many animals.

use crate::error::NeuronidError;
use faer::Mat;
use faer::linalg::solvers::Solve;

mod build;
pub mod matcher;

/// An atlas: neurons in one frame, body along x.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Atlas {
    /// Its neurons.
    pub neurons: Vec<AtlasNeuron>,
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
    let mut costs = vec![0.0; features.len() * atlas.len()];
    for (k, neuron) in atlas.iter().enumerate() {
        let covariance = Mat::from_fn(dimensions, dimensions, |i, j| {
            neuron.covariance[i][j] + if i == j { RIDGE } else { 0.0 }
        });
        let factor = covariance
            .llt(faer::Side::Lower)
            .map_err(|_| not_definite(&neuron.name))?;
        let l = factor.L();
        let half_log: f64 = (0..dimensions).map(|i| l[(i, i)].ln()).sum();
        let gaps = Mat::from_fn(dimensions, features.len(), |i, row| {
            features[row][i] - neuron.mean[i]
        });
        let solved = factor.solve(&gaps);
        for row in 0..features.len() {
            let square: f64 = (0..dimensions).map(|i| gaps[(i, row)] * solved[(i, row)]).sum();
            costs[row * atlas.len() + k] = square / 2.0 + if log_determinant { half_log } else { 0.0 };
        }
    }
    Ok(costs)
}
