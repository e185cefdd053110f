//! Laplacian systems by preconditioned conjugate gradients.

use crate::graph::Csr;

/// Minimum-norm solution of (D − W) z = b: mean 0 in every component; `w` symmetric without a diagonal.
///
/// Preconditioned by the degrees; stops at a relative residual of 1e-14 or after 20 n steps.
pub(super) fn laplacian(w: &Csr, b: &[f64]) -> Vec<f64> {
    let n = w.n();
    let component = w.weak_components();
    let n_components = component.iter().max().map_or(0, |m| m + 1);
    let mut size = vec![0.0; n_components];
    component.iter().for_each(|&c| size[c] += 1.0);
    let centre = |x: &mut [f64]| {
        let mut mean = vec![0.0; n_components];
        (0..n).for_each(|i| mean[component[i]] += x[i]);
        (0..n).for_each(|i| x[i] -= mean[component[i]] / size[component[i]]);
    };
    let degree = w.strengths().1;
    let times = |x: &[f64], out: &mut [f64]| {
        for i in 0..n {
            let sum: f64 = w.row(i).map(|(j, w)| w * x[j]).sum();
            out[i] = degree[i] * x[i] - sum;
        }
    };
    let precondition = |r: &[f64]| -> Vec<f64> {
        let divided = (0..n).map(|i| if degree[i] > 0.0 { r[i] / degree[i] } else { 0.0 });
        divided.collect()
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let mut z = vec![0.0; n];
    let mut r = b.to_vec();
    centre(&mut r);
    let goal = 1e-28 * dot(&r, &r);
    let mut y = precondition(&r);
    let mut direction = y.clone();
    let mut rho = dot(&r, &y);
    let mut product = vec![0.0; n];
    for _ in 0..20 * n {
        if dot(&r, &r) <= goal || rho == 0.0 {
            break;
        }
        times(&direction, &mut product);
        let curvature = dot(&direction, &product);
        if curvature <= 0.0 {
            break;
        }
        let step = rho / curvature;
        for i in 0..n {
            z[i] += step * direction[i];
            r[i] -= step * product[i];
        }
        y = precondition(&r);
        let next = dot(&r, &y);
        let beta = next / rho;
        rho = next;
        (0..n).for_each(|i| direction[i] = y[i] + beta * direction[i]);
    }
    centre(&mut z);
    z
}
