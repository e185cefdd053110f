//! Products Zᵀ V⁻¹ Z and log |V| in one pass over the tree.
//!
//! V has three-point structure: it is the covariance of Brownian motion along a tree. Every tip adds z zᵀ/t; every
//! internal node takes (t/s) ũ ũᵀ off, s = 1 + t p̃, where p̃ and ũ sum 1ᵀV⁻¹1 and ZᵀV⁻¹1 over its children
//! (Ho & Ané 2014, section 2). Only the sums p and u belong to nodes; the products gather in one place.

use super::FitError;
use crate::tree::{NONE, Tree};

/// Memory of the pass, kept between passes over one tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Pass {
    p: Vec<f64>,
    u: Vec<f64>,
    zero_tip: Vec<usize>,
    /// Zᵀ V⁻¹ Z, shaped \[m\]\[m\].
    pub(super) products: Vec<f64>,
    /// log |V|.
    pub(super) log_det: f64,
}

impl Pass {
    /// Computes both for `lengths` (above every node; the last is the root's) and `z`, shaped \[tips\]\[m\].
    pub(super) fn run(&mut self, tree: &Tree, lengths: &[f64], z: &[f64], m: usize) -> Result<(), FitError> {
        let n = tree.n_nodes();
        self.p.clear();
        self.p.resize(n, 0.0);
        self.u.clear();
        self.u.resize(n * m, 0.0);
        self.zero_tip.clear();
        self.zero_tip.resize(n, NONE);
        self.products.clear();
        self.products.resize(m * m, 0.0);
        self.log_det = 0.0;
        for v in 0..n {
            let (t, parent, tip) = (lengths[v], tree.parents()[v], tree.tip_of()[v]);
            if tip == NONE {
                self.internal(tree, z, m, v, t)?;
            } else if t == 0.0 {
                self.at_parent(tree, tip, parent, lengths)?;
                continue;
            } else {
                self.tip(&z[tip * m..(tip + 1) * m], m, v, t);
            }
            if parent != NONE {
                self.p[parent] += self.p[v];
                let (below, above) = self.u.split_at_mut(parent * m);
                for (sum, u) in above[..m].iter_mut().zip(&below[v * m..]) {
                    *sum += u;
                }
            }
        }
        for i in 0..m {
            for j in 0..i {
                self.products[i * m + j] = self.products[j * m + i];
            }
        }
        Ok(())
    }

    fn tip(&mut self, z: &[f64], m: usize, v: usize, t: f64) {
        self.log_det += t.ln();
        self.p[v] = 1.0 / t;
        for i in 0..m {
            self.u[v * m + i] = z[i] / t;
            for j in i..m {
                self.products[i * m + j] += z[i] * z[j] / t;
            }
        }
    }

    /// Remembers a tip without a branch at its parent, which takes its place.
    fn at_parent(&mut self, tree: &Tree, tip: usize, parent: usize, lengths: &[f64]) -> Result<(), FitError> {
        if self.zero_tip[parent] != NONE {
            let other = tree.tip_name(self.zero_tip[parent]).to_owned();
            return Err(FitError::TwinTips(other, tree.tip_name(tip).to_owned()));
        }
        if lengths[parent] == 0.0 {
            return Err(FitError::NoVariance(tree.tip_name(tip).to_owned()));
        }
        self.zero_tip[parent] = tip;
        Ok(())
    }

