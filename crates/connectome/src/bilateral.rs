//! One embedding of both hemispheres (Winding et al. 2023, Methods: spectral clustering; Pedigo et al. 2023).

use crate::data::{Connectome, Side};
use crate::error::DataError;
use crate::graph::{Csr, largest_component};
use crate::spectral::procrustes::{kernel, orthogonal, turn};
use crate::spectral::{Block, Embedding, augment_diagonal, embed, pass_to_ranks};
use faer::Mat;
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
            "{n_left} left and {} right neurons with {} pairs to align",
            n - n_left,
            known.len()
        );
        return Err(DataError::question(
            message,
            "the table needs `hemisphere` and pairs of homologues",
        ));
    }
    let ranked = augment_diagonal(&pass_to_ranks(&graph.induced(&neurons)));
    let (left, right): (Vec<usize>, Vec<usize>) = ((0..n_left).collect(), (n_left..n).collect());
    let sides_of = [(&left, &left), (&right, &right), (&left, &right), (&right, &left)];
    let norms = sides_of.map(|(from, to)| Block::new(&ranked, from, to, 1.0).norm());
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
                &Block::new(&ranked, sides_of[k].0, sides_of[k].1, scales[k]),
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
    let svd = crate::spectral::dense(&composite, all.min(n));
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

/// The joint embedding of a connectome's summed layers.
///
/// # Errors
/// As [`joint_embedding`].
pub fn embed_connectome(
    connectome: &Connectome,
    settings: &EmbedSettings,
) -> Result<JointEmbedding, DataError> {
    joint_embedding(
        &connectome.layer("all")?,
        &soma_sides(connectome),
        &connectome.pairs,
        settings,
    )
}

/// Sides of the cell bodies: the column `hemisphere` where there is one.
pub fn soma_sides(connectome: &Connectome) -> Vec<Side> {
    match connectome.neurons.column("hemisphere") {
        Some(column) => column.iter().map(|text| Side::parse(text)).collect(),
        None => connectome.sides.clone(),
    }
}
