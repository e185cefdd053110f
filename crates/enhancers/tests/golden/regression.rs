//! `phylo/`: 205 Gaussian and 41 logistic fits of R's phylolm, and dense re-computations of each.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::collections::HashMap;
use std::path::Path;

use neuropil_enhancers::phylo::{Covariance, Gaussian, Logistic, Method, logistic};
use neuropil_enhancers::tree::{Choice, Tree, read};
use serde_json::Value;

use crate::support::{close, flat, golden, json, text, vector};

struct Data {
    tree: Tree,
    columns: HashMap<String, Vec<f64>>,
}

fn load(root: &Path, name: &str) -> Data {
    let tree = read(&root.join(format!("phylo/trees/{name}.nwk")), &Choice::Only)
        .expect("a tree")
        .tree;
    let text = std::fs::read_to_string(root.join(format!("phylo/data/{name}.csv"))).expect("data");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let rows: HashMap<&str, Vec<&str>> = lines
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|row| (row[0], row))
        .collect();
    let columns = header[1..]
        .iter()
        .enumerate()
        .map(|(i, column)| {
            let values = tree
                .tip_names()
                .map(|tip| rows[tip][i + 1].parse().expect("a number"))
                .collect();
            ((*column).to_owned(), values)
        })
        .collect();
    Data { tree, columns }
}

/// Design, shaped [tips][d], and response of a formula such as `y ~ x1 + x2`.
fn design(data: &Data, formula: &str) -> (Vec<f64>, Vec<f64>) {
    let (left, right) = formula.split_once('~').expect("a formula");
    let predictors: Vec<&Vec<f64>> = right
        .split('+')
        .map(str::trim)
        .filter(|term| *term != "1")
        .map(|term| &data.columns[term])
        .collect();
    let mut x = Vec::new();
    for tip in 0..data.tree.n_tips() {
        x.push(1.0);
        x.extend(predictors.iter().map(|column| column[tip]));
    }
    (x, data.columns[left.trim()].clone())
}

fn all(root: &Path) -> HashMap<String, Data> {
    ["t10u", "t10", "t50", "t50u", "t241", "zoonomia241", "odd12"]
        .iter()
        .map(|name| ((*name).to_owned(), load(root, name)))
        .collect()
}

fn model(golden: &Value) -> Gaussian {
    Gaussian {
        covariance: Covariance::named(text(golden, "model")).expect("a known model"),
        reml: golden["reml"] == true,
        measurement_error: golden["measurement_error"] == true,
        fixed: golden["fixed"].as_f64(),
    }
}