    fn internal(&mut self, tree: &Tree, z: &[f64], m: usize, v: usize, t: f64) -> Result<(), FitError> {
        let u = &mut self.u[v * m..(v + 1) * m];
        if self.zero_tip[v] != NONE {
            let tip = self.zero_tip[v];
            if t == 0.0 {
                return Err(FitError::NoVariance(tree.tip_name(tip).to_owned()));
            }
            let at = &z[tip * m..(tip + 1) * m];
            let weight = 1.0 / t + self.p[v];
            for i in 0..m {
                for j in i..m {
                    self.products[i * m + j] += weight * at[i] * at[j] - at[i] * u[j] - u[i] * at[j];
                }
            }
            self.log_det += t.ln();
            self.p[v] = 1.0 / t;
            for (u, z) in u.iter_mut().zip(at) {
                *u = z / t;
            }
            return Ok(());
        }
        if t == 0.0 {
            return Ok(());
        }
        let s = 1.0 + t * self.p[v];
        let weight = t / s;
        for i in 0..m {
            for j in i..m {
                self.products[i * m + j] -= weight * u[i] * u[j];
            }
        }
        self.log_det += s.ln();
        self.p[v] /= s;
        for u in u.iter_mut() {
            *u /= s;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// V⁻¹ products and log-determinant from the dense Brownian covariance, by elimination.
    fn dense(tree: &Tree, z: &[f64], m: usize) -> (Vec<f64>, f64) {
        let n = tree.n_tips();
        let mut v = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                v[i * n + j] = tree.depths()[tree.mrca(i, j)];
            }
        }
        let mut right = z.to_vec();
        let mut log_det = 0.0;
        for k in 0..n {
            log_det += f64::ln(v[k * n + k]);
            for i in k + 1..n {
                let factor = v[i * n + k] / v[k * n + k];
                for j in k..n {
                    v[i * n + j] -= factor * v[k * n + j];
                }
                for j in 0..m {
                    right[i * m + j] -= factor * right[k * m + j];
                }
            }
        }
        let mut products = vec![0.0; m * m];
        for k in 0..n {
            for i in 0..m {
                for j in 0..m {
                    products[i * m + j] += right[k * m + i] * right[k * m + j] / v[k * n + k];
                }
            }
        }
        (products, log_det)
    }

    fn check(tree: &Tree, z: &[f64], m: usize) {
        let mut pass = Pass::default();
        pass.run(tree, tree.lengths(), z, m).expect("regular");
        let (products, log_det) = dense(tree, z, m);
        assert!(
            (pass.log_det - log_det).abs() < 1e-9,
            "{} {log_det}",
            pass.log_det
        );
        for (a, b) in pass.products.iter().zip(&products) {
            assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{a} {b}");
        }
    }

    #[test]
    fn agrees_with_the_dense_covariance_of_odd_trees() {
        for text in [
            "((a:1,b:0):0.5,(c:0.7,d:0.7,e:0.2):0.3,((f:0.4,g:0.9):0,(h:1.1,(i:0.3,j:0.6):0.2):0.4):0.35);",
            "(a:1,b:2);",
            "(((a:1,b:1):1,c:0):2,d:1);",
        ] {
            let tree = Tree::parse(text).expect("a tree");
            let z: Vec<f64> = (0..tree.n_tips() * 3)
                .map(|i| ((i * 7919) % 13) as f64 - 5.5)
                .collect();
            check(&tree, &z, 3);
        }
    }

    #[test]
    fn singular_covariances_name_the_tips() {
        let run = |text| {
            let tree = Tree::parse(text).expect("a tree");
            let z = vec![1.0; tree.n_tips()];
            Pass::default()
                .run(&tree, tree.lengths(), &z, 1)
                .expect_err(text)
                .to_string()
        };
        assert!(run("((a:0,b:0):1,c:1);").contains("`a` and `b` are at distance zero"));
        assert!(run("((a:0,b:1):0,c:1);").contains("`a` hangs on a branch of length zero"));
        assert!(run("(a:0,b:1);").contains("`a` hangs"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn agrees_with_the_dense_covariance_of_random_trees(
            joins in prop::collection::vec((0.0_f64..1.0, 0.01_f64..2.0, 0.0_f64..2.0), 2..14),
            values in prop::collection::vec(-3.0_f64..3.0, 60),
        ) {
            let mut parts: Vec<String> = (0..=joins.len()).map(|i| format!("t{i}")).collect();
            for (which, a, b) in &joins {
                let first = parts.remove((which * parts.len() as f64) as usize);
                let second = parts.remove(0);
                let b = if second.starts_with('(') { *b } else { b + 0.01 };
                parts.push(format!("({first}:{a},{second}:{b})"));
            }
            let tree = Tree::parse(&format!("{};", parts[0])).expect("a tree");
            check(&tree, &values[..tree.n_tips() * 2], 2);
        }
    }
}
