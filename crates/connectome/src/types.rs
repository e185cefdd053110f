//! Neuron types by divisive Gaussian clustering (Winding et al. 2023, Methods).

pub mod evaluation;
pub mod stability;

use crate::mixture::{COVARIANCES, Fit, Points, fit};
use crate::starts::{AGGLOMERATIONS, agglomerate, two_means};
use crate::winding2023;
use neuropil_math::rng::Key;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Constants of the clustering; the defaults are the paper's.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct TypeSettings {
    /// Dimensions of the embedding that are used (10).
    pub dimensions: usize,
    /// Clusters of fewer neurons are not split (32).
    pub min_split: usize,
    /// Deepest level (8).
    pub levels: usize,
    /// k-means starts at each node (25).
    pub starts: usize,
    /// Seed.
    pub seed: u64,
}

impl Default for TypeSettings {
    fn default() -> Self {
        Self {
            dimensions: winding2023::DIMENSIONS,
            min_split: winding2023::MIN_SPLIT,
            levels: winding2023::LEVELS,
            starts: 25,
            seed: 1,
        }
    }
}

/// A tree of clusters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Types {
    /// Cluster of each neuron at levels 1, 2, …; numbered along the tree, so that children of a cluster adjoin.
    pub levels: Vec<Vec<usize>>,
    /// Number of clusters at each level.
    pub counts: Vec<usize>,
}

/// Gives both members of a pair their mean position and keeps the first `dimensions` columns.
///
/// - `positions`: neurons × `width`, row-major
/// - `partner`: the row of the other member
pub fn averaged(positions: &[f64], width: usize, partner: &[Option<usize>], dimensions: usize) -> Vec<f64> {
    let n = partner.len();
    let d = dimensions.min(width);
    let value = |i: usize, c: usize| {
        let own = positions[i * width + c];
        partner[i].map_or(own, |j| f64::midpoint(own, positions[j * width + c]))
    };
    (0..n)
        .flat_map(|i| (0..d).map(move |c| (i, c)))
        .map(|(i, c)| value(i, c))
        .collect()
}

/// Splits clusters in two as long as a mixture of two Gaussians has a lower criterion than one.
///
/// - `positions`: neurons × `d`, row-major; equal rows stay together at every level
///
/// Each node starts from ten agglomerative clusterings and `starts` k-means runs in all four covariance shapes.
/// Results depend on the seed alone.
pub fn divide(positions: &[f64], d: usize, settings: &TypeSettings) -> Types {
    let n = positions.len() / d.max(1);
    let mut place: BTreeMap<Vec<u64>, usize> = BTreeMap::new();
    let mut points = Points {
        d,
        ..Points::default()
    };
    let own: Vec<usize> = (0..n)
        .map(|i| {
            let row = &positions[i * d..(i + 1) * d];
            let next = place.len();
            let at = *place
                .entry(row.iter().map(|v| v.to_bits()).collect())
                .or_insert(next);
            if at == next {
                points.x.extend(row);
                points.weight.push(0.0);
            }
            points.weight[at] += 1.0;
            at
        })
        .collect();
    let mut clusters: Vec<(u64, Vec<usize>, bool)> = vec![(1, (0..points.n()).collect(), true)];
    let (mut levels, mut counts) = (Vec::new(), Vec::new());
    for _ in 0..settings.levels {
        let divided: Vec<Vec<(u64, Vec<usize>, bool)>> = clusters
            .par_iter()
            .map(|(name, members, open)| {
                let split = open
                    .then(|| split(&points.subset(members), *name, settings))
                    .flatten();
                let Some(labels) = split else {
                    return vec![(*name, members.clone(), false)];
                };
                let part = |c: usize| {
                    members
                        .iter()
                        .zip(&labels)
                        .filter(|e| *e.1 == c)
                        .map(|e| *e.0)
                        .collect()
                };
                vec![(2 * name, part(0), true), (2 * name + 1, part(1), true)]
            })
            .collect();
        clusters = divided.into_iter().flatten().collect();
        let mut label = vec![0; points.n()];
        for (c, (_, members, _)) in clusters.iter().enumerate() {
            members.iter().for_each(|&i| label[i] = c);
        }
        counts.push(clusters.len());
        levels.push(own.iter().map(|&at| label[at]).collect());
    }
    Types { levels, counts }
}

