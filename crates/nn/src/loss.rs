//! Losses of a read-out: the soft-max cross-entropy over all classes or over the head of one task.

use neuropil_math::real::Real;
use std::ops::Range;

/// Probabilities of the classes `head` for one row of logits, in double precision; the largest logit is taken off first.
pub fn softmax<R: Real>(logits: &[R], head: Range<usize>) -> Vec<f64> {
    let head = &logits[head];
    let largest = head.iter().map(|z| z.f64()).fold(f64::NEG_INFINITY, f64::max);
    let mut p: Vec<f64> = head.iter().map(|z| (z.f64() - largest).exp()).collect();
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= sum);
    p
}

/// Σ over rows of weight · cross-entropy, and its gradient with respect to the logits.
///
/// - `logits`, `d_logits`: \[row\]\[class\]; the gradient is written over what is there
/// - `head`: the classes that compete; the others have probability and gradient exactly 0
/// - `labels`: \[row\], each within `head`
/// - `weight(row)`: 1/rows for a mean, mask/(steps · trials) for a masked mean
///
/// ```
/// use neuropil_nn::loss::cross_entropy;
/// let mut d = [0.0_f64; 4];
/// let loss = cross_entropy(&[0.0, 0.0, 1.0, 1.0], 4, 0..4, &[2], |_| 1.0, &mut d);
/// let p = 1.0_f64.exp() / (2.0 + 2.0 * 1.0_f64.exp());
/// assert!((loss + p.ln()).abs() < 1e-15 && (d[2] - (p - 1.0)).abs() < 1e-15);
/// ```
///
/// # Panics
/// When a label is outside the head.
pub fn cross_entropy<R: Real>(
    logits: &[R],
    n_classes: usize,
    head: Range<usize>,
    labels: &[usize],
    weight: impl Fn(usize) -> f64,
    d_logits: &mut [R],
) -> f64 {
    d_logits.fill(R::ZERO);
    let mut loss = 0.0;
    let rows = logits
        .chunks_exact(n_classes)
        .zip(d_logits.chunks_exact_mut(n_classes));
    for (row, ((z, d), &label)) in rows.zip(labels).enumerate() {
        assert!(head.contains(&label), "label {label} outside the head {head:?}");
        let weight = weight(row);
        if weight == 0.0 {
            continue;
        }
        let largest = z[head.clone()]
            .iter()
            .map(|z| z.f64())
            .fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = z[head.clone()].iter().map(|z| (z.f64() - largest).exp()).sum();
        for class in head.clone() {
            d[class] = R::of(weight * (z[class].f64() - largest).exp() / sum);
        }
        d[label] -= R::of(weight);
        loss += weight * (sum.ln() + largest - z[label].f64());
    }
    loss
}

/// The class of the largest logit within `head`; of equal ones the first.
pub fn argmax<R: Real>(logits: &[R], head: Range<usize>) -> usize {
    let mut best = head.start;
    for class in head {
        if logits[class] > logits[best] {
            best = class;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::worst_difference;

    const LOGITS: [f64; 8] = [0.3, -1.2, 2.0, 0.7, 40.0, -3.0, 0.1, 0.2];

    #[test]
    fn the_gradient_is_that_of_the_loss_and_0_outside_the_head() {
        for (head, labels) in [(0..4, [1, 3]), (1..3, [2, 1])] {
            let loss =
                |z: &[f64]| cross_entropy(z, 4, head.clone(), &labels, |row| 0.5 + row as f64, &mut [0.0; 8]);
            let mut d = [9.0; 8];
            cross_entropy(&LOGITS, 4, head.clone(), &labels, |row| 0.5 + row as f64, &mut d);
            assert!(worst_difference(loss, &LOGITS, &d) < 1e-8);
            assert!((0..8).all(|i| head.contains(&(i % 4)) || d[i] == 0.0));
        }
    }

    #[test]
    fn rows_of_weight_0_count_for_nothing_and_ties_go_to_the_first() {
        let mut d = [1.0; 8];
        assert_eq!(cross_entropy(&LOGITS, 4, 0..4, &[0, 0], |_| 0.0, &mut d), 0.0);
        assert_eq!(d, [0.0; 8]);
        assert_eq!(argmax(&[1.0, 2.0, 2.0], 0..3), 1);
        assert_eq!(argmax(&[9.0, 2.0, 3.0], 1..3), 2);
        assert!((softmax(&LOGITS[4..], 0..4)[0] - 1.0).abs() < 1e-15);
    }
}
