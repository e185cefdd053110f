//! `study/`, `permulation/`, `bh/`: a small association study on the real tree, the law of permulations, adjusted
//! p-values.

use std::collections::HashMap;
use std::path::Path;

use neuropil_enhancers::associate::{Filters, Plan, Rounds, Study, foreground_nodes, foregrounds};
use neuropil_enhancers::matrix::{Matrix, read_species};
use neuropil_enhancers::phylo::{Logistic, LogisticFit};
use neuropil_enhancers::traits::{self, Kind};
use neuropil_enhancers::tree::{Choice, Tree, read};
use neuropil_math::stats::adjust::{Adjustment, adjust};

use crate::support::{close, golden, json, vector};

const TREE: &str = "zoonomia/Zoonomia_ChrX_lessGC40_241species_30Consensus.tree";

fn zoonomia(root: &Path) -> Tree {
    read(&root.join(TREE), &Choice::Only).expect("a tree").tree
}

fn study(root: &Path, column: &str, kind: Kind) -> Study {
    let species = read_species(&root.join("study/species.txt")).expect("species");
    let matrix = Matrix::read(&root.join("study/predictions.tsv"), Some(&species), false).expect("a matrix");
    let tree = zoonomia(root);
    let known: Vec<String> = tree.tip_names().map(str::to_owned).collect();
    let response = traits::read(&root.join("study/phenotypes.csv"), column, kind, &known).expect("a trait");
    let filters = Filters {
        min_foreground: 1,
        ..Filters::default()
    };
    Study::new(&tree, matrix, &response, filters).expect("a study")
}

pub(super) fn logistic_of_study(root: &Path, region: &str) -> LogisticFit {
    let study = study(root, "Vocal_Learner", Kind::Binary);
    let region = study
        .matrix
        .regions
        .iter()
        .position(|name| name == region)
        .expect("the region");
    let x = study.predictions(region);
    let kept: Vec<usize> = (0..x.len()).filter(|&tip| !x[tip].is_nan()).collect();
    let tree = study.tree.keep(&kept).expect("a tree");
    let design: Vec<f64> = kept.iter().flat_map(|&tip| [1.0, x[tip]]).collect();
    let y: Vec<bool> = kept.iter().map(|&tip| study.values[tip] == 1.0).collect();
    Logistic::default().fit(&tree, &design, &y).expect("a fit")
}

fn rows(root: &Path, name: &str) -> Vec<HashMap<String, String>> {
    let text = std::fs::read_to_string(root.join(name)).expect("a table");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    lines
        .map(|line| {
            header
                .iter()
                .map(|h| (*h).to_owned())
                .zip(line.split(',').map(str::to_owned))
                .collect()
        })
        .collect()
}

#[test]
fn golden_study_continuous() {
    let Some(root) = golden() else { return };
    let study = study(&root, "Brain.resid", Kind::Continuous);
    let results = Rounds::scan(&study, &Plan::default()).into_results();
    for expected in rows(&root, "study/expected_phylolm_BM.csv") {
        let found = results
            .iter()
            .find(|r| r.region == expected["ocr"])
            .expect("the region");
        let number = |key: &str| expected[key].parse::<f64>().expect(key);
        assert_eq!(found.n_species.to_string(), expected["n"]);
        assert_eq!(study.n_common().to_string(), expected["n_common"]);
        assert_eq!(
            found.fit.is_some(),
            expected["tested"] == "TRUE",
            "{}: {:?}",
            found.region,
            found.reason
        );
        let Some(fit) = found.fit else { continue };
        for (key, value) in [
            ("coef", fit.coef),
            ("se", fit.se),
            ("stat", fit.stat),
            ("p", fit.p),
            ("logLik", fit.log_lik),
            ("intercept", fit.intercept),
        ] {
            close(value, number(key), 1e-8, &format!("{} {key}", found.region));
        }
        close(found.q.expect("adjusted"), number("bh"), 1e-8, "bh");
    }
}

