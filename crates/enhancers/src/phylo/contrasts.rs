//! Phylogenetically independent contrasts (Felsenstein 1985, Am. Nat. 125, 1).

use crate::tree::{NONE, Tree};

/// Standardised contrasts of a trait, n − 1 of them; a node of k children gives k − 1, joined in order.
///
/// Values are in the order of the tree's tips. A pair at distance zero from one another gives no contrast when both
/// values are equal and an infinite one when they are not.
pub fn contrasts(tree: &Tree, values: &[f64]) -> Vec<f64> {
    // What has been joined at a node so far: value, and length of the branch that stands for it.
    let mut joined: Vec<Option<(f64, f64)>> = vec![None; tree.n_nodes()];
    let mut out = Vec::with_capacity(tree.n_tips() - 1);
    for v in 0..tree.n_nodes() {
        let here = match tree.tip_of()[v] {
            NONE => joined[v].expect("children come first"),
            tip => (values[tip], 0.0),
        };
        let parent = tree.parents()[v];
        if parent == NONE {
            break;
        }
        let (x, t) = (here.0, here.1 + tree.lengths()[v]);
        joined[parent] = Some(match joined[parent] {
            None => (x, t),
            Some((other, length)) => {
                let sum = t + length;
                if sum > 0.0 {
                    out.push((other - x) / sum.sqrt());
                    ((other * t + x * length) / sum, t * length / sum)
                } else {
                    (other, 0.0)
                }
            }
        });
    }
    out
}

/// Rate of Brownian motion from contrasts: the mean of their squares.
pub fn brownian_rate(tree: &Tree, values: &[f64]) -> f64 {
    let contrasts = contrasts(tree, values);
    contrasts.iter().map(|c| c * c).sum::<f64>() / contrasts.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phylo::{Covariance, Gaussian};

    #[test]
    fn regression_of_contrasts_through_the_origin_is_the_brownian_regression() {
        let tree = Tree::parse("((a:1,b:0.3):0.5,(c:0.7,d:0.7,e:0.2):0.3,((f:0.4,g:0.9):0.2,h:1.1):0.35);")
            .expect("a tree");
        let x: Vec<f64> = (0..8).map(|i| f64::from((i * 37) % 11)).collect();
        let y: Vec<f64> = (0..8)
            .map(|i| f64::from((i * 53) % 7) + 0.4 * x[i as usize])
            .collect();
        let design: Vec<f64> = x.iter().flat_map(|&x| [1.0, x]).collect();
        let fit = Gaussian::new(Covariance::Brownian)
            .fit(&tree, &design, &y)
            .expect("a fit");
        let (cx, cy) = (contrasts(&tree, &x), contrasts(&tree, &y));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let slope = dot(&cx, &cy) / dot(&cx, &cx);
        let rss = dot(&cy, &cy) - slope * slope * dot(&cx, &cx);
        let se = (rss / 6.0 / dot(&cx, &cx)).sqrt();
        assert!((slope - fit.coefficients[1]).abs() < 1e-12 && (se - fit.se[1]).abs() < 1e-12);
    }
}
