//! How alike the colours of two neurons are (NeuroPAL; Yevick et al.; Yu et al. 2021).

use crate::yu2021::COLOUR_FLOOR;

/// −KL(q_test ‖ q_template) \[test neurons\]\[template neurons\] of the shares q = c/Σc of the first three channels, each
/// at least [`COLOUR_FLOOR`] and not made to sum to 1 again.
///
/// A neuron whose channels sum to 0 or less has no colour: 0 in its row or column. Shares are equal for 8 and 16 bits.
///
/// ```
/// use neuropil_neuronid::colour::kl;
/// let alike = kl(&[[100.0, 200.0, 100.0]], &[[1.0, 2.0, 1.0], [3.0, 0.5, 0.5], [0.0, 0.0, 0.0]]);
/// assert!(alike[0].abs() < 1e-12 && alike[1] < -0.1 && alike[2] == 0.0);
/// ```
pub fn kl(test: &[[f64; 3]], template: &[[f64; 3]]) -> Vec<f64> {
    let shares = |colours: &[[f64; 3]]| colours.iter().map(|&colour| share(colour)).collect::<Vec<_>>();
    let (test, template) = (shares(test), shares(template));
    let pair = |q: &Option<[f64; 3]>, p: &Option<[f64; 3]>| match (q, p) {
        (Some(q), Some(p)) => q.iter().zip(p).map(|(q, p)| q * (p.ln() - q.ln())).sum(),
        _ => 0.0,
    };
    test.iter()
        .flat_map(|q| template.iter().map(move |p| pair(q, p)))
        .collect()
}

/// Shares of the channels; none without colour.
fn share(colour: [f64; 3]) -> Option<[f64; 3]> {
    let sum: f64 = colour.iter().sum();
    (sum > 0.0).then(|| colour.map(|channel| (channel / sum).max(COLOUR_FLOOR)))
}

/// tanh(1/(distance + 0.001)) \[test neurons\]\[template neurons\]: for intensities that are no shares of one another.
pub fn closeness(test: &[[f64; 3]], template: &[[f64; 3]]) -> Vec<f64> {
    let pair = |a: &[f64; 3], b: &[f64; 3]| {
        let distance = a
            .iter()
            .zip(b)
            .map(|(a, b)| (a - b) * (a - b))
            .sum::<f64>()
            .sqrt();
        (1.0 / (distance + 1e-3)).tanh()
    };
    test.iter()
        .flat_map(|a| template.iter().map(move |b| pair(a, b)))
        .collect()
}

/// Colours that cannot be shares: the number of values below 0, of all values.
pub fn negative(colours: &[[f64; 3]]) -> usize {
    colours.iter().flatten().filter(|channel| **channel < 0.0).count()
}
