//! Agglomerative clustering of a distance matrix by nearest-neighbour chains.
//!
//! Murtagh, Comput. J. 26, 354 (1983); distances between clusters after Lance & Williams, Comput. J. 9, 373 (1967).

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

/// One merge: height, and a point of each of the two clusters.
pub type Merge = (f64, usize, usize);

/// The n − 1 merges of n points, by height; `matrix` holds n × n distances and is used up, `size` weighs the points.
///
/// ```
/// use neuropil_math::linkage::{Linkage, cut, merges};
///
/// let x = [0.0, 1.0, 5.0_f64];
/// let distances = (0..9).map(|e| (x[e / 3] - x[e % 3]).abs()).collect();
/// let tree = merges(distances, vec![1.0; 3], Linkage::Average);
/// assert_eq!(tree.iter().map(|merge| merge.0).collect::<Vec<_>>(), [1.0, 4.5]);
/// assert_eq!(cut(&tree, 3, 2), [0, 0, 1]);
/// ```
///
/// # Panics
/// When `matrix` is not n × n.
pub fn merges(mut matrix: Vec<f64>, mut size: Vec<f64>, linkage: Linkage) -> Vec<Merge> {
    let n = size.len();
    assert_eq!(matrix.len(), n * n, "a distance for every two points");
    let mut alive = vec![true; n];
    let mut merges: Vec<Merge> = Vec::with_capacity(n.saturating_sub(1));
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
    let mut order: Vec<usize> = (0..merges.len()).collect();
    order.sort_by(|&p, &q| merges[p].0.total_cmp(&merges[q].0).then(p.cmp(&q)));
    order.into_iter().map(|k| merges[k]).collect()
}

fn root(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}

/// Cluster of each of n points when the lowest merges have left `clusters` of them; numbered by first member.
pub fn cut(merges: &[Merge], n: usize, clusters: usize) -> Vec<usize> {
    let mut parent: Vec<usize> = (0..n).collect();
    let made = n.saturating_sub(clusters.max(1)).min(merges.len());
    for &(_, a, b) in &merges[..made] {
        let (a, b) = (root(&mut parent, a), root(&mut parent, b));
        parent[a] = b;
    }
    let mut names = std::collections::BTreeMap::new();
    (0..n)
        .map(|i| {
            let next = names.len();
            *names.entry(root(&mut parent, i)).or_insert(next)
        })
        .collect()
}

/// Joins what belongs to the points along the merges, lowest first: `join` is given the height and both clusters', that of
/// the earlier point first. `None` without points, or when merges are missing.
pub fn fold<T>(
    merges: &[Merge],
    leaves: impl IntoIterator<Item = T>,
    mut join: impl FnMut(f64, T, T) -> T,
) -> Option<T> {
    let mut held: Vec<Option<T>> = leaves.into_iter().map(Some).collect();
    let mut parent: Vec<usize> = (0..held.len()).collect();
    for &(height, a, b) in merges {
        // The root of a cluster is its first point.
        let (a, b) = (root(&mut parent, a), root(&mut parent, b));
        let (first, second) = (a.min(b), a.max(b));
        parent[second] = first;
        let (earlier, later) = (held[first].take()?, held[second].take()?);
        held[first] = Some(join(height, earlier, later));
    }
    let mut left = held.into_iter().flatten();
    left.next().filter(|_| left.next().is_none())
}

/// An order of n points in which clusters of average linkage adjoin; `distance` is n × n.
pub fn leaf_order(distance: &[f64], n: usize) -> Vec<usize> {
    let merges = merges(distance.to_vec(), vec![1.0; n], Linkage::Average);
    let leaves = (0..n).map(|i| vec![i]);
    let join = |_, mut first: Vec<usize>, second: Vec<usize>| {
        first.extend(second);
        first
    };
    fold(&merges, leaves, join).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points on a line at 0, 1, 10, 12, 13.
    fn line() -> (Vec<f64>, usize) {
        let x = [0.0, 10.0, 1.0, 13.0, 12.0f64];
        let distance = (0..25).map(|e| (x[e / 5] - x[e % 5]).abs()).collect();
        (distance, 5)
    }

    #[test]
    fn heights_and_cuts_of_points_on_a_line() {
        let (distance, n) = line();
        let tree = merges(distance.clone(), vec![1.0; n], Linkage::Average);
        let heights: Vec<f64> = tree.iter().map(|m| m.0).collect();
        assert_eq!(heights[..3], [1.0, 1.0, 2.5]);
        assert!((heights[3] - (67.0 / 6.0)).abs() < 1e-12, "{heights:?}");
        assert_eq!(cut(&tree, n, 2), [0, 1, 0, 1, 1]);
        assert_eq!(cut(&tree, n, 3), [0, 1, 0, 2, 2]);
        assert_eq!(cut(&tree, n, 5), [0, 1, 2, 3, 4]);
        assert_eq!(leaf_order(&distance, n), [0, 2, 1, 3, 4]);
    }

    #[test]
    fn one_point_and_none() {
        assert!(merges(vec![0.0], vec![1.0], Linkage::Single).is_empty());
        assert_eq!(cut(&[], 1, 3), [0]);
        assert!(leaf_order(&[], 0).is_empty());
    }
}
