//! How much of the activity of some neurons arrives at others in a linear network: steady state, and hop by hop.

use crate::error::DataError;
use crate::graph::Csr;
use neuropil_math::linalg::spectral_radius as dense_radius;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use serde::Serialize;

/// Dimensions of the Krylov space in which the spectral radius is sought.
const KRYLOV: usize = 60;
/// Iterations of the steady state at most.
const ITERATIONS: usize = 20_000;

/// Steady state of a linear network with a constant input to the sources.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Influence {
    /// Steady-state activity of every neuron.
    pub activity: Vec<f64>,
    /// Natural logarithm of the activity plus `offset`, at least 0; 0 where there is none.
    pub adjusted: Vec<f64>,
    /// Constant added to the logarithm.
    pub offset: f64,
    /// Spectral radius of the weights before they were scaled.
    pub radius: f64,
    /// Iterations.
    pub iterations: usize,
    /// ‖r − W r − s‖ / ‖s‖ at the end.
    pub residual: f64,
}

/// Solves r = W r + s, with W the weights (rows presynaptic, turned here) scaled to the spectral radius `radius` < 1
/// and s = 1 at the sources; weights may be negative.
///
/// The iteration r ← W r + s converges as radius^k and stops at a relative residual of 1e-10. A graph without loops
/// has spectral radius 0 and is scaled to a largest row sum of `radius` instead.
///
/// Bates et al., neuronal influence (2025): r = −(W − I)⁻¹ s, and log-adjusted influence.
///
/// # Errors
/// No sources, a radius outside (0, 1), or an iteration that does not converge.
pub fn influence(graph: &Csr, sources: &[usize], radius: f64, offset: f64) -> Result<Influence, DataError> {
    if !(radius > 0.0 && radius < 1.0) {
        return Err(DataError::question(
            format!("spectral radius {radius}, expected a number in (0, 1)"),
            "0.99 is usual",
        ));
    }
    let n = graph.n();
    let sources = crate::cascade::distinct(sources, n)?;
    let incoming = graph.transposed();
    let own = spectral_radius(&incoming);
    let widest = (0..n)
        .map(|j| incoming.weights(j).iter().map(|w| w.abs()).sum::<f64>())
        .fold(0.0, f64::max);
    let scale = match (own > 1e-9 * widest, widest > 0.0) {
        (true, _) => radius / own,
        (false, true) => radius / widest,
        _ => 0.0,
    };
    let mut s = vec![0.0; n];
    sources.iter().for_each(|&i| s[i] = 1.0);
    let norm = (sources.len() as f64).sqrt();
    let mut r = s.clone();
    let (mut iterations, mut residual) = (0, f64::INFINITY);
    while iterations < ITERATIONS && residual > 1e-10 {
        let next: Vec<f64> = (0..n)
            .map(|j| s[j] + scale * incoming.row(j).map(|(i, w)| w * r[i]).sum::<f64>())
            .collect();
        let change: f64 = next.iter().zip(&r).map(|(a, b)| (a - b).powi(2)).sum();
        residual = change.sqrt() / norm;
        r = next;
        iterations += 1;
    }
    if residual > 1e-10 {
        return Err(DataError::question(
            format!("the steady state did not converge: residual {residual:.1e} after {iterations} steps"),
            "take a smaller spectral radius",
        ));
    }
    let adjust = |a: &f64| if *a > 0.0 { (a.ln() + offset).max(0.0) } else { 0.0 };
    Ok(Influence {
        adjusted: r.iter().map(adjust).collect(),
        activity: r,
        offset,
        radius: own,
        iterations,
        residual,
    })
}

/// Largest modulus of the eigenvalues of a sparse matrix: exact up to 60 nodes, beyond that by Arnoldi iteration
/// from a seeded start.
pub fn spectral_radius(graph: &Csr) -> f64 {
    let n = graph.n();
    if n == 0 || graph.n_edges() == 0 {
        return 0.0;
    }
    let steps = KRYLOV.min(n);
    if n <= KRYLOV {
        let mut dense = vec![0.0; n * n];
        graph.edges().for_each(|(i, j, w)| dense[i * n + j] = w);
        return dense_radius(&dense, n).unwrap_or(0.0);
    }
    let mut stream = Key::new(0).stream(Purpose::Cluster, u64::MAX);
    let mut start: Vec<f64> = (0..n).map(|_| stream.random::<f64>()).collect();
    // A restart from the last vector turns the space towards the leading eigenvectors.
    let mut radius = 0.0;
    for _ in 0..6 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let length = dot(&start, &start).sqrt();
        if length == 0.0 {
            break;
        }
        let mut basis: Vec<Vec<f64>> = vec![start.iter().map(|x| x / length).collect()];
        let mut h = vec![0.0; steps * steps];
        let mut used = steps;
        for k in 0..steps {
            let mut v: Vec<f64> = (0..n)
                .map(|i| graph.row(i).map(|(j, w)| w * basis[k][j]).sum())
                .collect();
            for _ in 0..2 {
                for (l, b) in basis.iter().enumerate() {
                    let along = dot(&v, b);
                    h[l * steps + k] += along;
                    v.iter_mut().zip(b).for_each(|(x, y)| *x -= along * y);
                }
            }
            let length = dot(&v, &v).sqrt();
            if k + 1 < steps {
                if length < 1e-12 {
                    used = k + 1;
                    break;
                }
                h[(k + 1) * steps + k] = length;
                basis.push(v.iter().map(|x| x / length).collect());
            }
        }
        let small: Vec<f64> = (0..used * used).map(|e| h[e / used * steps + e % used]).collect();
        let found = dense_radius(&small, used).unwrap_or(0.0);
        let settled = (found - radius).abs() <= 1e-10 * found;
        radius = found;
        if settled || used < steps {
            break;
        }
        start = basis.swap_remove(steps - 1);
    }
    radius
}

