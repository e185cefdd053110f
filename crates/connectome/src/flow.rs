//! Orderings from input to output: signal flow, walk-sort, SpringRank.

mod solve;
pub mod walk;

use crate::graph::Csr;
use serde::Serialize;
use solve::laplacian;

/// Signal flow of every neuron; high is early (sensory).
///
/// With W = (A + Aᵀ)/2 without self-edges, L = D − W and b_i = Σ_j W_ij sign(A_ij − A_ji), the solution of
/// L z = b with mean 0 in every weak component; a neuron without edges has 0. The solution is by conjugate
/// gradients to a relative residual of 1e-14.
///
/// Varshney et al., PLoS Comput. Biol. 7, e1001066 (2011), Methods; Carmel, Harel & Koren, IEEE TVCG 10, 46 (2004).
pub fn signal_flow(graph: &Csr) -> Vec<f64> {
    let a = graph.without_loops();
    let mut b = vec![0.0; a.n()];
    let sign = |x: f64| {
        if x > 0.0 {
            1.0
        } else if x < 0.0 {
            -1.0
        } else {
            0.0
        }
    };
    for (i, j, w) in a.edges() {
        let back = a.weight(j, i);
        let mean = 0.5 * (w + back);
        if back == 0.0 {
            b[i] += mean * sign(w);
            b[j] -= mean * sign(w);
        } else {
            b[i] += mean * sign(w - back);
        }
    }
    let symmetric = Csr::sum(a.n(), [&a, &a.transposed()]).map(|_, _, w| 0.5 * w);
    laplacian(&symmetric, &b)
}

/// SpringRank of every neuron, mean 0 per weak component; high is early.
///
/// Minimises ½ Σ_ij A_ij (s_i − s_j − 1)².
///
/// De Bacco, Larremore & Moore, Sci. Adv. 4, eaar8260 (2018), with α = 0.
pub fn spring_rank(graph: &Csr) -> Vec<f64> {
    let a = graph.without_loops();
    let (into, out) = a.strengths();
    let b: Vec<f64> = out.iter().zip(&into).map(|(o, i)| o - i).collect();
    laplacian(&Csr::sum(a.n(), [&a, &a.transposed()]), &b)
}

/// Neurons from first to last: descending score, ties by index; neurons without a score are left out.
pub fn order(score: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..score.len()).filter(|&i| !score[i].is_nan()).collect();
    order.sort_by(|&a, &b| score[b].total_cmp(&score[a]).then(a.cmp(&b)));
    order
}

/// Share of the weight, self-edges left out, that runs from earlier to later in an order.
pub fn forward_fraction(graph: &Csr, order: &[usize]) -> f64 {
    let mut place = vec![usize::MAX; graph.n()];
    order.iter().enumerate().for_each(|(k, &i)| place[i] = k);
    let (mut forward, mut all) = (0.0, 0.0);
    for (i, j, w) in graph.edges() {
        if i != j && place[i] != usize::MAX && place[j] != usize::MAX {
            all += w;
            if place[i] < place[j] {
                forward += w;
            }
        }
    }
    if all > 0.0 { forward / all } else { f64::NAN }
}

/// Mean weight on the diagonals of the sorted matrix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForwardMass {
    /// Diagonals k = column − row.
    pub diagonal: Vec<i64>,
    /// Mean weight on each, smoothed by a Gaussian.
    pub mass: Vec<f64>,
    /// Share of the mean mass above the main diagonal.
    pub forward: f64,
}

/// Mean weight on every diagonal of the matrix in `order`, smoothed by a Gaussian of `sigma` diagonals (75).
pub fn forward_mass(graph: &Csr, order: &[usize], sigma: f64) -> ForwardMass {
    let n = order.len();
    let sorted = graph.induced(order);
    let width = (2 * n).saturating_sub(1);
    let mut sums = vec![0.0; width];
    for (i, j, w) in sorted.edges() {
        sums[j + n - 1 - i] += w;
    }
    for (k, sum) in sums.iter_mut().enumerate() {
        *sum /= (n - k.abs_diff(n - 1)) as f64;
    }
    let reach = (4.0 * sigma).ceil() as usize;
    let kernel: Vec<f64> = (0..=reach)
        .map(|d| (-0.5 * (d as f64 / sigma).powi(2)).exp())
        .collect();
    let mass: Vec<f64> = (0..width)
        .map(|k| {
            let (mut value, mut norm) = (0.0, 0.0);
            for other in k.saturating_sub(reach)..(k + reach + 1).min(width) {
                let weight = kernel[k.abs_diff(other)];
                value += weight * sums[other];
                norm += weight;
            }
            value / norm
        })
        .collect();
    let above: f64 = sums.iter().skip(n).sum();
    let below: f64 = sums.iter().take(n.saturating_sub(1)).sum();
    ForwardMass {
        diagonal: (0..width as i64).map(|k| k - (n as i64 - 1)).collect(),
        mass,
        forward: above / (above + below),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_ordered_and_lone_neurons_are_zero() {
        let g = Csr::from_edges(5, vec![(2, 1, 3.0), (1, 0, 5.0), (4, 4, 2.0)]);
        let z = signal_flow(&g);
        assert!((z[2] - 1.0).abs() < 1e-12 && z[1].abs() < 1e-12 && (z[0] + 1.0).abs() < 1e-12);
        assert_eq!((z[3], z[4]), (0.0, 0.0));
        assert_eq!(order(&z)[0], 2);
        assert_eq!(forward_fraction(&g, &order(&z)), 1.0);
        assert!((spring_rank(&g)[2] - 1.0).abs() < 1e-12);
    }
}
