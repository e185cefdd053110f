//! How far types depend on the random starts, and a consensus that depends on them less.

use super::{TypeSettings, Types, adjusted_rand, divide};
use neuropil_math::linkage::{Linkage, cut, leaf_order, merges};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// Agreement at one level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelStability {
    /// Level, from 1.
    pub level: usize,
    /// Clusters of each seed.
    pub clusters: Vec<usize>,
    /// Mean adjusted Rand index of two seeds.
    pub rand: f64,
    /// Mean adjusted mutual information of two seeds.
    pub information: f64,
    /// Adjusted Rand index of the consensus of the first half of the seeds with that of the second; NaN with fewer
    /// than four seeds.
    pub consensus_rand: f64,
}

/// Types of several seeds and their consensus.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stability {
    /// Seeds.
    pub seeds: Vec<u64>,
    /// Agreement at each level.
    pub levels: Vec<LevelStability>,
    /// The consensus: nested levels, numbered along the tree.
    pub consensus: Types,
    /// Types of each seed.
    #[serde(skip)]
    pub runs: Vec<Types>,
}

/// Repeats [`divide`] with `seeds` seeds from `settings.seed` on and joins the results.
///
/// Consensus: two neurons are as similar as the share of seeds and levels at which they are in one cluster; average
/// linkage over that similarity gives one tree, cut at the median number of clusters of each level.
pub fn stability(positions: &[f64], d: usize, settings: &TypeSettings, seeds: usize) -> Stability {
    let seeds: Vec<u64> = (0..seeds.max(1) as u64).map(|k| settings.seed + k).collect();
    let runs: Vec<Types> = seeds
        .par_iter()
        .map(|&seed| divide(positions, d, &TypeSettings { seed, ..*settings }))
        .collect();
    let half = runs.len() / 2;
    let halves = (half >= 2).then(|| (consensus(&runs[..half]), consensus(&runs[half..])));
    let levels = (0..settings.levels)
        .map(|level| {
            let pairs: Vec<(usize, usize)> = (0..runs.len())
                .flat_map(|a| (0..a).map(move |b| (a, b)))
                .collect();
            let mean = |of: fn(&[usize], &[usize]) -> f64| {
                let values: Vec<f64> = pairs
                    .par_iter()
                    .map(|&(a, b)| of(&runs[a].levels[level], &runs[b].levels[level]))
                    .collect();
                values.iter().sum::<f64>() / values.len() as f64
            };
            LevelStability {
                level: level + 1,
                clusters: runs.iter().map(|r| r.counts[level]).collect(),
                rand: mean(adjusted_rand),
                information: mean(adjusted_information),
                consensus_rand: halves.as_ref().map_or(f64::NAN, |(a, b)| {
                    adjusted_rand(&a.levels[level], &b.levels[level])
                }),
            }
        })
        .collect();
    Stability {
        consensus: consensus(&runs),
        levels,
        seeds,
        runs,
    }
}

/// Share of the runs in which each two neurons are in one cluster at `level` (from 0): n × n, row-major.
pub fn co_assignment(runs: &[Types], level: usize) -> Vec<f64> {
    let n = runs.first().map_or(0, |r| r.levels[level].len());
    let mut matrix = vec![0.0; n * n];
    matrix.par_chunks_mut(n.max(1)).enumerate().for_each(|(i, row)| {
        for run in runs {
            let own = &run.levels[level];
            row.iter_mut()
                .zip(own)
                .filter(|(_, label)| **label == own[i])
                .for_each(|(x, _)| *x += 1.0 / runs.len() as f64);
        }
    });
    matrix
}

/// One nested set of types from several.
pub fn consensus(runs: &[Types]) -> Types {
    let n_levels = runs.first().map_or(0, |r| r.levels.len());
    let n = runs.first().and_then(|r| r.levels.first()).map_or(0, Vec::len);
    // Neurons that no run tells apart are one point.
    let mut place: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    let mut size: Vec<f64> = Vec::new();
    let mut labels: Vec<Vec<usize>> = Vec::new();
    let point: Vec<usize> = (0..n)
        .map(|i| {
            let own: Vec<usize> = runs.iter().flat_map(|r| r.levels.iter().map(|l| l[i])).collect();
            let next = place.len();
            let at = *place.entry(own.clone()).or_insert(next);
            if at == next {
                size.push(0.0);
                labels.push(own);
            }
            size[at] += 1.0;
            at
        })
        .collect();
    let m = size.len();
    let all = (runs.len() * n_levels).max(1) as f64;
    let mut distance = vec![0.0; m * m];
    distance
        .par_chunks_mut(m.max(1))
        .enumerate()
        .for_each(|(i, row)| {
            for (x, other) in row.iter_mut().zip(&labels) {
                let shared = labels[i].iter().zip(other).filter(|(a, b)| a == b).count();
                *x = 1.0 - shared as f64 / all;
            }
        });
    let order = leaf_order(&distance, m);
    let tree = merges(distance, size, Linkage::Average);
    let mut rank = vec![0; m];
    order.iter().enumerate().for_each(|(k, &i)| rank[i] = k);
    let (mut levels, mut counts) = (Vec::new(), Vec::new());
    for level in 0..n_levels {
        let mut sizes: Vec<usize> = runs.iter().map(|r| r.counts[level]).collect();
        sizes.sort_unstable();
        let own = cut(&tree, m, sizes[sizes.len() / 2]);
        // Numbered by the place of their first point along the tree.
        let mut first: BTreeMap<usize, usize> = BTreeMap::new();
        for (i, &cluster) in own.iter().enumerate() {
            let least = first.entry(cluster).or_insert(usize::MAX);
            *least = (*least).min(rank[i]);
        }
        let mut sorted: Vec<(usize, usize)> = first.into_iter().map(|(c, at)| (at, c)).collect();
        sorted.sort_unstable();
        let name: BTreeMap<usize, usize> = sorted.iter().enumerate().map(|(k, e)| (e.1, k)).collect();
        counts.push(name.len());
        levels.push(point.iter().map(|&at| name[&own[at]]).collect());
    }
    Types { levels, counts }
}

