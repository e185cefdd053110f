//! One embedding of both hemispheres (Winding et al. 2023, Methods: spectral clustering; Pedigo et al. 2023).

use crate::data::{Connectome, Side};
use crate::error::DataError;
use crate::graph::{Csr, largest_component};
use crate::spectral::procrustes::{kernel, turn};
use crate::spectral::several::{multiple, omnibus};
use crate::spectral::{
    Embedding, augment_diagonal, block, embed, pass_to_ranks, regularised_laplacian, whole,
};
use faer::Mat;
use neuropil_math::procrustes::orthogonal;
use neuropil_math::svd::dense_svd;
use rayon::prelude::*;
use serde::Serialize;

/// Constants of the joint embedding; the defaults are the paper's.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct EmbedSettings {
    /// Neurons with at most this many sources and at most this many targets are left out (2).
    pub least_degree: usize,
    /// Dimensions of each block (24).
    pub block_dimensions: usize,
    /// Dimensions of the joint embedding (16).
    pub dimensions: usize,
    /// Width of the Gaussian kernel, squared distance (0.1).
    pub kernel_width: f64,
    /// Iterations of the alignment (10).
    pub iterations: usize,
}

impl Default for EmbedSettings {
    fn default() -> Self {
        Self {
            least_degree: 2,
            block_dimensions: 24,
            dimensions: 16,
            kernel_width: 0.1,
            iterations: 10,
        }
    }
}

/// The joint embedding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JointEmbedding {
    /// Neurons, left ones first, by index within each side.
    pub neurons: Vec<usize>,
    /// How many of them are left.
    pub n_left: usize,
    /// Positions, neurons × dimensions, row-major; column signs are arbitrary.
    pub positions: Vec<f64>,
    /// Dimensions.
    pub dimensions: usize,
    /// Singular values of the joint matrix.
    pub singular_values: Vec<f64>,
    /// Singular values of the blocks LL, RR, LR, RL.
    pub block_singular_values: [Vec<f64>; 4],
    /// Frobenius norms of the blocks before they were made equal.
    pub block_norms: [f64; 4],
}

/// The neurons that are embedded: on a side, with enough partners, in the largest weak component; left ones first.
pub fn embedded_neurons(graph: &Csr, sides: &[Side], least_degree: usize) -> Vec<usize> {
    let sided: Vec<usize> = (0..graph.n()).filter(|&i| sides[i] != Side::Centre).collect();
    let among = graph.induced(&sided);
    let (into, out) = among.degrees();
    let kept: Vec<usize> = (0..sided.len())
        .filter(|&k| into[k].max(out[k]) > least_degree)
        .collect();
    let largest = largest_component(&among.induced(&kept).weak_components());
    let mut neurons: Vec<usize> = largest.into_iter().map(|k| sided[kept[k]]).collect();
    neurons.sort_by_key(|&i| (sides[i], i));
    neurons
}

