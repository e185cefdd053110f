//! Initial parameters and connection masks of Song, Yang & Wang, eLife 6:e21492 (2017).

use crate::cell::Cell;
use crate::network::{Mask, Shape};
use neuropil_math::linalg::{LinalgError, spectral_radius};
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use rand::seq::index;
use rand_distr::{Distribution, Gamma, StandardNormal};

/// How to draw a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Initial {
    /// Factor c_in of the standard normal input weights.
    pub input_gain: f64,
    /// Fraction p₀ of units that each unit hears in every recurrent matrix, 1: all, without a mask.
    pub connection_probability: f64,
    /// Spectral radius ρ₀ of each N × N block of recurrent weights.
    pub spectral_radius: f64,
    /// Read-out bias.
    pub output_bias: f64,
    /// Which input reaches which unit, \[input\]\[unit\]; `None`: all do.
    pub input_mask: Option<Vec<bool>>,
}

/// A network that cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// So few connections that no draw has a loop.
    #[error(
        "no recurrent loop in 100 draws of {n_units} units with connection probability {connection_probability}: the \
         weights cannot be scaled to a spectral radius"
    )]
    NoLoop {
        /// Number of units N.
        n_units: usize,
        /// Connection probability p₀.
        connection_probability: f64,
    },
    /// Eigenvalues could not be computed.
    #[error(transparent)]
    Eigenvalues(#[from] LinalgError),
}

/// State of every unit before the first step.
const INITIAL_STATE: f64 = 0.5;
/// Recurrent magnitudes have mean 1 and standard deviation ½.
const GAMMA_SHAPE: f64 = 4.0;
const SMALLEST_RADIUS: f64 = 1e-12;
const DRAWS: u64 = 100;

/// Draws parameters (flat, in the layout of `shape`) and mask.
///
/// Each unit has exactly ⌊p₀N⌋ presynaptic partners in each of the recurrent blocks, drawn without replacement;
/// magnitudes are Gamma(4, ¼) with random signs, and each masked block is scaled to the spectral radius.
///
/// # Errors
/// [`InitError::NoLoop`] if a masked block has spectral radius 0 in 100 draws (tiny N and p₀).
pub fn draw(
    shape: Shape,
    initial: &Initial,
    key: Key,
    weights: Purpose,
    masks: Purpose,
) -> Result<(Vec<f64>, Mask), InitError> {
    let layout = shape.layout();
    let (mut params, mut mask) = (vec![0.0; layout.len()], vec![true; layout.len()]);
    layout.view_mut(&mut params, "x0").fill(INITIAL_STATE);
    layout.view_mut(&mut params, "b_out").fill(initial.output_bias);
    if shape.cell == Cell::Linear {
        return Ok((params, Mask(mask)));
    }
    let (n, blocks) = (shape.n_units, shape.cell.blocks());
    let mut stream = key.stream(weights, 0);
    for w in layout.view_mut(&mut params, "w_in") {
        let z: f64 = StandardNormal.sample(&mut stream);
        *w = initial.input_gain * z;
    }
    if let Some(reaches) = &initial.input_mask {
        let exists = layout.view_mut(&mut mask, "w_in");
        for (i, flag) in exists.iter_mut().enumerate() {
            let (input, unit) = (i / (blocks * n), i % n);
            *flag = reaches[input * n + unit];
        }
        zero_masked(layout.view_mut(&mut params, "w_in"), layout.view(&mask, "w_in"));
    }
    let gates = if shape.cell == Cell::Gated { 2 } else { 0 };
    for block in 0..=gates {
        let (w, exists) = recurrent_block(n, initial, key, weights, masks, block as u64)?;
        let (name, columns, from) = if block < gates {
            ("w_gates", 2 * n, block * n)
        } else {
            ("w_rec", n, 0)
        };
        for pre in 0..n {
            layout.view_mut(&mut params, name)[pre * columns + from..][..n]
                .copy_from_slice(&w[pre * n..][..n]);
            layout.view_mut(&mut mask, name)[pre * columns + from..][..n]
                .copy_from_slice(&exists[pre * n..][..n]);
        }
    }
    Ok((params, Mask(mask)))
}

fn zero_masked(weights: &mut [f64], exists: &[bool]) {
    for (w, &exists) in weights.iter_mut().zip(exists) {
        if !exists {
            *w = 0.0;
        }
    }
}