/// Adjusted mutual information of two partitions, normalised by the mean entropy; 1 for equal ones.
///
/// Vinh, Epps & Bailey, J. Mach. Learn. Res. 11, 2837 (2010).
pub fn adjusted_information(a: &[usize], b: &[usize]) -> f64 {
    assert_eq!(a.len(), b.len(), "partitions of the same neurons");
    let n = a.len();
    let (mut both, mut left, mut right) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (&x, &y) in a.iter().zip(b) {
        *both.entry((x, y)).or_insert(0usize) += 1;
        *left.entry(x).or_insert(0usize) += 1;
        *right.entry(y).or_insert(0usize) += 1;
    }
    if left.len() == both.len() && right.len() == both.len() {
        return 1.0;
    }
    let total = n as f64;
    let entropy = |sizes: &BTreeMap<usize, usize>| -> f64 {
        sizes
            .values()
            .map(|&s| s as f64 / total)
            .map(|p| -p * p.ln())
            .sum()
    };
    let mutual: f64 = both
        .iter()
        .map(|(&(x, y), &c)| {
            let c = c as f64;
            c / total * (total * c / (left[&x] as f64 * right[&y] as f64)).ln()
        })
        .sum();
    let mut factorial = vec![0.0; n + 1];
    (1..=n).for_each(|k| factorial[k] = factorial[k - 1] + (k as f64).ln());
    let f = |k: usize| factorial[k];
    // Equal sizes have equal terms.
    let sizes = |of: &BTreeMap<usize, usize>| {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        of.values().for_each(|&s| *counts.entry(s).or_insert(0) += 1);
        counts
    };
    let mut expected = 0.0;
    for (&s, &times) in &sizes(&left) {
        for (&t, &again) in &sizes(&right) {
            let fixed = f(s) + f(t) + f(n - s) + f(n - t) - f(n);
            let term = |c: usize| {
                let weight = fixed - f(c) - f(s - c) - f(t - c) - f(n + c - s - t);
                let c = c as f64;
                c / total * (total * c / (s as f64 * t as f64)).ln() * weight.exp()
            };
            let sum: f64 = ((s + t).saturating_sub(n).max(1)..=s.min(t)).map(term).sum();
            expected += (times * again) as f64 * sum;
        }
    }
    let most = f64::midpoint(entropy(&left), entropy(&right));
    (mutual - expected) / (most - expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn information_of_known_partitions() {
        assert_eq!(adjusted_information(&[0, 0, 1, 1], &[5, 5, 2, 2]), 1.0);
        // scikit-learn 1.4: adjusted_mutual_info_score([0,0,1,2], [0,0,1,1]) = 0.5714285714
        let found = adjusted_information(&[0, 0, 1, 2], &[0, 0, 1, 1]);
        assert!((found - 4.0 / 7.0).abs() < 1e-6, "{found}");
        // Unrelated labels have none.
        let (a, b): (Vec<usize>, Vec<usize>) = (0..900).map(|i| (i % 3, i / 3 % 3)).unzip();
        assert!(adjusted_information(&a, &b).abs() < 0.01);
    }

    /// A tree of labels over 8 neurons, one of which is put elsewhere by each run.
    fn run(stray: usize) -> Types {
        let fine: Vec<usize> = (0..8)
            .map(|i| if i == stray { 3 - i / 2 } else { i / 2 })
            .collect();
        let coarse = fine.iter().map(|c| c / 2).collect();
        Types {
            levels: vec![coarse, fine],
            counts: vec![2, 4],
        }
    }

    #[test]
    fn the_consensus_outvotes_strays_and_is_nested() {
        let runs: Vec<Types> = [0, 3, 5, 6, 1].map(run).to_vec();
        let joined = consensus(&runs);
        assert_eq!(joined.counts, [2, 4]);
        let truth: Vec<usize> = (0..8).map(|i| i / 2).collect();
        assert_eq!(adjusted_rand(&joined.levels[1], &truth), 1.0);
        for i in 0..8 {
            for j in 0..8 {
                if joined.levels[1][i] == joined.levels[1][j] {
                    assert_eq!(joined.levels[0][i], joined.levels[0][j], "nested");
                }
            }
        }
        let together = co_assignment(&runs, 1);
        assert_eq!((together[0], together[8 * 4 + 5]), (1.0, 0.8));
    }

    #[test]
    fn well_separated_lumps_are_stable() {
        let lumps: Vec<f64> = (0..160)
            .flat_map(|i| {
                let wiggle = |m: usize| f64::from((i * m % 17) as u32) * 0.05;
                [(i % 2) as f64 * 8.0 + wiggle(7), wiggle(11)]
            })
            .collect();
        let settings = TypeSettings {
            levels: 1,
            starts: 3,
            ..TypeSettings::default()
        };
        let found = stability(&lumps, 2, &settings, 4);
        let level = &found.levels[0];
        assert_eq!(
            (level.rand, level.information, level.consensus_rand),
            (1.0, 1.0, 1.0)
        );
        assert_eq!((found.consensus.counts[0], found.seeds.len()), (2, 4));
    }
}