/// Joint embedding of a graph over `sides` with homologous `pairs` (left, right).
///
/// The sum graph is passed to ranks, its diagonal augmented, and its four hemisphere blocks embedded; the left
/// blocks are turned onto the right ones, by known pairs first, then by a Gaussian kernel over all rows; the
/// composite of both sides is reduced by one more decomposition.
///
/// # Errors
/// Fewer than two neurons on a side, or no pair among them.
pub fn joint_embedding(
    graph: &Csr,
    sides: &[Side],
    pairs: &[(usize, usize)],
    settings: &EmbedSettings,
) -> Result<JointEmbedding, DataError> {
    let neurons = embedded_neurons(graph, sides, settings.least_degree);
    let n_left = neurons.iter().filter(|&&i| sides[i] == Side::Left).count();
    let n = neurons.len();
    let mut place = vec![usize::MAX; graph.n()];
    neurons.iter().enumerate().for_each(|(k, &i)| place[i] = k);
    let known: Vec<(usize, usize)> = pairs
        .iter()
        .map(|&(l, r)| (place[l], place[r]))
        .filter(|&(l, r)| l < n_left && r != usize::MAX && r >= n_left)
        .map(|(l, r)| (l, r - n_left))
        .collect();
    if n_left < 2 || n - n_left < 2 || known.is_empty() {
        let message = format!(
            "{n_left} left and {} right neurons with more than {} partners, and {} pairs of them to align; expected two of each side and one pair or more",
            n - n_left,
            settings.least_degree,
            known.len()
        );
        return Err(DataError::question(
            message,
            "the neuron table tells the sides in `hemisphere` and homologues in `pair`",
        ));
    }
    let ranked = augment_diagonal(&pass_to_ranks(&graph.induced(&neurons)));
    let (left, right): (Vec<usize>, Vec<usize>) = ((0..n_left).collect(), (n_left..n).collect());
    let sides_of = [(&left, &left), (&right, &right), (&left, &right), (&right, &left)];
    let norms = sides_of.map(|(from, to)| block(&ranked, from, to, 1.0).norm());
    let equal = |own: f64, other: f64| {
        if own > 0.0 {
            f64::midpoint(own, other) / own
        } else {
            0.0
        }
    };
    let scales = [
        equal(norms[0], norms[1]),
        equal(norms[1], norms[0]),
        equal(norms[2], norms[3]),
        equal(norms[3], norms[2]),
    ];
    let blocks: Vec<Embedding> = (0..4)
        .into_par_iter()
        .map(|k| {
            embed(
                &block(&ranked, sides_of[k].0, sides_of[k].1, scales[k]),
                settings.block_dimensions,
            )
        })
        .collect();
    let d = blocks.iter().map(|b| b.d).min().unwrap_or(0);
    let blocks: Vec<Embedding> = blocks.iter().map(|b| cut(b, d)).collect();
    let (ll, rr, lr, rl) = (&blocks[0], &blocks[1], &blocks[2], &blocks[3]);
    let ipsi = align((ll, rr), false, &known, d, settings);
    let contra = align((lr, rl), true, &known, d, settings);
    let (x_ll, y_ll) = (turn(&ll.x, &ipsi, d), turn(&ll.y, &ipsi, d));
    let (x_lr, y_lr) = (turn(&lr.x, &contra, d), turn(&lr.y, &contra, d));
    // X_ipsi, Y_ipsi, X_contra, Y_contra side by side: what a neuron sends and receives on its side and across.
    let parts = [(&x_ll, &rr.x), (&y_ll, &rr.y), (&x_lr, &rl.x), (&rl.y, &y_lr)];
    let mut composite = Mat::<f64>::zeros(n, 4 * d);
    for (p, (upper, lower)) in parts.iter().enumerate() {
        for (k, value) in upper.iter().chain(lower.iter()).enumerate() {
            composite[(k / d, p * d + k % d)] = *value;
        }
    }
    let all = 4 * d;
    let svd = dense_svd(&composite, all.min(n));
    let kept = settings.dimensions.min(svd.s.len());
    let width = svd.s.len();
    let positions = (0..n * kept).map(|e| svd.u[e / kept * width + e % kept] * svd.s[e % kept].sqrt());
    Ok(JointEmbedding {
        positions: positions.collect(),
        neurons,
        n_left,
        dimensions: kept,
        block_singular_values: [0, 1, 2, 3].map(|k: usize| blocks[k].singular_values.clone()),
        singular_values: svd.s,
        block_norms: norms,
    })
}

fn cut(embedding: &Embedding, d: usize) -> Embedding {
    let own = embedding.d;
    let take = |m: &[f64]| m.chunks_exact(own).flat_map(|row| row[..d].to_vec()).collect();
    Embedding {
        d,
        x: take(&embedding.x),
        y: take(&embedding.y),
        singular_values: embedding.singular_values[..d].to_vec(),
    }
}

/// The matrix that turns the first embedding onto the second; `swap` where rows and columns are of other sides.
fn align(
    (a, b): (&Embedding, &Embedding),
    swap: bool,
    known: &[(usize, usize)],
    d: usize,
    settings: &EmbedSettings,
) -> Vec<f64> {
    let row = |m: &[f64], i: usize| m[i * d..(i + 1) * d].to_vec();
    let (mut from, mut to) = (Vec::new(), Vec::new());
    for &(l, r) in known {
        from.extend(row(&a.x, l));
        to.extend(row(&b.x, r));
    }
    for &(l, r) in known {
        let (own, other) = if swap { (r, l) } else { (l, r) };
        from.extend(row(&a.y, own));
        to.extend(row(&b.y, other));
    }
    let start = orthogonal(&from, &to, d);
    let all = |e: &Embedding| [e.x.as_slice(), e.y.as_slice()].concat();
    kernel(
        &all(a),
        &all(b),
        d,
        &start,
        settings.kernel_width,
        settings.iterations,
    )
}

