//! What a network puts out: logits, probabilities, the loss.

use neuropil_math::real::Real;
use neuropil_nn::loss::softmax;

/// The logit of class 1, against that of class 0 where there are classes.
pub(super) fn logit<R: Real>(logits: &[R]) -> f64 {
    match logits {
        [z] => z.f64(),
        _ => logits[1].f64() - logits[0].f64(),
    }
}

/// Gradient of [`logit`] with respect to `outputs` outputs.
pub(super) fn direction<R: Real>(outputs: usize) -> Vec<R> {
    let mut direction = vec![R::ZERO; outputs];
    if outputs == 1 {
        direction[0] = R::ONE;
    } else {
        direction[1] = R::ONE;
        direction[0] = -R::ONE;
    }
    direction
}

/// Probability of class 1.
pub fn probability<R: Real>(logits: &[R]) -> f64 {
    match logits {
        [logit] => 1.0 / (1.0 + (-logit.f64()).exp()),
        _ => softmax(logits, 0..logits.len())[1],
    }
}

/// Cross-entropy of one example and its gradient with respect to the logits.
pub fn loss_of_logits<R: Real>(logits: &[R], class: usize) -> (f64, Vec<f64>) {
    if let [logit] = logits {
        let z = logit.f64();
        let y = class as f64;
        // log(1 + e^z) − y z without overflow.
        let loss = z.max(0.0) - y * z + (-z.abs()).exp().ln_1p();
        return (loss, vec![probability(logits) - y]);
    }
    let mut p = softmax(logits, 0..logits.len());
    let loss = -p[class].max(1e-300).ln();
    p[class] -= 1.0;
    (loss, p)
}
