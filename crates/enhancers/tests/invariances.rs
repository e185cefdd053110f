//! What must not change a fit, and what must change it in a known way.

use neuropil_enhancers::phylo::{Covariance, Gaussian, LinearFit, Logistic, logistic};
use neuropil_enhancers::tree::Tree;
use proptest::prelude::*;

const TREE: &str =
    "((a:1,b:0.3):0.5,(c:0.7,d:0.7,e:0.2):0.3,((f:0.4,g:0.9):0.2,(h:1.1,(i:0.3,j:0.6):0.2):0.4):0.35);";
const TURNED: &str =
    "(((h:1.1,(j:0.6,i:0.3):0.2):0.4,(g:0.9,f:0.4):0.2):0.35,(e:0.2,d:0.7,c:0.7):0.3,(b:0.3,a:1):0.5);";
const RESOLVED: &str = "(((a:1,b:0.3):0.5,((c:0.7,d:0.7):0,e:0.2):0.3):0,((f:0.4,g:0.9):0.2,(h:1.1,(i:0.3,j:0.6):0.2):0.4):0.35);";

struct Rows {
    names: Vec<&'static str>,
    x: Vec<f64>,
    y: Vec<f64>,
    one: Vec<bool>,
}

fn rows(values: &[f64]) -> Rows {
    let names = vec!["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let mut one: Vec<bool> = values[20..30].iter().map(|v| *v > 0.0).collect();
    one[0] = true;
    one[1] = false;
    Rows {
        names,
        x: values[..10].to_vec(),
        y: values[10..20].to_vec(),
        one,
    }
}

/// Design and response in the order of the tree's tips.
fn aligned(tree: &Tree, rows: &Rows) -> (Vec<f64>, Vec<f64>, Vec<bool>) {
    let at: Vec<usize> = tree
        .tip_names()
        .map(|tip| rows.names.iter().position(|name| *name == tip).expect("a name"))
        .collect();
    (
        at.iter().flat_map(|&i| [1.0, rows.x[i]]).collect(),
        at.iter().map(|&i| rows.y[i]).collect(),
        at.iter().map(|&i| rows.one[i]).collect(),
    )
}

fn fit(text: &str, rows: &Rows, covariance: Covariance) -> LinearFit {
    let tree = Tree::parse(text).expect("a tree");
    let (x, y, _) = aligned(&tree, rows);
    Gaussian::new(covariance).fit(&tree, &x, &y).expect("a fit")
}

fn near(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() < tolerance * (1.0 + b.abs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn order_rotation_and_zero_branches_do_not_matter(values in prop::collection::vec(-2.0_f64..2.0, 30)) {
        let rows = rows(&values);
        for covariance in [Covariance::Brownian, Covariance::Lambda, Covariance::OuRandomRoot] {
            let first = fit(TREE, &rows, covariance);
            for other in [TURNED, RESOLVED] {
                let second = fit(other, &rows, covariance);
                prop_assert!(near(first.log_lik, second.log_lik, 1e-7), "{covariance:?} {} {}", first.log_lik, second.log_lik);
                prop_assert!(near(first.coefficients[1], second.coefficients[1], 1e-4));
            }
        }
        // The search ends where a step gains little, which rounding decides; the likelihood that it climbs must be the same.
        let tree = Tree::parse(TREE).expect("a tree");
        let (x, _, y) = aligned(&tree, &rows);
        let fit = Logistic::default().fit(&tree, &x, &y).expect("a fit");
        for text in [TURNED, RESOLVED] {
            let other = Tree::parse(text).expect("a tree");
            let (x, _, y) = aligned(&other, &rows);
            let there = logistic::evaluate(&other, &x, &y, &fit.coefficients, fit.alpha).expect("a point");
            prop_assert!(near(fit.pen_log_lik, there.pen_log_lik, 1e-9), "{} {}", fit.pen_log_lik, there.pen_log_lik);
        }
    }

    #[test]
    fn scaling_branches_scales_the_rate(values in prop::collection::vec(-2.0_f64..2.0, 30), factor in 0.2_f64..8.0) {
        let rows = rows(&values);
        let tree = Tree::parse(TREE).expect("a tree");
        let scaled = tree.scaled(factor);
        let (x, y, _) = aligned(&tree, &rows);
        for covariance in [Covariance::Brownian, Covariance::Lambda, Covariance::OuFixedRoot, Covariance::Delta, Covariance::EarlyBurst, Covariance::Kappa] {
            let model = Gaussian::new(covariance);
            let (a, b) = (model.fit(&tree, &x, &y).expect("a fit"), model.fit(&scaled, &x, &y).expect("a fit"));
            prop_assert!(near(a.log_lik, b.log_lik, 1e-6), "{covariance:?} {} {}", a.log_lik, b.log_lik);
            if covariance == Covariance::Brownian {
                prop_assert!(near(a.sigma2, factor * b.sigma2, 1e-9) && near(a.p[1], b.p[1], 1e-9) && near(a.se[1], b.se[1], 1e-9));
            }
        }
    }

    #[test]
    fn a_constant_moves_the_intercept_alone(values in prop::collection::vec(-2.0_f64..2.0, 30), shift in -50.0_f64..50.0) {
        let mut rows = rows(&values);
        let before = fit(TREE, &rows, Covariance::Brownian);
        rows.y.iter_mut().for_each(|y| *y += shift);
        let after = fit(TREE, &rows, Covariance::Brownian);
        prop_assert!(near(after.coefficients[0], before.coefficients[0] + shift, 1e-9));
        prop_assert!(near(after.coefficients[1], before.coefficients[1], 1e-8) && near(after.log_lik, before.log_lik, 1e-9));
    }

    #[test]
    fn limits_of_the_models_meet(values in prop::collection::vec(-2.0_f64..2.0, 30)) {
        let rows = rows(&values);
        let tree = Tree::parse(TREE).expect("a tree");
        let (x, y, _) = aligned(&tree, &rows);
        let held = |covariance, parameter| {
            Gaussian { fixed: Some(parameter), ..Gaussian::new(covariance) }.fit(&tree, &x, &y).expect("a fit")
        };
        let brownian = Gaussian::new(Covariance::Brownian).fit(&tree, &x, &y).expect("a fit");
        for limit in [held(Covariance::Lambda, 1.0), held(Covariance::Kappa, 1.0), held(Covariance::EarlyBurst, 0.0), held(Covariance::Delta, 1.0)] {
            prop_assert!(near(limit.log_lik, brownian.log_lik, 1e-9), "{:?}", limit.covariance);
        }
        let ou = held(Covariance::OuRandomRoot, 1e-6);
        prop_assert!(near(ou.coefficients[1], brownian.coefficients[1], 1e-3));
        // λ → 0 on branches of equal depth is ordinary least squares.
        let star = Tree::parse("((a:1,b:1):1,(c:1,d:1):1,(e:1,f:1):1,(g:1,h:1):1,(i:1,j:1):1);").expect("a tree");
        let (x, y, _) = aligned(&star, &rows);
        let fit = Gaussian { fixed: Some(1e-9), ..Gaussian::new(Covariance::Lambda) }.fit(&star, &x, &y).expect("a fit");
        let (mx, my) = (rows.x.iter().sum::<f64>() / 10.0, rows.y.iter().sum::<f64>() / 10.0);
        let sxy: f64 = rows.x.iter().zip(&rows.y).map(|(x, y)| (x - mx) * (y - my)).sum();
        let sxx: f64 = rows.x.iter().map(|x| (x - mx).powi(2)).sum();
        prop_assert!(near(fit.coefficients[1], sxy / sxx, 1e-6));
    }
}