#[test]
fn golden_phylolm() {
    let Some(root) = golden() else { return };
    let data = all(&root);
    let fits = json(root.join("phylo/phylolm.json"));
    let optimum = json(root.join("phylo/optimum.json"));
    for (golden, best) in fits
        .as_array()
        .expect("fits")
        .iter()
        .zip(optimum["phylolm"].as_array().expect("fits"))
    {
        let what = format!(
            "{} {} {} {:?}",
            golden["tree"], golden["formula"], golden["model"], golden["fixed"]
        );
        let data = &data[text(golden, "tree")];
        let (x, y) = design(data, text(golden, "formula"));
        let model = model(golden);
        let fit = model
            .fit(&data.tree, &x, &y)
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let exact =
            (model.covariance == Covariance::Brownian && !model.measurement_error) || model.fixed.is_some();
        let n = |key: &str| golden[key].as_f64().unwrap_or_else(|| panic!("{what}: {key}"));
        close(fit.mean_tip_height, n("mean_tip_height"), 1e-12, &what);
        let reference = n("logLik").max(best["opt_logLik"].as_f64().unwrap_or(f64::NEG_INFINITY));
        assert!(
            fit.log_lik >= reference - 1e-6,
            "{what}: logLik {} below {reference}",
            fit.log_lik
        );
        if !exact {
            // A higher likelihood than R's is right; the estimates are compared where both found the same maximum.
            if fit.log_lik < n("logLik") + 1e-6 {
                for (found, expected) in fit.coefficients.iter().zip(vector(&golden["coef"])) {
                    let scale = vector(&golden["se"]).iter().fold(0.0_f64, |a, b| a.max(*b));
                    assert!(
                        (found - expected).abs() < 1e-3 * (expected.abs() + scale),
                        "{what}: {found} {expected}"
                    );
                }
            }
            continue;
        }
        for (key, found) in [
            ("coef", &fit.coefficients),
            ("se", &fit.se),
            ("t", &fit.t),
            ("p", &fit.p),
        ] {
            for (found, expected) in found.iter().zip(vector(&golden[key])) {
                close(*found, expected, 1e-8, &format!("{what} {key}"));
            }
        }
        for (found, expected) in fit.vcov.iter().zip(flat(&golden["vcov"])) {
            close(*found, expected, 1e-8, &format!("{what} vcov"));
        }
        close(fit.sigma2, n("sigma2"), 1e-8, &format!("{what} sigma2"));
        close(fit.log_lik, n("logLik"), 1e-8, &format!("{what} logLik"));
        close(fit.aic, n("aic"), 1e-8, &format!("{what} aic"));
        // Under restricted likelihood R takes degrees of freedom off twice: its r2 is the adjusted one.
        if model.reml {
            assert!(
                (fit.adj_r2 - n("r2")).abs() < 1e-8,
                "{what} r2: {} {}",
                fit.adj_r2,
                n("r2")
            );
        } else {
            assert!(
                (fit.r2 - n("r2")).abs() < 1e-8,
                "{what} r2: {} {}",
                fit.r2,
                n("r2")
            );
            assert!(
                (fit.adj_r2 - n("adj_r2")).abs() < 1e-8,
                "{what} adj_r2: {} {}",
                fit.adj_r2,
                n("adj_r2")
            );
        }
    }
}

#[test]
fn golden_trend() {
    let Some(root) = golden() else { return };
    for golden in json(root.join("phylo/optimum.json"))["trend"]
        .as_array()
        .expect("fits")
    {
        let data = load(&root, text(golden, "tree"));
        let (x, y) = design(&data, text(golden, "formula"));
        let fit = Gaussian::new(Covariance::Trend)
            .fit(&data.tree, &x, &y)
            .expect("a fit");
        for (key, found) in [
            ("coef_intercept_x1_trend", &fit.coefficients),
            ("se", &fit.se),
            ("p", &fit.p),
        ] {
            for (found, expected) in found.iter().zip(vector(&golden[key])) {
                close(*found, expected, 1e-8, key);
            }
        }
        close(
            fit.log_lik,
            golden["logLik"].as_f64().expect("a number"),
            1e-9,
            "logLik",
        );
        close(fit.aic, golden["aic"].as_f64().expect("a number"), 1e-9, "aic");
    }
}

#[test]
fn golden_phyloglm_at_the_estimates_of_r() {
    let Some(root) = golden() else { return };
    let data = all(&root);
    let mut compared = 0;
    for golden in json(root.join("phylo/phyloglm.json")).as_array().expect("fits") {
        let data = &data[text(golden, "tree")];
        let what = format!("{} {} {}", golden["tree"], golden["formula"], golden["method"]);
        // R's likelihood is NaN on the tree with a branch of length zero.
        let (true, Some(log_lik)) = (golden.get("coef").is_some(), golden["logLik"].as_f64()) else {
            continue;
        };
        let (x, y) = design(data, text(golden, "formula"));
        let y: Vec<bool> = y.iter().map(|&y| y == 1.0).collect();
        let beta = vector(&golden["coef"]);
        let alpha = golden["alpha"].as_f64().expect("alpha");
        let point = logistic::evaluate(&data.tree, &x, &y, &beta, alpha).expect("regular");
        close(point.log_lik, log_lik, 1e-9, &format!("{what} logLik"));
        close(
            point.pen_log_lik,
            golden["penlogLik"].as_f64().expect("penlogLik"),
            1e-9,
            &format!("{what} penlogLik"),
        );
        // vcov is the inverse of the information.
        let vcov = flat(&golden["vcov"]);
        let d = beta.len();
        for i in 0..d {
            for j in 0..d {
                let product: f64 = (0..d)
                    .map(|k| point.information[i * d + k] * vcov[k * d + j])
                    .sum();
                assert!(
                    (product - f64::from(u8::from(i == j))).abs() < 1e-7,
                    "{what}: I V [{i}, {j}] = {product}"
                );
            }
        }
        compared += 1;
    }
    assert!(compared >= 30, "{compared} fits compared");
}