#[test]
fn golden_study_binary() {
    let Some(root) = golden() else { return };
    let study = study(&root, "Vocal_Learner", Kind::Binary);
    let results = Rounds::scan(&study, &Plan::default()).into_results();
    let (mut same, mut tested) = (0, 0);
    for expected in rows(&root, "study/expected_phyloglm_MPLE.csv") {
        let found = results
            .iter()
            .find(|r| r.region == expected["ocr"])
            .expect("the region");
        assert_eq!(found.n_species.to_string(), expected["n"]);
        assert_eq!(found.n_foreground.expect("binary").to_string(), expected["n1"]);
        assert_eq!(
            found.fit.is_some(),
            expected["tested"] == "TRUE",
            "{}: {:?}",
            found.region,
            found.reason
        );
        let Some(fit) = found.fit else { continue };
        let number = |key: &str| expected[key].parse::<f64>().expect(key);
        let coef = number("coef");
        let tolerance = if coef.abs() < 0.1 {
            0.02
        } else {
            5e-4 * (1.0 + coef.abs())
        };
        same += u32::from((fit.coef - coef).abs() < tolerance);
        tested += 1;
        assert!(fit.pen_log_lik.expect("penalised") >= number("penlogLik") - 0.05);
    }
    assert!(f64::from(same) >= 0.85 * f64::from(tested), "{same} of {tested}");
}

#[test]
fn golden_permulation_p_values() {
    let Some(root) = golden() else { return };
    let study = study(&root, "Brain.resid", Kind::Continuous);
    let plan = Plan {
        totals: vec![999],
        thresholds: Vec::new(),
        ..Plan::default()
    };
    let mut rounds = Rounds::scan(&study, &plan);
    rounds.run(None, &mut |_| {}).expect("no file is used");
    for expected in rows(&root, "study/expected_permulation_continuous.csv") {
        let found = rounds
            .results()
            .iter()
            .find(|r| r.region == expected["ocr"])
            .expect("the region");
        let permuted = found.permuted.expect("permulations");
        let number = |key: &str| expected[key].parse::<f64>().expect(key);
        assert_eq!(permuted.n, 999);
        let bound = 4.0 * number("mc_se").hypot(permuted.mc_se) + 0.002;
        assert!(
            (permuted.p - number("p_perm")).abs() < bound,
            "{}: {} {}",
            found.region,
            permuted.p,
            number("p_perm")
        );
    }
}

#[test]
fn golden_foregrounds() {
    let Some(root) = golden() else { return };
    let golden = json(root.join("permulation/permulation.json"));
    let tree = zoonomia(&root);
    let known: Vec<String> = tree.tip_names().map(str::to_owned).collect();
    let vocal = traits::read(
        &root.join("zoonomia/Boreoeutheria_VLtrait_MW.csv"),
        "Vocal_Learner",
        Kind::Binary,
        &known,
    )
    .expect("a trait");
    let kept: Vec<(usize, bool)> = vocal
        .species
        .iter()
        .zip(&vocal.values)
        .filter_map(|(name, value)| Some((tree.find(name)?, (*value)? == 1.0)))
        .collect();
    let tree = tree
        .keep(&kept.iter().map(|&(tip, _)| tip).collect::<Vec<_>>())
        .expect("a tree");
    let observed: Vec<bool> = kept.iter().map(|&(_, one)| one).collect();
    let binary = &golden["binary"];
    assert_eq!(tree.n_tips() as u64, binary["n_tips"].as_u64().expect("a count"));
    assert_eq!(
        observed.iter().filter(|&&one| one).count() as u64,
        binary["n_foreground"].as_u64().expect("a count")
    );
    assert_eq!(
        foreground_nodes(&tree, &observed) as u64,
        binary["n_foreground_internal_nodes"].as_u64().expect("a count")
    );
    close(
        tree.lengths().iter().sum(),
        binary["total_branch_length_after_pruning"]
            .as_f64()
            .expect("a length"),
        1e-9,
        "total length",
    );
    let (accepted, draws) = foregrounds(&tree, &observed, 1, "golden", 400);
    let accepted: Vec<Vec<bool>> = accepted
        .into_iter()
        .map(|found| found.expect("accepted"))
        .collect();
    let p = binary["acceptance_probability"].as_f64().expect("a probability");
    let rate = 400.0 / draws as f64;
    let se = binary["acceptance_se"]
        .as_f64()
        .expect("an error")
        .hypot(rate / 20.0);
    assert!(
        (rate - p).abs() < 4.0 * se,
        "accepted {rate}, expected {p} ± {se}"
    );
    for foreground in &accepted {
        assert_eq!(foreground_nodes(&tree, foreground), 21);
    }
    let n = binary["accepted"].as_f64().expect("a count");
    for tip in 0..tree.n_tips() {
        let expected = binary["inclusion_probability"][tree.tip_name(tip)]
            .as_f64()
            .expect("a probability");
        let found = accepted.iter().filter(|foreground| foreground[tip]).count() as f64 / 400.0;
        let se = (found.max(0.02) * (1.0 - found.min(0.98)) * (1.0 / n + 1.0 / 400.0)).sqrt();
        assert!(
            (found - expected).abs() < 4.5 * se,
            "{}: {found}, expected {expected} ± {se}",
            tree.tip_name(tip)
        );
    }
}