/// Labels 0 and 1 when two components win; the node's name in the tree keys its random starts.
fn split(points: &Points, name: u64, settings: &TypeSettings) -> Option<Vec<usize>> {
    if points.total() < settings.min_split as f64 || points.n() < 2 {
        return None;
    }
    let key = Key::new(settings.seed).at(name);
    let mut starts: Vec<Vec<usize>> = AGGLOMERATIONS
        .par_iter()
        .map(|&(distance, linkage)| agglomerate(points, distance, linkage))
        .collect();
    starts.par_extend(
        (0..settings.starts as u64)
            .into_par_iter()
            .map(|k| two_means(points, key, k)),
    );
    let distinct: BTreeSet<Vec<usize>> = starts
        .into_iter()
        .map(|labels| labels.iter().map(|l| l ^ labels[0]).collect())
        .filter(|labels: &Vec<usize>| labels.contains(&1))
        .collect();
    let whole = vec![0; points.n()];
    let mut tries: Vec<(&[usize], usize)> = vec![(&whole, 1)];
    tries.extend(distinct.iter().map(|labels| (labels.as_slice(), 2)));
    let fits: Vec<Option<(usize, Fit)>> = tries
        .par_iter()
        .flat_map_iter(|&(labels, k)| COVARIANCES.map(|c| fit(points, labels, k, c).map(|f| (k, f))))
        .collect();
    let best = fits
        .into_iter()
        .flatten()
        .reduce(|a, b| if b.1.bic < a.1.bic { b } else { a })?;
    (best.0 == 2).then_some(best.1.labels)
}

/// Adjusted Rand index of two partitions (Hubert & Arabie, J. Classif. 2, 193, 1985).
pub fn adjusted_rand(a: &[usize], b: &[usize]) -> f64 {
    assert_eq!(a.len(), b.len(), "partitions of the same neurons");
    let choose = |n: usize| (n * n.saturating_sub(1)) as f64 / 2.0;
    let (mut both, mut left, mut right) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (&x, &y) in a.iter().zip(b) {
        *both.entry((x, y)).or_insert(0usize) += 1;
        *left.entry(x).or_insert(0usize) += 1;
        *right.entry(y).or_insert(0usize) += 1;
    }
    let index: f64 = both.values().map(|&n| choose(n)).sum();
    let (p, q): (f64, f64) = (
        left.values().map(|&n| choose(n)).sum(),
        right.values().map(|&n| choose(n)).sum(),
    );
    let expected = p * q / choose(a.len()).max(1.0);
    let most = f64::midpoint(p, q);
    if most == expected {
        1.0
    } else {
        (index - expected) / (most - expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lumps_are_found_and_small_clusters_stay_whole() {
        let lumps: Vec<f64> = (0..200)
            .flat_map(|i| {
                let wiggle = |m: usize| f64::from((i * m % 17) as u32) * 0.05;
                [
                    (i % 4) as f64 * 5.0 + wiggle(7),
                    ((i % 4) / 2) as f64 * 9.0 + wiggle(11),
                ]
            })
            .collect();
        let settings = TypeSettings {
            levels: 3,
            ..TypeSettings::default()
        };
        let types = divide(&lumps, 2, &settings);
        assert!(types.counts[1] == 4, "{:?}", types.counts);
        let truth: Vec<usize> = (0..200).map(|i| i % 4).collect();
        assert_eq!(adjusted_rand(&types.levels[1], &truth), 1.0);
        assert_eq!(divide(&lumps[..40], 2, &settings).counts, [1, 1, 1]);
    }

    #[test]
    fn the_rand_index_of_a_known_table() {
        assert_eq!(adjusted_rand(&[0, 0, 1, 1], &[1, 1, 0, 0]), 1.0);
        assert!((adjusted_rand(&[0, 0, 1, 1], &[0, 1, 2, 2]) - 4.0 / 7.0).abs() < 1e-12);
    }
}
