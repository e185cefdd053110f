//! Which bases a prediction rests on.

use neuropil_math::real::Real;
use rayon::prelude::*;

use super::network::{Network, Pass, encode};

/// The logit of class 1, against that of class 0 where there are classes.
fn logit<R: Real>(logits: &[R]) -> f64 {
    match logits {
        [z] => z.f64(),
        _ => logits[1].f64() - logits[0].f64(),
    }
}

fn direction<R: Real>(outputs: usize) -> Vec<R> {
    let mut direction = vec![R::ZERO; outputs];
    if outputs == 1 {
        direction[0] = R::ONE;
    } else {
        direction[1] = R::ONE;
        direction[0] = -R::ONE;
    }
    direction
}

/// Gradient of the logit with respect to the input `x`, shaped \[position\]\[4\].
pub fn gradient<R: Real>(network: &Network<R>, x: &[R]) -> Vec<R> {
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
    dx
}

/// Gradient times input, shaped \[position\]\[4\].
pub fn gradient_times_input<R: Real>(network: &Network<R>, bases: &[u8]) -> Vec<f64> {
    let x: Vec<R> = encode(bases);
    gradient(network, &x)
        .iter()
        .zip(&x)
        .map(|(g, x)| (*g * *x).f64())
        .collect()
}

/// Integrated gradients from all zeros in `steps` midpoints (Sundararajan et al. 2017), shaped \[position\]\[4\].
pub fn integrated_gradients<R: Real>(network: &Network<R>, bases: &[u8], steps: usize) -> Vec<f64> {
    let x: Vec<R> = encode(bases);
    let parts: Vec<Vec<f64>> = (0..steps)
        .into_par_iter()
        .map(|k| {
            let share = R::of((k as f64 + 0.5) / steps as f64);
            let scaled: Vec<R> = x.iter().map(|&x| x * share).collect();
            gradient(network, &scaled).iter().map(|g| g.f64()).collect()
        })
        .collect();
    (0..x.len())
        .map(|i| parts.iter().map(|part| part[i]).sum::<f64>() / steps as f64 * x[i].f64())
        .collect()
}

/// Change of the logit by every single exchange of a base, shaped \[position\]\[4\]; 0 at the base that is there.
pub fn mutagenesis<R: Real>(network: &Network<R>, bases: &[u8]) -> Vec<f64> {
    let mut pass = Pass::default();
    network.forward(&encode(bases), &mut pass, None);
    let here = logit(&pass.logits);
    (0..bases.len() * 4)
        .into_par_iter()
        .map_init(Pass::default, |pass, i| {
            let (position, base) = (i / 4, (i % 4) as u8);
            if bases[position] == base {
                return 0.0;
            }
            let mut mutant = bases.to_vec();
            mutant[position] = base;
            network.forward(&encode(&mutant), pass, None);
            logit(&pass.logits) - here
        })
        .collect()
}

/// Effect of an exchange: predicted activity with the alternative bases at `position` minus that with those there.
pub fn variant_effect<R: Real>(
    network: &Network<R>,
    bases: &[u8],
    position: usize,
    alternative: &[u8],
) -> f64 {
    let mut mutant = bases.to_vec();
    mutant[position..position + alternative.len()].copy_from_slice(alternative);
    let values = network.predict(&[bases.to_vec(), mutant]);
    values[1] - values[0]
}
