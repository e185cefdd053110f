//! The tree of species that predictions alone give.

use crate::matrix::Matrix;
use crate::tree::quoted;
use neuropil_math::linkage::{Linkage, fold, merges};

/// Average linkage (UPGMA; Sokal & Michener 1958) of the cosine distances between the predictions of species, over the
/// regions that both have, in Newick format: groups are joined at half of their distance. Species without a region in
/// common with every other are left out, with a note; `None` when fewer than two are left.
pub fn species_tree(matrix: &Matrix, notes: &mut Vec<String>) -> Option<String> {
    let n = matrix.species.len();
    let all: Vec<Vec<Option<f64>>> = (0..n)
        .map(|a| (0..n).map(|b| distance(matrix, a, b)).collect())
        .collect();
    let mut kept: Vec<usize> = (0..n).collect();
    // Whoever shares no region with most of the others goes first.
    while let Some(worst) = kept
        .iter()
        .map(|&a| (kept.iter().filter(|&&b| all[a][b].is_none()).count(), a))
        .filter(|(strangers, _)| *strangers > 0)
        .max()
    {
        kept.retain(|&a| a != worst.1);
        let name = &matrix.species[worst.1];
        notes.push(format!(
            "`{name}` shares no prediction with others and is not in the tree of species"
        ));
    }
    if kept.len() < 2 {
        return None;
    }
    let distances = kept
        .iter()
        .flat_map(|&a| kept.iter().map(move |&b| (a, b)))
        .map(|(a, b)| if a == b { 0.0 } else { all[a][b].unwrap_or(0.0) })
        .collect();
    let names = kept.iter().map(|&species| quoted(&matrix.species[species]));
    newick(names.collect(), distances)
}

/// 1 − cosine of the angle between the predictions of two species; `None` without a region in common, 1 where all
/// predictions of one are 0.
fn distance(matrix: &Matrix, a: usize, b: usize) -> Option<f64> {
    let (mut aa, mut bb, mut ab, mut shared) = (0.0, 0.0, 0.0, 0);
    for region in 0..matrix.regions.len() {
        let row = matrix.row(region);
        let (x, y) = (row[a], row[b]);
        if !(x.is_nan() || y.is_nan()) {
            aa += x * x;
            bb += y * y;
            ab += x * y;
            shared += 1;
        }
    }
    let norm = f64::sqrt(aa) * f64::sqrt(bb);
    (shared > 0).then(|| {
        if norm > 0.0 {
            (1.0 - ab / norm).max(0.0)
        } else {
            1.0
        }
    })
}

/// The tree in which groups lie at half of their mean distance.
fn newick(names: Vec<String>, distances: Vec<f64>) -> Option<String> {
    let tree = merges(distances, vec![1.0; names.len()], Linkage::Average);
    let leaves = names.into_iter().map(|name| (name, 0.0));
    let join = |distance: f64, (first, below): (String, f64), (second, beside): (String, f64)| {
        let height = distance / 2.0;
        let text = format!("({first}:{:.6},{second}:{:.6})", height - below, height - beside);
        (text, height)
    };
    fold(&tree, leaves, join).map(|(text, _)| text + ";")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    #[test]
    fn groups_join_at_half_of_their_mean_distance() {
        let distances = [
            [0.0, 0.2, 0.6, 1.0],
            [0.2, 0.0, 0.8, 1.0],
            [0.6, 0.8, 0.0, 1.0],
            [1.0, 1.0, 1.0, 0.0],
        ];
        let names = ["a", "b", "c", "d"].map(String::from).to_vec();
        let newick = newick(names, distances.concat()).expect("a tree");
        assert_eq!(
            newick,
            "(((a:0.100000,b:0.100000):0.250000,c:0.350000):0.150000,d:0.500000);"
        );
    }

    #[test]
    fn species_with_like_predictions_are_neighbours_and_strangers_stay_out() {
        let gone = f64::NAN;
        let matrix = Matrix {
            regions: ["r0", "r1", "r2"].map(String::from).to_vec(),
            species: ["Mus musculus", "rat", "human", "lost"]
                .map(String::from)
                .to_vec(),
            values: [
                [0.9, 0.9, 0.1, gone],
                [0.1, 0.2, 0.8, gone],
                [0.5, 0.5, 0.5, gone],
            ]
            .concat(),
            notes: Vec::new(),
        };
        let mut notes = Vec::new();
        let newick = species_tree(&matrix, &mut notes).expect("a tree");
        let tree = Tree::parse(&newick).expect("a tree that can be read");
        assert_eq!(
            tree.tip_names().collect::<Vec<_>>(),
            ["Mus musculus", "rat", "human"]
        );
        assert_ne!(tree.mrca(0, 1), tree.mrca(0, 2));
        assert!(tree.height() > 0.0 && notes.len() == 1 && notes[0].contains("lost"));
        // The angle between (1, 0) and (1, 1) is 45°.
        let right = Matrix {
            values: vec![1.0, 1.0, 0.0, 1.0],
            species: vec!["a".into(), "b".into()],
            regions: vec!["r0".into(), "r1".into()],
            notes: Vec::new(),
        };
        let distance = distance(&right, 0, 1).expect("a distance");
        assert!((distance - (1.0 - 0.5_f64.sqrt())).abs() < 1e-12);
    }
}