/// Which embedding types are made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Both hemispheres, aligned (the paper's).
    #[default]
    Joint,
    /// Adjacency spectral embedding of the sum.
    Ase,
    /// Laplacian spectral embedding of the sum (R-DAD).
    Lse,
    /// Omnibus embedding of the layers, averaged over them.
    Omnibus,
    /// Common subspace of the layers.
    Mase,
}

/// An embedding of a connectome: of its summed layers, or of its layers together.
///
/// All but [`Method::Joint`] take the hemispheres as one graph, ranked and with its diagonal augmented (not for the
/// Laplacian); what neurons send and receive stands side by side and is reduced by one more decomposition.
///
/// # Errors
/// As [`joint_embedding`]; too few neurons.
pub fn embed_connectome(
    connectome: &Connectome,
    method: Method,
    settings: &EmbedSettings,
) -> Result<JointEmbedding, DataError> {
    let sum = connectome.layer("all")?;
    let sides = soma_sides(connectome);
    if method == Method::Joint {
        return joint_embedding(&sum, &sides, &connectome.pairs, settings);
    }
    let neurons = embedded_neurons(&sum, &sides, settings.least_degree);
    let (n, d) = (neurons.len(), settings.block_dimensions);
    if n < 4 {
        return Err(DataError::question(
            format!("{n} neurons to embed"),
            "the table needs `hemisphere`, and neurons more than two partners",
        ));
    }
    let ranked = |graph: &Csr| pass_to_ranks(&graph.induced(&neurons));
    let augmented = |graph: &Csr| augment_diagonal(&ranked(graph));
    let layers = || -> Vec<Csr> { connectome.layers.values().map(augmented).collect() };
    let parts: Vec<(usize, Vec<f64>)> = match method {
        Method::Joint | Method::Ase => both(&embed(&whole(&augmented(&sum)), d)),
        Method::Lse => both(&embed(&whole(&regularised_laplacian(&ranked(&sum))), d)),
        Method::Omnibus => {
            let all = omnibus(&layers(), d);
            let mean = |rows: fn(&Embedding) -> &Vec<f64>| {
                let mut sum = vec![0.0; rows(&all[0]).len()];
                for e in &all {
                    sum.iter_mut()
                        .zip(rows(e))
                        .for_each(|(s, x)| *s += x / all.len() as f64);
                }
                sum
            };
            let d = all[0].d;
            vec![(d, mean(|e| &e.x)), (d, mean(|e| &e.y))]
        }
        Method::Mase => {
            let common = multiple(&layers(), d);
            vec![(common.d, common.u), (common.d, common.v)]
        }
    };
    let width: usize = parts.iter().map(|p| p.0).sum();
    let mut composite = Mat::<f64>::zeros(n, width);
    let mut from = 0;
    for (d, rows) in &parts {
        for (k, value) in rows.iter().enumerate() {
            composite[(k / d, from + k % d)] = *value;
        }
        from += d;
    }
    let svd = dense_svd(&composite, width.min(n));
    let (kept, width) = (settings.dimensions.min(svd.s.len()), svd.s.len());
    let positions = (0..n * kept).map(|e| svd.u[e / kept * width + e % kept] * svd.s[e % kept].sqrt());
    Ok(JointEmbedding {
        positions: positions.collect(),
        n_left: neurons.iter().filter(|&&i| sides[i] == Side::Left).count(),
        neurons,
        dimensions: kept,
        block_singular_values: Default::default(),
        singular_values: svd.s,
        block_norms: [0.0; 4],
    })
}

fn both(e: &Embedding) -> Vec<(usize, Vec<f64>)> {
    vec![(e.d, e.x.clone()), (e.d, e.y.clone())]
}

/// Sides of the cell bodies: the column `hemisphere` where there is one.
pub fn soma_sides(connectome: &Connectome) -> Vec<Side> {
    match connectome.neurons.column("hemisphere") {
        Some(column) => column.iter().map(|text| Side::parse(text)).collect(),
        None => connectome.sides.clone(),
    }
}