/// Effective connectivity: what a unit of signal at the sources is worth at every neuron after 1, 2, … hops.
///
/// v_0 is 1 / number of sources at each source, v_(k+1) = Fᵀ v_k with F the input fractions (rows presynaptic);
/// entries below `least` are cut off at every hop.
///
/// # Errors
/// No sources.
pub fn effective(
    fractions: &Csr,
    sources: &[usize],
    hops: usize,
    least: f64,
) -> Result<Vec<Vec<f64>>, DataError> {
    let sources = crate::cascade::distinct(sources, fractions.n())?;
    let mut v = vec![0.0; fractions.n()];
    sources.iter().for_each(|&i| v[i] = 1.0 / sources.len() as f64);
    let step = |v: &[f64]| {
        let mut next = vec![0.0; v.len()];
        for i in (0..v.len()).filter(|&i| v[i] != 0.0) {
            fractions.row(i).for_each(|(j, w)| next[j] += w * v[i]);
        }
        next.iter_mut().filter(|x| x.abs() < least).for_each(|x| *x = 0.0);
        next
    };
    Ok((0..hops)
        .map(|_| {
            v = step(&v);
            v.clone()
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::random_graph;

    #[test]
    fn a_loop_of_two_has_the_geometric_sum() {
        // Radius of [[0, 4], [1, 0]] is 2; scaled by 1/4: r0 = 1 + r1/4, r1 = r0.
        let graph = Csr::from_edges(2, vec![(0, 1, 4.0), (1, 0, 1.0)]);
        let found = influence(&graph, &[0], 0.5, 24.0).unwrap();
        assert!((found.radius - 2.0).abs() < 1e-12);
        assert!((found.activity[0] - 4.0 / 3.0).abs() < 1e-9 && (found.activity[1] - 4.0 / 3.0).abs() < 1e-9);
        assert!((found.adjusted[0] - ((4.0f64 / 3.0).ln() + 24.0)).abs() < 1e-9);
    }

    #[test]
    fn the_steady_state_solves_its_equation_with_inhibition() {
        let graph = random_graph(200, 3000, 4).map(|i, _, w| if i % 4 == 0 { -w } else { w });
        let found = influence(&graph, &[3, 5], 0.9, 24.0).unwrap();
        let scale = 0.9 / found.radius;
        let incoming = graph.transposed();
        for j in 0..200 {
            let s = f64::from(u8::from(j == 3 || j == 5));
            let sum: f64 = incoming.row(j).map(|(i, w)| scale * w * found.activity[i]).sum();
            assert!((found.activity[j] - sum - s).abs() < 1e-8);
        }
        assert!(found.adjusted.iter().all(|a| *a >= 0.0));
    }

    #[test]
    fn the_radius_of_a_sparse_matrix_is_that_of_the_dense_one() {
        let graph = random_graph(150, 2000, 8).map(|i, _, w| if i % 3 == 0 { -w } else { w });
        let mut dense = vec![0.0; 150 * 150];
        graph.edges().for_each(|(i, j, w)| dense[i * 150 + j] = w);
        let (sparse, exact) = (spectral_radius(&graph), dense_radius(&dense, 150).unwrap());
        assert!((sparse / exact - 1.0).abs() < 1e-3, "{sparse}, {exact}");
        assert_eq!(spectral_radius(&Csr::from_edges(3, vec![])), 0.0);
    }

    #[test]
    fn a_chain_has_no_loop_and_still_an_answer() {
        let graph = Csr::from_edges(3, vec![(0, 1, 2.0), (1, 2, 1.0)]);
        let found = influence(&graph, &[0], 0.5, 0.0).unwrap();
        assert_eq!(found.activity, [1.0, 0.5, 0.125]);
        assert!(influence(&graph, &[], 0.5, 0.0).is_err() && influence(&graph, &[0], 1.0, 0.0).is_err());
    }

    #[test]
    fn effective_connectivity_multiplies_fractions() {
        let fractions = Csr::from_edges(4, vec![(0, 1, 0.5), (0, 2, 0.2), (1, 3, 0.8), (2, 3, 0.5)]);
        let found = effective(&fractions, &[0], 2, 0.0).unwrap();
        assert_eq!(found[0], [0.0, 0.5, 0.2, 0.0]);
        assert!((found[1][3] - 0.5).abs() < 1e-12);
        assert!((effective(&fractions, &[0], 2, 0.3).unwrap()[1][3] - 0.4).abs() < 1e-12);
    }
}
