//! Gradients of the logit.

use neuropil_math::real::Real;
use rayon::prelude::*;

use crate::cnn::logit::direction;
use crate::cnn::network::{Network, Pass, encode};

/// Gradient of the logit at `bases`, shaped \[position\]\[4\].
pub fn gradient<R: Real>(network: &Network<R>, bases: &[u8]) -> Vec<f64> {
    at(network, &encode(bases))
}

/// Mean gradient of the logit over `steps` midpoints between all zeros and `bases`, shaped \[position\]\[4\]; times the
/// one-hot code it is the integrated gradients (Sundararajan et al. 2017, ICML).
pub fn path_gradient<R: Real>(network: &Network<R>, bases: &[u8], steps: usize) -> Vec<f64> {
    assert!(steps > 0, "a path of one step or more");
    let x: Vec<R> = encode(bases);
    let parts: Vec<Vec<f64>> = (0..steps)
        .into_par_iter()
        .map(|k| {
            let share = R::of((k as f64 + 0.5) / steps as f64);
            let scaled: Vec<R> = x.iter().map(|&x| x * share).collect();
            at(network, &scaled)
        })
        .collect();
    (0..x.len())
        .map(|i| parts.iter().map(|part| part[i]).sum::<f64>() / steps as f64)
        .collect()
}

fn at<R: Real>(network: &Network<R>, x: &[R]) -> Vec<f64> {
    let mut pass = Pass::default();
    network.forward(x, &mut pass, None);
    let mut dx = vec![R::ZERO; x.len()];
    let mut unused = vec![R::ZERO; network.params.len()];
    network.backward(
        &mut pass,
        &direction(network.architecture.outputs),
        &mut unused,
        Some(&mut dx),
        false,
    );
    dx.iter().map(|g| g.f64()).collect()
}