/// One N × N block, from × to, and its mask.
fn recurrent_block(
    n: usize,
    initial: &Initial,
    key: Key,
    weights: Purpose,
    masks: Purpose,
    block: u64,
) -> Result<(Vec<f64>, Vec<bool>), InitError> {
    let magnitude = Gamma::new(GAMMA_SHAPE, 1.0 / GAMMA_SHAPE).expect("shape and scale are positive");
    let partners = (initial.connection_probability * n as f64).floor() as usize;
    for attempt in 0..DRAWS {
        let index = (block + 1) * DRAWS + attempt; // stream 0 draws the input weights
        let (mut weight_stream, mut mask_stream) = (key.stream(weights, index), key.stream(masks, index));
        let mut exists = vec![initial.connection_probability >= 1.0; n * n];
        if initial.connection_probability < 1.0 {
            for post in 0..n {
                for pre in index::sample(&mut mask_stream, n, partners) {
                    exists[pre * n + post] = true;
                }
            }
        }
        let mut w: Vec<f64> = (0..n * n)
            .map(|_| {
                magnitude.sample(&mut weight_stream) * if weight_stream.random::<bool>() { 1.0 } else { -1.0 }
            })
            .collect();
        zero_masked(&mut w, &exists);
        let radius = spectral_radius(&w, n)?;
        if radius > SMALLEST_RADIUS {
            w.iter_mut().for_each(|w| *w *= initial.spectral_radius / radius);
            return Ok((w, exists));
        }
    }
    Err(InitError::NoLoop {
        n_units: n,
        connection_probability: initial.connection_probability,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        cell: Cell::Gated,
        n_units: 100,
        n_inputs: 3,
        n_outputs: 3,
    };

    fn initial(connection_probability: f64) -> Initial {
        Initial {
            input_gain: 10.0_f64.sqrt() / 3.0,
            connection_probability,
            spectral_radius: 2.0,
            output_bias: -1.0,
            input_mask: None,
        }
    }

    #[test]
    fn every_unit_hears_the_same_number_of_partners_and_blocks_have_the_radius() {
        let (params, mask) = draw(
            SHAPE,
            &initial(0.1),
            Key::new(1),
            Purpose::InitPolicy,
            Purpose::MaskPolicy,
        )
        .unwrap();
        let layout = SHAPE.layout();
        for (name, columns) in [("w_gates", 200), ("w_rec", 100)] {
            let (w, exists) = (layout.view(&params, name), layout.view(&mask.0, name));
            for post in 0..columns {
                assert_eq!((0..100).filter(|pre| exists[pre * columns + post]).count(), 10);
            }
            for from in (0..columns).step_by(100) {
                let block: Vec<f64> = (0..10_000)
                    .map(|i| w[i / 100 * columns + from + i % 100])
                    .collect();
                assert!((spectral_radius(&block, 100).unwrap() - 2.0).abs() < 1e-6);
            }
        }
        assert!(layout.view(&params, "x0").iter().all(|&x| x == 0.5));
        assert!(layout.view(&params, "w_out").iter().all(|&w| w == 0.0));
        assert!(layout.view(&params, "b_out").iter().all(|&b| b == -1.0));
    }

    #[test]
    fn magnitudes_follow_the_gamma_law_and_signs_are_even() {
        let (params, _) = draw(
            SHAPE,
            &initial(1.0),
            Key::new(3),
            Purpose::InitValue,
            Purpose::MaskValue,
        )
        .unwrap();
        let mut w = SHAPE.layout().view(&params, "w_rec").to_vec();
        let positive = w.iter().filter(|&&w| w > 0.0).count() as f64;
        assert!(
            (positive - 5000.0).abs() < 5.0 * 50.0,
            "{positive} of 10000 positive"
        );
        w.iter_mut().for_each(|w| *w = w.abs());
        let mean = w.iter().sum::<f64>() / 1e4;
        w.iter_mut().for_each(|w| *w /= mean);
        w.sort_by(f64::total_cmp);
        // Gamma(4, 1/4): P(x ≤ w) = 1 − e^{−4w} Σ_{k<4} (4w)^k/k!
        let cdf = |w: f64| 1.0 - (-4.0 * w).exp() * (1.0 + 4.0 * w + 8.0 * w * w + 32.0 / 3.0 * w * w * w);
        let d = w.iter().enumerate().fold(0.0_f64, |d, (i, &w)| {
            d.max((cdf(w) - (i as f64 + 0.5) / 1e4).abs())
        });
        assert!(
            d * 100.0 < 1.63,
            "Kolmogorov–Smirnov √n·D = {}: p < 0.01",
            d * 100.0
        );
    }

    #[test]
    fn a_network_without_loops_is_refused() {
        let shape = Shape { n_units: 1, ..SHAPE };
        let none = draw(
            shape,
            &initial(0.5),
            Key::new(1),
            Purpose::InitPolicy,
            Purpose::MaskPolicy,
        );
        assert!(matches!(none, Err(InitError::NoLoop { n_units: 1, .. })));
    }
}
