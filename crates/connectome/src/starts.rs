//! Partitions in two from which mixtures start: agglomerative clustering and k-means.

use crate::mixture::Points;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;

/// Distance between points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// Straight line.
    Euclidean,
    /// Sum of absolute differences.
    Manhattan,
    /// 1 − cosine of the angle.
    Cosine,
}

/// Distance between clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// Increase of the variance.
    Ward,
    /// Farthest members.
    Complete,
    /// Mean over members.
    Average,
    /// Nearest members.
    Single,
}

/// The ten combinations that are tried.
pub const AGGLOMERATIONS: [(Distance, Linkage); 10] = [
    (Distance::Euclidean, Linkage::Ward),
    (Distance::Euclidean, Linkage::Complete),
    (Distance::Euclidean, Linkage::Average),
    (Distance::Euclidean, Linkage::Single),
    (Distance::Manhattan, Linkage::Complete),
    (Distance::Manhattan, Linkage::Average),
    (Distance::Manhattan, Linkage::Single),
    (Distance::Cosine, Linkage::Complete),
    (Distance::Cosine, Linkage::Average),
    (Distance::Cosine, Linkage::Single),
];

fn distances(points: &Points, distance: Distance) -> Vec<f64> {
    let n = points.n();
    let norm = |i: usize| points.at(i).iter().map(|x| x * x).sum::<f64>().sqrt();
    let norms: Vec<f64> = (0..n).map(norm).collect();
    let mut matrix = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..i {
            let both = points.at(i).iter().zip(points.at(j));
            let value: f64 = match distance {
                Distance::Euclidean => both.map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt(),
                Distance::Manhattan => both.map(|(a, b)| (a - b).abs()).sum(),
                Distance::Cosine => {
                    let length = norms[i] * norms[j];
                    1.0 - both.map(|(a, b)| a * b).sum::<f64>() / if length > 0.0 { length } else { 1.0 }
                }
            };
            (matrix[i * n + j], matrix[j * n + i]) = (value, value);
        }
    }
    matrix
}

/// Agglomerative clustering down to two clusters, by nearest-neighbour chains (Murtagh, Comput. J. 26, 354, 1983) and the
/// update of Lance & Williams (Comput. J. 9, 373, 1967); one label per point.
pub fn agglomerate(points: &Points, distance: Distance, linkage: Linkage) -> Vec<usize> {
    let n = points.n();
    let mut matrix = distances(points, distance);
    let mut size = points.weight.clone();
    if linkage == Linkage::Ward {
        for i in 0..n {
            for j in 0..n {
                matrix[i * n + j] *= (2.0 * size[i] * size[j] / (size[i] + size[j])).sqrt();
            }
        }
    }
    let mut alive = vec![true; n];
    let mut merges: Vec<(f64, usize, usize)> = Vec::with_capacity(n.saturating_sub(1));
    let mut chain: Vec<usize> = Vec::new();
    for _ in 1..n {
        if chain.is_empty() {
            chain.extend((0..n).find(|&i| alive[i]));
        }
        let (a, b, height) = loop {
            let a = chain[chain.len() - 1];
            let before = chain.len().checked_sub(2).map(|k| chain[k]);
            let mut best = before.unwrap_or(usize::MAX);
            let mut least = before.map_or(f64::INFINITY, |b| matrix[a * n + b]);
            for j in 0..n {
                if alive[j] && j != a && matrix[a * n + j] < least {
                    (best, least) = (j, matrix[a * n + j]);
                }
            }
            if Some(best) == before {
                break (a, best, least);
            }
            chain.push(best);
        };
        chain.truncate(chain.len() - 2);
        merges.push((height, a, b));
        let (sa, sb) = (size[a], size[b]);
        for j in (0..n).filter(|&j| alive[j] && j != a && j != b) {
            let (da, db, sj) = (matrix[a * n + j], matrix[b * n + j], size[j]);
            let value = match linkage {
                Linkage::Single => da.min(db),
                Linkage::Complete => da.max(db),
                Linkage::Average => (sa * da + sb * db) / (sa + sb),
                Linkage::Ward => {
                    let sum = (sa + sj) * da * da + (sb + sj) * db * db - sj * height * height;
                    (sum / (sa + sb + sj)).max(0.0).sqrt()
                }
            };
            (matrix[b * n + j], matrix[j * n + b]) = (value, value);
        }
        alive[a] = false;
        size[b] += sa;
    }
    // The highest merge is the one that is not made. A cluster is named by a point in it.
    let mut order: Vec<usize> = (0..merges.len()).collect();
    order.sort_by(|&p, &q| merges[p].0.total_cmp(&merges[q].0).then(p.cmp(&q)));
    order.pop();
    let mut parent: Vec<usize> = (0..n).collect();
    fn root(parent: &mut [usize], mut i: usize) -> usize {
        while parent[i] != i {
            parent[i] = parent[parent[i]];
            i = parent[i];
        }
        i
    }
    for k in order {
        let (a, b) = (root(&mut parent, merges[k].1), root(&mut parent, merges[k].2));
        parent[a] = b;
    }
    let first = root(&mut parent, 0);
    (0..n)
        .map(|i| usize::from(root(&mut parent, i) != first))
        .collect()
}

/// Two means from a keyed start (k-means++, Arthur & Vassilvitskii, SODA 2007), Lloyd's iterations until stable.
pub fn two_means(points: &Points, key: Key, start: u64) -> Vec<usize> {
    let (n, d) = (points.n(), points.d);
    let mut stream = key.stream(Purpose::Cluster, start);
    let mut pick = |weights: &[f64]| {
        let total: f64 = weights.iter().sum();
        let mut draw = stream.random::<f64>() * total;
        weights
            .iter()
            .position(|w| {
                draw -= w;
                draw < 0.0
            })
            .unwrap_or(n - 1)
    };
    let square = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>();
    let first = points.at(pick(&points.weight)).to_vec();
    let far: Vec<f64> = (0..n)
        .map(|i| points.weight[i] * square(points.at(i), &first))
        .collect();
    let mut centres = [first, points.at(pick(&far)).to_vec()];
    let mut labels = vec![0; n];
    for round in 0..100 {
        let next: Vec<usize> = (0..n)
            .map(|i| usize::from(square(points.at(i), &centres[1]) < square(points.at(i), &centres[0])))
            .collect();
        if round > 0 && next == labels {
            break;
        }
        labels = next;
        for (c, centre) in centres.iter_mut().enumerate() {
            let (mut sum, mut size) = (vec![0.0; d], 0.0);
            for i in (0..n).filter(|&i| labels[i] == c) {
                size += points.weight[i];
                points
                    .at(i)
                    .iter()
                    .zip(&mut sum)
                    .for_each(|(x, s)| *s += points.weight[i] * x);
            }
            if size > 0.0 {
                *centre = sum.iter().map(|s| s / size).collect();
            }
        }
    }
    labels
}