#[test]
fn golden_foregrounds_of_a_balanced_tree() {
    let Some(root) = golden() else { return };
    let golden = &json(root.join("permulation/permulation.json"))["balanced8_top3"];
    let tree = Tree::parse(golden["newick"].as_str().expect("a tree")).expect("a tree");
    // Three species of which two are sisters have one internal node.
    let observed = [true, true, true, false, false, false, false, false];
    assert_eq!(foreground_nodes(&tree, &observed), 1);
    let (_, draws) = foregrounds(&tree, &observed, 1, "eight", 20_000);
    let expected = golden["p_internal_1"].as_f64().expect("a probability");
    let rate = 20_000.0 / draws as f64;
    let se = (expected * (1.0 - expected) * (1.0 / 200_000.0 + 1.0 / draws as f64)).sqrt();
    assert!((rate - expected).abs() < 4.0 * se, "{rate} {expected} {se}");
}

#[test]
fn golden_adjusted_p_values() {
    let Some(root) = golden() else { return };
    let golden = json(root.join("bh/p_adjust.json"));
    let p = vector(&golden["p"]);
    for (key, how) in [
        ("BH", Adjustment::BenjaminiHochberg),
        ("BY", Adjustment::BenjaminiYekutieli),
        ("holm", Adjustment::Holm),
        ("bonferroni", Adjustment::Bonferroni),
    ] {
        for (found, expected) in adjust(&p, how).iter().zip(vector(&golden[key])) {
            assert!(
                found.is_nan() && expected.is_nan() || (found - expected).abs() < 1e-12,
                "{key}: {found} {expected}"
            );
        }
    }
}

#[test]
fn golden_released_table() {
    let Some(root) = golden() else { return };
    let text = neuropil_enhancers::text::read_to_string(&root.join("bh/pv_vocal_learning.tsv.gz"))
        .expect("the table");
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| {
            line.split('\t')
                .skip(1)
                .map(|field| field.trim().parse().expect("a number"))
                .collect()
        })
        .collect();
    assert_eq!(rows.len(), 33_716);
    let p: Vec<f64> = rows.iter().map(|row| row[2]).collect();
    let q = adjust(&p, Adjustment::BenjaminiHochberg);
    for (q, row) in q.iter().zip(&rows) {
        assert!((q - row[4]).abs() < 1e-12, "{q} {}", row[4]);
    }
    let below = |bound: f64| q.iter().filter(|&&q| q < bound).count();
    assert_eq!((below(0.05), below(0.1), below(0.15)), (3, 6, 8));
}
