//! DeepLIFT with the rescale rule (Shrikumar, Greenside & Kundaje 2017, ICML).
//!
//! Multipliers m of a sequence x against a reference r go from the logit down:
//!
//! ```text
//! y = x W + b          m_x = m_y Wᵀ
//! y = max(x, 0)        m_x = m_y (y_x − y_r) / (x − r)
//! y = max over window  m at the largest value of x where it exceeds that of r, else at the largest value of r:
//!                      m_y (y_x − y_r) / (x − r) there, 0 elsewhere
//! ```
//!
//! Where x = r, the quotients are the derivatives. The sum over positions and letters of m (x − r) is the difference of
//! the two logits. The rule of the maximum is that of DeepSHAP (Lundberg & Lee 2017, NeurIPS).

use neuropil_math::real::Real;
use neuropil_nn::layer::{conv1d, dense, pool1d, relu};
use rayon::prelude::*;

use crate::cnn::logit::direction;
use crate::cnn::network::{Network, encode};

/// What a sequence makes the network do.
struct Trace<R> {
    /// One-hot code \[position\]\[4\].
    x: Vec<R>,
    /// Values of every layer before the rectifier, those of convolutions shaped \[position\]\[filter\].
    before: Vec<Vec<R>>,
    /// What is pooled, \[position\]\[channel\].
    map: Vec<R>,
    /// Largest values \[window\]\[channel\], and their positions.
    pooled: Vec<R>,
    at: Vec<u32>,
}

/// What every letter adds to the logit of one strand, mean over `references` of the same length, shaped
/// \[position\]\[4\]: m_b − Σ r m, the effect of letter b at a position against what the reference has there. Summed over
/// the letters of the sequence it is the logit less its mean over the references, if unknown bases are unknown in all
/// of them.
///
/// # Panics
/// When there is no reference, or a sequence is not of the network's length.
pub fn deeplift<R: Real>(network: &Network<R>, bases: &[u8], references: &[Vec<u8>]) -> Vec<f64> {
    assert!(!references.is_empty(), "one reference or more");
    let x = trace(network, bases);
    let parts: Vec<Vec<f64>> = references
        .par_iter()
        .map(|reference| {
            let r = trace(network, reference);
            let multipliers = multipliers(network, &x, &r);
            let (m, r) = (multipliers.as_chunks::<4>().0, r.x.as_chunks::<4>().0);
            let of_position = |(m, r): (&[R; 4], &[R; 4])| {
                let base: f64 = m.iter().zip(r).map(|(m, r)| m.f64() * r.f64()).sum();
                m.map(|m| m.f64() - base)
            };
            m.iter().zip(r).flat_map(of_position).collect()
        })
        .collect();
    (0..x.x.len())
        .map(|i| parts.iter().map(|part| part[i]).sum::<f64>() / parts.len() as f64)
        .collect()
}

fn trace<R: Real>(network: &Network<R>, bases: &[u8]) -> Trace<R> {
    let a = &network.architecture;
    assert_eq!(bases.len(), a.length, "a sequence of the network's length");
    let x = encode(bases);
    let (mut here, mut channels, mut before) = (x.clone(), 4, Vec::new());
    for (i, convolution) in a.convolutions.iter().enumerate() {
        let (w, b, _) = network.layer(i);
        let window = convolution.window();
        let mut y = vec![R::ZERO; window.outputs(here.len() / channels) * convolution.filters];
        conv1d::forward(window, &here, &network.params[w], &network.params[b], &mut y);
        here.clone_from(&y);
        relu::forward(&mut here);
        before.push(y);
        channels = convolution.filters;
    }
    let map = here;
    let windows = a.pool().outputs(map.len() / channels);
    let (mut pooled, mut at) = (vec![R::ZERO; windows * channels], vec![0; windows * channels]);
    pool1d::forward(a.pool(), &map, channels, &mut pooled, &mut at);
    let mut here = vec![R::ZERO; pooled.len()];
    for (i, &value) in pooled.iter().enumerate() {
        here[network.place(i, windows, channels)] = value;
    }
    for i in 0..a.dense.len() {
        let (w, b, [_, units]) = network.layer(a.convolutions.len() + i);
        let mut y = vec![R::ZERO; units];
        dense::forward(&here, &network.params[w], &network.params[b], &mut y);
        here.clone_from(&y);
        relu::forward(&mut here);
        before.push(y);
    }
    Trace {
        x,
        before,
        map,
        pooled,
        at,
    }
}

/// Multipliers of the input, shaped \[position\]\[4\].
fn multipliers<R: Real>(network: &Network<R>, x: &Trace<R>, r: &Trace<R>) -> Vec<R> {
    let a = &network.architecture;
    let n = a.convolutions.len();
    let mut m: Vec<R> = direction(a.outputs);
    for i in (n..network.n_layers()).rev() {
        let (w, _, [inputs, units]) = network.layer(i);
        let mut below = vec![R::ZERO; inputs];
        dense::backward_input(&network.params[w], units, &m, &mut below);
        if i > n {
            rescale(&mut below, &x.before[i - 1], &r.before[i - 1]);
        }
        m = below;
    }
    m = unpooled(network, &m, x, r);
    for i in (0..n).rev() {
        rescale(&mut m, &x.before[i], &r.before[i]);
        let (w, _, [_, filters]) = network.layer(i);
        let window = a.convolutions[i].window();
        let input = if i == 0 { &x.x } else { &x.before[i - 1] };
        let mut below = vec![R::ZERO; input.len()];
        conv1d::backward_input(window, &network.params[w], filters, &m, &mut below);
        m = below;
    }
    m
}

/// Δy / Δx, or `derivative` where x does not differ.
fn slope<R: Real>(dy: R, dx: R, derivative: R) -> R {
    if dx == R::ZERO { derivative } else { dy / dx }
}

/// Multipliers before the rectifier from those behind it.
fn rescale<R: Real>(m: &mut [R], x: &[R], r: &[R]) {
    for ((m, &x), &r) in m.iter_mut().zip(x).zip(r) {
        let derivative = if x > R::ZERO { R::ONE } else { R::ZERO };
        *m *= slope(x.larger(R::ZERO) - r.larger(R::ZERO), x - r, derivative);
    }
}

/// Multipliers of what is pooled from those of the flattened values.
fn unpooled<R: Real>(network: &Network<R>, m: &[R], x: &Trace<R>, r: &Trace<R>) -> Vec<R> {
    let channels = network.architecture.channels();
    let windows = x.pooled.len() / channels;
    let mut out = vec![R::ZERO; x.map.len()];
    for i in 0..x.pooled.len() {
        let position = if x.pooled[i] > r.pooled[i] {
            x.at[i]
        } else {
            r.at[i]
        };
        let at = position as usize * channels + i % channels;
        let share = slope(x.pooled[i] - r.pooled[i], x.map[at] - r.map[at], R::ONE);
        out[at] += m[network.place(i, windows, channels)] * share;
    }
    out
}
