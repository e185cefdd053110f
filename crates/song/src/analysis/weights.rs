//! Recurrent weights after training: their distribution by sign, and the spectral radius of each block.
//!
//! Song, Yang & Wang 2017, Methods: W_rec, W_λ and W_γ start as signed gamma variates of spectral radius ρ₀ = 2.

use neuropil_learn::player::Player;
use neuropil_math::linalg::spectral_radius;
use neuropil_nn::cell::Cell;
use serde::{Deserialize, Serialize};

use super::AnalysisError;

/// Bins of each sign in a histogram.
const BINS: usize = 20;

/// Recurrent weights of both networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// One entry for each block, the policy's first; a network without recurrence has none.
    pub blocks: Vec<Block>,
}

/// One N × N block of recurrent weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// `policy` or `value`.
    pub network: String,
    /// `recurrent`, `update gate` or `recurrent gate`.
    pub name: String,
    /// Weights that exist, after masks.
    pub n_weights: usize,
    /// Those above 0.
    pub n_positive: usize,
    /// Mean of the positive ones; 0 without any.
    pub mean_positive: f64,
    /// Mean of the negative ones; 0 without any.
    pub mean_negative: f64,
    /// Largest modulus of the eigenvalues; absent weights count as 0.
    pub spectral_radius: f64,
    /// Bin edges from −w to w, with w the largest |weight|.
    pub edges: Vec<f64>,
    /// Weights in each bin.
    pub counts: Vec<usize>,
}

/// Distribution and spectral radius of every recurrent block of the two networks.
///
/// # Errors
/// Both networks lack recurrent weights, or an eigendecomposition fails.
pub fn weights(policy: &Player<f32>, value: &Player<f32>) -> Result<Weights, AnalysisError> {
    let mut blocks = Vec::new();
    for (network, player) in [("policy", policy), ("value", value)] {
        let shape = player.network.shape();
        let n = shape.n_rates();
        let mut add = |name: &str, array: &str, width: usize, first: usize| -> Result<(), AnalysisError> {
            let layout = player.network.layout();
            let (values, exists) = (
                layout.view(&player.params, array),
                layout.view(&player.network.mask().0, array),
            );
            let at = |from: usize, to: usize| {
                let i = from * width + first + to;
                exists[i].then(|| f64::from(values[i]))
            };
            let entries: Vec<Option<f64>> = (0..n * n).map(|i| at(i / n, i % n)).collect();
            blocks.push(Block::of(network, name, &entries, n)?);
            Ok(())
        };
        if shape.cell != Cell::Linear {
            add("recurrent", "w_rec", n, 0)?;
        }
        let gates: &[&str] = match shape.cell {
            Cell::Gated => &["update gate", "recurrent gate"],
            Cell::Lstm => &["input gate", "forget gate", "output gate"],
            Cell::Leaky | Cell::EiStp | Cell::Linear => &[],
        };
        for (i, gate) in gates.iter().enumerate() {
            add(gate, "w_gates", gates.len() * n, i * n)?;
        }
    }
    if blocks.is_empty() {
        return Err(AnalysisError::NoRecurrence);
    }
    Ok(Weights { blocks })
}

impl Block {
    /// From N × N entries, none where a weight does not exist.
    fn of(network: &str, name: &str, entries: &[Option<f64>], n: usize) -> Result<Self, AnalysisError> {
        let dense: Vec<f64> = entries.iter().map(|weight| weight.unwrap_or(0.0)).collect();
        let present: Vec<f64> = entries.iter().flatten().copied().collect();
        let mean = |sign: f64| {
            let side: Vec<f64> = present.iter().copied().filter(|w| w * sign > 0.0).collect();
            side.iter().sum::<f64>() / side.len().max(1) as f64
        };
        let largest = present.iter().fold(0.0, |most: f64, w| most.max(w.abs()));
        let width = if largest > 0.0 { largest / BINS as f64 } else { 1.0 };
        let mut counts = vec![0; 2 * BINS];
        for weight in &present {
            let bin = (weight / width).floor() + BINS as f64;
            counts[(bin as usize).min(2 * BINS - 1)] += 1;
        }
        Ok(Self {
            network: network.to_owned(),
            name: name.to_owned(),
            n_weights: present.len(),
            n_positive: present.iter().filter(|w| **w > 0.0).count(),
            mean_positive: mean(1.0),
            mean_negative: mean(-1.0),
            spectral_radius: spectral_radius(&dense, n)?,
            edges: (0..=2 * BINS).map(|i| (i as f64 - BINS as f64) * width).collect(),
            counts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::draw_players;
    use crate::resolve::resolve;
    use neuropil_tasks::registry;

    #[test]
    fn fresh_networks_have_their_in_degree_and_spectral_radius() {
        let task = registry::find("rdm", None).unwrap();
        let settings = resolve(&task, |_| Ok(())).unwrap().value;
        let (policy, value) = draw_players(&settings, &task, 0).unwrap();
        let found = weights(&policy, &value).unwrap();
        let names: Vec<(&str, &str)> = found
            .blocks
            .iter()
            .map(|block| (block.network.as_str(), block.name.as_str()))
            .collect();
        assert_eq!(names[1], ("policy", "update gate"));
        assert_eq!(names.len(), 6);
        for block in &found.blocks {
            let expected = if block.network == "policy" { 1000 } else { 10_000 };
            assert_eq!(block.n_weights, expected, "{}", block.name);
            assert_eq!(block.counts.iter().sum::<usize>(), expected);
            // Parameters are single precision.
            assert!(
                (block.spectral_radius - 2.0).abs() < 1e-4,
                "{}",
                block.spectral_radius
            );
            assert!(block.mean_positive > 0.0 && block.mean_negative < 0.0);
        }
    }

    #[test]
    fn bins_hold_the_weights_of_their_sign() {
        let block = Block::of(
            "policy",
            "recurrent",
            &[Some(1.0), Some(-0.5), None, Some(0.01)],
            2,
        )
        .unwrap();
        assert_eq!((block.n_weights, block.n_positive), (3, 2));
        assert_eq!(block.counts[..BINS].iter().sum::<usize>(), 1);
        assert_eq!((block.counts[2 * BINS - 1], block.counts[BINS]), (1, 1));
        assert_eq!((block.edges[0], block.edges[2 * BINS]), (-1.0, 1.0));
    }
}