#[test]
fn golden_phyloglm_global() {
    let Some(root) = golden() else { return };
    let data = all(&root);
    for best in json(root.join("phylo/optimum.json"))["phyloglm"]
        .as_array()
        .expect("fits")
    {
        let (Some(optimum), "logistic_MPLE") = (best["opt_penlogLik"].as_f64(), text(best, "method")) else {
            continue;
        };
        let data = &data[text(best, "tree")];
        let (x, y) = design(data, text(best, "formula"));
        let y: Vec<bool> = y.iter().map(|&y| y == 1.0).collect();
        let settings = Logistic {
            global: true,
            ..Logistic::default()
        };
        let fit = settings.fit(&data.tree, &x, &y).expect("a fit");
        assert!(
            fit.pen_log_lik >= optimum - 1e-4,
            "{} {}: {} below {optimum}",
            best["tree"],
            best["formula"],
            fit.pen_log_lik
        );
    }
}

#[test]
fn golden_local_search() {
    let Some(root) = golden() else { return };
    let data = all(&root);
    let (mut same, mut total) = (0, 0);
    for golden in json(root.join("phylo/lbfgsb_compat.json"))
        .as_array()
        .expect("cases")
    {
        let case = text(golden, "case");
        let fit = if let Some(region) = case.strip_prefix("study: ") {
            super::association::logistic_of_study(&root, region)
        } else {
            let (tree, formula) = case.split_once(": ").expect("a case");
            let data = &data[tree];
            let (x, y) = design(data, formula);
            let y: Vec<bool> = y.iter().map(|&y| y == 1.0).collect();
            Logistic::default().fit(&data.tree, &x, &y).expect("a fit")
        };
        let expected = vector(&golden["R_coef"]);
        let scale = 1.0 + expected.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        let equal = fit
            .coefficients
            .iter()
            .zip(&expected)
            .all(|(a, b)| (a - b).abs() < 5e-4 * scale);
        same += u32::from(equal);
        total += 1;
        let reference = golden["R_penlogLik"].as_f64().expect("a number");
        if !equal {
            eprintln!(
                "{case}: {:?} alpha {} pen {}; R {expected:?} {} {reference}",
                fit.coefficients, fit.alpha, fit.pen_log_lik, golden["R_alpha"]
            );
        }
        assert!(
            fit.pen_log_lik >= reference - 0.05,
            "{case}: {} below {reference}",
            fit.pen_log_lik
        );
    }
    assert!(
        f64::from(same) >= 0.85 * f64::from(total),
        "{same} of {total} estimates equal R's"
    );
}

#[test]
fn every_method_fits_the_small_trees() {
    let Some(root) = golden() else { return };
    for name in ["t10", "t50", "odd12"] {
        let data = load(&root, name);
        let (x, y) = design(&data, "bin ~ pred");
        let y: Vec<bool> = y.iter().map(|&y| y == 1.0).collect();
        for method in [Method::Mple, Method::Mle, Method::Ig10] {
            let fit = Logistic {
                method,
                ..Logistic::default()
            }
            .fit(&data.tree, &x, &y)
            .expect("a fit");
            assert!(
                fit.log_lik.is_finite() && fit.se.iter().all(|se| *se > 0.0),
                "{name} {method:?}: {fit:?}"
            );
        }
    }
}
