//! Partitions in two from which mixtures start: agglomerative clustering and k-means.

use crate::mixture::Points;
use crate::mixture::blocks::{Blocks, LANES, Measure, from_point};
use neuropil_math::linkage::{Linkage, cut, merges};
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

/// Distances of every two points, n × n.
fn distances(points: &Points, distance: Distance) -> Vec<f64> {
    let n = points.n();
    let blocks = Blocks::of(points);
    let measure = match distance {
        Distance::Euclidean => Measure::Square,
        Distance::Manhattan => Measure::Absolute,
        Distance::Cosine => Measure::Product,
    };
    let norm = |i: usize| points.at(i).iter().map(|x| x * x).sum::<f64>().sqrt();
    let norms: Vec<f64> = (0..n).map(norm).collect();
    let mut matrix = Vec::with_capacity(n * n);
    let mut row = vec![[0.0; LANES]; blocks.weight.len()];
    for i in 0..n {
        from_point(&blocks, i, measure, &mut row);
        let sums = row.as_flattened()[..n].iter();
        match distance {
            Distance::Euclidean => matrix.extend(sums.map(|square| square.sqrt())),
            Distance::Manhattan => matrix.extend(sums),
            Distance::Cosine => matrix.extend(sums.zip(&norms).map(|(product, norm)| {
                let length = norms[i] * norm;
                1.0 - product / if length > 0.0 { length } else { 1.0 }
            })),
        }
    }
    matrix
}

/// Agglomerative clustering down to two clusters; one label per point.
pub fn agglomerate(points: &Points, distance: Distance, linkage: Linkage) -> Vec<usize> {
    let n = points.n();
    let mut matrix = distances(points, distance);
    let size = points.weight.clone();
    if linkage == Linkage::Ward {
        for i in 0..n {
            for j in 0..n {
                matrix[i * n + j] *= (2.0 * size[i] * size[j] / (size[i] + size[j])).sqrt();
            }
        }
    }
    cut(&merges(matrix, size, linkage), n, 2)
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
